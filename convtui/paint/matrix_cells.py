"""The cells of an operation's matrix, worked out where they are looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from convtui.engine.convolution import Convolution
from convtui.engine.input_vector import InputVector
from convtui.engine.operation_matrix import OperationMatrix
from convtui.engine.transposed import TransposedConvolution
from convtui.paint.cells import ABSENT, PLAIN, Patch
from convtui.paint.colours import Array, ColourScale, Palette, Pixels, diverging, mixed
from convtui.paint.text import NUMBER_WIDTH, number_format

# Paul Tol's muted scheme, which the colour-blind can tell apart. Source: https://sronpersonalpages.nl/~pault
ENTRY_COLOURS: Final = np.array(
    [
        (136, 204, 238),
        (204, 102, 119),
        (221, 204, 119),
        (68, 170, 153),
        (170, 68, 153),
        (153, 153, 51),
        (92, 82, 190),
        (17, 140, 60),
        (165, 52, 100),
    ],
    dtype=np.uint8,
)
SEVERAL: Final = 0.5  # added to an entry's number where a pixel carries more weights than that one


def weight_pixels(values: Array, limit: float, palette: Palette) -> Pixels:
    """Weights [...] as pixels [..., 3]: a weight of 0 is grey, to be told from a cell without a weight."""
    pixels = diverging(values, limit, palette)
    return np.where((values == 0)[..., None], mixed(pixels, palette.muted, 0.45), pixels)


def written_ends(operation: Convolution | TransposedConvolution, has_padding: bool) -> tuple[float, float]:
    """The least and the greatest number that a cell of its matrix can hold.

    has_padding: whether the padding has columns of its own.
    """
    largest = float(np.abs(operation.weight).max())
    # A pixel that is read through the padding too carries the sum of several weights.
    if isinstance(operation, Convolution) and operation.spec.padding_mode != "zeros" and not has_padding:
        largest = float(np.abs(operation.weight).sum(axis=(2, 3)).max())
    return -largest, largest


def share(value: float) -> str:
    """A share as the fraction that it is: "1/4", "1"; 0 where a maximum passes a pixel over."""
    if not value:
        return "0"
    divisor = round(1 / abs(value))
    return f"{'-' if value < 0 else ''}{'1' if divisor == 1 else f'1/{divisor}'}"


def short_share(value: float) -> str:
    """The same, or what of it fits in a cell."""
    shown = share(value)
    return shown if len(shown) <= NUMBER_WIDTH else number_format(0.0, abs(value))(value)


@dataclass(frozen=True, eq=False)
class MatrixCells:
    """A matrix, coloured by value or by entry, its cells numbers or the names of entries.

    weights: those of its entries; None where these are places in a window. padding: the input values of its
    columns, or if is_transposed of its rows, where there is padding among them.
    """

    matrix: OperationMatrix
    text: Callable[[float], str]
    weights: Array | None = None
    by_entry: bool = False
    named: bool = False
    padding: InputVector | None = None
    is_transposed: bool = False

    cost = 1

    @property
    def rows(self) -> int:
        return self.matrix.shape[0]

    @property
    def columns(self) -> int:
        return self.matrix.shape[1]

    @property
    def signed(self) -> bool:
        return self.weights is not None and not self.named

    @cached_property
    def limit(self) -> float:
        return self.matrix.limit

    @property
    def scale(self) -> ColourScale:
        return -self.limit, self.limit

    def patch(self, rows: range, columns: range, palette: Palette) -> Patch:
        block = self.matrix.block(rows, columns)
        absent = block.entries < 0
        if self.by_entry:
            pixels = ENTRY_COLOURS[block.entries % len(ENTRY_COLOURS)]
        else:
            pixels = weight_pixels(block.values, self.limit, palette)
        empty = np.broadcast_to(np.array(palette.background, np.uint8), pixels.shape)
        if self.padding:
            if self.is_transposed:
                outside = self.padding.is_outside(rows)[:, None]
            else:
                outside = self.padding.is_outside(columns)[None, :]
            empty = np.where(outside[..., None], mixed(empty, palette.padding, 0.7), empty)
        pixels = np.where(absent[..., None], empty, pixels)
        values = block.values
        if self.named:
            values = block.entries.astype(np.float64)
            if self.weights is not None:
                several = block.values != self.weights.ravel()[block.entries]
                values = values + SEVERAL * (several & ~absent)
        return Patch(values, pixels, np.where(absent, ABSENT, PLAIN).astype(np.uint8))


@dataclass(frozen=True, eq=False)
class FoldedCells:
    """A line of a matrix, folded as the channel [rows, columns] of the image or output that it goes along.

    is_column: whether it is a column, which goes along the output.
    """

    of: MatrixCells
    line: int
    channel: int
    is_column: bool = False

    cost = 1

    @property
    def rows(self) -> int:
        return self._shape[1]

    @property
    def columns(self) -> int:
        return self._shape[2]

    @property
    def _shape(self) -> tuple[int, int, int]:
        return self.of.matrix.output_shape if self.is_column else self.of.matrix.input_shape

    @property
    def signed(self) -> bool:
        return self.of.signed

    @property
    def scale(self) -> ColourScale:
        return self.of.scale

    @property
    def text(self) -> Callable[[float], str]:
        return self.of.text

    def patch(self, rows: range, columns: range, palette: Palette) -> Patch:
        begin = (self.channel * self.rows + rows.start) * self.columns
        along, line = range(begin, begin + len(rows) * self.columns), range(self.line, self.line + 1)
        whole = self.of.patch(along, line, palette) if self.is_column else self.of.patch(line, along, palette)
        kept = slice(None), slice(columns.start, columns.stop)
        shape = len(rows), self.columns
        return Patch(
            whole.values.reshape(shape)[kept],
            whole.pixels.reshape(*shape, 3)[kept],
            whole.kinds.reshape(shape)[kept],
        )
