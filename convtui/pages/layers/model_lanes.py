"""Branches and joins beside the rows of a network: a lane from each output that is read again later.

That the next row reads an output is not drawn; only what is read further down has a lane, the shorter the
nearer to the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from convtui.engine.graph.operation import Op

MOST: Final = 6  # lanes beside each other; what does not fit in them is told by numbers alone

# What a lane is at a row; the second where the way from another lane to the row crosses it.
_BEGINS: Final = "╭┬"
_READ: Final = "├┼"
_ENDS: Final = "╰┴"
_PASSES: Final = "│┼"
_NOTHING: Final = " ─"


class Lane(NamedTuple):
    """An output from the row that gives it to the last that reads it; stops: those that do, but the next."""

    first: int
    last: int
    stops: frozenset[int]


def lanes_of(ops: Sequence[Op]) -> list[list[Lane]]:
    """The lanes in columns, the column nearest to the rows first; those of one column do not overlap."""
    readers: dict[int, set[int]] = {}
    for op in ops:
        for source in op.inputs:
            readers.setdefault(source.op, set()).add(op.number)
    lanes = [
        Lane(first, max(stops), frozenset(stops - {first + 1}))
        for first, stops in readers.items()
        if max(stops) > first + 1
    ]
    columns: list[list[Lane]] = []
    for lane in sorted(lanes, key=lambda lane: (lane.last - lane.first, lane.first)):
        free = (
            column
            for column in columns
            if all(lane.first >= other.last or lane.last <= other.first for other in column)
        )
        column = next(free, None)
        if column is not None:
            column.append(lane)
        elif len(columns) < MOST:
            columns.append([lane])
    return columns


def lane_texts(ops: Sequence[Op]) -> list[str]:
    """What is drawn before each row, all as wide as each other; "" for all where nothing branches."""
    columns = lanes_of(ops)
    if not columns:
        return [""] * len(ops)
    return [_text(columns, op.number) for op in ops]


def _text(columns: Sequence[Sequence[Lane]], row: int) -> str:
    """From the row to the left: the way to the row is drawn as far as the last lane that meets it."""
    meeting = [
        at for at, column in enumerate(columns) if any(row in (lane.first, *lane.stops) for lane in column)
    ]
    furthest = max(meeting, default=-1)
    drawn = "─" if meeting else " "
    for at, column in enumerate(columns):
        drawn = _lane(column, row)[at < furthest] + drawn
    return drawn


def _lane(column: Sequence[Lane], row: int) -> str:
    at = [lane for lane in column if lane.first <= row <= lane.last]
    if len(at) == 2:  # one ends where the next begins
        return _READ
    if not at:
        return _NOTHING
    (lane,) = at
    if row == lane.first:
        return _BEGINS
    if row == lane.last:
        return _ENDS
    return _READ if row in lane.stops else _PASSES
