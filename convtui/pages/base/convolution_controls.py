"""The operation's settings, for the line above the canvas."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from convtui.engine.adaptive import AdaptiveSpec
from convtui.engine.convolution import Convolution
from convtui.engine.pooling import Pooling
from convtui.engine.reductions import Average
from convtui.engine.spec import ConvSpec, Sides
from convtui.engine.transposed_ways import Gathering, Scattering
from convtui.paint.controls import Control
from convtui.state.kernel_choice import KernelChoice
from convtui.state.operation import way_of
from convtui.state.session import Session

NAMES: Final = {
    "conv": "conv",
    "convtranspose": "transposed",
    "maxpool": "max pool",
    "avgpool": "avg pool",
    "adaptivemaxpool": "adaptive max",
    "adaptiveavgpool": "adaptive avg",
}


def controls(session: Session) -> list[Control]:
    """The operation of a session, and its settings."""
    spare = 0 if session.chosen_operation else 1
    chosen = Control("b", "operation", NAMES[session.kind], is_plain=True, spare=spare)
    return [chosen, *_of_operation(session)]


def _of_operation(session: Session) -> list[Control]:
    operation = session.chosen_operation
    if operation is None:
        return _convolution(session.convolution, session.kernel)
    if isinstance(operation, Pooling):
        return _pooling(operation)
    return _transposed(operation, session.kernel)


@lru_cache(maxsize=4)
def _convolution(convolution: Convolution, kernel: KernelChoice) -> list[Control]:
    spec = convolution.spec
    return [
        Control("t", "stride", pair(spec.stride)),
        Control("p", "padding", padding(spec)),
        Control("d", "dilation", pair(spec.dilation), spare=2),
        Control("G", "groups", str(spec.groups), spare=3),
        Control("x", "mode", spec.padding_mode, stepped=False, label="pad", spare=4),
        Control("z", "size", size(spec.kernel_size)),
        Control("n", "kernel", kernel.label, is_plain=True),
        Control("i", "filters", str(convolution.weight_shape[0]), spare=5),
    ]


@lru_cache(maxsize=4)
def _pooling(pooling: Pooling) -> list[Control]:
    spec, reduction = pooling.spec, pooling.reduction
    if isinstance(spec, AdaptiveSpec):
        return [Control("z", "size", size(spec.output_size), label="output")]
    own = [
        Control("t", "stride", pair(spec.stride)),
        Control("p", "padding", sides(spec.pads)),
        Control("z", "size", size(spec.kernel_size)),
        Control(
            "x", "mode", "on" if spec.ceil_mode else "off", stepped=False, label="ceil_mode", short="ceil"
        ),
    ]
    if not isinstance(reduction, Average):
        return [*own, Control("d", "dilation", pair(spec.dilation), spare=2)]
    counted = "on" if reduction.count_include_pad else "off"
    own.append(Control("i", "filters", counted, stepped=False, label="count_include_pad", short="count pad"))
    if reduction.divisor_override is not None:
        own.append(
            Control(":", "divisor_override", str(reduction.divisor_override), stepped=False, label="divisor")
        )
    return own


@lru_cache(maxsize=4)
def _transposed(operation: Gathering | Scattering, kernel: KernelChoice) -> list[Control]:
    spec = operation.transposed.spec
    return [
        Control("w", "way", way_of(operation), stepped=False),
        Control("t", "stride", pair(spec.stride)),
        Control("p", "padding", sides(spec.pads)),
        Control(
            "x", "mode", pair(spec.output_padding), stepped=False, label="output_padding", short="output pad"
        ),
        Control("z", "size", size(spec.kernel_size)),
        Control("i", "filters", str(operation.output_shape[0]), spare=2),
        Control("n", "kernel", kernel.label, is_plain=True, spare=1),
        Control("d", "dilation", pair(spec.dilation), spare=3),
        Control("G", "groups", str(spec.groups), spare=4),
    ]


def size(value: tuple[int, int]) -> str:
    """Rows and columns: "3x3"."""
    return "x".join(map(str, value))


def pair(value: tuple[int, int]) -> str:
    """Rows and columns, once where they are the same: "2", "1,2"."""
    return str(value[0]) if value[0] == value[1] else f"{value[0]},{value[1]}"


def padding(spec: ConvSpec) -> str:
    """As asked, with what "same" comes to: "1", "1,2", "same (0,1,0,1)" (top, bottom, left, right)."""
    shown = sides(spec.pads)
    return f"{spec.padding} ({shown})" if isinstance(spec.padding, str) else shown


def sides(pads: Sides) -> str:
    """One number for each axis where both its sides are the same, else top, bottom, left, right."""
    (top, bottom), (left, right) = pads
    return pair((top, left)) if (top, left) == (bottom, right) else f"{top},{bottom},{left},{right}"
