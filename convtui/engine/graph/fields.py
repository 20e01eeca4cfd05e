"""Receptive fields over a graph, exact cell by cell: which rows and columns of the image an index can see.

Along each axis of the image an operation's field is an interval of whole numbers for each index, exact at
the borders, past transposed convolutions and upsampling, and joined over branches; tokens and windows that
are cut out of a map keep theirs. An interval is a hull: the masks of `feeding` show the holes in it. What is
not known stays unknown in all that reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isclose, prod
from typing import Final, TypeAlias

import numpy as np

from convtui.engine.graph.operation import Graph, Op, Shape, Source
from convtui.engine.graph.reads import (
    NOTHING,
    All,
    Digits,
    Gather,
    Grouped,
    Merge,
    Nothing,
    Pointwise,
    Read,
    Reads,
    Transposed,
    Unknown,
    Window,
    decided_by,
    hull,
    index_read,
)
from convtui.engine.spec import Indices

MOST_CELLS: Final = 2**22  # by which a field may differ: of larger ones it is not known


@dataclass(frozen=True, eq=False)
class AxisField:
    """What a tensor sees along one axis of the image.

    axes: the axes of the tensor by which it differs: one of a map or of tokens, several of windows that are
    cut out of a map, none if all of it sees the same. low, high: [an axis for each of these] the first and
    the last pixel that is seen, low > high where none is.
    size, jump, first: of windows that may lie in the padding, as arithmetic gives them; jump is an average,
    0 where neighbours are not neighbours of the image, and size the largest interval where is_even is false.
    shown: the map whose cells these are in another order, and which they may be put together to again.
    """

    axes: tuple[int, ...]
    low: Indices
    high: Indices
    size: int = 1
    jump: float = 1.0
    first: int = 0
    is_even: bool = True
    shown: AxisField | None = None

    @property
    def largest(self) -> int:
        """How many pixels the largest interval spans inside the image."""
        return max(int((self.high - self.low).max(initial=-1)) + 1, 0)

    def span(self, cell: Sequence[int]) -> tuple[int, int]:
        """The first and the last pixel that a cell sees; the last lies before the first if it sees none."""
        at = tuple(cell[axis] for axis in self.axes)
        return int(self.low[at]), int(self.high[at])


@dataclass(frozen=True)
class NotKnown:
    """A field that cannot be told, and the number of the operation because of which."""

    op: int


Field: TypeAlias = AxisField | NotKnown | None
"""None: it does not depend on the image at all."""

Fields: TypeAlias = tuple[Field, ...]
"""One for each axis of the image: of [N, channels, rows, columns] the rows and the columns."""


def fields(graph: Graph, of: Source | None = None) -> dict[Source, Fields]:
    """The fields of every tensor of a graph in one of its inputs; by default in the first that has rows."""
    image = graph.image if of is None else of
    if image is None:
        return {}
    sizes = graph.tensor(image).shape
    seen: dict[Source, Fields] = {}
    for number in range(len(graph.ops[0].outputs)):
        start = Source(0, number)
        along = range(2, len(sizes))
        seen[start] = tuple(_pixels(axis, sizes[axis]) if start == image else None for axis in along)
    axes = range(len(sizes) - 2)
    for op in graph.ops[1:]:
        for output, tensor in enumerate(op.outputs):
            inputs = [
                (reads, seen[source]) for source, reads in zip(op.inputs, op.reads[output], strict=True)
            ]
            found = []
            for axis in axes:
                paths = [_through(op, reads, of[axis], tensor.shape) for reads, of in inputs]
                found.append(paths[0] if len(paths) == 1 else _joined(paths, op.number))
            seen[Source(op.number, output)] = tuple(found)
    return seen


def _pixels(axis: int, size: int) -> AxisField:
    return AxisField((axis,), np.arange(size), np.arange(size))


def _through(op: Op, reads: Reads, field: Field, output: Shape) -> Field:
    """What is seen through an operation's reads of one input."""
    if reads and isinstance(reads[0], Nothing):  # whatever is known of it
        return None
    if field is None or isinstance(field, NotKnown):
        return field
    if reads and all(isinstance(read, Unknown) for read in reads):
        return NotKnown(op.number) if field.axes else field
    along = tuple(reads[axis] for axis in field.axes)
    if any(isinstance(read, Nothing) for read in along):
        return None
    if any(isinstance(read, Unknown) for read in along):
        return NotKnown(op.number)
    if all(
        _is_pointwise(read, axis) and output[axis] == count
        for read, axis, count in zip(along, field.axes, field.low.shape, strict=True)
    ):
        return field
    if len(along) == 1 and field.shown is None:
        plain = _along_one(along[0], field, output)
        if plain is not None:
            return plain
    return _moved(op.number, along, field, output)


def _is_pointwise(read: Read, axis: int) -> bool:
    """Whether each index of this axis reads the same one, as windows of one cell do, too."""
    match read:
        case Pointwise(at) | Window(at, 1, 1, 0, _, ()):
            return at == axis
    return False


def _along_one(read: Read, field: AxisField, output: Shape) -> AxisField | None:
    """What is seen of a field that differs by one axis where it goes on by one axis; None if it does not."""
    match read:
        case All():
            return _whole(field)
        case Merge(axes, steps, start):
            varying = [(axis, step) for axis, step in zip(axes, steps, strict=True) if output[axis] > 1]
            if not varying:
                return _uneven((), field.low[start], field.high[start], 0.0)
            ((axis, step), *others) = varying
            return None if others else _after(Window(axis, 1, step, -start), field, output[axis])
        case Pointwise() | Window() | Transposed() | Gather() | Grouped():
            return _after(read, field, output[read.axis])
    return None


def _whole(field: AxisField) -> AxisField:
    size = round(field.size + (len(field.low) - 1) * field.jump) if field.is_even else field.size
    low, high = np.asarray(field.low.min()), np.asarray(field.high.max())
    size = size if field.is_even else int(high - low) + 1
    return AxisField((), low, high, size, 0.0, field.first, field.is_even)


def _after(
    read: Pointwise | Window | Transposed | Gather | Grouped, field: AxisField, outputs: int
) -> AxisField:
    axes = (read.axis,)
    low, high = hull(read, field.low, field.high, outputs)
    match read:
        case Pointwise():
            return AxisField(axes, low, high, field.size, field.jump, field.first, field.is_even)
        case Window(_, kernel, stride, before, dilation) if field.is_even:
            return AxisField(
                axes,
                low,
                high,
                size=round(field.size + (kernel - 1) * dilation * field.jump),
                jump=field.jump * stride,
                first=round(field.first - before * field.jump),
            )
        case Gather(_, first, last) if (padding := _padding_before(first, last, len(field.low))) is not None:
            begin = round(field.first - padding * field.jump)
            return AxisField(axes, low, high, field.size, field.jump, begin, field.is_even)
        case Window():
            jump = field.jump * read.stride
        case Transposed():
            jump = field.jump / read.stride
        case Gather(_, first, _) if outputs > 1 and len(steps := {abs(n) for n in np.diff(first)}) == 1:
            jump = field.jump * int(steps.pop())  # a flip, or some of the indices
        case _:
            jump = field.jump * len(field.low) / outputs
    return _uneven(axes, low, high, jump)


def _padding_before(first: tuple[int, ...], last: tuple[int, ...], size: int) -> int | None:
    """How many indices are padding before all of the axis in its order; None if it is no padding.

    Of two, 0, 0, 1, 1 may be upsampling as well.
    """
    inside = tuple(range(size))
    if first != last or size < 3:
        return None
    starts = range(len(first) - size + 1)
    return next((at for at in starts if first[at] == 0 and first[at : at + size] == inside), None)


def _moved(op: int, reads: Sequence[Read], field: AxisField, output: Shape) -> Field:
    """What is seen of a field whose axes are several, put together or taken apart; a read of each of them."""
    axes = tuple(sorted({axis for read in reads for axis in decided_by(read) if output[axis] > 1}))
    shape = tuple(output[axis] for axis in axes)
    if prod(shape) > MOST_CELLS:
        return NotKnown(op)
    at = {axis: _along(axes, axis, output) for read in reads for axis in decided_by(read)}
    low, high = field.low, field.high
    index: list[Indices] = []
    is_read = np.ones(shape, dtype=bool)
    for place, read in enumerate(reads):
        number = index_read(read, low.shape[place], at)
        if isinstance(read, All):
            low, high = low.min(place, keepdims=True), high.max(place, keepdims=True)
            number = np.zeros([1] * len(axes), dtype=np.intp)
        elif number is None:
            assert not isinstance(read, Merge | Digits | Nothing | Unknown)
            low, high = (
                np.moveaxis(each, 0, place)
                for each in hull(
                    read, np.moveaxis(low, place, 0), np.moveaxis(high, place, 0), output[read.axis]
                )
            )
            number = at[read.axis]
        is_inside = (number >= 0) & (number < low.shape[place])
        is_read &= is_inside
        index.append(np.where(is_inside, number, 0))
    low = np.where(is_read, low[tuple(index)], NOTHING)
    high = np.where(is_read, high[tuple(index)], -1)
    for place in range(len(axes) - 1, -1, -1):
        if len(axes) > 1 and all((each == each.take([0], place)).all() for each in (low, high)):
            axes = axes[:place] + axes[place + 1 :]
            low, high = (np.asarray(each.take(0, place)) for each in (low, high))
    if any(index_read(read, 1, at) is None for read in reads):
        return _uneven(axes, low, high, 0.0)
    shown = field.shown or field
    if len(axes) == 1 and np.array_equal(low, shown.low) and np.array_equal(high, shown.high):
        return replace(shown, axes=axes)
    return replace(_uneven(axes, low, high, 0.0), shown=shown)


def _along(axes: Sequence[int], axis: int, output: Shape) -> Indices:
    """The indices of an axis, so that they go with those of all axes."""
    return np.arange(output[axis]).reshape([-1 if each == axis else 1 for each in axes])


def _uneven(axes: tuple[int, ...], low: Indices, high: Indices, jump: float) -> AxisField:
    low, high = np.asarray(low), np.asarray(high)
    first = int(low.flat[0]) if low.flat[0] < NOTHING else 0
    return AxisField(axes, low, high, max(int((high - low).max()) + 1, 0), jump, first, is_even=False)


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
        both = _both(first, other)
        if both is None:
            return NotKnown(op)
        first = both
    return first


def _both(one: AxisField, other: AxisField) -> AxisField | None:
    """What either sees; None if that differs by too many cells."""
    if one is other:
        return one
    axes = tuple(sorted({*one.axes, *other.axes}))
    low, high, others_low, others_high = (
        each.reshape([each.shape[field.axes.index(axis)] if axis in field.axes else 1 for axis in axes])
        for field in (one, other)
        for each in (field.low, field.high)
    )
    if prod(np.broadcast_shapes(low.shape, others_low.shape)) > MOST_CELLS:
        return None
    low, high = np.minimum(low, others_low), np.maximum(high, others_high)
    if one.is_even and other.is_even and isclose(one.jump, other.jump):
        first = min(one.first, other.first)
        end = max(one.first + one.size, other.first + other.size)
        return AxisField(axes, low, high, end - first, one.jump, first)
    shown = None
    if one.shown and other.shown and one.shown.low.shape == other.shown.low.shape:
        shown = _both(one.shown, other.shown)
    return replace(_uneven(axes, low, high, max(one.jump, other.jump)), shown=shown)


def told(number: Field) -> str:
    """A field's size in words: as 35, "not known", or "" of what does not depend on the image."""
    if number is None:
        return ""
    return "not known" if isinstance(number, NotKnown) else str(number.size)
