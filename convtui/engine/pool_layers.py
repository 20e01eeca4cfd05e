"""Layers that pool: the greatest number or the mean of each window, adaptive or of a set size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from convtui.engine.adaptive import AdaptiveAxis, AdaptiveSpec
from convtui.engine.layers import Layer, Shape, maps_of, short
from convtui.engine.pool_spec import PoolSpec
from convtui.engine.reductions import Average, Maximum, Reduction
from convtui.engine.spec import Pair
from convtui.engine.window_layers import Window, written


class Pool(Window):
    """A pooling with a window of a set size."""

    spec: PoolSpec
    reduction: Reduction

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What the layer's constructor was given."""
        spec = self.spec
        padding: Any = spec.padding
        if not isinstance(padding, str) and spec.is_torch_padding:
            padding = padding[0][0], padding[1][0]
        sizes = {"kernel_size": spec.kernel_size, "stride": spec.stride}
        return {**sizes, "padding": padding, "ceil_mode": spec.ceil_mode}

    def over(self, shape: Shape) -> Self:
        """The layer with its padding in pixels."""
        if self.spec.padding != "same-tf":
            return self
        _, height, width = maps_of(self, shape)
        return self._changed(spec=self.spec.over(height, width))

    def _written(self) -> list[str]:
        words = [f"{self.kind} {short(self.spec.kernel_size)}", *written(self.spec, self.spec.kernel_size)]
        return words + (["ceil"] if self.spec.ceil_mode else [])


@dataclass(frozen=True, init=False)
class MaxPool(Pool):
    """torch.nn.MaxPool2d: the greatest number in each window, padding never being it.

    padding is also taken as PoolSpec takes it. Raises SpecError for what no input makes legal.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html
    """

    kind = "maxpool"
    spec: PoolSpec
    reduction: Maximum

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
        dilation: int | Sequence[int] = 1,
        ceil_mode: bool = False,
    ) -> None:
        spec = PoolSpec(kernel_size, stride, padding, dilation, ceil_mode)
        self._set(spec=spec, reduction=Maximum())

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What the layer's constructor was given."""
        return {**super().arguments, "dilation": self.spec.dilation}

    def __str__(self) -> str:
        return " ".join(self._written())


@dataclass(frozen=True, init=False)
class AvgPool(Pool):
    """torch.nn.AvgPool2d: the mean of each window, by default with the zeros of the padding counted.

    padding is also taken as PoolSpec takes it. Raises SpecError for what no input makes legal.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html
    """

    kind = "avgpool"
    spec: PoolSpec
    reduction: Average

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        spec = PoolSpec(kernel_size, stride, padding, ceil_mode=ceil_mode)
        self._set(spec=spec, reduction=Average(count_include_pad, divisor_override))

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What the layer's constructor was given."""
        count, divisor = self.reduction.count_include_pad, self.reduction.divisor_override
        return {**super().arguments, "count_include_pad": count, "divisor_override": divisor}

    def __str__(self) -> str:
        words, divisor = self._written(), self.reduction.divisor_override
        words += [] if self.reduction.count_include_pad else ["nopadcount"]
        return " ".join(words + ([] if divisor is None else [f"div{divisor}"]))


@dataclass(frozen=True, init=False)
class AdaptivePool(Layer):
    """A pooling to so many windows whatever the input."""

    reduction: ClassVar[Reduction]
    spec: AdaptiveSpec

    def __init__(self, output_size: int | Sequence[int]) -> None:
        self._set(spec=AdaptiveSpec(output_size))

    def changed(self, **arguments: Any) -> Self:
        """The layer with other arguments. Raises what its constructor raises."""
        changed: Self = type(self)(**{"output_size": self.output_size, **arguments})
        return changed

    @property
    def output_size(self) -> Pair:
        """How many (rows, columns) of windows."""
        return self.spec.output_size

    def output_shape(self, *shapes: Shape) -> Shape:
        """[channels, rows, columns]. Raises SpecError for features."""
        return maps_of(self, shapes[0])[0], *self.output_size

    def axes(self, shape: Shape) -> tuple[AdaptiveAxis, AdaptiveAxis]:
        """Which rows and which columns the windows read; they are uneven where the sizes do not divide."""
        _, height, width = maps_of(self, shape)
        return self.spec.axes(height, width)

    def __str__(self) -> str:
        return f"{self.kind} {short(self.output_size)}"


class AdaptiveAvgPool(AdaptivePool):
    """torch.nn.AdaptiveAvgPool2d. Of 1x1 outputs it is global average pooling.

    Raises SpecError for an illegal output size.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
    """

    kind = "adaptiveavgpool"
    reduction = Average()

    def __str__(self) -> str:
        return "gap" if self.output_size == (1, 1) else super().__str__()


class AdaptiveMaxPool(AdaptivePool):
    """torch.nn.AdaptiveMaxPool2d. Raises SpecError for an illegal output size.

    Source: https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool2d.html
    """

    kind = "adaptivemaxpool"
    reduction = Maximum()
