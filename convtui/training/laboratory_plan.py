"""Which runs a comparison needs, which of them are there, and what is to be done next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

from convtui.training.laboratory import Outcome, arms_of_run
from convtui.training.recipe import Recipe
from convtui.training.runs.history import RunHistory, State
from convtui.training.runs.measurements import Measurements, measurements_of
from convtui.training.runs.store import Run


@dataclass(frozen=True, eq=False)
class Slot:
    """A run of an arm, by its place, with its seed; `history` is the kept run for it, if there is one."""

    arm: int
    recipe: Recipe
    history: RunHistory | None = None

    @property
    def is_trained(self) -> bool:
        return self.history is not None and self.history.state is State.FINISHED


def with_code_as_it_is(recipe: Recipe, kept: Iterable[Recipe]) -> Recipe:
    """The recipe as a run is kept that is begun by it now, if one of the kept runs has the same code.

    Without such a run, or a network of the user's, it is the recipe itself.
    """
    if recipe.network is None:
        return recipe
    named = recipe.network.named()
    networks = dict.fromkeys(each.network for each in kept if each.network)
    alike = (each for each in networks if each.named() == named and each.is_as_it_was)
    return replace(recipe, network=next(alike, named))


def slots(arms: Sequence[Recipe], seeds: int, histories: Iterable[RunHistory]) -> tuple[Slot, ...]:
    """A slot for each arm and each of the seeds from 0 on, with the best of the kept runs: seed after seed.

    A run counts if it is of the very recipe and its rate was never changed; where the device is auto, one on
    any device. A finished one is better than one that can be resumed; of alike ones the first is taken.
    """
    wanted = {(arm, seed) for arm in arms for seed in range(seeds)}
    found: dict[tuple[Recipe, int], RunHistory] = {}
    for history in histories:
        for arm in arms_of_run(history.recipe):
            key = arm, history.recipe.seed
            if key in wanted and len(history.rates_used) == 1 and _rank(history) > _rank(found.get(key)):
                found[key] = history
    return tuple(
        Slot(at, replace(arm, seed=seed), found.get((arm, seed)))
        for seed in range(seeds)
        for at, arm in enumerate(arms)
    )


def _rank(history: RunHistory | None) -> int:
    """How useful a run is: not at all, one that can be resumed, one that is active, a finished one."""
    if history is None:
        return 0
    if history.state is State.FINISHED:
        return 3
    if history.is_active:
        return 2
    return 1 if history.state is State.STOPPED and history.begun is not None else 0


def read_outcome(history: RunHistory) -> Outcome:
    """What a finished run came to, with what is measured of it on the disk. Raises RunError."""
    known = measurements_of(Run(Path(history.run)))
    return outcome(history, known)


def outcome(history: RunHistory, known: Measurements | None) -> Outcome:
    """What a finished run came to, as far as it is measured."""
    is_finite = [isfinite(each.validation_loss) for each in history.epochs]
    plain = Outcome(
        history.recipe.seed,
        tuple(each.accuracy if ok else None for each, ok in zip(history.epochs, is_finite, strict=True)),
        tuple(
            each.train_accuracy if ok else None for each, ok in zip(history.epochs, is_finite, strict=True)
        ),
        tuple(each.step for each in history.epochs),
    )
    if known is None or not known.is_complete:
        return plain
    curves = [[point.loss for point in curve] for curve in known.directions]
    return replace(
        plain,
        noise_losses=_finite([point.loss for point in known.noise]),
        direction_losses=_finite([sum(losses) / len(losses) for losses in zip(*curves, strict=True)]),
        slope=known.noise_slope,
        sharpness=known.sharpness,
        eigenvalue=known.curvature.eigenvalue if known.curvature else None,
        no_eigenvalue=known.curvature.why if known.curvature else "",
        norm=known.norms.total if known.norms else None,
        is_measured=True,
    )


def _finite(losses: Sequence[float]) -> tuple[float, ...]:
    """All of the losses, or none where one is not finite."""
    return tuple(losses) if all(map(isfinite, losses)) else ()
