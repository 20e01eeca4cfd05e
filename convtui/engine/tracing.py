"""An activation traced back: exactly which cells of every earlier layer can reach it.

A receptive field is a rectangle worked out from sizes; this is what is really read, with the gaps that
strides and dilations leave, what padding reflects, and only those channels and branches that lead there.
What one path reads is all of some rows at all of some columns, in all of some channels, so that no map is
gone through cell by cell, however large it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from convtui.engine.graph.feeding import Feeding as FedTensor
from convtui.engine.graph.feeding import feeding as traced_back
from convtui.engine.graph.operation import Source
from convtui.engine.graph.reads import Mask, whole
from convtui.engine.output_cells import Position
from convtui.engine.receptive import ReceptiveField, area
from convtui.engine.spec import Indices
from convtui.engine.stack import Row, field_after, graph_of

Block: TypeAlias = tuple[Mask, Mask, Mask]  # which channels, rows and columns, of which all cells are meant


@dataclass(frozen=True, eq=False)
class Feeding:
    """The cells of one layer that feed an activation: all that lie in one of the blocks.

    The features [n] of a layer after flatten are n channels of one cell. channels, rows and columns are the
    indices, ascending, that any of the cells has: their first and last bound what feeds.
    is_told: whether every cell of the blocks feeds; else they only bound what does.
    """

    shape: tuple[int, int, int]
    blocks: tuple[Block, ...]
    is_told: bool = True

    @cached_property
    def channels(self) -> Indices:
        """Channels in which a cell feeds."""
        return self._indices(0)

    @cached_property
    def rows(self) -> Indices:
        """Rows in which a cell feeds."""
        return self._indices(1)

    @cached_property
    def columns(self) -> Indices:
        """Columns in which a cell feeds."""
        return self._indices(2)

    @cached_property
    def pixels(self) -> int | None:
        """At how many (row, column) a cell of any channel feeds; None where that is not told."""
        if not self.is_told:
            return None
        return area((_bits(rows), _bits(columns)) for _, rows, columns in self.blocks)

    @property
    def is_fed(self) -> Mask:
        """[channels, rows, columns] whether a cell feeds."""
        mask = np.zeros(self.shape, dtype=bool)
        for channels, rows, columns in self.blocks:
            mask |= channels[:, None, None] & rows[:, None] & columns
        return mask

    def _indices(self, axis: int) -> Indices:
        along = np.zeros(self.shape[axis], dtype=bool)
        for block in self.blocks:
            along |= block[axis]
        return np.flatnonzero(along)


def feeding(rows: Sequence[Row], layer: int, position: Position) -> tuple[Feeding, ...]:
    """What feeds the activation at (channel, row, column) of a layer, in each layer from the image to itself.

    A maximum counts as fed by its whole window, and every weight as if it were not 0.
    Raises IndexError where there is no such activation.
    """
    shapes = [row.output_maps for row in rows]
    if not 0 <= layer < len(rows) or any(
        not 0 <= i < n for i, n in zip(position, shapes[layer], strict=True)
    ):
        raise IndexError(f"layer {layer} has no activation at {position}")
    cell = (0, *position[: len(rows[layer].output_shape)])
    found = traced_back(graph_of(rows[: layer + 1]), Source(layer), cell)
    return tuple(_of_maps(shape, found.get(Source(n))) for n, shape in enumerate(shapes[: layer + 1]))


def _of_maps(shape: tuple[int, int, int], fed: FedTensor | None) -> Feeding:
    """What feeds of a tensor of one image; features are maps of one cell."""
    if fed is None:  # no reads of layers are unknown: nothing feeds
        return Feeding(shape, ())
    if len(fed.shape) == 4:
        return Feeding(shape, tuple((c, rows, columns) for _, c, rows, columns in fed.blocks), fed.is_told)
    one = whole(1)
    return Feeding(shape, tuple((features, one, one) for _, features in fed.blocks), fed.is_told)


def field_through(rows: Sequence[Row], fed: Sequence[Feeding]) -> ReceptiveField:
    """The receptive fields of a layer through those branches alone that feed one of its activations.

    A channel of a concat sees what its own branch sees. fed is that activation's feeding.
    """
    fields = [rows[0].field]
    for row in rows[1 : len(fed)]:
        inputs = [number for number in row.inputs if fed[number].blocks] or list(row.inputs)
        if len(inputs) == len(row.inputs) and all(fields[number] is rows[number].field for number in inputs):
            fields.append(row.field)
        else:
            fields.append(field_after(row.layer, [fields[number] for number in inputs], row.output_shape))
    return fields[-1]


def _bits(mask: Mask) -> int:
    """The same as a whole number with a bit for each place, the first in the lowest."""
    return int.from_bytes(np.packbits(mask, bitorder="little").tobytes(), "little")
