"""The outline of a course: its chapters and steps, which were answered, and where one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from convtui.pages.base.modal import ClosesOnce

LEAVE: Final = "leave"


@dataclass(frozen=True)
class OutlineRow:
    """A chapter or a step of it: where it leads to, and how it is written."""

    key: str
    title: str
    is_chapter: bool = False
    mark: str = " "  # ✓ for one that was answered
    is_here: bool = False


_CLOSES: Final = ("escape", "O", "q")
_MOVES: Final = {
    "up": "cursor_up",
    "k": "cursor_up",
    "down": "cursor_down",
    "j": "cursor_down",
    "home": "first",
    "end": "last",
    "pageup": "page_up",
    "pagedown": "page_down",
    "enter": "select",
    "space": "select",
}


class Outline(ClosesOnce[str]):
    """Lets the user choose a step; answers with its key, LEAVE, or None.

    It takes keys itself, as a page does, so that those which were on their way before it opened are not lost.
    """

    TAKES_LATE_KEYS: ClassVar[bool] = True

    def __init__(self, title: str, rows: Sequence[OutlineRow]) -> None:
        super().__init__()
        self._rows = rows
        self._list = OptionList(*(Option(_written(row), id=row.key) for row in rows), id="outline")
        self._list.can_focus = False
        self._list.border_title = title
        self._list.border_subtitle = "enter go there · x leave the lesson · escape close"

    def compose(self) -> ComposeResult:
        yield self._list

    def on_mount(self) -> None:
        self._list.highlighted = next((at for at, row in enumerate(self._rows) if row.is_here), 0)

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        message.stop()
        self.dismiss(message.option_id)

    async def on_key(self, event: events.Key) -> None:
        event.stop()
        if event.key in _CLOSES:
            self.dismiss(None)
        elif event.key == "x":
            self.dismiss(LEAVE)
        elif event.key in _MOVES:
            await self._list.run_action(_MOVES[event.key])


def _written(row: OutlineRow) -> Content:
    if row.is_chapter:
        return Content.styled(f"{row.mark} {row.title}", "bold")
    return Content(f"    {row.mark} {row.title}")
