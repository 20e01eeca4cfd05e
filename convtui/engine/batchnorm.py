"""Batch normalisation step by step: batch and running statistics, normalised values, scale and shift.

A BatchNormState is a value: what a forward pass in training mode changes, another value has, so whoever
looks at a network's normalisation never changes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import isfinite, nan, prod

import numpy as np
from numpy.typing import ArrayLike

from convtui.engine.shown import Shown
from convtui.engine.spec import Floats

EPS = 1e-5
MOMENTUM = 0.1


@dataclass(frozen=True, eq=False)
class Statistics:
    """Mean and biased variance [channels], each taken over `count` values."""

    mean: Floats
    var: Floats
    count: int

    @classmethod
    def of(cls, batch: Floats, least: int = 2) -> "Statistics":
        """Those of a mini-batch [images, channels, ...] over images, rows and columns.

        Raises ValueError for fewer values per channel than `least`: training mode refuses a single one.
        """
        count = batch.size // batch.shape[1]
        if count < least:
            shape = list(batch.shape)
            raise ValueError(f"input {shape}: one value per channel; training mode needs at least two")
        axes = (0, *range(2, batch.ndim))
        return cls(batch.mean(axis=axes), batch.var(axis=axes), count)

    @property
    def unbiased_var(self) -> Floats:
        """The variance with Bessel's correction, count/(count - 1), which the running variance is fed.

        NaN for one value per channel.
        """
        return self.var * (self.count / (self.count - 1) if self.count > 1 else nan)


@dataclass(frozen=True, eq=False)
class BatchNormState(Shown):
    """torch.nn.BatchNorm2d with all its state; over [images, features] torch.nn.BatchNorm1d.

    weight is gamma, bias is beta, each [num_features], 1 and 0 unless given; affine False keeps them so.
    momentum is the weight of the new value in the running statistics, None their cumulative average.
    Raises ValueError for a parameter that PyTorch refuses or an array of another shape.
    Source: Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167;
    https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html
    """

    num_features: int
    eps: float = EPS
    momentum: float | None = MOMENTUM
    affine: bool = True
    training: bool = True
    weight: Floats = field(default_factory=lambda: np.ones(()), kw_only=True)
    bias: Floats = field(default_factory=lambda: np.zeros(()), kw_only=True)
    running_mean: Floats = field(default_factory=lambda: np.zeros(()), kw_only=True)
    running_var: Floats = field(default_factory=lambda: np.ones(()), kw_only=True)
    num_batches_tracked: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        if self.num_features < 1:
            raise ValueError(f"num_features {self.num_features}: must be at least 1")
        if not (isfinite(self.eps) and self.eps > 0):
            raise ValueError(f"eps {self.eps:g}: must be greater than 0, such as 1e-5")
        if self.momentum is not None and not 0 <= self.momentum <= 1:
            raise ValueError(f"momentum {self.momentum:g}: must be from 0 to 1, or None")
        for name in ("weight", "bias", "running_mean", "running_var"):
            object.__setattr__(self, name, self._channels(name, getattr(self, name)))
        if not self.affine and ((self.weight != 1).any() or self.bias.any()):
            raise ValueError("weight and bias: must be 1 and 0 if affine is False")
        if (self.running_var < 0).any():
            raise ValueError(f"running_var {self.running_var.min():g}: must be at least 0")

    def _channels(self, name: str, values: ArrayLike) -> Floats:
        array = np.array(values, dtype=np.float64)
        if array.shape not in ((), (self.num_features,)):
            raise ValueError(f"{name}: expected shape [{self.num_features}], got {list(array.shape)}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name}: contains NaN or infinity")
        array = np.array(np.broadcast_to(array, self.num_features))
        array.setflags(write=False)
        return array

    # -- a forward pass

    def used(self, batch: Floats) -> Statistics:
        """What normalises: in training mode the batch's own statistics, in evaluation mode the running ones.

        Raises ValueError for a batch of other channels, or in training mode of one value per channel.
        """
        self._check(batch.shape)
        return Statistics.of(batch) if self.training else self.running(batch.size // self.num_features)

    def running(self, count: int = 0) -> Statistics:
        """The running mean and variance, in the place of a batch's own."""
        return Statistics(self.running_mean, self.running_var, count)

    def normalised(self, batch: Floats, statistics: Statistics) -> Floats:
        """x̂ = (x - mean) / sqrt(var + eps), with the mean and variance of its channel."""
        mean, var = (per_channel(each, batch.ndim) for each in (statistics.mean, statistics.var))
        normalised: Floats = batch - mean
        normalised /= np.sqrt(var + self.eps)
        return normalised

    def scaled(self, normalised: Floats) -> Floats:
        """y = gamma·x̂ + beta."""
        return self._scaled(normalised, np.empty_like(normalised))

    def _scaled(self, normalised: Floats, into: Floats) -> Floats:
        gamma, beta = (per_channel(each, normalised.ndim) for each in (self.weight, self.bias))
        np.multiply(gamma, normalised, out=into)
        into += beta
        return into

    def __call__(self, batch: Floats) -> Floats:
        """The output for a mini-batch [images, channels, ...] in the present mode. Raises as `used` does."""
        normalised = self.normalised(batch, self.used(batch))
        return self._scaled(normalised, into=normalised)

    # -- what comes after it

    def average_factor(self) -> float:
        """The weight of the next batch in the running statistics: momentum, or 1 / batches for None."""
        return 1 / (self.num_batches_tracked + 1) if self.momentum is None else self.momentum

    def updated(self, statistics: Statistics) -> "BatchNormState":
        """After a batch with these statistics in training mode.

        running = (1 - factor)·running + factor·batch, the variance unbiased.
        """
        share = self.average_factor()
        return replace(
            self,
            running_mean=(1 - share) * self.running_mean + share * statistics.mean,
            running_var=(1 - share) * self.running_var + share * statistics.unbiased_var,
            num_batches_tracked=self.num_batches_tracked + 1,
        )

    def after(self, batch: Floats) -> "BatchNormState":
        """After a forward pass over a mini-batch; evaluation mode changes nothing. Raises as `used` does."""
        return self.updated(self.used(batch)) if self.training else self

    def with_channel(
        self, channel: int, *, weight: float | None = None, bias: float | None = None
    ) -> "BatchNormState":
        """Another gamma or beta in one channel."""
        gamma, beta = self.weight.copy(), self.bias.copy()
        if weight is not None:
            gamma[channel] = weight
        if bias is not None:
            beta[channel] = bias
        return replace(self, weight=gamma, bias=beta)

    def _check(self, shape: Sequence[int]) -> None:
        if len(shape) < 2 or shape[1] != self.num_features or not prod(shape):
            wanted = f"[images, {self.num_features}, ...]"
            raise ValueError(f"input {list(shape)}: expected {wanted}, each at least 1")


def per_channel(values: Floats, ndim: int) -> Floats:
    """Values [channels] in the shape in which they meet a batch [images, channels, ...]."""
    return values.reshape(-1, *[1] * (ndim - 2))
