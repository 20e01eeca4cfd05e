"""One line of a grid as styled text, at any of the cell sizes.

Pure, so that outlines, dots and padding are tested without a terminal. What matters is never in the colour
alone: the window has an outline, cells not yet computed are dots, unused pixels are hatched, and negative
values carry a sign.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
from rich.segment import Segment
from rich.style import Style

from convtui.paint.cells import ABSENT, PADDING, UNUSED, Cells, Patch
from convtui.paint.colours import RGB, Palette, accent_on, contrast, ink, style, tint
from convtui.paint.text import significant

Cell = tuple[int, int]
Rectangle = tuple[range, range]  # rows and columns of cells
Look = tuple[str, Style]


@dataclass(frozen=True)
class CellSize:
    """How much of the terminal one cell takes: `width` columns by `height` lines, or by half a line."""

    width: int
    height: int = 1
    half: bool = False

    def lines(self, rows: int) -> int:
        """Lines that so many rows of cells take."""
        return -(-rows // 2) if self.half else rows * self.height

    def rows(self, lines: int) -> int:
        """Rows of cells that fit in so many lines."""
        return lines * 2 if self.half else lines // self.height

    def row_at(self, line: int) -> int:
        """The row drawn on a line, the upper of two."""
        return self.rows(line)

    def lines_of(self, row: int) -> range:
        """The lines on which a row is drawn."""
        return (
            range(row // 2, row // 2 + 1) if self.half else range(row * self.height, (row + 1) * self.height)
        )


TALL_NUMBERS: Final = CellSize(6, 3)
WIDE_NUMBERS: Final = CellSize(6)
NUMBERS: Final = CellSize(5)
BLOCKS: Final = CellSize(2)
HALF_BLOCKS: Final = CellSize(1, half=True)


@dataclass(frozen=True)
class Outline:
    """The cells a window reads, in the grid's own coordinates; a step in a range is the dilation."""

    rows: range
    columns: range

    def holds(self, row: int, column: int) -> bool:
        rows, columns = self.hull
        return row in rows and column in columns

    def reads(self, row: int, column: int) -> bool:
        return row in self.rows and column in self.columns

    @cached_property
    def hull(self) -> tuple[range, range]:
        """Rows and columns from the first to the last, with those skipped by the dilation."""
        return range(self.rows[0], self.rows[-1] + 1), range(self.columns[0], self.columns[-1] + 1)

    def edges(self, row: int, column: int) -> tuple[bool, bool, bool, bool]:
        """Whether a cell that it holds lies on its top, bottom, left and right edge."""
        return (
            row == self.rows[0],
            row == self.rows[-1],
            column == self.columns[0],
            column == self.columns[-1],
        )


@dataclass(frozen=True)
class Readers:
    """Cells that read a pixel: every one of these rows in every one of these columns."""

    rows: frozenset[int]
    columns: frozenset[int]

    @property
    def count(self) -> int:
        return len(self.rows) * len(self.columns)

    def __contains__(self, cell: Cell) -> bool:
        return cell[0] in self.rows and cell[1] in self.columns


NOBODY: Final = Readers(frozenset(), frozenset())


@dataclass(frozen=True, eq=False)
class Grid:
    """All that a grid view draws: the cells, what is marked in them, and the words above."""

    cells: Cells
    title: str
    hint: str = ""
    short_title: str = ""  # where there is no room for the title
    filled: int | None = None  # cells computed so far in order; None: all
    outline: Outline | None = None
    focus: Cell | None = None
    readers: Readers = NOBODY
    lit_row: int | None = None  # a line runs through the absent cells of this row
    lit_column: int | None = None  # and of this column
    kept: Rectangle | None = None  # the cells kept in view, where those are not the outline or the focus
    legend: bool = False  # whether the scale of its colours is shown

    def is_filled(self, row: int, column: int) -> bool:
        return self.filled is None or row * self.cells.columns + column < self.filled


class Rows:
    """The rows of a patch as lines; what is not marked is styled once and kept.

    `origin` is the patch's first cell, drawn from line 0.
    """

    def __init__(self, patch: Patch, origin: Cell, size: CellSize, palette: Palette) -> None:
        self._patch, self._origin, self._size, self._palette = patch, origin, size, palette
        self._values: list[list[float]] = patch.values.tolist()
        self._pixels: list[list[RGB]] = [[(r, g, b) for r, g, b in row] for row in patch.pixels.tolist()]
        self._kinds: list[list[int]] = patch.kinds.tolist()
        self._plain: dict[int, list[Look]] = {}

    def line(self, grid: Grid, line: int) -> list[Segment]:
        """The segments of a line of cells."""
        row = self._origin[0] + self._size.row_at(line)
        if self._size.half:
            return _segments(_halves(self._colours(grid, row), self._colours(grid, row + 1), self._palette))
        part = line % self._size.height
        looks = self._plain.get(line)
        if looks is None:
            unmarked = Grid(grid.cells, grid.title)
            looks = [self._look(unmarked, row, at, part) for at in range(len(self._kinds[0]))]
            self._plain[line] = looks
        looks = list(looks)
        to_come = self._to_come(grid, row)
        looks[to_come:] = [self._uncomputed(part)] * (len(looks) - to_come)
        for at in self._marked(grid, row):
            looks[at] = self._look(grid, row, at, part)
        return _segments(looks)

    def _look(self, grid: Grid, row: int, at: int, part: int) -> Look:
        cell, i = (row, self._origin[1] + at), row - self._origin[0]
        value, pixel, kind = self._values[i][at], self._pixels[i][at], self._kinds[i][at]
        if self._size == BLOCKS:
            return _block(grid, cell, value, pixel, kind, self._palette)
        return _number(grid, cell, value, pixel, kind, (part, self._size), self._palette)

    def _colours(self, grid: Grid, row: int) -> list[RGB]:
        i = row - self._origin[0]
        if i >= len(self._pixels):
            return [self._palette.background] * len(self._pixels[0])
        colours = [
            tint(pixel, self._palette.muted, 0.5) if kind == UNUSED else pixel
            for pixel, kind in zip(self._pixels[i], self._kinds[i], strict=True)
        ]
        to_come = self._to_come(grid, row)
        colours[to_come:] = [self._palette.uncomputed] * (len(colours) - to_come)
        for at in self._marked(grid, row):
            cell = (row, self._origin[1] + at)
            colours[at] = _half_block(grid, cell, colours[at], self._kinds[i][at], self._palette)
        return colours

    def _to_come(self, grid: Grid, row: int) -> int:
        """Where in a row the cells begin that are not computed yet."""
        width = len(self._kinds[0])
        if grid.filled is None:
            return width
        return min(max(grid.filled - row * grid.cells.columns - self._origin[1], 0), width)

    def _uncomputed(self, part: int) -> Look:
        dot = "·" if part == self._size.height // 2 else ""
        text = "· " if self._size == BLOCKS else dot.rjust(NUMBERS.width).ljust(self._size.width)
        return text, style(self._palette.muted, self._palette.uncomputed)

    def _marked(self, grid: Grid, row: int) -> set[int]:
        """Where in a row something lies over the plain cells."""
        left, width = self._origin[1], len(self._kinds[0])
        columns = set(grid.readers.columns) if row in grid.readers.rows else set()
        if grid.focus and grid.focus[0] == row:
            columns.add(grid.focus[1])
        if grid.outline and row in grid.outline.hull[0]:
            columns.update(grid.outline.hull[1])
        if grid.lit_column is not None:
            columns.add(grid.lit_column)
        if grid.lit_row == row:
            columns.update(range(left, left + width))
        return {column - left for column in columns if left <= column < left + width}


def legend_line(grid: Grid, width: int, palette: Palette) -> list[Segment]:
    """The scale of the colours: its lowest value, the colours, its highest."""
    lowest, highest = grid.cells.scale
    values = np.linspace(lowest, highest, max(3, min(11, width - 14)))
    ends = style(palette.muted, palette.background)
    low, high = significant(lowest, 2), significant(highest, 2)
    pixels = grid.cells.coloured(values, palette).tolist()
    bar = [("█", style((r, g, b), palette.background)) for r, g, b in pixels]
    middle = [Segment(" 0 ", ends)] if lowest < 0 < highest else []
    half = len(bar) // 2 if middle else len(bar)
    bars = [*_segments(bar[:half]), *middle, *_segments(bar[-half:] if middle else [])]
    return [Segment(f"{low} ", ends), *bars, Segment(f" {high}", ends)]


def _segments(looks: Iterable[Look]) -> list[Segment]:
    """Neighbours that look alike joined, so that fewer bytes go down the line."""
    segments: list[Segment] = []
    text, last = "", None
    for glyphs, look in looks:
        if look is last:
            text += glyphs
            continue
        if last is not None:
            segments.append(Segment(text, last))
        text, last = glyphs, look
    if last is not None:
        segments.append(Segment(text, last))
    return segments


def _block(grid: Grid, cell: Cell, value: float, pixel: RGB, kind: int, palette: Palette) -> Look:
    if not grid.is_filled(*cell):
        pixel = palette.uncomputed
    if cell == grid.focus:
        return "▐▌", style(accent_on(pixel, palette), pixel, True)
    if cell in grid.readers:
        return "▗▖", style(palette.reader, pixel)
    if not grid.is_filled(*cell):
        return "· ", style(palette.muted, pixel)
    outline = grid.outline
    if outline and outline.holds(*cell):
        if not outline.reads(*cell):
            pixel = tint(pixel, palette.background, 0.6)
        return _framed("  ", outline.edges(*cell), (0, BLOCKS)), style(accent_on(pixel, palette), pixel)
    if kind == ABSENT:
        if line := _lit(grid, cell):
            return line.ljust(2, line if line == "━" else " "), style(palette.accent, pixel, True)
        return "· ", style(tint(pixel, palette.muted, 0.5), pixel)
    if kind == UNUSED:
        return "╱╱", style(_faint(pixel, 0.45), pixel)
    if grid.cells.signed and value < 0 and kind != PADDING:
        return "─ ", style(_faint(pixel, 0.3), pixel)
    return "  ", style(None, pixel)


def _number(
    grid: Grid,
    cell: Cell,
    value: float,
    pixel: RGB,
    kind: int,
    part_of: tuple[int, CellSize],
    palette: Palette,
) -> Look:
    """A cell's number, or in a cell of several lines the part of it that lies on one line."""
    part, size = part_of
    filled = grid.is_filled(*cell)
    shown = grid.cells.text(value) if filled and kind != ABSENT else "·"
    text = shown if part == size.height // 2 else ""
    text = text.rjust(NUMBERS.width).ljust(size.width)
    if not filled:
        pixel = palette.uncomputed
    if cell == grid.focus:
        return text, style((0, 0, 0), palette.accent, True)
    if cell in grid.readers:
        pixel = tint(pixel, palette.reader, 0.5)
        return text, style(ink(pixel), pixel, True)
    if not filled:
        return text, style(palette.muted, pixel)
    outline = grid.outline
    if outline and outline.holds(*cell):
        if not outline.reads(*cell):
            return text, style(_faint(pixel, 0.25), pixel)
        colour = accent_on(pixel, palette)
        if text.strip() and contrast(colour, pixel) < 4.5:
            colour = ink(pixel)
        return _framed(text, outline.edges(*cell), part_of), style(colour, pixel, True)
    if kind == ABSENT:
        line = _lit(grid, cell)
        if line == "━" and text.strip():
            return line * size.width, style(palette.accent, pixel, True)
        if line == "┃":
            return line.rjust(NUMBERS.width).ljust(size.width), style(palette.accent, pixel, True)
        return text, style(tint(pixel, palette.muted, 0.5), pixel)
    if kind == UNUSED:
        return "╱" + text[1:-1] + "╱", style(_faint(pixel, 0.45), pixel)
    is_quiet = kind == PADDING and contrast(palette.muted, pixel) >= 3
    return text, style(palette.muted if is_quiet else ink(pixel), pixel)


def _halves(tops: list[RGB], bottoms: list[RGB], palette: Palette) -> Iterator[Look]:
    """Two rows of cells as one line."""
    for above, below in zip(tops, bottoms, strict=True):
        if above == below == palette.uncomputed:
            yield "·", style(palette.muted, above)
        elif above == below:
            yield " ", style(None, above)
        else:
            yield "▀", style(above, below)


def _half_block(grid: Grid, cell: Cell, pixel: RGB, kind: int, palette: Palette) -> RGB:
    if cell == grid.focus:
        return accent_on(pixel, palette)
    if cell in grid.readers:
        return palette.reader
    if not grid.is_filled(*cell):
        return palette.uncomputed
    outline = grid.outline
    if outline and outline.holds(*cell):
        is_spaced = outline.rows.step > 1 or outline.columns.step > 1
        strong = is_spaced or any(outline.edges(*cell))
        share = (0.75 if strong else 0.25) if outline.reads(*cell) else 0.1
        return tint(pixel, accent_on(pixel, palette), share)
    if kind == ABSENT and _lit(grid, cell):
        return tint(pixel, accent_on(pixel, palette), 0.4)
    return pixel


def _lit(grid: Grid, cell: Cell) -> str:
    """The line that runs through a cell, as a character."""
    return "━" if cell[0] == grid.lit_row else "┃" if cell[1] == grid.lit_column else ""


_QUADRANTS: Final = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"  # indexed by upper left 1, upper right 2, lower left 4, lower right 8


@lru_cache(maxsize=4096)
def _framed(text: str, edges: tuple[bool, bool, bool, bool], part_of: tuple[int, CellSize]) -> str:
    """A line of a cell with the outline drawn into its blanks."""
    part, size = part_of
    top, bottom, left, right = edges
    bar = 3 if top and part == 0 else 12 if bottom and part == size.height - 1 else 0
    if text.strip():
        bar = 0
    bits = [
        bar | (5 if left and at == 0 else 0) | (10 if right and at == len(text) - 1 else 0)
        for at in range(len(text))
    ]
    return "".join(
        _QUADRANTS[bit] if bit and char == " " else char for bit, char in zip(bits, text, strict=True)
    )


def _faint(pixel: RGB, share: float) -> RGB:
    """A glyph's colour that can just be seen on a pixel."""
    return tint(pixel, ink(pixel), share)
