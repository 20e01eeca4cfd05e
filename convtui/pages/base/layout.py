"""The measures that the layouts of all pages share, in columns and lines of the terminal."""

from __future__ import annotations

from typing import Final

from convtui.paint.drawing import BLOCKS, HALF_BLOCKS, NUMBERS, TALL_NUMBERS, WIDE_NUMBERS, CellSize
from convtui.state.session import Zoom

LEAST_WIDTH: Final = 60
LEAST_HEIGHT: Final = 20
LEAST_FOR_LESSON: Final = (80, 24)

MARGIN: Final = 1
GAP: Final = 2
OPERATOR: Final = 3  # the columns of " × " and " = "
CONTROLS: Final = 1
KEYS: Final = 1

STRIP: Final = 6  # of a lesson; its height depends on the terminal alone, so nothing moves from step to step
ROOMY_STRIP: Final = 7
ROOMY: Final = 30  # rows of a terminal that has room for it
LEAST_FOR_BOTH: Final = 27  # rows from which the keys of the page are shown under a lesson, too

Size = tuple[int, int]  # rows, columns

LADDER_OF: Final = {
    Zoom.NUMBERS: (TALL_NUMBERS, WIDE_NUMBERS, NUMBERS),
    Zoom.BLOCKS: (BLOCKS,),
    Zoom.HALF_BLOCKS: (HALF_BLOCKS,),
}


def strip_height(rows: int) -> int:
    """How many of a terminal's rows the strip of a lesson has."""
    return ROOMY_STRIP if rows >= ROOMY else STRIP


def zoom_of(cells: CellSize) -> Zoom:
    return next(zoom for zoom, sizes in LADDER_OF.items() if cells in sizes)
