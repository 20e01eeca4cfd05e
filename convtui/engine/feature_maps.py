"""The feature maps of a stack of layers for one image, each computed when it is first asked for.

They are float64, as in Convolution, but BLAS sums them, because deep networks must be fast too. The last
digits may differ from those of a step.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod, sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from convtui.engine.convolution import Convolution
from convtui.engine.finite import finite
from convtui.engine.forward import forward
from convtui.engine.layers import Layer, LayerError, Linear, Shape
from convtui.engine.pool_layers import AdaptivePool, Pool
from convtui.engine.pooling import Pooling
from convtui.engine.shown import Shown
from convtui.engine.spec import Axis, Floats
from convtui.engine.stack import Row, missing, summarize
from convtui.engine.transposed import TransposedConvolution
from convtui.engine.window_layers import Conv, ConvTranspose
from convtui.engine.window_operation import WindowOperation

Weights: TypeAlias = Mapping[int, Mapping[str, ArrayLike]]

MOST_CELLS = 2**27
MOST_DRAWN = 2**17  # numbers at once, so that they stay in the cache until they are scaled


class FeatureMaps(Shown):
    """The output of each layer of a stack for an image [channels, rows, columns].

    weights: arrays by layer number and by PyTorch's names. All others are drawn when a layer needs them, from
    the seed and the layer's number alone, as torch.nn.init.kaiming_uniform_ draws: the weights of conv,
    convtranspose and linear layers uniformly from -sqrt(6/fan_in) to sqrt(6/fan_in), biases 0. Batch norms
    are in evaluation mode, with running mean 0 and running variance 1 unless given.
    summary: the rows of the stack, as far as it fits the image.
    Raises ValueError if the image or the weights are not finite numbers of the right shape, LayerError if the
    text is not a stack of layers.
    Source: He et al. 2015, Delving Deep into Rectifiers, https://arxiv.org/abs/1502.01852
    """

    def __init__(
        self, layers: str | Sequence[Layer], image: ArrayLike, seed: int = 0, weights: Weights | None = None
    ) -> None:
        pixels = finite("image", image)
        self.summary = summarize(layers, pixels.shape)
        self.seed = seed
        self._given = {
            number: {name: self._checked(number, name, array) for name, array in arrays.items()}
            for number, arrays in (weights or {}).items()
        }
        self._maps = {0: pixels}

    def activations(self, layer: int) -> Floats:
        """The output of a layer, [channels, rows, columns] or [features]; layer 0 is the image.

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
        return {name: self._array(row, name, shape) for name, shape in row.weight_shapes.items()}

    def convolution_of(self, layer: int) -> Convolution:
        """The convolution of a conv layer, with its input and weights.

        Raises LayerError for any other layer, and what activations raises.
        """
        row = self._row(layer)
        if not isinstance(row.layer, Conv):
            raise LayerError(layer, row.layer.title, "is not a convolution")
        operation = self.operation_of(layer)
        assert isinstance(operation, Convolution)
        return operation

    def operation_of(self, layer: int) -> WindowOperation:
        """What a convolution, transposed convolution or pooling layer computes, with its input and weights.

        Raises LayerError for any other layer, and what activations raises.
        """
        row = self._row(layer)
        if not isinstance(row.layer, Conv | ConvTranspose | Pool | AdaptivePool):
            raise LayerError(layer, row.layer.title, "has no windows; convolutions and poolings have")
        image, weights = self.activations(row.inputs[0]), self.weights(layer)
        match row.layer:
            case Conv(spec=spec):
                return Convolution(
                    image,
                    weights["weight"],
                    weights.get("bias"),
                    spec.stride,
                    spec.padding,
                    spec.dilation,
                    spec.groups,
                    spec.padding_mode,
                )
            case ConvTranspose(spec=spec):
                return TransposedConvolution(
                    image,
                    weights["weight"],
                    weights.get("bias"),
                    spec.stride,
                    spec.padding,
                    spec.output_padding,
                    spec.groups,
                    spec.dilation,
                )
            case Pool() | AdaptivePool():
                return Pooling(image, row.layer.spec, row.layer.reduction)

    def _row(self, layer: int) -> Row:
        rows, error = self.summary.rows, self.summary.error
        if error and layer >= error.number:
            raise error
        if not 0 <= layer < len(rows):
            raise IndexError(f"layer {layer} does not exist: layers are 0 (the image) to {len(rows) - 1}")
        row = rows[layer]
        axes = row.axes or ()
        padded = (
            prod(axis.reach if isinstance(axis, Axis) else axis.size for axis in axes) * row.input_shape[0]
        )
        for count, what in (row.parameters, "parameters"), (padded, "inputs including padding"):
            if count > MOST_CELLS:
                why = f"has {count:,} {what}; at most {MOST_CELLS:,} can be computed"
                raise LayerError(layer, row.layer.title, why)
        return row

    def _missing(self, row: Row) -> list[Row]:
        """The layers still to be computed for this one, in order."""
        rows = self.summary.rows
        numbers = missing(rows, row.number, self._maps)
        cells = sum(prod(rows[number].output_shape) for number in [*numbers, *self._maps])
        if cells > MOST_CELLS:
            why = f"the maps up to it hold {cells:,} numbers, at most {MOST_CELLS:,} fit; resize the image"
            raise LayerError(row.number, row.layer.title, why)
        return [self._row(number) for number in numbers]

    def _array(self, row: Row, name: str, shape: Shape) -> Floats:
        given = self._given.get(row.number, {})
        if name in given:
            return given[name]
        if name == "weight" and isinstance(row.layer, Conv | ConvTranspose | Linear):
            weight = np.empty(shape)
            self._drawing(row)(weight)
            return _kept(weight)
        return _kept(np.full(shape, 1.0 if name in ("weight", "running_var") else 0.0))

    def _drawing(self, row: Row) -> Callable[[Floats], None]:
        """A function that fills an array with the next numbers of a layer's drawn weight.

        They are the numbers of Generator.uniform, which takes more than twice as long to draw them.
        """
        bound = sqrt(6 / prod(row.parameter_shapes["weight"][1:]))
        random = np.random.default_rng([self.seed, row.number])

        def fill(array: Floats) -> None:
            flat = array.reshape(-1)
            for first in range(0, flat.size, MOST_DRAWN):
                some = random.random(out=flat[first : first + MOST_DRAWN])
                some *= 2 * bound
                some -= bound

        return fill

    def _output(self, row: Row, inputs: Sequence[Floats]) -> Floats:
        if isinstance(row.layer, Linear) and "weight" not in self._given.get(row.number, {}):
            return self._drawn_linear(row, inputs[0])
        batch = [each[None] for each in inputs]
        output: Floats = forward(row.layer, batch, self.weights(row.number))[0]
        return output

    def _drawn_linear(self, row: Row, features: Floats) -> Floats:
        """The output of a linear layer without all of its weight in memory, 0.8 GB in VGG-16."""
        filters, in_features = row.parameter_shapes["weight"]
        output, fill = np.empty(filters), self._drawing(row)
        space = np.empty((min(filters, max(1, MOST_DRAWN // in_features)), in_features))
        for first in range(0, filters, len(space)):
            some = space[: filters - first]
            fill(some)
            np.matmul(some, features, out=output[first : first + len(some)])
        return output + self._array(row, "bias", output.shape) if "bias" in row.parameter_shapes else output

    def _checked(self, number: int, name: str, array: ArrayLike) -> Floats:
        rows = self.summary.rows
        known = rows[number].weight_shapes if 0 <= number < len(rows) else {}
        if name not in known:
            has = f"has {', '.join(known)}" if known else "has no weights"
            raise ValueError(f"weights: layer {number} {has}, but {name!r} was given")
        values = finite(f"weights: {name} of layer {number}", array)
        if values.shape != known[name]:
            shapes = f"must be {list(known[name])}, got {list(values.shape)}"
            raise ValueError(f"weights: {name} of layer {number} {shapes}")
        return values


def _kept(array: Floats) -> Floats:
    array.setflags(write=False)
    return array
