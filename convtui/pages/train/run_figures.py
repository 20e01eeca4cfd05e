"""From a run's history to the plain figures that the panes of the Train page draw."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from math import isnan, log

import numpy as np

from convtui.engine.layers import ReLU
from convtui.engine.stack import Row, Summary, summarize
from convtui.engine.words import counted
from convtui.inputs.names import printable, run_name, run_number
from convtui.pages.train import figures as plain
from convtui.pages.train.run_labels import rate_words, run_words, state_words
from convtui.paint.band import Band
from convtui.paint.colours import Array
from convtui.paint.plots import Mark
from convtui.training.architecture import layers_text
from convtui.training.datasets.minibatches import lowered, may_lower, pictured
from convtui.training.datasets.open_any import DataSet
from convtui.training.process.activation_stats import HISTOGRAM_IMAGES
from convtui.training.protocol import LayerStatistics, NamedModule, Snapshot
from convtui.training.recipe import Recipe
from convtui.training.recipe_words import recipe_words
from convtui.training.runs.history import RunHistory, Search, State, WeightTrace
from convtui.training.schedule import peak_step, schedule

_NOTHING = np.zeros(0)


# -- the run


def status_before(recipe: Recipe, trouble: str = "", hint: str = "") -> plain.Status:
    """Before any run: what is wrong, else a hint, else what the coming run will be."""
    if trouble:
        return plain.Status("failed", words=trouble)
    return plain.Status("ready", words=hint or f"{recipe_words(recipe)} · {counted(recipe.epochs, 'epoch')}")


def status(
    history: RunHistory,
    words: str = "",
    trouble: str = "",
    others: Iterable[RunHistory] = (),
    looked: int | None = None,
) -> plain.Status:
    """How far the run is; `words` stand in for what is said of its state, trouble for both.

    others: runs to compare it with, for why it diverged.
    """
    is_going = history.state is State.TRAINING
    begun = history.begun
    return plain.Status(
        shown_state(history),
        run_name(history.run),
        history.step,
        history.total_steps,
        1 + max(history.step - 1, 0) // begun.steps_per_epoch if begun else 0,
        history.recipe.epochs,
        history.speed if is_going else None,
        history.seconds,
        history.seconds_left if is_going else None,
        words or state_words(history, others),
        trouble,
        looked,
    )


def times(history: RunHistory, looked: int | None = None) -> plain.Times:
    """What is marked on the axes of a run that has begun."""
    peak = peak_step(history.recipe, history.total_steps)
    return plain.Times(peak, looked, history.begun.steps_per_epoch if history.begun else 1)


def times_of_all(histories: Sequence[RunHistory]) -> plain.Times:
    """The phases on axes that several runs share: those of all that have some, if they are the same."""
    found = {each for each in map(times, histories) if each.peak is not None}
    return found.pop() if len(found) == 1 else plain.Times()


def snapshot_at(history: RunHistory, step: int | None) -> Snapshot | None:
    """What the network looked like at or last before a step; the newest for None."""
    if step is None:
        return history.picture
    after = bisect_right(history.snapshots, step, key=lambda each: each.step)
    return history.snapshots[after - 1] if after else None


def shown_state(history: RunHistory) -> str:
    """How a run stands, in a word: a loss that is not finite matters more than that it goes on or is over."""
    is_told = history.state in (State.TRAINING, State.PAUSED, State.STOPPED, State.FINISHED)
    return "diverged" if is_told and history.is_diverged else history.state.value


def curves(history: RunHistory, colour: int | None, name: str = "") -> plain.Curves:
    """The losses and accuracies of a run that has begun, under its own name if no other is given."""
    steps = history.steps
    epochs, ends, losses, accuracies, train_accuracies = _columns(
        history.epochs, "epoch", "step", "validation_loss", "accuracy", "train_accuracy"
    )
    return plain.Curves(
        name or curve_name(history),
        colour,
        log(class_count([history])),
        history.total_steps,
        history.recipe.epochs,
        steps["step"],
        steps["loss"],
        steps["smooth"],
        epochs,
        ends,
        losses,
        np.where(np.isfinite(losses), accuracies, np.nan),  # what is no answer is not right by chance
        np.where(np.isfinite(losses), train_accuracies, np.nan),
    )


def curve_name(history: RunHistory) -> str:
    recipe = history.recipe
    network = f" {recipe.network.name}" if recipe.network else "+BN" if recipe.batch_norm else ""
    lost = " · diverged" if history.is_diverged else ""
    return f"{run_number(history.run)} {recipe.schedule}{network}{lost}"


def class_count(histories: Sequence[RunHistory]) -> int:
    """How many classes the first of them that has begun tells apart; 1 if none has."""
    return next((len(each.begun.classes) for each in histories if each.begun), 1)


def schedule_of(history: RunHistory, looked: int | None = None) -> plain.Schedule:
    step = history.step if looked is None else looked
    return plain.Schedule(*history.planned(), step, _momentum_name(history.recipe))


def schedule_to_come(recipe: Recipe, data: DataSet | None) -> plain.Schedule:
    """That of the next run; empty while nobody knows how many images there are."""
    if data and may_lower(recipe):
        recipe, _ = lowered(recipe, len(data.train_images))
    steps = recipe.epochs * (len(data.train_images) // recipe.batch_size) if data else 0
    return plain.Schedule(*schedule(recipe, steps), 0, _momentum_name(recipe))


def _momentum_name(recipe: Recipe) -> str:
    return "momentum" if recipe.optimizer == "sgd" else "beta1"


@lru_cache(maxsize=2)
def kernels(snapshot: Snapshot, is_past: bool = False, is_own: bool = False) -> plain.Kernels:
    """The first convolution's; none of a network that has none."""
    if not snapshot.kernels:
        return plain.Kernels(np.zeros((0, 1, 1, 1)), None)
    place = "first convolution" if is_own else plain.Kernels.place
    return plain.Kernels(np.array(snapshot.kernels, float), snapshot.step if is_past else None, place)


def has_images_of(data: DataSet, snapshot: Snapshot | None) -> bool:
    """Whether the data set has the images and the classes that are told of; it may be another by now."""
    return all(
        each.image < len(data.test_images) and max(each.label, each.predicted) < len(data.classes)
        for each in (snapshot.predictions if snapshot else ())
    )


@lru_cache(maxsize=2)
def predictions(snapshot: Snapshot | None, data: DataSet, is_past: bool = False) -> plain.Predictions:
    """What the network says of the validation images; before the first snapshot they stand alone."""
    if snapshot is None:
        return validation_images(data)
    told = snapshot.predictions
    return plain.Predictions(
        _pictures(data, tuple(each.image for each in told)),
        tuple(printable(data.classes[each.label]) for each in told),
        tuple(printable(data.classes[each.predicted]) for each in told),
        tuple(each.probability for each in told),
        snapshot.step if is_past else None,
    )


@lru_cache(maxsize=2)
def validation_images(data: DataSet) -> plain.Predictions:
    """The images that will be predicted, before anything is."""
    chosen = tuple(pictured(data).tolist())
    return plain.Predictions(
        _pictures(data, chosen),
        tuple(printable(data.classes[label]) for label in data.test_labels[list(chosen)].tolist()),
    )


@lru_cache(maxsize=2)
def _pictures(data: DataSet, chosen: tuple[int, ...]) -> Array:
    return np.asarray((data.test_images[list(chosen)].astype(float) - data.black) / (data.white - data.black))


# -- its layers


@lru_cache(maxsize=4)
def summary(layers: str, shape: tuple[int, int, int]) -> Summary:
    return summarize(layers, shape)


@lru_cache(maxsize=4)
def next_summary(recipe: Recipe, data: DataSet) -> Summary:
    """The layers of the next run."""
    return summary(layers_text(recipe, data.shape, len(data.classes)), data.shape)


def summary_of(history: RunHistory) -> Summary:
    """The layers of a run that has begun."""
    assert history.begun
    return summary(history.begun.layers, history.begun.shape)


def modules_of(history: RunHistory) -> tuple[NamedModule, ...]:
    """Those of an own network that has begun."""
    return history.begun.modules if history.begun else ()


def weight_name(history: RunHistory | None, layer: int, index: Sequence[int]) -> str:
    """A weight with its index as PyTorch has it, which the page counts as [out, in, row, column]."""
    for module in modules_of(history) if history else ():
        if module.number == layer:
            place = ", ".join(map(str, own_index(index, module.weight or module.shape)))
            path = f" {module.path}" if module.path else ""
            return printable(f"layer {layer}{path}, {module.name} [{place}]")
    return f"layer {layer}, weight {list(index)}"


def own_index(index: Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    """An index into a weight of this shape, from that into it as four dimensions (`in_four`)."""
    out, channel, row, column = index
    if len(shape) <= 2:
        return (out, channel)[: len(shape)]
    between = np.unravel_index(row, shape[2:-1]) if len(shape) > 3 else ()
    return (out, channel, *map(int, between), column)


def layers(history: RunHistory | None, step: int | None = None) -> tuple[plain.LayerFigures, ...]:
    """Every convolution as it was measured last, at or before a step if one is given.

    Before anything was measured it is as it was first.
    """
    if history is None or not history.snapshots:
        return ()
    snapshot = history.snapshots[-1] if step is None else snapshot_at(history, step) or history.snapshots[0]
    if history.recipe.network:
        own = modules_of(history)
        return tuple(_own_layer(each, own[each.layer - 1]) for each in snapshot.statistics)
    rows = summary_of(history).rows
    return tuple(_layer(each, rows) for each in snapshot.statistics)


def _layer(measured: LayerStatistics, rows: Sequence[Row]) -> plain.LayerFigures:
    row = rows[measured.layer]
    is_relu = isinstance(row.layer, ReLU)
    number = measured.layer - 1 if is_relu else measured.layer
    return plain.LayerFigures(
        number,
        rows[number].layer.title,
        "after its ReLU" if is_relu else "its output",
        measured.mean,
        measured.std,
        measured.near_zero,
        measured.weight_norm,
    )


def _own_layer(measured: LayerStatistics, module: NamedModule) -> plain.LayerFigures:
    return plain.LayerFigures(
        module.number,
        printable(f"{module.path} {module.title}{_of(module)}".strip()),
        "not called" if isnan(measured.near_zero) else "its output",
        measured.mean,
        measured.std,
        measured.near_zero,
        measured.weight_norm,
    )


def _of(module: NamedModule) -> str:
    """Which of its weights is looked at, where that is not plain."""
    return "" if module.name == "weight" else f" {module.name}"


def layer_history(history: RunHistory | None) -> plain.LayerHistory:
    """Every layer's figures after the steps of the snapshots."""
    if history is None or not history.snapshots:
        return plain.LayerHistory(_NOTHING, *[np.zeros((0, 0))] * 4)
    figures = np.array(
        [
            [(each.mean, each.std, each.near_zero, each.weight_norm) for each in snapshot.statistics]
            for snapshot in history.snapshots
        ],
        float,
    ).reshape(len(history.snapshots), -1, 4)
    return plain.LayerHistory(_steps(history), *np.moveaxis(figures, -1, 0))


def band(history: RunHistory | None, selected: int, marks: tuple[Mark, ...] = ()) -> Band:
    """The histograms of a layer's activations over the steps."""
    if history is None or not history.snapshots:
        words = "begins with the first step"
        return Band("activations over the steps", _NOTHING, np.zeros((0, 1)), 0, 1, 1, empty=words)
    measured = [snapshot.statistics[selected] for snapshot in history.snapshots]
    layer, last = layers(history)[selected], measured[-1]
    before = ", before its norm" if history.recipe.batch_norm and not history.recipe.network else ""
    title = f"layer {layer.number} {layer.place}{before}"
    return Band(
        f"output of layer {layer.number}" if history.recipe.network else title,
        _steps(history),
        np.array([each.counts for each in measured], float),
        last.low,
        last.high,
        history.total_steps,
        of=f" of {HISTOGRAM_IMAGES} images",
        marks=marks,
    )


def _steps(history: RunHistory) -> Array:
    return np.array([snapshot.step for snapshot in history.snapshots], float)


# -- one weight


def weight_step(history: RunHistory, trace: WeightTrace | None, step: int) -> plain.WeightStep | None:
    """The update of a weight in a step, if its trace has it."""
    row = -1 if trace is None else trace.row_of(step)
    if trace is None or row < 0:
        return None
    columns, recipe = trace.columns, history.recipe
    at = int(np.searchsorted(history.steps["step"], step))
    squares = float(columns["squares"][row])
    follows = row > 0 and columns["step"][row - 1] == step - 1
    names = ("before", "gradient", "buffer", "decay", "update", "after")
    before, gradient, buffer, decay, update, after = (float(columns[name][row]) for name in names)
    return plain.WeightStep(
        recipe.optimizer,
        step,
        float(history.steps["lr"][at]),
        float(history.steps["momentum"][at]),
        recipe.beta2,
        recipe.eps,
        recipe.weight_decay,
        before,
        gradient,
        buffer,
        None if np.isnan(squares) and recipe.optimizer == "sgd" else squares,
        decay,
        update,
        after,
        float(columns["buffer"][row - 1]) if follows else 0.0 if step == 1 else None,
    )


def weight_trace(history: RunHistory | None, trace: WeightTrace | None) -> plain.WeightCurves:
    """A weight over the steps of its trace."""
    if history is None or trace is None:
        return plain.WeightCurves(*[_NOTHING] * 6)
    columns = trace.columns
    at = np.searchsorted(history.steps["step"], columns["step"])
    return plain.WeightCurves(
        steps=columns["step"],
        after=columns["after"],
        gradients=columns["gradient"],
        buffers=columns["buffer"],
        updates=columns["update"],
        momenta=history.steps["momentum"][at],
    )


def ends_of(history: RunHistory | None, trace: WeightTrace | None) -> tuple[float, float]:
    """The ends of a weight's plots: the run's where it watched the weight, else those of the steps known."""
    if history and trace and trace is not history.trace:
        steps = trace.columns["step"]
        return float(steps[0]), float(max(steps[-1], steps[0] + 1))
    return 0.0, float(max(history.total_steps if history else 0, 1))


# -- several runs


def run_row(history: RunHistory, colour: int | None) -> plain.RunRow:
    last = None if history.is_diverged else history.last
    return plain.RunRow(
        printable(run_number(history.run)),
        run_words(history),
        shown_state(history),
        history.recipe.epochs if history.finished else len(history.epochs),
        history.recipe.epochs,
        history.accuracy,
        last.validation_loss if last else None,
        history.seconds,
        colour,
        run_words(history, is_short=True),
        history.train_accuracy,
    )


def arms(
    compared: Sequence[RunHistory], waiting: Sequence[Recipe], colour_of: Callable[[RunHistory], int | None]
) -> tuple[plain.Arm, ...]:
    """The runs of a comparison, those still to come included."""
    begun = [
        plain.Arm(
            each.recipe.schedule,
            each.recipe.batch_norm,
            each.accuracy,
            each.state is State.FINISHED,
            each.last.validation_loss if each.last else None,
            colour_of(each),
            rate_words(each),
        )
        for each in compared
    ]
    return (*begun, *(plain.Arm(each.schedule, each.batch_norm) for each in waiting))


def is_usual(compared: Sequence[RunHistory]) -> bool:
    """Whether it is known of the runs' recipe what usually comes out: the default, with whatever seed."""
    plain = Recipe()
    others = {name: getattr(plain, name) for name in ("schedule", "batch_norm", "seed", "threads")}
    return bool(compared) and all(
        replace(each.recipe, **others) == plain and each.max_lr == plain.max_lr for each in compared
    )


# -- the search for a rate


def search_status(search: Search) -> plain.Status:
    if search.state is State.FAILED:
        words = search.reason
    elif search.state is State.FINISHED:
        words = (
            "t takes minimum/10, a tenth of the rate with the lowest smoothed loss · valley: fastai's default"
        )
        if search.suggestion is None:
            words = "no suggestion: the loss was lowest at the first rates"
    elif search.state is State.STOPPED:
        words = f"{search.reason or 'stopped'}: f searches again"
    else:
        words = "a fresh network takes one step at each rate, from low to high, until its loss explodes"
    return plain.Status(search.state.value, "rate finder", words=words)


def finder_view(search: Search | None, recipe: Recipe) -> plain.FinderView:
    if search is None:
        words = "f searches: a fresh network takes one step at each rate, until its loss explodes"
        blank = plain.Status("ready", "rate finder", words=words)
        return plain.FinderView(blank, _NOTHING, _NOTHING, _NOTHING, recipe.max_lr)
    tried = search.tried
    return plain.FinderView(
        search_status(search),
        tried["lr"],
        tried["loss"],
        tried["smooth"],
        recipe.max_lr,
        search.steepest,
        search.suggestion,
        search.valley,
    )


def _columns(values: Sequence[object], *names: str) -> list[Array]:
    return [np.array([getattr(each, name) for each in values], float) for name in names]
