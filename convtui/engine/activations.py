"""Layers that change each number by itself, and softmax, which weighs the channels against each other.

Source: https://pytorch.org/docs/stable/nn.html#non-linear-activations-weighted-sum-nonlinearity
"""

from dataclasses import dataclass
from math import erf, pi, sqrt
from typing import Literal, TypeAlias

import numpy as np

from convtui.engine.layers import Activation, Shape, number_text
from convtui.engine.spec import Floats, SpecError, real_number

Approximation: TypeAlias = Literal["none", "tanh"]


class ReLU6(Activation):
    """torch.nn.ReLU6: a ReLU that ends at 6.

    Source: https://pytorch.org/docs/stable/generated/torch.nn.ReLU6.html
    """

    kind = "relu6"

    def of(self, x: Floats) -> Floats:
        """min(max(x, 0), 6)."""
        return np.clip(x, 0.0, 6.0)


@dataclass(frozen=True, init=False)
class LeakyReLU(Activation):
    """torch.nn.LeakyReLU: negative numbers are made small. Raises SpecError for what is no number.

    Source: https://pytorch.org/docs/stable/generated/torch.nn.LeakyReLU.html
    """

    kind = "leakyrelu"
    negative_slope: float

    def __init__(self, negative_slope: float = 0.01) -> None:
        self._set(negative_slope=real_number("negative_slope", negative_slope))

    def of(self, x: Floats) -> Floats:
        """x, but negative_slope * x where x is negative."""
        return np.where(x > 0, x, self.negative_slope * x)

    def __str__(self) -> str:
        return written(self.kind, self.negative_slope, 0.01)


@dataclass(frozen=True, init=False)
class ELU(Activation):
    """torch.nn.ELU: negative numbers approach -alpha. Raises SpecError for what is no number.

    Source: Clevert et al. 2015, https://arxiv.org/abs/1511.07289;
    https://pytorch.org/docs/stable/generated/torch.nn.ELU.html
    """

    kind = "elu"
    alpha: float

    def __init__(self, alpha: float = 1.0) -> None:
        self._set(alpha=real_number("alpha", alpha))

    def of(self, x: Floats) -> Floats:
        """x, but alpha * (exp(x) - 1) where x is negative."""
        return np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0.0)))

    def __str__(self) -> str:
        return written(self.kind, self.alpha, 1.0)


@dataclass(frozen=True, init=False)
class GELU(Activation):
    """torch.nn.GELU: x by the chance that a standard normal number is smaller than x.

    approximate "tanh" is a formula close to it. Raises SpecError for any other word.
    Source: Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415;
    https://pytorch.org/docs/stable/generated/torch.nn.GELU.html
    """

    kind = "gelu"
    approximate: Approximation

    def __init__(self, approximate: str = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise SpecError("approximate", approximate, "unknown approximation", "'none' or 'tanh'")
        self._set(approximate=approximate)

    def of(self, x: Floats) -> Floats:
        """x/2 * (1 + erf(x/√2)), or x/2 * (1 + tanh(√(2/π) * (x + 0.044715 x³)))."""
        if self.approximate == "tanh":
            inner = np.tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))
        else:
            inner = np.fromiter(map(erf, (x / sqrt(2)).flat), np.float64, x.size).reshape(x.shape)
        output: Floats = x * 0.5 * (1 + inner)
        return output

    def __str__(self) -> str:
        return self.kind + (" tanh" if self.approximate == "tanh" else "")


class SiLU(Activation):
    """torch.nn.SiLU, also called swish: x by its sigmoid.

    Source: https://pytorch.org/docs/stable/generated/torch.nn.SiLU.html
    """

    kind = "silu"

    def of(self, x: Floats) -> Floats:
        """x / (1 + exp(-x))."""
        output: Floats = x / (1 + np.exp(-x))
        return output


class Hardswish(Activation):
    """torch.nn.Hardswish: swish made of straight lines.

    Source: Howard et al. 2019, https://arxiv.org/abs/1905.02244;
    https://pytorch.org/docs/stable/generated/torch.nn.Hardswish.html
    """

    kind = "hardswish"

    def of(self, x: Floats) -> Floats:
        """x * min(max(x + 3, 0), 6) / 6."""
        output: Floats = x * np.clip(x + 3, 0.0, 6.0) / 6
        return output


class Sigmoid(Activation):
    """torch.nn.Sigmoid: between 0 and 1.

    Source: https://pytorch.org/docs/stable/generated/torch.nn.Sigmoid.html
    """

    kind = "sigmoid"

    def of(self, x: Floats) -> Floats:
        """1 / (1 + exp(-x))."""
        output: Floats = 1 / (1 + np.exp(-x))
        return output


class Tanh(Activation):
    """torch.nn.Tanh: between -1 and 1.

    Source: https://pytorch.org/docs/stable/generated/torch.nn.Tanh.html
    """

    kind = "tanh"

    def of(self, x: Floats) -> Floats:
        """tanh(x)."""
        return np.tanh(x)


@dataclass(frozen=True, init=False)
class Softmax(Activation):
    """torch.nn.Softmax over the channels: positive numbers whose sum over the channels of a cell is 1.

    dim counts as in PyTorch, with the mini-batch as 0; 1 is the channels. Raises SpecError for what is no
    whole number.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.Softmax.html
    """

    kind = "softmax"
    dim: int

    def __init__(self, dim: int = 1) -> None:
        if not isinstance(dim, int) or isinstance(dim, bool):
            raise SpecError("dim", dim, "must be a whole number", "1")
        self._set(dim=dim)

    def output_shape(self, *shapes: Shape) -> Shape:
        """The shape of the input. Raises SpecError where dim is not that of the channels."""
        if self.dim not in (1, -len(shapes[0])):
            raise SpecError("dim", self.dim, "softmax is taken over the channels of each cell", "1")
        return shapes[0]

    def of(self, x: Floats) -> Floats:
        """exp(x) by the sum of exp(x) over the channels."""
        powers = np.exp(x - x.max(axis=1, keepdims=True))
        output: Floats = powers / powers.sum(axis=1, keepdims=True)
        return output

    def __str__(self) -> str:
        return written(self.kind, self.dim, 1)


def written(kind: str, value: float, default: float) -> str:
    """The layer with its one number, if that is not the default."""
    return kind if value == default else f"{kind} {number_text(value)}"
