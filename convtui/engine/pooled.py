"""The one pooling of the engine: for an image or a mini-batch, whole or in part.

Whichever there are less of, windows or entries of a window, is gone through one by one, and all of the other
are computed at once.
"""

from collections.abc import Iterator

import numpy as np

from convtui.engine.reductions import PoolAxes, PoolAxis, Reduction
from convtui.engine.spec import Axis, Floats, Indices


@np.errstate(over="ignore", invalid="ignore")
def pooled(
    maps: Floats,
    axes: PoolAxes,
    reduction: Reduction,
    rows: Indices | None = None,
    columns: Indices | None = None,
    *,
    in_order: bool = False,
) -> Floats:
    """The output cells [..., len(rows), len(columns)] of maps [..., H, W]; None means all rows, all columns.

    in_order: add the entries of each window row by row; otherwise the last digits of sums may differ.
    Source: https://pytorch.org/docs/stable/nn.html#pooling-layers
    """
    down, across = axes
    is_all = rows is None and columns is None
    rows = np.arange(down.output) if rows is None else rows
    columns = np.arange(across.output) if columns is None else columns
    values = np.full((*maps.shape[:-2], rows.size, columns.size), reduction.filling)
    if rows.size * columns.size <= down.kernel * across.kernel:
        for i, j in np.ndindex(rows.size, columns.size):
            window = maps[..., pixels_read(down, int(rows[i])), pixels_read(across, int(columns[j]))]
            if window.size:
                values[..., i, j] = reduction.whole(window, in_order)
    else:
        if is_all and isinstance(down, Axis) and isinstance(across, Axis):
            entries = _strided(maps, down, across, reduction.filling)
        else:
            entries = _gathered(
                maps, window_sources(down, rows), window_sources(across, columns), reduction.filling
            )
        for entry in entries:
            reduction.take(values, entry)
    return reduction.finished(values, axes, rows, columns)


def pixels_read(axis: PoolAxis, output: int) -> slice:
    """The pixels that a window reads along an axis."""
    sources = axis.window_sources(output)
    inside = sources[sources >= 0]
    return slice(int(inside[0]), int(inside[-1]) + 1, axis.dilation) if inside.size else slice(0)


def _strided(maps: Floats, down: Axis, across: Axis, filling: float) -> Iterator[Floats]:
    """[..., outputs] each entry of all windows, row by row of the window."""
    pads = [(axis.before, axis.after + axis.overhang) for axis in (down, across)]
    if any(map(any, pads)):
        maps = np.pad(maps, [(0, 0)] * (maps.ndim - 2) + pads, constant_values=filling)
    for i, j in np.ndindex(down.kernel, across.kernel):
        yield maps[..., _tap(down, i), _tap(across, j)]


def _tap(axis: Axis, tap: int) -> slice:
    first = tap * axis.dilation
    return slice(first, first + (axis.output - 1) * axis.stride + 1, axis.stride)


def _gathered(maps: Floats, rows: Indices, columns: Indices, filling: float) -> Iterator[Floats]:
    """The same of windows that read sources [outputs, kernel] along each axis, -1 where they read none."""
    maps = np.pad(maps, [(0, 0)] * (maps.ndim - 2) + [(0, 1)] * 2, constant_values=filling)
    for i, j in np.ndindex(rows.shape[1], columns.shape[1]):
        yield maps[..., rows[:, i, None], columns[:, j]]


def window_sources(axis: PoolAxis, outputs: Indices) -> Indices:
    """[outputs, kernel] what the entries of windows read along an axis, -1 where there is nothing."""
    taps = np.arange(axis.kernel) * axis.dilation
    positions = axis.starts(outputs)[:, None] + taps
    ends = np.minimum(axis.ends(outputs), axis.size)
    return np.where((positions >= 0) & (positions < ends[:, None]), positions, -1)
