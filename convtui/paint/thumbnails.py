"""Small pictures side by side: kernels as signed cells, images as grey or coloured half-blocks.

They are written into Glyphs, so that one pane can hold dozens of them with their words.
"""

from __future__ import annotations

from math import ceil
from typing import Final

import numpy as np

from convtui.paint.colours import Array, Palette, Pixels, diverging, greys, ink, style, tint
from convtui.paint.glyphs import Glyphs

SHADES: Final = 32  # of each sign, in a kernel


def even(pixels: Pixels, palette: Palette) -> Pixels:
    """With a last row of background where the rows are odd: half-blocks are drawn two by two."""
    if len(pixels) % 2 == 0:
        return pixels
    row = np.full((1, *pixels.shape[1:]), palette.background, np.uint8)
    return np.concatenate([pixels, row])


def draw_signed(glyphs: Glyphs, row: int, column: int, strengths: Array) -> None:
    """Values from -1 to 1 as square cells of two columns each; the negative have a dash.

    What does not fit is cut off.
    """
    strengths = strengths[: max(glyphs.height - row, 0), : max(glyphs.width - column, 0) // 2]
    shades, each = np.unique(np.rint(strengths * SHADES), return_inverse=True)
    pixels = diverging(shades, SHADES, glyphs.palette).tolist()
    looks = [style(tint((r, g, b), ink((r, g, b)), 0.35), (r, g, b)) for r, g, b in pixels]
    numbers = np.array([glyphs.look(of) for of in looks], np.uint16)[each.reshape(strengths.shape)]
    rows, columns = strengths.shape
    inside = (slice(row, row + rows), slice(column, column + 2 * columns))
    glyphs.looks[inside] = numbers.repeat(2, axis=1)
    glyphs.codes[row : row + rows, column : column + 2 * columns : 2] = np.where(
        strengths < 0, ord("─"), ord(" ")
    )


def thinned(values: Array, every: int) -> Array:
    """Values [..., rows, columns] as the means of their blocks of so many rows and columns."""
    if every == 1:
        return values
    *before, rows, columns = values.shape
    high, wide = ceil(rows / every), ceil(columns / every)
    missing = ((0, high * every - rows), (0, wide * every - columns))
    padded = np.pad(values, (*[(0, 0)] * len(before), *missing), mode="edge")
    means: Array = padded.reshape(*before, high, every, wide, every).mean(axis=(-3, -1))
    return means


def pictures(images: Array, every: int) -> Pixels:
    """Images [n, channels, rows, columns] from 0 to 1, thinned, as pixels [n, rows, columns, 3]."""
    means = thinned(images, every)
    if means.shape[1] != 3:
        return greys(means[:, 0], 0, 1)
    return np.concatenate([greys(means[:, plane], 0, 1)[..., :1] for plane in range(3)], axis=-1)
