"""A line to type into, over the last line of a page; loaded when first asked for."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Static

from convtui.pages.base.typed_line import TypedLine


class Prompt(Horizontal):
    """A question and a line for the answer; calls back with what was typed."""

    def __init__(
        self,
        question: str,
        value: str,
        done: Callable[[str], object],
        example: str = "",
        suggester: Suggester | None = None,
    ) -> None:
        super().__init__()
        self._question, self._done = question, done
        self._line = TypedLine(value, self._entered, example=example, suggester=suggester)
        self._before: Widget | None = None  # what had the focus

    def compose(self) -> ComposeResult:
        yield Static(Content(f" {self._question} "), classes="question")
        yield self._line

    def on_mount(self) -> None:
        self._before = self.screen.focused
        self.screen.set_focus(self._line)

    def close(self) -> None:
        """Go away; what had the focus has it again."""
        self.screen.set_focus(self._before)
        self.remove()

    def _entered(self, key: str, text: str) -> None:
        page = self.screen
        self.close()
        if key == "enter" and text:
            # The page answers for what is done now: nobody will for this line.
            if self._line.is_late:
                self._done(text)
            else:
                page.call_later(self._done, text)
