"""Screens over a page that are closed once, however many keys and clicks ask for it.

Textual takes a screen off the stack at once, but keys and clicks that are on their way still reach it. A
second dismissal would take the page itself off the stack and end the app.
"""

from __future__ import annotations

from typing import ClassVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, ScreenResultType


class ClosesOnce(ModalScreen[ScreenResultType]):
    """A modal screen whose second dismissal does nothing."""

    TAKES_LATE_KEYS: ClassVar[bool] = False  # keys that were on their way to the page when it opened

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        if self not in self.app.screen_stack:
            return AwaitComplete()
        return super().dismiss(result)
