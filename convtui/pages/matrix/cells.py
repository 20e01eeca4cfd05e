"""The cells of the weight matrix and of the vectors beside it, worked out where they are looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convtui.engine.equations import GREEK
from convtui.engine.input_vector import InputVector
from convtui.engine.operation_matrix import OperationMatrix
from convtui.engine.spec import Indices, Picked
from convtui.engine.window_operation import WindowOperation
from convtui.paint.cells import ABSENT, PADDING, PLAIN, UNUSED, ImageCells, Patch, TableCells
from convtui.paint.colours import Array, ColourScale, Palette, Pixels, coloured, diverging, mixed
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
BlockOf = Callable[[int, Picked, Picked], Array]
SEVERAL: Final = 0.5  # added to an entry's number where a pixel carries more weights than that one


def entry_name(weights: int) -> Callable[[float], str]:
    """How kernel entries are told apart: Greek letters where there are enough of them, else numbers."""

    def name(entry: float) -> str:
        letter = GREEK[int(entry)] if weights <= len(GREEK) else f"#{int(entry)}"
        return letter + "+" * bool(entry % 1)

    return name


def weight_pixels(values: Array, limit: float, palette: Palette) -> Pixels:
    """Weights [...] as pixels [..., 3]: a weight of 0 is grey, to be told from a cell without a weight."""
    pixels = diverging(values, limit, palette)
    return np.where((values == 0)[..., None], mixed(pixels, palette.muted, 0.45), pixels)


def window_place(columns: int) -> Callable[[float], str]:
    """How entries of a window so many columns wide are told apart: by row and column, "0,1"."""

    def name(entry: float) -> str:
        row, column = divmod(int(entry), columns)
        shown = f"{row},{column}"
        return shown if len(shown) <= NUMBER_WIDTH else f"{shown[: NUMBER_WIDTH - 1]}…"

    return name


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


def input_kinds(inputs: InputVector, picked: range) -> NDArray[np.uint8]:
    """[len(picked)] the kinds of input values: padding, never read, plain."""
    kinds = np.where(inputs.is_unread(picked), UNUSED, PLAIN)
    return np.where(inputs.is_outside(picked), PADDING, kinds).astype(np.uint8)


def output_values(operation: WindowOperation, cells: Indices, block: BlockOf | None = None) -> Array:
    """[len(cells)] output cells by their flat indices, computed in runs along the output's rows.

    block: what computes them, of a channel, a row and columns; that of the operation if None.
    """
    block = block or (lambda o, rows, columns: operation.block(o, rows, columns))
    wanted, places = np.unique(cells, return_inverse=True)
    values = np.empty(len(wanted))
    width = operation.output_shape[2]
    breaks = np.flatnonzero((np.diff(wanted) > 1) | (np.diff(wanted // width) > 0)) + 1
    for run in np.split(np.arange(len(wanted)), breaks):
        if run.size:
            o, row, column = operation.position(int(wanted[run[0]]))
            values[run] = block(o, [row], range(column, column + len(run)))[0]
    return values[places]


def transposed_product(matrix: OperationMatrix, operation: WindowOperation, rows: range) -> Array:
    """[len(rows)] these elements of M.T @ vec(output)."""
    places = [matrix.row(row) for row in rows]
    values = output_values(operation, np.concatenate([each.indices for each in places]))
    values[np.isneginf(values)] = 0.0  # a maximum of no pixel has no gradient
    ends = np.cumsum([len(each.indices) for each in places])[:-1]
    parts = zip(places, np.split(values, ends), strict=True)
    return np.array([float(each.values @ read) for each, read in parts])


@dataclass(frozen=True, eq=False)
class VectorCells:
    """A vector, lying above the matrix or standing beside it, `thickness` cells thick.

    `values_at` and `kinds_at` answer for a range of its elements; with `names` the values are numbers in
    these, -1 for 0.
    """

    size: int
    lying: bool
    scale: ColourScale
    values_at: Callable[[range], Array]
    kinds_at: Callable[[range], NDArray[np.uint8]] | None = None
    whole: bool = False  # whole numbers only
    numbers_at: Callable[[range], Indices] | None = None
    names: str = ""
    thickness: int = 1
    cost: int = 1

    @property
    def rows(self) -> int:
        return self.thickness if self.lying else self.size

    @property
    def columns(self) -> int:
        return self.size if self.lying else self.thickness

    @property
    def signed(self) -> bool:
        return self.scale[0] < 0 and not self.names

    @cached_property
    def text(self) -> Callable[[float], str]:
        if self.names:
            return lambda number: self.names[int(number)] if number >= 0 else "0"
        return number_format(*self.scale, self.whole)

    def patch(self, rows: range, columns: range, palette: Palette) -> Patch:
        along = columns if self.lying else rows
        values = self.values_at(along)
        pixels = coloured(values, self.scale, palette)
        kinds = self.kinds_at(along) if self.kinds_at else np.zeros(len(along), np.uint8)
        pixels[kinds == ABSENT] = palette.uncomputed
        is_padding = (kinds == PADDING)[:, None]
        pixels = np.where(is_padding, mixed(pixels, palette.padding, 0.7), pixels)
        if self.numbers_at:
            values = self.numbers_at(along).astype(np.float64)
        elif self.names:
            values = np.arange(along.start, along.stop, dtype=np.float64)
        shape = (len(rows), len(columns))
        if not self.lying:
            values, kinds, pixels = values[:, None], kinds[:, None], pixels[:, None]
        return Patch(
            np.broadcast_to(values, shape),
            np.broadcast_to(pixels, (*shape, 3)),
            np.broadcast_to(kinds, shape),
        )


@dataclass(frozen=True, eq=False)
class NamedKernelCells(TableCells):
    """A slice of the kernel with the names of its entries, in the colours of the matrix."""

    entries: Indices = field(default_factory=lambda: np.zeros((0, 0), np.intp))  # [h, w] of the whole weight
    name: Callable[[float], str] = str
    by_entry: bool = True

    @property
    def signed(self) -> bool:
        return False

    @cached_property
    def text(self) -> Callable[[float], str]:
        return self.name

    def patch(self, rows: range, columns: range, palette: Palette) -> Patch:
        plain = super().patch(rows, columns, palette)
        entries = self.entries[rows.start : rows.stop, columns.start : columns.stop]
        pixels = ENTRY_COLOURS[entries % len(ENTRY_COLOURS)] if self.by_entry else plain.pixels
        return Patch(entries.astype(np.float64), pixels, plain.kinds)


@dataclass(frozen=True, eq=False)
class ShareCells(TableCells):
    """The shares of a window, as fractions and in the colours of the matrix."""

    @cached_property
    def text(self) -> Callable[[float], str]:
        return short_share

    def patch(self, rows: range, columns: range, palette: Palette) -> Patch:
        plain = super().patch(rows, columns, palette)
        pixels = weight_pixels(plain.values, self.highest, palette)
        return Patch(plain.values, pixels, plain.kinds)


@dataclass(frozen=True, eq=False)
class NamedImageCells(ImageCells):
    """One channel of an image with the letters of its pixels, 0 in zero padding."""

    names: str = ""

    @property
    def signed(self) -> bool:
        return False

    @cached_property
    def text(self) -> Callable[[float], str]:
        return lambda number: self.names[int(number)] if number >= 0 else "0"

    def patch(self, rows: range, columns: range, palette: Palette) -> Patch:
        plain = super().patch(rows, columns, palette)
        down, across = self.axes
        y = down.sources[rows.start : rows.stop, None]
        x = across.sources[columns.start : columns.stop]
        numbers = np.where((y < 0) | (x < 0), -1, (self.channel * down.size + y) * across.size + x)
        return Patch(numbers.astype(np.float64), plain.pixels, plain.kinds)
