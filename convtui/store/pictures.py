"""Images by the name that a user gives them: a file, a sample, or an image of a data set.

Data sets are loaded only for a name that asks for one of their images, so that no other start waits for them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Unpack

from convtui.engine.array_text import bracketed, is_array_text
from convtui.inputs import samples
from convtui.inputs.confinement import require_ours
from convtui.inputs.images import How, InputError, Picture, adjusted, read_pasted, read_picture
from convtui.inputs.names import did_you_mean, neighbours, printable
from convtui.inputs.scaling import Pair, Resize

_DATA_IMAGE = re.compile(
    r"(?P<source>.+?):(?:(?P<part>[a-z]+):)?(?P<index>-?[0-9]{1,15})"
    r"(?::(?P<side>[0-9]{1,4})px)?(?P<normalised>:normali[sz]ed)?"
)


def open_any(
    text: str,
    resize: Resize | None = None,
    gray: bool = False,
    axes: str = "",
    white: float | None = None,
    crop: int | Pair | None = None,
) -> Picture:
    """The image that the user named: a file if it exists, else a sample, with or without its file extension.

    An image of a data set is named as in open_data_image, and an array may be pasted: "[[1, 2], [3, 4]]".
    resize, gray, axes, white, crop: as for read_picture.
    Raises InputError that suggests the files and samples with names like it, ConfinedError for a visitor's
    file.
    """
    how = How(resize=resize, gray=gray, axes=axes, white=white, crop=crop)
    path = Path(text)
    name = samples.image_name(text)
    if is_sample(name) and not path.is_file():
        return open_sample(name, **how)
    if is_array_text(pasted := bracketed(text)) and not _is_file(path):
        return read_pasted(pasted, **how)
    require_ours(text)
    if _is_missing(path):
        if _DATA_IMAGE.fullmatch(text):
            return open_data_image(text, **how)
        names = (*samples.image_names(), *samples.data_names(), *neighbours(path))
        raise InputError(f"{printable(text)}: no such file or sample{did_you_mean(path.name, names)}")
    return read_picture(text, **how)


def reopened(picture: Picture, **changes: Unpack[How]) -> Picture:
    """The image again, read as before but for the changes, without what was edited. Raises InputError."""
    if not picture.source:
        raise InputError(f"{picture.name}: has no file that could be read again")
    how = How(
        resize=picture.resize,
        gray=picture.gray,
        axes=picture.axes,
        white=picture.white,
        crop=picture.crop,
    )
    how.update(changes)
    return open_any(picture.source, **how)


def is_sample(name: str) -> bool:
    """Whether open_sample opens it, or says what is wrong with an image of a bundled data set."""
    return name in samples.image_names() or samples.is_of_a_bundled_data_set(name)


def open_sample(name: str, **how: Unpack[How]) -> Picture:
    """The sample image of that name, or that image of a bundled data set. Raises InputError."""
    if samples.is_of_a_bundled_data_set(name):
        return open_data_image(name, **how)
    return samples.open_image(name, **how)


def open_path(path: Path, **how: Unpack[How]) -> Picture:
    """The image in a file, or that image of a data set. Raises InputError as read_picture does."""
    require_ours(path)
    if _DATA_IMAGE.fullmatch(str(path)) and _is_missing(path):
        return open_data_image(str(path.absolute()), **how)
    return read_picture(path, **how)


def open_data_image(name: str, **how: Unpack[How]) -> Picture:
    """The image named "mnist-12k:test:17", or "mnist-12k:17", which is the same.

    Any .npz file or folder that `load` reads may stand for mnist-12k. ":64px" behind it is the image_size of
    a folder of pictures, ":normalised" at the end asks for the values that a network is trained on.
    Raises InputError.
    """
    from convtui.training.datasets.open_any import DEFAULT_SIZE, load, picture

    match = _DATA_IMAGE.fullmatch(name)
    if match is None:
        source = name.partition(":")[0]
        example = f"such as {printable(source)}:test:17 or {printable(source)}:train:0"
        raise InputError(f"{printable(name)}: name an image of the data set, {example}")
    data = load(match["source"], int(match["side"] or DEFAULT_SIZE), how.get("axes", ""))
    index, normalised = int(match["index"]), bool(match["normalised"])
    opened = picture(data, match["part"] or "test", index, normalised, how.get("white"))
    return adjusted(opened, how.get("resize"), how.get("gray", False), how.get("crop"))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # such as a name that is too long for any file
        return False


def _is_missing(path: Path) -> bool:
    try:
        path.expanduser().stat()
    except FileNotFoundError:
        return True
    except (OSError, ValueError, RuntimeError):  # there, but not to be read: read_picture says why
        return False
    return False
