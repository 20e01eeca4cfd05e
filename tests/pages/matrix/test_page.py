"""The Matrix page under the user's hands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from textual import events

from convtui.cli.render import render
from convtui.engine.transposed import TransposedConvolution
from convtui.pages.matrix.page import MatrixPage
from convtui.pages.matrix.panes import EquationsPane, OverviewPane
from convtui.pages.matrix.shown import shown_in
from convtui.pages.step.page import StepPage
from convtui.paint.canvas import Canvas
from convtui.paint.cells import ABSENT
from convtui.paint.colours import DARK
from convtui.paint.matrix_cells import MatrixCells
from convtui.state.session import Session, Zoom
from tests.support.driving import Driven, opened
from tests.support.example_sessions import counting, lesson, own, picture_of, session_on
from tests.support.operations import stepping


@asynccontextmanager
async def matrix_page(
    session: Session | None = None, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[Driven]:
    async with opened(session, size) as driven:
        await driven.press("2")
        await driven.pilot.pause()
        assert isinstance(driven.page, MatrixPage)
        yield driven


def small(**given: object) -> Session:
    """Nine pixels, four weights, a bias, four output cells."""
    weight = [[[[1.0, 2.0], [3.0, 0.0]]]]
    return own(weight, counting(rows=3, columns=3), bias=[1.0], **given)


async def test_the_step_of_the_step_page_is_the_row_here() -> None:
    async with opened() as driven:
        await driven.press("right", "right", "2")
        assert driven.grid("matrix").lit_row == 2
        await driven.press("down")
        assert driven.grid("matrix").lit_row == 30
        assert driven.grid("result").focus == (30, 0)
        await driven.press("1")
        assert driven.session.index == 30
        assert isinstance(driven.page, StepPage)


async def test_the_row_lights_what_it_reads() -> None:
    async with matrix_page(lesson().at(130)) as driven:
        row = driven.session.convolution.weight_matrix.row(130)
        assert driven.grid("across").readers.columns == set(row.indices.tolist())
        outline = driven.grid("image").outline
        assert outline
        assert (outline.rows, outline.columns) == (range(4, 7), range(18, 21))


async def test_the_view_follows_the_row_and_its_weights_and_all_move_together() -> None:
    async with matrix_page() as driven:
        for key in ["down"] * 6 + ["end"]:
            await driven.press(key)
            matrix = driven.pane("matrix")
            rows, columns = matrix.visible
            read = driven.session.convolution.weight_matrix.row(driven.session.index).indices
            assert driven.session.index in rows
            assert set(read.tolist()) <= set(columns)
            assert driven.pane("across").visible[1] == columns
            assert driven.pane("result").visible[0] == rows


async def test_the_wheel_over_a_vector_scrolls_the_matrix() -> None:
    async with matrix_page() as driven:
        await driven.wheel("across", (0, 3), events.MouseScrollDown)
        await driven.wheel("result", (20, 0), events.MouseScrollRight)
        rows, columns = driven.pane("matrix").visible
        assert rows.start > 0 < columns.start
        assert driven.pane("across").visible[1] == columns
        assert driven.pane("result").visible[0] == rows


async def test_the_cursor_names_a_cell() -> None:
    async with matrix_page(lesson().at(130)) as driven:
        await driven.press("shift+right")
        assert "M[130, 101] = weight[0, 0, 0, 0] = -1 · image[0, 3, 17] -> output[0, 4, 18]" in driven.text
        await driven.press("shift+right")
        assert driven.grid("kernel").focus == (0, 1)
        assert driven.grid("image").focus == (4, 19)
        await driven.press("shift+left", "shift+left")
        assert "a structural zero: this window does not read" in driven.text
        await driven.press("shift+down")
        assert driven.session.index == 131
        await driven.press("escape")
        assert driven.grid("matrix").focus is None


async def test_nothing_said_of_the_cursor_is_cut_on_a_small_terminal() -> None:
    async with opened(size=(80, 24)) as user:
        await user.press("2")
        for key in ("shift+right", "shift+down", "shift+down", "y", "y"):
            await user.press(key)
            assert "…" not in user.text
        assert "M[2, 0], a structural zero:" in user.text


async def test_dots_are_spoken_of_where_there_are_some() -> None:
    async with opened(size=(120, 40)) as user:
        await user.press("2", "v")
        assert "empty: structural zeros" in user.text
        await user.press("plus")
        assert "dots: structural zeros" in user.text


async def test_with_the_matrix_transposed_the_pictures_speak_of_columns() -> None:
    async with opened() as user:
        await user.press("2", "y")
        assert "framed: this column's pixels" in user.text
        assert "shared by all columns" in user.text


async def test_the_cursor_stays_in_the_matrix() -> None:
    async with matrix_page(small()) as driven:
        await driven.press("shift+right", *["shift+left"] * 3)
        assert driven.grid("matrix").focus == (0, 0)
        await driven.press(*["shift+right"] * 12, *["shift+down"] * 6)
        assert driven.grid("matrix").focus == (3, 8)


async def test_a_click_goes_to_a_cell_and_hovering_shows_another() -> None:
    async with matrix_page(small()) as driven:
        await driven.click("matrix", (2, 4))
        assert driven.session.index == 2
        assert "M[2, 4]" in driven.text
        await driven.hover("matrix", (1, 2))
        assert "M[1, 2]" in driven.text
        assert driven.session.index == 2
        outline = driven.grid("image").outline
        assert outline
        assert outline.columns == range(1, 3)
        await driven.hover("across", (0, 8))
        assert "M[2, 8]" in driven.text
        await driven.click("result", (3, 0))
        assert driven.session.index == 3


async def test_a_click_on_the_overview_goes_there_in_the_view() -> None:
    async with matrix_page() as driven:
        canvas = driven.page.query_one(Canvas)
        overview = next(pane for pane in canvas._panes.values() if isinstance(pane, OverviewPane))
        x, y = overview.region.x + 20, overview.region.y + 10
        await driven.pilot.click(offset=(x + canvas.region.x, y + canvas.region.y))
        rows, columns = driven.pane("matrix").visible
        cell = overview.cell_at(20, 10)
        assert cell
        row, column = cell
        assert row in rows
        assert column in columns
        assert driven.session.index == 0


async def test_the_flags_can_be_undone() -> None:
    async with matrix_page(small(padding=1)) as driven:
        for key, flag in (("v", "by_entry"), ("w", "with_padding"), ("y", "transposed")):
            await driven.press(key)
            assert getattr(driven.session.view, flag)
        await driven.press("u")
        view = driven.session.view
        assert not (view.by_entry)
        assert not (view.with_padding)
        assert not (view.transposed)


async def test_padding_as_columns() -> None:
    async with matrix_page() as driven:
        assert driven.grid("matrix").cells.columns == 784
        await driven.press("w")
        assert driven.grid("matrix").cells.columns == 900
        assert driven.grid("across").cells.columns == 900


async def test_the_transposed_matrix_has_pixels_for_rows() -> None:
    async with matrix_page(small().at(1)) as driven:
        await driven.press("y")
        grid = driven.grid("matrix")
        assert (grid.cells.rows, grid.cells.columns) == (9, 4)
        assert (grid.lit_row, grid.lit_column) == (None, 1)
        assert driven.grid("across").focus == (0, 1)
        await driven.press("shift+right", "shift+right", "shift+down")
        assert driven.session.index == 2
        assert driven.grid("matrix").focus == (2, 2)


async def test_a_multiply_add_is_a_cell_of_the_row() -> None:
    async with matrix_page(small().at(1)) as driven:
        await driven.press("enter", "enter", "enter")
        assert driven.grid("matrix").focus == (1, 4)


async def test_a_multiply_add_in_the_padding_is_no_cell_without_padding_columns() -> None:
    async with matrix_page(small(padding=1)) as driven:
        await driven.press("enter")
        assert driven.grid("matrix").focus is None
        await driven.press("w")
        assert driven.grid("matrix").focus == (0, 0)


async def test_letters() -> None:
    async with matrix_page(small()) as driven:
        await driven.press("a")
        assert "▸ αA + βB + γD + δE + b = P" in driven.text
        await driven.press("right")
        assert "▸ αB + βC + γE + δF + b = Q" in driven.text
        await driven.press("a")
        assert "αA" not in driven.text


async def test_too_many_letters_are_refused_with_the_reason() -> None:
    async with matrix_page() as driven:
        await driven.press("a")
        assert driven.refused
        assert "too many for letters" in driven.said
        assert not driven.session.view.letters


async def test_letters_end_where_the_image_grows_too_large() -> None:
    async with matrix_page(small()) as driven:
        await driven.press("a", "p", "p")
        assert "αA" not in driven.text
        assert driven.grid("matrix").cells.rows == 36


async def test_zoom() -> None:
    async with matrix_page() as driven:
        assert driven.zoom() == Zoom.HALF_BLOCKS
        await driven.press("plus", "plus")
        assert driven.zoom() == Zoom.NUMBERS
        await driven.press("minus")
        assert driven.zoom() == Zoom.BLOCKS


async def test_edit_is_done_on_the_step_page() -> None:
    async with matrix_page(small()) as driven:
        await driven.press("e")
        await driven.pilot.pause()
        assert isinstance(driven.page, StepPage)
        assert driven.editing


async def test_a_million_square() -> None:
    pixels = np.random.default_rng(0).random((1, 1024, 1024))
    async with matrix_page(session_on(picture_of(pixels), padding=1).at(500_000)) as driven:
        assert "1,048,576 x 1,048,576" in driven.text
        await driven.press("right", "down", "shift+right", "y", "v")
        rows, columns = driven.pane("matrix").visible
        assert driven.session.index in columns
        assert isinstance(driven.grid("matrix").cells, MatrixCells)
        assert rows


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize("keys", [[], ["y", "v"], ["w", "H"], ["a", "shift+right"]])
async def test_every_line_is_as_wide_as_the_screen(size: tuple[int, int], keys: list[str]) -> None:
    async with matrix_page(small(), size) as driven:
        await driven.press(*keys)
        assert {strip.cell_length for strip in driven.app.screen._compositor.render_strips()} == {size[0]}


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_nothing_jumps_while_stepping(size: tuple[int, int]) -> None:
    async with matrix_page(size=size) as driven:
        canvas = driven.page.query_one(Canvas)
        before = [pane.region for pane in canvas._panes.values()]
        await driven.press("down", "end", "shift+right", "home", "enter")
        assert [pane.region for pane in canvas._panes.values()] == before


async def test_playing_goes_on_here() -> None:
    async with matrix_page() as driven:
        await driven.press("space")
        assert driven.page.playing
        await driven.press("space")


async def test_equations_scroll() -> None:
    session = own(np.ones((1, 1, 1, 1)), counting(rows=2, columns=6))
    async with matrix_page(session, (80, 24)) as driven:
        await driven.press("a", "end")
        assert "▸ αM = " in driven.text
        canvas = driven.page.query_one(Canvas)
        pane = next(pane for pane in canvas._panes.values() if isinstance(pane, EquationsPane))
        pane.scroll(-50, 0)
        canvas.repaint()
        await driven.pilot.pause()
        assert "αA = " in driven.text


def test_render(tmp_path: Path) -> None:
    out = tmp_path / "matrix.txt"
    render(small(), out, "matrix", (80, 24))
    assert "weight matrix M 4x9 · row 0" in out.read_text()


# -- other operations


def tiny(layer: str, way: str = "") -> Session:
    """Sixteen pixels."""
    return stepping(session_on(counting(rows=4, columns=4)), layer, way)


MAX, MEAN, TURNED = "maxpool 2", "avgpool 2 s1", "convtranspose 2x2 1"


@pytest.mark.parametrize(
    ("layer", "way", "keys", "row", "column"),
    [
        (MAX, "", [], 1, None),
        (MEAN, "", [], 1, None),
        (TURNED, "gather", [], 1, None),
        (TURNED, "scatter", [], None, 1),
        (MAX, "", ["y"], None, 1),
        (TURNED, "gather", ["y"], None, 1),
        (TURNED, "scatter", ["y"], 1, None),
    ],
)
async def test_a_step_goes_along_a_line(
    layer: str, way: str, keys: list[str], row: int | None, column: int | None
) -> None:
    async with matrix_page(tiny(layer, way)) as driven:
        await driven.press(*keys, "right")
        grid = driven.grid("matrix")
        assert (grid.lit_row, grid.lit_column) == (row, column)
        line = shown_in(driven.session).line(1).indices
        across, result = driven.grid("across"), driven.grid("result")
        if row is None:
            assert across.focus == (0, 1)
            assert result.readers.rows == set(line.tolist())
        else:
            assert result.focus == (1, 0)
            assert across.readers.columns == set(line.tolist())
        assert f"{'column' if row is None else 'row'} 1" in driven.text


@pytest.mark.parametrize("keys", [[], ["y"]])
@pytest.mark.parametrize(("layer", "way"), [(MAX, ""), (MEAN, ""), (TURNED, "gather"), (TURNED, "scatter")])
async def test_the_cursor_goes_through_any_matrix(layer: str, way: str, keys: list[str]) -> None:
    async with matrix_page(tiny(layer, way)) as driven:
        await driven.press(*keys, "shift+right")
        first = driven.grid("matrix").focus
        await driven.press("shift+right", "shift+down")
        shown = shown_in(driven.session)
        assert first
        assert driven.grid("matrix").focus == (first[0] + 1, first[1] + 1)
        assert driven.session.index == 1
        name = f"{shown.name}[{first[0] + 1}, {first[1] + 1}]"
        assert name in driven.text
        await driven.click("matrix", (3, 2))
        assert driven.session.index == (3 if shown.is_by_row else 2)
        assert f"{shown.name}[3, 2]" in driven.text
        await driven.hover("matrix", (1, 1))
        assert f"{shown.name}[1, 1]" in driven.text
        await driven.hover("across" if shown.is_by_row else "result", (0, 2) if shown.is_by_row else (2, 0))
        assert f"{shown.name}[{'3, 2' if shown.is_by_row else '2, 2'}]" in driven.text
        await driven.press("escape")
        await driven.click("result" if shown.is_by_row else "across", (2, 0) if shown.is_by_row else (0, 1))
        assert driven.session.index == (2 if shown.is_by_row else 1)


async def test_the_winner_is_marked_in_image_window_and_vector() -> None:
    async with matrix_page(tiny(MAX).at(1)) as driven:
        assert driven.grid("across").focus == (0, 7)
        assert driven.grid("image").focus == (1, 3)
        assert driven.grid("kernel").focus == (1, 1)
        assert driven.grid("kernel").title == "window"


async def test_shares_stand_where_the_kernel_does() -> None:
    async with matrix_page(tiny(MEAN)) as driven:
        grid = driven.grid("kernel")
        assert (grid.title, grid.cells.text(0.25)) == ("shares", "1/4")
        await driven.press("v", "shift+right", "shift+right")
        grid = driven.grid("kernel")
        assert grid.focus == (0, 1)
        assert [grid.cells.text(value) for value in range(4)] == ["0,0", "0,1", "1,0", "1,1"]


async def test_what_has_landed_so_far_is_in_y() -> None:
    async with matrix_page(tiny(TURNED, "scatter").at(1)) as driven:
        y = driven.grid("result").cells
        patch = y.patch(range(y.rows), range(1), DARK)
        transposed = shown_in(driven.session).operation
        assert isinstance(transposed, TransposedConvolution)
        landed = transposed.landed(1, 4, 0, slice(None), slice(None))
        assert (patch.values[:, 0] == landed.ravel()).all()
        assert landed.any()
        assert (patch.kinds[:, 0] == ABSENT).sum() == 25 - 6
        for landed_on in (4, 5):
            await driven.press("enter")
            y = driven.grid("result").cells
            assert (y.patch(range(25), range(1), DARK).kinds == ABSENT).sum() == 25 - landed_on
        await driven.press("f")
        y = driven.grid("result").cells
        patch = y.patch(range(25), range(1), DARK)
        assert (patch.values[:, 0] == transposed.output.ravel()).all()
        assert not patch.kinds.any()


async def test_a_tap_is_a_cell_that_is_kept_in_view() -> None:
    async with matrix_page(stepping(lesson(), "convtranspose 3x3 1 s2", "scatter").at(300)) as driven:
        for _ in range(9):
            await driven.press("enter")
            row, column = driven.grid("matrix").focus or (-1, -1)
            rows, columns = driven.pane("matrix").visible
            assert column == 300
            assert row in rows
            assert column in columns


async def test_only_a_convolution_has_padding_columns_and_a_transposed_one_two_ways() -> None:
    async with matrix_page(tiny(MAX)) as driven:
        assert "colour" in driven.bottom
        assert "padding" not in driven.bottom
        await driven.press("w")
        assert driven.refused
        assert "only the matrix of a convolution" in driven.said
        assert not driven.session.view.with_padding
    async with matrix_page(tiny(TURNED, "scatter").at(2)) as driven:
        await driven.press("w")
        assert driven.session.way == "gather"
        assert driven.grid("matrix").lit_row == driven.session.index == 8  # where that pixel lands
        await driven.press("w")
        assert driven.session.way == "scatter"


async def test_the_convolution_stands_beside_its_transpose() -> None:
    async with matrix_page(stepping(lesson(), "convtranspose 3x3 1 s2")) as driven:
        assert "M " in driven.text
        assert "convolution" in driven.text
        assert "one is the other, mirrored" in driven.text
        assert "the transpose of the convolution's 784 x 3,249 matrix, not its inverse" in driven.text


async def test_letters_of_other_operations() -> None:
    for layer, line in (
        (MAX, "▸ max(A, B, E, F) = F = S"),
        (MEAN, "▸ (A + B + E + F) / 4 = S"),
    ):
        async with matrix_page(tiny(layer)) as driven:
            await driven.press("a")
            assert line in driven.text
    session = stepping(own([[[[1.0, 2.0]]]], counting(rows=2, columns=2)), "convtranspose 1x2 1")
    async with matrix_page(session) as driven:
        await driven.press("a")
        assert "▸ αA = P" in driven.text
        assert "βA + αB = Q" in driven.text
    async with matrix_page(stepping(lesson(), MAX)) as driven:
        await driven.press("a")
        assert driven.refused
        assert "too many for letters" in driven.said


@pytest.mark.parametrize("size", [(60, 20), (120, 40)])
@pytest.mark.parametrize(
    ("layer", "way"),
    [(MAX, ""), ("adaptiveavgpool 3", ""), (TURNED, "gather"), (f"{TURNED} s2 p1", "scatter")],
)
async def test_every_line_of_any_operation_is_as_wide_as_the_screen(
    layer: str, way: str, size: tuple[int, int]
) -> None:
    async with matrix_page(tiny(layer, way), size) as driven:
        canvas = driven.page.query_one(Canvas)
        before = [pane.region for pane in canvas._panes.values()]
        await driven.press("right", "down", "end", "home", "enter")
        assert [pane.region for pane in canvas._panes.values()] == before
        for keys in ([], ["y"], ["v", "shift+right"], ["y"], ["a"], ["H"]):
            await driven.press(*keys)
            assert {strip.cell_length for strip in driven.app.screen._compositor.render_strips()} == {size[0]}


@pytest.mark.parametrize("layer", ["maxpool 64", "avgpool 3 s1 p1", "adaptiveavgpool 1", "adaptivemaxpool 7"])
async def test_poolings_of_a_million_pixels(layer: str) -> None:
    pixels = np.random.default_rng(0).random((1, 1024, 1024))
    async with matrix_page(stepping(session_on(picture_of(pixels)), layer)) as driven:
        await driven.press("right", "shift+right", "y", "v", "end")
        assert driven.session.index == driven.session.size - 1


async def test_a_transposed_convolution_of_a_million_pixels() -> None:
    pixels = np.random.default_rng(0).random((1, 1024, 1024))
    session = stepping(session_on(picture_of(pixels)), "convtranspose 3x3 1 s2")
    async with matrix_page(session.at(500_000)) as driven:
        await driven.press("right", "shift+right", "w", "y", "v", "end")
        assert driven.session.index == driven.session.size - 1
