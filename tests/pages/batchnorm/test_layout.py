"""The panes fit the terminal and do not overlap."""

from itertools import combinations

import pytest

from convtui.pages.batchnorm.layout import BatchNormView as View
from convtui.pages.batchnorm.layout import regions_of, views_of

SIZES = [(18, 60), (22, 80), (28, 100), (38, 120), (60, 200)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("hints", [True, False])
@pytest.mark.parametrize("has_running", [True, False])
def test_panes_lie_apart_inside_the_canvas(
    size: tuple[int, int], view: View, hints: bool, has_running: bool
) -> None:
    regions = regions_of(size, view, hints, has_running)
    for name, region in regions.items():
        assert region.area > 0, name
        assert region.x >= 0
        assert region.right <= size[1]
        assert region.bottom <= size[0], name
    for (one, first), (other, second) in combinations(regions.items(), 2):
        assert not first.overlaps(second), (one, other)


@pytest.mark.parametrize("size", SIZES)
def test_numbers_are_never_given_up(size: tuple[int, int]) -> None:
    values = regions_of(size, View.VALUES, True)
    assert {"title", "before", "after", "formula", "running", "modes", "difference"} <= set(values)
    assert (values["formula"].height, values["running"].height, values["modes"].height) == (3, 4, 4)
    assert values["before"].height >= 5
    assert {"batch means", "spread of means", "running"} <= set(regions_of(size, View.MEANS, True))


def test_where_there_is_room_all_is_on_one_page() -> None:
    assert {"batch means", "spread of means", "rule", "hint"} <= set(regions_of((38, 120), View.VALUES, True))
    assert {"batch variances", "batch means"} <= set(regions_of((38, 120), View.MEANS, True))
    assert "hint" not in regions_of((38, 120), View.VALUES, False)


def test_the_views_of_batch_norm_and_of_norms_without_running_statistics() -> None:
    assert views_of(38, has_running=True) == (View.VALUES, View.MEANS, View.NORMS)
    assert views_of(22, has_running=True) == (View.VALUES, View.MEANS, View.VARIANCES, View.NORMS)
    assert views_of(38, has_running=False) == (View.NORMS,)
    assert views_of(22, has_running=False) == (View.NORMS, View.VALUES)
