"""Data sets in one .npz archive; nothing in it is ever unpickled."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from itertools import chain, product
from pathlib import Path
from typing import IO, Any, Final
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from convtui.engine.words import counted
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

_STYLES: Final = (
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("x_train", "y_train", "x_test", "y_test"),
)
_WHOLE: Final = ("images", "labels")
_PARTS: Final = {
    "train": ("training", "train", "trn"),
    "test": ("testing", "test", "tst"),
    "validation": ("validation", "valid", "val", "dev"),
}
_HELD: Final = {
    "images": ("images", "image", "imgs", "img", "inputs", "features", "data", "pixels", "x"),
    "labels": ("labels", "label", "targets", "target", "classes", "y"),
}
_NAME: Final = re.compile(
    r"(?:(?P<before>{parts})[_\-. ]?)?(?P<held>{held})(?:[_\-. ]?(?P<after>{parts}))?".format(
        parts="|".join(chain(*_PARTS.values())), held="|".join(chain(*_HELD.values()))
    )
)

_Roles = dict[tuple[str, str], str]  # part, "" for the whole, and what is held; the array's name


def read_npz(file: Path, axes: str = "") -> Parts:
    """The arrays train_images, train_labels, test_images and test_labels, or others of the usual names.

    Those are X_train, y_train, X_test and y_test, trainX, training_images, val_labels and the like. An
    archive with images and labels (X and y, data and target) alone is split. Raises InputError.
    """
    with naming(file):
        try:
            with ZipFile(file) as archive:
                return _parts(archive, axes)
        except (InputError, OSError):
            raise
        except Exception as error:  # zipfile's, zlib's and numpy's
            raise InputError(f"is not a complete .npz archive of numbers ({reason(error)})") from None


def _parts(archive: ZipFile, axes: str) -> Parts:
    held = [name.removesuffix(".npy") for name in archive.namelist()]
    roles = _roles(held)
    parts = {part for part, _ in roles}
    if "" in parts and "train" not in parts:
        _require(held, roles, "")
        whole, order, notice = _part(archive, roles, "", axes)
        train, test = split(whole)
    else:
        tested = "test" if ("test", "images") in roles or ("test", "labels") in roles else "validation"
        _require(held, roles, "train", tested)
        train, order, notice = _part(archive, roles, "train", axes)
        test, *_ = _part(archive, roles, tested, axes)
        if tested == "test" and ("validation", "images") in roles:
            left_out = f"{roles['validation', 'images']} is left out: {roles['test', 'images']} is used"
            notice = "; ".join(filter(None, (notice, printable(left_out))))
    black, white = extent(train.images)
    return Parts(train, test, (), black, white, order, notice)


def _roles(held: Iterable[str]) -> _Roles:
    """Which array is what, by its name. Raises InputError where two are the same."""
    roles: _Roles = {}
    for name in held:
        match = _NAME.fullmatch(name.lower())
        if match is None or (match["before"] and match["after"]):
            continue
        said = match["before"] or match["after"]
        part = next((part for part, words in _PARTS.items() if said in words), "")
        role = part, next(what for what, words in _HELD.items() if match["held"] in words)
        if role in roles:
            both = f"{printable(roles[role])} and {printable(name)}"
            raise InputError(f"has both {both}, which stand for the same; leave one of them out")
        roles[role] = name
    return roles


def _require(held: Sequence[str], roles: _Roles, *parts: str) -> None:
    """Raises InputError for an array that is not there, by the name that the others let expect."""
    small = {name.lower() for name in held}
    styles = _STYLES if len(parts) == 2 else (_WHOLE, ("x", "y"))
    style = max(styles, key=lambda names: len(small.intersection(names)))
    for name, role in zip(style, product(parts, _HELD), strict=True):
        if role not in roles:
            holds = printable(", ".join(sorted(held))) if held else "nothing"
            wanted = ", or ".join((*map(", ".join, _STYLES), f"{' and '.join(_WHOLE)},"))
            raise InputError(f"has no array {name}; it holds {holds}, and {wanted} are read")


def _part(archive: ZipFile, roles: _Roles, part: str, axes: str) -> tuple[Part, str, str]:
    images_name, labels_name = roles[part, "images"], roles[part, "labels"]
    with naming(images_name):
        images, order, notice = as_images(_array(archive, images_name), axes)
    with naming(labels_name):
        labels = as_labels(_array(archive, labels_name))
    if len(images) != len(labels):
        has = f"{images_name} has {counted(len(images), 'image')}"
        counts = f"{has}, {labels_name} {counted(len(labels), 'label')}"
        raise InputError(f"{printable(counts)}; there must be a label for each image")
    return Part(images, labels), order, notice


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
