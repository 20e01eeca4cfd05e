"""The features view's layout: everything lies on the canvas, apart, and as large as it fits."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.pages.layers.features_layout import (
    Small,
    Wanted,
    features_plan,
    filter_lines,
    kernel_small,
    next_panel,
    patches_plan,
    shown_panel,
    slices_plan,
)
from convtui.state.session import Panel

FIRST = Wanted(8, (5, 5), (14, 14), 1, has_before=True)
SECOND = Wanted(16, (3, 3), (7, 7), 8, has_before=True)


@given(
    st.tuples(st.integers(18, 80), st.integers(60, 220)),
    st.integers(1, 600),
    st.integers(1, 11),
    st.integers(1, 224),
    st.integers(1, 512),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_panes_lie_on_the_canvas_and_apart(
    size: tuple[int, int],
    filters: int,
    kernel: int,
    side: int,
    slices: int,
    has_before: bool,
    is_alone: bool,
    hints: bool,
) -> None:
    wanted = Wanted(filters, (kernel, kernel), (side, side), slices, has_before)
    plan = features_plan(size, wanted, is_alone, hints)
    regions = [region for region in (plan.head, plan.tiles, plan.filter, plan.panel) if region]
    assert plan.panel
    for region in regions:
        assert region.x >= 0
        assert region.right <= size[1]
        assert region.bottom <= size[0]
    assert not any(one.overlaps(other) for one, other in combinations(regions, 2))
    assert bool(plan.tiles) is not is_alone
    if plan.tiles:
        assert plan.in_view >= 1


def test_all_filters_of_the_first_layer_are_seen_beside_the_selected_one() -> None:
    plan = features_plan((38, 120), FIRST, is_alone=False, hints=True)
    assert (plan.across, plan.down) == (2, 4)
    assert plan.is_roomy
    assert plan.panel.width >= 40
    assert plan.tile.kernel.are_blocks


def test_a_small_terminal_has_fewer_tiles() -> None:
    plan = features_plan((22, 80), FIRST, is_alone=False, hints=True)
    assert (plan.across, plan.in_view) == (1, 3)
    assert not plan.is_roomy
    assert plan.panel.width >= 36


def test_tiles_turn_by_pages() -> None:
    plan = features_plan((22, 80), FIRST, is_alone=False, hints=True)
    assert plan.in_view_with(2, 8) == range(3)
    assert plan.in_view_with(3, 8) == range(3, 6)
    assert plan.in_view_with(7, 8) == range(6, 8)


def test_a_panel_alone_has_no_tiles() -> None:
    small = features_plan((22, 80), FIRST, is_alone=True, hints=True)
    assert not small.filter
    assert small.panel.width == 79
    roomy = features_plan((38, 120), FIRST, is_alone=True, hints=True)
    assert roomy.filter
    assert roomy.panel.width > 70
    assert roomy.in_view_with(3, 8) == range(0)


def test_maps_that_fit_are_drawn_in_blocks() -> None:
    few = Wanted(4, (3, 3), (7, 7), 1, has_before=False)
    assert features_plan((38, 120), few, False, True).tile.maps == Small((7, 7), are_blocks=True)
    large = Wanted(64, (3, 3), (224, 224), 3, has_before=False)
    maps = features_plan((38, 120), large, False, True).tile.maps
    assert not maps.are_blocks
    assert maps.width <= 14


@pytest.mark.parametrize(("kernel", "small"), [(3, (6, 3)), (5, (10, 5)), (7, (7, 4)), (11, (11, 6))])
def test_small_kernels_are_blocks(kernel: int, small: tuple[int, int]) -> None:
    drawn = kernel_small((kernel, kernel))
    assert (drawn.width, drawn.lines) == small


# -- the selected filter


def test_all_slices_are_drawn_where_they_fit() -> None:
    plan = slices_plan(SECOND, 50)
    assert plan.shown == 8
    assert plan.at + plan.across * (plan.small.width + 1) - 1 <= 50
    assert slices_plan(FIRST, 50).shown == 0
    assert slices_plan(Wanted(16, (3, 3), (7, 7), 512, True), 50).shown < 512


@given(st.integers(1, 600), st.integers(1, 11), st.integers(36, 120), st.booleans())
def test_the_lines_of_the_selected_filter_hold_its_slices(
    slices: int, kernel: int, width: int, has_before: bool
) -> None:
    wanted = Wanted(4, (kernel, kernel), (7, 7), slices, has_before)
    plan = slices_plan(wanted, width)
    rows = -(-plan.shown // plan.across) if plan.shown else 0
    assert 2 + rows * (plan.small.lines + 1) - bool(rows) <= filter_lines(wanted, width) - 5
    assert filter_lines(wanted, width) <= 18


# -- patches


@given(
    st.integers(1, 64),
    st.integers(1, 64),
    st.integers(1, 9),
    st.tuples(st.integers(3, 60), st.integers(12, 120)),
)
def test_patches_fit_in_their_room(rows: int, columns: int, count: int, size: tuple[int, int]) -> None:
    plan = patches_plan((rows, columns), count, size)
    assert -(-columns // plan.every) * plan.times <= plan.width
    assert plan.across * (plan.width + 1) - 1 <= size[1]
    if plan.words < 2 or size[0] >= 4 * count:
        assert plan.lines >= 1


def test_patches_are_as_sharp_as_they_can_be() -> None:
    assert patches_plan((5, 5), 9, (24, 43)).every == 1
    assert patches_plan((28, 28), 9, (60, 120)).every == 1
    assert patches_plan((28, 28), 9, (24, 43)).every == 3
    assert patches_plan((5, 5), 9, (24, 43)).words == 2


# -- panels


def test_panels_go_round() -> None:
    assert [next_panel(panel, False, 1) for panel in Panel] == [*list(Panel)[1:], Panel.KERNEL]
    assert next_panel(Panel.CLASS, True, 1) is Panel.PATCHES
    assert next_panel(Panel.KERNEL, True, 1) is Panel.ACCURACY
    assert shown_panel(Panel.KERNEL, True) is Panel.PATCHES
    assert shown_panel(Panel.KERNEL, False) is Panel.KERNEL
