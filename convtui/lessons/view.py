"""What the pages show of a lesson: the words of the strip, what is hidden, and what is pointed at."""

from __future__ import annotations

from collections.abc import Sequence, Set
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
    can_be_shown: bool = True  # whether the answer can: a run only the reader can do
    marked: Set[str] = frozenset()  # panes and settings that are spoken of
    masks: Set[str] = frozenset()
    layer: int = 0  # of the network, with which the question begins
    is_last: bool = False

    @property
    def is_open(self) -> bool:
        return self.standing is Standing.OPEN


def choice_lines(choices: Sequence[str], width: int) -> list[str]:
    """The choices side by side, as many on a line as fit."""
    lines: list[str] = []
    for choice in choices:
        if lines and len(lines[-1]) + 3 + len(choice) <= width:
            lines[-1] += f"   {choice}"
        else:
            lines.append(f"  {choice}")
    return lines
