"""How an operation reads: for each axis of an input, which of its indices an index of the output needs.

A read names the axis of the output by which it is decided. From it follow the interval of indices (a hull,
exact at the borders) and the mask of indices (exact, with the holes that dilation leaves).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from convtui.engine.spec import Indices

Mask: TypeAlias = NDArray[np.bool_]
Span: TypeAlias = tuple[Indices, Indices]

NOTHING: int = 2**62  # the first index of what reads nothing; its last is -1
MOST_TAPS: int = 32  # of a window that are gone through one by one


@dataclass(frozen=True)
class Pointwise:
    """Index i of the output reads index i."""

    axis: int


@dataclass(frozen=True)
class Window:
    """A window: i reads i·stride − before + t·dilation for t in 0..kernel−1, as far as that is inside.

    A slice is a window of 1 with padding that is negative, a part of a concat one with padding.
    sources: which index each place of the padded axis holds, if its padding repeats what is inside.
    """

    axis: int
    kernel: int
    stride: int = 1
    before: int = 0
    dilation: int = 1
    sources: tuple[int, ...] = ()


@dataclass(frozen=True)
class Transposed:
    """A transposed convolution: input j lays its kernel on j·stride − before + t·dilation."""

    axis: int
    kernel: int
    stride: int = 1
    before: int = 0
    dilation: int = 1


@dataclass(frozen=True)
class Gather:
    """Index i reads low[i] to high[i]; nothing where high is less."""

    axis: int
    low: tuple[int, ...]
    high: tuple[int, ...]


@dataclass(frozen=True)
class Grouped:
    """Each group of so many outputs reads its own group of so many inputs, all of it."""

    axis: int
    inputs: int
    outputs: int


@dataclass(frozen=True)
class Unravel:
    """The axis was flattened: i reads (i // step) modulo the size of the input's axis."""

    axis: int
    step: int


@dataclass(frozen=True)
class Merge:
    """The axis was taken apart: indices i, j, ... read start + i·steps[0] + j·steps[1] + ...

    With no axes it is one index that all outputs read.
    """

    axes: tuple[int, ...] = ()
    steps: tuple[int, ...] = ()
    start: int = 0


@dataclass(frozen=True)
class Digits:
    """The axis was put together anew: i, j, ... read start + Σ (i // divisor % modulus)·step, a term each.

    Of what comes of it // over, and % within unless that is 0; nothing where that lies outside of the axis.
    """

    axes: tuple[int, ...]
    divisors: tuple[int, ...]
    moduli: tuple[int, ...]
    steps: tuple[int, ...]
    start: int = 0
    over: int = 1
    within: int = 0


@dataclass(frozen=True)
class All:
    """Every index of the output reads all of the axis."""


@dataclass(frozen=True)
class Nothing:
    """No index is read: of a tensor of which another output of the operation is made."""


@dataclass(frozen=True)
class Unknown:
    """It is not known what is read."""


Read: TypeAlias = (
    Pointwise | Window | Transposed | Gather | Grouped | Unravel | Merge | Digits | All | Nothing | Unknown
)
Ranged: TypeAlias = Pointwise | Window | Transposed | Gather | Grouped | Unravel
Reads: TypeAlias = tuple[Read, ...]  # of one input, an axis each


def spans(read: Ranged, size: int, outputs: int) -> list[Span]:
    """What each of so many output indices reads of so many: the union of some ranges [first, last].

    A range is empty where its last lies before its first; the others lie inside the axis.
    """
    i = np.arange(outputs)
    match read:
        case Pointwise():
            return [_inside(i, i, size)]
        case Window(_, kernel, stride, before, 1, ()):
            first = i * stride - before
            return [_inside(first, first + kernel - 1, size)]
        case Window(_, kernel, stride, before, dilation, sources):
            taps = (i * stride + tap * dilation for tap in range(kernel))
            if sources:
                return [(at, at) for at in (np.array(sources)[tap] for tap in taps)]
            return [_inside(tap - before, tap - before, size) for tap in taps]
        case Transposed(_, kernel, stride, before, dilation):
            landing = []
            for tap in range(kernel):
                at, rest = np.divmod(i + before - tap * dilation, stride)
                landing.append(_inside(np.where(rest == 0, at, -1), np.where(rest == 0, at, -1), size))
            return landing
        case Gather(_, low, high):
            return [_inside(np.array(low, dtype=np.intp), np.array(high, dtype=np.intp), size)]
        case Grouped(_, inputs, each):
            first = i // each * inputs
            return [_inside(first, first + inputs - 1, size)]
        case Unravel(_, step):
            at = i // step % size
            return [(at, at)]


def _inside(first: Indices, last: Indices, size: int) -> Span:
    return np.maximum(first, 0), np.minimum(last, size - 1)


def decided_by(read: Read) -> tuple[int, ...]:
    """The axes of the output that say which indices are read."""
    match read:
        case All() | Nothing() | Unknown():
            return ()
        case Merge(axes) | Digits(axes):
            return axes
        case _:
            return (read.axis,)


def index_read(read: Read, size: int, at: Mapping[int, Indices]) -> Indices | None:
    """The one index that each output reads, outside of the axis for nothing; None of what may read several.

    at: the indices of the output along each axis that decides, in shapes that go with one another.
    """
    match read:
        case Pointwise(axis):
            return at[axis]
        case Window(axis, 1, stride, before, _, ()):
            return at[axis] * stride - before
        case Transposed(axis, kernel, stride, before, 1) if kernel == stride:
            return (at[axis] + before) // stride
        case Gather(axis, low, high) if low == high:
            return np.array(low)[at[axis]]
        case Unravel(axis, step):
            return at[axis] // step % size
        case Merge(axes, steps, start):
            return sum((at[axis] * step for axis, step in zip(axes, steps, strict=True)), np.array(start))
        case Digits():
            terms = zip(read.axes, read.divisors, read.moduli, read.steps, strict=True)
            every = (at[axis] // divisor % modulus * step for axis, divisor, modulus, step in terms)
            number = sum(every, np.array(read.start)) // read.over
            return number % read.within if read.within else number
    return None


def hull(read: Ranged, low: Indices, high: Indices, outputs: int) -> Span:
    """[outputs, ...] the first and last of what is seen through a read of inputs, low to high [n, ...]."""
    is_plain = isinstance(read, Window) and read.dilation == 1 and not read.sources
    if is_plain and _is_ascending(low) and _is_ascending(high):
        ((begin, end),) = spans(read, len(low), outputs)
        if (begin <= end).all():
            return low[begin], high[end]
    shape = (outputs, *low.shape[1:])
    first, last = np.full(shape, NOTHING), np.full(shape, -1)
    for begin, end in spans(read, len(low), outputs):
        is_read = (begin <= end).reshape(-1, *[1] * (low.ndim - 1))
        first = np.where(is_read, np.minimum(first, _over(np.minimum, low, begin, end, NOTHING)), first)
        last = np.where(is_read, np.maximum(last, _over(np.maximum, high, begin, end, -1)), last)
    return first, last


def _is_ascending(numbers: Indices) -> bool:
    return bool((numbers[1:] >= numbers[:-1]).all())


def _over(choose: np.ufunc, values: Indices, begin: Indices, end: Indices, nothing: int) -> Indices:
    """[outputs, ...] the least or the greatest value in each range; any number for empty ones."""
    if (begin == end).all():
        return values[begin]
    padded = np.concatenate([values, np.full((1, *values.shape[1:]), nothing)])
    begin = np.minimum(begin, len(values))
    bounds = np.stack([begin, np.maximum(end + 1, begin)], axis=1).ravel()
    chosen: Indices = choose.reduceat(padded, bounds)[::2]
    return chosen


def back(read: Read, size: int, outputs: Sequence[Mask]) -> Mask | None:
    """[size] which indices the marked outputs (a mask for each axis) read; None where that is not known.

    Of a merged axis it is every index that marks of its axes put together. A mask may be one of those given.
    """
    match read:
        case Unknown():
            return None
        case Nothing():
            return np.zeros(size, dtype=bool)
        case All():
            return whole(size) if all(mask.any() for mask in outputs) else np.zeros(size, dtype=bool)
        case Merge(axes) | Digits(axes):
            at = dict(zip(axes, np.ix_(*(np.flatnonzero(outputs[axis]) for axis in axes)), strict=True))
            number = index_read(read, size, at)
            assert number is not None
            merged = np.zeros(size, dtype=bool)
            merged[number[(number >= 0) & (number < size)]] = all(mask.any() for mask in outputs)
            return merged
        case Pointwise(axis) if len(outputs[axis]) == size:
            return outputs[axis]
        case Window():
            return _under_windows(read, size, outputs[read.axis])
        case Grouped(axis, inputs, each):
            return np.repeat(outputs[axis].reshape(-1, each).any(axis=1), inputs)
    marked = outputs[read.axis]
    read_at = np.zeros(size, dtype=bool)
    match read:
        case Pointwise():
            read_at[: len(marked)] = marked[:size]
        case Transposed(_, kernel, stride, before, dilation):
            for tap in range(kernel):
                offset = tap * dilation - before
                first = max(-(offset // stride), 0)
                landed = marked[first * stride + offset :: stride][: size - first]
                read_at[first : first + len(landed)] |= landed
        case Gather(_, low, high):
            for output in np.flatnonzero(marked).tolist():
                read_at[low[output] : high[output] + 1] = True
        case Unravel(_, step):
            read_at[np.flatnonzero(marked) // step % size] = True
    return read_at


@lru_cache(maxsize=256)
def whole(size: int) -> Mask:
    """[size] all of an axis: the same mask each time, which is told from others at once."""
    mask = np.ones(size, dtype=bool)
    mask.setflags(write=False)
    return mask


def _under_windows(read: Window, size: int, marked: Mask) -> Mask:
    kernel, stride, before, dilation = read.kernel, read.stride, read.before, read.dilation
    if kernel == stride == 1 and not before and len(marked) == size:
        return marked
    if kernel > MOST_TAPS:
        first = np.flatnonzero(marked) * stride
        at = (first[:, None] + np.arange(kernel) * dilation).ravel()
        at = (
            np.array(read.sources)[at] if read.sources else at[(at >= before) & (at < before + size)] - before
        )
        read_at = np.zeros(size, dtype=bool)
        read_at[at] = True
        return read_at
    reach = (len(marked) - 1) * stride + 1  # from the first window's start to the last one's
    begin = max(before, 0)
    padded = np.zeros(max(reach + (kernel - 1) * dilation, begin + size), dtype=bool)
    for tap in range(0, kernel * dilation, dilation):
        padded[tap : tap + reach : stride] |= marked
    if before < 0:
        padded = np.concatenate([np.zeros(-before, dtype=bool), padded])
    inside: Mask = padded[begin : begin + size]
    if read.sources:
        outside = np.flatnonzero(padded)
        inside[np.array(read.sources)[outside]] = True
    return inside


def reshape_reads(before: Sequence[int], after: Sequence[int]) -> Reads:
    """How a tensor of the same numbers in another shape reads: axes flattened, or taken apart."""
    reads: list[Read] = [Merge() if size == 1 else Unknown() for size in before]
    ins = [axis for axis, size in enumerate(before) if size != 1]
    outs = [axis for axis, size in enumerate(after) if size != 1]
    while ins and outs:
        group_in, group_out = [ins.pop(0)], [outs.pop(0)]
        while True:
            one, other = prod(before[axis] for axis in group_in), prod(after[axis] for axis in group_out)
            if one == other:
                break
            (group_in if one < other else group_out).append((ins if one < other else outs).pop(0))
        if len(group_in) == len(group_out) == 1:
            reads[group_in[0]] = Pointwise(group_out[0])
        elif len(group_out) == 1:
            for place, axis in enumerate(group_in):
                reads[axis] = Unravel(group_out[0], prod(before[later] for later in group_in[place + 1 :]))
        elif len(group_in) == 1:
            reads[group_in[0]] = Merge(tuple(group_out), _steps(after, group_out))
        else:
            every, count = tuple(after[axis] for axis in group_out), len(group_out)
            for axis, over in zip(group_in, _steps(before, group_in), strict=True):
                steps = _steps(after, group_out)
                reads[axis] = Digits(tuple(group_out), (1,) * count, every, steps, 0, over, before[axis])
    return tuple(reads)


def _steps(shape: Sequence[int], group: Sequence[int]) -> tuple[int, ...]:
    """How many cells the next index along each of these axes is apart, of a tensor of these axes alone."""
    return tuple(prod(shape[later] for later in group[place + 1 :]) for place in range(len(group)))
