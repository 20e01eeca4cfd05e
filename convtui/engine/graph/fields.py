"""Receptive fields over a graph, exact cell by cell: which rows and columns of the image an index can see.

Along each axis of the image an operation's field is an interval of whole numbers for each index, exact at
the borders, past transposed convolutions and upsampling, and joined over branches. An interval is a hull:
the masks of `feeding` show the holes in it. What is not known stays unknown in all that reads it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose
from typing import TypeAlias

import numpy as np

from convtui.engine.graph.operation import Graph, Op, Shape, Source
from convtui.engine.graph.reads import (
    NOTHING,
    All,
    Gather,
    Grouped,
    Merge,
    Nothing,
    Pointwise,
    Read,
    Reads,
    Transposed,
    Unknown,
    Unravel,
    Window,
    hull,
)
from convtui.engine.spec import Indices


@dataclass(frozen=True, eq=False)
class AxisField:
    """What a tensor sees along one axis of the image.

    axis: the axis of the tensor by which it differs, None if all of it sees the same. low, high: the first
    and the last pixel that each index sees, low > high where it sees none.
    size, jump, first: of windows that may lie in the padding, as arithmetic gives them; jump is an average
    and size the largest interval where is_even is false.
    """

    axis: int | None
    low: Indices
    high: Indices
    size: int = 1
    jump: float = 1.0
    first: int = 0
    is_even: bool = True

    @property
    def largest(self) -> int:
        """How many pixels the largest interval spans inside the image."""
        return max(int((self.high - self.low).max(initial=-1)) + 1, 0)

    def span(self, index: int) -> tuple[int, int]:
        """The first and the last pixel that an index sees; the last lies before the first if it sees none."""
        at = index if self.axis is not None else 0
        return int(self.low[at]), int(self.high[at])


@dataclass(frozen=True)
class NotKnown:
    """A field that cannot be told, and the number of the operation because of which."""

    op: int


Field: TypeAlias = AxisField | NotKnown | None
"""None: it does not depend on the image at all."""

Fields: TypeAlias = tuple[Field, ...]
"""One for each axis of the image: of [N, channels, rows, columns] the rows and the columns."""


def fields(graph: Graph) -> dict[Source, Fields]:
    """The fields of every tensor of a graph; of none if no input has rows."""
    image = graph.image
    if image is None:
        return {}
    sizes = graph.tensor(image).shape
    seen: dict[Source, Fields] = {}
    for number in range(len(graph.ops[0].outputs)):
        start = Source(0, number)
        along = range(2, len(sizes))
        seen[start] = tuple(_pixels(axis, sizes[axis]) if start == image else None for axis in along)
    for op in graph.ops[1:]:
        for output, tensor in enumerate(op.outputs):
            reads = op.reads[output]
            seen[Source(op.number, output)] = tuple(
                _joined(
                    [
                        _through(op, read, seen[source][axis], tensor.shape)
                        for source, read in zip(op.inputs, reads, strict=True)
                    ],
                    op.number,
                )
                for axis in range(len(sizes) - 2)
            )
    return seen


def _pixels(axis: int, size: int) -> AxisField:
    return AxisField(axis, np.arange(size), np.arange(size))


def _through(op: Op, reads: Reads, field: Field, output: Shape) -> Field:
    """What is seen through an operation's reads of one input."""
    if reads and isinstance(reads[0], Nothing):  # whatever is known of it
        return None
    if field is None or isinstance(field, NotKnown):
        return field
    if reads and all(isinstance(read, Unknown) for read in reads):
        return field if field.axis is None else NotKnown(op.number)
    if field.axis is None:
        return field
    read = reads[field.axis]
    match read:
        case Nothing():
            return None
        case Unknown():
            return NotKnown(op.number)
        case All():
            return _whole(field)
        case Merge(axes, steps, start):
            varying = [(axis, step) for axis, step in zip(axes, steps, strict=True) if output[axis] > 1]
            if len(varying) > 1:
                return NotKnown(op.number)
            if not varying:
                return _at(field, start)
            axis, step = varying[0]
            return _after(Window(axis, 1, step, -start), field, output[axis])
        case _:
            return _after(read, field, output[read.axis])


def _whole(field: AxisField) -> AxisField:
    size = round(field.size + (len(field.low) - 1) * field.jump) if field.is_even else field.size
    low, high = field.low.min(keepdims=True), field.high.max(keepdims=True)
    size = size if field.is_even else int(high[0] - low[0]) + 1
    return AxisField(None, low, high, size, 0.0, field.first, field.is_even)


def _at(field: AxisField, index: int) -> AxisField:
    """What all outputs see that read one index."""
    low, high = field.low[index : index + 1], field.high[index : index + 1]
    return _uneven(None, low, high, 0.0)


def _after(
    read: Pointwise | Window | Transposed | Gather | Grouped | Unravel, field: AxisField, outputs: int
) -> AxisField:
    if isinstance(read, Pointwise) and read.axis == field.axis and outputs == len(field.low):
        return field
    low, high = hull(read, field.low, field.high, outputs)
    match read:
        case Pointwise():
            return AxisField(read.axis, low, high, field.size, field.jump, field.first, field.is_even)
        case Window(axis, kernel, stride, before, dilation) if field.is_even:
            return AxisField(
                axis,
                low,
                high,
                size=round(field.size + (kernel - 1) * dilation * field.jump),
                jump=field.jump * stride,
                first=round(field.first - before * field.jump),
            )
        case Window():
            jump = field.jump * read.stride
        case Transposed():
            jump = field.jump / read.stride
        case Unravel():
            jump = 0.0  # neighbours are of several rows
        case Gather(_, first, _) if outputs > 1 and len(steps := {abs(n) for n in np.diff(first)}) == 1:
            jump = field.jump * int(steps.pop())  # padding that reflects
        case _:
            jump = field.jump * len(field.low) / outputs
    return _uneven(read.axis, low, high, jump)


def _uneven(axis: int | None, low: Indices, high: Indices, jump: float) -> AxisField:
    first = int(low[0]) if low[0] < NOTHING else 0
    return AxisField(axis, low, high, max(int((high - low).max()) + 1, 0), jump, first, is_even=False)


def _joined(seen: Sequence[Field], op: int) -> Field:
    """What is seen through any of several inputs."""
    unknown = next((field for field in seen if isinstance(field, NotKnown)), None)
    if unknown:
        return unknown
    paths = [field for field in seen if isinstance(field, AxisField)]
    if not paths:
        return None
    first, *others = paths
    for other in others:
        if first.axis is not None and other.axis is not None and first.axis != other.axis:
            return NotKnown(op)
        first = _both(first, other)
    return first


def _both(one: AxisField, other: AxisField) -> AxisField:
    if one is other:
        return one
    axis = one.axis if one.axis is not None else other.axis
    low, high = np.minimum(one.low, other.low), np.maximum(one.high, other.high)
    if one.is_even and other.is_even and isclose(one.jump, other.jump):
        first = min(one.first, other.first)
        end = max(one.first + one.size, other.first + other.size)
        return AxisField(axis, low, high, end - first, one.jump, first)
    jump = max(one.jump, other.jump)
    return _uneven(axis, low, high, jump)


def told(number: Field) -> str:
    """A field's size in words: as 35, "not known", or "" of what does not depend on the image."""
    if number is None:
        return ""
    return "not known" if isinstance(number, NotKnown) else str(number.size)


def read_of(kind: Read) -> str:
    """The name of a read, as `window`."""
    return type(kind).__name__.lower()
