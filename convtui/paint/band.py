"""Histograms over time as a coloured band, after fastai's "colourful dimension".

Columns are time, rows are the values of the activations, the colour is the logarithm of how many there are.
Source: https://docs.fast.ai/callback.hook.html (ActivationStats.color_dim)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convtui.paint.axes import LINES_BELOW, Scale, draw_axes, has_axes, places, round_step, short, tick_labels
from convtui.paint.colours import Array, Palette, Pixels, accent_on, ink, style, tint
from convtui.paint.glyphs import Glyphs, Lines
from convtui.paint.histogram import rebinned
from convtui.paint.panes import Size
from convtui.paint.plots import MARK_LINES, Mark, draw_mark, say_empty
from convtui.paint.text import cut_to

ROOMY: Final = 8  # lines from which the scale may have a line of its own
LEVELS: Final = 48  # shades of the scale; more are not told apart and cost time
DENSITY: Final = " .:-=+*#%@"  # the scale where there are no colours

# Viridis of matplotlib (CC0) on dark ground and YlGnBu of ColorBrewer 2.0 (Apache-2.0) on light ground: even
# steps for the eye, in grey too, and for the colour-blind.
_ON_DARK: Final = ("440154", "482878", "3e4989", "31688e", "26828e", "1f9e89", "35b779", "6ece58", "b5de2b",
                   "fde725")  # fmt: skip
_ON_LIGHT: Final = ("ffffd9", "edf8b1", "c7e9b4", "7fcdbb", "41b6c4", "1d91c0", "225ea8", "253494", "081d58")


@dataclass(frozen=True, eq=False)
class Band:
    """Histograms counts [times, bins] of values from low to high, after the steps [times], which ascend.

    The axis of steps ends at last_step, so that the band grows into its place. The title says where the
    values were measured.
    """

    title: str
    steps: Array
    counts: Array
    low: float
    high: float
    last_step: int
    gutter: int = 0
    empty: str = ""  # what is said while there is no histogram
    of: str = ""  # what was counted, such as " of 16 images"
    marks: tuple[Mark, ...] = ()  # lines at some steps


def band_lines(band: Band, size: Size, palette: Palette) -> Lines:
    """The band as lines: title and scale of the colours, the band on its axes; small ones lose their axes."""
    height, width = size
    glyphs = Glyphs(height, width, palette)
    if not len(band.counts):
        glyphs.write(0, 0, cut_to(band.title, width), style(palette.text, palette.background, True))
        say_empty(glyphs, band.empty)
        return glyphs.lines()
    whole, band = band, cropped(band)
    most = float(np.sum(band.counts, axis=1).max())
    top = _draw_head(glyphs, band, most)
    rows = height - top - (LINES_BELOW if has_axes(size) else 0)
    if rows <= 0:
        return glyphs.lines()
    left = _draw_axes(glyphs, band, whole, top, rows) if has_axes(size) else 0
    shares = levels(band, most, 2 * rows, width - left)
    _draw_cells(glyphs, shares, top, left)
    for mark in band.marks:
        _draw_mark(glyphs, mark, shares, (top, left), _column_of(mark.x, band.last_step, width - left))
    return glyphs.lines()


def in_columns(band: Band, columns: int) -> Array:
    """The histograms [filled columns, bins] by even parts of the steps: the mean of those in each part.

    A part without a histogram shows the one before it, one at the start the first.
    """
    steps = np.asarray(band.steps, float)
    places = np.minimum((steps * columns / max(band.last_step, 1)).astype(int), columns - 1)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(places)) + 1])
    sizes = np.diff([*starts, len(places)])
    means = np.add.reduceat(np.asarray(band.counts, float), starts, axis=0) / sizes[:, None]
    filled = np.arange(places[-1] + 1)
    shown = np.searchsorted(places[starts], filled, side="right") - 1
    return np.asarray(means[shown.clip(0)])


def _column_of(step: float, last_step: int, columns: int) -> int:
    """Where in_columns has a step."""
    return min(int(step * columns / max(last_step, 1)), columns - 1)


def cropped(band: Band) -> Band:
    """The band without outer values that never occurred, to a round value that only ever grows."""
    edges = np.linspace(band.low, band.high, np.shape(band.counts)[-1] + 1)
    seen = np.any(band.counts, axis=0)
    if not seen.any():
        return band
    limit = round_step(float(max(np.abs(edges[:-1][seen]).max(), np.abs(edges[1:][seen]).max())), 1)
    if not any(np.isclose(edges, limit)):
        return band
    kept = np.flatnonzero((edges[:-1] > -limit * (1 + 1e-9)) & (edges[1:] < limit * (1 + 1e-9)))
    first, last = int(kept[0]), int(kept[-1]) + 1
    counts = np.asarray(band.counts)[:, first:last]
    return replace(band, counts=counts, low=float(edges[first]), high=float(edges[last]))


def levels(band: Band, most: float, rows: int, columns: int) -> Array:
    """log(1 + count) from 0 to 1 at log(1 + most), [rows, filled columns], the highest values first."""
    counts = rebinned(in_columns(band, columns), rows)
    return np.asarray((np.log1p(counts) / np.log1p(most or 1.0)).clip(0, 1).T[::-1])


@lru_cache(maxsize=4)
def colours(palette: Palette) -> Pixels:
    """The scale of the colours [LEVELS, 3], from nothing to most."""
    is_dark = ink(palette.background) == (255, 255, 255)
    anchors = np.array([list(bytes.fromhex(each)) for each in (_ON_DARK if is_dark else _ON_LIGHT)])
    at = np.linspace(0, len(anchors) - 1, LEVELS)
    parts = [np.interp(at, np.arange(len(anchors)), anchors[:, part]) for part in range(3)]
    scale: Pixels = np.rint(np.stack(parts, axis=-1)).astype(np.uint8)
    return scale


def _draw_cells(glyphs: Glyphs, shares: Array, top: int, left: int) -> None:
    """Two rows of values a line: by colours, or by glyphs where there are none."""
    palette = glyphs.palette
    if not palette.is_grey:
        number = np.ceil(shares * (LEVELS - 1) - 1e-9).astype(int)  # only nothing has the colour of nothing
        glyphs.put_pixels(top, left, colours(palette)[number])
        return
    both = shares.reshape(-1, 2, shares.shape[1]).max(axis=1)
    codes = _density(both)
    inside = (slice(top, top + len(both)), slice(left, left + both.shape[1]))
    glyphs.codes[inside] = codes
    glyphs.looks[inside] = glyphs.look(style(palette.text, palette.background))


def _draw_mark(glyphs: Glyphs, mark: Mark, shares: Array, corner: tuple[int, int], column: int) -> None:
    """The line of a mark, over the colours of the band where it is."""
    (top, left), palette = corner, glyphs.palette
    rows = len(shares) // 2
    draw_mark(glyphs, mark, (top, rows), left + column)
    if palette.is_grey or column >= shares.shape[1]:
        return
    number = np.ceil(shares[:, column] * (LEVELS - 1) - 1e-9).astype(int)
    grounds = colours(palette)[number].reshape(rows, 2, 3).astype(int).mean(axis=1).astype(int).tolist()
    for row, (red, green, blue) in enumerate(grounds):
        ground = red, green, blue
        of = tint(ink(ground), ground, 0.25) if mark.is_faint else accent_on(ground, palette)
        glyphs.write(top + row, left + column, MARK_LINES[mark.is_faint], style(of, ground))


def _density(shares: Array) -> NDArray[np.uint32]:
    """Glyphs for shares from 0 to 1; nothing at all is blank and only that."""
    ramp = np.array([ord(glyph) for glyph in DENSITY], np.uint32)
    return np.asarray(ramp[np.ceil(shares * (len(ramp) - 1) - 1e-9).astype(int)])


def _draw_head(glyphs: Glyphs, band: Band, most: float) -> int:
    """The title and the scale, right of it or below it; tells how many lines they take."""
    palette, width = glyphs.palette, glyphs.width
    muted = style(palette.muted, palette.background)
    end = glyphs.write(0, 0, cut_to(band.title, width), style(palette.text, palette.background, True))
    words, after = f"log(1 + count{band.of})  0 ", f" {short(float(f'{most:.2g}'))}"
    length = len(words) + len(DENSITY) + len(after)
    is_beside = end + 3 + length <= width
    if not most or length > width or not (is_beside or glyphs.height >= ROOMY):
        return 1
    row, start = (0, width - length) if is_beside else (1, 0)
    column = glyphs.write(row, start, words, muted)
    _draw_cells(glyphs, np.tile(np.linspace(0, 1, len(DENSITY)), (2, 1)), row, column)
    glyphs.write(row, column + len(DENSITY), after, muted)
    return row + 1


def _draw_axes(glyphs: Glyphs, band: Band, whole: Band, top: int, rows: int) -> int:
    """The values' axis at the left, the steps' below; tells the first column of the band.

    whole: the band before anything was left out.
    """
    up = Scale(band.low, band.high)
    values = up.ticks(max(2, rows // 2))
    rows_down = [rows - 1 - place for place in places(up, values, rows, 2)]
    labels = list(zip(rows_down, _with_beyond(whole, values), strict=True))
    return draw_axes(glyphs, (top, rows), labels, Scale(0, max(band.last_step, 1)), "step", band.gutter)


def _with_beyond(band: Band, values: Sequence[float]) -> list[str]:
    """The labels of values on the axis; what lies beyond its ends is counted in the outer bins, and told.

    Nothing lies below a low end of 0: such values come from a ReLU.
    """
    labels = tick_labels(values)
    counts = np.asarray(band.counts)
    for at, end, sign in ((0, band.low, "≤"), (-1, band.high, "≥")):
        if end and np.isclose(values[at], end) and counts[:, at].any():
            labels[at] = f"{sign} {labels[at]}"
    return labels
