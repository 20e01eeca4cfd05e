"""Why the output has the size it has, in words and numbers, and which pixels it does not depend on."""

from __future__ import annotations

from typing import TypeAlias

from convtui.engine.adaptive import AdaptiveAxis
from convtui.engine.spec import Axis
from convtui.engine.transposed_spec import TransposedAxis
from convtui.engine.transposed_ways import SpreadAxis
from convtui.engine.words import counted, plural
from convtui.paint.text import spans

AnyAxis: TypeAlias = Axis | AdaptiveAxis | TransposedAxis | SpreadAxis
Axes: TypeAlias = tuple[AnyAxis, AnyAxis]

_CONVOLUTION = (
    "(image + padding − dilation·(kernel−1) − 1)/stride + 1",
    "(image+padding − dilation·(kernel−1) − 1)/stride+1",
)
_CEILED = (
    "⌈(image + padding − dilation·(kernel−1) − 1)/stride⌉ + 1",
    "⌈(image+padding − dilation·(kernel−1) − 1)/stride⌉+1",
)
_ADAPTIVE = (
    "the one asked for; window i is ⌊i·image/output⌋ to ⌈(i+1)·image/output⌉ − 1",
    "as asked; window i from ⌊i·image/output⌋ to ⌈(i+1)·image/output⌉−1",
)
_TRANSPOSED = (
    "(image−1)·stride − padding + dilation·(kernel−1) + output padding + 1",
    "(image−1)·stride − pad + dilation·(kernel−1) + output pad + 1",
)
_UNREAD = "never read by any window: ", "never read: "
_NOWHERE = "cut off, so they land nowhere: ", "land nowhere: "


def tells_unread(line: str) -> bool:
    """Whether a line is one of `unread`."""
    return line.startswith((*_UNREAD, *_NOWHERE))


DROPPED = "a window that starts in the padding is dropped"


def _words(axis: AnyAxis) -> tuple[str, str]:
    """The formula of the output size in words, and a shorter form of it."""
    match axis:
        case Axis():
            return _CEILED if axis.ceil_mode else _CONVOLUTION
        case AdaptiveAxis():
            return _ADAPTIVE
    return _TRANSPOSED


def shape_notes(axes: Axes, width: int, lines: int, at: tuple[int, int] = (0, 0)) -> list[str]:
    """Pixels never read, and the formula of each axis with its numbers put in, once where both agree.

    With a line to spare there is the formula in words, with two a title, too. at: the row and column of the
    output cell, whose window an adaptive pooling tells.
    """
    rows, columns = axes
    words, shorter = _words(rows)
    if isinstance(rows, AdaptiveAxis):
        notes = [_of_window(axis, place, width) for axis, place in zip(axes, at, strict=True)]
    elif rows.formula == columns.formula:
        notes = [_fitted("", rows.formula, width)]
    else:
        notes = [_fitted(f"{axis.name}  ", axis.formula, width) for axis in axes]
    if has_unread(axes):
        notes.append(unread(axes, width))
    notes += remarks(axes, width)
    if len(notes) + 2 <= lines and len(words) <= width:
        return ["output size", words, *notes]
    if len(notes) < lines:
        labelled = f"output size = {words}", f"size = {shorter}"
        return [next((line for line in labelled if len(line) <= width), "output size"), *notes]
    if isinstance(rows, AdaptiveAxis):
        return notes
    label = "output rows and columns  " if rows.formula == columns.formula else "output "
    if len(label) + len(_fitted("", notes[0], 0)) > width:
        label = ""
    return [_fitted(label, notes[0], width), *notes[1:]]


def _of_window(axis: AnyAxis, at: int, width: int) -> str:
    """How many windows an adaptive pooling has, and what the one on show reads, as far as there is room."""
    if not isinstance(axis, AdaptiveAxis):
        return axis.formula
    reads = f"{axis.name} {axis.window_formula(at)}"
    forms = f"{axis.formula}; here {reads}", reads, axis.formula
    return next((form for form in forms if len(form) <= width or not width), reads[:width])


def remarks(axes: Axes, width: int) -> list[str]:
    """What else is to be said: of a window that ceil_mode drops, of the pattern where windows overlap."""
    if any(isinstance(axis, Axis) and axis.is_dropped for axis in axes):
        forms = f"− 1: {DROPPED}", DROPPED
        return [next((form for form in forms if len(form) <= width), DROPPED[:width])]
    of = [axis.transposed if isinstance(axis, SpreadAxis) else axis for axis in axes]
    uneven = [axis for axis in of if isinstance(axis, TransposedAxis) and not axis.is_even]
    if not uneven:
        return []
    long, short = f"checkerboard: {uneven[0].overlap}", f"checkerboard: {uneven[0].overlap.split(': ')[0]}"
    return [long if len(long) <= width else short[:width]]


def has_unread(axes: Axes) -> bool:
    """Whether there are rows or columns that no window reads, or that land nowhere."""
    return any(axis.unused for axis in axes)


def unread(axes: Axes, width: int) -> str:
    """The rows and columns that no window reads, as many as there is room for, and how many there are.

    Of a transposed convolution those of which the padding cuts off everything.
    """
    skipping = [axis for axis in axes if axis.unused]
    is_transposed = isinstance(axes[0], TransposedAxis | SpreadAxis)
    for label in _NOWHERE if is_transposed else _UNREAD:
        for most in (4, 2, 1):
            named = (
                f"{plural(axis.name.removesuffix('s'), len(axis.unused))} {spans(axis.unused, most)}"
                for axis in skipping
            )
            line = label + ", ".join(named)
            if len(line) <= width:
                return line
    return label + ", ".join(counted(len(axis.unused), axis.name.removesuffix("s")) for axis in skipping)


def _fitted(label: str, formula: str, width: int) -> str:
    """The formula with as many of its intermediate results as there is room for."""
    first, *between, last = formula.split(" = ")
    while between and len(label) + len(" = ".join([first, *between, last])) > width:
        between.pop()
    line = label + " = ".join([first, *between, last])
    return line if len(line) <= width or not width else f"{label}{first[: width - len(last) - 4]}… = {last}"
