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
ALPHAS: Final = tuple((step - 25) / 25 for step in range(51))  # -1 to 1
SHARP_AT: Final = 0.24  # the alpha of the sharpness figure
POINTS: Final = 1 + len(NOISES) + DIRECTIONS * len(ALPHAS) + 1  # the norms, noise, directions, the curvature

NOISE_IMAGES: Final = 2000
LANDSCAPE_IMAGES: Final = (100, 500)
SEEN_AN_IMAGE: Final = 100


def noise_count(test_count: int) -> int:
    """How many validation images are measured with noise: all, or 2,000."""
    return min(test_count, NOISE_IMAGES)


def landscape_count(images_seen: int, train_count: int) -> int:
    """How many training images the loss around the weights is measured on.

    One for every 100 images that the run sees in all its steps, so that to measure takes less than to train;
    100 at least, 500 at most, or all there are.
    """
    least, most = LANDSCAPE_IMAGES
    return min(max(images_seen // SEEN_AN_IMAGE, least), most, train_count)


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

    noise_images of the validation set and landscape_images of the training set are measured on. What is
    known already is told first, as if it were measured now; `points` is how many are to be measured.
    source: the digest of the code of a network of the user's that is measured, "" for the bundled one.
    notice: what the user should know of it.
    """

    run: str
    step: int
    digest: str
    noise_images: int
    landscape_images: int
    points: int
    source: str = ""
    notice: str = ""


@dataclass(frozen=True)
class NoisePoint(Message):
    """Mean loss [nats] and accuracy on the validation set with Gaussian noise added to every pixel.

    noise is the deviation of what is added, in deviations of the data: to normalised images as it is. The
    loss of a run that has diverged is no finite number.
    """

    noise: float
    loss: float
    accuracy: float


@dataclass(frozen=True)
class DirectionPoint(Message):
    """Mean loss [nats] on training images with the weights moved by alpha along a random direction.

    A direction has Gaussian entries; each filter of it (each row of a linear layer) is scaled to the norm of
    the filter that it is added to. Biases, gamma and beta stay, and what is frozen.
    Source: Li et al. 2018, https://arxiv.org/abs/1712.09913
    """

    direction: int
    alpha: float
    loss: float


@dataclass(frozen=True)
class Curvature(Message):
    """The eigenvalue of largest magnitude of the Hessian of the mean training loss, by power iteration.

    It is that of all parameters that are trained: weights, biases, gamma and beta. iterations is how many
    products with the Hessian it took; has_converged: the last one changed it by less than 1%. None: the loss
    is not finite there, or, as `why` says, PyTorch has no second derivative of the network.
    Source: Yao et al. 2020, https://arxiv.org/abs/1912.07145; the products after Pearlmutter 1994.
    """

    eigenvalue: float | None
    iterations: int
    has_converged: bool
    why: str = ""


@dataclass(frozen=True)
class Norms(Message):
    """The L2 norm of all weights that are trained (not of biases, gamma and beta), and that of each layer.

    names are those of the weights as named_parameters has them; () for the bundled network.
    """

    total: float
    layers: tuple[float, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured(Message):
    """All is measured; seconds are those that it took just now."""

    seconds: float
