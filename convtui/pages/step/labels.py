"""What the Step page says in words beside its figures: what it is, the output's size, the PyTorch call."""

from __future__ import annotations

from textwrap import wrap

from convtui.engine.spec import Axis
from convtui.pages.step.shape import has_unread, shape_notes, unread

# What the page is and what its keys do first; the words of a key stay together.
INTRODUCTIONS = (
    "A kernel slides over the image, and each step makes one output cell: → next cell, enter next product, "
    "space plays",
    "A kernel slides over the image: → next cell, enter next product, space plays",
    "A kernel slides over the image: →\N{NO-BREAK SPACE}next\N{NO-BREAK SPACE}cell, "
    "space\N{NO-BREAK SPACE}plays",
)


def notes(axes: tuple[Axis, Axis], call: str, hints: bool, width: int, lines: int) -> list[str]:
    """The output's size, and with lines to spare the PyTorch call and what the page is."""
    least = shape_notes(axes, width, 0)
    spare = lines - len(least)
    if spare < 0:
        return least[:lines]  # the corner says what is never read
    has_introduction = hints and spare > 1 and len(INTRODUCTIONS[-1]) <= width
    introduction = [introduced(width)] if has_introduction else []
    code = [code_line(call, width)] if spare > 0 else []
    return [*introduction, *shape_notes(axes, width, lines - len(introduction) - len(code)), *code]


def corner(
    axes: tuple[Axis, Axis], call: str, noted: list[str], hints: bool, width: int, lines: int
) -> list[str]:
    """What else there is room for in a small corner: pixels never read, what the page is, the PyTorch call.

    noted: what is said elsewhere on the page already.
    """
    texts = []
    if has_unread(axes) and not any("never read" in line for line in noted):
        texts.append(unread(axes, 3 * width))
    if hints and not any(line.startswith(INTRODUCTIONS[0][:8]) for line in noted):
        texts.append(INTRODUCTIONS[-1])
    if not any(call in line for line in noted):
        texts.append(call)
    for text in texts:
        words = wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False)
        if len(words) <= lines and max(map(len, words)) <= width:
            return [word.replace("\N{NO-BREAK SPACE}", " ") for word in words]
    return []


def introduced(width: int) -> str:
    """What the page is and what its keys do first, as fully as there is room for."""
    line = next((line for line in INTRODUCTIONS if len(line) <= width), INTRODUCTIONS[-1])
    return line.replace("\N{NO-BREAK SPACE}", " ")


def code_line(call: str, width: int) -> str:
    """The PyTorch call, and the key that copies it where there is room for that."""
    forms = (f"code  {call}  (Y copies it)", f"code  {call}", call)
    return next((form for form in forms if len(form) <= width), call)
