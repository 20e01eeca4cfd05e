"""What networks make of mini-batches of a data set: made once, and the last few kept.

The order of the images is that in which a run of the same seed trains on them, so that the mini-batches are
the run's own where their size is, and going back and forth meets the same again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from math import prod
from typing import Final

import numpy as np

from convtui.batches import Batches, Indices, Measured, Network, Place, Position, Scatter
from convtui.engine.batch_maps import BatchMaps
from convtui.engine.batchnorm import Statistics
from convtui.training.data import DataSet
from convtui.training.minibatches import normalised, shuffled

QUICK: Final = 0.05  # seconds for which a key may wait
SIZES: Final = (2, 4, 8, 16, 32, 64, 128, 256)  # of the mini-batches whose statistics are compared
DRAWS: Final = 32  # mini-batches of each size
FIRST_DRAWS: Final = 6  # of which a first picture is made
PATIENCE: Final = 4.0  # seconds of computing that the comparison may take

_KEPT: Final = 4
_SECONDS_A_MULTIPLY_ADD: Final = 0.7e-9
_SECONDS_A_CELL: Final = 0.7e-8

_Batch = tuple[Network, Position, int]


class BatchMaker:
    """The mini-batches of one data set, shuffled by a seed, through whatever network is asked for."""

    def __init__(self, data: DataSet, seed: int) -> None:
        self.data, self.seed = data, seed
        self._maps: OrderedDict[_Batch, BatchMaps] = OrderedDict()
        self._measured: OrderedDict[tuple[_Batch, Place], Measured] = OrderedDict()

    @property
    def image_count(self) -> int:
        return len(self.data.train_images)

    def found(self, batches: Batches) -> Measured | None:
        """The present mini-batch at its place, if it has been made."""
        return self._measured.get((_key(batches), batches.place))

    def make(self, batches: Batches) -> Measured:
        """The present mini-batch at its place; what was made for another place of it is used again."""
        found = self.found(batches)
        if found is None:
            key = _key(batches)
            if key not in self._maps:
                self._maps[key] = self._through(batches.network, self._images(batches))
            found = self._measured_at(batches, self._maps[key])
            self.keep(batches, found)
        return found

    def measure(self, batches: Batches) -> Measured:
        """As `make`, but nothing is kept: for another thread."""
        return self._measured_at(batches, self._through(batches.network, self._images(batches)))

    def keep(self, batches: Batches, measured: Measured) -> None:
        """Have `found` give this for the present mini-batch."""
        self._measured[_key(batches), batches.place] = measured
        while len(self._maps) > _KEPT:
            self._maps.popitem(last=False)
        while len(self._measured) > 2 * _KEPT:
            self._measured.popitem(last=False)

    def _measured_at(self, batches: Batches, maps: BatchMaps) -> Measured:
        values = maps.activations(batches.place.input)
        return Measured(values, Statistics.of(values), self._images(batches))

    def seconds(self, network: Network, place: Place, images: int) -> float:
        """About how long so many images take to get to a place."""
        rows = network.rows[: place.input + 1]
        cells = sum(prod(row.output_shape) for row in rows)
        adds = sum(row.multiply_adds for row in rows)
        return images * (adds * _SECONDS_A_MULTIPLY_ADD + cells * _SECONDS_A_CELL)

    def is_quick(self, batches: Batches) -> bool:
        """Whether the present mini-batch is there before anybody notices."""
        return self.seconds(batches.network, batches.place, batches.batch_size) <= QUICK

    def scatter(
        self, network: Network, place: Place, most: int, is_wanted: Callable[[], bool]
    ) -> Scatter | None:
        """How far the statistics of so many draws scatter at a place, fewer where each takes long.

        None once it is not wanted any more. Sizes that are too large, or for which there are too few images,
        are left out.
        """
        sizes = [size for size in SIZES if size <= min(self.image_count, network.most_images)]
        cost = self.seconds(network, place, sum(sizes))
        draws = int(min(max(PATIENCE / max(cost, 1e-9), FIRST_DRAWS), most))
        random = np.random.default_rng(0)
        channels = network.rows[place.input].output_shape[0]
        means, variances = np.empty((2, len(sizes), draws, channels))
        for draw in range(draws):
            for at, size in enumerate(sizes):
                if not is_wanted():
                    return None
                images = random.choice(self.image_count, size, replace=False)
                statistics = Statistics.of(self._through(network, images).activations(place.input))
                means[at, draw], variances[at, draw] = statistics.mean, statistics.var
        spreads = means.std(axis=1, ddof=1), variances.std(axis=1, ddof=1)
        return Scatter(tuple(sizes), *spreads, draws)

    def _through(self, network: Network, images: Indices) -> BatchMaps:
        pixels = normalised(self.data.train_images[images], self.data)
        return BatchMaps(network.rows, pixels, network.weights.__getitem__)

    def _images(self, batches: Batches) -> Indices:
        position = batches.position
        order = shuffled(self.image_count, self.seed, position.epoch)
        return order[position.first : position.first + batches.batch_size]


def _key(batches: Batches) -> _Batch:
    return batches.network, batches.position, batches.batch_size
