"""Where the panes of the Matrix page go, and how large their cells are.

Computed from shapes and the terminal's size alone, so nothing moves while stepping. The matrix stands at the
left, the vector that it multiplies above its columns, the result beside its rows; at the right the pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.geometry import Region

from convtui.pages.base.layout import CONTROLS, GAP, KEYS, MARGIN, OPERATOR, Size
from convtui.paint.drawing import BLOCKS, HALF_BLOCKS, NUMBERS, WIDE_NUMBERS, CellSize
from convtui.state.session import Zoom

LADDER: Final = (WIDE_NUMBERS, NUMBERS, BLOCKS, HALF_BLOCKS)
ASKED: Final = {
    Zoom.NUMBERS: (WIDE_NUMBERS, NUMBERS),
    Zoom.BLOCKS: (BLOCKS,),
    Zoom.HALF_BLOCKS: (HALF_BLOCKS,),
}
TALL: Final = 30  # from this height on there is room for all sentences
MOST_OF_WIDTH: Final = 0.42  # of the page for the pictures
LEAST_OVERVIEW: Final = 4  # lines
LEAST_OVERVIEW_WIDTH: Final = 8
LEAST_SIDE: Final = 30  # columns of the pictures
TITLE: Final = 30  # columns that the titles need, also over a small matrix
TEXTS: Final = 3  # lines of words, and of figures


@dataclass(frozen=True)
class MatrixPlan:
    """The page's plan: cell sizes, and a region for each pane by its name."""

    matrix: CellSize
    image: CellSize
    kernel: CellSize
    hinted: bool  # a sentence under the matrix's title
    pictures_hinted: bool
    regions: dict[str, Region]

    @property
    def thickness(self) -> int:
        """Cells across a vector that stands; one that lies needs a line."""
        return _thickness(self.matrix)

    @property
    def in_view(self) -> Size:
        """Rows and columns of the matrix that fit."""
        region = self.regions["matrix"]
        lines = region.height - 1 - self.hinted
        return max(1, self.matrix.rows(lines)), max(1, region.width // self.matrix.width)


def planned(
    size: Size,
    image: Size,
    kernel: Size,
    matrix: Size,
    reach: int,
    zoom: Zoom | None,
    hints: bool,
    bias: bool,
    equations: int,
) -> MatrixPlan:
    """The plan for a terminal of `size`: `image` with its padding, `reach` the columns that a row spans.

    `equations` are the lines of letters below the matrix, 0 for none.
    """
    height, width = size[0] - CONTROLS - KEYS, size[1]
    is_tall = height >= TALL
    side, image_cells, kernel_cells, places = _pictures((height, width), image, kernel, hints and is_tall)
    left = width - MARGIN - side - GAP
    top = 2 + (hints and is_tall)
    room = height - top - 2 * (TEXTS + is_tall)
    equations = min(equations + 1, room // 2) if equations else 0
    room -= equations + bool(equations)
    lines = room - 1 - hints
    if zoom is None and equations:
        zoom = Zoom.NUMBERS
    ladder = ASKED[zoom] if zoom else LADDER
    cells = _cells(ladder, lines, left, matrix, reach, bias)
    vector = _vector_width(cells)
    wide = min(max(matrix[1] * cells.width, TITLE), left - (1 + bias) * (OPERATOR + vector))
    legend = 1
    high = min(room, cells.lines(matrix[0]) + 1 + hints + legend)
    places["across"] = Region(MARGIN, 0, wide, top)
    x = MARGIN
    for name, columns in (
        ("matrix", wide),
        *([("plus", OPERATOR), ("bias", vector)] if bias else []),
        ("equals", OPERATOR),
        ("result", vector),
    ):
        places[name] = Region(x, top, columns, high)
        x += columns
    y = top + high + bool(equations)
    for name, lines in (("equations", equations), ("words", TEXTS), ("figures", TEXTS)):
        y += is_tall and name != "equations"
        places[name] = Region(MARGIN, y, left, lines)
        y += lines
    return MatrixPlan(cells, image_cells, kernel_cells, hints, hints and is_tall, places)


def _thickness(cells: CellSize) -> int:
    return 3 if cells == HALF_BLOCKS else 1


def _vector_width(cells: CellSize) -> int:
    return cells.width * _thickness(cells)


def _cells(
    ladder: tuple[CellSize, ...], lines: int, left: int, matrix: Size, reach: int, bias: bool
) -> CellSize:
    """The largest cells at which the whole matrix fits, else all that a row holds, else the smallest."""

    def fits(cells: CellSize, rows: int, columns: int) -> bool:
        room = left - (1 + bias) * (OPERATOR + _vector_width(cells))
        return cells.lines(rows) <= lines and columns * cells.width <= room

    whole = (cells for cells in ladder if fits(cells, *matrix))
    row = (cells for cells in ladder if fits(cells, 1, reach))
    return next(whole, next(row, ladder[-1]))


def _pictures(
    size: Size, image: Size, kernel: Size, hinted: bool
) -> tuple[int, CellSize, CellSize, dict[str, Region]]:
    """The columns taken at the right, and what lies there: image, kernel and overview."""
    height, width = size
    most = int(width * MOST_OF_WIDTH)
    heading = 1 + hinted
    kernel_lines = min(kernel[0], max(3, height // 4))
    kernel_cells = next(
        (c for c in LADDER[1:] if c.lines(kernel[0]) <= kernel_lines and c.width * kernel[1] <= most // 2),
        HALF_BLOCKS,
    )
    # Of the large window of a pooling a part must do.
    kernel_height = heading + min(kernel_cells.lines(kernel[0]), height // 3)
    room = height - max(kernel_height, LEAST_OVERVIEW + heading)
    if image[1] > most or HALF_BLOCKS.lines(image[0]) + heading > room:  # a part of it must do
        most, room = max(LEAST_SIDE, int(width * 0.3)), min(room, height // 2)
    image_cells = next(
        (c for c in LADDER[1:] if c.width * image[1] <= most and c.lines(image[0]) + heading <= room),
        HALF_BLOCKS,
    )
    kernel_width = max(min(kernel[1] * kernel_cells.width, most // 2), len("kernel [0, 0]"))
    beside = kernel_width + GAP + LEAST_OVERVIEW_WIDTH
    side = max(min(most, max(image[1] * image_cells.width, LEAST_SIDE)), beside)
    x = width - side
    places = {"image": Region(x, 0, side, min(room, heading + image_cells.lines(image[0])))}
    y = places["image"].bottom + hinted
    stacked = height - y - kernel_height - 1 >= 10
    if stacked:
        places["kernel"] = Region(x, y, side, kernel_height)
        y = places["kernel"].bottom + 1
        places["overview"] = Region(x, y, side, height - y)
    else:
        places["kernel"] = Region(x, y, kernel_width, height - y)
        places["overview"] = Region(x + kernel_width + GAP, y, side - kernel_width - GAP, height - y)
    return side, image_cells, kernel_cells, places
