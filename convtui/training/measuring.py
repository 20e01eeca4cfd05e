"""What is measured of a trained network to see why it generalises, as messages from the training process.

All of it is measured in evaluation mode, on the same images for every run of one data set, with the random
numbers of a seed that is part of the definition, so that runs can be compared point by point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from convtui.training.messages import Message

NOISES: Final = tuple(step / 20 for step in range(11))  # deviations of the noise, in those of the data
DIRECTIONS: Final = 3
ALPHAS: Final = tuple(step / 25 - 1 for step in range(51))  # -1 to 1
SHARP_AT: Final = 0.24  # the alpha of the sharpness figure


@dataclass(frozen=True)
class Measure(Message):
    """Measure the network of this run's folder after a step, the last one kept if none is named.

    What is known already of the same weights is not measured again.
    """

    run: str
    step: int | None = None


@dataclass(frozen=True)
class Measuring(Message):
    """A measurement has begun: of the weights after this step, whose checkpoint has this digest.

    noise_images of the validation set and landscape_images of the training set are measured on; points is
    how many figures are still to come.
    """

    run: str
    step: int
    digest: str
    noise_images: int
    landscape_images: int
    points: int


@dataclass(frozen=True)
class NoisePoint(Message):
    """Mean loss [nats] and accuracy on the validation set with Gaussian noise added to every pixel.

    noise is the deviation of what is added, in deviations of the data: to normalised images as it is.
    """

    noise: float
    loss: float
    accuracy: float


@dataclass(frozen=True)
class DirectionPoint(Message):
    """Mean loss [nats] on training images with the weights moved by alpha along a random direction.

    A direction has Gaussian entries; each filter of it (each row of a linear layer) is scaled to the norm of
    the filter that it is added to. Biases, gamma and beta stay.
    Source: Li et al. 2018, https://arxiv.org/abs/1712.09913
    """

    direction: int
    alpha: float
    loss: float


@dataclass(frozen=True)
class Curvature(Message):
    """The eigenvalue of largest magnitude of the Hessian of the mean training loss, by power iteration.

    iterations is how many products with the Hessian it took; has_converged: the last one changed it by less
    than 1%. None: the loss is not finite there.
    Source: Yao et al. 2020, https://arxiv.org/abs/1912.07145; the products after Pearlmutter 1994.
    """

    eigenvalue: float | None
    iterations: int
    has_converged: bool


@dataclass(frozen=True)
class Norms(Message):
    """The L2 norm of all weights of the network (not of biases, gamma and beta), and that of each layer."""

    total: float
    layers: tuple[float, ...]


@dataclass(frozen=True)
class Measured(Message):
    """All is measured; seconds are those that it took."""

    seconds: float
