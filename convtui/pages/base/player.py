"""Playing a page's steps, as fast as is asked for, until they end or are paused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.timer import Timer

SPEEDS: Final = (1, 2, 4, 8, 15, 30, 60, 120, 480, 1920)  # steps a second
MOST_TICKS: Final = 30  # a second; faster than that, several steps are taken at once


class Played(Protocol):
    """A page whose steps can be played."""

    def end_reached(self) -> str:
        """Why there is nothing left to play; "" if there is something."""

    def play_on(self, count: int) -> bool:
        """Take so many steps; tells whether there are more."""

    def say(self, text: str, error: bool = False) -> None:
        """Show one line until the next key."""

    def show_keys(self) -> None:
        """Draw the footer again, which tells the speed."""

    def set_interval(self, interval: float, callback: Callable[[], None]) -> Timer:
        """Call back again and again, as textual's widgets do."""


class Player:
    """The timer and the speed of one page."""

    def __init__(self, page: Played) -> None:
        self._page = page
        self._timer: Timer | None = None
        self.speed = 8

    @property
    def is_on(self) -> bool:
        return self._timer is not None

    @property
    def word(self) -> str:
        """What the footer says while it is on."""
        return f"pause {self.speed}/s"

    def toggle(self) -> None:
        """Play, or pause; at the end say that it is the end."""
        if self.is_on:
            self.pause()
        elif end := self._page.end_reached():
            self._page.say(end)
        else:
            self._start()
            self._page.show_keys()

    def pause(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
            self._page.show_keys()

    def change_speed(self, by: int) -> None:
        """Faster (1) or slower (-1)."""
        at = min(max(SPEEDS.index(self.speed) + by, 0), len(SPEEDS) - 1)
        self.speed = SPEEDS[at]
        if self._timer is not None:
            self._timer.stop()
            self._start()
            self._page.show_keys()
        else:
            steps = "1 step" if self.speed == 1 else f"{self.speed} steps"
            self._page.say(f"speed: {steps} per second; space plays")

    def _start(self) -> None:
        self._timer = self._page.set_interval(1 / min(self.speed, MOST_TICKS), self.tick)

    def tick(self) -> None:
        """Take the steps of one tick."""
        if not self._page.play_on(max(1, self.speed // MOST_TICKS)):
            self.pause()
