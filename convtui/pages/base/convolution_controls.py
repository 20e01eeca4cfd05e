"""The convolution's settings, for the line above the canvas."""

from __future__ import annotations

from functools import lru_cache

from convtui.engine.convolution import Convolution
from convtui.engine.spec import ConvSpec, Sides
from convtui.paint.controls import Control
from convtui.state.session import KernelChoice, Session


def controls(session: Session) -> list[Control]:
    """The settings of a session's convolution; the same list as before where none has changed."""
    return _controls(session.convolution, session.kernel)


@lru_cache(maxsize=4)
def _controls(convolution: Convolution, kernel: KernelChoice) -> list[Control]:
    spec = convolution.spec
    return [
        Control("t", "stride", pair(spec.stride)),
        Control("p", "padding", padding(spec)),
        Control("d", "dilation", pair(spec.dilation), spare=1),
        Control("G", "groups", str(spec.groups), spare=2),
        Control("x", "mode", spec.padding_mode, stepped=False, label="pad", spare=3),
        Control("z", "size", "x".join(map(str, spec.kernel_size))),
        Control("n", "kernel", kernel.label, is_plain=True),
        Control("i", "filters", str(convolution.weight_shape[0]), spare=4),
    ]


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
