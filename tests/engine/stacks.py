"""Stacks of layers drawn at random, and what PyTorch makes of them."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add, mul
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from convtui.engine.activations import (
    ELU,
    GELU,
    Hardswish,
    LeakyReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Tanh,
)
from convtui.engine.branches import Branches, Concat, Multiply, Residual
from convtui.engine.dropout import Dropout
from convtui.engine.feature_maps import FeatureMaps
from convtui.engine.layers import Activation, BatchNorm, Flatten, Layer, Linear, ReLU, Shape
from convtui.engine.norm_layers import GroupNorm, InstanceNorm, LayerNorm, Norm
from convtui.engine.pool_layers import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, MaxPool, Pool
from convtui.engine.pool_spec import PoolSpec
from convtui.engine.reductions import Maximum
from convtui.engine.spec import PADDING_MODES, ConvSpec
from convtui.engine.stack import nodes, summarize
from convtui.engine.upsample import Upsample
from convtui.engine.window_layers import Conv, ConvTranspose, Depthwise
from tests.engine.cases import pairs


@dataclass
class Torch:
    """PyTorch's layers and their outputs, without batch, in the order of a stack's rows; 0 is the image.

    The weights are those of the feature maps, or PyTorch's own. As a probe every weight is 1 and nothing is
    cut off or normalised, so that exactly those cells have a gradient that an activation depends on.
    """

    image: Tensor
    maps: FeatureMaps | None = None
    is_probe: bool = False
    made: Sequence[nn.Module] = ()  # those of an earlier run of the same layers, to be used again
    modules: list[nn.Module] = field(default_factory=lambda: [nn.Identity()])
    outputs: list[Tensor] = field(default_factory=list)

    def run(self, layers: Sequence[Layer]) -> "Torch":
        self.outputs.append(self.image)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Using padding='same' with even kernel lengths")
            self.through(layers, self.image)
        return self

    def through(self, layers: Sequence[Layer], x: Tensor) -> Tensor:
        for layer in layers:
            if isinstance(layer, Branches):
                ends = [self.through(path, x) for path in layer.paths]
                x = torch.cat(ends) if isinstance(layer, Concat) else self.joined(layer, ends)
                self.modules.append(nn.Identity())
            else:
                module = self.module(layer, x)
                if self.maps:
                    weights = self.maps.weights(len(self.outputs))
                    state = {
                        name: torch.tensor(array, dtype=torch.float64) for name, array in weights.items()
                    }
                    module.load_state_dict(state, strict=not isinstance(layer, BatchNorm))
                x = module(x[None])[0]
                self.modules.append(module)
            self.outputs.append(x)
        return x

    def module(self, layer: Layer, x: Tensor) -> nn.Module:
        """PyTorch's module for the next layer, which gets x."""
        if self.made:
            return self.made[len(self.modules)]
        return probe(layer, x) if self.is_probe else built(layer, x)

    def joined(self, layer: Branches, ends: Sequence[Tensor]) -> Tensor:
        """The sum or the product of what the paths end in; of a probe the sum, whose gradient is never 0."""
        is_product = isinstance(layer, Multiply) and not self.is_probe
        return reduce(mul if is_product else add, ends)


class FourSidedConv2d(nn.Conv2d):
    """A convolution with a padding of its own on each side."""

    def __init__(self, spec: ConvSpec, in_channels: int, out_channels: int, **parameters: Any) -> None:
        super().__init__(in_channels, out_channels, **parameters)
        (top, bottom), (left, right) = spec.pads
        self.sides = (left, right, top, bottom)
        self.mode = "constant" if spec.padding_mode == "zeros" else spec.padding_mode

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(nn.functional.pad(x, self.sides, self.mode))


def convolution(layer: Conv, in_channels: int) -> nn.Conv2d:
    spec = layer.spec
    parameters: dict[str, Any] = {
        "kernel_size": spec.kernel_size,
        "stride": spec.stride,
        "dilation": spec.dilation,
        "groups": spec.groups,
        "bias": layer.bias,
        "dtype": torch.float64,
    }
    if not isinstance(spec.padding, str) and any(before != after for before, after in spec.padding):
        return FourSidedConv2d(spec, in_channels, layer.out_channels, **parameters)
    padding = spec.padding if isinstance(spec.padding, str) else (spec.padding[0][0], spec.padding[1][0])
    parameters |= {"padding": padding, "padding_mode": spec.padding_mode}
    return nn.Conv2d(in_channels, layer.out_channels, **parameters)


class FourSided(nn.Module):
    """A pooling with a padding of its own on each side, which is filled before."""

    def __init__(self, spec: PoolSpec, filling: float, module: nn.Module) -> None:
        super().__init__()
        (top, bottom), (left, right) = spec.pads
        self.sides, self.filling, self.module = (left, right, top, bottom), filling, module

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.module(nn.functional.pad(x, self.sides, value=self.filling))
        return output


def pool(layer: Pool) -> nn.Module:
    """PyTorch's module for a pooling, padded before if it cannot pad so itself."""
    spec, is_torch = layer.spec, layer.spec.is_torch_padding
    padding = (spec.pads[0][0], spec.pads[1][0]) if is_torch else 0
    sizes: dict[str, Any] = {"kernel_size": spec.kernel_size, "stride": spec.stride, "padding": padding}
    if isinstance(layer.reduction, Maximum):
        module: nn.Module = nn.MaxPool2d(dilation=spec.dilation, ceil_mode=spec.ceil_mode, **sizes)
    else:
        count, divisor = layer.reduction.count_include_pad, layer.reduction.divisor_override
        module = nn.AvgPool2d(
            ceil_mode=spec.ceil_mode, count_include_pad=count, divisor_override=divisor, **sizes
        )
    return module if is_torch else FourSided(spec, layer.reduction.filling, module)


def transposed(layer: ConvTranspose, in_channels: int) -> nn.ConvTranspose2d:
    """PyTorch's module for a transposed convolution."""
    spec = layer.spec
    return nn.ConvTranspose2d(
        in_channels,
        layer.out_channels,
        spec.kernel_size,
        spec.stride,
        (spec.pads[0][0], spec.pads[1][0]),
        spec.output_padding,
        spec.groups,
        layer.bias,
        spec.dilation,
        dtype=torch.float64,
    )


def built(layer: Layer, x: Tensor) -> nn.Module:
    """PyTorch's module for a layer that gets x."""
    match layer:
        case Conv():
            return convolution(layer, len(x))
        case Depthwise():
            return built(layer.over(tuple(x.shape)), x)
        case ConvTranspose():
            return transposed(layer, len(x))
        case Pool():
            return pool(layer)
        case AdaptiveAvgPool():
            return nn.AdaptiveAvgPool2d(layer.output_size)
        case AdaptiveMaxPool():
            return nn.AdaptiveMaxPool2d(layer.output_size)
        case Activation():
            module: nn.Module = getattr(nn, type(layer).__name__)(**vars(layer))
            return module.eval()
        case BatchNorm():
            norm = nn.BatchNorm2d if x.ndim == 3 else nn.BatchNorm1d
            return norm(len(x), layer.eps, dtype=torch.float64).eval()
        case GroupNorm():
            return nn.GroupNorm(layer.num_groups, len(x), layer.eps, layer.affine, dtype=torch.float64)
        case LayerNorm():
            affine, bias = layer.elementwise_affine, layer.bias
            return nn.LayerNorm(x.shape, layer.eps, affine, bias, dtype=torch.float64)
        case InstanceNorm():
            return nn.InstanceNorm2d(len(x), layer.eps, affine=layer.affine, dtype=torch.float64)
        case Upsample():
            corners = layer.align_corners if layer.mode == "bilinear" else None
            return nn.Upsample(layer.size, layer.scale_factor, layer.mode, corners)
        case Flatten():
            return nn.Flatten()
        case Linear():
            return nn.Linear(len(x), layer.out_features, layer.bias, dtype=torch.float64)
        case _:
            raise TypeError(layer)


class Same(nn.Module):
    """Passes its input on as an output of its own."""

    def forward(self, x: Tensor) -> Tensor:
        return x.clone()


class Sums(nn.Module):
    """For each activation the sum of all that it is normalised or weighed with."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        if isinstance(self.layer, Softmax):
            return x.sum(1, keepdim=True) * torch.ones_like(x)
        groups = {LayerNorm: 1, InstanceNorm: x.shape[1]}.get(type(self.layer))
        if groups is None:
            assert isinstance(self.layer, GroupNorm)
            groups = self.layer.num_groups
        sets = x.reshape(len(x), groups, -1)
        return (sets.sum(2, keepdim=True) * torch.ones_like(sets)).reshape(x.shape)


def probe(layer: Layer, x: Tensor) -> nn.Module:
    """A linear module with weights of 1 that reads what the layer reads."""
    match layer:
        case Norm() | Softmax():
            return Sums(layer)
        case Activation() | BatchNorm():
            return Same()
        case Pool():
            module: nn.Module = OverhangingConv2d(layer.spec, x)
        case AdaptiveMaxPool():
            module = nn.AdaptiveAvgPool2d(layer.output_size)
        case _:
            module = built(layer, x)
    for parameter in module.parameters():
        nn.init.ones_(parameter)
    return module


class OverhangingConv2d(nn.Conv2d):
    """A convolution of each channel that reads what a pooling's windows read."""

    def __init__(self, spec: PoolSpec, x: Tensor) -> None:
        channels = len(x)
        super().__init__(
            channels,
            channels,
            spec.kernel_size,
            spec.stride,
            dilation=spec.dilation,
            groups=channels,
            bias=False,
            dtype=torch.float64,
        )
        axes = spec.axes(*x.shape[1:])
        rows, columns = ((axis.before, axis.after + axis.overhang) for axis in axes)
        self.sides = (*columns, *rows)
        self.size = axes[0].output, axes[1].output

    def forward(self, x: Tensor) -> Tensor:
        output = super().forward(nn.functional.pad(x, self.sides))
        return output[..., : self.size[0], : self.size[1]]


ROUNDING = 1e-12  # a smaller gradient is that of a cell which PyTorch takes for lying between two
LARGEST = 64  # rows or columns, however often they are made more

kernels = st.sampled_from([(1, 1), (2, 2), (3, 3), (5, 5), (3, 2), (1, 4)])


@st.composite
def convs(draw: st.DrawFn, channels: int) -> Layer:
    """A convolution of so many channels."""
    groups = draw(st.sampled_from([g for g in (1, 1, 2, 3) if channels % g == 0]))
    padding = draw(
        st.one_of(st.integers(0, 3), pairs(0, 2), st.tuples(pairs(0, 2), pairs(0, 2)), st.just("same"))
    )
    return Conv(
        groups * draw(st.integers(1, 2)),
        draw(kernels),
        1 if padding == "same" else draw(st.one_of(st.integers(1, 3), pairs(1, 3))),
        padding,
        draw(st.one_of(st.sampled_from([1, 1, 2]), st.just((1, 3)))),
        groups,
        draw(st.booleans()),
        draw(st.sampled_from(["zeros", "zeros", *PADDING_MODES])),
    )


@st.composite
def transposes(draw: st.DrawFn, channels: int) -> Layer:
    """A transposed convolution of so many channels."""
    groups = draw(st.sampled_from([g for g in (1, 1, 2, 3) if channels % g == 0]))
    stride, dilation = draw(pairs(1, 3)), draw(st.sampled_from([(1, 1), (1, 1), (2, 1), (1, 3)]))
    most = [max(s, d) - 1 for s, d in zip(stride, dilation, strict=True)]
    return ConvTranspose(
        groups * draw(st.integers(1, 2)),
        draw(kernels),
        stride,
        draw(pairs(0, 2)),
        (draw(st.integers(0, most[0])), draw(st.integers(0, most[1]))),
        groups,
        draw(st.booleans()),
        dilation,
    )


@st.composite
def pools(draw: st.DrawFn) -> Layer:
    """A pooling layer."""
    kernel = draw(kernels)
    stride = draw(st.sampled_from([None, 1, 2, (2, 1), 3]))
    dilation = draw(st.sampled_from([1, 1, 2]))
    padding: Any = (draw(st.integers(0, kernel[0] // 2)), draw(st.integers(0, kernel[1] // 2)))
    ceil_mode = draw(st.booleans())
    if draw(st.booleans()):
        return AvgPool(
            kernel,
            stride,
            padding,
            ceil_mode,
            draw(st.booleans()),
            draw(st.sampled_from([None, None, None, 1, 5, -2])),
        )
    if draw(st.booleans()):
        spans = [dilation * (k - 1) for k in kernel]
        padding = tuple((draw(st.integers(0, most)), draw(st.integers(0, most))) for most in spans)
        ceil_mode = False  # PyTorch takes what F.pad added for the image, into which the last window may hang
    return MaxPool(kernel, stride, padding, dilation, ceil_mode)


@st.composite
def adaptive_pools(draw: st.DrawFn) -> Layer:
    """An adaptive pooling layer, also to more cells than its input has."""
    layer = draw(st.sampled_from([AdaptiveAvgPool, AdaptiveMaxPool]))
    return layer(draw(st.one_of(st.integers(1, 9), pairs(1, 9))))


activations = st.one_of(
    st.sampled_from([ReLU(), ReLU6(), SiLU(), Hardswish(), Sigmoid(), Tanh(), Softmax()]),
    st.builds(LeakyReLU, st.floats(-2, 2)),
    st.builds(ELU, st.floats(-2, 2)),
    st.builds(GELU, st.sampled_from(["none", "tanh"])),
    st.builds(Dropout, st.floats(0, 1)),
)


@st.composite
def norms(draw: st.DrawFn, channels: int) -> Layer:
    """A norm of so many channels."""
    eps, flags = draw(st.sampled_from([1e-5, 0.001, 0.5])), st.booleans()
    groups = draw(st.sampled_from([n for n in range(1, channels + 1) if channels % n == 0]))
    kinds = [BatchNorm(eps), GroupNorm(groups, eps, draw(flags)), InstanceNorm(eps, draw(flags))]
    return draw(st.sampled_from([*kinds, LayerNorm(eps, draw(flags), draw(flags))]))


@st.composite
def upsamples(draw: st.DrawFn) -> Layer:
    """An upsampling, also to fewer cells than its input has."""
    sizes: tuple[Any, Any] = draw(
        st.one_of(
            st.tuples(pairs(1, 9), st.none()),
            st.tuples(st.none(), st.integers(1, 3)),
            st.tuples(st.none(), st.tuples(st.floats(0.4, 3), st.sampled_from([0.5, 1.5, 1.25]))),
        )
    )
    if draw(st.booleans()):
        return Upsample(*sizes)
    return Upsample(*sizes, "bilinear", draw(st.sampled_from([None, False, True])))


@st.composite
def squeezes(draw: st.DrawFn, channels: int) -> Layer:
    """Weights of the channels, of the rows or of the cells, by which the input is multiplied."""
    squeezed = [
        [AdaptiveAvgPool(1), Conv(2, 1), ReLU(), Conv(channels, 1), Sigmoid()],
        [AdaptiveAvgPool(1), Conv(1, 1), Tanh()],
        [Conv(1, 3, padding=1), Sigmoid()],
    ]
    return Multiply([draw(st.sampled_from(squeezed))])


@st.composite
def branches(draw: st.DrawFn, channels: int) -> Layer:
    """A residual or concat layer whose paths halve the map or leave its size, aligned or not."""
    stride = draw(st.sampled_from([1, 1, 2]))
    is_residual = draw(st.booleans())
    filters = channels if stride == 1 else draw(st.integers(1, 3))

    def halving(kernel: int, before: int, after: int, dilation: int = 1) -> Layer:
        return Conv(filters, kernel, stride, ((before, after), (after, before)), dilation)

    ends = [halving(1, 0, 0), halving(2, 0, 1), halving(2, 1, 0), halving(3, 1, 1), halving(3, 2, 2, 2)]
    tails: list[list[Layer]] = [[], [ReLU()], [BatchNorm(), Conv(filters, 3, padding=1, groups=filters)]]
    choices = st.tuples(st.sampled_from(ends), st.sampled_from(tails))
    paths = [[end, *tail] for end, tail in draw(st.lists(choices, min_size=2, max_size=3))]
    if stride == 1 and draw(st.booleans()):
        paths[-1] = []
    return Residual(paths) if is_residual else Concat(paths)


@st.composite
def stacks(draw: st.DrawFn, least: int = 4, most: int = 14) -> tuple[list[Layer], Shape]:
    """Layers that fit an image, and the image's shape, of least to most rows and columns."""
    image = (draw(st.integers(1, 4)), *draw(pairs(least, most)))
    layers: list[Layer] = []
    for _ in range(draw(st.integers(1, 5))):
        channels = summarize(layers, image).rows[-1].output_shape[0]
        windowed = [convs(channels), convs(channels), transposes(channels), pools(), adaptive_pools()]
        others = [activations, norms(channels), upsamples(), squeezes(channels)]
        layer = draw(st.one_of(*windowed, branches(channels), *others))
        row = summarize([*layers, layer], image).rows[-1]
        if row.number == len(nodes([*layers, layer])) and max(row.output_shape) <= LARGEST:
            layers.append(layer)
    ending: list[list[Layer]] = [
        [],
        [Flatten()],
        [AdaptiveAvgPool(1), Flatten(), Linear(2)],
        [Flatten(), Linear(3), BatchNorm(), ReLU(), Linear(2, bias=False)],
        [Flatten(), LayerNorm(), Linear(4), GroupNorm(2), Softmax()],
        [Concat([[AdaptiveAvgPool(1), Flatten()], [Flatten(), ReLU()]]), Linear(2)],
        [AdaptiveAvgPool((3, 5)), Conv(2, 2, 1, 1), Flatten(), Linear(2)],
    ]
    return layers + draw(st.sampled_from(ending)) or [ReLU()], image
