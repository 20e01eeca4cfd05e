"""Runs that are over in a moment, kept as the training process keeps them, and one that was never trained."""

from dataclasses import replace

import numpy as np

from convtui.engine.kernels import filters_of
from convtui.engine.stack import summarize
from convtui.training.architecture import layers_text
from convtui.training.datasets.open_any import fingerprint, load
from convtui.training.process.loop import Training
from convtui.training.recipe import Recipe
from convtui.training.runs.checkpoint import Checkpoint
from convtui.training.runs.store import Run, new_run

SMALL = Recipe(data="digits-8x8", channels=(4, 6), first_kernel_size=3, epochs=1, batch_size=256)


def kept_run(recipe: Recipe = SMALL) -> tuple[Run, Training]:
    """A run to its end, with a checkpoint there, and the training that it was."""
    data = load(recipe.data)
    training = Training(recipe, data, capture=False)
    run = new_run(recipe, fingerprint(data))
    for _ in training.events():
        pass
    with run.locked():
        run.save(training.checkpoint())
    return run, training


def made_up_run(step: int = 390) -> Run:
    """A run on MNIST that no machine makes otherwise: its first kernels are named ones with noise."""
    recipe = replace(Recipe(), channels=(8, 16))
    data = load(recipe.data)
    random = np.random.default_rng(0)
    weights = {}
    for row in summarize(layers_text(recipe, data.shape, 10), data.shape).rows[1:]:
        for name, shape in row.weight_shapes.items():
            is_spread = name in ("weight", "running_var") and len(shape) == 1
            drawn = random.normal(size=shape) / 4
            weights[f"{row.number - 1}.{name}"] = (np.abs(drawn) + 0.5 if is_spread else drawn).astype(
                np.float32
            )
    names = (
        "sobel-x",
        "sobel-y",
        "left-edge",
        "top-edge",
        "gaussian-blur",
        "identity",
        "diag1-edge",
        "emboss",
    )
    named = filters_of(names, 5)
    scale = np.abs(named).max(axis=(1, 2, 3), keepdims=True)
    trained = weights | {"0.weight": weights["0.weight"] + (named / scale).astype(np.float32)}
    run = new_run(recipe, fingerprint(data))
    with run.locked():
        for at, arrays in ((0, weights), (step, trained)):
            run.save(Checkpoint(at, arrays, {}, np.zeros(8, np.uint8), {}))
    return run
