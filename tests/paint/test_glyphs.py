"""Arrays of characters become lines of segments."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment

from convtui.paint.colours import DARK, style
from convtui.paint.glyphs import Glyphs

RED = style((255, 0, 0), DARK.background)


def test_neighbours_of_one_style_are_one_segment() -> None:
    glyphs = Glyphs(1, 8, DARK)
    assert glyphs.write(0, 2, "ab", RED) == 4
    (line,) = glyphs.lines()
    assert [segment.text for segment in line] == ["  ", "ab", "    "]
    assert line[1].style == RED


def test_what_does_not_fit_is_cut_at_both_ends() -> None:
    glyphs = Glyphs(2, 4, DARK)
    glyphs.write(0, -2, "abcdefgh", RED)
    glyphs.write(1, 3, "xyz", RED)
    glyphs.write(7, 0, "nowhere", RED)
    glyphs.write(0, 9, "nowhere", RED)
    assert ["".join(segment.text for segment in line) for line in glyphs.lines()] == ["cdef", "   x"]


def test_two_rows_of_pixels_are_a_line_of_half_blocks() -> None:
    glyphs = Glyphs(1, 3, DARK)
    pixels = np.array([[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [250, 251, 252]]], np.uint8)
    glyphs.put_pixels(0, 1, pixels)
    (line,) = glyphs.lines()
    assert [segment.text for segment in line] == [" ", "▀", "▀"]
    assert line[1].style == style((1, 2, 3), (7, 8, 9))
    assert line[2].style == style((4, 5, 6), (250, 251, 252))


def test_pixels_that_do_not_fit_are_cut_off() -> None:
    glyphs = Glyphs(2, 3, DARK)
    glyphs.put_pixels(1, 2, np.zeros((6, 5, 3), np.uint8))
    assert ["".join(segment.text for segment in line) for line in glyphs.lines()] == ["   ", "  ▀"]


def test_a_rectangle_is_filled() -> None:
    glyphs = Glyphs(3, 4, DARK)
    glyphs.fill(1, 1, (2, 2), "x", RED)
    assert ["".join(segment.text for segment in line) for line in glyphs.lines()] == ["    ", " xx ", " xx "]


def test_wide_characters_take_two_columns() -> None:
    glyphs = Glyphs(2, 6, DARK)
    assert glyphs.write(0, 1, "猫a", RED) == 4
    assert glyphs.write(1, 3, "猫犬", RED) == 6
    assert ["".join(segment.text for segment in line) for line in glyphs.lines()] == [" 猫a  ", "   猫 "]


def test_what_a_terminal_would_obey_is_not_written() -> None:
    glyphs = Glyphs(1, 8, DARK)
    assert glyphs.write(0, 0, "a\x1b[\n\udcffe\u0301", RED) == 6
    assert "".join(segment.text for segment in glyphs.lines()[0]) == "a�[��e  "


@given(st.lists(st.tuples(st.text(max_size=9), st.integers(-4, 12)), max_size=5), st.integers(0, 10))
def test_whatever_is_written_a_line_keeps_its_width(texts: list[tuple[str, int]], width: int) -> None:
    glyphs = Glyphs(1, width, DARK)
    for text, column in texts:
        glyphs.write(0, column, text, RED)
    (line,) = glyphs.lines()
    assert Segment.get_line_length(line) == width
    told = "".join(segment.text for segment in line)
    assert told.isprintable()
    assert cell_len(told) == width
    told.encode()
