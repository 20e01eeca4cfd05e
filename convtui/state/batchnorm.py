"""The session of the Norms page: a norm in a network, and the mini-batches that have gone through it.

Whichever norm is looked at, the batch norm in its place goes on beside it, so that all are of the same
activations. Stepping to the next mini-batch in training mode updates the running statistics of a copy: those
of the network stay what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Final

import numpy as np

from convtui.engine.batchnorm import BatchNormState, Statistics
from convtui.engine.norms import NORM_KINDS, NormKind, SharedMean, check_groups
from convtui.state.batch_measurement import BatchMeasurement
from convtui.state.batchnorm_network import Network, NormLayer
from convtui.state.norm_choice import BATCH_NORM, NormChoice

MOMENTA: Final = (0.01, 0.05, 0.1, 0.3, 0.5, 1.0, None)
SCALE_STEP: Final = 0.1  # of gamma and beta


@dataclass(frozen=True)
class BatchPosition:
    """The epoch, and the first image of a mini-batch in that epoch's order; both count from 0."""

    epoch: int = 0
    first: int = 0


@dataclass(frozen=True, eq=False)
class PastBatch:
    """A mini-batch that has gone through the network: its statistics, and the batch norms before it came."""

    position: BatchPosition
    batch_size: int
    norm: BatchNormState
    statistics: Statistics
    earlier_norms: tuple[BatchNormState, ...]


@dataclass(frozen=True, eq=False)
class BatchNormSession:
    """A batch norm before the mini-batch at a position, and the past mini-batches since the first.

    choice: which norm of these activations is looked at. image: the one in the mini-batch whose activation
    is looked at; None: any. chosen_value: the activation of the channel nearest to it; None: one and a half
    standard deviations above the mean. earlier_norms: the batch norms of network.norms_before, with the
    running statistics that the same mini-batches have given them, by the same momentum.
    """

    network: Network
    image_count: int
    layer: NormLayer
    norm: BatchNormState
    batch_size: int
    channel: int = 0
    position: BatchPosition = BatchPosition()
    past: tuple[PastBatch, ...] = field(default=(), repr=False)
    chosen_value: float | None = None
    earlier_norms: tuple[BatchNormState, ...] = field(default=(), repr=False)
    choice: NormChoice = BATCH_NORM
    image: int | None = None

    @classmethod
    def start(
        cls, network: Network, image_count: int, batch_size: int = 128, choice: NormChoice | None = None
    ) -> BatchNormSession:
        """The first mini-batch at the network's first batch norm; a choice that is refused is not made."""
        layer = network.norm_layers[0]
        batch_size = max(1, min(batch_size, image_count, network.max_batch_size))
        earlier, norm = _norms_before(network, layer), network.norm_state(layer)
        session = cls(network, image_count, layer, norm, batch_size, earlier_norms=earlier).checked()
        return session.with_choice_if_legal(choice) if choice else session

    # -- mini-batches

    @property
    def number(self) -> int:
        """The present mini-batch's, from 1."""
        return len(self.past) + 1

    @property
    def is_last(self) -> bool:
        """Whether it is the last mini-batch of the epoch; images that do not fill another are dropped."""
        return self.position.first + 2 * self.batch_size > self.image_count

    def next_position(self) -> BatchPosition:
        """Where the next mini-batch begins."""
        if self.is_last:
            return BatchPosition(self.position.epoch + 1, 0)
        return BatchPosition(self.position.epoch, self.position.first + self.batch_size)

    def updated_norm(self, statistics: Statistics) -> BatchNormState:
        """The batch norm after a mini-batch with these statistics.

        In evaluation mode, and after one value per channel, which batch norm refuses, it is as it was.
        """
        return self.norm.updated(statistics) if self.norm.training and statistics.count > 1 else self.norm

    def next_batch(self, measurement: BatchMeasurement) -> BatchNormSession:
        """On to the next mini-batch, with what was measured of this one."""
        statistics = measurement.in_mode(self.norm.training).statistics
        return self.advanced(statistics, measurement.earlier_statistics)

    def advanced(
        self, statistics: Statistics, earlier_statistics: Sequence[Statistics] = ()
    ) -> BatchNormSession:
        """On to the next mini-batch, with the statistics of this one here and at each earlier norm."""
        gone = PastBatch(self.position, self.batch_size, self.norm, statistics, self.earlier_norms)
        earlier = self.earlier_norms
        if self.norm.training:
            has_own = bool(self.layer.path) and self.norm.momentum == self.layer.momentum
            earlier = tuple(
                (norm if has_own else replace(norm, momentum=self.norm.momentum)).updated(its)
                for norm, its in zip(earlier, earlier_statistics, strict=True)
            )
        return replace(
            self,
            norm=self.updated_norm(statistics),
            earlier_norms=earlier,
            position=self.next_position(),
            past=(*self.past, gone),
        )

    def previous_batch(self) -> BatchNormSession:
        """Back to the mini-batch before, with the running statistics of then; gamma and beta stay.

        Raises ValueError at the first mini-batch.
        """
        if not self.past:
            raise ValueError("this is the first mini-batch")
        *earlier, last = self.past
        return replace(
            self._with_running(last.norm, last.earlier_norms),
            position=last.position,
            batch_size=last.batch_size,
            past=tuple(earlier),
        )

    def restarted(self) -> BatchNormSession:
        """The first mini-batch again, with the initial running statistics; gamma and beta stay."""
        earlier = _norms_before(self.network, self.layer)
        first = self._with_running(self.network.norm_state(self.layer), earlier)
        return replace(first, position=BatchPosition(), past=())

    def _with_running(
        self, norm: BatchNormState, earlier_norms: tuple[BatchNormState, ...]
    ) -> BatchNormSession:
        return replace(
            self,
            earlier_norms=earlier_norms,
            norm=replace(
                self.norm,
                running_mean=norm.running_mean,
                running_var=norm.running_var,
                num_batches_tracked=norm.num_batches_tracked,
            ),
        )

    def with_batch_size(self, batch_size: int) -> BatchNormSession:
        """Mini-batches of another size from here on. Raises ValueError for more images than there are."""
        most = min(self.network.max_batch_size, self.image_count)
        if not 1 <= batch_size <= most:
            raise ValueError(f"size {batch_size}: must be from 1 to {most}")
        position = self.position
        if position.first + batch_size > self.image_count:
            position = BatchPosition(position.epoch, self.image_count - batch_size)
        image = self.image if self.image is None else min(self.image, batch_size - 1)
        return replace(self, batch_size=batch_size, position=position, image=image).checked()

    def with_batch_size_scaled(self, by: int) -> BatchNormSession:
        """Mini-batches of twice the size (1) or half the size (-1). Raises as with_batch_size does."""
        return self.with_batch_size(2 * self.batch_size if by > 0 else max(1, self.batch_size // 2))

    # -- layers and channels

    def with_layer(self, layer: NormLayer) -> BatchNormSession:
        """Another layer's batch norm, at the first mini-batch; mode, momentum and eps stay.

        Those of the user's network have a momentum and an eps each.
        """
        norm = replace(self.network.norm_state(layer), training=self.norm.training)
        if not layer.path:
            norm = replace(norm, momentum=self.norm.momentum, eps=self.norm.eps)
        channel = min(self.channel, norm.num_features - 1)
        moved = replace(
            self,
            layer=layer,
            norm=norm,
            earlier_norms=_norms_before(self.network, layer),
            channel=channel,
            position=BatchPosition(),
            past=(),
            chosen_value=None,
        )
        return moved.checked()

    def moved_layer(self, by: int) -> BatchNormSession:
        """The batch norm so many further; at the first and the last it stays."""
        layers = self.network.norm_layers
        layer = layers[min(max(layers.index(self.layer) + by, 0), len(layers) - 1)]
        return self if layer == self.layer else self.with_layer(layer)

    def at_layer(self, number: int) -> BatchNormSession:
        """The batch norm with this number. Raises ValueError where there is none."""
        for layer in self.network.norm_layers:
            if number == layer.number or (number == layer.input and not layer.path):
                return self.with_layer(layer)
        legal = ", ".join(str(layer.number) for layer in self.network.norm_layers)
        raise ValueError(f"layer {number}: must be one of {legal}")

    def at_channel(self, channel: int) -> BatchNormSession:
        """Another channel. Raises ValueError where there is none such."""
        last = self.norm.num_features - 1
        if not 0 <= channel <= last:
            raise ValueError(f"channel {channel}: must be from 0 to {last}")
        return replace(self, channel=channel, chosen_value=None)

    def moved_channel(self, by: int) -> BatchNormSession:
        """The channel so many further; the first follows the last."""
        return self.at_channel((self.channel + by) % self.norm.num_features)

    def with_network(self, network: Network) -> BatchNormSession:
        """Another network for the same images, at its batch norm in the same place, or its last."""
        at = min(self.network.norm_layers.index(self.layer), len(network.norm_layers) - 1)
        size = min(self.batch_size, network.max_batch_size)
        as_batch = replace(self, network=network, batch_size=size, choice=BATCH_NORM)
        return as_batch.with_layer(network.norm_layers[at]).with_choice_if_legal(self.choice)

    def at_image(self, image: int) -> BatchNormSession:
        """Another image of the mini-batch. Raises ValueError where there is none such."""
        if not 0 <= image < self.batch_size:
            raise ValueError(
                f"image {image}: must be from 0 to {self.batch_size - 1}, counted in the mini-batch"
            )
        return replace(self, image=image)

    @property
    def is_unchanged(self) -> bool:
        """Whether no mini-batch has gone through, and gamma and beta are those of the network."""
        given = self.network.norm_state(self.layer)
        arrays = ("weight", "bias", "running_mean", "running_var")
        same = all(np.array_equal(getattr(given, name), getattr(self.norm, name)) for name in arrays)
        return same and not self.past

    # -- the batch norm

    @property
    def gamma(self) -> float:
        """The scale of the channel, PyTorch's weight."""
        return float(self.norm.weight[self.channel])

    @property
    def beta(self) -> float:
        """The shift of the channel, PyTorch's bias."""
        return float(self.norm.bias[self.channel])

    def with_gamma(self, gamma: float) -> BatchNormSession:
        """Another gamma in this channel."""
        return replace(self, norm=self.norm.with_channel(self.channel, weight=gamma))

    def with_beta(self, beta: float) -> BatchNormSession:
        """Another beta in this channel."""
        return replace(self, norm=self.norm.with_channel(self.channel, bias=beta))

    def with_gamma_stepped(self, by: int) -> BatchNormSession:
        """Gamma so many steps greater."""
        return self.with_gamma(_stepped(self.gamma, by))

    def with_beta_stepped(self, by: int) -> BatchNormSession:
        """Beta so many steps greater."""
        return self.with_beta(_stepped(self.beta, by))

    def with_identity(self, mean: float, var: float) -> BatchNormSession:
        """With the gamma and beta that undo a normalisation: gamma = sqrt(var + eps), beta = mean.

        mean and var: those that normalise the activation that is looked at.
        """
        return self.with_gamma(float(np.sqrt(var + self.norm.eps))).with_beta(mean)

    def with_network_gamma_beta(self) -> BatchNormSession:
        """With the network's own gamma and beta in this channel."""
        given = self.network.norm_state(self.layer)
        return self.with_gamma(float(given.weight[self.channel])).with_beta(float(given.bias[self.channel]))

    def with_identity_toggled(self, mean: float, var: float) -> BatchNormSession:
        """With the gamma and beta of with_identity; if it has them already, with those of the network."""
        identity = self.with_identity(mean, var)
        has_them = (identity.gamma, identity.beta) == (self.gamma, self.beta)
        return self.with_network_gamma_beta() if has_them else identity

    def with_next_momentum(self, by: int) -> BatchNormSession:
        """The momentum so many further in MOMENTA; the first follows the last."""
        now = self.norm.momentum
        below = [each for each in MOMENTA if each is not None and now is not None and each < now]
        at = MOMENTA.index(now) if now in MOMENTA else len(below) - (by > 0)
        return self.with_norm(momentum=MOMENTA[(at + by) % len(MOMENTA)])

    def with_mode_toggled(self) -> BatchNormSession:
        """In evaluation mode instead of training mode, or the other way round."""
        return self.with_norm(training=not self.norm.training)

    def with_norm(self, **parameters: object) -> BatchNormSession:
        """With another momentum, eps or training mode. Raises ValueError for what PyTorch refuses."""
        return replace(self, norm=replace(self.norm, **parameters)).checked()  # type: ignore[arg-type]

    # -- the norms

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the activations that are normalised: [images, channels, ...]."""
        return self.batch_size, *self.network.rows[self.layer.input].output_shape

    @property
    def num_groups(self) -> int:
        """Into how many groups group norm divides the channels here."""
        return self.choice.groups_of(self.norm.num_features)

    @property
    def shared(self) -> SharedMean:
        """Which activations share a mean under the chosen norm."""
        return self.choice.shared(self.shape)

    def with_choice(self, choice: NormChoice) -> BatchNormSession:
        """Another norm of the same activations. Raises ValueError where PyTorch refuses them."""
        return replace(self, choice=choice).checked()

    def with_choice_if_legal(self, choice: NormChoice) -> BatchNormSession:
        """Another norm, unless PyTorch refuses these activations."""
        try:
            return self.with_choice(choice)
        except ValueError:
            return self

    def with_kind(self, kind: NormKind) -> BatchNormSession:
        """Another of the four norms. Raises as with_choice does."""
        return self.with_choice(replace(self.choice, kind=kind))

    def with_next_kind(self, by: int) -> BatchNormSession:
        """The norm so many further; the first follows the last. Raises as with_choice does."""
        return self.with_kind(NORM_KINDS[(NORM_KINDS.index(self.choice.kind) + by) % len(NORM_KINDS)])

    def with_groups(self, num_groups: int) -> BatchNormSession:
        """Group norm with so many groups. Raises SpecError if they do not divide the channels."""
        check_groups(num_groups, self.norm.num_features)
        return self.with_choice(NormChoice("group", num_groups))

    def with_next_groups(self, by: int) -> BatchNormSession:
        """Group norm with the next number of groups that divides the channels; the first follows the last."""
        channels = self.norm.num_features
        legal = [each for each in range(1, channels + 1) if channels % each == 0]
        return self.with_groups(legal[(legal.index(self.num_groups) + by) % len(legal)])

    # -- what is refused

    @property
    def earlier_refusal(self) -> str:
        """Why training mode refuses the mini-batch at a batch norm before this one; "" if it does not."""
        before = self.network.norms_before(self.layer)
        return next(filter(None, map(self._refusal_at, before)), "")

    @property
    def refusal(self) -> str:
        """Why training mode refuses the mini-batch: a batch norm up to this one gets one value per channel.

        "" if it does not.
        """
        own = self._refusal_at(self.layer) if self.choice.is_batch else ""
        return self.earlier_refusal or own

    def _refusal_at(self, layer: NormLayer) -> str:
        shape = self.network.rows[layer.input].output_shape
        if self.batch_size > 1 or prod(shape[1:]) > 1:
            return ""
        what = f"size 1: {layer.words} gets {list(shape)}"
        return f"{what}: one value per channel has no variance; training mode needs 2 or more"

    def checked(self) -> BatchNormSession:
        """Itself. Raises ValueError where the norm, or training mode, refuses the mini-batch."""
        if self.norm.training and self.refusal:
            raise ValueError(self.refusal)
        if not self.choice.is_batch:
            self.choice.shared(self.shape)
        return self


def _norms_before(network: Network, layer: NormLayer) -> tuple[BatchNormState, ...]:
    return tuple(map(network.norm_state, network.norms_before(layer)))


def _stepped(value: float, by: int) -> float:
    return round(value + by * SCALE_STEP, 10)
