"""What all operations of a network have in common whose every output cell comes from a window of the image.

Convolution, transposed convolution and every kind of pooling are such operations. Whoever draws or steps
through one needs only this: its axes, its output, and for each output cell the window it comes from.
"""

from typing import Protocol, overload

from numpy import bool_
from numpy.typing import NDArray

from convtui.engine.output_cells import Position
from convtui.engine.spec import Floats, Indices, Picked


class WindowAxis(Protocol):
    """Rows or columns of an operation: which inputs each output reads, and why there are so many outputs."""

    @property
    def name(self) -> str:
        """rows or columns."""

    @property
    def size(self) -> int:
        """Number of inputs."""

    @property
    def output(self) -> int:
        """Number of outputs."""

    @property
    def letters(self) -> str:
        """The formula of the output size in letters."""

    @property
    def formula(self) -> str:
        """The formula of the output size in numbers."""

    @property
    def unused(self) -> tuple[int, ...]:
        """Input indices that no window reads."""

    def window(self, output: int) -> Indices:
        """[kernel] the input indices at which an output index's window lies, outside the image in padding."""

    def window_sources(self, output: int) -> Indices:
        """[kernel] the input indices that an output index reads; -1 in zero padding."""

    def outputs_reading(self, pixel: int) -> Indices:
        """Output indices, ascending, that read an input index."""


class WindowStep(Protocol):
    """How one output cell is computed, from the window of S channels, kH rows and kW columns.

    The fields are those of engine.convolution.Step.
    """

    @property
    def index(self) -> int:
        """The output cell as a flat index."""

    @property
    def position(self) -> Position:
        """The output cell as (output channel, row, column)."""

    @property
    def channels(self) -> range:
        """The S input channels that are read."""

    @property
    def rows(self) -> Indices:
        """[kH] the window in image coordinates; in the padding they lie outside the image."""

    @property
    def columns(self) -> Indices:
        """[kW] the same along the columns."""

    @property
    def source_rows(self) -> Indices:
        """[kH] where the pixels are read; -1 in zero padding."""

    @property
    def source_columns(self) -> Indices:
        """[kW] the same along the columns."""

    @property
    def is_padding(self) -> NDArray[bool_]:
        """[kH, kW] which entries of the window are no pixels of the image."""

    @property
    def window(self) -> Floats:
        """[S, kH, kW] what is read, 0 in zero padding."""

    @property
    def value(self) -> float:
        """The output cell."""


class WindowOperation(Protocol):
    """An operation on one image [C, H, W], in float64."""

    @property
    def image(self) -> Floats:
        """[C, H, W]"""

    @property
    def axes(self) -> tuple[WindowAxis, WindowAxis]:
        """The row axis and the column axis."""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(channels, rows, columns) of the image."""

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """(channels, rows, columns) of the output."""

    @property
    def size(self) -> int:
        """The number of output cells."""

    @property
    def output(self) -> Floats:
        """The whole output [O, H', W'], computed when it is first asked for."""

    def block(self, channel: int, rows: Picked | slice, columns: Picked | slice) -> Floats:
        """The output cells [len(rows), len(columns)] of one channel, at these rows and columns only.

        Raises IndexError for a cell that does not exist.
        """

    def position(self, index: int) -> Position:
        """The (channel, row, column) of the output cell with this flat index."""

    def index(self, o: int, r: int, c: int) -> int:
        """The flat index of the output cell (o, r, c)."""

    @overload
    def step(self, index: int, /) -> WindowStep: ...
    @overload
    def step(self, o: int, r: int, c: int, /) -> WindowStep: ...
    def step(self, *at: int) -> WindowStep:
        """How one output cell is computed, given by its flat index or its (channel, row, column)."""

    def entries(self, index: int) -> int:
        """How many entries the window of an output cell has, in all of its channels."""

    def touched_by(self, c: int, r: int, q: int) -> list[Position]:
        """The output cells that read the pixel in channel c, row r, column q."""

    def channels_read(self, o: int) -> range:
        """The input channels that output channel o reads."""
