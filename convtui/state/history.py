"""Undo and redo over immutable values.

Moves made one after another are one entry, so that undoing an edit does not take a hundred key presses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

T = TypeVar("T")

MOST_ENTRIES: Final = 1000


@dataclass(frozen=True, eq=False)
class History(Generic[T]):
    """The present value, those before it, and those undone."""

    present: T
    past: tuple[T, ...] = ()
    future: tuple[T, ...] = ()
    run: str = ""  # the kind of change that further ones of the same kind are joined to

    def then(self, value: T, run: str = "") -> History[T]:
        """A new present; within a run (say "move") only the value before the run is kept."""
        if run and run == self.run:
            return History(value, self.past, run=run)
        return History(value, (*self.past, self.present)[-MOST_ENTRIES:], run=run)

    def mapped(self, change: Callable[[T], T]) -> History[T]:
        """Every value changed alike, without an entry of its own."""
        past, future = (tuple(map(change, values)) for values in (self.past, self.future))
        return History(change(self.present), past, future, self.run)

    def undone(self) -> History[T]:
        if not self.past:
            return self
        return History(self.past[-1], self.past[:-1], (self.present, *self.future))

    def redone(self) -> History[T]:
        if not self.future:
            return self
        return History(self.future[0], (*self.past, self.present), self.future[1:])
