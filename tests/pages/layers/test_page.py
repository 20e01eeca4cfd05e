"""The Layers page: every key and click selects what it says, and what is shown is what is computed."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event

import numpy as np
import pytest
from textual import events

from convtui.engine.feature_maps import FeatureMaps
from convtui.engine.spec import Floats
from convtui.engine.tracing import feeding
from convtui.pages.base.keys import PAGES
from convtui.pages.layers.page import LayersPage
from convtui.pages.step.page import StepPage
from convtui.paint.canvas import Canvas
from convtui.paint.grid import GridPane
from convtui.paint.text import significant
from convtui.state.network import Stack
from convtui.state.session import Session, Zoom
from convtui.store import session_file
from tests.support.driving import Driven, opened
from tests.support.example_sessions import lesson, session_on, step_of

DIGIT = (1, 28, 28)


def stacked(choice: str, layer: int | None = None, image: str = "mnist-7") -> Session:
    session = session_on(image, padding=1)
    stack = Stack.chosen(choice, session.picture.pixels.shape)
    return session.with_stack(stack if layer is None else stack.at(layer))


@asynccontextmanager
async def page(session: Session | None = None, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Driven]:
    """The Layers page of a session, the lesson if none is given, with its maps made."""
    async with opened(session or lesson(), size) as driven:
        await driven.press("3")
        await driven.app.workers.wait_for_complete()
        await driven.pilot.pause()
        assert isinstance(driven.page, LayersPage)
        yield driven


def value(session: Session) -> float:
    stack = session.stack
    maps = FeatureMaps(stack.layers, session.picture.pixels, stack.seed).activations(stack.layer)
    return float(maps.reshape(stack.maps())[stack.activation])


# -- showing


async def test_everything_of_a_layer_is_on_the_screen() -> None:
    async with page() as driven:
        for words in (
            "simple-cnn",
            "8*(4*3*3)+8 = 296",
            "7*7*288 = 14,112",
            "sees 7x7 pixels: rows 9 to 15, columns 9 to 15, centre 12, 12",
            f"activation [0, 3, 3] = {significant(value(driven.session))}",
            "63x63*",
            "Deeper layers see more (3x3 → 63x63)",
            "8 feature maps of conv",
            "9-15, 9-15",
        ):
            assert words in driven.text, words


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (200, 60)])
async def test_every_line_has_the_width_of_the_terminal(size: tuple[int, int]) -> None:
    async with page(stacked("lenet-5"), size) as driven:
        for key in ("home", "tab", "right", "pagedown", "end", "H"):
            await driven.press(key)
            assert {len(line) for line in driven.lines} == {size[0]}
            assert len(driven.lines) == size[1]


async def test_every_activation_is_shown_with_its_value_and_what_feeds_it() -> None:
    async with page() as driven:
        for _ in range(3):
            await driven.press("tab", "right", "pagedown")
            stack = driven.session.stack
            assert f"= {significant(value(driven.session))}" in driven.text
            fed = feeding(stack.summary.rows, stack.layer, stack.activation)
            grid = driven.pane("image").grid
            assert grid is not None
            assert grid.outline is not None
            assert list(grid.outline.rows) == fed[0].rows.tolist()
            assert list(grid.outline.columns) == fed[0].columns.tolist()


async def test_nothing_moves_while_an_activation_is_moved() -> None:
    async with page() as driven:
        names = ("image", "layer 1", "selected", "mosaic")
        before = {name: (driven.pane(name).region, driven.pane(name).cell_size) for name in names}
        for key in ("right", "down", "pagedown", "up", "left", "pageup"):
            await driven.press(key)
            assert {name: (driven.pane(name).region, driven.pane(name).cell_size) for name in names} == before


async def test_what_the_checks_find_is_gone_through() -> None:
    async with page(stacked("conv 3x3 8, bn, relu, conv 2x2 4 s3")) as driven:
        await driven.press("V")
        assert driven.said.startswith("1 of 2 · conv2d (layer 1): its bias of 8 numbers does nothing")
        await driven.press("V")
        assert driven.said == "2 of 2 · conv2d (layer 4), the last convolution, sees 4x4 of the 28x28 image"
        await driven.press("V")
        assert driven.said.startswith("1 of 2 · ")
    async with page(stacked("maxpool 2")) as driven:
        await driven.press("V")
        assert driven.said.startswith("the checks find nothing in these layers: bias, unread, field, dead")


async def test_dead_filters_are_those_of_the_maps_that_are_made() -> None:
    session = stacked("conv 1x1 2, leakyrelu, conv 28x28 64 p1, relu", 1)
    async with page(session) as driven:
        await driven.press("V")
        assert driven.said.endswith("output; not made: dead, as no values are at hand")
        await driven.press("end")
        await driven.app.workers.wait_for_complete()
        await driven.press("V")
        maps = FeatureMaps(session.stack.layers, session.picture.pixels, session.stack.seed)
        dead = int((maps.activations(4).max(axis=(1, 2)) == 0).sum())
        assert 1 < dead < 64
        told = f"1 of 1 · conv2d (layer 3): {dead} of 64 filters are dead on this image: channels "
        assert driven.said.startswith(told)


async def test_a_stack_that_does_not_fit_says_where_and_why() -> None:
    async with page(stacked("alexnet"), (80, 24)) as driven:
        await driven.press("end")
        assert "does not fit" in driven.text
        shown = " ".join(driven.text.split())
        assert "nearest legal" in shown
        error = driven.session.stack.summary.error
        assert error is not None
        assert driven.session.stack.layer == error.number - 1
        assert str(error.number) in shown


@pytest.mark.parametrize(("name", "side"), [("alexnet", 224), ("vgg-16", 224), ("lenet-5", 28)])
async def test_an_image_that_is_too_small_is_scaled_by_a_key(name: str, side: int) -> None:
    async with page(stacked(name, image="count-5x5")) as driven:
        assert f"R scales the image to {side} pixels: then every layer fits" in " ".join(driven.text.split())
        await driven.press("R")
        await driven.app.workers.wait_for_complete()
        await driven.pilot.pause()
        stack = driven.session.stack
        assert (stack.name, stack.summary.error, stack.input_shape) == (name, None, (1, side, side))
        assert driven.session.picture.resize == side
        assert "does not fit" not in driven.text
        await driven.press("R")
        assert driven.said == "every layer fits the image"
        await driven.press("u")
        assert driven.session.stack.input_shape == (1, 5, 5)


async def test_layers_that_fit_no_image_are_not_blamed_on_its_size() -> None:
    async with page(stacked("conv 3x3 8 p1, conv 3x3 9 g3")) as driven:
        assert "R scales" not in driven.text
        await driven.press("R")
        assert "no size of the image helps: layer 2" in driven.said


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_the_rows_above_and_below_are_counted(size: tuple[int, int]) -> None:
    async with page(stacked("resnet-18", 30, image="cat-64"), size) as driven:
        for keys in ([], ["home"], ["end"], ["g", *"20", "enter"]):
            await driven.press(*keys)
            told = next(line for line in driven.lines if "↑ " in line or "below ↓" in line)
            rows = [re.match(r"[ ▸] +([0-9]+) +\S", line) for line in driven.lines if line != told]
            shown = [int(row[1]) for row in rows if row]
            above = int((re.findall("↑ ([0-9]+) above", told) or ["0"])[0])
            below = int((re.findall("([0-9]+) below ↓", told) or ["0"])[0])
            has_total = "all layers" in driven.text
            assert shown[0] == above
            assert shown[-1] + 1 + has_total + below == len(driven.session.stack.summary.rows) + 1


async def test_holes_are_told_wherever_the_field_is() -> None:
    async with page(stacked("conv 3x3 8 p1, conv 3x3 8 p4 d4, relu")) as driven:
        for words in (
            "reads",
            "spans 11x11 pixels and reads 81: rows 9 to 19",
            "reads 81 of the 121 pixels that its field spans",
            "Deeper layers span more",
            "9-19, 9-19: 81",
            "10-18, 10-18: 9",
            "81 of 11x11 framed feed it",
        ):
            assert words in driven.text, words


async def test_sentences_are_hidden_by_a_key() -> None:
    async with page() as driven:
        assert "windows of windows" in driven.text
        await driven.press("H")
        assert "windows of windows" not in driven.text
        assert "framed" not in driven.text


async def test_zoom_is_asked_for() -> None:
    async with page() as driven:
        assert driven.zoom() is Zoom.HALF_BLOCKS
        await driven.press("+")
        assert driven.zoom() is Zoom.BLOCKS
        await driven.press("0")
        assert driven.zoom() is Zoom.HALF_BLOCKS


# -- selecting


async def test_keys_select() -> None:
    async with page() as driven:
        start = driven.session
        for keys, layer, activation in (
            (["right"], 3, (0, 3, 4)),
            (["h"], 3, (0, 3, 2)),
            (["down"], 3, (0, 4, 3)),
            (["k"], 3, (0, 2, 3)),
            (["pagedown"], 3, (1, 3, 3)),
            (["pagedown", "pageup"], 3, (0, 3, 3)),
            (["tab"], 4, (0, 3, 3)),
            (["right_square_bracket"], 4, (0, 3, 3)),
            (["shift+down"], 4, (0, 3, 3)),
            (["shift+tab"], 2, (0, 6, 6)),
            (["left_square_bracket"], 2, (0, 6, 6)),
            (["shift+up"], 2, (0, 6, 6)),
            (["home"], 0, (0, 12, 12)),
            (["end"], 10, (0, 0, 0)),
            (["end", "right"], 10, (1, 0, 0)),
            (["end", "down"], 10, (1, 0, 0)),
            (["r"], 3, (0, 0, 0)),
        ):
            driven.app.change(lambda _: start)
            await driven.press(*keys)
            stack = driven.session.stack
            assert (stack.layer, stack.activation) == (layer, activation), keys
            assert driven.session.index == 0


async def test_a_selection_is_undone() -> None:
    async with page() as driven:
        await driven.press("right", "right", "tab", "u")
        assert (driven.session.stack.layer, driven.session.stack.activation) == (3, (0, 3, 5))
        await driven.press("u")
        assert driven.session.stack.activation == (0, 3, 3)


def test_every_key_of_the_page_has_an_action() -> None:
    keys = PAGES["layers"]
    names = [name for key in keys for name in key.names.split(",")]
    assert len(names) == len(set(names))
    for key in keys:
        action = key.action.partition("(")[0]
        assert callable(getattr(LayersPage, f"action_{action}"))
        assert key.does


async def test_own_layers_are_unsaved_changes_and_a_selection_is_not() -> None:
    async with page() as driven:
        await driven.press("right", "tab")
        assert not driven.app.workspace.has_unsaved_changes
        await driven.press("w")
        assert driven.app.workspace.has_unsaved_changes
        await driven.press("W")
        assert not driven.app.workspace.has_unsaved_changes


async def test_go_to() -> None:
    async with page() as driven:
        for typed, layer, activation in (
            ("1,2", 3, (0, 1, 2)),
            ("7,1,2", 3, (7, 1, 2)),
            ("4,", 3, (4, 0, 0)),
            ("5", 5, (4, 0, 0)),
        ):
            await driven.press("g")
            await driven.enter(typed)
            stack = driven.session.stack
            assert (stack.layer, stack.activation) == (layer, activation)
        before = driven.session
        for typed in ("11", "4,0", "16,0,0", "1,2,3,4", "x"):
            await driven.press("g")
            await driven.enter(typed)
            assert driven.refused
            assert driven.session is before


async def test_clicks_select() -> None:
    async with page() as driven:
        await driven.click("selected", (2, 5))
        assert driven.session.stack.activation == (0, 2, 5)
        mosaic = driven.page._plan.value.tiling  # type: ignore[attr-defined]
        await driven.click("mosaic", mosaic.place((4, 1, 6)))
        assert driven.session.stack.activation == (4, 1, 6)
        before = driven.session
        await driven.click("mosaic", (0, 0))
        assert driven.session is before
        await driven.click("layer 1", (9, 10))
        assert (driven.session.stack.layer, driven.session.stack.activation) == (1, (3, 9, 10))
        await driven.click("image", (20, 7))
        assert (driven.session.stack.layer, driven.session.stack.activation) == (0, (0, 20, 7))
        await driven.click_on("conv 3x3 16 s2")
        assert driven.session.stack.layer == 5


async def test_the_wheel_scrolls_the_table() -> None:
    async with page(stacked("resnet-18", 1), (80, 24)) as driven:
        assert "residual" not in driven.text
        for _ in range(8):
            await driven.pilot._post_mouse_events([events.MouseScrollDown], offset=(10, 3))
        await driven.pilot.pause()
        assert "residual" in driven.text


async def test_it_plays_through_the_activations() -> None:
    async with page(stacked("conv 28x28 3", 1)) as driven:
        await driven.press("space")
        assert driven.page.playing
        for _ in range(100):
            if not driven.page.playing:
                break
            await driven.pilot.pause(0.02)
        assert driven.session.stack.activation == (2, 0, 0)
        await driven.press("space")
        assert "last activation" in driven.said


# -- opening a layer on the Step page


@pytest.mark.parametrize("layer", [1, 3])
async def test_a_layer_is_opened_with_its_real_input_and_weights(layer: int) -> None:
    start = stacked("simple-cnn", layer)
    async with page(start) as driven:
        await driven.press("right", "pagedown")
        shown = value(driven.session)
        activation = driven.session.stack.activation
        await driven.press("enter")
        await driven.pilot.pause()
        assert isinstance(driven.page, StepPage)
        session = driven.session
        assert session.position == activation
        assert step_of(session).value == pytest.approx(shown)
        is_first = layer == 1
        assert session.picture.name == ("mnist-7" if is_first else f"mnist-7 · layer {layer} input")
        again = session_file.loads(session_file.dumps(session), "opened.toml")
        np.testing.assert_array_equal(again.convolution.output, session.convolution.output)
        await driven.press("u", "3")
        assert driven.session.picture is start.picture
        assert driven.session.stack.layer == layer


async def test_a_layer_without_windows_is_not_opened() -> None:
    async with page(stacked("conv 3x3 4 p1, relu", 2)) as driven:
        await driven.press("enter")
        assert "has no windows" in driven.said
        assert isinstance(driven.page, LayersPage)


@pytest.mark.parametrize(
    ("layer", "shown"),
    [("maxpool 2", "max pool"), ("convtranspose 4x4 3 s2", "transposed"), ("gap", "adaptive avg")],
)
async def test_every_layer_with_windows_is_opened(layer: str, shown: str) -> None:
    async with page(stacked(f"conv 3x3 4 p1, {layer}", 2)) as driven:
        await driven.press("enter")
        assert isinstance(driven.page, StepPage)
        assert shown in driven.text
        assert "layer 2 input" in driven.text


# -- heavy stacks


async def test_keys_do_not_wait_for_heavy_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    may_go_on = Event()
    activations = FeatureMaps.activations

    def waiting(maps: FeatureMaps, layer: int) -> Floats:
        may_go_on.wait(20)
        return activations(maps, layer)

    monkeypatch.setattr(FeatureMaps, "activations", waiting)
    monkeypatch.setattr("convtui.pages.layers.map_maker.QUICK", 0)
    try:
        async with opened(stacked("simple-cnn", 5)) as driven:
            await driven.press("3")
            assert "computing…" in driven.text
            assert "15x15" in driven.text
            await driven.press("right", "tab", "tab", "enter")
            assert driven.session.stack.layer == 7
            assert "still being computed" in driven.said
            assert "computing…" in driven.text
            await driven.press("w")
            may_go_on.set()
            await driven.app.workers.wait_for_complete()
            await driven.pilot.pause()
            assert "computing…" not in driven.text
            assert f"= {significant(value(driven.session))}" in driven.text
    finally:
        may_go_on.set()


async def test_what_is_too_large_is_said() -> None:
    async with page(stacked("conv 3x3 2, flatten, linear 16777216", 3)) as driven:
        assert driven.refused
        assert "parameters" in driven.said
        await driven.press("shift+tab")
        assert not driven.refused


async def test_a_click_on_a_pane_that_is_gone_by_then_does_nothing() -> None:
    async with opened() as driven:
        await driven.press("3")
        before = driven.session
        driven.page.canvas.post_message(Canvas.Clicked(GridPane("layer 1"), (0, 0)))
        await driven.pilot.pause()
        await driven.press("escape")
        assert driven.session is before
