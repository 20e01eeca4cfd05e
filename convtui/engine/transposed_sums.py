"""The one transposed convolution of the engine: for an image or a mini-batch, whole or in part.

Each tap of the kernel puts all pixels, times its weight, on every s-th output. The taps go from the last to
the first, so that what lands on an output is added in the order of the pixels.
"""

from functools import reduce
from math import prod
from operator import add
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convtui.engine.cross_correlation import running_sums
from convtui.engine.spec import Floats, Indices
from convtui.engine.transposed_spec import TransposedAxis

Axes: TypeAlias = tuple[TransposedAxis, TransposedAxis]

MOST_PRODUCTS = 2**20  # of BLAS, before they are added up: 8 MiB
MOST_AT_ONCE = 2**17  # products of some output cells


@np.errstate(over="ignore", invalid="ignore")
def transposed_convolution(
    images: Floats,
    weight: Floats,
    bias: Floats | None,
    axes: Axes,
    groups: int = 1,
    *,
    in_order: bool = False,
) -> Floats:
    """The output [N, O, H', W'].

    Shapes: images [N, C, H, W], weight [C, O/groups, kH, kW], bias [O] or None; TransposedSpec.check accepts
    them, and axes are those of the TransposedSpec for H x W.
    in_order: add the products of a slice pixel by pixel, then the slices, then the bias. Otherwise BLAS adds
    the slices, and the last digits may differ.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html
    """
    slices, filters = len(weight) // groups, weight.shape[1]
    pixels = images.reshape(len(images), groups, slices, *images.shape[2:])
    grouped = weight.reshape(groups, slices, filters, *weight.shape[2:])
    size = axes[0].output, axes[1].output
    sums = _add_in_order(pixels, grouped, axes) if in_order else _add_by_blas(pixels, grouped, axes)
    output = sums.reshape(len(images), -1, *size)
    return output if bias is None else output + bias[:, None, None]


def _add_in_order(pixels: Floats, weight: Floats, axes: Axes) -> Floats:
    """[N, G, F, H', W'] of pixels [N, G, S, H, W] and weight [G, S, F, kH, kW]."""
    groups, slices, filters = weight.shape[:3]
    sums = np.zeros((len(pixels), groups, filters, slices, axes[0].output, axes[1].output))
    for i, j in _taps(weight):
        (rows, down), (columns, across) = axes[0].of_tap(i), axes[1].of_tap(j)
        of_tap = weight[..., i, j].swapaxes(1, 2)[..., None, None]
        sums[..., down, across] += of_tap * pixels[:, :, None, :, rows, columns]
    output: Floats = np.add.accumulate(sums, axis=3)[:, :, :, -1]
    return output


def _add_by_blas(pixels: Floats, weight: Floats, axes: Axes) -> Floats:
    """The same; a matrix product is that of as many filters as MOST_PRODUCTS allows, with all their taps."""
    groups, slices, filters, *kernel = weight.shape
    sums = np.zeros((len(pixels), groups, filters, axes[0].output, axes[1].output))
    flat = pixels.reshape(*pixels.shape[:3], -1)
    matrix = weight.reshape(groups, slices, -1).swapaxes(1, 2)  # as BLAS reads it, without a copy
    taps = prod(kernel)
    some = max(1, MOST_PRODUCTS // max(1, taps * len(pixels) * groups * flat.shape[-1]))
    for first in range(0, filters, some):
        products = matrix[:, first * taps : (first + some) * taps] @ flat
        products = products.reshape(len(pixels), groups, -1, *kernel, *pixels.shape[3:])
        for i, j in _taps(weight):
            (rows, down), (columns, across) = axes[0].of_tap(i), axes[1].of_tap(j)
            sums[:, :, first : first + some, down, across] += products[:, :, :, i, j, rows, columns]
    return sums


def _taps(weight: Floats) -> list[tuple[int, ...]]:
    """The taps (i, j) of weight [..., kH, kW], the last first."""
    return list(np.ndindex(*weight.shape[-2:]))[::-1]


class Landed(NamedTuple):
    """What has landed: the input cells before one, at (slice, row, column), and so many of its taps."""

    slice: int
    row: int
    column: int
    taps: int


@np.errstate(over="ignore", invalid="ignore")
def transposed_cells(
    image: Floats,
    weight: Floats,
    axes: Axes,
    rows: Indices,
    columns: Indices,
    landed: Landed | None = None,
) -> Floats:
    """The output cells [len(rows), len(columns)] of one channel without its bias, as `in_order` adds them.

    Shapes: image [S, H, W] and weight [S, kH, kW], the channels that land on this one. landed: as far as
    they have landed; None: all of them.
    """
    inputs_across, taps_across = axes[1].landing(columns)
    cells = np.zeros((rows.size, columns.size))
    most = axes[0].kernel // axes[0].stride + 1
    high = max(1, MOST_AT_ONCE // max(1, len(image) * most * inputs_across.size))
    for first in range(0, rows.size, high):
        inputs_down, taps_down = axes[0].landing(rows[first : first + high])
        lands = (inputs_down >= 0)[:, None, :, None] & (inputs_across >= 0)[None, :, None]
        pixels = image[:, inputs_down[:, None, :, None], inputs_across[None, :, None]]
        products = pixels * weight[:, taps_down[:, None, :, None], taps_across[None, :, None]]
        products[:, ~lands] = 0.0
        if landed is not None:
            places = inputs_down[:, None, :, None], inputs_across[None, :, None]
            taps = taps_down[:, None, :, None] * axes[1].kernel + taps_across[None, :, None]
            products[landed.slice + 1 :] = 0.0
            products[landed.slice : landed.slice + 1, _is_to_come(landed, *places, taps)] = 0.0
        if lands.size:
            sums = running_sums(products)[..., -1]
            cells[first : first + high] = reduce(add, sums)
    return cells


def _is_to_come(landed: Landed, rows: Indices, columns: Indices, taps: Indices) -> NDArray[np.bool_]:
    """Which of these (row, column, tap) of the slice that is landing have not yet landed."""
    is_there = (rows == landed.row) & (columns == landed.column)
    is_later = (rows > landed.row) | ((rows == landed.row) & (columns > landed.column))
    is_to_come: NDArray[np.bool_] = is_later | (is_there & (taps >= landed.taps))
    return is_to_come
