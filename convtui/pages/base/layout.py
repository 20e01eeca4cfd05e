"""The measures that the layouts of all pages share, in columns and lines of the terminal."""

from __future__ import annotations

from typing import Final

from convtui.paint.drawing import BLOCKS, HALF_BLOCKS, NUMBERS, TALL_NUMBERS, WIDE_NUMBERS, CellSize
from convtui.state.session import Zoom

LEAST_WIDTH: Final = 60
LEAST_HEIGHT: Final = 20

MARGIN: Final = 1
GAP: Final = 2
OPERATOR: Final = 3  # the columns of " × " and " = "
CONTROLS: Final = 1
KEYS: Final = 1

Size = tuple[int, int]  # rows, columns

LADDER_OF: Final = {
    Zoom.NUMBERS: (TALL_NUMBERS, WIDE_NUMBERS, NUMBERS),
    Zoom.BLOCKS: (BLOCKS,),
    Zoom.HALF_BLOCKS: (HALF_BLOCKS,),
}


def zoom_of(cells: CellSize) -> Zoom:
    return next(zoom for zoom, sizes in LADDER_OF.items() if cells in sizes)
