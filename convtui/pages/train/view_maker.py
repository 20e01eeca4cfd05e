"""What the Train page shows: from the trainer, the kept runs and what is chosen to the views' figures."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Final

from convtui.engine.window_layers import Conv
from convtui.pages.base.data_cache import DataCache
from convtui.pages.base.services import PageServices
from convtui.pages.train import run_figures
from convtui.pages.train.cursor import Cursor, Index, Shapes
from convtui.pages.train.figures import (
    CurvesView,
    FinderView,
    LayersView,
    RunsView,
    Status,
    Times,
    TrainView,
    WeightView,
)
from convtui.pages.train.laboratory import Laboratory
from convtui.pages.train.looking_back import LookingBack
from convtui.pages.train.plots import time_marks
from convtui.pages.train.run_browser import READING, RunBrowser
from convtui.pages.train.run_labels import invitation, run_words
from convtui.pages.train.run_list import MOST_MARKED
from convtui.training.datasets.open_any import DataSet
from convtui.training.devices import replayed_words
from convtui.training.next_run import NEXT_RUN
from convtui.training.recipe import Recipe
from convtui.training.replays import Replays
from convtui.training.runs.history import RunHistory, Search, State, WeightTrace
from convtui.training.runs.store import count_runs
from convtui.training.schedule import peak_step
from convtui.training.trainer import COMPARED, Trainer


class Tab(Enum):
    """Which view the page shows."""

    CURVES = "curves"
    LAYERS = "layers"
    WEIGHT = "weight"
    LABORATORY = "laboratory"
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
NOT_YET: Final = "shown from the next step on"
NO_UPDATE: Final = "no step has changed it yet"
LOOKS_BACK: Final = (Tab.CURVES, Tab.LAYERS, Tab.WEIGHT)
CALM: Final = (State.TRAINING, State.PAUSED, State.FINISHED, State.STOPPED, State.ELSEWHERE)


class ViewMaker:
    """The view that is chosen, with its figures; `cursor` and `is_log` are chosen within it."""

    def __init__(self, page: PageServices, data: DataCache, browser: RunBrowser) -> None:
        self._page, self._data, self._browser = page, data, browser
        self.laboratory = Laboratory(page, data, browser)
        self.tab = Tab.CURVES
        self.cursor = Cursor()
        self.is_log = False  # the losses' axis
        self.looking = LookingBack(page, lambda: self.history)
        self._replays = Replays(lambda job: self._trainer.replay(job))
        self._pending: tuple[object, State, str] | None = None  # a job, its state, what it is still to do

    @property
    def _trainer(self) -> Trainer:
        return self._page.host.trainer

    @property
    def history(self) -> RunHistory | None:
        """The run that is shown."""
        return self._trainer.shown

    @property
    def recipe(self) -> Recipe:
        """That of the run that is shown, or of the next."""
        return self.history.recipe if self.history else self._next_recipe

    @property
    def _next_recipe(self) -> Recipe:
        return self._page.host.timelines.present(NEXT_RUN).recipe

    def turn_to(self, tab: Tab) -> None:
        """Show this view; the runs on the disk are read again."""
        self.tab = tab
        if tab in (Tab.RUNS, Tab.LABORATORY):
            self._browser.read()
        self._page.show_again()

    def toggle_log(self) -> None:
        """The losses' axis: linear or logarithmic."""
        self.is_log = not self.is_log
        self._page.show_again()

    def await_change(self, job: RunHistory | Search, words: str) -> None:
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
            case Tab.LABORATORY:
                return self.laboratory.view()
            case Tab.CURVES:
                return self.curves_view()

    def _status(self) -> Status:
        trainer, history = self._trainer, self.history
        hint = HINTS.get(self.tab, "") if self._page.host.session.view.hints else ""
        if self.tab is Tab.RUNS and self._browser.is_reading:
            hint = READING
        if history is None:
            data = self._data.get(self._next_recipe)
            trouble = data if isinstance(data, str) else trainer.trouble
            return run_figures.status_before(self._next_recipe, trouble, hint)
        words, looked = self._awaited(history), self._looked
        if looked is not None and not words:
            return run_figures.status(history, self._looked_words(looked), trainer.trouble, looked=looked)
        if words or run_figures.shown_state(history) == "diverged":
            return run_figures.status(history, words, trainer.trouble, self._browser.rows())
        if history.state is State.STARTING and trainer.is_ready:
            words = "reading the images …"
        elif history.state is State.TRAINING and history in trainer.comparison:
            number = trainer.comparison.index(history) + 1
            words = f"comparison, run {number} of {COMPARED} · {run_words(history)}"
        elif history.state in CALM:
            data = self._data.get(history.recipe)
            is_same = not isinstance(data, DataSet) or run_figures.has_images_of(data, history.picture)
            words = hint if is_same else OTHER_IMAGES
        return run_figures.status(history, words, trainer.trouble)

    @property
    def _looked(self) -> int | None:
        """The step that the view looks back at."""
        return self.looking.step if self.tab in LOOKS_BACK else None

    def _looked_words(self, step: int) -> str:
        """Which step is shown of how many, and of which its pictures or figures are."""
        assert self.history
        shown = run_figures.snapshot_at(self.history, step)
        measured = f"measured at step {shown.step:,} · " if shown and self.tab is Tab.LAYERS else ""
        newest = f"step {step:,} of {self.history.step:,} · looking back"
        return f"{newest} · {measured}escape shows the newest · , . one step · < > more"

    def _awaited(self, job: RunHistory | Search) -> str:
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
        history, recipe = self.history, self._next_recipe
        found = self._data.get(history.recipe if history else recipe)
        data = None if isinstance(found, str) else found
        if history is None or history.begun is None:
            is_idle = history is None or not history.is_active
            recipe = history.recipe if history else recipe
            to_come = run_figures.schedule_to_come(recipe, data)
            invited = invitation(recipe, found, is_idle, count_runs() if is_idle else 0)
            if recipe.network and self._trainer.trouble:  # which a line may not hold
                invited = (self._trainer.trouble, "", *invited)
            return CurvesView(
                self._status(),
                (),
                to_come,
                predictions=run_figures.validation_images(data) if data else None,
                invitation=invited,
                times=Times(peak_step(recipe, len(to_come.lrs))),
            )
        others = [each for each in self._browser.list.marked(self._browser.rows()) if each.run != history.run]
        curves = [
            run_figures.curves(each, self._browser.list.colour(each)) for each in others[: MOST_MARKED - 1]
        ]
        looked = self._looked
        picture = run_figures.snapshot_at(history, looked)
        return CurvesView(
            self._status(),
            (*curves, run_figures.curves(history, self._colour_of(history))),
            run_figures.schedule_of(history, looked),
            run_figures.kernels(picture, looked is not None, history.recipe.network is not None)
            if picture
            else None,
            run_figures.predictions(picture, data, looked is not None)
            if data and run_figures.has_images_of(data, picture)
            else None,
            log_loss=self.is_log,
            times=run_figures.times(history, looked),
        )

    def _layers_view(self) -> LayersView:
        history = self.history
        found = run_figures.layers(history, self._looked)
        selected = min(self.cursor.layer, max(len(found) - 1, 0))
        times = self._times
        return LayersView(
            self._status(),
            found,
            selected,
            run_figures.band(history, selected, time_marks(times)),
            run_figures.layer_history(history),
            times,
        )

    @property
    def _times(self) -> Times:
        """What is marked on the axes of the run that is shown."""
        return run_figures.times(self.history, self._looked) if self.history else Times()

    def _weight_view(self) -> WeightView:
        history = self.history
        layer, index = self.cursor.weight(self.shapes())
        trace, step, missing = self._trace_of(layer, index)
        looked = "" if self._looked is None else f" · step {self._looked:,}"
        found = run_figures.layers(history)
        return WeightView(
            self._status(),
            f"{run_figures.weight_name(history, layer, index)}{looked}{self._of_replay(trace)}",
            run_figures.weight_step(history, trace, step) if history else None,
            run_figures.weight_trace(history, trace),
            run_figures.layer_history(history),
            found,
            next((at for at, each in enumerate(found) if each.number == layer), 0),
            run_figures.ends_of(history, trace),
            self._times,
            missing,
        )

    def _of_replay(self, trace: WeightTrace | None) -> str:
        """What is to be known of figures that come from training steps again."""
        history = self.history
        words = replayed_words(history.recipe.device) if history and trace is not history.trace else ""
        return f" · {words}" if trace and words else ""

    def _trace_of(self, layer: int, index: Index) -> tuple[WeightTrace | None, int, str]:
        """A weight over the steps, which of them to show, and why there is none.

        What the run did not watch is found by training the steps again, unless it is still active.
        """
        history, looked = self.history, self._looked
        if history is None or history.begun is None:
            return None, 0, NOT_YET
        watched = history.trace if history.trace and history.trace.is_at(layer, index) else None
        step = history.step if looked is None else looked
        if watched and watched.row_of(step) >= 0:
            return watched, step, ""
        if step == 0 or (looked is None and history.is_active):
            return watched, step, NOT_YET if history.is_active else NO_UPDATE
        trace, missing = self._replays.trace(history, step, layer, index)
        return trace or watched, step, missing

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
            run_figures.arms(trainer.comparison, trainer.waiting, self._browser.list.colour),
            trainer.comparison[0].recipe.max_lr if trainer.comparison else 0.0,
            run_figures.class_count(trainer.comparison),
            self.is_log,
            run_figures.is_usual(trainer.comparison),
            run_figures.times_of_all(shown),
        )

    def _colour_of(self, history: RunHistory) -> int | None:
        """That of its curves, or if they are not marked one that is free."""
        colour = self._browser.list.colour(history)
        return self._browser.list.free_colour() if colour is None else colour

    # -- the weights of its layers

    def shapes(self) -> Shapes:
        """The weights of what can be looked at, of the run that is shown or of the next."""
        return self.shapes_of(self.history)

    def shapes_of(self, history: RunHistory | None) -> Shapes:
        recipe = history.recipe if history else self._next_recipe
        if recipe.network:
            return {each.number: each.shape for each in (run_figures.modules_of(history) if history else ())}
        if history and history.begun:
            summary = run_figures.summary_of(history)
        elif data := self._data.images(recipe):
            summary = run_figures.next_summary(recipe, data)
        else:
            return {}
        return {
            row.number: row.parameter_shapes["weight"] for row in summary.rows if isinstance(row.layer, Conv)
        }
