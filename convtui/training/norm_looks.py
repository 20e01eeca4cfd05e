"""Looks at the batch norms of a kept run of the user's network, as messages to and from the training process.

The app computes what a batch norm makes of a mini-batch; only what goes into it needs the user's code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from convtui.training.messages import Message


@dataclass(frozen=True)
class ListNorms(Message):
    """Tell of the batch norms of the run in this folder, by its code as it is, with the weights of a step."""

    run: str
    step: int


@dataclass(frozen=True)
class NormPlace(Message):
    """A batch norm, or, where is_norm is False, a convolution after which one could be.

    path is as in named_modules, title its class. shape is that of what goes in for one image, [features] or
    [channels, rows, columns]; of more axes all but the last are laid out as rows, a single one as columns.
    calls: how often a pass calls it; the first call is looked at.
    """

    path: str
    title: str
    shape: tuple[int, ...]
    is_norm: bool = True
    eps: float = 1e-5
    momentum: float | None = 0.1
    calls: int = 1


@dataclass(frozen=True)
class NormsListed(Message):
    """The places in the order of a pass in training mode; most is how many images can go through at once.

    notice: what the user should know.
    """

    places: tuple[NormPlace, ...]
    most: int
    notice: str = ""


@dataclass(frozen=True)
class Running(Message):
    """Running statistics of a batch norm, by channel."""

    mean: tuple[float, ...]
    var: tuple[float, ...]


@dataclass(frozen=True)
class FeedNorm(Message):
    """Put these training images through the network of the run after a step, up to a place, counted from 0.

    They go through it in training mode and, if in_both, in evaluation mode, in which the batch norms before
    the place have these running statistics; (): those of the run. What goes in is written into the folder.
    """

    run: str
    step: int
    place: int
    images: tuple[int, ...]
    in_both: bool = True
    running: tuple[Running, ...] = ()
    folder: str = ""


@dataclass(frozen=True)
class NormFed(Message):
    """What went in is in this .npz file, which whoever asked removes: arrays [images, *shape].

    `training` and `evaluation`, and of what went into each batch norm before, in training mode, `means` and
    `variances` (biased), [channels] one after another.
    """

    file: str


LOOKS: Final = (ListNorms, FeedNorm)
LOOKED: Final = (NormsListed, NormFed)
