"""The Train page: a small CNN is trained live, in a process of its own that this page only listens to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import ClassVar, Final

from textual.binding import BindingType

from convtui import keys
from convtui.engine.layers import Conv
from convtui.names import run_number
from convtui.screens import train_figures as figures
from convtui.screens.page import bindings
from convtui.screens.train_cursor import Cursor, Shapes
from convtui.screens.train_kept import NO_RUN, READING, KeptScreen
from convtui.screens.train_shelf import MOST_MARKED
from convtui.screens.train_wording import invitation, run_name, run_words
from convtui.session import Session
from convtui.themes import palette_of
from convtui.trainer import COMPARED, TrainerError
from convtui.training.protocol import Watch
from convtui.training.record import Record, State
from convtui.training.runs import count_runs
from convtui.views.canvas import Canvas
from convtui.views.train_data import CurvesView, LayersView, RunsView, Status, TrainView, WeightView
from convtui.views.train_panes import TrainPanes


class View(Enum):
    """What the page shows."""

    CURVES = "curves"
    LAYERS = "layers"
    WEIGHT = "weight"
    RUNS = "runs"
    FINDER = "finder"


VIEWS: Final = tuple(View)
HINTS: Final = {
    View.LAYERS: "↑ ↓ choose the layer",
    View.WEIGHT: "arrows choose the weight in its kernel · page up, down the filter · [ ] layer",
    View.RUNS: "↑ ↓ choose · enter shows it · m its curves · g goes on · t its recipe · delete",
}
CALM: Final = (State.TRAINING, State.FINISHED, State.STOPPED, State.ELSEWHERE)  # the view's hint matters more


class TrainScreen(KeptScreen):
    """Curves, layers and one weight of a run, all kept runs, and the search for a learning rate."""

    KEYS = keys.PAGES["train"]
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    def __init__(self) -> None:
        super().__init__()
        self.view = View.CURVES
        self._panes = TrainPanes()
        self._cursor = Cursor()
        self._is_log = False
        self._worded: Mapping[str, str] = {}
        self._seen: tuple[Record | None, int] = (None, 0)  # the run, and how many are compared

    # -- showing

    def on_mount(self) -> None:
        self.trainer.to_watch = self._chosen_in
        self.trainer.listen(self._told)
        self.trainer.prewarm()

    def footer_words(self) -> Mapping[str, str]:
        """What space would do, and which view comes next."""
        active, following = self.active, VIEWS[(VIEWS.index(self.view) + 1) % len(VIEWS)]
        can_go_on = active.state is State.PAUSED if active else self._lost is not None
        run = "go on" if can_go_on else "pause" if active else "run"
        return {"run": run, "view": following.value}

    def _told(self) -> None:
        """The trainer has news; a page that is not seen looks when it is."""
        if self.is_current:
            self.call_later(self.show_again)

    def show_page(self, session: Session) -> None:  # noqa: ARG002
        self._follow()
        if self._worded != (worded := self.footer_words()):
            self._worded = worded
            self.show_keys()
        palette = palette_of(self.app.current_theme.dark, self.app.no_color)
        panes = self._panes.show(self._view(), (self.size.height - 2, self.size.width), palette)
        if panes is not None:
            self.canvas.place(panes, palette)

    def _follow(self) -> None:
        """Turn to what is new: a run that has begun, a comparison that has got on."""
        trainer = self.trainer
        compared = [each for each in trainer.comparison if each.begun]
        seen = (trainer.current, len(compared))
        if seen != self._seen and compared:
            self.shelf.mark_only(compared)
        if seen[0] is not self._seen[0] and seen[0] is not None:
            self.shelf.select(seen[0])
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
                return figures.finder_view(self.trainer.search, self.trainer.recipe)
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
        words = ""
        if figures.shown_state(record) == "diverged":
            return figures.status(record, "", trainer.trouble)
        if record.state is State.STARTING and trainer.is_ready:
            words = "the images are being read …"
        elif record.state is State.TRAINING and record in trainer.comparison:
            number = trainer.comparison.index(record) + 1
            words = f"comparison, run {number} of {COMPARED} · {run_words(record)}"
        elif record.state in CALM:
            words = hint
        return figures.status(record, words, trainer.trouble)

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
        colour = self.shelf.colour(record)
        curves = [figures.curves(each, self.shelf.colour(each)) for each in others[: MOST_MARKED - 1]]
        return CurvesView(
            self._status(),
            (*curves, figures.curves(record, self.shelf.free_colour() if colour is None else colour)),
            figures.schedule_of(record),
            figures.kernels(record.picture) if record.picture else None,
            figures.predictions(record.picture, data) if data else None,
            log_loss=self._is_log,
        )

    def _layers_view(self) -> LayersView:
        record = self.record
        found = figures.layers(record)
        selected = min(self._cursor.layer, max(len(found) - 1, 0))
        return LayersView(
            self._status(), found, selected, figures.band(record, selected), figures.layer_history(record)
        )

    def _weight_view(self) -> WeightView:
        record = self.record
        layer, index = self._cursor.weight(self._shapes())
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
        marked = self.shelf.marked(rows)
        if not marked and rows:
            marked = [each for each in [rows[self.shelf.selected(rows)]] if each.has_curves]
        return RunsView(
            self._status(),
            tuple(figures.run_row(each, self.shelf.colour(each)) for each in rows),
            self.shelf.selected(rows),
            tuple(figures.curves(each, self.shelf.colour(each), run_number(each.run)) for each in marked),
            figures.arms(trainer.comparison, tuple(trainer.waiting), self.shelf.colour),
            trainer.comparison[0].recipe.max_lr if trainer.comparison else 0.0,
            figures.class_count(trainer.comparison),
            self._is_log,
            figures.is_usual(trainer.comparison),
        )

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

    @property
    def _lost(self) -> Record | None:
        """The run that is shown, if it was lost under way."""
        return self.record if self.record and self.record.is_lost else None

    def action_play(self) -> None:
        """Start, pause, go on."""
        active = self.active
        if active is None:
            if self._lost:
                self._go_on(self._lost)
            else:
                self._start()
        elif active.state is State.PAUSED:
            self._do(self.trainer.go)
        else:
            self._do(self.trainer.pause)

    def action_one_step(self) -> None:
        """A single step, also as the first of a run; in the table of runs, look at the selected one."""
        if self.view is View.RUNS:
            self.when_listed(self._look)
        elif self.active is not None:
            self._do(self.trainer.one_step)
        elif self._lost:
            self._go_on(self._lost, paused=True)
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
        self._do(self.trainer.stop)

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
        self._is_log = not self._is_log
        self.show_again()

    def action_move(self, rows: int, columns: int) -> None:
        """The arrows: through the runs, the layers, or the entries of a kernel."""
        if self.view is View.RUNS:
            self.when_listed(lambda: self._select(self.shelf.selected(self.rows()) + rows))
        elif self.view is View.WEIGHT:
            self._point(self._cursor.moved((0, 0, rows, columns), self._shapes()))
        else:
            self.action_layer(rows + columns)

    def action_layer(self, by: int) -> None:
        self._point(self._cursor.at_layer(self._cursor.layer + by, self._shapes()))

    def action_channel(self, out: int, channel: int) -> None:
        self._point(self._cursor.moved((out, channel, 0, 0), self._shapes()))

    def _point(self, cursor: Cursor) -> None:
        """Look at another weight; a run that is on tells of it from its next step on."""
        self._cursor = cursor
        shapes = self._shapes_of(self.active) if self.active else None
        if shapes:
            self._do(lambda: self.trainer.watch(*cursor.weight(shapes)))
        self.show_again()

    def _chosen_in(self, record: Record) -> Watch | None:
        """The weight looked at, in a run to be worked on; None: the one that is watched anyway."""
        shapes = self._shapes_of(record)
        return Watch(*self._cursor.weight(shapes)) if shapes and self._cursor != Cursor() else None

    def _shapes(self) -> Shapes:
        """The weights of all convolutions, of the run that is shown or of the next."""
        return self._shapes_of(self.record)

    def _shapes_of(self, record: Record | None) -> Shapes:
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

    def on_canvas_clicked(self, message: Canvas.Clicked) -> None:
        message.stop()
        row = message.cell[0]
        if message.pane is self._panes["runs"]:
            self._select(row)
        elif message.pane is self._panes["layers"]:
            self._point(self._cursor.at_layer(row, self._shapes()))
