"""The pictures of the laboratory, each with the definition of what it shows below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Final

import numpy as np

from convtui.pages.train.laboratory_figures import ArmFigures, RateFigures, Told
from convtui.paint.axes import round_range
from convtui.paint.colours import Array, Palette, style
from convtui.paint.glyphs import Glyphs, Lines
from convtui.paint.panes import Size
from convtui.paint.plots import MARKERS, Plot, Series, Stroke, plot_lines
from convtui.paint.text import cut_to

PICTURES: Final = ("gap", "noise", "landscape", "weights", "rates")
GUTTER: Final = 5
LARGE_PLOT: Final = 12  # lines that a plot keeps when there is a short definition
LEAST_PLOT: Final = 9  # when there is none
UNREACHED: Final = "not reached"

# A definition as short as it can be, and a longer one for where there is room.
ACCURACY_MEANS: Final = (
    "dashed: on training images; gap: dashed − line at the end",
    "line: on the validation set, dashed: on as many training images, means over the seeds; "
    "gap = training − validation accuracy after the last epoch, in points",
)
NOISE_MEANS: Final = (
    "noise in deviations of the data; slope = (L(0.5) − L(0)) / 0.5",
    "Gaussian noise on every pixel of the validation images, in deviations of the data; "
    "slope = (L(0.5) − L(0)) / 0.5 for the loss L; faint: ± a deviation over the seeds",
)
DIRECTIONS_MEAN: Final = (
    "random directions scaled by filter (Li et al. 2018); sharpness = mean L(±{at:g}) − L(0); "
    "λ: largest Hessian eigenvalue, power iteration (Yao et al. 2020)",
    "training loss L with the weights moved by α along random directions scaled by filter (Li et al. 2018); "
    "sharpness = mean L(±{at:g}) − L(0); λ: largest eigenvalue of the Hessian by power iteration "
    "(Yao et al. 2020)",
)
NORMS_MEAN: Final = (
    "a mark a run; L2 norm of all weights",
    "a mark a run: the L2 norm of all its weights, and the slope of its loss with noise on the images",
)
RATES_MEAN: Final = (
    "a mark a run; the line joins the means of rates at which every run gets there. Accuracy is measured "
    "after each epoch, so steps are known to within an epoch.",
)

_NOTHING: Final = np.zeros(0)


@dataclass(frozen=True, eq=False)
class Captioned:
    """A plot, and the definition of what it shows, in few words and in more."""

    plot: Plot
    captions: tuple[str, ...]


def captioned_lines(shown: Captioned, size: Size, palette: Palette) -> Lines:
    """The plot with the longest definition below it that leaves it large, else with the shortest, cut."""
    height, width = size
    wrapped = [wrap(caption, max(width, 1)) for caption in shown.captions]
    fitting = [lines for lines in wrapped if height - len(lines) >= LARGE_PLOT]
    caption = fitting[-1] if fitting else wrapped[0]
    room = min(max(height - LEAST_PLOT, 1), len(caption))
    if room < len(caption):
        caption = [*caption[: room - 1], cut_to(" ".join(caption[room - 1 :]), width)]
    below = Glyphs(room, width, palette)
    for row, line in enumerate(caption):
        below.write(row, 0, line, style(palette.muted, palette.background))
    return [*plot_lines(shown.plot, (height - room, width), palette), *below.lines()]


def accuracy_picture(arms: Sequence[ArmFigures], empty: str = "") -> Captioned:
    """Accuracy on both sets after each epoch, with the gap at the end."""
    series = []
    for arm in arms:
        x = np.arange(1.0, arm.accuracies.shape[1] + 1)
        series.append(Series("", x, _mean(arm.train_accuracies), arm.colour, Stroke.DASHED))
        name = f"{arm.name} · gap {arm.told.get('gap', '–')}"
        series.append(Series(name, x, _mean(arm.accuracies), arm.colour, marker=_marker(arm)))
    epochs = max((arm.accuracies.shape[1] for arm in arms), default=1)
    plot = Plot("accuracy, %", tuple(series), "epoch", (0, max(epochs, 1)), gutter=GUTTER, empty=empty)
    return Captioned(plot, ACCURACY_MEANS)


def noise_picture(arms: Sequence[ArmFigures], noises: Array, empty: str = "") -> Captioned:
    """The loss against the noise on the images."""
    series = [
        each
        for arm in arms
        for each in _spread(arm, noises, arm.noise_losses, f"slope {arm.told.get('slope', '–')}")
    ]
    x_range = float(noises[0]), float(noises[-1])
    plot = Plot("loss with noise on the images", tuple(series), "noise", x_range, gutter=GUTTER, empty=empty)
    return Captioned(plot, NOISE_MEANS)


def directions_picture(arms: Sequence[ArmFigures], alphas: Array, at: float, empty: str = "") -> Captioned:
    """The loss around the final weights; its axis is logarithmic, to show the floor as well as the walls."""
    series = [
        each
        for arm in arms
        for each in _spread(
            arm,
            alphas,
            arm.direction_losses,
            f"sharpness {arm.told.get('sharpness', '–')} · λ {arm.told.get('eigenvalue', '–')}",
        )
    ]
    plot = Plot(
        "loss around the final weights",
        tuple(series),
        "α",
        (float(alphas[0]), float(alphas[-1])),
        log_y=True,
        gutter=GUTTER,
        empty=empty,
    )
    return Captioned(plot, tuple(caption.format(at=at) for caption in DIRECTIONS_MEAN))


def norms_picture(arms: Sequence[ArmFigures], empty: str = "") -> Captioned:
    """A point for each run: the norm of its weights and what noise does to it."""
    series = tuple(
        Series(arm.name, arm.norms, arm.slopes, arm.colour, Stroke.POINTS, _marker(arm)) for arm in arms
    )
    plot = Plot("noise slope against weight norm", series, "weight norm", gutter=GUTTER, empty=empty)
    return Captioned(plot, NORMS_MEAN)


def rates_picture(arms: Sequence[RateFigures], target: float, empty: str = "") -> Captioned:
    """Steps to an accuracy against the rate; what does not reach it is on a line at the top."""
    steps = np.concatenate([_NOTHING, *(arm.steps.ravel() for arm in arms)])
    rates = np.concatenate([_NOTHING, *(arm.rates for arm in arms)])
    top = round_range(0.0, float(steps[np.isfinite(steps)].max(initial=1.0)) * 1.25).high
    ends = (float(rates.min(initial=1.0)), float(rates.max(initial=0.0)))
    series = [Series(UNREACHED, np.array(ends), np.full(2, top), None, Stroke.DOTTED)]
    for arm in arms:
        means = arm.steps.mean(axis=1) if arm.steps.size else _NOTHING
        means = np.where(np.isfinite(means), means, np.nan)
        series.append(Series("", arm.rates, means, arm.colour))
        x, y = np.repeat(arm.rates, arm.steps.shape[1]), arm.steps.ravel()
        series.append(
            Series(arm.name, x, np.where(np.isinf(y), top, y), arm.colour, Stroke.POINTS, _marker(arm))
        )
    is_empty = not np.isfinite(steps).any() and not np.isinf(steps).any()
    plot = Plot(
        f"steps to {target:.0%} of the validation set right",
        () if is_empty else tuple(series),
        "rate",
        (ends[0] / 1.2, ends[1] * 1.2),
        (0.0, top),
        log_x=True,
        gutter=GUTTER,
        empty=empty,
    )
    return Captioned(plot, RATES_MEAN)


def _spread(arm: ArmFigures, x: Array, values: Array, told: str) -> list[Series]:
    """The mean over the runs, and a deviation above and below it where there are two."""
    if not len(values):
        return [Series(f"{arm.name} · {told}", _NOTHING, _NOTHING, arm.colour, marker=_marker(arm))]
    mean = values.mean(axis=0)
    edges = [mean - values.std(axis=0, ddof=1), mean + values.std(axis=0, ddof=1)] if len(values) > 1 else []
    return [
        *(Series("", x, edge, arm.colour, Stroke.FAINT) for edge in edges),
        Series(f"{arm.name} · {told}", x, mean, arm.colour, marker=_marker(arm)),
    ]


def _mean(values: Array) -> Array:
    """Over the runs that have a value; NaN where none has."""
    known = np.isfinite(values)
    counts = known.sum(axis=0)
    sums = np.where(known, values, 0.0).sum(axis=0)
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan), float)


def _marker(arm: ArmFigures | RateFigures) -> str:
    return MARKERS[arm.colour % len(MARKERS)]


# -- words

_JOINED: Final = "\u00a0±\u00a0"


def _unbroken(sentence: str) -> str:
    """No line ends between a mean and its scatter."""
    return sentence.replace(" ± ", _JOINED)


def verdict_lines(told: tuple[Told, ...], size: Size, palette: Palette) -> Lines:
    """Sentences, each from a line of its own on; where there is no room for all, each is cut to a line."""
    height, width = size
    glyphs = Glyphs(height, width, palette)
    lines = [
        [
            line.replace(_JOINED, " ± ")
            for line in wrap(_unbroken(each.sentence), width, subsequent_indent="  ")
        ]
        for each in told
    ]
    if sum(map(len, lines)) > height:
        lines = [[cut_to(each.sentence, width)] for each in told]
    of = style(palette.text, palette.background)
    for row, line in enumerate(line for group in lines for line in group):
        glyphs.write(row, 0, line, of)
    return glyphs.lines()
