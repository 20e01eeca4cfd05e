"""The panes of the Train page: for each view, what of it each of its panes draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from textual.geometry import Region

from convtui.pages.train.figures import (
    CurvesView,
    FinderView,
    LaboratoryView,
    LayersView,
    RunsView,
    TrainView,
    WeightView,
)
from convtui.pages.train.laboratory_plots import PICTURES, Captioned, captioned_lines, verdict_lines
from convtui.pages.train.layout import train_plan
from convtui.pages.train.pictures import kernel_lines, prediction_lines
from convtui.pages.train.plots import (
    accuracy_plot,
    finder_plot,
    gradient_plot,
    layer_plot,
    loss_plot,
    marked,
    momentum_plot,
    rate_plot,
    update_plot,
    value_plot,
)
from convtui.pages.train.tables import (
    comparison_lines,
    invitation_lines,
    layer_at,
    layers_table,
    run_at,
    runs_table,
    status_lines,
    step_at,
    weight_card,
)
from convtui.paint.band import band_lines
from convtui.paint.canvas import Pane
from convtui.paint.colours import Palette
from convtui.paint.drawing import Cell
from convtui.paint.panes import Draw, DrawnPane, Size
from convtui.paint.plots import Plot, plot_lines

View = TypeVar("View", CurvesView, LayersView, WeightView, RunsView, FinderView, LaboratoryView)
Timed = TypeVar("Timed", CurvesView, LayersView, WeightView, RunsView)
Shown = TypeVar("Shown")


class SelectableTable(DrawnPane[Shown]):
    """A table in which the wheel moves what is selected."""

    def __init__(
        self,
        draw: Draw[Shown],
        cell_of: Callable[[Shown, Size, int, int], Cell | None],
        moved: Callable[[int], None],
    ) -> None:
        super().__init__(draw, cell_of)
        self._moved = moved

    def scroll(self, rows: int, columns: int) -> None:  # noqa: ARG002
        if rows:
            self._moved(rows)


class Part(Generic[View]):
    """A pane and the figures of a view that it draws; the pane is blank where there are none."""

    def __init__(self, pane: DrawnPane[Shown], figures: Callable[[View], Shown | None]) -> None:
        self.pane: Pane = pane
        self.place = pane.place
        self.show: Callable[[View], None] = lambda view: pane.show(figures(view))


def _drawn(draw: Draw[Shown], figures: Callable[[View], Shown | None]) -> Part[View]:
    return Part(DrawnPane(draw), figures)


def _plot(figures: Callable[[View], Plot]) -> Part[View]:
    return Part(DrawnPane(plot_lines), figures)


def _timed(figures: Callable[[Timed], Plot]) -> Part[Timed]:
    """A plot over steps, on which the view's times are marked."""
    return Part(DrawnPane(plot_lines), lambda view: marked(figures(view), view.times))


def _norms(view: LayersView | WeightView) -> Plot:
    return layer_plot("weight norms", view, view.history.weight_norms)


def _captioned(name: str) -> Part[LaboratoryView]:
    """A picture of the laboratory, where it is shown."""

    def figures(view: LaboratoryView) -> Captioned | None:
        return view.pictures.get(name)

    return Part(DrawnPane(captioned_lines), figures)


class TrainPanes:
    """The panes of all views; `show` puts those of one view in their places and hands them its figures."""

    def __init__(self, moved: Callable[[int], None] = lambda _: None) -> None:
        """moved: told of steps of the wheel over a table."""
        self.status = DrawnPane(status_lines, step_at)
        self.layers = SelectableTable(layers_table, layer_at, moved)
        self.runs = SelectableTable(runs_table, run_at, moved)
        self._curves: dict[str, Part[CurvesView]] = {
            "loss": _timed(lambda view: loss_plot(view.curves, view.log_loss, view.times.looked)),
            "rate": _timed(lambda view: rate_plot(view.schedule)),
            "momentum": _timed(lambda view: momentum_plot(view.schedule)),
            "accuracy": _timed(lambda view: accuracy_plot(view.curves, view.times.looked)),
            "kernels": _drawn(kernel_lines, lambda view: view.kernels),
            "predictions": _drawn(prediction_lines, lambda view: view.predictions),
            "invitation": _drawn(invitation_lines, lambda view: view.invitation),
        }
        self._layers: dict[str, Part[LayersView]] = {
            "layers": Part(self.layers, lambda view: view),
            "band": _drawn(band_lines, lambda view: view.band),
            "stds": _timed(lambda view: layer_plot("std of the activations", view, view.history.stds)),
            "near zero": _timed(
                lambda view: layer_plot(
                    "near zero (|x| ≤ 0.05), %", view, view.history.near_zeros * 100, (0, 100)
                )
            ),
            "norms": _timed(_norms),
        }
        self._weight: dict[str, Part[WeightView]] = {
            "card": _drawn(weight_card, lambda view: view),
            "norms": _timed(_norms),
            "gradients": _timed(
                lambda view: gradient_plot(
                    view.trace, view.weight.optimizer if view.weight else "", view.steps
                )
            ),
            "value": _timed(lambda view: value_plot(view.trace, view.steps)),
            "updates": _timed(lambda view: update_plot(view.trace, view.steps)),
        }
        self._runs: dict[str, Part[RunsView]] = {
            "runs": Part(self.runs, lambda view: view),
            "losses": _timed(lambda view: loss_plot(view.curves, view.log_loss)),
            "accuracies": _timed(lambda view: accuracy_plot(view.curves)),
            "comparison": _drawn(comparison_lines, lambda view: view),
        }
        self._finder: dict[str, Part[FinderView]] = {"finder": _plot(finder_plot)}
        self._laboratory: dict[str, Part[LaboratoryView]] = {
            "explanation": _drawn(invitation_lines, lambda view: view.explanation),
            **{name: _captioned(name) for name in PICTURES},
            "verdicts": _drawn(verdict_lines, lambda view: view.told),
        }
        self._placed: tuple[dict[str, Region], Palette] | None = None

    def show(self, view: TrainView, size: Size, palette: Palette) -> dict[str, Pane] | None:
        """Draw a view on a canvas of `size`; tells the panes to be placed on it if they are others."""
        places = train_plan(view, size)
        is_new = self._placed != (places, palette)
        self._placed = places, palette
        if is_new:
            self.status.place(places["status"], palette)
        self.status.show(view.status)
        match view:
            case CurvesView():
                panes = self._show(view, self._curves, is_new)
            case LayersView():
                panes = self._show(view, self._layers, is_new)
            case WeightView():
                panes = self._show(view, self._weight, is_new)
            case RunsView():
                panes = self._show(view, self._runs, is_new)
            case FinderView():
                panes = self._show(view, self._finder, is_new)
            case LaboratoryView():
                panes = self._show(view, self._laboratory, is_new)
        return {"status": self.status, **panes} if is_new else None

    def _show(self, view: View, parts: Mapping[str, Part[View]], is_new: bool) -> dict[str, Pane]:
        """Hand a view's figures to those of its panes that have a place."""
        assert self._placed
        places, palette = self._placed
        shown = {name: parts[name] for name in places if name in parts}
        for name, part in shown.items():
            if is_new:
                part.place(places[name], palette)
            part.show(view)
        return {name: part.pane for name, part in shown.items()}
