"""A lesson as the cells of a notebook: its words and questions, and the session of each step as code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from convtui.cli.handout import answer_words, filled_in, question_lines
from convtui.engine.layer_text import format_layers
from convtui.engine.snippet import quoted
from convtui.engine.stack import receptive_field
from convtui.export.markdown import escaped
from convtui.export.notebook_file import Cell, Code, Words
from convtui.export.session_notebook import operation_cells
from convtui.lessons.course import Course, Place, name_of
from convtui.lessons.lesson import Lesson, LessonStep
from convtui.lessons.setting_up import SetUp
from convtui.state.session import Session
from convtui.tracing.recording import Recording

_IN_THE_APP: Final = {"batchnorm": "Norms (`4`)", "train": "Train (`5`)"}


def lesson_cells(course: Course) -> Iterator[Cell]:
    """All lessons of a course. Raises ValueError if one has a fault."""
    number, known = 0, [""]
    for place in course.places():
        lesson, step = course.lesson(place), course.step(place)
        begun = course.set_up(place)
        seen = begun.seen()
        if not place.step:
            yield Words(_title(course, lesson))
        words = [
            f"## {place.step + 1}. {escaped(step.title)}".rstrip(". "),
            escaped(filled_in(course, place, step.words, seen)),
        ]
        if step.question is not None:
            number += 1
            words += map(str.strip, question_lines(course, place, step, seen, number))
        elif step.after:
            words.append(escaped(filled_in(course, place, step.after, seen)))
        if step.page in _IN_THE_APP:
            words.append(_in_the_app(course, lesson, step.page))
        yield Words("\n\n".join(words))
        cells = _shown(begun, step)
        if cells and known != (known := [cell.text for cell in cells]):
            yield from cells
        if step.question is not None:
            yield _answer(course, place, step)


def _title(course: Course, lesson: Lesson) -> str:
    opening = f"`convtui learn {_name(course, lesson)}`"
    where = f"A lesson of convtui: {opening} opens it in the app. Where it speaks of keys, change the code."
    return f"# {escaped(lesson.title)}\n\n{where}"


def _in_the_app(course: Course, lesson: Lesson, page: str) -> str:
    """Where to see what no code of a notebook shows."""
    return f"See it on the page {_IN_THE_APP[page]} of the app: `convtui learn {_name(course, lesson)}`."


def _name(course: Course, lesson: Lesson) -> str:
    return name_of(lesson.path) if course.is_built_in else lesson.path.name.replace("`", "'")


def _shown(begun: SetUp, step: LessonStep) -> list[Code]:
    """The session as code, if it has some; it shows nothing that would answer the step's question."""
    is_asked, session = step.question is not None, begun.session
    if begun.recording is not None:
        return [_trace(begun.recording, is_asked)]
    with suppress(ValueError):
        if step.page == "layers":
            return [_fields(session, is_asked)]
        if step.page in ("step", "matrix"):
            cells = operation_cells(session, is_asked=is_asked)
            return [cell for cell in cells if isinstance(cell, Code)]
    return []


def _fields(session: Session, is_asked: bool) -> Code:
    """The receptive field of each layer. Raises ValueError if the layers do not fit the image."""
    layers, shape = format_layers(session.stack.layers), session.picture.pixels.shape
    fields = enumerate(receptive_field(layers, shape), 1)
    told = "".join(f"{n}: size {each.size}, jump {each.jump}, start {each.start}\n" for n, each in fields)
    code = (
        "from convtui import receptive_field\n\n"
        f"layers = {quoted(layers)}\n"
        f"for n, field in enumerate(receptive_field(layers, {shape}), 1):\n"
        '    print(f"{n}: size {field.size}, jump {field.jump}, start {field.start}")'
    )
    return Code(code, prints="" if is_asked else told)


def _trace(recording: Recording, is_asked: bool) -> Code:
    """The table of the sample model, and why its pass failed, as they were recorded."""
    code = (
        "from convtui.tracing.recording import recorded\n\n"
        f'print(recorded("{recording.name}", {recording.shape}).trace)'
    )
    return Code(code, prints="" if is_asked else f"{recording.trace}\n")


def _answer(course: Course, place: Place, step: LessonStep) -> Words:
    """The answer, which the reader unfolds."""
    told = "\n\n".join(answer_words(course, place, step))
    return Words(f"<details><summary>Answer</summary>\n\n{told}\n\n</details>")
