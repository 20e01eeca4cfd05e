"""What the laboratory shows of its arms, as plain figures: the runs of each, a row a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from convtui.paint.colours import Array

_NO_RUN = np.zeros((0, 0))


@dataclass(frozen=True, eq=False)
class ArmFigures:
    """One of the recipes that are compared: its name, the number of its colour, and what its runs came to.

    Accuracies [runs, epochs] are in percent; noise_losses [runs, noises] and direction_losses [runs, alphas]
    in nats. norms and slopes [runs] are of the same runs. told has each figure over the seeds in words.
    """

    name: str
    colour: int
    accuracies: Array = field(default_factory=lambda: _NO_RUN)
    train_accuracies: Array = field(default_factory=lambda: _NO_RUN)
    noise_losses: Array = field(default_factory=lambda: _NO_RUN)
    direction_losses: Array = field(default_factory=lambda: _NO_RUN)
    norms: Array = field(default_factory=lambda: np.zeros(0))
    slopes: Array = field(default_factory=lambda: np.zeros(0))
    told: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class RateFigures:
    """A schedule at several peak (or constant) rates: steps [rates, runs] to the accuracy that is wanted.

    Infinite where it was not reached, NaN where there is no run yet.
    """

    name: str
    colour: int
    rates: Array
    steps: Array


@dataclass(frozen=True)
class Told:
    """A sentence, and the picture whose figures it is of."""

    picture: str
    sentence: str
