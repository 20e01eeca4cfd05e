"""An operation of the user's own network as one that is stepped through, with its real input and weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from convtui.engine.adaptive import AdaptiveSpec
from convtui.engine.convolution import Convolution
from convtui.engine.graph.operation import Op
from convtui.engine.pool_spec import PoolSpec
from convtui.engine.pooling import Pooling
from convtui.engine.reductions import Average, Maximum
from convtui.engine.spec import SpecError
from convtui.engine.transposed import TransposedConvolution
from convtui.paint.colours import Array

if TYPE_CHECKING:
    from convtui.engine.window_operation import WindowOperation


STEPPED: Final = frozenset(
    (
        *("conv2d", "conv_transpose2d", "max_pool2d", "avg_pool2d"),
        *("adaptive_max_pool2d", "adaptive_avg_pool2d"),
    )
)


def operation_of(op: Op, arrays: Mapping[str, Array]) -> WindowOperation:
    """What it computes. Raises SpecError or ValueError for what convtui does not step through."""
    image = arrays["input"]
    image = image[None] if image.ndim == 2 else image  # the only channel of an image without a batch
    if image.ndim != 3:
        raise ValueError(f"{op.kind}: its input has {image.ndim} axes beside the batch, not 3")
    settings: Mapping[str, Any] = op.settings
    match op.kind:
        case "conv2d":
            return Convolution(
                image,
                arrays["weight"],
                arrays.get("bias"),
                settings["stride"],
                settings["padding"],
                settings["dilation"],
                settings["groups"],
            )
        case "conv_transpose2d":
            return TransposedConvolution(
                image,
                arrays["weight"],
                arrays.get("bias"),
                settings["stride"],
                settings["padding"],
                settings["output_padding"],
                settings["groups"],
                settings["dilation"],
            )
        case "max_pool2d" | "avg_pool2d":
            spec = PoolSpec(
                settings["kernel"],
                settings["stride"],
                settings["padding"],
                settings["dilation"],
                settings["ceil_mode"],
            )
            if op.kind == "max_pool2d":
                return Pooling(image, spec, Maximum())
            return Pooling(image, spec, Average(settings["count_include_pad"], settings["divisor_override"]))
        case "adaptive_max_pool2d" | "adaptive_avg_pool2d":
            reduction = Maximum() if "max" in op.kind else Average()
            return Pooling(image, AdaptiveSpec(op.output.shape[-2:]), reduction)
    raise SpecError("operation", op.kind, "has no windows to step through")
