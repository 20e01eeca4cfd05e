"""The two ways to step through a transposed convolution: by its input cells, or by its output cells.

Scattering, each input cell lays the kernel, times its pixel, on the output. Gathering, each output cell is
that of a convolution at stride 1 with the flipped kernel, over the image with zeros between its pixels.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import overload

import numpy as np

from convtui.engine.convolution import Step
from convtui.engine.cross_correlation import running_sums
from convtui.engine.output_cells import OutputCells, Position
from convtui.engine.spec import Floats, Indices, Picked
from convtui.engine.transposed import Scatter, TransposedConvolution
from convtui.engine.transposed_spec import TransposedAxis


@dataclass(frozen=True)
class SpreadAxis:
    """One axis of an image with zeros between its pixels; the flipped kernel moves over it at stride 1.

    A spread index counts rows or columns of it from the first pixel on; input i stands at i·stride.
    Source: https://arxiv.org/abs/1603.07285, section 4
    """

    transposed: TransposedAxis

    @property
    def name(self) -> str:
        """rows or columns."""
        return self.transposed.name

    @property
    def size(self) -> int:
        """Number of inputs."""
        return self.transposed.size

    @property
    def output(self) -> int:
        """Number of outputs."""
        return self.transposed.output

    @property
    def kernel(self) -> int:
        """Number of taps."""
        return self.transposed.kernel

    @property
    def dilation(self) -> int:
        """Distance between the taps."""
        return self.transposed.dilation

    @property
    def letters(self) -> str:
        """The formula of the output size in letters."""
        return self.transposed.letters

    @property
    def formula(self) -> str:
        """The formula of the output size in numbers."""
        return self.transposed.formula

    @property
    def unused(self) -> tuple[int, ...]:
        """Input indices of which everything is cut off."""
        return self.transposed.unused

    @property
    def before(self) -> int:
        """Zeros before the first pixel; below 0 if so many spread indices are cut off."""
        return self.transposed.span - 1 - self.transposed.before

    @cached_property
    def sources(self) -> Indices:
        """[output + span − 1] input index at each row or column; -1 at a zero."""
        axis = self.transposed
        spread = np.arange(axis.output + axis.span - 1) - self.before
        is_pixel = (spread >= 0) & (spread % axis.stride == 0) & (spread < axis.size * axis.stride)
        sources: Indices = np.where(is_pixel, spread // axis.stride, -1)
        sources.setflags(write=False)
        return sources

    @property
    def positions(self) -> Indices:
        """The same: no pixel is read through padding."""
        return self.sources

    def window(self, output: int) -> Indices:
        """[kernel] the spread indices at which an output index's window lies."""
        return output - self.before + np.arange(self.kernel) * self.dilation

    def first_pixel(self, output: int) -> int:
        """The first input index in an output index's window, or else the next after its start."""
        return -((self.before - output) // self.transposed.stride)

    def window_sources(self, output: int) -> Indices:
        """[kernel] the input indices that an output index reads; -1 at a zero."""
        return self.sources[output : output + self.transposed.span : self.dilation]

    def outputs_reading(self, pixel: int) -> Indices:
        """Output indices, ascending, on which an input lands."""
        return self.transposed.outputs_reading(pixel)


class Gathering:
    """A transposed convolution, output cell by output cell."""

    def __init__(self, transposed: TransposedConvolution) -> None:
        self.transposed = transposed
        rows, columns = transposed.axes
        self.axes = SpreadAxis(rows), SpreadAxis(columns)

    @property
    def image(self) -> Floats:
        """[C, H, W]"""
        return self.transposed.image

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(channels, rows, columns) of the image."""
        return self.transposed.image_shape

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """(channels, rows, columns) of the output."""
        return self.transposed.output_shape

    @property
    def size(self) -> int:
        """The number of output cells."""
        return self.transposed.size

    @property
    def output(self) -> Floats:
        """The whole output [O, H', W']. Raises MemoryError beyond 2**27 cells; `block` computes a part."""
        return self.transposed.output

    def block(self, channel: int, rows: Picked | slice, columns: Picked | slice) -> Floats:
        """The output cells [len(rows), len(columns)] of one channel, at these rows and columns only.

        Raises IndexError for a cell that does not exist.
        """
        return self.transposed.block(channel, rows, columns)

    def position(self, index: int) -> Position:
        """The (channel, row, column) of an output cell. Raises IndexError if there is none."""
        return self.transposed.position(index)

    def index(self, o: int, r: int, c: int) -> int:
        """The flat index of an output cell. Raises IndexError if there is none."""
        return self.transposed.index(o, r, c)

    def entries(self, index: int) -> int:  # noqa: ARG002
        """How many entries the window of an output cell has, zeros among them."""
        slices = len(self.transposed.weight) // self.transposed.spec.groups
        return slices * self.axes[0].kernel * self.axes[1].kernel

    @overload
    def step(self, index: int, /) -> Step: ...
    @overload
    def step(self, o: int, r: int, c: int, /) -> Step: ...
    @np.errstate(over="ignore", invalid="ignore")
    def step(self, *at: int) -> Step:
        """How one output cell is computed, given by its flat index or (channel, row, column).

        rows and columns are spread indices; is_padding marks the zeros. The weights are those of the kernel,
        flipped. Raises IndexError for a cell that does not exist.
        """
        landing = self.transposed.step(*at)
        o, r, c = landing.position
        down, across = self.axes
        source_rows, source_columns = down.window_sources(r), across.window_sources(c)
        is_padding = (source_rows < 0)[:, None] | (source_columns < 0)
        window = np.zeros((len(landing.channels), *is_padding.shape))
        window[:, ~is_padding] = landing.window.reshape(len(window), -1)
        weights = self.weights(o)
        products = window * weights
        return Step(
            index=landing.index,
            position=landing.position,
            channels=landing.channels,
            rows=down.window(r),
            columns=across.window(c),
            source_rows=source_rows,
            source_columns=source_columns,
            is_padding=is_padding,
            window=window,
            weights=weights,
            products=products,
            slice_sums=running_sums(products)[:, -1],
            bias=landing.bias,
            has_bias=landing.has_bias,
            value=landing.value,
        )

    def weights(self, o: int) -> Floats:
        """[S, kH, kW] the flipped kernels of an output channel."""
        read, filters = self.channels_read(o), self.transposed.weight.shape[1]
        return self.transposed.weight[read.start : read.stop, o % filters, ::-1, ::-1]

    def touched_by(self, c: int, r: int, q: int) -> list[Position]:
        """The output cells on which a pixel lands. Raises IndexError for a pixel that does not exist."""
        return self.transposed.touched_by(c, r, q)

    def channels_read(self, o: int) -> range:
        """The input channels that land on output channel o. Raises IndexError if there is none."""
        return self.transposed.channels_read(o)


class Scattering:
    """A transposed convolution, input cell by input cell; a step is where one of them lands."""

    def __init__(self, transposed: TransposedConvolution) -> None:
        self.transposed = transposed
        self.axes = transposed.axes
        self.cells = OutputCells(transposed.image_shape)

    @property
    def image(self) -> Floats:
        """[C, H, W]"""
        return self.transposed.image

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(channels, rows, columns) of the image."""
        return self.transposed.image_shape

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """(channels, rows, columns) of the output."""
        return self.transposed.output_shape

    @property
    def size(self) -> int:
        """The number of input cells."""
        return self.cells.size

    def position(self, index: int) -> Position:
        """The (channel, row, column) of an input cell. Raises IndexError if there is none."""
        return self.cells.position(index)

    def index(self, c: int, r: int, q: int) -> int:
        """The flat index of an input cell. Raises IndexError if there is none."""
        return self.cells.index(c, r, q)

    def entries(self, index: int) -> int:  # noqa: ARG002
        """How many weights a pixel is multiplied by: those of all output channels on which it lands."""
        _, *shape = self.transposed.weight_shape
        return int(np.prod(shape))

    def step(self, index: int) -> Scatter:
        """Where an input cell lands. Raises IndexError if there is none."""
        return self.transposed.scatter(index)

    def channels_written(self, c: int) -> range:
        """The output channels on which input channel c lands. Raises IndexError if there is none."""
        return self.transposed.reading_channels(c)
