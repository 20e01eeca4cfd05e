"""A pooling as a multiplication by a sparse matrix: each row has the shares of its window in the output cell.

Nothing in it is trained. An average has the same matrix for every image, with 1/divisor for each pixel of a
window. A maximum is no multiplication by one matrix, but for one image it is: by that with a 1 at the winner
of each window, which is also what the gradient goes back through.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from convtui.engine.operation_matrix import (
    MOST_SAMPLED_ENTRIES,
    Block,
    Bools,
    MapShape,
    Places,
    TransposedMatrix,
    coordinates,
    overview_of,
    require_dense,
    vector,
)
from convtui.engine.pooled import pixels_read, window_sources
from convtui.engine.reductions import Average, PoolAxes, PoolAxis, Reduction
from convtui.engine.spec import Floats, Indices, Picked

MOST_COMPARED = 2**22  # entries of windows, to find all winners
MOST_SHOWN = 2**14  # entries of a window of which an overview shows all


@dataclass(frozen=True, eq=False)
class PoolMatrix:
    """The matrix M of a pooling: M @ vec(image) = vec(output), M.T @ g is the image's gradient.

    Rows are output cells in the order of output [C, H', W'], columns are pixels in the order of image
    [C, H, W]. Its places are the pixels of each window; an entry is a flat index into the largest window.
    Where the window of a maximum has no pixel, the row is empty, and the output cell not 0 but -inf.
    """

    image: Floats
    axes: PoolAxes
    reduction: Reduction

    def transposed(self) -> TransposedMatrix:
        """The matrix that a gradient multiplies by."""
        return TransposedMatrix(self)

    @property
    def output_shape(self) -> MapShape:
        """[C, H', W'] of the output."""
        rows, columns = self.axes
        return len(self.image), rows.output, columns.output

    @property
    def input_shape(self) -> MapShape:
        """[C, H, W] of the image."""
        channels, height, width = self.image.shape
        return channels, height, width

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return prod(self.output_shape), prod(self.input_shape)

    @cached_property
    def limit(self) -> float:
        """The largest magnitude of a share."""
        if not isinstance(self.reduction, Average):
            return 1.0
        return float(1 / np.abs(self.reduction.different_divisors(self.axes)).min())

    @property
    def places(self) -> int:
        """Number of pixels in all windows: the cells where this or another image can have its winner."""
        return len(self.image) * prod(int(counts.sum()) for counts in self._counts)

    @property
    def empty_rows(self) -> int:
        """Number of rows without a place: output cells whose window has no pixel."""
        used = prod(int(np.count_nonzero(counts)) for counts in self._counts)
        return prod(self.output_shape) - len(self.image) * used

    @property
    def empty_columns(self) -> int:
        """Number of columns without a place: pixels that no window reads."""
        used = prod(axis.size - len(axis.unused) for axis in self.axes)
        return prod(self.input_shape) - len(self.image) * used

    @property
    def nonzeros(self) -> int:
        """Number of values that are not 0: all shares of an average, the winners of a maximum."""
        return self.places if isinstance(self.reduction, Average) else self.shape[0] - self.empty_rows

    @property
    def zero_rows(self) -> int:
        """Number of rows in which all values are 0: those without a place."""
        return self.empty_rows

    @cached_property
    def zero_columns(self) -> int | None:
        """Number of columns in which all values are 0: pixels that no gradient reaches.

        None for a maximum of windows with more than 2**22 entries in all.
        """
        if isinstance(self.reduction, Average):
            return self.empty_columns
        rows, columns = self.shape
        if rows * self._window > MOST_COMPARED:
            return None
        winners = self._winners(np.arange(rows))
        return columns - np.unique(winners[winners >= 0]).size

    def row(self, i: int) -> Places:
        """What output cell i reads. Raises IndexError."""
        return self._row(i, *self._taps_of(i))

    def middle_of_row(self, i: int, most: int) -> Places:
        """The same, or of more than so many places about as many in its middle. Raises IndexError."""
        y, x = self._taps_of(i)
        x = _middle(x, most)
        return self._row(i, _middle(y, max(1, most // max(1, x.size))), x)

    def winner(self, i: int) -> int | None:
        """The pixel in which row i of a maximum has its 1; None if the window has no pixel.

        Raises IndexError.
        """
        coordinates("output cell", i, self.output_shape)
        winner = int(self._winners(np.array([i]))[0])
        return None if winner < 0 else winner

    def column(self, j: int) -> Places:
        """What reads pixel j. Raises IndexError."""
        channel, *pixel = (int(at) for at in coordinates("pixel", j, self.input_shape))
        _, height, width = self.output_shape
        r, c = (axis.outputs_reading(at) for axis, at in zip(self.axes, pixel, strict=True))
        taps = (
            np.array(_taps(axis, outputs, np.array([at])))[:, 0]
            for axis, outputs, at in zip(self.axes, (r, c), pixel, strict=True)
        )
        down, across = taps
        cells = ((channel * height + r[:, None]) * width + c).ravel()
        entries = (down[:, None] * self.axes[1].kernel + across).ravel()
        values = self._values(cells, np.full((cells.size, 1), j))[:, 0]
        return Places(cells, values, entries, np.arange(cells.size))

    def entries_at(self, i: int, j: int) -> tuple[int, ...]:
        """The entry of the window in cell (i, j): none at a structural zero. Raises IndexError."""
        entry = int(self._entries(np.array([i]), np.array([j]))[0, 0])
        return () if entry < 0 else (entry,)

    def block(self, rows: Picked, columns: Picked) -> Block:
        """The cells [len(rows), len(columns)] where these rows and columns cross. Raises IndexError."""
        cells, pixels = (np.asarray(picked, dtype=np.intp) for picked in (rows, columns))
        entries = self._entries(cells, pixels)
        values = np.zeros(entries.shape)
        read = np.flatnonzero((entries >= 0).any(axis=1))
        values[read] = self._values(cells[read], np.broadcast_to(pixels, (read.size, pixels.size)))
        values[entries < 0] = 0.0
        return Block(values, entries)

    def toarray(self) -> Floats:
        """[rows, columns] the whole matrix. Raises ValueError beyond 4,000,000 cells."""
        rows, columns = self.shape
        require_dense(rows, columns)
        return self.block(range(rows), range(columns)).values

    def matvec(self, x: ArrayLike) -> Floats:
        """[rows] M @ x for x [columns]: of a maximum, x at the winners of this image. Raises ValueError."""
        values = np.append(vector(x, self.shape[1]), 0.0)
        products = np.zeros(self.shape[0])
        for cells, pixels, shares in self._bands():
            products[cells] = (values[pixels] * shares).sum(axis=1)
        return products

    def rmatvec(self, g: ArrayLike) -> Floats:
        """[columns] M.T @ g for g [rows]: of the output's gradient, the image's. Raises ValueError."""
        given = vector(g, self.shape[0])
        gradient = np.zeros(self.shape[1] + 1)
        for cells, pixels, shares in self._bands():
            np.add.at(gradient, pixels, given[cells, None] * shares)
        return gradient[:-1]

    def overview(self, height: int, width: int) -> Bools:
        """[height, width] where shares or winners fall in a picture of the whole matrix, both at least 1.

        Dot (a, b) stands for rows a*rows//height up to (a+1)*rows//height and so for columns, at least one of
        each. In a large matrix it shows evenly spaced rows of them, one or more a dot; and of more than 2**14
        shares in a row evenly spaced ones.
        """
        entries = min(self._window, MOST_SHOWN) if isinstance(self.reduction, Average) else self._window
        return overview_of(self.shape, height, width, entries, self._shown)

    def _taps_of(self, i: int) -> tuple[Indices, Indices]:
        """The rows and columns of output cell i's window that are pixels. Raises IndexError."""
        _, *outputs = coordinates("output cell", np.array([i]), self.output_shape)
        y, x = (
            np.flatnonzero(window_sources(axis, output)[0] >= 0)
            for axis, output in zip(self.axes, outputs, strict=True)
        )
        return y, x

    def _row(self, i: int, y: Indices, x: Indices) -> Places:
        """What output cell i reads in these rows and columns of its window, all of them pixels."""
        cell = np.array([i])
        pixels = self._pixels(cell, y, x)[0]
        entries = (y[:, None] * self.axes[1].kernel + x).ravel()
        return Places(pixels, self._values(cell, pixels[None])[0], entries, np.arange(pixels.size))

    def _shown(self, rows: Indices) -> Indices:
        """[rows, n] the columns that an overview shows of rows."""
        if not isinstance(self.reduction, Average):
            return self._winners(rows)[:, None]
        down, across = (axis.kernel for axis in self.axes)
        if self._window <= MOST_SHOWN:
            return self._pixels(rows, np.arange(down), np.arange(across))
        y = _spaced(down, MOST_SHOWN // min(across, int(MOST_SHOWN**0.5)))
        return self._pixels(rows, y, _spaced(across, MOST_SHOWN // len(y)))

    @cached_property
    def _counts(self) -> tuple[Indices, Indices]:
        """How many pixels the windows read along each axis."""
        rows, columns = (_count_read(axis) for axis in self.axes)
        return rows, columns

    @property
    def _window(self) -> int:
        """Entries of the largest window."""
        return self.axes[0].kernel * self.axes[1].kernel

    def _entries(self, rows: Indices, columns: Indices) -> Indices:
        """[len(rows), len(columns)] entries of windows, -1 at structural zeros. Raises IndexError."""
        o, *outputs = coordinates("output cell", rows, self.output_shape)
        channel, *inputs = coordinates("pixel", columns, self.input_shape)
        down, across = (
            _taps(axis, output, at) for axis, output, at in zip(self.axes, outputs, inputs, strict=True)
        )
        is_read = (o[:, None] == channel) & (down >= 0) & (across >= 0)
        return np.where(is_read, down * self.axes[1].kernel + across, -1)

    def _values(self, rows: Indices, columns: Indices) -> Floats:
        """[rows, n] the values at columns [rows, n], all of them places."""
        if isinstance(self.reduction, Average):
            _, r, c = np.unravel_index(rows, self.output_shape)
            shares: Floats = np.broadcast_to(
                1 / self.reduction.divisors(self.axes, r, c)[:, None], columns.shape
            )
            return shares
        won: Floats = (columns == self._winners(rows)[:, None]).astype(np.float64)
        return won

    def _pixels(self, rows: Indices, down: Indices, across: Indices) -> Indices:
        """[rows, n] the columns of these taps of each row's window, -1 where there is no pixel."""
        channel, r, c = np.unravel_index(rows, self.output_shape)
        _, height, width = self.input_shape
        y = window_sources(self.axes[0], r)[:, down, None]
        x = window_sources(self.axes[1], c)[:, None, across]
        pixels = (channel[:, None, None] * height + y) * width + x
        return np.where((y < 0) | (x < 0), -1, pixels).reshape(len(rows), -1)

    def _bands(self) -> Iterator[tuple[slice, Indices, Floats]]:
        """Some rows at a time, the columns [n, k] of their values, -1 for none, and the values [n, 1]."""
        rows, taps = self.shape[0], [np.arange(axis.kernel) for axis in self.axes]
        band = max(1, MOST_SAMPLED_ENTRIES // self._window)
        for first in range(0, rows, band):
            cells = np.arange(first, min(first + band, rows))
            if isinstance(self.reduction, Average):
                _, r, c = np.unravel_index(cells, self.output_shape)
                shares = 1 / self.reduction.divisors(self.axes, r, c)[:, None]
                yield slice(first, first + band), self._pixels(cells, *taps), shares
            else:
                winners = self._winners(cells)[:, None]
                yield slice(first, first + band), winners, np.ones(winners.shape)

    def _winners(self, rows: Indices) -> Indices:
        """[rows] the column of each row's winner, the first of several; -1 where the window has no pixel."""
        if self._window > MOST_SHOWN:
            return np.array([self._winner(row) for row in rows.tolist()], dtype=np.intp)
        winners = np.empty(len(rows), dtype=np.intp)
        taps = [np.arange(axis.kernel) for axis in self.axes]
        band = max(1, MOST_SAMPLED_ENTRIES // self._window)
        for first in range(0, len(rows), band):
            pixels = self._pixels(rows[first : first + band], *taps)
            at = np.unravel_index(np.maximum(pixels, 0), self.input_shape)
            greatest = np.where(pixels < 0, -np.inf, self.image[at]).argmax(axis=1)
            winners[first : first + band] = pixels[np.arange(len(pixels)), greatest]
        return winners

    @cached_property
    def _winner(self) -> Callable[[int], int]:
        """The same for one row, of a large window."""

        @lru_cache(maxsize=256)
        def winner(row: int) -> int:
            channel, *outputs = (int(at) for at in np.unravel_index(row, self.output_shape))
            down, across = (
                pixels_read(axis, output) for axis, output in zip(self.axes, outputs, strict=True)
            )
            window = self.image[channel, down, across]
            if not window.size:
                return -1
            i, j = divmod(int(window.argmax()), window.shape[1])
            _, height, width = self.input_shape
            row, column = (each.start + (each.step or 1) * tap for each, tap in ((down, i), (across, j)))
            return int((channel * height + row) * width + column)

        return winner


def _taps(axis: PoolAxis, outputs: Indices, inputs: Indices) -> Indices:
    """[outputs, inputs] the entry along an axis with which an output reads an input, -1 if it does not."""
    starts, ends = axis.starts(outputs)[:, None], axis.ends(outputs)[:, None]
    taps, skipped = np.divmod(inputs - starts, axis.dilation)
    return np.where((inputs >= starts) & (inputs < ends) & (skipped == 0), taps, -1)


def _count_read(axis: PoolAxis) -> Indices:
    """[output] how many input indices each output index reads."""
    outputs = np.arange(axis.output)
    starts = axis.starts(outputs)
    first = np.maximum(-(starts // axis.dilation), 0)
    last = (np.minimum(axis.ends(outputs), axis.size) - 1 - starts) // axis.dilation
    return np.maximum(last - first + 1, 0)


def _spaced(size: int, most: int) -> Indices:
    """At most so many of this many indices, evenly spaced."""
    count = min(size, most)
    return np.arange(count) * size // count


def _middle(indices: Indices, most: int) -> Indices:
    """At most so many of them, from their middle."""
    first = max(0, (indices.size - most) // 2)
    return indices[first : first + most]
