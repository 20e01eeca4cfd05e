"""A network, the mini-batches that go through it and the batch norm that is looked at, as immutable values.

Stepping to the next mini-batch in training mode gives the batch norm new running statistics, on a copy: the
network's own stay what they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convtui.engine.batchnorm import BatchNormState, Statistics
from convtui.engine.feature_maps import FeatureMaps
from convtui.engine.forward import batch_norm_of
from convtui.engine.layers import BatchNorm, Conv, ReLU
from convtui.engine.spec import Floats
from convtui.engine.stack import Row

MOST_IMAGES: Final = 1024  # of a mini-batch
MOST_CELLS: Final = 2**25  # of a mini-batch's maps at any layer
MOMENTA: Final = (0.01, 0.05, 0.1, 0.3, 0.5, 1.0, None)
SCALE_STEP: Final = 0.1  # of gamma and beta

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Place:
    """Where a batch norm normalises: the output of row `input`; it is row `norm`, or laid over if None."""

    input: int
    norm: int | None = None

    @property
    def number(self) -> int:
        """The layer's number as it is said."""
        return self.input if self.norm is None else self.norm


@dataclass(frozen=True, eq=False)
class Network:
    """The rows of a network with all their weights by PyTorch's names, and how it is called.

    batches_tracked is how many mini-batches its running statistics come from.
    """

    name: str
    rows: tuple[Row, ...]
    weights: Mapping[int, Mapping[str, Floats]]
    batches_tracked: int = 0

    @classmethod
    def of(
        cls,
        name: str,
        layers: str,
        shape: tuple[int, ...],
        seed: int = 0,
        weights: Mapping[int, Mapping[str, ArrayLike]] | None = None,
        batches_tracked: int = 0,
    ) -> Network:
        """A network over images of this shape; weights that are not given are drawn as FeatureMaps does.

        Raises ValueError for weights that do not fit and for layers without any place for a batch norm.
        """
        maps = FeatureMaps(layers, np.zeros(shape), seed, weights)
        if maps.summary.error:
            raise maps.summary.error
        rows = maps.summary.rows
        drawn = {row.number: maps.weights(row.number) for row in rows}
        network = cls(name, rows, drawn, batches_tracked)
        if not network.places:
            raise ValueError(f"{name}: has neither a batch norm nor a convolution")
        return network

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Its batch norms over maps; if it has none, where its recipe would have them."""
        norms = [row for row in self.rows if isinstance(row.layer, BatchNorm)]
        if norms:
            return tuple(Place(row.inputs[0], row.number) for row in norms)
        relus = {row.inputs[0]: row.number for row in self.rows if isinstance(row.layer, ReLU)}
        convs = [row.number for row in self.rows if isinstance(row.layer, Conv)]
        return tuple(Place(relus.get(number, number)) for number in convs)

    def norm(self, place: Place) -> BatchNormState:
        """A copy of the batch norm there; one that is laid over is as PyTorch makes it."""
        if place.norm is not None:
            return replace(batch_norm_of(self.weights[place.norm]), num_batches_tracked=self.batches_tracked)
        return BatchNormState(self.rows[place.input].output_shape[0])

    @cached_property
    def most_images(self) -> int:
        """The largest mini-batch whose maps are held without pains."""
        largest = max(prod(row.output_shape) for row in self.rows)
        return max(2, min(MOST_IMAGES, MOST_CELLS // largest))

    def before(self, place: Place) -> tuple[Place, ...]:
        """The network's own batch norms on the way to a place: they decide on what it gets."""
        return tuple(each for each in self.places if each.norm is not None and each.norm <= place.input)


@dataclass(frozen=True)
class Position:
    """Where in an epoch's order of images a mini-batch begins; both count from 0."""

    epoch: int = 0
    first: int = 0


@dataclass(frozen=True, eq=False)
class Seen:
    """A mini-batch that was gone through: where it was, its statistics, and the batch norms of then."""

    position: Position
    batch_size: int
    norm: BatchNormState
    statistics: Statistics
    earlier: tuple[BatchNormState, ...]


@dataclass(frozen=True, eq=False)
class Input:
    """What a batch norm gets of a mini-batch, [images, channels, ...], and its statistics."""

    values: Floats
    statistics: Statistics

    @classmethod
    def of(cls, values: Floats) -> Input:
        """Raises ValueError for one value per channel."""
        return cls(values, Statistics.of(values))


@dataclass(frozen=True, eq=False)
class Measured:
    """What a batch norm gets of a mini-batch with the network in training mode, and in evaluation mode.

    images are the numbers of the mini-batch's images in the data set; `before` are the statistics of what
    the batch norms before it get in training mode. reference is what it gets of the first images, which axes
    are made for.
    """

    training: Input
    evaluation: Input
    images: Indices
    before: tuple[Statistics, ...]
    reference: Input

    def of(self, training: bool) -> Input:
        return self.training if training else self.evaluation


@dataclass(frozen=True, eq=False)
class Scatter:
    """By how much the statistics of mini-batches of some sizes differ from one drawn mini-batch to the next.

    means and variances [sizes, channels] are standard deviations over so many draws, each without repeats
    from image_count images; 0 where there is nothing but rounding.
    """

    sizes: tuple[int, ...]
    means: Floats
    variances: Floats
    draws: int
    image_count: int


@dataclass(frozen=True, eq=False)
class Batches:
    """The batch norm at a place of a network, before the mini-batch at a position, and those seen so far.

    `near` is the activation looked at: the one of the channel that is nearest to this value; None: one and a
    half standard deviations above the mean. `earlier` are the batch norms on the way to it, as network.before
    has them, with the running statistics that the same mini-batches have given them by the same momentum.
    """

    network: Network
    image_count: int
    place: Place
    norm: BatchNormState
    batch_size: int
    channel: int = 0
    position: Position = Position()
    seen: tuple[Seen, ...] = field(default=(), repr=False)
    near: float | None = None
    earlier: tuple[BatchNormState, ...] = field(default=(), repr=False)

    @classmethod
    def start(cls, network: Network, image_count: int, batch_size: int = 128) -> Batches:
        """The first mini-batch at the network's first batch norm."""
        place = network.places[0]
        batch_size = max(1, min(batch_size, image_count, network.most_images))
        earlier = _norms_before(network, place)
        return cls(network, image_count, place, network.norm(place), batch_size, earlier=earlier).checked()

    # -- mini-batches

    @property
    def number(self) -> int:
        """The mini-batches looked at so far, this one among them."""
        return len(self.seen) + 1

    @property
    def is_last(self) -> bool:
        """Whether the next mini-batch begins another epoch; what is left over at the end is dropped."""
        return self.position.first + 2 * self.batch_size > self.image_count

    def next_position(self) -> Position:
        if self.is_last:
            return Position(self.position.epoch + 1, 0)
        return Position(self.position.epoch, self.position.first + self.batch_size)

    def after(self, statistics: Statistics) -> BatchNormState:
        """The batch norm after this mini-batch, whose statistics these are."""
        return self.norm.updated(statistics) if self.norm.training else self.norm

    def advanced(self, statistics: Statistics, before: Sequence[Statistics] = ()) -> Batches:
        """On to the next mini-batch; the one that these statistics are of has gone through the network.

        `before` are the statistics of what the earlier batch norms got of it.
        """
        gone = Seen(self.position, self.batch_size, self.norm, statistics, self.earlier)
        earlier = self.earlier
        if self.norm.training:
            earlier = tuple(
                replace(norm, momentum=self.norm.momentum).updated(its)
                for norm, its in zip(earlier, before, strict=True)
            )
        return replace(
            self,
            norm=self.after(statistics),
            earlier=earlier,
            position=self.next_position(),
            seen=(*self.seen, gone),
        )

    def past(self, measured: Measured) -> Batches:
        """On to the next mini-batch, with what was measured of this one."""
        return self.advanced(measured.of(self.norm.training).statistics, measured.before)

    def back(self) -> Batches:
        """Back before the mini-batch before, with the running statistics of then; gamma and beta stay.

        Raises ValueError at the first.
        """
        if not self.seen:
            raise ValueError("this is the first mini-batch")
        *earlier, last = self.seen
        return replace(
            self._with_running(last.norm, last.earlier),
            position=last.position,
            batch_size=last.batch_size,
            seen=tuple(earlier),
        )

    def restarted(self) -> Batches:
        """The first mini-batch again, with the running statistics as at first; gamma and beta stay."""
        earlier = _norms_before(self.network, self.place)
        first = self._with_running(self.network.norm(self.place), earlier)
        return replace(first, position=Position(), seen=())

    def _with_running(self, norm: BatchNormState, earlier: tuple[BatchNormState, ...]) -> Batches:
        return replace(
            self,
            earlier=earlier,
            norm=replace(
                self.norm,
                running_mean=norm.running_mean,
                running_var=norm.running_var,
                num_batches_tracked=norm.num_batches_tracked,
            ),
        )

    def with_batch_size(self, batch_size: int) -> Batches:
        """Mini-batches of another size from here on. Raises ValueError where there are not so many images."""
        most = min(self.network.most_images, self.image_count)
        if not 1 <= batch_size <= most:
            raise ValueError(f"size {batch_size}: must be from 1 to {most}")
        position = self.position
        if position.first + batch_size > self.image_count:
            position = Position(position.epoch, self.image_count - batch_size)
        return replace(self, batch_size=batch_size, position=position).checked()

    # -- places

    def with_place(self, place: Place) -> Batches:
        """Another layer's batch norm, at the first mini-batch; mode, momentum and eps stay."""
        norm = replace(
            self.network.norm(place),
            momentum=self.norm.momentum,
            eps=self.norm.eps,
            training=self.norm.training,
        )
        channel = min(self.channel, norm.num_features - 1)
        moved = replace(
            self,
            place=place,
            norm=norm,
            earlier=_norms_before(self.network, place),
            channel=channel,
            position=Position(),
            seen=(),
            near=None,
        )
        return moved.checked()

    def moved_place(self, by: int) -> Batches:
        """The next place, or the one before; the outermost stays."""
        places = self.network.places
        place = places[min(max(places.index(self.place) + by, 0), len(places) - 1)]
        return self if place == self.place else self.with_place(place)

    def at_layer(self, number: int) -> Batches:
        """The batch norm with this number. Raises ValueError where there is none."""
        for place in self.network.places:
            if number in (place.number, place.input):
                return self.with_place(place)
        legal = ", ".join(str(place.number) for place in self.network.places)
        raise ValueError(f"layer {number}: must be one of {legal}")

    def at_channel(self, channel: int) -> Batches:
        """Raises ValueError where there is no such channel."""
        last = self.norm.num_features - 1
        if not 0 <= channel <= last:
            raise ValueError(f"channel {channel}: must be from 0 to {last}")
        return replace(self, channel=channel, near=None)

    def with_network(self, network: Network) -> Batches:
        """Another network over the same images, at the place that is most like this one."""
        at = min(self.network.places.index(self.place), len(network.places) - 1)
        size = min(self.batch_size, network.most_images)
        return replace(self, network=network, batch_size=size).with_place(network.places[at])

    @property
    def is_untouched(self) -> bool:
        """Whether it is as its network has it."""
        given = self.network.norm(self.place)
        arrays = ("weight", "bias", "running_mean", "running_var")
        same = all(np.array_equal(getattr(given, name), getattr(self.norm, name)) for name in arrays)
        return same and not self.seen

    # -- the batch norm

    @property
    def gamma(self) -> float:
        return float(self.norm.weight[self.channel])

    @property
    def beta(self) -> float:
        return float(self.norm.bias[self.channel])

    def with_gamma(self, gamma: float) -> Batches:
        return replace(self, norm=self.norm.with_channel(self.channel, weight=gamma))

    def with_beta(self, beta: float) -> Batches:
        return replace(self, norm=self.norm.with_channel(self.channel, bias=beta))

    def undoing(self, statistics: Statistics) -> Batches:
        """With the gamma and beta that give back what came in: gamma = sqrt(var + eps), beta = mean."""
        used = statistics if self.norm.training else self.norm.running()
        gamma = float(np.sqrt(used.var[self.channel] + self.norm.eps))
        return self.with_gamma(gamma).with_beta(float(used.mean[self.channel]))

    def as_given(self) -> Batches:
        """With the network's own gamma and beta in this channel."""
        given = self.network.norm(self.place)
        return self.with_gamma(float(given.weight[self.channel])).with_beta(float(given.bias[self.channel]))

    def with_norm(self, **parameters: object) -> Batches:
        """With another momentum, eps or training mode. Raises ValueError for what PyTorch refuses."""
        return replace(self, norm=replace(self.norm, **parameters)).checked()  # type: ignore[arg-type]

    def checked(self) -> Batches:
        """Itself. Raises ValueError where a batch norm up to this one would get one value per channel."""
        for place in self.network.places:
            shape = self.network.rows[place.input].output_shape
            if place.input <= self.place.input and self.batch_size == 1 and prod(shape[1:]) == 1:
                why = f"gets {list(shape)}: one value per channel, which training mode refuses"
                raise ValueError(f"size 1: layer {place.number} {why}; at least 2")
        return self


def _norms_before(network: Network, place: Place) -> tuple[BatchNormState, ...]:
    return tuple(map(network.norm, network.before(place)))
