"""A screen as a picture: what Textual draws of it, without what a reader's machine may not have."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from convtui.export.files import is_drawn
from convtui.inputs.confinement import require_ours
from convtui.inputs.names import printable
from convtui.store.session_file import write

_FONT_FACE: Final = re.compile(r" *@font-face \{[^}]*\}\n")
_NO_LIGATURES: Final = "font-variant-ligatures: none;"


def in_fonts_of_the_reader(svg: str) -> str:
    """The SVG without fonts from a network or ligatures, by which Fira Code draws 4x4 with another sign."""
    return _FONT_FACE.sub("", svg).replace(
        "font-size: 20px;", f"font-size: 20px;\n        {_NO_LIGATURES}", 1
    )


def write_screen(svg: str, out: Path) -> None:
    """Write a screen, as Textual exports it, as .svg. Raises ValueError if that cannot be done."""
    require_ours(out)
    name = printable(str(out))
    if out.suffix.lower() != ".svg":
        raise ValueError(f"{name}: a screen is drawn as .svg; ctrl+f on page 1 draws .png, too")
    if not out.parent.is_dir():
        raise ValueError(f"{name}: the folder {printable(str(out.parent))} does not exist")
    if out.exists() and not (out.is_file() and is_drawn(out)):
        raise ValueError(f"{name}: not drawn by convtui, so not replaced; choose another file name")
    write(in_fonts_of_the_reader(svg), out)
