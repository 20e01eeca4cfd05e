"""A convolution's parameters: what PyTorch accepts, what it refuses and why, and the sizes that follow.

The convolution computes with the same numbers that the screens explain: both take them from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from operator import index
from reprlib import repr as short_repr
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

import numpy as np
from numpy.typing import NDArray

from convtui.engine.words import counted

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Pair: TypeAlias = tuple[int, int]
Sides: TypeAlias = tuple[Pair, Pair]
Padding: TypeAlias = Sides | Literal["same", "valid", "same-tf"]
Indices: TypeAlias = NDArray[np.intp]
Floats: TypeAlias = NDArray[np.float64]
Picked: TypeAlias = range | Sequence[int] | Indices

PADDING_WORDS: tuple[Literal["same", "valid", "same-tf"], ...] = ("same", "valid", "same-tf")
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")
LARGEST = 2**63 - 1
LARGEST_PADDING = 2**20
LARGEST_VALUE = 1e30  # products and sums of such numbers stay finite


class Fix(TypedDict, total=False):
    """A parameter of a window with the value that makes it fit."""

    kernel_size: Pair
    padding: Sides
    dilation: Pair


class SpecError(ValueError):
    """A parameter that PyTorch refuses: its name, its value, the reason and the nearest legal values."""

    def __init__(self, parameter: str, value: object, reason: str, legal: str = "") -> None:
        super().__init__(parameter, value, reason, legal)
        self.parameter, self.value, self.reason, self.legal = parameter, value, reason, legal

    def __str__(self) -> str:
        shown = " ".join(short_repr(self.value).split())
        nearest = f"; nearest legal: {self.legal}" if self.legal else ""
        return f"{self.parameter}={shown}: {self.reason}{nearest}"

    @property
    def plain(self) -> str:
        """The message for readers who do not write Python: without quotes, and naming a limit only once."""
        shown = " ".join(short_repr(self.value).split())
        if isinstance(self.value, str) and self.value:
            shown = shown[1:-1]
        is_said = not self.legal or self.reason.endswith(f" {self.legal}")
        nearest = "" if is_said else f"; nearest legal: {self.legal}"
        return f"{self.parameter} {shown}: {self.reason}{nearest}"


@dataclass(frozen=True)
class Axis:
    """One axis of a convolution or a pooling: which inputs each output reads, and why there are so many.

    A padded index counts from the first row or column of the padding, an input index from that of the image.
    ceil_mode, of poolings only, lets the last window hang over the padded image.
    """

    name: str
    size: int
    before: int
    after: int
    kernel: int
    stride: int
    dilation: int
    padding_mode: str = "zeros"
    ceil_mode: bool = False

    @property
    def padded(self) -> int:
        """Size with the padding of both sides."""
        return self.before + self.size + self.after

    @property
    def span(self) -> int:
        """How many rows or columns the window covers, from its first to its last."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def output(self) -> int:
        """Output size, at most 0 if the window does not fit.

        With ceil_mode a last window may hang over, but none may start in the padding after the image.
        Sources: https://pytorch.org/docs/stable/generated/torch.nn.Conv2d.html and MaxPool2d.html
        """
        if not self.ceil_mode:
            return (self.padded - self.span) // self.stride + 1
        return self.rounded_up - self.is_dropped

    @property
    def rounded_up(self) -> int:
        """Output size if the division is rounded up, whether the last window is dropped or not."""
        return -((self.span - self.padded) // self.stride) + 1

    @property
    def is_dropped(self) -> bool:
        """Whether ceil_mode's last window starts in the padding after the image, so that it is dropped."""
        return self.ceil_mode and (self.rounded_up - 1) * self.stride >= self.before + self.size

    @property
    def overhang(self) -> int:
        """How many rows or columns the last window hangs over the padded image."""
        return max((self.output - 1) * self.stride + self.span - self.padded, 0)

    @property
    def reach(self) -> int:
        """Size with the padding of both sides and with what the last window hangs over."""
        return self.padded + self.overhang

    @property
    def remainder(self) -> int:
        """How many rows or columns the formula rounds away."""
        return (self.padded - self.span) % self.stride

    @property
    def most_padding(self) -> int:
        """How much the padding mode can fill on one side.

        Source: https://pytorch.org/docs/stable/generated/torch.nn.functional.pad.html
        """
        return {"reflect": self.size - 1, "circular": self.size}.get(self.padding_mode, LARGEST_PADDING)

    @property
    def padding_fits(self) -> bool:
        """Whether the padding mode can fill both sides."""
        return max(self.before, self.after) <= self.most_padding

    @property
    def window_fits(self) -> bool:
        """Whether there is a window: one no larger than the padded image, or that may hang over it."""
        return self.output > 0

    @property
    def letters(self) -> str:
        """The formula of the output size in letters: n inputs, k the kernel, s the stride, d the dilation."""
        opening, closing = self._brackets
        return f"{opening}(n + padding before + after − d·(k − 1) − 1) / s{closing} + 1"

    @property
    def formula(self) -> str:
        """The formula of the output size in numbers, with floor or ceiling brackets where they matter."""
        opening, closing = self._brackets if self.remainder else ("", "")
        sizes = f"({self.size} + {self.before} + {self.after} − {self.dilation}·({self.kernel} − 1) − 1)"
        quotient = (self.rounded_up if self.ceil_mode else self.output) - 1
        dropped = " − 1" if self.is_dropped else ""
        return (
            f"{opening}{sizes} / {self.stride}{closing} + 1{dropped}"
            f" = {opening}{self.padded - self.span} / {self.stride}{closing} + 1{dropped}"
            f" = {quotient} + 1{dropped} = {self.output}"
        )

    @property
    def _brackets(self) -> tuple[str, str]:
        return ("⌈", "⌉") if self.ceil_mode else ("⌊", "⌋")

    @cached_property
    def positions(self) -> Indices:
        """[reach] each padded index as an input index, outside the image in the padding."""
        positions = np.arange(-self.before, self.reach - self.before)
        positions.setflags(write=False)
        return positions

    @cached_property
    def sources(self) -> Indices:
        """[reach] input index read at each padded index; -1 where zero padding is read."""
        position = self.positions
        last = self.size - 1
        match self.padding_mode:
            case "reflect":
                sources: Indices = last - np.abs(last - np.abs(position))
            case "replicate":
                sources = position.clip(0, last)
            case "circular":
                sources = position % self.size
            case _:
                sources = np.where((position < 0) | (position > last), -1, position)
        sources.setflags(write=False)
        return sources

    def reads(self, output: int) -> slice:
        """The padded indices that an output index reads."""
        first = output * self.stride
        return slice(first, first + self.span, self.dilation)

    def starts(self, outputs: Indices) -> Indices:
        """[outputs] the input index, negative in the padding, at which each window starts."""
        return outputs * self.stride - self.before

    def ends(self, outputs: Indices) -> Indices:
        """[outputs] the input index after each window, beyond the image in the padding."""
        return self.starts(outputs) + self.span

    def window(self, output: int) -> Indices:
        """[kernel] the input indices at which an output index's window lies, outside the image in padding."""
        return self.positions[self.reads(output)]

    def window_sources(self, output: int) -> Indices:
        """[kernel] the input indices that an output index reads; -1 in zero padding."""
        return self.sources[self.reads(output)]

    def is_inside(self, output: int) -> bool:
        """Whether an output index reads no padding."""
        first = output * self.stride - self.before
        return first >= 0 and first + self.span <= self.size

    def outputs_reading(self, pixel: int) -> Indices:
        """Output indices, ascending, that read an input index in the image itself or through its padding."""
        positions = np.flatnonzero(self.sources == pixel)
        starts = np.unique(positions[:, None] - np.arange(self.kernel) * self.dilation)
        outputs: Indices = starts[(starts >= 0) & (starts % self.stride == 0)] // self.stride
        return outputs[outputs < self.output]

    @cached_property
    def unused(self) -> tuple[int, ...]:
        """Input indices that no window reads, neither in the image itself nor through its padding."""
        starts = range(0, self.output * self.stride, self.stride)
        taps = range(0, self.span, self.dilation)
        few, many = sorted((starts, taps), key=len)
        is_read = np.zeros(self.reach, dtype=bool)
        for offset in few:
            is_read[offset : offset + many[-1] + 1 : many.step] = True
        is_unused = np.ones(self.size + 1, dtype=bool)
        is_unused[self.sources[is_read]] = False
        return tuple(np.flatnonzero(is_unused[: self.size]).tolist())


@dataclass(frozen=True, init=False)
class ConvSpec:
    """The parameters of torch.nn.Conv2d, with sizes normalised to (rows, columns) pairs.

    padding may also be four sides, ((top, bottom), (left, right)), and is stored so unless it is a word:
    "same", "valid", or "same-tf", which TensorFlow calls SAME and which goes by the image's size.
    Raises SpecError for parameters that are illegal whatever the image.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.Conv2d.html
    """

    kernel_size: Pair
    stride: Pair
    padding: Padding
    dilation: Pair
    groups: int
    padding_mode: str

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        padding_mode: str = "zeros",
    ) -> None:
        if padding_mode not in PADDING_MODES:
            legal = _either([repr(mode) for mode in PADDING_MODES])
            raise SpecError("padding_mode", padding_mode, "unknown padding mode", legal)
        normalised = {
            "kernel_size": pair_of_numbers("kernel_size", kernel_size),
            "stride": pair_of_numbers("stride", stride),
            "padding": _padding(padding),
            "dilation": pair_of_numbers("dilation", dilation),
            "groups": _bounded("groups", groups, [groups], 1)[0],
            "padding_mode": padding_mode,
        }
        for name, value in normalised.items():
            object.__setattr__(self, name, value)
        if self.padding == "same" and self.stride != (1, 1):
            legal = changed(self, replace(self, stride=(1, 1)), replace(self, padding=self.pads))
            raise SpecError("padding", "same", f"needs stride 1, but stride is {brief(self.stride)}", legal)
        most = 0 if self.padding == "same-tf" else max(max(side) for side in self.pads)
        if most > LARGEST_PADDING:
            raise SpecError("padding", padding, f"adds {most} on one side", f"at most {LARGEST_PADDING}")

    @property
    def pads(self) -> Sides:
        """((top, bottom), (left, right)) in pixels; "same" puts an odd pixel after, as PyTorch does.

        Raises SpecError for "same-tf", for which `over` needs the image's size.
        """
        if self.padding == "same-tf":
            raise SpecError("padding", self.padding, "depends on the image's size", "numbers")
        if self.padding == "valid":
            return (0, 0), (0, 0)
        if self.padding == "same":
            rows, columns = (d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True))
            return (rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2)
        return self.padding

    def over(self, height: int, width: int) -> "ConvSpec":
        """The same for an image of height x width pixels: the pads that same-tf takes there are numbers.

        Source: https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2
        """
        if self.padding != "same-tf":
            return self
        rows, columns = (
            max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
            for n, k, s, d in zip((height, width), self.kernel_size, self.stride, self.dilation, strict=True)
        )
        return replace(self, padding=((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2)))

    def axes(self, height: int, width: int) -> tuple[Axis, Axis]:
        """The row axis and the column axis of this convolution over an image of height x width pixels.

        Raises SpecError if the padding mode cannot fill the padding or the window is larger than the image.
        """
        spec = self.over(height, width)
        axes = spec.laid(height, width)
        for axis in axes:
            if not axis.padding_fits:
                raise _padding_error(spec, axis, (height, width))
        for axis in axes:
            if not axis.window_fits:
                raise _window_error(spec, axis, (height, width))
        return axes

    def laid(self, height: int, width: int) -> tuple[Axis, Axis]:
        """The axes over an image of height x width pixels, whether the windows fit or not."""
        rows, columns = (
            Axis(name, size, before, after, kernel, stride, dilation, self.padding_mode)
            for name, size, (before, after), kernel, stride, dilation in zip(
                ("rows", "columns"),
                (height, width),
                self.pads,
                self.kernel_size,
                self.stride,
                self.dilation,
                strict=True,
            )
        )
        return rows, columns

    def check(self, image_shape: Sequence[int], weight_shape: Sequence[int]) -> None:
        """Raise SpecError unless PyTorch computes this convolution.

        Shapes: image [C, H, W], weight [O, C/groups, kH, kW].
        Source: https://pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html
        """
        check_shape("image", image_shape, "[channels, rows, columns]")
        check_shape("weight", weight_shape, "[out_channels, in_channels/groups, rows, columns]")
        in_channels, height, width = image_shape
        out_channels, slices, *size = weight_shape
        if self.kernel_size != tuple(size):
            legal = str(brief(tuple(size)))
            raise SpecError("kernel_size", brief(self.kernel_size), "does not match the weight", legal)
        _check_groups(self.groups, in_channels, out_channels, slices)
        self.axes(height, width)


def _bounded(parameter: str, value: object, elements: Sequence[object], least: int) -> tuple[int, ...]:
    try:
        if any(isinstance(element, bool | np.bool_) for element in elements):
            raise TypeError
        numbers = tuple(index(element) for element in elements)  # type: ignore[arg-type]
    except TypeError:
        raise SpecError(parameter, value, "must be whole numbers") from None
    legal = tuple(min(max(number, least), LARGEST) for number in numbers)
    if legal != numbers:
        reason = f"must be at least {least}" if min(numbers) < least else f"must be at most {LARGEST}"
        nearest = brief((legal[:2], legal[2:]) if len(legal) > 2 else legal)
        raise SpecError(parameter, brief(value), reason, str(nearest))
    return numbers


def whole_number(parameter: str, value: object, most: int) -> int:
    """The value, if it is a whole number from 1 to most. Raises SpecError if it is not."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = index(value)  # type: ignore[arg-type]
    except TypeError:
        raise SpecError(parameter, value, "must be a whole number") from None
    legal = min(max(number, 1), most)
    if number != legal:
        raise SpecError(parameter, value, f"must be from 1 to {most}", str(legal))
    return number


def real_number(parameter: str, value: object) -> float:
    """The value as a float, if it is a finite real number. Raises SpecError if it is not."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST_VALUE:
        raise SpecError(parameter, value, f"must be a number, at most {LARGEST_VALUE:g} in magnitude")
    return float(value)


def pair_of_numbers(parameter: str, value: object, least: int = 1) -> Pair:
    """(rows, columns), each at least so much. Raises SpecError if the value is no such pair."""
    elements = value if isinstance(value, list | tuple) else (value, value)
    if len(elements) != 2:
        raise SpecError(parameter, value, "must be one number or a pair (rows, columns)")
    rows, columns = _bounded(parameter, value, elements, least)
    return rows, columns


def _padding(value: object) -> Padding:
    if isinstance(value, str):
        for word in PADDING_WORDS:
            if value == word:
                return word
        legal = _either([repr(word) for word in PADDING_WORDS])
        raise SpecError("padding", value, f"must be numbers, {legal}", legal)
    if not isinstance(value, list | tuple) or not any(isinstance(side, list | tuple) for side in value):
        rows, columns = pair_of_numbers("padding", value, 0)
        return (rows, rows), (columns, columns)
    if [len(side) if isinstance(side, list | tuple) else 0 for side in value] != [2, 2]:
        raise SpecError("padding", value, "four sides must be ((top, bottom), (left, right))")
    top, bottom, left, right = _bounded("padding", value, [*value[0], *value[1]], 0)
    return (top, bottom), (left, right)


def check_shape(name: str, shape: Sequence[int], form: str) -> None:
    """Raise SpecError unless the shape is of this form, as [channels, rows, columns]."""
    if len(shape) != form.count(",") + 1 or min(shape) < 1:
        raise SpecError(name, tuple(shape), f"the shape must be {form}, each at least 1")


def _check_groups(groups: int, in_channels: int, out_channels: int, slices: int) -> None:
    for channels, kind in (in_channels, "input"), (out_channels, "output"):
        if channels % groups:
            common = [n for n in range(1, in_channels + 1) if in_channels % n == 0 == out_channels % n]
            nearest = [*[n for n in common if n < groups][-1:], *[n for n in common if n > groups][:1]]
            legal = _either([str(n) for n in nearest])
            raise SpecError(
                "groups", groups, f"must divide the {counted(channels, f'{kind} channel')}", legal
            )
    if slices != in_channels // groups:
        needed = in_channels // groups
        fitting, rest = divmod(in_channels, slices)
        is_legal = rest == 0 and out_channels % fitting == 0
        legal = str(fitting) if is_legal else f"a weight of {needed} slices"
        reason = f"a filter needs {in_channels}/{groups} = {needed} slices, not {slices}"
        raise SpecError("groups", groups, reason, legal)


def _padding_error(spec: ConvSpec, axis: Axis, size: Pair) -> SpecError:
    needs = "less than" if spec.padding_mode == "reflect" else "at most"
    reason = f"{spec.padding_mode} padding must be {needs} the image's {axis.size} {axis.name}"
    rows, columns = ((min(a.before, a.most_padding), min(a.after, a.most_padding)) for a in spec.laid(*size))
    less = replace(spec, padding=(rows, columns))
    fitting = replace(less, kernel_size=_fitting_kernel(less.laid(*size)))
    candidates = [less, replace(spec, padding_mode="zeros"), fitting]
    return SpecError("padding", brief(spec.padding), reason, _legal(spec, size, candidates))


def _window_error(spec: ConvSpec, axis: Axis, size: Pair) -> SpecError:
    candidates = [replace(spec, **fix) for fix in window_fixes(spec.laid(*size))]
    legal = _legal(spec, size, candidates)
    return SpecError("kernel_size", brief(spec.kernel_size), why_no_window(axis), legal)


def why_no_window(axis: Axis) -> str:
    """Why no window fits along an axis."""
    dilated = f"with dilation {axis.dilation} " if axis.dilation > 1 else ""
    return f"{dilated}the window spans {axis.span} {axis.name} but the padded image has only {axis.padded}"


def window_fixes(axes: tuple[Axis, Axis]) -> tuple[Fix, ...]:
    """What makes windows fit along these axes, one way or another: parameters and their values."""
    missing = (
        min(max(0, a.span - a.padded + 1) // 2, LARGEST_PADDING - max(a.before, a.after)) for a in axes
    )
    rows, columns = ((a.before + more, a.after + more) for a, more in zip(axes, missing, strict=True))
    high, wide = (min(a.dilation, max(1, (a.padded - 1) // max(1, a.kernel - 1))) for a in axes)
    return (
        Fix(kernel_size=_fitting_kernel(axes)),
        Fix(padding=(rows, columns)),
        Fix(dilation=(high, wide)),
    )


def _fitting_kernel(axes: tuple[Axis, Axis]) -> Pair:
    high, wide = (min(a.kernel, (a.padded - 1) // a.dilation + 1) for a in axes)
    return high, wide


def _legal(spec: ConvSpec, size: Pair, candidates: Sequence[ConvSpec]) -> str:
    """What to change for those candidates that are legal for an image of this size."""
    legal = [c for c in candidates if all(a.padding_fits and a.window_fits for a in c.laid(*size))]
    return changed(spec, *legal)


def changed(spec: "DataclassInstance", *candidates: "DataclassInstance") -> str:
    """What each candidate changes of the spec, as alternatives to choose from."""
    changes = dict.fromkeys(
        " with ".join(
            f"{field.name} {brief(getattr(candidate, field.name))}"
            for field in fields(spec)
            if getattr(candidate, field.name) != getattr(spec, field.name)
        )
        for candidate in candidates
    )
    return ", or ".join(changes)


def brief(value: object) -> object:
    """A parameter as shortly as it can be written: (3, 3) as 3."""
    if isinstance(value, tuple) and all(isinstance(side, tuple) and len(set(side)) == 1 for side in value):
        value = tuple(side[0] for side in value)
    if isinstance(value, tuple) and 0 < len(value) < 3 and isinstance(value[0], int) and len(set(value)) == 1:
        value = value[0]
    return value


def _either(options: Sequence[str]) -> str:
    return " or ".join([", ".join(options[:-1]), options[-1]] if len(options) > 1 else options)
