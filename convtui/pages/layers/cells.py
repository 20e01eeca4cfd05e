"""What the feature maps of a layer look like: one of them as a grid, or all of them side by side.

Maps larger than their place are thinned out evenly, every second or third cell in both directions, so that
the whole of them is seen with what feeds an activation; MapCells and Tiling say how many are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import isnan

import numpy as np

from convtui.engine.graph.reads import Mask
from convtui.engine.output_cells import Position
from convtui.engine.spec import Indices
from convtui.paint.cells import Patch
from convtui.paint.colours import Array, ColourScale, Palette, accent_on, coloured
from convtui.paint.drawing import Cell
from convtui.paint.text import number_format


@dataclass(frozen=True, eq=False)
class MapCells:
    """One feature map [rows, columns], every so-many-th cell of it; the scale's ends have the full colours.

    Of a map that is not computed yet the values are zeros, which are not written.
    """

    values: Array
    scale: ColourScale
    every: int = 1
    is_computed: bool = True

    cost = 1

    @property
    def signed(self) -> bool:
        return self.scale[0] < 0

    @cached_property
    def _shown(self) -> Array:
        return self.values[:: self.every, :: self.every]

    @property
    def rows(self) -> int:
        return int(self._shown.shape[0])

    @property
    def columns(self) -> int:
        return int(self._shown.shape[1])

    @cached_property
    def text(self) -> Callable[[float], str]:
        return number_format(*self.scale) if self.is_computed else lambda _: "·"

    def patch(self, rows: range, columns: range, palette: Palette) -> Patch:
        values = self._shown[rows.start : rows.stop, columns.start : columns.stop]
        return Patch(values, coloured(values, self.scale, palette), np.zeros(values.shape, np.uint8))


@dataclass(frozen=True)
class Tiling:
    """How the maps [channels, rows, columns] of a layer lie side by side: thinned, framed, so many across."""

    shape: Position
    across: int
    every: int = 1
    gap: int = 1  # cells between maps and around them; 0 for maps of a single cell

    @property
    def tile(self) -> Cell:
        """Rows and columns of a thinned map."""
        _, rows, columns = self.shape
        return -(-rows // self.every), -(-columns // self.every)

    @property
    def pitch(self) -> Cell:
        return self.tile[0] + self.gap, self.tile[1] + self.gap

    @property
    def size(self) -> Cell:
        """Rows and columns of all of them, with the gaps around."""
        down = -(-self.shape[0] // self.across)
        across = min(self.across, self.shape[0])
        return down * self.pitch[0] + self.gap, across * self.pitch[1] + self.gap

    def place(self, activation: Position) -> Cell:
        """Where an activation is drawn."""
        channel, row, column = activation
        (top, left), (height, width) = divmod(channel, self.across), self.pitch
        return top * height + self.gap + row // self.every, left * width + self.gap + column // self.every

    def activation_at(self, cell: Cell) -> Position | None:
        """The activation that is drawn there, if one is."""
        (down, row), (across, column) = (
            divmod(at - self.gap, pitch) for at, pitch in zip(cell, self.pitch, strict=True)
        )
        channel = down * self.across + across
        is_inside = 0 <= row < self.tile[0] and 0 <= column < self.tile[1]
        if not is_inside or not 0 <= across < self.across or not 0 <= channel < self.shape[0]:
            return None
        return channel, row * self.every, column * self.every


@dataclass(frozen=True, eq=False)
class MosaicCells:
    """All feature maps [channels, rows, columns] of a layer side by side, the selected one framed."""

    maps: Array
    scale: ColourScale
    tiling: Tiling
    channel: int
    is_computed: bool = True

    cost = 1

    @property
    def signed(self) -> bool:
        return self.scale[0] < 0

    @property
    def rows(self) -> int:
        return self.tiling.size[0]

    @property
    def columns(self) -> int:
        return self.tiling.size[1]

    @cached_property
    def text(self) -> Callable[[float], str]:
        shown = number_format(*self.scale) if self.is_computed else lambda _: "·"
        return lambda value: "" if isnan(value) else shown(value)

    def patch(self, rows: range, columns: range, palette: Palette) -> Patch:
        """Where there is no map the values are NaN."""
        tiling = self.tiling
        y, x = np.arange(rows.start, rows.stop), np.arange(columns.start, columns.stop)
        down, row = np.divmod(y - tiling.gap, tiling.pitch[0])
        across, column = np.divmod(x - tiling.gap, tiling.pitch[1])
        channel = down[:, None] * tiling.across + across
        inside = (row < tiling.tile[0])[:, None] & (column < tiling.tile[1]) & (across >= 0)
        inside &= (
            (channel >= 0) & (channel < len(self.maps)) & (across < tiling.across) & (down >= 0)[:, None]
        )
        i = np.minimum(row * tiling.every, self.maps.shape[1] - 1)[:, None]
        j = np.minimum(column * tiling.every, self.maps.shape[2] - 1)
        values = self.maps[channel.clip(0, len(self.maps) - 1), i, j]
        pixels = coloured(values, self.scale, palette)
        values, pixels[~inside] = np.where(inside, values, np.nan), palette.background
        if tiling.gap:
            pixels[self._frame(y, x)] = accent_on(palette.background, palette)
        return Patch(values, pixels, np.zeros(values.shape, np.uint8))

    def _frame(self, y: Indices, x: Indices) -> Mask:
        """[rows, columns] whether a cell lies in the gap around the selected map."""
        top, left = (at - 1 for at in self.tiling.place((self.channel, 0, 0)))
        height, width = self.tiling.tile
        on_row, on_column = (y >= top) & (y <= top + height + 1), (x >= left) & (x <= left + width + 1)
        edge_row, edge_column = (y == top) | (y == top + height + 1), (x == left) | (x == left + width + 1)
        frame: Mask = (edge_row[:, None] & on_column) | (on_row[:, None] & edge_column)
        return frame
