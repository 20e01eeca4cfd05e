"""Images by the name that a user gives them: a file, a sample, or an image of a data set.

Data sets are loaded only for a name that asks for one of their images, so that no other start waits for them.
"""

from __future__ import annotations

import re
from pathlib import Path

from convtui.inputs import samples
from convtui.inputs.images import InputError, Picture, adjusted, read_picture
from convtui.inputs.names import did_you_mean, neighbours, printable

_DATA_IMAGE = re.compile(
    r"(?P<source>.+?):(?:(?P<part>[a-z]+):)?(?P<index>-?[0-9]{1,15})"
    r"(?::(?P<side>[0-9]{1,4})px)?(?P<normalised>:normali[sz]ed)?"
)


def open_any(text: str, resize: int | None = None, gray: bool = False) -> Picture:
    """The image that the user named: a file if it exists, else a sample, with or without its file extension.

    Raises InputError that suggests the files and samples with names like it.
    """
    path = Path(text)
    name = samples.image_name(text)
    if is_sample(name) and not path.is_file():
        return open_sample(name, resize, gray)
    if _is_missing(path):
        if _DATA_IMAGE.fullmatch(text):
            return open_data_image(text, resize, gray)
        names = (*samples.image_names(), *samples.data_names(), *neighbours(path))
        raise InputError(f"{printable(text)}: no such file or sample{did_you_mean(path.name, names)}")
    return read_picture(text, resize, gray)


def is_sample(name: str) -> bool:
    """Whether open_sample opens it, or says what is wrong with an image of a bundled data set."""
    return name in samples.image_names() or samples.is_of_a_bundled_data_set(name)


def open_sample(name: str, resize: int | None = None, gray: bool = False) -> Picture:
    """The sample image of that name, or that image of a bundled data set. Raises InputError."""
    if samples.is_of_a_bundled_data_set(name):
        return open_data_image(name, resize, gray)
    return samples.open_image(name, resize, gray)


def open_path(path: Path, resize: int | None = None, gray: bool = False) -> Picture:
    """The image in a file, or that image of a data set. Raises InputError as read_picture does."""
    if _DATA_IMAGE.fullmatch(str(path)) and _is_missing(path):
        return open_data_image(str(path.absolute()), resize, gray)
    return read_picture(path, resize, gray)


def open_data_image(name: str, resize: int | None = None, gray: bool = False) -> Picture:
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
    data = load(match["source"], int(match["side"] or DEFAULT_SIZE))
    opened = picture(data, match["part"] or "test", int(match["index"]), bool(match["normalised"]))
    return adjusted(opened, resize, gray)


def _is_missing(path: Path) -> bool:
    try:
        path.expanduser().stat()
    except FileNotFoundError:
        return True
    except (OSError, ValueError, RuntimeError):  # there, but not to be read: read_picture says why
        return False
    return False
