"""Every figure that the BatchNorm page shows of a mini-batch, computed from its values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from convtui.engine.batchnorm import BatchNormState, Statistics
from convtui.engine.spec import Floats
from convtui.state.batchnorm import Batches, Input, Measured

DEVIATIONS_ABOVE: Final = 1.5  # where the activation lies that is looked at first
SAMPLE: Final = 2**15  # values for which axes are made
STEPS: Final = 40  # in which the chosen activation goes through the range of the channel

_WORDS: Final = ((0.02, "almost the same"), (0.1, "close"), (0.5, "apart"), (np.inf, "far apart"))


@dataclass(frozen=True, eq=False)
class Side:
    """A channel in one mode of the network: its x, the mean and var that normalise it, and its x̂ and y."""

    values: Floats
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
    def input(self) -> Input:
        """What the batch norm gets in the present mode."""
        return self.measured.of(self.batches.norm.training)

    @property
    def statistics(self) -> Statistics:
        return self.input.statistics

    @property
    def values(self) -> Floats:
        """The channel's activations, image by image, row by row."""
        return self.used.values

    @cached_property
    def after(self) -> BatchNormState:
        """The batch norm after this mini-batch."""
        return self.batches.after(self.statistics)

    # -- the network in training mode, and in evaluation mode

    @cached_property
    def training(self) -> Side:
        """Normalised by its own statistics, as every batch norm before it."""
        return self._side(self.measured.training, self.measured.training.statistics)

    @cached_property
    def evaluation(self) -> Side:
        """By the running statistics as they are before this mini-batch, as every batch norm before it."""
        return self._side(self.measured.evaluation, self.batches.norm.running())

    @cached_property
    def reference(self) -> Side:
        """The first images of all in training mode, which axes are made for; of many values a sample."""
        of = self.measured.reference
        values = of.values[:, self.channel].reshape(-1)
        if len(values) > SAMPLE:
            values = values[np.random.default_rng(0).integers(len(values), size=SAMPLE)]
        return self._normalised(values, of.statistics)

    @property
    def used(self) -> Side:
        """That of the present mode."""
        return self.training if self.batches.norm.training else self.evaluation

    @property
    def other(self) -> Side:
        return self.evaluation if self.batches.norm.training else self.training

    def _side(self, of: Input, statistics: Statistics) -> Side:
        return self._normalised(of.values[:, self.channel].reshape(-1), statistics)

    def _normalised(self, values: Floats, statistics: Statistics) -> Side:
        norm, channel = self.batches.norm, self.channel
        mean, var = float(statistics.mean[channel]), float(statistics.var[channel])
        normalised = (values - mean) / np.sqrt(var + norm.eps)
        return Side(values, mean, var, normalised, self.batches.gamma * normalised + self.batches.beta)

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
            near = float(self.values.mean() + DEVIATIONS_ABOVE * self.values.std())
        return int(np.abs(self.values - near).argmin())

    @property
    def place(self) -> tuple[int, ...]:
        """Its image in the mini-batch, its channel, row and column."""
        images, _, *cells = self.input.values.shape
        image, *cell = np.unravel_index(self.chosen, (images, *cells))
        return int(image), self.channel, *map(int, cell)

    def moved(self, by: int) -> Batches:
        """Looking at an activation that is greater (by 1) or less (by -1) by a fortieth of the range."""
        now, low, high = float(self.values[self.chosen]), self.values.min(), self.values.max()
        beyond = now + by * float(high - low) / STEPS
        further = self.values[self.values >= beyond] if by > 0 else self.values[self.values <= beyond]
        near = np.append(further, high).min() if by > 0 else np.append(further, low).max()
        return replace(self.batches, near=float(near))
