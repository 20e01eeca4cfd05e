"""The line of its matrix that belongs to a step, beside the window: in the whole matrix, or folded.

A matrix of up to 36 rows and columns is drawn whole, with the line framed. Of a larger one the line is drawn
alone, in rows as long as those of the image that it multiplies, so that each weight lies at its pixel; the
column of a pixel that scatters is folded as the output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from convtui.engine.matrices import matrix_of, multiplied
from convtui.engine.pooling import Pooling
from convtui.engine.reductions import Average
from convtui.engine.transposed_ways import Scattering
from convtui.export.diagram import Box, Mover, Shape
from convtui.export.grids import Grid, side_within
from convtui.export.layout import Key, Panel
from convtui.export.operations import Operation
from convtui.export.subject import MOST_SIDE
from convtui.export.words import shape_text
from convtui.paint.colours import Palette
from convtui.paint.matrix_cells import FoldedCells, MatrixCells, short_share, written_ends
from convtui.paint.text import is_integral, number_format

MOST_LINES: Final = 36  # of a matrix that is drawn whole
NAME: Final = "matrix"  # of the pane, in the keys of grids

_ROOM: Final = 440


@dataclass(frozen=True, eq=False)
class MatrixPane:
    """The matrix of an operation, and the lines of some steps.

    channels: those of the image, or scattering of the output, of which a line is folded.
    """

    operation: Operation | Scattering
    channels: Sequence[int]
    palette: Palette

    @cached_property
    def cells(self) -> MatrixCells:
        """The whole matrix, in numbers."""
        of, matrix = multiplied(self.operation), matrix_of(self.operation)
        if isinstance(of, Pooling):
            return MatrixCells(matrix, short_share)
        text = number_format(*written_ends(of, has_padding=False), is_integral(of.weight))
        return MatrixCells(matrix, text, of.weight)

    @property
    def is_by_column(self) -> bool:
        """Whether a step goes along a column."""
        return isinstance(self.operation, Scattering)

    @property
    def is_whole(self) -> bool:
        """Whether the whole matrix is drawn."""
        return max(self.cells.rows, self.cells.columns) <= MOST_LINES

    def panels(self, index: int) -> Iterator[Panel]:
        """The grids; index is any step's."""
        if self.is_whole:
            yield Panel(
                (NAME, 0), f"{self._kind} {shape_text(self.cells.matrix.shape)}", self._grid(self.cells)
            )
            return
        for number, channel in enumerate(self.channels):
            yield Panel((NAME, number), self._title(channel), self._grid(self._folded(index, number)))

    def shapes(self, grids: Mapping[Key, Grid]) -> Iterator[Shape]:
        """What does not change: the ground of structural zeros, and the whole matrix."""
        for (name, _), grid in grids.items():
            if name == NAME:
                yield Box(
                    grid.x, grid.y, grid.width - grid.gap, grid.height - grid.gap, self.palette.uncomputed
                )
                if self.is_whole:
                    yield from grid.shapes()

    def passing(self, grids: Mapping[Key, Grid], index: int) -> Iterator[Shape]:
        """The line of a step, where it is folded."""
        if not self.is_whole:
            for (name, number), grid in grids.items():
                if name == NAME:
                    yield from replace(grid, cells=self._folded(index, number)).shapes()

    def movers(self, grids: Mapping[Key, Grid], indices: Sequence[int]) -> Iterator[Mover]:
        """The frame around the line, in the whole matrix."""
        if self.is_whole:
            grid = grids[NAME, 0]
            if self.is_by_column:
                frame = grid.outline(self.cells.rows, 1)
                yield Mover(frame, tuple((index * grid.side, 0) for index in indices))
            else:
                frame = grid.outline(1, self.cells.columns)
                yield Mover(frame, tuple((0, index * grid.side) for index in indices))

    def _grid(self, cells: MatrixCells | FoldedCells) -> Grid:
        return Grid(cells, side_within(cells, _ROOM, MOST_SIDE), self.palette)

    def _folded(self, index: int, number: int) -> FoldedCells:
        return FoldedCells(self.cells, index, self.channels[number], self.is_by_column)

    def _title(self, channel: int) -> str:
        line = "column" if self.is_by_column else "row"
        shape = self.cells.matrix.output_shape if self.is_by_column else self.cells.matrix.input_shape
        of = f", channel {channel}" if shape[0] > 1 else ""
        return f"{line} of the {self._kind}{of}"

    @property
    def _kind(self) -> str:
        if not isinstance(self.operation, Pooling):
            return "weight matrix"
        is_mean = isinstance(self.operation.reduction, Average)
        return f"matrix of {'shares' if is_mean else 'this image'}"
