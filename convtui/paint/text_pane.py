"""A few lines of text on a canvas."""

from __future__ import annotations

from rich.segment import Segment
from textual.geometry import Region

from convtui.paint.colours import DARK, RGB, Palette, style
from convtui.paint.drawing import Cell
from convtui.paint.text import cut_to


class TextPane:
    """Lines of text, muted or not; only lines that differ are drawn again."""

    def __init__(self, muted: bool = False) -> None:
        self.region = Region()
        self.palette: Palette = DARK
        self._muted = muted
        self._lines: list[str] = []
        self._changed: list[Region] = []

    def place(self, region: Region, palette: Palette) -> None:
        self.region, self.palette = region, palette

    def show(self, lines: list[str]) -> None:
        old, self._lines = self._lines, lines
        for y in range(min(max(len(old), len(lines)), self.region.height)):
            if old[y : y + 1] != lines[y : y + 1]:
                self._changed.append(Region(0, y, self.region.width, 1))

    def changes(self) -> list[Region]:
        changed, self._changed = self._changed, []
        return changed

    def line(self, y: int) -> list[Segment]:
        colour: RGB = self.palette.muted if self._muted else self.palette.text
        words = style(colour, self.palette.background)
        text = self._lines[y] if y < len(self._lines) else ""
        return [Segment(cut_to(text, self.region.width).ljust(self.region.width), words)]

    def cell_at(self, x: int, y: int) -> Cell | None:  # noqa: ARG002
        return None

    def scroll(self, rows: int, columns: int) -> None:
        """Text lies still."""
