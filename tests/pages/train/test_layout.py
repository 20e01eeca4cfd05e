"""The panes of the Train page never overlap or leave the canvas, and what is most needed stays."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.pages.train.layout import train_plan
from tests.support.train_views import views

VIEWS = views()
sizes = st.tuples(st.integers(18, 98), st.integers(60, 300))


@given(st.sampled_from(sorted(VIEWS)), sizes)
def test_panes_lie_side_by_side_on_the_canvas(name: str, size: tuple[int, int]) -> None:
    height, width = size
    regions = list(train_plan(VIEWS[name], size).values())
    for region in regions:
        assert 0 <= region.x < region.right <= width
        assert 0 <= region.y < region.bottom <= height
    for one, other in combinations(regions, 2):
        assert not one.intersection(other)


@pytest.mark.parametrize(
    ("name", "panes"),
    [
        ("curves", {"loss", "rate", "momentum", "accuracy", "kernels", "predictions"}),
        ("invitation", {"invitation", "rate", "momentum", "predictions"}),
        ("layers", {"layers", "band", "stds", "near zero", "norms"}),
        ("weight", {"card", "norms", "gradients", "value", "updates"}),
        ("runs", {"runs", "losses", "accuracies"}),
        ("comparison", {"runs", "losses", "accuracies", "comparison"}),
        ("finder", {"finder"}),
    ],
)
def test_a_page_of_120x40_has_everything(name: str, panes: set[str]) -> None:
    assert set(train_plan(VIEWS[name], (38, 120))) == panes | {"status"}


@pytest.mark.parametrize(
    ("name", "panes"),
    [
        ("curves", {"loss", "rate", "accuracy", "predictions"}),
        ("invitation", {"invitation", "rate", "predictions"}),
        ("layers", {"layers", "band", "stds", "norms"}),
        ("weight", {"card", "gradients", "value", "updates"}),
        ("runs", {"runs", "losses", "accuracies"}),
        ("comparison", {"runs", "losses", "accuracies", "comparison"}),
    ],
)
def test_a_page_of_80x24_keeps_what_is_needed_most(name: str, panes: set[str]) -> None:
    assert set(train_plan(VIEWS[name], (22, 80))) == panes | {"status"}


@pytest.mark.parametrize(
    ("name", "pane"),
    [
        ("curves", "loss"),
        ("invitation", "invitation"),
        ("layers", "band"),
        ("weight", "card"),
        ("runs", "losses"),
    ],
)
def test_the_least_page_keeps_its_main_pane_readable(name: str, pane: str) -> None:
    region = train_plan(VIEWS[name], (18, 60))[pane]
    assert region.height >= 9
    assert region.width >= 24


def test_plots_over_one_another_have_one_width() -> None:
    plan = train_plan(VIEWS["curves"], (38, 120))
    assert plan["loss"].column_span == plan["rate"].column_span == plan["momentum"].column_span
