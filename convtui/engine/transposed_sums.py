"""The one transposed convolution of the engine: for an image or a mini-batch, whole or in part.

Each tap of the kernel puts all pixels, times its weight, on every s-th output. The taps go from the last to
the first, so that what lands on an output is added in the order of the pixels.
"""

from functools import reduce
from operator import add

import numpy as np

from convtui.engine.cross_correlation import running_sums
from convtui.engine.spec import Floats, Indices
from convtui.engine.transposed_spec import TransposedAxis

MOST_AT_ONCE = 2**17  # products of some output cells


@np.errstate(over="ignore", invalid="ignore")
def transposed_convolution(
    images: Floats,
    weight: Floats,
    bias: Floats | None,
    axes: tuple[TransposedAxis, TransposedAxis],
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
    sums = np.zeros((len(images), groups, filters, *((slices,) if in_order else ()), *size))
    for i, j in reversed(list(np.ndindex(*weight.shape[2:]))):
        (rows, down), (columns, across) = axes[0].of_tap(i), axes[1].of_tap(j)
        read, of_tap = pixels[..., rows, columns], grouped[..., i, j].swapaxes(1, 2)
        if in_order:
            sums[..., down, across] += of_tap[..., None, None] * read[:, :, None]
        else:
            flat = read.reshape(*read.shape[:3], -1)
            sums[..., down, across] += (of_tap @ flat).reshape(*sums.shape[:3], *read.shape[3:])
    if in_order:
        sums = np.add.accumulate(sums, axis=3)[:, :, :, -1]
    output: Floats = sums.reshape(len(images), -1, *size)
    return output if bias is None else output + bias[:, None, None]


@np.errstate(over="ignore", invalid="ignore")
def transposed_cells(
    image: Floats,
    weight: Floats,
    axes: tuple[TransposedAxis, TransposedAxis],
    rows: Indices,
    columns: Indices,
) -> Floats:
    """The output cells [len(rows), len(columns)] of one channel without its bias, as `in_order` adds them.

    Shapes: image [S, H, W] and weight [S, kH, kW], the channels that land on this one.
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
        if lands.size:
            sums = running_sums(products)[..., -1]
            cells[first : first + high] = reduce(add, sums)
    return cells
