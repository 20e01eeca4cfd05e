"""How a value becomes a colour, and which colours can be read on it.

Pure functions of values and a Palette, so that what the grids show is tested without a terminal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import copysign
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.style import Style

Array = NDArray[np.float64]
Pixels = NDArray[np.uint8]
RGB = tuple[int, int, int]
ColourScale = tuple[float, float]  # the values that have the full colours of both ends


@dataclass(frozen=True, eq=False)  # compared and hashed as one thing: it is a key of many caches
class Palette:
    """The colours of the cells; the app's theme has those of everything around them."""

    background: RGB
    text: RGB
    muted: RGB
    accent: RGB  # the window and the cell being computed, on dark cells
    accent_on_light: RGB
    reader: RGB  # cells that read the pixel under the mouse
    padding: RGB
    uncomputed: RGB
    negative: RGB
    zero: RGB
    positive: RGB
    series: tuple[RGB, ...]  # curves, told apart by the colour-blind and in 16 colours
    is_grey: bool = False  # no colours are shown: what they say must be said by glyphs
    signed: tuple[RGB, ...] = ()  # with 16 colours: those of values far below, below, above, far above zero


DARK = Palette(
    background=(22, 24, 30),
    text=(222, 226, 234),
    muted=(134, 142, 158),
    accent=(255, 214, 64),
    accent_on_light=(176, 112, 0),
    reader=(60, 220, 160),
    padding=(52, 38, 72),
    uncomputed=(27, 29, 36),
    negative=(74, 155, 255),
    zero=(34, 37, 46),
    positive=(255, 146, 48),
    series=((92, 172, 255), (255, 159, 64), (60, 210, 150), (226, 132, 222)),
)
LIGHT = Palette(
    background=(250, 249, 246),
    text=(32, 35, 42),
    muted=(104, 110, 122),
    accent=(255, 104, 176),
    accent_on_light=(196, 0, 92),
    reader=(0, 140, 90),
    padding=(219, 207, 236),
    uncomputed=(236, 234, 229),
    negative=(38, 112, 220),
    zero=(246, 245, 240),
    positive=(228, 112, 8),
    series=((18, 92, 200), (184, 80, 0), (0, 122, 84), (158, 44, 148)),
)


def coloured(values: Array, scale: ColourScale, palette: Palette) -> Pixels:
    """Values [...] as pixels [..., 3]: grey, or around zero where the scale is signed."""
    lowest, highest = scale
    return diverging(values, highest, palette) if is_signed(scale) else greys(values, lowest, highest)


def is_signed(scale: ColourScale) -> bool:
    """Whether it goes below zero; one from -0 to 0 does, too: that of signed values that are all zero."""
    return copysign(1.0, scale[0]) < 0


def colours_of(values: list[float], scale: ColourScale, palette: Palette) -> list[RGB]:
    """The same colours as `coloured` has, one by one: a dozen of them are faster so than through arrays."""
    lowest, highest = scale
    if not is_signed(scale):
        span = highest - lowest or 1.0
        shades = [round(min(max((value - lowest) / span, 0.0), 1.0) * 255) for value in values]
        return [(shade, shade, shade) for shade in shades]
    limit = highest or 1.0
    strengths = [min(max(value / limit, -1.0), 1.0) * 255 for value in values]
    if palette.signed:
        return [_few_coloured(strength, palette) for strength in strengths]
    ramp = _ramp_colours(palette)
    return [ramp[round(strength) + 255] for strength in strengths]


def _few_coloured(strength: float, palette: Palette) -> RGB:
    if not strength:
        return palette.zero
    is_far = abs(strength) >= 128
    return palette.signed[1 - is_far if strength < 0 else 2 + is_far]


def greys(values: Array, lowest: float, highest: float) -> Pixels:
    """Values [...] as grey pixels [..., 3], black at `lowest` and white at `highest`."""
    shade = ((values - lowest) / (highest - lowest or 1.0)).clip(0, 1) * 255
    pixels: Pixels = _GREYS[shade.round().astype(np.intp)]
    return pixels


def channel_coloured(pixels: Pixels, channel: int) -> Pixels:
    """Grey pixels [..., 3] in the colour of a channel: red, green or blue, black as it is."""
    shades: Pixels = (pixels * _CHANNEL_TINTS[channel]).astype(np.uint8)
    return shades


def diverging(values: Array, limit: float, palette: Palette) -> Pixels:
    """Values [...] as pixels [..., 3]: blue below zero, orange above, full colour at ±limit.

    With 16 colours that is one of two for each sign, so that nothing but 0 has the colour of 0.
    """
    strength = (values / (limit or 1.0)).clip(-1, 1) * 255
    if palette.signed:
        far = np.abs(strength) >= 128
        place = np.where(strength < 0, 1 - far, 2 + far)
        shades = np.array(palette.signed, np.uint8)[place]
        return np.where((strength == 0)[..., None], np.array(palette.zero, np.uint8), shades)
    return _ramp(palette)[strength.round().astype(np.intp) + 255]


_CHANNEL_TINTS: Final = np.array([[1.0, 0.3, 0.3], [0.25, 0.95, 0.25], [0.4, 0.5, 1.0]])
_GREYS: Final = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


@lru_cache(maxsize=8)
def _ramp(palette: Palette) -> Pixels:
    """[511, 3] the colours from the most negative to the most positive."""
    strength = np.linspace(-1, 1, 511)[:, None]
    end = np.where(strength < 0, palette.negative, palette.positive)
    zero = np.array(palette.zero)
    ramp: Pixels = (zero + (end - zero) * np.abs(strength) + 0.5).astype(np.uint8)
    return ramp


@lru_cache(maxsize=8)
def _ramp_colours(palette: Palette) -> list[RGB]:
    """The same as tuples."""
    return [(r, g, b) for r, g, b in _ramp(palette).tolist()]


def mixed(pixels: Pixels, colour: RGB, share: float) -> Pixels:
    """Pixels [..., 3] with a share of another colour mixed in."""
    return np.asarray(pixels * (1 - share) + np.array(colour) * share + 0.5).astype(np.uint8)


@lru_cache(maxsize=1 << 14)
def tint(pixel: RGB, colour: RGB, share: float) -> RGB:
    """One colour with a share of another mixed in."""
    red, green, blue = (
        round(ours * (1 - share) + theirs * share) for ours, theirs in zip(pixel, colour, strict=True)
    )
    return red, green, blue


@lru_cache(maxsize=1 << 16)
def luminance(colour: RGB) -> float:
    """Relative luminance from 0 to 1. Source: https://www.w3.org/TR/WCAG21/#dfn-relative-luminance"""
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
        for share in (part / 255 for part in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: RGB, other: RGB) -> float:
    """From 1 (the same) to 21. Source: https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio"""
    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


@lru_cache(maxsize=1 << 16)
def _clearer(background: RGB, one: RGB, other: RGB) -> RGB:
    return one if contrast(one, background) >= contrast(other, background) else other


def ink(background: RGB) -> RGB:
    """Black or white, whichever can be read on it."""
    return _clearer(background, (0, 0, 0), (255, 255, 255))


def accent_on(background: RGB, palette: Palette) -> RGB:
    """The accent that can be seen on it."""
    return _clearer(background, palette.accent, palette.accent_on_light)


@lru_cache(maxsize=1 << 16)
def style(foreground: RGB | None, background: RGB, bold: bool = False) -> Style:
    """A rich Style; cached, since a screen uses few of them many times and equal ones are then the same."""
    colour = _rich(foreground) if foreground else None
    return Style(color=colour, bgcolor=_rich(background), bold=bold)


@lru_cache(maxsize=1 << 12)
def _rich(colour: RGB) -> Color:
    """Most pairs of two halves are new, but of the same few hundred colours."""
    return Color.from_rgb(*colour)
