"""Scales, their ticks and the axes: how a value comes to lie on a line of characters, and what stands there.

Ticks and the ends of ranges are 1, 2 or 5 times a power of ten, so that a range that grows with its data
grows seldom and to round numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, log10
from typing import Final

import numpy as np

from convtui.paint.colours import Array, style
from convtui.paint.glyphs import Glyphs

Label = tuple[int, str]  # the column where it begins, or the line that it stands on

LEAST_HEIGHT: Final = 6  # lines from which there are axes
LEAST_WIDTH: Final = 24
LINES_BELOW: Final = 2  # that the lower axis and its labels take


@dataclass(frozen=True)
class Scale:
    """From `low` to `high`, evenly or by their logarithms."""

    low: float
    high: float
    is_log: bool = False

    @classmethod
    def around(cls, values: Array, is_log: bool = False) -> Scale:
        """The least round range that holds all finite values; of a logarithm all above zero."""
        kept = values[np.isfinite(values)]
        if is_log:
            kept = kept[kept > 0]
        if not len(kept):
            return cls(0.1, 1.0, True) if is_log else cls(0.0, 1.0)
        low, high = float(kept.min()), float(kept.max())
        return _round_log(low, high) if is_log else round_range(low, high)

    def share(self, values: Array) -> Array:
        """Where values lie: 0 at `low`, 1 at `high`; NaN stays, and so does a logarithm's zero or less."""
        if self.is_log:
            values = np.log10(np.where(values > 0, values, np.nan))
        low, high = self._ends
        return np.asarray((values - low) / (high - low))

    def ticks(self, most: int) -> list[float]:
        """At most so many round values, evenly spaced."""
        return log_ticks(self.low, self.high, most) if self.is_log else ticks(self.low, self.high, most)

    @property
    def _ends(self) -> tuple[float, float]:
        low, high = (log10(self.low), log10(self.high)) if self.is_log else (self.low, self.high)
        return low, high if high > low else low + 1


def round_step(span: float, most: int) -> float:
    """The least of 1, 2 and 5 times a power of ten of which at most so many make the span."""
    least = span / max(most, 1)
    power = 10.0 ** floor(log10(least))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= least * (1 - 1e-9))


def round_range(low: float, high: float, most: int = 5) -> Scale:
    """The range widened to whole steps, of which there are about `most`."""
    if not high - low > max(abs(low), abs(high)) * 1e-9:
        span = abs(high) / 10 or 1.0
        low, high = low - span, high + span
    step = round_step(high - low, most)
    return Scale(_times(floor(low / step + 1e-9), step), _times(ceil(high / step - 1e-9), step))


def top_of(values: Array) -> float:
    """The round end of an axis from zero that holds all finite values; 1 if none is above zero."""
    highest = float(values[np.isfinite(values)].max(initial=0.0))
    return round_range(0.0, highest).high if highest > 0 else 1.0


def ticks(low: float, high: float, most: int) -> list[float]:
    """Multiples of a round step from low to high, at most so many; none where there is no span.

    Where only one multiple fits but both ends are round, they are the ticks.
    """
    if not (np.isfinite(high - low) and high > low and most > 0):
        return []
    step = round_step(high - low, most + 1)
    while True:
        first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
        if last - first < most:
            found = [_times(count, step) for count in range(first, last + 1)]
            is_round = low == float(f"{low:.2g}") and high == float(f"{high:.2g}")
            return [low, high] if len(found) < 2 <= most and is_round else found
        step = round_step(step * 1.5, 1)


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """1, 2 and 5 times the powers of ten from low to high, or only powers, or only some of them."""
    decades = range(floor(log10(low)) - 1, ceil(log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        found = [_times(factor, 10.0**power) for power in decades for factor in factors]
        found = [value for value in found if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
        if len(found) <= most:
            return found
    return found[:: ceil(len(found) / max(most, 1))]


def tick_labels(values: Sequence[float], is_log: bool = False) -> list[str]:
    """The values with as many decimals as they need, all alike; of a logarithmic scale each its own."""
    if is_log or len(values) < 2:
        return [short(value) for value in values]
    step, largest = min(np.diff(values)), max(map(abs, values))
    if largest >= 1e5 or step < 1e-4:
        return [short(value) for value in values]
    if largest >= 1e4 and step >= 1000:
        return [f"{value / 1000:.0f}k" if value else "0" for value in values]
    decimals = next(
        (count for count in range(6) if all(abs(round(each, count) - each) < step / 1e6 for each in values)),
        6,
    )
    return [f"{value or 0.0:.{decimals}f}" for value in values]


def short(value: float) -> str:
    """A round value in few characters: 0.02, 300, 2e-5, 1e6."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.6g}"
    digits, exponent = f"{value:.3e}".split("e")
    return f"{digits.rstrip('0').rstrip('.')}e{int(exponent)}"


def digits(value: float) -> str:
    """Three digits of a value in few characters: 0.0123, 6e-7."""
    return short(float(f"{value:.3g}"))


def places(scale: Scale, values: Sequence[float], cells: int, dots: int = 1) -> list[int]:
    """The cells in which values lie, of so many cells with so many dots each."""
    last = cells * dots - 1
    shares = scale.share(np.asarray(values, float))
    return [round(share * last) // dots for share in shares.clip(0, 1).tolist()]


@lru_cache(maxsize=64)
def labels_below(
    scale: Scale, width: int, name: str = "", dots: int = 1
) -> tuple[Sequence[int], Sequence[Label]]:
    """The columns of the ticks on an axis of so many columns, and the labels below with the axis' name.

    Labels do not touch and lie inside the width; the name is at the right end if it leaves place for ticks.
    """
    room = width - len(name) - 2 if name and width >= 3 * len(name) + 8 else width
    labels: list[Label] = [] if room == width else [(width - len(name), name)]
    columns: list[int] = []
    for most in range(max(2, width // 8), 1, -1):
        values = scale.ticks(most)
        texts = tick_labels(values, scale.is_log)
        columns = places(scale, values, width, dots)
        starts = [
            min(max(column - len(text) // 2, 0), width - len(text))
            for column, text in zip(columns, texts, strict=True)
        ]
        ends = [start + len(text) for start, text in zip(starts, texts, strict=True)]
        if all(end + 2 <= start for end, start in zip(ends, starts[1:], strict=False)):
            fitting = [at for at, end in enumerate(ends) if end <= room and starts[at] >= 0]
            return columns, [*((starts[at], texts[at]) for at in fitting), *labels]
    return columns, labels


def has_axes(size: tuple[int, int]) -> bool:
    """Whether there is room for axes in so many lines and columns."""
    return size[0] >= LEAST_HEIGHT and size[1] >= LEAST_WIDTH


def draw_axes(
    glyphs: Glyphs,
    frame: tuple[int, int],
    labels: Sequence[Label],
    below: Scale,
    name: str = "",
    gutter: int = 0,
    dots: int = 1,
) -> int:
    """The axis at the left of a frame (first line, lines) and the one below it; tells the column between.

    labels are those at the left with the lines of the frame that they stand on, gutter the least width of
    them. name is that of the axis below, which has so many dots a column.
    """
    (top, rows), muted = frame, style(glyphs.palette.muted, glyphs.palette.background)
    left = max(gutter, 1, *(len(label) for _, label in labels)) + 1
    glyphs.fill(top, left - 1, (rows, 1), "│", muted)
    for row, label in labels:
        glyphs.write(top + row, left - 1 - len(label), f"{label}┤", muted)
    columns = glyphs.width - left
    ticks, texts = labels_below(below, columns, name, dots)
    glyphs.write(top + rows, left - 1, "└" + "─" * columns, muted)
    for column in ticks:
        glyphs.write(top + rows, left + column, "┬", muted)
    for column, text in texts:
        glyphs.write(top + rows + 1, left + column, text, muted)
    return left


def _round_log(low: float, high: float) -> Scale:
    """From a 1, 2 or 5 times a power of ten to another."""
    least, most = floor(log10(low)), ceil(log10(high))
    marks = [_times(factor, 10.0**power) for power in range(least, most + 1) for factor in (1, 2, 5)]
    start = max(mark for mark in marks if mark <= low * (1 + 1e-9))
    end = min(mark for mark in marks if mark >= high * (1 - 1e-9))
    return Scale(start, end if end > start else start * 10, True)


def _times(count: float, step: float) -> float:
    """A multiple without the dust of its product: 3 x 0.1 is 0.3."""
    return float(f"{count * step:.12g}") + 0.0
