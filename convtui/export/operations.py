"""What a diagram needs to know of each operation: its frame, its weights, its output's colours, its words."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from convtui.engine.adaptive import AdaptiveSpec
from convtui.engine.convolution import Convolution, Step
from convtui.engine.pooling import Pooling, PoolStep
from convtui.engine.reductions import Average, Winner
from convtui.engine.spec import Axis, ConvSpec, Floats
from convtui.engine.transposed_ways import Gathering, Scattering, SpreadAxis
from convtui.export.words import pair_text, sides_text
from convtui.inputs.images import Picture
from convtui.paint.cells import FILLED_TINT, ZERO_TINT, OutputCells, TableCells, whole_pixels
from convtui.paint.text import is_integral

Operation: TypeAlias = Convolution | Pooling | Gathering
AnyStep: TypeAlias = Step | PoolStep
Frame: TypeAlias = tuple[Axis, Axis] | tuple[SpreadAxis, SpreadAxis]


def frame_of(operation: Operation | Scattering) -> Frame:
    """The rows and columns of the image as they are drawn: with padding, or with zeros between them."""
    if isinstance(operation, Convolution | Gathering):
        return operation.axes
    rows, columns = operation.axes
    if isinstance(rows, Axis) and isinstance(columns, Axis):
        return rows, columns
    _, height, width = operation.image_shape
    return ConvSpec(1).axes(height, width)


def weights_of(operation: Operation, channel: int) -> Floats | None:
    """[S, kH, kW] the weights with which the window of an output channel is multiplied; None: with none."""
    if isinstance(operation, Pooling):
        return None
    return operation.weight[channel] if isinstance(operation, Convolution) else operation.weights(channel)


def all_weights(operation: Convolution | Gathering) -> Floats:
    """Those of all channels, which have their colours in common."""
    return operation.weight if isinstance(operation, Convolution) else operation.transposed.weight


def bias_of(operation: Operation) -> Floats | None:
    """The biases, if it has some."""
    if isinstance(operation, Pooling):
        return None
    return operation.bias if isinstance(operation, Convolution) else operation.transposed.bias


def output_cells(operation: Operation, picture: Picture, channel: int) -> OutputCells:
    """Those of an output channel; a pooled image has the colours of the image."""
    if isinstance(operation, Pooling):
        reduction = operation.reduction
        if isinstance(reduction, Average) and reduction.divisor_override is not None:
            return OutputCells(operation, channel, whole=False)
        whole = whole_pixels(picture) and not isinstance(reduction, Average)
        return OutputCells(operation, channel, whole, picture=picture)
    bias = bias_of(operation)
    whole = whole_pixels(picture) and is_integral(all_weights(operation))
    return OutputCells(operation, channel, whole and (bias is None or is_integral(bias)))


def window_cells(operation: Operation, picture: Picture, step: AnyStep, slice: int) -> TableCells:
    """What the window reads of a slice; what a maximum reads in the padding is below everything."""
    values, is_padding = step.window[slice], step.is_padding
    if isinstance(step, PoolStep) and isinstance(step.done, Winner):
        values = np.where(is_padding, -np.inf, values)
    is_filled = isinstance(operation, Convolution) and operation.spec.padding_mode != "zeros"
    shade = FILLED_TINT if is_filled else ZERO_TINT
    return TableCells(values, picture.lowest, picture.highest, whole_pixels(picture), is_padding, shade)


def name_of(operation: Operation | Scattering, kernel: str) -> str:
    """What is done to the image: "top-edge", "transposed top-edge", "2x2 max pooling"."""
    if isinstance(operation, Pooling):
        kind = "average" if isinstance(operation.reduction, Average) else "max"
        if isinstance(operation.spec, AdaptiveSpec):
            return f"adaptive {kind} pooling"
        return f"{'x'.join(map(str, operation.spec.kernel_size))} {kind} pooling"
    return kernel if isinstance(operation, Convolution) else f"transposed {kernel}"


def settings_of(operation: Operation | Scattering) -> str:
    """Stride and padding, and of the others what is not the default."""
    spec = operation.transposed.spec if isinstance(operation, Gathering | Scattering) else operation.spec
    if isinstance(spec, AdaptiveSpec):
        return f"output {pair_text(spec.output_size)}"
    mode = getattr(spec, "padding_mode", "zeros")
    told = [
        f"stride {pair_text(spec.stride)}",
        f"{'' if mode == 'zeros' else f'{mode} '}padding {sides_text(spec.pads)}",
    ]
    for name, default in ("output_padding", (0, 0)), ("dilation", (1, 1)):
        if (pair := getattr(spec, name, default)) != default:
            told.append(f"{name.replace('_', ' ')} {pair_text(pair)}")
    if (groups := getattr(spec, "groups", 1)) > 1:
        told.append(f"groups {groups}")
    if getattr(spec, "ceil_mode", False):
        told.append("ceil mode")
    return " · ".join(told)
