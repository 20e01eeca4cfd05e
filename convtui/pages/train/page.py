"""The Train page: a small CNN is trained live, in a process of its own that this page only listens to.

The page holds the parts that do the work, and hands each key to one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Final

from convtui.pages.base import keys
from convtui.pages.base.data_cache import DataCache
from convtui.pages.base.page import Page
from convtui.pages.train.looking_back import NOT_HERE
from convtui.pages.train.panes import TrainPanes
from convtui.pages.train.recipe_editor import RecipeEditor
from convtui.pages.train.run_browser import RunBrowser
from convtui.pages.train.run_commands import RunCommands
from convtui.pages.train.run_follower import RunFollower
from convtui.pages.train.run_opener import RunOpener
from convtui.pages.train.view_maker import LOOKS_BACK, Tab, ViewMaker
from convtui.pages.train.weight_chooser import WeightChooser
from convtui.paint.canvas import Canvas
from convtui.paint.controls import Control
from convtui.state.history import Document
from convtui.training.next_run import NEXT_RUN
from convtui.training.trainer import Trainer

IN_THE_TABLE: Final = "this key works in the table of all runs, which tab leads to"
IN_THE_LABORATORY: Final = "this key works in the laboratory, which C opens"
KERNELS: Final = "its first layer: the learned kernels over a normalised image"
LAYERS: Final = "its layers with their learned weights"
FEATURES: Final = "the filters that it has learned"


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
        self.editor.also_typed["step"] = self.views.looking.typed
        self.commands = RunCommands(self, self.data, self.editor, self.browser, self.views)
        self.weights = WeightChooser(self, self.views)
        self.follower = RunFollower(self, self.browser.list)
        self.panes = TrainPanes(self._wheeled)
        self._footer: Mapping[str, str] = {}  # as it was drawn last

    @property
    def trainer(self) -> Trainer:
        return self.host.trainer

    # -- showing

    def on_mount(self) -> None:
        self.trainer.to_watch = self.weights.watched_in
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

    def idle_actions(self) -> frozenset[str]:
        return self.commands.idle_actions()

    def footer_words(self) -> Mapping[str, str]:
        return self.commands.footer_words()

    def show_page(self) -> None:
        self.follower.follow()
        if self._footer != (words := self.footer_words()):
            self._footer = words
            self.show_keys()
        palette = self.palette
        size = self.room.height - 2, self.room.width
        self.views.laboratory.size = size
        panes = self.panes.show(self.views.make(), size, palette)
        if panes is not None:
            self.canvas.place(panes, palette)

    # -- the run

    def action_play(self) -> None:
        self.commands.play()

    def action_one_step(self) -> None:
        self.commands.one_step()

    def action_stop(self) -> None:
        self.commands.stop()

    def action_compare(self) -> None:
        self.commands.compare()

    def action_find(self) -> None:
        self.commands.find()

    def action_take(self) -> None:
        self.commands.take()

    def action_resume(self) -> None:
        self.commands.resume()

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
        self.views.turn_to(self.views.tab.next(by))

    def action_look(self, by: int) -> None:
        if self._can_look_back():
            self.views.looking.move(by)

    def action_stride(self, by: int) -> None:
        if self._can_look_back():
            self.views.looking.stride(by)

    def action_newest(self) -> None:
        self.views.looking.newest()

    def _can_look_back(self) -> bool:
        """Whether the view is one over the steps of one run; if not that is said."""
        if self.views.tab not in LOOKS_BACK:
            self.say(NOT_HERE)
        return self.views.tab in LOOKS_BACK

    def action_log(self) -> None:
        self.views.toggle_log()

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
        match self.views.tab:
            case Tab.RUNS:
                self.browser.when_read(lambda: self.browser.move(rows))
            case Tab.WEIGHT:
                self.weights.move(row=rows, column=columns)
            case Tab.LABORATORY:
                self.views.laboratory.move_picture(rows + columns)
            case _:
                self.weights.move_layer(rows + columns)

    def action_layer(self, by: int) -> None:
        self.weights.move_layer(by)

    def action_channel(self, out: int, channel: int) -> None:
        self.weights.move(out, channel)

    # -- the laboratory

    def action_comparison(self, by: int) -> None:
        if self.views.tab is not Tab.LABORATORY:
            self.views.turn_to(Tab.LABORATORY)
        else:
            self.views.laboratory.next_comparison(by)

    def action_seeds(self, by: int) -> None:
        if self._is_in_laboratory():
            self.views.laboratory.step_seeds(by)

    def action_target(self) -> None:
        if self._is_in_laboratory():
            self.views.laboratory.next_target()

    def _is_in_laboratory(self) -> bool:
        """Whether the laboratory is in view; if not that is said."""
        if self.views.tab is not Tab.LABORATORY:
            self.say(IN_THE_LABORATORY)
        return self.views.tab is Tab.LABORATORY

    # -- the mouse

    def _wheeled(self, by: int) -> None:
        """The wheel over the table of runs or of layers, which stops at the ends."""
        if self.views.tab is Tab.RUNS:
            self.browser.scroll(by)
        elif self.views.tab is Tab.LAYERS:
            self.weights.scroll_layer(by)

    def on_canvas_clicked(self, message: Canvas.Clicked) -> None:
        message.stop()
        row = message.cell[0]
        if message.pane is self.panes.runs:
            if row == self.browser.selected_row():
                self.browser.with_selected(self.commands.look)
            else:
                self.browser.select_row(row)
        elif message.pane is self.panes.status:
            if self._can_look_back():
                self.views.looking.look_at(message.cell[1])
        elif message.pane is self.panes.layers:
            self.weights.choose_layer(row)

    # -- what is carried away

    def code_of_page(self) -> Callable[[], str]:
        """That of the run on show, in the table of the selected one; before there is one, of the next."""
        from convtui.export.run_code import code_of_next, code_of_run

        in_table = self.views.tab is Tab.RUNS
        history = self.browser.selected() if in_table else self.views.history
        if history is None:
            return partial(code_of_next, self.editor.recipe)
        return partial(code_of_run, history, None if in_table else self.views.looking.step)

    # -- on other pages

    def action_open_kernels(self) -> None:
        """The learned kernels of the first layer on the Step page."""
        self.opener.open_network(self.views.history, "step", KERNELS, self.views.looking.step)

    def action_open_layers(self) -> None:
        """The trained layers on the Layers page."""
        self.opener.open_network(self.views.history, "layers", LAYERS, self.views.looking.step)

    def action_open_features(self) -> None:
        """The learned filters on the Layers page."""
        step = self.views.looking.step
        self.opener.open_network(self.views.history, "layers", FEATURES, step, features=True)

    def action_open_image(self) -> None:
        """An image of the data set on the Step page."""
        self.opener.open_image(self.views.recipe)
