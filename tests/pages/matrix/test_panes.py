"""The matrix as it is drawn, what moves with it, and the map of the whole."""

import numpy as np
import pytest
from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from textual.geometry import Region

from convtui.engine.equations import equations
from convtui.engine.matrix import WeightMatrix
from convtui.engine.operation_matrix import OperationMatrix
from convtui.engine.pooling import Pooling
from convtui.pages.matrix.cells import VectorCells
from convtui.pages.matrix.panes import (
    EquationsPane,
    MatrixPane,
    OverviewPane,
    VectorPane,
    overview_characters,
)
from convtui.pages.matrix.shown import shown_in
from convtui.paint.colours import DARK
from convtui.paint.drawing import BLOCKS, HALF_BLOCKS, NUMBERS, CellSize, Grid
from convtui.paint.matrix_cells import MatrixCells
from convtui.paint.text import number_format
from tests.support.example_sessions import counting, lesson, own, session_on
from tests.support.operations import stepping


def small() -> WeightMatrix:
    weight = [[[[1.0, 2.0], [-3.0, 0.0]]]]
    return own(weight, counting(rows=3, columns=3)).convolution.weight_matrix


def cells_of(matrix: WeightMatrix) -> MatrixCells:
    return MatrixCells(matrix, number_format(-3, 3, True), matrix.weight)


def vector(size: int, lying: bool) -> Grid:
    return Grid(VectorCells(size, lying, (0.0, 1.0), lambda along: np.zeros(len(along))), "v")


def panes(
    matrix: OperationMatrix, cells: CellSize, region: Region
) -> tuple[MatrixPane, VectorPane, VectorPane, OverviewPane]:
    above, beside, overview = VectorPane("across"), VectorPane("result"), OverviewPane()
    pane = MatrixPane(above, [beside], overview)
    pane.place(region, cells, False, DARK)
    above.place(Region(0, 0, region.width, 2), cells, False, DARK)
    beside.place(Region(0, 0, cells.width, region.height), cells, False, DARK)
    overview.place(Region(0, 0, 20, 11), False, DARK)
    overview.show(matrix)
    above.show(vector(matrix.shape[1], True))
    beside.show(vector(matrix.shape[0], False))
    return pane, above, beside, overview


def text(line: list[Segment]) -> str:
    return "".join(segment.text for segment in line)


def drawn(cells: CellSize, lit_row: int | None = None, lit_column: int | None = None) -> list[str]:
    matrix = small()
    pane, *_ = panes(matrix, cells, Region(0, 0, 9 * cells.width, 5))
    pane.show(Grid(cells_of(matrix), "M", lit_row=lit_row, lit_column=lit_column))
    return [text(pane.line(1 + row)) for row in range(cells.lines(4))]


def test_dots_are_where_no_weight_is_and_a_weight_of_0_is_a_cell() -> None:
    # α β . γ δ with γ = -3 and δ = 0
    assert drawn(NUMBERS)[0] == "    1    2    ·   -3    0    ·    ·    ·    ·"
    assert drawn(BLOCKS)[0] == "    · ─   · · · · "


def test_a_line_runs_through_the_current_row_and_leaves_its_weights() -> None:
    assert drawn(BLOCKS, lit_row=0)[:2] == ["    ━━─   ━━━━━━━━", drawn(BLOCKS)[1]]
    assert drawn(NUMBERS, lit_row=0)[0].startswith("    1    2━━━━━   -3    0━━━━━")


def test_a_line_runs_through_the_current_column_of_the_transposed_matrix() -> None:
    assert [line[4] for line in drawn(BLOCKS, lit_column=2)] == ["┃", " ", "┃", "┃"]
    assert drawn(NUMBERS, lit_column=2)[0][14] == "┃"


def test_half_blocks_show_the_line_by_colour_and_leave_the_weights() -> None:
    matrix = small()
    cells = cells_of(matrix)
    pane, *_ = panes(matrix, HALF_BLOCKS, Region(0, 0, 9, 4))
    pane.show(Grid(cells, "M"))
    plain = [segment.style for segment in pane.line(1)]
    pane.show(Grid(cells, "M", lit_row=0))
    assert [segment.style for segment in pane.line(1)] != plain


@pytest.mark.parametrize("mark", ["lit_row", "lit_column"])
def test_a_line_that_moves_repaints_where_it_was_and_is(mark: str) -> None:
    matrix = lesson().convolution.weight_matrix
    cells = cells_of(matrix)
    pane, *_ = panes(matrix, BLOCKS, Region(0, 0, 40, 21))
    for at in (3, 4):
        pane.changes()
        row, column = (at, None) if mark == "lit_row" else (None, at)
        pane.show(Grid(cells, "M", lit_row=row, lit_column=column))
    changes = pane.changes()
    rows = {y for change in changes for y in change.line_range}
    columns = {x for change in changes for x in range(*change.column_span)}
    assert (rows, columns) == (
        ({4, 5}, set(range(40))) if mark == "lit_row" else (set(range(1, 21)), set(range(6, 10)))
    )


def test_all_scroll_together() -> None:
    matrix = lesson().convolution.weight_matrix
    pane, above, beside, overview = panes(matrix, HALF_BLOCKS, Region(0, 0, 40, 21))
    pane.show(Grid(cells_of(matrix), "M"))
    overview.changes()
    beside.scroll(2, 3)
    assert pane.visible == (range(10, 50), range(15, 55))
    assert above.visible[1] == pane.visible[1]
    assert beside.visible[0] == pane.visible[0]
    assert overview.changes()
    pane.centre_on(400, 300)
    assert pane.visible == (range(380, 420), range(280, 320))


def test_the_map_has_a_dot_where_the_matrix_has_weights() -> None:
    matrix = session_on("digit-8x8-3").convolution.weight_matrix
    characters = overview_characters(matrix, 9, 32)
    bits = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]]
    dots = np.array(
        [
            [bool(characters[y // 4, x // 2] - 0x2800 & bits[y % 4][x % 2]) for x in range(64)]
            for y in range(36)
        ]
    )
    ones = own(np.ones((1, 1, 3, 3)), session_on("digit-8x8-3").picture).convolution.weight_matrix
    assert np.array_equal(dots, ones.toarray() != 0)


def test_the_map_marks_what_is_in_view_and_knows_its_cells() -> None:
    matrix = lesson().convolution.weight_matrix
    pane, *_, overview = panes(matrix, HALF_BLOCKS, Region(0, 0, 40, 21))
    pane.show(Grid(cells_of(matrix), "M"))
    plain = overview.line(10)
    assert len(overview.line(1)) > len(plain)
    assert {sum(map(len, map(text, [[s] for s in overview.line(y)]))) for y in range(11)} == {20}
    assert overview.cell_at(0, 0) is None
    cell = overview.cell_at(10, 6)
    assert cell
    row, column = cell
    assert (row // 79, column // 40) == (5, 10)


def test_a_matrix_all_in_view_is_not_marked() -> None:
    matrix = small()
    pane, *_, overview = panes(matrix, BLOCKS, Region(0, 0, 18, 5))
    pane.show(Grid(cells_of(matrix), "M"))
    assert len(overview.line(1)) <= 2
    overview.place(overview.region, True, DARK)
    assert "all of it" in text(overview.line(1))


def test_equations_mark_the_current_one_and_its_term() -> None:
    letters = equations(own([[[[1.0, 2.0]]]], counting(rows=1, columns=4), bias=[1.0]).convolution)
    pane = EquationsPane()
    pane.place(Region(0, 0, 30, 3), DARK)
    pane.show(letters, 2, 3)
    lines = [text(pane.line(y)) for y in range(3)]
    assert {len(line) for line in lines} == {30}
    assert lines[2].strip() == "▸ αC + βD + b = R"
    accent = Color.from_triplet(ColorTriplet(*DARK.accent))
    assert [each.text for each in pane.line(2) if each.style and each.style.bgcolor == accent] == ["βD"]
    assert pane.changes()
    pane.show(letters, 2, 3)
    assert not pane.changes()


def test_an_equation_too_long_for_spaces_does_without() -> None:
    letters = equations(own([[[[1.0, 2.0]]]], counting(rows=1, columns=4)).convolution)
    pane = EquationsPane()
    pane.place(Region(0, 0, 12, 4), DARK)
    pane.show(letters, 0, None)
    assert text(pane.line(1)) == "▸ αA+βB=P   "


def mirrored(region: Region, hinted: bool = True, step: tuple[int, int] = (-1, 3)) -> OverviewPane:
    """The map of a transposed convolution's matrix 81x16 beside that of the convolution's."""
    session = stepping(session_on(counting(rows=4, columns=4)), "convtranspose 3x3 1 s2")
    matrix = shown_in(session).matrix
    pane, *_, overview = panes(matrix, HALF_BLOCKS, Region(0, 0, 40, 21))
    overview.place(region, hinted, DARK)
    overview.show(matrix, ("M", "convolution"), step)
    pane.show(Grid(cells_of(session.convolution.weight_matrix), "M"))
    return overview


@pytest.mark.parametrize("region", [Region(0, 0, 60, 20), Region(0, 0, 31, 12), Region(0, 0, 13, 6)])
def test_a_matrix_beside_its_mirror_image(region: Region) -> None:
    overview = mirrored(region)
    lines = [text(overview.line(y)) for y in range(region.height)]
    assert {len(line) for line in lines} == {region.width}
    assert lines[0].startswith("M")
    assert "conv" in lines[0]
    left, right = overview._maps
    assert left.matrix.shape == right.matrix.shape[::-1]
    assert np.array_equal(left.matrix.toarray(), right.matrix.toarray().T)
    (height, width), (other_height, other_width) = left.size, right.size
    assert height >= other_height
    assert width <= other_width
    assert width + other_width < region.width


def test_the_shapes_are_said_where_there_is_room() -> None:
    assert text(mirrored(Region(0, 0, 60, 20)).line(0)).split() == ["M", "81x16", "convolution", "16x81"]
    assert text(mirrored(Region(0, 0, 60, 20)).line(1)).startswith("one is the other, mirrored")
    assert text(mirrored(Region(0, 0, 13, 6)).line(0)).split() == ["M", "conv"]


def test_the_line_of_the_step_is_marked_in_both() -> None:
    overview = mirrored(Region(0, 0, 60, 20))
    accent = Color.from_triplet(ColorTriplet(*DARK.accent))
    left, right = overview._maps
    marked = {
        (y, x)
        for y in range(2, 20)
        for x, style in enumerate(each.style for each in overview.line(y) for _ in each.text)
        if style and style.bgcolor == accent
    }
    columns = {x for _, x in marked if x < left.size[1]}
    rows = {y for y, x in marked if x >= left.size[1]}
    assert columns == {3 * left.size[1] // 16}
    assert rows == {2 + 3 * right.size[0] // 16}
    overview.changes()
    overview.show(left.matrix, ("M", "convolution"), (-1, 4))
    assert overview.changes()


def test_a_place_of_the_mirror_image_is_a_cell_of_the_matrix() -> None:
    overview = mirrored(Region(0, 0, 60, 20))
    left, right = overview._maps
    start = left.size[1] + 2
    assert overview.cell_at(0, 2) == left.cell_at(0, 0)
    row, column = overview.cell_at(start + right.size[1] - 1, 2) or (0, 0)
    assert row > 70
    assert column < 4
    assert overview.cell_at(left.size[1], 2) is None


def test_equations_of_poolings_say_what_they_are() -> None:
    for layer, words, line in (
        ("maxpool 1x2", "each output cell is the greatest of its window", "▸ max(A, B) = B = P"),
        ("avgpool 1x2", "each output cell is the mean of its window", "▸ (A + B) / 2 = P"),
    ):
        operation = stepping(own([[[[1.0]]]], counting(rows=1, columns=4)), layer).operation
        pane = EquationsPane()
        pane.place(Region(0, 0, 60, 4), DARK)
        assert isinstance(operation, Pooling)
        pane.show(equations(operation), 0, 1)
        assert [text(pane.line(y)).strip() for y in range(2)] == [words, line]
        accent = Color.from_triplet(ColorTriplet(*DARK.accent))
        assert [each.text for each in pane.line(1) if each.style and each.style.bgcolor == accent] == ["B"]
