"""The learning rate and momentum of every step, known before a run begins, so that they can be drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convtui.training.recipe import Recipe

Array = NDArray[np.float64]


def schedule(recipe: Recipe, total_steps: int) -> tuple[Array, Array]:
    """Learning rates and momenta [total_steps] that the recipe's steps are to use.

    One-cycle: a cosine from max_lr / div_factor up to max_lr at step index pct_start * total_steps - 1, and
    one down to the first rate / final_div_factor; momentum goes the other way. A constant rate stays.
    Source: https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html
    """
    if recipe.schedule == "constant":
        return np.full(total_steps, recipe.max_lr), np.full(total_steps, recipe.momentum)
    peak, last = recipe.pct_start * total_steps - 1, total_steps - 1
    steps = np.arange(total_steps)
    rising = steps <= peak
    share = np.where(rising, steps / peak if peak > 0 else 1.0, (steps - peak) / (last - peak))
    first = recipe.max_lr / recipe.div_factor
    turns = ((first, recipe.max_lr, first / recipe.final_div_factor), _momenta(recipe))
    lrs, momenta = (
        np.where(rising, _cosine(start, turn, share), _cosine(turn, end, share)) for start, turn, end in turns
    )
    return lrs, momenta


def peak_step(recipe: Recipe, total_steps: int) -> float | None:
    """Where one-cycle's warm-up ends and its annealing begins, steps counted from 1; None if one is missing.

    Between two steps if no step has the peak rate itself.
    """
    peak = recipe.pct_start * total_steps
    return peak if recipe.schedule == "one-cycle" and 1 < peak < total_steps else None


def _momenta(recipe: Recipe) -> tuple[float, float, float]:
    return recipe.high_momentum, recipe.low_momentum, recipe.high_momentum


def _cosine(start: float, end: float, share: Array) -> Array:
    return end + (start - end) / 2 * (1 + np.cos(np.pi * share))
