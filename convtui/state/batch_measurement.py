"""What is measured of a mini-batch on its way through a network, as immutable values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convtui.engine.batchnorm import Statistics
from convtui.engine.spec import Floats

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class NormInput:
    """The values [images, channels, ...] that a batch norm gets of a mini-batch, and their statistics."""

    values: Floats
    statistics: Statistics

    @classmethod
    def of(cls, values: Floats, least: int = 2) -> NormInput:
        """The values with their statistics. Raises ValueError for fewer values per channel than `least`."""
        return cls(values, Statistics.of(values, least))

    def without_statistics(self) -> NormInput:
        """The same values with statistics that are NaN, in which all that is computed from them is NaN."""
        unknown = np.full(self.values.shape[1], np.nan)
        return NormInput(self.values, Statistics(unknown, unknown, self.statistics.count))


@dataclass(frozen=True, eq=False)
class BatchMeasurement:
    """What a batch norm gets of a mini-batch with the whole network in training mode, and in evaluation mode.

    images [images]: the indices of the mini-batch's images in the data set. earlier_statistics: those of what
    each batch norm before it gets in training mode. reference: what it gets of the first images of the data
    set in training mode, for axes that stay the same from one mini-batch to the next. Where training mode
    refuses the mini-batch, training has no statistics, and earlier_statistics are none.
    """

    training: NormInput
    evaluation: NormInput
    images: Indices
    earlier_statistics: tuple[Statistics, ...]
    reference: NormInput

    def in_mode(self, training: bool) -> NormInput:
        """What it gets in training mode, or in evaluation mode."""
        return self.training if training else self.evaluation


@dataclass(frozen=True, eq=False)
class SpreadBySize:
    """How much batch statistics differ between random mini-batches, for several batch sizes.

    means and variances [sizes, channels] are the standard deviations of the batch mean and of the biased
    batch variance over so many draws, each without replacement from image_count images; 0 where they differ
    by rounding alone.
    """

    sizes: tuple[int, ...]
    means: Floats
    variances: Floats
    draws: int
    image_count: int
