"""The cells that a grid shows, read a piece at a time.

Cells answer for any rectangle of them with values, colours and kinds, so that a grid draws what is in view
and an image of 4096x4096 costs no more than one of 8x8.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import ceil
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from convtui.engine.spec import Indices
from convtui.engine.transposed import TransposedConvolution
from convtui.engine.window_operation import WindowOperation
from convtui.inputs.images import Picture
from convtui.paint.colours import (
    RGB,
    Array,
    ColourScale,
    Palette,
    Pixels,
    channel_coloured,
    coloured,
    colours_of,
    greys,
    mixed,
)
from convtui.paint.text import DUST, is_integral, number_format

PLAIN: Final = 0
PADDING: Final = 1
UNUSED: Final = 2
ABSENT: Final = 3  # a cell of a weight matrix without a weight: no training changes it

ZERO_TINT: Final = 1.0
FILLED_TINT: Final = 0.55  # for reflect, replicate and circular padding, whose pixels are to be seen

SAMPLED_PRODUCTS: Final = 1 << 20
MOST_PRODUCTS: Final = 1 << 21  # of a sample: more would be waited for
LEAST_SAMPLE: Final = 9  # cells

Kinds = NDArray[np.uint8]


class Patch:
    """A rectangle of cells: values [h, w], pixels [h, w, 3], kinds [h, w]; these two may be made of lists."""

    def __init__(
        self, values: Array, pixels: Pixels | list[list[RGB]], kinds: Kinds | list[list[int]]
    ) -> None:
        self.values, self._pixels, self._kinds = values, pixels, kinds

    @property
    def pixels(self) -> Pixels:
        return np.asarray(self._pixels, np.uint8).reshape(*self.values.shape, 3)

    @property
    def kinds(self) -> Kinds:
        return np.asarray(self._kinds, np.uint8).reshape(self.values.shape)

    def lists(self) -> tuple[list[list[float]], list[list[RGB]], list[list[int]]]:
        """Values, pixels and kinds as lists of rows: cells are drawn one by one."""
        pixels, kinds = self._pixels, self._kinds
        if not isinstance(pixels, list):
            pixels = [[(r, g, b) for r, g, b in row] for row in pixels.tolist()]
        return self.values.tolist(), pixels, kinds if isinstance(kinds, list) else kinds.tolist()


@lru_cache(maxsize=4)
def whole_pixels(picture: Picture) -> bool:
    """Whether an image holds whole numbers only; pictures of 0 to 1 count as fractions."""
    return picture.highest > 1 and is_integral(picture.pixels)


def _scale(lowest: float, highest: float) -> ColourScale:
    """Signed values are coloured alike on both sides of zero."""
    limit = max(-lowest, highest)
    return (-limit, limit) if lowest < 0 else (abs(lowest), highest)  # 0, not -0


class Cells(Protocol):
    """Anything a grid can draw."""

    @property
    def rows(self) -> int:
        """How many rows of cells there are."""

    @property
    def columns(self) -> int:
        """How many cells a row has."""

    @property
    def cost(self) -> int:
        """About how many multiply-adds a cell takes."""

    @property
    def signed(self) -> bool:
        """Whether a value below zero has a sign where only its colour is seen."""

    @property
    def scale(self) -> ColourScale:
        """The values that have the full colours of both ends."""

    @property
    def text(self) -> Callable[[float], str]:
        """How a value is written, in at most NUMBER_WIDTH characters."""

    def patch(self, rows: range, columns: range, palette: Palette) -> Patch:
        """The cells at these rows and columns, neighbours of each other and all within the whole."""


class FrameAxis(Protocol):
    """Rows or columns of an image in the frame of its padding, or with zeros between them."""

    @property
    def size(self) -> int:
        """How many rows or columns the image has."""

    @property
    def positions(self) -> Indices:
        """[frame] where each of them would be in the image, outside of it in the padding."""

    @property
    def sources(self) -> Indices:
        """[frame] which of the image is read there; -1: a zero."""

    @property
    def unused(self) -> tuple[int, ...]:
        """Those of the image that no window reads."""


@dataclass(frozen=True, eq=False)
class ImageCells:
    """One channel of an image, or its own colours, in a frame."""

    picture: Picture
    axes: tuple[FrameAxis, FrameAxis]
    channel: int
    own_colours: bool
    outside: float = 0.0  # what is read in zero padding

    cost = 1

    @property
    def rows(self) -> int:
        return len(self.axes[0].sources)

    @property
    def columns(self) -> int:
        return len(self.axes[1].sources)

    @property
    def signed(self) -> bool:
        return self.picture.lowest < 0

    @property
    def scale(self) -> ColourScale:
        return _scale(self.picture.lowest, self.picture.highest)

    @cached_property
    def text(self) -> Callable[[float], str]:
        return number_format(self.picture.lowest, self.picture.highest, whole_pixels(self.picture))

    @cached_property
    def _unused(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        rows, columns = (np.zeros(axis.size, bool) for axis in self.axes)
        rows[list(self.axes[0].unused)] = True
        columns[list(self.axes[1].unused)] = True
        return rows, columns

    def patch(self, rows: range, columns: range, palette: Palette) -> Patch:
        down, across = self.axes
        r = down.sources[rows.start : rows.stop]
        c = across.sources[columns.start : columns.stop]
        cells = np.ix_(r, c)
        outside = (r < 0)[:, None] | (c < 0)
        values = np.where(outside, self.outside, self.picture.pixels[self.channel][cells])
        if self.own_colours:
            planes = [np.where(outside, 0.0, plane[cells]) for plane in self.picture.pixels]
            pixels = np.concatenate([greys(plane, 0, 1)[..., :1] for plane in planes], axis=-1)
        else:
            pixels = coloured(values, self.scale, palette)
            if self.picture.colour and not self.signed:
                pixels = channel_coloured(pixels, self.channel)
        y, x = down.positions[rows.start : rows.stop], across.positions[columns.start : columns.stop]
        border = outside | (r != y)[:, None] | (c != x)
        pixels = np.where(outside[..., None], np.array(palette.padding, np.uint8), pixels)
        pixels = np.where((border & ~outside)[..., None], mixed(pixels, palette.padding, FILLED_TINT), pixels)
        unused_rows, unused_columns = self._unused
        unused = ~border & (unused_rows[r][:, None] | unused_columns[c])
        kinds = np.where(border, PADDING, np.where(unused, UNUSED, PLAIN)).astype(np.uint8)
        return Patch(values, pixels, kinds)


@dataclass(frozen=True, eq=False)
class OutputCells:
    """One output channel, every so-many-th row and column of it, computed where it is looked at.

    picture: the one whose colours it has, if its values are like those.
    """

    operation: WindowOperation
    channel: int
    whole: bool  # whole numbers only
    every: int = 1
    picture: Picture | None = None

    @property
    def signed(self) -> bool:
        return self.picture is None or self.picture.lowest < 0

    @cached_property
    def cost(self) -> int:
        return self.operation.entries(0)

    @cached_property
    def rows(self) -> int:
        return -(-self.operation.output_shape[1] // self.every)

    @cached_property
    def columns(self) -> int:
        return -(-self.operation.output_shape[2] // self.every)

    @cached_property
    def limit(self) -> float:
        """The largest magnitude of the channel; of an evenly spaced sample of it where it is very large."""
        cells = min(max(1024, SAMPLED_PRODUCTS // self.cost), max(LEAST_SAMPLE, MOST_PRODUCTS // self.cost))
        _, high, wide = self.operation.output_shape
        spacing = ceil((high * wide / cells) ** 0.5)
        rows, columns = np.arange(0, high, spacing), np.arange(0, wide, spacing)
        magnitudes = np.abs(self.operation.block(self.channel, rows, columns))
        return float(magnitudes.max(where=np.isfinite(magnitudes), initial=0.0))

    @property
    def scale(self) -> ColourScale:
        if self.picture:
            return _scale(self.picture.lowest, self.picture.highest)
        return -self.limit, self.limit

    @cached_property
    def text(self) -> Callable[[float], str]:
        if self.picture:
            return number_format(self.picture.lowest, self.picture.highest, self.whole)
        return number_format(-self.limit, self.limit, self.whole)

    def patch(self, rows: range, columns: range, palette: Palette) -> Patch:
        down, across = (
            range(at.start * self.every, at.stop * self.every, self.every) for at in (rows, columns)
        )
        values = self.operation.block(self.channel, down, across)
        values[np.abs(values) <= DUST * self.limit] = 0.0
        pixels = coloured(values, self.scale, palette)
        if self.picture and self.picture.colour and not self.signed:
            pixels = channel_coloured(pixels, self.channel)
        return Patch(values, pixels, np.zeros(values.shape, np.uint8))


@dataclass(frozen=True, eq=False)
class LandedCells:
    """One output channel of a transposed convolution while it is scattered: what has landed so far.

    whole: all cells, when everything has. index, entries: the input cell that is landing, and how many
    entries of its kernels have. Cells on which nothing has landed are absent.
    """

    transposed: TransposedConvolution
    whole: OutputCells
    index: int
    entries: int

    signed = True

    @property
    def cost(self) -> int:
        return self.whole.cost

    @property
    def rows(self) -> int:
        return self.whole.rows

    @property
    def columns(self) -> int:
        return self.whole.columns

    @property
    def scale(self) -> ColourScale:
        return self.whole.scale

    @property
    def text(self) -> Callable[[float], str]:
        return self.whole.text

    def patch(self, rows: range, columns: range, palette: Palette) -> Patch:
        place = self.index, self.entries, self.whole.channel, rows, columns
        values, has_landed = self.transposed.landed(*place), self.transposed.has_landed(*place)
        values[np.abs(values) <= DUST * self.whole.limit] = 0.0
        pixels = coloured(values, self.scale, palette)
        pixels[~has_landed] = palette.uncomputed
        return Patch(values, pixels, np.where(has_landed, PLAIN, ABSENT))


@dataclass(frozen=True, eq=False)
class TableCells:
    """A small array [h, w]: a kernel slice, a window, their products."""

    values: Array
    lowest: float
    highest: float
    whole: bool = False  # whole numbers only
    padding: NDArray[np.bool_] | None = None
    tint: float = ZERO_TINT  # how much of the padding's own colour its cells have

    cost = 1

    @property
    def rows(self) -> int:
        return len(self.values)

    @property
    def columns(self) -> int:
        return int(self.values.shape[1])

    @property
    def signed(self) -> bool:
        return self.lowest < 0

    @property
    def scale(self) -> ColourScale:
        return _scale(self.lowest, self.highest)

    @cached_property
    def text(self) -> Callable[[float], str]:
        return number_format(self.lowest, self.highest, self.whole)

    def patch(self, rows: range, columns: range, palette: Palette) -> Patch:
        cells = (slice(rows.start, rows.stop), slice(columns.start, columns.stop))
        values, scale = self.values[cells], self.scale
        pixels = [colours_of(row, scale, palette) for row in values.tolist()]
        if self.padding is None:
            return Patch(values, pixels, [[PLAIN] * len(row) for row in pixels])
        outside: list[list[bool]] = self.padding[cells].tolist()
        for row, is_outside in zip(pixels, outside, strict=True):
            row[:] = [
                _tinted(pixel, palette.padding, self.tint) if tinted else pixel
                for pixel, tinted in zip(row, is_outside, strict=True)
            ]
        return Patch(values, pixels, [[PADDING if each else PLAIN for each in row] for row in outside])


@lru_cache(maxsize=1 << 10)
def _tinted(pixel: RGB, colour: RGB, share: float) -> RGB:
    """Exactly as `mixed` has it, so that the window shows the colours of the image."""
    red, green, blue = mixed(np.array(pixel), colour, share).tolist()
    return red, green, blue
