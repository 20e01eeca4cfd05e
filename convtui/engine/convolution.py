"""The convolution itself, whole and step by step, in float64 as PyTorch computes it.

A step, and a block of output cells, add the same products in the same order (the entries of a slice, then
the slices, then the bias), so that they show the same digits; so does a whole output of up to 2**20
multiply-adds, a matter of a millisecond or two. A larger one is summed by BLAS, many times faster, and its
last digits may differ. A step costs only its window.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import accumulate, product
from operator import add
from typing import TYPE_CHECKING, NamedTuple, TypedDict, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convtui.engine.cross_correlation import cross_correlation, running_sums
from convtui.engine.finite import shaped
from convtui.engine.output_cells import OutputCells, Position, within
from convtui.engine.shown import Animated, Shown
from convtui.engine.spec import Axis, ConvSpec, Floats, Indices, Picked
from convtui.engine.words import counted

if TYPE_CHECKING:
    from convtui.engine.matrix import WeightMatrix

MOST_IN_ORDER = 2**20  # multiply-adds


class Changes(TypedDict, total=False):
    """The keyword arguments of Convolution.replaced: those of its constructor."""

    image: ArrayLike
    weight: ArrayLike
    bias: ArrayLike | None
    stride: int | Sequence[int]
    padding: int | str | Sequence[int] | Sequence[Sequence[int]]
    dilation: int | Sequence[int]
    groups: int
    padding_mode: str


class MultiplyAdd(NamedTuple):
    """One product of a step, at row i and column j of a kernel slice, and the running sum after it."""

    slice: int
    i: int
    j: int
    pixel: float
    weight: float
    product: float
    running: float


@dataclass(frozen=True, eq=False)
class Step(Shown):
    """How one output cell is computed, from a filter with S slices of kH x kW.

    index, position: the output cell as a flat index and as (output channel, row, column).
    channels: the S input channels that the filter reads.
    rows [kH], columns [kW]: the window in image coordinates; in the padding they lie outside the image.
    source_rows [kH], source_columns [kW]: where the pixels are read; -1 in zero padding.
    is_padding [kH, kW]: which entries of the window are zero padding.
    window, weights, products [S, kH, kW]: the pixels, the filter, and the pixels times the weights.
    slice_sums [S]: the sum of the products of each slice.
    bias, has_bias, value: the bias (0 if there is none), and the output cell with it.
    """

    index: int
    position: Position
    channels: range
    rows: Indices
    columns: Indices
    source_rows: Indices
    source_columns: Indices
    is_padding: NDArray[np.bool_]
    window: Floats
    weights: Floats
    products: Floats
    slice_sums: Floats
    bias: float
    has_bias: bool
    value: float

    @cached_property
    @np.errstate(over="ignore", invalid="ignore")
    def running(self) -> Floats:
        """The sum after each multiply-add [S*kH*kW], without the bias."""
        before = [*accumulate(self.slice_sums[:-1].tolist(), initial=0.0)]
        running: Floats = running_sums(self.products) + np.array(before)[:, None]
        return running.ravel()

    @cached_property
    def multiply_adds(self) -> tuple[MultiplyAdd, ...]:
        """The products in the order in which they are added: slice by slice, row by row."""
        entries = np.ndindex(self.products.shape)
        values = (self.window, self.weights, self.products, self.running)
        numbers = zip(*(value.ravel().tolist() for value in values), strict=True)
        return tuple(MultiplyAdd(*entry, *four) for entry, four in zip(entries, numbers, strict=True))


class Convolution(Animated):
    """A 2D convolution of one image, as torch.nn.Conv2d computes it: the kernel is not flipped.

    Shapes: image [C, H, W], weight [O, C/groups, kH, kW], bias [O] or None. All are stored as read-only
    float64. The keyword arguments are PyTorch's; padding may also be ((top, bottom), (left, right)).
    Raises ValueError for other shapes or numbers that are not finite, SpecError for what PyTorch refuses.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.Conv2d.html
    """

    def __init__(
        self,
        image: ArrayLike,
        weight: ArrayLike,
        bias: ArrayLike | None = None,
        stride: int | Sequence[int] = 1,
        padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        padding_mode: str = "zeros",
    ) -> None:
        self.image = shaped("image", image, "[channels, rows, columns]")
        self.weight = shaped("weight", weight, "[out_channels, in_channels/groups, rows, columns]")
        self.bias = None if bias is None else shaped("bias", bias, "[out_channels]")
        spec = ConvSpec(self.weight.shape[2:], stride, padding, dilation, groups, padding_mode)
        self.spec = spec.over(*self.image.shape[1:])
        self.spec.check(self.image.shape, self.weight.shape)
        if self.bias is not None and len(self.bias) != len(self.weight):
            filters = counted(len(self.weight), "filter")
            raise ValueError(f"bias has {counted(len(self.bias), 'number')}, but the weight has {filters}")
        self.axes: tuple[Axis, Axis] = self.spec.axes(*self.image.shape[1:])
        rows, columns = self.axes
        self.cells = OutputCells((len(self.weight), rows.output, columns.output))

    def replaced(self, **changes: Unpack[Changes]) -> "Convolution":
        """A copy with these arguments changed. Raises what the constructor raises."""
        spec = self.spec
        arguments = Changes(
            image=self.image,
            weight=self.weight,
            bias=self.bias,
            stride=spec.stride,
            padding=spec.padding,
            dilation=spec.dilation,
            groups=spec.groups,
            padding_mode=spec.padding_mode,
        )
        arguments.update(changes)
        return Convolution(**arguments)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(channels, rows, columns) of the image."""
        channels, rows, columns = self.image.shape
        return channels, rows, columns

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """(filters, slices, rows, columns) of the weight."""
        filters, slices, rows, columns = self.weight.shape
        return filters, slices, rows, columns

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
        output: Floats = cross_correlation(
            self.image[None],
            self.weight,
            self.bias,
            self.axes,
            self.spec.groups,
            in_order=self.size * self.weight[0].size <= MOST_IN_ORDER,
        )[0]
        output.setflags(write=False)
        return output

    def block(self, channel: int, rows: Picked | slice, columns: Picked | slice) -> Floats:
        """The output cells [len(rows), len(columns)] of one channel, at these rows and columns only.

        Raises IndexError for a cell that does not exist.
        """
        channel = within("output channel", channel, len(self.weight))
        down, across = self.cells.picked(rows, columns)
        bias = None if self.bias is None else self.bias[channel : channel + 1]
        read = self.channels_read(channel)
        cells: Floats = cross_correlation(
            self.image[None, read.start : read.stop],
            self.weight[channel : channel + 1],
            bias,
            self.axes,
            rows=down,
            columns=across,
            in_order=True,
        )[0, 0]
        return cells

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
        """How one output cell is computed, given by its flat index or its (channel, row, column).

        Raises IndexError for a cell that does not exist.
        """
        index, position = self.cells.at(*at)
        o, r, c = position
        down, across = self.axes
        at_rows, at_columns = down.reads(r), across.reads(c)
        rows, columns = down.positions[at_rows], across.positions[at_columns]
        channels = self.channels_read(o)
        image = self.image[channels.start : channels.stop]
        if down.is_inside(r) and across.is_inside(c):
            source_rows, source_columns = rows, columns
            is_padding = np.zeros(self.spec.kernel_size, dtype=np.bool_)
            window = image[
                :, rows[0] : rows[-1] + 1 : down.dilation, columns[0] : columns[-1] + 1 : across.dilation
            ]
        else:
            source_rows, source_columns = down.sources[at_rows], across.sources[at_columns]
            is_padding = (source_rows < 0)[:, None] | (source_columns < 0)
            window = image[:, source_rows[:, None], source_columns]
            window[:, is_padding] = 0.0
        weights = self.weight[o]
        products = window * weights
        slice_sums = running_sums(products)[:, -1]
        total = reduce(add, slice_sums.tolist(), 0.0)  # sum() makes up for rounding from Python 3.12 on
        bias = 0.0 if self.bias is None else float(self.bias[o])
        return Step(
            index=index,
            position=position,
            channels=channels,
            rows=rows,
            columns=columns,
            source_rows=source_rows,
            source_columns=source_columns,
            is_padding=is_padding,
            window=window,
            weights=weights,
            products=products,
            slice_sums=slice_sums,
            bias=bias,
            has_bias=self.bias is not None,
            value=total + bias,
        )

    def entries(self, index: int) -> int:  # noqa: ARG002
        """How many products are added up in an output cell."""
        _, slices, rows, columns = self.weight_shape
        return slices * rows * columns

    def touched_by(self, c: int, r: int, q: int) -> list[Position]:
        """The output cells that read the pixel in channel c, row r, column q, directly or through padding.

        Raises IndexError for a pixel that does not exist.
        """
        _, height, width = self.image_shape
        rows = self.axes[0].outputs_reading(within("input row", r, height)).tolist()
        columns = self.axes[1].outputs_reading(within("input column", q, width)).tolist()
        return list(product(self.reading_channels(c), rows, columns))

    def channels_read(self, o: int) -> range:
        """The input channels that output channel o reads, one for each slice of its filter.

        Raises IndexError for a channel that does not exist.
        """
        filters, slices, *_ = self.weight.shape
        group = within("output channel", o, filters) * self.spec.groups // filters
        return range(group * slices, (group + 1) * slices)

    def reading_channels(self, c: int) -> range:
        """The output channels that read input channel c. Raises IndexError for one that does not exist."""
        filters = len(self.weight) // self.spec.groups
        group = within("input channel", c, len(self.image)) // self.weight.shape[1]
        return range(group * filters, (group + 1) * filters)

    @cached_property
    def weight_matrix(self) -> "WeightMatrix":
        """The matrix M with M @ flattened image + bias = flattened output."""
        from convtui.engine.matrix import WeightMatrix

        return WeightMatrix(self.weight, self.axes, self.spec.groups)
