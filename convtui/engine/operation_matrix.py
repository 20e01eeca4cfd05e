"""A window operation as the matrix that multiplies its flattened image.

Convolution and transposed convolution have one of weights, average pooling has one of shares. Maximum pooling
has one for each image. Whoever shows a matrix needs only what stands here. None is ever built: any part of it
costs no more than that part.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import prod
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convtui.engine.spec import Floats, Indices, Picked
from convtui.engine.words import counted

MapShape: TypeAlias = tuple[int, int, int]
Bools: TypeAlias = NDArray[np.bool_]

MOST_DENSE = 4_000_000
MOST_SAMPLED_ROWS = 20_000
MOST_SAMPLED_ENTRIES = 2**18


@dataclass(frozen=True, eq=False)
class Places:
    """The places in a row or column: ascending indices [n] and values [n].

    all_entries: the entries of the first, of the second, ...; those of number n begin at starts[n].
    """

    indices: Indices
    values: Floats
    all_entries: Indices
    starts: Indices

    @cached_property
    def entries(self) -> tuple[tuple[int, ...], ...]:
        """[n] tuples of entries: ascending flat indices into the weight or the window.

        Reflect, replicate and circular padding let a pixel carry several weights; the value is their sum.
        """
        flat = self.all_entries.tolist()
        bounds = pairwise([*self.starts.tolist(), len(flat)])
        return tuple(tuple(flat[start:stop]) for start, stop in bounds)


class Block(NamedTuple):
    """A dense part of the matrix: values [h, w], and entries [h, w], the first entry of each cell.

    An entry is a flat index into the weight, or of a pooling into its largest window [kH, kW]. It is -1 at a
    structural zero, which no training and no other image changes; a place that happens to hold 0 has its
    entry.
    """

    values: Floats
    entries: Indices


class OperationMatrix(Protocol):
    """The matrix M of an operation, or its transpose: M @ vec(image) + bias = vec(output)."""

    def __hash__(self) -> int:
        """Matrices are kept by which they are."""

    @property
    def output_shape(self) -> MapShape:
        """(channels, rows, columns) of the cells for which the rows stand."""

    @property
    def input_shape(self) -> MapShape:
        """(channels, rows, columns) of the values for which the columns stand."""

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""

    @property
    def limit(self) -> float:
        """The largest magnitude of a weight, or of a value where there are no weights."""

    @property
    def places(self) -> int:
        """Number of cells that are no structural zeros, also where the value is 0."""

    @property
    def empty_rows(self) -> int:
        """Number of rows without a place."""

    @property
    def empty_columns(self) -> int:
        """Number of columns without a place."""

    @property
    def nonzeros(self) -> int | None:
        """Number of values that are not 0; None where they are too many to count."""

    @property
    def zero_rows(self) -> int | None:
        """Number of rows in which all values are 0, the empty ones among them; None as for nonzeros."""

    @property
    def zero_columns(self) -> int | None:
        """Number of columns in which all values are 0, the empty ones among them; None as for nonzeros."""

    def transposed(self) -> "OperationMatrix":
        """The matrix that a gradient multiplies by."""

    def row(self, i: int) -> Places:
        """The places of row i. Raises IndexError."""

    def column(self, j: int) -> Places:
        """The places of column j. Raises IndexError."""

    def entries_at(self, i: int, j: int) -> tuple[int, ...]:
        """The entries in cell (i, j), ascending: none at a structural zero. Raises IndexError."""

    def block(self, rows: Picked, columns: Picked) -> Block:
        """The cells [len(rows), len(columns)] where these rows and columns cross. Raises IndexError."""

    def toarray(self) -> Floats:
        """[rows, columns] the whole matrix. Raises ValueError beyond 4,000,000 cells."""

    def matvec(self, x: ArrayLike) -> Floats:
        """[rows] M @ x for x [columns]. Raises ValueError."""

    def rmatvec(self, g: ArrayLike) -> Floats:
        """[columns] M.T @ g for g [rows]. Raises ValueError."""

    def overview(self, height: int, width: int) -> Bools:
        """[height, width] where something stands in a picture of the whole matrix, both at least 1.

        Dot (a, b) stands for rows a*rows//height up to (a+1)*rows//height and so for columns, at least one of
        each. In a large matrix it shows evenly spaced rows of them, one or more a dot.
        """


@dataclass(frozen=True)
class TransposedMatrix:
    """M.T of a matrix M. Where an overview samples rows of M, it samples columns here."""

    of: OperationMatrix

    def transposed(self) -> OperationMatrix:
        """M itself."""
        return self.of

    @property
    def output_shape(self) -> MapShape:
        """(channels, rows, columns) of the cells for which the rows stand."""
        return self.of.input_shape

    @property
    def input_shape(self) -> MapShape:
        """(channels, rows, columns) of the values for which the columns stand."""
        return self.of.output_shape

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.of.shape[::-1]

    @property
    def limit(self) -> float:
        """The largest magnitude of a weight, or of a value where there are no weights."""
        return self.of.limit

    @property
    def places(self) -> int:
        """Number of cells that are no structural zeros, also where the value is 0."""
        return self.of.places

    @property
    def empty_rows(self) -> int:
        """Number of rows without a place."""
        return self.of.empty_columns

    @property
    def empty_columns(self) -> int:
        """Number of columns without a place."""
        return self.of.empty_rows

    @property
    def nonzeros(self) -> int | None:
        """Number of values that are not 0; None where they are too many to count."""
        return self.of.nonzeros

    @property
    def zero_rows(self) -> int | None:
        """Number of rows in which all values are 0, the empty ones among them; None as for nonzeros."""
        return self.of.zero_columns

    @property
    def zero_columns(self) -> int | None:
        """Number of columns in which all values are 0, the empty ones among them; None as for nonzeros."""
        return self.of.zero_rows

    def row(self, i: int) -> Places:
        """The places of row i. Raises IndexError."""
        return self.of.column(i)

    def column(self, j: int) -> Places:
        """The places of column j. Raises IndexError."""
        return self.of.row(j)

    def entries_at(self, i: int, j: int) -> tuple[int, ...]:
        """The entries in cell (i, j), ascending: none at a structural zero. Raises IndexError."""
        return self.of.entries_at(j, i)

    def block(self, rows: Picked, columns: Picked) -> Block:
        """The cells [len(rows), len(columns)] where these rows and columns cross. Raises IndexError."""
        values, entries = self.of.block(columns, rows)
        return Block(values.T, entries.T)

    def toarray(self) -> Floats:
        """[rows, columns] the whole matrix. Raises ValueError beyond 4,000,000 cells."""
        return self.of.toarray().T

    def matvec(self, x: ArrayLike) -> Floats:
        """[rows] M.T @ x for x [columns]. Raises ValueError."""
        return self.of.rmatvec(x)

    def rmatvec(self, g: ArrayLike) -> Floats:
        """[columns] M @ g for g [rows]. Raises ValueError."""
        return self.of.matvec(g)

    def overview(self, height: int, width: int) -> Bools:
        """[height, width] the overview of M on its side."""
        return self.of.overview(width, height).T


def overview_of(
    shape: tuple[int, int],
    height: int,
    width: int,
    entries: int,
    columns_of: Callable[[Indices], Indices],
) -> Bools:
    """[height, width] an overview of a matrix of this shape, of which a row has so many entries.

    columns_of: [rows, n] the columns at which something stands in rows, -1 for none. It is asked for at most
    20,000 rows and 2**18 entries, but for one row a line of dots at least.
    """
    rows, columns = shape
    lines, dots = min(height, rows), min(width, columns)
    most = min(MOST_SAMPLED_ROWS, MOST_SAMPLED_ENTRIES // entries) // lines
    samples = lines * min(max(1, most), -(-rows // lines))
    band = max(1, MOST_SAMPLED_ENTRIES // entries)
    picture = np.zeros((lines, dots + 1), dtype=bool)
    for first in range(0, samples, band):
        sampled = np.arange(first, min(first + band, samples)) * rows // samples
        read = columns_of(sampled)
        line = ((sampled + 1) * lines - 1) // rows
        picture[line[:, None], np.where(read < 0, dots, ((read + 1) * dots - 1) // columns)] = True
    return picture[np.ix_(np.arange(height) * lines // height, np.arange(width) * dots // width)]


def require_dense(rows: int, columns: int) -> None:
    """Raise ValueError for a matrix of more than 4,000,000 cells."""
    if rows * columns > MOST_DENSE:
        raise ValueError(
            f"a matrix of {rows} x {columns} has {rows * columns} cells, too many for an array "
            f"(at most {MOST_DENSE}); block gives any part of it"
        )


def coordinates(name: str, indices: int | Picked, shape: MapShape) -> tuple[Indices, ...]:
    """The three coordinates of flat indices, each in the shape of indices. Raises IndexError."""
    picked = np.asarray(indices, dtype=np.intp)
    missing = picked[(picked < 0) | (picked >= prod(shape))]
    if missing.size:
        raise IndexError(f"{name} {missing[0]} does not exist: there are {prod(shape)}, counted from 0")
    return np.unravel_index(picked, shape)


def vector(values: ArrayLike, size: int) -> Floats:
    """So many numbers. Raises ValueError for another shape."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (size,):
        raise ValueError(f"expected a vector of {counted(size, 'number')}, got shape {list(array.shape)}")
    return array
