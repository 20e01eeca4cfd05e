"""The line in which the value of a cell is typed; loaded when editing begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from convtui.pages.base.typed_line import TypedLine

ENDS: Final = (
    "enter",
    "escape",
    "tab",
    "up",
    "down",
    "left",
    "right",
)  # some go on to another cell


class EditLine(Horizontal):
    """The cell's name, a line for its new value, and the keys that work here."""

    def __init__(self, question: str, entered: Callable[[str, str], None]) -> None:
        super().__init__()
        self._cell_name, self._question = Static(classes="question"), ""
        self._line = TypedLine("", entered, restrict=r"[-+0-9./eE]*", ends=ENDS)
        self.name_cell(question)

    def compose(self) -> ComposeResult:
        yield self._cell_name
        yield self._line
        yield Static("esc ends · enter sets · tab next · arrows move ", classes="keys")

    def on_mount(self) -> None:
        self.screen.set_focus(self._line)

    def name_cell(self, question: str) -> None:
        """The cell's name and its value now."""
        if question != self._question:
            self._question = question
            self._cell_name.update(Content(f" {question}  → "))

    def clear(self) -> None:
        self._line.value = ""
