"""Turns the Train page to what is new, whoever began it."""

from __future__ import annotations

from convtui.pages.base.services import PageServices
from convtui.pages.train.run_list import RunList
from convtui.training.protocol import Begun
from convtui.training.runs.history import RunHistory


class RunFollower:
    """Selects a run that has begun, compares what is to be compared, and shows each notice once."""

    def __init__(self, page: PageServices, runs: RunList) -> None:
        self._page, self._runs = page, runs
        self._seen: tuple[RunHistory | None, int] = (None, 0)  # the run, and how many are compared
        self._told: list[Begun] = []  # those whose notice was shown

    def follow(self) -> None:
        """Turn to what is new: a run that has begun, a comparison that has got on."""
        trainer, runs = self._page.host.trainer, self._runs
        compared = [each for each in trainer.comparison if each.begun]
        seen = (trainer.current, len(compared))
        current, before = seen[0], self._seen[0]
        if seen != self._seen and compared and current in trainer.comparison:
            runs.compare(compared)
        if current is not before and current is not None:
            if current not in trainer.comparison:
                runs.compare_no_more()
            runs.select(current)
        self._seen = seen
        self._say_how_it_was_read()

    def _say_how_it_was_read(self) -> None:
        """What a job that has begun tells of its data, once."""
        trainer = self._page.host.trainer
        run = trainer.current if trainer.current and trainer.current.run in trainer.histories else None
        for job in run, trainer.search:
            begun = job.begun if job else None
            if begun and begun.notice and begun not in self._told:
                self._told.append(begun)
                self._page.say(begun.notice)
