"""A line to type into, over the last line of a page; loaded when first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static


class TypedLine(Input):
    """An input whose escape leaves, and which never eats the keys of the app by accident."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    class Left(Message):
        """The user pressed escape."""

    def action_leave(self) -> None:
        self.post_message(self.Left())


class Prompt(Horizontal):
    """A question and a line for the answer; calls back with what was typed."""

    def __init__(self, question: str, value: str, done: Callable[[str], None]) -> None:
        super().__init__()
        self._question, self._value, self._done = question, value, done

    def compose(self) -> ComposeResult:
        yield Static(Content(f" {self._question} "), classes="question")
        yield TypedLine(self._value, compact=True, select_on_focus=False)

    def on_mount(self) -> None:
        self.query_one(TypedLine).focus()

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        await self.remove()
        if text:
            # From here on nobody answers for this line, and what is done may want an answer itself.
            self.app.call_later(self._done, text)

    async def on_typed_line_left(self, event: TypedLine.Left) -> None:
        event.stop()
        await self.remove()
