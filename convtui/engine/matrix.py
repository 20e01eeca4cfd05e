"""The convolution as a multiplication by a sparse matrix, so that the sharing of weights can be seen.

The matrix is never built. Which kernel entry joins an output cell and an input value follows from rows and
columns apart, so that any part of it costs no more than that part and one row and column of the image.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from convtui.engine.cross_correlation import cross_correlation
from convtui.engine.operation_matrix import (
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
from convtui.engine.spec import Axis, Floats, Indices, Picked
from convtui.engine.taps import (
    count_read,
    count_used,
    crossed,
    padding_as_inputs,
    reading,
    tap_reads,
    tap_sets,
    windows,
)

MOST_SUMS = 2**21


@dataclass(frozen=True, eq=False)
class WeightMatrix:
    """The matrix M of a convolution: M @ vec(image) + bias = vec(output), M.T @ g is the image's gradient.

    Rows are output cells in the order of output [O, H', W'], columns are input values in the order of image
    [C, H, W], or with_padding of the padded image. weight [O, C/groups, kH, kW], axes and groups are those of
    the Convolution whose weight_matrix it is.
    Source: https://arxiv.org/abs/1603.07285, section 4.1
    """

    weight: Floats
    axes: tuple[Axis, Axis]
    groups: int
    with_padding: bool = False

    def padded(self) -> "WeightMatrix":
        """The same matrix with the padding kept as columns: no cell has more than one kernel entry."""
        return replace(self, with_padding=True)

    def transposed(self) -> TransposedMatrix:
        """The matrix that a gradient or a transposed convolution multiplies by."""
        return TransposedMatrix(self)

    @property
    def channels(self) -> int:
        """The number of channels of the image."""
        return self.groups * int(self.weight.shape[1])

    @property
    def output_shape(self) -> MapShape:
        """[O, H', W'] of the output."""
        rows, columns = self.axes
        return len(self.weight), rows.output, columns.output

    @property
    def input_shape(self) -> MapShape:
        """[C, H, W] of the image, or with_padding of the padded image."""
        rows, columns = self._axes
        return self.channels, rows.size, columns.size

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return prod(self.output_shape), prod(self.input_shape)

    @property
    def limit(self) -> float:
        """The largest magnitude of a weight."""
        return float(np.abs(self.weight).max())

    @property
    def distinct_weights(self) -> int:
        """Number of free parameters: the kernel entries that occur in the matrix."""
        return prod(self.weight.shape[:2]) * prod(count_used(axis) for axis in self._axes)

    @property
    def places(self) -> int:
        """Number of places of weights: the cells with a kernel entry, also where its weight is 0."""
        return prod(self.weight.shape[:2]) * prod(int(counts.sum()) for counts in self._counts)

    @property
    def empty_rows(self) -> int:
        """Number of rows without a place of a weight: output cells whose window holds only zero padding."""
        used = prod(int(np.count_nonzero(counts)) for counts in self._counts)
        return prod(self.output_shape) - len(self.weight) * used

    @property
    def empty_columns(self) -> int:
        """Number of columns without a place of a weight: input values that no window reads."""
        used = prod(axis.size - len(axis.unused) for axis in self._axes)
        return prod(self.input_shape) - self.channels * used

    @property
    def nonzeros(self) -> int | None:
        """Number of values that are not 0; None where the padding repeats pixels in too many ways to count.

        Those are more than 2**21 sums of several weights, which only large kernels have.
        """
        return self._filled and self._filled.values

    @property
    def zero_rows(self) -> int | None:
        """Number of rows in which all values are 0, the empty ones among them; None as for nonzeros."""
        return self._filled and prod(self.output_shape) - self._filled.rows

    @property
    def zero_columns(self) -> int | None:
        """Number of columns in which all values are 0, the empty ones among them; None as for nonzeros."""
        return self._filled and prod(self.input_shape) - self._filled.columns

    def row(self, i: int) -> Places:
        """What output cell i reads. Raises IndexError."""
        o, *_ = coordinates("output cell", i, self.output_shape)
        read = self._columns_read(np.array([i]))[0]
        taps = np.flatnonzero(read >= 0)
        return self._places(read[taps], o * read.size + taps)

    def column(self, j: int) -> Places:
        """What reads input value j. Raises IndexError."""
        channel, *inputs = coordinates("input value", j, self.input_shape)
        (r, tap_rows), (c, tap_columns) = (
            reading(axis, int(at)) for axis, at in zip(self._axes, inputs, strict=True)
        )
        group, s = divmod(int(channel), self.weight.shape[1])
        filters = len(self.weight) // self.groups
        o = np.arange(group * filters, (group + 1) * filters)[:, None, None]
        _, height, width = self.output_shape
        rows = (o * height + r[:, None]) * width + c
        return self._places(rows.ravel(), self._entries(o, s, tap_rows[:, None], tap_columns).ravel())

    def entries_at(self, i: int, j: int) -> tuple[int, ...]:
        """The kernel entries in cell (i, j), flat indices into the weight: none at a structural zero.

        Raises IndexError.
        """
        o, *outputs = coordinates("output cell", i, self.output_shape)
        channel, *inputs = coordinates("input value", j, self.input_shape)
        slices = np.flatnonzero(self._channels_read(o) == channel)
        rows, columns = (
            np.flatnonzero(windows(axis, output) == at)
            for axis, output, at in zip(self._axes, outputs, inputs, strict=True)
        )
        entries = self._entries(o, slices[:, None, None], rows[:, None], columns)
        return tuple(entries.ravel().tolist())

    def block(self, rows: Picked, columns: Picked) -> Block:
        """The cells [len(rows), len(columns)] where these rows and columns cross. Raises IndexError."""
        o, *outputs = coordinates("output cell", rows, self.output_shape)
        channel, *inputs = coordinates("input value", columns, self.input_shape)
        s = channel - self._channels_read(o)[:, :1]
        is_in_group = (s >= 0) & (s < self.weight.shape[1])
        reads_row, reads_column = (
            windows(axis, output).T[:, :, None] == at
            for axis, output, at in zip(self._axes, outputs, inputs, strict=True)
        )
        p, q = np.nonzero(is_in_group & reads_row.any(axis=0) & reads_column.any(axis=0))
        n, i, j = crossed(reads_row[:, p, q], reads_column[:, p, q])
        of_cells = self._entries(o[p[n]], s[p[n], q[n]], i, j)
        values, entries = np.zeros(s.shape), np.full(s.shape, -1)
        values[p, q] = np.bincount(n, weights=self.weight.take(of_cells), minlength=p.size)
        entries[p, q] = of_cells[np.flatnonzero(np.diff(n, prepend=-1))]
        return Block(values, entries)

    def toarray(self) -> Floats:
        """[rows, columns] the whole matrix. Raises ValueError beyond 4,000,000 cells."""
        rows, columns = prod(self.output_shape), prod(self.input_shape)
        require_dense(rows, columns)
        filters, channels = len(self.weight), self.channels
        array = np.zeros((filters, rows // filters, channels, columns // channels))
        o = np.arange(filters)[:, None, None]
        read = self._channels_read(o[:, 0, 0])[..., None]
        for i, j, cells, pixels in tap_reads(*self._axes):
            array[o, cells, read, pixels] += self.weight[:, :, i, j, None]
        return array.reshape(rows, columns)

    def matvec(self, x: ArrayLike) -> Floats:
        """[rows] M @ x for x [columns]: of an image, the output without bias. Raises ValueError."""
        image = vector(x, prod(self.input_shape)).reshape(1, *self.input_shape)
        return cross_correlation(image, self.weight, None, self._axes, self.groups).ravel()

    @np.errstate(over="ignore", invalid="ignore")
    def rmatvec(self, g: ArrayLike) -> Floats:
        """[columns] M.T @ g for g [rows]: of the output's gradient, the image's. Raises ValueError."""
        filters, slices, *kernel = self.weight.shape
        weight = self.weight.reshape(self.groups, filters // self.groups, slices, *kernel)
        given = vector(g, prod(self.output_shape)).reshape(*weight.shape[:2], -1)
        gradient = np.zeros((self.channels, prod(self.input_shape[1:])))
        planes = np.arange(self.channels)[:, None] * gradient.shape[1]
        for i, j, cells, pixels in tap_reads(*self._axes):
            products = weight[..., i, j].swapaxes(1, 2) @ given[..., cells]
            np.add.at(gradient.reshape(-1), (planes + pixels).ravel(), products.ravel())
        return gradient.ravel()

    def overview(self, height: int, width: int) -> Bools:
        """[height, width] where places of weights fall in a picture of the whole matrix, both at least 1.

        Dot (a, b) stands for rows a*rows//height up to (a+1)*rows//height and so for columns, at least one of
        each. It shows all places in them, or in a large matrix those of evenly spaced rows, one or more a
        dot: as many as keep within 20,000 rows and 2**18 kernel entries.
        """
        return overview_of(self.shape, height, width, self.weight[0].size, self._columns_read)

    @cached_property
    def _axes(self) -> tuple[Axis, Axis]:
        """The axes of the input values: with_padding, the padding belongs to the image."""
        if not self.with_padding:
            return self.axes
        rows, columns = map(padding_as_inputs, self.axes)
        return rows, columns

    @cached_property
    def _counts(self) -> tuple[Indices, Indices]:
        rows, columns = (count_read(axis) for axis in self._axes)
        return rows, columns

    @cached_property
    def _filled(self) -> "_Filled | None":
        """How many values, rows and columns are not 0, from the distinct sets of taps of the two axes."""
        rows, columns = (tap_sets(axis) for axis in self._axes)
        shape = *self.weight.shape[:2], len(rows.taps), len(columns.taps)
        if shape == self.weight.shape:
            is_filled = self.weight != 0
        elif prod(shape) <= MOST_SUMS:
            is_filled = rows.taps.astype(float) @ self.weight @ columns.taps.T.astype(float) != 0
        else:
            return None
        values = rows.counts @ is_filled.sum(axis=(0, 1)) @ columns.counts
        by_group = is_filled.reshape(self.groups, -1, *shape[1:])
        read = by_group.any(axis=1).reshape(-1, *shape[2:])
        return _Filled(
            int(values),
            _count_crossings(is_filled.any(axis=1), rows[2:4], columns[2:4]),
            _count_crossings(read, rows[4:6], columns[4:6]),
        )

    def _channels_read(self, o: Indices) -> Indices:
        """[..., S] the input channels that output channels read, one for each slice of their filters."""
        filters, slices, *_ = self.weight.shape
        channels: Indices = (o * self.groups // filters * slices)[..., None] + np.arange(slices)
        return channels

    def _columns_read(self, rows: Indices) -> Indices:
        """[len(rows), S*kH*kW] the column of each kernel entry, -1 where it lies over zero padding."""
        o, *outputs = np.unravel_index(rows, self.output_shape)
        _, height, width = self.input_shape
        y, x = (windows(axis, output) for axis, output in zip(self._axes, outputs, strict=True))
        y, x = y[:, None, :, None], x[:, None, None, :]
        columns = (self._channels_read(o)[..., None, None] * height + y) * width + x
        return np.where((y < 0) | (x < 0), -1, columns).reshape(len(rows), -1)

    def _entries(self, o: Indices, s: Indices | int, i: Indices, j: Indices) -> Indices:
        """Flat indices into the weight."""
        _, slices, height, width = self.weight.shape
        entries: Indices = ((o * slices + s) * height + i) * width + j
        return entries

    def _places(self, indices: Indices, entries: Indices) -> Places:
        order = np.lexsort((entries, indices))
        indices, entries = indices[order], entries[order]
        starts = np.flatnonzero(np.diff(indices, prepend=-1))
        values: Floats = np.add.reduceat(self.weight.take(entries), starts)
        return Places(indices[starts], values, entries, starts)


class _Filled(NamedTuple):
    """How many values, rows and columns of a matrix are not 0."""

    values: int
    rows: int
    columns: int


def _count_crossings(is_filled: Bools, rows: tuple[Bools, Indices], columns: tuple[Bools, Indices]) -> int:
    """In how many lines of the matrix a value is not 0, of each of which an axis gives one half.

    is_filled [channels, sets, sets] where two sets of taps sum to a value that is not 0; of each axis the
    sets [kinds, sets] that a kind of index has, and how many indices [kinds] are of it.
    """
    down, across = rows[0].astype(np.float32), columns[0].T.astype(np.float32)
    return sum(int(rows[1] @ (down @ each @ across > 0) @ columns[1]) for each in is_filled)
