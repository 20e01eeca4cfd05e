"""Where the panes of the features view go, and how a filter's tile is made up.

Computed from the layer's shapes and the terminal's size alone, so that nothing moves while one goes from
filter to filter. Tiles are at the left, the selected filter and a panel with what was measured at the right;
a panel that is alone has their place.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

from textual.geometry import Region

from convtui.pages.base.layout import GAP, MARGIN
from convtui.state.session import Panel

ROOMY: Final = 30  # lines of a canvas that has room for the selected filter over the panel
WIDE: Final = 100  # columns of such a canvas
HEAD: Final = 2  # lines
CAPTION: Final = 1  # lines of a tile, and of the headings over all tiles
LEAST_TILE: Final = 28  # columns: room for "▸15[15] −gaussian-blur 0.93*"
LEAST_PANEL: Final = 36
FILTER_ALONE: Final = 42  # columns of the selected filter where there are no tiles
MOST_KERNEL: Final = 14  # columns
MOST_BLOCKS: Final = 10  # columns of a kernel that is drawn in blocks
FILTER_WORDS: Final = 5  # lines under the pictures of the selected filter, the last of them blank
MOST_TIMES: Final = 2  # that a patch's pixel is drawn in each direction
MOST_SLICES: Final = 9  # lines of the selected filter's slices

_LEAST_PICTURE: Final = 6  # columns: room for "step 0" over it

_MAPS: Final = ((14, 28), (7, 14), (3, 14))  # lines and columns of a map in a tile, at most

Size = tuple[int, int]  # rows, columns; or lines, columns


@dataclass(frozen=True)
class Small:
    """How values [rows, columns] are drawn: as blocks of two columns or as half-blocks, thinned."""

    values: Size
    are_blocks: bool = False
    every: int = 1

    @property
    def width(self) -> int:
        return ceil(self.values[1] / self.every) * (2 if self.are_blocks else 1)

    @property
    def lines(self) -> int:
        rows = ceil(self.values[0] / self.every)
        return rows if self.are_blocks else ceil(rows / 2)


@dataclass(frozen=True)
class Tile:
    """A filter's tile: its caption, and under it its kernel, the untrained one if there is one, its map."""

    kernel: Small
    maps: Small
    has_before: bool
    gap: int  # lines under it

    @property
    def maps_at(self) -> int:
        """The column of the map."""
        return before_at(self.kernel) * (1 + self.has_before)

    @property
    def width(self) -> int:
        """With the column of the mark of the selected one."""
        return max(LEAST_TILE, 1 + self.maps_at + self.maps.width)

    @property
    def lines(self) -> int:
        """With its caption, without the gap."""
        return CAPTION + max(self.kernel.lines, self.maps.lines)


@dataclass(frozen=True)
class FeaturesPlan:
    """The plan of the features view; tiles and filter are empty where a panel is alone or has no room."""

    head: Region
    tiles: Region
    filter: Region
    panel: Region
    tile: Tile
    across: int
    down: int

    @property
    def in_view(self) -> int:
        """How many tiles are seen at once."""
        return self.across * self.down

    def in_view_with(self, selected: int, filters: int) -> range:
        """The filters of the page of tiles on which the selected one lies."""
        first = selected // self.in_view * self.in_view if self.in_view else 0
        return range(first, min(first + self.in_view, filters))

    @property
    def is_roomy(self) -> bool:
        """Whether the selected filter has a pane of its own beside the panel."""
        return bool(self.filter)


@dataclass(frozen=True)
class Wanted:
    """What there is to place: how many filters and slices of each, the sizes of a kernel and of a map.

    has_before: whether untrained kernels are shown too.
    """

    filters: int
    kernel: Size
    maps: Size
    slices: int
    has_before: bool


def features_plan(size: Size, wanted: Wanted, is_alone: bool, hints: bool) -> FeaturesPlan:
    """The plan for a canvas of `size`; is_alone: the panel without the tiles."""
    height, width = size[0], size[1] - MARGIN
    is_roomy = height >= ROOMY and width >= WIDE
    head = Region(MARGIN, 0, width, HEAD + (hints and is_roomy))
    room = height - head.height
    share = width * 64 // 100 if is_roomy else width - LEAST_PANEL - GAP
    tile, across, down = _tiled(wanted, (room, share), is_roomy)
    wide = min(across * (tile.width + GAP) - GAP, width)
    tiles = Region(MARGIN, head.bottom, wide, room)
    beside = Region(tiles.right + GAP, head.bottom, width - wide - GAP, room)
    if is_alone and not is_roomy:
        return FeaturesPlan(head, Region(), Region(), Region(MARGIN, head.bottom, width, room), tile, 0, 0)
    if is_alone:
        filter_wide = FILTER_ALONE
        filter_at = Region(MARGIN, head.bottom, filter_wide, room)
        panel = Region(filter_at.right + GAP, head.bottom, width - filter_wide - GAP, room)
        return FeaturesPlan(head, Region(), filter_at, panel, tile, 0, 0)
    if not is_roomy:
        return FeaturesPlan(head, tiles, Region(), beside, tile, across, down)
    lines = filter_lines(wanted, beside.width)
    filter_at = Region(beside.x, beside.y, beside.width, lines)
    panel = Region(beside.x, filter_at.bottom, beside.width, room - lines)
    return FeaturesPlan(head, tiles, filter_at, panel, tile, across, down)


def _tiled(wanted: Wanted, room: Size, is_roomy: bool) -> tuple[Tile, int, int]:
    """The largest tiles that are all in view, or else the smallest; how many across and down."""
    lines, width = room
    tiles = [_tile(wanted, most, gap) for most in _MAPS[not is_roomy :] for gap in (1, 0)]
    for tile in tiles:
        down = max(1, (lines - CAPTION + tile.gap) // (tile.lines + tile.gap))
        most = max(1, (width + GAP) // (tile.width + GAP)) if is_roomy else 1
        across = min(most, ceil(wanted.filters / down))
        if across * down >= wanted.filters and tile.width <= width:
            break
    return tile, across, down


def shown_panel(panel: Panel, is_roomy: bool) -> Panel:
    """The panel on show: where the kernel has a place of its own, the patches stand for it."""
    return Panel.PATCHES if is_roomy and panel is Panel.KERNEL else panel


def next_panel(panel: Panel, is_roomy: bool, by: int) -> Panel:
    """The panel so many further, round the ends."""
    panels = list(Panel)[is_roomy:]
    return panels[(panels.index(shown_panel(panel, is_roomy)) + by) % len(panels)]


def kernel_small(kernel: Size) -> Small:
    """How a kernel is drawn in little room: in blocks, whose negative cells have a dash, if it is small."""
    if 2 * kernel[1] <= MOST_BLOCKS:
        return Small(kernel, are_blocks=True)
    return Small(kernel, every=max(1, ceil(kernel[1] / MOST_KERNEL)))


def before_at(kernel: Small) -> int:
    """The column of what stands right of a kernel: the untrained one, or the map."""
    return max(kernel.width, _LEAST_PICTURE) + 1


def _tile(wanted: Wanted, most: Size, gap: int) -> Tile:
    """A tile whose map has at most so many lines and columns: in blocks if it fits so."""
    kernel = kernel_small(wanted.kernel)
    rows, columns = wanted.maps
    lines, width = max(most[0], kernel.lines + 1), most[1]
    if rows <= lines and 2 * columns <= width:
        maps = Small(wanted.maps, are_blocks=True)
    else:
        maps = Small(wanted.maps, every=max(1, ceil(rows / (2 * lines)), ceil(columns / width)))
    return Tile(kernel, maps, wanted.has_before, gap)


# -- the selected filter


@dataclass(frozen=True)
class SlicesPlan:
    """The slices of the selected filter beside its strongest: how many, so many across, from a column on."""

    small: Small
    at: int
    across: int
    shown: int


def slices_plan(wanted: Wanted, width: int, most_lines: int = MOST_SLICES) -> SlicesPlan:
    """All slices as half-blocks, as many as fit right of the strongest; none where a filter has only one."""
    small = Small(wanted.kernel, every=kernel_small(wanted.kernel).every)
    at = before_at(kernel_small(wanted.kernel)) * (1 + wanted.has_before) - 1 + GAP
    if wanted.slices < 2:
        return SlicesPlan(small, at, 0, 0)
    across = max((width - at + 1) // (small.width + 1), 0)
    down = (most_lines + 1) // (small.lines + 1)
    return SlicesPlan(small, at, across, min(wanted.slices, across * down))


def filter_lines(wanted: Wanted, width: int) -> int:
    """Lines of the selected filter's pane: title, headings, pictures, words."""
    plan = slices_plan(wanted, width)
    slices = ceil(plan.shown / plan.across) * (plan.small.lines + 1) - 1 if plan.shown else 0
    return 2 + max(kernel_small(wanted.kernel).lines, slices) + FILTER_WORDS


# -- the patches


@dataclass(frozen=True)
class PatchesPlan:
    """Patches side by side: so many across, each in so many columns and lines, with lines of words.

    A pixel is drawn so many times in each direction, or every so-many-th block of pixels once.
    """

    across: int
    times: int
    every: int
    width: int
    lines: int
    words: int


_WORDS: Final = ((2, 13), (2, 11), (1, 11))  # lines under a patch and the columns that they take


def patches_plan(field: Size, count: int, size: Size) -> PatchesPlan:
    """The arrangement of so many patches of a field in which they are seen largest; words need some room."""
    height, width = size
    plans = []
    for across in range(1, count + 1):
        wide, down = (width + 1) // across - 1, ceil(count / across)
        for words, least in _WORDS:
            if wide >= least and (lines := height // down - words) >= 1:
                plans.append(_patches(field, across, (lines, wide), words))
    if not plans:
        return _patches(field, 1, (max(height - 1, 1), width), 1)
    return min(plans, key=lambda plan: (plan.every, -plan.words, -plan.times))


def _patches(field: Size, across: int, room: Size, words: int) -> PatchesPlan:
    """Patches that have so many lines and columns each, at their largest."""
    lines, wide = room
    every = max(1, ceil(field[1] / wide), ceil(field[0] / (2 * lines)))
    times = max(1, min(wide // field[1], 2 * lines // field[0], MOST_TIMES))
    drawn = ceil(ceil(field[0] / every) * times / 2)
    return PatchesPlan(across, times, every, wide, drawn, words)
