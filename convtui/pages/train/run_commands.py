"""What the keys of the Train page have the trainer do: start, pause, step, stop, resume, compare, search."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from convtui.inputs.names import run_name
from convtui.pages.base.data_cache import DataCache
from convtui.pages.base.services import PageServices
from convtui.pages.train.recipe_editor import RecipeEditor
from convtui.pages.train.run_browser import RunBrowser
from convtui.pages.train.view_maker import Tab, ViewMaker
from convtui.training.runs.history import RunHistory, Search, State
from convtui.training.trainer import Trainer, TrainerError


def obeyed(page: PageServices, command: Callable[[], object]) -> bool:
    """Give the trainer a command; where it cannot be obeyed say why. Tells whether it can."""
    try:
        command()
    except TrainerError as error:
        page.say(str(error), error=True)
        return False
    page.show_again()
    return True


class RunCommands:
    """Commands that depend on which run is active, shown or selected."""

    def __init__(
        self,
        page: PageServices,
        data: DataCache,
        editor: RecipeEditor,
        browser: RunBrowser,
        views: ViewMaker,
    ) -> None:
        self._page, self._data = page, data
        self._editor, self._browser, self._views = editor, browser, views

    @property
    def _trainer(self) -> Trainer:
        return self._page.host.trainer

    @property
    def _lost(self) -> RunHistory | None:
        """The run that is shown, if its training process was lost."""
        shown = self._views.history
        return shown if shown and shown.is_lost else None

    def idle_actions(self) -> frozenset[str]:
        """What is of the bundled network alone, where the next run or the one on show is of another."""
        of_next = ("compare", "batch_norm(1)") if self._editor.recipe.network else ()
        of_shown = ("open_kernels", "open_layers") if self._views.recipe.network else ()
        return frozenset((*of_next, *of_shown))

    def footer_words(self) -> Mapping[str, str]:
        """What space and enter would do, whether there is something to stop, and which view comes next."""
        active, shown, lost = self._trainer.active, self._views.history, self._lost
        can_go_on = active.state is State.PAUSED if active else lost is not None
        run = "resume" if can_go_on else "pause" if active else "new run" if shown else "run"
        is_over = active is None and shown is not None and lost is None
        step = "" if is_over else "step"
        if self._views.tab is Tab.RUNS:
            step = "show"
        elif self._views.tab is Tab.LABORATORY:
            is_idle = not (self._trainer.is_busy or self._views.laboratory.refusal)
            step = "train and measure" if is_idle else ""
        stop = "stop" if self._trainer.is_busy or lost else ""
        compare = "" if "compare" in self.idle_actions() else "compare"
        words = {"run": run, "step": step, "stop": stop, "compare": compare}
        return words | {"view": self._views.tab.next().value}

    def _ask_of(self, command: Callable[[], object], job: RunHistory | Search | None, words: str) -> None:
        """Give a command, and say that it is under way until it is obeyed."""
        if job is not None:
            self._views.await_change(job, words)
        obeyed(self._page, command)

    def play(self) -> None:
        """Start, pause, go on."""
        active = self._trainer.active
        if active is None:
            if self._lost:
                self._go_on(self._lost)
            else:
                self._start()
        elif active.state is State.PAUSED:
            obeyed(self._page, self._trainer.go)
        else:
            self._ask_of(self._trainer.pause, active, "pausing …")

    def one_step(self) -> None:
        """A single step, also as the first of a run; in the table of runs, show the selected one.

        Of a run that is over there is none: a new one is begun by the key for that alone.
        """
        shown = self._views.history
        if self._views.tab is Tab.RUNS:
            self._browser.with_selected(self.look)
        elif self._views.tab is Tab.LABORATORY:
            self._views.laboratory.start()
        elif self._trainer.active is not None:
            obeyed(self._page, self._trainer.one_step)
        elif self._lost:
            self._go_on(self._lost, paused=True)
        elif shown is not None:
            resume = "is finished:" if shown.state is State.FINISHED else "is not running: g resumes it,"
            self._page.say(f"{run_name(shown.run)} {resume} space starts a new run")
        else:
            self._start(paused=True)

    def _start(self, paused: bool = False) -> None:
        """Begin a run; images that could not be read are tried once more before."""
        self._data.when_read(self._editor.recipe, lambda: self._begin(paused))

    def _begin(self, paused: bool) -> None:
        recipe = self._editor.recipe
        data = self._data.get(recipe)
        if isinstance(data, str):
            self._page.say(data, error=True)
        elif obeyed(self._page, lambda: self._trainer.start(recipe, paused)):
            self._has_begun(paused)

    def _go_on(self, history: RunHistory, paused: bool = False) -> None:
        if obeyed(self._page, lambda: self._trainer.resume(history)):
            self._has_begun(paused)

    def _has_begun(self, paused: bool) -> None:
        """A run is active, of which one step is wanted if it is paused."""
        if paused:
            obeyed(self._page, self._trainer.one_step)
        if self._views.tab in (Tab.RUNS, Tab.FINDER, Tab.LABORATORY):
            self._views.turn_to(Tab.CURVES)

    def stop(self) -> None:
        trainer = self._trainer
        search = trainer.search if trainer.search and trainer.search.is_active else None
        words = "stopping after this step … · x once more ends it at once" if trainer.theirs else "stopping …"
        self._ask_of(trainer.stop, (trainer.active or search) if trainer.is_busy else None, words)

    def compare(self) -> None:
        if network := self._editor.recipe.network:
            self._page.say(
                f"the four runs are of the bundled network, with and without norm, not {network.name}"
            )
            return
        if obeyed(self._page, lambda: self._trainer.compare(self._editor.recipe)):
            self._views.turn_to(Tab.RUNS)

    def find(self) -> None:
        if obeyed(self._page, lambda: self._trainer.find(self._editor.recipe)):
            self._views.turn_to(Tab.FINDER)

    def take(self) -> None:
        """The rate that was found, or the selected run's recipe, for the next run."""
        search = self._trainer.search
        if self._views.tab is Tab.RUNS:
            self._browser.with_selected(self._take_recipe)
        elif search and search.suggestion is not None:
            rate = float(f"{search.suggestion:.2g}")
            self._editor.change(self._editor.recipe.with_text("max_lr", str(rate)))
            self._page.say(f"the next run's peak rate is {rate:g}: space starts it")
        else:
            self._page.say("no rate has been found yet: f searches for one")

    def _take_recipe(self, history: RunHistory) -> None:
        self._editor.change(history.recipe)
        self._page.say(f"the next run takes the recipe of {run_name(history.run)}: space starts it")

    def resume(self) -> None:
        """Go on with a run that is not finished: the selected one, or the one that is shown."""
        self._browser.when_read(self._resume)

    def _resume(self) -> None:
        history = self._browser.selected() if self._views.tab is Tab.RUNS else self._views.history
        if history is None or not history.run:
            self._page.say("there is no run to resume: space starts one")
        elif history.is_outline:
            self._page.say(f"{run_name(history.run)} is still being read")
        else:
            self._go_on(history)

    def look(self, history: RunHistory) -> None:
        """Show a run's curves, layers and weights."""
        if history.is_outline:
            self._page.say(f"{run_name(history.run)} is still being read")
        else:
            self._trainer.look_at(history)
            self._views.turn_to(Tab.CURVES)
            if history.left_out:
                self._page.say(f"{run_name(history.run)}: {history.left_out}", error=True)
