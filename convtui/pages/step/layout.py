"""Where the panes of the Step page go, and how large their cells are.

Computed from shapes and the terminal's size alone, so nothing moves while stepping. The padding does not
count: room is kept for as much as leaves the output as large as the image, and what is more scrolls, so
that nothing moves either when padding is added or removed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from textual.geometry import Region

from convtui.pages.base.layout import CONTROLS, GAP, KEYS, LADDER_OF, MARGIN, OPERATOR, Size
from convtui.paint.drawing import BLOCKS, HALF_BLOCKS, NUMBERS, TALL_NUMBERS, WIDE_NUMBERS, CellSize
from convtui.state.session import Zoom

LEAST_PANE: Final = 27  # columns that a title needs
LEAST_TABLE: Final = 16
LEAST_CORNER: Final = 16  # columns for words right of the tables
NOTES_WIDTH: Final = 50

MOST_MAPS: Final = 16  # outputs that are shown side by side
LEAST_MAP: Final = 6  # rows or columns of cells that are worth showing of an output
LEAST_LABEL: Final = 7  # columns for the name over an output
LEAST_OUTPUT: Final = 30  # columns of the output's title beside them

_LADDER: Final = (TALL_NUMBERS, WIDE_NUMBERS, NUMBERS, BLOCKS, HALF_BLOCKS)


class Shapes(NamedTuple):
    """What is to be laid out: (rows, columns) of the image without padding, of the kernel and of the stride.

    reach: rows and columns from the first to the last that the kernel reads. filters: output channels.
    own_output: the output's size, where it does not follow from these.
    """

    image: Size
    kernel: Size
    reach: Size
    stride: Size = (1, 1)
    filters: int = 1
    own_output: Size | None = None

    @property
    def same(self) -> Size:
        """The image with the padding that leaves the output, at stride 1, as large as the image."""
        return self.image[0] + self.reach[0], self.image[1] + self.reach[1]

    @property
    def most(self) -> Size:
        """The image with the most padding of which every window still covers a pixel."""
        return self.image[0] + 2 * self.reach[0], self.image[1] + 2 * self.reach[1]

    def high(self, padded: Size) -> int:
        """Rows of the larger of both."""
        return max(padded[0], self.own_output[0]) if self.own_output else padded[0]

    def output(self, padded: Size) -> Size:
        """Of an image with this padding, and at least one cell."""
        if self.own_output:
            return self.own_output
        rows, columns = (
            max(0, size - reach - 1) // stride + 1
            for size, reach, stride in zip(padded, self.reach, self.stride, strict=True)
        )
        return rows, columns


@dataclass(frozen=True)
class PaneSize:
    """A grid's cell size and the columns it gets."""

    cells: CellSize
    width: int


@dataclass(frozen=True)
class Maps:
    """Outputs side by side, of every so-many-th cell; each with a line for its name."""

    count: int
    across: int
    down: int
    every: int
    width: int  # of one, in columns
    height: int  # of one, in lines
    are_beside: bool  # right of the output, else below

    @property
    def lines(self) -> int:
        """Of all of them."""
        return self.down * self.height


@dataclass(frozen=True)
class StepPlan:
    """The Step page's plan; heights in lines, with the titles."""

    image: PaneSize
    output: PaneSize
    pictures_height: int
    pictures_hinted: bool
    maps: Maps | None
    table: PaneSize  # the window, the kernel and the products alike
    tables_height: int
    tables_hinted: bool
    notes_beside: bool  # the size formula stands right of the tables, else below the pictures
    notes_height: int
    equation_height: int


def planned(
    size: Size,
    shapes: Shapes,
    zoom: Zoom | None,
    hints: bool,
    notes: int,
    equations: int,
    has_unread: bool = False,
) -> StepPlan:
    """The plan for a terminal of `size`, with the least lines of formula and of sums.

    has_unread: pixels are never read, which takes another line where there is no corner to say so.
    """
    height, width = size
    rows, _ = shapes.kernel
    table = _table(shapes.kernel, width, max(3, (height - 8) // 3))
    tables_height = 1 + min(table.cells.lines(rows), max(3, (height - 8) // 3))
    taken = 3 * table.width + 2 * OPERATOR
    room = width - taken - GAP
    beside = room >= NOTES_WIDTH and tables_height >= notes + has_unread
    notes += has_unread and room < LEAST_CORNER
    notes_height = 0 if beside else notes
    equation_height = 2 if height >= 30 else equations
    pictures_height = height - CONTROLS - KEYS - equation_height - tables_height - notes_height
    image, output, maps = _pictures(pictures_height, width, shapes, zoom)
    if maps and not maps.are_beside:
        pictures_height -= maps.lines
    beside_lines = maps.lines if maps and maps.are_beside else 0
    lines = image.cells.lines(shapes.high(shapes.same))
    if lines >= pictures_height:
        lines = max(image.cells.lines(shapes.high(shapes.image)), pictures_height - 1)
    hints_fit = pictures_height - lines - 2 >= 0
    spare = pictures_height - max(lines + 2, beside_lines)
    taller = TALL_NUMBERS.lines(rows) - table.cells.lines(rows)
    if table.cells == WIDE_NUMBERS and spare > taller:
        table = PaneSize(TALL_NUMBERS, table.width)
        tables_height += taller
        pictures_height -= taller
        spare -= taller
    if hints and spare >= 1:
        pictures_height, tables_height = pictures_height - 1, tables_height + 1
    scrolls = lines + 1 > pictures_height
    pictures_hinted = hints and (hints_fit or (scrolls and pictures_height >= 20))
    needed = min(pictures_height, max(image.cells.lines(shapes.high(shapes.most)) + 3, beside_lines))
    left_over = pictures_height - needed
    growth = max(0, min(2, left_over + 1) - equation_height)
    equation_height += growth
    notes_height += 0 if beside else max(0, min(2, left_over - growth))
    return StepPlan(
        image=image,
        output=output,
        pictures_height=needed,
        pictures_hinted=pictures_hinted,
        maps=maps,
        table=table,
        tables_height=tables_height,
        tables_hinted=hints and spare >= 1,
        notes_beside=beside,
        notes_height=notes_height,
        equation_height=equation_height,
    )


def regions(plan: StepPlan, width: int) -> dict[str, Region]:
    """Where each pane lies on the canvas, below the controls; those of the maps are map_regions."""
    image = Region(MARGIN, 0, plan.image.width, plan.pictures_height)
    output = Region(image.right + GAP, 0, plan.output.width, plan.pictures_height)
    maps_below = plan.maps.lines if plan.maps and not plan.maps.are_beside else 0
    below = Region(MARGIN, image.bottom + maps_below, width - MARGIN, plan.notes_height)
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
    has_corner = not plan.notes_beside and beside.width >= LEAST_CORNER
    places["corner"] = beside if has_corner else Region()
    places["sum"] = Region(MARGIN, beside.bottom, width - MARGIN, plan.equation_height)
    return places


def map_regions(plan: StepPlan) -> list[Region]:
    """Where the outputs lie that are shown side by side."""
    maps = plan.maps
    if maps is None:
        return []
    left, top = MARGIN, plan.pictures_height
    if maps.are_beside:
        left, top = MARGIN + plan.image.width + GAP + plan.output.width + 1, 0
    places = (divmod(number, maps.across) for number in range(maps.count))
    return [
        Region(left + across * (maps.width + 1), top + down * maps.height, maps.width, maps.height)
        for down, across in places
    ]


def _table(kernel: Size, width: int, most_lines: int) -> PaneSize:
    rows, columns = kernel
    room = (width - 2 * OPERATOR) // 3
    for cells in _LADDER[1:]:
        if columns * cells.width <= room and cells.lines(rows) <= most_lines:
            return PaneSize(cells, max(columns * cells.width, LEAST_TABLE))
    return PaneSize(HALF_BLOCKS, min(max(columns, LEAST_TABLE), room))


def _pictures(
    height: int, width: int, shapes: Shapes, zoom: Zoom | None
) -> tuple[PaneSize, PaneSize, Maps | None]:
    """The same cell size for image and output, to be compared; with several filters one that leaves room.

    Numbers are worth scrolling for where the padding alone does not fit.
    """
    ladder = LADDER_OF[zoom] if zoom else _LADDER

    def fits(cells: CellSize, padded: Size) -> bool:
        needed = padded[1] * cells.width + GAP + max(shapes.output(padded)[1] * cells.width, LEAST_PANE)
        return cells.lines(shapes.high(padded)) < height and needed <= width

    def is_good(cells: CellSize) -> bool:
        return fits(cells, shapes.same) or (cells == NUMBERS and fits(cells, shapes.image))

    first = next(filter(is_good, ladder), ladder[-1])
    if shapes.filters > 1:
        for cells in ladder[ladder.index(first) :]:
            maps = _maps(height, width, shapes, cells)
            if maps:
                left, right = _widths(width, shapes, cells)
                if maps.are_beside:
                    left, right = _widths_beside(shapes, cells)
                return PaneSize(cells, left), PaneSize(cells, right), maps
    left, right = _widths(width, shapes, first)
    return PaneSize(first, left), PaneSize(first, right), None


def _widths(width: int, shapes: Shapes, cells: CellSize) -> Size:
    """Columns of the image and of the output: first what both need with padding, then the image's padding."""
    room = width - GAP
    plain, same, most = (padded[1] * cells.width for padded in (shapes.image, shapes.same, shapes.most))
    output = max(shapes.output(shapes.same)[1] * cells.width, LEAST_PANE)
    left = min(max(plain, room - output), most) // cells.width * cells.width
    if plain + max(shapes.output(shapes.image)[1] * cells.width, LEAST_PANE) > room:
        left = min(same, max(room // 2, room - output))
    left = min(max(left, min(LEAST_PANE, width // 2)), room - LEAST_PANE)
    return left, room - left


def _widths_beside(shapes: Shapes, cells: CellSize) -> Size:
    """Columns of the image and of an output that has others at its right."""
    image, output = shapes.same[1] * cells.width, shapes.output(shapes.same)[1] * cells.width
    return max(image, LEAST_PANE), max(output, LEAST_OUTPUT)


def _maps(height: int, width: int, shapes: Shapes, cells: CellSize) -> Maps | None:
    """All outputs, or some of very many, where they are seen best: right of the output or below it.

    Where image and output have to be scrolled, and there is no room beside, they take a third of the lines.
    """
    highs = shapes.high(shapes.same), shapes.high(shapes.image)
    rows = next((rows for rows in highs if cells.lines(rows) < height), None)
    below = height - 1 - cells.lines(rows) if rows else 0
    right = width - sum(_widths_beside(shapes, cells)) - GAP - 1
    output = shapes.output(shapes.same)
    counts = [*dict.fromkeys(min(shapes.filters, most) for most in (MOST_MAPS, 8, 4, 3, 2))]
    for count in counts:
        places = _tiled(height, right, output, count, True), _tiled(below, width, output, count, False)
        if maps := min(filter(None, places), key=lambda maps: maps.every, default=None):
            return maps
    third = (_tiled(height // 3, width, output, count, False) for count in counts)
    return None if rows else next(filter(None, third), None)


def _tiled(lines: int, columns: int, output: Size, count: int, are_beside: bool) -> Maps | None:
    """So many outputs in this room, with as many of their cells as there is room for."""
    rows, wide = output
    for every in _thinnings(output):
        width = max(-(-wide // every), LEAST_LABEL)
        height = 1 + HALF_BLOCKS.lines(-(-rows // every))
        across, down = min((columns + 1) // (width + 1), count), lines // height
        if across * down >= count:
            return Maps(count, across, -(-count // across), every, width, height, are_beside)
    return None


def _thinnings(output: Size) -> Iterable[int]:
    """Every cell, every second one, and so on, as long as enough are left."""
    return range(1, max(1, max(output) // LEAST_MAP) + 1)
