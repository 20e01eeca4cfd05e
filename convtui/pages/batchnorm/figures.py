"""Every figure that the BatchNorm page shows of a mini-batch, computed from what was measured of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from convtui.engine.batchnorm import BatchNormState, Statistics
from convtui.engine.spec import Floats
from convtui.state.batch_measurement import BatchMeasurement, NormInput
from convtui.state.batchnorm import BatchNormSession

DEVIATIONS_ABOVE: Final = 1.5  # of the activation that is looked at first, from the mean
SAMPLE: Final = 2**15  # values of which axes are made
STEPS: Final = 40  # in which the chosen activation goes through the range of the channel

_DISTANCES: Final = ((0.02, "almost the same"), (0.1, "close"), (0.5, "apart"), (np.inf, "far apart"))


@dataclass(frozen=True, eq=False)
class NormalisedChannel:
    """One channel in one mode: x [values], the mean and variance that normalise it, x̂ and y [values]."""

    values: Floats
    mean: float
    var: float
    normalised: Floats
    output: Floats


@dataclass(frozen=True, eq=False)
class Figures:
    """One channel of a batch norm before the present mini-batch, and what the mini-batch does to it."""

    session: BatchNormSession
    measurement: BatchMeasurement

    @property
    def channel(self) -> int:
        return self.session.channel

    @property
    def input(self) -> NormInput:
        """What the batch norm gets in the present mode."""
        return self.measurement.in_mode(self.session.norm.training)

    @property
    def statistics(self) -> Statistics:
        return self.input.statistics

    @property
    def values(self) -> Floats:
        """The channel's activations [images * rows * cols], image by image, row by row."""
        return self.present.values

    @cached_property
    def after(self) -> BatchNormState:
        """The batch norm after this mini-batch."""
        return self.session.updated_norm(self.statistics)

    # -- the whole network in training mode, and in evaluation mode

    @cached_property
    def training(self) -> NormalisedChannel:
        """Normalised by the statistics of the mini-batch, here and in every batch norm before."""
        return self._of(self.measurement.training, self.measurement.training.statistics)

    @cached_property
    def evaluation(self) -> NormalisedChannel:
        """Normalised by the running statistics before the mini-batch, here and in every batch norm before."""
        return self._of(self.measurement.evaluation, self.session.norm.running())

    @cached_property
    def reference(self) -> NormalisedChannel:
        """The first images of all in training mode, for axes; at most SAMPLE of the values."""
        of = self.measurement.reference
        values = of.values[:, self.channel].reshape(-1)
        if len(values) > SAMPLE:
            values = values[np.random.default_rng(0).integers(len(values), size=SAMPLE)]
        return self._normalised(values, of.statistics)

    @property
    def present(self) -> NormalisedChannel:
        """That of the present mode."""
        return self.training if self.session.norm.training else self.evaluation

    @property
    def other(self) -> NormalisedChannel:
        """That of the other mode."""
        return self.evaluation if self.session.norm.training else self.training

    def _of(self, of: NormInput, statistics: Statistics) -> NormalisedChannel:
        return self._normalised(of.values[:, self.channel].reshape(-1), statistics)

    def _normalised(self, values: Floats, statistics: Statistics) -> NormalisedChannel:
        session, channel = self.session, self.channel
        mean, var = float(statistics.mean[channel]), float(statistics.var[channel])
        normalised = (values - mean) / np.sqrt(var + session.norm.eps)
        return NormalisedChannel(values, mean, var, normalised, session.gamma * normalised + session.beta)

    @cached_property
    def difference(self) -> float:
        """Mean distance of y in training mode from y in evaluation mode."""
        return float(np.abs(self.training.output - self.evaluation.output).mean())

    @property
    def difference_words(self) -> str:
        """How large the difference is, measured by |gamma|, the standard deviation of y in training mode."""
        scale = abs(self.session.gamma)
        share = self.difference / scale if scale else 0.0
        return next(words for most, words in _DISTANCES if share < most or most == np.inf)

    # -- the activation that is looked at

    @cached_property
    def chosen(self) -> int:
        """Its index among the values: the first of those nearest to the session's chosen value."""
        wanted = self.session.chosen_value
        if wanted is None:
            wanted = float(self.values.mean() + DEVIATIONS_ABOVE * self.values.std())
        return int(np.abs(self.values - wanted).argmin())

    @property
    def chosen_index(self) -> tuple[int, ...]:
        """Its index [image, channel, row, col] in the mini-batch."""
        images, _, *cells = self.input.values.shape
        image, *cell = np.unravel_index(self.chosen, (images, *cells))
        return int(image), self.channel, *map(int, cell)

    def with_chosen_moved(self, by: int) -> BatchNormSession:
        """The session looking at an activation greater (1) or less (-1) by a fortieth of the range."""
        now, low, high = float(self.values[self.chosen]), self.values.min(), self.values.max()
        beyond = now + by * float(high - low) / STEPS
        further = self.values[self.values >= beyond] if by > 0 else self.values[self.values <= beyond]
        chosen = np.append(further, high).min() if by > 0 else np.append(further, low).max()
        return replace(self.session, chosen_value=float(chosen))
