"""The one widget that draws cells: images, kernels, outputs.

It keeps its own offsets and draws single lines, so that a step repaints a handful of lines whatever the
size of the image.
"""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from convtui.views.cells import DARK, Palette, style
from convtui.views.drawing import BLOCKS, Cell, CellSize, Grid, cells_line, legend_line
from convtui.views.sheets import Patch


class GridView(Widget):
    """Draws a Grid at a CellSize; scrolls by wheel and follows the window."""

    DEFAULT_CSS = "GridView { width: auto; height: auto; }"

    class CellClicked(Message):
        """The mouse was pressed on a cell."""

        def __init__(self, view: GridView, cell: Cell) -> None:
            super().__init__()
            self.view = view
            self.cell = cell

    class CellHovered(Message):
        """The mouse is over another cell, or has left (None)."""

        def __init__(self, view: GridView, cell: Cell | None) -> None:
            super().__init__()
            self.view = view
            self.cell = cell

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.grid: Grid | None = None
        self.cell_size: CellSize = BLOCKS
        self.palette: Palette = DARK
        self.hinted = False
        self._origin: Cell = (0, 0)
        self._patch: tuple[object, Patch] | None = None
        self._hovered: Cell | None = None

    # -- what it is given

    def show(self, grid: Grid) -> None:
        """Draw this from now on; only the lines that differ are repainted."""
        old, self.grid = self.grid, grid
        moved = self._follow(old)
        if old is None or moved or _sheet_changed(old, grid):
            self.refresh()
            return
        if old.title != grid.title or old.hint != grid.hint:
            self.refresh(Region(0, 0, self.size.width, self.heading))
        for row in _rows_that_differ(old, grid):
            self._refresh_row(row)

    def lay_out(self, cell_size: CellSize, hinted: bool, palette: Palette) -> None:
        """Another zoom, place for the hint, or palette."""
        if (cell_size, hinted, palette) != (self.cell_size, self.hinted, self.palette):
            self.cell_size, self.hinted, self.palette = cell_size, hinted, palette
            self._follow(None)
            self.refresh()

    @property
    def heading(self) -> int:
        """Lines above the cells."""
        return 2 if self.hinted else 1

    # -- where it is

    @property
    def _in_view(self) -> tuple[int, int]:
        """Rows and columns of cells that fit."""
        rows = self.cell_size.rows(self.size.height - self.heading)
        return max(1, rows), max(1, self.size.width // self.cell_size.width)

    @property
    def _visible(self) -> tuple[range, range]:
        if self.grid is None:
            return range(0), range(0)
        (top, left), (rows, columns) = self._origin, self._in_view
        sheet = self.grid.sheet
        return range(top, min(top + rows, sheet.rows)), range(left, min(left + columns, sheet.columns))

    def _clamped(self, row: int, column: int) -> Cell:
        if self.grid is None:
            return 0, 0
        rows, columns = self._in_view
        sheet = self.grid.sheet
        return min(max(row, 0), max(sheet.rows - rows, 0)), min(
            max(column, 0), max(sheet.columns - columns, 0)
        )

    def _follow(self, old: Grid | None) -> bool:
        """Bring the window (or the focus) into view if it moved; tell whether the view had to."""
        grid, before = self.grid, self._origin
        if grid is None or not self.size:
            return False
        row, column = self._clamped(*self._origin)
        target = _target(grid)
        if target and (old is None or target != _target(old)):
            (top, bottom), (left, right) = target
            rows, columns = self._in_view
            if top < row or bottom >= row + rows:
                row = (top + bottom) // 2 - rows // 2
            if left < column or right >= column + columns:
                column = (left + right) // 2 - columns // 2
        self._origin = self._clamped(row, column)
        return self._origin != before

    def on_resize(self) -> None:
        self._follow(None)

    def cell_at(self, x: int, y: int) -> Cell | None:
        """The cell under a place of the widget; in half-blocks the upper of the two."""
        row = self._origin[0] + self.cell_size.row_at(y - self.heading)
        column = self._origin[1] + x // self.cell_size.width
        rows, columns = self._visible
        return (row, column) if y >= self.heading and row in rows and column in columns else None

    # -- the mouse

    def on_click(self, event: events.Click) -> None:
        if cell := self.cell_at(event.x, event.y):
            self.post_message(self.CellClicked(self, cell))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._hover(self.cell_at(event.x, event.y))

    def on_leave(self) -> None:
        self._hover(None)

    def _hover(self, cell: Cell | None) -> None:
        if cell != self._hovered:
            self._hovered = cell
            self.post_message(self.CellHovered(self, cell))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scroll(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scroll(event, -1)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        self._scroll(event, 1, sideways=True)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        self._scroll(event, -1, sideways=True)

    def _scroll(self, event: events.MouseEvent, direction: int, sideways: bool = False) -> None:
        event.stop()
        sideways = sideways or event.shift or event.ctrl
        rows, columns = self._in_view
        row, column = self._origin
        if sideways:
            column += direction * max(1, columns // 8)
        else:
            row += direction * max(1, rows // 8)
        origin = self._clamped(row, column)
        if origin != self._origin:
            self._origin = origin
            self.refresh()

    # -- drawing

    def _refresh_row(self, row: int) -> None:
        lines = self.cell_size.lines_of(row - self._origin[0])
        if 0 <= lines.start < self.size.height - self.heading:
            self.refresh(Region(0, self.heading + lines.start, self.size.width, len(lines)))

    def _visible_patch(self, grid: Grid) -> Patch:
        rows, columns = self._visible
        key = (grid.sheet, rows, columns, self.palette)
        if self._patch is None or self._patch[0] != key:
            self._patch = (key, grid.sheet.patch(rows, columns, self.palette))
        return self._patch[1]

    def render_line(self, y: int) -> Strip:
        grid, width = self.grid, self.size.width
        blank = style(None, self.palette.background)
        if grid is None:
            return Strip.blank(width, blank)
        if y == 0:
            return self._words(grid.title, style(self.palette.text, self.palette.background, True))
        if y < self.heading:
            return self._hint(grid)
        rows, columns = self._visible
        line = y - self.heading
        row = self._origin[0] + self.cell_size.row_at(line)
        if row not in rows or not columns:
            if line == self.cell_size.lines(len(rows)) and grid.legend and not self.hinted:
                legend = Strip(legend_line(grid, width, self.palette))
                return legend.adjust_cell_length(width, blank)
            return Strip.blank(width, blank)
        segments = cells_line(
            grid, self._visible_patch(grid), self._origin, line, self.cell_size, self.palette
        )
        return Strip(segments).adjust_cell_length(width, blank)

    def _hint(self, grid: Grid) -> Strip:
        """The sentence, and right of it the scale where there is room for both."""
        words = style(self.palette.muted, self.palette.background)
        strip = Strip([Segment(grid.hint, words)])
        if grid.legend:
            legend = Strip(legend_line(grid, self.size.width, self.palette))
            room = self.size.width - strip.cell_length - legend.cell_length
            if room >= 2:
                strip = Strip.join([strip, Strip.blank(room, words), legend])
        return strip.adjust_cell_length(self.size.width, words)

    def _words(self, text: str, words: Style) -> Strip:
        return Strip([Segment(text, words)]).adjust_cell_length(self.size.width, words)


def _sheet_changed(old: Grid, new: Grid) -> bool:
    return old.sheet is not new.sheet


def _target(grid: Grid) -> tuple[Cell, Cell] | None:
    """The rows and columns to keep in view, first and last."""
    if grid.outline:
        rows, columns = grid.outline.rows, grid.outline.columns
        return (rows[0], rows[-1]), (columns[0], columns[-1])
    if grid.focus:
        row, column = grid.focus
        return (row, row), (column, column)
    return None


def _rows_that_differ(old: Grid, new: Grid) -> set[int]:
    rows: set[int] = set()
    if old.outline != new.outline:
        for outline in (old.outline, new.outline):
            if outline:
                rows.update(range(outline.rows[0], outline.rows[-1] + 1))
    if old.focus != new.focus:
        rows.update(cell[0] for cell in (old.focus, new.focus) if cell)
    rows.update(row for row, _ in old.readers ^ new.readers)
    if old.filled != new.filled:
        columns, everything = new.sheet.columns, new.sheet.rows * new.sheet.columns
        first, last = sorted(everything if at is None else at for at in (old.filled, new.filled))
        rows.update(range(first // columns, -(-last // columns)))
    return rows
