"""The Train page: a small CNN is trained live, in a process of its own that this page only listens to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from convtui.inputs.names import run_name
from convtui.pages.base import keys
from convtui.pages.train.cursor import Cursor
from convtui.pages.train.kept import NO_RUN
from convtui.pages.train.showing import VIEWS, ShowingScreen, View
from convtui.paint.canvas import Canvas
from convtui.training.process.protocol import Watch
from convtui.training.runs.history import Record, Search, State
from convtui.training.trainer import TrainerError

IN_THE_TABLE: Final = "that is a key of the table of all runs: tab goes through the views"


class TrainScreen(ShowingScreen):
    """Curves, layers and one weight of a run, all kept runs, and the search for a learning rate."""

    KEYS = keys.PAGES["train"]

    # -- news

    def on_mount(self) -> None:
        self.trainer.to_watch = self._chosen_in
        self.trainer.listen(self._told)
        self.trainer.prewarm()

    def _told(self) -> None:
        """The trainer has news; a page that is not seen looks when it is."""
        if self.is_current:
            self.call_later(self.show_again)

    # -- the run

    def _do(self, command: Callable[[], object]) -> bool:
        """Give a command; where it cannot be obeyed say why. Tells whether it can."""
        try:
            command()
        except TrainerError as error:
            self.say(str(error), error=True)
            return False
        self.show_again()
        return True

    def action_play(self) -> None:
        """Start, pause, go on."""
        active = self.active
        if active is None:
            if self.lost:
                self._go_on(self.lost)
            else:
                self._start()
        elif active.state is State.PAUSED:
            self._do(self.trainer.go)
        else:
            self._ask_of(self.trainer.pause, active, "pausing …")

    def _ask_of(self, command: Callable[[], object], job: Record | Search | None, words: str) -> None:
        """Give a command, and say that it is under way until it is obeyed."""
        if job is not None:
            self.asked = job, job.state, words
        self._do(command)

    def action_one_step(self) -> None:
        """A single step, also as the first of a run; in the table of runs, look at the selected one.

        Of a run that is over there is none: a new one is begun by the key for that alone.
        """
        if self.view is View.RUNS:
            self.when_listed(self._look)
        elif self.active is not None:
            self._do(self.trainer.one_step)
        elif self.lost:
            self._go_on(self.lost, paused=True)
        elif self.record is not None:
            name, is_over = run_name(self.record.run), self.record.state is State.FINISHED
            goes_on = "is finished:" if is_over else "is not on: g goes on with it,"
            self.say(f"{name} {goes_on} space starts a new run")
        else:
            self._start(paused=True)

    def action_speed(self, direction: int) -> None:  # noqa: ARG002
        self.say("a run goes as fast as it can; enter takes single steps")

    def _start(self, paused: bool = False) -> None:
        """Begin a run; images that could not be had are looked for once more before."""
        self.once_read(self.trainer.recipe, lambda: self._begin(paused))

    def _begin(self, paused: bool) -> None:
        recipe = self.trainer.recipe
        data = self.data_of(recipe)
        if isinstance(data, str):
            self.say(data, error=True)
        elif self._do(lambda: self.trainer.start(recipe, paused)):
            self._is_on(paused)

    def _go_on(self, record: Record, paused: bool = False) -> None:
        if self._do(lambda: self.trainer.resume(record)):
            self._is_on(paused)

    def _is_on(self, paused: bool) -> None:
        """A run is on, of which one step is wanted if it is paused."""
        if paused:
            self._do(self.trainer.one_step)
        if self.view in (View.RUNS, View.FINDER):
            self.turn_to(View.CURVES)

    def action_stop(self) -> None:
        trainer = self.trainer
        search = trainer.search if trainer.search and trainer.search.is_active else None
        self._ask_of(trainer.stop, (self.active or search) if trainer.is_busy else None, "stopping …")

    def action_compare(self) -> None:
        if self._do(lambda: self.trainer.compare(self.trainer.recipe)):
            self.turn_to(View.RUNS)

    def action_find(self) -> None:
        if self._do(lambda: self.trainer.find(self.trainer.recipe)):
            self.turn_to(View.FINDER)

    def action_take(self) -> None:
        """The rate that was found, or the selected run's recipe, for the next run."""
        search = self.trainer.search
        if self.view is View.RUNS:
            self.when_listed(self._take_recipe)
        elif search and search.suggestion is not None:
            rate = float(f"{search.suggestion:.2g}")
            self.change_recipe(self.trainer.recipe.with_text("max_lr", str(rate)))
            self.say(f"the next run's peak rate is {rate:g}: space starts it")
        else:
            self.say("no rate has been found yet: f searches for one")

    def _take_recipe(self) -> None:
        selected = self.selected()
        if selected is None:
            self.say(NO_RUN)
        else:
            self.change_recipe(selected.recipe)
            self.say(f"the next run is to be as {run_name(selected.run)}: space starts it")

    def action_resume(self) -> None:
        """Go on with a run that is not finished: the selected one, or the one that is shown."""
        self.when_listed(self._resume)

    def _resume(self) -> None:
        record = self.selected() if self.view is View.RUNS else self.record
        if record is None or not record.run:
            self.say("there is no run to go on with: space starts one")
        elif record.is_outline:
            self.say(f"{run_name(record.run)} is still being read")
        else:
            self._go_on(record)

    # -- choosing

    def action_view(self, by: int) -> None:
        self.turn_to(VIEWS[(VIEWS.index(self.view) + by) % len(VIEWS)])

    def turn_to(self, view: View) -> None:
        """Show this view; the runs on the disk are looked for anew."""
        self.view = view
        if view is View.RUNS:
            self.look_for_runs()
        self.show_again()

    def action_log(self) -> None:
        """The losses' axis: linear or logarithmic."""
        self.is_log = not self.is_log
        self.show_again()

    def action_mark(self) -> None:
        if self._is_in_table():
            super().action_mark()

    def action_delete(self) -> None:
        if self._is_in_table():
            super().action_delete()

    def _is_in_table(self) -> bool:
        """Whether the table of runs is in view; if not that is said."""
        if self.view is not View.RUNS:
            self.say(IN_THE_TABLE)
        return self.view is View.RUNS

    def action_move(self, rows: int, columns: int) -> None:
        """The arrows: through the runs, the layers, or the entries of a kernel."""
        if self.view is View.RUNS:
            self.when_listed(lambda: self._select(self.shelf.selected(self.rows()) + rows))
        elif self.view is View.WEIGHT:
            self._point(self.cursor.moved((0, 0, rows, columns), self.shapes()))
        else:
            self.action_layer(rows + columns)

    def action_layer(self, by: int) -> None:
        self._point(self.cursor.at_layer(self.cursor.layer + by, self.shapes()))

    def action_channel(self, out: int, channel: int) -> None:
        self._point(self.cursor.moved((out, channel, 0, 0), self.shapes()))

    def _point(self, cursor: Cursor) -> None:
        """Look at another weight; a run that is on tells of it from its next step on."""
        if self.view not in (View.LAYERS, View.WEIGHT):
            self.say("arrows choose in the views of layers, one weight and all runs: tab goes through them")
            return
        self.cursor = cursor
        shapes = self.shapes_of(self.active) if self.active else None
        if shapes:
            self._do(lambda: self.trainer.watch(*cursor.weight(shapes)))
        self.show_again()

    def _chosen_in(self, record: Record) -> Watch | None:
        """The weight looked at, in a run to be worked on; None: the one that is watched anyway."""
        shapes = self.shapes_of(record)
        return Watch(*self.cursor.weight(shapes)) if shapes and self.cursor != Cursor() else None

    def _select(self, row: int) -> None:
        rows = self.rows()
        if rows:
            self.shelf.select(rows[row % len(rows)])
        self.show_again()

    def _look(self) -> None:
        """Show the selected run's curves, layers and weights."""
        record = self.selected()
        if record is None:
            self.say(NO_RUN)
        elif record.is_outline:
            self.say(f"{run_name(record.run)} is still being read")
        else:
            self.trainer.look_at(record)
            self.turn_to(View.CURVES)
            if record.left_out:
                self.say(f"{run_name(record.run)}: {record.left_out}", error=True)

    def wheeled(self, by: int) -> None:
        """The wheel over the table of runs or of layers, which stops at the ends."""
        if self.view is View.RUNS and (rows := self.rows()):
            self._select(min(max(self.shelf.selected(rows) + by, 0), len(rows) - 1))
        elif self.view is View.LAYERS:
            last = max(len(self.shapes()) - 1, 0)
            self._point(self.cursor.at_layer(min(max(self.cursor.layer + by, 0), last), self.shapes()))

    def on_canvas_clicked(self, message: Canvas.Clicked) -> None:
        message.stop()
        row = message.cell[0]
        if message.pane is self.panes["runs"]:
            if row == self.shelf.selected(self.rows()):
                self.when_listed(self._look)
            else:
                self._select(row)
        elif message.pane is self.panes["layers"]:
            self._point(self.cursor.at_layer(row, self.shapes()))
