"""The cells of an output [channels, rows, columns]: their order, and the refusal of those that are not there.

Every operation counts its output cells in this one way, and a page steps through them by it.
"""

from dataclasses import dataclass
from operator import index as as_int
from typing import TypeAlias

import numpy as np

from convtui.engine.spec import Indices, Picked

Position: TypeAlias = tuple[int, int, int]

MOST_CELLS = 2**27


@dataclass(frozen=True)
class OutputCells:
    """The cells of an output of this shape, in the order of channels, rows and columns."""

    shape: tuple[int, int, int]

    @property
    def size(self) -> int:
        """The number of cells."""
        channels, rows, columns = self.shape
        return channels * rows * columns

    def require_memory(self) -> None:
        """Raise MemoryError for more than 2**27 cells."""
        if self.size > MOST_CELLS:
            raise MemoryError(f"an output of {self.size} cells is too large; at most {MOST_CELLS} fit")

    def position(self, index: int) -> Position:
        """The (channel, row, column) of the cell with this flat index. Raises IndexError if there is none."""
        _, height, width = self.shape
        rest, column = divmod(within("step", index, self.size), width)
        return (*divmod(rest, height), column)

    def index(self, o: int, r: int, c: int) -> int:
        """The flat index of the cell (o, r, c). Raises IndexError if there is none."""
        channels, height, width = self.shape
        o = within("output channel", o, channels)
        return (o * height + within("output row", r, height)) * width + within("output column", c, width)

    def at(self, *at: int) -> tuple[int, Position]:
        """The flat index and the position of a cell that is given by either of them."""
        index = at[0] if len(at) == 1 else self.index(*at)
        return index, self.position(index)

    def picked(self, rows: Picked | slice, columns: Picked | slice) -> tuple[Indices, Indices]:
        """The indices of these rows and columns. Raises IndexError for one that does not exist."""
        _, height, width = self.shape
        return _picked("output row", rows, height), _picked("output column", columns, width)


def within(name: str, index: int, size: int) -> int:
    """The index, if there are more than so many. Raises IndexError if it does not exist."""
    index = as_int(index)
    if not 0 <= index < size:
        raise IndexError(f"{name} {index} does not exist: there are {size}, counted from 0")
    return index


def _picked(name: str, indices: Picked | slice, size: int) -> Indices:
    picked = np.arange(size)[indices] if isinstance(indices, slice) else np.array(indices, dtype=np.intp)
    if picked.size:
        within(name, int(picked.min()), size)
        within(name, int(picked.max()), size)
    return picked
