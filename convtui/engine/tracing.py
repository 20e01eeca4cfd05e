"""An activation traced back: exactly which cells of every earlier layer can reach it.

A receptive field is a rectangle worked out from sizes; this is what is really read, with the gaps that
strides and dilations leave, what padding reflects, and only those channels and branches that lead there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from convtui.engine.branches import Concat
from convtui.engine.convolution import Position
from convtui.engine.layers import Conv, Flatten, GlobalAvgPool, Linear, Shape, Window
from convtui.engine.receptive import ReceptiveField
from convtui.engine.spec import Axis, Indices
from convtui.engine.stack import Row, field_after

Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Feeding:
    """The cells of one layer that feed an activation: is_fed [channels, rows, columns] marks each of them.

    The features [n] of a layer after flatten are n channels of one cell. channels, rows and columns are the
    indices, ascending, that any of the cells has: their first and last bound what feeds.
    """

    is_fed: Mask

    @property
    def channels(self) -> Indices:
        """Channels in which a cell feeds."""
        return np.flatnonzero(self.is_fed.any((1, 2)))

    @property
    def rows(self) -> Indices:
        """Rows in which a cell feeds."""
        return np.flatnonzero(self.is_fed.any((0, 2)))

    @property
    def columns(self) -> Indices:
        """Columns in which a cell feeds."""
        return np.flatnonzero(self.is_fed.any((0, 1)))


def feeding(rows: Sequence[Row], layer: int, position: Position) -> tuple[Feeding, ...]:
    """What feeds the activation at (channel, row, column) of a layer, in each layer from the image to itself.

    A maximum counts as fed by its whole window, and every weight as if it were not 0.
    Raises IndexError where there is no such activation.
    """
    shapes = [_maps(row.output_shape) for row in rows]
    if not 0 <= layer < len(rows) or any(
        not 0 <= i < n for i, n in zip(position, shapes[layer], strict=True)
    ):
        raise IndexError(f"layer {layer} has no activation at {position}")
    activation = np.zeros(shapes[layer], dtype=bool)
    activation[position] = True
    masks = {layer: activation}
    for row in reversed(rows[1 : layer + 1]):
        if row.number in masks:
            read = _read(row, masks[row.number], [shapes[number] for number in row.inputs])
            for number, mask in zip(row.inputs, read, strict=True):
                masks[number] = masks[number] | mask if number in masks else mask
    nothing = np.zeros((), dtype=bool)
    return tuple(
        Feeding(masks.get(number, np.broadcast_to(nothing, shape)))
        for number, shape in enumerate(shapes[: layer + 1])
    )


def field_through(rows: Sequence[Row], fed: Sequence[Feeding]) -> ReceptiveField:
    """The receptive fields of a layer through those branches alone that feed one of its activations.

    A channel of a concat sees what its own branch sees. fed is that activation's feeding.
    """
    fields = [rows[0].field]
    for row in rows[1 : len(fed)]:
        feeding_inputs = [number for number in row.inputs if fed[number].is_fed.any()]
        inputs = [fields[number] for number in feeding_inputs or row.inputs]
        fields.append(field_after(row.layer, inputs, row.output_shape))
    return fields[-1]


def _maps(shape: Shape) -> tuple[int, int, int]:
    channels, height, width = (*shape, 1, 1)[:3]
    return channels, height, width


def _read(row: Row, mask: Mask, shapes: Sequence[Shape]) -> Sequence[Mask]:
    """For each input of a layer, of these shapes, the cells that the marked outputs read."""
    match row.layer:
        case Conv():
            groups: Mask = np.any(mask.reshape(row.layer.spec.groups, -1, *mask.shape[1:]), axis=1)
            read = _windows(row.layer.axes(row.input_shape), groups)
            slices = shapes[0][0] // len(groups)
            spread = np.broadcast_to(read[:, None], (len(groups), slices, *read.shape[1:]))
            return [spread.reshape(shapes[0])]
        case Window():
            return [_windows(row.layer.axes(row.input_shape), mask)]
        case GlobalAvgPool():
            return [np.broadcast_to(mask, shapes[0])]
        case Linear():
            return [np.broadcast_to(np.ones((), dtype=bool), shapes[0])]
        case Flatten():
            return [mask.reshape(shapes[0])]
        case Concat():
            return np.split(mask, np.cumsum([shape[0] for shape in shapes])[:-1])
        case _:
            return [mask] * len(shapes)


def _windows(axes: tuple[Axis, Axis], mask: Mask) -> Mask:
    rows, columns = axes
    return _along(rows, _along(columns, mask).swapaxes(1, 2)).swapaxes(1, 2)


def _along(axis: Axis, mask: Mask) -> Mask:
    """[..., inputs] what the marked outputs [..., outputs] read along one axis."""
    padded = np.zeros((*mask.shape[:-1], axis.padded), dtype=bool)
    for tap in range(0, axis.span, axis.dilation):
        padded[..., tap : tap + (axis.output - 1) * axis.stride + 1 : axis.stride] |= mask
    end = axis.before + axis.size
    padding = np.r_[: axis.before, end : axis.padded]
    for outside in padding[axis.sources[padding] >= 0].tolist():
        padded[..., axis.before + axis.sources[outside]] |= padded[..., outside]
    return padded[..., axis.before : end]
