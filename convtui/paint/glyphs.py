"""A rectangle of characters that arrays are written into, turned into lines at the end."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rich.cells import get_character_cell_size
from rich.segment import Segment
from rich.style import Style

from convtui.paint.colours import RGB, Palette, Pixels, style

Lines = list[list[Segment]]

_CODE = np.dtype("<u4")
_SECOND = 0  # the second column of a character that takes two


class Glyphs:
    """Characters [rows, columns] as code points, and for each the number of its style; blank at first."""

    def __init__(self, rows: int, columns: int, palette: Palette) -> None:
        self.palette = palette
        self.codes: NDArray[np.uint32] = np.full((rows, columns), ord(" "), _CODE)
        self.looks: NDArray[np.uint16] = np.zeros((rows, columns), np.uint16)
        self._styles: dict[Style, int] = {style(None, palette.background): 0}

    def copy(self) -> Glyphs:
        """Another with the same characters."""
        other = Glyphs(0, 0, self.palette)
        other.codes, other.looks, other._styles = self.codes.copy(), self.looks.copy(), dict(self._styles)
        return other

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
        """Text from a place on, as far as there is room; tells the column after it.

        Characters take the columns that a terminal gives them; what it would obey rather than show is "�".
        """
        if not 0 <= row < self.height:
            return column
        codes, first, end = _codes(text), max(-column, 0), max(self.width - column, 0)
        shown, start = codes[first:end], max(column, 0)
        after = start + len(shown)
        line = self.codes[row]
        if len(shown):  # no half of a character stays alone
            if line[start] == _SECOND:
                line[start - 1] = ord(" ")
            if after < len(line) and line[after] == _SECOND:
                line[after] = ord(" ")
        line[start:after] = shown
        if len(shown) and shown[0] == _SECOND:
            line[start] = ord(" ")
        if end < len(codes) and codes[end] == _SECOND and len(shown):
            line[after - 1] = ord(" ")
        self.looks[row, start:after] = self.look(of)
        return after

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
        has_wide = bool((self.codes == _SECOND).any())
        lines = []
        for codes, looks in zip(self.codes, self.looks, strict=True):
            text = codes.tobytes().decode("utf-32-le")
            ends = [*(np.flatnonzero(looks[1:] != looks[:-1]) + 1).tolist(), len(text)]
            starts = [0, *ends[:-1]]
            lines.append(
                [
                    Segment(
                        text[start:end].replace(chr(_SECOND), "") if has_wide else text[start:end],
                        styles[looks[start]],
                    )
                    for start, end in zip(starts, ends, strict=True)
                    if end > start
                ]
            )
        return lines


@lru_cache(maxsize=2048)
def _codes(text: str) -> NDArray[np.uint32]:
    """The code point of each column that a text takes."""
    if not (text.isascii() and text.isprintable()):
        columns = []
        for character in text:
            is_shown = character.isprintable()
            size = get_character_cell_size(character) if is_shown else 1
            columns += ["", *[character if is_shown else "�", chr(_SECOND)][:size]]
        text = "".join(columns)
    return np.frombuffer(text.encode("utf-32-le"), _CODE)


def _rgb(packed: int) -> RGB:
    return packed >> 16 & 255, packed >> 8 & 255, packed & 255
