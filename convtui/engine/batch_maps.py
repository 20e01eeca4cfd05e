"""What the layers of a stack make of a mini-batch, each computed when it is first looked at.

All in float64. Batch norms are what makes it differ from the feature maps of each image alone: in training
mode they normalise with the batch's own statistics, so that what becomes of an image depends on the others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from convtui.engine.batchnorm import BatchNormState, Statistics
from convtui.engine.branches import Concat, Residual
from convtui.engine.feature_maps import BLOCK_CELLS, tapped
from convtui.engine.layers import (
    AvgPool,
    BatchNorm,
    Conv,
    Flatten,
    GlobalAvgPool,
    Linear,
    MaxPool,
    ReLU,
    Window,
)
from convtui.engine.spec import Floats
from convtui.engine.stack import Row

Arrays = Mapping[str, Floats]


class BatchMaps:
    """The activations [images, channels, rows, columns] or [images, features] after each row of a summary.

    weights gives a layer's arrays by PyTorch's names, as FeatureMaps.weights does. `training` is the mode of
    the batch norms; nothing here changes their running statistics. norms, by layer number, stand in the place
    of those that the weights make.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        batch: ArrayLike,
        weights: Callable[[int], Arrays],
        training: bool = True,
        norms: Mapping[int, BatchNormState] | None = None,
    ) -> None:
        self._rows, self._weights, self._training = rows, weights, training
        self._norms = norms or {}
        self._maps = {0: np.asarray(batch, dtype=np.float64)}
        self._used: dict[int, Statistics] = {}

    def activations(self, layer: int) -> Floats:
        """The layer's output; layer 0 is the batch itself.

        Raises ValueError where a batch norm in training mode gets one value per channel.
        """
        if layer not in self._maps:
            needed = {layer}
            for number in range(layer, 0, -1):
                if number in needed and number not in self._maps:
                    needed.update(self._rows[number].inputs)
            for number in sorted(needed - self._maps.keys()):
                row = self._rows[number]
                self._maps[number] = self._output(row, [self._maps[each] for each in row.inputs])
                self._maps[number].setflags(write=False)
        return self._maps[layer]

    def statistics(self, layer: int) -> Statistics:
        """What the batch norm at this layer normalises with. Raises as `activations` does."""
        self.activations(layer)
        return self._used[layer]

    def evaluated(self, norms: Mapping[int, BatchNormState]) -> "BatchMaps":
        """The same batch in evaluation mode, with these batch norms, by layer number, for the network's own.

        What no batch norm has touched is not computed again.
        """
        in_mode = {number: replace(norm, training=False) for number, norm in norms.items()}
        other = BatchMaps(self._rows, self._maps[0], self._weights, False, in_mode)
        first = min(row.number for row in self._rows if isinstance(row.layer, BatchNorm))
        other._maps |= {number: maps for number, maps in self._maps.items() if number < first}
        return other

    def norm(self, layer: int) -> BatchNormState:
        """The batch norm at this layer, in the present mode."""
        return self._norms.get(layer) or norm_of(self._weights(layer), self._training)

    def _output(self, row: Row, inputs: Sequence[Floats]) -> Floats:
        first, layer = inputs[0], row.layer
        images = len(first)
        match layer:
            case Conv():
                return _convolved(layer, first, self._weights(row.number))
            case MaxPool():
                return _pooled(row, first, -np.inf, np.maximum)
            case AvgPool():
                total = _pooled(row, first, 0.0, np.add)
                return total / prod(layer.spec.kernel_size)
            case GlobalAvgPool():
                means: Floats = first.mean(axis=(2, 3), keepdims=True)
                return means
            case ReLU():
                return np.maximum(first, 0.0)
            case BatchNorm():
                norm = self.norm(row.number)
                self._used[row.number] = norm.used(first)
                return norm.scaled(norm.normalised(first, self._used[row.number]))
            case Flatten():
                return first.reshape(images, -1)
            case Linear():
                arrays = self._weights(row.number)
                output: Floats = first @ arrays["weight"].T
                return output + arrays["bias"] if layer.bias else output
            case Residual():
                return reduce(np.add, inputs)
            case Concat():
                return np.concatenate(inputs, axis=1)
            case _:
                raise TypeError(f"cannot compute a layer of type {type(layer).__name__}")


def norm_of(arrays: Arrays, training: bool = True) -> BatchNormState:
    """The batch norm with these weight, bias and running statistics."""
    return BatchNormState(
        len(arrays["weight"]),
        training=training,
        weight=arrays["weight"],
        bias=arrays["bias"],
        running_mean=arrays["running_mean"],
        running_var=arrays["running_var"],
    )


def _pooled(row: Row, batch: Floats, filling: float, join: Callable[[Floats, Floats], Floats]) -> Floats:
    assert isinstance(row.layer, Window)
    images, channels, *sides = batch.shape
    flat = batch.reshape(images * channels, *sides)  # a window never looks at a second channel
    return reduce(join, tapped(row.layer, flat, filling)).reshape(images, *row.output_shape)


def _convolved(layer: Conv, batch: Floats, weights: Arrays) -> Floats:
    """The convolution of every image, as many at a time as keep the windows small."""
    images, channels, *sides = batch.shape
    filters, height, width = layer.output_shape(batch.shape[1:])
    groups = layer.spec.groups
    weight = weights["weight"].reshape(groups, filters // groups, -1)
    output = np.empty((images, groups, filters // groups, height * width))
    band = max(1, BLOCK_CELLS // (channels * prod(layer.spec.kernel_size) * height * width))
    for first in range(0, images, band):
        some = batch[first : first + band]
        flat = some.reshape(len(some) * channels, *sides)
        windows = np.stack(list(tapped(layer, flat)), axis=1)
        output[first : first + band] = weight @ windows.reshape(len(some), groups, weight.shape[2], -1)
    if layer.bias:
        output += weights["bias"].reshape(groups, -1, 1)
    return output.reshape(images, filters, height, width)
