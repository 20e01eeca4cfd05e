"""One line of a grid as styled text, at any of the cell sizes.

Pure, so that outlines, dots and padding are tested without a terminal. What matters is never in the colour
alone: the window has an outline, cells not yet computed are dots, unused pixels are hatched, and negative
values carry a sign.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from rich.segment import Segment

from convtui.views.cells import RGB, Palette, accent_on, ink, significant, style
from convtui.views.sheets import PADDING, UNUSED, Patch, Sheet

Cell = tuple[int, int]
Look = tuple[str, RGB | None, RGB, bool]  # text, foreground, background, bold


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
        return row in self._hull_rows and column in self._hull_columns

    def reads(self, row: int, column: int) -> bool:
        return row in self.rows and column in self.columns

    @property
    def _hull_rows(self) -> range:
        return range(self.rows[0], self.rows[-1] + 1)

    @property
    def _hull_columns(self) -> range:
        return range(self.columns[0], self.columns[-1] + 1)

    def edges(self, row: int, column: int) -> tuple[bool, bool, bool, bool]:
        """Whether a cell that it holds lies on its top, bottom, left and right edge."""
        return (
            row == self.rows[0],
            row == self.rows[-1],
            column == self.columns[0],
            column == self.columns[-1],
        )


@dataclass(frozen=True, eq=False)
class Grid:
    """All that a grid view draws: the cells, what is marked in them, and the words above."""

    sheet: Sheet
    title: str
    hint: str = ""
    filled: int | None = None  # cells computed so far in order; None: all
    outline: Outline | None = None
    focus: Cell | None = None
    readers: frozenset[Cell] = frozenset()
    legend: bool = False  # whether the scale of its colours is shown

    def is_filled(self, row: int, column: int) -> bool:
        return self.filled is None or row * self.sheet.columns + column < self.filled


def cells_line(
    grid: Grid, patch: Patch, origin: Cell, line: int, size: CellSize, palette: Palette
) -> list[Segment]:
    """The segments of a line of cells; `origin` is the patch's first cell, drawn from line 0."""
    row, part = origin[0] + size.row_at(line), line % size.height
    if size.half:
        return _half_block_line(grid, patch, origin, row, palette)
    at = row - origin[0]
    values, kinds = patch.values[at].tolist(), patch.kinds[at].tolist()
    looks = []
    for offset, pixel in enumerate(patch.pixels[at].tolist()):
        cell = (row, origin[1] + offset)
        if size is BLOCKS:
            looks.append(_block(grid, cell, values[offset], tuple(pixel), kinds[offset], palette))
        else:
            part_of = (part, size)
            looks.append(_number(grid, cell, values[offset], tuple(pixel), kinds[offset], part_of, palette))
    return _segments(looks)


def legend_line(grid: Grid, width: int, palette: Palette) -> list[Segment]:
    """The scale of the colours: its lowest value, the colours, its highest."""
    lowest, highest = grid.sheet.scale
    values = np.linspace(lowest, highest, max(3, min(11, width - 14)))
    ends = style(palette.muted, palette.background)
    low, high = significant(lowest, 2), significant(highest, 2)
    bar = [("█", tuple(pixel), palette.background, False) for pixel in grid.sheet.coloured(values, palette)]
    middle = [Segment(" 0 ", ends)] if lowest < 0 < highest else []
    half = len(bar) // 2 if middle else len(bar)
    bars = [*_segments(bar[:half]), *middle, *_segments(bar[-half:] if middle else [])]
    return [Segment(f"{low} ", ends), *bars, Segment(f" {high}", ends)]


def _segments(looks: Iterable[Look]) -> list[Segment]:
    """Neighbours that look alike joined, so that fewer bytes go down the line."""
    segments: list[Segment] = []
    text, last = "", None
    for glyphs, foreground, background, bold in looks:
        look = (foreground, background, bold)
        if look == last:
            text += glyphs
            continue
        if last is not None:
            segments.append(Segment(text, style(*last)))
        text, last = glyphs, look
    if last is not None:
        segments.append(Segment(text, style(*last)))
    return segments


def _block(grid: Grid, cell: Cell, value: float, pixel: RGB, kind: int, palette: Palette) -> Look:
    if cell == grid.focus:
        return "▐▌", accent_on(pixel, palette), pixel, True
    if cell in grid.readers:
        return "▗▖", palette.reader, pixel if grid.is_filled(*cell) else palette.uncomputed, False
    if not grid.is_filled(*cell):
        return "· ", palette.muted, palette.uncomputed, False
    outline = grid.outline
    if outline and outline.holds(*cell):
        if not outline.reads(*cell):
            pixel = _tint(pixel, palette.background, 0.6)
        return _framed("  ", outline.edges(*cell), (0, BLOCKS)), accent_on(pixel, palette), pixel, False
    if kind == UNUSED:
        return "╱╱", _faint(pixel, 0.45), pixel, False
    if grid.sheet.signed and value < 0 and kind != PADDING:
        return "─ ", _faint(pixel, 0.3), pixel, False
    return "  ", None, pixel, False


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
    text = (grid.sheet.text(value) if filled else "·") if part == size.height // 2 else ""
    text = text.rjust(NUMBERS.width).ljust(size.width)
    if not filled:
        pixel = palette.uncomputed
    if cell == grid.focus:
        return text, (0, 0, 0), palette.accent, True
    if cell in grid.readers:
        return text, palette.reader, pixel, True
    if not filled:
        return text, palette.muted, pixel, False
    outline = grid.outline
    if outline and outline.holds(*cell):
        if not outline.reads(*cell):
            return text, _faint(pixel, 0.25), pixel, False
        return _framed(text, outline.edges(*cell), part_of), accent_on(pixel, palette), pixel, True
    if kind == UNUSED:
        return "╱" + text[1:-1] + "╱", _faint(pixel, 0.45), pixel, False
    return text, palette.muted if kind == PADDING else ink(pixel), pixel, False


def _half_block_line(grid: Grid, patch: Patch, origin: Cell, row: int, palette: Palette) -> list[Segment]:
    at = row - origin[0]
    tops = patch.pixels[at].tolist()
    has_bottom = at + 1 < len(patch.pixels)
    bottoms = patch.pixels[at + 1].tolist() if has_bottom else [palette.background] * len(tops)
    looks: list[Look] = []
    for offset, (upper, lower) in enumerate(zip(tops, bottoms, strict=True)):
        column = origin[1] + offset
        above = _half_block(grid, (row, column), tuple(upper), int(patch.kinds[at, offset]), palette)
        below = tuple(lower)
        if has_bottom:
            kind = int(patch.kinds[at + 1, offset])
            below = _half_block(grid, (row + 1, column), below, kind, palette)
        if above == below == palette.uncomputed:
            looks.append(("·", palette.muted, above, False))
        elif above == below:
            looks.append((" ", None, above, False))
        else:
            looks.append(("▀", above, below, False))
    return _segments(looks)


def _half_block(grid: Grid, cell: Cell, pixel: RGB, kind: int, palette: Palette) -> RGB:
    if cell == grid.focus:
        return palette.accent
    if cell in grid.readers:
        return palette.reader
    if not grid.is_filled(*cell):
        return palette.uncomputed
    outline = grid.outline
    if outline and outline.holds(*cell):
        edge = any(outline.edges(*cell))
        share = 0.75 if edge else 0.25 if outline.reads(*cell) else 0.1
        return _tint(pixel, accent_on(pixel, palette), share)
    return _tint(pixel, palette.muted, 0.5) if kind == UNUSED else pixel


_QUADRANTS: Final = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"  # indexed by upper left 1, upper right 2, lower left 4, lower right 8


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


def _tint(pixel: RGB, colour: RGB, share: float) -> RGB:
    red, green, blue = (
        round(ours * (1 - share) + theirs * share) for ours, theirs in zip(pixel, colour, strict=True)
    )
    return red, green, blue


def _faint(pixel: RGB, share: float) -> RGB:
    """A glyph's colour that can just be seen on a pixel."""
    return _tint(pixel, ink(pixel), share)
