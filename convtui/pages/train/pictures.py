"""Small pictures of the Train page: the first layer's kernels, validation images and their predictions."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, isnan
from typing import Final

import numpy as np
from rich.cells import cell_len
from textual.geometry import Region

from convtui.pages.train.figures import Kernels, Predictions
from convtui.paint.axes import top_of
from convtui.paint.colours import Array, Palette, accent_on, diverging, style
from convtui.paint.glyphs import Glyphs, Lines
from convtui.paint.panes import Size
from convtui.paint.text import cut_to
from convtui.paint.thumbnails import draw_signed, even, pictures

LEAST_TILE: Final = 5  # columns: room for "7→1 ✗"
FEW: Final = 6  # images that are to be seen at once
SHARE_TILE: Final = 8  # from here the probability has room too


def kernel_lines(kernels: Kernels, size: Size, palette: Palette) -> Lines:
    """The first input channel's slice of each kernel, as many as fit; negative weights have a dash."""
    height, width = size
    glyphs = Glyphs(height, width, palette)
    if not len(kernels.values):
        _head(glyphs, "kernels: this network has no 2D convolution", "", "no kernels")
        return glyphs.lines()
    count, channels, rows, columns = kernels.values.shape
    slices = np.nan_to_num(kernels.values[:, 0], posinf=0.0, neginf=0.0)
    limit = top_of(np.abs(slices))
    if not np.isfinite(kernels.values).any():
        _head(glyphs, f"{kernels.place}: its kernels", "", "kernels")
        glyphs.write(
            2, 0, cut_to("no finite weights to show", width), style(palette.muted, palette.background)
        )
        return glyphs.lines()
    is_whole = (
        2 * columns <= width and (rows + 1) * ceil(count / max((width + 1) // (2 * columns + 1), 1)) <= height
    )
    tile = (rows, 2 * columns) if is_whole else (ceil(rows / 2), columns)
    across = max((width + 1) // (tile[1] + 1), 1)
    shown = min(count, across * (height // (tile[0] + 1)))
    of = f"{shown} of {count}" if shown < count else str(count)
    channel = " · channel 0" if channels > 1 else ""
    title = f"{of} kernels {rows}x{columns}{channel}{_of_step(kernels.step)}"
    _head(glyphs, f"{kernels.place}: {title}", f"±{limit:g}", title)
    for at in range(shown):
        row, column = (at // across) * (tile[0] + 1) + 1, (at % across) * (tile[1] + 1)
        if is_whole:
            draw_signed(glyphs, row, column, slices[at] / limit)
        else:
            glyphs.put_pixels(row, column, even(diverging(slices[at], limit, palette), palette))
    return glyphs.lines()


def prediction_lines(predictions: Predictions, size: Size, palette: Palette) -> Lines:
    """Validation images with what the network says of each under it; the wrong ones are marked."""
    drawn, tiles = _drawn(_Same(predictions.images), size, palette)
    glyphs = drawn.copy()
    step, verdict = _of_step(predictions.step), _verdict(predictions, len(tiles))
    short = f"{verdict.replace('predictions ', '')}{step}" if step else "predictions"
    _head(glyphs, f"{verdict}{step}", "", short)
    for at, tile in enumerate(tiles):
        is_wrong = bool(predictions.predicted) and not _is_right(predictions, at)
        colour = accent_on(palette.background, palette) if is_wrong else palette.muted
        text = _label(predictions, at, tile.width)
        column = tile.x + (tile.width - cell_len(text)) // 2
        glyphs.write(tile.bottom, column, text, style(colour, palette.background, is_wrong))
    return glyphs.lines()


def _of_step(step: int | None) -> str:
    return "" if step is None else f" · step {step:,}"


class _Same:
    """An array that is the same as another if it is that very one."""

    def __init__(self, array: Array) -> None:
        self.array = array

    def __hash__(self) -> int:
        return id(self.array)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.array is other.array


@lru_cache(maxsize=4)
def _drawn(images: _Same, size: Size, palette: Palette) -> tuple[Glyphs, tuple[Region, ...]]:
    """As many of the images as fit, to be written on a copy, and the place of each."""
    height, width = size
    glyphs = Glyphs(height, width, palette)
    count, _, rows, columns = images.array.shape
    every = _thinning((rows, columns), count, (height - 1, width))
    lines, wide = ceil(ceil(rows / every) / 2), ceil(columns / every)
    tile = max(wide, LEAST_TILE)
    across = max((width + 1) // (tile + 1), 1)
    shown = min(count, across * ((height - 1) // (lines + 1)))
    places = [((at // across) * (lines + 1) + 1, (at % across) * (tile + 1)) for at in range(shown)]
    for (row, column), picture in zip(places, pictures(images.array[:shown], every), strict=True):
        glyphs.put_pixels(row, column + (tile - wide) // 2, even(picture, palette))
    return glyphs, tuple(Region(column, row, tile, lines) for row, column in places)


def _verdict(predictions: Predictions, shown: int) -> str:
    if not predictions.predicted:
        return "validation images"
    if np.isnan(predictions.probabilities[:shown]).all():
        return "no answer: no output is finite"
    right = sum(_is_right(predictions, at) for at in range(shown))
    return f"{right} of {shown} predictions right"


def _is_right(predictions: Predictions, at: int) -> bool:
    return not isnan(predictions.probabilities[at]) and predictions.predicted[at] == predictions.labels[at]


def _label(predictions: Predictions, at: int, width: int) -> str:
    """What it is, and what it is taken for where that is wrong; the probability where there is room."""
    label = predictions.labels[at]
    if not predictions.predicted:
        return cut_to(label, width)
    said, probability = predictions.predicted[at], predictions.probabilities[at]
    if isnan(probability):
        said, share = "?", ""
    else:
        share = f" {probability:.0%}" if width >= SHARE_TILE else ""
    if _is_right(predictions, at):
        return cut_to(_first_fitting([f"{label}{share}", label], width), width)
    both = f"{label}→{said}"
    text = _first_fitting([f"{both} ✗{share}", f"{both} ✗", both], width)
    if cell_len(text) <= width:
        return text
    room = width - 1
    of = max(min(cell_len(label), room - cell_len(said)), min(cell_len(label), room // 2))
    return f"{cut_to(label, of)}→{cut_to(said, room - of)}"


def _first_fitting(texts: list[str], width: int) -> str:
    return next((text for text in texts if cell_len(text) <= width), texts[-1])


def _head(glyphs: Glyphs, title: str, right: str, short: str) -> None:
    palette = glyphs.palette
    title = title if len(title) + len(right) + 2 <= glyphs.width else short
    glyphs.write(0, 0, cut_to(title, glyphs.width), style(palette.text, palette.background, True))
    if right and len(title) + len(right) + 2 <= glyphs.width:
        glyphs.write(0, glyphs.width - len(right), right, style(palette.muted, palette.background))


def _thinning(image: Size, count: int, room: Size) -> int:
    """Of how many pixels in each direction one is drawn, so that most of the images fit."""
    for every in range(1, max(image) + 1):
        lines, columns = ceil(ceil(image[0] / every) / 2) + 1, max(ceil(image[1] / every), LEAST_TILE)
        if ((room[1] + 1) // (columns + 1)) * (room[0] // lines) >= min(count, FEW):
            return every
    return max(image)
