"""What the Step page says in words beside its figures: what it is, the output's size, the PyTorch call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap

from convtui.engine.torch_text import NO_CALL
from convtui.pages.base.step_grids import window_size
from convtui.pages.step.shape import has_unread, remarks, shape_notes, tells_unread, unread
from convtui.state.operation import GATHER, SCATTER
from convtui.state.session import Session

# What the page is and what its keys do first; the words of a key stay together.
_KEYS = "→ next {cell}, enter next {entry}, space plays"
_FEWER_KEYS = "→\N{NO-BREAK SPACE}next\N{NO-BREAK SPACE}{cell}, space\N{NO-BREAK SPACE}plays"
_WORDS: Mapping[str, tuple[str, str, str, str]] = {  # in full, in short, what a key goes to, and enter
    "conv": (
        "A kernel slides over the image, and each step makes one output cell",
        "A kernel slides over the image",
        "cell",
        "product",
    ),
    "maxpool": (
        "A window slides over the image, and the greatest pixel of each is an output cell",
        "The greatest pixel of each window",
        "cell",
        "entry",
    ),
    "avgpool": (
        "A window slides over the image, and the mean of each is an output cell",
        "The mean of each window",
        "cell",
        "entry",
    ),
    "adaptivemaxpool": (
        "So many windows as are asked for, uneven if need be; the greatest pixel of each is an output cell",
        "The greatest pixel of each window",
        "cell",
        "entry",
    ),
    "adaptiveavgpool": (
        "So many windows as are asked for, uneven if need be; the mean of each is an output cell",
        "The mean of each window",
        "cell",
        "entry",
    ),
    SCATTER: (
        "Each pixel, times the kernel, is laid on the output, and what overlaps is added",
        "Each pixel lays down the kernel",
        "pixel",
        "product",
    ),
    GATHER: (
        "Zeros stand between the pixels, and the flipped kernel slides over them",
        "The flipped kernel over zeros",
        "cell",
        "product",
    ),
}
ONE_ROW = "1-D, one row, as in Conv1d"


def introductions(session: Session) -> tuple[str, str, str]:
    """What the page is and what its keys do first, in full, in short, and shortest."""
    full, short, cell, entry = _WORDS[session.way or session.kind]
    _, rows, columns = session.operation.image_shape
    if rows == 1 < columns and window_size(session)[0] == 1:
        full, short = f"{ONE_ROW}. {full}", ONE_ROW
    keys = _KEYS.format(cell=cell, entry=entry)
    return f"{full}: {keys}", f"{short}: {keys}", f"{short}: {_FEWER_KEYS.format(cell=cell)}"


def notes(session: Session, width: int, lines: int) -> list[str]:
    """The output's size, and with lines to spare the PyTorch call and what the page is."""
    axes, hints, words = session.operation.axes, session.view.hints, introductions(session)
    at = session.position[1:]
    least = shape_notes(axes, width, 0, at)
    spare = lines - len(least)
    if spare < 0:
        return least[:lines]  # the corner says what is never read
    has_introduction = hints and spare > 1 and len(words[-1]) <= width
    introduction = [introduced(words, width)] if has_introduction else []
    code = code_lines(session.torch_call, width, spare - len(introduction))
    return [*introduction, *shape_notes(axes, width, lines - len(introduction) - len(code), at), *code]


def corner(session: Session, noted: list[str], width: int, lines: int) -> list[str]:
    """What else there is room for in a small corner: pixels never read, what the page is, the PyTorch call.

    noted: what is said elsewhere on the page already.
    """
    axes, call, words = session.operation.axes, session.torch_call, introductions(session)
    texts = []
    if has_unread(axes) and not any(map(tells_unread, noted)):
        texts.append(unread(axes, 3 * width))
    told = remarks(axes, 3 * width)
    texts += [text for text in told if not any(text[:12] in line for line in noted)]
    if session.view.hints and not any(line.startswith(tuple(each[:8] for each in words)) for line in noted):
        texts.append(words[-1])
    if not any(call in line for line in noted):
        texts.append(call)
    for text in texts:
        wrapped = wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False)
        if len(wrapped) <= lines and max(map(len, wrapped)) <= width:
            return [line.replace("\N{NO-BREAK SPACE}", " ") for line in wrapped]
    return []


def introduced(words: Sequence[str], width: int) -> str:
    """What the page is and what its keys do first, as fully as there is room for."""
    line = next((line for line in words if len(line) <= width), words[-1])
    return line.replace("\N{NO-BREAK SPACE}", " ")


def code_lines(call: str, width: int, most: int) -> list[str]:
    """The PyTorch call, and the key that copies it where there is room for that; a long one on two lines."""
    if most < 1:
        return []
    if call == NO_CALL:
        return [call]
    forms = (f"code  {call}  (Y copies it)", f"code  {call}", call)
    line = next((form for form in forms if len(form) <= width), call)
    if len(line) <= width or most < 2:
        return [line]
    return wrap(call, width, subsequent_indent="  ", break_long_words=False, max_lines=2, placeholder=" …")
