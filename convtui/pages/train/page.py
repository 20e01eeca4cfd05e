"""The Train page: a small CNN is trained live, in a process of its own that this page only listens to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from convtui.inputs.names import run_name
from convtui.pages.base import keys
from convtui.pages.base.page import Page
from convtui.pages.train.cursor import Cursor
from convtui.pages.train.data_cache import DataCache
from convtui.pages.train.panes import TrainPanes
from convtui.pages.train.recipe_editor import RecipeEditor
from convtui.pages.train.run_browser import RunBrowser
from convtui.pages.train.run_opener import RunOpener
from convtui.pages.train.view_maker import Tab, ViewMaker
from convtui.paint.canvas import Canvas
from convtui.paint.controls import Control
from convtui.state.history import Document
from convtui.training.next_run import NEXT_RUN
from convtui.training.protocol import Begun, Watch
from convtui.training.runs.history import RunHistory, Search, State
from convtui.training.trainer import Trainer, TrainerError

IN_THE_TABLE: Final = "this key works in the table of all runs, which tab leads to"
KERNELS: Final = "its first layer: the learned kernels over a normalised image"
LAYERS: Final = "its layers with their learned weights"


class TrainPage(Page):
    """Curves, layers and one weight of a run, all kept runs, and the search for a learning rate."""

    KEYS = keys.PAGES["train"]
    DOCUMENT: ClassVar[Document[Any]] = NEXT_RUN

    def __init__(self) -> None:
        super().__init__()
        self.data = DataCache(self)
        self.editor = RecipeEditor(self, self.data)
        self.browser = RunBrowser(self)
        self.opener = RunOpener(self, self.data)
        self.views = ViewMaker(self, self.data, self.browser)
        self.panes = TrainPanes(self._wheeled)
        self._footer: Mapping[str, str] = {}  # as it was drawn last
        self._seen: tuple[RunHistory | None, int] = (None, 0)  # the run, and how many are compared
        self._told: list[Begun] = []  # those whose notice was shown

    @property
    def trainer(self) -> Trainer:
        return self.host.trainer

    # -- showing

    def on_mount(self) -> None:
        self.trainer.to_watch = self._watched_in
        self.trainer.listen(self._heard)
        self.trainer.prewarm()
        self.host.timelines.watch(NEXT_RUN, self._changed_recipe)

    def _heard(self) -> None:
        """The trainer has news; a page that is not seen looks when it is."""
        if self.is_current:
            self.call_later(self.show_again)

    def _changed_recipe(self) -> None:
        self.trainer.trouble = ""
        self.show_again()

    def controls(self) -> list[Control]:
        return self.editor.controls()

    def footer_words(self) -> Mapping[str, str]:
        """What space and enter would do, whether there is something to stop, and which view comes next."""
        active, shown, lost = self.trainer.active, self.views.history, self._lost
        can_go_on = active.state is State.PAUSED if active else lost is not None
        run = "resume" if can_go_on else "pause" if active else "new run" if shown else "run"
        is_over = active is None and shown is not None and lost is None
        step = "show" if self.views.tab is Tab.RUNS else "" if is_over else "step"
        stop = "stop" if self.trainer.is_busy or lost else ""
        return {"run": run, "step": step, "stop": stop, "view": self.views.tab.next().value}

    def show_page(self) -> None:
        self._follow()
        if self._footer != (words := self.footer_words()):
            self._footer = words
            self.show_keys()
        palette = self.palette
        panes = self.panes.show(self.views.make(), (self.room.height - 2, self.room.width), palette)
        if panes is not None:
            self.canvas.place(panes, palette)

    def _follow(self) -> None:
        """Turn to what is new: a run that has begun, a comparison that has got on."""
        trainer, runs = self.trainer, self.browser.list
        compared = [each for each in trainer.comparison if each.begun]
        seen = (trainer.current, len(compared))
        current, before = seen[0], self._seen[0]
        if seen != self._seen and compared and current in trainer.comparison:
            runs.compare(compared)
        if current is not before and current is not None:
            if current not in trainer.comparison:
                runs.compare_no_more()
            runs.select(current)
        self._seen = seen
        self._say_how_it_was_read()

    def _say_how_it_was_read(self) -> None:
        """What a job that has begun tells of its data, once."""
        trainer = self.trainer
        run = trainer.current if trainer.current and trainer.current.run in trainer.histories else None
        for job in run, trainer.search:
            begun = job.begun if job else None
            if begun and begun.notice and begun not in self._told:
                self._told.append(begun)
                self.say(begun.notice)

    # -- the run

    @property
    def _lost(self) -> RunHistory | None:
        """The run that is shown, if its training process was lost."""
        shown = self.views.history
        return shown if shown and shown.is_lost else None

    def _do(self, command: Callable[[], object]) -> bool:
        """Give a command; where it cannot be obeyed say why. Tells whether it can."""
        try:
            command()
        except TrainerError as error:
            self.say(str(error), error=True)
            return False
        self.show_again()
        return True

    def _ask_of(self, command: Callable[[], object], job: RunHistory | Search | None, words: str) -> None:
        """Give a command, and say that it is under way until it is obeyed."""
        if job is not None:
            self.views.await_change(job, words)
        self._do(command)

    def action_play(self) -> None:
        """Start, pause, go on."""
        active = self.trainer.active
        if active is None:
            if self._lost:
                self._go_on(self._lost)
            else:
                self._start()
        elif active.state is State.PAUSED:
            self._do(self.trainer.go)
        else:
            self._ask_of(self.trainer.pause, active, "pausing …")

    def action_one_step(self) -> None:
        """A single step, also as the first of a run; in the table of runs, show the selected one.

        Of a run that is over there is none: a new one is begun by the key for that alone.
        """
        shown = self.views.history
        if self.views.tab is Tab.RUNS:
            self.browser.with_selected(self._look)
        elif self.trainer.active is not None:
            self._do(self.trainer.one_step)
        elif self._lost:
            self._go_on(self._lost, paused=True)
        elif shown is not None:
            resume = "is finished:" if shown.state is State.FINISHED else "is not running: g resumes it,"
            self.say(f"{run_name(shown.run)} {resume} space starts a new run")
        else:
            self._start(paused=True)

    def action_speed(self, direction: int) -> None:  # noqa: ARG002
        self.say("a run goes as fast as it can; enter takes single steps")

    def _start(self, paused: bool = False) -> None:
        """Begin a run; images that could not be read are tried once more before."""
        self.data.when_read(self.editor.recipe, lambda: self._begin(paused))

    def _begin(self, paused: bool) -> None:
        recipe = self.editor.recipe
        data = self.data.get(recipe)
        if isinstance(data, str):
            self.say(data, error=True)
        elif self._do(lambda: self.trainer.start(recipe, paused)):
            self._has_begun(paused)

    def _go_on(self, history: RunHistory, paused: bool = False) -> None:
        if self._do(lambda: self.trainer.resume(history)):
            self._has_begun(paused)

    def _has_begun(self, paused: bool) -> None:
        """A run is active, of which one step is wanted if it is paused."""
        if paused:
            self._do(self.trainer.one_step)
        if self.views.tab in (Tab.RUNS, Tab.FINDER):
            self.turn_to(Tab.CURVES)

    def action_stop(self) -> None:
        trainer = self.trainer
        search = trainer.search if trainer.search and trainer.search.is_active else None
        self._ask_of(trainer.stop, (trainer.active or search) if trainer.is_busy else None, "stopping …")

    def action_compare(self) -> None:
        if self._do(lambda: self.trainer.compare(self.editor.recipe)):
            self.turn_to(Tab.RUNS)

    def action_find(self) -> None:
        if self._do(lambda: self.trainer.find(self.editor.recipe)):
            self.turn_to(Tab.FINDER)

    def action_take(self) -> None:
        """The rate that was found, or the selected run's recipe, for the next run."""
        search = self.trainer.search
        if self.views.tab is Tab.RUNS:
            self.browser.with_selected(self._take_recipe)
        elif search and search.suggestion is not None:
            rate = float(f"{search.suggestion:.2g}")
            self.editor.change(self.editor.recipe.with_text("max_lr", str(rate)))
            self.say(f"the next run's peak rate is {rate:g}: space starts it")
        else:
            self.say("no rate has been found yet: f searches for one")

    def _take_recipe(self, history: RunHistory) -> None:
        self.editor.change(history.recipe)
        self.say(f"the next run takes the recipe of {run_name(history.run)}: space starts it")

    def action_resume(self) -> None:
        """Go on with a run that is not finished: the selected one, or the one that is shown."""
        self.browser.when_read(self._resume)

    def _resume(self) -> None:
        history = self.browser.selected() if self.views.tab is Tab.RUNS else self.views.history
        if history is None or not history.run:
            self.say("there is no run to resume: space starts one")
        elif history.is_outline:
            self.say(f"{run_name(history.run)} is still being read")
        else:
            self._go_on(history)

    # -- the recipe of the next run

    def action_lr(self, by: int) -> None:
        self.editor.step_rate(by)

    def action_batch_norm(self, by: int) -> None:  # noqa: ARG002
        self.editor.toggle_batch_norm()

    def action_schedule(self, by: int) -> None:  # noqa: ARG002
        self.editor.next_schedule()

    def action_optimizer(self, by: int) -> None:  # noqa: ARG002
        self.editor.next_optimizer()

    def action_epochs(self, by: int) -> None:
        self.editor.step_epochs(by)

    def action_decay(self, by: int) -> None:
        self.editor.step_decay(by)

    def action_seed(self, by: int) -> None:
        self.editor.step_seed(by)

    def action_batch(self, by: int) -> None:
        self.editor.step_batch_size(by)

    def action_data(self, by: int) -> None:  # noqa: ARG002
        self.editor.type("data")

    def action_type(self, name: str) -> None:
        self.editor.type(name)

    def action_undo(self) -> None:
        self.editor.undo()

    def action_redo(self) -> None:
        self.editor.redo()

    # -- choosing

    def action_view(self, by: int) -> None:
        self.turn_to(self.views.tab.next(by))

    def turn_to(self, tab: Tab) -> None:
        """Show this view; the runs on the disk are read again."""
        self.views.tab = tab
        if tab is Tab.RUNS:
            self.browser.read()
        self.show_again()

    def action_log(self) -> None:
        """The losses' axis: linear or logarithmic."""
        self.views.is_log = not self.views.is_log
        self.show_again()

    def action_mark(self) -> None:
        if self._is_in_table():
            self.browser.mark()

    def action_delete(self) -> None:
        if self._is_in_table():
            self.browser.delete()

    def _is_in_table(self) -> bool:
        """Whether the table of runs is in view; if not that is said."""
        if self.views.tab is not Tab.RUNS:
            self.say(IN_THE_TABLE)
        return self.views.tab is Tab.RUNS

    def action_move(self, rows: int, columns: int) -> None:
        """The arrows: through the runs, the layers, or the entries of a kernel."""
        views = self.views
        if views.tab is Tab.RUNS:
            self.browser.when_read(lambda: self.browser.select_row(self.browser.selected_row() + rows))
        elif views.tab is Tab.WEIGHT:
            self._point(views.cursor.moved((0, 0, rows, columns), views.shapes()))
        else:
            self.action_layer(rows + columns)

    def action_layer(self, by: int) -> None:
        cursor = self.views.cursor
        self._point(cursor.at_layer(cursor.layer + by, self.views.shapes()))

    def action_channel(self, out: int, channel: int) -> None:
        self._point(self.views.cursor.moved((out, channel, 0, 0), self.views.shapes()))

    def _point(self, cursor: Cursor) -> None:
        """Look at another weight; the active run tells of it from its next step on."""
        if self.views.tab not in (Tab.LAYERS, Tab.WEIGHT):
            self.say("arrows choose in the views of layers, one weight and all runs: tab goes through them")
            return
        self.views.cursor = cursor
        active = self.trainer.active
        shapes = self.views.shapes_of(active) if active else None
        if shapes:
            self._do(lambda: self.trainer.watch(*cursor.weight(shapes)))
        self.show_again()

    def _watched_in(self, history: RunHistory) -> Watch | None:
        """The weight looked at, in a run that begins; None: the one that is watched anyway."""
        shapes, cursor = self.views.shapes_of(history), self.views.cursor
        return Watch(*cursor.weight(shapes)) if shapes and cursor != Cursor() else None

    def _look(self, history: RunHistory) -> None:
        """Show a run's curves, layers and weights."""
        if history.is_outline:
            self.say(f"{run_name(history.run)} is still being read")
        else:
            self.trainer.look_at(history)
            self.turn_to(Tab.CURVES)
            if history.left_out:
                self.say(f"{run_name(history.run)}: {history.left_out}", error=True)

    # -- the mouse

    def _wheeled(self, by: int) -> None:
        """The wheel over the table of runs or of layers, which stops at the ends."""
        views = self.views
        if views.tab is Tab.RUNS and (rows := self.browser.rows()):
            self.browser.select_row(min(max(self.browser.selected_row() + by, 0), len(rows) - 1))
        elif views.tab is Tab.LAYERS:
            last = max(len(views.shapes()) - 1, 0)
            self._point(views.cursor.at_layer(min(max(views.cursor.layer + by, 0), last), views.shapes()))

    def on_canvas_clicked(self, message: Canvas.Clicked) -> None:
        message.stop()
        row = message.cell[0]
        if message.pane is self.panes.runs:
            if row == self.browser.selected_row():
                self.browser.with_selected(self._look)
            else:
                self.browser.select_row(row)
        elif message.pane is self.panes.layers:
            self._point(self.views.cursor.at_layer(row, self.views.shapes()))

    # -- on other pages

    def action_open_kernels(self) -> None:
        """The learned kernels of the first layer on the Step page."""
        self.opener.open_network(self.views.history, "step", KERNELS)

    def action_open_layers(self) -> None:
        """The trained layers on the Layers page."""
        self.opener.open_network(self.views.history, "layers", LAYERS)

    def action_open_image(self) -> None:
        """An image of the data set on the Step page."""
        self.opener.open_image(self.views.recipe)
