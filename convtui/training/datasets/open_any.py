"""Images to train on and to test on, from wherever a user has them, as arrays that are known to be sound.

A data set is read as a whole or not at all: whatever is wrong with it is told in one line before training.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

import numpy as np

from convtui.engine.words import a
from convtui.inputs import samples
from convtui.inputs.axes import AXES
from convtui.inputs.confinement import require_ours
from convtui.inputs.idx_files import FOUR_FILES, idx_shape
from convtui.inputs.images import InputError, Picture
from convtui.inputs.names import did_you_mean, neighbours, printable
from convtui.training.datasets.folders import read_folders
from convtui.training.datasets.idx import find_idx, read_idx
from convtui.training.datasets.labelled_images import NO_DATA_SET, Images, Labels, Part, Parts, naming
from convtui.training.datasets.npz import read_npz

DEFAULT_SIZE: Final = 28
LARGEST_SIZE: Final = 512
PARTS: Final = ("train", "test")

_UNNAMED_IDX: Final = f"is an IDX file; name the four files of a data set {FOUR_FILES}"
_BLOCK: Final = 1024
_BYTES_REACH: Final = 128  # from which on values are no share of 1


class DataError(InputError):
    """One line for the user: which file of a data set, what is wrong, what would be right."""


@dataclass(frozen=True, eq=False)
class DataSet:
    """Images [N, C, H, W], uint8 or float32, to train and to test on, with their labels [N].

    source: what `load` opens it by, wherever it is called: a bundled name or an absolute path.
    classes: names of the labels 0, 1, ...
    mean, std: of all values of the training images; std is never 0.
    black, white: the values to draw as black and as white.
    image_size: the side that pictures were scaled to; None for arrays, which keep their size.
    axes: the order in which an array's axes were read, where another was possible.
    notice: what the user should know about how it was read; "" if nothing.
    """

    name: str
    source: str
    train_images: Images
    train_labels: Labels
    test_images: Images
    test_labels: Labels
    classes: tuple[str, ...]
    mean: float
    std: float
    black: float = 0.0
    white: float = 255.0
    image_size: int | None = None
    axes: str = ""
    notice: str = ""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of an image."""
        channels, rows, columns = self.train_images.shape[1:]
        return channels, rows, columns

    @property
    def named_notice(self) -> str:
        """The notice, if there is one, with the data set's name before it."""
        return self.notice and f"{printable(self.name)}: {self.notice}"


def load(source: str, image_size: int = DEFAULT_SIZE, axes: str = "") -> DataSet:
    """The data set of that bundled name, .npz file or folder.

    A folder holds MNIST's IDX files, plain or .gz, itself or in a folder raw or gzip, or in folders named
    like them; of several data sets in it one is named as FOLDER/emnist-letters, or by one of its files. Or it
    holds a sub-folder of pictures for each class, with or without a train and a test (or valid, val) folder
    above them. Of each picture the middle square is taken and scaled to image_size, 1 to 512; arrays keep
    their size. Without images to test on, a fifth of each class is, drawn with seed 0. Nothing is ever
    unpickled.
    axes: "channels-first" or "channels-last" of arrays with channels; by default what their shape says.
    Raises DataError for whatever is wrong.
    """
    try:
        if not 1 <= image_size <= LARGEST_SIZE:
            raise InputError(f"image_size {image_size}: must be 1 to {LARGEST_SIZE} pixels")
        if axes not in ("", *AXES):
            raise InputError(f"axes {printable(axes)}: must be {' or '.join(AXES)}")
        if source in samples.data_names():
            path = samples.folder() / "data" / f"{source}.npz"
            return _data_set(read_npz(path), source, source, None)
        path = _existing(source)
        found, size = find_idx(path), None
        if found is not None:
            parts = read_idx(found, axes)
        elif path.is_file():
            parts = read_npz(path, axes)
        else:
            parts, size = read_folders(path, image_size), image_size
        return _data_set(parts, path.name, str(path), size)
    except InputError as error:
        raise DataError(str(error)) from None
    except OSError as error:
        raise DataError(f"{printable(source)}: cannot be read ({error.strerror or error})") from None


def check(source: str) -> None:
    """Raises InputError if `load` could not find what that names, without reading any of it."""
    if source not in samples.data_names():
        find_idx(_existing(source))


def fingerprint(data: DataSet) -> str:
    """32 hexadecimal digits (blake2b), the same for the same images, labels and classes alone."""
    hashed = blake2b(repr(data.classes).encode(), digest_size=16)
    for array in data.train_images, data.train_labels, data.test_images, data.test_labels:
        hashed.update(f"{array.shape} {array.dtype}".encode())
        hashed.update(np.ascontiguousarray(array).data)
    return hashed.hexdigest()


def picture(
    data: DataSet, part: str, index: int, normalised: bool = False, white: float | None = None
) -> Picture:
    """One image to look at, of the part "train" or "test": from 0, black, to 1, white.

    normalised: (values - mean) / std instead, which is what a network is trained on and sees.
    white: the value that is drawn as white, 0 as black; by default those of the data set.
    Raises DataError for another part, and for an index that the part does not have.
    """
    if normalised and white is not None:
        raise DataError(f"{printable(data.name)}: normalised values have no white; leave out one of the two")
    if part not in PARTS:
        raise DataError(f"{printable(data.name)}: has no part {printable(part)}; it has train and test")
    images, labels = {
        "train": (data.train_images, data.train_labels),
        "test": (data.test_images, data.test_labels),
    }[part]
    if not 0 <= index < len(images):
        legal = f"its {part} images are 0 to {len(images) - 1}"
        raise DataError(f"{printable(data.name)}: has no {part} image {index}; {legal}")
    black, highest = (data.black, data.white) if white is None else (0.0, white)
    low, scale = (data.mean, data.std) if normalised else (black, highest - black)
    pixels = (images[index].astype(np.float64) - low) / scale
    pixels.setflags(write=False)
    marks = ":normalised" if normalised else ""
    if data.image_size not in (None, DEFAULT_SIZE):
        marks = f":{data.image_size}px{marks}"
    return Picture(
        pixels,
        name=f"{printable(data.name)} {part} {index}: {_told(data.classes[labels[index]])}"
        + (", normalised" if normalised else ""),
        source=f"{data.source}:{part}:{index}{marks}",
        colour=len(pixels) == 3 and bool(pixels.min() >= 0 and pixels.max() <= 1),
        lowest=(black - low) / scale,
        highest=(highest - low) / scale,
        white=white,
        axes=data.axes,
        notice=data.named_notice,
    )


def _told(name: str) -> str:
    """The class as it is read after a colon: "a 7", "an 8", "T-shirt"."""
    if not name.isdecimal():
        return printable(name)
    return a(name)


def _existing(source: str) -> Path:
    """The .npz file, the folder or the IDX files of that name. Raises InputError for anything else."""
    name = printable(source)
    require_ours(source)
    try:
        path = Path(source).expanduser().absolute()
        status = path.stat()
    except FileNotFoundError:
        if not path.is_symlink() and find_idx(path) is not None:
            return path
        close = did_you_mean(Path(source).name, [*samples.data_names(), *neighbours(path)])
        what = "is a broken link" if path.is_symlink() else f"no such data set, file or folder{close}"
        raise InputError(f"{name}: {what}") from None
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror or error})") from None
    except (ValueError, RuntimeError):  # a NUL in the path; no home to expand ~ to
        raise InputError(f"{name}: not a valid path") from None
    if not source.strip():
        raise InputError(f"{name}: {NO_DATA_SET}")
    if stat.S_ISDIR(status.st_mode):
        return path
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{name}: {NO_DATA_SET}")
    if path.suffix.lower() != ".npz" and find_idx(path) is None:
        is_idx = idx_shape(path) is not None
        raise InputError(f"{name}: {_UNNAMED_IDX if is_idx else NO_DATA_SET}")
    return path


def _data_set(parts: Parts, name: str, source: str, image_size: int | None) -> DataSet:
    with naming(source):
        train, test = _alike(parts.train, parts.test)
        known, asked = np.unique(train.labels), np.unique(test.labels)
        classes = parts.classes or tuple(map(str, range(int(known[-1]) + 1)))
        if len(known) < 2:
            only = printable(classes[known[0]])
            raise InputError(f"all training images are of class {only}; at least two classes are needed")
        if unknown := sorted(set(asked.tolist()) - set(known.tolist())):
            label = unknown[0]
            raise InputError(f"a validation image has the label {label}, which no training image has")
        mean, std = _moments(train.images)
        if std == 0:
            raise InputError(f"every value of the training images is {mean:g}; there is nothing to learn")
        drawn = parts.black, parts.white
        return DataSet(
            name, source, *train, *test, classes, mean, std, *drawn, image_size, parts.axes, parts.notice
        )


def _alike(train: Part, test: Part) -> tuple[Part, Part]:
    """Both parts in the same type; InputError unless they have the same shape and the same scale."""
    sizes = ["x".join(map(str, part.images.shape[1:])) for part in (train, test)]
    if sizes[0] != sizes[1]:
        raise InputError(
            f"training images are {sizes[0]}, validation images {sizes[1]}; they must have the same size"
        )
    spans = [(float(part.images.min()), float(part.images.max())) for part in (train, test)]
    if min(most for _, most in spans) <= 1 and max(most for _, most in spans) >= _BYTES_REACH:
        of_train, of_test = (f"from {least:g} to {most:g}" for least, most in spans)
        differ = f"training images range {of_train}, validation images {of_test}"
        raise InputError(f"{differ}; they must have the same scale")
    if train.images.dtype == test.images.dtype:
        return train, test
    return (
        Part(train.images.astype(np.float32), train.labels),
        Part(test.images.astype(np.float32), test.labels),
    )


def _moments(images: Images) -> tuple[float, float]:
    """Mean and standard deviation of all values, in float64 without a copy of them all."""
    mean = images.mean(dtype=np.float64)
    blocks = (images[first : first + _BLOCK] for first in range(0, len(images), _BLOCK))
    squares = sum(float(np.square(block - mean).sum()) for block in blocks)
    return float(mean), float(np.sqrt(squares / images.size))
