"""How functions that only move numbers about read, from their arguments alone: of tensors of any size."""

from collections.abc import Sequence

import numpy as np

from convtui.engine.graph.reads import Digits, Gather, Merge, Pointwise, Read, Reads, Transposed, Unravel


def along_each(rank: int) -> list[Read]:
    """Each index reads its own."""
    return [Pointwise(axis) for axis in range(rank)]


def shuffled(output: Sequence[int], factor: int) -> Reads:
    """pixel_shuffle: so many channels as [..., rows·factor, columns·factor]; output: its shape."""
    *before, channels, rows, columns = range(len(output))
    return (
        *map(Pointwise, before),
        Digits(
            (channels, rows, columns),
            (1, 1, 1),
            (output[channels], factor, factor),
            (factor**2, factor, 1),
        ),
        Transposed(rows, factor, factor),
        Transposed(columns, factor, factor),
    )


def unshuffled(output: Sequence[int], factor: int) -> Reads:
    """pixel_unshuffle: the reverse; output: its shape."""
    *before, channels, rows, columns = range(len(output))
    return (
        *map(Pointwise, before),
        Unravel(channels, factor**2),
        Digits((channels, rows), (factor, 1), (factor, output[rows]), (1, factor)),
        Digits((channels, columns), (1, 1), (factor, output[columns]), (1, factor)),
    )


def unfolded(
    rank: int,
    windows: Sequence[int],
    kernel: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    stride: Sequence[int],
) -> Reads:
    """torch.nn.functional.unfold: a column for each of so many windows, of all that is in it."""
    channels, columns = rank - 3, rank - 2
    within, across = (kernel[1], 1), (windows[1], 1)
    return (
        *map(Pointwise, range(channels)),
        Unravel(channels, kernel[0] * kernel[1]),
        *(
            Digits(
                (channels, columns),
                (within[axis], across[axis]),
                (kernel[axis], windows[axis]),
                (dilation[axis], stride[axis]),
                -padding[axis],
            )
            for axis in (0, 1)
        ),
    )


def folded(output: Sequence[int], kernel: Sequence[int]) -> Reads:
    """torch.nn.functional.fold of windows that lie side by side: the reverse. Raises ValueError of a rest."""
    *before, channels, rows, columns = range(len(output))
    if output[rows] % kernel[0] or output[columns] % kernel[1]:
        raise ValueError("windows that leave a rest")
    across = output[columns] // kernel[1]
    return (
        *map(Pointwise, before),
        Digits(
            (channels, rows, columns),
            (1, 1, 1),
            (output[channels], *kernel),
            (kernel[0] * kernel[1], kernel[1], 1),
        ),
        Digits((rows, columns), tuple(kernel), (output[rows] // kernel[0], across), (across, 1)),
    )


def windowed(rank: int, dim: int, step: int) -> Reads:
    """Tensor.unfold: windows along an axis, whose indices are a new last axis."""
    reads = along_each(rank)
    reads[dim] = Merge((dim, rank), (step, 1))
    return tuple(reads)


def rolled(shape: Sequence[int], shifts: Sequence[int], dims: Sequence[int]) -> Reads:
    """What is rolled out at one end comes in at the other."""
    by: dict[int, int] = {}
    for shift, dim in zip(shifts, dims, strict=True):
        by[dim % len(shape)] = by.get(dim % len(shape), 0) + shift
    return _gathered(shape, {dim: (np.arange(shape[dim]) - shift) % shape[dim] for dim, shift in by.items()})


def flipped(shape: Sequence[int], dims: Sequence[int]) -> Reads:
    """The last index comes first."""
    return _gathered(shape, {dim % len(shape): np.arange(shape[dim])[::-1] for dim in dims})


def channels_shuffled(shape: Sequence[int], groups: int) -> Reads:
    """channel_shuffle: the first of each group, the second of each group, ..."""
    return _gathered(shape, {1: np.arange(shape[1]).reshape(groups, -1).T.ravel()})


def selected(shape: Sequence[int], dim: int, index: Sequence[int]) -> Reads:
    """index_select: these indices of an axis."""
    return _gathered(shape, {dim % len(shape): np.array(index, dtype=np.intp) % shape[dim]})


def repeated(shape: Sequence[int], rank: int) -> Reads:
    """repeat, tile: one after another, perhaps along new first axes."""
    return tuple(Unravel(rank - len(shape) + axis, 1) for axis in range(len(shape)))


def interleaved(rank: int, dim: int, times: int) -> Reads:
    """repeat_interleave: each index so many times."""
    reads = along_each(rank)
    reads[dim] = Transposed(dim % rank, times, times)
    return tuple(reads)


def _gathered(shape: Sequence[int], chosen: dict[int, np.ndarray]) -> Reads:
    reads = along_each(len(shape))
    for axis, numbers in chosen.items():
        index = tuple(numbers.tolist())
        reads[axis] = Gather(axis, index, index)
    return tuple(reads)
