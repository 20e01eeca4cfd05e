"""The operation of a session as the matrix that the page draws, and which of its lines a step goes along."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np

from convtui.engine.convolution import Convolution
from convtui.engine.input_vector import InputVector
from convtui.engine.matrices import Multiplied, matrix_of, multiplied
from convtui.engine.operation_matrix import OperationMatrix, Places
from convtui.engine.pool_matrix import PoolMatrix
from convtui.engine.pooling import Pooling
from convtui.engine.reductions import Average
from convtui.engine.transposed import Scatter
from convtui.engine.transposed_ways import Scattering
from convtui.paint.drawing import Cell
from convtui.state.operation import Operation
from convtui.state.session import Session

MOST_PLACES: Final = 1 << 16  # of a line, more than can be seen at once


def is_mean(operation: Multiplied) -> bool:
    """Whether it is an average pooling."""
    return isinstance(operation, Pooling) and isinstance(operation.reduction, Average)


@dataclass(frozen=True)
class Pointed:
    """A cell of the matrix: the output cell and the input value that cross there."""

    output: int
    input: int


@dataclass(frozen=True, eq=False)
class Shown:
    """An operation whose image is multiplied by a matrix, and how that is drawn.

    standing: its rows are output cells, its columns the values of `inputs`. is_transposed: whether it is
    drawn the other way round. is_by_input: whether steps go through the input values, as they scatter.
    """

    operation: Multiplied
    standing: OperationMatrix
    inputs: InputVector
    is_transposed: bool
    is_by_input: bool

    @cached_property
    def matrix(self) -> OperationMatrix:
        """As it is drawn."""
        return self.standing.transposed() if self.is_transposed else self.standing

    @property
    def name(self) -> str:
        """M or Mᵀ."""
        return "Mᵀ" if self.is_transposed else "M"

    @property
    def has_padding(self) -> bool:
        """Whether the padding has input values of its own."""
        return self.inputs.shape != self.operation.image_shape

    @property
    def is_by_row(self) -> bool:
        """Whether a step goes along a row of the matrix as it is drawn, not along a column."""
        return self.is_transposed == self.is_by_input

    @property
    def line_name(self) -> str:
        """What of the matrix a step goes along."""
        return "row" if self.is_by_row else "column"

    @property
    def steps(self) -> int:
        """How many steps there are."""
        return self.standing.shape[self.is_by_input]

    @property
    def across(self) -> int:
        """How many cells the line of a step has."""
        return self.standing.shape[not self.is_by_input]

    def line(self, index: int) -> Places:
        """The places in the line of a step; of the very many of a large pooling window some in the middle."""
        if isinstance(self.standing, PoolMatrix):
            return self.standing.middle_of_row(index, MOST_PLACES)
        return self.standing.column(index) if self.is_by_input else self.standing.row(index)

    def at(self, index: int, across: int) -> Pointed:
        """The cell of a step's line that is so far along it."""
        return Pointed(across, index) if self.is_by_input else Pointed(index, across)

    def index_of(self, pointed: Pointed) -> int:
        """The step in whose line a cell is."""
        return pointed.input if self.is_by_input else pointed.output

    def across_of(self, pointed: Pointed) -> int:
        """How far along that line it is."""
        return pointed.output if self.is_by_input else pointed.input

    def cell_of(self, pointed: Pointed) -> Cell:
        """Its row and column in the matrix as it is drawn."""
        cell = pointed.output, pointed.input
        return cell[::-1] if self.is_transposed else cell

    def pointed_at(self, cell: Cell) -> Pointed:
        """The cell at a row and column of the matrix as it is drawn."""
        return Pointed(*(cell[::-1] if self.is_transposed else cell))

    def has(self, pointed: Pointed) -> bool:
        """Whether there is such a cell."""
        outputs, inputs = self.standing.shape
        return pointed.output < outputs and pointed.input < inputs


def shown_in(session: Session) -> Shown:
    """The matrix of the operation that is stepped through."""
    view = session.view
    return shown_of(session.operation, view.with_padding, view.transposed)


@lru_cache(maxsize=4)
def shown_of(operation: Operation, with_padding: bool = False, transposed: bool = False) -> Shown:
    """The matrix of an operation; only that of a convolution can have its padding as columns."""
    is_by_input, of = isinstance(operation, Scattering), multiplied(operation)
    if with_padding and isinstance(of, Convolution):
        standing = of.weight_matrix.padded()
        return Shown(of, standing, InputVector.padded(of), transposed, is_by_input)
    return Shown(of, matrix_of(of), InputVector.of(of), transposed, is_by_input)


def tap_pointed(session: Session) -> Pointed | None:
    """The cell of the entry that was worked through just now, if the matrix has it."""
    if not session.taps:
        return None
    shown, step = shown_in(session), session.operation.step(session.index)
    values = step.addends if isinstance(step, Scatter) else step.window
    s, i, j = (int(at) for at in np.unravel_index(session.taps - 1, values.shape))
    if isinstance(step, Scatter):
        if step.is_cut[i, j]:
            return None
        output = shown.operation.index(step.channels[s], int(step.rows[i]), int(step.columns[j]))
        return Pointed(output, session.index)
    _, rows, columns = shown.inputs.shape
    if shown.has_padding:
        top, left = shown.inputs.starts
        row, column = int(step.rows[i]) - top, int(step.columns[j]) - left
    elif step.is_padding[i, j]:
        return None
    else:
        row, column = int(step.source_rows[i]), int(step.source_columns[j])
    return Pointed(session.index, (step.channels[s] * rows + row) * columns + column)
