"""Pooling whole and step by step: the greatest pixel or the mean of each window, channel by channel.

The windows are those of MaxPool2d and AvgPool2d or those of adaptive pooling; what is done to them does not
depend on that. A step and a block of output cells add the same pixels in the same order, row by row, so that
they show the same digits. A step costs only its window.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convtui.engine.adaptive import AdaptiveSpec
from convtui.engine.finite import shaped
from convtui.engine.output_cells import OutputCells, Position, within
from convtui.engine.pool_matrix import PoolMatrix
from convtui.engine.pool_spec import PoolSpec
from convtui.engine.pooled import pooled
from convtui.engine.reductions import Average, Maximum, Mean, PoolAxes, Reduction, Winner
from convtui.engine.shown import Animated, Shown
from convtui.engine.spec import Floats, Indices, Picked, SpecError, brief


@dataclass(frozen=True, eq=False)
class PoolStep(Shown):
    """How one output cell is computed, from a window of kH x kW entries in its own channel.

    rows [kH], columns [kW], source_rows [kH], source_columns [kW], is_padding [kH, kW], window [1, kH, kW]:
    as in engine.convolution.Step. is_padding is also true for what hangs over the padded image.
    done: which entry is the greatest, or how the mean is worked out.
    """

    index: int
    position: Position
    rows: Indices
    columns: Indices
    source_rows: Indices
    source_columns: Indices
    is_padding: NDArray[np.bool_]
    window: Floats
    done: Winner | Mean

    @property
    def channels(self) -> range:
        """The channel that is read: the output cell's own."""
        return range(self.position[0], self.position[0] + 1)

    @property
    def value(self) -> float:
        """The output cell."""
        return self.done.value

    @property
    def gradient(self) -> Floats:
        """[kH, kW] what reaches each entry of the window of a gradient of 1 in the output cell."""
        return self.done.gradient


class Pooling(Animated):
    """A pooling of one image [C, H, W], which is stored as read-only float64.

    spec: where the windows lie. reduction: what is done to each.
    Raises ValueError for other shapes or numbers that are not finite, SpecError for what PyTorch refuses.
    """

    def __init__(self, image: ArrayLike, spec: PoolSpec | AdaptiveSpec, reduction: Reduction) -> None:
        self.image = shaped("image", image, "[channels, rows, columns]")
        channels, height, width = self.image.shape
        self.image_shape = channels, height, width
        if isinstance(reduction, Average) and isinstance(spec, PoolSpec) and spec.dilation != (1, 1):
            raise SpecError("dilation", brief(spec.dilation), "average pooling has none", "1")
        self.spec = spec.over(height, width) if isinstance(spec, PoolSpec) else spec
        self.reduction = reduction
        self.axes: PoolAxes = self.spec.axes(height, width)
        self.cells = OutputCells((channels, self.axes[0].output, self.axes[1].output))

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
        """The whole output [C, H', W']. Raises MemoryError beyond 2**27 cells; `block` computes a part."""
        self.cells.require_memory()
        output = pooled(self.image, self.axes, self.reduction, in_order=True)
        output.setflags(write=False)
        return output

    def block(self, channel: int, rows: Picked | slice, columns: Picked | slice) -> Floats:
        """The output cells [len(rows), len(columns)] of one channel, at these rows and columns only.

        Raises IndexError for a cell that does not exist.
        """
        channel = within("output channel", channel, len(self.image))
        picked = self.cells.picked(rows, columns)
        return pooled(self.image[channel], self.axes, self.reduction, *picked, in_order=True)

    def position(self, index: int) -> Position:
        """The (channel, row, column) of the output cell with this flat index.

        Raises IndexError for a cell that does not exist.
        """
        return self.cells.position(index)

    def index(self, o: int, r: int, c: int) -> int:
        """The flat index of the output cell (o, r, c). Raises IndexError for a cell that does not exist."""
        return self.cells.index(o, r, c)

    @overload
    def step(self, index: int, /) -> PoolStep: ...
    @overload
    def step(self, o: int, r: int, c: int, /) -> PoolStep: ...
    def step(self, *at: int) -> PoolStep:
        """How one output cell is computed, given by its flat index or its (channel, row, column).

        Raises IndexError for a cell that does not exist.
        """
        index, position = self.cells.at(*at)
        channel, row, column = position
        down, across = self.axes
        rows, columns = down.window(row), across.window(column)
        source_rows, source_columns = down.window_sources(row), across.window_sources(column)
        is_padding = (source_rows < 0)[:, None] | (source_columns < 0)
        window = self.image[channel, source_rows[:, None], source_columns]
        window[is_padding] = 0.0
        return PoolStep(
            index=index,
            position=position,
            rows=rows,
            columns=columns,
            source_rows=source_rows,
            source_columns=source_columns,
            is_padding=is_padding,
            window=window[None],
            done=self.reduction.of(window, is_padding, self.axes, (row, column)),
        )

    def entries(self, index: int) -> int:
        """How many entries the window of an output cell has. Raises IndexError if there is no such cell."""
        _, row, column = self.position(index)
        return self.axes[0].window(row).size * self.axes[1].window(column).size

    def touched_by(self, c: int, r: int, q: int) -> list[Position]:
        """The output cells whose window has the pixel in channel c, row r, column q.

        Raises IndexError for a pixel that does not exist.
        """
        channels, height, width = self.image_shape
        rows = self.axes[0].outputs_reading(within("input row", r, height)).tolist()
        columns = self.axes[1].outputs_reading(within("input column", q, width)).tolist()
        return list(product([within("input channel", c, channels)], rows, columns))

    def shares(self, c: int, r: int, q: int) -> dict[Position, float]:
        """How much of a gradient of 1 in each output cell whose window has the pixel reaches it.

        Of a maximum all of it, if the pixel won, or nothing. Raises IndexError for a pixel that does not
        exist.
        """
        shares = {}
        for position in self.touched_by(c, r, q):
            step = self.step(*position)
            is_here = (step.source_rows == r)[:, None] & (step.source_columns == q)
            shares[position] = float(step.gradient[is_here].sum())
        return shares

    def channels_read(self, o: int) -> range:
        """The input channel that output channel o reads: its own.

        Raises IndexError for a channel that does not exist.
        """
        o = within("output channel", o, len(self.image))
        return range(o, o + 1)

    @cached_property
    def matrix(self) -> PoolMatrix:
        """The matrix M with M @ flattened image = flattened output; of a maximum, for this image alone."""
        return PoolMatrix(self.image, self.axes, self.reduction)


def max_pool2d(
    image: ArrayLike,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
) -> Pooling:
    """torch.nn.functional.max_pool2d of an image [C, H, W]; padding also as PoolSpec takes it.

    Source: https://pytorch.org/docs/stable/generated/torch.nn.functional.max_pool2d.html
    """
    return Pooling(image, PoolSpec(kernel_size, stride, padding, dilation, ceil_mode), Maximum())


def avg_pool2d(
    image: ArrayLike,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Pooling:
    """torch.nn.functional.avg_pool2d of an image [C, H, W]; padding also as PoolSpec takes it.

    Source: https://pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool2d.html
    """
    spec = PoolSpec(kernel_size, stride, padding, ceil_mode=ceil_mode)
    return Pooling(image, spec, Average(count_include_pad, divisor_override))


def adaptive_max_pool2d(image: ArrayLike, output_size: int | Sequence[int]) -> Pooling:
    """torch.nn.functional.adaptive_max_pool2d of an image [C, H, W].

    Source: https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_max_pool2d.html
    """
    return Pooling(image, AdaptiveSpec(output_size), Maximum())


def adaptive_avg_pool2d(image: ArrayLike, output_size: int | Sequence[int]) -> Pooling:
    """torch.nn.functional.adaptive_avg_pool2d of an image [C, H, W].

    Source: https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool2d.html
    """
    return Pooling(image, AdaptiveSpec(output_size), Average())
