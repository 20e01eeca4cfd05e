"""The keys, words and controls that change a stack of layers change that and nothing else."""

from convtui.engine.presets import NAMES
from convtui.paint.text import significant
from tests.pages.layers.test_page import page, stacked, value


async def test_networks_and_weights_are_gone_through() -> None:
    async with page() as driven:
        await driven.press("n")
        assert driven.session.stack.name == NAMES[NAMES.index("simple-cnn") + 1]
        await driven.press("N", "w", "w", "W")
        assert (driven.session.stack.name, driven.session.stack.seed) == ("simple-cnn", 1)
        assert f"= {significant(value(driven.session))}" in driven.text


async def test_the_keys_of_a_convolution_change_the_selected_layer() -> None:
    async with page() as driven:
        start = driven.session
        for key, parameter, expected in (
            ("t", "stride", (3, 3)),
            ("T", "stride", (1, 1)),
            ("d", "dilation", (2, 2)),
            ("z", "kernel_size", (4, 4)),
            ("p", "pads", ((2, 2), (2, 2))),
            ("P", "pads", ((0, 0), (0, 0))),
            ("x", "padding_mode", "reflect"),
            ("G", "groups", 2),
        ):
            driven.app.change(lambda _: start)
            await driven.press(key)
            assert getattr(driven.session.stack.window.spec, parameter) == expected
            assert driven.session.convolution is start.convolution
            assert "custom" in driven.lines[0]


async def test_filters_are_changed_and_refused() -> None:
    async with page(stacked("conv 3x3 2, maxpool 2, relu", 1)) as driven:
        await driven.press("i", "i", "I")
        assert driven.session.stack.window.out_channels == 3  # type: ignore[attr-defined]
        await driven.press("tab", "i")
        assert "has no filters" in driven.said
        await driven.press("tab", "t")
        assert "has no window" in driven.said


async def test_pools_are_padded() -> None:
    async with page(stacked("maxpool 3", 1)) as driven:
        await driven.press("p")
        assert driven.session.stack.text == "maxpool 3 p1"
        await driven.press("p")
        assert driven.refused


async def test_layers_are_typed() -> None:
    async with page() as driven:
        await driven.press("e")
        await driven.enter("layers conv 5x5 2, relu")
        assert driven.session.stack.text == "conv 5x5 2, relu"
        for typed, text in (
            ("stride 2,1", "conv 5x5 2 s2x1, relu"),
            ("padding 1", "conv 5x5 2 s2x1 p1, relu"),
            ("filters 3", "conv 5x5 3 s2x1 p1, relu"),
            ("mode reflect", "conv 5x5 3 s2x1 p1 reflect, relu"),
            ("groups 1", "conv 5x5 3 s2x1 p1 reflect, relu"),
            ("size 3", "conv 3x3 3 s2x1 p1 reflect, relu"),
            ("layers resnet-18", "resnet-18"),
        ):
            await driven.press(":")
            await driven.enter(typed)
            assert driven.session.stack.text == text, driven.said
        await driven.press(":")
        await driven.enter("layers resnet-19")
        assert "resnet-18" in driven.said


async def test_controls_are_clicked() -> None:
    async with page() as driven:
        await driven.click_on("›", "stride")
        assert driven.session.stack.window.spec.stride == (3, 3)
        await driven.click_on("›", "tab")
        assert driven.session.stack.layer == 4
        await driven.click_on("custom")
        assert "network conv 3x3 4 s2 p1" in driven.bottom
        await driven.enter("network lenet-5")
        assert driven.session.stack.name == "lenet-5"
        await driven.click_on("seed 0")
        await driven.enter("weights 6")
        assert driven.session.stack.seed == 6


async def test_another_picture_keeps_the_stack() -> None:
    async with page(stacked("lenet-5", 4)) as driven:
        driven.app.open("cat-32")
        await driven.pilot.pause()
        stack = driven.session.stack
        assert (stack.name, stack.layer, stack.input_shape) == ("lenet-5", 4, (3, 32, 32))
