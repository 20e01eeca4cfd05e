"""The lines of a grid: marks are glyphs, never colour alone, and every line has its width."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment

from convtui.paint.cells import ImageCells, Patch, TableCells
from convtui.paint.colours import DARK, LIGHT, RGB, Palette
from convtui.paint.drawing import (
    BLOCKS,
    HALF_BLOCKS,
    NUMBERS,
    TALL_NUMBERS,
    WIDE_NUMBERS,
    Cell,
    CellSize,
    Grid,
    Holes,
    Outline,
    Readers,
    Rows,
    legend_line,
)
from tests.support.contrast import contrast
from tests.support.example_sessions import lesson, session_on
from tests.support.grids import grids

SIZES = (TALL_NUMBERS, WIDE_NUMBERS, NUMBERS, BLOCKS, HALF_BLOCKS)
sizes = pytest.mark.parametrize("size", SIZES, ids=["tall", "wide", "numbers", "blocks", "half-blocks"])


def zeros(rows: int = 4, columns: int = 4) -> Grid:
    return Grid(TableCells(np.zeros((rows, columns)), 0.0, 1.0), "title")


def rows_of(patch: Patch, origin: Cell, size: CellSize, palette: Palette = DARK) -> Rows:
    rows, columns = patch.values.shape
    made = Rows((rows, columns), origin, size, palette)
    made.add(patch)
    return made


def segments(grid: Grid, size: CellSize) -> list[list[Segment]]:
    cells = grid.cells
    patch = cells.patch(range(cells.rows), range(cells.columns), DARK)
    rows = rows_of(patch, (0, 0), size)
    return [rows.line(grid, line) for line in range(size.lines(cells.rows))]


def drawn(grid: Grid, size: CellSize) -> list[str]:
    return ["".join(segment.text for segment in line) for line in segments(grid, size)]


def colours(grid: Grid, size: CellSize, line: int) -> list[tuple[str, RGB | None, RGB | None]]:
    """Every character of a line with its foreground and background."""
    found: list[tuple[str, RGB | None, RGB | None]] = []
    for text, style, _ in segments(grid, size)[line]:
        assert style is not None
        foreground, background = (c.triplet if c else None for c in (style.color, style.bgcolor))
        found += [(char, foreground, background) for char in text]
    return found


# -- sizes


@sizes
@given(st.integers(0, 60))
def test_lines_and_rows_are_inverse(size: CellSize, rows: int) -> None:
    assert size.rows(size.lines(rows)) - rows in (0, 1 if size.half else 0)
    for row in range(rows):
        for line in size.lines_of(row):
            assert row - size.row_at(line) in (0, 1 if size.half else 0)
            assert line < size.lines(rows)


@sizes
@given(grids())
def test_every_line_is_as_long_as_its_cells(size: CellSize, grid: Grid) -> None:
    for line in segments(grid, size):
        assert Segment.get_line_length(line) == grid.cells.columns * size.width
        assert all(a.style != b.style for a, b in pairwise(line))


@sizes
def test_a_value_beyond_the_scale_keeps_to_its_cell(size: CellSize) -> None:
    """Such as a pixel edited by hand: the scale of the image stays as it was."""
    session = lesson().with_pixel_value(0, 0, 1, -12345.678).with_pixel_value(0, 0, 2, 1e-9)
    cells = ImageCells(session.picture, session.convolution.axes, 0, False)
    line = segments(Grid(cells, "title"), size)[size.lines_of(1)[size.height // 2]]
    assert Segment.get_line_length(line) == cells.columns * size.width


@sizes
@given(grids(), st.data())
def test_a_patch_from_elsewhere_draws_the_same_cells(size: CellSize, grid: Grid, data: st.DataObject) -> None:
    cells = grid.cells
    top = data.draw(st.integers(0, cells.rows - 1))
    top -= top % 2 if size.half else 0
    left = data.draw(st.integers(0, cells.columns - 1))
    patch = cells.patch(range(top, cells.rows), range(left, cells.columns), DARK)
    rows = rows_of(patch, (top, left), size)
    for line in range(size.lines(cells.rows - top)):
        text = "".join(segment.text for segment in rows.line(grid, line))
        assert text == drawn(grid, size)[size.lines(top) + line][left * size.width :]


@sizes
@given(grids(), grids())
def test_what_was_drawn_before_leaves_no_trace(size: CellSize, grid: Grid, other: Grid) -> None:
    """Cells that are not marked are styled once and kept; the marks of one grid are not."""
    cells = grid.cells
    rows, columns = range(cells.rows), range(cells.columns)
    outline = other.outline
    inside = outline and outline.rows[-1] in rows and outline.columns[-1] in columns
    before = replace(grid, filled=other.filled, focus=None, outline=outline if inside else None)
    kept = rows_of(cells.patch(rows, columns, DARK), (0, 0), size)
    for line in range(size.lines(cells.rows)):
        kept.line(before, line)
        assert kept.line(grid, line) == segments(grid, size)[line]


# -- numbers


def test_numbers_stand_in_their_cells_aligned() -> None:
    grid = Grid(TableCells(np.array([[0.0, -1.5], [12.25, 0.04]]), -20.0, 20.0), "title")
    assert drawn(grid, NUMBERS) == ["  0.0 -1.5", " 12.2  0.0"]
    assert drawn(grid, WIDE_NUMBERS) == ["  0.0  -1.5 ", " 12.2   0.0 "]
    assert drawn(grid, TALL_NUMBERS)[:3] == [" " * 12, "  0.0  -1.5 ", " " * 12]


def test_numbers_can_be_read_on_their_colour() -> None:
    grid = Grid(TableCells(np.array([[0.0, 1.0]]), 0.0, 1.0), "title")
    assert [colours(grid, NUMBERS, 0)[at] for at in (1, 6)] == [
        ("0", (255, 255, 255), (0, 0, 0)),
        ("1", (0, 0, 0), (255, 255, 255)),
    ]


# -- the window


def test_the_window_is_framed_in_quadrants() -> None:
    grid = replace(zeros(), outline=Outline(range(1, 4), range(1, 4)))
    assert drawn(grid, BLOCKS) == [
        "        ",
        "  ▛▀▀▀▀▜",
        "  ▌    ▐",
        "  ▙▄▄▄▄▟",
    ]


def test_the_frame_of_a_single_cell_or_row_is_closed() -> None:
    assert drawn(replace(zeros(1, 3), outline=Outline(range(1), range(1, 2))), BLOCKS) == ["  ▛▜  "]
    assert drawn(replace(zeros(1, 3), outline=Outline(range(1), range(3))), BLOCKS) == ["▛▀▀▀▀▜"]


def test_the_frame_leaves_the_numbers_alone() -> None:
    grid = replace(zeros(3, 4), outline=Outline(range(3), range(1, 4)))
    assert drawn(grid, WIDE_NUMBERS) == [" 0.00 ▌0.00  0.00  0.00▐"] * 3
    assert drawn(grid, TALL_NUMBERS)[::4] == [
        "      ▛▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▜",
        " 0.00 ▌0.00  0.00  0.00▐",
        "      ▙▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▟",
    ]


@pytest.mark.parametrize("size", [WIDE_NUMBERS, NUMBERS, TALL_NUMBERS])
def test_the_frame_never_hides_a_digit_or_a_sign(size: CellSize) -> None:
    grid = Grid(TableCells(np.full((1, 3), -9999.0), -9999.0, 9999.0), "title")
    framed = replace(grid, outline=Outline(range(1), range(3)))
    assert "".join(drawn(framed, size)).count("-9999") == 3


def test_half_blocks_frame_by_colour_and_keep_the_picture() -> None:
    plain, framed = zeros(6, 6), replace(zeros(6, 6), outline=Outline(range(1, 6, 2), range(1, 6, 2)))
    pixels = [[char[1:] for char in colours(grid, HALF_BLOCKS, 1)] for grid in (plain, framed)]
    changed = [a != b for a, b in zip(*pixels, strict=True)]
    assert changed == [False, True, True, True, True, True]


def test_pixels_between_the_taps_of_a_dilated_window_are_not_marked_as_read() -> None:
    grid = replace(zeros(5, 5), outline=Outline(range(0, 5, 2), range(0, 5, 2)))
    blocks, numbers = colours(grid, BLOCKS, 2), colours(grid, WIDE_NUMBERS, 2)
    assert len({blocks[2 * at][2] for at in (0, 2, 4)}) == len({blocks[2 * at][2] for at in (1, 3)}) == 1
    assert blocks[2 * 2][2] != blocks[2 * 1][2]
    assert numbers[6 * 2 + 1][1] == DARK.accent != numbers[6 * 1 + 1][1]


def test_half_blocks_tell_the_pixels_read_from_those_between_them_also_on_the_edge() -> None:
    grid = replace(zeros(6, 6), outline=Outline(range(0, 6, 2), range(0, 6, 2)))
    for line in (0, 2):
        tops = [above for _, above, _ in colours(grid, HALF_BLOCKS, line)]
        assert len({tops[0], tops[2], tops[4]}) == len({tops[1], tops[3]}) == 1
        assert tops[0] != tops[1]


def test_unread_pixels_between_holes_have_a_mark_in_small_cells() -> None:
    """Which pixels are read can be told without any colour: by the shape of each character."""
    read = np.zeros((4, 4), dtype=bool)
    read[0] = read[3] = True, False, True, True
    read[1, 3] = read[2, 0] = True
    grid = replace(zeros(6, 6), outline=Outline(range(4), range(1, 5), Holes(read)))
    told = {"█": (True, True), "▀": (True, False), "▄": (False, True), "·": (False, False)}
    for line, chars in enumerate(drawn(grid, HALF_BLOCKS)[:2]):
        marks = [told[char] for char in chars[1:5]]
        assert [above for above, _ in marks] == read[2 * line].tolist()
        assert [below for _, below in marks] == read[2 * line + 1].tolist()
    blocks = drawn(grid, BLOCKS)
    for row in range(4):
        assert ["·" in blocks[row][2 * at : 2 * at + 2] for at in range(1, 5)] == (~read[row]).tolist()
    assert not any("·" in line for line in blocks[4:])


def test_the_frame_of_a_dilated_window_goes_round_all_of_it() -> None:
    grid = replace(zeros(3, 3), outline=Outline(range(0, 3, 2), range(0, 3, 2)))
    assert drawn(grid, BLOCKS) == ["▛▀▀▀▀▜", "▌    ▐", "▙▄▄▄▄▟"]


@given(st.integers(0, 3), st.integers(0, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_an_outline_holds_its_hull_and_reads_its_taps(
    top: int, left: int, rows: int, columns: int, by: int
) -> None:
    outline = Outline(range(top, top + by * rows, by), range(left, left + by * columns, by))
    held = {(r, c) for r in range(20) for c in range(20) if outline.holds(r, c)}
    read = {(r, c) for r in range(20) for c in range(20) if outline.reads(r, c)}
    assert len(read) == rows * columns
    assert read <= held
    assert len(held) == ((rows - 1) * by + 1) * ((columns - 1) * by + 1)
    assert all(
        outline.edges(r, c)
        == tuple((r + y, c + x) not in held for y, x in ((-1, 0), (1, 0), (0, -1), (0, 1)))
        for r, c in held
    )


# -- what else is marked


def test_cells_not_computed_yet_are_dots() -> None:
    grid = replace(zeros(2, 3), filled=4)
    assert drawn(grid, BLOCKS) == ["      ", "  · · "]
    assert drawn(grid, NUMBERS)[1] == " 0.00    ·    ·"
    assert drawn(replace(zeros(4, 3), filled=0), HALF_BLOCKS) == ["···", "···"]
    assert drawn(replace(zeros(4, 3), filled=12), HALF_BLOCKS) == ["   ", "   "]


@sizes
def test_a_number_not_computed_yet_cannot_be_read(size: CellSize) -> None:
    values = np.full((4, 4), 0.37)
    hidden = Grid(TableCells(values, -1.0, 1.0), "title", filled=0)
    shown = replace(hidden, filled=None)
    assert not any(char.isdigit() for line in drawn(hidden, size) for char in line)
    for line in range(size.lines(4)):
        assert {c[2] for c in colours(hidden, size, line)}.isdisjoint(
            {c[2] for c in colours(shown, size, line)}
        )


def test_negative_blocks_carry_a_sign() -> None:
    grid = Grid(TableCells(np.array([[-1.0, 0.0, 1.0]]), -1.0, 1.0), "title")
    assert drawn(grid, BLOCKS) == ["─     "]
    assert drawn(Grid(TableCells(np.array([[0.0, 1.0]]), 0.0, 1.0), "title"), BLOCKS) == ["    "]


def test_unused_pixels_are_hatched() -> None:
    session = session_on("count-5x5", stride=3)
    grid = Grid(ImageCells(session.picture, session.convolution.axes, 0, False), "title")
    assert drawn(grid, BLOCKS) == ["      ╱╱╱╱"] * 3 + ["╱" * 10] * 2
    assert drawn(grid, WIDE_NUMBERS)[0] == "    1     2     3 ╱   4╱╱   5╱"


def test_padding_shows_what_is_read_there_but_is_not_hatched() -> None:
    session = session_on("count-5x5", padding=1)
    grid = Grid(ImageCells(session.picture, session.convolution.axes, 0, False), "title")
    assert drawn(grid, WIDE_NUMBERS)[1] == "    0     1     2     3     4     5     0 "
    assert colours(grid, WIDE_NUMBERS, 0)[4] == ("0", DARK.muted, DARK.padding)


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
def test_the_numbers_in_the_padding_can_be_read(mode: str, palette: Palette) -> None:
    session = session_on("count-5x5", padding=2, padding_mode=mode)
    cells = ImageCells(session.picture, session.convolution.axes, 0, False)
    patch = cells.patch(range(cells.rows), range(cells.columns), palette)
    rows = rows_of(patch, (0, 0), WIDE_NUMBERS, palette)
    for line in range(cells.rows):
        for _, style, _ in rows.line(Grid(cells, "title"), line):
            assert style is not None
            assert style.color is not None
            assert style.bgcolor is not None
            inks = style.color.triplet, style.bgcolor.triplet
            assert contrast(*inks) >= 3  # type: ignore[arg-type]


@sizes
def test_the_cell_being_computed_is_in_the_accent(size: CellSize) -> None:
    grid = replace(zeros(), focus=(2, 1))
    line = size.lines_of(2)[size.height // 2]
    marked = {
        at // size.width for at, char in enumerate(colours(grid, size, line)) if DARK.accent in char[1:]
    }
    assert marked == {1}


def test_the_focus_is_a_glyph_in_blocks() -> None:
    assert drawn(replace(zeros(1, 3), focus=(0, 1), filled=0), BLOCKS) == ["· ▐▌· "]


def test_cells_that_read_the_pixel_are_marked() -> None:
    grid = replace(zeros(2, 3), readers=Readers(frozenset({0}), frozenset({1, 2})), filled=2)
    assert drawn(grid, BLOCKS) == ["  ▗▖▗▖", "· · · "]
    marked = [char[2] for char in colours(grid, NUMBERS, 0)]
    assert marked[5] != marked[0]
    assert (
        colours(replace(zeros(2, 3), readers=Readers(frozenset({0}), frozenset({1}))), HALF_BLOCKS, 0)[1][1]
        == DARK.reader
    )


def test_an_odd_last_row_in_half_blocks_has_the_background_below() -> None:
    last = colours(zeros(3, 2), HALF_BLOCKS, 1)
    assert last == [("▀", (0, 0, 0), DARK.background)] * 2


# -- the scale


def test_the_scale_names_its_ends_and_zero() -> None:
    signed = Grid(TableCells(np.zeros((1, 1)), -2.5, 2.5), "title")
    assert "".join(s.text for s in legend_line(signed, 40, DARK)) == "-2.5 █████ 0 █████ 2.5"
    plain = Grid(TableCells(np.zeros((1, 1)), 0.0, 255.0), "title")
    assert "".join(s.text for s in legend_line(plain, 40, DARK)) == "0 ███████████ 255"


def test_the_scale_has_the_colours_of_its_ends() -> None:
    signed = Grid(TableCells(np.zeros((1, 1)), -2.5, 2.5), "title")
    bars = [
        s.style.color.triplet
        for s in legend_line(signed, 40, DARK)
        if "█" in s.text and s.style and s.style.color
    ]
    assert (tuple(bars[0]), tuple(bars[-1])) == (DARK.negative, DARK.positive)  # type: ignore[arg-type]


@given(st.integers(30, 120), st.sampled_from([(0.0, 1.0), (-2.98, 2.98), (0.0, 65535.0), (-1e7, 1e7)]))
def test_the_scale_fits(width: int, scale: tuple[float, float]) -> None:
    grid = Grid(TableCells(np.zeros((1, 1)), *scale), "title")
    assert Segment.get_line_length(legend_line(grid, width, DARK)) <= width
