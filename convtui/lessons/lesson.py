"""What a lesson consists of: steps, each with words, the settings that it shows, and perhaps a question.

A lesson is a value. What a step's session is, what its figures are and whether an answer is right is worked
out elsewhere; nothing here knows a screen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

Answer: TypeAlias = float | tuple[int, ...] | str  # a number, a shape, one of the choices

PAGES: Final = ("step", "matrix", "layers", "batchnorm", "train")

# What is hidden while a question is open, by what it would give away.
MASKS: Final = ("size", "value", "products", "output", "field", "layers", "postmortem", "matrix", "batchnorm")


@dataclass(frozen=True)
class WrongAnswer:
    """An answer that is known to be wrong, as an expression (or a choice), and the reason for that error."""

    when: str
    reason: str
    line: int = 1


@dataclass(frozen=True)
class Question:
    """What a step asks for.

    Exactly one of `answer` and `until` is given: a number, a shape or a choice that is typed, or a condition
    (an expression) that holds once the user has done what is asked. `figure` is the expression whose value a
    number or shape must be; `solution` are the settings that make `until` true, as they are typed in the app.
    """

    text: str
    answer: Answer | None = None
    figure: str = ""
    tolerance: float = 0.0
    choices: tuple[str, ...] = ()
    until: str = ""
    solution: tuple[str, ...] = ()
    wrong: tuple[WrongAnswer, ...] = ()
    hint: str = ""
    masks: frozenset[str] = frozenset()

    @property
    def is_typed(self) -> bool:
        """Whether it is answered in words, not by doing something in the app."""
        return not self.until

    @property
    def can_be_shown(self) -> bool:
        """Whether giving up shows anything: a run, for one, has to be the reader's own."""
        return self.is_typed or bool(self.solution)


@dataclass(frozen=True)
class LessonStep:
    """A step: what is shown, what is said about it, and what is asked.

    `image`, `operation`, `way`, `settings`, `recipe` and `batchnorm` are what a user would type in the app;
    without an image the step goes on from the settings of the step before. `view` names what is switched on
    in how the matrix is shown, `slice` the image channel on show. `model` is a sample model whose recorded
    trace is shown, `row` the operation of it that is selected. Texts may contain {expressions}. The
    command menu finds the step by its `ideas`. `line` is the first line of the step in its file, `lines`
    those of its keys.
    """

    words: str
    title: str = ""
    page: str = "step"
    image: str = ""
    operation: str = ""
    way: str = ""
    settings: tuple[str, ...] = ()
    recipe: tuple[str, ...] | None = None
    batchnorm: tuple[str, ...] = ()
    multiply_adds: int | None = None
    finished: bool = False
    zoom: str = ""
    view: tuple[str, ...] = ()
    slice: int | None = None
    model: str = ""
    row: int | None = None
    highlight: tuple[str, ...] = ()
    question: Question | None = None
    after: str = ""
    plays: bool = False
    notes: str = ""
    ideas: tuple[str, ...] = ()
    line: int = 1
    lines: dict[str, int] = field(default_factory=dict, compare=False)

    def line_of(self, key: str) -> int:
        """The line on which a key of the step stands in the file, else that of the step."""
        return self.lines.get(key, self.line)


@dataclass(frozen=True)
class Lesson:
    """A lesson, which is a chapter of a course; `path` is its file."""

    title: str
    steps: tuple[LessonStep, ...]
    path: Path
    about: str = ""  # its first comment
