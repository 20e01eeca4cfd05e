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

from convtui.inputs import samples
from convtui.inputs.images import InputError, Picture
from convtui.inputs.names import did_you_mean, neighbours, printable
from convtui.training.datasets.folders import read_folders
from convtui.training.datasets.idx import is_idx_file, read_idx
from convtui.training.datasets.labelled_images import NO_DATA_SET, Images, Labels, Part, Parts, naming
from convtui.training.datasets.npz import read_npz

DEFAULT_SIZE: Final = 28
LARGEST_SIZE: Final = 512
PARTS: Final = ("train", "test")

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

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of an image."""
        channels, rows, columns = self.train_images.shape[1:]
        return channels, rows, columns


def load(source: str, image_size: int = DEFAULT_SIZE) -> DataSet:
    """The data set of that bundled name, .npz file or folder.

    A folder holds MNIST's IDX files, plain or .gz, itself or in a folder raw, as torchvision has them, or a
    sub-folder of pictures for each class, with or without a train and a test (or valid, val) folder above
    them. Of each picture the middle square is taken and scaled to image_size, 1 to 512; arrays keep their
    size. Without images to test on, a fifth of each class is, drawn with seed 0. Nothing is ever unpickled.
    Raises DataError for whatever is wrong.
    """
    try:
        if not 1 <= image_size <= LARGEST_SIZE:
            raise InputError(f"image_size {image_size}: must be 1 to {LARGEST_SIZE} pixels")
        if source in samples.data_names():
            path = samples.folder() / "data" / f"{source}.npz"
            return _data_set(read_npz(path), source, source, None)
        path = _existing(source)
        size = None
        if path.is_file():
            parts = read_npz(path)
        elif (folder := _idx_folder(path)) is not None:
            parts = read_idx(folder, _names(folder))
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
        _existing(source)


def fingerprint(data: DataSet) -> str:
    """32 hexadecimal digits (blake2b), the same for the same images, labels and classes alone."""
    hashed = blake2b(repr(data.classes).encode(), digest_size=16)
    for array in data.train_images, data.train_labels, data.test_images, data.test_labels:
        hashed.update(f"{array.shape} {array.dtype}".encode())
        hashed.update(np.ascontiguousarray(array).data)
    return hashed.hexdigest()


def picture(data: DataSet, part: str, index: int, normalised: bool = False) -> Picture:
    """One image to look at, of the part "train" or "test": from 0, black, to 1, white.

    normalised: (values - mean) / std instead, which is what a network is trained on and sees.
    Raises DataError for another part, and for an index that the part does not have.
    """
    if part not in PARTS:
        raise DataError(f"{printable(data.name)}: has no part {printable(part)}; it has train and test")
    images, labels = {
        "train": (data.train_images, data.train_labels),
        "test": (data.test_images, data.test_labels),
    }[part]
    if not 0 <= index < len(images):
        legal = f"its {part} images are 0 to {len(images) - 1}"
        raise DataError(f"{printable(data.name)}: has no {part} image {index}; {legal}")
    low, scale = (data.mean, data.std) if normalised else (data.black, data.white - data.black)
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
        lowest=(data.black - low) / scale,
        highest=(data.white - low) / scale,
    )


def _told(name: str) -> str:
    """The class as it is read after a colon: "a 7", "an 8", "T-shirt"."""
    if not name.isdecimal():
        return printable(name)
    return f"an {name}" if name.startswith("8") or name in ("11", "18") else f"a {name}"


def _existing(source: str) -> Path:
    """The .npz file or the folder of that name. Raises InputError for anything else."""
    name = printable(source)
    try:
        path = Path(source).expanduser().absolute()
        status = path.stat()
    except FileNotFoundError:
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
    if is_idx_file(path.name):
        raise InputError(f"{name}: is one of the four files of a data set; name the folder that holds them")
    if not stat.S_ISREG(status.st_mode) or path.suffix.lower() != ".npz":
        raise InputError(f"{name}: {NO_DATA_SET}")
    return path


def _names(folder: Path) -> list[str]:
    with naming(folder):
        return [path.name for path in folder.iterdir()]


def _idx_folder(folder: Path) -> Path | None:
    """Where MNIST's files lie: there or in its folder raw; None if they do not.

    Raises InputError that names the right folder if it is one of those inside, as under torchvision's root.
    """
    for each in folder, folder / "raw":
        if each.is_dir() and any(map(is_idx_file, _names(each))):
            return each
    with naming(folder):
        for raw in sorted(folder.glob("*/raw")):
            if raw.is_dir() and any(map(is_idx_file, _names(raw))):
                raise InputError(f"has MNIST's IDX files in {printable(raw.parent.name)}; name that folder")
    return None


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
        return DataSet(name, source, *train, *test, classes, mean, std, parts.black, parts.white, image_size)


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
