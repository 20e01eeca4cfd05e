"""Line plots in braille, drawn by hand: a live plot must cost a few milliseconds, several times a second.

Each column of dots gets the least and the greatest value that a curve has there, so that nothing of a curve
of thousands of steps is lost. Curves differ in colour and in stroke or marker too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.style import Style

from convtui.paint.axes import (
    LINES_BELOW,
    Scale,
    draw_axes,
    has_axes,
    places,
    round_range,
    short,
    tick_labels,
)
from convtui.paint.colours import RGB, Array, Palette, accent_on, style, tint
from convtui.paint.glyphs import Glyphs, Lines
from convtui.paint.text import cut_to

LEGEND_HEIGHT: Final = 8  # lines from which the legend may have a line of its own
SHORT: Final = 2  # columns of a curve that has a marker
MARKERS: Final = "●▲■◆"  # one for each of a palette's series
MARKER_SPACING: Final = 14  # columns between the markers of a curve
BEYOND: Final = "↑↓"  # where a curve is above or below the range
MARK_LINES: Final = "│┊"  # of a mark without y, and of a faint one

_ACROSS: Final = "┈"  # a faint line at each tick
_FREE: Final = (f" {_ACROSS}", f" {_ACROSS}{MARK_LINES}")  # what a name may hide, the better first
_MARKER_CODES: Final = frozenset(map(ord, MARKERS))
_BRAILLE: Final = 0x2800
_BITS: Final = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint8)


Places = list[tuple[int, int]]  # rows and columns inside the axes


class Stroke(Enum):
    """How a curve is drawn."""

    LINE = "──"
    THICK = "━━"
    FAINT = "┄┄"  # behind the others, in half of its colour
    DASHED = "╌╌"
    DOTTED = "··"
    POINTS = ""  # a marker at each point and nothing between


_PATTERNS: Final = {Stroke.DASHED: (6, 4), Stroke.DOTTED: (3, 1)}  # columns of dots: period, of which drawn


@dataclass(frozen=True, eq=False)
class Series:
    """A curve through the points (x, y), x ascending; a NaN in y is a gap.

    colour is a number of the palette's series, None: muted. A marker is set on the curve now and then, or on
    every point. An empty name keeps it out of the legend. has_points: another series marks its points.
    """

    name: str
    x: Array
    y: Array
    colour: int | None = 0
    stroke: Stroke = Stroke.LINE
    marker: str = ""
    has_points: bool = False

    @property
    def may_be_marked(self) -> bool:
        """Whether it has a marker where it is so short that it would hardly be seen."""
        is_bold = self.colour is not None and self.stroke in (Stroke.LINE, Stroke.THICK)
        return (is_bold or self.stroke is Stroke.DASHED) and not self.has_points


@dataclass(frozen=True)
class Mark:
    """A place that is pointed out: a point, or with y None a line from top to bottom; and its name.

    A faint one is a muted line, with its name at the right and another at the left where they hide nothing.
    """

    x: float
    y: float | None = None
    label: str = ""
    colour: int | None = None  # None: the accent
    is_faint: bool = False
    left_label: str = ""  # of a faint one


@dataclass(frozen=True, eq=False)
class Plot:
    """Curves over one x axis; the later are drawn over the earlier.

    A range that is None is the least round one that holds all finite values. What lies beyond a given range
    is drawn at its edge with an arrow. gutter is the least width of the labels at the left, so that plots
    over one another have their axes in line.
    """

    title: str
    series: tuple[Series, ...]
    x_label: str = ""
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    log_x: bool = False
    log_y: bool = False
    marks: tuple[Mark, ...] = ()
    gutter: int = 0
    empty: str = ""  # what is said, in the place of axes, while there is no point
    hint: str = ""  # a key and what it does, beside the legend where there is room

    def scales(self) -> tuple[Scale, Scale]:
        """Of x and y."""
        x = _scale(self.x_range, [series.x for series in self.series], self.log_x)
        y = _scale(self.y_range, [series.y for series in self.series], self.log_y)
        return x, y


def plot_lines(plot: Plot, size: tuple[int, int], palette: Palette) -> Lines:
    """The plot as lines: title and legend, curves on axes, tick labels; small ones lose their axes."""
    height, width = size
    x, y = plot.scales()
    glyphs = Glyphs(height, width, palette)
    if plot.empty and not any(np.isfinite(series.y).any() for series in plot.series):
        glyphs.write(0, 0, cut_to(plot.title, width), style(palette.text, palette.background, True))
        say_empty(glyphs, plot.empty)
        return glyphs.lines()
    top = _headed(glyphs, plot, y)
    rows = height - top - (LINES_BELOW if has_axes(size) else 0)
    left = 0
    if has_axes(size) and rows > 0:
        left = _draw_axes(glyphs, plot, (x, y), top, rows)
    if rows > 0 and width > left:
        frame = _Frame(glyphs, x, y, top, left, rows, width - left)
        for mark in plot.marks:
            frame.draw_line_of(mark)
        for series, found in [(each, frame.draw(each)) for each in plot.series]:
            frame.set_markers(series, found)
        for row, mark in enumerate(sorted(plot.marks, key=lambda mark: mark.y is not None)):
            frame.point_out(mark, min(row, rows - 1))
    return glyphs.lines()


def say_empty(glyphs: Glyphs, words: str) -> None:
    """In the middle of a pane that has nothing to show yet, what is to be done or waited for."""
    text = cut_to(words, glyphs.width)
    muted = style(glyphs.palette.muted, glyphs.palette.background)
    glyphs.write(glyphs.height // 2, (glyphs.width - len(text)) // 2, text, muted)


def envelope(x: Array, y: Array, edges: Array) -> tuple[Array, Array]:
    """The least and the greatest value of the polyline through (x, y) between neighbouring edges.

    x and the edges ascend; NaN where the polyline is not.
    """
    if not len(x):
        nothing = np.full(len(edges) - 1, np.nan)
        return nothing, nothing
    at_edges = np.interp(edges, x, y, left=np.nan, right=np.nan)
    low, high = (pick(at_edges[:-1], at_edges[1:]) for pick in (np.fmin, np.fmax))
    last = np.searchsorted(x, edges[-1], side="right")
    ends = np.append(np.searchsorted(x, edges[:-1]), last)
    found = np.flatnonzero(np.diff(ends))
    if len(found):
        starts = ends[found]
        low[found] = np.fmin(low[found], np.fmin.reduceat(y[:last], starts))
        high[found] = np.fmax(high[found], np.fmax.reduceat(y[:last], starts))
    return low, high


def _draw_axes(glyphs: Glyphs, plot: Plot, scales: tuple[Scale, Scale], top: int, rows: int) -> int:
    """The axes, and faint lines across where the ticks are; tells the first column of the curves."""
    (x, y), palette = scales, glyphs.palette
    values = y.ticks(max(2, (rows + 1) // 2))
    places_up = [rows - 1 - place for place in places(y, values, rows, 4)]
    labels = list(zip(places_up, tick_labels(values, y.is_log), strict=True))
    left = draw_axes(glyphs, (top, rows), labels, x, plot.x_label, plot.gutter, dots=2)
    faint = style(tint(palette.muted, palette.background, 0.72), palette.background)
    for row in places_up:
        glyphs.fill(top + row, left, (1, glyphs.width - left), _ACROSS, faint)
    return left


def series_colour(colour: int | None, palette: Palette) -> RGB:
    """That of a series by its number, muted for None."""
    return palette.muted if colour is None else palette.series[colour % len(palette.series)]


def draw_mark(glyphs: Glyphs, mark: Mark, span: tuple[int, int], column: int) -> None:
    """The line of a mark that has no y, from a first line over so many."""
    of = _style_of_mark(mark, glyphs.palette, bold=False)
    glyphs.fill(span[0], column, (span[1], 1), MARK_LINES[mark.is_faint], of)


def _style_of_mark(mark: Mark, palette: Palette, bold: bool) -> Style:
    if mark.is_faint:
        return style(palette.muted, palette.background)
    if mark.colour is None:
        return style(accent_on(palette.background, palette), palette.background, bold)
    return style(series_colour(mark.colour, palette), palette.background, bold)


@dataclass(frozen=True, eq=False)
class _Frame:
    """The rectangle of characters inside the axes."""

    glyphs: Glyphs
    x: Scale
    y: Scale
    top: int
    left: int
    rows: int
    columns: int

    def draw(self, series: Series) -> Places:
        """The curve; tells where its markers belong, which lie over all curves."""
        across, up = self.x.share(np.asarray(series.x, float)), self._up(series.y)
        if series.stroke is Stroke.POINTS:
            return self._points(series, across, up)
        is_place = ~np.isnan(across)
        edges = (np.arange(2 * self.columns + 1) - 0.5) / max(2 * self.columns - 1, 1)
        low, high = envelope(across[is_place], up[is_place], edges)
        is_drawn = ~np.isnan(low)
        if not is_drawn.any():
            return []
        last = 4 * self.rows - 1
        highest, lowest = (
            np.rint((1 - np.where(is_drawn, ends, 0.0).clip(0, 1)) * last).astype(int) for ends in (high, low)
        )
        if series.stroke is Stroke.THICK:
            lowest = np.minimum(lowest + 1, last)
            highest = np.minimum(highest, lowest - 1)
        period, drawn = _PATTERNS.get(series.stroke, (1, 1))
        shown = is_drawn & (np.arange(len(low)) % period < drawn)
        self._set_dots(highest, lowest, shown, self._style(series))
        half = is_drawn.reshape(-1, 2)
        tops = np.where(half[:, 0], highest[::2], highest[1::2])
        self._set_arrows(series, high, low)
        columns = np.asarray(half.any(axis=1))
        if series.may_be_marked and columns.sum() <= SHORT:
            column = int(np.flatnonzero(columns)[-1])
            return [(int(tops[column]) // 4, column)]
        return _along(series, columns, tops // 4) if series.marker else []

    def draw_line_of(self, mark: Mark) -> None:
        """The line of a mark that has no y."""
        column = self._column_of(mark)
        if mark.y is None and column is not None:
            draw_mark(self.glyphs, mark, (self.top, self.rows), self.left + column)

    def point_out(self, mark: Mark, row: int) -> None:
        """The point of a mark and its name beside it; of a mark without y its name on this row."""
        column = self._column_of(mark)
        if column is None or (mark.y is not None and not np.isfinite(mark.y)):
            return
        of = _style_of_mark(mark, self.glyphs.palette, bold=True)
        if mark.is_faint:
            self._name_both_sides(mark, column, of)
            return
        if mark.y is not None:
            row = self.rows - 1 - places(self.y, [mark.y], self.rows, 4)[0]
            self.glyphs.write(self.top + row, self.left + column, "●", of)
        if mark.label:
            row, start, text = self._place_of_name(mark, column, row)
            self.glyphs.write(self.top + row, self.left + start, text, of)

    def _name_both_sides(self, mark: Mark, column: int, of: Style) -> None:
        """The names of a faint mark, on the first row where they hide nothing."""
        start, text = column - len(mark.left_label) - 2, f" {mark.left_label} {MARK_LINES[1]} {mark.label} "
        if not 0 <= start <= self.columns - len(text):
            return
        for row in range(self.rows):
            left, right = text[: column - start], text[column - start + 1 :]
            if self._holds(_FREE[0], row, start, left) and self._holds(_FREE[0], row, column + 1, right):
                self.glyphs.write(self.top + row, self.left + start, text, of)
                return

    def _place_of_name(self, mark: Mark, column: int, row: int) -> tuple[int, int, str]:
        """Row and column of a mark's name, right or left of it: the first place where it hides nothing.

        Else the first where it hides no curve, but a line of another mark; else beside the mark on its row.
        """
        sides = [(column + 1, f" {mark.label}"), (column - len(mark.label) - 1, f"{mark.label} ")]
        inside = [(start, text) for start, text in sides if 0 <= start <= self.columns - len(text)]
        rows = range(row, row + 1 if mark.y is not None else self.rows)
        places = [(each, start, text) for each in rows for start, text in inside]
        beside = (row, *(inside or [(0, f"{mark.label} ")])[0])
        free = (place for allowed in _FREE for place in places if self._holds(allowed, *place))
        return next(free, beside)

    def _holds(self, allowed: str, row: int, start: int, text: str) -> bool:
        """Whether nothing but these glyphs is where a text would be."""
        line, first = self.glyphs.codes[self.top + row], self.left + start
        return {*map(chr, line[first : first + len(text)].tolist())} <= {*allowed}

    def _column_of(self, mark: Mark) -> int | None:
        across = float(self.x.share(np.array([mark.x], float))[0])
        return round(across * (2 * self.columns - 1)) // 2 if 0 <= across <= 1 else None

    def _up(self, values: Array) -> Array:
        """Where values lie from the bottom to the top; infinite and far ones just beyond."""
        return self.y.share(np.asarray(values, float)).clip(-10, 10)

    def _set_dots(
        self, highest: NDArray[np.int_], lowest: NDArray[np.int_], shown: NDArray[np.bool_], of: Style
    ) -> None:
        """In each column of dots those from the highest to the lowest."""
        dots = np.arange(4 * self.rows)[:, None]
        is_set = (dots >= highest) & (dots <= lowest) & shown
        cells = is_set.reshape(self.rows, 4, self.columns, 2) * _BITS[:, None, :]
        bits = cells.sum(axis=(1, 3), dtype=np.uint32)
        inside = (slice(self.top, self.top + self.rows), slice(self.left, self.left + self.columns))
        np.copyto(self.glyphs.codes[inside], bits + np.uint32(_BRAILLE), where=bits > 0)
        np.copyto(self.glyphs.looks[inside], np.uint16(self.glyphs.look(of)), where=bits > 0)

    def _points(self, series: Series, across: Array, up: Array) -> Places:
        """Where points lie; one beyond the range has an arrow beside it."""
        is_shown = np.isfinite(up) & (across >= 0) & (across <= 1)
        columns = np.rint(across[is_shown] * (2 * self.columns - 1)).astype(int) // 2
        rows = np.rint((1 - up[is_shown].clip(0, 1)) * (4 * self.rows - 1)).astype(int) // 4
        beside = np.where(columns < self.columns - 1, columns + 1, columns - 1)
        self._set_arrows(series, *_in_columns(beside.clip(0), up[is_shown], self.columns))
        return list(dict.fromkeys(zip(rows.tolist(), columns.tolist(), strict=True)))

    def set_markers(self, series: Series, places: Places) -> None:
        """A curve's markers; one that would hide another's is moved aside, to the left if it can be."""
        for row, column in places:
            line = self.glyphs.codes[self.top + row, self.left : self.left + self.columns]
            tried = [*range(column, max(column - len(MARKERS), -1), -1), column + 1]
            free = next((at for at in tried if at < self.columns and line[at] not in _MARKER_CODES), column)
            self._set(row, free, series.marker or _marker_of(series), series)

    def _set_arrows(self, series: Series, high: Array, low: Array) -> None:
        """Arrows where a curve leaves the range; high and low are of columns of dots."""
        for arrow, row, is_beyond in (
            (BEYOND[0], 0, high > 1 + 1e-9),
            (BEYOND[1], self.rows - 1, low < -1e-9),
        ):
            for column in np.flatnonzero(is_beyond.reshape(-1, 2).any(axis=1)).tolist():
                self._set(row, column, arrow, series)

    def _set(self, row: int, column: int, glyph: str, series: Series) -> None:
        of = self._style(series, bold=True)
        self.glyphs.write(self.top + row, self.left + column, glyph, of)

    def _style(self, series: Series, bold: bool = False) -> Style:
        return _style_of(series, self.glyphs.palette, bold)


def _along(series: Series, is_drawn: NDArray[np.bool_], rows: NDArray[np.int_]) -> Places:
    """Now and then on a curve, and where it ends."""
    found = np.flatnonzero(is_drawn)
    start = MARKER_SPACING // len(MARKERS) * (series.colour or 0) + 2
    regular = found[(found % MARKER_SPACING == start) & (found < found[-1] - 2)]
    return [(int(rows[column]), column) for column in (*regular.tolist(), int(found[-1]))]


def _marker_of(series: Series) -> str:
    return MARKERS[(series.colour or 0) % len(MARKERS)]


def _in_columns(columns: NDArray[np.int_], values: Array, count: int) -> tuple[Array, Array]:
    """The greatest and the least value of each column, twice, as a column has two columns of dots."""
    high, low = np.full(count, np.nan), np.full(count, np.nan)
    np.fmax.at(high, columns, values)
    np.fmin.at(low, columns, values)
    return np.repeat(high, 2), np.repeat(low, 2)


def _style_of(series: Series, palette: Palette, bold: bool = False) -> Style:
    colour = series_colour(series.colour, palette)
    if series.stroke is Stroke.FAINT:
        colour = tint(colour, palette.background, 0.5)
    return style(colour, palette.background, bold)


def _scale(fixed: tuple[float, float] | None, values: list[Array], is_log: bool) -> Scale:
    if fixed is None:
        return Scale.around(np.concatenate([np.zeros(0), *values]), is_log)
    low, high = fixed
    return Scale(low, high, is_log) if high > low else round_range(low, high)


# -- what is around the curves


def _headed(glyphs: Glyphs, plot: Plot, y: Scale) -> int:
    """The title and the legend, beside it or below it; tells how many lines they take."""
    palette, width = glyphs.palette, glyphs.width
    muted = style(palette.muted, palette.background)
    entries = _legend(plot, y, palette)
    lengths = [len(sample) + 1 + len(name) for sample, name, _ in entries]
    end = glyphs.write(0, 0, cut_to(plot.title, width), style(palette.text, palette.background, True))
    gap = 3 if sum(lengths) + 3 * (len(lengths) - 1) <= width else 2
    length = sum(lengths) + gap * (len(lengths) - 1)
    row, column = (0, width - length) if end + 3 + length <= width else (1, 0)
    for (sample, name, of), needed in zip(entries, lengths, strict=True):
        if column and column + needed > width:
            row, column = row + 1, 0
        if row > max(0, glyphs.height - LEGEND_HEIGHT + 1):
            return row
        column = glyphs.write(row, column, sample, of)
        column = glyphs.write(row, column, f" {name}", muted) + gap
    if plot.hint and row and column + len(plot.hint) <= width:
        glyphs.write(row, width - len(plot.hint), plot.hint, muted)
    return row + 1 if entries else 1


def _legend(plot: Plot, y: Scale, palette: Palette) -> list[tuple[str, str, Style]]:
    """Of each curve with a name a sample, the name, and the sample's style; then what the arrows mean."""
    entries = []
    for series in plot.series:
        if series.name:
            marker = series.marker
            if series.stroke is Stroke.POINTS and not marker:
                marker = _marker_of(series)
            sample = series.stroke.value[: 2 if not marker else 1] + marker
            entries.append((sample, series.name, _style_of(series, palette)))
    if plot.y_range is not None:
        muted = style(palette.muted, palette.background)
        values = np.concatenate([np.zeros(0), *(series.y for series in plot.series)])
        if (values > y.high).any():
            entries.append((BEYOND[0], f"above {short(y.high)}", muted))
        if (values < y.low).any():
            entries.append((BEYOND[1], f"below {short(y.low)}", muted))
    return entries
