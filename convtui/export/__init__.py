"""What people carry away: diagrams as SVG, GIF and PNG, what a notebook shows, code that runs by itself."""

from typing import Final

PANES: Final = ("image", "kernel", "output", "sum")  # of a diagram, unless others are asked for
ALL_PANES: Final = (*PANES, "matrix")
