"""The convolution's settings on one line, each with its key, each to be clicked."""

from __future__ import annotations

from collections.abc import Set
from functools import lru_cache
from operator import attrgetter
from typing import Final, NamedTuple

from textual.content import Content

from convtui.engine.convolution import Convolution
from convtui.engine.spec import ConvSpec
from convtui.paint.text import cut_to
from convtui.paint.text_line import KEY_STYLE, link
from convtui.state.session import KernelChoice, Session

_NONE: Final[Set[str]] = frozenset()

SHORTEST: Final = 8  # characters that are left of a name


class Control(NamedTuple):
    """A setting: its key, its name, its value, and whether ‹ and › step it down and up.

    Where there is no room for all, those with the highest `spare` are left out first.
    """

    key: str
    name: str
    value: str
    stepped: bool = True
    label: str = ""  # before the value: of one that is stepped instead of its name, else of none
    spare: int = 0
    is_plain: bool = False  # whether the value alone says what is set
    is_marked: bool = False


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
    asked = spec.padding
    (top, bottom), (left, right) = spec.pads
    is_even = top == bottom and left == right
    sides = pair((top, left)) if is_even else f"{top},{bottom},{left},{right}"
    return f"{asked} ({sides})" if isinstance(asked, str) else sides


def controls_line(items: list[Control], width: int, marked: Set[str] = _NONE) -> Content:
    """The widest form that fits, to be clicked; narrow ones drop spaces, then what is least needed.

    marked: the names of those that a lesson speaks of.
    """
    items = [item._replace(is_marked=item.name in marked) for item in items]
    for gap, space in (("   ", " "), ("  ", " "), ("  ", ""), (" ", "")):
        line = Content(gap).join([_drawn(item, space) for item in items])
        if line.cell_length + 2 <= width:
            return Content(" ") + line
    kept = list(items)
    while kept:
        least_needed = max(reversed(kept), key=attrgetter("spare"))
        for form in (_named, _bare, *([] if least_needed.spare else [_cut])):
            line = Content(" ").join([form(item) for item in kept])
            if line.cell_length + 1 <= width:
                return Content(" ") + line
        kept.remove(least_needed)
    return Content()


def _named(item: Control) -> Content:
    return _drawn(item, "")


def _bare(item: Control) -> Content:
    return _drawn(item, "", named=not item.is_plain)


def _cut(item: Control) -> Content:
    return _bare(item._replace(value=cut_to(item.value, SHORTEST)) if item.is_plain else item)


def _drawn(item: Control, space: str, named: bool = True) -> Content:
    key = Content.styled(item.key, KEY_STYLE)
    if not item.stepped:
        label = (f" {item.label} " if item.label else " ", "$text-muted")
        value = link(item.value, f"screen.{item.name}(1)", "reverse" if item.is_marked else "")
        return Content.assemble(key, label, value)
    return Content.assemble(
        key,
        (f" {item.label or item.name}" if named else "", "$text-muted"),
        space,
        link("‹", f"screen.{item.name}(-1)", "$text-muted"),
        space,
        link(item.value, f"screen.type({item.name!r})", "bold reverse" if item.is_marked else "bold"),
        space,
        link("›", f"screen.{item.name}(1)", "$text-muted"),
    )
