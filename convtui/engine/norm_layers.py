"""Group, layer and instance norm as layers; their means are those of the image that they see, in any mode.

Batch norm, which keeps running statistics, is in `layers`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from convtui.engine.batchnorm import EPS
from convtui.engine.layers import MOST_FEATURES, Layer, Shape, flag, maps_of, number_text, positive
from convtui.engine.norms import NormKind, SharedMean, norm, weight_shape
from convtui.engine.spec import Floats, SpecError, whole_number


class Norm(Layer):
    """A norm that shares means within each image."""

    norm_kind: ClassVar[NormKind]
    num_groups: int = 1
    eps: float

    def output_shape(self, *shapes: Shape) -> Shape:
        """The shape of the input. Raises SpecError where PyTorch refuses it."""
        self.shared(shapes[0])
        return shapes[0]

    def shared(self, shape: Shape) -> SharedMean:
        """Which activations of such an input share a mean. Raises SpecError where PyTorch refuses it."""
        try:
            return SharedMean.of(self.norm_kind, (1, *shape), self.num_groups)
        except SpecError:
            raise
        except ValueError as error:
            raise SpecError("input", list(shape), str(error).partition(": ")[2]) from None

    def of(self, x: Floats, arrays: Mapping[str, Floats]) -> Floats:
        """The output for a mini-batch [N, channels, ...], with the parameters by PyTorch's names."""
        weight, bias = arrays.get("weight", 1.0), arrays.get("bias", 0.0)
        return norm(self.norm_kind, x, weight, bias, num_groups=self.num_groups, eps=self.eps)

    def _shapes(self, shape: Shape, has_weight: bool, has_bias: bool) -> dict[str, Shape]:
        names = [name for name, has in (("weight", has_weight), ("bias", has_bias)) if has]
        return dict.fromkeys(names, weight_shape(self.norm_kind, (1, *shape)))

    def _written(self, *words: str) -> str:
        more = [] if self.eps == EPS else [f"eps={number_text(self.eps)}"]
        return " ".join([self.kind, *words, *more])


@dataclass(frozen=True, init=False)
class GroupNorm(Norm):
    """torch.nn.GroupNorm: a mean for each group of neighbouring channels of an image.

    Raises SpecError for what no input makes legal.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.GroupNorm.html
    """

    kind = "groupnorm"
    norm_kind = "group"
    num_groups: int
    eps: float
    affine: bool

    def __init__(self, num_groups: int, eps: float = EPS, affine: bool = True) -> None:
        groups = whole_number("num_groups", num_groups, MOST_FEATURES)
        self._set(num_groups=groups, eps=positive("eps", eps), affine=flag("affine", affine))

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        """weight (gamma) and bias (beta), one of each for every channel, if it is affine."""
        return self._shapes(shape, self.affine, self.affine)

    def __str__(self) -> str:
        return self._written(str(self.num_groups), *([] if self.affine else ["affine=false"]))


@dataclass(frozen=True, init=False)
class LayerNorm(Norm):
    """torch.nn.LayerNorm over all channels, rows and columns: one mean for an image.

    Raises SpecError for what no input makes legal.
    Source: Ba et al. 2016, https://arxiv.org/abs/1607.06450;
    https://pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html
    """

    kind = "layernorm"
    norm_kind = "layer"
    eps: float
    elementwise_affine: bool
    bias: bool

    def __init__(self, eps: float = EPS, elementwise_affine: bool = True, bias: bool = True) -> None:
        affine = flag("elementwise_affine", elementwise_affine)
        has_bias = flag("bias", bias) and affine  # as in PyTorch, which then prints no bias
        self._set(eps=positive("eps", eps), elementwise_affine=affine, bias=has_bias)

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        """weight (gamma) and bias (beta), one of each for every element, as far as it has them."""
        return self._shapes(shape, self.elementwise_affine, self.bias)

    def __str__(self) -> str:
        if not self.elementwise_affine:
            return self._written("elementwise_affine=false")
        return self._written(*([] if self.bias else ["nobias"]))


@dataclass(frozen=True, init=False)
class InstanceNorm(Norm):
    """torch.nn.InstanceNorm2d: a mean for each channel of an image; without weights unless it is affine.

    Raises SpecError for what no input makes legal.
    Source: Ulyanov et al. 2016, https://arxiv.org/abs/1607.08022;
    https://pytorch.org/docs/stable/generated/torch.nn.InstanceNorm2d.html
    """

    kind = "instancenorm"
    norm_kind = "instance"
    eps: float
    affine: bool

    def __init__(self, eps: float = EPS, affine: bool = False) -> None:
        self._set(eps=positive("eps", eps), affine=flag("affine", affine))

    def shared(self, shape: Shape) -> SharedMean:
        """Which activations share a mean. Raises SpecError for features, or for maps of a single cell."""
        return super().shared(maps_of(self, shape))

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        """weight (gamma) and bias (beta), one of each for every channel, if it is affine."""
        return self._shapes(shape, self.affine, self.affine)

    def __str__(self) -> str:
        return self._written(*(["affine=true"] if self.affine else []))
