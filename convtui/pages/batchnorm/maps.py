"""Which activations share a mean, drawn on the maps: a row for each image, a column for each channel.

The cube of Wu and He 2018 (https://arxiv.org/abs/1803.08494, figure 2) laid flat: rows and columns of cells
are inside each map.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.style import Style

from convtui.engine.spec import Floats
from convtui.pages.batchnorm.styled_text import BATCH, RUNNING
from convtui.paint.colours import RGB, Palette, Pixels, accent_on, style, tint
from convtui.paint.glyphs import Glyphs, Lines
from convtui.paint.panes import Size
from convtui.paint.plots import series_colour

MARK: Final = "◆"  # on the activation that is looked at
TALLEST: Final = 4  # lines of a map
IMAGES: Final = (3, 2)  # that should be in view
HEAD: Final = 2  # lines over the first map
INSIDE: Final = (0.16, 0.84)  # the colour's share at the least and what the greatest activation adds
OUTSIDE: Final = (0.12, 0.48)


@dataclass(frozen=True, eq=False)
class SharedMaps:
    """Activations [images, channels, rows, columns], the images and channels that share a mean, one of them.

    is_running: they do not share a mean of their own, but are normalised by one running mean.
    """

    values: Floats
    images: range
    channels: range
    chosen: tuple[int, int, int, int]
    is_running: bool = False


class Grid(NamedTuple):
    """How the maps stand: lines of each, columns of the images' names, the images and channels in view."""

    lines: int
    names: int
    images: range
    channels: range

    @property
    def columns(self) -> int:
        """Of each map: as wide as it is tall."""
        return 2 * self.lines

    def left(self, channel: int) -> int:
        """The column before a channel's maps."""
        return self.names + (channel - self.channels.start) * (self.columns + 1)

    def top(self, image: int) -> int:
        """The line over an image's maps."""
        return HEAD - 1 + (image - self.images.start) * (self.lines + 1)


def grid_of(shape: tuple[int, ...], chosen: tuple[int, ...], size: Size) -> Grid:
    """The largest maps of which three images are in view, else two; among them the chosen one."""
    height, width = size
    names = len(f"image {shape[0] - 1} ")
    lines = 1
    for wanted in IMAGES:
        fitting = (height - HEAD) // wanted - 1
        if fitting >= 2 or wanted == IMAGES[-1]:
            lines = min(max(fitting, 1), TALLEST)
            break
    rows = max((height - HEAD) // (lines + 1), 1)
    columns = max((width - names - 1) // (2 * lines + 1), 1)
    return Grid(lines, names, _page(chosen[0], shape[0], rows), _page(chosen[1], shape[1], columns))


def _page(at: int, count: int, room: int) -> range:
    """So many of all, with this one among them; they change only when it leaves them."""
    first = max(min(at // room * room, count - room), 0)
    return range(first, min(first + room, count))


def maps_lines(maps: SharedMaps, size: Size, palette: Palette) -> Lines:
    """The maps as lines: those in the frame share a mean."""
    glyphs = Glyphs(*size, palette)
    grid = grid_of(maps.values.shape, maps.chosen, size)
    colour = series_colour(RUNNING if maps.is_running else BATCH, palette)
    _draw_names(glyphs, maps, grid)
    _draw_maps(glyphs, maps, grid, colour)
    _draw_frame(glyphs, maps, grid, style(colour, palette.background, bold=True))
    return glyphs.lines()


def _draw_names(glyphs: Glyphs, maps: SharedMaps, grid: Grid) -> None:
    palette, (images, channels) = glyphs.palette, maps.values.shape[:2]
    muted = style(palette.muted, palette.background)
    strong = style(palette.text, palette.background, bold=True)
    glyphs.write(0, 0, "channel"[: grid.names - 1], muted)
    for channel in grid.channels:
        glyphs.write(0, grid.left(channel) + 1, str(channel), strong if channel in maps.channels else muted)
    for image in grid.images:
        glyphs.write(grid.top(image) + 1, 0, f"image {image}", strong if image in maps.images else muted)
    if grid.channels.stop < channels:
        glyphs.write(0, min(grid.left(grid.channels.stop) + 1, glyphs.width - 1), "…", muted)
    for is_more, line in (
        (grid.images.start, grid.top(grid.images.start)),
        (images - grid.images.stop, grid.top(grid.images.stop)),
    ):
        if is_more:
            glyphs.write(line, 0, "  ⋮", muted)


def _draw_maps(glyphs: Glyphs, maps: SharedMaps, grid: Grid, colour: RGB) -> None:
    """Each map shrunk to its lines; the brighter, the greater the activation."""
    palette, seen = glyphs.palette, maps.values[grid.images.start : grid.images.stop]
    seen = seen[:, grid.channels.start : grid.channels.stop]
    shrunk = pooled(seen, 2 * grid.lines, grid.columns)
    low, high = float(shrunk.min()), float(shrunk.max())
    shares = (shrunk - low) / (high - low or 1.0)
    inside = _shaded(shares, palette, colour, INSIDE)
    outside = _shaded(shares, palette, palette.muted, OUTSIDE)
    for i, image in enumerate(grid.images):
        for c, channel in enumerate(grid.channels):
            is_in = image in maps.images and channel in maps.channels
            pixels = (inside if is_in else outside)[i, c]
            glyphs.put_pixels(grid.top(image) + 1, grid.left(channel) + 1, pixels)
    _draw_mark(glyphs, maps, grid, inside)


def _draw_mark(glyphs: Glyphs, maps: SharedMaps, grid: Grid, inside: Pixels) -> None:
    image, channel, row, column = maps.chosen
    rows, columns = maps.values.shape[2:]
    line = (2 * row + 1) * grid.lines // (2 * rows)
    across = (2 * column + 1) * grid.columns // (2 * columns)
    pixel = inside[image - grid.images.start, channel - grid.channels.start, 2 * line, across]
    under: RGB = (int(pixel[0]), int(pixel[1]), int(pixel[2]))
    ink = style(accent_on(under, glyphs.palette), under, bold=True)
    glyphs.write(grid.top(image) + 1 + line, grid.left(channel) + 1 + across, MARK, ink)


def _shaded(shares: Floats, palette: Palette, colour: RGB, between: tuple[float, float]) -> Pixels:
    """Shares [...] from 0 to 1 as pixels [..., 3] between two shares of a colour on the background."""
    least, added = between
    ramp = [tint(palette.background, colour, least + added * level / 255) for level in range(256)]
    shades: Pixels = np.array(ramp, np.uint8)[(shares * 255).astype(np.intp)]
    return shades


def pooled(maps: Floats, rows: int, columns: int) -> Floats:
    """Maps [..., H, W] of so many rows and columns: each the mean of the cells that it covers."""
    return _averaged(_averaged(maps, rows, -2), columns, -1)


def _averaged(maps: Floats, count: int, axis: int) -> Floats:
    """The windows of adaptive average pooling along one axis.

    Source: https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
    """
    size = maps.shape[axis]
    at: NDArray[np.intp] = np.arange(count)
    starts, ends = at * size // count, -(-(at + 1) * size // count)
    nothing = np.zeros_like(np.take(maps, [0], axis))
    sums = np.concatenate([nothing, np.cumsum(maps, axis)], axis)
    widths = (ends - starts).reshape(-1, *[1] * (-1 - axis))
    means: Floats = (np.take(sums, ends, axis) - np.take(sums, starts, axis)) / widths
    return means


def _draw_frame(glyphs: Glyphs, maps: SharedMaps, grid: Grid, look: Style) -> None:
    """A frame around the maps that share a mean; open where they go on beyond what is seen."""
    rows, columns = _seen(maps.images, grid.images), _seen(maps.channels, grid.channels)
    top, bottom = grid.top(rows.start), grid.top(rows.stop)
    left, right = grid.left(columns.start), grid.left(columns.stop)
    sides = [
        column
        for column, is_end in (
            (left, columns.start == maps.channels.start),
            (right, columns.stop == maps.channels.stop),
        )
        if is_end
    ]
    for line in range(top, bottom + 1):
        for column in sides:
            glyphs.write(line, column, "┃", look)
    for line, corners, is_end in (
        (top, "┏┓", rows.start == maps.images.start),
        (bottom, "┗┛", rows.stop == maps.images.stop),
    ):
        if is_end:
            glyphs.fill(line, left, (1, right - left + 1), "━", look)
            for column in sides:
                glyphs.write(line, column, corners[column == right], look)


def _seen(of: range, among: range) -> range:
    return range(max(of.start, among.start), min(of.stop, among.stop))
