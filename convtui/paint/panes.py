"""Panes without a grid: what a pure function draws, and plain text.

Both remember the lines they show and repaint those that differ; so a step of the Train page that changes one
curve costs no more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from rich.cells import set_cell_size
from rich.segment import Segment
from textual.geometry import Region

from convtui.paint.colours import DARK, RGB, Palette, style
from convtui.paint.drawing import Cell
from convtui.paint.text import cut_to

if TYPE_CHECKING:  # the Step page draws no glyphs
    from convtui.paint.glyphs import Lines

Shown = TypeVar("Shown")
Size = tuple[int, int]  # lines, columns
Draw = Callable[[Shown, Size, Palette], "Lines"]


class DrawnPane(Generic[Shown]):
    """Draws what it is given as `draw` says; only lines that differ are painted again.

    cell_of tells, for a pane of that size, the cell under line and column, where it has some to be clicked.
    """

    is_behind = False

    def __init__(
        self, draw: Draw[Shown], cell_of: Callable[[Shown, Size, int, int], Cell | None] | None = None
    ) -> None:
        self.region = Region()
        self.palette: Palette = DARK
        self.shown: Shown | None = None
        self._draw, self._cell_of = draw, cell_of
        self._lines: Lines = []
        self._changed: list[Region] = []

    def place(self, region: Region, palette: Palette) -> None:
        """Where it lies, and its colours."""
        self.region, self.palette = region, palette
        self._draw_again()

    def show(self, shown: Shown | None) -> None:
        """Draw this from now on, None as blank lines; the very same thing is not drawn again."""
        if shown is not self.shown:
            self.shown = shown
            self._draw_again()

    def _draw_again(self) -> None:
        old, size = self._lines, (self.region.height, self.region.width)
        if self.shown is None or not self.region:
            self._lines = []
        else:
            self._lines = self._draw(self.shown, size, self.palette)
        self._changed += changed_lines(old, self._lines, self.region)

    def changes(self) -> list[Region]:
        changed, self._changed = self._changed, []
        return changed

    def line(self, y: int) -> list[Segment]:
        blank = style(None, self.palette.background)
        segments = self._lines[y] if y < len(self._lines) else []
        if Segment.get_line_length(segments) == self.region.width:
            return segments
        return Segment.adjust_line_length(segments, self.region.width, blank)

    def cell_at(self, x: int, y: int) -> Cell | None:
        if self._cell_of is None or self.shown is None:
            return None
        return self._cell_of(self.shown, (self.region.height, self.region.width), y, x)

    def scroll(self, rows: int, columns: int) -> None:
        """All of it is in view."""


class TextPane:
    """Lines of text, muted or not; only lines that differ are drawn again."""

    is_behind = False

    def __init__(self, muted: bool = False) -> None:
        self.region = Region()
        self.palette: Palette = DARK
        self._muted = muted
        self._lines: list[str] = []
        self._changed: list[Region] = []

    def place(self, region: Region, palette: Palette) -> None:
        """Where it lies, and its colours."""
        self.region, self.palette = region, palette

    def show(self, lines: list[str]) -> None:
        """Draw these lines from now on, each cut to the pane's width."""
        old, self._lines = self._lines, lines
        self._changed += changed_lines(old, lines, self.region)

    def changes(self) -> list[Region]:
        changed, self._changed = self._changed, []
        return changed

    def line(self, y: int) -> list[Segment]:
        colour: RGB = self.palette.muted if self._muted else self.palette.text
        words = style(colour, self.palette.background)
        text = self._lines[y] if y < len(self._lines) else ""
        return [Segment(set_cell_size(cut_to(text, self.region.width), self.region.width), words)]

    def cell_at(self, x: int, y: int) -> Cell | None:  # noqa: ARG002
        return None

    def scroll(self, rows: int, columns: int) -> None:
        """Text lies still."""


def changed_lines(old: Sequence[object], new: Sequence[object], region: Region) -> list[Region]:
    """The lines of a pane with this region that differ, each as wide as the pane."""
    return [
        Region(0, y, region.width, 1)
        for y in range(min(max(len(old), len(new)), region.height))
        if old[y : y + 1] != new[y : y + 1]
    ]
