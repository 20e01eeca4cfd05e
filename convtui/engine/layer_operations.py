"""Layers as operations of a graph: what they read, what they cost, and PyTorch's names for them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from convtui.engine.activations import Softmax
from convtui.engine.adaptive import adaptive_windows
from convtui.engine.branches import Branches, Concat, Multiply
from convtui.engine.graph import costs
from convtui.engine.graph.operation import (
    Argument,
    Cost,
    Failure,
    Op,
    Parameter,
    Setting,
    Source,
    Tensor,
)
from convtui.engine.graph.reads import (
    All,
    Gather,
    Grouped,
    Merge,
    Pointwise,
    Read,
    Reads,
    Transposed,
    Window,
    reshape_reads,
)
from convtui.engine.layers import BatchNorm, Flatten, Image, Layer, Linear, Shape
from convtui.engine.norm_layers import Norm
from convtui.engine.pool_layers import AdaptivePool, Pool
from convtui.engine.spec import Axis, SpecError
from convtui.engine.upsample import Upsample
from convtui.engine.window_layers import Conv, ConvTranspose
from convtui.engine.window_layers import Window as WindowLayer

KINDS: Final = {
    "image": "input",
    "conv": "conv2d",
    "convtranspose": "conv_transpose2d",
    "maxpool": "max_pool2d",
    "avgpool": "avg_pool2d",
    "adaptiveavgpool": "adaptive_avg_pool2d",
    "adaptivemaxpool": "adaptive_max_pool2d",
    "leakyrelu": "leaky_relu",
    "bn": "batch_norm",
    "groupnorm": "group_norm",
    "layernorm": "layer_norm",
    "instancenorm": "instance_norm",
    "upsample": "interpolate",
    "residual": "add",
    "multiply": "mul",
    "concat": "cat",
}  # where PyTorch's function has another name


def tensor_of(shape: Shape) -> Tensor:
    """A layer's output for a batch of one image, in float32."""
    return Tensor((1, *shape), "float32")


def cost_of(layer: Layer, input_shape: Shape, output_shape: Shape) -> Cost:
    """The multiply-adds of a layer for one image."""
    match layer:
        case Conv():
            return costs.convolution(layer.parameters(input_shape)["weight"], (1, *output_shape))
        case ConvTranspose():
            return costs.transposed_convolution(layer.parameters(input_shape)["weight"], (1, *input_shape))
        case Linear():
            return costs.linear(layer.parameters(input_shape)["weight"], (1, *output_shape))
    return Cost()


def operation_of(
    number: int, layer: Layer, inputs: Sequence[int], shapes: Sequence[Shape], output: Shape
) -> Op:
    """A layer over inputs of these shapes, [channels, rows, columns] or [features], as it is over them."""
    parameters = layer.parameters(shapes[0]) if shapes else {}
    return Op(
        number=number,
        kind=KINDS.get(layer.kind, layer.kind),
        outputs=(tensor_of(output),),
        inputs=tuple(map(Source, inputs)),
        reads=(_reads(layer, shapes, output),),
        line=f"layer {number}" if number else "",
        code=layer.title,
        settings=_settings(layer),
        parameters=tuple(Parameter(f"{number}.{name}", shape) for name, shape in parameters.items()),
        cost=cost_of(layer, shapes[0], output) if shapes else Cost(),
    )


def failure_of(
    number: int, layer: Layer, inputs: Sequence[int], shapes: Sequence[Shape], error: SpecError
) -> Failure:
    """Why a layer does not fit inputs of these shapes: as an operation that failed, for a batch of one."""
    sources = [
        Argument("input", tensor_of(shape), Source(n)) for n, shape in zip(inputs, shapes, strict=True)
    ]
    kind, settings = layer.kind, _window_settings(layer)
    if isinstance(layer, Branches):
        kind = KINDS.get(kind, kind)
        sources = [replace(each, role=f"path {at}") for at, each in enumerate(sources, 1)]
    elif settings and error.parameter in ("kernel_size", "padding"):
        kind = KINDS.get(kind, kind)
        weights = layer.parameters(shapes[0])
        sources += [
            Argument(role, Tensor(shape, "float32"), name=f"parameter {number}.{role}")
            for role, shape in weights.items()
        ]
    plain = SpecError(error.parameter, error.value, error.reason)
    legal = f"{error.parameter} {error.legal}" if error.legal[:1].isdigit() else error.legal
    return Failure(
        str(plain), kind, "", "", f"layer {number}", layer.title, settings, tuple(sources), legal=legal
    )


def _window_settings(layer: Layer) -> dict[str, Setting]:
    """The settings of which the size of the output follows; {} if it has no windows, or uneven padding."""
    if not isinstance(layer, WindowLayer) or isinstance(layer.spec.padding, str):
        return {}
    spec = layer.spec
    if any(before != after for before, after in spec.pads):
        return {}
    told: dict[str, Setting] = {"kernel": spec.kernel_size, "stride": spec.stride, "dilation": spec.dilation}
    told["padding"] = tuple(before for before, _ in spec.pads)
    if isinstance(layer, Conv | ConvTranspose):
        told["groups"] = layer.spec.groups
    if isinstance(layer, ConvTranspose):
        told["output_padding"] = layer.spec.output_padding
    return told


def _settings(layer: Layer) -> dict[str, Setting]:
    match layer:
        case Conv() | ConvTranspose():
            spec = layer.spec
            return {"kernel": spec.kernel_size, "stride": spec.stride, "groups": spec.groups}
        case Pool():
            return {"kernel": layer.spec.kernel_size, "stride": layer.spec.stride}
        case BatchNorm():
            return {"training": False}
    return {}


def _reads(layer: Layer, shapes: Sequence[Shape], output: Shape) -> tuple[Reads, ...]:
    """What it reads of each of its inputs."""
    alike = tuple(Pointwise(axis) for axis in range(len(output) + 1))
    match layer:
        case Image():
            return ()
        case Multiply():
            return tuple(_broadcast(shape, output) for shape in shapes)
        case Concat():
            starts = [sum(shape[0] for shape in shapes[:i]) for i in range(len(shapes))]
            return tuple((alike[0], Window(1, 1, before=start), *alike[2:]) for start in starts)
    if len(shapes) > 1:
        return (alike,) * len(shapes)
    (shape,) = shapes
    match layer:
        case Conv():
            channels = _grouped(shape[0], output[0], layer.spec.groups)
            return ((alike[0], channels, *_windows(layer.spec.axes(*shape[1:]))),)
        case ConvTranspose():
            channels = _grouped(shape[0], output[0], layer.spec.groups)
            landing = (
                Transposed(axis, along.kernel, along.stride, along.before, along.dilation)
                for axis, along in enumerate(layer.spec.axes(*shape[1:]), 2)
            )
            return ((alike[0], channels, *landing),)
        case Pool():
            return ((*alike[:2], *_windows(layer.spec.axes(*shape[1:]))),)
        case AdaptivePool():
            along_axes = (
                _adaptive(axis, *sizes)
                for axis, sizes in enumerate(zip(shape[1:], output[1:], strict=True), 2)
            )
            return ((*alike[:2], *along_axes),)
        case Upsample():
            return (
                (*alike[:2], *(_gathered(axis, each) for axis, each in enumerate(layer.windows(shape), 2))),
            )
        case Norm():
            each = layer.shared(shape).channels
            return ((alike[0], _grouped(shape[0], shape[0], shape[0] // each), *[All() for _ in shape[1:]]),)
        case Softmax() | Linear():
            return ((alike[0], All(), *alike[2:]),)
        case Flatten():
            return (reshape_reads((1, *shape), (1, *output)),)
    return (alike,)


def _grouped(inputs: int, outputs: int, groups: int) -> Read:
    if groups == 1:
        return All()
    return Pointwise(1) if groups == inputs == outputs else Grouped(1, inputs // groups, outputs // groups)


def _windows(axes: tuple[Axis, Axis]) -> list[Read]:
    return [
        Window(
            axis,
            along.kernel,
            along.stride,
            along.before,
            along.dilation,
            () if along.padding_mode == "zeros" else tuple(along.sources.tolist()),
        )
        for axis, along in enumerate(axes, 2)
    ]


def _adaptive(axis: int, size: int, count: int) -> Read:
    if count == 1:
        return All()
    if size % count == 0:
        return Window(axis, size // count, size // count)
    return _gathered(axis, adaptive_windows(size, count))


def _gathered(axis: int, windows: Sequence[range]) -> Gather:
    return Gather(axis, tuple(each.start for each in windows), tuple(each.stop - 1 for each in windows))


def _broadcast(shape: Shape, output: Shape) -> Reads:
    along = (
        Pointwise(axis) if size == other else Merge()
        for axis, (size, other) in enumerate(zip(shape, output, strict=True), 1)
    )
    return (Pointwise(0), *along)
