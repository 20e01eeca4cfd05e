"""Every fault of a lesson with its line: `convtui learn --check`.

A lesson that claims a wrong number does not pass: whatever it asserts is worked out by the engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from textwrap import wrap
from typing import Final, TypeAlias

from convtui.lessons.expressions import ExpressionError, Value, evaluated, names_in
from convtui.lessons.figures import Seen, UnknownYet, filled, is_of_a_run, shown
from convtui.lessons.judging import letter_of
from convtui.lessons.lesson import Lesson, LessonStep, Question
from convtui.lessons.lesson_file import LessonError, read_lesson
from convtui.lessons.places import HIGHLIGHTS
from convtui.lessons.setting_up import SetUp, SetUps, changed, norm_transition
from convtui.lessons.view import choice_lines

LONGEST_WORDS: Final = 234  # characters: three lines of an 80x24 terminal
LONGEST_READ: Final = 380  # the words and `after` of a step that asks nothing: they stand together
LONGEST_QUESTION: Final = 70
STRIP_COLUMNS: Final = 78  # of an 80x24 terminal
STRIP_LINES: Final = 5  # below the heading: the words, the question and its choices

Fault: TypeAlias = tuple[str | int, str]  # the key in the step or the line, and what is wrong there


def faults(path: Path) -> list[LessonError]:
    """All that is wrong with a lesson, in the order of its lines."""
    try:
        lesson = read_lesson(path)
    except LessonError as error:
        return [error]
    return [*_faults(lesson)]


def _faults(lesson: Lesson) -> Iterator[LessonError]:
    set_ups = SetUps(lesson)
    for index, step in enumerate(lesson.steps):
        try:
            begun = set_ups.of(index)
        except LessonError as error:
            yield error
            return  # the steps after it would only repeat that
        for place, why in _of_step(lesson, step, begun):
            line = step.line_of(place) if isinstance(place, str) else place
            yield LessonError.at(str(lesson.path), line, f"step {index + 1}: {why}")


def _of_step(lesson: Lesson, step: LessonStep, begun: SetUp) -> Iterator[Fault]:
    """What is wrong in a step."""
    seen = begun.seen()
    for key in step.highlight:
        if key not in HIGHLIGHTS[step.page]:
            yield (
                "highlight",
                f"{key}: nothing on page {step.page}; choose from {', '.join(HIGHLIGHTS[step.page])}",
            )
    yield from _of_text("words", step.words, seen, LONGEST_WORDS)
    if step.batchnorm:
        yield from _of_batchnorm(step)
    if step.question is None:
        if step.after:
            yield from _of_text("after", f"{step.words} {step.after}", seen, LONGEST_READ)
        return
    yield from _of_question(lesson, step.question, begun)
    yield from _of_room(step, step.question, seen)
    done = seen
    with suppress(ValueError, IndexError, OSError):
        done = solved(begun, step.question, lesson.path.parent).seen()
    yield from _of_text("after", step.after, done, LONGEST_WORDS)


def solved(begun: SetUp, question: Question, folder: Path) -> SetUp:
    """What a step shows once its question has been answered. Raises ValueError for a refused setting."""
    session = begun.session
    for text in question.solution:
        session = changed(session, text, folder)
    return replace(begun, session=session)


def _of_text(key: str, text: str, seen: Seen, longest: int, line: int | None = None) -> Iterator[Fault]:
    try:
        written = filled(text, seen)
    except ExpressionError as error:
        yield line or key, f"{key}: {error}"
        return
    if len(written) > longest:
        yield line or key, f"{key}: {len(written)} characters; an 80x24 terminal has room for {longest}"


def _of_batchnorm(step: LessonStep) -> Iterator[Fault]:
    for text in step.batchnorm:
        try:
            norm_transition(text)
        except ValueError as error:
            yield "batchnorm", str(error)


def _of_question(lesson: Lesson, question: Question, begun: SetUp) -> Iterator[Fault]:
    seen = begun.seen()
    yield from _of_text("ask", question.text, seen, LONGEST_QUESTION)
    yield from _of_text("hint", question.hint, seen, LONGEST_WORDS)
    if question.until:
        yield from _of_condition(lesson, question, begun)
    elif question.figure:
        yield from _of_answer(question, seen)
    for choice in question.choices:
        yield from _of_text("choices", choice, seen, LONGEST_WORDS)
    for wrong in question.wrong:
        yield from _of_text("wrong", wrong.reason, seen, LONGEST_WORDS, wrong.line)
        for why in _of_wrong(question, wrong.when, seen):
            yield wrong.line, why


def _of_room(step: LessonStep, question: Question, seen: Seen) -> Iterator[Fault]:
    """Words that would be cut off above the choices of an 80x24 terminal."""
    try:
        choices = choice_lines([f"a {filled(choice, seen)}" for choice in question.choices], STRIP_COLUMNS)
        room = STRIP_LINES - 1 - len(choices)
        for key, text, line in _said_above(step, question):
            lines = len(wrap(f"✗ {filled(text, seen)}" if line else filled(text, seen), STRIP_COLUMNS))
            if lines > room:
                yield (
                    line or key,
                    f"{key}: {lines} lines; above these choices an 80x24 terminal has room for {room}",
                )
    except ExpressionError:
        return  # reported with the text that has it


def _said_above(step: LessonStep, question: Question) -> Iterator[tuple[str, str, int | None]]:
    """What stands above an open question, with its key and, of a wrong answer, its line."""
    yield "words", step.words, None
    for wrong in question.wrong:
        yield "wrong", wrong.reason, wrong.line


def _of_answer(question: Question, seen: Seen) -> Iterator[Fault]:
    try:
        value = evaluated(question.figure, seen)
    except UnknownYet:
        yield "figure", f"{question.figure}: is measured by a run, so its value cannot be asked for"
        return
    except ExpressionError as error:
        yield "figure", f"figure: {error}"
        return
    if question.choices:
        if not isinstance(value, bool):
            yield (
                "figure",
                f"{question.figure}: of a choice it must be a condition, and it is {shown(value)}",
            )
        elif not value:
            yield "figure", f"{question.figure}: is not true here"
    elif not _agree(question, value):
        assert question.answer is not None
        yield "answer", f"the answer is {shown(question.answer)}, but {question.figure} is {shown(value)}"


def _agree(question: Question, value: Value) -> bool:
    answer = question.answer
    if isinstance(answer, tuple):
        return value == answer
    if isinstance(value, bool | str | tuple) or isinstance(answer, str) or answer is None:
        return False
    return abs(value - answer) <= max(question.tolerance, 1e-9)


def _of_condition(lesson: Lesson, question: Question, begun: SetUp) -> Iterator[Fault]:
    """Whether it is not true yet, and the solution makes it so; what a run must do cannot be tried here."""
    try:
        names = names_in(question.until)
        if any(map(is_of_a_run, names)):
            with suppress(UnknownYet):
                evaluated(question.until, begun.seen())
            return
        value = evaluated(question.until, begun.seen())
        if not isinstance(value, bool):
            yield "until", f"{question.until}: must be a condition, and it is {shown(value)}"
            return
        if value:
            yield "until", f"{question.until}: is already true when the step begins"
            return
    except ExpressionError as error:
        yield "until", f"until: {error}"
        return
    try:
        done = solved(begun, question, lesson.path.parent)
    except (ValueError, IndexError, OSError) as error:
        yield "solution", f"solution: {error}"
        return
    with suppress(ExpressionError):
        if not evaluated(question.until, done.seen()):
            yield "solution", f"after {', '.join(question.solution)} it is not true that {question.until}"


def _of_wrong(question: Question, when: str, seen: Seen) -> Iterator[str]:
    """What is wrong about a wrong answer."""
    if question.choices:
        if when not in question.choices:
            letters = ", ".join(letter_of(at) for at in range(len(question.choices)))
            yield f"{when}: is none of the choices {letters}; write the words of one"
        elif when == question.answer:
            yield f"{when}: is the right answer"
        return
    try:
        value = evaluated(when, seen)
    except UnknownYet:
        return
    except ExpressionError as error:
        yield f"wrong: {error}"
        return
    if question.until:
        if value is True:
            yield f"{when}: is already true when the step begins"
    elif _agree(question, value):
        yield f"{when}: is {shown(value)}, the right answer"
