"""The pictures of the BatchNorm page: histograms before and after, and statistics batch by batch."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from convtui.batches import Scatter
from convtui.engine.spec import Floats
from convtui.views.axes import round_range, round_step
from convtui.views.batchnorm_figures import Figures, Side
from convtui.views.batchnorm_words import BATCH, RUNNING, number
from convtui.views.histogram import Histogram
from convtui.views.plots import Mark, Plot, Series, Stroke

GUTTER: Final = 4  # columns of the histograms' heights
LEAST_BATCHES: Final = 20  # on the axis
LARGEST_SIZE: Final = 512.0  # on the axis

MEAN: Final = "mean"
VARIANCE: Final = "variance"


def before_histogram(figures: Figures, width: int) -> Histogram:
    """The channel's activations as the batch norm gets them, with the batch's mean and deviation.

    width is that of the pane, whose every column is a bin.
    """
    side, values = figures.training, figures.values
    scale = round_range(float(values.min()), float(values.max()))
    std = float(np.sqrt(side.var))
    marks, title = _marks(side.mean, std), _title("x before", side.mean, std, width)
    counts = _counted(values, scale.low, scale.high, width)
    return Histogram(
        title, counts, scale.low, scale.high, marks=marks, as_share=True, colour=BATCH, gutter=GUTTER
    )


def after_histogram(figures: Figures, width: int) -> Histogram:
    """The channel after it in the present mode; the other mode's as an outline over it."""
    used, other = figures.used, figures.other
    is_training = figures.batches.norm.training
    low, high = _reach(used, other)
    mean, std = float(used.output.mean()), float(used.output.std())
    colours = (BATCH, RUNNING) if is_training else (RUNNING, BATCH)
    names = ("training", "evaluation") if is_training else ("evaluation", "training")
    return Histogram(
        _title("y after", mean, std, width),
        _counted(used.output, low, high, width),
        low,
        high,
        name=names[0],
        outline=_counted(other.output, low, high, width),
        outline_name=names[1],
        marks=_marks(mean, std),
        as_share=True,
        colour=colours[0],
        outline_colour=colours[1],
        gutter=GUTTER,
    )


def batches_plot(figures: Figures, statistic: str, width: int) -> Plot:
    """The statistic of each mini-batch so far, and the running one that follows it; width is the pane's."""
    batches, channel = figures.batches, figures.channel
    stats = [*(seen.statistics for seen in batches.seen), figures.statistics]
    norms = [*(seen.norm for seen in batches.seen), batches.norm, figures.after]
    if statistic == MEAN:
        own = [float(each.mean[channel]) for each in stats]
        running = [float(each.running_mean[channel]) for each in norms]
    else:
        own = [float(each.unbiased_var[channel]) for each in stats]
        running = [float(each.running_var[channel]) for each in norms]
    count = len(own)
    last = max(LEAST_BATCHES, round_range(0, count).high)
    name = "mean" if statistic == MEAN else "unbiased variance"
    return Plot(
        _fitting(width, f"{name}, batch by batch", name),
        (
            Series("batch", np.arange(1.0, count + 1), np.array(own), BATCH, Stroke.POINTS, "●"),
            Series("running", np.arange(0.0, count + 1), np.array(running), RUNNING, Stroke.THICK),
        ),
        x_label="batch",
        x_range=(0.0, float(last)),
    )


def scatter_plot(figures: Figures, scatter: Scatter | None, statistic: str, width: int) -> Plot:
    """By how much the statistic differs between mini-batches of a size, with the line of 1/√size.

    width is that of the pane, which may have room to say what this means.
    """
    size, short = figures.batches.batch_size, f"scatter of the {statistic}"
    full = f"scatter of the batch {statistic}"
    title = _fitting(width, f"{full}: the noise that regularises", full, short)
    ends = (min(1.0, size), max(LARGEST_SIZE, size))
    empty = Plot(title, (), "batch size", ends, log_x=True, log_y=True)
    if scatter is None:
        return replace(empty, empty="drawing mini-batches of every size …")
    sizes = np.array(scatter.sizes, float)
    spread = (scatter.means if statistic == MEAN else scatter.variances)[:, figures.channel]
    if not (spread > 0).any():
        return replace(empty, empty="none: all images give the same")
    law = root_law(sizes, spread)
    return replace(
        empty,
        series=(
            Series("c/√size", np.array(ends), law / np.sqrt(ends), None, Stroke.DASHED),
            Series(f"of {scatter.draws} draws", sizes, spread, BATCH, Stroke.POINTS, "●"),
        ),
        marks=(Mark(float(size), None, f"{size}: ±{number(law / size**0.5)}"),),
    )


def root_law(sizes: Floats, spread: Floats) -> float:
    """The c of c/√size that is nearest to the spreads on a logarithmic scale."""
    is_spread = spread > 0
    return float(np.exp(np.mean(np.log(spread[is_spread] * np.sqrt(sizes[is_spread])))))


def _title(name: str, mean: float, std: float, width: int) -> str:
    figures = f"{number(mean)} ± {number(std)}"
    return _fitting(width, f"{name}: mean {figures}", f"{name}: {figures}")


def _fitting(width: int, *titles: str) -> str:
    """The first that fits, else the last."""
    return next((title for title in titles if len(title) <= width), titles[-1])


def _marks(mean: float, std: float) -> tuple[Mark, ...]:
    marks = [Mark(mean, None, "μ")]
    if std:
        marks += [Mark(mean - std, None, "-σ"), Mark(mean + std, None, "+σ")]
    return tuple(marks)


def _reach(*sides: Side) -> tuple[float, float]:
    """The ends of the axis, each 1, 2 or 5 times a power of ten, so that a change of gamma is seen."""
    low = min(float(side.output.min()) for side in sides)
    high = max(float(side.output.max()) for side in sides)
    return -_round_up(-low), _round_up(high)


def _round_up(value: float) -> float:
    """The least of 1, 2, 5, 10, 20, ... that is not less."""
    return max(1.0, round_step(max(value, 1.0), 1))


def _counted(values: Floats, low: float, high: float, width: int) -> Floats:
    counts, _ = np.histogram(values, max(width - GUTTER - 1, 1), (low, high))
    return counts.astype(np.float64)
