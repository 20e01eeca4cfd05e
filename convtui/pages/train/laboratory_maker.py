"""From the outcomes of a comparison's runs to the pictures and the sentences of the laboratory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from convtui.pages.train.laboratory_figures import ArmFigures, RateFigures, Told
from convtui.pages.train.laboratory_plots import (
    Captioned,
    accuracy_picture,
    directions_picture,
    noise_picture,
    norms_picture,
    rates_picture,
)
from convtui.paint.colours import Array
from convtui.training.laboratory import FIGURES, Figure, Outcome, Sample, spread, verdict
from convtui.training.measuring import ALPHAS, NOISES, SHARP_AT
from convtui.training.rank_test import CLEAR

PICTURE_OF: Final = {  # the figure
    "accuracy": "gap",
    "gap": "gap",
    "slope": "noise",
    "sharpness": "landscape",
    "eigenvalue": "landscape",
    "norm": "weights",
}
NOT_YET: Final = "not measured yet"


def comparison_pictures(names: Sequence[str], outcomes: Sequence[Sequence[Outcome]]) -> dict[str, Captioned]:
    """The four pictures of so many arms, each with the outcomes of its runs."""
    arms = [arm_figures(at, name, runs) for at, (name, runs) in enumerate(zip(names, outcomes, strict=True))]
    return {
        "gap": accuracy_picture(arms, NOT_YET),
        "noise": noise_picture(arms, np.array(NOISES), NOT_YET),
        "landscape": directions_picture(arms, np.array(ALPHAS), SHARP_AT, NOT_YET),
        "weights": norms_picture(arms, NOT_YET),
    }


def arm_figures(place: int, name: str, runs: Sequence[Outcome]) -> ArmFigures:
    """The figures of one arm; a run that lacks a curve is not among its rows."""
    pairs = sorted((run.norm, run.slope) for run in runs if run.norm is not None and run.slope is not None)
    return ArmFigures(
        name,
        place,
        _percentages([run.accuracies for run in runs]),
        _percentages([run.train_accuracies for run in runs]),
        _rows([run.noise_losses for run in runs]),
        _rows([run.direction_losses for run in runs]),
        np.array([norm for norm, _ in pairs], float),
        np.array([slope for _, slope in pairs], float),
        {figure.key: spread(figure, sample) for figure, sample in zip(FIGURES, _samples(runs), strict=True)},
    )


def comparison_told(names: Sequence[str], outcomes: Sequence[Sequence[Outcome]]) -> tuple[Told, ...]:
    """A sentence on each figure, and how many runs have diverged, if any has."""
    lost = {name: sum(map(_has_diverged, runs)) for name, runs in zip(names, outcomes, strict=True)}
    told = [
        Told("gap", f"{name}: {lost[name]} of {len(runs)} runs diverged and are left out")
        for name, runs in zip(names, outcomes, strict=True)
        if lost[name]
    ]
    if any(runs and lost[name] == len(runs) for name, runs in zip(names, outcomes, strict=True)):
        return tuple(told)
    samples = [_samples(runs) for runs in outcomes]
    told += [
        Told(PICTURE_OF[figure.key], _sentence(figure, names, [each[at] for each in samples], outcomes))
        for at, figure in enumerate(FIGURES)
    ]
    return (*told, Told("", _method(len(names))))


def _sentence(
    figure: Figure, names: Sequence[str], samples: Sequence[Sample], outcomes: Sequence[Sequence[Outcome]]
) -> str:
    """What the seeds say of a figure, or why PyTorch cannot compute it."""
    lacking = [
        (name, run.no_eigenvalue)
        for name, runs in zip(names, outcomes, strict=True)
        for run in runs
        if run.no_eigenvalue
    ]
    if figure.key == "eigenvalue" and lacking:
        name, why = lacking[0]
        return f"{figure.name}: PyTorch has no second derivative of {name}: {why}"
    return verdict(figure, names, samples)


def _method(arms: int) -> str:
    """How it is decided whether a difference is clear."""
    pairs = arms * (arms - 1) // 2
    times = f", times the {pairs} pairs" if pairs > 1 else ""
    return f"p: exact two-sided Mann–Whitney rank test{times}; clear means p ≤ {CLEAR:g}"


def _has_diverged(run: Outcome) -> bool:
    return run.accuracies[-1:] == (None,)


def _samples(runs: Sequence[Outcome]) -> list[Sample]:
    return [Sample.of([run.figure(figure.key) for run in runs]) for figure in FIGURES]


def _percentages(curves: Sequence[Sequence[float | None]]) -> Array:
    """[runs, epochs], NaN where there is no value, also where a run has lost its later epochs."""
    longest = max(map(len, curves), default=0)
    values = [[*curve, *[None] * (longest - len(curve))] for curve in curves]
    return 100 * np.array(values, float).reshape(len(curves), longest)


def _rows(curves: Sequence[Sequence[float]]) -> Array:
    """[runs, points] of those that have the curve."""
    known = [curve for curve in curves if curve]
    return np.array(known, float).reshape(len(known), len(known[0]) if known else 0)


# -- super-convergence


def rate_figures(
    place: int, name: str, runs: Mapping[float, Sequence[Outcome]], seeds: int, target: float
) -> RateFigures:
    """Steps to the target of a schedule's runs, by rate."""
    steps = np.full((len(runs), seeds), np.nan)
    for row, found in enumerate(runs.values()):
        for outcome in found:
            step = outcome.first_step(target)
            steps[row, outcome.seed] = np.inf if step is None else step
    return RateFigures(name, place, np.array(list(runs), float), steps)


def rates_pictures(arms: Sequence[RateFigures], target: float) -> dict[str, Captioned]:
    return {"rates": rates_picture(arms, target, "no run yet")}


def rates_told(arms: Sequence[RateFigures], target: float) -> tuple[Told, ...]:
    """Where each schedule is fastest, and at how many of its rates it gets there at all."""
    return tuple(Told("rates", _rates_sentence(arm, target)) for arm in arms)


def _rates_sentence(arm: RateFigures, target: float) -> str:
    known = ~np.isnan(arm.steps).any(axis=1) if arm.steps.size else np.zeros(len(arm.rates), bool)
    if not known.any():
        return f"{arm.name}: no rate is measured yet"
    reached = known & np.isfinite(arm.steps).all(axis=1)
    rates, seeds = int(known.sum()), arm.steps.shape[1]
    always = " with every seed" if seeds > 1 else ""
    if not reached.any():
        return f"{arm.name} reaches {target:.0%}{always} at none of {rates} rates"
    means = arm.steps[reached].mean(axis=1)
    best = int(means.argmin())
    over = f" on average over {seeds} seeds" if seeds > 1 else ", with 1 seed"
    return (
        f"{arm.name} reaches {target:.0%}{always} at {int(reached.sum())} of {rates} rates, soonest at rate "
        f"{arm.rates[reached][best]:g}: after {means[best]:,.0f} steps{over}"
    )
