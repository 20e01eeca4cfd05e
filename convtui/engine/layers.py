"""The kinds of layers a network is stacked from, with PyTorch's parameters, rules and shapes.

A layer is told its input's shape when it is asked, as PyTorch's lazy modules are, so that one stack can be
laid over images of any size. Source: https://pytorch.org/docs/stable/nn.html
"""

from copy import copy
from dataclasses import dataclass
from math import prod
from typing import ClassVar, Self, TypeAlias

import numpy as np

from convtui.engine.batchnorm import EPS
from convtui.engine.spec import Floats, Pair, SpecError, real_number, whole_number

Shape: TypeAlias = tuple[int, ...]

MOST_FEATURES = 2**24


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

    def over(self, shape: Shape) -> "Layer":  # noqa: ARG002
        """The layer as it is over an input of this shape, for those that are told by it alone."""
        return self

    def parameters(self, shape: Shape) -> dict[str, Shape]:  # noqa: ARG002
        """Shapes of the trainable parameters by PyTorch's names, for an input of this shape."""
        return {}

    @property
    def title(self) -> str:
        """The layer in a few words."""
        return str(self)

    def __str__(self) -> str:
        return self.kind

    def _changed(self, **values: object) -> Self:
        """The same layer with other values."""
        changed = copy(self)
        changed._set(**values)
        return changed

    def _set(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)


class Image(Layer):
    """What the stack is laid over."""

    kind = "image"


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
            raise SpecError(
                "start_dim", start_dim, "features are all that an image has: its channels too", "1"
            )
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
        features = whole_number("out_features", out_features, MOST_FEATURES)
        self._set(out_features=features, bias=flag("bias", bias))

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
