"""What the pages show of a lesson: the words of the strip, what is hidden, and what is pointed at."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from enum import Enum


class Standing(Enum):
    """How far the reader is with a step."""

    READ = "read"  # it asks nothing
    OPEN = "open"  # its question waits for an answer
    RIGHT = "right"
    SHOWN = "shown"  # the answer was given up


@dataclass(frozen=True)
class LessonView:
    """A step of a lesson as it stands now; `said` is what was said about the last answer.

    One without a heading has no strip: that of a picture beside which the words are printed.
    """

    heading: str
    words: str
    page: str
    standing: Standing
    question: str = ""
    choices: tuple[str, ...] = ()
    said: str = ""
    answer: str = ""  # once it is known
    is_typed: bool = False  # whether the question is answered in words
    marked: Set[str] = frozenset()  # panes and settings that are spoken of
    masks: Set[str] = frozenset()
    layer: int = 0  # of the network, with which the question begins
    is_last: bool = False

    @property
    def is_open(self) -> bool:
        return self.standing is Standing.OPEN
