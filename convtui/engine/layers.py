"""The kinds of layers a network is stacked from, with PyTorch's parameters, rules and shapes.

A layer is told its input's shape when it is asked, as PyTorch's lazy modules are, so that one stack can be
laid over images of any size. Source: https://pytorch.org/docs/stable/nn.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from operator import index
from typing import ClassVar, TypeAlias

import numpy as np

from convtui.engine.batchnorm import EPS
from convtui.engine.spec import Axis, ConvSpec, Floats, Pair, SpecError, brief, real_number

Shape: TypeAlias = tuple[int, ...]

MOST_FEATURES = 2**24
MOST_OUTPUTS = 2**12  # in one direction, of a layer that may have more than its input


class LayerError(ValueError):
    """A layer that cannot be: its number in the stack, how it is written, and the reason."""

    def __init__(self, number: int, layer: str, reason: str) -> None:
        super().__init__(number, layer, reason)
        self.number, self.layer, self.reason = number, layer, reason

    def __str__(self) -> str:
        written = f" ({self.layer})" if self.layer else ""
        return f"layer {self.number}{written}: {self.reason}"


@dataclass(frozen=True)
class Layer:
    """A layer; str() writes it as parse_layers reads it.

    Shapes are [channels, rows, columns], or [features] after flatten.
    """

    kind: ClassVar[str]

    def output_shape(self, *shapes: Shape) -> Shape:
        """Shape of the output for the shapes of the inputs. Raises SpecError where PyTorch refuses them."""
        return shapes[0]

    def parameters(self, shape: Shape) -> dict[str, Shape]:  # noqa: ARG002
        """Shapes of the trainable parameters by PyTorch's names, for an input of this shape."""
        return {}

    @property
    def title(self) -> str:
        """The layer in a few words."""
        return str(self)

    def __str__(self) -> str:
        return self.kind

    def _set(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)


class Image(Layer):
    """What the stack is laid over."""

    kind = "image"


class Window(Layer):
    """A layer whose every output cell reads a window of rows and columns."""

    spec: ConvSpec

    def axes(self, shape: Shape) -> tuple[Axis, Axis]:
        """How the windows lie along rows and columns. Raises SpecError where they do not fit."""
        _, height, width = maps_of(self, shape)
        return self.spec.axes(height, width)

    def output_shape(self, *shapes: Shape) -> Shape:
        """[channels, rows, columns]. Raises SpecError where PyTorch refuses the input."""
        rows, columns = self.axes(shapes[0])
        return shapes[0][0], rows.output, columns.output


@dataclass(frozen=True, init=False)
class Conv(Window):
    """torch.nn.LazyConv2d; padding is also taken as ((top, bottom), (left, right)).

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
        spec = ConvSpec(kernel_size, stride, padding, dilation, groups, padding_mode)
        self._set(out_channels=_count("out_channels", out_channels), spec=spec, bias=flag("bias", bias))

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
        words = [f"conv {rows}x{columns} {self.out_channels}", *_written_spec(self.spec, (1, 1))]
        return " ".join(words + ([] if self.bias else ["nobias"]))


@dataclass(frozen=True, init=False)
class _Pool(Window):
    spec: ConvSpec

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
    ) -> None:
        self._set(spec=self._checked(kernel_size, stride, padding, 1))

    def _checked(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None,
        padding: int | Sequence[int],
        dilation: int | Sequence[int],
    ) -> ConvSpec:
        sides = padding if isinstance(padding, list | tuple) else [padding]
        if any(isinstance(side, str | list | tuple) for side in sides):
            raise SpecError("padding", padding, f"{self.kind} takes one number or a pair (rows, columns)")
        spec = ConvSpec(kernel_size, kernel_size if stride is None else stride, padding, dilation)
        given = tuple(before for before, _ in spec.pads)
        legal = tuple(min(before, k // 2) for before, k in zip(given, spec.kernel_size, strict=True))
        if legal != given:
            nearest = str(legal if legal[0] != legal[1] else legal[0])
            raise SpecError("padding", brief(padding), "must be at most half the kernel_size", nearest)
        return spec

    def __str__(self) -> str:
        words = [f"{self.kind} {short(self.spec.kernel_size)}"]
        return " ".join(words + _written_spec(self.spec, self.spec.kernel_size))


class MaxPool(_Pool):
    """torch.nn.MaxPool2d: the greatest number in each window, padding never being it.

    Raises SpecError for what no input makes legal.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html
    """

    kind = "maxpool"

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
    ) -> None:
        self._set(spec=self._checked(kernel_size, stride, padding, dilation))

    def axes(self, shape: Shape) -> tuple[Axis, Axis]:
        """How the windows lie along rows and columns. Raises SpecError where they do not fit."""
        try:
            return super().axes(shape)
        except SpecError as error:
            if self.spec.dilation == (1, 1):
                raise
            # What else would make a dilated window fit may leave more padding than half the kernel size.
            legal = [fix for fix in error.legal.split(", or ") if fix.startswith("dilation")]
            raise SpecError(error.parameter, error.value, error.reason, "".join(legal)) from None


class AvgPool(_Pool):
    """torch.nn.AvgPool2d: the mean of each window, the zeros of the padding counted.

    Raises SpecError for what no input makes legal.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html
    """

    kind = "avgpool"


@dataclass(frozen=True, init=False)
class AdaptiveAvgPool(Layer):
    """torch.nn.AdaptiveAvgPool2d: the mean of each window, of which there are so many whatever the input.

    Of 1x1 outputs it is global average pooling. Raises SpecError for an illegal output size.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
    """

    kind = "adaptiveavgpool"
    output_size: Pair

    def __init__(self, output_size: int | Sequence[int]) -> None:
        sides = output_size if isinstance(output_size, list | tuple) else (output_size, output_size)
        if len(sides) != 2:
            raise SpecError("output_size", output_size, "must be one number or a pair (rows, columns)")
        rows, columns = (_count("output_size", side, MOST_OUTPUTS) for side in sides)
        self._set(output_size=(rows, columns))

    def output_shape(self, *shapes: Shape) -> Shape:
        """[channels, rows, columns]. Raises SpecError for features."""
        return maps_of(self, shapes[0])[0], *self.output_size

    def windows(self, shape: Shape) -> tuple[tuple[range, ...], tuple[range, ...]]:
        """The rows and the columns that each window reads; they are uneven where the sizes do not divide."""
        _, height, width = shape
        return adaptive_windows(height, self.output_size[0]), adaptive_windows(width, self.output_size[1])

    def __str__(self) -> str:
        return "gap" if self.output_size == (1, 1) else f"{self.kind} {short(self.output_size)}"


class Activation(Layer):
    """A layer that changes each number, has nothing to learn and leaves the shape as it is."""

    def of(self, x: Floats) -> Floats:
        """The output for a mini-batch [N, channels, ...]."""
        raise NotImplementedError


class ReLU(Activation):
    """torch.nn.ReLU: negative numbers become 0.

    Source: https://pytorch.org/docs/stable/generated/torch.nn.ReLU.html
    """

    kind = "relu"

    def of(self, x: Floats) -> Floats:
        """max(x, 0)."""
        return np.maximum(x, 0.0)


@dataclass(frozen=True, init=False)
class BatchNorm(Layer):
    """torch.nn.LazyBatchNorm2d, over features torch.nn.LazyBatchNorm1d. Raises SpecError for an illegal eps.

    Source: https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html
    """

    kind = "bn"
    eps: float

    def __init__(self, eps: float = EPS) -> None:
        self._set(eps=positive("eps", eps))

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        """weight (gamma) and bias (beta), one of each for every channel."""
        return {"weight": shape[:1], "bias": shape[:1]}

    def __str__(self) -> str:
        return self.kind + ("" if self.eps == EPS else f" eps={number_text(self.eps)}")


@dataclass(frozen=True, init=False)
class Flatten(Layer):
    """torch.nn.Flatten: channel by channel, row by row.

    start_dim and end_dim count as in PyTorch, with the mini-batch as 0. Raises SpecError for any that do not
    make a row of features of each image.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.Flatten.html
    """

    kind = "flatten"

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        if start_dim not in (1, -3):
            raise SpecError("start_dim", start_dim, "features are all that an image has: its channels too", "1")
        if end_dim not in (-1, 3):
            raise SpecError("end_dim", end_dim, "features are all that an image has: its columns too", "-1")

    def output_shape(self, *shapes: Shape) -> Shape:
        """[features]."""
        return (prod(shapes[0]),)


@dataclass(frozen=True, init=False)
class Linear(Layer):
    """torch.nn.LazyLinear. Raises SpecError for an illegal number of features.

    Source: https://pytorch.org/docs/stable/generated/torch.nn.LazyLinear.html
    """

    kind = "linear"
    out_features: int
    bias: bool

    def __init__(self, out_features: int, bias: bool = True) -> None:
        self._set(out_features=_count("out_features", out_features), bias=flag("bias", bias))

    def output_shape(self, *shapes: Shape) -> Shape:
        """[out_features]. Raises SpecError for maps, which are flattened first."""
        if len(shapes[0]) != 1:
            raise SpecError(
                "input", list(shapes[0]), "linear takes features, not feature maps", "flatten before it"
            )
        return (self.out_features,)

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        """weight [out_features, in_features] and, if there is one, bias [out_features]."""
        weight: dict[str, Shape] = {"weight": (self.out_features, shape[0])}
        return weight | ({"bias": (self.out_features,)} if self.bias else {})

    def __str__(self) -> str:
        return f"linear {self.out_features}" + ("" if self.bias else " nobias")


def adaptive_windows(size: int, count: int) -> tuple[range, ...]:
    """What each of so many windows of adaptive pooling reads along an axis of this size.

    Window i runs from floor(i * size / count) to ceil((i + 1) * size / count).
    """
    return tuple(range(i * size // count, -(-(i + 1) * size // count)) for i in range(count))


def maps_of(layer: Layer, shape: Shape) -> Shape:
    """The shape [channels, rows, columns] of a layer's input. Raises SpecError for features."""
    if len(shape) != 3:
        raise SpecError(
            "input",
            list(shape),
            f"{layer.kind} takes feature maps [channels, rows, columns]",
            "before flatten",
        )
    return shape


def _count(parameter: str, value: object, most: int = MOST_FEATURES) -> int:
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


def positive(parameter: str, value: object) -> float:
    """The value, if it is a number greater than 0. Raises SpecError if it is not."""
    number = real_number(parameter, value)
    if number <= 0:
        raise SpecError(parameter, value, "must be greater than 0", number_text(EPS))
    return number


def number_text(value: float) -> str:
    """A number with all of its digits, as short as it can be read back."""
    return repr(value).removesuffix(".0")


def flag(parameter: str, value: object) -> bool:
    """The value, if it is true or false. Raises SpecError if it is not."""
    if not isinstance(value, bool):
        raise SpecError(parameter, value, "must be true or false")
    return value


def short(pair: Pair) -> str:
    """A pair as it is written: 3 or 3x5."""
    return f"{pair[0]}" if pair[0] == pair[1] else f"{pair[0]}x{pair[1]}"


def _written_spec(spec: ConvSpec, stride: Pair) -> list[str]:
    """What differs from the defaults, as words."""
    words = []
    if spec.stride != stride:
        words.append(f"s{short(spec.stride)}")
    if isinstance(spec.padding, str):
        words.append(spec.padding)
    elif any(before != after for before, after in spec.padding):
        words.append("p" + "x".join(f"{before}:{after}" for before, after in spec.padding))
    elif any(map(any, spec.padding)):
        words.append("p" + short((spec.padding[0][0], spec.padding[1][0])))
    if spec.dilation != (1, 1):
        words.append(f"d{short(spec.dilation)}")
    if spec.groups != 1:
        words.append(f"g{spec.groups}")
    return words + ([spec.padding_mode] if spec.padding_mode != "zeros" else [])
