"""Data sets in one .npz archive; nothing in it is ever unpickled."""

from __future__ import annotations

import math
from pathlib import Path
from typing import IO, Any, Final
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from convtui.inputs.images import InputError
from convtui.inputs.names import printable
from convtui.training.datasets.labelled_images import (
    Part,
    Parts,
    as_images,
    as_labels,
    extent,
    naming,
    reason,
    require_few_values,
    split,
)

_SPLIT: Final = (
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("x_train", "y_train", "x_test", "y_test"),
)
_WHOLE: Final = ("images", "labels")


def read_npz(file: Path) -> Parts:
    """The arrays train_images, train_labels, test_images and test_labels, or Keras's x_train and so on.

    An archive with images and labels alone is split. Raises InputError.
    """
    with naming(file):
        try:
            with ZipFile(file) as archive:
                return _parts(archive)
        except (InputError, OSError):
            raise
        except Exception as error:  # zipfile's, zlib's and numpy's
            raise InputError(f"is not a complete .npz archive of numbers ({reason(error)})") from None


def _parts(archive: ZipFile) -> Parts:
    held = {name.removesuffix(".npy") for name in archive.namelist()}
    names = max((*_SPLIT, _WHOLE), key=lambda names: len(held.intersection(names)))
    for name in names:
        if name not in held:
            holds = printable(", ".join(sorted(held))) if held else "nothing"
            wanted = ", or ".join((*map(", ".join, _SPLIT), f"{' and '.join(_WHOLE)},"))
            raise InputError(f"has no array {name}; it holds {holds}, and {wanted} are read")
    if names == _WHOLE:
        whole = _part(archive, *names)
        train, test = split(whole)
    else:
        train, test = _part(archive, *names[:2]), _part(archive, *names[2:])
    black, white = extent(train.images)
    return Parts(train, test, (), black, white)


def _part(archive: ZipFile, images: str, labels: str) -> Part:
    part = Part(_images(archive, images), _labels(archive, labels))
    if len(part.images) != len(part.labels):
        counts = f"{images} has {len(part.images):,} images, {labels} {len(part.labels):,} labels"
        raise InputError(f"{counts}; there must be a label for each image")
    return part


def _images(archive: ZipFile, name: str) -> NDArray[Any]:
    with naming(name):
        return as_images(_array(archive, name))


def _labels(archive: ZipFile, name: str) -> NDArray[np.int64]:
    with naming(name):
        return as_labels(_array(archive, name))


def _array(archive: ZipFile, name: str) -> NDArray[Any]:
    with archive.open(f"{name}.npy") as stream:
        _require_numbers(stream)
    with archive.open(f"{name}.npy") as stream:
        array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
        if stream.read(1):  # the end of the stream is also where zipfile compares its checksum
            raise InputError("has bytes after its end")
    return array


def _require_numbers(stream: IO[bytes]) -> None:
    """Refuse what the header tells of Python objects, and of more values than there is room for."""
    headers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(stream)
    if version not in headers:
        raise InputError(f"is an array of format {version}; arrays of numbers have format 1.0 or 2.0")
    shape, _, dtype = headers[version](stream)
    if dtype.hasobject:
        raise InputError("holds Python objects, which are never unpickled; save it as an array of numbers")
    require_few_values(math.prod(shape))
