"""Events of made-up runs, so that what is shown of a run can be tested without one."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from math import cos, exp, sqrt

from convtui.engine.stack import summarize
from convtui.engine.window_layers import Conv
from convtui.training.architecture import layers_text
from convtui.training.messages import Message
from convtui.training.protocol import (
    Begun,
    Epoch,
    Finished,
    LayerStatistics,
    Prediction,
    Saved,
    Snapshot,
    Stepped,
    Suggested,
    Tried,
    Watched,
)
from convtui.training.recipe import Recipe
from convtui.training.schedule import schedule

STEPS_AN_EPOCH = 20
SECONDS_A_STEP = 0.015


def begun(recipe: Recipe | None = None, run: str = "/runs/0012", step: int = 0) -> Begun:
    recipe = recipe or Recipe()
    return Begun(
        recipe=recipe,
        run=run,
        step=step,
        steps_per_epoch=STEPS_AN_EPOCH,
        total_steps=STEPS_AN_EPOCH * recipe.epochs,
        layers=layers_text(recipe, (1, 28, 28), 10),
        shape=(1, 28, 28),
        classes=tuple("0123456789"),
        train_count=10_000,
        test_count=2_000,
        parameters=30_394,
    )


def loss_at(step: int, floor: float = 0.05) -> float:
    return floor + 2.3 * exp(-step / 25) + 0.06 * ((step * 7919) % 13 / 13 - 0.5)


def watched(step: int, index: tuple[int, int, int, int] = (0, 0, 2, 2)) -> Watched:
    """A weight that AdamW updates by the usual recipe."""
    return replace(_watched(step), index=index)


@cache
def _watched(step: int) -> Watched:
    recipe = Recipe()
    lrs, momenta = schedule(recipe, STEPS_AN_EPOCH * recipe.epochs)
    lr, beta = float(lrs[step - 1]), float(momenta[step - 1])
    last = _watched(step - 1) if step > 1 else Watched(1, (0, 0, 0, 0), 0, 0, 0.0, 0.0, 0, 0, 0.1)
    gradient = 0.02 * cos(step) / step
    buffer = beta * last.buffer + (1 - beta) * gradient
    squares = recipe.beta2 * (last.squares or 0.0) + (1 - recipe.beta2) * gradient**2
    unbiased = buffer / (1 - beta**step), squares / (1 - recipe.beta2**step)
    decay = -lr * recipe.weight_decay * last.after
    update = decay - lr * unbiased[0] / (sqrt(unbiased[1]) + recipe.eps)
    after = last.after + update
    return Watched(1, (0, 0, 0, 0), last.after, gradient, buffer, squares, decay, update, after)


def step(number: int, recipe: Recipe | None = None, floor: float = 0.05) -> Stepped:
    """A step as a run of that recipe has it."""
    recipe = recipe or Recipe()
    lrs, momenta = schedule(recipe, STEPS_AN_EPOCH * recipe.epochs)
    return Stepped(
        step=number,
        epoch=1 + (number - 1) // STEPS_AN_EPOCH,
        loss=loss_at(number, floor),
        lr=float(lrs[number - 1]),
        momentum=float(momenta[number - 1]),
        seconds=number * SECONDS_A_STEP,
        watched=watched(number),
    )


def snapshot(number: int, recipe: Recipe | None = None) -> Snapshot:
    """Bell-shaped activations that spread with the steps, kernels that grow, and fewer wrong predictions."""
    rows = summarize(begun(recipe).layers, (1, 28, 28)).rows
    convolutions = [row.number for row in rows if isinstance(row.layer, Conv)]
    *measured, last = (each + 1 for each in convolutions)
    filters, _, size, _ = rows[1].parameter_shapes["weight"]
    statistics = []
    for place, layer in enumerate((*measured, last - 1)):
        mean, std = 0.4 + 0.1 * place, 0.5 + number / 100
        low, high = (-20.0, 20.0) if layer == last - 1 else (0.0, 10.0)
        width = (high - low) / 40
        counts = tuple(
            int(3000 * exp(-0.5 * ((low + (bin + 0.5) * width - mean) / std) ** 2)) for bin in range(40)
        )
        statistics.append(
            LayerStatistics(layer, mean, std, 0.5 / (1 + place), 2.0 + place + number / 50, low, high, counts)
        )
    kernels = tuple(
        (
            tuple(
                tuple((i - size // 2) * (0.05 + number / 400) * (-1) ** o + 0.02 * j for j in range(size))
                for i in range(size)
            ),
        )
        for o in range(filters)
    )
    predictions = tuple(
        Prediction(image, image % 10, image % 10 if image % 5 or number > 60 else 3, 0.5 + image / 40)
        for image in range(16)
    )
    return Snapshot(number, tuple(statistics), kernels, predictions)


def events(
    recipe: Recipe | None = None, until: int | None = None, run: str = "/runs/0012", accuracy: float = 0.985
) -> Iterator[Message]:
    """A run up to a step, or to its end."""
    recipe = recipe or Recipe()
    first = begun(recipe, run)
    last = first.total_steps if until is None else until
    floor = 2.25 if accuracy < 0.2 else 1.05 - accuracy  # who guesses has the loss of guessing
    yield first
    for number in range(1, last + 1):
        yield step(number, recipe, floor)
        if number % 4 == 0:
            yield snapshot(number, recipe)
        if number % STEPS_AN_EPOCH == 0:
            epoch = number // STEPS_AN_EPOCH
            reached = accuracy * (1 - 0.3 / epoch**2 + 0.3 / recipe.epochs**2)
            seconds = number * SECONDS_A_STEP
            yield Epoch(
                epoch, number, loss_at(number - 10, floor), loss_at(number, floor) + 0.02, reached, seconds
            )
            yield Saved(number)
    if until is None:
        yield Finished(last, loss_at(last, floor) + 0.02, accuracy, last * SECONDS_A_STEP)


def search() -> Iterator[Message]:
    """A learning-rate search."""
    yield replace(begun(), run="")
    for each in range(80):
        lr = 10 ** (-6 + 7 * each / 99)
        loss = 2.3 - 1.4 / (1 + exp(-(each - 55) / 4)) + (0 if each < 72 else 0.25 * (each - 71) ** 2)
        yield Tried(lr, loss + 0.02 * (each % 3), loss)
    yield Suggested(*(10 ** (power + 7 * at / 99) for power, at in ((-6, 55), (-7, 71), (-6, 45))))
