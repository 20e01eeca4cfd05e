"""A picture that Pillow has opened, as channels of numbers: upright, scaled, on white.

Pillow is imported by the caller.
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from convtui.engine.spec import Floats

if TYPE_CHECKING:
    from PIL.Image import Image

UNASKED_SIDE = 512


class Contents(NamedTuple):
    """What a reader found: values [C, H, W]; has_white: 0 is black and 1 is white; else bare numbers."""

    values: Floats
    has_white: bool
    notice: str = ""


def decoded(image: Image, resize: int | None, is_square: bool) -> Contents:
    """The picture's first frame, upright, scaled and on white, as values [C, H, W].

    resize: the longer side; if is_square, the side of the middle square, which is all that is kept.
    """
    from PIL.Image import Resampling
    from PIL.ImageOps import exif_transpose, fit

    notices = ["the first of several frames"] if getattr(image, "is_animated", False) else []
    white, paletted = _white_level(image), image.mode == "P"
    size = image.size
    longer = resize or min(max(size), UNASKED_SIDE)
    wanted = scaled_size(*size, math.ceil(longer * max(size) / min(size)) if is_square else longer)
    image.draft(None, wanted)  # a JPEG is decoded no larger than needed
    image.load()
    stored = image.size
    with suppress(Exception):  # damaged EXIF, which Pillow turns by and then writes anew
        exif_transpose(image, in_place=True)
    if image.size != stored:
        size, wanted = size[::-1], wanted[::-1]
    image = _plain(image)
    if is_square:
        image = fit(image, (longer, longer), Resampling.BILINEAR)
    elif image.size != wanted:
        image = image.resize(wanted, Resampling.BILINEAR)
    if size != wanted and resize is None:
        notices.append("{}x{} pixels scaled to {}x{} (choose with --resize N)".format(*size, *wanted))
    values = np.asarray(image, dtype=np.float64).reshape(image.height, image.width, -1)
    values = np.moveaxis(values, -1, 0) / (white or 1)
    if image.mode in ("LA", "RGBA"):
        values = 1 - (1 - values[:-1]) * values[-1]
    if paletted and (values == values[0]).all():
        values = values[:1]
    return Contents(values, has_white=white is not None, notice="; ".join(notices))


def _white_level(image: Image) -> int | None:
    """The value that is white; None in pictures of bare numbers, such as floating-point TIFF."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        return 65535
    return None if image.mode in ("I", "F") else 255


def _plain(image: Image) -> Image:
    """The picture in mode L, LA, RGB, RGBA, I or F."""
    if image.mode in ("I", "F"):
        return image
    if image.mode.startswith("I;16"):
        return image.convert("I")
    grey = image.mode in ("1", "L", "LA", "La")
    mode = ("L" if grey else "RGB") + ("A" if image.has_transparency_data else "")
    return image if image.mode == mode else image.convert(mode)


def scaled_size(width: int, height: int, longer: int) -> tuple[int, int]:
    """Width and height with that longer side, and the same ratio as far as whole pixels allow."""
    factor = longer / max(width, height)
    return max(1, round(width * factor)), max(1, round(height * factor))
