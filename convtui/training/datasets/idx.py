"""Data sets in the four files that MNIST came in, plain or compressed by gzip.

Source: http://yann.lecun.com/exdb/mnist/, "the IDX file format": two zero bytes, the type (8: unsigned byte),
the number of dimensions, each dimension as four bytes, most significant first, then the values.
"""

from __future__ import annotations

import gzip
import math
import re
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from convtui.inputs.images import InputError
from convtui.inputs.names import printable
from convtui.training.datasets.labelled_images import (
    Part,
    Parts,
    as_images,
    as_labels,
    naming,
    reason,
    require_few_values,
)

_FILE: Final = re.compile(r"(train|t10k)-(images|labels)[-.]idx[0-9]-ubyte(\.gz)?", re.IGNORECASE)
_UNSIGNED_BYTE: Final = 8
_IMAGES: Final = (3, 4)
_LABELS: Final = (1,)


def is_idx_file(name: str) -> bool:
    """Whether a file has a name that MNIST's files have."""
    return _FILE.fullmatch(name) is not None


def read_idx(folder: Path, names: Iterable[str]) -> Parts:
    """The data set in a folder's four files, of these names as far as they are those of MNIST's files.

    Raises InputError for a file that is missing or is not what its name says.
    """
    found: dict[str, str] = {}
    for name in sorted(names, reverse=True):  # a plain file comes after, and before, its compressed twin
        if match := _FILE.fullmatch(name):
            found[f"{match[1]}-{match[2]}".lower()] = name
    return Parts(_part(folder, found, "train"), _part(folder, found, "t10k"))


def _part(folder: Path, found: dict[str, str], part: str) -> Part:
    for what, dimensions in ("images", 3), ("labels", 1):
        if f"{part}-{what}" not in found:
            missing = f"{part}-{what}-idx{dimensions}-ubyte"
            raise InputError(f"{printable(str(folder))}: has no file {missing} or {missing}.gz")
    images_file, labels_file = found[f"{part}-images"], found[f"{part}-labels"]
    with naming(folder / images_file):
        images = as_images(_read(folder / images_file, _IMAGES))
    with naming(folder / labels_file):
        labels = as_labels(_read(folder / labels_file, _LABELS))
        if len(labels) != len(images):
            raise InputError(f"has {len(labels):,} labels for the {len(images):,} images of {images_file}")
    return Part(images, labels)


def _read(file: Path, dimensions: tuple[int, ...]) -> NDArray[Any]:
    if not file.is_file():
        raise InputError("is a broken link" if file.is_symlink() else "is not a regular file")
    is_compressed = file.suffix.lower() == ".gz"
    try:
        with gzip.open(file) if is_compressed else file.open("rb") as stream:
            return _values(stream, dimensions)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"is not a complete gzip file ({reason(error)})") from None


def _values(stream: IO[bytes] | gzip.GzipFile, dimensions: tuple[int, ...]) -> NDArray[Any]:
    magic = stream.read(4)
    if magic[:2] == b"\x1f\x8b":
        raise InputError("is compressed with gzip; its name must end in .gz")
    expected = bytes((0, 0, _UNSIGNED_BYTE))
    if len(magic) < 4 or magic[:3] != expected or magic[3] not in dimensions:
        legal = " or ".join(f"0x{(_UNSIGNED_BYTE << 8) + each:08x}" for each in dimensions)
        what = f"the magic number 0x{magic.hex()}" if len(magic) == 4 else f"{len(magic)} bytes"
        raise InputError(f"begins with {what}; must be {legal}")
    header = stream.read(4 * magic[3])
    shape = tuple(np.frombuffer(header[: len(header) // 4 * 4], dtype=">u4").tolist())
    count = math.prod(shape)
    require_few_values(count)
    content = stream.read(count + 1) if len(shape) == magic[3] else b""
    if len(shape) < magic[3] or len(content) < count:
        raise InputError(f"is cut off: {len(content):,} values, but its header announces {list(shape)}")
    if len(content) > count:
        raise InputError(f"has bytes after the {count:,} values that its header announces")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)
