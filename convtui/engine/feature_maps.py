"""The feature maps that a stack of layers makes of an image, each computed when it is first looked at.

All in float64 as in Convolution, but summed by matrix products, so that deep networks answer quickly: the
last digits may differ from a step's.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from math import prod, sqrt
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from convtui.engine.branches import Concat, Residual
from convtui.engine.convolution import Convolution
from convtui.engine.layers import (
    AvgPool,
    BatchNorm,
    Conv,
    Flatten,
    GlobalAvgPool,
    Layer,
    LayerError,
    Linear,
    MaxPool,
    ReLU,
    Shape,
    Window,
)
from convtui.engine.spec import Floats
from convtui.engine.stack import Row, summarize

Weights: TypeAlias = Mapping[int, Mapping[str, ArrayLike]]

MOST_CELLS = 2**27
BLOCK_CELLS = 2**20
EPS = 1e-5

_PAD_MODES: dict[str, Any] = {
    "zeros": "constant",
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
}


class FeatureMaps:
    """What each layer of a stack makes of an image [channels, rows, columns].

    weights maps a layer's number to its arrays by PyTorch's names. What it leaves out is drawn with the seed,
    each layer by itself, as torch.nn.init.kaiming_uniform_ does: the weights of conv and linear layers evenly
    from -sqrt(6/fan_in) to sqrt(6/fan_in), biases 0. Batch norms are in evaluation mode, with running mean 0
    and variance 1 unless given.
    summary has the rows of the stack as far as it fits the image.
    Raises ValueError for an image or weights that are no finite numbers in the right shape, LayerError for a
    text that names no layers.
    Source: He et al. 2015, Delving Deep into Rectifiers, https://arxiv.org/abs/1502.01852
    """

    def __init__(
        self, layers: str | Sequence[Layer], image: ArrayLike, seed: int = 0, weights: Weights | None = None
    ) -> None:
        pixels = _finite("image", image)
        self.summary = summarize(layers, pixels.shape)
        self.seed = seed
        self._given = {
            number: {name: self._checked(number, name, array) for name, array in arrays.items()}
            for number, arrays in (weights or {}).items()
        }
        self._maps = {0: pixels}

    def activations(self, layer: int) -> Floats:
        """The layer's output, [channels, rows, columns] or [features]; layer 0 is the image.

        Raises LayerError if it does not fit the image or is too large, IndexError if there is no such layer.
        """
        row = self._row(layer)
        if layer not in self._maps:
            for each in self._missing(row):
                inputs = [self._maps[number] for number in each.inputs]
                self._maps[each.number] = _kept(self._output(each, inputs))
        return self._maps[layer]

    def weights(self, layer: int) -> dict[str, Floats]:
        """The layer's parameters by PyTorch's names, and the running statistics of a batch norm.

        Raises LayerError if it does not fit the image or is too large, IndexError if there is no such layer.
        """
        row = self._row(layer)
        return {name: self._array(row, name, shape) for name, shape in _weight_shapes(row).items()}

    def convolution_of(self, layer: int) -> Convolution:
        """The convolution that a conv layer computes, with its real input and weights.

        Raises LayerError for any other layer, and as activations does.
        """
        row = self._row(layer)
        if not isinstance(row.layer, Conv):
            raise LayerError(layer, row.layer.title, "is not a convolution")
        spec, weights = row.layer.spec, self.weights(layer)
        return Convolution(
            self.activations(row.inputs[0]),
            weights["weight"],
            weights.get("bias"),
            spec.stride,
            spec.padding,
            spec.dilation,
            spec.groups,
            spec.padding_mode,
        )

    def _row(self, layer: int) -> Row:
        rows, error = self.summary.rows, self.summary.error
        if error and layer >= error.number:
            raise error
        if not 0 <= layer < len(rows):
            raise IndexError(f"layer {layer} does not exist: layers are 0 (the image) to {len(rows) - 1}")
        row = rows[layer]
        padded = prod(axis.padded for axis in row.axes or ()) * row.input_shape[0]
        for count, what in (row.parameters, "parameters"), (padded, "inputs including padding"):
            if count > MOST_CELLS:
                why = f"has {count:,} {what}; at most {MOST_CELLS:,} can be computed"
                raise LayerError(layer, row.layer.title, why)
        return row

    def _missing(self, row: Row) -> list[Row]:
        """The layer and those that it needs, as far as they are not yet computed, in order."""
        needed = {row.number}
        for number in range(row.number, 0, -1):
            if number in needed and number not in self._maps:
                needed.update(self.summary.rows[number].inputs)
        held = needed | self._maps.keys()
        cells = sum(prod(self.summary.rows[number].output_shape) for number in held)
        if cells > MOST_CELLS:
            why = f"the maps up to it hold {cells:,} numbers, at most {MOST_CELLS:,} fit; resize the image"
            raise LayerError(row.number, row.layer.title, why)
        return [self._row(number) for number in sorted(needed - self._maps.keys())]

    def _array(self, row: Row, name: str, shape: Shape) -> Floats:
        given = self._given.get(row.number, {})
        if name in given:
            return given[name]
        if name == "weight" and len(shape) > 1:
            return _kept(np.concatenate(list(self._filters(row))))
        return _kept(np.full(shape, 1.0 if name in ("weight", "running_var") else 0.0))

    def _filters(self, row: Row) -> Iterator[Floats]:
        """The weight of a conv or linear layer, as many filters at a time as are drawn in one piece."""
        given = self._given.get(row.number, {})
        if "weight" in given:
            yield given["weight"]
            return
        filters, *rest = row.parameter_shapes["weight"]
        bound = sqrt(6 / prod(rest))
        random = np.random.default_rng([self.seed, row.number])
        most = max(1, BLOCK_CELLS // prod(rest))
        for first in range(0, filters, most):
            yield random.uniform(-bound, bound, (min(most, filters - first), *rest))

    @np.errstate(over="ignore", invalid="ignore")
    def _output(self, row: Row, inputs: Sequence[Floats]) -> Floats:
        first = inputs[0]
        match row.layer:
            case Conv():
                return _convolved(row.layer, first, self.weights(row.number))
            case MaxPool():
                return reduce(np.maximum, tapped(row.layer, first, -np.inf))
            case AvgPool():
                total: Floats = reduce(np.add, tapped(row.layer, first))
                return total / prod(row.layer.spec.kernel_size)
            case GlobalAvgPool():
                means: Floats = np.mean(first, axis=(1, 2), keepdims=True)
                return means
            case ReLU():
                return np.maximum(first, 0.0)
            case BatchNorm():
                return _normalised(first, self.weights(row.number))
            case Flatten():
                return first.reshape(-1)
            case Linear():
                output = np.concatenate([filters @ first for filters in self._filters(row)])
                return output + self._array(row, "bias", output.shape) if row.layer.bias else output
            case Residual():
                return reduce(np.add, inputs)
            case Concat():
                return np.concatenate(inputs)
            case _:
                raise TypeError(f"cannot compute a layer of type {type(row.layer).__name__}")

    def _checked(self, number: int, name: str, array: ArrayLike) -> Floats:
        rows = self.summary.rows
        known = _weight_shapes(rows[number]) if 0 <= number < len(rows) else {}
        if name not in known:
            has = f"has {', '.join(known)}" if known else "has no weights"
            raise ValueError(f"weights: layer {number} {has}, but {name!r} was given")
        values = _finite(f"weights: {name} of layer {number}", array)
        if values.shape != known[name]:
            shapes = f"must be {list(known[name])}, got {list(values.shape)}"
            raise ValueError(f"weights: {name} of layer {number} {shapes}")
        return values


def _weight_shapes(row: Row) -> dict[str, Shape]:
    channels = row.input_shape[:1]
    running = {"running_mean": channels, "running_var": channels} if isinstance(row.layer, BatchNorm) else {}
    return row.parameter_shapes | running


def tapped(layer: Window, image: Floats, filling: float = 0.0) -> Iterator[Floats]:
    """The pixels [channels, rows, columns] that each kernel entry meets, entry by entry, row by row."""
    rows, columns = layer.axes(image.shape)
    pads = (0, 0), (rows.before, rows.after), (columns.before, columns.after)
    fill: Any = {"constant_values": filling} if layer.spec.padding_mode == "zeros" else {}
    padded = np.pad(image, pads, _PAD_MODES[layer.spec.padding_mode], **fill)
    for i, j in np.ndindex(*layer.spec.kernel_size):
        top, left = i * rows.dilation, j * columns.dilation
        down = slice(top, top + (rows.output - 1) * rows.stride + 1, rows.stride)
        right = slice(left, left + (columns.output - 1) * columns.stride + 1, columns.stride)
        yield padded[:, down, right]


def _convolved(layer: Conv, image: Floats, weights: Mapping[str, Floats]) -> Floats:
    filters, height, width = layer.output_shape(image.shape)
    taps, groups = list(tapped(layer, image)), layer.spec.groups
    weight = weights["weight"].reshape(groups, filters // groups, -1)
    output = np.empty((groups, filters // groups, height, width))
    band = max(1, BLOCK_CELLS // (len(taps) * len(image) * width))
    for top in range(0, height, band):
        windows = np.stack([pixels[:, top : top + band] for pixels in taps], axis=1)
        sums = weight @ windows.reshape(groups, weight.shape[2], -1)
        output[:, :, top : top + band] = sums.reshape(groups, filters // groups, -1, width)
    if layer.bias:
        output += weights["bias"].reshape(groups, -1, 1, 1)
    return output.reshape(filters, height, width)


def _normalised(maps: Floats, weights: Mapping[str, Floats]) -> Floats:
    channels = {name: array.reshape(-1, *[1] * (maps.ndim - 1)) for name, array in weights.items()}
    scale = channels["weight"] / np.sqrt(channels["running_var"] + EPS)
    return (maps - channels["running_mean"]) * scale + channels["bias"]


def _finite(name: str, values: ArrayLike) -> Floats:
    try:
        array = np.array(values, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name} is not an array of numbers: {str(error).splitlines()[0]}") from None
    if not np.isfinite(array).all():
        raise ValueError(f"{name} contains NaN or infinity")
    return _kept(array)


def _kept(array: Floats) -> Floats:
    array.setflags(write=False)
    return array
