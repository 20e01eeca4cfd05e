"""The pictures of the Norms page: histograms before and after, statistics so far, and their spread."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from math import floor, log10
from typing import Final

import numpy as np

from convtui.engine.spec import Floats
from convtui.pages.batchnorm.figures import Figures
from convtui.pages.batchnorm.labels import fitting, number
from convtui.pages.batchnorm.styled_text import BATCH, RUNNING
from convtui.paint.axes import Scale, digits, round_range, top_of
from convtui.paint.histogram import Histogram
from convtui.paint.plots import Mark, Plot, Series, Stroke
from convtui.state.batch_measurement import SpreadBySize

GUTTER: Final = 4  # columns of the histograms' heights
LEAST_BATCHES: Final = 20  # on the axis
LARGEST_SIZE: Final = 512.0  # on the axis
LINE_POINTS: Final = 100
MOST_OF_ALL: Final = 0.98  # of all images: beyond that the line of the standard error falls off the plot
TAIL: Final = 0.02  # of the values at either end, for which an axis is not made longer
STEPS: Final = 10  # of the axis before, at least whose ends are round
ENDS: Final = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)  # of the axis after, times a power of ten
HEADROOM: Final = 1.1


class Statistic(Enum):
    """What of a channel's values in a mini-batch is plotted."""

    MEAN = "mean"
    VARIANCE = "variance"


def before_histogram(figures: Figures, width: int) -> Histogram:
    """The activations that share a mean as the norm gets them, with their mean and standard deviation.

    width is that of the pane, whose every column is a bin. The axes are those of the first images, so that
    they stay from one mini-batch to the next; what lies beyond is counted in the outermost bins.
    """
    values, reference = figures.values, figures.reference.values
    scale = round_range(*_most_of(reference), STEPS)
    mean, std = float(values.mean()), float(values.std())
    counts, beyond = _counted(values, scale, width)
    return Histogram(
        _title("x before", mean, std, width),
        counts,
        scale.low,
        scale.high,
        marks=_marks(mean, std),
        as_share=True,
        colour=BATCH,
        gutter=GUTTER,
        beyond=beyond,
        top=_top(figures, _counted(reference, scale, width)[0]),
    )


def after_histogram(figures: Figures, width: int) -> Histogram:
    """The same after it in the present mode; the other mode's as an outline over it, where that differs.

    The axes are those of the first images with the present gamma and beta.
    """
    present, other, reference = figures.present, figures.other, figures.reference
    is_training = figures.session.norm.training
    low, high = _most_of(reference.output)
    scale = Scale(-_round_up(-low), _round_up(high))
    mean, std = float(present.output.mean()), float(present.output.std())
    colours = (BATCH, RUNNING) if is_training else (RUNNING, BATCH)
    names = ("training", "evaluation") if is_training else ("evaluation", "training")
    counts, beyond = _counted(present.output, scale, width)
    outline, outline_beyond = None, (0.0, 0.0)
    if figures.has_modes and not figures.session.refusal:
        outline, outline_beyond = _counted(other.output, scale, width)
    return Histogram(
        _title("y after", mean, std, width),
        counts,
        scale.low,
        scale.high,
        name=names[0] if figures.has_modes else "",
        outline=outline,
        outline_name=names[1],
        marks=_marks(mean, std),
        as_share=True,
        colour=colours[0],
        outline_colour=colours[1],
        gutter=GUTTER,
        beyond=beyond,
        outline_beyond=outline_beyond,
        top=_top(figures, _counted(reference.output, scale, width)[0]),
    )


def batches_plot(figures: Figures, statistic: Statistic, width: int) -> Plot:
    """The statistic of each mini-batch so far, and the running one that follows it; width is the pane's."""
    session, channel = figures.session, figures.channel
    batches = [*(batch.statistics for batch in session.past), figures.statistics]
    norms = [*(batch.norm for batch in session.past), session.norm, figures.after]
    if statistic is Statistic.MEAN:
        title = "mean of each mini-batch"
        own = [float(each.mean[channel]) for each in batches]
        running = [float(each.running_mean[channel]) for each in norms]
    else:
        title = "unbiased variance of each mini-batch"
        own = [float(each.unbiased_var[channel]) for each in batches]
        running = [float(each.running_var[channel]) for each in norms]
    count = len(own)
    last = max(LEAST_BATCHES, round_range(0, count).high)
    return Plot(
        fitting([title, title.partition(" of ")[0]], width),
        (
            Series("mini-batch", np.arange(1.0, count + 1), np.array(own), BATCH, Stroke.POINTS, "●"),
            Series("running", np.arange(0.0, count + 1), np.array(running), RUNNING, Stroke.THICK),
        ),
        x_label="mini-batch",
        x_range=(0.0, float(last)),
    )


def spread_plot(figures: Figures, by_size: SpreadBySize | None, statistic: Statistic, width: int) -> Plot:
    """How much the statistic differs between mini-batches of each size, and the standard error's line.

    width is that of the pane, which may have room to say what this means.
    """
    size, name = figures.session.batch_size, f"spread of the batch {statistic.value}"
    title = fitting([f"{name}: noise that regularises", name, f"spread of the {statistic.value}"], width)
    ends = (min(1.0, size), max(LARGEST_SIZE, size))
    empty = Plot(title, (), "mini-batch size", ends, log_x=True, log_y=True)
    if figures.session.network.module:
        return replace(empty, empty="one input of your network has no spread")
    if by_size is None:
        return replace(empty, empty="drawing mini-batches of every size …")
    sizes, count = np.array(by_size.sizes, float), by_size.image_count
    spread = (by_size.means if statistic is Statistic.MEAN else by_size.variances)[:, figures.channel]
    if not (spread > 0).any():
        return replace(empty, empty=f"no spread: {_why_no_spread(figures, statistic)}")
    one = spread_of_one_image(sizes, spread, count)
    along = np.geomspace(ends[0], min(ends[1], MOST_OF_ALL * count), LINE_POINTS)
    here = float(one * standard_error(np.array([float(size)]), count)[0])
    law, short = f"1 image's spread/√size·√(1-size/{count:,})", "1 image's spread/√size"
    return replace(
        empty,
        series=(
            Series(
                fitting([law, short], width - 16),
                along,
                one * standard_error(along, count),
                None,
                Stroke.DASHED,
            ),
            Series(f"{by_size.draws} draws", sizes, spread, BATCH, Stroke.POINTS, "●"),
        ),
        marks=(Mark(float(size), None, f"{size}: about ±{digits(here)}"),),
    )


def _why_no_spread(figures: Figures, statistic: Statistic) -> str:
    """What the channel's values and the layers before it show of why all mini-batches have one statistic."""
    of = figures.reference.values
    if (of == of[0]).all():
        return "all images give the same value"
    if figures.session.network.norms_before(figures.session.layer):
        return f"the batch norm before it fixes this {statistic.value}"
    return f"all mini-batches have the same {statistic.value}"


def standard_error(sizes: Floats, image_count: int) -> Floats:
    """The standard error of the mean of so many images, for a spread of 1 between single images.

    1/√size·√(1 - size/image_count): the second factor, the finite population correction, is there because
    no image is drawn twice, so that the mean of all of them is always the same.
    Source: https://en.wikipedia.org/wiki/Standard_error#Finite_population_correction_(FPC)
    """
    errors: Floats = np.sqrt((1 - sizes / image_count).clip(0) / sizes)
    return errors


def spread_of_one_image(sizes: Floats, spread: Floats, image_count: int) -> float:
    """The spread of one image for which the standard errors are nearest to these, on a logarithmic scale."""
    errors = standard_error(sizes, image_count)
    is_spread = (spread > 0) & (errors > 0)
    return float(np.exp(np.mean(np.log(spread[is_spread] / errors[is_spread]))))


def _title(name: str, mean: float, std: float, width: int) -> str:
    figures = f"{number(mean)} ± {number(std)}"
    return fitting([f"{name}: mean {figures}", f"{name}: {figures}"], width)


def _marks(mean: float, std: float) -> tuple[Mark, ...]:
    marks = [Mark(mean, None, "μ")]
    if std:
        marks += [Mark(mean - std, None, "-σ"), Mark(mean + std, None, "+σ")]
    return tuple(marks)


def _most_of(values: Floats) -> tuple[float, float]:
    """The ends between which nearly all values lie; all of them where that is but one value."""
    low, high = map(float, np.quantile(values, (TAIL, 1 - TAIL)))
    return (low, high) if high > low else (float(values.min()), float(values.max()))


def _round_up(value: float) -> float:
    """The end of an axis that is not less, with room to see gamma change."""
    value = max(value, 1.0)
    power = 10.0 ** floor(log10(value))
    return next(times * power for times in ENDS if times * power >= value * (1 - 1e-9))


def _counted(values: Floats, scale: Scale, width: int) -> tuple[Floats, tuple[float, float]]:
    """How many values are in each bin, those beyond in the outermost; and the percentages beyond."""
    ends = scale.low, scale.high
    counts, _ = np.histogram(values.clip(*ends), max(width - GUTTER - 1, 1), ends)
    beyond = float((values < scale.low).mean()), float((values > scale.high).mean())
    return counts.astype(np.float64), (100 * beyond[0], 100 * beyond[1])


def _top(figures: Figures, counts: Floats) -> float | None:
    """The end of the heights' axis, with some room for other mini-batches.

    None where only one image's values are shown: they may lie in a few bins.
    """
    if not figures.session.choice.is_batch:
        return None
    return top_of(HEADROOM * 100 * counts / (counts.sum() or 1))
