"""Runs that are kept with measurements, all made up: no process, no PyTorch and no clock."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from convtui.training.measuring import (
    ALPHAS,
    DIRECTIONS,
    NOISES,
    POINTS,
    Curvature,
    DirectionPoint,
    Measuring,
    NoisePoint,
    Norms,
)
from convtui.training.messages import Message
from convtui.training.recipe import Recipe
from convtui.training.runs.measurements import kept_in
from convtui.training.runs.store import Run
from tests.support.train_page import keep

DIGEST = "0123456789abcdef"
SEEDS = 5


def figures(sharp: float, slope: float, norm: float) -> Iterator[Message]:
    """All figures of a network as sharp as that, whose loss rises like that with noise."""
    yield Norms(norm, (norm,))
    for noise in NOISES:
        yield NoisePoint(noise, 0.1 + slope * noise, 0.97 - 0.1 * slope * noise)
    for direction in range(DIRECTIONS):
        for alpha in ALPHAS:
            yield DirectionPoint(direction, alpha, 0.05 + sharp * alpha**2)
    yield Curvature(20 * sharp, 9, True)


def keep_measured(recipe: Recipe, sharp: float, slope: float, norm: float) -> str:
    """A finished run of the recipe that is measured; its folder."""
    (folder,) = keep(recipe)
    run = Run(Path(folder))
    step = max(int(getattr(event, "step", 0)) for event in run.events())
    (run.path / f"step-{step:06d}-{DIGEST}.safetensors").touch()
    with run.locked(), kept_in(run) as keeper:
        keeper.keep(Measuring(folder, step, DIGEST, 360, 100, POINTS))
        for figure in figures(sharp, slope, norm):
            keeper.keep(figure)
    return folder


def keep_decays(recipe: Recipe, seeds: int = SEEDS) -> None:
    """Measured runs with decay 0 and 0.3: clearly apart in sharpness and norm, and not in the slope."""
    for seed in range(seeds):
        for decay in (0.0, 0.3):
            has_decay = decay > 0
            keep_measured(
                replace(recipe, weight_decay=decay, seed=seed),
                sharp=(2.0 if has_decay else 1.0) + seed / 10,
                slope=0.4 + (seed + 2 * has_decay) % SEEDS / 20,
                norm=(6.0 if has_decay else 8.0) + seed / 7,
            )
