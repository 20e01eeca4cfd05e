"""Looks into a kept network: what excites its filters, what they are worth, what a class depends on.

The work is done in parts that are short enough to be stopped between: None is told where one more is done
without anything to tell of. exploring.py defines what is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from time import perf_counter
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convtui.inputs.names import printable
from convtui.training.architecture import network
from convtui.training.datasets.minibatches import evenly_spaced, normalised
from convtui.training.datasets.open_any import DataSet
from convtui.training.exploring import (
    IMAGES,
    PATCHES,
    Ablate,
    Ablating,
    Excited,
    ExcitedLayer,
    Explain,
    Explaining,
    Explore,
    Explored,
    Exploring,
    Hidden,
    Occluded,
    Planes,
)
from convtui.training.messages import Message
from convtui.training.process.network import model_of, to_array, to_tensor
from convtui.training.runs.explored import INITIAL, Ablation, Explanation, Keeper, Patches, keeping
from convtui.training.runs.store import Run

PART_IMAGES: Final = 250
PART_VALUES: Final = 2**22  # of the largest layer's output: 16 MB
PART_MULTIPLY_ADDS: Final = 10**9  # some tenths of a second, within which Stop is obeyed
POSITIONS: Final = 32  # of the square that covers a part of the image, along rows and columns, at most
COVERED: Final = 1 / 6  # of an image's side
MOST_PIXELS: Final = 2**20  # whose gradient fits into a message

Shape: TypeAlias = tuple[int, int, int]
Events: TypeAlias = Iterator[Message | None]
Array: TypeAlias = NDArray[np.float32]
Work: TypeAlias = Callable[["Network", Keeper], Events]


@dataclass(frozen=True, eq=False)
class Network:
    """A run's network after a step, in evaluation mode, for images of this shape."""

    run: Run
    data: DataSet
    model: nn.Sequential
    step: int
    digest: str
    shape: Shape

    @cached_property
    def images(self) -> NDArray[np.int64]:
        """The numbers of the validation images that are gone through."""
        return evenly_spaced(len(self.data.test_images), IMAGES)

    @cached_property
    def convolutions(self) -> dict[int, int]:
        """The number of each convolution, and that of the layer whose output its activation is."""
        return {
            number: activation_of(self.model, number)
            for number, module in enumerate(self.model, 1)
            if isinstance(module, nn.Conv2d)
        }

    @cached_property
    def part(self) -> int:
        """How many images go through the network at once."""
        summary = network(self.run.recipe, self.shape, len(self.data.classes))
        values = max(prod(row.output_shape) for row in summary.rows)
        most = min(PART_VALUES // values, PART_MULTIPLY_ADDS // max(summary.multiply_adds, 1))
        return max(1, min(PART_IMAGES, most))

    def filters(self, layer: int) -> int:
        module = self.model[layer - 1]
        assert isinstance(module, nn.Conv2d)
        return module.out_channels

    def parts(self, done: int) -> Iterator[tuple[int, NDArray[np.int64], Tensor, Tensor]]:
        """From so many images on: how many are done then, their numbers, normalised images and labels."""
        for start in range(done, len(self.images), self.part):
            chosen = self.images[start : start + self.part]
            images = to_tensor(normalised(self.data.test_images[chosen], self.data))
            yield start + len(chosen), chosen, images, torch.tensor(self.data.test_labels[chosen])


def network_of(run: Run, data: DataSet, step: int | None, shape: Shape | None = None) -> Network:
    """The network after a step, the last one kept if None; shape: that of other images than the data's.

    Before the first step it has the weights that the seed draws, also where they are not kept.
    Raises ValueError where the weights are not kept or are not finite.
    """
    torch.set_num_threads(run.recipe.threads)
    torch.manual_seed(run.recipe.seed)  # as Training begins
    model, digest = model_of(run.recipe, data, shape), INITIAL
    checkpoint = run.latest_checkpoint() if step is None else run.checkpoint_after(step)
    if checkpoint is not None:
        step, digest = checkpoint.step, checkpoint.digest
        try:
            model.load_state_dict({name: torch.tensor(each) for name, each in checkpoint.weights.items()})
        except (RuntimeError, TypeError):
            reason = f"the checkpoint of step {step} does not match its recipe and data"
            raise ValueError(f"run {run.number}: {reason}") from None
    elif step != 0:
        raise ValueError(f"run {run.number}: its weights after step {step} are not kept")
    if not all(each.isfinite().all() for each in model.state_dict().values()):
        raise ValueError(f"run {run.number}: it has diverged, its weights after step {step} are not finite")
    model.eval().requires_grad_(False)  # so that nothing is kept for gradients
    return Network(run, data, model, step or 0, digest, shape or data.shape)


def look_into(run: Run, data: DataSet, job: Explore | Ablate | Explain) -> Events:
    """All that a job tells, what is known from before first. Raises ValueError for what cannot be done."""
    began = perf_counter()
    pixels: Array | None = None
    header: Message
    work: Work
    match job:
        case Explore():
            net = network_of(run, data, job.step)
            header, work = _exploring(net), _explored
        case Ablate():
            net = network_of(run, data, job.step)
            header, work = _ablating(net, job.layer), _ablated
        case Explain():
            pixels = _pixels(data, job)
            channels, height, width = pixels.shape
            net = network_of(run, data, job.step, (channels, height, width))
            header, work = _explaining(net, pixels, job.label), _occlusion(pixels)
    with keeping(run.path, job, header, pixels) as keeper:
        yield from keeper.events
        for event in work(net, keeper):
            if event is not None:
                keeper.add(event)
            yield event
    yield Explored(perf_counter() - began)


# -- what excites filters


def _exploring(net: Network) -> Exploring:
    layers = tuple(net.convolutions)
    return Exploring(
        net.step,
        net.digest,
        len(net.images),
        len(net.data.test_images),
        layers,
        tuple(net.convolutions.values()),
        tuple(map(net.filters, layers)),
    )


def _explored(net: Network, keeper: Keeper) -> Events:
    assert isinstance(keeper.found, Patches)
    for done, chosen, images, _ in net.parts(keeper.found.images):
        activations = _activations(net, images)
        yield Excited(
            done,
            tuple(
                _excited(net, each, chosen, known.values)
                for each, known in zip(activations, keeper.found.layers, strict=True)
            ),
        )


def _activations(net: Network, images: Tensor) -> list[tuple[int, Tensor]]:
    """The activation [n, filters, rows, columns] of every convolution, with the number of its layer."""
    measured, found, values = set(net.convolutions.values()), [], images
    for number, module in enumerate(net.model, 1):
        values = module(values)
        if number in measured:
            found.append((number, values))
    return found


def _excited(
    net: Network, activation: tuple[int, Tensor], chosen: NDArray[np.int64], known: NDArray[np.float64]
) -> ExcitedLayer:
    """What these images add to the strongest activations known [filters, 9], NaN where there are fewer."""
    number, maps = activation
    strongest, places = maps.flatten(2).max(dim=2)  # of equal ones the first
    values, flat = to_array(strongest).T.astype(np.float64), to_array(places).T  # [filters, n]
    order = np.argsort(-values, axis=1, kind="stable")[:, :PATCHES]
    best = np.take_along_axis(values, order, axis=1)
    least = np.where(np.isnan(known[:, -1:]), -np.inf, known[:, -1:])
    is_new = best > least
    if isinstance(net.model[number - 1], nn.ReLU):
        is_new &= best > 0
    filters, rank = np.nonzero(is_new)
    at = order[filters, rank]
    rows, columns = np.divmod(flat[filters, at], maps.shape[3])
    return ExcitedLayer(
        means=tuple(maps.mean(dim=(0, 2, 3)).tolist()),
        positive=tuple((strongest > 0).sum(dim=0).tolist()),
        filters=tuple(filters.tolist()),
        images=tuple(chosen[at].tolist()),
        rows=tuple(rows.tolist()),
        columns=tuple(columns.tolist()),
        values=tuple(best[filters, rank].tolist()),
    )


def activation_of(model: nn.Sequential, convolution: int) -> int:
    """The number of the ReLU that follows a convolution before the next one, or that of itself."""
    for number in range(convolution + 1, len(model) + 1):
        if isinstance(model[number - 1], nn.ReLU):
            return number
        if isinstance(model[number - 1], nn.Conv2d):
            break
    return convolution


# -- what filters are worth


def _ablating(net: Network, layer: int) -> Ablating:
    if layer not in net.convolutions:
        known = ", ".join(map(str, net.convolutions))
        raise ValueError(f"layer {layer}: must be a convolution, {known}")
    measured = net.convolutions[layer]
    return Ablating(net.step, net.digest, len(net.images), layer, measured, net.filters(layer))


def _ablated(net: Network, keeper: Keeper) -> Events:
    assert isinstance(keeper.found, Ablation)
    head, tail = net.model[: keeper.found.measured], net.model[keeper.found.measured :]
    for done, _, images, labels in net.parts(keeper.found.images):
        maps = head(images)
        correct = keeper.found.correct + _correct(tail(maps), labels)
        without = keeper.found.without.tolist()
        for each in range(len(without)):
            shown = maps[:, each].clone()
            maps[:, each] = 0
            without[each] += _correct(tail(maps), labels)
            maps[:, each] = shown
            yield None
        yield Hidden(done, correct, tuple(without))


def _correct(logits: Tensor, labels: Tensor) -> int:
    return int((logits.argmax(1) == labels).sum())


# -- what a class depends on


def _pixels(data: DataSet, job: Explain) -> Array:
    """The image's normalised pixels [C, H, W]. Raises ValueError where there is no such image or class."""
    if not 0 <= job.label < len(data.classes):
        raise ValueError(f"class {job.label}: must be 0 to {len(data.classes) - 1}")
    if job.image is None:
        return _read(Path(job.pixels), data.shape[0])
    if not 0 <= job.image < len(data.test_images):
        raise ValueError(f"image {job.image}: must be 0 to {len(data.test_images) - 1}")
    return normalised(data.test_images[job.image], data)


def _read(path: Path, channels: int) -> Array:
    name = printable(str(path))
    try:
        pixels = np.load(path, allow_pickle=False)
    except (ValueError, EOFError):
        raise ValueError(f"{name}: is not a .npy file") from None
    if not isinstance(pixels, np.ndarray) or pixels.dtype.kind != "f" or pixels.ndim != 3:
        raise ValueError(f"{name}: must hold floating-point pixels [channels, rows, columns]")
    if pixels.shape[0] != channels or not 0 < pixels.size <= MOST_PIXELS:
        legal = f"{channels} channels and at most {MOST_PIXELS:,} pixels in all"
        raise ValueError(f"{name}: has the shape {list(pixels.shape)}; must have {legal}")
    if not np.isfinite(pixels).all():
        raise ValueError(f"{name}: has pixels that are not finite")
    return np.ascontiguousarray(pixels, np.float32)


def _explaining(net: Network, pixels: Array, label: int) -> Explaining:
    image = to_tensor(pixels[np.newaxis]).requires_grad_()
    logits: Tensor = net.model(image)[0]
    (gradient,) = torch.autograd.grad(logits[label], image)
    _, height, width = net.shape
    return Explaining(
        step=net.step,
        digest=net.digest,
        label=label,
        shape=net.shape,
        patch=patch_size(height, width),
        stride=-(-max(height, width) // POSITIONS),
        logits=tuple(logits.tolist()),
        probabilities=tuple(logits.softmax(0).tolist()),
        gradient=_rounded(to_array(gradient[0])),
    )


def patch_size(height: int, width: int) -> int:
    """The side of the square that covers a part of an image: odd, so that it has a centre, 3 at least."""
    return max(3, round(min(height, width) * COVERED) // 2 * 2 + 1)


def _occlusion(pixels: Array) -> Work:
    def occluded(net: Network, keeper: Keeper) -> Events:
        found = keeper.found
        assert isinstance(found, Explanation)
        half = found.patch // 2
        rows, columns = (range(0, side, found.stride) for side in pixels.shape[1:])
        for row in rows[found.rows :]:
            covered = np.repeat(pixels[np.newaxis], len(columns), axis=0)
            for image, column in zip(covered, columns, strict=True):
                image[:, max(row - half, 0) : row + half + 1, max(column - half, 0) : column + half + 1] = 0
            probabilities: list[float] = []
            for start in range(0, len(covered), net.part):
                logits = net.model(to_tensor(covered[start : start + net.part]))
                probabilities += logits.softmax(1)[:, found.label].tolist()
                yield None
            yield Occluded(tuple(probabilities))

    return occluded


def _rounded(values: NDArray[Any]) -> Planes:
    """To six digits, which is as much as a float has for sure."""
    return tuple(tuple(tuple(float(f"{x:.6g}") for x in row) for row in plane) for plane in values.tolist())
