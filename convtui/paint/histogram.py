"""Histograms as vertical bars, exact to an eighth of a character."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convtui.paint.axes import LINES_BELOW, Label, Scale, draw_axes, has_axes, places, tick_labels, top_of
from convtui.paint.colours import RGB, Array, Palette, accent_on, style
from convtui.paint.glyphs import Glyphs, Lines
from convtui.paint.panes import Size
from convtui.paint.plots import Mark, series_colour
from convtui.paint.text import cut_to

BOTH: Final = "⣀⣤⣶⣿"  # where a bar ends and the outline is in the same character: the higher, in quarters
ARROW: Final = "↑"  # over a bar that is higher than the axis
FOOT: Final = "▲"  # on the axis below, where a mark stands
FAR: Final = 6  # columns that a mark's name may be away from it
ROOMY: Final = 7  # lines from which the marks' names have a line of their own

_BLANK: Final = ord(" ")
_BLOCKS: Final = 0x2580  # ▁ is one after it, █ eight
_LEVELS: Final = np.array([ord(glyph) for glyph in "▁▁▁───▔▔"], np.uint32)


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts [bins] of values from low to high in even bins; an outline [bins] of others drawn over them.

    The axis counts values a bin, or as_share tells the percentage of all values a bin. Where columns are
    fewer than bins, a bar is the mean of its bins. Marks (such as the mean) stand on the axis below, their
    lines go up where neither a bar nor the outline is.
    beyond are the percentages below low and above high, which the outermost bins hold too: arrows tell of
    them. A bar that is higher than `top`, the end of the axis, has an arrow; None: the highest bar's.
    """

    title: str
    counts: Array
    low: float
    high: float
    name: str = ""
    outline: Array | None = None
    outline_name: str = ""
    marks: tuple[Mark, ...] = ()
    as_share: bool = False
    colour: int = 0
    outline_colour: int = 1
    gutter: int = 0
    beyond: tuple[float, float] = (0.0, 0.0)
    outline_beyond: tuple[float, float] = (0.0, 0.0)
    top: float | None = None


def rebinned(counts: Array, columns: int) -> Array:
    """Counts [..., bins] spread over so many columns [..., columns] of the same range; the sum stays."""
    bins = counts.shape[-1]
    below = np.concatenate([np.zeros((*counts.shape[:-1], 1)), np.cumsum(counts, axis=-1)], axis=-1)
    edges = np.arange(columns + 1) * (bins / columns)
    first = np.minimum(edges.astype(int), bins - 1)
    at_edges = below[..., first] + (edges - first) * (below[..., first + 1] - below[..., first])
    return np.asarray(np.diff(at_edges, axis=-1))


def histogram_lines(histogram: Histogram, size: Size, palette: Palette) -> Lines:
    """The histogram as lines: title, names of the marks, bars on their axes; small ones lose their axes."""
    height, width = size
    glyphs = Glyphs(height, width, palette)
    names = 1 if histogram.marks and height >= ROOMY else 0
    rows = height - 1 - names - (LINES_BELOW if has_axes(size) else 0)
    _draw_head(glyphs, histogram)
    if rows <= 0:
        return glyphs.lines()
    left, up = 0, _upward(histogram)
    if has_axes(size):
        along, labels = Scale(histogram.low, histogram.high), _labels(histogram, up, rows)
        left = draw_axes(glyphs, (names + 1, rows), labels, along, gutter=histogram.gutter)
    bars = _Bars(glyphs, histogram, up, names + 1, left, rows, width - left)
    bars.draw()
    bars.draw_outline()
    bars.draw_marks(has_names=bool(names), has_foot=has_axes(size))
    return glyphs.lines()


@dataclass(frozen=True, eq=False)
class _Bars:
    """The rectangle of characters inside the axes."""

    glyphs: Glyphs
    histogram: Histogram
    up: Scale
    top: int
    left: int
    rows: int
    columns: int

    def draw(self) -> None:
        eighths = self._eighths(self.histogram.counts)
        filled = (eighths - 8 * np.arange(self.rows - 1, -1, -1)[:, None]).clip(0, 8)
        inside = (slice(self.top, self.top + self.rows), slice(self.left, self.left + self.columns))
        np.copyto(self.glyphs.codes[inside], (filled + _BLOCKS).astype(np.uint32), where=filled > 0)
        look = self.glyphs.look(style(self._colour, self.glyphs.palette.background))
        np.copyto(self.glyphs.looks[inside], np.uint16(look), where=filled > 0)
        colour = accent_on(self.glyphs.palette.background, self.glyphs.palette)
        for column in np.flatnonzero(self._is_beyond(self.histogram.counts)).tolist():
            self._write_over(0, column, ARROW, colour)

    def draw_outline(self) -> None:
        """The other histogram's height in each column, below the arrow of a bar higher than the axis."""
        if self.histogram.outline is None:
            return
        bars, eighths = (self._eighths(each) for each in (self.histogram.counts, self.histogram.outline))
        is_beyond = self._is_beyond(self.histogram.outline)
        is_taken = self._is_beyond(self.histogram.counts) & ~is_beyond & (self.rows > 1)
        eighths = np.where(is_taken, eighths.clip(None, 8 * (self.rows - 1)), eighths)
        colour = series_colour(self.histogram.outline_colour, self.glyphs.palette)
        for column, (bar, height) in enumerate(zip(bars.tolist(), eighths.tolist(), strict=True)):
            line = (height - 1) // 8
            if not height:
                continue
            if is_beyond[column]:
                self._write_over(0, column, ARROW, colour)
            elif bar and (bar - 1) // 8 == line:
                higher = (max(bar, height) - 1) % 8
                self._write_over(self.rows - 1 - line, column, BOTH[higher // 2], colour)
            else:
                self._write_over(self.rows - 1 - line, column, chr(_LEVELS[(height - 1) % 8]), colour)

    def _is_beyond(self, counts: Array) -> NDArray[np.bool_]:
        """[columns] where bars are higher than the axis."""
        shares = self.up.share(_heights(self.histogram, counts, self.columns))
        return np.asarray(shares > 1 + 1e-9)

    def draw_marks(self, has_names: bool, has_foot: bool) -> None:
        """A line for each mark around the bars, its foot on the axis; its name above, where there is room.

        Names stand in the order of the marks.
        """
        palette = self.glyphs.palette
        scale = Scale(self.histogram.low, self.histogram.high)
        taken: dict[float, range] = {}
        for mark in self.histogram.marks:
            if not scale.low <= mark.x <= scale.high:
                continue
            column = places(scale, [mark.x], self.columns)[0]
            colour = accent_on(palette.background, palette)
            if mark.colour is not None:
                colour = series_colour(mark.colour, palette)
            for row in range(self.top, self.top + self.rows):
                if self.glyphs.codes[row, self.left + column] == _BLANK:
                    self.glyphs.write(row, self.left + column, "│", style(colour, palette.background))
            if has_foot:
                foot = style(colour, palette.background, True)
                self.glyphs.write(self.top + self.rows, self.left + column, FOOT, foot)
            span = self._place_for(mark, column, taken) if has_names else None
            if span is not None:
                of = style(colour, palette.background, True)
                self.glyphs.write(self.top - 1, self.left + span.start, mark.label, of)
                taken[mark.x] = span
        if has_names:
            self._tell_beyond(list(taken.values()))

    def _place_for(self, mark: Mark, column: int, taken: dict[float, range]) -> range | None:
        """Where a name can stand above its mark, or as near as others let it; None where that is too far."""
        length = len(mark.label)
        first = max((span.stop + 1 for x, span in taken.items() if x <= mark.x), default=0)
        last = min((span.start - 1 for x, span in taken.items() if x > mark.x), default=self.columns) - length
        start = min(max(column - length // 2, first), last)
        span = range(start, start + length)
        is_near = span.start - FAR <= column < span.stop + FAR
        return span if first <= start and is_near else None

    def _tell_beyond(self, taken: list[range]) -> None:
        """Which part of the values lies beyond either end, in the corners, where no name of a mark is."""
        histogram, palette = self.histogram, self.glyphs.palette
        parts = (histogram.beyond, histogram.colour), (histogram.outline_beyond, histogram.outline_colour)
        muted = style(palette.muted, palette.background)
        for is_right in (False, True):
            pieces = [
                (
                    _percentage(beyond[is_right]) + " ",
                    style(series_colour(colour, palette), palette.background),
                )
                for beyond, colour in parts
                if beyond[is_right]
            ]
            pieces = [*pieces, ("beyond →", muted)] if is_right else [("← beyond ", muted), *pieces]
            length = sum(len(text) for text, _ in pieces)
            column = self.columns - length if is_right else 0
            is_free = all(span.stop < column or span.start > column + length for span in taken)
            if len(pieces) > 1 and column >= 0 and is_free:
                for text, of in pieces:
                    column = self.glyphs.write(self.top - 1, self.left + column, text, of) - self.left

    @property
    def _colour(self) -> RGB:
        return series_colour(self.histogram.colour, self.glyphs.palette)

    def _eighths(self, counts: Array) -> NDArray[np.int_]:
        """Heights in eighths of a line; what is not nothing is seen."""
        heights = self.up.share(_heights(self.histogram, counts, self.columns)).clip(0, 1)
        eighths = np.rint(heights * 8 * self.rows).astype(int)
        return np.asarray(np.where(heights > 0, np.maximum(eighths, 1), 0))

    def _write_over(self, row: int, column: int, glyph: str, colour: RGB) -> None:
        """A glyph before what is there; full bars stay behind it."""
        palette = self.glyphs.palette
        line, place = self.top + row, self.left + column
        is_full = self.glyphs.codes[line, place] == _BLOCKS + 8
        background = self._colour if is_full else palette.background
        if is_full and colour == accent_on(palette.background, palette):
            colour = accent_on(background, palette)
        self.glyphs.write(line, place, glyph, style(colour, background))


def _percentage(share: float) -> str:
    return "<0.1%" if share < 0.1 else f"{share:.{share < 10:d}f}%"


def _heights(histogram: Histogram, counts: Array, columns: int) -> Array:
    """Values a bin in each column, or their percentage."""
    heights = rebinned(np.asarray(counts, float), columns) * (columns / len(counts))
    return heights * (100 / (np.sum(counts) or 1)) if histogram.as_share else heights


def _labels(histogram: Histogram, up: Scale, rows: int) -> list[Label]:
    """The heights that are told on the axis, each on the highest line of such a bar."""
    values = up.ticks(max(2, rows // 2))
    unit = "%" if histogram.as_share else ""
    lines = [ceil(share * rows - 1e-9) for share in up.share(np.array(values)).tolist()]
    told = zip(values, lines, tick_labels(values), strict=True)
    return [(rows - max(count, 1), text + unit) for value, count, text in told if value]


def _upward(histogram: Histogram) -> Scale:
    """The scale of the heights."""
    if histogram.top is not None:
        return Scale(0.0, histogram.top)
    shown = [each for each in (histogram.counts, histogram.outline) if each is not None]
    heights = [_heights(histogram, each, len(each)) for each in shown]
    return Scale(0.0, top_of(np.concatenate(heights)))


def _draw_head(glyphs: Glyphs, histogram: Histogram) -> None:
    """The title, and right of it which histogram is which."""
    palette, width = glyphs.palette, glyphs.width
    title = style(palette.text, palette.background, True)
    end = glyphs.write(0, 0, cut_to(histogram.title, width), title)
    entries = [("█", histogram.name, histogram.colour)] if histogram.name else []
    if histogram.outline is not None and histogram.outline_name:
        entries.append(("─", histogram.outline_name, histogram.outline_colour))
        entries.append((BOTH[1], "both", histogram.outline_colour))
    if end + 3 + _length(entries) > width:
        entries = entries[:2]  # what both looks like matters least
    if not entries or end + 3 + _length(entries) > width:
        return
    column = width - _length(entries)
    muted = style(palette.muted, palette.background)
    for sample, name, colour in entries:
        of = style(series_colour(colour, palette), palette.background)
        column = glyphs.write(0, column, sample, of)
        column = glyphs.write(0, column, f" {name}", muted) + 3


def _length(entries: Sequence[tuple[str, str, int]]) -> int:
    """The columns that a legend takes."""
    return sum(len(name) + 2 for _, name, _ in entries) + 3 * (len(entries) - 1)
