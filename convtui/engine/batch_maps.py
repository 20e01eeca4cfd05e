"""What the layers of a stack make of a mini-batch, each computed when it is first looked at.

All in float64. Batch norms are what makes it differ from the feature maps of each image alone: in training
mode they normalise with the batch's own statistics, so that what becomes of an image depends on the others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from convtui.engine.batchnorm import BatchNormState, Statistics
from convtui.engine.forward import Arrays, batch_norm_of, forward
from convtui.engine.layers import BatchNorm
from convtui.engine.spec import Floats
from convtui.engine.stack import Row


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
        return self._norms.get(layer) or batch_norm_of(self._weights(layer), self._training)

    def _output(self, row: Row, inputs: Sequence[Floats]) -> Floats:
        if not isinstance(row.layer, BatchNorm):
            return forward(row.layer, inputs, self._weights(row.number))
        norm = self.norm(row.number)
        self._used[row.number] = norm.used(inputs[0])
        return norm.scaled(norm.normalised(inputs[0], self._used[row.number]))
