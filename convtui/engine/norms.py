"""Batch, layer, group and instance norm side by side: they differ only in which activations share a mean.

Source: Wu and He 2018, Group Normalization, https://arxiv.org/abs/1803.08494;
https://pytorch.org/docs/stable/generated/torch.nn.GroupNorm.html, LayerNorm and InstanceNorm2d.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from convtui.engine.batchnorm import EPS, Statistics
from convtui.engine.shown import Shown
from convtui.engine.spec import Floats, SpecError
from convtui.engine.words import counted

NormKind: TypeAlias = Literal["batch", "layer", "group", "instance"]
NORM_KINDS: Final[tuple[NormKind, ...]] = ("batch", "layer", "group", "instance")


@dataclass(frozen=True)
class SharedMean(Shown):
    """Which activations [images, channels, ...] share a mean and a variance: one set for each pair of them.

    A set has all rows and columns of `channels` neighbouring channels, in one image or in all of them.
    """

    shape: tuple[int, ...]
    channels: int
    over_images: bool

    @classmethod
    def of(cls, kind: NormKind, shape: Sequence[int], num_groups: int = 1) -> "SharedMean":
        """That of a norm for activations of this shape; only group norm has num_groups.

        Raises SpecError for a num_groups that does not divide the channels, ValueError for activations that
        PyTorch refuses in training mode.
        """
        if len(shape) < 2 or not prod(shape):
            raise ValueError(f"input {list(shape)}: expected [images, channels, ...], each at least 1")
        channels = 1
        if kind == "layer":
            channels = shape[1]
        elif kind == "group":
            check_groups(num_groups, shape[1])
            channels = shape[1] // num_groups
        shared = cls(tuple(shape), channels, kind == "batch")
        shared._check_spread(kind)
        return shared

    def _check_spread(self, kind: NormKind) -> None:
        given = f"input {list(self.shape)}: one value"
        if kind == "instance" and self.count == 1:
            raise ValueError(f"{given} per channel of an image; instance norm needs at least two")
        if kind == "batch" and self.count == 1:
            raise ValueError(f"{given} per channel; training mode needs at least two")
        if kind == "group" and self.count * self.shape[0] == 1:
            raise ValueError(f"{given} per group; group norm needs at least two")

    @property
    def count(self) -> int:
        """How many activations share a mean."""
        return (self.shape[0] if self.over_images else 1) * self.channels * prod(self.shape[2:])

    @property
    def sets(self) -> tuple[int, int]:
        """How many means there are: along the images, and along the channels."""
        return 1 if self.over_images else self.shape[0], self.shape[1] // self.channels

    def set_of(self, image: int, channel: int) -> int:
        """The index of an activation's set among the statistics."""
        return (0 if self.over_images else image * self.sets[1]) + channel // self.channels

    def members(self, image: int, channel: int) -> tuple[range, range]:
        """The images and the channels whose activations are in the set of this one."""
        images = range(self.shape[0]) if self.over_images else range(image, image + 1)
        first = channel // self.channels * self.channels
        return images, range(first, first + self.channels)

    def statistics(self, activations: Floats) -> Statistics:
        """Mean and biased variance [sets], those of the first image first."""
        sets = activations if self.over_images else activations.reshape(1, prod(self.sets), -1)
        return Statistics.of(sets, least=1)

    def spread(self, values: Floats) -> Floats:
        """Values [sets] in the shape in which they meet the activations."""
        each = np.repeat(values.reshape(self.sets), self.channels, axis=1)
        return each.reshape(*each.shape, *[1] * (len(self.shape) - 2))

    def normalised(self, activations: Floats, statistics: Statistics, eps: float = EPS) -> Floats:
        """x̂ = (x - mean) / sqrt(var + eps), with the mean and variance of its set."""
        normalised: Floats = activations - self.spread(statistics.mean)
        normalised /= np.sqrt(self.spread(statistics.var) + eps)
        return normalised


def check_groups(num_groups: int, channels: int) -> None:
    """Raises SpecError if the channels cannot be divided into so many groups."""
    if num_groups < 1 or channels % num_groups:
        legal = [each for each in range(1, channels + 1) if channels % each == 0]
        nearest = [*[n for n in legal if n < num_groups][-1:], *[n for n in legal if n > num_groups][:1]]
        reason = f"must divide the {counted(channels, 'channel')}"
        raise SpecError("num_groups", num_groups, reason, " or ".join(map(str, nearest)))


def weight_shape(kind: NormKind, shape: Sequence[int]) -> tuple[int, ...]:
    """That of weight and bias for activations of this shape: layer norm has one for each element."""
    return tuple(shape[1:]) if kind == "layer" else (shape[1],)


def scaled(kind: NormKind, normalised: Floats, weight: ArrayLike = 1.0, bias: ArrayLike = 0.0) -> Floats:
    """y = weight·x̂ + bias, each of weight_shape or a single number. Raises ValueError for other shapes."""
    gamma, beta = (_meeting(kind, normalised.shape, each) for each in (weight, bias))
    output: Floats = normalised * gamma
    output += beta
    return output


def _meeting(kind: NormKind, shape: Sequence[int], values: ArrayLike) -> Floats:
    array, expected = np.asarray(values, dtype=np.float64), weight_shape(kind, shape)
    if array.shape not in ((), expected):
        raise ValueError(f"weight or bias: expected shape {list(expected)}, got {list(array.shape)}")
    return array if kind == "layer" or not array.ndim else array.reshape(-1, *[1] * (len(shape) - 2))


def norm(
    kind: NormKind,
    activations: Floats,
    weight: ArrayLike = 1.0,
    bias: ArrayLike = 0.0,
    *,
    num_groups: int = 1,
    eps: float = EPS,
) -> Floats:
    """The output for activations [images, channels, ...]; batch norm in training mode.

    Raises what SharedMean.of and scaled raise.
    """
    shared = SharedMean.of(kind, activations.shape, num_groups)
    statistics = shared.statistics(activations)
    return scaled(kind, shared.normalised(activations, statistics, eps), weight, bias)
