"""The kept runs: those on the disk and those of this session, which is selected, whose curves are shown."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from convtui.training.runs.history import RunHistory, State
from convtui.training.runs.store import RunError, all_runs

MOST_MARKED: Final = 4  # the colours of curves


def read_histories(known: Mapping[str, RunHistory], outline: bool = False) -> dict[str, RunHistory]:
    """The histories of all runs on the disk by folder, or outlines of those that are not known.

    Finished ones that are known are not read again.
    """
    histories = {}
    for run in all_runs():
        path = str(run.path)
        before = known.get(path)
        if before and not before.is_outline and (outline or before.state is State.FINISHED):
            histories[path] = before
        else:
            with suppress(RunError):  # deleted just now, or no longer to be read
                histories[path] = RunHistory.of_run(run, outline)
    return histories


class RunList:
    """Histories by their runs' folders, the newest run first; at most one is selected, a few are marked."""

    def __init__(self) -> None:
        self.kept: dict[str, RunHistory] = {}
        self._selected = ""
        self._marked: dict[str, int] = {}  # with their colours
        self._compared: set[str] = set()  # those of them that nobody chose

    def rows(self, live: Mapping[str, RunHistory]) -> list[RunHistory]:
        """All runs, those of this session as they are now."""
        histories = {**self.kept, **live}
        return [histories[path] for path in sorted(histories, key=_number, reverse=True)]

    # -- the selected

    def selected(self, rows: list[RunHistory]) -> int:
        """Its place among the rows; the first if it is none of them."""
        return next((at for at, history in enumerate(rows) if history.run == self._selected), 0)

    def select(self, history: RunHistory) -> None:
        self._selected = history.run

    # -- the marked

    def colour(self, history: RunHistory) -> int | None:
        """The colour of its curves; None while they are not shown."""
        return self._marked.get(history.run)

    def free_colour(self) -> int | None:
        """One that no marked run has."""
        return next((each for each in range(MOST_MARKED) if each not in self._marked.values()), None)

    def toggle(self, history: RunHistory) -> bool:
        """Show or hide a run's curves; tells whether there was a colour for it."""
        self._compared.discard(history.run)
        if history.run in self._marked:
            del self._marked[history.run]
            return True
        colour = self.free_colour()
        if colour is not None:
            self._marked[history.run] = colour
        return colour is not None

    def compare(self, histories: list[RunHistory]) -> None:
        """Show the curves of these alone."""
        self._marked = {history.run: colour for colour, history in enumerate(histories[:MOST_MARKED])}
        self._compared = set(self._marked)

    def compare_no_more(self) -> None:
        """Hide the curves of a comparison, but for those that were chosen since."""
        self._marked = {run: colour for run, colour in self._marked.items() if run not in self._compared}
        self._compared = set()

    def chosen(self, rows: list[RunHistory]) -> list[RunHistory]:
        """The marked runs, by colour, also those whose curves are still being read."""
        return sorted(
            (history for history in rows if history.run in self._marked),
            key=lambda history: self._marked[history.run],
        )

    def marked(self, rows: list[RunHistory]) -> list[RunHistory]:
        """The runs whose curves are shown, by colour."""
        return [history for history in self.chosen(rows) if history.has_curves]

    def forget(self, history: RunHistory) -> None:
        """The run is deleted."""
        self.kept.pop(history.run, None)
        self._marked.pop(history.run, None)


def _number(path: str) -> tuple[int, str]:
    name = Path(path).name
    return (int(name) if name.isdecimal() else 0, path)
