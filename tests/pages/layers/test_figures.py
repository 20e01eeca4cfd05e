"""The panes outline exactly what feeds the activation, and show the maps that are computed."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.geometry import Region

from convtui.engine.feature_maps import FeatureMaps
from convtui.engine.tracing import Feeding, feeding
from convtui.inputs import samples
from convtui.pages.layers.cells import Tiling
from convtui.pages.layers.figures import (
    Maps,
    earlier_grid,
    earlier_layers,
    image_grid,
    mosaic_grid,
    outline,
    selected_grid,
    value_of,
)
from convtui.pages.layers.layout import Place
from convtui.paint.colours import DARK
from convtui.paint.drawing import BLOCKS
from convtui.state.network import Stack
from tests.engine.stacks import stacks

SEVEN = samples.open_image("mnist-7")
CAT = samples.open_image("cat-32")
DIGIT = (1, 28, 28)
WIDE = Place(Region(0, 0, 60, 20), BLOCKS)
NARROW = Place(Region(0, 0, 12, 20), BLOCKS, 2)


def fed(stack: Stack, layer: int = 0) -> Feeding:
    return feeding(stack.summary.rows, stack.layer, stack.activation)[layer]


def computed(stack: Stack) -> Maps:
    return Maps.of(FeatureMaps(stack.layers, SEVEN.pixels, stack.seed).activations(stack.layer))


@settings(max_examples=40)
@given(stacks(), st.data())
def test_the_outline_reads_the_cells_that_feed(drawn: tuple, data: st.DataObject) -> None:  # type: ignore[type-arg]
    stack = Stack.laid(*drawn)
    stack = stack.at(data.draw(st.integers(0, len(stack.summary.rows) - 1)), (0, 0, 0))
    stack = stack.moved(data.draw(st.integers(0, 99)))
    for each in feeding(stack.summary.rows, stack.layer, stack.activation):
        drawn_outline = outline(each)
        rows, columns = each.rows.tolist(), each.columns.tolist()
        if not rows:
            assert drawn_outline is None
            continue
        assert drawn_outline is not None
        assert drawn_outline.hull == (range(rows[0], rows[-1] + 1), range(columns[0], columns[-1] + 1))
        assert all(drawn_outline.reads(row, column) for row in rows for column in columns)
        spaced = set(np.diff(rows).tolist())
        if len(spaced) <= 1:
            assert list(drawn_outline.rows) == rows


def test_a_dilated_field_has_its_gaps() -> None:
    stack = Stack.chosen("conv 3x3 1 d3 p3", DIGIT).at(1, (0, 10, 12))
    drawn = outline(fed(stack))
    assert drawn is not None
    assert (drawn.rows, drawn.columns) == (range(7, 14, 3), range(9, 16, 3))


def test_a_thinned_outline_covers_the_drawn_cells() -> None:
    stack = Stack.chosen("conv 5x5 1", DIGIT).at(1, (0, 9, 11))
    drawn = outline(fed(stack), every=2)
    assert drawn is not None
    assert drawn.hull == (range(9 // 2, 13 // 2 + 1), range(11 // 2, 15 // 2 + 1))


def test_earlier_layers_are_those_that_it_is_computed_from() -> None:
    cnn = Stack.chosen("simple-cnn", DIGIT)
    assert earlier_layers(cnn.at(0)) == []
    assert earlier_layers(cnn.at(6)) == [(5, (4, 4)), (3, (7, 7)), (1, (14, 14))]
    assert earlier_layers(cnn.at(10)) == [(7, (2, 2)), (5, (4, 4)), (3, (7, 7)), (1, (14, 14))]
    branched = Stack.chosen("residual(conv 3x3 1 p1, conv 3x3 1 p1 | conv 1x1 1), conv 3x3 2", DIGIT)
    assert [number for number, _ in earlier_layers(branched.at(3))] == []
    assert [number for number, _ in earlier_layers(branched.at(5))] == [4, 3, 2, 1]


def test_the_image_shows_its_field_or_the_selected_pixel() -> None:
    stack = Stack.chosen("simple-cnn", DIGIT).at(3, (0, 3, 4))
    grid = image_grid(SEVEN, None, stack, fed(stack), WIDE)
    assert grid.outline is not None
    assert grid.outline.hull == (range(9, 16), range(13, 20))
    assert grid.focus is None
    assert grid.title == "mnist-7 1x28x28"
    pixel = image_grid(SEVEN, None, stack.at(0, (0, 5, 6)), fed(stack.at(0)), WIDE)
    assert (pixel.outline, pixel.focus) == (None, (5, 6))


def test_a_thinned_image_says_so() -> None:
    stack = Stack.chosen("simple-cnn", DIGIT)
    grid = image_grid(SEVEN, None, stack, fed(stack), replace(WIDE, every=2))
    assert grid.title.endswith("÷2")
    assert image_grid(SEVEN, None, stack, fed(stack), replace(NARROW, every=2)).title == "1x28x28 ÷2"
    assert "1 in 2 rows and columns" in grid.hint
    assert (grid.cells.rows, grid.cells.columns) == (14, 14)
    np.testing.assert_array_equal(
        grid.cells.patch(range(14), range(14), DARK).values, SEVEN.pixels[0, ::2, ::2]
    )
    assert "rows and columns" not in image_grid(SEVEN, None, stack, fed(stack), NARROW).hint


def test_a_colour_image_has_its_colours_or_one_channel() -> None:
    stack = Stack.chosen("conv 3x3 2", (3, 32, 32)).at(1)
    assert not image_grid(CAT, None, stack, fed(stack), WIDE).legend
    assert image_grid(CAT, 1, stack, fed(stack), WIDE).title == "cat-32 3x32x32 · channel 1 green"


def test_maps_show_their_channel_and_value() -> None:
    stack = Stack.chosen("simple-cnn", DIGIT).at(3, (5, 2, 6))
    maps = computed(stack)
    grid = selected_grid(stack, maps, 1)
    assert (grid.title, grid.focus) == ("3 conv[5, 2, 6]", (2, 6))
    shown = grid.cells.patch(range(7), range(7), DARK).values
    np.testing.assert_array_equal(shown, maps.values[5])
    assert value_of(stack, maps) == maps.values[5, 2, 6]
    assert grid.cells.scale[1] == np.abs(maps.values).max()


def test_an_earlier_map_is_of_a_channel_that_feeds() -> None:
    stack = Stack.chosen("conv 1x1 6, conv 3x3 2 g2", DIGIT).at(2, (1, 4, 5))
    row = stack.summary.rows[1]
    maps = computed(stack.at(1))
    grid = earlier_grid(row, maps, fed(stack, 1), stack.activation[0], WIDE)
    assert (grid.title, grid.hint) == ("1 conv[3]", "3x3 cells feed it")
    assert grid.outline is not None
    assert grid.outline.hull == (range(4, 7), range(5, 8))
    assert earlier_grid(row, maps, fed(stack, 1), 4, WIDE).title == "1 conv[4]"
    assert earlier_grid(row, maps, fed(stack, 1), 4, NARROW).title == "1 conv[4] ÷2"


def test_a_layer_on_another_branch_feeds_nothing() -> None:
    stack = Stack.chosen("concat(conv 1x1 2 | conv 1x1 2)", DIGIT).at(2)
    grid = earlier_grid(stack.summary.rows[1], computed(stack.at(1)), fed(stack, 1), 0, WIDE)
    assert (grid.hint, grid.outline) == ("none feed it", None)


def test_the_mosaic_holds_all_maps_and_keeps_the_selected_in_view() -> None:
    stack = Stack.chosen("simple-cnn", DIGIT).at(3, (5, 2, 6))
    tiling = Tiling(stack.maps(), 3)
    grid = mosaic_grid(stack, computed(stack), tiling)
    assert grid.title == "8 feature maps of conv"
    assert grid.hint == "random weights, seed 0"
    assert grid.focus == tiling.place((5, 2, 6)) == (1 + 8 + 2, 1 + 2 * 8 + 6)
    assert grid.kept == (range(8, 17), range(16, 25))
    assert (
        mosaic_grid(stack.at(0), Maps.of_image(SEVEN), Tiling((1, 28, 28), 1)).title == "1 channel of image"
    )


@pytest.mark.parametrize("layer", [1, 10])
def test_what_is_not_computed_is_said_and_shows_no_figures(layer: int) -> None:
    stack = Stack.chosen("simple-cnn", DIGIT).at(layer)
    maps = Maps.to_come(stack.maps())
    grid = mosaic_grid(stack, maps, Tiling(stack.maps(), 2))
    assert grid.title.startswith("computing…")
    assert not grid.legend
    assert grid.cells.text(0.0) == "·"
    assert value_of(stack, maps) is None
    assert selected_grid(stack, maps, 1).hint == "computing…"
    assert earlier_grid(stack.row, maps, fed(stack, layer), 0, WIDE).hint == "computing…"
