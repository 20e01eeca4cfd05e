"""Whatever the shapes and the terminal: every pane has its place, and nothing moves while stepping."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.geometry import Region

from convtui.pages.base.layout import (
    CONTROLS,
    GAP,
    KEYS,
    LEAST_HEIGHT,
    LEAST_WIDTH,
    MARGIN,
    zoom_of,
)
from convtui.pages.step.layout import NOTES_WIDTH, Shapes, StepPlan, map_regions, planned, regions
from convtui.paint.drawing import BLOCKS, HALF_BLOCKS, NUMBERS, TALL_NUMBERS, WIDE_NUMBERS
from convtui.state.session import Zoom

OFTEN = (24, 80), (40, 120), (LEAST_HEIGHT, LEAST_WIDTH)


@st.composite
def terminals(draw: st.DrawFn) -> tuple[int, int]:
    """Rows and columns of a terminal that is large enough."""
    return draw(
        st.sampled_from(OFTEN) | st.tuples(st.integers(LEAST_HEIGHT, 90), st.integers(LEAST_WIDTH, 300))
    )


_sides = st.integers(1, 40) | st.integers(1, 5000)


@st.composite
def arguments(draw: st.DrawFn) -> dict[str, Any]:
    """What `arranged` may be asked for."""
    height, width = draw(terminals())
    kernel = draw(st.tuples(st.integers(1, 64), st.integers(1, 64)))
    dilation = draw(st.integers(1, 3))
    shapes = Shapes(
        image=draw(st.tuples(_sides, _sides)),
        kernel=kernel,
        reach=(dilation * (kernel[0] - 1), dilation * (kernel[1] - 1)),
        stride=draw(st.tuples(st.integers(1, 9), st.integers(1, 9))),
        filters=draw(st.integers(1, 5) | st.integers(1, 4096)),
    )
    return {
        "size": (height, width - MARGIN),
        "shapes": shapes,
        "zoom": draw(st.sampled_from([None, *Zoom])),
        "hints": draw(st.booleans()),
        "notes": draw(st.integers(1, 3)),
        "equations": draw(st.integers(1, 2)),
        "has_unread": draw(st.booleans()),
    }


def plan_for(
    image: int,
    size: tuple[int, int] = (40, 120),
    kernel: int = 3,
    stride: int = 1,
    filters: int = 1,
    **given: Any,
) -> StepPlan:
    """The plan for a square image."""
    height, width = size
    defaults: dict[str, Any] = {"zoom": None, "hints": True, "notes": 1, "equations": 1}
    shapes = Shapes((image,) * 2, (kernel,) * 2, (kernel - 1,) * 2, (stride,) * 2, filters)
    return planned((height, width - MARGIN), shapes, **{**defaults, **given})


def places_of(plan: StepPlan, width: int) -> dict[str, Region]:
    """Every pane that is there."""
    maps = {f"map {number}": region for number, region in enumerate(map_regions(plan))}
    return {name: place for name, place in (regions(plan, width) | maps).items() if place}


@given(arguments())
def test_everything_fits_into_the_terminal(given: dict[str, Any]) -> None:
    height, width = given["size"]
    canvas = Region(0, 0, width + MARGIN, height - CONTROLS - KEYS)
    plan = planned(**given)
    for name, place in places_of(plan, width + MARGIN).items():
        assert canvas.contains_region(place), name
    places = regions(plan, width + MARGIN)
    assert places["sum"].height >= given["equations"]
    told_elsewhere = bool(places["corner"]) or not given["has_unread"]
    assert places["formula"].height >= given["notes"] + (not told_elsewhere)


@given(arguments())
def test_no_pane_lies_on_another(given: dict[str, Any]) -> None:
    places = places_of(planned(**given), given["size"][1] + MARGIN)
    names = list(places)
    for at, name in enumerate(names):
        for other in names[at + 1 :]:
            assert not places[name].overlaps(places[other]), (name, other)


@given(arguments())
def test_every_pane_can_show_something(given: dict[str, Any]) -> None:
    plan = planned(**given)
    heading = 1 + plan.pictures_hinted
    for pane in (plan.image, plan.output):
        assert pane.cells.rows(plan.pictures_height - heading) >= 1
        assert pane.width >= pane.cells.width
    assert plan.table.cells.rows(plan.tables_height - 1 - plan.tables_hinted) >= min(
        3, given["shapes"].kernel[0]
    )


@given(arguments())
def test_titles_have_room(given: dict[str, Any]) -> None:
    plan = planned(**given)
    assert plan.image.width >= 20
    assert plan.output.width >= 20
    assert plan.table.width >= len("kernel [0, 0]") - 1


@given(arguments())
def test_the_zoom_asked_for_is_obeyed(given: dict[str, Any]) -> None:
    plan = planned(**given)
    if given["zoom"]:
        assert zoom_of(plan.image.cells) == given["zoom"]
        assert zoom_of(plan.output.cells) == given["zoom"]


@given(arguments())
def test_hints_are_shown_only_if_asked_for(given: dict[str, Any]) -> None:
    plan = planned(**{**given, "hints": False})
    assert not plan.pictures_hinted
    assert not plan.tables_hinted


@given(arguments())
def test_an_image_that_fits_is_seen_whole(given: dict[str, Any]) -> None:
    """With the padding that keeps its size, but for numbers; only the smallest cells may need scrolling."""
    plan, shapes = planned(**given), given["shapes"]
    cells, height = plan.image.cells, plan.pictures_height - 1 - plan.pictures_hinted
    if cells == HALF_BLOCKS or given["zoom"]:
        return
    padded = shapes.image if cells == NUMBERS else shapes.same
    assert cells.lines(padded[0]) <= height
    assert padded[1] * cells.width <= plan.image.width
    assert shapes.output(padded)[1] * cells.width <= plan.output.width


@given(arguments())
def test_image_and_output_have_cells_of_one_size(given: dict[str, Any]) -> None:
    plan = planned(**given)
    assert plan.image.cells == plan.output.cells


@given(arguments())
def test_hints_do_not_push_an_image_out_of_view(given: dict[str, Any]) -> None:
    plan, without = planned(**given), planned(**{**given, "hints": False})
    lines = plan.image.cells.lines(given["shapes"].same[0])
    if lines <= without.pictures_height - 1:
        assert lines <= plan.pictures_height - 1 - plan.pictures_hinted


@given(arguments())
def test_outputs_side_by_side_are_all_there_and_recognisable(given: dict[str, Any]) -> None:
    plan, shapes = planned(**given), given["shapes"]
    if plan.maps is None:
        return
    assert 2 <= plan.maps.count <= shapes.filters
    assert len(map_regions(plan)) == plan.maps.count
    rows, columns = shapes.output(shapes.same)
    assert HALF_BLOCKS.lines(-(-rows // plan.maps.every)) < plan.maps.height
    assert -(-columns // plan.maps.every) <= plan.maps.width
    assert plan.maps.every == 1 or max(rows, columns) // plan.maps.every >= 6


@pytest.mark.parametrize(
    ("image", "size", "filters", "cells", "every", "count", "are_beside"),
    [
        (28, (40, 120), 4, HALF_BLOCKS, 1, 4, False),
        (28, (24, 80), 4, HALF_BLOCKS, 4, 4, True),
        (32, (24, 80), 4, HALF_BLOCKS, 4, 3, True),
        (8, (40, 120), 4, TALL_NUMBERS, 1, 4, True),
        (28, (40, 120), 64, HALF_BLOCKS, 2, 16, False),
        (224, (40, 120), 4, HALF_BLOCKS, 13, 4, False),
        (224, (24, 80), 4, HALF_BLOCKS, 28, 4, False),
    ],
)
def test_outputs_of_several_filters_get_room(
    image: int,
    size: tuple[int, int],
    filters: int,
    cells: object,
    every: int,
    count: int,
    are_beside: bool,
) -> None:
    plan = plan_for(image, size, filters=filters)
    assert plan.maps is not None
    assert (plan.image.cells, plan.maps.every, plan.maps.count) == (cells, every, count)
    assert plan.maps.are_beside is are_beside


@given(arguments())
def test_the_notes_stand_beside_the_tables_only_where_they_have_room(given: dict[str, Any]) -> None:
    plan = planned(**given)
    notes = regions(plan, given["size"][1] + MARGIN)["formula"]
    assert plan.notes_beside == (plan.notes_height == 0)
    if plan.notes_beside:
        assert notes.width >= NOTES_WIDTH - GAP


@pytest.mark.parametrize(
    ("image", "size", "cells"),
    [
        (5, (40, 120), TALL_NUMBERS),
        (8, (40, 120), TALL_NUMBERS),
        (9, (40, 120), NUMBERS),
        (9, (40, 160), WIDE_NUMBERS),
        (28, (40, 120), BLOCKS),
        (28, (24, 80), HALF_BLOCKS),
        (64, (40, 120), HALF_BLOCKS),
        (1000, (40, 120), HALF_BLOCKS),
        (28, (50, 300), NUMBERS),
    ],
)
def test_cells_are_as_large_as_fits(image: int, size: tuple[int, int], cells: object) -> None:
    assert plan_for(image, size).image.cells == cells


def test_a_wide_image_leaves_room_for_its_output() -> None:
    plan = plan_for(3000)
    assert abs(plan.image.width - plan.output.width) <= 1


def test_large_kernels_get_smaller_cells() -> None:
    tables = [plan_for(28, kernel=side).table.cells for side in (3, 6, 7, 10, 30)]
    assert tables == [WIDE_NUMBERS, WIDE_NUMBERS, NUMBERS, BLOCKS, HALF_BLOCKS]


@pytest.mark.parametrize("zoom", list(Zoom))
def test_zooms_are_told_from_cell_sizes(zoom: Zoom) -> None:
    assert zoom_of(plan_for(28, zoom=zoom).image.cells) is zoom


def test_on_a_tall_terminal_the_tables_have_taller_cells() -> None:
    assert plan_for(28, (40, 120)).table.cells == WIDE_NUMBERS
    for size in ((50, 160), (60, 200)):
        plan, usual = plan_for(28, size), plan_for(28, (40, 120))
        assert plan.table.cells == TALL_NUMBERS
        assert plan.table.width == usual.table.width
        assert plan.tables_height == 2 + TALL_NUMBERS.lines(3)
        assert plan.image.cells == usual.image.cells
