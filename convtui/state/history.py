"""Undo and redo over immutable values, with one owner for all that can be undone.

Changes of the same kind made one after another are one entry, so that undoing an edit does not take a
hundred key presses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias, TypeVar

T = TypeVar("T")

MOST_ENTRIES: Final = 1000


@dataclass(frozen=True, eq=False)
class History(Generic[T]):
    """The present value, those before it, and those undone."""

    present: T
    past: tuple[T, ...] = ()
    future: tuple[T, ...] = ()
    kind: str = ""  # further changes of the same kind are joined to the last

    def then(self, value: T, kind: str = "") -> History[T]:
        """A new present; of changes of one kind (say "move") only the value before the first is kept."""
        if kind and kind == self.kind:
            return History(value, self.past, kind=kind)
        return History(value, (*self.past, self.present)[-MOST_ENTRIES:], kind=kind)

    def mapped(self, change: Callable[[T], T]) -> History[T]:
        """Every value changed alike, without an entry of its own."""
        past, future = (tuple(map(change, values)) for values in (self.past, self.future))
        return History(change(self.present), past, future, self.kind)

    def undone(self) -> History[T]:
        if not self.past:
            return self
        return History(self.past[-1], self.past[:-1], (self.present, *self.future))

    def redone(self) -> History[T]:
        if not self.future:
            return self
        return History(self.future[0], (*self.past, self.present), self.future[1:])


class Document(Generic[T]):
    """The name of something that is changed and undone by itself; the type of its values is checked."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"Document({self.name!r})"


Histories: TypeAlias = Mapping[Document[Any], History[Any]]


class Timelines:
    """The histories of all documents, and who is told when the present of one of them changes.

    `present`, `change` and `map` raise KeyError for a document that has not begun.
    """

    def __init__(self) -> None:
        self._histories: dict[Document[Any], History[Any]] = {}
        self._watchers: dict[Document[Any], list[Callable[[], object]]] = {}

    def begin(self, document: Document[T], value: T) -> None:
        """The document's first value; a history that it had is forgotten."""
        self._set(document, History(value))

    def end(self, document: Document[T]) -> None:
        """Forget the document, as if it had not begun."""
        self._histories.pop(document, None)

    def get(self, document: Document[T]) -> T | None:
        """The present value; None for a document that has not begun."""
        history: History[T] | None = self._histories.get(document)
        return history.present if history else None

    def present(self, document: Document[T]) -> T:
        return self._history(document).present

    def change(self, document: Document[T], value: T, kind: str = "") -> None:
        """A new present; it is one entry with the change before if both are of the same kind."""
        self._set(document, self._history(document).then(value, kind))

    def map(self, document: Document[T], change: Callable[[T], T]) -> None:
        """Every value of the document changed alike, past and future ones too."""
        self._set(document, self._history(document).mapped(change))

    def all(self) -> Histories:
        """The histories of all documents as they are now, to be set aside."""
        return dict(self._histories)

    def bring_back(self, aside: Histories) -> None:
        """Go on with what was set aside; a document that has begun since is as it began."""
        for document, history in [*self._histories.items()]:
            first = (*history.past, history.present)[0]
            self._set(document, aside.get(document) or History(first))

    def undo(self, document: Document[T]) -> bool:
        """Go back one entry; tells whether there was one."""
        return document in self._histories and self._set(document, self._history(document).undone())

    def redo(self, document: Document[T]) -> bool:
        """Go forward to what was undone; tells whether there was something."""
        return document in self._histories and self._set(document, self._history(document).redone())

    def watch(self, document: Document[T], changed: Callable[[], object]) -> None:
        """Have this called after each change of the document's present value."""
        self._watchers.setdefault(document, []).append(changed)

    def _history(self, document: Document[T]) -> History[T]:
        history: History[T] = self._histories[document]
        return history

    def _set(self, document: Document[T], history: History[T]) -> bool:
        is_new = history is not self._histories.get(document)
        self._histories[document] = history
        if is_new:
            for changed in tuple(self._watchers.get(document, ())):
                changed()
        return is_new
