"""What the filters of a kept run have learnt, as messages from the training process.

Three jobs look into the weights after a step: which places excite each filter most, how accuracy suffers
when a filter is hidden, and which pixels a class depends on. Two more are for a network of the user's: which
convolutions it has, and what the output of one is. All is measured in evaluation mode. What a job tells is
kept in the run's folder line by line (runs/explored.py), so that it is not computed again.

Of every convolution the activation is measured: the output of the ReLU that follows it before the next
convolution, or its own output where there is none. In a network of the user's that is the output of the
activation function that follows, with nothing but norms and poolings between; else of the norm that follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from convtui.training.messages import Message

PATCHES: Final = 9  # of every filter
IMAGES: Final = 2000  # validation images at most that are gone through, evenly spaced

Planes: TypeAlias = tuple[tuple[tuple[float, ...], ...], ...]


# -- jobs


@dataclass(frozen=True)
class Explore(Message):
    """Find the images and places that excite each filter of each convolution most.

    run is a run's folder; step: after which step its weights are taken, the last one kept if None. Weights
    before the first step are those that the recipe's seed draws, where they are not kept.
    """

    run: str
    step: int | None = None


@dataclass(frozen=True)
class Ablate(Message):
    """Measure accuracy with each filter of one convolution hidden in turn; layer is its number."""

    run: str
    step: int | None
    layer: int


@dataclass(frozen=True)
class Explain(Message):
    """Find the pixels on which the logit and the probability of a class depend in one image.

    label is the class's number. The image is a validation image by its number, or, if that is None, the
    normalised pixels [channels, rows, columns] in the .npy file named `pixels`.
    """

    run: str
    step: int | None
    label: int
    image: int | None = None
    pixels: str = ""


@dataclass(frozen=True)
class Follow(Message):
    """Follow a pass through a network of the user's to find its convolutions."""

    run: str
    step: int | None = None


@dataclass(frozen=True)
class Convolve(Message):
    """Have a network of the user's compute the output of one convolution for one image.

    layer is the convolution's number; pixels names a .npy file, as in Explain.
    """

    run: str
    step: int | None
    layer: int
    pixels: str


# -- events


@dataclass(frozen=True)
class Exploring(Message):
    """An Explore has begun, on the weights after this step, whose checkpoint has this digest.

    images: how many validation images are gone through, of `validation` that there are. layers are the
    numbers of the convolutions, measured those of the layers whose outputs are their activations, filters how
    many filters they have. In a network of the user's measured are the numbers of operations, and source is
    the digest of its code.
    """

    step: int
    digest: str
    images: int
    validation: int
    layers: tuple[int, ...]
    measured: tuple[int, ...]
    filters: tuple[int, ...]
    source: str = ""


@dataclass(frozen=True)
class ExcitedLayer(Message):
    """A convolution's activations on the images since the last Excited.

    means: of each filter the mean over images, rows and columns. positive: in how many of the images it is
    above 0 anywhere. Column by column, filters in order, the places that now are among the nine of their
    filter: filter, image number in the validation set, row and column of the activation, and its value.
    """

    means: tuple[float, ...]
    positive: tuple[int, ...]
    filters: tuple[int, ...]
    images: tuple[int, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Excited(Message):
    """So many images have been gone through in all; what was new among them, a convolution after another."""

    images: int
    layers: tuple[ExcitedLayer, ...]


@dataclass(frozen=True)
class Ablating(Message):
    """An Ablate has begun; the figures are as in Exploring.

    A filter is hidden by setting its channel of the activation, the output of layer `measured`, to 0; all
    layers after that go on from there.
    """

    step: int
    digest: str
    images: int
    layer: int
    measured: int
    filters: int
    source: str = ""


@dataclass(frozen=True)
class Hidden(Message):
    """Of the first `images` images, how many are classified correctly: as it is, and without each filter."""

    images: int
    correct: int
    without: tuple[int, ...]


@dataclass(frozen=True)
class Explaining(Message):
    """An Explain has begun: what the network says of the image, and the gradient.

    shape is that of the image. gradient [channels, rows, columns] is d logit / d pixel of the class, of
    normalised pixels, to six digits; the saliency map is the largest |gradient| over the channels.
    The occlusion map has a probability for the centre at every stride-th row and column, beginning with 0;
    the square of patch x patch pixels around it is set to 0, the mean of the training images, as far as it
    lies in the image.
    Sources: Simonyan et al. 2013, https://arxiv.org/abs/1312.6034 (gradient);
    Zeiler and Fergus 2013, https://arxiv.org/abs/1311.2901 (occlusion)
    """

    step: int
    digest: str
    label: int
    shape: tuple[int, int, int]
    patch: int
    stride: int
    logits: tuple[float, ...]
    probabilities: tuple[float, ...]
    gradient: Planes
    source: str = ""


@dataclass(frozen=True)
class Occluded(Message):
    """The next row of the occlusion map: the class's probability with the square at each column."""

    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class NamedConvolution(Message):
    """A convolution of a network of the user's.

    path: its module's, or "". title: as `conv2d 3x3 p1`. line: of their file. weight: by what name its
    filters of this shape [out, in/groups, row, column] are among the weights, "" where they are computed in
    the pass. maps: rows and columns of its output for an image of the data. activation: what its activation
    is the output of, "" of itself. rows, columns: the first and the last pixel that each row and column of
    the activation sees; () where `unseen` says why that is not known.
    """

    number: int
    path: str
    title: str
    line: str
    weight: str
    shape: tuple[int, int, int, int]
    maps: tuple[int, int]
    activation: str
    rows: tuple[tuple[int, int], ...]
    columns: tuple[tuple[int, int], ...]
    unseen: str


@dataclass(frozen=True)
class LeftOut(Message):
    """A convolution of a network of the user's that has no pictures, and why."""

    path: str
    title: str
    why: str


@dataclass(frozen=True)
class Followed(Message):
    """The convolutions of a network of the user's, of which left_out cannot be measured.

    source is the digest of its code; notice is what the user should know of what is measured.
    """

    step: int
    digest: str
    source: str
    convolutions: tuple[NamedConvolution, ...]
    left_out: tuple[LeftOut, ...]
    notice: str


@dataclass(frozen=True)
class Convolving(Message):
    """A Convolve has begun: what the network says of the image, and the filters of the convolution.

    shape is that of its output [filters, rows, columns]. weight has float32 numbers of `weight_shape` in
    base64; "" where the checkpoint has them.
    """

    step: int
    digest: str
    layer: int
    shape: tuple[int, int, int]
    logits: tuple[float, ...]
    weight: str
    weight_shape: tuple[int, ...]
    source: str = ""


@dataclass(frozen=True)
class Convolved(Message):
    """The maps of the next filters: float32 numbers in base64, map by map and row by row."""

    values: str


@dataclass(frozen=True)
class Explored(Message):
    """The job is done; seconds are those that it took this time."""

    seconds: float


EXPLORATIONS: Final = (Explore, Ablate, Explain, Follow, Convolve)
FINDINGS: Final = (
    *(Exploring, Excited, Ablating, Hidden, Explaining, Occluded),
    *(Followed, Convolving, Convolved, Explored),
)
