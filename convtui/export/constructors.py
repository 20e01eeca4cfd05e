"""An operation written as convtui's own call, over the tensors of its PyTorch code."""

from __future__ import annotations

from typing import NamedTuple

from convtui.engine.adaptive import AdaptiveSpec
from convtui.engine.convolution import Convolution
from convtui.engine.pooling import Pooling
from convtui.engine.reductions import Average
from convtui.engine.spec import Padding, Pair
from convtui.engine.transposed import TransposedConvolution


class Constructor(NamedTuple):
    """What to import from convtui, a name for the operation, and the call that makes it."""

    imported: str
    name: str
    call: str


def constructor(operation: Convolution | TransposedConvolution | Pooling) -> Constructor:
    """The call for an image x, a weight w and, if there is one, a bias b; PyTorch's defaults are left out."""
    if isinstance(operation, Pooling):
        return _pooling(operation)
    kind, spec = type(operation).__name__, operation.spec
    tensors = ["x", "w"] if operation.bias is None else ["x", "w", "b"]
    given = {
        "stride": _unless("1", spec.stride),
        "padding": _unless("0", spec.padding),
        "dilation": _unless("1", spec.dilation),
        "groups": _unless("1", spec.groups),
    }
    if isinstance(operation, Convolution):
        given["padding_mode"] = _unless('"zeros"', operation.spec.padding_mode)
        return Constructor(kind, "convolution", _call(kind, tensors, given))
    given["output_padding"] = _unless("0", operation.spec.output_padding)
    return Constructor(kind, "transposed", _call(kind, tensors, given))


def _pooling(pooling: Pooling) -> Constructor:
    spec, reduction = pooling.spec, pooling.reduction
    kind = "avg_pool2d" if isinstance(reduction, Average) else "max_pool2d"
    if isinstance(spec, AdaptiveSpec):
        kind = f"adaptive_{kind}"
        return Constructor(kind, "pooling", _call(kind, ["x", _text(spec.output_size)], {}))
    given = {
        "stride": _unless(_text(spec.kernel_size), spec.stride),
        "padding": _unless("0", spec.padding),
        "dilation": _unless("1", spec.dilation),
        "ceil_mode": "True" if spec.ceil_mode else "",
    }
    if isinstance(reduction, Average):
        given["count_include_pad"] = "" if reduction.count_include_pad else "False"
        given["divisor_override"] = str(reduction.divisor_override or "")
    return Constructor(kind, "pooling", _call(kind, ["x", _text(spec.kernel_size)], given))


def _call(function: str, inputs: list[str], given: dict[str, str]) -> str:
    """A call with the arguments that are given."""
    named = [f"{name}={value}" for name, value in given.items() if value]
    return f"{function}({', '.join([*inputs, *named])})"


def _unless(default: str, value: Padding | Pair | str | int) -> str:
    """The value as Python writes it; "" for the default."""
    written = _text(value)
    return "" if written == default else written


def _text(value: Padding | Pair | str | int) -> str:
    """As Python writes it: one number for both axes, or for all sides, where they are the same."""
    match value:
        case str():
            return f'"{value}"'
        case ((top, bottom), (left, right)):
            return _text((top, left)) if (top, left) == (bottom, right) else repr(value)
        case (rows, columns):
            return str(rows) if rows == columns else str(value)
    return str(value)
