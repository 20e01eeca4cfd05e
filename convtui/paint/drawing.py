"""One line of a grid as styled text, at any of the cell sizes.

Pure, so that outlines, dots and padding are tested without a terminal. What matters is never in the colour
alone: the window has an outline, cells not yet computed are dots, unused pixels are hatched, and negative
values carry a sign.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style

from convtui.paint.cells import ABSENT, PADDING, PLAIN, UNUSED, Cells, Patch
from convtui.paint.colours import (
    RGB,
    Palette,
    accent_on,
    channel_coloured,
    coloured,
    contrast,
    ink,
    style,
    tint,
)
from convtui.paint.text import significant

Cell = tuple[int, int]
Rectangle = tuple[range, range]  # rows and columns of cells
Look = tuple[str, Style]
Edges = tuple[bool, bool, bool, bool]  # top, bottom, left, right

NO_EDGES: Final = (False, False, False, False)

LIT: Final = 0.5  # share of the accent in a cell that is read among others that are not
UNREAD: Final = "·"  # in one of those others, where it is too small for its number

# What a cell is shown as: its kind, or one of these where something is marked over it.
FOCUS: Final = 4  # worked on or pointed at
READER: Final = 5  # reads the pixel under the mouse
TO_COME: Final = 6  # not computed yet
READ: Final = 7  # in the window
SKIPPED: Final = 8  # in the window, between the cells that it reads
LIT_ROW: Final = 9  # absent, and a line runs across it
LIT_COLUMN: Final = 10  # absent, and a line runs down through it


class CellSize(NamedTuple):
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


@dataclass(frozen=True, eq=False)
class Holes:
    """Which cells of an outline are read [rows, columns], where a step in a range does not say it."""

    read: NDArray[np.bool_]


class Outline(NamedTuple):
    """The cells a window reads, in the grid's own coordinates; a step in a range is the dilation."""

    rows: range
    columns: range
    holes: Holes | None = None

    def holds(self, row: int, column: int) -> bool:
        """Whether a cell lies inside, read or skipped."""
        return self.rows[0] <= row <= self.rows[-1] and self.columns[0] <= column <= self.columns[-1]

    def reads(self, row: int, column: int) -> bool:
        """Whether a tap of the kernel lies on a cell."""
        if self.holes and self.holds(row, column):
            return bool(self.holes.read[row - self.rows[0], column - self.columns[0]])
        return row in self.rows and column in self.columns

    @property
    def hull(self) -> tuple[range, range]:
        """Rows and columns from the first to the last, with those skipped by the dilation."""
        return range(self.rows[0], self.rows[-1] + 1), range(self.columns[0], self.columns[-1] + 1)

    def edges(self, row: int, column: int) -> Edges:
        """Whether a cell that it holds lies on its top, bottom, left and right edge."""
        return (
            row == self.rows[0],
            row == self.rows[-1],
            column == self.columns[0],
            column == self.columns[-1],
        )

    def is_frame(self, row: int, column: int) -> bool:
        """Whether a cell stands for an outline that is not drawn: on an edge, or read between holes."""
        return (
            self.holes is not None
            or self.rows.step > 1
            or self.columns.step > 1
            or any(self.edges(row, column))
        )


@dataclass(frozen=True)
class Readers:
    """Cells that read a pixel: every one of these rows in every one of these columns."""

    rows: frozenset[int]
    columns: frozenset[int]

    @property
    def count(self) -> int:
        """How many cells they are."""
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
    colour_channel: int | None = None  # the channel of a colour image in whose colour its shades are

    def is_filled(self, row: int, column: int) -> bool:
        """Whether a cell is computed."""
        return self.filled is None or row * self.cells.columns + column < self.filled


def shown_as(grid: Grid, cell: Cell, kind: int) -> int:
    """What a cell of a kind is shown as, at every zoom alike: the first of these that it is.

    The cell worked on and those that read a pixel are what the user looks for, so nothing hides them. What is
    not computed yet has nothing else to show. The window lies over whatever it covers, and a cell without any
    mark is what it is.
    """
    if cell == grid.focus:
        return FOCUS
    if cell in grid.readers:
        return READER
    if not grid.is_filled(*cell):
        return TO_COME
    if grid.outline and grid.outline.holds(*cell):
        return READ if grid.outline.reads(*cell) else SKIPPED
    if kind == ABSENT and cell[0] == grid.lit_row:
        return LIT_ROW
    if kind == ABSENT and cell[1] == grid.lit_column:
        return LIT_COLUMN
    return kind


class Rows:
    """Rows of cells as lines; what is not marked is styled once and kept.

    `shape` is how many rows and columns of cells there are, `origin` the first of them, drawn from line 0.
    Cells are computed in order, row by row; those not added yet are dots.
    """

    def __init__(self, shape: Cell, origin: Cell, size: CellSize, palette: Palette) -> None:
        self._origin, self._size, self._palette = origin, size, palette
        rows, self._width = shape
        self._values = [[0.0] * self._width for _ in range(rows)]
        self._pixels = [[palette.uncomputed] * self._width for _ in range(rows)]
        self._kinds = [[PLAIN] * self._width for _ in range(rows)]
        self.computed = 0  # cells, in order
        self._are_blocks = size == BLOCKS
        self._unmarked: dict[int, list[Look]] = {}

    def add(self, patch: Patch) -> None:
        """The next cells in order: whole rows, or a stretch of one."""
        for values, pixels, kinds in zip(*patch.lists(), strict=True):
            row, start = divmod(self.computed, self._width)
            stop = start + len(values)
            self._values[row][start:stop] = values
            self._pixels[row][start:stop] = pixels
            self._kinds[row][start:stop] = kinds
            self.computed += len(values)
            for line in self._size.lines_of(row):
                self._unmarked.pop(line, None)

    def line(self, grid: Grid, line: int) -> list[Segment]:
        """The segments of a line of cells."""
        row = self._origin[0] + self._size.row_at(line)
        if self._size.half:
            return _segments(self._half_looks(grid, row))
        part = line % self._size.height
        unmarked = self._unmarked.get(line)
        if unmarked is None:
            unmarked = self._unmarked[line] = self._unmarked_looks(grid, row, part)
        looks = list(unmarked)
        to_come = self._to_come(grid, row)
        if to_come < len(looks):
            looks[to_come:] = [self._marked_look(grid, row, to_come, part, TO_COME)] * (len(looks) - to_come)
        for at in self._marked(grid, row):
            looks[at] = self._marked_look(grid, row, at, part, self._shown_as(grid, row, at))
        return _segments(looks)

    def _unmarked_looks(self, grid: Grid, row: int, part: int) -> list[Look]:
        i, palette, signed = row - self._origin[0], self._palette, grid.cells.signed
        cells = zip(self._values[i], self._pixels[i], self._kinds[i], strict=True)
        if self._are_blocks:
            return [
                _block(kind, pixel, NO_EDGES, signed and value < 0, palette) for value, pixel, kind in cells
            ]
        part_of = (part, self._size)
        return [
            _number(kind, self._text(grid, value, kind, part), pixel, NO_EDGES, part_of, palette)
            for value, pixel, kind in cells
        ]

    def _shown_as(self, grid: Grid, row: int, at: int) -> int:
        return shown_as(grid, (row, self._origin[1] + at), self._kinds[row - self._origin[0]][at])

    def _marked_look(self, grid: Grid, row: int, at: int, part: int, shown: int) -> Look:
        """Of a cell that is shown so; one not computed yet tells nothing of its value."""
        i, column = row - self._origin[0], self._origin[1] + at
        value, pixel, edges = self._values[i][at], self._pixels[i][at], NO_EDGES
        hidden = shown == TO_COME or (shown in (FOCUS, READER) and not grid.is_filled(row, column))
        if hidden:
            pixel = self._palette.uncomputed
        if grid.outline and shown in (READ, SKIPPED):
            edges = grid.outline.edges(row, column)
            if shown == READ and grid.outline.holes:
                pixel = tint(pixel, accent_on(pixel, self._palette), LIT)
        if self._are_blocks:
            is_negative = grid.cells.signed and value < 0
            is_hole = shown == SKIPPED and grid.outline is not None and grid.outline.holes is not None
            return _block(shown, pixel, edges, is_negative, self._palette, UNREAD if is_hole else " ")
        text = self._text(grid, value, ABSENT if hidden else self._kinds[i][at], part)
        return _number(shown, text, pixel, edges, (part, self._size), self._palette)

    def _text(self, grid: Grid, value: float, kind: int, part: int) -> str:
        """A cell's part of a line: on the middle one its number, or a dot where there is none."""
        if part != self._size.height // 2:
            return " " * self._size.width
        text = "·" if kind == ABSENT else grid.cells.text(value)
        return text.rjust(NUMBERS.width).ljust(self._size.width)

    def _half_looks(self, grid: Grid, row: int) -> list[Look]:
        """Two rows of cells; between holes the shape of each character tells which of its two are read."""
        tops, bottoms, palette = self._colours(grid, row), self._colours(grid, row + 1), self._palette
        looks = list(_halves(tops, bottoms, palette))
        outline = grid.outline
        if outline is None or outline.holes is None:
            return looks
        for at in self._marked(grid, row) | self._marked(grid, row + 1):
            above, below = (self._half_shown(grid, each, at) for each in (row, row + 1))
            top, bottom = tops[at], bottoms[at]
            if above == below == READ:
                looks[at] = "█", style(tint(top, bottom, 0.5), top)
            elif below == READ and above == SKIPPED:
                looks[at] = "▄", style(bottom, top)
            elif above == READ and below == SKIPPED:
                looks[at] = "▀", style(top, bottom)
            elif above == below == SKIPPED:
                middle = tint(top, bottom, 0.5)
                looks[at] = UNREAD, style(_faint(middle, 0.6), middle)
        return looks

    def _half_shown(self, grid: Grid, row: int, at: int) -> int:
        return self._shown_as(grid, row, at) if row - self._origin[0] < len(self._kinds) else ABSENT

    def _colours(self, grid: Grid, row: int) -> list[RGB]:
        """Of the cells of a row as half-blocks."""
        i, palette = row - self._origin[0], self._palette
        if i >= len(self._pixels):
            return [palette.background] * len(self._pixels[0])
        colours = [
            tint(pixel, palette.muted, 0.5) if kind == UNUSED else pixel
            for pixel, kind in zip(self._pixels[i], self._kinds[i], strict=True)
        ]
        to_come = self._to_come(grid, row)
        colours[to_come:] = [palette.uncomputed] * (len(colours) - to_come)
        for at in self._marked(grid, row):
            shown = self._shown_as(grid, row, at)
            is_frame = grid.outline is not None and grid.outline.is_frame(row, self._origin[1] + at)
            colours[at] = _half_block(shown, colours[at], is_frame, palette)
        return colours

    def _to_come(self, grid: Grid, row: int) -> int:
        """Where in a row the cells begin that are not computed yet."""
        to_come = self.computed - (row - self._origin[0]) * self._width
        if grid.filled is not None:
            to_come = min(to_come, grid.filled - row * grid.cells.columns - self._origin[1])
        return min(max(to_come, 0), self._width)

    def _marked(self, grid: Grid, row: int) -> set[int]:
        """Where in a row something lies over the plain cells."""
        left, width = self._origin[1], self._width
        columns = set(grid.readers.columns) if row in grid.readers.rows else set()
        if grid.focus and grid.focus[0] == row:
            columns.add(grid.focus[1])
        if grid.outline:
            rows_held, columns_held = grid.outline.hull
            if row in rows_held:
                columns.update(columns_held)
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
    shades = coloured(values, grid.cells.scale, palette)
    pixels = (
        shades if grid.colour_channel is None else channel_coloured(shades, grid.colour_channel)
    ).tolist()
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


# -- how a cell looks: one function a zoom


def _number(
    shown: int, text: str, pixel: RGB, edges: Edges, part_of: tuple[int, CellSize], palette: Palette
) -> Look:
    """A cell with its number, or in a cell of several lines the part of it that lies on one line."""
    if shown == PLAIN:
        return text, style(ink(pixel), pixel)
    if shown == FOCUS:
        return text, style((0, 0, 0), palette.accent, True)
    if shown == READER:
        pixel = tint(pixel, palette.reader, 0.5)
        return text, style(ink(pixel), pixel, True)
    if shown == TO_COME:
        return text, style(palette.muted, pixel)
    if shown == READ:
        colour = accent_on(pixel, palette)
        if text.strip() and contrast(colour, pixel) < 4.5:
            colour = ink(pixel)
        return _framed(text, edges, part_of), style(colour, pixel, True)
    if shown == SKIPPED:
        return text, style(_faint(pixel, 0.25), pixel)
    if shown == LIT_ROW and text.strip():
        return "━" * len(text), style(palette.accent, pixel, True)
    if shown == LIT_COLUMN:
        return "┃".rjust(NUMBERS.width).ljust(len(text)), style(palette.accent, pixel, True)
    if shown == UNUSED:
        return "╱" + text[1:-1] + "╱", style(_faint(pixel, 0.45), pixel)
    if shown == PADDING:
        return text, style(palette.muted if contrast(palette.muted, pixel) >= 3 else ink(pixel), pixel)
    return text, style(tint(pixel, palette.muted, 0.5), pixel)  # nothing there, or a line above or below


def _block(
    shown: int, pixel: RGB, edges: Edges, is_negative: bool, palette: Palette, mark: str = " "
) -> Look:
    """A cell as two columns of its colour. mark: of one that is skipped."""
    if shown == PLAIN:
        return ("─ ", style(_faint(pixel, 0.3), pixel)) if is_negative else ("  ", style(None, pixel))
    if shown == FOCUS:
        return "▐▌", style(accent_on(pixel, palette), pixel, True)
    if shown == READER:
        return "▗▖", style(palette.reader, pixel)
    if shown == TO_COME:
        return "· ", style(palette.muted, pixel)
    if shown in (READ, SKIPPED):
        if shown == SKIPPED:
            pixel = tint(pixel, palette.background, 0.6)
            if mark.strip():
                return _framed(f"{mark} ", edges, (0, BLOCKS)), style(_faint(pixel, 0.6), pixel)
        return _framed("  ", edges, (0, BLOCKS)), style(accent_on(pixel, palette), pixel)
    if shown == LIT_ROW:
        return "━━", style(palette.accent, pixel, True)
    if shown == LIT_COLUMN:
        return "┃ ", style(palette.accent, pixel, True)
    if shown == UNUSED:
        return "╱╱", style(_faint(pixel, 0.45), pixel)
    if shown == ABSENT:
        return "· ", style(tint(pixel, palette.muted, 0.5), pixel)
    return "  ", style(None, pixel)


def _half_block(shown: int, pixel: RGB, is_frame: bool, palette: Palette) -> RGB:
    """The colour of a cell that is half a character; is_frame: it is to be seen as the window's frame."""
    if shown == FOCUS:
        return accent_on(pixel, palette)
    if shown == READER:
        return palette.reader
    if shown == READ:
        return tint(pixel, accent_on(pixel, palette), 0.75 if is_frame else 0.25)
    if shown == SKIPPED:
        return tint(pixel, accent_on(pixel, palette), 0.1)
    if shown in (LIT_ROW, LIT_COLUMN):
        return tint(pixel, accent_on(pixel, palette), 0.4)
    return pixel


def _halves(tops: list[RGB], bottoms: list[RGB], palette: Palette) -> Iterator[Look]:
    """Two rows of cells as one line."""
    for above, below in zip(tops, bottoms, strict=True):
        if above == below == palette.uncomputed:
            yield "·", style(palette.muted, above)
        elif above == below:
            yield " ", style(None, above)
        else:
            yield "▀", style(above, below)


_QUADRANTS: Final = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"  # indexed by upper left 1, upper right 2, lower left 4, lower right 8


@lru_cache(maxsize=4096)
def _framed(text: str, edges: Edges, part_of: tuple[int, CellSize]) -> str:
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
