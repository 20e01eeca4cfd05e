"""What the Train page says of recipes and runs, in words."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from convtui.engine.words import counted
from convtui.inputs.names import printable
from convtui.training.architecture import network
from convtui.training.datasets.minibatches import lowered, may_lower
from convtui.training.datasets.open_any import DataSet
from convtui.training.devices import resume_words
from convtui.training.protocol import ALL_LOST
from convtui.training.recipe import Recipe
from convtui.training.recipe_words import rates_text, recipe_words
from convtui.training.runs.divergence import cause_words
from convtui.training.runs.history import RunHistory, State


def rate_words(history: RunHistory) -> str:
    """The peak (or constant) rates that a run really had, one after another."""
    return rates_text(history.rates_used)


def run_words(history: RunHistory, is_short: bool = False) -> str:
    """A run's recipe, with its rates as they were."""
    return recipe_words(history.recipe, is_short, history.rates_used)


@lru_cache(maxsize=4)
def network_words(recipe: Recipe, data: DataSet) -> str:
    """The network in words: convolutions with their channels, and how many parameters they have."""
    if recipe.network:
        shape = "x".join(map(str, data.shape))
        return f"Your own network {recipe.network.name}, tried on images of {shape} before it is trained"
    made = network(recipe, data.shape, len(data.classes))
    sizes = " → ".join(map(str, (data.shape[0], *recipe.channels, len(data.classes))))
    norm = ", batch norm after each" if recipe.batch_norm else ""
    count = len(recipe.channels) + 1
    layers = f"{count} convolutions of stride 2, channels {sizes}, ReLU between{norm}"
    return f"{layers}: {counted(made.parameters, 'parameter')}"


@lru_cache(maxsize=4)
def invitation(recipe: Recipe, data: DataSet | str | None, is_idle: bool, kept: int = 0) -> tuple[str, ...]:
    """What a reader who has not trained yet can do, and what will be done then; kept: so many runs are.

    In place of the data set there may be why it cannot be had, or None while it is read.
    """
    if isinstance(data, str):
        return ("These images cannot be read.", "d chooses others: a bundled name, an .npz file or a folder.")
    if data is None:
        return ("Reading the images …" if is_idle else "",)
    told = ""
    if may_lower(recipe):
        recipe, told = lowered(recipe, len(data.train_images))
    steps = len(data.train_images) // recipe.batch_size
    images = counted(len(data.test_images), "validation image")
    images = f"{len(data.train_images):,} training and {images}"
    size = recipe.batch_size
    rest = len(data.train_images) % size
    left = f"; images left out of each epoch: {rest:,}" if rest else ""
    length = f"{counted(recipe.epochs, 'epoch')} of {counted(steps, 'step')}"
    length = f"{length}; each step uses a mini-batch of {size}{left}."
    if not steps:
        length = f"A mini-batch of {size} is larger than the training set: Z halves it."
    about = (
        f"{printable(data.name)}: {counted(len(data.classes), 'class')}, {images}.",
        *([f"{data.notice}."] if data.notice else []),
        f"{network_words(recipe, data)}.",
        length,
        *([f"{told}."] if told else []),
    )
    if not is_idle:
        return ("Starting …", "", *about)
    return (
        "Press space to train.",
        "enter takes one single step."
        if recipe.network
        else "enter takes one single step; c trains the lecture's four runs, to compare them.",
        *(["1 saved run: ⇧tab ⇧tab shows it."] if kept == 1 else []),
        *([f"{kept} saved runs: ⇧tab ⇧tab shows them."] if kept > 1 else []),
        "",
        *about,
        "",
        "The keys above change the recipe, : sets anything by name, f searches for a learning rate.",
    )


def diverged_words(history: RunHistory, others: Iterable[RunHistory] = ()) -> str:
    """Since when its loss is not finite, why if that is known, and what can be done."""
    at = history.diverged_at
    since = "" if at is None or history.is_outline else f" since step {at}"
    cause = cause_words(history, others) or "the cause is not known; f tries other rates"
    stop = " · x stops the run" if history.is_active else ""
    return f"the loss is not finite{since}: {cause}{stop}"


def state_words(history: RunHistory, others: Iterable[RunHistory] = ()) -> str:
    """What is happening, or what can be done next, in a line; others: runs to compare it with."""
    recipe = run_words(history)
    if history.is_diverged and history.state not in (State.STARTING, State.FAILED, State.ELSEWHERE):
        return f"{diverged_words(history, others)} · {recipe}"
    match history.state:
        case State.STARTING:
            return "loading PyTorch and the images; this takes some seconds the first time …"
        case State.TRAINING if history.begun and history.begun.lost:
            return ALL_LOST
        case State.PAUSED:
            return "space resumes · enter takes one step · r R set the rate · x ends the run"
        case State.STOPPED:
            if history.begun is None:
                return f"stopped before the first step: space starts a new run · {recipe}"
            if history.reason not in ("", "interrupted"):  # in the middle of a step
                again = f"g resumes it from step {history.saved}" if history.saved else "g begins it again"
                return f"{history.reason} · {again} · space starts a new run · {recipe}"
            how = "interrupted" if history.reason == "interrupted" else "saved"
            promise = resume_words(history.recipe.device)
            return f"{how} at step {history.step}: g resumes it{promise}, space starts a new run · {recipe}"
        case State.FAILED:
            return f"{history.reason}{': space resumes it · x gives it up' if history.is_lost else ''}"
        case State.ELSEWHERE:
            return f"another process is training it; this is as far as it was when it was read · {recipe}"
        case State.FINISHED:
            known = history.accuracy is not None
            right = f"{history.accuracy:.2%} of the validation set right" if known else "its log is lost"
            opens = "" if history.recipe.network else " · K L open what it has learned"
            return f"{right}{opens} · {recipe}"
    return recipe
