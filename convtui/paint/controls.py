"""Settings on one line, each with its key, each to be clicked."""

from __future__ import annotations

from collections.abc import Set
from functools import lru_cache
from operator import attrgetter
from typing import Final, NamedTuple

from textual.content import Content

from convtui.paint.text import cut_to
from convtui.paint.text_line import KEY_STYLE, link

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
    short: str = ""  # the label where there is little room
    spare: int = 0
    is_plain: bool = False  # whether the value alone says what is set
    is_marked: bool = False


def controls_line(items: list[Control], width: int, marked: Set[str] = _NONE) -> Content:
    """The widest form that fits, to be clicked; narrow ones drop spaces, then what is least needed.

    marked: the names of those that a lesson speaks of.
    """
    items = [item._replace(is_marked=item.name in marked) for item in items]
    for gap, space in (("   ", " "), ("  ", " "), ("  ", ""), (" ", "")):
        parts = [_drawn(item, space) for item in items]
        if _length(parts, gap) + 2 <= width:
            return Content(" ") + Content(gap).join(parts)
    kept = list(items)
    while kept:
        least_needed = max(reversed(kept), key=attrgetter("spare"))
        for form in (_named, _bare, *([] if least_needed.spare else [_cut])):
            parts = [form(item) for item in kept]
            if _length(parts, " ") + 1 <= width:
                return Content(" ") + Content(" ").join(parts)
        kept.remove(least_needed)
    return Content()


def _length(parts: list[Content], gap: str) -> int:
    """Columns that they take with gaps between them."""
    return sum(part.cell_length for part in parts) + len(gap) * (len(parts) - 1)


def _named(item: Control) -> Content:
    return _drawn(item, "")


def _bare(item: Control) -> Content:
    return _drawn(item._replace(label=item.short or item.label), "", named=not item.is_plain)


def _cut(item: Control) -> Content:
    return _bare(item._replace(value=cut_to(item.value, SHORTEST)) if item.is_plain else item)


@lru_cache(maxsize=256)
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
