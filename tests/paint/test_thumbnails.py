"""Small pictures: what is drawn of a value, and what is left of one that is thinned."""

import numpy as np
import pytest

from convtui.paint.colours import DARK, greys
from convtui.paint.glyphs import Glyphs
from convtui.paint.thumbnails import draw_signed, even, pictures, thinned


def test_negative_cells_have_a_dash() -> None:
    glyphs = Glyphs(2, 6, DARK)
    draw_signed(glyphs, 0, 1, np.array([[1.0, -1.0], [-0.5, 0.0]]))
    assert ["".join(map(chr, row)) for row in glyphs.codes.tolist()] == ["   ─  ", " ─    "]


@pytest.mark.parametrize("place", [(1, 3), (2, 0), (0, 6), (5, 9)])
def test_what_does_not_fit_is_cut_off(place: tuple[int, int]) -> None:
    glyphs = Glyphs(2, 6, DARK)
    draw_signed(glyphs, *place, -np.ones((3, 3)))
    dashes = "".join(map(chr, glyphs.codes.ravel().tolist())).count("─")
    assert dashes == max(2 - place[0], 0) * (max(6 - place[1], 0) // 2)


def test_odd_rows_are_filled_up_with_the_background() -> None:
    pixels = np.zeros((3, 2, 3), np.uint8)
    assert even(pixels, DARK).shape == (4, 2, 3)
    assert tuple(even(pixels, DARK)[-1, 0]) == DARK.background
    assert len(even(pixels[:2], DARK)) == 2


@pytest.mark.parametrize("every", [2, 3])
def test_thinned_values_are_the_means_of_their_blocks(every: int) -> None:
    values = np.arange(2 * 6 * 6, dtype=float).reshape(2, 6, 6)
    small = thinned(values, every)
    assert small.shape == (2, 6 // every, 6 // every)
    assert small[1, 0, 1] == values[1, :every, every : 2 * every].mean()
    assert thinned(values, 1) is values


def test_a_last_block_that_is_cut_repeats_the_edge() -> None:
    assert thinned(np.array([[1.0, 2.0, 5.0]] * 3), 2).tolist() == [[1.5, 5.0], [1.5, 5.0]]


def test_images_are_grey_or_in_their_own_colours() -> None:
    grey = np.full((1, 1, 2, 2), 0.5)
    assert (pictures(grey, 2)[0, 0, 0] == greys(np.array(0.5), 0, 1)).all()
    colour = np.stack([np.full((2, 2), 1.0), np.zeros((2, 2)), np.zeros((2, 2))])[None]
    assert pictures(colour, 1)[0, 0, 0].tolist() == [255, 0, 0]
