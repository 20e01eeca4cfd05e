"""Every chapter of the built-in course: it has no fault, every answer is judged, and no number is typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from convtui.inputs import samples
from convtui.lessons.checking import LONGEST_QUESTION, LONGEST_WORDS, faults, solved
from convtui.lessons.course import Course, Place, find_course, lesson_files
from convtui.lessons.expressions import ExpressionError, Value, evaluated
from convtui.lessons.figures import Seen, filled, shown
from convtui.lessons.judging import answer_text, judged, letter_of, noticed
from convtui.lessons.lesson import Lesson, LessonStep, Question

FILES: Final = lesson_files(samples.lesson_folder())
COURSE: Final = find_course()

# What may be typed with a digit in it, besides the numbers of the step's own settings and of what it asks,
# which the check works out. All other numbers are the engine's, in braces.
LITERALS: Final = re.compile(
    "|".join(
        (
            r"\b\d+x\d+\b",  # a size as a name: a 3x3 kernel; the session why-13x13
            r"\bconv2d\b|\bBatchNorm2d\b|\bmax_pool2d\b|\badaptive_avg_pool2d\(x, 5\)",  # PyTorch's names
            r"--input [0-9x]+",  # of a command
            r"\b(stride|padding|dilation|layer|momentum) \d+(\.\d+)?\b",  # a setting, as it is typed
            r"\(n \+ 2 pad − ks\)//stride \+ 1|n \+ 2 pad − ks",  # the lecture's formula
            r"such as 1/9",  # how an answer may be typed
            r"\ba (handwritten )?\d\b",  # the digit that an image shows
            r"\b\d+ filters\b",  # of a layer, as in its text: conv 3x3 8
            r"\bfilter \d\b|\bstep 1\b",  # which of them; the first step
            r"\brank [34]\b",  # how many axes images and weights have, whatever the step
            r"\b100%",  # all of it
        )
    ),
    re.IGNORECASE,
)
# On these pages the session knows every number. The words of the others make up the terms of sums by hand,
# and name data sets and goals; what a run measures is an expression there as well.
OF_THE_ENGINE: Final = ("step", "matrix", "layers")
NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Asked:
    """A step of the course with its question, and what is seen at its beginning."""

    place: Place
    step: LessonStep
    question: Question

    @property
    def seen(self) -> Seen:
        return COURSE.set_up(self.place).seen()


def _places(course: Course) -> Iterator[Place]:
    place: Place | None = Place()
    while place is not None:
        yield place
        place = course.after(place)


def _asked() -> list[Asked]:
    steps = [(place, COURSE.step(place)) for place in _places(COURSE)]
    return [Asked(place, step, step.question) for place, step in steps if step.question is not None]


def _name(asked: Asked) -> str:
    return f"{COURSE.lesson(asked.place).path.stem}.{asked.place.step + 1}"


PLACES: Final = [*_places(COURSE)]
ASKED: Final = _asked()
TYPED: Final = [asked for asked in ASKED if asked.question.is_typed]
DONE: Final = [asked for asked in ASKED if not asked.question.is_typed]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_chapter_has_a_fault(path: Path) -> None:
    assert [*map(str, faults(path))] == []


@pytest.mark.parametrize("lesson", COURSE.lessons, ids=lambda lesson: lesson.path.stem)
def test_a_chapter_has_steps_questions_and_notes(lesson: Lesson) -> None:
    steps = lesson.steps
    assert 3 <= len(steps) <= 8
    assert sum(step.question is not None for step in steps) >= 2
    assert sum(bool(step.notes) for step in steps) >= 2


def test_the_course_asks_for_all_kinds_of_answers() -> None:
    answers = [asked.question.answer for asked in TYPED]
    assert {type(answer) for answer in answers} >= {int, tuple, str}
    until = " ".join(asked.question.until for asked in DONE)
    assert "at." in until
    assert re.search(r"\b(padding_mode|stride|kernel\.name|output\.rows)\b", until)


@pytest.mark.parametrize("asked", TYPED, ids=_name)
def test_a_right_answer_is_right(asked: Asked) -> None:
    seen, question = asked.seen, asked.question
    assert judged(question, _as_typed(question), seen).is_right
    if isinstance(question.answer, str):
        assert judged(question, letter_of(question.choices.index(question.answer)), seen).is_right
    assert answer_text(question)


@pytest.mark.parametrize("asked", TYPED, ids=_name)
def test_a_known_wrong_answer_gets_its_own_reason(asked: Asked) -> None:
    seen, question = asked.seen, asked.question
    for wrong in question.wrong:
        given = wrong.when if question.choices else _typed(evaluated(wrong.when, seen))
        verdict = judged(question, given, seen)
        assert (verdict.is_right, verdict.words) == (False, filled(wrong.reason, seen)), wrong.when


@pytest.mark.parametrize("asked", TYPED, ids=_name)
def test_any_other_wrong_answer_gets_the_hint(asked: Asked) -> None:
    question = asked.question
    if question.choices:
        return
    other = "x".join(["977"] * len(question.answer)) if isinstance(question.answer, tuple) else "-977.5"
    assert judged(question, other, asked.seen).words == filled(question.hint, asked.seen) != ""


@pytest.mark.parametrize("asked", DONE, ids=_name)
def test_what_is_to_be_done_is_noticed_once_it_is_done(asked: Asked) -> None:
    if asked.step.page in ("train", "batchnorm"):  # is known from a run, which no test of words makes
        return
    assert noticed(asked.question, asked.seen) is None
    begun = COURSE.set_up(asked.place)
    done = solved(begun, asked.question, COURSE.lesson(asked.place).path.parent)
    verdict = noticed(asked.question, done.seen())
    assert verdict is not None
    assert verdict.is_right


@pytest.mark.parametrize("place", PLACES, ids=lambda p: f"{p.chapter + 1}.{p.step + 1}")
def test_every_text_fits_an_80x24_terminal(place: Place) -> None:
    seen, step = COURSE.set_up(place).seen(), COURSE.step(place)
    for text in _texts(step):
        with suppress(ExpressionError):  # `after` may need what the user has done; the check fills that in
            assert len(filled(text, seen)) <= LONGEST_WORDS, text
    if step.question is not None:
        assert len(filled(step.question.text, seen)) <= LONGEST_QUESTION


@pytest.mark.parametrize("place", PLACES, ids=lambda p: f"{p.chapter + 1}.{p.step + 1}")
def test_no_number_is_typed_in_the_words(place: Place) -> None:
    step = COURSE.step(place)
    if step.page not in OF_THE_ENGINE:
        return
    known = _given(place)
    for text in _texts(step):
        assert typed_numbers(text) - known == set(), text


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("{output.rows} rows", set()),
        ("a 3x3 kernel", set()),
        ("Stride 2 halves", set()),
        ("it has 14 rows", {"14"}),
        ("a rate of 0.06", {"0.06"}),
    ],
)
def test_typed_numbers_are_found(text: str, numbers: set[str]) -> None:
    assert typed_numbers(text) == numbers


def typed_numbers(text: str) -> set[str]:
    """The numbers that stand in a text as they are, not as an expression nor as one of the literals."""
    return {*NUMBER.findall(LITERALS.sub("", re.sub(r"\{[^{}]*\}", "", text)))}


def _given(place: Place) -> set[str]:
    """The numbers that a step is set up with, or that its question names: they are no results."""
    steps = COURSE.lesson(place).steps[: place.step + 1]
    written = [text for step in steps for text in (*step.settings, *(step.recipe or ()), *step.batchnorm)]
    written += [text for step in steps for text in (step.image, step.operation, step.model)]
    if (question := steps[-1].question) is not None:
        written += [question.figure, question.until, *question.solution]
    return {number for text in written for number in NUMBER.findall(text)}


def _texts(step: LessonStep) -> list[str]:
    """All that a learner reads of a step; the presenter's notes may name numbers."""
    question = step.question
    if question is None:
        return [step.words, step.after]
    reasons = [wrong.reason for wrong in question.wrong]
    return [step.words, step.after, question.text, question.hint, *question.choices, *reasons]


def _as_typed(question: Question) -> str:
    return question.answer if isinstance(question.answer, str) else _typed(question.answer)


def _typed(value: Value | None) -> str:
    """As a learner types it, with all its digits."""
    assert value is not None
    return shown(value) if isinstance(value, tuple) else str(value)
