"""The convolution's settings on one line, each with its key, each to be clicked."""

from __future__ import annotations

from dataclasses import dataclass, replace

from textual.content import Content

from convtui.session import Session
from convtui.views.words import KEY, link


@dataclass(frozen=True)
class Control:
    """A setting: its key, its name, its value, and whether ‹ and › step it down and up."""

    key: str
    name: str
    value: str
    stepped: bool = True


def controls(session: Session) -> list[Control]:
    spec = session.spec
    return [
        Control("t", "stride", pair(spec.stride)),
        Control("p", "padding", padding(session)),
        Control("d", "dilation", pair(spec.dilation)),
        Control("G", "groups", str(spec.groups)),
        Control("x", "mode", spec.padding_mode, stepped=False),
        Control("z", "size", "x".join(map(str, spec.kernel_size))),
        Control("n", "kernel", session.kernel.label),
        Control("i", "filters", str(session.convolution.weight_shape[0])),
    ]


def pair(value: tuple[int, int]) -> str:
    return str(value[0]) if value[0] == value[1] else f"{value[0]},{value[1]}"


def padding(session: Session) -> str:
    """As asked, with what "same" comes to: "1", "1,2", "same (0,1,0,1)" (top, bottom, left, right)."""
    asked = session.spec.padding
    (top, bottom), (left, right) = session.spec.pads
    is_even = top == bottom and left == right
    sides = pair((top, left)) if is_even else f"{top},{bottom},{left},{right}"
    return f"{asked} ({sides})" if isinstance(asked, str) else sides


def controls_line(items: list[Control], width: int) -> Content:
    """The widest form that fits, to be clicked; narrow ones drop spaces, then what is least needed."""
    for gap, space in (("   ", " "), ("  ", " "), ("  ", ""), (" ", "")):
        line = Content(gap).join([_drawn(item, space) for item in items])
        if line.cell_length + 2 <= width:
            return Content(" ") + line
    *most, size, kernel, _ = items
    short = [_drawn(size, "", named=False), _drawn(_cut(kernel), "", named=False)]
    for count in range(len(most), -1, -1):
        for last in ([_drawn(size, "", named=False), _drawn(kernel, "", named=False)], short):
            line = Content(" ").join([*(_drawn(item, "") for item in most[:count]), *last])
            if line.cell_length + 1 <= width:
                return Content(" ") + line
    return Content()


def _cut(item: Control, most: int = 8) -> Control:
    value = item.value
    return item if len(value) <= most else replace(item, value=f"{value[: most - 1]}…")


def _drawn(item: Control, space: str, named: bool = True) -> Content:
    key = Content.styled(item.key, KEY)
    if not item.stepped:
        return Content.assemble(key, " ", link(item.value, f"screen.{item.name}(1)"))
    return Content.assemble(
        key,
        (f" {item.name}" if named else "", "$text-muted"),
        space,
        link("‹", f"screen.{item.name}(-1)", "$text-muted"),
        space,
        link(item.value, f"screen.type({item.name!r})", "bold"),
        space,
        link("›", f"screen.{item.name}(1)", "$text-muted"),
    )
