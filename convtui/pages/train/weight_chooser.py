"""Which weight of the network one looks at, and which the training process tells of."""

from __future__ import annotations

from typing import Final

from convtui.pages.base.services import PageServices
from convtui.pages.train.cursor import Cursor
from convtui.pages.train.run_commands import obeyed
from convtui.pages.train.view_maker import Tab, ViewMaker
from convtui.training.protocol import Watch
from convtui.training.runs.history import RunHistory

NOTHING_TO_CHOOSE: Final = (
    "arrows choose in the views of layers, one weight and all runs: tab goes through them"
)


class WeightChooser:
    """Moves the cursor of the views of layers and of one weight."""

    def __init__(self, page: PageServices, views: ViewMaker) -> None:
        self._page, self._views = page, views

    def move(self, out: int = 0, channel: int = 0, row: int = 0, column: int = 0) -> None:
        """So much further within the weights of the layer, round their ends."""
        self._point(self._views.cursor.moved((out, channel, row, column), self._views.shapes()))

    def move_layer(self, by: int) -> None:
        """So many layers further, round the ends."""
        self.choose_layer(self._views.cursor.layer + by)

    def scroll_layer(self, by: int) -> None:
        """So many layers further, up to the first or the last."""
        last = max(len(self._views.shapes()) - 1, 0)
        self.choose_layer(min(max(self._views.cursor.layer + by, 0), last))

    def choose_layer(self, layer: int) -> None:
        self._point(self._views.cursor.at_layer(layer, self._views.shapes()))

    def _point(self, cursor: Cursor) -> None:
        """Look at another weight; the active run tells of it from its next step on."""
        if self._views.tab not in (Tab.LAYERS, Tab.WEIGHT):
            self._page.say(NOTHING_TO_CHOOSE)
            return
        self._views.cursor = cursor
        trainer = self._page.host.trainer
        active = trainer.active
        shapes = self._views.shapes_of(active) if active else None
        if shapes:
            obeyed(self._page, lambda: trainer.watch(*cursor.weight(shapes)))
        self._page.show_again()

    def watched_in(self, history: RunHistory) -> Watch | None:
        """The weight looked at, in a run that begins; None: the one that is watched anyway."""
        shapes, cursor = self._views.shapes_of(history), self._views.cursor
        return Watch(*cursor.weight(shapes)) if shapes and cursor != Cursor() else None
