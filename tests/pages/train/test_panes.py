"""Every view of the Train page can be drawn in any size, and only what changed is painted again."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.segment import Segment

from convtui.pages.train.figures import CurvesView, LayersView, TrainView, WeightView
from convtui.pages.train.panes import TrainPanes
from convtui.paint.colours import DARK, LIGHT
from tests.support.train_views import WEIGHT, curves, history, kernels, schedule, status, trace, views

VIEWS = views()


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(sorted(VIEWS)), min_size=1, max_size=3),
    st.tuples(st.integers(18, 60), st.integers(60, 180)),
    st.sampled_from([DARK, LIGHT, replace(DARK, is_grey=True)]),
)
def test_every_line_of_every_pane_is_as_wide_as_its_pane(
    names: list[str], size: tuple[int, int], palette: object
) -> None:
    panes = TrainPanes()
    placed = None
    for name in names:
        placed = panes.show(VIEWS[name], size, palette) or placed  # type: ignore[arg-type]
        assert placed
        for pane in placed.values():
            for y in range(pane.region.height):
                assert Segment.get_line_length(pane.line(y)) == pane.region.width


def test_panes_are_placed_anew_only_where_they_move() -> None:
    panes = TrainPanes()
    assert panes.show(VIEWS["curves"], (38, 120), DARK)
    assert panes.show(VIEWS["curves"], (38, 120), DARK) is None
    assert panes.show(VIEWS["layers"], (38, 120), DARK)
    assert panes.show(VIEWS["layers"], (38, 120), LIGHT)
    assert panes.show(VIEWS["layers"], (22, 80), LIGHT)


def changed(panes: TrainPanes, view: TrainView) -> dict[str, int]:
    """How many lines of each pane are painted again for a view."""
    names = ("loss", "rate", "momentum", "accuracy", "kernels", "predictions")
    shown = {"status": panes.status, **{name: panes._curves[name].pane for name in names}}
    for pane in shown.values():
        pane.changes()
    panes.show(view, (38, 120), DARK)
    return {name: count for name, pane in shown.items() if (count := len(pane.changes()))}


def test_a_step_paints_few_lines_again() -> None:
    view = VIEWS["curves"]
    assert isinstance(view, CurvesView)
    panes = TrainPanes()
    panes.show(view, (38, 120), DARK)
    same = replace(view, status=replace(view.status))
    assert changed(panes, same) == {}
    later = replace(view, status=status(300), curves=(curves(step=300),), schedule=schedule(300))
    lines = changed(panes, later)
    assert lines["status"] == 1
    assert lines["loss"] <= 4
    assert lines["rate"] <= 4
    assert "kernels" not in lines
    assert "predictions" not in lines


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_run_that_diverged_is_drawn(bad: float) -> None:
    run = curves()
    losses = np.where(run.steps > 100, bad, run.losses)
    gone = replace(run, losses=losses, smooth=losses, validation_losses=np.full(3, bad))
    weights = replace(kernels(), values=np.full((8, 1, 5, 5), bad))
    everywhere = history()
    filled = np.full_like(everywhere.means, bad)
    lost = replace(everywhere, means=filled, stds=filled, near_zeros=filled, weight_norms=filled)
    layers = VIEWS["layers"]
    weight = VIEWS["weight"]
    assert isinstance(layers, LayersView)
    assert isinstance(weight, WeightView)
    measured = tuple(replace(each, mean=bad, std=bad, weight_norm=bad) for each in layers.layers)
    step = replace(WEIGHT, before=bad, gradient=bad, buffer=bad, squares=abs(bad), update=bad, after=bad)
    shown = trace()
    for view in (
        CurvesView(status(), (gone,), schedule(), weights, None),
        CurvesView(status(), (gone, gone), schedule(), weights, None, log_loss=True),
        replace(layers, layers=measured, history=lost),
        replace(weight, weight=step, trace=replace(shown, gradients=shown.gradients * bad), history=lost),
    ):
        assert TrainPanes().show(view, (38, 120), DARK)


def test_layers_and_runs_can_be_clicked() -> None:
    panes = TrainPanes()
    panes.show(VIEWS["layers"], (38, 120), DARK)
    assert panes.layers.cell_at(5, 0) is None
    assert panes.layers.cell_at(5, 3) == (2, 0)
    assert panes.layers.cell_at(5, 6) is None
    panes.show(VIEWS["runs"], (22, 80), DARK)
    text = panes.runs.line(1)
    at, _ = panes.runs.cell_at(5, 1) or (0, 0)
    number = VIEWS["runs"].rows[at].number  # type: ignore[union-attr]
    assert f" {number} " in "".join(segment.text for segment in text)
