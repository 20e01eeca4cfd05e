"""Where the panes of the Step page go, and how large their cells are.

Computed from shapes and the terminal's size alone, so nothing moves while stepping.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.geometry import Region

from convtui.pages.base.layout import CONTROLS, GAP, KEYS, LADDER_OF, MARGIN, OPERATOR, Size
from convtui.paint.drawing import BLOCKS, HALF_BLOCKS, NUMBERS, TALL_NUMBERS, WIDE_NUMBERS, CellSize
from convtui.state.session import Zoom

LEAST_PANE: Final = 27  # columns that a title needs
LEAST_TABLE: Final = 16
NOTES_WIDTH: Final = 50

_LADDER: Final = (TALL_NUMBERS, WIDE_NUMBERS, NUMBERS, BLOCKS, HALF_BLOCKS)


@dataclass(frozen=True)
class PaneSize:
    """A grid's cell size and the columns it gets."""

    cells: CellSize
    width: int


@dataclass(frozen=True)
class StepPlan:
    """The Step page's plan; heights in lines, with the titles."""

    image: PaneSize
    output: PaneSize
    pictures_height: int
    pictures_hinted: bool
    table: PaneSize  # the window, the kernel and the products alike
    tables_height: int
    tables_hinted: bool
    notes_beside: bool  # the size formula stands right of the tables, else below the pictures
    notes_height: int
    equation_height: int


def planned(
    size: Size,
    image: Size,
    output: Size,
    kernel: Size,
    zoom: Zoom | None,
    hints: bool,
    notes: int,
    equations: int,
) -> StepPlan:
    """The plan for a terminal of `size`: `image` with its padding, least lines of formula and of sums."""
    height, width = size
    table = _table(kernel, width, max(3, (height - 8) // 3))
    tables_height = 1 + min(table.cells.lines(kernel[0]), max(3, (height - 8) // 3))
    taken = 3 * table.width + 2 * OPERATOR
    beside = width - taken - GAP >= NOTES_WIDTH and tables_height >= notes
    notes_height = 0 if beside else notes
    equation_height = 2 if height >= 30 else equations
    pictures_height = height - CONTROLS - KEYS - equation_height - tables_height - notes_height
    image_pane, output_pane = _pictures(pictures_height - 1, width, image, output, zoom)
    lines = max(image_pane.cells.lines(image[0]), output_pane.cells.lines(output[0]))
    spare = pictures_height - lines - 2
    taller = TALL_NUMBERS.lines(kernel[0]) - table.cells.lines(kernel[0])
    if table.cells == WIDE_NUMBERS and spare > taller:
        table = PaneSize(TALL_NUMBERS, table.width)
        tables_height += taller
        pictures_height -= taller
        spare -= taller
    if hints and spare >= 1:
        pictures_height, tables_height = pictures_height - 1, tables_height + 1
    scrolls = lines + 1 > pictures_height
    pictures_hinted = hints and (spare >= 0 or (scrolls and pictures_height >= 20))
    needed = min(pictures_height, lines + 3)
    equation_height = max(equation_height, min(2, pictures_height - needed + 1))
    pictures_height = needed
    return StepPlan(
        image=image_pane,
        output=output_pane,
        pictures_height=pictures_height,
        pictures_hinted=pictures_hinted,
        table=table,
        tables_height=tables_height,
        tables_hinted=hints and spare >= 1,
        notes_beside=beside,
        notes_height=notes_height,
        equation_height=equation_height,
    )


def regions(plan: StepPlan, width: int) -> dict[str, Region]:
    """Where each pane lies on the canvas, below the controls."""
    image = Region(MARGIN, 0, plan.image.width, plan.pictures_height)
    output = Region(image.right + GAP, 0, plan.output.width, plan.pictures_height)
    below = Region(MARGIN, image.bottom, width - MARGIN, plan.notes_height)
    places, x = {"image": image, "output": output}, MARGIN
    for name, wide in (
        ("window", plan.table.width),
        ("times", OPERATOR),
        ("kernel", plan.table.width),
        ("equals", OPERATOR),
        ("products", plan.table.width),
    ):
        places[name] = Region(x, below.bottom, wide, plan.tables_height)
        x += wide
    beside = Region(x + GAP, below.bottom, max(0, width - x - GAP), plan.tables_height)
    places["formula"] = beside if plan.notes_beside else below
    places["sum"] = Region(MARGIN, beside.bottom, width - MARGIN, plan.equation_height)
    return places


def _table(kernel: Size, width: int, most_lines: int) -> PaneSize:
    rows, columns = kernel
    room = (width - 2 * OPERATOR) // 3
    for cells in _LADDER[1:]:
        if columns * cells.width <= room and cells.lines(rows) <= most_lines:
            return PaneSize(cells, max(columns * cells.width, LEAST_TABLE))
    return PaneSize(HALF_BLOCKS, min(max(columns, LEAST_TABLE), room))


def _pictures(
    lines: int, width: int, image: Size, output: Size, zoom: Zoom | None
) -> tuple[PaneSize, PaneSize]:
    """The same cell size for both where that fits, to be compared; the output's may be larger."""
    ladder = LADDER_OF[zoom] if zoom else _LADDER

    def fits(cells: CellSize) -> bool:
        needed = image[1] * cells.width + GAP + max(output[1] * cells.width, LEAST_PANE)
        return cells.lines(image[0]) <= lines and needed <= width

    cells = next(filter(fits, ladder), ladder[-1])
    left, right = image[1] * cells.width, output[1] * cells.width
    if left + GAP + right > width:
        left = min(left, max((width - GAP) // 2, width - GAP - right))
    left = min(max(left, min(LEAST_PANE, width // 2)), width - GAP - LEAST_PANE)
    room = width - left - GAP
    larger = (
        bigger
        for bigger in ladder[: ladder.index(cells)]
        if bigger != NUMBERS and output[1] * bigger.width <= room and bigger.lines(output[0]) <= lines
    )
    return PaneSize(cells, left), PaneSize(next(larger, cells), room)
