"""Which pixels the taps of a kernel read: along an axis its rows or columns, in the plane its entries.

What one axis reads does not depend on the other, so that the weight matrix of a million pixels comes from two
axes of a thousand.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convtui.engine.spec import Axis, Indices

MOST_AT_ONCE = 2**20


class TapSets(NamedTuple):
    """Which taps read one input index at one output index, wherever along an axis any do.

    taps [sets, kernel] the distinct sets, counts [sets] how often each occurs. outputs [kinds, sets] which
    sets an output index has, each kind of output index once, and output_counts [kinds] how many are of that
    kind; so inputs and input_counts, for input indices.
    """

    taps: NDArray[np.bool_]
    counts: Indices
    outputs: NDArray[np.bool_]
    output_counts: Indices
    inputs: NDArray[np.bool_]
    input_counts: Indices


def windows(axis: Axis, outputs: Indices) -> Indices:
    """[..., kernel] the input index that each tap reads at output indices [...], -1 in zero padding."""
    taps = np.arange(axis.kernel) * axis.dilation
    sources: Indices = axis.sources[outputs[..., None] * axis.stride + taps]
    return sources


def padding_as_inputs(axis: Axis) -> Axis:
    """The axis of the same windows over the padded image."""
    return replace(axis, size=axis.padded, before=0, after=0, padding_mode="zeros")


def tap_reads(rows: Axis, columns: Axis) -> Iterator[tuple[int, int, Indices, Indices]]:
    """For each row i and column j of the kernel the output cells where it reads a pixel, and these pixels.

    Both are flat indices within a channel.
    """
    axes = (enumerate(_axis_tap_reads(axis)) for axis in (rows, columns))
    for (i, (r, y)), (j, (c, x)) in product(*axes):
        yield i, j, (r[:, None] * columns.output + c).ravel(), (y[:, None] * columns.size + x).ravel()


def reading(axis: Axis, pixel: int) -> tuple[Indices, Indices]:
    """The output indices that read an input index, and the taps with which they do, in pairs."""
    positions = np.flatnonzero(axis.sources == pixel)
    starts = positions[:, None] - np.arange(axis.kernel) * axis.dilation
    reads = (starts >= 0) & (starts % axis.stride == 0) & (starts // axis.stride < axis.output)
    return starts[reads] // axis.stride, np.nonzero(reads)[1]


def count_used(axis: Axis) -> int:
    """How many taps read a pixel at one output index or more."""
    if axis.padding_mode != "zeros":
        return axis.kernel
    starts = np.arange(axis.kernel) * axis.dilation - axis.before
    first = np.maximum(-(starts // axis.stride), 0)
    last = np.minimum((axis.size - 1 - starts) // axis.stride, axis.output - 1)
    return int(np.count_nonzero(first <= last))


def count_read(axis: Axis) -> Indices:
    """[output] how many input indices each output index reads: one that several taps read is counted once."""
    starts = np.arange(axis.output) * axis.stride
    is_inside = (starts >= axis.before) & (starts + axis.span <= axis.before + axis.size)
    counts = np.full(axis.output, axis.kernel)
    reaching_out = np.flatnonzero(~is_inside)
    for outputs in np.array_split(reaching_out, 1 + reaching_out.size * axis.kernel // MOST_AT_ONCE):
        read = np.sort(windows(axis, outputs), axis=1)
        counts[outputs] = np.count_nonzero(np.diff(read, axis=1, prepend=-1), axis=1)
    return counts


def tap_sets(axis: Axis) -> TapSets:
    """The sets of an axis: one tap each, but where padding repeats an index that several taps read."""
    read = windows(axis, np.arange(axis.output))
    output, tap = np.nonzero(read >= 0)
    pairs, pair, sizes = np.unique(
        output * axis.size + read[output, tap], return_inverse=True, return_counts=True
    )
    of_pairs = np.empty(len(pairs), dtype=np.intp)
    of_pairs[pair] = tap  # right where a pair has one tap
    is_several = sizes > 1
    together = np.zeros((np.count_nonzero(is_several), axis.kernel), dtype=bool)
    is_in = is_several[pair]
    together[(is_several.cumsum() - 1)[pair[is_in]], tap[is_in]] = True
    several, which, _ = _distinct(together)
    of_pairs[is_several] = axis.kernel + which
    taps = np.concatenate([np.eye(axis.kernel, dtype=bool), several])
    has_output = np.zeros((axis.output, len(taps)), dtype=bool)
    has_input = np.zeros((axis.size, len(taps)), dtype=bool)
    has_output[pairs // axis.size, of_pairs] = has_input[pairs % axis.size, of_pairs] = True
    outputs, _, output_counts = _distinct(has_output)
    inputs, _, input_counts = _distinct(has_input)
    counts = np.bincount(of_pairs, minlength=len(taps))
    return TapSets(taps, counts, outputs, output_counts, inputs, input_counts)


def _distinct(rows: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], Indices, Indices]:
    """The distinct rows, which of them each row is, and how often each occurs."""
    packed, which, counts = np.unique(
        np.packbits(rows, axis=1), axis=0, return_inverse=True, return_counts=True
    )
    return np.unpackbits(packed, axis=1, count=rows.shape[1]).astype(bool), which.ravel(), counts


def crossed(rows: NDArray[np.bool_], columns: NDArray[np.bool_]) -> tuple[Indices, Indices, Indices]:
    """(n, i, j), ascending, wherever both rows [kH, N] at [i, n] and columns [kW, N] at [j, n] are true."""
    n, i = np.nonzero(rows.T)
    m, j = np.nonzero(columns.T)
    counts = np.bincount(m, minlength=rows.shape[1])
    ends = counts.cumsum()
    repeats = counts[n]
    partners = np.repeat(ends[n] - repeats.cumsum(), repeats) + np.arange(repeats.sum())
    return np.repeat(n, repeats), np.repeat(i, repeats), j[partners]


def _axis_tap_reads(axis: Axis) -> Iterator[tuple[Indices, Indices]]:
    """For each tap the output indices where it reads a pixel, and the input indices of these pixels."""
    starts = np.arange(axis.output) * axis.stride
    for tap in range(axis.kernel):
        sources = axis.sources[starts + tap * axis.dilation]
        outputs = np.flatnonzero(sources >= 0)
        yield outputs, sources[outputs]
