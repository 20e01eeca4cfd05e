"""Panes that move together: the matrix, the vectors beside it, and the map of the whole of it."""

from __future__ import annotations

from functools import lru_cache
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


class OverviewPane:
    """The places of weights in the whole matrix in braille dots, and the part that is in view."""

    name = "overview"
    is_behind = False

    def __init__(self) -> None:
        self.region = Region()
        self.palette: Palette = DARK
        self.hinted = False
        self.leader: MatrixPane
        self._matrix: OperationMatrix | None = None
        self._view: Rectangle = (range(0), range(0))
        self._changed: list[Region] = []

    def place(self, region: Region, hinted: bool, palette: Palette) -> None:
        self.region, self.hinted, self.palette = region, hinted, palette

    def show(self, matrix: OperationMatrix) -> None:
        """Draw this matrix from now on."""
        if matrix is not self._matrix:
            self._matrix = matrix
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
    def _size(self) -> Cell:
        """Lines and columns of the map: square dots for the cells of the matrix, as far as there is room."""
        assert self._matrix
        lines, columns = max(1, self.region.height - self.heading), max(1, self.region.width)
        rows, across = self._matrix.shape
        scale = min(lines * DOT_ROWS / rows, columns * DOT_COLUMNS / across)
        fitted = round(rows * scale / DOT_ROWS), round(across * scale / DOT_COLUMNS)
        return min(max(1, fitted[0]), lines), min(max(1, fitted[1]), columns)

    @property
    def _frame(self) -> Rectangle:
        """The lines and columns of the map that are in view."""
        assert self._matrix
        lines, columns = (
            range(seen.start * places // size, -(-seen.stop * places // size))
            for seen, places, size in zip(self._view, self._size, self._matrix.shape, strict=True)
        )
        return lines, columns

    @property
    def _marking(self) -> RGB:
        """The accent, softened so that the dots can be read on it."""
        mixture = mixed(np.array(self.palette.background, np.uint8), self.palette.accent, 0.5)
        red, green, blue = mixture.tolist()
        return red, green, blue

    @property
    def _is_all_in_view(self) -> bool:
        assert self._matrix
        return tuple(map(len, self._view)) == self._matrix.shape

    def line(self, y: int) -> list[Segment]:
        blank = style(None, self.palette.background)
        if self._matrix is None:
            return [Segment(" " * self.region.width, blank)]
        lines, _ = self._size
        if y == 0:
            title = "the whole matrix" if self.region.width >= 16 else "overview"
            segments = [Segment(title, style(self.palette.text, self.palette.background, True))]
        elif y < self.heading:
            hint = "all of it is in view" if self._is_all_in_view else "marked: the part in view"
            segments = [Segment(hint, style(self.palette.muted, self.palette.background))]
        elif y - self.heading < lines:
            segments = self._dots(y - self.heading)
        else:
            segments = []
        return Segment.adjust_line_length(segments, self.region.width, blank)

    def _dots(self, line: int) -> list[Segment]:
        assert self._matrix
        text = "".join(map(chr, overview_characters(self._matrix, *self._size)[line]))
        lines, columns = self._frame
        plain = style(self.palette.text, self.palette.uncomputed)
        if line not in lines or self._is_all_in_view:
            return [Segment(text, plain)]
        marked = style(self.palette.text, self._marking)
        seen = text[columns.start : columns.stop]
        before, after = text[: columns.start], text[columns.stop :]
        return [Segment(before, plain), Segment(seen, marked), Segment(after, plain)]

    def cell_at(self, x: int, y: int) -> Cell | None:
        """The cell of the matrix for which a place of the map stands."""
        if self._matrix is None:
            return None
        lines, columns = self._size
        y -= self.heading
        if not (0 <= y < lines and 0 <= x < columns):
            return None
        rows, across = self._matrix.shape
        return (2 * y + 1) * rows // (2 * lines), (2 * x + 1) * across // (2 * columns)

    def scroll(self, rows: int, columns: int) -> None:
        self.leader.scroll(rows, columns)


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
