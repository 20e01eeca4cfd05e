"""A layer written as PyTorch's module, for an input of known shape: the reverse of `printed_model`.

What a module of PyTorch cannot pad or cut itself has a module of its own before or after it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from convtui.engine.activations import ELU, GELU, LeakyReLU, Softmax
from convtui.engine.batchnorm import EPS
from convtui.engine.dropout import Dropout
from convtui.engine.layers import Activation, BatchNorm, Flatten, Layer, Linear, Shape, number_text
from convtui.engine.norm_layers import GroupNorm, InstanceNorm, LayerNorm
from convtui.engine.pool_layers import AdaptivePool, AvgPool, MaxPool, Pool
from convtui.engine.reductions import Average
from convtui.engine.spec import Sides
from convtui.engine.torch_text import NO_CALL, call_text, pair_text
from convtui.engine.upsample import Upsample
from convtui.engine.window_layers import Conv, ConvTranspose

_PADDING: Final = {
    "zeros": "nn.ZeroPad2d",
    "reflect": "nn.ReflectionPad2d",
    "replicate": "nn.ReplicationPad2d",
    "circular": "nn.CircularPad2d",
}
_PLAIN: Final = {
    "relu": "ReLU",
    "relu6": "ReLU6",
    "silu": "SiLU",
    "hardswish": "Hardswish",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
}


class ModuleText(NamedTuple):
    """The calls that make the modules of a layer, one after another, and which of them has its weights."""

    calls: tuple[str, ...]
    weighted: int = 0

    @property
    def call(self) -> str:
        """A single call: where there are several modules, that of an nn.Sequential."""
        return self.calls[0] if len(self.calls) == 1 else f"nn.Sequential({', '.join(self.calls)})"


def module_text(layer: Layer, shape: Shape) -> ModuleText:
    """The modules of a layer for a mini-batch of inputs of this shape; PyTorch's defaults are left out.

    layer: as Layer.over makes it for the shape. Raises ValueError where PyTorch has no such module.
    Source: https://pytorch.org/docs/stable/nn.html
    """
    match layer:
        case Conv():
            return _conv(layer, shape[0])
        case ConvTranspose():
            return _transposed(layer, shape[0])
        case Pool():
            return _pool(layer)
        case AdaptivePool():
            kind = "Avg" if isinstance(layer.reduction, Average) else "Max"
            size = pair_text(layer.output_size, default=0)
            return _one(f"nn.Adaptive{kind}Pool2d", size)
        case Linear():
            bias = "" if layer.bias else "False"
            return _one("nn.Linear", str(shape[0]), str(layer.out_features), bias=bias)
        case Flatten():
            return _one("nn.Flatten")
        case Dropout():
            return _one("nn.Dropout", number_text(layer.p))
        case Activation():
            return _activation(layer)
        case Upsample():
            return _upsample(layer)
    return _norm(layer, shape)


def _one(name: str, *inputs: str, **given: str) -> ModuleText:
    return ModuleText((call_text(name, *inputs, **given),))


def _conv(layer: Conv, channels: int) -> ModuleText:
    spec = layer.spec
    pads, padding = _parted(spec.pads)
    call = call_text(
        "nn.Conv2d",
        str(channels),
        str(layer.out_channels),
        pair_text(spec.kernel_size, default=0),
        stride=pair_text(spec.stride, default=1),
        padding=padding,
        dilation=pair_text(spec.dilation, default=1),
        groups=str(spec.groups) if spec.groups > 1 else "",
        bias="" if layer.bias else "False",
        padding_mode=f'"{spec.padding_mode}"' if padding and spec.padding_mode != "zeros" else "",
    )
    return ModuleText((f"{_PADDING[spec.padding_mode]}({pads})", call), 1) if pads else ModuleText((call,))


def _transposed(layer: ConvTranspose, channels: int) -> ModuleText:
    spec = layer.spec
    (top, bottom), (left, right) = spec.pads
    pads, padding = _parted(spec.pads)
    call = call_text(
        "nn.ConvTranspose2d",
        str(channels),
        str(layer.out_channels),
        pair_text(spec.kernel_size, default=0),
        stride=pair_text(spec.stride, default=1),
        padding=padding,
        output_padding=pair_text(spec.output_padding, default=0),
        groups=str(spec.groups) if spec.groups > 1 else "",
        bias="" if layer.bias else "False",
        dilation=pair_text(spec.dilation, default=1),
    )
    cut = f"nn.ZeroPad2d({(-left, -right, -top, -bottom)})"
    return ModuleText((call, cut) if pads else (call,))


def _parted(pads: Sides) -> tuple[str, str]:
    """What has a module of its own, (left, right, top, bottom), and what the module takes; "" for none."""
    (top, bottom), (left, right) = pads
    if (top, left) == (bottom, right):
        return "", pair_text((top, left), default=0)
    return str((left, right, top, bottom)), ""


def _pool(layer: Pool) -> ModuleText:
    spec, is_average = layer.spec, isinstance(layer, AvgPool)
    (top, bottom), (left, right) = spec.pads
    counts = not isinstance(layer, AvgPool) or layer.reduction.count_include_pad
    divisor = layer.reduction.divisor_override if isinstance(layer, AvgPool) else None
    if not spec.is_torch_padding and (spec.ceil_mode or not counts):
        raise ValueError(f"no code can be written for {layer}: {NO_CALL}")
    call = call_text(
        "nn.AvgPool2d" if is_average else "nn.MaxPool2d",
        pair_text(spec.kernel_size, default=0),
        stride="" if spec.stride == spec.kernel_size else pair_text(spec.stride, default=0),
        padding=pair_text((top, left), default=0) if spec.is_torch_padding else "",
        dilation=pair_text(spec.dilation, default=1) if isinstance(layer, MaxPool) else "",
        ceil_mode="True" if spec.ceil_mode else "",
        count_include_pad="" if counts else "False",
        divisor_override="" if divisor is None else str(divisor),
    )
    if spec.is_torch_padding:
        return ModuleText((call,))
    filling = "0.0" if is_average else 'float("-inf")'
    return ModuleText((f"nn.ConstantPad2d({(left, right, top, bottom)}, {filling})", call))


def _activation(layer: Activation) -> ModuleText:
    match layer:
        case LeakyReLU():
            return _one("nn.LeakyReLU", _unless(0.01, layer.negative_slope))
        case ELU():
            return _one("nn.ELU", _unless(1.0, layer.alpha))
        case GELU():
            return _one("nn.GELU", approximate='"tanh"' if layer.approximate == "tanh" else "")
        case Softmax():
            return _one("nn.Softmax", dim="1")
    return _one(f"nn.{_PLAIN[layer.kind]}")


def _upsample(layer: Upsample) -> ModuleText:
    factors = layer.scale_factor
    return _one(
        "nn.Upsample",
        size=pair_text(layer.size, default=0) if layer.size else "",
        scale_factor="" if factors is None else repr(factors[0] if factors[0] == factors[1] else factors),
        mode='"bilinear"' if layer.mode == "bilinear" else "",
        align_corners="True" if layer.align_corners else "",
    )


def _norm(layer: Layer, shape: Shape) -> ModuleText:
    channels, on, off = str(shape[0]), "True", "False"
    match layer:
        case BatchNorm():
            name = "nn.BatchNorm2d" if len(shape) == 3 else "nn.BatchNorm1d"
            return _one(name, channels, eps=_unless(EPS, layer.eps))
        case GroupNorm():
            given = {"eps": _unless(EPS, layer.eps), "affine": "" if layer.affine else off}
            return _one("nn.GroupNorm", str(layer.num_groups), channels, **given)
        case LayerNorm():
            affine = "" if layer.elementwise_affine else off
            bias = off if layer.elementwise_affine and not layer.bias else ""
            given = {"eps": _unless(EPS, layer.eps), "elementwise_affine": affine, "bias": bias}
            return _one("nn.LayerNorm", str([*shape]), **given)
        case InstanceNorm():
            given = {"eps": _unless(EPS, layer.eps), "affine": on if layer.affine else ""}
            return _one("nn.InstanceNorm2d", channels, **given)
    raise ValueError(f"no code can be written for {layer}: PyTorch has no such module")


def _unless(default: float, value: float) -> str:
    """The number as Python writes it; "" for the default."""
    return "" if value == default else number_text(value)
