"""What the Train page shows: from the trainer, the kept runs and what is chosen to the views' figures."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Final

from convtui.engine.layers import Conv
from convtui.pages.base.page import Page
from convtui.pages.train import run_figures
from convtui.pages.train.cursor import Cursor, Shapes
from convtui.pages.train.data_cache import DataCache
from convtui.pages.train.figures import (
    CurvesView,
    FinderView,
    LayersView,
    RunsView,
    Status,
    TrainView,
    WeightView,
)
from convtui.pages.train.run_browser import READING, RunBrowser
from convtui.pages.train.run_labels import invitation, run_words
from convtui.pages.train.run_list import MOST_MARKED
from convtui.training.datasets.open_any import DataSet
from convtui.training.next_run import NEXT_RUN
from convtui.training.recipe import Recipe
from convtui.training.runs.history import Record, Search, State
from convtui.training.runs.store import count_runs
from convtui.training.trainer import COMPARED, Trainer


class Tab(Enum):
    """Which view the page shows."""

    CURVES = "curves"
    LAYERS = "layers"
    WEIGHT = "weight"
    RUNS = "runs"
    FINDER = "rate finder"

    def next(self, by: int = 1) -> Tab:
        """The view so many further, counted round."""
        tabs = list(Tab)
        return tabs[(tabs.index(self) + by) % len(tabs)]


HINTS: Final = {
    Tab.LAYERS: "↑ ↓ choose the layer · near zero: |activation| ≤ 0.05",
    Tab.WEIGHT: "arrows choose the weight in its kernel · page up, down the filter · [ ] layer",
    Tab.RUNS: "↑ ↓ choose · enter shows it · m its curves · g resumes · t its recipe · delete",
}
# The view's hint matters more than these.
OTHER_IMAGES: Final = "the data set has changed since this run: its predictions are not shown"
CALM: Final = (State.TRAINING, State.PAUSED, State.FINISHED, State.STOPPED, State.ELSEWHERE)


class ViewMaker:
    """The view that is chosen, with its figures; `cursor` and `is_log` are chosen within it."""

    def __init__(self, page: Page, data: DataCache, browser: RunBrowser) -> None:
        self._page, self._data, self._browser = page, data, browser
        self.tab = Tab.CURVES
        self.cursor = Cursor()
        self.is_log = False  # the losses' axis
        self._pending: tuple[object, State, str] | None = None  # a job, its state, what it is still to do

    @property
    def _trainer(self) -> Trainer:
        return self._page.host.trainer

    @property
    def record(self) -> Record | None:
        """The run that is shown."""
        return self._trainer.shown

    @property
    def recipe(self) -> Recipe:
        """That of the run that is shown, or of the next."""
        return self.record.recipe if self.record else self._next_recipe

    @property
    def _next_recipe(self) -> Recipe:
        return self._page.host.timelines.present(NEXT_RUN).recipe

    def await_change(self, job: Record | Search, words: str) -> None:
        """Say these words in the status until the state of the job has changed."""
        self._pending = job, job.state, words

    def make(self) -> TrainView:
        """The figures of the view that is chosen."""
        match self.tab:
            case Tab.LAYERS:
                return self._layers_view()
            case Tab.WEIGHT:
                return self._weight_view()
            case Tab.RUNS:
                return self.runs_view()
            case Tab.FINDER:
                return self._finder_view()
            case Tab.CURVES:
                return self.curves_view()

    def _status(self) -> Status:
        trainer, record = self._trainer, self.record
        hint = HINTS.get(self.tab, "") if self._page.session.view.hints else ""
        if self.tab is Tab.RUNS and self._browser.is_reading:
            hint = READING
        if record is None:
            data = self._data.get(self._next_recipe)
            trouble = data if isinstance(data, str) else trainer.trouble
            return run_figures.status_before(self._next_recipe, trouble, hint)
        words = self._awaited(record)
        if words or run_figures.shown_state(record) == "diverged":
            return run_figures.status(record, words, trainer.trouble)
        if record.state is State.STARTING and trainer.is_ready:
            words = "the images are being read …"
        elif record.state is State.TRAINING and record in trainer.comparison:
            number = trainer.comparison.index(record) + 1
            words = f"comparison, run {number} of {COMPARED} · {run_words(record)}"
        elif record.state in CALM:
            data = self._data.get(record.recipe)
            is_same = not isinstance(data, DataSet) or run_figures.has_images_of(data, record.picture)
            words = hint if is_same else OTHER_IMAGES
        return run_figures.status(record, words, trainer.trouble)

    def _awaited(self, job: Record | Search) -> str:
        """What was asked of it and has not come about yet."""
        if self._pending is None or self._pending[0] is not job:
            return ""
        if self._pending[1] is not job.state:  # it has come about
            self._pending = None
        return self._pending[2] if self._pending else ""

    def _finder_view(self) -> FinderView:
        search = self._trainer.search
        view = run_figures.finder_view(search, self._next_recipe)
        words = self._awaited(search) if search else ""
        return replace(view, status=replace(view.status, words=words)) if words else view

    def curves_view(self) -> CurvesView:
        record, recipe = self.record, self._next_recipe
        found = self._data.get(record.recipe if record else recipe)
        data = None if isinstance(found, str) else found
        if record is None or record.begun is None:
            is_idle = record is None or not record.is_active
            return CurvesView(
                self._status(),
                (),
                run_figures.schedule_to_come(record.recipe if record else recipe, data),
                predictions=run_figures.test_images(data) if data else None,
                invitation=invitation(
                    record.recipe if record else recipe, found, is_idle, count_runs() if is_idle else 0
                ),
            )
        others = [each for each in self._browser.list.marked(self._browser.rows()) if each.run != record.run]
        curves = [
            run_figures.curves(each, self._browser.list.colour(each)) for each in others[: MOST_MARKED - 1]
        ]
        return CurvesView(
            self._status(),
            (*curves, run_figures.curves(record, self._colour_of(record))),
            run_figures.schedule_of(record),
            run_figures.kernels(record.picture) if record.picture else None,
            run_figures.predictions(record.picture, data)
            if data and run_figures.has_images_of(data, record.picture)
            else None,
            log_loss=self.is_log,
        )

    def _layers_view(self) -> LayersView:
        record = self.record
        found = run_figures.layers(record)
        selected = min(self.cursor.layer, max(len(found) - 1, 0))
        return LayersView(
            self._status(),
            found,
            selected,
            run_figures.band(record, selected),
            run_figures.layer_history(record),
        )

    def _weight_view(self) -> WeightView:
        record = self.record
        layer, index = self.cursor.weight(self.shapes())
        trace = record.trace if record else None
        told = record if trace and (trace.layer, trace.index) == (layer, index) else None
        found = run_figures.layers(record)
        return WeightView(
            self._status(),
            f"layer {layer}, weight {list(index)}",
            run_figures.weight_step(told),
            run_figures.weight_trace(told),
            run_figures.layer_history(record),
            found,
            next((at for at, each in enumerate(found) if each.number == layer), 0),
        )

    def runs_view(self) -> RunsView:
        trainer, rows = self._trainer, self._browser.rows()
        shown = self._browser.list.marked(rows)
        selected = self._browser.selected()
        if selected and selected.has_curves:  # it lies over the others
            shown = [*(each for each in shown if each is not selected), selected]
        return RunsView(
            self._status(),
            tuple(run_figures.run_row(each, self._browser.list.colour(each)) for each in rows),
            self._browser.list.selected(rows),
            tuple(run_figures.curves(each, self._colour_of(each)) for each in shown),
            run_figures.arms(trainer.comparison, tuple(trainer.waiting), self._browser.list.colour),
            trainer.comparison[0].recipe.max_lr if trainer.comparison else 0.0,
            run_figures.class_count(trainer.comparison),
            self.is_log,
            run_figures.is_usual(trainer.comparison),
        )

    def _colour_of(self, record: Record) -> int | None:
        """That of its curves, or if they are not marked one that is free."""
        colour = self._browser.list.colour(record)
        return self._browser.list.free_colour() if colour is None else colour

    # -- the weights of its layers

    def shapes(self) -> Shapes:
        """The weights of all convolutions, of the run that is shown or of the next."""
        return self.shapes_of(self.record)

    def shapes_of(self, record: Record | None) -> Shapes:
        recipe = record.recipe if record else self._next_recipe
        if record and record.begun:
            summary = run_figures.summary_of(record)
        elif data := self._data.images(recipe):
            summary = run_figures.next_summary(recipe, data)
        else:
            return {}
        return {
            row.number: row.parameter_shapes["weight"] for row in summary.rows if isinstance(row.layer, Conv)
        }
