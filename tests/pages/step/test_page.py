"""The Step screen shows the session, lets one point at things, and stands still while one steps."""

import re
from typing import Any

import numpy as np
import pytest
from textual import events

from convtui.engine.convolution import Convolution
from convtui.paint.colours import DARK, LIGHT
from convtui.state.session import SESSION, Session, Zoom
from tests.support.driving import Driven, opened
from tests.support.example_sessions import counting, lesson, own, session_on, step_of


def places(driven: Driven) -> dict[str, Any]:
    names = ("image", "output", "window", "kernel", "products")
    return {name: (driven.pane(name).region, driven.pane(name).cell_size) for name in names}


async def test_everything_of_a_step_is_on_the_screen() -> None:
    async with opened(lesson().at(28 * 9 + 12)) as driven:
        step = step_of(driven.session)
        for words in (
            "mnist-7 1x28x28 · padding 1",
            "output[0, 9, 12] of 1x28x28 · step 265 of 784",
            "window",
            "kernel",
            "products",
            f"output[0, 9, 12] = {step.value:.4f}".rstrip("0"),
            "(28 + 1 + 1 − 1·(3 − 1) − 1) / 1 + 1 = 27 / 1 + 1 = 28",
            "stride‹1›",
            "q quit",
        ):
            assert words in driven.text, words


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 20)])
async def test_nothing_is_cut_off(size: tuple[int, int]) -> None:
    width, height = size
    async with opened(size=size) as driven:
        for session in (
            lesson(),
            session_on("count-5x5", dilation=2),
            session_on("cat-32", "random", size=11, filters=2).moved_channels(1).multiply_added(),
        ):
            driven.app.timelines.begin(SESSION, session)
            await driven.pilot.pause()
            assert len(driven.lines) == height
            assert {len(line) for line in driven.lines} == {width}
            for name in ("image", "output", "window", "kernel", "products"):
                pane = driven.pane(name)
                assert pane.grid is not None
                title, *hint = ("".join(s.text for s in pane.line(y)) for y in range(pane.heading))
                titles = filter(None, (pane.grid.title, pane.grid.short_title))
                assert title.startswith(tuple(titles)), name
                assert not hint or hint[0].startswith(pane.grid.hint), name


async def test_nothing_moves_while_stepping() -> None:
    biased = session_on("cat-32", "edges", stride=3).with_bias_value(0, 0.5)
    for session, size in ((biased, (80, 24)), (session_on("count-5x5"), (120, 40))):
        async with opened(session, size=size) as driven:
            before = places(driven)
            for change in (
                lambda s: s.moved(1),
                lambda s: s.multiply_added(),
                lambda s: s.multiply_added(20),
                lambda s: s.moved_channels(1),
                lambda s: s.finished(),
                lambda s: s.at(s.size - 1),
            ):
                driven.app.change(change)
                await driven.pilot.pause()
                assert places(driven) == before


async def test_inside_a_cell_the_running_sum_grows_and_the_products_appear() -> None:
    session = own([[[[1.0, 2.0], [3.0, 4.0]]]], counting(1, 3, 3))
    async with opened(session) as driven:
        assert "sum of products  1 + 4 + 12 + 20 = 37" in driven.text
        await driven.press("enter", "m")
        assert "multiply-add 2 of 4:  2 × 2 = 4,  running sum 1 + 4 = 5" in driven.text
        assert "sum of products  1 + 4 + … = 5" in driven.text
        grid = driven.pane("products").grid
        assert grid is not None
        assert grid.filled == 2


async def test_sentences_are_hidden_by_a_key() -> None:
    async with opened() as driven:
        assert "dots: not computed yet" in driven.text
        await driven.press("H")
        assert "dots: not computed yet" not in driven.text
        await driven.press("H")
        assert "dots: not computed yet" in driven.text


async def test_no_dots_are_spoken_of_once_all_is_computed() -> None:
    async with opened() as driven:
        await driven.press("f")
        assert "dots" not in driven.text
        assert "all 784 cells are computed" in driven.text
        await driven.press("r")
        assert "dots: not computed yet" in driven.text


async def test_the_footer_names_the_key_for_the_channels_where_there_are_some() -> None:
    async with opened(session_on("cat-32")) as driven:
        assert "c channel" in driven.bottom
        await driven.press("o")
        await driven.enter("mnist-7")
        assert "channel" not in driven.bottom


async def test_pixels_never_read_are_named() -> None:
    async with opened(lesson(stride=3, padding=0)) as driven:
        assert "never read by any window: row 27, column 27" in driven.text


# -- the mouse


async def test_a_click_on_an_output_cell_goes_there() -> None:
    async with opened() as driven:
        await driven.click("output", (4, 18))
        assert driven.session.position == (0, 4, 18)
        await driven.click("output", (27, 27))
        assert driven.session.index == driven.session.size - 1
        await driven.press("u")
        assert driven.session.index == 0


async def test_a_click_goes_to_a_cell_of_the_channel_on_show() -> None:
    async with opened(session_on("count-5x5", "edges").moved_channels(2)) as driven:
        await driven.click("output", (1, 2))
        assert driven.session.position == (2, 1, 2)


async def test_hovering_a_pixel_shows_the_cells_that_read_it() -> None:
    async with opened() as driven:
        await driven.hover("image", (5, 19))  # in the frame of the padding
        assert "image[0, 4, 18] is read by rows 3-5, columns 17-19" in driven.text
        grid = driven.pane("output").grid
        assert grid is not None
        touched = {(r, c) for _, r, c in driven.session.convolution.touched_by(0, 4, 18)}
        assert {cell for cell in np.ndindex(28, 28) if cell in grid.readers} == touched
        await driven.pilot.hover(offset=(0, 0))
        assert "is read by" not in driven.text


async def test_a_clicked_pixel_stays_until_escape() -> None:
    async with opened() as driven:
        await driven.click("image", (5, 19))
        await driven.pilot.hover(offset=(0, 0))
        assert "image[0, 4, 18] is read by" in driven.text
        await driven.press("right")
        assert "image[0, 4, 18] is read by" in driven.text
        await driven.press("escape")
        assert "is read by" not in driven.text


async def test_padding_can_not_be_pointed_at() -> None:
    async with opened() as driven:
        await driven.hover("image", (0, 0))
        assert "is read by" not in driven.text


async def test_hovering_a_weight_shows_the_pixel_that_it_multiplies() -> None:
    async with opened(lesson().at(28 * 9 + 12)) as driven:
        await driven.hover("kernel", (2, 1))
        grids = {name: driven.pane(name).grid for name in ("image", "window", "kernel", "products")}
        assert all(grids.values())
        assert {grids[name].focus for name in ("window", "kernel", "products")} == {(2, 1)}  # type: ignore[union-attr]
        assert grids["image"].focus == (9 + 2, 12 + 1)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("pointed", "cell", "change"),
    [
        ("kernel", (2, 2), lambda s: s.with_kernel_size(2)),
        ("image", (28, 28), lambda s: s.with_picture(counting())),
    ],
)
async def test_what_is_pointed_at_may_go_away(pointed: str, cell: tuple[int, int], change: Any) -> None:
    async with opened() as driven:
        await driven.hover(pointed, cell)
        driven.app.change(change)
        await driven.pilot.pause()
        assert "step 1 of" in driven.text
        assert "image[0, 27, 27]" not in driven.text


async def test_the_wheel_scrolls_what_is_larger_than_its_pane() -> None:
    async with opened(session_on("cat-64").with_view(zoom=Zoom.BLOCKS)) as driven:
        pane = driven.pane("image")
        top = pane.region.y + pane.heading
        assert pane.cell_at(0, top) == (0, 0)
        await driven.wheel("image", (3, 3), events.MouseScrollDown)
        (down, _) = pane.cell_at(0, top) or (0, 0)
        assert down > 0
        await driven.wheel("image", (down, 3), events.MouseScrollDown, shift=True)
        assert pane.cell_at(0, top) == (down, pane.region.width // 2 // 8)
        await driven.wheel("image", (down, 10), events.MouseScrollLeft)
        await driven.wheel("image", (down, 10), events.MouseScrollUp)
        assert pane.cell_at(0, top) == (0, 0)
        await driven.wheel("image", (3, 3), events.MouseScrollDown)
        await driven.press("down")
        assert pane.cell_at(0, top) == (0, 0), "the window comes back into view"


async def test_controls_are_clicked() -> None:
    start = lesson()
    async with opened(start) as driven:
        for text, after, setting, value in (
            ("›", "stride", "stride", (2, 2)),
            ("›", "padding", "pads", ((2, 2), (2, 2))),
            ("‹", "padding", "pads", ((0, 0), (0, 0))),
            ("›", "dilation", "dilation", (2, 2)),
            ("‹", "size", "kernel_size", (2, 2)),
            ("zeros", "", "padding_mode", "reflect"),
        ):
            driven.app.timelines.begin(SESSION, start)
            await driven.pilot.pause()
            await driven.click_on(text, after)
            assert getattr(driven.session.spec, setting) == value


async def test_a_clicked_value_can_be_typed() -> None:
    async with opened() as driven:
        await driven.click_on("3x3", "size")
        assert "size 3" in driven.bottom
        await driven.enter("size 3x5")
        assert driven.session.spec.kernel_size == (3, 5)
        await driven.click_on("top-edge", "n")
        await driven.enter("kernel box-blur")
        assert driven.session.kernel.name == "box-blur"


async def test_the_words_of_the_footer_are_clicked() -> None:
    async with opened() as driven:
        await driven.click_on("cell", "←→")
        assert driven.session.index == 1
        await driven.click_on("multiply-add", "enter")
        assert driven.session.taps == 1
        await driven.click_on("layers", "3 ")
        assert driven.app.current_mode == "layers"


# -- several filters


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_the_outputs_of_all_filters_lie_side_by_side(size: tuple[int, int]) -> None:
    async with opened(session_on("mnist-7", "edges"), size=size) as driven:
        assert [driven.grid(f"map {number}").title[:3] for number in range(4)] == ["▸0 ", " 1 ", " 2 ", " 3 "]
        await driven.press("pagedown")
        assert driven.session.position == (1, 0, 0)
        assert driven.grid("map 1").title == "▸1 top-edge"
        cells = driven.grid("map 3").cells
        every = -(-26 // cells.rows)
        shown = cells.patch(range(cells.rows), range(cells.columns), DARK).values
        np.testing.assert_array_equal(shown, driven.session.convolution.output[3, ::every, ::every])


async def test_a_click_on_a_small_output_goes_to_its_filter() -> None:
    async with opened(session_on("mnist-7", "edges").at(26 * 4 + 5)) as driven:
        await driven.click("map 2", (20, 20))
        assert driven.session.position == (2, 4, 5)
        await driven.press("u")
        assert driven.session.position == (0, 4, 5)


async def test_of_many_filters_those_around_the_current_one_are_shown() -> None:
    async with opened(session_on("mnist-7", "random", filters=20)) as driven:
        assert driven.grid("map 0").title == "▸0 random"
        driven.app.change(lambda session: session.moved_channels(17))
        await driven.pilot.pause()
        assert driven.grid("map 0").title == " 4 random"
        assert driven.grid("map 13").title == "▸17 random"
        await driven.click("map 15", (2, 1))
        assert driven.session.position[0] == 19


async def test_one_filter_has_the_page_to_itself() -> None:
    async with opened(session_on("mnist-7")) as driven:
        assert driven.zoom() is Zoom.BLOCKS
        await driven.press("i")
        assert driven.grid("map 1").title == " 1 bottom-edge"
        assert "n‹top-edge + bottom-edge›" in driven.lines[0]
        await driven.press("I")
        assert "1 bottom-edge" not in driven.text
        assert driven.zoom() is Zoom.BLOCKS


async def test_small_outputs_are_whole_however_large_padding_makes_them() -> None:
    async with opened(session_on("mnist-7", "edges", padding=3)) as driven:
        pane, cells = driven.pane("map 3"), driven.grid("map 3").cells
        assert pane.visible == (range(cells.rows), range(cells.columns))


# -- padding


@pytest.mark.parametrize("image", ["mnist-7", "digit-8x8-3", "count-5x5", "cat-64"])
@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_nothing_jumps_while_padding_is_changed(image: str, size: tuple[int, int], stride: int) -> None:
    async with opened(session_on(image, stride=stride), size=size) as driven:
        before = places(driven)
        for key in "pppPPPxp":
            await driven.press(key)
            assert places(driven) == before
            assert driven.pane("image").cell_size == driven.pane("output").cell_size


# -- words


async def test_a_sentence_says_what_the_page_is_until_hints_are_hidden() -> None:
    for size, words in (
        ((120, 40), "A kernel slides over the image: → next cell, space plays"),
        ((80, 24), "A kernel slides"),
        ((300, 60), "each step makes one output cell: → next cell, enter next product, space plays"),
    ):
        async with opened(size=size) as driven:
            assert words in driven.text
            await driven.press("H")
            assert "kernel slides" not in driven.text
            assert "F.conv2d(x, w," in driven.text


# -- the terminal


async def test_too_small_a_terminal_is_told_which_size_is_needed() -> None:
    async with opened(size=(59, 24)) as driven:
        assert "convtui needs 60x20; this terminal is 59x24" in driven.text
        assert "output[" not in driven.text
        await driven.press("right")
        assert driven.session.index == 1
        await driven.resize(60, 20)
        assert "convtui needs" not in driven.text
        assert "step 2 of 784" in driven.text
        await driven.resize(200, 19)
        assert "this terminal is 200x19" in driven.text


async def test_a_larger_terminal_gets_larger_cells() -> None:
    async with opened(size=(80, 24)) as driven:
        assert driven.zoom() is Zoom.HALF_BLOCKS
        await driven.resize(120, 40)
        assert driven.zoom() is Zoom.BLOCKS
        await driven.resize(310, 50)
        assert driven.zoom() is Zoom.NUMBERS


async def test_the_theme_changes_the_cells_too() -> None:
    async with opened() as driven:
        assert driven.pane("image").palette == DARK
        driven.app.theme = "convtui-light"
        await driven.pilot.pause()
        assert driven.pane("image").palette == LIGHT
        assert driven.app.session.index == 0


async def test_without_colour_signs_are_told_apart_by_grey(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened() as driven:
        palette = driven.pane("kernel").palette
        assert len({palette.negative, palette.zero, palette.positive}) == 3
        for colour in (palette.negative, palette.zero, palette.positive):
            assert len(set(colour)) == 1


async def test_sessions_of_every_kind_can_be_shown() -> None:
    sessions: list[Session] = [
        session_on("count-5x5", size=5),
        own([[[[1e-7]]]], counting(1, 1, 1)),
        own([[[[1e20]]]], counting(7, 2, 9), groups=1),
        session_on("cat-64", "edges", groups=1, padding="same").finished(),
        session_on("mnist-7", "random", size=11, filters=6).with_bias_value(3, -1e6),
        lesson(stride=28),
    ]
    async with opened(size=(80, 24)) as driven:
        for session in sessions:
            for shown in (session, session.at(session.size - 1, session.products), session.at(0, 0)):
                driven.app.timelines.begin(SESSION, shown)
                await driven.pilot.pause()
                assert {len(line) for line in driven.lines} == {80}


LARGE = np.ones((1, 1, 101, 101))  # 10,201 products for each output cell


@pytest.mark.parametrize("size", [(121, 59), (300, 100), (60, 20)])
async def test_no_frame_waits_for_a_screenful_of_a_large_kernel(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is pressed, multiply-adds for cells are few between two keys; the rest of them follows."""
    most, block = 0, Convolution.block

    def counted(convolution: Convolution, channel: int, rows: Any, columns: Any) -> Any:
        nonlocal most
        most = max(most, len(rows) * len(columns) * convolution.weight[0].size)
        return block(convolution, channel, rows, columns)

    monkeypatch.setattr(Convolution, "block", counted)
    async with opened(own(LARGE, counting(1, 400, 400)), size) as driven:
        for key in ("right", "f", "end", "t", "minus", "home", "p", "2", "1"):
            await driven.press(key)
        while driven.page.canvas.is_behind:
            await driven.pilot.pause()
        assert most <= 2**21 * 1.2  # the colour scale's sample is evenly spaced, so not exact
        assert driven.session.filled == driven.session.size
        rows, columns = driven.pane("output").visible
        shown = driven.pane("output")._visible_rows(driven.grid("output"))
        assert shown.computed == len(rows) * len(columns)
        assert "·" not in driven.pane("output").line(8)[0].text


async def test_a_key_is_answered_before_the_rest_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(own(LARGE, counting(1, 400, 400)).finished(), (121, 59)) as driven:
        block, steps = Convolution.block, list[int]()

        def watched(convolution: Convolution, *place: Any) -> Any:
            steps.append(driven.session.index)
            if len(steps) == 4:
                driven.app.post_message(events.Key("right", None))
            return block(convolution, *place)

        monkeypatch.setattr(Convolution, "block", watched)
        await driven.press("t")
        while driven.page.canvas.is_behind:
            await driven.pilot.pause()
        assert len(steps) > 20
        assert steps[:4] == [0] * 4
        assert steps[8:] == [1] * len(steps[8:])


async def test_products_that_are_not_those_of_the_numbers_shown_are_said_to_be_rounded() -> None:
    for size in ((80, 24), (120, 40)):
        async with opened(session_on("cat-32").at(216), size=size) as driven:
            assert re.search(r"= {1,2}-0\.63", driven.text)
            assert "rounded products" not in driven.text
        async with opened(session_on("cat-32", "box-blur").at(216), size=size) as driven:
            assert re.search(r"≈ {1,2}0\.07", driven.text)
            assert "rounded products" in driven.text
