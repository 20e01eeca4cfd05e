"""What the parts of a page ask of it, so that none of them knows the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from textual.suggester import Suggester

    from convtui.pages.base.host import Host


class PageServices(Protocol):
    """The app, other threads, a line to say or to ask something, and a fresh look."""

    @property
    def host(self) -> Host:
        """The app."""

    @property
    def is_current(self) -> bool:
        """Whether the page is on the screen, with nothing over it."""

    def in_thread(self, work: Callable[[], Callable[[], None]]) -> None:
        """Have work done in another thread; what it returns is then called in the app's thread."""

    def in_app_thread(self, then: Callable[[], None]) -> None:
        """Have this called in the app's thread; for work in another that has something to show already."""

    def say(self, text: str, error: bool = False) -> None:
        """Show one line until the next key."""

    def quieten(self) -> None:
        """Take that line away."""

    def prompt(
        self,
        question: str,
        value: str,
        done: Callable[[str], object],
        example: str = "",
        suggester: Suggester | None = None,
    ) -> None:
        """Let the user type; `done` gets what was entered. Where it returns False, ask again."""

    def show_again(self) -> None:
        """Draw the page, if it can be seen."""
