"""The images of data sets by name, so that each of them opens wherever an image does."""

from __future__ import annotations

from convtui.inputs.images import InputError, Picture, adjusted
from convtui.inputs.names import printable
from convtui.inputs.samples import DATA_IMAGE
from convtui.training.datasets.open_any import DEFAULT_SIZE, load, picture


def open_picture(name: str, resize: int | None = None, gray: bool = False) -> Picture:
    """The image that is so named: "mnist-12k:test:17", or "mnist-12k:17", which is the same.

    Any .npz file or folder that `load` reads may stand for mnist-12k. ":64px" behind it is the image_size of
    a folder of pictures, ":normalised" at the end asks for the values that a network is trained on.
    Raises InputError.
    """
    match = DATA_IMAGE.fullmatch(name)
    if match is None:
        source = name.partition(":")[0]
        example = f"such as {printable(source)}:test:17 or {printable(source)}:train:0"
        raise InputError(f"{printable(name)}: name an image of the data set, {example}")
    data = load(match["source"], int(match["side"] or DEFAULT_SIZE))
    opened = picture(data, match["part"] or "test", int(match["index"]), bool(match["normalised"]))
    return adjusted(opened, resize, gray)
