"""The strip of a lesson as lines of text: where one is, the words, the question, and the keys that go on."""

from __future__ import annotations

from textwrap import wrap
from typing import Final

from textual.content import Content

from convtui.lessons.view import LessonView, Standing, choice_lines
from convtui.paint.text_line import KEY_STYLE, link

_Keys = tuple[tuple[str, str, str], ...]  # key, word, action

_NEXT: Final = ("A", "next", "screen.lesson_go_on()")
_ANSWER: Final = ("A", "answer", "screen.lesson_go_on()")
_SHOW: Final = ("F", "show the answer", "screen.lesson_show()")
_BACK: Final = ("U", "back", "screen.lesson_back()")
_RESTORE: Final = ("J", "restore", "screen.lesson_restore()")
_OUTLINE: Final = ("O", "outline", "screen.outline()")


def strip_lines(view: LessonView, width: int, height: int) -> list[Content]:
    """So many lines of so many columns."""
    room = width - 2
    asked = _question_lines(view, room)
    lines = [_heading(view, width)]
    words = _words(view, room, max(height - 1 - len(asked), 1))
    lines += words
    lines += [Content()] * (height - len(lines) - len(asked))
    return [*lines, *asked][:height]


def keys_of(view: LessonView) -> _Keys:
    """The lesson's keys that do something now, the most needed first."""
    others = (_BACK, _RESTORE, _OUTLINE)
    if view.is_open:
        if view.is_typed:
            return (_ANSWER, _SHOW, *others)
        return (_SHOW, _NEXT, *others) if view.can_be_shown else (_NEXT, *others)
    return others if view.is_last else (_NEXT, *others)


def _heading(view: LessonView, width: int) -> Content:
    """Where one is at the left, the keys at the right; those that do not fit are left out."""
    heading = Content.styled(f" {view.heading} ", "bold reverse")
    keys = [
        Content.assemble(link(f"{key} ", action, KEY_STYLE), link(word, action))
        for key, word, action in keys_of(view)
    ]
    line = Content("  ").join(keys)
    while keys and heading.cell_length + line.cell_length + 3 > width:
        keys.pop()
        line = Content("  ").join(keys)
    return Content.assemble(heading, " " * (width - heading.cell_length - line.cell_length - 1), line)


def _words(view: LessonView, width: int, most: int) -> list[Content]:
    """The words of the step; of an open question what was said about the last answer."""
    if view.is_open and view.said:
        mark, text, style = "✗ ", view.said, "$warning"
    elif view.standing is Standing.RIGHT:
        mark, text, style = "✓ ", view.words, "$success"
    else:
        mark, text, style = "", view.words, ""
    lines = wrap(f"{mark}{text}", width)
    if len(lines) > most:
        lines = [*lines[: most - 1], f"{lines[most - 1][: width - 1]}…"]
    return [Content.styled(f" {line}", style) if style else Content(f" {line}") for line in lines]


def _question_lines(view: LessonView, width: int) -> list[Content]:
    """The question, with the answer once it is known; the choices on lines of their own."""
    if not view.question:
        return []
    answer = f"  {view.answer}" if view.answer else ""
    first, *further = wrap(f"▸ {view.question}{answer}", width)
    lines = [Content.styled(f" {line}", "bold $accent") for line in (first, *further)]
    if view.choices and not view.answer:
        lines += [Content(f" {line}") for line in choice_lines(view.choices, width)]
    return lines
