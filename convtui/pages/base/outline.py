"""The outline of a course: its chapters and steps, which were answered, and where one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from convtui.pages.base.modal import ClosesOnce


@dataclass(frozen=True)
class OutlineRow:
    """A chapter or a step of it: where it leads to, and how it is written."""

    key: str
    title: str
    is_chapter: bool = False
    mark: str = " "  # ✓ for one that was answered
    is_here: bool = False


class Outline(ClosesOnce[str]):
    """Lets the user choose a step; answers with its key, "leave", or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,O,q", "dismiss", "close"),
        ("x", "leave", "leave the lesson"),
    ]

    def __init__(self, title: str, rows: Sequence[OutlineRow]) -> None:
        super().__init__()
        self._title, self._rows = title, rows

    def compose(self) -> ComposeResult:
        options = OptionList(*(Option(_written(row), id=row.key) for row in self._rows), id="outline")
        options.border_title = self._title
        options.border_subtitle = "enter go there · x leave the lesson · escape close"
        yield options

    def on_mount(self) -> None:
        here = next((at for at, row in enumerate(self._rows) if row.is_here), 0)
        self.query_one(OptionList).highlighted = here

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        message.stop()
        self.dismiss(message.option_id)

    def action_leave(self) -> None:
        self.dismiss("leave")

    async def action_dismiss(self, result: str | None = None) -> None:
        self.dismiss(result)


def _written(row: OutlineRow) -> Content:
    if row.is_chapter:
        return Content.styled(f"{row.mark} {row.title}", "bold")
    return Content(f"    {row.mark} {row.title}")
