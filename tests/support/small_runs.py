"""Runs that take a fraction of a second, on the bundled digits and on data that is made up."""

from functools import cache
from typing import Any

import numpy as np

from convtui.training.datasets.open_any import DataSet, load
from convtui.training.process.loop import Training
from convtui.training.recipe import Recipe

SMALL = Recipe(data="digits-8x8", channels=(4, 8), first_kernel_size=3, epochs=2)
STEPS = 22


@cache
def digits() -> DataSet:
    return load("digits-8x8")


def made_up(shape: tuple[int, int, int], classes: int = 3, count: int = 12) -> DataSet:
    """Random images [C, H, W], as many of every class."""
    images = np.random.default_rng(0).random((count, *shape), np.float32)
    labels = np.arange(count) % classes
    names = tuple(f"class {i}" for i in range(classes))
    moments = float(images.mean()), float(images.std())
    return DataSet("made up", "made up", images, labels, images, labels, names, *moments)


def trained(recipe: Recipe = SMALL, steps: int = 0, **options: Any) -> Training:
    """So many steps on, by the events that everybody asks for."""
    training = Training(recipe, digits(), **options)
    advance(training, steps)
    return training


def advance(training: Training, steps: int) -> None:
    if steps:
        for _ in training.events():
            if training.step == steps:
                break
