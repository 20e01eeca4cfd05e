"""The windows of adaptive pooling: so many along each axis, and uneven where these do not divide the image.

Source: https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import gcd
from typing import ClassVar

import numpy as np

from convtui.engine.spec import Indices, Pair, SpecError, whole_number

MOST_OUTPUTS = 2**12  # in one direction: there may be more than inputs


def adaptive_windows(size: int, count: int) -> tuple[range, ...]:
    """What each of so many windows of adaptive pooling reads along an axis of this size.

    Window i runs from floor(i * size / count) to ceil((i + 1) * size / count).
    """
    return tuple(range(i * size // count, -(-(i + 1) * size // count)) for i in range(count))


@dataclass(frozen=True)
class AdaptiveAxis:
    """One axis of an adaptive pooling: which inputs each output reads."""

    name: str
    size: int
    output: int

    dilation: ClassVar[int] = 1

    def starts(self, outputs: Indices) -> Indices:
        """[outputs] the first input index of each window."""
        return outputs * self.size // self.output

    def ends(self, outputs: Indices) -> Indices:
        """[outputs] the input index after each window."""
        return -(-(outputs + 1) * self.size // self.output)

    def window(self, output: int) -> Indices:
        """[kernel] the input indices at which an output index's window lies."""
        return np.arange(self._first(output), self._last(output) + 1)

    def window_sources(self, output: int) -> Indices:
        """[kernel] the input indices that an output index reads."""
        return self.window(output)

    def is_inside(self, output: int) -> bool:  # noqa: ARG002
        """Whether an output index reads no padding: there is none."""
        return True

    def outputs_reading(self, pixel: int) -> Indices:
        """Output indices, ascending, that read an input index."""
        first = pixel * self.output // self.size
        last = -(-(pixel + 1) * self.output // self.size)
        return np.arange(first, last)

    @property
    def unused(self) -> tuple[int, ...]:
        """Input indices that no window reads: none."""
        return ()

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The sizes that windows have, ascending; one if they are even."""
        outputs = np.arange(self.output // gcd(self.size, self.output))  # then they repeat
        return tuple(np.unique(self.ends(outputs) - self.starts(outputs)).tolist())

    @property
    def kernel(self) -> int:
        """The size of the largest window."""
        return self.sizes[-1]

    @property
    def letters(self) -> str:
        """Which inputs an output reads, in letters: n inputs, m outputs."""
        return "output i reads ⌊i·n / m⌋ to ⌈(i + 1)·n / m⌉ − 1"

    @property
    def formula(self) -> str:
        """The output size, which is the one asked for, and how large its windows are."""
        sizes = " and ".join(map(str, self.sizes))
        return f"{self.output} windows over {self.size} {self.name}, of {sizes} each"

    def window_formula(self, output: int) -> str:
        """Which inputs an output index reads, in numbers."""
        first, last, n, m = self._first(output), self._last(output), self.size, self.output
        return f"⌊{output}·{n} / {m}⌋ = {first} to ⌈{output + 1}·{n} / {m}⌉ − 1 = {last}"

    def _first(self, output: int) -> int:
        return output * self.size // self.output

    def _last(self, output: int) -> int:
        return -(-(output + 1) * self.size // self.output) - 1


@dataclass(frozen=True, init=False)
class AdaptiveSpec:
    """The parameter of torch.nn.AdaptiveAvgPool2d and AdaptiveMaxPool2d, as a (rows, columns) pair.

    Raises SpecError for an illegal size.
    """

    output_size: Pair

    def __init__(self, output_size: int | Sequence[int]) -> None:
        sides = output_size if isinstance(output_size, list | tuple) else (output_size, output_size)
        if len(sides) != 2:
            raise SpecError("output_size", output_size, "must be one number or a pair (rows, columns)")
        rows, columns = (whole_number("output_size", side, MOST_OUTPUTS) for side in sides)
        object.__setattr__(self, "output_size", (rows, columns))

    def axes(self, height: int, width: int) -> tuple[AdaptiveAxis, AdaptiveAxis]:
        """The row axis and the column axis of this pooling over an image of height x width pixels."""
        rows, columns = self.output_size
        return AdaptiveAxis("rows", height, rows), AdaptiveAxis("columns", width, columns)
