"""What the Train page shows: from the trainer, the kept runs and what is chosen to the views' figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from typing import Final

from convtui.engine.layers import Conv
from convtui.pages.train import figures as figures
from convtui.pages.train.cursor import Cursor, Shapes
from convtui.pages.train.kept import READING, KeptScreen
from convtui.pages.train.panes import TrainPanes
from convtui.pages.train.shelf import MOST_MARKED
from convtui.pages.train.views import (
    CurvesView,
    FinderView,
    LayersView,
    RunsView,
    Status,
    TrainView,
    WeightView,
)
from convtui.pages.train.wording import invitation, run_words
from convtui.training.runs.history import Record, Search, State
from convtui.training.runs.store import count_runs
from convtui.training.trainer import COMPARED


class View(Enum):
    """What the page shows."""

    CURVES = "curves"
    LAYERS = "layers"
    WEIGHT = "weight"
    RUNS = "runs"
    FINDER = "rate finder"


VIEWS: Final = tuple(View)
HINTS: Final = {
    View.LAYERS: "↑ ↓ choose the layer · near zero: |activation| ≤ 0.05",
    View.WEIGHT: "arrows choose the weight in its kernel · page up, down the filter · [ ] layer",
    View.RUNS: "↑ ↓ choose · enter shows it · m its curves · g goes on · t its recipe · delete",
}
OTHER_IMAGES: Final = "the images are others than those of this run: its predictions are not shown"
# The view's hint matters more than these.
CALM: Final = (State.TRAINING, State.PAUSED, State.FINISHED, State.STOPPED, State.ELSEWHERE)


class ShowingScreen(KeptScreen):
    """A page that shows a run's curves, layers and weights, the table of runs, and the search for a rate."""

    def __init__(self) -> None:
        super().__init__()
        self.view = View.CURVES
        self.panes = TrainPanes(self.wheeled)
        self.cursor = Cursor()
        self.is_log = False
        self.asked: tuple[object, State, str] | None = None  # of a job that stands so, what it is still to do
        self._worded: Mapping[str, str] = {}
        self._seen: tuple[Record | None, int] = (None, 0)  # the run, and how many are compared

    def wheeled(self, by: int) -> None:
        """The wheel was turned over a table."""

    @property
    def lost(self) -> Record | None:
        """The run that is shown, if it was lost under way."""
        return self.record if self.record and self.record.is_lost else None

    def footer_words(self) -> Mapping[str, str]:
        """What space and enter would do, whether there is something to stop, and which view comes next."""
        active, following = self.active, VIEWS[(VIEWS.index(self.view) + 1) % len(VIEWS)]
        can_go_on = active.state is State.PAUSED if active else self.lost is not None
        run = "go on" if can_go_on else "pause" if active else "new run" if self.record else "run"
        is_over = active is None and self.record is not None and self.lost is None
        step = "show" if self.view is View.RUNS else "" if is_over else "step"
        stop = "stop" if self.trainer.is_busy or self.lost else ""
        return {"run": run, "step": step, "stop": stop, "view": following.value}

    def show_page(self) -> None:
        self._follow()
        if self._worded != (worded := self.footer_words()):
            self._worded = worded
            self.show_keys()
        palette = self.palette
        panes = self.panes.show(self._view(), (self.size.height - 2, self.size.width), palette)
        if panes is not None:
            self.canvas.place(panes, palette)

    def _follow(self) -> None:
        """Turn to what is new: a run that has begun, a comparison that has got on."""
        trainer = self.trainer
        compared = [each for each in trainer.comparison if each.begun]
        seen = (trainer.current, len(compared))
        current, before = seen[0], self._seen[0]
        if seen != self._seen and compared and current in trainer.comparison:
            self.shelf.compare(compared)
        if current is not before and current is not None:
            if current not in trainer.comparison:
                self.shelf.compare_no_more()
            self.shelf.select(current)
        self._seen = seen

    def _view(self) -> TrainView:
        match self.view:
            case View.LAYERS:
                return self._layers_view()
            case View.WEIGHT:
                return self._weight_view()
            case View.RUNS:
                return self._runs_view()
            case View.FINDER:
                return self._finder_view()
        return self._curves_view()

    def _status(self) -> Status:
        trainer, record = self.trainer, self.record
        hint = HINTS.get(self.view, "") if self.session.view.hints else ""
        if self.view is View.RUNS and self._is_listing:
            hint = READING
        if record is None:
            data = self.data_of(trainer.recipe)
            trouble = data if isinstance(data, str) else trainer.trouble
            return figures.status_before(trainer.recipe, trouble, hint)
        words = self._awaited(record)
        if words or figures.shown_state(record) == "diverged":
            return figures.status(record, words, trainer.trouble)
        if record.state is State.STARTING and trainer.is_ready:
            words = "the images are being read …"
        elif record.state is State.TRAINING and record in trainer.comparison:
            number = trainer.comparison.index(record) + 1
            words = f"comparison, run {number} of {COMPARED} · {run_words(record)}"
        elif record.state in CALM:
            words = hint
            data = self.images_of(record.recipe)
            if data and not figures.has_images_of(data, record.picture):
                words = OTHER_IMAGES
        return figures.status(record, words, trainer.trouble)

    def _awaited(self, job: Record | Search) -> str:
        """What was asked of it and has not come about yet."""
        if self.asked is None or self.asked[0] is not job:
            return ""
        if self.asked[1] is not job.state:  # it has come about
            self.asked = None
        return self.asked[2] if self.asked else ""

    def _finder_view(self) -> FinderView:
        search = self.trainer.search
        view = figures.finder_view(search, self.trainer.recipe)
        words = self._awaited(search) if search else ""
        return replace(view, status=replace(view.status, words=words)) if words else view

    def _curves_view(self) -> CurvesView:
        record, recipe = self.record, self.trainer.recipe
        found = self.data_of(record.recipe if record else recipe)
        data = None if isinstance(found, str) else found
        if record is None or record.begun is None:
            is_idle = record is None or not record.is_active
            return CurvesView(
                self._status(),
                (),
                figures.schedule_to_come(record.recipe if record else recipe, data),
                predictions=figures.test_images(data) if data else None,
                invitation=invitation(
                    record.recipe if record else recipe, found, is_idle, count_runs() if is_idle else 0
                ),
            )
        others = [each for each in self.shelf.marked(self.rows()) if each.run != record.run]
        curves = [figures.curves(each, self.shelf.colour(each)) for each in others[: MOST_MARKED - 1]]
        return CurvesView(
            self._status(),
            (*curves, figures.curves(record, self._colour_of(record))),
            figures.schedule_of(record),
            figures.kernels(record.picture) if record.picture else None,
            figures.predictions(record.picture, data)
            if data and figures.has_images_of(data, record.picture)
            else None,
            log_loss=self.is_log,
        )

    def _layers_view(self) -> LayersView:
        record = self.record
        found = figures.layers(record)
        selected = min(self.cursor.layer, max(len(found) - 1, 0))
        return LayersView(
            self._status(), found, selected, figures.band(record, selected), figures.layer_history(record)
        )

    def _weight_view(self) -> WeightView:
        record = self.record
        layer, index = self.cursor.weight(self.shapes())
        trace = record.trace if record else None
        told = record if trace and (trace.layer, trace.index) == (layer, index) else None
        found = figures.layers(record)
        return WeightView(
            self._status(),
            f"layer {layer}, weight {list(index)}",
            figures.weight_step(told),
            figures.weight_trace(told),
            figures.layer_history(record),
            found,
            next((at for at, each in enumerate(found) if each.number == layer), 0),
        )

    def _runs_view(self) -> RunsView:
        trainer, rows = self.trainer, self.rows()
        shown = self.shelf.marked(rows)
        selected = self.selected()
        if selected and selected.has_curves:  # it lies over the others
            shown = [*(each for each in shown if each is not selected), selected]
        return RunsView(
            self._status(),
            tuple(figures.run_row(each, self.shelf.colour(each)) for each in rows),
            self.shelf.selected(rows),
            tuple(figures.curves(each, self._colour_of(each)) for each in shown),
            figures.arms(trainer.comparison, tuple(trainer.waiting), self.shelf.colour),
            trainer.comparison[0].recipe.max_lr if trainer.comparison else 0.0,
            figures.class_count(trainer.comparison),
            self.is_log,
            figures.is_usual(trainer.comparison),
        )

    def _colour_of(self, record: Record) -> int | None:
        """That of its curves, or if they are not marked one that is free."""
        colour = self.shelf.colour(record)
        return self.shelf.free_colour() if colour is None else colour

    # -- the weights of its layers

    def shapes(self) -> Shapes:
        """The weights of all convolutions, of the run that is shown or of the next."""
        return self.shapes_of(self.record)

    def shapes_of(self, record: Record | None) -> Shapes:
        recipe = (record or self.trainer).recipe
        if record and record.begun:
            summary = figures.summary_of(record)
        elif data := self.images_of(recipe):
            summary = figures.next_summary(recipe, data)
        else:
            return {}
        return {
            row.number: row.parameter_shapes["weight"] for row in summary.rows if isinstance(row.layer, Conv)
        }
