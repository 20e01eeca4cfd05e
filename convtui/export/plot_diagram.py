"""A plot or a table as a diagram: what the panes draw in characters, drawn with lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, floor, pi, sin
from textwrap import wrap
from typing import Final

import numpy as np

from convtui.export.diagram import RISE, Anchor, Box, Diagram, Frame, Label, Line, Shape, text_width
from convtui.paint.axes import Scale, tick_labels
from convtui.paint.colours import RGB, Array, Palette, accent_on, tint
from convtui.paint.plots import Mark, Plot, Series, Stroke, envelope, series_colour

WIDTH: Final = 760
HEIGHT: Final = 440

_MARGIN: Final = 24
_TITLE: Final = 18
_SMALL: Final = 13
_LINE: Final = 22  # of the legend, from one to the next
_SAMPLE: Final = 30  # of a curve in the legend
_BELOW: Final = 48  # the plot: the labels of its ticks and the axis' name
_TICK: Final = 5
_ABOVE: Final = 40  # the legend
_MARKER: Final = 4.5  # from its middle
_EVERY: Final = 90  # units from one marker of a curve to the next
_SHORT: Final = 12  # units of a curve that has a marker
_COUNTED: Final = ("step", "epoch")  # of which there are no halves
_ARROWS: Final = 24  # units between arrows at least
_THICKNESS: Final = {Stroke.THICK: 3.0, Stroke.FAINT: 1.0}
_DASHES: Final = {Stroke.DASHED: (9, 5), Stroke.DOTTED: (2, 4)}
_CORNERS: Final = {  # of a marker, as shares of its size
    "●": tuple((sin(pi * each / 8), cos(pi * each / 8)) for each in range(16)),
    "▲": ((0, -1.1), (1.1, 0.9), (-1.1, 0.9)),
    "■": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "◆": ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
    "◇": ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
}

_START: Final[Anchor] = "start"
_END: Final[Anchor] = "end"

Point = tuple[float, float]


def plot_diagram(plot: Plot, about: str, palette: Palette) -> Diagram:
    """The plot with title, legend, axes and ticks; about is a line under the title."""
    return _Drawing(plot, about, palette).diagram


@dataclass(frozen=True, eq=False)
class _Drawing:
    plot: Plot
    about: str
    palette: Palette

    @property
    def diagram(self) -> Diagram:
        legend = [*self._legend()]
        last = max((each.y for each in legend if isinstance(each, Label)), default=_ABOVE + _LINE)
        x, y = self.plot.scales()
        ticks = y.ticks(7)
        labels = tick_labels(ticks, y.is_log)
        left = _MARGIN + round(max((text_width(each, _SMALL) for each in labels), default=0)) + 2 * _TICK
        top = round(last) + 20
        area = _Area(x, y, left, top, WIDTH - _MARGIN - left, HEIGHT - _BELOW - top)
        colour = self.palette.text
        title = Label(_MARGIN, 34, self.plot.title, _TITLE, colour)
        shapes = (title, *legend, *self._axes(area, ticks, labels), *self._content(area))
        told = f"{self.plot.title}; {self.about}" if self.about else self.plot.title
        return Diagram(WIDTH, HEIGHT, self.palette.background, told, shapes, (Frame(1.0),))

    def _legend(self) -> Iterator[Shape]:
        """What the plot is of, then a sample of each curve that has a name, on as many lines as they need."""
        y = 34
        for line in wrap(self.about, floor((WIDTH - 2 * _MARGIN) / text_width("0", _SMALL))):
            y += _LINE
            yield Label(_MARGIN, y, line, _SMALL, self.palette.muted)
        y, x = y + _LINE, float(_MARGIN)
        for series in self.plot.series:
            if not series.name:
                continue
            width = _SAMPLE + 6 + text_width(series.name, _SMALL)
            if x + width > WIDTH - _MARGIN and x > _MARGIN:
                x, y = float(_MARGIN), y + _LINE
            middle = y - _SMALL * RISE
            if series.stroke is not Stroke.POINTS:
                yield self._line(series, [(x, middle), (x + _SAMPLE, middle)])
            if series.marker:
                yield from self._marker(series, (x + _SAMPLE / 2, middle))
            yield Label(x + _SAMPLE + 6, y, series.name, _SMALL, self.palette.text)
            x += width + 22

    def _axes(self, area: _Area, ticks: Sequence[float], labels: Sequence[str]) -> Iterator[Shape]:
        muted, faint = self.palette.muted, tint(self.palette.muted, self.palette.background, 0.75)
        bottom, right = area.top + area.height, area.left + area.width
        for (_, y), text in zip(area.places([area.x.low] * len(ticks), ticks), labels, strict=True):
            yield Box(area.left, round(y), area.width, 1, faint)
            yield Box(area.left - _TICK, round(y), _TICK, 1, muted)
            yield Label(area.left - 2 * _TICK, y + _SMALL * RISE, text, _SMALL, muted, "end")
        across = [each for each in area.x.ticks(9) if self.plot.x_label not in _COUNTED or each == int(each)]
        places = area.places(across, [area.y.low] * len(across))
        for (x, _), text in zip(places, tick_labels(across, area.x.is_log), strict=True):
            yield Box(round(x), bottom, 1, _TICK, muted)
            yield Label(x, bottom + _TICK + 14, text, _SMALL, muted, "middle")
        yield Box(area.left, area.top, 1, area.height, muted)
        yield Box(area.left, bottom, area.width + 1, 1, muted)
        yield Label(right, bottom + _TICK + 32, self.plot.x_label, _SMALL, muted, "end")

    def _content(self, area: _Area) -> Iterator[Shape]:
        if not any(np.isfinite(series.y).any() for series in self.plot.series):
            middle = area.left + area.width / 2, area.top + area.height / 2
            yield Label(*middle, self.plot.empty or "nothing to show", _SMALL, self.palette.muted, "middle")
            return
        for mark in self.plot.marks:
            if mark.y is None:
                yield from self._mark_line(mark, area)
        for series in self.plot.series:
            yield from self._curve(series, area)
        for mark in self.plot.marks:
            if mark.y is not None and np.isfinite(mark.y):
                point = area.places([mark.x], [mark.y])[0]
                yield self._polygon("●", point, self._colour_of(mark))
                if mark.label:
                    yield Label(point[0] + 8, point[1] - 8, mark.label, _SMALL, self._colour_of(mark))

    def _mark_line(self, mark: Mark, area: _Area) -> Iterator[Shape]:
        x, colour = area.places([mark.x], [area.y.low])[0][0], self._colour_of(mark)
        if not area.left <= x <= area.left + area.width:
            return
        ends = ((x, float(area.top)), (x, float(area.top + area.height)))
        yield Line(0, 0, ends, colour, 1.0, (3, 4) if mark.is_faint else None)
        sides: tuple[tuple[str, float, Anchor], ...] = (
            (mark.label, x + 6, "start"),
            (mark.left_label, x - 6, "end"),
        )
        for text, at, anchor in sides:
            if text:
                yield Label(at, area.top + 12, text, _SMALL, colour, anchor)

    def _colour_of(self, mark: Mark) -> RGB:
        if mark.is_faint:
            return self.palette.muted
        if mark.colour is None:
            return accent_on(self.palette.background, self.palette)
        return series_colour(mark.colour, self.palette)

    def _curve(self, series: Series, area: _Area) -> Iterator[Shape]:
        if series.stroke is Stroke.POINTS:
            places = area.places(series.x, series.y)
            for point in places:
                if area.holds(point):
                    yield from self._marker(series, point)
            yield from self._arrows(series, area, places)
            return
        places = area.places(*area.thinned(series.x, series.y))
        for piece in area.pieces(places):
            yield self._line(series, piece)
        inside = [point for point in places if area.holds(point)]
        if inside and series.may_be_marked and inside[-1][0] - inside[0][0] < _SHORT:
            yield from self._marker(series, inside[-1])
        elif series.marker:
            last = -np.inf
            for point in places:
                if area.holds(point) and point[0] - last >= _EVERY:
                    last = point[0]
                    yield from self._marker(series, point)
        yield from self._arrows(series, area, places)

    def _arrows(self, series: Series, area: _Area, places: Sequence[Point]) -> Iterator[Shape]:
        """At the edge beyond which a curve is."""
        last = -np.inf
        for x, y in places:
            if np.isnan(x + y) or area.top - 0.5 <= y <= area.top + area.height + 0.5 or x - last < _ARROWS:
                continue
            last, is_above = x, y < area.top
            edge, down = (area.top + 8, 1) if is_above else (area.top + area.height - 8, -1)
            corners = ((x, edge - 8.0 * down), (x + 4, float(edge)), (x - 4, float(edge)))
            yield Line(0, 0, corners, self._colour(series), is_filled=True)

    def _line(self, series: Series, points: Sequence[Point]) -> Line:
        thickness = _THICKNESS.get(series.stroke, 1.8)
        return Line(0, 0, (*points,), self._colour(series), thickness, _DASHES.get(series.stroke))

    def _colour(self, series: Series) -> RGB:
        colour = series_colour(series.colour, self.palette)
        return tint(colour, self.palette.background, 0.5) if series.stroke is Stroke.FAINT else colour

    def _marker(self, series: Series, point: Point) -> Iterator[Shape]:
        colour = self._colour(series)
        yield self._polygon(series.marker, point, colour)
        if series.marker == "◇":
            yield self._polygon(series.marker, point, self.palette.background, 0.55)

    def _polygon(self, marker: str, point: Point, colour: RGB, share: float = 1.0) -> Line:
        size = _MARKER * share
        corners = _CORNERS.get(marker, _CORNERS["●"])
        places = tuple((point[0] + size * right, point[1] + size * down) for right, down in corners)
        return Line(0, 0, places, colour, is_filled=True)


@dataclass(frozen=True, eq=False)
class _Area:
    """The rectangle inside the axes."""

    x: Scale
    y: Scale
    left: int
    top: int
    width: int
    height: int

    def places(self, x: Array | Sequence[float], y: Array | Sequence[float]) -> list[Point]:
        """Where points lie; an infinite one far beyond, NaN where there is none."""
        across = self.left + self.x.share(np.asarray(x, float)) * self.width
        up = self.y.share(np.asarray(y, float)).clip(-100, 100)
        return [*zip(across.tolist(), (self.top + (1 - up) * self.height).tolist(), strict=True)]

    def holds(self, point: Point) -> bool:
        """Whether it lies inside; NaN does not."""
        x, y = point
        right, bottom = self.left + self.width, self.top + self.height
        return self.left - 0.5 <= x <= right + 0.5 and self.top - 0.5 <= y <= bottom + 0.5

    def thinned(self, x: Array, y: Array) -> tuple[Array, Array]:
        """A curve of more points than twice the units: of each unit its least and its greatest value."""
        if len(x) <= 2 * self.width or self.x.is_log:
            return x, y
        edges = np.linspace(self.x.low, self.x.high, self.width + 1)
        low, high = envelope(x, y, edges)
        middles = (edges[:-1] + edges[1:]) / 2
        return np.repeat(middles, 2), np.stack([low, high], axis=1).reshape(-1)

    def pieces(self, places: Sequence[Point]) -> Iterator[list[Point]]:
        """The parts of a line that lie between top and bottom, cut where it leaves; a gap at each NaN."""
        piece: list[Point] = []
        for one, other in pairwise(places):
            cut = None if np.isnan(sum(one) + sum(other)) else self._cut(one, other)
            if cut is None or (piece and piece[-1] != cut[0]):
                if len(piece) > 1:
                    yield piece
                piece = []
            if cut is not None:
                piece = [*(piece or [cut[0]]), *([cut[1]] if cut[0] != cut[1] else [])]
        if len(piece) > 1:
            yield piece

    def _cut(self, one: Point, other: Point) -> tuple[Point, Point] | None:
        """What of a straight line lies inside, None if nothing does."""
        top, bottom, rise = float(self.top), float(self.top + self.height), other[1] - one[1]
        if max(one[1], other[1]) < top or min(one[1], other[1]) > bottom:
            return None

        def kept(point: Point) -> Point:
            y = point[1]
            if top <= y <= bottom:
                return point
            edge = min(max(y, top), bottom)
            return one[0] + (other[0] - one[0]) * (edge - one[1]) / rise, edge

        return kept(one), kept(other)


def table_diagram(
    title: str, names: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[str], palette: Palette
) -> Diagram:
    """A table: the columns named in `left` begin at the left, the others end at the right."""
    widths = [
        round(max(text_width(each, _SMALL) for each in column)) for column in zip(names, *rows, strict=True)
    ]
    shapes: list[Shape] = [Label(_MARGIN, 34, title, _TITLE, palette.text)]
    x, y = _MARGIN, 66
    total = sum(widths) + 24 * (len(widths) - 1)
    for at, (name, width) in enumerate(zip(names, widths, strict=True)):
        is_left = name in left
        place, anchor = (x, _START) if is_left else (x + width, _END)
        for line, text in enumerate([name, *(row[at] for row in rows)]):
            colour = palette.text if line else palette.muted
            shapes.append(Label(place, y + line * _LINE + 4 * bool(line), text, _SMALL, colour, anchor))
        x += width + 24
    shapes.append(Box(_MARGIN, y + 8, total, 1, palette.muted))
    height = y + len(rows) * _LINE + _MARGIN
    width = max(total, round(text_width(title, _TITLE))) + 2 * _MARGIN
    return Diagram(width, height, palette.background, title, tuple(shapes), (Frame(1.0),))
