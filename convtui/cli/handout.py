"""Draw a lesson for print: a still of each step, and a handout with its words, questions and answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from convtui.cli.render import render, require_replaceable
from convtui.export.markdown import escaped
from convtui.inputs.names import printable
from convtui.lessons.checking import solved
from convtui.lessons.course import Course, Place
from convtui.lessons.expressions import ExpressionError
from convtui.lessons.figures import Seen, filled
from convtui.lessons.judging import answer_text, letter_of
from convtui.lessons.lesson import LessonStep
from convtui.lessons.view import LessonView, Standing
from convtui.store.session_file import write

HANDOUT: Final = "handout.md"
_MARK: Final = "<!-- Written by convtui render --lesson. -->\n"


def render_lessons(course: Course, out: Path, size: tuple[int, int], theme: str) -> Path:
    """Write the stills and the handout of all lessons of a course to a folder; returns the handout's path.

    The folder is made if it is missing. Raises ValueError if a lesson has a fault, if a file cannot be
    written, or if one is there that convtui did not write; then nothing is written.
    """
    places = [*course.places()]
    handout = out / HANDOUT
    text = _handout(course, places)
    try:
        out.mkdir(parents=True, exist_ok=True)
        if handout.exists() and not handout.read_text("utf-8", errors="replace").startswith(_MARK):
            raise ValueError(f"{handout}: not written by convtui, so not replaced; choose another folder")
    except OSError as error:
        raise ValueError(f"{printable(str(out))}: cannot be written ({error.strerror or error})") from None
    for place in places:
        require_replaceable(out / _still(course, place))
    for place in places:
        _draw_step(course, place, out / _still(course, place), size, theme)
    write(text, handout)
    return handout


def _draw_step(course: Course, place: Place, file: Path, size: tuple[int, int], theme: str) -> None:
    """The page of a step, without what would give its answer away."""
    step, begun = course.step(place), course.set_up(place)
    still = LessonView(
        heading="",
        words="",
        page=step.page,
        standing=Standing.OPEN if step.question else Standing.READ,
        marked=frozenset(step.highlight),
        masks=step.question.masks if step.question else frozenset(),
        layer=begun.session.stack.layer if step.page == "layers" else 0,
    )
    network = begun.recording.opened(begun.session.picture, step.row) if begun.recording else None
    render(begun.session, file, step.page, size, theme, recipe=begun.recipe, still=still, network=network)


def _still(course: Course, place: Place) -> str:
    """The file name of a step's picture."""
    return f"{course.lesson(place).path.stem}-{place.step + 1:02}.svg"


def _handout(course: Course, places: list[Place]) -> str:
    """The Markdown of all steps, with the answers at the end. Raises ValueError for a step with a fault."""
    parts, answers = [_MARK], ["## Answers\n"]
    number = 0
    for place in places:
        lesson, step = course.lesson(place), course.step(place)
        if not place.step:
            parts.append(f"# {lesson.title}\n")
        seen = course.set_up(place).seen()
        heading = f"{place.step + 1}. {step.title}".rstrip(". ")
        parts += [f"## {heading}\n", f"![{lesson.title}, step {place.step + 1}](<{_still(course, place)}>)\n"]
        parts.append(f"{escaped(filled_in(course, place, step.words, seen))}\n")
        if step.question is None:
            parts += _paragraph(escaped(filled_in(course, place, step.after, seen)))
            continue
        number += 1
        parts += question_lines(course, place, step, seen, number)
        answers.append(f"{number}. {' '.join(answer_words(course, place, step))}\n")
    return "\n".join([*parts, *(answers if number else [])])


def question_lines(course: Course, place: Place, step: LessonStep, seen: Seen, number: int) -> Iterator[str]:
    """The question of a step, and what one may choose from."""
    assert step.question is not None
    yield f"**Question {number}.** {escaped(filled_in(course, place, step.question.text, seen))}\n"
    choices = [escaped(filled_in(course, place, choice, seen)) for choice in step.question.choices]
    yield from _paragraph("\n".join(f"- {letter_of(at)}) {choice}" for at, choice in enumerate(choices)))


def answer_words(course: Course, place: Place, step: LessonStep) -> Iterator[str]:
    """The answer and what is said once it is given."""
    question = step.question
    assert question is not None
    begun = course.set_up(place)
    seen = begun.seen()
    with suppress(ValueError, IndexError, OSError):
        seen = solved(begun, question, course.lesson(place).path.parent).seen()
    answer = escaped(filled_in(course, place, answer_text(question), seen))
    yield f"**{answer}**"
    yield from filter(None, [escaped(filled_in(course, place, step.after, seen))])


def filled_in(course: Course, place: Place, text: str, seen: Seen) -> str:
    """A text of a step with its figures. Raises ValueError for a fault in it."""
    try:
        return filled(text, seen)
    except ExpressionError as error:
        lesson = course.lesson(place)
        raise ValueError(f"{printable(str(lesson.path))}, step {place.step + 1}: {error}") from None


def _paragraph(text: str) -> list[str]:
    return [f"{text}\n"] if text else []
