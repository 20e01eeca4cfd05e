"""The transposed convolution, whole and step by step, both ways: as PyTorch computes ConvTranspose2d.

Scattering, each input cell lays the kernel, times its pixel, on the output; gathering, an output cell adds up
what lands on it. Both add the same products in the same order, so that they show the same digits; so does a
whole output of up to 2**20 multiply-adds. A step costs only its window.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import product
from operator import add
from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convtui.engine.convolution import MOST_IN_ORDER, Convolution, Step
from convtui.engine.cross_correlation import running_sums
from convtui.engine.finite import shaped
from convtui.engine.matrix import WeightMatrix
from convtui.engine.operation_matrix import TransposedMatrix
from convtui.engine.output_cells import OutputCells, Position, within
from convtui.engine.shown import Animated
from convtui.engine.spec import Floats, Indices, Picked, SpecError
from convtui.engine.transposed_spec import TransposedAxis, TransposedSpec
from convtui.engine.transposed_sums import Landed, transposed_cells, transposed_convolution
from convtui.engine.words import counted


@dataclass(frozen=True, eq=False)
class Scatter:
    """Where one input cell lands: its pixel times each weight is added to an output cell.

    index, position: the input cell as a flat index and as (input channel, row, column).
    channels: the F output channels on which it lands.
    rows [kH], columns [kW]: the output rows and columns on which the kernel lies; padding cuts off those that
    lie outside the output.
    is_cut [kH, kW]: which entries of the kernel are cut off.
    weights, addends [F, kH, kW]: the kernels, and the pixel times them.
    """

    index: int
    position: Position
    pixel: float
    channels: range
    rows: Indices
    columns: Indices
    is_cut: NDArray[np.bool_]
    weights: Floats
    addends: Floats


class TransposedConvolution(Animated):
    """A transposed convolution of one image, as torch.nn.functional.conv_transpose2d computes it.

    Shapes: image [C, H, W], weight [C, O/groups, kH, kW], bias [O] or None. All are stored as read-only
    float64. The keyword arguments are PyTorch's; padding is also taken as TransposedSpec takes it.
    Raises ValueError for other shapes or numbers that are not finite, SpecError for what PyTorch refuses.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html
    """

    def __init__(
        self,
        image: ArrayLike,
        weight: ArrayLike,
        bias: ArrayLike | None = None,
        stride: int | Sequence[int] = 1,
        padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
        output_padding: int | Sequence[int] = 0,
        groups: int = 1,
        dilation: int | Sequence[int] = 1,
    ) -> None:
        self.image = shaped("image", image, "[channels, rows, columns]")
        self.weight = shaped("weight", weight, "[in_channels, out_channels/groups, rows, columns]")
        self.bias = None if bias is None else shaped("bias", bias, "[out_channels]")
        self.spec = TransposedSpec(self.weight.shape[2:], stride, padding, output_padding, groups, dilation)
        self.spec.check(self.image.shape, self.weight.shape)
        filters = self.weight.shape[1] * groups
        if self.bias is not None and len(self.bias) != filters:
            channels = counted(filters, "output channel")
            raise ValueError(f"bias has {counted(len(self.bias), 'number')}, the weight has {channels}")
        self.axes: tuple[TransposedAxis, TransposedAxis] = self.spec.axes(*self.image.shape[1:])
        rows, columns = self.axes
        self.cells = OutputCells((filters, rows.output, columns.output))

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(channels, rows, columns) of the image."""
        channels, rows, columns = self.image.shape
        return channels, rows, columns

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """(input channels, output channels of a group, rows, columns) of the weight."""
        channels, filters, rows, columns = self.weight.shape
        return channels, filters, rows, columns

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """(channels, rows, columns) of the output."""
        return self.cells.shape

    @property
    def size(self) -> int:
        """The number of output cells."""
        return self.cells.size

    @cached_property
    def output(self) -> Floats:
        """The whole output [O, H', W']. Raises MemoryError beyond 2**27 cells; `block` computes a part."""
        self.cells.require_memory()
        slices = len(self.weight) // self.spec.groups
        products = max(self.image[0].size * self.weight.size, self.size * slices)
        output: Floats = transposed_convolution(
            self.image[None],
            self.weight,
            self.bias,
            self.axes,
            self.spec.groups,
            in_order=products <= MOST_IN_ORDER,
        )[0]
        output.setflags(write=False)
        return output

    def block(self, channel: int, rows: Picked | slice, columns: Picked | slice) -> Floats:
        """The output cells [len(rows), len(columns)] of one channel, at these rows and columns only.

        Raises IndexError for a cell that does not exist.
        """
        image, weights = self._landing_on(channel)
        cells = transposed_cells(image, weights, self.axes, *self.cells.picked(rows, columns))
        return cells if self.bias is None else cells + self.bias[channel]

    def position(self, index: int) -> Position:
        """The (channel, row, column) of the output cell with this flat index.

        Raises IndexError for a cell that does not exist.
        """
        return self.cells.position(index)

    def index(self, o: int, r: int, c: int) -> int:
        """The flat index of the output cell (o, r, c). Raises IndexError for a cell that does not exist."""
        return self.cells.index(o, r, c)

    @overload
    def step(self, index: int, /) -> Step: ...
    @overload
    def step(self, o: int, r: int, c: int, /) -> Step: ...
    @np.errstate(over="ignore", invalid="ignore")
    def step(self, *at: int) -> Step:
        """How one output cell gathers what lands on it, given by its flat index or (channel, row, column).

        The window are the input cells that land there, the weights those with which they do, entry by entry:
        entry (i, j) has tap (axes[0].taps(row)[i], axes[1].taps(column)[j]) of the kernel. There may be none.
        Raises IndexError for a cell that does not exist.
        """
        index, position = self.cells.at(*at)
        o, r, c = position
        image, kernels = self._landing_on(o)
        down, across = self.axes
        (rows, row_taps), (columns, column_taps) = down.gather(r), across.gather(c)
        window = image[:, rows[:, None], columns]
        weights = kernels[:, row_taps[:, None], column_taps]
        products = window * weights
        slice_sums = running_sums(products)[:, -1] if products.size else np.zeros(len(image))
        bias = 0.0 if self.bias is None else float(self.bias[o])
        return Step(
            index=index,
            position=position,
            channels=self.channels_read(o),
            rows=rows,
            columns=columns,
            source_rows=rows,
            source_columns=columns,
            is_padding=np.zeros((rows.size, columns.size), dtype=np.bool_),
            window=window,
            weights=weights,
            products=products,
            slice_sums=slice_sums,
            bias=bias,
            has_bias=self.bias is not None,
            value=reduce(add, slice_sums.tolist(), 0.0) + bias,
        )

    @overload
    def scatter(self, index: int, /) -> Scatter: ...
    @overload
    def scatter(self, c: int, r: int, q: int, /) -> Scatter: ...
    @np.errstate(over="ignore", invalid="ignore")
    def scatter(self, *at: int) -> Scatter:
        """Where one input cell lands, given by its flat index or its (channel, row, column).

        Raises IndexError for a cell that does not exist.
        """
        index, position = OutputCells(self.image_shape).at(*at)
        c, r, q = position
        rows, columns = self.axes[0].lands(r), self.axes[1].lands(q)
        _, height, width = self.output_shape
        is_row, is_column = (rows >= 0) & (rows < height), (columns >= 0) & (columns < width)
        pixel = float(self.image[position])
        return Scatter(
            index=index,
            position=position,
            pixel=pixel,
            channels=self.reading_channels(c),
            rows=rows,
            columns=columns,
            is_cut=~(is_row[:, None] & is_column),
            weights=self.weight[c],
            addends=pixel * self.weight[c],
        )

    def landed(
        self, index: int, entries: int, channel: int, rows: Picked | slice, columns: Picked | slice
    ) -> Floats:
        """Output cells as in `block`, without the bias, when only some of the image has landed.

        That are the input cells before the one of this flat index, and so many entries of its kernels, in the
        order of output channels, rows and columns. Raises IndexError for a cell that does not exist.
        """
        image, weights = self._landing_on(channel)
        landed = self._landed(index, entries, channel)
        return transposed_cells(image, weights, self.axes, *self.cells.picked(rows, columns), landed)

    def has_landed(
        self, index: int, entries: int, channel: int, rows: Picked | slice, columns: Picked | slice
    ) -> NDArray[np.bool_]:
        """[rows, columns] on which output cells anything has landed by then, as in `landed`."""
        landed, (down, across) = self._landed(index, entries, channel), self.axes
        picked_rows, picked_columns = self.cells.picked(rows, columns)
        (first_rows, row_taps), (first_columns, column_taps) = (
            axis.first_landing(picked) for axis, picked in ((down, picked_rows), (across, picked_columns))
        )
        is_landing: NDArray[np.bool_] = (first_rows >= 0)[:, None] & (first_columns >= 0)
        if landed.slice > 0:
            return is_landing
        if landed.slice < 0:
            return np.zeros_like(is_landing)
        taps = row_taps[:, None] * across.kernel + column_taps
        is_there = (first_rows == landed.row)[:, None] & (first_columns == landed.column)
        is_before = (first_rows < landed.row)[:, None] | (
            (first_rows == landed.row)[:, None] & (first_columns < landed.column)
        )
        is_landing &= is_before | (is_there & (taps < landed.taps))
        return is_landing

    @property
    def overlaps(self) -> Indices:
        """[H', W'] how many input cells of a channel land on each output cell."""
        return np.multiply.outer(self.axes[0].counts, self.axes[1].counts)

    def entries(self, index: int) -> int:
        """How many products are added up in an output cell. Raises IndexError if there is no such cell."""
        o, row, column = self.position(index)
        counts = self.axes[0].counts[row] * self.axes[1].counts[column]
        return int(counts) * len(self.channels_read(o))

    def touched_by(self, c: int, r: int, q: int) -> list[Position]:
        """The output cells on which the pixel in channel c, row r, column q lands.

        Raises IndexError for a pixel that does not exist.
        """
        _, height, width = self.image_shape
        rows = self.axes[0].outputs_reading(within("input row", r, height)).tolist()
        columns = self.axes[1].outputs_reading(within("input column", q, width)).tolist()
        return list(product(self.reading_channels(c), rows, columns))

    def channels_read(self, o: int) -> range:
        """The input channels that land on output channel o.

        Raises IndexError for a channel that does not exist.
        """
        slices = len(self.weight) // self.spec.groups
        group = within("output channel", o, self.cells.shape[0]) // self.weight.shape[1]
        return range(group * slices, (group + 1) * slices)

    def reading_channels(self, c: int) -> range:
        """The output channels on which input channel c lands.

        Raises IndexError for a channel that does not exist.
        """
        filters = self.weight.shape[1]
        group = within("input channel", c, len(self.image)) * self.spec.groups // len(self.weight)
        return range(group * filters, (group + 1) * filters)

    @property
    def convolution(self) -> Convolution:
        """The convolution of the output whose weight matrix is the transpose of this one's.

        It has the same weight, stride, padding and dilation, and an output of the shape of this image.
        Raises SpecError for so much output_padding that there is none.
        """
        spec = self.spec
        if any(extra >= stride for extra, stride in zip(spec.output_padding, spec.stride, strict=True)):
            raise SpecError("output_padding", spec.output_padding, "must be smaller than the stride for that")
        return Convolution(
            self.output, self.weight, None, spec.stride, spec.padding, spec.dilation, spec.groups
        )

    @cached_property
    def weight_matrix(self) -> TransposedMatrix:
        """The matrix M with M @ flattened image + bias = flattened output.

        It is the transpose of the weight matrix of a convolution of the output to the image's shape, not its
        inverse; of that of `convolution`, where output_padding leaves one.
        Source: https://arxiv.org/abs/1603.07285, section 4.1
        """
        rows, columns = (axis.reading_output for axis in self.axes)
        return WeightMatrix(self.weight, (rows, columns), self.spec.groups).transposed()

    def _landed(self, index: int, entries: int, channel: int) -> Landed:
        """What of an output channel has landed with so many entries of an input cell."""
        c, r, q = OutputCells(self.image_shape).position(index)
        read = self.channels_read(channel)
        _, filters, height, width = self.weight_shape
        taps = entries - channel % filters * height * width
        return Landed(min(max(c - read.start, -1), len(read)), r, q, taps)

    def _landing_on(self, channel: int) -> tuple[Floats, Floats]:
        """What lands on an output channel: image [S, H, W] and weights [S, kH, kW]."""
        read = self.channels_read(channel)
        image, weights = self.image[read.start : read.stop], self.weight[read.start : read.stop]
        return image, weights[:, channel % self.weight.shape[1]]
