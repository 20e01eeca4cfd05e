"""The cells of the weight matrix and of the vectors beside it, worked out where they are looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convtui.engine.convolution import Convolution
from convtui.engine.equations import GREEK
from convtui.engine.input_vector import InputVector
from convtui.engine.operation_matrix import OperationMatrix
from convtui.engine.spec import Indices
from convtui.paint.cells import ABSENT, PADDING, PLAIN, UNUSED, ImageCells, Patch, TableCells
from convtui.paint.colours import Array, ColourScale, Palette, Pixels, coloured, diverging, mixed
from convtui.paint.text import is_integral, number_format

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


@dataclass(frozen=True, eq=False)
class MatrixCells:
    """A matrix of weights, coloured by value or by entry, its cells numbers or the names of entries.

    padding: the input values of its columns, or if is_transposed of its rows, where padding is among them.
    """

    matrix: OperationMatrix
    weight: Array
    largest: float  # that a cell can hold
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
        return not self.named

    @cached_property
    def limit(self) -> float:
        return self.matrix.limit

    @property
    def scale(self) -> ColourScale:
        return -self.limit, self.limit

    @cached_property
    def text(self) -> Callable[[float], str]:
        if self.named:
            return entry_name(self.weight.size)
        return number_format(-self.largest, self.largest, is_integral(self.weight))

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
            several = block.values != self.weight.ravel()[block.entries]
            values = block.entries + SEVERAL * (several & ~absent)
        return Patch(values, pixels, np.where(absent, ABSENT, PLAIN).astype(np.uint8))


def input_kinds(inputs: InputVector, picked: range) -> NDArray[np.uint8]:
    """[len(picked)] the kinds of input values: padding, never read, plain."""
    kinds = np.where(inputs.is_unread(picked), UNUSED, PLAIN)
    return np.where(inputs.is_outside(picked), PADDING, kinds).astype(np.uint8)


def output_values(convolution: Convolution, cells: Indices) -> Array:
    """[len(cells)] output cells by their flat indices, computed in runs along the output's rows."""
    wanted, places = np.unique(cells, return_inverse=True)
    values = np.empty(len(wanted))
    width = convolution.output_shape[2]
    breaks = np.flatnonzero((np.diff(wanted) > 1) | (np.diff(wanted // width) > 0)) + 1
    for run in np.split(np.arange(len(wanted)), breaks):
        if run.size:
            o, row, column = convolution.position(int(wanted[run[0]]))
            values[run] = convolution.block(o, [row], range(column, column + len(run)))[0]
    return values[places]


def transposed_product(matrix: OperationMatrix, convolution: Convolution, rows: range) -> Array:
    """[len(rows)] these elements of M.T @ vec(output)."""
    places = [matrix.row(row) for row in rows]
    values = output_values(convolution, np.concatenate([each.indices for each in places]))
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

    first: int = 0  # the flat index of its first entry
    weights: int = 1  # how many entries the whole weight has
    by_entry: bool = True

    @property
    def signed(self) -> bool:
        return False

    @cached_property
    def text(self) -> Callable[[float], str]:
        return entry_name(self.weights)

    def patch(self, rows: range, columns: range, palette: Palette) -> Patch:
        plain = super().patch(rows, columns, palette)
        entries = self.first + np.arange(self.values.size).reshape(self.values.shape)
        entries = entries[rows.start : rows.stop, columns.start : columns.stop]
        pixels = ENTRY_COLOURS[entries % len(ENTRY_COLOURS)] if self.by_entry else plain.pixels
        return Patch(entries.astype(np.float64), pixels, plain.kinds)


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
