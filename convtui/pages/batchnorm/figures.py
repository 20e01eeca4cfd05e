"""Every figure that the Norms page shows of a mini-batch, computed from what was measured of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import nan, prod, sqrt
from typing import Final

import numpy as np

from convtui.engine.batchnorm import BatchNormState, Statistics, per_channel
from convtui.engine.norms import NORM_KINDS, NormKind, SharedMean
from convtui.engine.spec import Floats
from convtui.pages.batchnorm.maps import SharedMaps
from convtui.state.batch_measurement import BatchMeasurement, NormInput
from convtui.state.batchnorm import BatchNormSession

DEVIATIONS_ABOVE: Final = 1.5  # of the activation that is looked at first, from the mean
SAMPLE: Final = 2**15  # values of which axes are made
STEPS: Final = 40  # in which the chosen activation goes through the range of the channel

_DISTANCES: Final = ((0.02, "almost the same"), (0.1, "close"), (0.5, "apart"), (np.inf, "far apart"))


@dataclass(frozen=True, eq=False)
class NormalisedSet:
    """Activations that share a mean, in one mode: x [values], mean and variance, x̂ and y [values]."""

    values: Floats
    mean: float
    var: float
    normalised: Floats
    output: Floats


@dataclass(frozen=True)
class OneNorm:
    """What one of the norms makes of the activation that is looked at.

    images and channels: whose activations share the mean, `count` of them; is_running: they are normalised by
    the running statistics instead. refusal: why PyTorch refuses to normalise them.
    """

    kind: NormKind
    images: range
    channels: range
    count: int
    mean: float
    var: float
    normalised: float
    is_running: bool = False
    refusal: str = ""


@dataclass(frozen=True, eq=False)
class Figures:
    """The activation of a session before the present mini-batch, and what the chosen norm does to its set."""

    session: BatchNormSession
    measurement: BatchMeasurement

    @property
    def channel(self) -> int:
        return self.session.channel

    @property
    def input(self) -> NormInput:
        """What the norm gets in the present mode."""
        return self.measurement.in_mode(self.session.norm.training)

    @property
    def statistics(self) -> Statistics:
        """The mini-batch's, by channel, which batch norm uses."""
        return self.input.statistics

    @property
    def values(self) -> Floats:
        """The activations that share a mean, image by image, channel by channel, row by row."""
        return self.present.values

    @cached_property
    def after(self) -> BatchNormState:
        """The batch norm after this mini-batch."""
        return self.session.updated_norm(self.statistics)

    @cached_property
    def shared(self) -> SharedMean:
        """Which activations share a mean."""
        return self.session.shared

    @property
    def members(self) -> tuple[range, range]:
        """The images and the channels that share a mean with the activation that is looked at."""
        return self.shared.members(self.chosen_index[0], self.channel)

    # -- the whole network in training mode, and in evaluation mode

    @property
    def has_modes(self) -> bool:
        """Whether y differs from mode to mode: by itself, or because x does."""
        session = self.session
        return session.choice.is_batch or bool(session.network.norms_before(session.layer))

    @cached_property
    def training(self) -> NormalisedSet:
        """Normalised in training mode, like every batch norm before."""
        return self._of(self.measurement.training, self.measurement.training.statistics)

    @cached_property
    def evaluation(self) -> NormalisedSet:
        """Normalised in evaluation mode: batch norms by the running statistics before the mini-batch."""
        return self._of(self.measurement.evaluation, self.session.norm.running())

    @cached_property
    def reference(self) -> NormalisedSet:
        """The first images of all in training mode, for axes; about SAMPLE of their values."""
        return self._reference_batch() if self.session.choice.is_batch else self._reference_images()

    def _reference_batch(self) -> NormalisedSet:
        of, session = self.measurement.reference, self.session
        values = of.values[:, self.channel].reshape(-1)
        if len(values) > SAMPLE:
            values = values[np.random.default_rng(0).integers(len(values), size=SAMPLE)]
        mean, var = float(of.statistics.mean[self.channel]), float(of.statistics.var[self.channel])
        normalised = (values - mean) / np.sqrt(var + session.norm.eps)
        return NormalisedSet(values, mean, var, normalised, session.gamma * normalised + session.beta)

    def _reference_images(self) -> NormalisedSet:
        """Each image normalised by its own mean; the mean and variance are those of all."""
        of, channels = self.measurement.reference, self.members[1]
        count = max(1, SAMPLE // (len(channels) * prod(of.values.shape[2:])))
        values = of.values[:count, channels.start : channels.stop]
        shared = SharedMean(values.shape, len(channels), over_images=False)
        normalised = shared.normalised(values, shared.statistics(values), self.session.norm.eps)
        flat = (each.reshape(-1) for each in (normalised, self._scaled(normalised, channels)))
        return NormalisedSet(values.reshape(-1), float(values.mean()), float(values.var()), *flat)

    @property
    def present(self) -> NormalisedSet:
        """That of the present mode."""
        return self.training if self.session.norm.training else self.evaluation

    @property
    def other(self) -> NormalisedSet:
        """That of the other mode."""
        return self.evaluation if self.session.norm.training else self.training

    def _of(self, of: NormInput, by_channel: Statistics) -> NormalisedSet:
        images, channels = self.members
        values = of.values[images.start : images.stop, channels.start : channels.stop]
        mean, var = float(by_channel.mean[self.channel]), float(by_channel.var[self.channel])
        if not self.session.choice.is_batch:
            mean, var = float(values.mean()), float(values.var())
        normalised = (values - mean) / np.sqrt(var + self.session.norm.eps)
        output = self._scaled(normalised, channels)
        return NormalisedSet(values.reshape(-1), mean, var, normalised.reshape(-1), output.reshape(-1))

    def _scaled(self, normalised: Floats, channels: range) -> Floats:
        """y [images, channels, ...] by gamma and beta of each channel."""
        norm, inside = self.session.norm, slice(channels.start, channels.stop)
        gamma, beta = (per_channel(each[inside], normalised.ndim) for each in (norm.weight, norm.bias))
        output: Floats = gamma * normalised + beta
        return output

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

    # -- the norms side by side

    @cached_property
    def side_by_side(self) -> tuple[OneNorm, ...]:
        """What each of the norms makes of the activation that is looked at."""
        return tuple(map(self._by, NORM_KINDS))

    def _by(self, kind: NormKind) -> OneNorm:
        session, (image, channel, *_) = self.session, self.chosen_index
        is_running = kind == "batch" and not session.norm.training
        try:
            shared = replace(session.choice, kind=kind).shared(session.shape)
        except ValueError as error:
            return OneNorm(kind, range(0), range(0), 1, nan, nan, nan, refusal=str(error))
        images, channels = shared.members(image, channel)
        if kind == "batch":
            used = session.norm.running() if is_running else self.statistics
            mean, var = float(used.mean[channel]), float(used.var[channel])
        else:
            values = self.input.values[images.start : images.stop, channels.start : channels.stop]
            mean, var = float(values.mean()), float(values.var())
        normalised = (self.chosen_value - mean) / sqrt(var + session.norm.eps)
        return OneNorm(kind, images, channels, shared.count, mean, var, normalised, is_running)

    @property
    def maps(self) -> SharedMaps:
        """The activations, with the set that shares a mean; features are maps of one cell."""
        values, at = self.input.values, self.chosen_index
        missing = 4 - values.ndim
        image, channel, row, column = (*at, *[0] * missing)
        is_running = self.session.choice.is_batch and not self.session.norm.training
        maps = values.reshape(*values.shape, *[1] * missing)
        return SharedMaps(maps, *self.members, (image, channel, row, column), is_running)

    # -- the activation that is looked at

    @cached_property
    def chosen_index(self) -> tuple[int, ...]:
        """Its index [image, channel, row, col] in the mini-batch.

        It is the first of those nearest to the chosen value; where the session has an image, in that.
        """
        in_channel, wanted, image = self._in_channel, self.session.chosen_value, self.session.image
        if wanted is None:
            wanted = float(in_channel.mean() + DEVIATIONS_ABOVE * in_channel.std())
        candidates = in_channel if image is None else in_channel[image : image + 1]
        place, *cell = np.unravel_index(int(np.abs(candidates - wanted).argmin()), candidates.shape)
        return int(place) + (image or 0), self.channel, *map(int, cell)

    @property
    def _in_channel(self) -> Floats:
        """The activations of the channel [images, ...]."""
        values: Floats = self.input.values[:, self.channel]
        return values

    @property
    def chosen_value(self) -> float:
        return float(self.input.values[self.chosen_index])

    @cached_property
    def chosen(self) -> int:
        """Its index among the values that share its mean."""
        image, channel, *cell = self.chosen_index
        images, channels = self.members
        shape = (len(images), len(channels), *self.input.values.shape[2:])
        return int(np.ravel_multi_index((image - images.start, channel - channels.start, *cell), shape))

    def with_chosen_moved(self, by: int) -> BatchNormSession:
        """The session looking at an activation greater (1) or less (-1) by a fortieth of the range.

        Where the mean is that of one image, in that image.
        """
        image = None if self.session.choice.is_batch else self.chosen_index[0]
        values = self._in_channel if image is None else self._in_channel[image]
        now, low, high = self.chosen_value, values.min(), values.max()
        beyond = now + by * float(high - low) / STEPS
        further = values[values >= beyond] if by > 0 else values[values <= beyond]
        chosen = np.append(further, high).min() if by > 0 else np.append(further, low).max()
        return replace(self.session, chosen_value=float(chosen), image=image)

    def with_image_moved(self, by: int) -> BatchNormSession:
        """The session looking at an activation of another image; the first follows the last."""
        return self.session.at_image((self.chosen_index[0] + by) % self.session.batch_size)
