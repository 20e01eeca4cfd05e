"""A grid of cells with its numbers, as shapes of a diagram."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, floor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convtui.export.diagram import ADVANCE, RISE, Box, Label, Outline, Shape, text_width
from convtui.paint.cells import ABSENT, PADDING, UNUSED, Cells, Patch
from convtui.paint.colours import RGB, Palette, channel_coloured, coloured, ink, tint
from convtui.paint.text import number_format

LEAST_NUMBERS: Final = 30  # the side of a cell with a number
LEAST_GAP: Final = 18  # the side of cells with a line between them: pictures have none
SMALL: Final = 12  # the size of what is said beside
_STRIPES: Final = 41  # of a legend
_STRIPE: Final = 3
_BESIDE: Final = 6  # between the stripes and the values at both ends

_BLACK: Final = (0, 0, 0)
_GREY: Final = (128, 128, 128)
_WHITE: Final = (255, 255, 255)
_NUMBER: Final = 0.36  # its size at most, as a share of its cell's side
_FILL: Final = 0.92  # the share of a cell's side that the longest number takes at most


@dataclass(frozen=True, eq=False)
class Grid:
    """Cells at a place in the diagram, so many units wide each."""

    cells: Cells
    side: int
    palette: Palette
    channel: int | None = None  # of a picture in colours: the one that is shown
    longest: int = 0  # characters of a number, where others than its own must fit, too
    x: int = 0
    y: int = 0

    @property
    def width(self) -> int:
        return self.cells.columns * self.side

    @property
    def height(self) -> int:
        return self.cells.rows * self.side

    @property
    def has_numbers(self) -> bool:
        return self.side >= LEAST_NUMBERS

    @property
    def gap(self) -> int:
        """Between neighbours."""
        return 1 if self.side >= LEAST_GAP else 0

    @cached_property
    def patch(self) -> Patch:
        patch = self.cells.patch(range(self.cells.rows), range(self.cells.columns), self.palette)
        if self.channel is None:
            return patch
        is_padding = (patch.kinds == PADDING)[..., None]
        pixels = np.where(is_padding, patch.pixels, channel_coloured(patch.pixels, self.channel))
        return Patch(patch.values, pixels, patch.kinds)

    @cached_property
    def size(self) -> float:
        """That of its numbers, the longest of which fits its cell."""
        own = max((len(self.cells.text(value)) for value in self.patch.values.ravel().tolist()), default=1)
        widest = self.side * _FILL / (max(self.longest, own) * ADVANCE)
        return floor(min(self.side * _NUMBER, widest) * 10) / 10

    def at(self, x: int, y: int) -> Grid:
        return replace(self, x=x, y=y)

    def box(self, row: int, column: int, colour: RGB) -> Box:
        side = self.side - self.gap
        return Box(self.x + column * self.side, self.y + row * self.side, side, side, colour)

    def label(self, row: int, column: int, text: str, colour: RGB) -> Label:
        x = self.x + column * self.side + (self.side - self.gap) / 2
        y = self.y + row * self.side + (self.side - self.gap) / 2 + RISE * self.size
        return Label(x, y, text, self.size, colour, "middle")

    def shapes(self, first: int = 0, end: int | None = None) -> tuple[Shape, ...]:
        """The cells from one to another in the order of rows, then their numbers; no absent ones."""
        whole = range(first, self.count if end is None else end)
        return self.shapes_of(at for at in whole if not self.absent[at])

    @cached_property
    def absent(self) -> NDArray[np.bool_]:
        """[count] which cells have nothing in them: structural zeros, what nothing has landed on."""
        is_absent: NDArray[np.bool_] = self.patch.kinds.ravel() == ABSENT
        return is_absent

    def shapes_of(self, cells: Iterable[int]) -> tuple[Shape, ...]:
        """These cells, counted row by row, then their numbers."""
        values, pixels, kinds = self.patch.lists()
        boxes: list[Box] = []
        labels: list[Label] = []
        columns = self.cells.columns
        for row, column in (divmod(at, columns) for at in cells):
            pixel = pixels[row][column]
            if kinds[row][column] == UNUSED:
                pixel = tint(pixel, self.palette.muted, 0.5)
            boxes.append(self.box(row, column, pixel))
            if self.has_numbers:
                text = self.cells.text(values[row][column])
                labels.append(self.label(row, column, text, ink(pixel)))
        return (*boxes, *sorted(labels, key=lambda each: each.colour))

    def uncomputed(self) -> tuple[Shape, ...]:
        """The cells while nothing is in them."""
        places = [divmod(at, self.cells.columns) for at in range(self.count)]
        boxes = [self.box(row, column, self.palette.uncomputed) for row, column in places]
        if not self.has_numbers:
            return tuple(boxes)
        return (*boxes, *(self.label(row, column, "·", self.palette.muted) for row, column in places))

    @property
    def count(self) -> int:
        return self.cells.rows * self.cells.columns

    def outline(self, rows: int, columns: int, row: int = 0, column: int = 0) -> tuple[Shape, ...]:
        """The edge around so many rows and columns, from this cell on, to be seen on any colour."""
        is_dark = self.palette.background < _GREY
        colour, halo = (self.palette.accent, _BLACK) if is_dark else (self.palette.accent_on_light, _WHITE)
        x, y = self.x + column * self.side - 1, self.y + row * self.side - 1
        width, height = columns * self.side + 2 - self.gap, rows * self.side + 2 - self.gap
        return (
            Outline(x - 1, y - 1, width + 2, height + 2, halo, 1),
            Outline(x, y, width, height, colour, 3 if self.side >= 12 else 2),
        )


def side_within(cells: Cells, room: int, most: int) -> int:
    """How wide a cell is drawn where a grid has so much room."""
    return max(min(room // max(cells.rows, cells.columns), most), 2)


def legend(grid: Grid) -> Iterator[Shape]:
    """The colours from the lowest to the highest value, below the grid."""
    lowest, highest = _ends(grid)
    y = grid.y + grid.height + 10
    x = grid.x + ceil(text_width(lowest, SMALL)) + _BESIDE
    colours = coloured(np.linspace(*grid.cells.scale, _STRIPES), grid.cells.scale, grid.palette).tolist()
    for at, (red, green, blue) in enumerate(colours):
        yield Box(x + at * _STRIPE, y, _STRIPE, 9, (red, green, blue))
    yield Label(grid.x, y + 9, lowest, SMALL, grid.palette.muted)
    yield Label(x + _STRIPES * _STRIPE + _BESIDE, y + 9, highest, SMALL, grid.palette.muted)


def legend_width(grid: Grid) -> int:
    """How wide its legend is."""
    return sum(ceil(text_width(end, SMALL)) + _BESIDE for end in _ends(grid)) + _STRIPES * _STRIPE


def _ends(grid: Grid) -> tuple[str, str]:
    """The lowest and the highest value, as the legend writes them."""
    lowest, highest = grid.cells.scale
    text = number_format(lowest, highest)
    return text(lowest), text(highest)
