"""The panes of the Layers page never overlap, never leave the canvas, and show all of the image."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.pages.base.layout import zoom_of
from convtui.pages.layers.layout import LayersPlan, Place, Wanted, layers_plan
from convtui.paint.drawing import BLOCKS, HALF_BLOCKS, NUMBERS, WIDE_NUMBERS
from convtui.state.session import Zoom

SIZES = st.tuples(st.integers(1, 300), st.integers(1, 300))
WANTED = st.builds(
    Wanted,
    table_lines=st.integers(3, 200),
    detail_lines=st.integers(2, 5),
    image=SIZES,
    maps=st.tuples(st.integers(1, 2000), st.integers(1, 300), st.integers(1, 300)),
    earlier=st.lists(st.tuples(st.integers(1, 50), SIZES), max_size=6, unique_by=lambda each: each[0]),
    is_image=st.booleans(),
)


def places(plan: LayersPlan) -> list[Place]:
    selected = [plan.selected] if plan.selected else []
    return [plan.image, *plan.chain.values(), *selected, plan.mosaic]


@given(
    st.tuples(st.integers(18, 98), st.integers(60, 400)),
    WANTED,
    st.none() | st.sampled_from(Zoom),
    st.booleans(),
)
def test_panes_lie_side_by_side_on_the_canvas(
    size: tuple[int, int], wanted: Wanted, zoom: Zoom | None, hints: bool
) -> None:
    plan = layers_plan(size, wanted, zoom, hints)
    height, width = size
    regions = [plan.table, plan.details, *(place.region for place in places(plan))]
    regions += [plan.sentence] if plan.sentence.height else []
    for region in regions:
        assert region.x >= 0
        assert region.y >= 0
        assert region.right <= width
        assert region.bottom <= height
        assert region.width > 0
        assert region.height > 0
    for one, other in combinations(regions, 2):
        assert not one.intersection(other)
    assert plan.table.height >= min(wanted.table_lines, 4)
    assert list(plan.chain) == sorted(plan.chain)


@given(st.tuples(st.integers(18, 98), st.integers(60, 400)), WANTED)
def test_all_of_the_image_and_of_each_map_is_in_view(size: tuple[int, int], wanted: Wanted) -> None:
    plan = layers_plan(size, wanted, None, True)
    shapes = dict(wanted.earlier)
    shown = [(plan.image, wanted.image), *((place, shapes[n]) for n, place in plan.chain.items())]
    if plan.selected:
        shown.append((plan.selected, (wanted.maps[1], wanted.maps[2])))
    for place, (rows, columns) in shown:
        heading = 2 if plan.is_hinted else 1
        assert place.cells.lines(-(-rows // place.every)) <= place.region.height - heading
        assert -(-columns // place.every) * place.cells.width <= place.region.width


@given(
    st.tuples(st.integers(18, 60), st.integers(60, 200)),
    st.tuples(st.integers(1, 99), st.integers(1, 40), st.integers(1, 40)),
)
def test_a_map_of_the_mosaic_is_in_view_whole(size: tuple[int, int], maps: tuple[int, int, int]) -> None:
    plan = layers_plan(size, Wanted(12, 2, (28, 28), maps, ()), None, True)
    tiling, place = plan.tiling, plan.mosaic
    heading = 2 if plan.is_hinted else 1
    gaps = 2 * tiling.gap
    assert place.cells.lines(tiling.tile[0] + gaps) <= place.region.height - heading
    assert (tiling.tile[1] + gaps) * place.cells.width <= place.region.width
    assert tiling.size[1] * place.cells.width <= place.region.width


def lecture(layer: int, details: int = 3) -> Wanted:
    shapes = {1: (14, 14), 3: (7, 7), 5: (4, 4)}
    earlier = [(number, shapes[number]) for number in (5, 3, 1) if number < layer]
    maps = {1: (4, 14, 14), 3: (8, 7, 7), 5: (16, 4, 4), 7: (32, 2, 2)}
    return Wanted(13, details, (28, 28), maps[layer], earlier)


def test_the_table_is_shortened_before_the_image_is_thinned() -> None:
    plan = layers_plan((28, 100), lecture(3), None, True)
    assert plan.image.every == 1
    assert plan.table.height == 6
    small = layers_plan((28, 100), replace(lecture(3), image=(8, 8)), None, True)
    assert small.table.height > 6
    large = layers_plan((28, 100), replace(lecture(3), image=(224, 224)), None, True)
    assert large.image.every > 1
    assert large.table.height >= 9


def test_the_lecture_at_120x40_shows_the_whole_table_and_the_chain() -> None:
    plan = layers_plan((38, 120), lecture(5), None, True)
    assert plan.table.height == 13
    assert plan.sentence.height == 2
    assert plan.image.cells == HALF_BLOCKS
    assert list(plan.chain) == [1, 3] or list(plan.chain) == [3]
    assert plan.selected is not None
    assert plan.selected.cells in (WIDE_NUMBERS, NUMBERS)


def test_the_lecture_at_80x24_keeps_the_image_whole() -> None:
    plan = layers_plan((22, 80), lecture(3, details=2), None, True)
    assert (plan.image.cells, plan.image.every) == (HALF_BLOCKS, 1)
    assert plan.selected is not None
    assert plan.selected.cells == BLOCKS
    assert not plan.is_hinted


@pytest.mark.parametrize("zoom", Zoom)
def test_a_zoom_that_is_asked_for_is_taken(zoom: Zoom) -> None:
    plan = layers_plan((38, 120), lecture(3), zoom, True)
    assert plan.selected is not None
    for place in (plan.image, plan.selected):
        assert zoom_of(place.cells) is zoom
        assert place.every == 1


def test_ten_outputs_are_numbers() -> None:
    plan = layers_plan((38, 120), Wanted(13, 3, (28, 28), (10, 1, 1), ()), None, True)
    assert plan.selected is None
    assert plan.mosaic.cells == WIDE_NUMBERS
    assert plan.tiling.gap == 0
