"""The plots of the Train page, from its figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from convtui.pages.train.figures import (
    Curves,
    FinderView,
    LayersView,
    Schedule,
    Times,
    WeightCurves,
    WeightView,
)
from convtui.paint.axes import Scale, digits, round_range, top_of
from convtui.paint.colours import Array
from convtui.paint.plots import MARKERS, Mark, Plot, Series, Stroke

GUTTER: Final = 5  # plots over one another have their axes in line
WIDE_GUTTER: Final = 6  # with small figures of either sign
LEAST_LOG_LOSS: Final = 0.1  # to which a logarithmic axis of losses reaches at least
FEW_EPOCHS: Final = 10  # so many are marked one by one in any plot
LOWEST_ACCURACIES: Final = (95.0, 90.0, 80.0, 50.0, 0.0)  # where an axis of accuracies can begin, in percent
ALL_RATES: Final = (1e-6, 10.0)  # that a search may try
EXPLODING: Final = 5  # tries at the end of a search
VALIDATION: Final = "◇"  # no run has this marker

USUAL: Final = 0.97  # the share of the gradients that lie within the axis

_NOTHING: Final = np.zeros(0)

Ends = tuple[float, float]  # of an axis


def marked(plot: Plot, times: Times) -> Plot:
    """A plot over steps or epochs with one-cycle's phases and the step that is looked back at."""
    scale = 1 / times.steps_per_epoch if plot.x_label == "epoch" else 1.0
    return replace(plot, marks=(*time_marks(times, scale), *plot.marks))


def time_marks(times: Times, scale: float = 1.0) -> tuple[Mark, ...]:
    """Lines on an axis on which a step is so long."""
    marks = []
    if times.peak is not None:
        marks.append(Mark(times.peak * scale, label="annealing", is_faint=True, left_label="warm-up"))
    if times.looked is not None:
        marks.append(Mark(times.looked * scale, label=f"step {times.looked:,}"))
    return tuple(marks)


def loss_plot(curves: Sequence[Curves], is_log: bool = False, looked: int | None = None) -> Plot:
    """Losses over the steps: of the last run raw, smoothed and validation, of those before it smoothed.

    The axis ends a little above the loss of guessing, so that a run that goes astray does not press all the
    others flat, and nothing jumps.
    """
    total = max((each.total_steps for each in curves), default=1)
    title, series = "loss", list[Series]()
    if curves:
        last = curves[-1]
        level = np.full(2, last.guessing)
        series = [
            Series(f"guessing {last.guessing:.2f}", np.array([0.0, total]), level, None, Stroke.DOTTED),
            *(replace(_overlaid(each, each.steps, each.smooth), name=each.name) for each in curves[:-1]),
            *_last_losses(last, is_one=len(curves) == 1),
        ]
        if len(curves) > 1:
            title = "training loss, smoothed"
        elif _is_lost(last):
            title = f"training loss, not finite since step {_lost_at(last):,}"
        elif np.isfinite(now := _up_to(last.smooth, last.steps, looked)[-1:]).any():
            title = f"training loss, smoothed {now[0]:.3f}"
    return Plot(
        title,
        tuple(series),
        "step",
        (0, total),
        _loss_range(curves, is_log),
        log_y=is_log,
        gutter=GUTTER,
        hint="y linear scale" if is_log else "y logarithmic scale",
        empty="no step yet" if curves else "space starts a run",
    )


def _up_to(values: Array, steps: Array, looked: int | None) -> Array:
    """Those of the steps up to the one that is looked back at, of all if none is."""
    return values if looked is None else values[: int(np.searchsorted(steps, looked, side="right"))]


def _last_losses(run: Curves, is_one: bool) -> list[Series]:
    """The smoothed losses on top; of a run on its own also those of each step and the validation's."""
    if not is_one:
        return [replace(_overlaid(run, run.steps, run.smooth), name=run.name, stroke=Stroke.THICK)]
    colour = run.colour or 0
    return [
        Series("each step", run.steps, run.losses, None, Stroke.FAINT),
        Series("smoothed", run.steps, run.smooth, colour, Stroke.THICK),
        Series(
            "validation set", run.epoch_steps, run.validation_losses, colour + 1, Stroke.POINTS, VALIDATION
        ),
    ]


def _loss_range(curves: Sequence[Curves], is_log: bool) -> tuple[float, float]:
    top = round_range(0, max((each.guessing for each in curves), default=1.0) * 1.2).high
    if not is_log:
        return 0.0, top
    shown = [np.concatenate([each.smooth, each.validation_losses]) for each in curves]
    lowest = Scale.around(np.concatenate([[LEAST_LOG_LOSS], *shown]), is_log=True).low
    return min(lowest, LEAST_LOG_LOSS), top


def _is_lost(run: Curves) -> bool:
    return bool(len(run.losses)) and not np.isfinite(run.losses[-1])


def _lost_at(run: Curves) -> int:
    """The step from which on no loss is a finite number."""
    found = np.flatnonzero(np.isfinite(run.losses))
    return int(run.steps[found[-1] + 1 if len(found) else 0])


def accuracy_plot(curves: Sequence[Curves], looked: int | None = None) -> Plot:
    """The share of the validation set classified correctly after each epoch; the legend is beside the losses.

    Of a run on its own also that of training images, as far as it is known, and the gap between them in
    points. The axis holds all accuracies of a run on its own, and those with which several runs end.
    """
    total = max((each.total_epochs for each in curves), default=1)
    is_one = len(curves) == 1
    series = tuple(
        replace(each, stroke=stroke, marker=each.marker if has_marker else "", has_points=not has_marker)
        for each in (_accuracies(run, is_one) for run in curves)
        for stroke, has_marker in _epoch_strokes(total)
    )
    training = _train_accuracies(curves[0], looked) if is_one else ()
    return Plot(
        _accuracy_title(curves[0], looked) if is_one else "accuracy, %",
        (*training, *series),
        "epoch",
        (0, total),
        (_lowest(curves), 100),
        gutter=GUTTER,
        empty="none: the loss is not finite" if is_one and _is_lost(curves[0]) else "after the first epoch",
    )


def _accuracies(run: Curves, is_one: bool) -> Series:
    """A run on its own has the look of its validation loss."""
    if is_one:
        return Series("", run.epochs, run.accuracies * 100, (run.colour or 0) + 1, marker=VALIDATION)
    return _overlaid(run, run.epochs, run.accuracies * 100)


def _train_accuracies(run: Curves, looked: int | None) -> tuple[Series, ...]:
    """A line behind that of the validation set; none where it was not measured."""
    if not np.isfinite(run.train_accuracies[-1:]).any():
        return ()
    last = _up_to(run.train_accuracies, run.epoch_steps, looked)[-1:]
    name = f"training {last[0]:.1%}" if np.isfinite(last).any() else "training"
    return (Series(name, run.epochs, run.train_accuracies * 100, None, Stroke.DASHED),)


def _accuracy_title(run: Curves, looked: int | None) -> str:
    last, of_training = (
        _up_to(each, run.epoch_steps, looked)[-1:] for each in (run.accuracies, run.train_accuracies)
    )
    if not np.isfinite(last).any():
        return "accuracy, %"
    gap = 100 * (of_training - last) if len(of_training) else _NOTHING
    told = f", gap {gap[0]:.1f}".replace("-", "−") if np.isfinite(gap).any() else ""
    return f"accuracy {last[0]:.1%}{told}"


def _overlaid(run: Curves, x: Array, y: Array) -> Series:
    """A curve of one of several runs."""
    if run.colour is None:
        return Series("", x, y, None)
    return Series("", x, y, run.colour, marker=_marker(run.colour))


def _lowest(curves: Sequence[Curves]) -> float:
    """Where the axis of accuracies begins."""
    found = [each.accuracies * 100 for each in curves]
    if len(curves) > 1:
        found = [each[-1:] for each in found]
    else:
        found += [each.train_accuracies * 100 for each in curves]
    values = np.concatenate([_NOTHING, *found])
    values = values[np.isfinite(values)]
    lowest = float(values.min()) if len(values) else 0.0
    return next(low for low in LOWEST_ACCURACIES[len(curves) == 1 :] if low <= lowest)


def _epoch_strokes(epochs: int) -> list[tuple[Stroke, bool]]:
    """A line with a marker now and then; with few epochs one at each of them and no other."""
    if epochs <= FEW_EPOCHS:
        return [(Stroke.LINE, False), (Stroke.POINTS, True)]
    return [(Stroke.LINE, True)]


def rate_plot(schedule: Schedule) -> Plot:
    """The learning rate of all steps, known in advance, and the present one."""
    return _schedule_plot("learning rate", schedule.lrs, schedule.step, (0.0, top_of(schedule.lrs)))


def momentum_plot(schedule: Schedule) -> Plot:
    """The momentum of all steps, known in advance, and the present one."""
    name = "momentum" if schedule.momentum_name == "momentum" else f"momentum ({schedule.momentum_name})"
    return _schedule_plot(name, schedule.momenta, schedule.step, None, colour=2)


def _schedule_plot(
    title: str, values: Array, step: int, y_range: tuple[float, float] | None, colour: int = 0
) -> Plot:
    steps = np.arange(1.0, len(values) + 1)
    marks: tuple[Mark, ...] = ()
    if 0 < step <= len(values):
        now = float(values[step - 1])
        title, marks = f"{title} {digits(now)}", (Mark(step, now),)
    return Plot(
        title,
        (Series("", steps, values, colour),),
        "step",
        (0, max(len(values), 1)),
        y_range,
        marks=marks,
        gutter=GUTTER,
    )


def finder_plot(view: FinderView) -> Plot:
    """The loss against the logarithm of the learning rate.

    The curve fills the axes, but for the last rates at which the loss explodes: they lie above the plot.
    """
    finite = view.smooth[np.isfinite(view.smooth)]
    scale = Scale.around(finite[: max(len(finite) - EXPLODING, 1)])
    rates = ALL_RATES
    if view.status.state == "finished" and len(view.lrs):
        rates = float(view.lrs[0]), max(float(view.lrs[-1]), view.present)
    marks = [Mark(view.present, None, f"now {digits(view.present)}", colour=2)]
    if view.steepest is not None:
        marks.append(Mark(view.steepest, None, f"steepest {digits(view.steepest)}", colour=1))
    if view.suggestion is not None:
        marks.append(Mark(view.suggestion, None, f"minimum/10 {digits(view.suggestion)}"))
    if view.valley is not None:
        marks.append(Mark(view.valley, None, f"valley {digits(view.valley)}", colour=3))
    return Plot(
        "loss at higher and higher learning rates",
        (
            Series("each try", view.lrs, view.losses, None, Stroke.FAINT),
            Series("smoothed", view.lrs, view.smooth, 0, Stroke.THICK),
        ),
        "learning rate",
        rates,
        (scale.low, scale.high),
        log_x=True,
        marks=tuple(marks),
        gutter=GUTTER,
        empty="" if view.status.state == "training" else "f searches for a rate",
    )


# -- layers and weights


def layer_plot(
    title: str, view: LayersView | WeightView, values: Array, y_range: tuple[float, float] | None = None
) -> Plot:
    """A figure of every layer over the steps: values [times, layers], the selected over the others."""
    selected, layers, steps = view.selected, view.layers, view.history.steps
    others = [Series("", steps, values[:, at], None) for at in range(len(layers)) if at != selected]
    if others:
        others[0] = replace(others[0], name="the others")
    chosen = [
        Series(f"layer {layers[at].number}", steps, values[:, at], 0, Stroke.THICK)
        for at in range(len(layers))
        if at == selected
    ]
    return Plot(
        title,
        (*others, *chosen),
        "step",
        (0, max(view.status.total_steps, 1)),
        y_range or (0.0, top_of(values)),
        gutter=GUTTER,
        empty="space starts a run" if view.status.state == "ready" else "nothing measured yet",
    )


def value_plot(trace: WeightCurves, steps: Ends) -> Plot:
    """The weight after each step."""
    return _trace_plot("the weight", (Series("", trace.steps, trace.after, 0),), steps)


def gradient_plot(trace: WeightCurves, optimizer: str, steps: Ends) -> Plot:
    """The gradient of each step, and the average of it that momentum keeps.

    SGD's buffer is a sum in which each gradient counts fully: times (1 - momentum) it is an average. The axis
    leaves out the largest gradients, mostly those of the first steps, beside which all others would be flat.
    """
    is_sgd = optimizer == "sgd"
    average = trace.buffers * (1 - trace.momenta) if is_sgd else trace.buffers
    gradients = Series("gradient", trace.steps, trace.gradients, None, Stroke.LINE)
    buffers = Series("(1 − μ)·buffer" if is_sgd else "buffer", trace.steps, average, 1, Stroke.THICK)
    plot = _trace_plot("gradient and momentum", (gradients, buffers), steps)
    sizes = np.abs(trace.gradients[np.isfinite(trace.gradients)])
    limit = top_of(np.quantile(sizes, [USUAL])) if len(sizes) else 1.0
    return replace(plot, y_range=(-limit, limit))


def update_plot(trace: WeightCurves, steps: Ends) -> Plot:
    """What each step added to the weight."""
    return _trace_plot("update", (Series("", trace.steps, trace.updates, 2),), steps)


def _trace_plot(title: str, series: tuple[Series, ...], steps: Ends) -> Plot:
    return Plot(title, series, "step", steps, gutter=WIDE_GUTTER, empty="no step watched yet")


def _marker(colour: int) -> str:
    return MARKERS[colour % len(MARKERS)]
