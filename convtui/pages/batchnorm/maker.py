"""What networks make of mini-batches of a data set: made once, and the last few kept.

The order of the images is that in which a run of the same seed trains on them, so that the mini-batches are
the run's own where their size is, and going back and forth meets the same again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Final

import numpy as np

from convtui.engine.batch_maps import BatchMaps
from convtui.engine.batchnorm import Statistics
from convtui.engine.stack import Row
from convtui.state.batchnorm import Batches, Indices, Input, Measured, Network, Place, Position, Scatter
from convtui.training.datasets.minibatches import normalised, shuffled
from convtui.training.datasets.open_any import DataSet

QUICK: Final = 0.06  # seconds for which a key may wait
SIZES: Final = (2, 4, 8, 16, 32, 64, 128, 256)  # of the mini-batches whose statistics are compared
DRAWS: Final = 32  # mini-batches of each size
FIRST_DRAWS: Final = 6  # of which a first picture is made
PATIENCE: Final = 4.0  # seconds of computing that the comparison may take

_KEPT: Final = 8
_KEPT_CELLS: Final = 2**23  # that those kept may hold together
_REFERENCE: Final = 128  # images for which the axes of a place are made
_ROUNDING: Final = 1e-12  # of the values: what their statistics differ by through rounding alone
_SECONDS_A_MULTIPLY_ADD: Final = 0.7e-9
_SECONDS_A_CELL: Final = 0.7e-8

_Batch = tuple[Network, Place, Position, int, tuple[bytes, ...]]


class BatchMaker:
    """The mini-batches of one data set, shuffled by a seed, through whatever network is asked for."""

    def __init__(self, data: DataSet, seed: int) -> None:
        self.data, self.seed = data, seed
        self._measured: dict[_Batch, Measured] = {}

    @property
    def image_count(self) -> int:
        return len(self.data.train_images)

    def found(self, batches: Batches) -> Measured | None:
        """The present mini-batch at its place, if it has been made."""
        return self._measured.get(_key(batches))

    def make(self, batches: Batches) -> Measured:
        """The present mini-batch at its place."""
        found = self.found(batches)
        if found is None:
            found = self.measure(batches)
            self.keep(batches, found)
        return found

    def keep(self, batches: Batches, measured: Measured) -> None:
        """Have `found` give this for the present mini-batch."""
        self._measured[_key(batches)] = measured
        while len(self._measured) > _KEPT or (len(self._measured) > 1 and self._cells > _KEPT_CELLS):
            del self._measured[next(iter(self._measured))]

    @property
    def _cells(self) -> int:
        return sum(
            each.training.values.size + each.evaluation.values.size for each in self._measured.values()
        )

    def measure(self, batches: Batches) -> Measured:
        """As `make`, but nothing is kept: for another thread."""
        network, place, images = batches.network, batches.place, self._images(batches)
        maps = self._through(network, images)
        training = evaluation = Input.of(maps.activations(place.input))
        before = network.before(place)
        if before:
            norms = {each.number: norm for each, norm in zip(before, batches.earlier, strict=True)}
            evaluation = Input.of(maps.evaluated(norms).activations(place.input))
        statistics = tuple(maps.statistics(each.number) for each in before)
        return Measured(training, evaluation, images, statistics, self._reference(batches, training))

    def _reference(self, batches: Batches, present: Input) -> Input:
        """What the place gets of the first images of all, in training mode."""
        if known := self._known_reference(batches):
            return known
        first = self._first_images(batches)
        if batches.position == Position() and batches.batch_size == len(first):
            return present
        return Input.of(self._through(batches.network, first).activations(batches.place.input))

    def _known_reference(self, batches: Batches) -> Input | None:
        spot = batches.network, batches.place
        kept = list(self._measured.items())  # another thread may be looking
        return next((each.reference for key, each in kept if key[:2] == spot), None)

    def _first_images(self, batches: Batches) -> Indices:
        count = min(_REFERENCE, self.image_count, batches.network.most_images)
        return shuffled(self.image_count, self.seed, 0)[:count]

    def seconds(self, network: Network, place: Place, images: int) -> float:
        """About how long so many images take to get to a place, in one mode."""
        return images * _seconds_an_image(network.rows[: place.input + 1])

    def is_quick(self, batches: Batches) -> bool:
        """Whether the present mini-batch is there before anybody notices."""
        network, place = batches.network, batches.place
        before = network.before(place)
        rows = network.rows[before[0].number : place.input + 1] if before else ()
        seconds = self.seconds(network, place, batches.batch_size)
        seconds += batches.batch_size * _seconds_an_image(rows)  # in the other mode
        if batches.batch_size < _REFERENCE and not self._known_reference(batches):
            seconds += self.seconds(network, place, _REFERENCE)
        return seconds <= QUICK

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
        squares = (np.square(means) + variances).max(axis=(0, 1))
        spreads = means.std(axis=1, ddof=1), variances.std(axis=1, ddof=1)
        for spread, scale in zip(spreads, (np.sqrt(squares), squares), strict=True):
            spread[spread <= _ROUNDING * scale] = 0.0
        return Scatter(tuple(sizes), *spreads, draws, self.image_count)

    def _through(self, network: Network, images: Indices) -> BatchMaps:
        pixels = normalised(self.data.train_images[images], self.data)
        return BatchMaps(network.rows, pixels, network.weights.__getitem__)

    def _images(self, batches: Batches) -> Indices:
        position = batches.position
        order = shuffled(self.image_count, self.seed, position.epoch)
        return order[position.first : position.first + batches.batch_size]


def _seconds_an_image(rows: Sequence[Row]) -> float:
    cells = sum(prod(row.output_shape) for row in rows)
    return sum(row.multiply_adds for row in rows) * _SECONDS_A_MULTIPLY_ADD + cells * _SECONDS_A_CELL


def _key(batches: Batches) -> _Batch:
    running = tuple(
        each.tobytes() for norm in batches.earlier for each in (norm.running_mean, norm.running_var)
    )
    return batches.network, batches.place, batches.position, batches.batch_size, running
