"""A question with a few one-key answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from convtui.pages.base.modal import ClosesOnce


class Ask(ClosesOnce[str]):
    """Shows a question; answers with the key pressed, "escape" when the user would rather not."""

    TAKES_LATE_KEYS: ClassVar[bool] = True

    def __init__(self, question: str, answers: Mapping[str, str]) -> None:
        super().__init__()
        self._question, self._answers = question, answers

    def compose(self) -> ComposeResult:
        with Vertical(id="ask"):
            yield Static(Content(self._question))
            yield Static(
                "   ".join(
                    f"[bold $accent]{key}[/] [@click=screen.answer('{key}')]{text}[/]"
                    for key, text in self._answers.items()
                ),
                id="answers",
            )

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.action_answer(event.key)

    def action_answer(self, key: str) -> None:
        if key in self._answers:
            self.dismiss(key)
