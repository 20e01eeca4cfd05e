"""The activations of a stack of layers for a mini-batch, each computed when it is first asked for.

They are not simply the feature maps of each image: a batch norm in training mode normalises with the
statistics of the mini-batch, so the activations of one image depend on the other images.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from convtui.engine.batchnorm import BatchNormState, Statistics
from convtui.engine.forward import Arrays, batch_norm_of, forward
from convtui.engine.layers import BatchNorm
from convtui.engine.spec import Floats
from convtui.engine.stack import Row, missing


class BatchMaps:
    """The activations [N, channels, rows, columns] or [N, features] of each layer for a mini-batch.

    rows: the rows of a Summary that fits the images. batch: [N, channels, rows, columns].
    weights: returns the arrays of a layer by PyTorch's names, as FeatureMaps.weights does.
    training: the mode of the batch norms. Their running statistics are never changed.
    norms: batch norms by layer number, used in place of those in the weights.
    All numbers are float64.
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
        """The output of the layer with this number; layer 0 is the mini-batch itself.

        Raises ValueError if a batch norm in training mode gets only one value per channel.
        """
        for number in missing(self._rows, layer, self._maps):
            row = self._rows[number]
            self._maps[number] = self._output(row, [self._maps[each] for each in row.inputs])
            self._maps[number].setflags(write=False)
        return self._maps[layer]

    def statistics(self, layer: int) -> Statistics:
        """What the batch norm at this layer normalises with. Raises what activations raises."""
        self.activations(layer)
        return self._used[layer]

    def evaluated(self, norms: Mapping[int, BatchNormState]) -> "BatchMaps":
        """The same mini-batch in evaluation mode, with these batch norms by layer number.

        Activations before the first batch norm are not computed again.
        """
        in_mode = {number: replace(norm, training=False) for number, norm in norms.items()}
        other = BatchMaps(self._rows, self._maps[0], self._weights, False, in_mode)
        first = min(row.number for row in self._rows if isinstance(row.layer, BatchNorm))
        other._maps |= {number: maps for number, maps in self._maps.items() if number < first}
        return other

    def norm(self, layer: int) -> BatchNormState:
        """The batch norm at this layer, in the current mode."""
        if layer in self._norms:
            return self._norms[layer]
        norm = self._rows[layer].layer
        assert isinstance(norm, BatchNorm)
        return batch_norm_of(self._weights(layer), self._training, norm.eps)

    def _output(self, row: Row, inputs: Sequence[Floats]) -> Floats:
        if not isinstance(row.layer, BatchNorm):
            return forward(row.layer, inputs, self._weights(row.number))
        norm = self.norm(row.number)
        self._used[row.number] = norm.used(inputs[0])
        return norm.scaled(norm.normalised(inputs[0], self._used[row.number]))
