"""An activation traced back: exactly which cells of every earlier layer can reach it.

A receptive field is a rectangle worked out from sizes; this is what is really read, with the gaps that
strides and dilations leave, what padding reflects, and only those channels and branches that lead there.
What one path reads is all of some rows at all of some columns, in all of some channels, so that no map is
gone through cell by cell, however large it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from convtui.engine.activations import Softmax
from convtui.engine.adaptive import AdaptiveAxis
from convtui.engine.branches import Concat, Multiply
from convtui.engine.layers import Flatten, Linear, Shape
from convtui.engine.norm_layers import Norm
from convtui.engine.norms import SharedMean
from convtui.engine.output_cells import Position
from convtui.engine.pool_layers import AdaptivePool, Pool
from convtui.engine.pool_spec import PoolSpec
from convtui.engine.receptive import ReceptiveField, area
from convtui.engine.spec import Axis, ConvSpec, Indices
from convtui.engine.stack import Row, field_after
from convtui.engine.transposed_spec import TransposedSpec
from convtui.engine.upsample import Neighbours, Upsample
from convtui.engine.window_layers import Conv, ConvTranspose

MOST_BLOCKS = 64  # beyond them only what is read along each axis is told

Mask: TypeAlias = NDArray[np.bool_]
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
    fed: dict[int, Feeding] = {layer: Feeding(shapes[layer], (_cell(shapes[layer], position),))}
    for row in reversed(rows[1 : layer + 1]):
        if row.number not in fed:
            continue
        of = fed[row.number]
        reads = [_read(row, block, [shapes[number] for number in row.inputs]) for block in of.blocks]
        for place, number in enumerate(row.inputs):
            before = fed.get(number, Feeding(shapes[number], ()))
            blocks = [*before.blocks, *(block for read in reads for block in read[place])]
            fed[number] = _fed(shapes[number], blocks, of.is_told and before.is_told)
    return tuple(fed.get(number, Feeding(shape, ())) for number, shape in enumerate(shapes[: layer + 1]))


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


def _cell(shape: Shape, position: Sequence[int]) -> Block:
    channels, rows, columns = (np.arange(size) == at for size, at in zip(shape, position, strict=True))
    return channels, rows, columns


def _everything(shape: Shape) -> Block:
    channels, rows, columns = (np.ones(size, dtype=bool) for size in shape)
    return channels, rows, columns


def _read(row: Row, block: Block, shapes: Sequence[Shape]) -> Sequence[Sequence[Block]]:
    """For each input of a layer, of these shapes, the cells that the outputs in a block read."""
    channels, rows, columns = block
    match row.layer:
        case Conv():
            groups: Mask = np.any(channels.reshape(row.layer.spec.groups, -1), axis=1)
            read = np.repeat(groups, shapes[0][0] // len(groups))
            return [_windows(row.layer.spec, read, rows, columns, shapes[0])]
        case ConvTranspose():
            groups = np.any(channels.reshape(row.layer.spec.groups, -1), axis=1)
            read = np.repeat(groups, shapes[0][0] // len(groups))
            return [_landing(row.layer.spec, read, rows, columns, shapes[0])]
        case Pool():
            return [_windows(row.layer.spec, channels, rows, columns, shapes[0])]
        case AdaptivePool():
            down, across = row.layer.axes(row.input_shape)
            return [[(channels, _along_uneven(down, rows), _along_uneven(across, columns))]]
        case Upsample():
            _, height, width = row.input_shape
            along, beside = row.layer.neighbours(row.input_shape)
            return [[(channels, _along_lines(along, height, rows), _along_lines(beside, width, columns))]]
        case Linear():
            return [[_everything(shapes[0])]]
        case Softmax():
            return [[(np.ones_like(channels), rows, columns)]]
        case Norm():
            return [[_sharing_a_mean(row.layer.shared(row.input_shape), channels, shapes[0])]]
        case Multiply():
            return [[_broadcast(block, shape)] for shape in shapes]
        case Flatten():
            if channels.all():
                return [[_everything(shapes[0])]]
            places = np.transpose(np.unravel_index(np.flatnonzero(channels), shapes[0]))
            return [[_cell(shapes[0], place) for place in places.tolist()]]
        case Concat():
            ends = np.split(channels, np.cumsum([shape[0] for shape in shapes])[:-1])
            return [[(end, rows, columns)] if end.any() else [] for end in ends]
        case _:
            return [[block]] * len(shapes)


def _sharing_a_mean(shared: SharedMean, channels: Mask, shape: Shape) -> Block:
    """All cells of the channels whose activations are in a set with those of the marked channels."""
    sets = channels.reshape(-1, shared.channels).any(axis=1)
    _, rows, columns = _everything(shape)
    return np.repeat(sets, shared.channels), rows, columns


def _broadcast(block: Block, shape: Shape) -> Block:
    """The cells of a block in an input that has one channel, row or column for all of the output's."""
    channels, rows, columns = (
        along if len(along) == size else np.array([along.any()])
        for along, size in zip(block, shape, strict=True)
    )
    return channels, rows, columns


def _windows(
    spec: ConvSpec | PoolSpec, channels: Mask, rows: Mask, columns: Mask, shape: Shape
) -> list[Block]:
    """What windows read; nothing if all of them lie in the padding."""
    axes = spec.axes(*shape[1:])
    down, across = _along(axes[0], rows), _along(axes[1], columns)
    return [(channels, down, across)] if down.any() and across.any() else []


def _landing(spec: TransposedSpec, channels: Mask, rows: Mask, columns: Mask, shape: Shape) -> list[Block]:
    """What lands on the outputs of a transposed convolution; nothing where its windows leave gaps."""
    axes = spec.axes(*shape[1:])
    down, across = axes[0].is_landing(rows), axes[1].is_landing(columns)
    return [(channels, down, across)] if down.any() and across.any() else []


def _along(axis: Axis, mask: Mask) -> Mask:
    """[inputs] what the marked outputs [outputs] read along one axis."""
    padded = np.zeros(axis.reach, dtype=bool)
    for tap in range(0, axis.span, axis.dilation):
        padded[tap : tap + (axis.output - 1) * axis.stride + 1 : axis.stride] |= mask
    end = axis.before + axis.size
    if axis.padding_mode != "zeros":
        outside = np.r_[: axis.before, end : axis.reach]
        padded[axis.before + axis.sources[outside[padded[outside]]]] = True
    return padded[axis.before : end]


def _along_uneven(axis: AdaptiveAxis, mask: Mask) -> Mask:
    """[inputs] the same of adaptive pooling."""
    read = np.zeros(axis.size, dtype=bool)
    for number in np.flatnonzero(mask).tolist():
        read[axis.window(number)] = True
    return read


def _along_lines(between: Neighbours, size: int, mask: Mask) -> Mask:
    """[inputs] the same of upsampling."""
    read = np.zeros(size, dtype=bool)
    read[between.first[mask]] = True
    read[between.second[mask & (between.share > 0)]] = True
    return read


def _fed(shape: tuple[int, int, int], blocks: Iterable[Block], is_told: bool) -> Feeding:
    """What lies in any of the blocks, without those that lie in others."""
    kept: list[Block] = []
    for block in blocks:
        if not any(_lies_in(block, other) for other in kept):
            kept = [other for other in kept if not _lies_in(other, block)] + [block]
    if len(kept) > MOST_BLOCKS:
        channels, rows, columns = (np.logical_or.reduce(along) for along in zip(*kept, strict=True))
        return Feeding(shape, ((channels, rows, columns),), is_told=False)
    return Feeding(shape, tuple(kept), is_told)


def _lies_in(block: Block, other: Block) -> bool:
    return all(mine is whole or not (mine & ~whole).any() for mine, whole in zip(block, other, strict=True))


def _bits(mask: Mask) -> int:
    """The same as a whole number with a bit for each place, the first in the lowest."""
    return int.from_bytes(np.packbits(mask, bitorder="little").tobytes(), "little")
