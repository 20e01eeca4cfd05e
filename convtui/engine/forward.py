"""The forward pass of each kind of layer for a mini-batch, in float64."""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from math import prod
from typing import TypeAlias

import numpy as np

from convtui.engine.batchnorm import EPS, BatchNormState
from convtui.engine.branches import Concat, Multiply, Residual
from convtui.engine.cross_correlation import cross_correlation
from convtui.engine.layers import (
    Activation,
    AdaptiveAvgPool,
    AvgPool,
    BatchNorm,
    Conv,
    Flatten,
    Layer,
    Linear,
    MaxPool,
    Window,
)
from convtui.engine.norm_layers import Norm
from convtui.engine.spec import Floats
from convtui.engine.upsample import Upsample

Arrays: TypeAlias = Mapping[str, Floats]


@np.errstate(over="ignore", invalid="ignore")
def forward(layer: Layer, inputs: Sequence[Floats], arrays: Arrays) -> Floats:
    """The output of a layer for a mini-batch, [N, channels, rows, columns] or [N, features].

    inputs: arrays of such shapes; more than one only for a layer that joins branches.
    arrays: the parameters of the layer by PyTorch's names, and the running statistics of a batch norm, which
    is in evaluation mode.
    Raises SpecError if a window does not fit, TypeError for a layer that does not compute, such as Image.
    Source: https://pytorch.org/docs/stable/nn.html
    """
    first = inputs[0]
    match layer:
        case Conv():
            axes = layer.axes(first.shape[1:])
            return cross_correlation(first, arrays["weight"], arrays.get("bias"), axes, layer.spec.groups)
        case MaxPool():
            return reduce(np.maximum, _taps(layer, first, -np.inf))
        case AvgPool():
            total: Floats = reduce(np.add, _taps(layer, first, 0.0))
            return total / prod(layer.spec.kernel_size)
        case AdaptiveAvgPool():
            return _window_means(layer, first)
        case Activation() | Upsample():
            return layer.of(first)
        case BatchNorm():
            return batch_norm_of(arrays, training=False, eps=layer.eps)(first)
        case Norm():
            return layer.of(first, arrays)
        case Flatten():
            return first.reshape(len(first), -1)
        case Linear():
            output: Floats = first @ arrays["weight"].T
            return output + arrays["bias"] if layer.bias else output
        case Residual():
            return reduce(np.add, inputs)
        case Multiply():
            return reduce(np.multiply, inputs)
        case Concat():
            return np.concatenate(inputs, axis=1)
        case _:
            raise TypeError(f"cannot compute a layer of type {type(layer).__name__}")


def batch_norm_of(arrays: Arrays, training: bool = True, eps: float = EPS) -> BatchNormState:
    """The batch norm with these arrays: weight, bias, running_mean and running_var, each [channels]."""
    return BatchNormState(
        len(arrays["weight"]),
        eps,
        training=training,
        weight=arrays["weight"],
        bias=arrays["bias"],
        running_mean=arrays["running_mean"],
        running_var=arrays["running_var"],
    )


def _window_means(layer: AdaptiveAvgPool, maps: Floats) -> Floats:
    rows, columns = layer.windows(maps.shape[1:])
    sums = np.stack([maps[:, :, of.start : of.stop].sum(axis=2) for of in rows], axis=2)
    sums = np.stack([sums[..., of.start : of.stop].sum(axis=3) for of in columns], axis=3)
    means: Floats = sums / np.outer([*map(len, rows)], [*map(len, columns)])
    return means


def _taps(layer: Window, maps: Floats, filling: float) -> Iterator[Floats]:
    """What each entry of the window reads, [N, channels, rows, columns], row by row of the window."""
    rows, columns = layer.axes(maps.shape[1:])
    pads = (0, 0), (0, 0), (rows.before, rows.after), (columns.before, columns.after)
    padded = np.pad(maps, pads, constant_values=filling) if any(map(any, pads)) else maps
    for i, j in np.ndindex(*layer.spec.kernel_size):
        top, left = i * rows.dilation, j * columns.dilation
        down = slice(top, top + (rows.output - 1) * rows.stride + 1, rows.stride)
        right = slice(left, left + (columns.output - 1) * columns.stride + 1, columns.stride)
        yield padded[:, :, down, right]
