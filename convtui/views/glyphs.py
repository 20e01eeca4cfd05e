"""A rectangle of characters that arrays are written into, turned into lines at the end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style

from convtui.views.cells import RGB, Palette, Pixels, style

Lines = list[list[Segment]]

_CODE = np.dtype("<u4")


class Glyphs:
    """Characters [rows, columns] as code points, and for each the number of its style; blank at first."""

    def __init__(self, rows: int, columns: int, palette: Palette) -> None:
        self.palette = palette
        self.codes: NDArray[np.uint32] = np.full((rows, columns), ord(" "), _CODE)
        self.looks: NDArray[np.uint16] = np.zeros((rows, columns), np.uint16)
        self._styles: dict[Style, int] = {style(None, palette.background): 0}

    @property
    def width(self) -> int:
        return int(self.codes.shape[1])

    @property
    def height(self) -> int:
        return int(self.codes.shape[0])

    def look(self, of: Style) -> int:
        """The number of a style."""
        return self._styles.setdefault(of, len(self._styles))

    def write(self, row: int, column: int, text: str, of: Style) -> int:
        """Text from a place on, as far as there is room; tells the column after it."""
        if not 0 <= row < self.height:
            return column
        text = text[max(-column, 0) : max(self.width - column, 0)]
        start = max(column, 0)
        self.codes[row, start : start + len(text)] = np.frombuffer(text.encode("utf-32-le"), _CODE)
        self.looks[row, start : start + len(text)] = self.look(of)
        return start + len(text)

    def fill(self, row: int, column: int, size: tuple[int, int], glyph: str, of: Style) -> None:
        """A rectangle of so many rows and columns of one character."""
        inside = (slice(row, row + size[0]), slice(column, column + size[1]))
        self.codes[inside] = ord(glyph)
        self.looks[inside] = self.look(of)

    def put_pixels(self, row: int, column: int, pixels: Pixels) -> None:
        """Pixels [2 x lines, columns, 3] as half-blocks; what does not fit is cut off."""
        shown = pixels[: 2 * (self.height - row), : self.width - column].astype(np.int64)
        packed = shown @ np.array([1 << 16, 1 << 8, 1])
        pairs, each = np.unique(packed[::2] << 24 | packed[1::2], return_inverse=True)
        looks = [self.look(style(_rgb(pair >> 24), _rgb(pair))) for pair in pairs.tolist()]
        inside = (slice(row, row + len(shown) // 2), slice(column, column + shown.shape[1]))
        self.codes[inside] = ord("▀")
        self.looks[inside] = np.array(looks, np.uint16)[each.reshape(packed[::2].shape)]

    def lines(self) -> Lines:
        """All rows as segments; neighbours of one style are one."""
        styles = list(self._styles)
        lines = []
        for codes, looks in zip(self.codes, self.looks, strict=True):
            text = codes.tobytes().decode("utf-32-le")
            ends = [*(np.flatnonzero(looks[1:] != looks[:-1]) + 1).tolist(), len(text)]
            starts = [0, *ends[:-1]]
            lines.append(
                [
                    Segment(text[start:end], styles[looks[start]])
                    for start, end in zip(starts, ends, strict=True)
                    if end > start
                ]
            )
        return lines


def _rgb(packed: int) -> RGB:
    return packed >> 16 & 255, packed >> 8 & 255, packed & 255
