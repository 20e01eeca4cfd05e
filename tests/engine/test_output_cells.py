"""Output cells are counted in the order of channels, rows and columns."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.engine.output_cells import OutputCells

CELLS = OutputCells((2, 3, 4))


@given(st.tuples(*[st.integers(1, 4)] * 3))
def test_index_and_position_are_those_of_numpy(shape: tuple[int, int, int]) -> None:
    cells = OutputCells(shape)
    assert cells.size == np.prod(shape)
    for index in range(cells.size):
        position = tuple(map(int, np.unravel_index(index, shape)))
        assert cells.position(index) == position
        assert cells.index(*position) == index
        assert cells.at(index) == cells.at(*position) == (index, position)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: CELLS.position(24), "step 24 does not exist: there are 24, counted from 0"),
        (lambda: CELLS.position(-1), "step -1 does not exist"),
        (lambda: CELLS.index(2, 0, 0), "output channel 2 does not exist: there are 2"),
        (lambda: CELLS.index(0, 3, 0), "output row 3 does not exist: there are 3"),
        (lambda: CELLS.index(0, 0, 4), "output column 4 does not exist: there are 4"),
        (lambda: CELLS.picked([0, 3], [0]), "output row 3 does not exist"),
        (lambda: CELLS.picked([0], [-1]), "output column -1 does not exist"),
    ],
)
def test_cells_that_are_not_there_are_refused(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(IndexError, match=message):
        wrong()


def test_picked_rows_and_columns() -> None:
    rows, columns = CELLS.picked(slice(None, None, -1), range(1, 3))
    assert (rows.tolist(), columns.tolist()) == ([2, 1, 0], [1, 2])
    assert [each.tolist() for each in CELLS.picked([], [])] == [[], []]


def test_more_cells_than_fit_are_refused() -> None:
    OutputCells((1, 2**13, 2**14)).require_memory()
    with pytest.raises(MemoryError, match=f"an output of {2**28} cells is too large; at most {2**27} fit"):
        OutputCells((2, 2**13, 2**14)).require_memory()
