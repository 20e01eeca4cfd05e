"""Measures a trained network: how its loss stands up to noise, and how flat it is around the weights.

All is measured in evaluation mode on a network of its own, so that the run stays as it is. Every figure has
random numbers of its own from a fixed seed: every run of a data set meets the same noise, and what a killed
measurement lacks is measured later, on the CPU to the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import cross_entropy

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
from convtui.training.process.own_network import OF_MEMORY
from convtui.training.process.restored import Restored, at_once, restored, trained_parameters
from convtui.training.process.trial import TRIED
from convtui.training.recipe import Recipe
from convtui.training.runs.checkpoint import Arrays
from convtui.training.runs.measurements import Measurements

LARGEST_BATCH: Final = 500
MULTIPLY_ADDS_A_BATCH: Final = 2 * 10**8  # between two looks at what has been asked for
VALUES_A_BATCH: Final = 2**24  # for the curvature some times as many are kept
MOST_ITERATIONS: Final = 30
TOLERANCE: Final = 0.01

_NOISE, _DIRECTION, _START = range(3)  # what random numbers are for; the first half of their seed

Work: TypeAlias = Generator[None, None, Any]  # pauses now and then, so that it can be given up


class Laboratory:
    """The network of these weights, and as many images to measure it on as `known` says.

    Raises ValueError for weights that are not of this recipe and data.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: DataSet,
        weights: Arrays,
        known: Measurements,
        subject: Restored | None = None,
    ) -> None:
        self._subject = subject or restored(recipe, data, weights, known.step)
        self.model = self._subject.model
        some = self._subject.to_tensor(normalised(data.train_images[:TRIED], data))
        size = at_once(self._subject, some, LARGEST_BATCH, MULTIPLY_ADDS_A_BATCH, VALUES_A_BATCH)
        self._tested = _Sample(data, data.test_images, data.test_labels, known.noise_images, size)
        self._trained = _Sample(data, data.train_images, data.train_labels, known.landscape_images, size)
        self._parameters = trained_parameters(self.model)
        many = {name: each for name, each in self._parameters.items() if each.dim() >= 2}
        self._names, self._weights = tuple(many), list(many.values())
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
        layers = [torch.linalg.vector_norm(_double(each)).item() for each in self._trained_weights]
        return Norms(math.hypot(*layers), tuple(layers), self._names if self._subject.network else ())

    def with_noise(self, noise: float) -> Work:
        """The NoisePoint of this deviation; without noise that of the plain evaluation."""
        random = np.random.default_rng((_NOISE, NOISES.index(noise)))
        loss, correct = 0.0, 0
        for images, labels in self._tested.batches():
            if noise:
                images = images + np.float32(noise) * random.standard_normal(images.shape, np.float32)
            outputs, wanted = self._outputs(images), labels.to(self._subject.device)
            loss += cross_entropy(outputs, wanted, reduction="sum").item()
            correct += int((outputs.argmax(1) == wanted).sum())
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
            wanted = labels.to(self._subject.device)
            total += cross_entropy(self._outputs(images), wanted, reduction="sum").item()
            yield
        return total / self._trained.count

    def _outputs(self, images: NDArray[np.float32]) -> Tensor:
        """The logits of normalised images, without gradients."""
        inputs = self._subject.to_tensor(images)
        with torch.no_grad(), self._subject.unchanged(), self._subject.theirs():
            outputs: Tensor = self.model(inputs)
        return outputs

    def curvature(self) -> Work:
        """The Curvature by power iteration from a random start, over all parameters that are trained.

        The eigenvalue is v·Hv of the unit vector v, as in PyHessian. Where the network has no second
        derivative in PyTorch, it says so.
        Source: Yao et al. 2020, https://arxiv.org/abs/1912.07145
        """
        try:
            return (yield from self._power_iteration())
        except _NoSecondDerivativeError as error:
            return Curvature(None, 0, False, str(error))

    def _power_iteration(self) -> Work:
        random = np.random.default_rng(_START)
        vector = [_gaussian(each, random) for each in self._parameters.values()]
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
            inputs, wanted = self._subject.to_tensor(images), labels.to(self._subject.device)
            with self._subject.unchanged():
                product = hessian_times(self.model, inputs, wanted, vector, self._subject.theirs)
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


class _NoSecondDerivativeError(Exception):
    """What PyTorch says of a network through which a gradient has no gradient."""


def hessian_times(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    vector: Sequence[Tensor],
    theirs: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> list[Tensor]:
    """The Hessian of the summed loss by the trained parameters, times a vector laid out as these are.

    It is the gradient of the gradient's product with the vector. theirs is put around the model's own code.
    Source: Pearlmutter 1994, https://doi.org/10.1162/neco.1994.6.1.147
    """
    parameters = list(trained_parameters(model).values())
    with sdpa_kernel(SDPBackend.MATH):  # the fast kinds of attention have no second derivative
        with theirs():
            loss = cross_entropy(model(images), labels, reduction="sum")
        try:
            gradients = torch.autograd.grad(loss, parameters, create_graph=True, allow_unused=True)
            pairs = [
                (each, towards.to(each.dtype))
                for each, towards in zip(gradients, vector, strict=True)
                if each is not None and each.requires_grad
            ]
            some, along = zip(*pairs, strict=True) if pairs else ((), ())
            products = torch.autograd.grad(some, parameters, along, allow_unused=True)
            if _breaks_off(some):  # where PyTorch passes over what it lacks
                raise NotImplementedError("an operation of it is differentiable only once")
        except (RuntimeError, NotImplementedError) as error:
            if any(words in str(error) for words in OF_MEMORY):
                raise
            raise _NoSecondDerivativeError(str(error).strip().partition("\n")[0]) from None
    return [
        torch.zeros_like(parameter) if product is None else product
        for product, parameter in zip(products, parameters, strict=True)
    ]


def _breaks_off(gradients: Sequence[Tensor]) -> bool:
    """Whether they come from an operation whose gradient has no gradient."""
    waiting, seen = [each.grad_fn for each in gradients], set()
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            waiting += [each for each, _ in node.next_functions]
    return any(node.name() == "torch::autograd::Error" for node in seen)


def _gaussian(like: Tensor, random: np.random.Generator) -> Tensor:
    return torch.from_numpy(random.standard_normal(tuple(like.shape), np.float32)).to(like.device)


def _double(tensor: Tensor) -> Tensor:
    """In double precision, which not every device has."""
    return tensor.detach().cpu().double()


def _dot(some: Sequence[Tensor], others: Sequence[Tensor]) -> float:
    """In double precision, as there are many terms."""
    return math.fsum(
        (_double(one) * _double(other)).sum().item() for one, other in zip(some, others, strict=True)
    )
