"""Measures the mini-batches of a data set on their way through a network; the last few are cached.

The order of the images is that in which a run of the same seed trains on them, so that mini-batches of the
run's size are the run's own, and going back and forth meets the same ones again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Final, Protocol

import numpy as np

from convtui.engine.batch_maps import BatchMaps
from convtui.engine.batchnorm import Statistics
from convtui.engine.spec import Floats
from convtui.engine.stack import Row
from convtui.state.batch_measurement import BatchMeasurement, Indices, NormInput, SpreadBySize
from convtui.state.batchnorm import BatchNormSession, BatchPosition
from convtui.state.batchnorm_network import Network, NormLayer
from convtui.training.datasets.minibatches import normalised, shuffled
from convtui.training.datasets.open_any import DataSet

QUICK: Final = 0.06  # seconds for which a key may wait
SIZES: Final = (2, 4, 8, 16, 32, 64, 128, 256)  # of the mini-batches whose statistics are compared
LEAST_DRAWS: Final = 6  # of each size, however long they take
PATIENCE: Final = 4.0  # seconds of computing that the comparison may take

_CACHED: Final = 8
_CACHED_CELLS: Final = 2**23  # that the cached measurements may hold together
_REFERENCE: Final = 128  # images of which the reference is made
_ROUNDING: Final = 1e-12  # of the values: what their statistics differ by through rounding alone
_SECONDS_A_MULTIPLY_ADD: Final = 0.7e-9
_SECONDS_A_CELL: Final = 0.7e-8

_Key = tuple[Network, NormLayer, BatchPosition, int, tuple[bytes, ...]]


class Passes(Protocol):
    """Mini-batches on their way through a network, up to one of its norms."""

    def inputs(self, session: BatchNormSession, images: Indices) -> Inputs:
        """What goes into the session's norm, in both modes."""

    def training_input(self, network: Network, layer: NormLayer, images: Indices) -> Floats:
        """What goes into a norm in training mode."""

    def seconds(self, network: Network, layer: NormLayer, images: int) -> float:
        """About how long it takes to compute so many images up to a norm, in one mode."""

    def is_quick(self, session: BatchNormSession, more: int) -> bool:
        """Whether a mini-batch in both modes, and so many images more in one, take no time to speak of."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """What goes into a norm in training and in evaluation mode, and the statistics of each norm before it."""

    training: Floats
    evaluation: Floats
    earlier: tuple[Statistics, ...] = ()


class EnginePasses:
    """Through the bundled network, by the engine."""

    def __init__(self, data: DataSet) -> None:
        self._data = data

    def inputs(self, session: BatchNormSession, images: Indices) -> Inputs:
        network, layer = session.network, session.layer
        maps = self._maps(network, images)
        before = network.norms_before(layer)
        norms = {each.number: norm for each, norm in zip(before, session.earlier_norms, strict=True)}
        evaluation = (maps.evaluated(norms) if before else maps).activations(layer.input)
        if session.earlier_refusal:
            return Inputs(evaluation, evaluation)
        training = maps.activations(layer.input) if before else evaluation
        return Inputs(training, evaluation, tuple(maps.statistics(each.number) for each in before))

    def training_input(self, network: Network, layer: NormLayer, images: Indices) -> Floats:
        return self._maps(network, images).activations(layer.input)

    def seconds(self, network: Network, layer: NormLayer, images: int) -> float:
        return images * _seconds_an_image(network.rows[: layer.input + 1])

    def is_quick(self, session: BatchNormSession, more: int) -> bool:
        network, layer = session.network, session.layer
        before = network.norms_before(layer)
        rows = network.rows[before[0].number : layer.input + 1] if before else ()
        seconds = self.seconds(network, layer, session.batch_size + more)
        seconds += session.batch_size * _seconds_an_image(rows)  # in the other mode
        return seconds <= QUICK

    def _maps(self, network: Network, images: Indices) -> BatchMaps:
        pixels = normalised(self._data.train_images[images], self._data)
        return BatchMaps(network.rows, pixels, network.weights.__getitem__)


class BatchMeasurer:
    """The mini-batches of one data set, shuffled by a seed, through any network.

    passes: how they go through it; by the engine, if it is not said.
    """

    def __init__(self, data: DataSet, seed: int, passes: Passes | None = None) -> None:
        self.data, self.seed, self.passes = data, seed, passes or EnginePasses(data)
        self._cache: dict[_Key, BatchMeasurement] = {}

    @property
    def image_count(self) -> int:
        return len(self.data.train_images)

    def measure(self, session: BatchNormSession) -> BatchMeasurement:
        """What the session's batch norm gets of its present mini-batch, from the cache if it is there."""
        measurement = self.cached(session)
        if measurement is None:
            measurement = self.compute(session)
            self.store(session, measurement)
        return measurement

    def cached(self, session: BatchNormSession) -> BatchMeasurement | None:
        """What `measure` returns, if it is in the cache."""
        return self._cache.get(_key(session))

    def store(self, session: BatchNormSession, measurement: BatchMeasurement) -> None:
        """Put what `compute` returned for this session into the cache."""
        self._cache[_key(session)] = measurement
        while len(self._cache) > _CACHED or (len(self._cache) > 1 and self._cells > _CACHED_CELLS):
            del self._cache[next(iter(self._cache))]

    @property
    def _cells(self) -> int:
        return sum(each.training.values.size + each.evaluation.values.size for each in self._cache.values())

    def compute(self, session: BatchNormSession) -> BatchMeasurement:
        """What `measure` returns, computed; the cache is left alone, so that any thread can do it."""
        images = self._images(session)
        found = self.passes.inputs(session, images)
        evaluation = NormInput.of(found.evaluation, least=1)
        if session.earlier_refusal:
            reference = self._reference(session, evaluation)
            return BatchMeasurement(evaluation.without_statistics(), evaluation, images, (), reference)
        is_same = found.training is found.evaluation
        training = evaluation if is_same else NormInput.of(found.training, least=1)
        if training.statistics.count == 1:  # which batch norm refuses; the other norms may not
            training = training.without_statistics()
        reference = self._reference(session, training)
        return BatchMeasurement(training, evaluation, images, found.earlier, reference)

    def _reference(self, session: BatchNormSession, present: NormInput) -> NormInput:
        """What the batch norm gets of the first images of all, in training mode."""
        if known := self._known_reference(session):
            return known
        first = self._first_images(session)
        is_present = session.position == BatchPosition() and session.batch_size == len(first)
        if is_present or len(first) == 1:
            return present
        return NormInput.of(self.passes.training_input(session.network, session.layer, first))

    def _known_reference(self, session: BatchNormSession) -> NormInput | None:
        norm = session.network, session.layer
        cached = list(self._cache.items())  # another thread may be looking
        return next((each.reference for key, each in cached if key[:2] == norm), None)

    def _first_images(self, session: BatchNormSession) -> Indices:
        count = min(_REFERENCE, self.image_count, session.network.max_batch_size)
        return shuffled(self.image_count, self.seed, 0)[:count]

    def seconds(self, network: Network, layer: NormLayer, images: int) -> float:
        """About how long it takes to compute so many images up to a batch norm, in one mode."""
        return self.passes.seconds(network, layer, images)

    def is_quick(self, session: BatchNormSession) -> bool:
        """Whether `compute` is done before anybody notices."""
        lacks_reference = session.batch_size < _REFERENCE and not self._known_reference(session)
        return self.passes.is_quick(session, _REFERENCE if lacks_reference else 0)

    def spread(
        self, network: Network, layer: NormLayer, most_draws: int, is_wanted: Callable[[], bool]
    ) -> SpreadBySize | None:
        """How much the statistics at a batch norm differ between draws, fewer of them where each takes long.

        None once it is not wanted any more. Sizes that are too large for the network, or for which there are
        too few images, are left out.
        """
        sizes = [size for size in SIZES if size <= min(self.image_count, network.max_batch_size)]
        cost = self.seconds(network, layer, sum(sizes))
        draws = int(min(max(PATIENCE / max(cost, 1e-9), LEAST_DRAWS), most_draws))
        random = np.random.default_rng(0)
        channels = network.rows[layer.input].output_shape[0]
        means, variances = np.empty((2, len(sizes), draws, channels))
        for draw in range(draws):
            for at, size in enumerate(sizes):
                if not is_wanted():
                    return None
                images = random.choice(self.image_count, size, replace=False)
                statistics = Statistics.of(self.passes.training_input(network, layer, images))
                means[at, draw], variances[at, draw] = statistics.mean, statistics.var
        squares = (np.square(means) + variances).max(axis=(0, 1))
        spreads = means.std(axis=1, ddof=1), variances.std(axis=1, ddof=1)
        for spread, scale in zip(spreads, (np.sqrt(squares), squares), strict=True):
            spread[spread <= _ROUNDING * scale] = 0.0
        return SpreadBySize(tuple(sizes), *spreads, draws, self.image_count)

    def _images(self, session: BatchNormSession) -> Indices:
        position = session.position
        order = shuffled(self.image_count, self.seed, position.epoch)
        return order[position.first : position.first + session.batch_size]


def _seconds_an_image(rows: Sequence[Row]) -> float:
    cells = sum(prod(row.output_shape) for row in rows)
    return sum(row.multiply_adds for row in rows) * _SECONDS_A_MULTIPLY_ADD + cells * _SECONDS_A_CELL


def _key(session: BatchNormSession) -> _Key:
    running = tuple(
        each.tobytes() for norm in session.earlier_norms for each in (norm.running_mean, norm.running_var)
    )
    return session.network, session.layer, session.position, session.batch_size, running
