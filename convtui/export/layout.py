"""Where the grids of a diagram lie: columns side by side, a heading above them, and the sum below."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Final, NamedTuple, TypeAlias

from convtui.export.diagram import ADVANCE, Diagram, Frame, Label, Mover, Shape, text_width
from convtui.export.grids import SMALL, Grid, legend, legend_width
from convtui.paint.colours import Palette

HEADING: Final = 16
SUM: Final = 15

_MARGIN: Final = 28
_TITLE: Final = 13
_SIGN: Final = 24
_TOP: Final = 68  # of the columns, below the heading
_GAP: Final = 40  # between columns
_ABOVE: Final = 26  # a grid, for its title
_BELOW: Final = 26  # a grid, for its legend
_BETWEEN: Final = 14  # grids one above the other
_LEAST_WIDTH: Final = 640  # where there is a sum

Key: TypeAlias = tuple[str, int]  # what a grid shows, and the number of its slice


class Panel(NamedTuple):
    """A grid with its title above and, if it has one, the legend of its colours below."""

    key: Key
    title: str
    grid: Grid
    has_legend: bool = False

    @property
    def height(self) -> int:
        return _ABOVE + self.grid.height + (_BELOW if self.has_legend else 0)

    @property
    def width(self) -> int:
        legend = legend_width(self.grid) if self.has_legend else 0
        return max(self.grid.width, ceil(text_width(self.title, _TITLE)), legend)


class Column(NamedTuple):
    """Panels one above the other, and the sign between them and the column before."""

    sign: str
    panels: tuple[Panel, ...]

    @property
    def width(self) -> int:
        return max(panel.width for panel in self.panels)

    @property
    def height(self) -> int:
        return sum(panel.height for panel in self.panels) + _BETWEEN * (len(self.panels) - 1)


@dataclass(frozen=True, eq=False)
class Layout:
    """Columns under a heading: a name, and settings at the right. below: whether there is room for a sum."""

    columns: tuple[Column, ...]
    name: str
    settings: str
    palette: Palette
    has_sum: bool = False

    @cached_property
    def width(self) -> int:
        heading = text_width(self.name, HEADING) + text_width(self.settings, SMALL) + _GAP
        return max(self._wide, ceil(heading), _LEAST_WIDTH if self.has_sum else 0) + 2 * _MARGIN

    @cached_property
    def height(self) -> int:
        return _TOP + self._tall + _MARGIN + (4 * SUM if self.has_sum else 0)

    @cached_property
    def _tall(self) -> int:
        return max((column.height for column in self.columns), default=0)

    @cached_property
    def _wide(self) -> int:
        return sum(column.width for column in self.columns) + _GAP * max(len(self.columns) - 1, 0)

    @cached_property
    def grids(self) -> Mapping[Key, Grid]:
        """Each grid where it lies."""
        return {panel.key: panel.grid.at(x, y) for panel, x, y in self._places()}

    @property
    def room(self) -> int:
        """The characters that a sum has room for."""
        return int((self.width - 2 * _MARGIN) / (SUM * ADVANCE))

    def _places(self) -> Iterator[tuple[Panel, int, int]]:
        """Each panel, and where its grid begins."""
        left = (self.width - self._wide) // 2
        for column in self.columns:
            y = _TOP + (self._tall - column.height) // 2
            for panel in column.panels:
                yield panel, left + (column.width - panel.width) // 2, y + _ABOVE
                y += panel.height + _BETWEEN
            left += column.width + _GAP

    def diagram(self, base: Iterable[Shape], frames: Iterable[Frame], movers: Iterable[Mover]) -> Diagram:
        """All of it: what stays, what comes with each frame, and what moves."""
        return Diagram(
            width=self.width,
            height=self.height,
            background=self.palette.background,
            title=f"{self.name}, {self.settings}",
            base=tuple(base),
            frames=tuple(frames),
            movers=tuple(movers),
        )

    def frame(self) -> Iterator[Shape]:
        """All that is around the grids: heading, titles, signs and legends."""
        palette, top = self.palette, _MARGIN + 12
        yield Label(_MARGIN, top, self.name, HEADING, palette.text)
        yield Label(self.width - _MARGIN, top, self.settings, SMALL, palette.muted, "end")
        middle = _TOP + (self._tall + _ABOVE) / 2 + 8
        left = (self.width - self._wide) // 2
        for number, column in enumerate(self.columns):
            if number and column.sign:
                yield Label(left - _GAP / 2, middle, column.sign, _SIGN, palette.muted, "middle")
            left += column.width + _GAP
        for panel, x, y in self._places():
            yield Label(x, y - 9, panel.title, _TITLE, palette.text)
            if panel.has_legend:
                yield from legend(self.grids[panel.key])

    def sum(self, text: str) -> Label:
        """The line of the sum."""
        return Label(_MARGIN, self.height - _MARGIN - 2 * SMALL, text, SUM, self.palette.text)

    def below(self, left: str = "", right: str = "") -> Iterator[Shape]:
        """The line under the sum: what it is of, and at which step that is."""
        y = self.height - _MARGIN
        if left:
            yield Label(_MARGIN, y, left, SMALL, self.palette.muted)
        if right:
            yield Label(self.width - _MARGIN, y, right, SMALL, self.palette.muted, "end")
