"""The slider over the steps of the run that is shown: which of them the views show, if not the newest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from convtui.pages.base.services import PageServices
from convtui.paint.axes import round_step
from convtui.training.runs.history import RunHistory

STRIDES: Final = 40  # in a run, about
NOT_HERE: Final = "the views of curves, layers and one weight look back: tab goes through them"
NOTHING: Final = "there is no step to look back at yet"


class LookingBack:
    """A step of one run; another run is shown as it is now."""

    def __init__(self, page: PageServices, shown: Callable[[], RunHistory | None]) -> None:
        self._page, self._shown = page, shown
        self._at: tuple[str, int] | None = None  # the run and its step

    @property
    def step(self) -> int | None:
        """The step of the run that is shown; None: the newest."""
        run = self._shown()
        if run is None or self._at is None or self._at[0] != run.run or self._at[1] >= run.step:
            return None
        return self._at[1]

    def move(self, by: int) -> None:
        """So many steps on; beyond the newest it is the newest again."""
        self.look_at(self._now + by)

    def stride(self, by: int) -> None:
        """So many times about a fortieth of the run, to where such parts of it begin and end."""
        run = self._shown()
        part = max(int(round_step(run.total_steps, STRIDES)), 1) if run and run.total_steps else 1
        at = self._now // part if by > 0 else -(-self._now // part)
        self.look_at((at + by) * part)

    def typed(self, text: str) -> None:
        """The step that was typed. Raises ValueError for what is none."""
        run = self._shown()
        newest = run.step if run else 0
        if not text.isdecimal() or int(text) > newest:
            raise ValueError(f"step {text}: must be 0 to {newest:,}, a step of the run that is shown")
        self.look_at(int(text))

    def look_at(self, step: int) -> None:
        """This step, the first if there is none before it."""
        run = self._shown()
        if run is None or run.begun is None or not run.step:
            self._page.say(NOTHING)
            return
        if self.step is None and step >= run.step:
            self._page.say(f"step {run.step:,} is the newest: , and < look back")
        self._at = (run.run, max(step, 0)) if step < run.step else None
        self._page.show_again()

    def newest(self) -> None:
        """Show the run as it is now."""
        self._at = None
        self._page.show_again()

    @property
    def _now(self) -> int:
        run = self._shown()
        return run.step if run and self.step is None else self.step or 0
