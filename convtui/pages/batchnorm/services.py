"""What the parts of the BatchNorm page ask of it, so that none of them knows the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class PageServices(Protocol):
    """Other threads, a line to say something, and a fresh look."""

    def in_thread(self, work: Callable[[], Callable[[], None]]) -> None:
        """Have work done in another thread; what it returns is then called in the app's thread."""

    def say(self, text: str, error: bool = False) -> None:
        """Show one line until the next key."""

    def show_again(self) -> None:
        """Draw the page, if it can be seen."""
