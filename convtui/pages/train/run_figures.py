"""From a run's record to the plain figures that the panes of the Train page draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from math import log

import numpy as np

from convtui.engine.layers import ReLU
from convtui.engine.stack import Row, Summary, summarize
from convtui.inputs.names import printable, run_name, run_number
from convtui.pages.train import figures as plain
from convtui.pages.train.run_labels import rate_words, run_words, state_words
from convtui.paint.band import Band
from convtui.paint.colours import Array
from convtui.training.architecture import layers_text
from convtui.training.datasets.minibatches import pictured
from convtui.training.datasets.open_any import DataSet
from convtui.training.process.activation_stats import HISTOGRAM_IMAGES
from convtui.training.protocol import LayerStatistics, Snapshot
from convtui.training.recipe import Recipe
from convtui.training.recipe_words import recipe_words
from convtui.training.runs.history import Record, Search, State
from convtui.training.schedule import schedule

_NOTHING = np.zeros(0)


# -- the run


def status_before(recipe: Recipe, trouble: str = "", hint: str = "") -> plain.Status:
    """Before any run: what is wrong, else a hint, else what the coming run will be."""
    if trouble:
        return plain.Status("failed", words=trouble)
    return plain.Status("ready", words=hint or f"{recipe_words(recipe)} · {recipe.epochs} epochs")


def status(record: Record, words: str = "", trouble: str = "") -> plain.Status:
    """How far the run is; `words` stand in for what is said of its state, trouble for both."""
    is_going = record.state is State.TRAINING
    begun = record.begun
    return plain.Status(
        shown_state(record),
        run_name(record.run),
        record.step,
        record.total_steps,
        1 + max(record.step - 1, 0) // begun.steps_per_epoch if begun else 0,
        record.recipe.epochs,
        record.speed if is_going else None,
        record.seconds,
        record.seconds_left if is_going else None,
        words or state_words(record),
        trouble,
    )


def shown_state(record: Record) -> str:
    """How a run stands, in a word: a loss that is not finite matters more than that it goes on or is over."""
    is_told = record.state in (State.TRAINING, State.PAUSED, State.STOPPED, State.FINISHED)
    return "diverged" if is_told and record.is_diverged else record.state.value


def curves(record: Record, colour: int | None, name: str = "") -> plain.Curves:
    """The losses and accuracies of a run that has begun, under its own name if no other is given."""
    steps = record.steps
    epochs, ends, losses, accuracies = _columns(record.epochs, "epoch", "step", "validation_loss", "accuracy")
    return plain.Curves(
        name or curve_name(record),
        colour,
        log(class_count([record])),
        record.total_steps,
        record.recipe.epochs,
        steps["step"],
        steps["loss"],
        steps["smooth"],
        epochs,
        ends,
        losses,
        np.where(np.isfinite(losses), accuracies, np.nan),  # what is no answer is not right by chance
    )


def curve_name(record: Record) -> str:
    return f"{run_number(record.run)} {record.recipe.schedule}{'+BN' if record.recipe.batch_norm else ''}"


def class_count(records: Sequence[Record]) -> int:
    """How many classes the first of them that has begun tells apart; 1 if none has."""
    return next((len(each.begun.classes) for each in records if each.begun), 1)


def schedule_of(record: Record) -> plain.Schedule:
    return plain.Schedule(*record.planned(), record.step, _momentum_name(record.recipe))


def schedule_to_come(recipe: Recipe, data: DataSet | None) -> plain.Schedule:
    """That of the next run; empty while nobody knows how many images there are."""
    steps = recipe.epochs * (len(data.train_images) // recipe.batch_size) if data else 0
    return plain.Schedule(*schedule(recipe, steps), 0, _momentum_name(recipe))


def _momentum_name(recipe: Recipe) -> str:
    return "momentum" if recipe.optimizer == "sgd" else "beta1"


@lru_cache(maxsize=2)
def kernels(snapshot: Snapshot) -> plain.Kernels:
    return plain.Kernels(np.array(snapshot.kernels, float))


def has_images_of(data: DataSet, snapshot: Snapshot | None) -> bool:
    """Whether the data set has the images and the classes that are told of; it may be another by now."""
    return all(
        each.image < len(data.test_images) and max(each.label, each.predicted) < len(data.classes)
        for each in (snapshot.predictions if snapshot else ())
    )


@lru_cache(maxsize=2)
def predictions(snapshot: Snapshot | None, data: DataSet) -> plain.Predictions:
    """What the network says of the test images; before the first snapshot they stand alone."""
    if snapshot is None:
        return test_images(data)
    told = snapshot.predictions
    return plain.Predictions(
        _pictures(data, tuple(each.image for each in told)),
        tuple(printable(data.classes[each.label]) for each in told),
        tuple(printable(data.classes[each.predicted]) for each in told),
        tuple(each.probability for each in told),
    )


@lru_cache(maxsize=2)
def test_images(data: DataSet) -> plain.Predictions:
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


def summary_of(record: Record) -> Summary:
    """The layers of a run that has begun."""
    assert record.begun
    return summary(record.begun.layers, record.begun.shape)


def layers(record: Record | None) -> tuple[plain.LayerFigures, ...]:
    """Every convolution as it was measured last."""
    if record is None or not record.snapshots:
        return ()
    rows = summary_of(record).rows
    return tuple(_layer(each, rows) for each in record.snapshots[-1].statistics)


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


def layer_history(record: Record | None) -> plain.LayerHistory:
    """Every layer's figures after the steps of the snapshots."""
    if record is None or not record.snapshots:
        return plain.LayerHistory(_NOTHING, *[np.zeros((0, 0))] * 4)
    figures = np.array(
        [
            [(each.mean, each.std, each.near_zero, each.weight_norm) for each in snapshot.statistics]
            for snapshot in record.snapshots
        ],
        float,
    ).reshape(len(record.snapshots), -1, 4)
    return plain.LayerHistory(_steps(record), *np.moveaxis(figures, -1, 0))


def band(record: Record | None, selected: int) -> Band:
    """The histograms of a layer's activations over the steps."""
    if record is None or not record.snapshots:
        words = "begins with the first step"
        return Band("activations over the steps", _NOTHING, np.zeros((0, 1)), 0, 1, 1, empty=words)
    measured = [snapshot.statistics[selected] for snapshot in record.snapshots]
    layer, last = layers(record)[selected], measured[-1]
    before = ", before its norm" if record.recipe.batch_norm else ""
    return Band(
        f"layer {layer.number} {layer.place}{before}",
        _steps(record),
        np.array([each.counts for each in measured], float),
        last.low,
        last.high,
        record.total_steps,
        of=f" of {HISTOGRAM_IMAGES} images",
    )


def _steps(record: Record) -> Array:
    return np.array([snapshot.step for snapshot in record.snapshots], float)


# -- one weight


def weight_step(record: Record | None) -> plain.WeightStep | None:
    """The last update of the weight that is watched."""
    if record is None or record.trace is None or not len(record.trace.columns):
        return None
    columns, recipe = record.trace.columns, record.recipe
    step = int(columns["step"][-1])
    at = int(np.searchsorted(record.steps["step"], step))
    squares = float(columns["squares"][-1])
    follows = len(columns) > 1 and columns["step"][-2] == step - 1
    names = ("before", "gradient", "buffer", "decay", "update", "after")
    before, gradient, buffer, decay, update, after = (float(columns[name][-1]) for name in names)
    return plain.WeightStep(
        recipe.optimizer,
        step,
        float(record.steps["lr"][at]),
        float(record.steps["momentum"][at]),
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
        float(columns["buffer"][-2]) if follows else 0.0 if step == 1 else None,
    )


def weight_trace(record: Record | None) -> plain.WeightTrace:
    if record is None or record.trace is None:
        return plain.WeightTrace(*[_NOTHING] * 6)
    columns = record.trace.columns
    at = np.searchsorted(record.steps["step"], columns["step"])
    return plain.WeightTrace(
        steps=columns["step"],
        after=columns["after"],
        gradients=columns["gradient"],
        buffers=columns["buffer"],
        updates=columns["update"],
        momenta=record.steps["momentum"][at],
    )


# -- several runs


def run_row(record: Record, colour: int | None) -> plain.RunRow:
    last = None if record.is_diverged else record.last
    return plain.RunRow(
        printable(run_number(record.run)),
        run_words(record),
        shown_state(record),
        record.recipe.epochs if record.finished else len(record.epochs),
        record.recipe.epochs,
        record.accuracy,
        last.validation_loss if last else None,
        record.seconds,
        colour,
        run_words(record, is_short=True),
    )


def arms(
    compared: Sequence[Record], waiting: Sequence[Recipe], colour_of: Callable[[Record], int | None]
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


def is_usual(compared: Sequence[Record]) -> bool:
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
        words = "t takes the suggested rate: a tenth of that with the least smoothed loss"
        if search.suggestion is None:
            words = "the loss was least at the first rates: try another seed, or batch norm"
    elif search.state is State.STOPPED:
        words = "stopped: f searches again"
    else:
        words = "a fresh network, a step at each rate, ever greater, until the loss explodes"
    return plain.Status(search.state.value, "rate finder", words=words)


def finder_view(search: Search | None, recipe: Recipe) -> plain.FinderView:
    if search is None:
        words = "f searches: a fresh network takes a step at each rate, until its loss explodes"
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
    )


def _columns(values: Sequence[object], *names: str) -> list[Array]:
    return [np.array([getattr(each, name) for each in values], float) for name in names]
