"""A pane of aligned lines of which one is selected: it scrolls with the selection and can be clicked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from rich.segment import Segment
from textual.geometry import Region

from convtui.pages.layers.table import BEFORE, FEEDING, MARKER, Kind, TableLine, beyond_line
from convtui.paint.colours import DARK, RGB, Palette, Pixels, accent_on, mixed, style
from convtui.paint.drawing import Cell

Shown = tuple[TableLine, str, bool]  # a line, what feeds there, and whether it is selected


_LEAST_TOLD = 4  # lines of a pane that also tells how many are beyond it


class TablePane:
    """Draws a header that stays, lines that scroll under it, and how many there are above and below."""

    is_behind = False

    def __init__(self, heading: str = FEEDING) -> None:
        self._heading = heading  # over what is drawn after the lines
        self.region = Region()
        self.palette: Palette = DARK
        self._lines: list[TableLine] = []
        self._selected = 0
        self._feeding: Callable[[int], str] = lambda _: ""
        self._shown: list[Shown | None] = []
        self._top = 0
        self._changed: list[Region] = []

    def place(self, region: Region, palette: Palette) -> None:
        self.region, self.palette = region, palette
        self._follow()
        self._look_again()

    def show(self, lines: list[TableLine], selected: int, feeding: Callable[[int], str]) -> None:
        """These lines, the header first; `selected` counts from the one after it.

        feeding tells, for a layer in view, which of its cells feed the selected activation.
        """
        moved = selected != self._selected or len(lines) != len(self._lines)
        self._lines, self._selected, self._feeding = lines, selected, feeding
        if moved:
            self._follow()
        self._look_again()

    def changes(self) -> list[Region]:
        changed, self._changed = self._changed, []
        return changed

    def line(self, y: int) -> list[Segment]:
        shown = self._shown[y] if y < len(self._shown) else None
        background = self.palette.background
        if shown is None:
            return [Segment(" " * self.region.width, style(None, background))]
        line, feeding, is_selected = shown
        if is_selected:
            red, green, blue = mixed(_pixel(background), self.palette.muted, 0.3).tolist()
            background = (red, green, blue)
        is_muted = line.kind in (Kind.HEADER, Kind.TOTAL, Kind.BEYOND)
        colour = self.palette.muted if is_muted else self.palette.text
        if line.kind is Kind.ERROR:
            colour = accent_on(background, self.palette)
        accent = accent_on(background, self.palette)
        marker = MARKER if is_selected else " " * len(MARKER)
        segments = [
            Segment(marker, style(accent, background, True)),
            Segment(line.text, style(colour, background, is_selected)),
            Segment(BEFORE + feeding, style(colour if line.kind is Kind.HEADER else accent, background)),
        ]
        return Segment.adjust_line_length(segments, self.region.width, style(None, background))

    def cell_at(self, x: int, y: int) -> Cell | None:  # noqa: ARG002
        """The layer under a place, as a row of one column."""
        at = self._top + y - 1
        is_line = 0 < y <= self._room and at + 1 < len(self._lines)
        is_layer = is_line and self._lines[at + 1].kind is Kind.LAYER
        return (at, 0) if is_layer else None

    def scroll(self, rows: int, columns: int) -> None:  # noqa: ARG002
        self._look_at(self._top + rows * max(1, self._room // 4))
        self._look_again()

    @property
    def _is_told(self) -> bool:
        """Whether the pane's last line tells how many lines are above and below."""
        return len(self._lines) > self.region.height >= _LEAST_TOLD

    @property
    def _room(self) -> int:
        """Lines under the header, without the one that tells what is beyond them."""
        return max(1, self.region.height - 1 - self._is_told)

    def _look_again(self) -> None:
        """Take what is in view from the lines, and remember which of it has changed."""
        before = self._shown
        self._shown = [self._seen(y) for y in range(self.region.height)]
        for y, shown in enumerate(self._shown):
            if y >= len(before) or before[y] != shown:
                self._changed.append(Region(0, y, self.region.width, 1))

    def _seen(self, y: int) -> Shown | None:
        """What is drawn on a line."""
        at = self._top + y if y else 0
        if y > self._room:
            below = len(self._lines) - 1 - self._top - self._room
            return (beyond_line(self._top, below), "", False) if self._is_told else None
        if at >= len(self._lines):
            return None
        line = self._lines[at]
        feeding = self._heading if not y else self._feeding(at - 1) if line.kind is Kind.LAYER else ""
        return line, feeding, y > 0 and at - 1 == self._selected

    def _look_at(self, top: int) -> None:
        self._top = min(max(top, 0), max(len(self._lines) - 1 - self._room, 0))

    def _follow(self) -> None:
        """Bring the selected line into view, with the one before and after it where there is room."""
        spare = 1 if self._room > 2 else 0
        top = min(self._top, self._selected - spare)
        self._look_at(max(top, self._selected + spare + 1 - self._room))


def _pixel(colour: RGB) -> Pixels:
    return np.array(colour, np.uint8)
