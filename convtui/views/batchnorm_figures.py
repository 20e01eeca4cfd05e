"""Every figure that the BatchNorm page shows of a mini-batch, computed from its values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from convtui.batches import Batches, Measured
from convtui.engine.batchnorm import BatchNorm, Statistics
from convtui.engine.spec import Floats

DEVIATIONS_ABOVE: Final = 1.5  # where the activation lies that is looked at first
STEPS: Final = 40  # in which the chosen activation goes through the range of the channel

_WORDS: Final = ((0.02, "almost the same"), (0.1, "close"), (0.5, "apart"), (np.inf, "far apart"))


@dataclass(frozen=True, eq=False)
class Side:
    """A channel normalised by one pair of statistics: mean, var, and its x̂ and y."""

    mean: float
    var: float
    normalised: Floats
    output: Floats


@dataclass(frozen=True, eq=False)
class Figures:
    """A batch norm's channel before the present mini-batch, and what the mini-batch is to it."""

    batches: Batches
    measured: Measured

    @property
    def channel(self) -> int:
        return self.batches.channel

    @property
    def statistics(self) -> Statistics:
        return self.measured.statistics

    @cached_property
    def values(self) -> Floats:
        """The channel's activations, image by image, row by row."""
        return self.measured.values[:, self.channel].reshape(-1)

    @cached_property
    def after(self) -> BatchNorm:
        """The batch norm after this mini-batch."""
        return self.batches.after(self.statistics)

    # -- normalised by its own statistics, and by the running ones

    @cached_property
    def training(self) -> Side:
        return self._side(self.statistics)

    @cached_property
    def evaluation(self) -> Side:
        """By the running statistics as they are before this mini-batch."""
        return self._side(self.batches.norm.running())

    @property
    def used(self) -> Side:
        """That of the present mode."""
        return self.training if self.batches.norm.training else self.evaluation

    @property
    def other(self) -> Side:
        return self.evaluation if self.batches.norm.training else self.training

    def _side(self, statistics: Statistics) -> Side:
        norm, channel = self.batches.norm, self.channel
        mean, var = float(statistics.mean[channel]), float(statistics.var[channel])
        normalised = (self.values - mean) / np.sqrt(var + norm.eps)
        return Side(mean, var, normalised, self.batches.gamma * normalised + self.batches.beta)

    @cached_property
    def difference(self) -> float:
        """Mean distance of y in training mode from y in evaluation mode."""
        return float(np.abs(self.training.output - self.evaluation.output).mean())

    @property
    def how_far(self) -> str:
        """The difference in words, against the spread of y that training mode gives: |gamma|."""
        scale = abs(self.batches.gamma)
        share = self.difference / scale if scale else 0.0
        return next(words for most, words in _WORDS if share < most or most == np.inf)

    # -- the activation that is looked at

    @cached_property
    def chosen(self) -> int:
        """Its index among the values: the first of those nearest to what is looked for."""
        near = self.batches.near
        if near is None:
            near = float(self.training.mean + DEVIATIONS_ABOVE * np.sqrt(self.training.var))
        return int(np.abs(self.values - near).argmin())

    @property
    def place(self) -> tuple[int, ...]:
        """Its image in the mini-batch, its channel, row and column."""
        image, *cell = np.unravel_index(
            self.chosen, (len(self.measured.values), *self.measured.values.shape[2:])
        )
        return int(image), self.channel, *map(int, cell)

    def moved(self, by: int) -> Batches:
        """Looking at an activation that is greater (by 1) or less (by -1) by a fortieth of the range."""
        now, low, high = float(self.values[self.chosen]), self.values.min(), self.values.max()
        beyond = now + by * float(high - low) / STEPS
        further = self.values[self.values >= beyond] if by > 0 else self.values[self.values <= beyond]
        near = np.append(further, high).min() if by > 0 else np.append(further, low).max()
        return replace(self.batches, near=float(near))
