"""What happened, said over the footer."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class Notice(Static):
    """One line over the footer, gone with the next key."""

    def say(self, text: str, error: bool = False) -> None:
        self.set_class(error, "error")
        self.update(Content(text))
        self.display = True
