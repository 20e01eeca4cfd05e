"""The figures of the operation that is stepped through: a convolution, a pooling, a transposed convolution.

What a figure means of each of them is said where it is computed, in the engine. One that an operation has
not, as a pooling has no weights, is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

from convtui.engine.adaptive import AdaptiveSpec
from convtui.engine.convolution import Convolution, Step
from convtui.engine.pooling import Pooling, PoolStep
from convtui.engine.reductions import Mean, Winner
from convtui.engine.transposed import Scatter, TransposedConvolution
from convtui.engine.transposed_spec import TransposedSpec

if TYPE_CHECKING:
    from convtui.engine.pool_spec import PoolSpec
    from convtui.engine.spec import ConvSpec, Floats, Pair, Sides
    from convtui.state.session import Session


class NotOfThis(ValueError):
    """One line: why the operation has no such figure."""


@dataclass(frozen=True, eq=False)
class Operated:
    """The operation of a session at the cell where it is. Whatever is not of it raises NotOfThis."""

    session: Session

    # -- of every operation

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """(channels, rows, columns) of the output."""
        return self.session.operation.output_shape

    @property
    def output(self) -> Floats:
        """The whole output."""
        return self.transposed.output if self.session.way else self._windowed.output

    @property
    def unused(self) -> Pair:
        """How many rows and columns of the image nothing is computed from."""
        rows, columns = self.session.operation.axes
        return len(rows.unused), len(columns.unused)

    @property
    def value(self) -> float:
        """The output cell; scattering, the pixel that lands."""
        step = self._any_step
        return step.pixel if isinstance(step, Scatter) else step.value

    @property
    def spec(self) -> ConvSpec | PoolSpec | TransposedSpec:
        """Kernel size, stride, padding and dilation."""
        if self.session.way:
            return self.transposed.spec
        spec = self._windowed.spec
        if isinstance(spec, AdaptiveSpec):
            raise NotOfThis(f"{self.session.kind} has windows of several sizes, which follow from the image")
        return spec

    @property
    def pads(self) -> Sides:
        """((top, bottom), (left, right)) in pixels."""
        spec = self.spec
        return spec.padding if isinstance(spec, TransposedSpec) else spec.pads

    @property
    def span(self) -> Pair:
        """How many rows and columns the kernel covers, from its first to its last."""
        rows, columns = (
            dilation * (kernel - 1) + 1
            for kernel, dilation in zip(self.spec.kernel_size, self.spec.dilation, strict=True)
        )
        return rows, columns

    # -- of an output cell

    @property
    def step(self) -> Step | PoolStep:
        """How the output cell is computed."""
        step = self._any_step
        if isinstance(step, Scatter):
            raise NotOfThis("here an input cell is laid on the output; of an output cell it is way gather")
        return step

    @property
    def window_size(self) -> Pair:
        """Rows and columns of the window."""
        return len(self.step.rows), len(self.step.columns)

    @property
    def pixels(self) -> Floats:
        """[...] the pixels in the window, padding and zeros between left out."""
        pixels: Floats = self.step.window[:, ~self.step.is_padding]
        if not pixels.size:
            raise NotOfThis("no pixel is in the window here")
        return pixels

    # -- of what has weights

    @property
    def weight(self) -> Floats:
        """[O, S, kH, kW]; of a transposed convolution [C, O/groups, kH, kW], as PyTorch has it."""
        operation = self.session.operation
        if isinstance(operation, Pooling):
            raise NotOfThis(f"{self.session.kind} has no weights")
        return operation.weight if isinstance(operation, Convolution) else operation.transposed.weight

    @property
    def parameters(self) -> int:
        """How many numbers training can change."""
        operation = self.session.operation
        if isinstance(operation, Pooling):
            return 0
        bias = operation.bias if isinstance(operation, Convolution) else operation.transposed.bias
        return int(self.weight.size) + (0 if bias is None else int(bias.size))

    @property
    def multiply_adds(self) -> int:
        """Of the whole output; none of a pooling, which compares or adds."""
        operation = self.session.operation
        if isinstance(operation, Pooling):
            return 0
        if isinstance(operation, Convolution):
            return operation.size * operation.entries(0)
        return prod(operation.image_shape[1:]) * int(self.weight.size)

    @property
    def products(self) -> int:
        """How many products an output cell takes; scattering, how many an input cell makes."""
        if isinstance(self.session.operation, Pooling):
            raise NotOfThis(f"{self.session.kind} has no products")
        return self.session.products

    @property
    def sum_step(self) -> Step:
        """How the output cell is added up of products."""
        step = self.step
        if isinstance(step, PoolStep):
            raise NotOfThis(f"{self.session.kind} has no products")
        return step

    # -- of poolings

    @property
    def pooling(self) -> Pooling:
        """The pooling that is stepped through."""
        operation = self.session.operation
        if not isinstance(operation, Pooling):
            raise NotOfThis(
                f"only a pooling has it, such as operation maxpool 2; here is {self.session.kind}"
            )
        return operation

    @property
    def winner(self) -> Pair:
        """(row, column) in the image of the pixel that is the greatest of the window."""
        done = self._done
        if not isinstance(done, Winner):
            raise NotOfThis(f"only a max pooling has a winner; here is {self.session.kind}")
        if done.at is None:
            raise NotOfThis("no pixel is in the window here")
        row, column = done.at
        return int(self.step.rows[row]), int(self.step.columns[column])

    @property
    def divisor(self) -> int:
        """What the sum of the window is divided by."""
        done = self._done
        if not isinstance(done, Mean):
            raise NotOfThis(f"only an average pooling has a divisor; here is {self.session.kind}")
        return done.divisor

    @property
    def gradient(self) -> Floats:
        """[kH, kW] what reaches each entry of the window of a gradient of 1 in the output cell."""
        return self._done.gradient

    def pixel_gradient(self, c: int, r: int, q: int) -> float:
        """What reaches a pixel of a gradient of 1 in every output cell."""
        return sum(self.pooling.shares(c, r, q).values())

    # -- of transposed convolutions

    @property
    def transposed(self) -> TransposedConvolution:
        """The transposed convolution that is stepped through, in either way."""
        operation = self.session.operation
        if isinstance(operation, Convolution | Pooling):
            example = "such as operation convtranspose 3x3 1 s2"
            raise NotOfThis(f"only a transposed convolution has it, {example}; here is {self.session.kind}")
        return operation.transposed

    @property
    def output_padding(self) -> Pair:
        """How many rows and columns are added at the end."""
        return self.transposed.spec.output_padding

    @property
    def scatter(self) -> Scatter:
        """Where the input cell lands."""
        step = self._any_step
        if not isinstance(step, Scatter):
            raise NotOfThis("here an output cell is computed; of an input cell it is way scatter")
        return step

    @property
    def landed(self) -> int:
        """On how many output cells of a channel the input cell lands."""
        return int((~self.scatter.is_cut).sum())

    @property
    def overlap(self) -> int:
        """How many input cells of a channel land on the output cell."""
        _ = self.transposed
        return self.overlap_at(*self.step.position[1:])

    def overlap_at(self, row: int, column: int) -> int:
        """How many input cells of a channel land on an output cell."""
        return int(self.transposed.overlaps[row, column])

    @property
    def inner_overlaps(self) -> tuple[int, int]:
        """The fewest and the most input cells that land on an output cell far from the border."""
        rows, columns = (axis.phases for axis in self.transposed.axes)
        return min(rows) * min(columns), max(rows) * max(columns)

    # -- how it is got at

    @cached_property
    def _any_step(self) -> Step | PoolStep | Scatter:
        return self.session.operation.step(self.session.index)

    @property
    def _windowed(self) -> Convolution | Pooling:
        operation = self.session.operation
        assert isinstance(operation, Convolution | Pooling)
        return operation

    @property
    def _done(self) -> Winner | Mean:
        _ = self.pooling
        step = self.step
        assert isinstance(step, PoolStep)
        return step.done
