"""The cells of the vectors beside the matrix and of the tables under it, worked out where they are seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from convtui.engine.equations import GREEK
from convtui.engine.input_vector import InputVector
from convtui.engine.operation_matrix import OperationMatrix
from convtui.engine.spec import Indices, Picked
from convtui.engine.window_operation import WindowOperation
from convtui.paint.cells import ABSENT, PADDING, PLAIN, UNUSED, ImageCells, Patch, TableCells
from convtui.paint.colours import Array, ColourScale, Palette, coloured, mixed
from convtui.paint.matrix_cells import ENTRY_COLOURS, short_share, weight_pixels
from convtui.paint.text import NUMBER_WIDTH, number_format

BlockOf = Callable[[int, Picked, Picked], Array]


def entry_name(weights: int) -> Callable[[float], str]:
    """How kernel entries are told apart: Greek letters where there are enough of them, else numbers."""

    def name(entry: float) -> str:
        letter = GREEK[int(entry)] if weights <= len(GREEK) else f"#{int(entry)}"
        return letter + "+" * bool(entry % 1)

    return name


def window_place(columns: int) -> Callable[[float], str]:
    """How entries of a window so many columns wide are told apart: by row and column, "0,1"."""

    def name(entry: float) -> str:
        row, column = divmod(int(entry), columns)
        shown = f"{row},{column}"
        return shown if len(shown) <= NUMBER_WIDTH else f"{shown[: NUMBER_WIDTH - 1]}…"

    return name


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
