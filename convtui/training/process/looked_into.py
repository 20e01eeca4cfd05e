"""A kept network that is looked into, and the passes that it is measured in.

Whatever is measured asks for passes alone, so that it knows neither the bundled network nor the user's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convtui.training.datasets.minibatches import evenly_spaced, normalised
from convtui.training.datasets.open_any import DataSet
from convtui.training.exploring import IMAGES
from convtui.training.own_network import OwnNetwork
from convtui.training.process.own_passes import OwnPasses
from convtui.training.process.restored import Restored, at_once, restored
from convtui.training.runs.explored import INITIAL
from convtui.training.runs.store import Run

SAMPLE: Final = 2  # images by which the user's network is traced
PART_IMAGES: Final = 250
PART_VALUES: Final = 2**25  # of all tensors that a pass makes: 128 MB
PART_MULTIPLY_ADDS: Final = 10**9  # some tenths of a second, within which Stop is obeyed

Pixels: TypeAlias = NDArray[np.float32]


class Convolution(Protocol):
    """A convolution that is measured."""

    @property
    def measured(self) -> int:
        """The number of the layer, or of the operation, whose output is its activation."""

    @property
    def filters(self) -> int:
        """How many it has."""

    @property
    def is_rectified(self) -> bool:
        """Whether an activation of 0 excites nothing."""


class Passes(Protocol):
    """A network in evaluation mode, and what a pass through it is asked for."""

    @property
    def convolutions(self) -> Mapping[int, Convolution]:
        """Those that are measured, by number."""

    def logits(self, images: Tensor) -> Tensor:
        """[images, classes]."""

    def see_activations(self, images: Tensor, see: Callable[[int, Tensor], None]) -> None:
        """Calls see with each convolution's number and activation [images, filters, rows, columns]."""

    def without_each(self, images: Tensor, layer: int) -> Iterator[Tensor]:
        """The logits as they are, and then with each filter of a convolution hidden."""


@dataclass(frozen=True)
class LayerOf:
    """A convolution of the bundled network."""

    measured: int
    filters: int
    is_rectified: bool


class BundledPasses:
    """Passes through the layers of the bundled network, one after another."""

    def __init__(self, model: nn.Sequential) -> None:
        self._model = model

    @cached_property
    def convolutions(self) -> Mapping[int, LayerOf]:
        """By the number of their layer."""
        found = {}
        for number, module in enumerate(self._model, 1):
            if isinstance(module, nn.Conv2d):
                measured = activation_of(self._model, number)
                is_rectified = isinstance(self._model[measured - 1], nn.ReLU)
                found[number] = LayerOf(measured, module.out_channels, is_rectified)
        return found

    def logits(self, images: Tensor) -> Tensor:
        """[images, classes]."""
        logits: Tensor = self._model(images)
        return logits

    def see_activations(self, images: Tensor, see: Callable[[int, Tensor], None]) -> None:
        """Calls see with each convolution's number and activation [images, filters, rows, columns]."""
        by_measured, values = {each.measured: number for number, each in self.convolutions.items()}, images
        for number, module in enumerate(self._model, 1):
            values = module(values)
            if number in by_measured:
                see(by_measured[number], values)

    def without_each(self, images: Tensor, layer: int) -> Iterator[Tensor]:
        """The logits as they are, and then with each filter of a convolution hidden."""
        measured = self.convolutions[layer].measured
        head, tail = self._model[:measured], self._model[measured:]
        maps = head(images)
        yield tail(maps)
        for each in range(maps.shape[1]):
            shown = maps[:, each].clone()
            maps[:, each] = 0
            logits = tail(maps)
            maps[:, each] = shown
            yield logits


def activation_of(model: nn.Sequential, convolution: int) -> int:
    """The number of the ReLU that follows a convolution before the next one, or that of itself."""
    for number in range(convolution + 1, len(model) + 1):
        if isinstance(model[number - 1], nn.ReLU):
            return number
        if isinstance(model[number - 1], nn.Conv2d):
            break
    return convolution


@dataclass(frozen=True, eq=False)
class Network:
    """A run's network after a step; sample: some images like those that it is given."""

    data: DataSet
    subject: Restored
    step: int
    digest: str
    passes: Passes
    sample: Tensor

    @cached_property
    def images(self) -> NDArray[np.int64]:
        """The numbers of the validation images that are gone through."""
        return evenly_spaced(len(self.data.test_images), IMAGES)

    @cached_property
    def part(self) -> int:
        """How many images go through the network at once."""
        return at_once(self.subject, self.sample, PART_IMAGES, PART_MULTIPLY_ADDS, PART_VALUES)

    def parts(self, done: int) -> Iterator[tuple[int, NDArray[np.int64], Tensor, Tensor]]:
        """From so many images on: how many are done then, their numbers, normalised images and labels."""
        while done < len(self.images):
            chosen = self.images[done : done + self.part]
            done += len(chosen)
            images = self.subject.to_tensor(normalised(self.data.test_images[chosen], self.data))
            labels = torch.tensor(self.data.test_labels[chosen])
            yield done, chosen, images, labels.to(images.device)


def looked_into(
    run: Run, data: DataSet, step: int | None, pixels: Pixels | None = None, own: OwnNetwork | None = None
) -> Network:
    """The network after a step, the last one kept if None, for the data's images or one of these pixels.

    Before the first step it has the weights that the seed draws, also where they are not kept. own: the
    user's network, where the run is of one.
    Raises ValueError where the weights are not kept or are not finite, and for what their code does wrong.
    """
    checkpoint = run.checkpoint_after(0) if step == 0 else run.kept_checkpoint(step)
    weights, step, digest = (
        (checkpoint.weights, checkpoint.step, checkpoint.digest) if checkpoint else (None, 0, INITIAL)
    )
    sample = normalised(data.test_images[:SAMPLE], data) if pixels is None else pixels[np.newaxis]
    channels, height, width = sample.shape[1:]
    recipe = replace(run.recipe, network=own)
    subject = restored(recipe, data, weights, step, (channels, height, width))
    if not all(each.isfinite().all() for each in subject.model.state_dict().values()):
        raise ValueError(f"run {run.number}: it has diverged, its weights after step {step} are not finite")
    subject.model.requires_grad_(False)  # so that nothing is kept for gradients
    images = subject.to_tensor(np.resize(sample, (SAMPLE, *sample.shape[1:])))
    passes: Passes
    if own:
        passes = OwnPasses(subject, recipe.seed, len(data.classes), images)
    else:
        assert isinstance(subject.model, nn.Sequential)
        passes = BundledPasses(subject.model)
    return Network(data, subject, step, digest, passes, images)
