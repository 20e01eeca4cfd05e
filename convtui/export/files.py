"""Diagrams as files: written as a whole, and never over a file that convtui did not draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from convtui.export.diagram import MARK, Diagram
from convtui.export.svg import START, animated_svg, still_svg
from convtui.inputs.atomic import write_given
from convtui.inputs.confinement import require_ours
from convtui.inputs.names import printable

SCREEN: Final = '<svg class="rich-terminal"'  # how a screen begins

_BEGIN: Final = 4096  # bytes of a file in which its mark is

Draw = Callable[[Diagram], bytes]


def write_still(diagram: Diagram, out: Path) -> None:
    """Write the diagram's last frame as .png or .svg. Raises ValueError if that cannot be done."""
    _write(diagram, out, STILLS)


def write_animation(diagram: Diagram, out: Path) -> None:
    """Write the diagram's frames as .gif or .svg. Raises ValueError if that cannot be done."""
    _write(diagram, out, ANIMATIONS)


def require_writable(out: Path, suffixes: Mapping[str, Draw]) -> None:
    """Raise ValueError unless a diagram may be written there, in one of these formats."""
    require_ours(out)
    name = printable(str(out))
    if out.suffix.lower() not in suffixes:
        raise ValueError(f"{name}: the name must end in {' or '.join(suffixes)}")
    if not out.parent.is_dir():
        raise ValueError(f"{name}: the folder {printable(str(out.parent))} does not exist")
    if out.exists() and not (out.is_file() and is_drawn(out)):
        raise ValueError(f"{name}: not drawn by convtui, so not replaced; choose another file name")


def is_drawn(file: Path) -> bool:
    """Whether a file is a diagram or a screen that convtui drew; an empty one has nothing to lose."""
    with suppress(OSError), file.open("rb") as content:
        begin = content.read(_BEGIN)
        is_svg = begin.startswith((START.encode(), SCREEN.encode()))
        return not begin or is_svg or MARK.encode() in begin
    return False


def _write(diagram: Diagram, out: Path, suffixes: Mapping[str, Draw]) -> None:
    require_writable(out, suffixes)
    write_given(out, suffixes[out.suffix.lower()](diagram))


def _gif(diagram: Diagram) -> bytes:
    from convtui.export.raster import animated_gif

    return animated_gif(diagram)


def _png(diagram: Diagram) -> bytes:
    from convtui.export.raster import still_png

    return still_png(diagram)


STILLS: Final[Mapping[str, Draw]] = {".png": _png, ".svg": lambda diagram: still_svg(diagram).encode()}
ANIMATIONS: Final[Mapping[str, Draw]] = {
    ".gif": _gif,
    ".svg": lambda diagram: animated_svg(diagram).encode(),
}
