"""The line in which the value of a cell is typed; loaded when editing begins."""

from __future__ import annotations

from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static


class EditInput(Input):
    """Digits go into the line; arrows, enter, tab and escape are passed on."""

    MOVES: Final = {
        "up": (-1, 0),
        "down": (1, 0),
        "left": (0, -1),
        "right": (0, 1),
        "enter": (0, 0),
        "tab": (0, 0),
    }

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            message: Message = EditLine.Left()
        elif event.key in self.MOVES:
            rows, columns = self.MOVES[event.key]
            message = EditLine.Entered(self.value.strip(), rows, columns, event.key == "tab")
        else:
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()
        self.post_message(message)


class EditLine(Horizontal):
    """The cell's name, a line for its new value, and the keys that work here."""

    class Entered(Message):
        """What was typed is to be taken, then the cursor moves or goes to the next target."""

        def __init__(self, text: str, rows: int, columns: int, switch: bool) -> None:
            super().__init__()
            self.text, self.rows, self.columns, self.switch = text, rows, columns, switch

    class Left(Message):
        """The user pressed escape."""

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        yield Static(Content(f" {self._question}  → "), classes="question")
        yield EditInput(compact=True, restrict=r"[-+0-9./eE]*")
        yield Static("esc leaves · enter takes · arrows move · tab next ", classes="keys")

    def on_mount(self) -> None:
        self.query_one(EditInput).focus()

    def name_cell(self, question: str) -> None:
        """The cell's name and its value now."""
        if question != self._question:
            self._question = question
            self.query_one(".question", Static).update(Content(f" {question}  → "))

    def clear(self) -> None:
        self.query_one(EditInput).value = ""
