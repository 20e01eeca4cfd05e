"""The one convolution of the engine: for an image or a mini-batch, whole or in part, in bounded memory.

It can sum in two ways. A matrix product through BLAS is many times faster if many filters read the same
windows, but BLAS chooses the order of the additions: feature maps are computed this way. An output that is
stepped through is summed product by product, so that it has the same digits as its steps.
"""

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from convtui.engine.spec import Axis, Floats, Indices
from convtui.engine.taps import windows

# How many numbers a band holds: 4 MiB of windows for BLAS, 256 KiB each of products and sums in order, 1 MiB
# of products of sums that are added up one after another.
# Measured with tests/benchmarks/convolutions.py: a quarter of this takes 1.2 to 1.5 times as long, twice as
# much gains nothing.
MOST_PATCHES = 2**19
MOST_PRODUCTS = 2**15
MOST_AT_ONCE = 2**17

# With so few sums, adding the next product to each takes longer than adding up one after another.
FEW_SUMS = 2**11


class _Reads(NamedTuple):
    """What output cells read along an axis: tap t of cell n reads sources[n * stride + t * dilation]."""

    sources: Indices
    stride: int
    dilation: int


@np.errstate(over="ignore", invalid="ignore")
def cross_correlation(
    images: Floats,
    weight: Floats,
    bias: Floats | None,
    axes: tuple[Axis, Axis],
    groups: int = 1,
    *,
    rows: Indices | None = None,
    columns: Indices | None = None,
    in_order: bool = False,
) -> Floats:
    """The output cells [N, O, len(rows), len(columns)] at these rows and columns; None means all of them.

    Shapes: images [N, C, H, W], weight [O, C/groups, kH, kW], bias [O] or None; ConvSpec.check accepts them,
    and axes are those of the ConvSpec for H x W.
    in_order: add the products of a slice row by row, then the slices, then the bias. Otherwise BLAS adds
    them, and the last digits may differ.
    Memory: input, output and one band of MOST_PATCHES numbers, or of one output cell if that needs more.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html
    """
    filters, slices, *kernel = weight.shape
    rows = np.arange(axes[0].output) if rows is None else rows
    columns = np.arange(axes[1].output) if columns is None else columns
    grouped = weight.reshape(groups, filters // groups, slices, *kernel)
    output = np.empty((len(images), *grouped.shape[:2], rows.size, columns.size))
    numbers, most, add = groups * slices * prod(kernel), MOST_PATCHES, _add_by_blas
    wanted = len(images) * rows.size * columns.size
    if in_order and wanted * filters * slices >= FEW_SUMS:
        numbers, most, add = 2 * filters * slices, 2 * MOST_PRODUCTS, _add_in_order
    elif in_order:
        numbers, most, add = filters * slices * prod(kernel), MOST_AT_ONCE, _add_one_by_one
    cells = max(1, min(most // numbers, wanted))
    space = np.empty(cells * numbers)
    for some, r, c in _tiles(len(images), rows.size, columns.size, cells):
        down, across = _reads(axes[0], rows[r]), _reads(axes[1], columns[c])
        pixels = _pixels(images[some], down.sources, across.sources)
        tile = output[some, ..., r, c]
        add(_windows(pixels, grouped, down, across), grouped, space, tile)
        if bias is not None:
            tile += bias.reshape(groups, -1, 1, 1)
    return output.reshape(len(images), filters, rows.size, columns.size)


def _tiles(images: int, rows: int, columns: int, cells: int) -> Iterator[tuple[slice, slice, slice]]:
    """Parts of at most so many cells: a stretch of a row, or whole rows, or whole images."""
    if images * rows * columns == 0:
        return
    wide = min(columns, cells)
    high = min(rows, cells // wide)
    deep = min(images, cells // (wide * high))
    for starts in product(range(0, images, deep), range(0, rows, high), range(0, columns, wide)):
        some, r, c = (slice(at, at + side) for at, side in zip(starts, (deep, high, wide), strict=True))
        yield some, r, c


def _reads(axis: Axis, outputs: Indices) -> _Reads:
    """Everything from the first to the last index read, or only what is read if that is less."""
    steps = np.diff(outputs)
    step = int(steps[0]) if steps.size else 1
    if step > 0 and (steps == step).all():
        first, last = int(outputs[0]) * axis.stride, int(outputs[-1]) * axis.stride + axis.span
        if last - first <= outputs.size * axis.kernel:
            return _Reads(axis.sources[first:last], step * axis.stride, axis.dilation)
    return _Reads(windows(axis, outputs).ravel(), axis.kernel, 1)


def _pixels(images: Floats, rows: Indices, columns: Indices) -> Floats:
    """The pixels [N, C, len(rows), len(columns)] at these indices, 0 at -1; a view if possible."""
    down, across = _run(rows), _run(columns)
    if down is None or across is None:
        pixels: Floats = images[:, :, rows[:, None], columns]
        pixels[:, :, rows < 0] = 0.0
        pixels[..., columns < 0] = 0.0
        return pixels
    inside = images[:, :, down[1], across[1]]
    if inside.shape[2:] == (rows.size, columns.size):
        return inside
    pixels = np.zeros((*images.shape[:2], rows.size, columns.size))
    pixels[:, :, down[0], across[0]] = inside
    return pixels


def _run(sources: Indices) -> tuple[slice, slice] | None:
    """Where the sources are evenly spaced indices, with -1 around them, and which; None if they are not."""
    inside = np.flatnonzero(sources >= 0)
    if not inside.size:
        return slice(0), slice(0)
    start, stop = int(inside[0]), int(inside[-1]) + 1
    steps = np.diff(sources[start:stop])
    step = int(steps[0]) if steps.size else 1
    if step < 1 or (steps != step).any():
        return None
    return slice(start, stop), slice(int(sources[start]), int(sources[stop - 1]) + 1, step)


def _windows(pixels: Floats, weight: Floats, down: _Reads, across: _Reads) -> Floats:
    """The window of each output cell, [N, G, S, rows, columns, kH, kW], as a view of the pixels."""
    groups, _, slices, height, width = weight.shape
    of_groups = pixels.reshape(len(pixels), groups, slices, *pixels.shape[2:])
    spans = (height - 1) * down.dilation + 1, (width - 1) * across.dilation + 1
    return sliding_window_view(of_groups, spans, axis=(3, 4))[
        :, :, :, :: down.stride, :: across.stride, :: down.dilation, :: across.dilation
    ]


def _add_by_blas(windows: Floats, weight: Floats, space: Floats, tile: Floats) -> None:
    """Fill the tile [N, G, F, rows, columns] with the sums of weight [G, F, S, kH, kW] times windows.

    A tile of one image is a stretch of a row or whole rows, which BLAS can fill as a matrix.
    """
    groups, filters = weight.shape[:2]
    patches = windows.transpose(1, 2, 5, 6, 0, 3, 4)
    if prod(weight.shape[3:]) > 1:
        copied = space[: patches.size].reshape(patches.shape)
        np.copyto(copied, patches)
        patches = copied
    matrices = weight.reshape(groups, filters, -1), patches.reshape(groups, weight[0, 0].size, -1)
    if len(tile) == 1:
        np.matmul(*matrices, out=tile[0].reshape(groups, filters, -1))
    else:
        sums = np.matmul(*matrices).reshape(groups, filters, len(tile), *tile.shape[3:])
        tile[...] = sums.transpose(2, 0, 1, 3, 4)


def _add_in_order(windows: Floats, weight: Floats, space: Floats, tile: Floats) -> None:
    """Fill the tile [N, G, F, rows, columns] with the sums of weight [G, F, S, kH, kW] times windows."""
    shape = (*tile.shape[:3], weight.shape[2], *tile.shape[3:])
    sums, products = space[: 2 * prod(shape)].reshape(2, *shape)
    sums.fill(0.0)
    for i, j in np.ndindex(*weight.shape[3:]):
        np.multiply(weight[..., i, j, None, None], windows[:, :, None, ..., i, j], out=products)
        sums += products
    np.add.accumulate(sums, axis=3, out=products)
    tile[...] = products[:, :, :, -1]


def _add_one_by_one(windows: Floats, weight: Floats, space: Floats, tile: Floats) -> None:
    """Fill the tile as `_add_in_order` does, to the same bits, one sum after another."""
    products = space[: tile[..., None].size * weight[0, 0].size]
    products = products.reshape(*tile.shape[:3], weight.shape[2], *tile.shape[3:], *weight.shape[3:])
    np.multiply(weight[..., None, None, :, :], windows[:, :, None], out=products)
    sums = running_sums(products)[..., -1]
    tile[...] = np.add.accumulate(sums, axis=3)[:, :, :, -1]


def running_sums(products: Floats) -> Floats:
    """[..., kH*kW] the sum after each of the products [..., kH, kW]; + 0.0, for no sum begins at -0.0."""
    sums: Floats = products.reshape(*products.shape[:-2], -1).cumsum(axis=-1)
    sums += 0.0
    return sums
