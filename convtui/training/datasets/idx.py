"""Data sets in the four files that MNIST came in, plain or compressed, wherever unpacking put them."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from convtui.engine.words import counted
from convtui.inputs.idx_files import UNSIGNED_BYTE, IdxName
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

_BELOW: Final = ("raw", "gzip")  # where torchvision and EMNIST's archive have the files
_IMAGES: Final = (3, 4)
_LABELS: Final = (1,)
_FILE: Final = "{}-{}-idx{}-ubyte"
_PLAIN: Final = _FILE.format("train", "images", 3)
_EMNIST: Final = "EMNIST stores its images transposed (rows and columns swapped); they are read as stored"

_Files = Mapping[tuple[str, str], Path]


@dataclass(frozen=True)
class IdxSet:
    """The files of one data set by part ("train", "test") and what they hold ("images", "labels").

    name: what their names begin with, as "emnist-letters"; "" for MNIST's own. Some may be missing.
    """

    folder: Path
    name: str
    files: _Files


def find_idx(path: Path) -> IdxSet | None:
    """The data set in this folder, its sub-folder raw or gzip; or that of one of its files.

    Of several in one folder one is named as FOLDER/emnist-letters, or by one of its files. None if there is
    none. Raises InputError that lists them where several are there, or in folders below.
    """
    if path.is_dir():
        name = IdxName.of(path.name)
        found = _sets(path)
        if found and (name is None or len(_only(found).files) > 1):
            return _single(path, found)
        if name is None:
            _require_none_below(path)
            return None
    name = IdxName.of(path.name)
    folder = path.parent if name is None or IdxName.of(path.parent.name) is None else path.parent.parent
    wanted = path.name if name is None else name.set
    return _sets(folder).get(wanted.lower()) if wanted or name else None


def read_idx(found: IdxSet, axes: str = "") -> Parts:
    """The data set in these files.

    Raises InputError for a file that is missing or is not what its name says.
    """
    train, notice, order = _part(found, "train", axes)
    test, *_ = _part(found, "test", axes)
    notices = (notice, _EMNIST if found.name.startswith("emnist") else "")
    return Parts(train, test, axes=order, notice="; ".join(filter(None, notices)))


def _only(found: Mapping[str, IdxSet]) -> IdxSet:
    return next(iter(found.values()))


def _single(folder: Path, found: Mapping[str, IdxSet]) -> IdxSet:
    if len(found) == 1:
        return _only(found)
    names = [printable(each.name or _PLAIN) for each in found.values()]
    example = printable(str(folder / names[0]))
    raise InputError(
        f"{printable(str(folder))}: has {len(found)} data sets, {', '.join(names)}; "
        f"name one of them, such as {example}"
    )


def _require_none_below(folder: Path) -> None:
    """Raises InputError that names the right folder, as under torchvision's root."""
    with naming(folder):
        below = sorted({raw.parent for name in _BELOW for raw in folder.glob(f"*/{name}") if _found(raw)})
        if below:
            names = " and ".join(printable(each.name) for each in below)
            ask = "name that folder" if len(below) == 1 else "name one of those folders"
            raise InputError(f"has MNIST's IDX files in {names}; {ask}")


def _sets(folder: Path) -> dict[str, IdxSet]:
    """The data sets there or else in raw or gzip, by their names in small letters."""
    if not folder.is_dir():
        return {}
    with naming(folder):
        below = [each for each in sorted(folder.iterdir()) if each.name.lower() in _BELOW and each.is_dir()]
    return next(filter(None, map(_found, [folder, *below])), {})


def _found(folder: Path) -> dict[str, IdxSet]:
    """The data sets in a folder: of each file the best of its candidates, a plain file if there is one."""
    candidates: dict[str, dict[tuple[str, str], list[Path]]] = {}
    names: dict[str, str] = {}
    with naming(folder):
        for path, name in _candidates(folder):
            names.setdefault(name.set.lower(), name.set)
            files = candidates.setdefault(name.set.lower(), {})
            files.setdefault((name.part, name.what), []).append(path)
    return {
        key: IdxSet(folder, names[key], {role: min(paths, key=_rank) for role, paths in files.items()})
        for key, files in sorted(candidates.items())
    }


def _candidates(folder: Path) -> Iterator[tuple[Path, IdxName]]:
    """What has a name of the four files, and what lies in a folder that has one, as some unzip them."""
    for path in sorted(folder.iterdir()):
        name = IdxName.of(path.name)
        if name is None:
            continue
        if not path.is_dir():
            yield path, name
            continue
        for inner in sorted(path.iterdir()):
            inside = IdxName.of(inner.name)
            if inside and not inner.is_dir() and inside[1:3] == name[1:3]:
                yield inner, inside._replace(set=inside.set or name.set)


def _rank(path: Path) -> tuple[bool, bool, int, str]:
    """Lowest for the best: a file, not compressed, lying where its twins are looked for first."""
    return not path.is_file(), path.suffix.lower() == ".gz", len(path.parts), path.name


def _part(found: IdxSet, part: str, axes: str) -> tuple[Part, str, str]:
    for what, dimensions in ("images", 3), ("labels", 1):
        if (part, what) not in found.files:
            own = f"{found.name}-" if found.name else ""
            of_mnist = "t10k" if part == "test" and not found.name else part
            missing = own + _FILE.format(of_mnist, what, dimensions)
            raise InputError(f"{printable(str(found.folder))}: has no file {missing} or {missing}.gz")
    images_file, labels_file = found.files[part, "images"], found.files[part, "labels"]
    with naming(images_file):
        images, order, notice = as_images(_read(images_file, _IMAGES), axes)
    with naming(labels_file):
        labels = as_labels(_read(labels_file, _LABELS))
        if len(labels) != len(images):
            of = f"the {counted(len(images), 'image')} of {images_file.name}"
            raise InputError(f"has {counted(len(labels), 'label')} for {of}")
    return Part(images, labels), notice, order


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
    expected = bytes((0, 0, UNSIGNED_BYTE))
    if len(magic) < 4 or magic[:3] != expected or magic[3] not in dimensions:
        legal = " or ".join(f"0x{(UNSIGNED_BYTE << 8) + each:08x}" for each in dimensions)
        what = f"the magic number 0x{magic.hex()}" if len(magic) == 4 else counted(len(magic), "byte")
        raise InputError(f"begins with {what}; must be {legal}")
    header = stream.read(4 * magic[3])
    shape = tuple(np.frombuffer(header[: len(header) // 4 * 4], dtype=">u4").tolist())
    count = math.prod(shape)
    require_few_values(count)
    content = stream.read(count + 1) if len(shape) == magic[3] else b""
    if len(shape) < magic[3] or len(content) < count:
        raise InputError(
            f"is cut off: {counted(len(content), 'value')}, but its header announces {list(shape)}"
        )
    if len(content) > count:
        raise InputError(f"has bytes after the {count:,} values that its header announces")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)
