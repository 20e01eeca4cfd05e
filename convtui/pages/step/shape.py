"""Why the output has the size it has, in words and numbers, and which pixels nobody reads."""

from __future__ import annotations

from convtui.engine.spec import Axis
from convtui.paint.text import plural, spans

IN_WORDS = "(image + padding − dilation·(kernel−1) − 1)/stride + 1"
_LABELLED = (f"output size = {IN_WORDS}", "size = (image+padding − dilation·(kernel−1) − 1)/stride+1")


def shape_notes(axes: tuple[Axis, Axis], width: int, lines: int) -> list[str]:
    """Pixels never read, and the formula of each axis with its numbers put in, once where both agree.

    With a line to spare there is the formula in words, with two a title, too.
    """
    rows, columns = axes
    if rows.formula == columns.formula:
        notes = [_fitted("", rows.formula, width)]
    else:
        notes = [_fitted(f"{axis.name}  ", axis.formula, width) for axis in axes]
    if has_unread(axes):
        notes.append(unread(axes, width))
    if len(notes) + 2 <= lines and len(IN_WORDS) <= width:
        return ["output size", IN_WORDS, *notes]
    if len(notes) < lines:
        return [next((line for line in _LABELLED if len(line) <= width), "output size"), *notes]
    label = "output rows and columns  " if rows.formula == columns.formula else "output "
    if len(label) + len(_fitted("", notes[0], 0)) > width:
        label = ""
    return [_fitted(label, notes[0], width), *notes[1:]]


def has_unread(axes: tuple[Axis, Axis]) -> bool:
    """Whether there are rows or columns that no window reads."""
    return any(axis.unused for axis in axes)


def unread(axes: tuple[Axis, Axis], width: int) -> str:
    """The rows and columns that no window reads, as many as there is room for, and how many there are."""
    skipping = [axis for axis in axes if axis.unused]
    for label in ("never read by any window: ", "never read: "):
        for most in (4, 2, 1, 0):
            named = (
                f"{plural(axis.name.removesuffix('s'), len(axis.unused))} {spans(axis.unused, most)}"
                for axis in skipping
            )
            line = label + ", ".join(named)
            if len(line) <= width:
                return line
    return line


def _fitted(label: str, formula: str, width: int) -> str:
    """The formula with as many of its intermediate results as there is room for."""
    first, *between, last = formula.split(" = ")
    while between and len(label) + len(" = ".join([first, *between, last])) > width:
        between.pop()
    line = label + " = ".join([first, *between, last])
    return line if len(line) <= width or not width else f"{label}{first[: width - len(last) - 4]}… = {last}"
