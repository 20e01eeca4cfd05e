"""The table of kept runs: read from the disk, selected, marked and deleted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from convtui.inputs.names import run_name
from convtui.pages.base.services import PageServices
from convtui.pages.train.run_list import MOST_MARKED, RunList, read_histories
from convtui.training.runs.history import RunHistory
from convtui.training.runs.store import RunError, find_run
from convtui.training.trainer import Trainer

READING: Final = "reading the runs …"
NO_RUN: Final = "there is no run yet: space starts one"


class RunBrowser:
    """The table of all runs: those on the disk and those of this session."""

    def __init__(self, page: PageServices) -> None:
        self._page = page
        self.list = RunList()
        self.is_reading = False  # for the first time
        self._waiting: list[Callable[[], object]] = []  # what is done once they are read

    @property
    def _trainer(self) -> Trainer:
        return self._page.host.trainer

    # -- reading

    def read(self) -> None:
        """Read the runs on the disk: first what the table needs, then the curves, which may take long."""
        known = dict(self.list.kept)
        self.is_reading = not known

        def work() -> Callable[[], None]:
            listed = read_histories(known, outline=True)
            self._page.in_app_thread(partial(self._has_read, listed))
            return partial(self._has_read, read_histories(listed))

        self._page.in_thread(work)

    def _has_read(self, histories: dict[str, RunHistory]) -> None:
        """Take what was found, except for what has been deleted meanwhile."""
        self.list.kept = {path: history for path, history in histories.items() if Path(path).exists()}
        self.is_reading = False
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._page.quieten()
        for act in waiting:
            act()
        self._page.show_again()

    def when_read(self, act: Callable[[], object]) -> None:
        """Do something with the table of runs, as soon as it is there."""
        if self.is_reading:
            self._waiting.append(act)
            self._page.say(READING)
        else:
            act()

    # -- selecting

    def rows(self) -> list[RunHistory]:
        """All runs, the newest first."""
        return self.list.rows(self._trainer.histories)

    def selected_row(self) -> int:
        return self.list.selected(self.rows())

    def selected(self) -> RunHistory | None:
        """The run that is selected in the table."""
        rows = self.rows()
        return rows[self.list.selected(rows)] if rows else None

    def select_row(self, row: int) -> None:
        """Select a row, counted round the ends."""
        rows = self.rows()
        if rows:
            self.list.select(rows[row % len(rows)])
        self._page.show_again()

    def move(self, by: int) -> None:
        """Select the row so many further, round the ends."""
        self.select_row(self.selected_row() + by)

    def scroll(self, by: int) -> None:
        """Select the row so many further, up to the first or the last."""
        if rows := self.rows():
            self.select_row(min(max(self.selected_row() + by, 0), len(rows) - 1))

    def with_selected(self, act: Callable[[RunHistory], object]) -> None:
        """Do something with the selected run once the runs are read, or say that there is none."""

        def then() -> None:
            selected = self.selected()
            if selected is None:
                self._page.say(NO_RUN)
            else:
                act(selected)

        self.when_read(then)

    def mark(self) -> None:
        """Show or hide the curves of the selected run."""
        self.with_selected(self._mark)

    def _mark(self, history: RunHistory) -> None:
        if not self.list.toggle(history):
            self._page.say(f"the curves of {MOST_MARKED} runs are shown already: m hides one of them")
        self._page.show_again()

    # -- deleting

    def delete(self) -> None:
        """Delete the selected run, once that is confirmed."""
        self.when_read(self._ask_to_delete)

    def _ask_to_delete(self) -> None:
        history = self.selected()
        if history is None or history.is_active:
            problem = "there is no run to delete" if history is None else "this run is active: x stops it"
            self._page.say(problem, error=True)
            return
        question = f"Delete {run_name(history.run)} with its curves and weights? This cannot be undone."
        answers = {"d": "delete it", "escape": "keep it"}
        self._page.host.ask(question, answers, d=partial(self._delete, history))

    def _delete(self, history: RunHistory) -> None:
        try:
            find_run(history.run).delete()
        except RunError as error:
            self._page.say(str(error), error=True)
            return
        at = self.selected_row()
        self.list.forget(history)
        self._trainer.forget(history)
        if rows := self.rows():
            self.list.select(rows[min(at, len(rows) - 1)])
        self._page.say(f"{run_name(history.run)} is deleted")
        self._page.show_again()
