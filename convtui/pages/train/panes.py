"""The panes of the Train page: each knows what of a view it draws."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from textual.geometry import Region

from convtui.pages.train.layout import train_plan
from convtui.pages.train.pictures import kernel_lines, prediction_lines
from convtui.pages.train.plots import (
    accuracy_plot,
    finder_plot,
    gradient_plot,
    layer_plot,
    loss_plot,
    momentum_plot,
    rate_plot,
    update_plot,
    value_plot,
)
from convtui.pages.train.tables import (
    invitation_lines,
    layer_at,
    layers_table,
    lesson_lines,
    run_at,
    runs_table,
    status_lines,
    weight_card,
)
from convtui.pages.train.views import (
    CurvesView,
    FinderView,
    LayersView,
    RunsView,
    TrainView,
    WeightView,
)
from convtui.paint.band import band_lines
from convtui.paint.canvas import Pane
from convtui.paint.colours import Palette
from convtui.paint.panes import DrawnPane, Size
from convtui.paint.plots import plot_lines


class _Table(DrawnPane[Any]):
    """A table in which the wheel moves what is selected."""

    moved: Callable[[int], None]

    def scroll(self, rows: int, columns: int) -> None:  # noqa: ARG002
        if rows:
            self.moved(rows)


_PANES: Final[dict[str, Callable[[], DrawnPane[Any]]]] = {
    "status": partial(DrawnPane, status_lines),
    "invitation": partial(DrawnPane, invitation_lines),
    "kernels": partial(DrawnPane, kernel_lines),
    "predictions": partial(DrawnPane, prediction_lines),
    "layers": partial(_Table, layers_table, layer_at),
    "band": partial(DrawnPane, band_lines),
    "card": partial(DrawnPane, weight_card),
    "runs": partial(_Table, runs_table, run_at),
    "lesson": partial(DrawnPane, lesson_lines),
}

_CURVES: Final[dict[str, Callable[[CurvesView], Any]]] = {
    "loss": lambda view: loss_plot(view.curves, view.log_loss),
    "rate": lambda view: rate_plot(view.schedule),
    "momentum": lambda view: momentum_plot(view.schedule),
    "accuracy": lambda view: accuracy_plot(view.curves),
    "kernels": lambda view: view.kernels,
    "predictions": lambda view: view.predictions,
    "invitation": lambda view: view.invitation,
}
_LAYERS: Final[dict[str, Callable[[LayersView], Any]]] = {
    "layers": lambda view: view,
    "band": lambda view: view.band,
    "stds": lambda view: layer_plot("std of the activations", view, view.history.stds),
    "near zero": lambda view: layer_plot(
        "near zero (|x| ≤ 0.05), %", view, view.history.near_zeros * 100, (0, 100)
    ),
    "norms": lambda view: layer_plot("weight norms", view, view.history.weight_norms),
}
_WEIGHT: Final[dict[str, Callable[[WeightView], Any]]] = {
    "card": lambda view: view,
    "norms": lambda view: layer_plot("weight norms", view, view.history.weight_norms),
    "gradients": lambda view: gradient_plot(
        view.trace, view.weight.optimizer if view.weight else "", view.status.total_steps
    ),
    "value": lambda view: value_plot(view.trace, view.status.total_steps),
    "updates": lambda view: update_plot(view.trace, view.status.total_steps),
}
_RUNS: Final[dict[str, Callable[[RunsView], Any]]] = {
    "runs": lambda view: view,
    "losses": lambda view: loss_plot(view.curves, view.log_loss),
    "accuracies": lambda view: accuracy_plot(view.curves),
    "lesson": lambda view: view,
}
_SHOWN: Final[dict[type[TrainView], dict[str, Any]]] = {
    CurvesView: _CURVES,
    LayersView: _LAYERS,
    WeightView: _WEIGHT,
    RunsView: _RUNS,
    FinderView: {"finder": finder_plot},
}


class TrainPanes:
    """The panes by name; `show` puts those of a view in their places and hands them its figures.

    A pane of which a view says nothing is blank.
    """

    def __init__(self, moved: Callable[[int], None] = lambda _: None) -> None:
        """moved: told of steps of the wheel over a table."""
        self._moved = moved
        self._panes: dict[str, DrawnPane[Any]] = {}
        self._placed: tuple[dict[str, Region], Palette] | None = None

    def __getitem__(self, name: str) -> DrawnPane[Any]:
        if name not in self._panes:
            pane = self._panes[name] = _PANES.get(name, partial(DrawnPane, plot_lines))()
            if isinstance(pane, _Table):
                pane.moved = self._moved
        return self._panes[name]

    def show(self, view: TrainView, size: Size, palette: Palette) -> list[Pane] | None:
        """Draw a view on a canvas of `size`; tells the panes to be placed on it if they are not the same."""
        places = train_plan(view, size)
        is_new = self._placed != (places, palette)
        if is_new:
            self._placed = places, palette
            for name, region in places.items():
                self[name].place(region, palette)
        self["status"].show(view.status)
        for name in places.keys() - {"status"}:
            self[name].show(_SHOWN[type(view)][name](view))
        return [self[name] for name in sorted(places, key=lambda name: places[name].x)] if is_new else None
