"""Which operation is stepped through: the convolution, or a pooling or transposed convolution instead of it.

An operation is described by the layer that computes it, as text and as PyTorch's parameters; what there is of
weights comes from the convolution, so that its kernel, filters and bias are those of its transpose, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from convtui.engine.adaptive import AdaptiveSpec
from convtui.engine.convolution import Convolution
from convtui.engine.layers import LayerError
from convtui.engine.pooling import Pooling
from convtui.engine.reductions import Average
from convtui.engine.spec import SpecError
from convtui.engine.transposed import TransposedConvolution
from convtui.engine.transposed_ways import Gathering, Scattering

if TYPE_CHECKING:
    from convtui.engine.layers import Layer
    from convtui.engine.pool_layers import AdaptivePool, Pool
    from convtui.engine.spec import Floats, Pair, Sides
    from convtui.engine.window_layers import ConvTranspose

Transposed: TypeAlias = Gathering | Scattering
OtherOperation: TypeAlias = Pooling | Transposed
Operation: TypeAlias = Convolution | OtherOperation

SCATTER: Final = "scatter"
GATHER: Final = "gather"
WAYS: Final = (SCATTER, GATHER)  # to step through a transposed convolution

EXAMPLES: Final = (  # one for each kind, as it is typed, in the order in which they follow each other
    "conv",
    "convtranspose s2",
    "maxpool 2",
    "avgpool 2",
    "adaptivemaxpool 4",
    "adaptiveavgpool 4",
)
KINDS: Final = tuple(text.split()[0] for text in EXAMPLES)


def no_operation(text: str, close: str = "") -> SpecError:
    """What is said of a text that names no operation. close: a clause that suggests what was meant."""
    return SpecError("operation", text, f"must be {', '.join(KINDS[:-1])} or {KINDS[-1]}{close}")


def layer_of(operation: OtherOperation) -> Pool | AdaptivePool | ConvTranspose:
    """The layer that computes an operation."""
    from convtui.engine.pool_layers import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, MaxPool
    from convtui.engine.window_layers import ConvTranspose

    if not isinstance(operation, Pooling):
        transposed = operation.transposed
        spec = transposed.spec
        return ConvTranspose(
            transposed.output_shape[0],
            spec.kernel_size,
            spec.stride,
            spec.padding,
            spec.output_padding,
            spec.groups,
            transposed.bias is not None,
            spec.dilation,
        )
    reduction = operation.reduction
    if isinstance(operation.spec, AdaptiveSpec):
        kind = AdaptiveAvgPool if isinstance(reduction, Average) else AdaptiveMaxPool
        return kind(operation.spec.output_size)
    windows = operation.spec
    if isinstance(reduction, Average):
        return AvgPool(
            windows.kernel_size,
            windows.stride,
            windows.padding,
            windows.ceil_mode,
            reduction.count_include_pad,
            reduction.divisor_override,
        )
    return MaxPool(windows.kernel_size, windows.stride, windows.padding, windows.dilation, windows.ceil_mode)


def kind_of(operation: Operation) -> str:
    """The name of its kind, one of KINDS."""
    if isinstance(operation, Convolution):
        return "conv"
    if not isinstance(operation, Pooling):
        return "convtranspose"
    adaptive = "adaptive" if isinstance(operation.spec, AdaptiveSpec) else ""
    return f"{adaptive}{'avg' if isinstance(operation.reduction, Average) else 'max'}pool"


def one_layer(text: str, parameter: str = "operation", left_out: str = "") -> Layer:
    """The layer in a text, with what is left out of it. Raises SpecError if it is none or several."""
    from convtui.engine.layer_text import parse_layers

    try:
        layers = parse_layers(f"{text} {left_out}")
    except LayerError as error:
        raise SpecError(parameter, text, error.reason) from None
    if len(layers) > 1:
        raise SpecError(
            parameter, text, "must be one layer; several are typed as in: layers conv 3x3 8, relu"
        )
    return layers[0]


def of_kind(kind: str, present: Layer | None, convolution: Convolution) -> Layer | None:
    """A layer with the parameters that it has in common with the present one, or with the convolution.

    None: the convolution itself, also as the present one.
    """
    from convtui.engine.layer_names import KINDS as LAYERS
    from convtui.engine.pool_layers import AdaptivePool, Pool

    spec, size = convolution.spec, convolution.image_shape[1:]
    if kind == "conv":
        return None
    if kind == "convtranspose":
        given = {
            "stride": spec.stride,
            "padding": spec.pads,
            "dilation": spec.dilation,
            "groups": spec.groups,
        }
        return LAYERS[kind](len(convolution.weight), spec.kernel_size, **given)
    if kind.startswith("adaptive"):
        if isinstance(present, AdaptivePool):
            return LAYERS[kind](present.output_size)
        return LAYERS[kind]([1 if side == 1 else 4 for side in size])
    if isinstance(present, Pool):
        windows = present.spec
        return LAYERS[kind](windows.kernel_size, windows.stride, windows.padding, ceil_mode=windows.ceil_mode)
    return LAYERS[kind]([min(side, 2) for side in size])


def require_parameter(kind: str, name: str, value: object) -> None:
    """Raise SpecError unless an operation of this kind has such a parameter, and tell one that has it."""
    from convtui.engine.layer_names import parameters_of

    if name not in parameters_of(kind):
        alike = sorted(EXAMPLES, key=lambda each: ("pool" in each) != ("pool" in kind))
        having = next(each for each in alike if name in parameters_of(each.split()[0]))
        raise SpecError(name, value, f"{kind} has none; operation {having} has")


def way_of(operation: Operation) -> str:
    """How a transposed convolution is stepped through; "" for any other operation."""
    if isinstance(operation, Scattering):
        return SCATTER
    return GATHER if isinstance(operation, Gathering) else ""


def over(layer: Layer, convolution: Convolution, way: str = SCATTER) -> OtherOperation:
    """The operation of a layer, over the image of a convolution and with its weights.

    Of a transposed convolution the kernel size, the filters and the groups must be those of the convolution.
    Raises SpecError for what PyTorch refuses, and for a layer that has no windows.
    """
    from convtui.engine.pool_layers import AdaptivePool, Pool
    from convtui.engine.window_layers import ConvTranspose

    if isinstance(layer, Pool | AdaptivePool):
        return Pooling(convolution.image, layer.spec, layer.reduction)
    if not isinstance(layer, ConvTranspose):
        raise no_operation(str(layer))
    spec = layer.spec
    transposed = TransposedConvolution(
        convolution.image,
        transposed_weight(convolution.weight, spec.groups),
        convolution.bias,
        spec.stride,
        spec.padding,
        spec.output_padding,
        spec.groups,
        spec.dilation,
    )
    return in_way(transposed, way)


def in_way(transposed: TransposedConvolution, way: str) -> Transposed:
    """A transposed convolution, stepped through in one of the WAYS. Raises SpecError for any other."""
    if way not in WAYS:
        raise SpecError("way", way, f"must be {' or '.join(WAYS)}")
    return Scattering(transposed) if way == SCATTER else Gathering(transposed)


def fitted(operation: OtherOperation | None, convolution: Convolution) -> OtherOperation | None:
    """The same operation over another image or with other weights. Raises SpecError for what does not fit."""
    if operation is None:
        return None
    if isinstance(operation, Pooling):
        return Pooling(convolution.image, operation.spec, operation.reduction)
    layer, groups = layer_of(operation), convolution.spec.groups
    kept = {"bias": convolution.bias is not None, "kernel_size": convolution.spec.kernel_size}
    layer = layer.changed(out_channels=len(convolution.weight), groups=groups, **kept)
    return over(layer, convolution, way_of(operation))


def room_for(kernel_size: Pair, image: Pair, dilation: Pair = (1, 1)) -> Sides:
    """The least padding with which a convolution has a window; a transposed one takes any kernel."""
    missing = (
        max(d * (k - 1) + 1 - size, 0) for k, size, d in zip(kernel_size, image, dilation, strict=True)
    )
    rows, columns = (((count + 1) // 2, count // 2) for count in missing)
    return rows, columns


def transposed_weight(weight: Floats, groups: int) -> Floats:
    """[C, O/groups, kH, kW] of [O, C/groups, kH, kW], or the other way round: each group's axes swapped."""
    filters, slices, *size = weight.shape
    grouped = weight.reshape(groups, filters // groups, slices, *size)
    return grouped.swapaxes(1, 2).reshape(groups * slices, filters // groups, *size)
