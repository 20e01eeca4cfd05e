"""An operation of the user's own network as one that is stepped through, with its real input and weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from convtui.engine.adaptive import AdaptiveSpec
from convtui.engine.convolution import Convolution
from convtui.engine.graph.operation import Graph, Op
from convtui.engine.pool_spec import PoolSpec
from convtui.engine.pooling import Pooling
from convtui.engine.reductions import Average, Maximum
from convtui.engine.spec import SpecError
from convtui.engine.transposed import TransposedConvolution
from convtui.engine.words import counted
from convtui.paint.colours import Array
from convtui.state.opened_norm import NORMS

if TYPE_CHECKING:
    from convtui.engine.window_operation import WindowOperation


STEPPED: Final = frozenset(
    (
        *("conv2d", "conv_transpose2d", "max_pool2d", "avg_pool2d"),
        *("adaptive_max_pool2d", "adaptive_avg_pool2d"),
    )
)


_LIKE_STEPPED: Final = tuple(sorted({kind[:-2] for kind in STEPPED}))


def why_not_opened(op: Op, graph: Graph) -> str:
    """Why neither the Step page nor the Norms page shows an operation, in a line; "" if one does."""
    if op.kind in NORMS:
        return "" if op.inputs else f"{op.kind}: its input cannot be followed"
    if op.kind in STEPPED:
        given = graph.tensor(op.inputs[0]) if op.inputs else None
        images = given.shape[0] if given and len(given.shape) == 4 else 1
        if images > 1:
            return f"{op.kind}: its input has {counted(images, 'image')}, and the Step page shows one"
        return ""
    if not op.number:
        return "the input is no operation: choose a convolution, a pooling or a norm"
    if op.kind.startswith(_LIKE_STEPPED) and op.kind[-2:] in ("1d", "3d"):
        axes = "a row" if op.kind.endswith("1d") else "a volume"
        return f"{op.kind} slides along {axes}; the Step page shows images of rows and columns"
    if not op.output.dtype.startswith(("float", "bfloat")):
        return f"{op.kind} gives {op.output.dtype}: there are no windows to step through"
    return f"{op.kind} has no windows to step through: choose a convolution, a pooling or a norm"


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
