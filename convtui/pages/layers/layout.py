"""Where the panes of the Layers page go, and how large their cells are.

Computed from shapes and the terminal's size alone, so nothing moves while an activation is moved. Above is
the table, then what is said of the selected layer, then the image and the maps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from textual.geometry import Region

from convtui.engine.output_cells import Position
from convtui.pages.base.layout import GAP, LADDER_OF, MARGIN
from convtui.pages.layers.cells import Tiling
from convtui.paint.drawing import BLOCKS, HALF_BLOCKS, NUMBERS, WIDE_NUMBERS, CellSize
from convtui.state.session import Zoom

LEAST_PANE: Final = 12
LEAST_MOSAIC: Final = 18
ROOMY: Final = 28  # lines from which the sentences have lines of their own
LEAST_ROWS: Final = 4  # of the table, beside its header
ROOMY_ROWS: Final = 8
SENTENCES: Final = 2  # lines
MOST_FOR_PICTURES: Final = 36  # lines that they take from a table which has more rows than are shown

_LADDER: Final = (WIDE_NUMBERS, NUMBERS, BLOCKS, HALF_BLOCKS)

Size = tuple[int, int]  # rows, columns


@dataclass(frozen=True)
class Place:
    """A pane's region, its cell size, and of how many cells in each direction one is drawn."""

    region: Region
    cells: CellSize
    every: int = 1


@dataclass(frozen=True)
class LayersPlan:
    """The Layers page's plan; `chain` has the earlier layers that fit, by number."""

    table: Region
    sentence: Region
    details: Region
    is_hinted: bool
    image: Place
    chain: dict[int, Place]
    selected: Place | None  # None while the image itself is selected
    mosaic: Place
    tiling: Tiling


@dataclass(frozen=True)
class Wanted:
    """What there is to place: the lines of the table, of the details, the image, the maps."""

    table_lines: int
    detail_lines: int
    image: Size
    maps: Position  # of the selected layer
    earlier: Sequence[tuple[int, Size]]  # the layers between it and the image, the nearest first
    is_image: bool = False  # whether the image is the selected layer


def layers_plan(size: Size, wanted: Wanted, zoom: Zoom | None, hints: bool) -> LayersPlan:
    """The plan for a canvas of `size`."""
    height, width = size[0], size[1] - MARGIN
    hinted = hints and height >= ROOMY
    sentence = SENTENCES if hinted else 0
    heading = 1 + hinted
    left = height - wanted.detail_lines - sentence
    most = left - min(wanted.table_lines, 1 + (ROOMY_ROWS if height >= ROOMY else LEAST_ROWS))
    cells, every = _fitted(wanted.image, (most - heading, width * 2 // 5), zoom)
    if every > 1:  # a shorter table may leave room for the whole image
        more = left - min(wanted.table_lines, 1 + LEAST_ROWS)
        larger, fewer = _fitted(wanted.image, (more - heading, width * 2 // 5), zoom)
        if fewer == 1:
            most, cells, every = more, larger, 1
    needed = cells.lines(-(-wanted.image[0] // every)) + heading + 1
    pictures = min(most, max(needed, min(height // 2, MOST_FOR_PICTURES)))
    table = min(height - wanted.detail_lines - sentence - pictures, wanted.table_lines)
    pictures = height - wanted.detail_lines - sentence - table
    above = Region(0, 0, width + MARGIN, table)
    said = Region(MARGIN, above.bottom, width, sentence)
    details = Region(MARGIN, said.bottom, width, wanted.detail_lines)
    row = _Row(details.bottom, pictures, width, heading)
    return LayersPlan(above, said, details, hinted, *_pictures(row, wanted, zoom))


def _pictures(
    row: _Row, wanted: Wanted, zoom: Zoom | None
) -> tuple[Place, dict[int, Place], Place | None, Place, Tiling]:
    """The image, then the earlier layers that fit, the selected map, and all maps in what is left."""
    width = row.width
    image = row.add(row.measured(wanted.image, width * 2 // 5, zoom))
    selected = None
    if not wanted.is_image and wanted.maps[1:] != (1, 1):
        selected = row.measured(wanted.maps[1:], (width - image.region.width) // 3, zoom)
    taken = max(LEAST_MOSAIC, width // 4) + (selected.region.width + GAP if selected else 0)
    chain: dict[int, Place] = {}
    for number, maps in wanted.earlier:
        place = row.measured(maps, width // 4, None)
        taken += place.region.width + GAP
        if row.x + taken > width + MARGIN:
            break
        chain[number] = place
    chain = {number: row.add(chain[number]) for number in sorted(chain)}
    selected = row.add(selected) if selected else None
    region = Region(row.x, row.y, width + MARGIN - row.x, row.height)
    cells, tiling = _tiled(wanted.maps, (row.lines, region.width))
    return image, chain, selected, Place(region, cells, tiling.every), tiling


class _Row:
    """Panes put one right of the other."""

    def __init__(self, y: int, height: int, width: int, heading: int) -> None:
        self.x, self.y, self.height, self.width = MARGIN, y, height, width
        self.lines = height - heading  # for cells

    def measured(self, cells: Size, most: int, zoom: Zoom | None) -> Place:
        """The place that a grid of cells takes, of so many columns at most."""
        size, every = _fitted(cells, (self.lines, most), zoom)
        width = min(-(-cells[1] // every) * size.width, max(most, LEAST_PANE))
        return Place(Region(0, self.y, max(LEAST_PANE, width), self.height), size, every)

    def add(self, place: Place) -> Place:
        """The place where the row has come to."""
        region = place.region.translate((self.x, 0))
        self.x = region.right + GAP
        return Place(region, place.cells, place.every)


def _fitted(cells: Size, room: Size, zoom: Zoom | None) -> tuple[CellSize, int]:
    """The largest cells with which all fit into lines x columns; else half-blocks, thinned until they do.

    A zoom that was asked for is taken as it is, and scrolls.
    """
    (rows, columns), (lines, width) = cells, room
    ladder = LADDER_OF[zoom] if zoom else _LADDER
    for size in ladder:
        if size.lines(rows) <= lines and columns * size.width <= width:
            return size, 1
    if zoom:
        return ladder[-1], 1
    return HALF_BLOCKS, max(1, ceil(rows / (2 * max(1, lines))), ceil(columns / max(1, width)))


def _tiled(maps: Position, room: Size) -> tuple[CellSize, Tiling]:
    """All maps at the largest cells with which they fit; else half-blocks, four of them in view or more."""
    (channels, rows, columns), (lines, width) = maps, room
    if rows == columns == 1:
        for size in (*_LADDER[:3], HALF_BLOCKS):
            tiling = Tiling(maps, max(1, min(channels, width // size.width)), gap=0)
            if size.lines(tiling.size[0]) <= lines or size is HALF_BLOCKS:
                return size, tiling
    for size in (BLOCKS, HALF_BLOCKS):
        across = (width // size.width - 1) // (columns + 1)
        if across > 0:
            tiling = Tiling(maps, min(channels, across))
            if size.lines(tiling.size[0]) <= lines:
                return size, tiling
    beside, over = min(2, channels), min(2, -(-channels // 2))
    wide, high = max(1, (width - 1) // beside - 1), max(1, (2 * lines - 1) // over - 1)
    every = max(1, ceil(columns / wide), ceil(rows / high))
    across = max(1, (width - 1) // (-(-columns // every) + 1))
    return HALF_BLOCKS, Tiling(maps, min(channels, across), every)
