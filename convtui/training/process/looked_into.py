"""A kept network that is looked into: its weights after a step, and the passes that it is measured in.

Whatever is measured asks for passes alone, so that it knows neither the bundled network nor the user's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Final, Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convtui.training.architecture import network
from convtui.training.datasets.minibatches import evenly_spaced, normalised
from convtui.training.datasets.open_any import DataSet
from convtui.training.devices import chosen
from convtui.training.exploring import IMAGES
from convtui.training.own_network import OwnNetwork
from convtui.training.process.network import devices_there, images_at_once, model_of, to_tensor
from convtui.training.process.own_network import make
from convtui.training.process.own_passes import OwnPasses
from convtui.training.process.trial import tried
from convtui.training.runs.checkpoint import Checkpoint
from convtui.training.runs.explored import INITIAL
from convtui.training.runs.store import Run

SAMPLE: Final = 2  # images by which the user's network is traced

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
    def source(self) -> str:
        """The digest of the user's code; "" of the bundled network."""

    @property
    def convolutions(self) -> Mapping[int, Convolution]:
        """Those that are measured, by number."""

    @property
    def part(self) -> int:
        """How many images go through the network at once."""

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

    source = ""

    def __init__(self, model: nn.Sequential, values: int, multiply_adds: int) -> None:
        """values: of the largest layer's output; multiply_adds: of all; for one image."""
        self._model = model
        self.part = images_at_once(values, multiply_adds)

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
    """A run's network after a step, in evaluation mode."""

    run: Run
    data: DataSet
    model: nn.Module
    step: int
    digest: str
    passes: Passes
    device: torch.device | None = None  # of the user's network

    @cached_property
    def images(self) -> NDArray[np.int64]:
        """The numbers of the validation images that are gone through."""
        return evenly_spaced(len(self.data.test_images), IMAGES)

    @property
    def convolutions(self) -> Mapping[int, Convolution]:
        """Those that are measured, by number."""
        return self.passes.convolutions

    def tensor(self, images: Pixels) -> Tensor:
        """Images [n, channels, rows, columns] as the network takes them."""
        if self.device is None:
            return to_tensor(images)
        return torch.from_numpy(images).contiguous().to(self.device)

    def parts(self, done: int) -> Iterator[tuple[int, NDArray[np.int64], Tensor, Tensor]]:
        """From so many images on: how many are done then, their numbers, normalised images and labels."""
        part = self.passes.part
        for start in range(done, len(self.images), part):
            chosen = self.images[start : start + part]
            images = self.tensor(normalised(self.data.test_images[chosen], self.data))
            labels = torch.tensor(self.data.test_labels[chosen])
            yield start + len(chosen), chosen, images, labels.to(images.device)


def network_of(
    run: Run, data: DataSet, step: int | None, pixels: Pixels | None = None, own: OwnNetwork | None = None
) -> Network:
    """The network after a step, the last one kept if None, for the data's images or one of these pixels.

    Before the first step it has the weights that the seed draws, also where they are not kept. own: the
    user's network, where the run is of one.
    Raises ValueError where the weights are not kept or are not finite, and for what their code does wrong.
    """
    torch.set_num_threads(run.recipe.threads)
    torch.manual_seed(run.recipe.seed)  # as Training begins
    checkpoint = run.latest_checkpoint() if step is None else run.checkpoint_after(step)
    device: torch.device | None = None
    notice = source = ""
    model: nn.Module
    if own:
        own = replace(own, weights="" if checkpoint else own.weights)  # their file may be gone by now
        device = torch.device(chosen(run.recipe.device, devices_there())[0])
        model, begun = make(own, run.recipe.seed)
        source = begun.digest
        model = model.to(device)
        notice = tried(model, own, data, device).notice
    else:
        channels, height, width = data.shape if pixels is None else pixels.shape
        model = model_of(run.recipe, data, (channels, height, width))
    step, digest = _restore(model, run, step, checkpoint)
    model.eval().requires_grad_(False)  # so that nothing is kept for gradients
    passes: Passes
    if own and device:
        sample = normalised(data.test_images[:SAMPLE], data) if pixels is None else pixels[np.newaxis]
        images = torch.from_numpy(np.ascontiguousarray(np.resize(sample, (SAMPLE, *sample.shape[1:]))))
        passes = OwnPasses(model, own, run.recipe.seed, len(data.classes), images.to(device), source)
        passes.notice = _changed_words(own, source) or notice
    else:
        assert isinstance(model, nn.Sequential)
        summary = network(run.recipe, (channels, height, width), len(data.classes))
        values = max(prod(row.output_shape) for row in summary.rows)
        passes = BundledPasses(model, values, summary.multiply_adds)
    return Network(run, data, model, step, digest, passes, device)


def _restore(model: nn.Module, run: Run, step: int | None, checkpoint: Checkpoint | None) -> tuple[int, str]:
    """Give it the weights after a step; which step and digest those are of."""
    digest = INITIAL
    if checkpoint is not None:
        step, digest = checkpoint.step, checkpoint.digest
        try:
            model.load_state_dict({name: torch.tensor(each) for name, each in checkpoint.weights.items()})
        except (RuntimeError, TypeError):
            of = run.recipe.network
            whose = f"{of.name} as it is now" if of else "its recipe and data"
            reason = f"the checkpoint of step {checkpoint.step} does not match {whose}"
            raise ValueError(f"run {run.number}: {reason}") from None
    elif step != 0:
        raise ValueError(f"run {run.number}: its weights after step {step} are not kept")
    if not all(each.isfinite().all() for each in model.state_dict().values()):
        raise ValueError(f"run {run.number}: it has diverged, its weights after step {step} are not finite")
    return step or 0, digest


def _changed_words(own: OwnNetwork, source: str) -> str:
    """What to know where the code is no longer that of the run."""
    if not own.digest or own.digest == source:
        return ""
    return f"{own.name} has changed since the run began: this is measured with the code as it is now"
