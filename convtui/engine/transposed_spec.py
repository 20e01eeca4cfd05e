"""The parameters of transposed convolutions: what PyTorch accepts and refuses, and the axes that follow.

The axes know both directions: where the kernel of an input lands, and which inputs land on an output.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from convtui.engine.spec import (
    Axis,
    ConvSpec,
    Indices,
    Pair,
    Sides,
    SpecError,
    brief,
    changed,
    check_shape,
    pair_of_numbers,
)
from convtui.engine.words import counted

MOST_OUTPUTS = 2**20  # along one axis: strides and kernels multiply


@dataclass(frozen=True)
class TransposedAxis:
    """One axis of a transposed convolution: input i puts tap t of the kernel on output i·s + t·d − before.

    before, after: what padding cuts off at each end. output_padding: how many outputs are added at the end.
    """

    name: str
    size: int
    before: int
    after: int
    kernel: int
    stride: int
    dilation: int
    output_padding: int

    @property
    def span(self) -> int:
        """How many outputs the kernel covers, from its first to its last."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def output(self) -> int:
        """Output size, at most 0 if the padding cuts everything off.

        Source: https://pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html
        """
        whole = (self.size - 1) * self.stride + self.span + self.output_padding
        return whole - self.before - self.after

    @property
    def letters(self) -> str:
        """The formula of the output size in letters: n inputs, k the kernel, s the stride, d the dilation."""
        return "(n − 1)·s − padding before − after + d·(k − 1) + output padding + 1"

    @property
    def formula(self) -> str:
        """The formula of the output size in numbers."""
        moved, spread = (self.size - 1) * self.stride, self.dilation * (self.kernel - 1)
        return (
            f"({self.size} − 1)·{self.stride} − {self.before} − {self.after}"
            f" + {self.dilation}·({self.kernel} − 1) + {self.output_padding} + 1"
            f" = {moved} − {self.before + self.after} + {spread} + {self.output_padding} + 1 = {self.output}"
        )

    @property
    def reading_output(self) -> Axis:
        """The axis of the convolution that reads output t·d + i·s − before where input i puts tap t.

        Output padding is what it leaves unread at the end: so much less padding, which may be below 0.
        """
        after = self.after - self.output_padding
        return Axis(self.name, self.output, self.before, after, self.kernel, self.stride, self.dilation)

    def lands(self, pixel: int) -> Indices:
        """[kernel] the output index on which each tap of an input lands; outside the output it is cut off."""
        return pixel * self.stride - self.before + np.arange(self.kernel) * self.dilation

    def outputs_reading(self, pixel: int) -> Indices:
        """Output indices, ascending, on which an input lands."""
        lands = self.lands(pixel)
        return lands[(lands >= 0) & (lands < self.output)]

    def is_landing(self, outputs: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """[inputs] which inputs land on any of the marked outputs [output]."""
        is_landing = np.zeros(self.size, dtype=np.bool_)
        for tap in range(self.kernel):
            inputs, landed = self.of_tap(tap)
            is_landing[inputs] |= outputs[landed]
        return is_landing

    def window(self, output: int) -> Indices:
        """The inputs, ascending, that land on an output index."""
        return self.gather(output)[0]

    def window_sources(self, output: int) -> Indices:
        """The same: what lands is always an input, never padding."""
        return self.window(output)

    def taps(self, output: int) -> Indices:
        """The taps with which the inputs of `window` land: descending, as the inputs ascend."""
        return self.gather(output)[1]

    def gather(self, output: int) -> tuple[Indices, Indices]:
        """The inputs, ascending, that land on an output index, and the taps with which they do."""
        taps = np.arange(self.kernel)[::-1]
        positions = output + self.before - taps * self.dilation
        is_landing = positions % self.stride == 0
        is_landing &= (positions >= 0) & (positions < self.size * self.stride)
        return positions[is_landing] // self.stride, taps[is_landing]

    def landing(self, outputs: Indices) -> tuple[Indices, Indices]:
        """[outputs, most] the inputs that land on output indices, and their taps; -1 where there are less."""
        taps = np.arange(self.kernel)[::-1]
        positions = (outputs + self.before)[:, None] - taps * self.dilation
        inputs = positions // self.stride
        is_landing = (positions % self.stride == 0) & (inputs >= 0) & (inputs < self.size)
        most = int(is_landing.sum(axis=1).max(initial=0))
        order = np.argsort(~is_landing, axis=1, kind="stable")[:, :most]
        is_there = np.take_along_axis(is_landing, order, 1)
        inputs = np.where(is_there, np.take_along_axis(inputs, order, 1), -1)
        return inputs, np.where(is_there, taps[order], -1)

    def first_landing(self, outputs: Indices) -> tuple[Indices, Indices]:
        """[outputs] the first input that lands on output indices, and its tap; -1 where there is none."""
        inputs, taps = self.landing(outputs)
        if not inputs.shape[1]:
            return np.full(outputs.size, -1), np.full(outputs.size, -1)
        return inputs[:, 0], taps[:, 0]

    @cached_property
    def counts(self) -> Indices:
        """[output] how many inputs land on each output index."""
        counts = np.zeros(self.output, dtype=np.intp)
        for tap in range(self.kernel):
            _, landed = self.of_tap(tap)
            counts[landed] += 1
        counts.setflags(write=False)
        return counts

    def of_tap(self, tap: int) -> tuple[slice, slice]:
        """The inputs of which a tap is not cut off, and the outputs on which it lands, in pairs."""
        offset = tap * self.dilation - self.before
        first = max(0, -(offset // self.stride))
        last = min(self.size - 1, (self.output - 1 - offset) // self.stride)
        if last < first:
            return slice(0), slice(0)
        start = first * self.stride + offset
        return slice(first, last + 1), slice(start, last * self.stride + offset + 1, self.stride)

    @property
    def phases(self) -> tuple[int, ...]:
        """[stride] how many inputs land on outputs far from the border, in turn from the first output on."""
        of_taps = np.arange(self.kernel) * self.dilation % self.stride
        counts = np.bincount(of_taps, minlength=self.stride)
        return tuple(np.roll(counts, -(self.before % self.stride)).tolist())

    @property
    def is_even(self) -> bool:
        """Whether equally many inputs land on all outputs far from the border, so that no pattern shows.

        With dilation 1 if the stride divides the kernel.
        Source: Odena et al. 2016, https://distill.pub/2016/deconv-checkerboard
        """
        return len(set(self.phases)) == 1

    @property
    def overlap(self) -> str:
        """How many inputs land on outputs far from the border, and why, in words."""
        fewest, *more = sorted(set(self.phases))
        divides = "divides" if self.kernel % self.stride == 0 else "does not divide"
        why = f"stride {self.stride} {divides} kernel size {self.kernel}"
        if self.dilation > 1:
            why = f"kernel size {self.kernel}, stride {self.stride} and dilation {self.dilation}"
        if more:
            return f"{why}: {fewest} and {' and '.join(map(str, more))} windows in turn land on {self.name}"
        return f"{why}: {fewest} {'window lands' if fewest == 1 else 'windows land'} on all {self.name}"

    @cached_property
    def unused(self) -> tuple[int, ...]:
        """Input indices of which everything is cut off."""
        is_unused = np.ones(self.size, dtype=bool)
        for tap in range(self.kernel):
            is_unused[self.of_tap(tap)[0]] = False
        return tuple(np.flatnonzero(is_unused).tolist())


@dataclass(frozen=True, init=False)
class TransposedSpec:
    """The parameters of torch.nn.ConvTranspose2d, with sizes normalised to (rows, columns) pairs.

    padding: one number or a pair as in PyTorch, or four sides, ((top, bottom), (left, right)), which PyTorch
    cuts off with F.pad and negative numbers; or "same-tf", which TensorFlow calls SAME and which is stored as
    the numbers, also of output_padding, with which there are stride times as many outputs as inputs.
    Raises SpecError for parameters that are illegal whatever the image.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html
    """

    kernel_size: Pair
    stride: Pair
    padding: Sides
    output_padding: Pair
    groups: int
    dilation: Pair

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
        output_padding: int | Sequence[int] = 0,
        groups: int = 1,
        dilation: int | Sequence[int] = 1,
    ) -> None:
        if isinstance(padding, str) and padding != "same-tf":
            reason = "a transposed convolution takes numbers or 'same-tf'"
            raise SpecError("padding", padding, reason, "'same-tf'")
        spec = ConvSpec(kernel_size, stride, padding, dilation, groups)
        added = pair_of_numbers("output_padding", output_padding, 0)
        if spec.padding == "same-tf":
            cut, added = _same(spec, added)
            spec = replace(spec, padding=cut)
        values = {
            "kernel_size": spec.kernel_size,
            "stride": spec.stride,
            "padding": spec.pads,
            "output_padding": added,
            "groups": spec.groups,
            "dilation": spec.dilation,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        most = [max(s, d) - 1 for s, d in zip(self.stride, self.dilation, strict=True)]
        legal = min(self.output_padding[0], most[0]), min(self.output_padding[1], most[1])
        if legal != self.output_padding:
            reason = "must be smaller than the stride or the dilation"
            raise SpecError("output_padding", brief(output_padding), reason, str(brief(legal)))

    @property
    def pads(self) -> Sides:
        """((top, bottom), (left, right)): how many rows and columns are cut off."""
        return self.padding

    def over(self, height: int, width: int) -> "TransposedSpec":  # noqa: ARG002
        """The same for an image of height x width pixels, of which it knows no other."""
        return self

    def laid(self, height: int, width: int) -> tuple[TransposedAxis, TransposedAxis]:
        """The axes over an image of height x width pixels, whether anything is left of the output or not."""
        rows, columns = (
            TransposedAxis(name, size, before, after, kernel, stride, dilation, output_padding)
            for name, size, (before, after), kernel, stride, dilation, output_padding in zip(
                ("rows", "columns"),
                (height, width),
                self.padding,
                self.kernel_size,
                self.stride,
                self.dilation,
                self.output_padding,
                strict=True,
            )
        )
        return rows, columns

    def axes(self, height: int, width: int) -> tuple[TransposedAxis, TransposedAxis]:
        """The row axis and the column axis over an image of height x width pixels.

        Raises SpecError if the padding cuts off the whole output, or if there are more than 2**20 rows of it.
        """
        axes = self.laid(height, width)
        for axis in axes:
            if axis.output > MOST_OUTPUTS:
                reason = f"makes {axis.output} output {axis.name}, at most {MOST_OUTPUTS} fit"
                raise SpecError("stride", brief(self.stride), reason)
            if axis.output < 1:
                uncut = axis.output + axis.before + axis.after
                reason = f"cuts off all of the {uncut} output {axis.name}"
                less = replace(self, padding=(_less(axes[0]), _less(axes[1])))
                raise SpecError("padding", brief(self.padding), reason, changed(self, less))
        return axes

    def check(self, image_shape: Sequence[int], weight_shape: Sequence[int]) -> None:
        """Raise SpecError unless PyTorch computes this transposed convolution.

        Shapes: image [C, H, W], weight [C, O/groups, kH, kW].
        Source: https://pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html
        """
        check_shape("image", image_shape, "[channels, rows, columns]")
        check_shape("weight", weight_shape, "[in_channels, out_channels/groups, rows, columns]")
        channels, height, width = image_shape
        if weight_shape[0] != channels:
            reason = f"has {weight_shape[0]} input channels, but the image has {channels}"
            raise SpecError("weight", tuple(weight_shape), reason)
        if channels % self.groups:
            divisors = [n for n in range(1, channels + 1) if channels % n == 0]
            nearest = min(divisors, key=lambda n: abs(n - self.groups))
            raise SpecError(
                "groups", self.groups, f"must divide the {counted(channels, 'input channel')}", str(nearest)
            )
        self.axes(height, width)


def _same(spec: ConvSpec, output_padding: Pair) -> tuple[Sides, Pair]:
    """The padding and the output padding with which there are stride times as many outputs as inputs.

    Source: https://www.tensorflow.org/api_docs/python/tf/nn/conv2d_transpose
    """
    sizes = zip(spec.kernel_size, spec.stride, spec.dilation, output_padding, strict=True)
    rows, columns = (d * (k - 1) + 1 + added - s for k, s, d, added in sizes)
    high, wide = max(rows, 0), max(columns, 0)
    cut = (high // 2, high - high // 2), (wide // 2, wide - wide // 2)
    return cut, (output_padding[0] + high - rows, output_padding[1] + wide - columns)


def _less(axis: TransposedAxis) -> Pair:
    """Padding that leaves an output, alike on both sides if it was."""
    uncut = axis.output + axis.before + axis.after
    too_much = max(1 - axis.output, 0)
    after = max(axis.after - (too_much + 1) // 2, 0)
    return min(max(axis.before - (too_much + 1) // 2, 0), uncut - 1 - after), min(after, uncut - 1)
