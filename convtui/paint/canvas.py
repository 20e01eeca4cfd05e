"""One widget for all panes of a page.

Textual asks every widget that touches the changed part of the screen for its lines; one widget that keeps
its panes itself answers several times faster than one widget a pane.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Final, Protocol

from rich.cells import set_cell_size
from rich.segment import Segment
from textual import events
from textual.filter import ANSIToTruecolor
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from convtui.paint.colours import DARK, Palette, style
from convtui.paint.drawing import Cell

HIDDEN: Final = "hidden until the question is answered"
MARK: Final = "▐"  # beside a pane that is spoken of

_NONE: Final[Set[str]] = frozenset()


class Pane(Protocol):
    """A part of a canvas that draws its own lines and knows what of them has changed."""

    region: Region  # where it lies on the canvas

    def line(self, y: int) -> list[Segment]:
        """One of its lines, exactly as wide as its region."""

    def changes(self) -> list[Region]:
        """What has changed since this was last asked, in its own coordinates; asked once for each frame."""

    @property
    def is_behind(self) -> bool:
        """Whether it had more to compute than one frame has time for; the next frames go on with it."""

    def cell_at(self, x: int, y: int) -> Cell | None:
        """The cell under a place, if it has cells."""

    def scroll(self, rows: int, columns: int) -> None:
        """Show another part, by steps of the wheel."""


class Canvas(Widget):
    """Draws panes side by side and tells what the mouse does in them.

    It keeps the lines of each pane, to see which of them differ, and the strips made of these, since Textual
    asks for every line of a widget when one has changed.
    """

    DEFAULT_CSS = "Canvas { width: 100%; height: 1fr; }"

    class Clicked(Message):
        """A cell was clicked."""

        def __init__(self, pane: Pane, cell: Cell) -> None:
            super().__init__()
            self.pane, self.cell = pane, cell

    class Hovered(Message):
        """The mouse is over another cell, or over none (cell None)."""

        def __init__(self, pane: Pane | None, cell: Cell | None) -> None:
            super().__init__()
            self.pane, self.cell = pane, cell

    def __init__(self) -> None:
        super().__init__()
        self.palette: Palette = DARK
        self._panes: Mapping[str, Pane] = {}
        self._marked: Set[str] = _NONE
        self._hidden: Set[str] = _NONE
        self._panes_on: dict[int, list[str]] = {}
        self._lines: dict[str, dict[int, list[Segment]]] = {}
        self._strips: list[Strip] = []
        self._stale: set[int] = set()  # strips to be drawn again
        self._goes_on = False  # whether a further frame is asked for already
        self._hovered: tuple[Pane | None, Cell | None] = (None, None)

    def place(self, panes: Mapping[str, Pane], palette: Palette) -> None:
        """These panes, by their names, lie on the canvas from now on."""
        in_order = sorted(panes.items(), key=lambda item: item[1].region.x)
        self._panes = {name: pane for name, pane in in_order if pane.region}
        self._panes_on = {}
        for name, pane in self._panes.items():
            for y in pane.region.line_range:
                self._panes_on.setdefault(y, []).append(name)
        self._draw_all()
        self.palette = palette

    def point_out(self, marked: Set[str], hidden: Set[str]) -> None:
        """Mark the panes of these names at their left, and show nothing of those."""
        if (marked, hidden) != (self._marked, self._hidden):
            self._marked, self._hidden = marked, hidden
            self._draw_all()

    def _draw_all(self) -> None:
        self._lines = {name: {} for name in self._panes}
        self._strips = []
        self.refresh()

    def repaint(self) -> None:
        """Draw again what has changed in the panes.

        Lines are drawn now and compared with those on the screen, so that what looks as it did is not sent:
        most rows of a window over a plain ground, and titles.
        """
        ends: dict[int, int] = {}
        for name, lines in self._lines.items():
            pane = self._panes[name]
            last: dict[int, int] = {}
            for change in pane.changes():
                right = change.right
                for y in change.line_range:
                    if right > last.get(y, 0):
                        last[y] = right
            left, top, _, _ = pane.region
            for y, right in last.items():
                line = self._line(name, y)
                if line != lines.get(y):
                    lines[y] = line
                    ends[top + y] = max(ends.get(top + y, 0), left + right)
        if ends:
            self._stale |= ends.keys()
            self.refresh(*_regions(ends))
        if self.is_behind and not self._goes_on:
            self._goes_on = True
            self.call_after_refresh(self._go_on)

    def _go_on(self) -> None:
        """With what the last frame had no time for; keys that have come in between were answered first."""
        self._goes_on = False
        self.repaint()

    @property
    def is_behind(self) -> bool:
        """Whether a pane has cells to show that are not computed yet."""
        return any(pane.is_behind for pane in self._panes.values())

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines as they are: a canvas has no border, opacity or links of which Textual must know."""
        width, height = self.size
        if len(self._strips) != height or (height and self._strips[0].cell_length != width):
            self._strips, self._stale = [Strip.blank(width)] * height, set(range(height))
        if self._stale:
            # There are no colours by name here that would have to be made true.
            filters = [each for each in self.get_line_filters() if not isinstance(each, ANSIToTruecolor)]
            for y in self._stale.intersection(range(height)):  # a smaller terminal is told to the page first
                strip = self._drawn(y, width)
                for line_filter in filters:
                    strip = strip.apply_filter(line_filter, self.styles.background)
                self._strips[y] = strip
            self._stale.clear()
        lines = self._strips[crop.y : crop.bottom]
        return lines if crop.width == width else [strip.crop(*crop.column_span) for strip in lines]

    def _drawn(self, y: int, width: int) -> Strip:
        blank = style(None, self.palette.background)
        segments: list[Segment] = []
        x = 0
        for name in self._panes_on.get(y, ()):
            left, top, pane_width, _ = self._panes[name].region
            if left > x:
                segments.append(Segment(" " * (left - x), blank))
                if name in self._marked:
                    accent = style(self.palette.accent, self.palette.background)
                    segments[-1:] = [Segment(" " * (left - x - 1), blank), Segment(MARK, accent)]
            lines = self._lines[name]
            line = lines.get(y - top)
            if line is None:
                line = lines[y - top] = self._line(name, y - top)
            segments += line
            x = left + pane_width
        if x < width:
            segments.append(Segment(" " * (width - x), blank))
        return Strip(segments, max(x, width))

    def _line(self, name: str, y: int) -> list[Segment]:
        """A line of a pane, or of what stands in its place while it is hidden."""
        pane = self._panes[name]
        if name not in self._hidden:
            return pane.line(y)
        text = HIDDEN if len(HIDDEN) < pane.region.width else HIDDEN.split()[0]
        if y != (pane.region.height - 1) // 2:
            text = ""
        muted = style(self.palette.muted, self.palette.background)
        return [Segment(set_cell_size(f" {text}", pane.region.width), muted)]

    # -- the mouse

    def _at(self, event: events.MouseEvent) -> tuple[Pane | None, Cell | None]:
        for name, pane in self._panes.items():
            if name not in self._hidden and pane.region.contains(event.x, event.y):
                return pane, pane.cell_at(event.x - pane.region.x, event.y - pane.region.y)
        return None, None

    def on_click(self, event: events.Click) -> None:
        pane, cell = self._at(event)
        if pane is not None and cell is not None:
            self.post_message(self.Clicked(pane, cell))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._hover(*self._at(event))

    def on_leave(self) -> None:
        self._hover(None, None)

    def _hover(self, pane: Pane | None, cell: Cell | None) -> None:
        if (pane, cell) != self._hovered:
            self._hovered = (pane, cell)
            self.post_message(self.Hovered(pane, cell))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scroll(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scroll(event, -1)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        self._scroll(event, 1, sideways=True)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        self._scroll(event, -1, sideways=True)

    def _scroll(self, event: events.MouseEvent, by: int, sideways: bool = False) -> None:
        event.stop()
        pane, _ = self._at(event)
        if pane is not None:
            sideways = sideways or event.shift or event.ctrl
            pane.scroll(0 if sideways else by, by if sideways else 0)
            self.repaint()


def _regions(ends: dict[int, int]) -> list[Region]:
    """Lines up to the column where each ends, neighbours alike as one.

    From their start, since Textual writes a changed line from there, and once for each region of it.
    """
    regions: list[Region] = []
    for y, end in sorted(ends.items()):
        if regions and regions[-1].bottom == y and regions[-1].right == end:
            regions[-1] = Region(0, regions[-1].y, end, y + 1 - regions[-1].y)
        else:
            regions.append(Region(0, y, end, 1))
    return regions
