"""Arrays of images and labels as every reader of data sets hands them on, or one line on what is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convtui.engine.spec import LARGEST_VALUE
from convtui.inputs.axes import with_channels_first
from convtui.inputs.images import InputError
from convtui.inputs.names import printable

Images = NDArray[Any]
Labels = NDArray[np.int64]

MOST_VALUES: Final = 2**29
MOST_CLASSES: Final = 1000
TEST_SHARE: Final = 0.2
NO_DATA_SET: Final = (
    "is not a data set; expected an .npz archive, a folder of MNIST's IDX files, "
    "or a folder with a sub-folder of pictures for each class"
)

_FLOATS: Final = np.dtype(np.float32)


class Part(NamedTuple):
    """Images [N, C, H, W], uint8 or float32, and their labels [N]."""

    images: Images
    labels: Labels


class Parts(NamedTuple):
    """What a reader found; classes are the names of the labels 0, 1, ..., () if they have none.

    black, white: the values drawn as black and as white.
    axes: the order in which their axes were read, where another was possible.
    notice: what the user should know about how they were read; "" if nothing.
    """

    train: Part
    test: Part
    classes: tuple[str, ...] = ()
    black: float = 0.0
    white: float = 255.0
    axes: str = ""
    notice: str = ""


class ImagesRead(NamedTuple):
    """Images [N, C, H, W], the order in which their axes were read if another was possible, and a notice."""

    images: Images
    axes: str
    notice: str


@contextmanager
def naming(what: str | Path) -> Iterator[None]:
    """Whatever is wrong inside is told as InputError that begins with the name of this file or array."""
    name = printable(str(what))
    try:
        yield
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror or error})") from None


def reason(error: Exception) -> str:
    """What a library says of a broken file, in one line."""
    return printable(" ".join(str(error).split())[:120] or type(error).__name__)


def require_few_values(count: int) -> None:
    """Raises InputError for more values than are read, before any is."""
    if count > MOST_VALUES:
        raise InputError(f"holds {count:,} values; at most {MOST_VALUES:,} are read")


def as_images(array: NDArray[Any], axes: str = "") -> ImagesRead:
    """Images [N, C, H, W]: whole numbers from 0 to 255 as uint8, all others as float32.

    They may be [N, H, W], [N, C, H, W], or [N, H, W, C] by these axes or by their shape. Raises InputError.
    """
    if array.dtype.kind not in "biuf":
        raise InputError(f"has values of type {array.dtype}; expected integers, floats or booleans")
    if array.ndim not in (3, 4):
        axes = "[images, rows, columns], or four axes with channels before or after the rows and columns"
        raise InputError(f"has the shape {array.shape}; expected {axes}{_unflattened(array.shape)}")
    if array.size == 0:
        raise InputError(f"holds no images; its shape is {array.shape}")
    order = notice = ""
    if array.ndim == 3:
        array = array[:, np.newaxis]
    else:
        array, order, notice = with_channels_first(array, axes)
    least, most = float(array.min()), float(array.max())
    if not (least >= -LARGEST_VALUE and most <= LARGEST_VALUE):  # NaN fails both
        number = int(np.argwhere(~(np.abs(array.astype(np.float64)) <= LARGEST_VALUE))[0][0])
        raise InputError(f"image {number} has values that are not finite or exceed {LARGEST_VALUE:g} in size")
    are_bytes = array.dtype.kind != "f" and least >= 0 and most <= 255
    images = np.ascontiguousarray(array, dtype=np.uint8 if are_bytes else _FLOATS)
    return ImagesRead(images, order, notice)


def _unflattened(shape: tuple[int, ...]) -> str:
    """How images that are a row each become square ones, if they do."""
    side = math.isqrt(shape[1]) if len(shape) == 2 else 0
    return f": save images.reshape(-1, {side}, {side})" if side > 1 and side**2 == shape[1] else ""


def as_labels(array: NDArray[Any]) -> Labels:
    """Labels [N], from [N] or [N, 1] whole numbers from 0 to 999. Raises InputError."""
    if array.dtype.kind not in "biuf":
        raise InputError(f"has labels of type {array.dtype}; expected whole numbers")
    if _is_one_hot(array):
        how = "expected whole numbers: save labels.argmax(axis=1)"
        raise InputError(f"has one-hot labels of shape {array.shape}; {how}")
    if array.ndim not in (1, 2) or array.shape[1:] not in ((), (1,)):
        raise InputError(f"has the shape {array.shape}; expected one whole number for each image, [images]")
    flat = array.reshape(-1)
    with np.errstate(invalid="ignore"):
        is_legal = (flat >= 0) & (flat < MOST_CLASSES) & (np.floor(flat) == flat)
    if not is_legal.all():
        at = int(is_legal.argmin())
        raise InputError(f"label {at} is {flat[at]}: must be a whole number from 0 to {MOST_CLASSES - 1}")
    return flat.astype(np.int64)


def _is_one_hot(array: NDArray[Any]) -> bool:
    if array.ndim != 2 or array.shape[1] < 2:
        return False
    return bool(((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all())


def extent(images: Images) -> tuple[float, float]:
    """The values to draw as black and white: 0 and 255 for bytes that reach 128, else 0 and the largest.

    Black is the least value where there are negative ones.
    """
    least, most = min(0.0, float(images.min())), float(images.max())
    if images.dtype == np.uint8 and most >= 128:
        return 0.0, 255.0
    return least, most if most > least else least + 1.0


def split(whole: Part, classes: tuple[str, ...] = ()) -> tuple[Part, Part]:
    """A fifth of each class to test on, drawn with seed 0, and the others to train on, in their order.

    Raises InputError for a class with a single image.
    """
    random = np.random.default_rng(0)
    is_test = np.zeros(len(whole.labels), dtype=bool)
    for label in np.unique(whole.labels):
        members = np.flatnonzero(whole.labels == label)
        if len(members) < 2:
            name = printable(classes[label]) if classes else label
            raise InputError(
                f"class {name} has a single image; two are needed, one to train on and one to validate on"
            )
        is_test[random.permutation(members)[: max(1, round(len(members) * TEST_SHARE))]] = True
    return (
        Part(whole.images[~is_test], whole.labels[~is_test]),
        Part(whole.images[is_test], whole.labels[is_test]),
    )
