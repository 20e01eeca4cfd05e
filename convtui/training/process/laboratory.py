"""Measures a trained network: how its loss stands up to noise, and how flat it is around the weights.

All is measured in evaluation mode on a network of its own, so that the run stays as it is. Every figure has
random numbers of its own from a fixed seed: every run of a data set meets the same noise, and what a killed
measurement lacks is measured later to the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from convtui.training.architecture import network
from convtui.training.datasets.minibatches import evenly_spaced, normalised
from convtui.training.datasets.open_any import DataSet
from convtui.training.measuring import (
    ALPHAS,
    DIRECTIONS,
    NOISES,
    Curvature,
    DirectionPoint,
    NoisePoint,
    Norms,
)
from convtui.training.messages import Message
from convtui.training.process.network import model_of, to_tensor
from convtui.training.recipe import Recipe
from convtui.training.runs.checkpoint import Arrays
from convtui.training.runs.measurements import Measurements

LARGEST_BATCH: Final = 500
MULTIPLY_ADDS_A_BATCH: Final = 2 * 10**8  # between two looks at what has been asked for
MOST_ITERATIONS: Final = 30
TOLERANCE: Final = 0.01

_NOISE, _DIRECTION, _START = range(3)  # what random numbers are for; the first half of their seed

Work: TypeAlias = Generator[None, None, Any]  # pauses now and then, so that it can be given up


class Laboratory:
    """The network of these weights, and as many images to measure it on as `known` says.

    Raises ValueError for weights that are not of this recipe and data.
    """

    def __init__(self, recipe: Recipe, data: DataSet, weights: Arrays, known: Measurements) -> None:
        torch.set_num_threads(recipe.threads)
        self.model = model_of(recipe, data)
        try:
            self.model.load_state_dict({name: torch.tensor(each) for name, each in weights.items()})
        except RuntimeError:
            reason = f"the checkpoint of step {known.step} does not match its recipe and data"
            raise ValueError(reason) from None
        self.model.eval()
        size = _batch_size(recipe, data)
        self._tested = _Sample(data, data.test_images, data.test_labels, known.noise_images, size)
        self._trained = _Sample(data, data.train_images, data.train_labels, known.landscape_images, size)
        self._weights = [each for each in self.model.parameters() if each.dim() >= 2]
        self._trained_weights = [each.detach().clone() for each in self._weights]

    def figures(self, known: Measurements) -> Iterator[Message | None]:
        """Those that are not known, one after another, with None where it can be given up."""
        if known.norms is None:
            yield self.norms()
        has_noise = {point.noise for point in known.noise}
        for noise in NOISES:
            if noise not in has_noise:
                yield (yield from self.with_noise(noise))
        yield from self._along_directions(known)
        if known.curvature is None:
            yield (yield from self.curvature())

    def norms(self) -> Norms:
        """Of the weights of each layer, and of all."""
        layers = [torch.linalg.vector_norm(each.double()).item() for each in self._trained_weights]
        return Norms(math.hypot(*layers), tuple(layers))

    def with_noise(self, noise: float) -> Work:
        """The NoisePoint of this deviation; without noise that of the plain evaluation."""
        random = np.random.default_rng((_NOISE, NOISES.index(noise)))
        loss, correct = 0.0, 0
        for images, labels in self._tested.batches():
            if noise:
                images = images + np.float32(noise) * random.standard_normal(images.shape, np.float32)
            with torch.no_grad():
                outputs = self.model(to_tensor(images))
                loss += cross_entropy(outputs, labels, reduction="sum").item()
                correct += int((outputs.argmax(1) == labels).sum())
            yield
        return NoisePoint(noise, loss / self._tested.count, correct / self._tested.count)

    def _along_directions(self, known: Measurements) -> Iterator[Message | None]:
        """The loss at the weights is the same in every direction, and is measured once."""
        here = next((point.loss for curve in known.directions for point in curve if point.alpha == 0), None)
        for number in range(DIRECTIONS):
            has_alpha = {point.alpha for point in known.directions[number]}
            missing = [alpha for alpha in ALPHAS if alpha not in has_alpha]
            direction = self.direction(number) if missing else []
            for alpha in missing:
                if alpha:
                    loss = yield from self.loss_along(direction, alpha)
                else:
                    here = loss = (yield from self._loss()) if here is None else here
                yield DirectionPoint(number, alpha, loss)

    def direction(self, number: int) -> list[Tensor]:
        """A direction for each weight, normalised filter by filter."""
        random = np.random.default_rng((_DIRECTION, number))
        return [normalised_by_filter(_gaussian(each, random), each) for each in self._trained_weights]

    def loss_along(self, direction: Sequence[Tensor], alpha: float) -> Work:
        """The mean loss with the weights moved; they are put back whatever happens."""
        try:
            self._move(direction, alpha)
            return (yield from self._loss())
        finally:
            self._move(direction, 0.0)

    def _move(self, direction: Sequence[Tensor], alpha: float) -> None:
        with torch.no_grad():
            for weight, at, towards in zip(self._weights, self._trained_weights, direction, strict=True):
                weight.copy_(at + alpha * towards if alpha else at)

    def _loss(self) -> Work:
        """The mean over the training images [nats]."""
        total = 0.0
        for images, labels in self._trained.batches():
            with torch.no_grad():
                total += cross_entropy(self.model(to_tensor(images)), labels, reduction="sum").item()
            yield
        return total / self._trained.count

    def curvature(self) -> Work:
        """The Curvature by power iteration from a random start, over all parameters that are trained.

        The eigenvalue is v·Hv of the unit vector v, as in PyHessian.
        Source: Yao et al. 2020, https://arxiv.org/abs/1912.07145
        """
        random = np.random.default_rng(_START)
        vector = [_gaussian(each, random) for each in self.model.parameters()]
        eigenvalue, iterations, has_converged = 0.0, 0, False
        while iterations < MOST_ITERATIONS and not has_converged:
            length = math.sqrt(_dot(vector, vector))
            vector = [each / length for each in vector]
            product = yield from self._hessian_times(vector)
            before, eigenvalue = eigenvalue, _dot(product, vector)
            iterations += 1
            if not math.isfinite(eigenvalue):
                return Curvature(None, iterations, False)
            has_converged = abs(eigenvalue - before) <= TOLERANCE * abs(eigenvalue)
            vector = product
        return Curvature(eigenvalue, iterations, has_converged)

    def _hessian_times(self, vector: Sequence[Tensor]) -> Work:
        """The Hessian of the mean training loss, times a vector."""
        total = [torch.zeros_like(each) for each in vector]
        for images, labels in self._trained.batches():
            product = hessian_times(self.model, to_tensor(images), labels, vector)
            total = [some + more for some, more in zip(total, product, strict=True)]
            yield
        return [each / self._trained.count for each in total]


class _Sample:
    """Evenly spaced images of a part of a data set."""

    def __init__(
        self, data: DataSet, images: NDArray[Any], labels: NDArray[np.int64], count: int, size: int
    ) -> None:
        chosen = evenly_spaced(len(images), count)
        self.count = len(chosen)
        self._data, self._images, self._labels, self._size = data, images[chosen], labels[chosen], size

    def batches(self) -> Iterator[tuple[NDArray[np.float32], Tensor]]:
        """Normalised images [n, C, H, W] and labels [n]."""
        for i in range(0, self.count, self._size):
            part = slice(i, i + self._size)
            yield normalised(self._images[part], self._data), torch.tensor(self._labels[part])


def normalised_by_filter(direction: Tensor, weight: Tensor) -> Tensor:
    """A direction [out, ...] of which each filter, a slice of its first axis, has the norm of the weight's.

    Source: Li et al. 2018, https://arxiv.org/abs/1712.09913
    """
    axes = tuple(range(1, weight.dim()))
    norms: Tensor = torch.linalg.vector_norm(weight, dim=axes, keepdim=True)
    own: Tensor = torch.linalg.vector_norm(direction, dim=axes, keepdim=True)
    return direction * (norms / own)


def hessian_times(model: nn.Module, images: Tensor, labels: Tensor, vector: Sequence[Tensor]) -> list[Tensor]:
    """The Hessian of the summed loss by the model's parameters, times a vector laid out as these are.

    It is the gradient of the gradient's product with the vector.
    Source: Pearlmutter 1994, https://doi.org/10.1162/neco.1994.6.1.147
    """
    parameters = list(model.parameters())
    loss = cross_entropy(model(images), labels, reduction="sum")
    gradients = torch.autograd.grad(loss, parameters, create_graph=True)
    return list(torch.autograd.grad(gradients, parameters, list(vector)))


def _batch_size(recipe: Recipe, data: DataSet) -> int:
    """As many images as take a fraction of a second."""
    rows = network(recipe, data.shape, len(data.classes)).rows[1:]
    an_image = sum(row.multiply_adds for row in rows)
    return max(1, min(LARGEST_BATCH, MULTIPLY_ADDS_A_BATCH // max(an_image, 1)))


def _gaussian(like: Tensor, random: np.random.Generator) -> Tensor:
    return torch.from_numpy(random.standard_normal(tuple(like.shape), np.float32))


def _dot(some: Sequence[Tensor], others: Sequence[Tensor]) -> float:
    """In double precision, as there are many terms."""
    return math.fsum(
        (one.double() * other.double()).sum().item() for one, other in zip(some, others, strict=True)
    )
