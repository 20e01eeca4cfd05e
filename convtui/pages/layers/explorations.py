"""What the features view has the training process find out: each question once, one at a time.

What is kept in the run's folder is read in another thread and not measured again. A question is asked when
the view needs its answer and nothing else is at work; its answer grows while it comes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convtui.inputs.images import Picture
from convtui.inputs.names import printable
from convtui.pages.base.services import PageServices
from convtui.training.exploration import Exploration
from convtui.training.runs import explored
from convtui.training.runs.history import State
from convtui.training.scratch import Scratch
from convtui.training.trainer import Trainer, TrainerError

ANSWERS_KEPT: Final = 24


class Weights(Protocol):
    """Those of a run after a step; equal if run, step and digest are."""

    @property
    def run(self) -> Path:
        """The run's folder."""

    @property
    def step(self) -> int:
        """After which step they are kept."""

    @property
    def digest(self) -> str:
        """The checkpoint file's."""


@dataclass(frozen=True)
class WhatExcites:
    """Which places in the validation set excite the filters of all convolutions most?"""

    weights: Weights
    doing: str = "looking for what excites the filters"
    unit: str = "images"

    def read(self, scratch: Scratch) -> Answer:  # noqa: ARG002
        return Answer(explored.patches(self.weights.run, self.weights.digest))

    def ask(self, trainer: Trainer, answer: Answer) -> Exploration:  # noqa: ARG002
        return trainer.explore(str(self.weights.run), self.weights.step)


@dataclass(frozen=True)
class WithoutFilters:
    """How accurate is the network without each filter of a convolution?"""

    weights: Weights
    layer: int
    doing: str = "hiding each filter in turn"
    unit: str = "images"

    def read(self, scratch: Scratch) -> Answer:  # noqa: ARG002
        return Answer(explored.ablation(self.weights.run, self.weights.digest, self.layer))

    def ask(self, trainer: Trainer, answer: Answer) -> Exploration:  # noqa: ARG002
        return trainer.ablate(str(self.weights.run), self.weights.step, self.layer)


@dataclass(frozen=True)
class WhatCounts:
    """On which pixels of a picture does a class depend?"""

    weights: Weights
    picture: Picture
    label: int
    doing: str = "covering the image square by square"
    unit: str = "rows"

    def read(self, scratch: Scratch) -> Answer:
        weights, pixels = self.weights, self.picture.pixels.astype(np.float32)
        found = explored.explanation(weights.run, weights.digest, pixels, self.label)
        return _with_pixels(found, pixels, scratch)

    def ask(self, trainer: Trainer, answer: Answer) -> Exploration:
        run, step = str(self.weights.run), self.weights.step
        return trainer.explain(run, step, self.label, pixels=str(answer.pixels))


@dataclass(frozen=True)
class WhichConvolutions:
    """Which convolutions has the user's network?"""

    weights: Weights
    doing: str = "running your network once to find its convolutions"
    unit: str = "passes"

    def read(self, scratch: Scratch) -> Answer:  # noqa: ARG002
        return Answer(explored.convolutions(self.weights.run, self.weights.digest))

    def ask(self, trainer: Trainer, answer: Answer) -> Exploration:  # noqa: ARG002
        return trainer.follow(str(self.weights.run), self.weights.step)


@dataclass(frozen=True)
class WhatItMakes:
    """What does a convolution of the user's network make of a picture?"""

    weights: Weights
    picture: Picture
    layer: int
    doing: str = "computing what the filters make of the image"
    unit: str = "filters"

    def read(self, scratch: Scratch) -> Answer:
        weights, pixels = self.weights, self.picture.pixels.astype(np.float32)
        found = explored.output(weights.run, weights.digest, pixels, self.layer)
        return _with_pixels(found, pixels, scratch)

    def ask(self, trainer: Trainer, answer: Answer) -> Exploration:
        run, step = str(self.weights.run), self.weights.step
        return trainer.convolve(run, step, self.layer, str(answer.pixels))


def _with_pixels(found: explored.Found | None, pixels: NDArray[np.float32], scratch: Scratch) -> Answer:
    """What is kept; if that is not all, the pixels are written for the training process."""
    return Answer(found, pixels=None if is_whole(found) else _written(pixels, scratch))


def _written(pixels: NDArray[np.float32], scratch: Scratch) -> Path:
    """A file of their own. Raises OSError if it cannot be written."""
    with tempfile.NamedTemporaryFile(dir=scratch.folder, suffix=".npy", delete=False) as file:
        path = Path(file.name)
        try:
            np.save(file, pixels)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return path


Question: TypeAlias = WhatExcites | WithoutFilters | WhatCounts | WhichConvolutions | WhatItMakes


@dataclass
class Answer:
    """What is known by now; pixels: the file of those that are asked about."""

    found: explored.Found | None = None
    reason: str = ""  # why nothing more will be known
    is_stopped: bool = False
    pixels: Path | None = None

    def forget_pixels(self) -> None:
        if self.pixels is not None:
            with suppress(OSError):
                self.pixels.unlink()
        self.pixels = None


def is_whole(found: explored.Found | None) -> bool:
    """Whether there is nothing left to find out."""
    return found is not None and found.progress[0] == found.progress[1]


class Explorations:
    """The questions of one page and their answers, as far as they are known."""

    def __init__(self, page: PageServices, changed: Callable[[], None]) -> None:
        """changed: called when more is known."""
        self._page, self._changed = page, changed
        self._answers: dict[Question, Answer | None] = {}  # None while what is kept is read
        self._asked: tuple[Question, Exploration] | None = None
        self._listens = False
        self._wanted: Question | None = None  # the first whose answer is not whole
        self._ended: Exploration | None = None  # the one that was put off
        self._is_paused = False  # the page is not seen: what was ended goes on by itself

    @property
    def _trainer(self) -> Trainer:
        return self._page.host.trainer

    # -- asking

    def found(self, question: Question) -> explored.Found | None:
        """What is known by now."""
        if self._asked and self._asked[0] == question and self._asked[1].found is not None:
            return self._asked[1].found
        answer = self._answers.get(question)
        return answer.found if answer else None

    def want(self, questions: Sequence[Question]) -> None:
        """Have these answered, the first before the others, as soon as the training process is free."""
        if not self._listens:
            self._listens = True
            self._trainer.listen(self._heard)
        self._take_in()
        self._wanted = None
        may_begin = True
        for question in questions:
            if question not in self._answers:
                self._read(question)
            answer = self._answers[question]
            if answer is None:
                may_begin = False  # it comes first, should it not be kept
                continue
            if is_whole(answer.found):
                continue
            self._wanted = self._wanted or question
            if not may_begin or answer.is_stopped or answer.reason:
                continue
            may_begin = False
            if self._asked is None:
                self._begin(question, answer)
            elif self._asked[0] != question:
                self._put_off(self._asked[1])

    def _put_off(self, job: Exploration) -> None:
        """End a job that is at work, as another comes first; it goes on by itself."""
        if job is not self._ended:
            self._ended = job
            self.pause()

    def _begin(self, question: Question, answer: Answer) -> None:
        if not self._trainer.is_busy:
            try:
                self._asked = question, question.ask(self._trainer, answer)
                self._is_paused = False
            except TrainerError as error:
                answer.reason = str(error)

    def _read(self, question: Question) -> None:
        """Read in another thread what is kept of an answer."""
        while len(self._answers) >= ANSWERS_KEPT:
            dropped = self._answers.pop(next(iter(self._answers)))
            if dropped:
                dropped.forget_pixels()
        self._answers[question] = None
        scratch = self._trainer.scratch

        def work() -> Callable[[], None]:
            try:
                answer = question.read(scratch)
            except (OSError, ValueError, MemoryError) as error:
                answer = Answer(reason=printable(str(error) or "out of memory"))
            return partial(self._has_read, question, answer)

        self._page.in_thread(work)

    def _has_read(self, question: Question, answer: Answer) -> None:
        self._answers[question] = answer
        self._changed()

    # -- hearing

    def _heard(self) -> None:
        """The trainer has news."""
        if self._asked is not None or (self._wanted is not None and not self._trainer.is_busy):
            self._changed()

    def _take_in(self) -> None:
        """Remember what the job has found that is over."""
        if self._asked is None or self._asked[1].is_active:
            return
        (question, measurement), self._asked = self._asked, None
        answer = self._answers.get(question) or Answer()
        answer.found = measurement.found or answer.found
        answer.is_stopped = measurement.state is State.STOPPED and not self._is_paused
        answer.reason = measurement.reason
        if is_whole(answer.found) or answer.reason:
            answer.forget_pixels()
        self._answers[question] = answer

    # -- stopping

    def stop(self) -> None:
        """End what is at work, or go on with what was ended."""
        if self._asked is not None and self._asked[1].is_active:
            self._is_paused = False
            self._trainer.stop()
            return
        for answer in self._answers.values():
            if answer is not None:
                answer.is_stopped, answer.reason = False, ""
        self._changed()

    def pause(self) -> None:
        """End what is at work while the page is not seen; it goes on by itself."""
        if self._asked is not None and self._asked[1].is_active and not self._is_paused:
            self._is_paused = True
            self._trainer.ask_to_stop()

    # -- in words

    @property
    def status(self) -> str:
        """What is going on, in a line; "" if everything is known."""
        if self._asked is not None:
            question, measurement = self._asked
            done, total = measurement.progress
            how_far = f": {done:,} of {total:,} {question.unit}" if total else " …"
            return f"{question.doing}{how_far} · escape stops"
        answer = self._answers.get(self._wanted) if self._wanted else None
        if self._wanted is None or answer is None:
            return ""
        if answer.reason:
            return f"{self._wanted.doing}: {answer.reason} · escape tries again"
        if answer.is_stopped:
            return f"{self._wanted.doing}: stopped · escape resumes"
        if self._trainer.is_busy:
            return f"{self._wanted.doing} waits until the training process is free"
        return ""
