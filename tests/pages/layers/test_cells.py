"""Every cell of a mosaic is the activation that it is said to be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.engine.spec import Floats
from convtui.pages.layers.cells import MapCells, MosaicCells, Tiling
from convtui.paint.colours import DARK, accent_on, diverging

SHAPES = st.tuples(st.integers(1, 7), st.integers(1, 6), st.integers(1, 6))
TILINGS = st.builds(
    Tiling, SHAPES, across=st.integers(1, 8), every=st.integers(1, 3), gap=st.sampled_from([0, 1])
)
SCALE = (-300.0, 300.0)


def counting(shape: tuple[int, int, int]) -> Floats:
    return np.arange(1.0, 1 + np.prod(shape)).reshape(shape)


@given(TILINGS)
def test_activations_and_their_places_belong_together(tiling: Tiling) -> None:
    channels, rows, columns = tiling.shape
    for activation in np.ndindex(channels, rows, columns):
        place = tiling.place(activation)
        channel, row, column = activation
        thinned = row // tiling.every * tiling.every, column // tiling.every * tiling.every
        assert tiling.activation_at(place) == (channel, *thinned)
        assert all(0 <= at < size for at, size in zip(place, tiling.size, strict=True))


@given(TILINGS)
def test_places_between_the_maps_are_no_activation(tiling: Tiling) -> None:
    rows, columns = tiling.size
    found = [tiling.activation_at((y, x)) for y in range(-1, rows + 1) for x in range(-1, columns + 1)]
    shown = [each for each in found if each]
    assert len(shown) == len(set(shown)) == tiling.shape[0] * tiling.tile[0] * tiling.tile[1]


@given(TILINGS, st.data())
def test_every_cell_has_the_value_of_its_activation(tiling: Tiling, data: st.DataObject) -> None:
    maps = counting(tiling.shape)
    channel = data.draw(st.integers(0, tiling.shape[0] - 1))
    cells = MosaicCells(maps, SCALE, tiling, channel)
    patch = cells.patch(range(cells.rows), range(cells.columns), DARK)
    accent = accent_on(DARK.background, DARK)
    framed = 0
    for cell in np.ndindex(cells.rows, cells.columns):
        activation = tiling.activation_at(cell)
        pixel = tuple(patch.pixels[cell].tolist())
        if activation:
            assert patch.values[cell] == maps[activation]
            assert pixel == tuple(diverging(maps[activation], SCALE[1], DARK).tolist())
        else:
            assert cells.text(float(patch.values[cell])) == ""
            assert pixel in (DARK.background, accent)
            framed += pixel == accent
    height, width = tiling.tile
    assert framed == (2 * (height + width) + 4 if tiling.gap else 0)


@given(TILINGS, st.data())
def test_a_part_of_a_mosaic_is_that_part(tiling: Tiling, data: st.DataObject) -> None:
    cells = MosaicCells(counting(tiling.shape), (0.0, 9.0), tiling, 0)
    whole = cells.patch(range(cells.rows), range(cells.columns), DARK)
    top = data.draw(st.integers(0, cells.rows - 1))
    left = data.draw(st.integers(0, cells.columns - 1))
    part = cells.patch(range(top, cells.rows), range(left, cells.columns), DARK)
    np.testing.assert_array_equal(part.values, whole.values[top:, left:])
    np.testing.assert_array_equal(part.pixels, whole.pixels[top:, left:])


@pytest.mark.parametrize("every", [1, 2, 3])
def test_a_map_is_thinned_evenly(every: int) -> None:
    values = counting((1, 7, 5))[0]
    cells = MapCells(values, (-35.0, 35.0), every)
    assert (cells.rows, cells.columns) == (-(-7 // every), -(-5 // every))
    patch = cells.patch(range(1, cells.rows), range(cells.columns), DARK)
    np.testing.assert_array_equal(patch.values, values[every::every, ::every])
    assert cells.signed
    assert cells.text(3.0) == "3.0"


def test_maps_that_are_not_computed_have_no_numbers() -> None:
    maps = np.zeros((2, 1, 1))
    assert MapCells(maps[0], (0.0, 0.0), is_computed=False).text(0.0) == "·"
    assert MosaicCells(maps, (0.0, 0.0), Tiling((2, 1, 1), 2), 0, is_computed=False).text(0.0) == "·"
