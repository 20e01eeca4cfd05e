"""Panes that move together: the matrix, the vectors beside it, and the map of the whole of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from textual.geometry import Region

from convtui.engine.equations import Equation, Equations
from convtui.engine.operation_matrix import OperationMatrix
from convtui.paint.colours import DARK, RGB, Palette, mixed, style
from convtui.paint.drawing import Cell, Grid, Rectangle
from convtui.paint.grid import GridPane

BRAILLE: Final = 0x2800
DOTS: Final = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])  # as they lie in a cell
DOT_ROWS, DOT_COLUMNS = DOTS.shape
GAP: Final = 2  # columns between two maps
SHORT_NAME: Final = 4  # characters


class VectorPane(GridPane):
    """A vector that scrolls with the matrix."""

    leader: MatrixPane

    def _follow(self, old: Grid | None) -> bool:  # noqa: ARG002
        return self.grid is not None and self._look_at(self.grid, *self._origin)

    def scroll(self, rows: int, columns: int) -> None:
        self.leader.scroll(rows, columns)

    def _title(self, grid: Grid) -> list[Segment]:
        """Without what is in view: the matrix says it."""
        text = grid.title if len(grid.title) <= self.region.width else grid.short_title or grid.title
        return [Segment(text, style(self.palette.text, self.palette.background, True))]


@dataclass(frozen=True, eq=False)
class Map:
    """A whole matrix in braille dots, so many lines by columns of them, and the part of it that is in view.

    lit: the row or column of the step, where that is marked.
    """

    matrix: OperationMatrix
    size: Cell
    view: Rectangle
    lit: Cell | None = None

    @property
    def is_all_in_view(self) -> bool:
        return tuple(map(len, self.view)) == self.matrix.shape

    def segments(self, line: int, palette: Palette) -> list[Segment]:
        """One of its lines; blank below the last."""
        if line >= self.size[0]:
            return [Segment(" " * self.size[1], style(None, palette.background))]
        text = "".join(map(chr, overview_characters(self.matrix, *self.size)[line]))
        lines, columns = self._frame
        is_marked = np.zeros(self.size[1], dtype=np.intp)
        if line in lines and not self.is_all_in_view:
            is_marked[columns.start : columns.stop] = 1
        if self.lit is not None:
            row, column = self.lit
            is_marked[[line == row] * self.size[1] if column < 0 else column] = 2
        plain = style(palette.text, palette.uncomputed)
        looks = plain, style(palette.text, _softened(palette)), style((0, 0, 0), palette.accent)
        bounds = [0, *(np.flatnonzero(np.diff(is_marked)) + 1).tolist(), self.size[1]]
        return [Segment(text[first:last], looks[is_marked[first]]) for first, last in pairwise(bounds)]

    def cell_at(self, line: int, column: int) -> Cell | None:
        """The cell of the matrix for which a place of the map stands."""
        lines, columns = self.size
        if not (0 <= line < lines and 0 <= column < columns):
            return None
        rows, across = self.matrix.shape
        return (2 * line + 1) * rows // (2 * lines), (2 * column + 1) * across // (2 * columns)

    @property
    def _frame(self) -> Rectangle:
        """The lines and columns of the map that are in view."""
        lines, columns = (
            range(seen.start * places // size, -(-seen.stop * places // size))
            for seen, places, size in zip(self.view, self.size, self.matrix.shape, strict=True)
        )
        return lines, columns


def _softened(palette: Palette) -> RGB:
    """The accent, softened so that dots can be read on it."""
    mixture = mixed(np.array(palette.background, np.uint8), palette.accent, 0.5)
    red, green, blue = mixture.tolist()
    return red, green, blue


class OverviewPane:
    """The whole matrix as a map; that of a transposed convolution beside its mirror image.

    A mirror image is the matrix of the convolution whose transpose it is, or the other way round; both are
    drawn to one scale.
    """

    name = "overview"
    is_behind = False

    def __init__(self) -> None:
        self.region = Region()
        self.palette: Palette = DARK
        self.hinted = False
        self.leader: MatrixPane
        self._matrix: OperationMatrix | None = None
        self._names: tuple[str, str] | None = None
        self._step: Cell = (-1, -1)
        self._view: Rectangle = (range(0), range(0))
        self._changed: list[Region] = []

    def place(self, region: Region, hinted: bool, palette: Palette) -> None:
        self.region, self.hinted, self.palette = region, hinted, palette

    def show(
        self, matrix: OperationMatrix, names: tuple[str, str] | None = None, step: Cell = (-1, -1)
    ) -> None:
        """Draw this matrix from now on; with names, its mirror image beside it, and the step's row or column.

        step: the row or the column, -1 for the other.
        """
        shown = matrix, names, step if names else self._step
        if shown != (self._matrix, self._names, self._step):
            self._matrix, self._names, self._step = shown
            self._changed = [Region(0, 0, self.region.width, self.region.height)]

    def mark(self, view: Rectangle) -> None:
        """So much of the matrix is in view."""
        if view != self._view:
            self._view = view
            self._changed = [Region(0, 0, self.region.width, self.region.height)]

    def changes(self) -> list[Region]:
        changed, self._changed = self._changed, []
        return changed

    @property
    def heading(self) -> int:
        return 1 + self.hinted

    @property
    def _maps(self) -> list[Map]:
        """The map, or the two of them; with square dots for their cells, as far as there is room."""
        assert self._matrix
        lines, columns = max(1, self.region.height - self.heading), max(1, self.region.width)
        rows, across = self._matrix.shape
        if self._names is None:
            scale = min(lines * DOT_ROWS / rows, columns * DOT_COLUMNS / across)
            return [Map(self._matrix, _fitted((rows, across), scale, (lines, columns)), self._view)]
        scale = min(lines * DOT_ROWS / max(rows, across), (columns - GAP) * DOT_COLUMNS / (rows + across))
        left = _fitted((rows, across), scale, (lines, columns))
        right = _fitted((across, rows), scale, (lines, max(1, columns - GAP - left[1])))
        row, column = self._step
        lit = (row * left[0] // rows, -1) if row >= 0 else (-1, column * left[1] // across)
        mirrored = (-1, row * right[1] // rows) if row >= 0 else (column * right[0] // across, -1)
        return [
            Map(self._matrix, left, self._view, lit),
            Map(self._matrix.transposed(), right, self._view[::-1], mirrored),
        ]

    def line(self, y: int) -> list[Segment]:
        blank = style(None, self.palette.background)
        if self._matrix is None:
            return [Segment(" " * self.region.width, blank)]
        maps = self._maps
        if y == 0:
            segments = [Segment(self._title(maps), style(self.palette.text, self.palette.background, True))]
        elif y < self.heading:
            segments = [Segment(self._hint(maps), style(self.palette.muted, self.palette.background))]
        else:
            segments = []
            for number, each in enumerate(maps):
                segments += [Segment(" " * GAP, blank)] * bool(number)
                segments += each.segments(y - self.heading, self.palette)
        return Segment.adjust_line_length(segments, self.region.width, blank)

    def _title(self, maps: list[Map]) -> str:
        width = self.region.width
        if self._names is None:
            return "the whole matrix" if width >= 16 else "overview"
        name, mirror = self._names
        start = maps[0].size[1] + GAP
        shapes = ["{}x{}".format(*each.matrix.shape) for each in maps]
        short = name[:SHORT_NAME], mirror[:SHORT_NAME]
        for left, right in ((f"{name} {shapes[0]}", f"{mirror} {shapes[1]}"), (name, mirror), short):
            title = f"{left:{start}}" + ("" if len(left) < start else " · ") + right
            if len(title) <= width:
                return title
        return " · ".join(short)[:width]

    def _hint(self, maps: list[Map]) -> str:
        if self._names is not None:
            mirrored = "one is the other, mirrored at its diagonal"
            return mirrored if len(mirrored) <= self.region.width else "one is the other, mirrored"
        return "all of it is in view" if maps[0].is_all_in_view else "marked: the part in view"

    def cell_at(self, x: int, y: int) -> Cell | None:
        """The cell of the matrix for which a place of a map stands."""
        if self._matrix is None:
            return None
        first, *mirrors = self._maps
        cell = first.cell_at(y - self.heading, x)
        for mirror in mirrors:
            mirrored = mirror.cell_at(y - self.heading, x - first.size[1] - GAP)
            cell = cell or (mirrored and mirrored[::-1])
        return cell

    def scroll(self, rows: int, columns: int) -> None:
        self.leader.scroll(rows, columns)


def _fitted(shape: Cell, scale: float, room: Cell) -> Cell:
    """Lines and columns of a map at so many dots a cell, at least one and no more than there is room for."""
    lines, columns = round(shape[0] * scale / DOT_ROWS), round(shape[1] * scale / DOT_COLUMNS)
    return min(max(1, lines), room[0]), min(max(1, columns), room[1])


@lru_cache(maxsize=8)
def overview_characters(matrix: OperationMatrix, lines: int, columns: int) -> NDArray[np.int_]:
    """[lines, columns] the code points of the braille characters that show where weights have places."""
    dots = matrix.overview(lines * DOT_ROWS, columns * DOT_COLUMNS)
    cells = dots.reshape(lines, DOT_ROWS, columns, DOT_COLUMNS)
    characters: NDArray[np.int_] = BRAILLE + np.einsum("lacb,ab->lc", cells.astype(int), DOTS)
    return characters


class MatrixPane(GridPane):
    """The matrix; the vector above it, those beside it and the overview follow where it is scrolled."""

    def __init__(self, above: VectorPane, beside: list[VectorPane], overview: OverviewPane) -> None:
        super().__init__("matrix")
        self._above, self._beside, self._overview = above, beside, overview
        for pane in (above, *beside):
            pane.leader = self
        overview.leader = self

    def show(self, grid: Grid) -> None:
        super().show(grid)
        self._align()

    def look_at(self, row: int, column: int) -> None:
        super().look_at(row, column)
        self._align()

    def centre_on(self, row: int, column: int) -> None:
        """Put this cell in the middle, as far as there are cells."""
        rows, columns = self.visible
        self.look_at(row - len(rows) // 2, column - len(columns) // 2)

    def _align(self) -> None:
        rows, columns = self.visible
        self._above.look_at(0, columns.start)
        for pane in self._beside:
            pane.look_at(rows.start, 0)
        self._overview.mark(self.visible)


class EquationsPane:
    """A line of letters for each output cell, the current one marked; scrolls to keep that in view."""

    name = "equations"
    is_behind = False

    def __init__(self) -> None:
        self.region = Region()
        self.palette: Palette = DARK
        self._shown: tuple[Equations | None, int, int | None] = (None, 0, None)
        self._top = 0
        self._changed: list[Region] = []

    def place(self, region: Region, palette: Palette) -> None:
        self.region, self.palette = region, palette
        self._top = 0

    def show(self, letters: Equations | None, index: int, pixel: int | None) -> None:
        """These equations, with the one of an output cell marked, and in it a pixel's term."""
        shown = (letters, index, pixel)
        if shown != self._shown:
            self._shown = shown
            self._changed = [Region(0, 0, self.region.width, self.region.height)]
            lines = max(1, self.region.height - 1)
            if not self._top <= index < self._top + lines:
                self._top = max(0, index - lines // 2)

    def changes(self) -> list[Region]:
        changed, self._changed = self._changed, []
        return changed

    def line(self, y: int) -> list[Segment]:
        letters, index, pixel = self._shown
        background = self.palette.background
        segments: list[Segment] = []
        if letters and y == 0:
            segments = [Segment(_heading(letters), style(self.palette.muted, background))]
        elif letters and self._top + y - 1 < len(letters.equations):
            at = self._top + y - 1
            segments = self._equation(letters.equations[at], pixel if at == index else None, at == index)
        return Segment.adjust_line_length(segments, self.region.width, style(None, background))

    def _equation(self, equation: Equation, pixel: int | None, current: bool) -> list[Segment]:
        background = self.palette.background
        words = style(self.palette.accent if current else self.palette.text, background, current)
        marked = style((0, 0, 0), self.palette.accent, True)
        is_spaced = len(str(equation)) + 2 <= self.region.width
        segments = [Segment("▸ " if current else "  ", words)]
        for text, term in equation.pieces(is_spaced):
            is_marked = term is not None and pixel is not None and term.input == pixel
            segments.append(Segment(text, marked if is_marked else words))
        return segments

    def cell_at(self, x: int, y: int) -> Cell | None:  # noqa: ARG002
        return None

    def scroll(self, rows: int, columns: int) -> None:  # noqa: ARG002
        letters = self._shown[0]
        if letters:
            most = max(0, len(letters.equations) - self.region.height + 1)
            self._top = min(max(self._top + rows, 0), most)
            self._changed = [Region(0, 0, self.region.width, self.region.height)]


def _heading(letters: Equations) -> str:
    """What the equations are."""
    weights = [term.weight for equation in letters.equations for term in equation.terms]
    if not letters.weights:
        is_maximum = any(equation.between == "," for equation in letters.equations)
        return f"each output cell is {'the greatest' if is_maximum else 'the mean'} of its window"
    return f"neurons {'that share' if len(set(weights)) < len(weights) else 'and'} their weights"
