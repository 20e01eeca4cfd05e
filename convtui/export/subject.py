"""What the diagrams of all operations have in common: subject, grid of the image, outlines on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from convtui.engine.spec import Indices
from convtui.engine.transposed_ways import Gathering, Scattering
from convtui.engine.words import counted, verb
from convtui.export.diagram import Mover, Shape
from convtui.export.grids import LEAST_NUMBERS, Grid, side_within
from convtui.export.operations import Operation, frame_of
from convtui.export.words import shape_text
from convtui.inputs.images import Picture
from convtui.paint.cells import Cells, ImageCells
from convtui.paint.colours import Palette

MOST_CELLS: Final = 80  # rows or columns of the padded image
MOST_SIDE: Final = 36
LONGEST_NAME: Final = 48
HOLD: Final = 1.5  # seconds for which the last frame stays at least

_ROOM: Final = 440  # of the image, and of the output
_TABLE_ROOM: Final = 220  # of a window or a kernel
_LARGER: Final = 1.6  # times the side of a pixel: that of an output cell which is drawn larger
_MOST_TAPS: Final = 49  # of a dilated window, each of which is outlined
_COLOURS: Final = 3

Window: TypeAlias = tuple[Indices, Indices]  # rows and columns of the cells that it covers


@dataclass(frozen=True, eq=False)
class Subject:
    """What is drawn: an operation over a picture, the name of its kernel, and the slice on show."""

    picture: Picture
    operation: Operation | Scattering
    kernel: str
    slice: int = 0

    def own_colours(self, channels: range) -> bool:
        """Whether the picture is drawn in its own colours, where these channels are read."""
        return self.picture.colour and len(channels) == _COLOURS

    def image(self, channel: int, own_colours: bool, palette: Palette) -> Grid:
        """The grid of the image. Raises ValueError for one of more than 80 rows or columns."""
        picture = self.picture
        cells = ImageCells(picture, frame_of(self.operation), channel, own_colours)
        if max(cells.rows, cells.columns) > MOST_CELLS:
            scale = max(max(cells.rows, cells.columns) - max(picture.pixels.shape[1:]), 0)
            most = 0 if isinstance(self.operation, Gathering) else min(MOST_CELLS - scale, 64)
            shorter, longer = sorted(picture.pixels.shape[1:])
            side = most * shorter // longer
            advice = f"; --resize {side} scales the image" if side > 0 else ""
            raise ValueError(
                f"{picture.name}: {cells.rows}x{cells.columns} pixels with the padding are too many for a "
                f"diagram, which has at most {MOST_CELLS}x{MOST_CELLS}{advice}"
            )
        side = side_within(cells, _ROOM, MOST_SIDE)
        # Of a pixel in its own colours three numbers would be to be shown.
        return Grid(cells, min(side, LEAST_NUMBERS - 1) if cells.own_colours else side, palette)


def output_grid(cells: Cells, image: Grid) -> Grid:
    """The grid of the output beside that of the image, in cells as wide or much larger."""
    side = side_within(cells, _ROOM, MOST_SIDE)
    return Grid(cells, side if side > _LARGER * image.side else image.side, image.palette)


def table_grid(cells: Cells, palette: Palette) -> Grid:
    """The grid of a kernel or a window."""
    return Grid(cells, side_within(cells, _TABLE_ROOM, MOST_SIDE), palette)


def image_title(shape: Sequence[int], channel: int | None) -> str:
    """As "image 1x5x5", or if it shows one channel of several "image[2] of 3x5x5"."""
    return f"image {shape_text(shape)}" if channel is None else f"image[{channel}] of {shape_text(shape)}"


def output_title(shape: Sequence[int], channel: int) -> str:
    """As "output 1x5x5", or "output[2] of 4x5x5"."""
    return f"output{f'[{channel}] of' if shape[0] > 1 else ''} {shape_text(shape)}"


def require_steps(steps: Sequence[int], shape: Sequence[int], cells: str, most: int) -> None:
    """Raise ValueError unless the steps, ascending, go through the cells of one channel of this shape."""
    told = f"steps {steps[0]}-{steps[-1]}"
    channels, rows, columns = shape
    size = channels * rows * columns
    if steps[-1] > size or steps[0] < 0:
        raise ValueError(
            f"{told}: there {verb(size, 'is', 'are')} {counted(size, 'step')}; choose from 0-{size}"
        )
    of = max(steps[0] - 1, 0) // (rows * columns)
    first, last = of * rows * columns + 1, (of + 1) * rows * columns
    if steps[-1] > last:
        raise ValueError(f"{told}: must be of one {cells}; those of {cells} {of} are {first}-{last}")
    if len(steps) > most:
        raise ValueError(f"{told}: {len(steps):,} steps are too many for an animation; at most {most}")


def movement(grid: Grid, windows: Sequence[Window]) -> Mover | None:
    """The outline of a window that lies on the grid where these say; None if its form changes."""
    rows, columns = windows[0]
    forms = [(down - down[:1], across - across[:1]) for down, across in windows]
    if not len(rows) or not len(columns) or not all(are_alike(each, forms[0]) for each in forms):
        return None
    top, left = int(rows[0]), int(columns[0])
    places = tuple((int(c[0] - left) * grid.side, int(r[0] - top) * grid.side) for r, c in windows)
    return Mover(tuple(outlines(grid, rows, columns)), places)


def are_alike(one: Window, other: Window) -> bool:
    """Whether two windows have the same rows and columns."""
    return all(np.array_equal(ours, theirs) for ours, theirs in zip(one, other, strict=True))


def outlines(grid: Grid, rows: Indices, columns: Indices) -> Iterator[Shape]:
    """A window at these rows and columns: one outline, or one around each cell where it has holes."""
    if not len(rows) or not len(columns):
        return
    high, wide = int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1
    if high * wide == len(rows) * len(columns) or len(rows) * len(columns) > _MOST_TAPS:
        yield from grid.outline(high, wide, int(rows[0]), int(columns[0]))
        return
    for row in rows.tolist():
        for column in columns.tolist():
            yield from grid.outline(1, 1, row, column)
