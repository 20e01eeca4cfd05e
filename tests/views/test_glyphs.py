"""Arrays of characters become lines of segments."""

import numpy as np

from convtui.views.cells import DARK, style
from convtui.views.glyphs import Glyphs

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
