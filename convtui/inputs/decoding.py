"""A picture that Pillow has opened, as channels of numbers: upright, scaled, on white.

Pillow is imported by the caller.
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convtui.engine.spec import Floats
from convtui.inputs.scaling import Longer, Resize, scaled_size

if TYPE_CHECKING:
    from PIL.Image import Image

UNASKED_SIDE = 512

_ON_WHITE: Final = "transparent pixels lie on white"
_DARK: Final = 2**14  # no value reaches it: of 16 bits, at most 14 are used

# TIFF, https://www.awaresystems.be/imaging/tiff/tifftags/baseline.html
_PHOTOMETRIC: Final = 262
_WHITE_IS_ZERO: Final = 0
_SAMPLE_FORMAT: Final = 339
_UNSIGNED: Final = (1,)
_SIGNED: Final = (2,)


class Contents(NamedTuple):
    """What a reader found: values [C, H, W]; has_white: 0 is black and 1 is white; else bare numbers.

    axes: how the axes of an array were read, where another order was possible; "" elsewhere.
    """

    values: Floats
    has_white: bool
    notice: str = ""
    axes: str = ""


def decoded(image: Image, resize: Resize | None, is_square: bool, white: float | None = None) -> Contents:
    """The picture's first frame, upright, scaled and on white, as values [C, H, W].

    resize: as for scaled_size; if is_square, the side of the middle square, which is all that is kept.
    white: the stored value that is white; by default that of the file's format. Data of 10 to 14 bits stored
    in 16 have their own maximum as white, with a notice: no format says how many of the bits are used.
    """
    from PIL.Image import Resampling
    from PIL.Image import fromarray as image_of
    from PIL.ImageOps import exif_transpose, fit

    notices = ["the first of several frames"] if getattr(image, "is_animated", False) else []
    stored = _stored(image)
    size = image.size
    scale: Resize = Longer(min(max(size), UNASKED_SIDE)) if resize is None else resize
    if is_square or isinstance(scale, Longer):  # else it is scaled from all its pixels, as by torchvision
        enough = Longer(math.ceil(resize * max(size) / min(size))) if isinstance(resize, int) else scale
        image.draft(None, _wanted(size, enough))  # a JPEG is decoded no larger than needed
    image.load()
    before = image.size
    with suppress(Exception):  # damaged EXIF, which Pillow turns by and then writes anew
        exif_transpose(image, in_place=True)
    if image.size != before:
        size = size[::-1]
    wanted = (resize, resize) if is_square and isinstance(resize, int) else _wanted(size, scale)

    def scaled(image: Image) -> Image:
        if is_square:
            return fit(image, wanted, Resampling.BILINEAR)
        return image if image.size == wanted else image.resize(wanted, Resampling.BILINEAR)

    if stored.is_wide:
        is_kept = image.size == wanted
        wide, level, told = _wide(image, stored, white, np.float64 if is_kept else np.float32)
        values = np.asarray(wide if is_kept else scaled(image_of(wide)), dtype=np.float64)[np.newaxis]
    else:
        plain = scaled(_plain(image, stored))
        values, level = _shallow(plain, stored, white or 255), 255
        notices += [_ON_WHITE] if _is_transparent(plain) else []
        told = stored.lost
    if size != wanted and resize is None:
        notices.append("{}x{} pixels scaled to {}x{} (choose with --resize N)".format(*size, *wanted))
    notices += [told] if told else []
    return Contents(values, has_white=level is not None, notice="; ".join(notices))


class _Stored(NamedTuple):
    """What is to be known of a picture before it is decoded, when Pillow forgets it."""

    mode: str
    white: int | None  # None in pictures of bare numbers, such as floating-point TIFF
    is_white_known: bool = True  # else as many of the 16 bits may be used as a camera has
    is_white_zero: bool = False
    is_signed_byte: bool = False
    is_unsigned: bool = False
    is_grey: bool = False
    transparent: int | None = None
    lost: str = ""

    @property
    def is_wide(self) -> bool:
        """Whether its values are not bytes from black to white."""
        return self.mode in ("I", "F") or self.mode.startswith("I;16") or self.is_signed_byte


def _stored(image: Image) -> _Stored:
    raw = [tile.args if isinstance(tile.args, tuple) else (tile.args,) for tile in getattr(image, "tile", ())]
    arguments = raw[0] if raw else ()
    raw_mode = str(arguments[0]) if arguments else ""
    mode, tags = image.mode, getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
    sample_format = tags.get(_SAMPLE_FORMAT, (1,))[:1]
    has_16_bits = ";16" in raw_mode or (
        image.format == "PPM" and len(arguments) == 2 and isinstance(arguments[1], int) and arguments[1] > 255
    )
    white: int | None = 255
    if mode.startswith("I;16") or (mode == "I" and image.format in ("PNG", "PPM")):
        white = 4095 if raw_mode == "I;12" else 65535
    elif mode in ("I", "F") or (mode == "L" and sample_format == _SIGNED):
        white = None
    # JPEG 2000 and PGM tell their bits, and Pillow scales their values to all 16.
    is_open = raw_mode.startswith("I;16") if image.format == "PPM" else image.format != "JPEG2000"
    transparent = image.info.get("transparency")
    return _Stored(
        mode,
        white,
        is_white_known=white != 65535 or not is_open,
        is_white_zero=tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO,
        is_signed_byte=mode == "L" and sample_format == _SIGNED,
        is_unsigned=mode == "I" and bool(tags) and sample_format == _UNSIGNED,
        is_grey=mode in ("1", "L", "LA", "La") or raw_mode.startswith("LA;"),
        transparent=transparent if isinstance(transparent, int) else None,
        lost="16 bits a channel, of which the upper 8 are read" if has_16_bits and white == 255 else "",
    )


def _wide(
    image: Image, stored: _Stored, white: float | None, dtype: type[np.floating[Any]]
) -> tuple[NDArray[np.floating[Any]], float | None, str]:
    """Values [H, W] of a picture whose values are no bytes, the level that is white, and what to tell."""
    own = np.asarray(image)
    if stored.is_unsigned:
        own = own.view(np.uint32)
    if stored.is_signed_byte:
        own = own.view(np.int8)
    values, level, told = own.astype(dtype), white or stored.white, ""
    most = int(own.max()) if white is None and not stored.is_white_known else 0
    if 0 < most < _DARK:
        level, told = most, f"values reach {most} of 65535; {most} is read as white (--white LEVEL sets it)"
    if level is None:
        if stored.is_white_zero:
            told = "its tags call 0 white; the numbers are read as they are"
        return values, None, told
    values /= level
    if stored.is_white_zero:
        values = 1 - values
    is_transparent = own == stored.transparent
    if is_transparent.any():
        values[is_transparent] = 1
        told = "; ".join(each for each in (told, _ON_WHITE) if each)
    return values, level, told


def _is_transparent(image: Image) -> bool:
    """Whether any pixel of a picture of bytes lets white through."""
    return image.mode in ("LA", "RGBA") and bool(np.asarray(image)[..., -1].min() < 255)


def _shallow(image: Image, stored: _Stored, white: float) -> Floats:
    """Values [C, H, W] of a picture of bytes in mode L, LA, RGB or RGBA."""
    values = np.asarray(image, dtype=np.float64).reshape(image.height, image.width, -1)
    values = np.moveaxis(values, -1, 0)
    if image.mode in ("LA", "RGBA"):
        values = 1 - (1 - values[:-1] / white) * (values[-1] / 255)
    else:
        values = values / white
    is_paletted = stored.mode in ("P", "PA")
    return values[:1] if is_paletted and (values == values[0]).all() else values


def _plain(image: Image, stored: _Stored) -> Image:
    """The picture of bytes in mode L, LA, RGB or RGBA."""
    if image.mode == "LAB":
        from PIL.ImageCms import createProfile, profileToProfile

        converted = profileToProfile(image, createProfile("LAB"), createProfile("sRGB"), outputMode="RGB")
        assert converted is not None  # it is not changed in place
        return converted
    mode = ("L" if stored.is_grey else "RGB") + ("A" if image.has_transparency_data else "")
    return image if image.mode == mode else image.convert(mode)


def _wanted(size: tuple[int, int], scale: Resize) -> tuple[int, int]:
    """Pillow's width and height of the scaled image."""
    rows, columns = scaled_size(size[1], size[0], scale)
    return columns, rows
