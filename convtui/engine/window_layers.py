"""Layers whose every output cell comes from a window of a set size, and convolutions of every kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

from convtui.engine.layers import MOST_FEATURES, Layer, Shape, flag, maps_of, short
from convtui.engine.pool_spec import PoolSpec
from convtui.engine.spec import Axis, ConvSpec, Pair, Sides, SpecError, whole_number
from convtui.engine.transposed_spec import TransposedAxis, TransposedSpec
from convtui.engine.words import counted

WindowSpec: TypeAlias = ConvSpec | PoolSpec | TransposedSpec
Axes: TypeAlias = tuple[Axis, Axis] | tuple[TransposedAxis, TransposedAxis]


class Window(Layer):
    """A layer whose every output cell comes from a window of rows and columns."""

    spec: WindowSpec

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What the layer's constructor was given."""
        raise NotImplementedError

    def changed(self, **arguments: Any) -> Self:
        """The layer with other arguments. Raises what its constructor raises."""
        changed: Self = type(self)(**{**self.arguments, **arguments})
        return changed

    def axes(self, shape: Shape) -> Axes:
        """How the windows lie along rows and columns. Raises SpecError where they do not fit."""
        _, height, width = maps_of(self, shape)
        return self.spec.axes(height, width)

    def output_shape(self, *shapes: Shape) -> Shape:
        """[channels, rows, columns]. Raises SpecError where PyTorch refuses the input."""
        rows, columns = self.axes(shapes[0])
        return shapes[0][0], rows.output, columns.output


@dataclass(frozen=True, init=False)
class Conv(Window):
    """torch.nn.LazyConv2d; padding is also taken as ((top, bottom), (left, right)) or "same-tf".

    Raises SpecError for what no input makes legal.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.LazyConv2d.html
    """

    kind = "conv"
    out_channels: int
    spec: ConvSpec
    bias: bool

    def __init__(
        self,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
    ) -> None:
        self._set(
            out_channels=whole_number("out_channels", out_channels, MOST_FEATURES),
            spec=ConvSpec(kernel_size, stride, padding, dilation, groups, padding_mode),
            bias=flag("bias", bias),
        )

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What the layer's constructor was given."""
        own = {"out_channels": self.out_channels, "bias": self.bias, "padding_mode": self.spec.padding_mode}
        return {**_arguments(self.spec), **own, "groups": self.spec.groups}

    def over(self, shape: Shape) -> "Conv":
        """The layer with its padding in pixels."""
        if self.spec.padding != "same-tf":
            return self
        _, height, width = maps_of(self, shape)
        return self._changed(spec=self.spec.over(height, width))

    def output_shape(self, *shapes: Shape) -> Shape:
        """[out_channels, rows, columns]. Raises SpecError where PyTorch refuses the input."""
        self.spec.check(maps_of(self, shapes[0]), self.parameters(shapes[0])["weight"])
        return self.out_channels, *super().output_shape(*shapes)[1:]

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        """weight [out_channels, in_channels/groups, kH, kW] and, if there is one, bias [out_channels]."""
        slices = max(1, shape[0] // self.spec.groups)
        weight = {"weight": (self.out_channels, slices, *self.spec.kernel_size)}
        return weight | ({"bias": (self.out_channels,)} if self.bias else {})

    def __str__(self) -> str:
        rows, columns = self.spec.kernel_size
        words = [f"conv {rows}x{columns} {self.out_channels}", *written(self.spec, (1, 1))]
        if self.spec.groups != 1:
            words.append(f"g{self.spec.groups}")
        if self.spec.padding_mode != "zeros":
            words.append(self.spec.padding_mode)
        return " ".join(words + ([] if self.bias else ["nobias"]))


@dataclass(frozen=True, init=False)
class Depthwise(Window):
    """A convolution of each channel by itself: torch.nn.Conv2d(C, C, ..., groups=C) over C channels.

    Raises SpecError for what no input makes legal.
    Source: Howard et al. 2017, MobileNets, https://arxiv.org/abs/1704.04861
    """

    kind = "depthwise"
    spec: ConvSpec
    bias: bool

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
        dilation: int | Sequence[int] = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
    ) -> None:
        spec = ConvSpec(kernel_size, stride, padding, dilation, 1, padding_mode)
        self._set(spec=spec, bias=flag("bias", bias))

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What the layer's constructor was given."""
        return {**_arguments(self.spec), "bias": self.bias, "padding_mode": self.spec.padding_mode}

    def over(self, shape: Shape) -> Conv:
        """The convolution that this is over so many channels."""
        channels = maps_of(self, shape)[0]
        return Conv(**self.arguments, out_channels=channels, groups=channels).over(shape)

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        """weight [channels, 1, kH, kW] and, if there is one, bias [channels]."""
        return self.over(shape).parameters(shape)

    def __str__(self) -> str:
        words = [f"depthwise {short(self.spec.kernel_size)}", *written(self.spec, (1, 1))]
        if self.spec.padding_mode != "zeros":
            words.append(self.spec.padding_mode)
        return " ".join(words + ([] if self.bias else ["nobias"]))


def pointwise(out_channels: int, groups: int = 1, bias: bool = True) -> Conv:
    """A convolution of each pixel by itself, torch.nn.LazyConv2d(out_channels, 1)."""
    return Conv(out_channels, 1, groups=groups, bias=bias)


@dataclass(frozen=True, init=False)
class ConvTranspose(Window):
    """torch.nn.LazyConvTranspose2d; padding is also taken as TransposedSpec takes it.

    Raises SpecError for what no input makes legal.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.LazyConvTranspose2d.html
    """

    kind = "convtranspose"
    out_channels: int
    spec: TransposedSpec
    bias: bool

    def __init__(
        self,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
        output_padding: int | Sequence[int] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | Sequence[int] = 1,
    ) -> None:
        self._set(
            out_channels=whole_number("out_channels", out_channels, MOST_FEATURES),
            spec=TransposedSpec(kernel_size, stride, padding, output_padding, groups, dilation),
            bias=flag("bias", bias),
        )
        if self.out_channels % self.spec.groups:
            divisors = [n for n in range(1, self.spec.groups) if self.out_channels % n == 0]
            reason = f"must divide the {counted(self.out_channels, 'output channel')}"
            raise SpecError("groups", groups, reason, str(divisors[-1]))

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What the layer's constructor was given."""
        own = {"out_channels": self.out_channels, "bias": self.bias, "groups": self.spec.groups}
        return {**_arguments(self.spec), **own, "output_padding": self.spec.output_padding}

    def output_shape(self, *shapes: Shape) -> Shape:
        """[out_channels, rows, columns]. Raises SpecError where PyTorch refuses the input."""
        self.spec.check(maps_of(self, shapes[0]), self.parameters(shapes[0])["weight"])
        return self.out_channels, *super().output_shape(*shapes)[1:]

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        """weight [in_channels, out_channels/groups, kH, kW] and, if there is one, bias [out_channels]."""
        filters = self.out_channels // self.spec.groups
        weight = {"weight": (shape[0], filters, *self.spec.kernel_size)}
        return weight | ({"bias": (self.out_channels,)} if self.bias else {})

    def __str__(self) -> str:
        rows, columns = self.spec.kernel_size
        words = [f"convtranspose {rows}x{columns} {self.out_channels}", *written(self.spec, (1, 1))]
        if self.spec.output_padding != (0, 0):
            words.append(f"op{short(self.spec.output_padding)}")
        if self.spec.groups != 1:
            words.append(f"g{self.spec.groups}")
        return " ".join(words + ([] if self.bias else ["nobias"]))


def written(spec: WindowSpec, stride: Pair) -> list[str]:
    """Stride, padding and dilation as words, where they differ from the defaults."""
    words = []
    if spec.stride != stride:
        words.append(f"s{short(spec.stride)}")
    if isinstance(spec.padding, str):
        words.append(spec.padding)
    elif any(map(any, spec.padding)):
        is_four_sided = isinstance(spec, PoolSpec) and not spec.is_torch_padding
        words.append(_written_padding(spec.padding, is_four_sided))
    if spec.dilation != (1, 1):
        words.append(f"d{short(spec.dilation)}")
    return words


def _written_padding(sides: Sides, is_four_sided: bool) -> str:
    if is_four_sided or any(before != after for before, after in sides):
        return "p" + "x".join(f"{before}:{after}" for before, after in sides)
    return "p" + short((sides[0][0], sides[1][0]))


def _arguments(spec: WindowSpec) -> Mapping[str, Any]:
    return {
        "kernel_size": spec.kernel_size,
        "stride": spec.stride,
        "padding": spec.padding,
        "dilation": spec.dilation,
    }
