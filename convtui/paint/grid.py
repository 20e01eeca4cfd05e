"""The pane that draws cells: images, kernels, outputs.

It keeps its own offsets and knows which cells a new grid changes, so that a step repaints a few of them
whatever the size of the image.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from operator import attrgetter
from typing import Final

from rich.segment import Segment
from textual.geometry import Region

from convtui.paint.colours import DARK, Palette, style
from convtui.paint.drawing import BLOCKS, Cell, CellSize, Grid, Rectangle, Rows, legend_line
from convtui.paint.text import cut_to

LEAST_ROWS: Final = 4  # rows of cells that are asked for at once
MOST_AT_ONCE: Final = 1 << 21  # multiply-adds for one frame: some 8 ms


class GridPane:
    """Draws a Grid at a CellSize; scrolls by wheel and follows the window."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.region = Region()
        self.grid: Grid | None = None
        self.cell_size: CellSize = BLOCKS
        self.palette: Palette = DARK
        self.hinted = False
        self._origin: Cell = (0, 0)
        self._visible: Rectangle = (range(0), range(0))
        self._rows: tuple[object, Rows] | None = None
        self._changed: list[Region] = []

    # -- what it is given

    def place(self, region: Region, cell_size: CellSize, hinted: bool, palette: Palette) -> None:
        """Where it lies, its zoom, place for the hint, and its colours."""
        self.region, self.cell_size = region, cell_size
        self.hinted, self.palette = hinted, palette
        self._follow(None)

    def show(self, grid: Grid) -> None:
        """Draw this from now on."""
        if grid is self.grid:
            return
        old, self.grid = self.grid, grid
        scrolled = self._follow(old)
        if old is None or scrolled or _shape(old) != _shape(grid):
            self._changed = [Region(0, 0, self.region.width, self.region.height)]
            return
        has_others = old.cells is not grid.cells
        if (old.title, old.short_title) != (grid.title, grid.short_title):
            self._changed.append(Region(0, 0, self.region.width, 1))
        has_legend = old.legend or grid.legend
        if self.hinted and (old.hint != grid.hint or (has_others and has_legend)):
            self._changed.append(Region(0, 1, self.region.width, 1))
        if has_others:
            self._changed.append(self._below)
        else:
            self._changed += filter(None, map(self._region_of, _differences(old, grid)))

    def changes(self) -> list[Region]:
        if self.grid is not None and all(self._visible):
            before, made = self._rows, self._visible_rows(self.grid)
            if self._rows is before:  # else some have been computed just now
                self._compute(self.grid, made)
        changed, self._changed = self._changed, []
        return changed

    @property
    def is_behind(self) -> bool:
        return bool(self.grid and self._rows and self._missing(self.grid, self._rows[1]))

    @property
    def heading(self) -> int:
        """Lines above the cells."""
        return 2 if self.hinted else 1

    # -- where it is

    @property
    def _in_view(self) -> Cell:
        """Rows and columns of cells that fit."""
        rows = self.cell_size.rows(self.region.height - self.heading)
        return max(1, rows), max(1, self.region.width // self.cell_size.width)

    def _region_of(self, cells: Rectangle) -> Region | None:
        """The part of the pane on which these cells are drawn."""
        (top, left), (rows, columns), size = self._origin, cells, self.cell_size
        if rows.stop <= top:
            return None
        first = self.heading + size.lines_of(max(rows.start - top, 0)).start
        end = min(self.heading + size.lines_of(rows.stop - 1 - top).stop, self.region.height)
        x = max((columns.start - left) * size.width, 0)
        right = min((columns.stop - left) * size.width, self.region.width)
        return Region(x, first, right - x, end - first) if x < right and first < end else None

    @property
    def _below(self) -> Region:
        """The part below the heading."""
        return Region(0, self.heading, self.region.width, max(0, self.region.height - self.heading))

    def _look_at(self, grid: Grid, row: int, column: int) -> bool:
        """Put this cell at the top left, as far as there are cells; tell whether the view moved."""
        before, cells = self._origin, grid.cells
        rows, columns = self._in_view
        top = min(max(row, 0), max(cells.rows - rows, 0))
        left = min(max(column, 0), max(cells.columns - columns, 0))
        self._origin = (top, left)
        right = min(left + columns, cells.columns)
        self._visible = range(top, min(top + rows, cells.rows)), range(left, right)
        return self._origin != before

    def _follow(self, old: Grid | None) -> bool:
        """Bring the window (or the focus) into view if it moved; tell whether the view had to."""
        grid = self.grid
        if grid is None or not self.region:
            return False
        row, column = self._origin
        target = _target(grid)
        has_moved = old is None or target != _target(old)
        if old is not None and not has_moved and _shape(old) == _shape(grid):
            return False
        if target and has_moved:
            rows_kept, columns_kept = target
            rows, columns = self._in_view
            if rows_kept.start < row or rows_kept.stop > row + rows:
                row = (rows_kept.start + rows_kept.stop) // 2 - rows // 2
            if columns_kept.start < column or columns_kept.stop > column + columns:
                column = (columns_kept.start + columns_kept.stop) // 2 - columns // 2
        return self._look_at(grid, row, column)

    def cell_at(self, x: int, y: int) -> Cell | None:
        """The cell under a place of the pane; in half-blocks the upper of the two."""
        row = self._origin[0] + self.cell_size.row_at(y - self.heading)
        column = self._origin[1] + x // self.cell_size.width
        rows, columns = self._visible
        return (row, column) if y >= self.heading and row in rows and column in columns else None

    def scroll(self, rows: int, columns: int) -> None:
        """By so many steps of the wheel, each an eighth of what is in view."""
        high, wide = self._in_view
        row, column = self._origin
        self.look_at(row + rows * max(1, high // 8), column + columns * max(1, wide // 8))

    @property
    def visible(self) -> Rectangle:
        """The rows and columns of cells that can be seen."""
        return self._visible

    def look_at(self, row: int, column: int) -> None:
        """Put this cell at the top left, as far as there are cells."""
        if self.grid and self._look_at(self.grid, row, column):
            self._changed = [Region(0, 0, self.region.width, self.region.height)]

    # -- drawing

    def line(self, y: int) -> list[Segment]:
        grid, width = self.grid, self.region.width
        blank = style(None, self.palette.background)
        if grid is None:
            return [Segment(" " * width, blank)]
        if y == 0:
            return self._fitted(self._title(grid))
        if y < self.heading:
            return self._fitted(self._hint(grid))
        line = y - self.heading
        rows, columns = self._visible
        if self._origin[0] + self.cell_size.row_at(line) in rows and columns:
            cells = self._visible_rows(grid).line(grid, line)
            return self._filled_up(cells, len(columns) * self.cell_size.width)
        if line == self.cell_size.lines(len(rows)) and grid.legend:
            return self._fitted(legend_line(grid, width, self.palette))
        return [Segment(" " * width, blank)]

    def _visible_rows(self, grid: Grid) -> Rows:
        """The rows in view, with as many of their cells as there was time for."""
        rows, columns = self._visible
        key = (grid.cells, rows, columns, self.palette, self.cell_size)
        if self._rows is None or self._rows[0] != key:
            shape = len(rows), len(columns)
            self._rows = (key, Rows(shape, self._origin, self.cell_size, self.palette))
            self._compute(grid, self._rows[1])
        return self._rows[1]

    def _missing(self, grid: Grid, made: Rows) -> int:
        """How many cells in view are still to be computed; rows that are all dots are not asked for."""
        rows, columns = self._visible
        stop = rows.stop if grid.filled is None else min(-(-grid.filled // grid.cells.columns), rows.stop)
        return max((stop - rows.start) * len(columns) - made.computed, 0)

    def _compute(self, grid: Grid, made: Rows) -> None:
        """The next cells in order, as many as a frame has time for: one may cost 100,000 products."""
        missing = self._missing(grid, made)
        if not missing:
            return
        rows, columns = self._visible
        row, column = divmod(made.computed, len(columns))
        # Ever more are computed ahead, so that a walk through all of them asks seldom.
        count = max(missing, LEAST_ROWS * len(columns), made.computed)
        count = min(count, max(1, MOST_AT_ONCE // grid.cells.cost))
        if column or count < len(columns):
            rows, columns = rows[row : row + 1], columns[column : column + count]
        else:
            rows = rows[row : row + count // len(columns)]
        made.add(grid.cells.patch(rows, columns, self.palette))
        self._changed += filter(None, [self._region_of((rows, columns))])

    def _title(self, grid: Grid) -> list[Segment]:
        """The title, and right of it what is in view where that is not everything."""
        text = grid.title if len(grid.title) <= self.region.width else grid.short_title or grid.title
        text = cut_to(text, self.region.width)
        title = Segment(text, style(self.palette.text, self.palette.background, True))
        rows, columns = self._visible
        if len(rows) == grid.cells.rows and len(columns) == grid.cells.columns:
            return [title]
        place = f"rows {rows.start}-{rows.stop - 1}, columns {columns.start}-{columns.stop - 1} in view"
        return self._apart([title], [Segment(place, style(self.palette.muted, self.palette.background))])

    def _hint(self, grid: Grid) -> list[Segment]:
        """The sentence, and right of it the scale where no line is free for that below the cells."""
        text = cut_to(grid.hint, self.region.width)
        hint = [Segment(text, style(self.palette.muted, self.palette.background))]
        below = self.heading + self.cell_size.lines(len(self._visible[0]))
        if not grid.legend or below < self.region.height:
            return hint
        return self._apart(hint, legend_line(grid, self.region.width, self.palette))

    def _apart(self, left: list[Segment], right: list[Segment]) -> list[Segment]:
        """One at the left and, if there is room for both, one at the right."""
        room = self.region.width - Segment.get_line_length(left) - Segment.get_line_length(right)
        if room < 2:
            return left
        return [*left, Segment(" " * room, style(None, self.palette.background)), *right]

    def _filled_up(self, cells: list[Segment], width: int) -> list[Segment]:
        """Cells that are so wide; only those of a larger image can be wider than the pane."""
        room = self.region.width - width
        if room < 0:
            return self._fitted(cells)
        return [*cells, Segment(" " * room, style(None, self.palette.background))] if room else cells

    def _fitted(self, segments: list[Segment]) -> list[Segment]:
        blank = style(None, self.palette.background)
        return Segment.adjust_line_length(segments, self.region.width, blank)


def _shape(grid: Grid) -> Cell:
    return grid.cells.rows, grid.cells.columns


def _target(grid: Grid) -> Rectangle | None:
    """The cells to keep in view."""
    if grid.kept:
        return grid.kept
    if grid.outline:
        return grid.outline.hull
    if grid.focus:
        return _one(grid.focus)
    return None


def _hull(numbers: Collection[int]) -> range:
    return range(min(numbers), max(numbers) + 1)


def _one(cell: Cell) -> Rectangle:
    return range(cell[0], cell[0] + 1), range(cell[1], cell[1] + 1)


def _differences(old: Grid, new: Grid) -> Iterator[Rectangle]:
    """Rectangles of cells that look different now."""
    if old.outline != new.outline:
        yield from (outline.hull for outline in (old.outline, new.outline) if outline)
    if old.focus != new.focus:
        yield from (_one(cell) for cell in (old.focus, new.focus) if cell)
    if old.readers != new.readers:
        for readers in filter(attrgetter("count"), (old.readers, new.readers)):
            yield _hull(readers.rows), _hull(readers.columns)
    if old.lit_row != new.lit_row:
        every = range(new.cells.columns)
        yield from ((range(row, row + 1), every) for row in (old.lit_row, new.lit_row) if row is not None)
    if old.lit_column != new.lit_column:
        every = range(new.cells.rows)
        lit = (old.lit_column, new.lit_column)
        yield from ((every, range(column, column + 1)) for column in lit if column is not None)
    if old.filled != new.filled:
        columns, everything = new.cells.columns, new.cells.rows * new.cells.columns
        first, last = sorted(everything if at is None else at for at in (old.filled, new.filled))
        top, bottom = first // columns, (last - 1) // columns
        if top == bottom:
            yield range(top, top + 1), range(first - top * columns, last - top * columns)
        else:
            yield range(top, bottom + 1), range(columns)
