"""The vector that an operation's matrix multiplies: the image, or the padded image, value after value."""

from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from convtui.engine.convolution import Convolution
from convtui.engine.operation_matrix import Bools, MapShape, coordinates
from convtui.engine.spec import Floats, Indices, Pair, Picked
from convtui.engine.taps import padding_as_inputs
from convtui.engine.window_operation import WindowOperation


@dataclass(frozen=True, eq=False)
class InputVector:
    """Which pixel of image [C, H, W] each input value is.

    sources: for each row and each column of input values the row or column of the image that it is or
    repeats, -1 in zero padding. starts: which row and column of the image the first stand for, negative in
    the padding. unread: the rows and columns of input values that no window reads.
    """

    image: Floats
    sources: tuple[Indices, Indices]
    starts: Pair
    unread: tuple[tuple[int, ...], tuple[int, ...]]

    @classmethod
    def of(cls, operation: WindowOperation) -> "InputVector":
        """The flattened image of an operation."""
        _, height, width = operation.image_shape
        rows, columns = operation.axes
        return cls(
            operation.image, (np.arange(height), np.arange(width)), (0, 0), (rows.unused, columns.unused)
        )

    @classmethod
    def padded(cls, convolution: Convolution) -> "InputVector":
        """The flattened image of a convolution with its padding."""
        rows, columns = convolution.axes
        return cls(
            convolution.image,
            (rows.sources, columns.sources),
            (-rows.before, -columns.before),
            (padding_as_inputs(rows).unused, padding_as_inputs(columns).unused),
        )

    @property
    def shape(self) -> MapShape:
        """(channels, rows, columns) of the input values."""
        rows, columns = self.sources
        return len(self.image), len(rows), len(columns)

    @property
    def size(self) -> int:
        """The number of input values."""
        return prod(self.shape)

    def positions(self, inputs: Picked) -> tuple[Indices, Indices, Indices]:
        """Channel, row and column [len(inputs)] of input values in the image, outside it in the padding.

        Raises IndexError.
        """
        channel, y, x = coordinates("input value", inputs, self.shape)
        top, left = self.starts
        return channel, y + top, x + left

    def is_outside(self, inputs: Picked) -> Bools:
        """[len(inputs)] which of these input values lie in the padding. Raises IndexError."""
        _, y, x = self.positions(inputs)
        _, height, width = self.image.shape
        is_outside: Bools = (y < 0) | (y >= height) | (x < 0) | (x >= width)
        return is_outside

    def is_unread(self, inputs: Picked) -> Bools:
        """[len(inputs)] which of these input values no window reads. Raises IndexError."""
        _, y, x = coordinates("input value", inputs, self.shape)
        is_unread: Bools = self._is_unused[0][y] | self._is_unused[1][x]
        return is_unread

    def pixels(self, inputs: Picked) -> Indices:
        """[len(inputs)] the flat index of the pixel that each is or repeats, -1 in zero padding.

        Raises IndexError.
        """
        channel, y, x = coordinates("input value", inputs, self.shape)
        _, height, width = self.image.shape
        y, x = self.sources[0][y], self.sources[1][x]
        pixels: Indices = np.where((y < 0) | (x < 0), -1, (channel * height + y) * width + x)
        return pixels

    def values(self, inputs: Picked) -> Floats:
        """[len(inputs)] these elements of the vector. Raises IndexError."""
        pixels = self.pixels(inputs)
        _, height, width = self.image.shape
        channel, rest = np.divmod(pixels, height * width)
        values: Floats = np.where(pixels < 0, 0.0, self.image[(channel, *np.divmod(rest, width))])
        return values

    @cached_property
    def _is_unused(self) -> tuple[Bools, Bools]:
        rows, columns = (
            np.isin(np.arange(len(sources)), unread)
            for sources, unread in zip(self.sources, self.unread, strict=True)
        )
        return rows, columns
