"""Data sets as folders: one sub-folder of pictures for each class, as most people keep their own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from convtui.inputs.images import InputError, read_square
from convtui.inputs.names import printable
from convtui.training.datasets.labelled_images import (
    MOST_CLASSES,
    NO_DATA_SET,
    Images,
    Part,
    Parts,
    naming,
    require_few_values,
    split,
)

_TRAIN: Final = ("train", "training")
_TEST: Final = ("test", "testing", "valid", "validation", "val")
_NOT_OF_THE_USER: Final = ("thumbs.db", "desktop.ini", "icon\r", "__macosx")


def read_folders(folder: Path, side: int) -> Parts:
    """The pictures in a folder's sub-folders, whose names are the classes; the middle square of side x side.

    There may be a train and a test (or valid, val) folder above them; without, a fifth of each class is to
    test on. Grey if every picture is, else red, green and blue. Hidden files are passed over.
    Raises InputError for anything in the sub-folders that is no picture, and for a class that has none.
    """
    inside = {path.name.lower(): path for path in _listed(folder) if path.is_dir()}
    train = next((inside[name] for name in _TRAIN if name in inside), None)
    tests = [inside[name] for name in _TEST if name in inside]
    if train is None or not _classes(train):
        whole, classes, notice = _read({folder: _classes(folder)}, side)
        with naming(folder):
            return Parts(*split(whole[0], classes), classes, notice=notice)
    test = next((each for each in tests if _classes(each)), None)
    if test is None:
        name = printable(str(folder))
        raise InputError(f"{name}: has {train.name}, but no test, valid or val of such sub-folders")
    parts, classes, notice = _read({train: _classes(train), test: _classes(test)}, side)
    return Parts(parts[0], parts[1], classes, notice=notice)


def _read(folders: dict[Path, list[Path]], side: int) -> tuple[list[Part], tuple[str, ...], str]:
    """A part from each folder, the classes, which must be the same in all folders, and a notice."""
    (first, of_first), *others = folders.items()
    if not of_first:
        raise InputError(f"{printable(str(first))}: {NO_DATA_SET}")
    classes = tuple(path.name for path in of_first)
    for other, of_other in others:
        names = {path.name for path in of_other}
        if different := sorted(names.symmetric_difference(classes)):
            holder, lacking = (other, first) if different[0] in names else (first, other)
            here, there = printable(f"{holder}/{different[0]}"), printable(str(lacking))
            raise InputError(f"{here}: a class that {there} lacks; both need the same classes")
    files = [[_pictures(path) for path in paths] for paths in folders.values()]
    with naming(first):
        if len(classes) > MOST_CLASSES:
            raise InputError(f"has {len(classes):,} sub-folders; at most {MOST_CLASSES:,} classes are read")
        require_few_values(sum(len(names) for part in files for names in part) * 3 * side**2)
    notices: list[str] = []
    pictures = [[_bytes(file, side, notices) for names in part for file in names] for part in files]
    is_grey = all(len(picture) == 1 for part in pictures for picture in part)
    channels = 1 if is_grey else 3
    parts = []
    for of_part, images in zip(files, pictures, strict=True):
        labels = np.repeat(np.arange(len(of_part)), [len(names) for names in of_part]).astype(np.int64)
        shape = (channels, side, side)
        parts.append(Part(np.stack([np.broadcast_to(image, shape) for image in images]), labels))
    return parts, classes, _first_of(notices)


def _listed(folder: Path) -> list[Path]:
    """What is in a folder, by name, without what only a system or an archiver put there."""
    with naming(folder):
        paths = sorted(folder.iterdir())
    return [path for path in paths if path.name[0] != "." and path.name.lower() not in _NOT_OF_THE_USER]


def _classes(folder: Path) -> list[Path]:
    paths = _listed(folder)
    for path in paths:
        if path.is_symlink() and not path.exists():
            raise InputError(f"{printable(str(path))}: is a broken link")
    return [path for path in paths if path.is_dir()]


def _pictures(folder: Path) -> list[Path]:
    files = _listed(folder)
    for file in files:
        with naming(file):
            if file.is_dir():
                raise InputError(
                    "is a folder inside a class; its pictures must lie in the class's own folder"
                )
            if not file.exists():
                raise InputError("is a broken link")
    if not files:
        raise InputError(f"{printable(str(folder))}: holds no pictures; add some or remove the folder")
    return files


def _first_of(notices: list[str]) -> str:
    """The first, and of how many more pictures there is something to tell."""
    more = f" (and {len(notices) - 1:,} more such notices)" if len(notices) > 1 else ""
    return f"{notices[0]}{more}" if notices else ""


def _bytes(file: Path, side: int, notices: list[str]) -> Images:
    """The picture's middle square [1 if it is grey, else 3, side, side] of 0 to 255; appends its notice."""
    square = read_square(file, side)
    if square.notice:
        notices.append(f"{printable(f'{file.parent.name}/{file.name}')}: {square.notice}")
    picture = np.round(square.values * 255).astype(np.uint8)
    return picture[:1] if (picture == picture[0]).all() else picture
