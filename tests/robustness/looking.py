"""All that the app does with a file, without its screens: read, computed with and drawn."""

from dataclasses import replace
from pathlib import Path

from convtui.pages.train import run_figures as figures
from convtui.pages.train.figures import Curves, CurvesView, LayersView, RunsView, TrainView, WeightView
from convtui.pages.train.panes import TrainPanes
from convtui.paint.themes import palette_of
from convtui.training.datasets.open_any import DataSet
from convtui.training.runs.history import RunHistory
from convtui.training.runs.store import Run

SIZE = 38, 120
PALETTE = palette_of(dark=True, no_color=False)


def look_at_run(folder: Path, data: DataSet) -> RunHistory:
    """Its log as the table of runs and every view of the Train page show it. Raises RunError."""
    run = Run(folder)
    outline = RunHistory.of_run(run, outline=True)
    _draw(_runs_view(outline, []))
    record = RunHistory.of_run(run)
    if record.begun:
        for view in _views(record, data):
            _draw(view)
    return record


def _views(record: RunHistory, data: DataSet) -> list[TrainView]:
    status, layers = figures.status(record), figures.layers(record)
    curves = [figures.curves(record, 0)]
    picture = record.picture
    history = figures.layer_history(record)
    return [
        CurvesView(
            status,
            tuple(curves),
            figures.schedule_of(record),
            figures.kernels(picture) if picture else None,
            figures.predictions(picture, data) if figures.has_images_of(data, picture) else None,
        ),
        *(
            LayersView(status, layers, at, figures.band(record, at), history)
            for at in range(max(len(layers), 1))
        ),
        WeightView(
            status,
            "weight",
            figures.weight_step(record, record.trace, record.step),
            figures.weight_trace(record, record.trace),
            history,
            layers,
            0,
            figures.ends_of(record, record.trace),
        ),
        _runs_view(record, curves),
        replace(_runs_view(record, curves), log_loss=True),
    ]


def _runs_view(record: RunHistory, curves: list[Curves]) -> RunsView:
    return RunsView(
        figures.status(record),
        (figures.run_row(record, 0),),
        0,
        tuple(curves),
        figures.arms([record], (), lambda _: 0),
    )


def _draw(view: TrainView) -> None:
    for pane in (TrainPanes().show(view, SIZE, PALETTE) or {}).values():
        pane.changes()
        for y in range(pane.region.height):
            pane.line(y)
