"""What the panes show of an operation of the user's own network: its output, what it sees of the image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convtui.engine.graph.feeding import feeding
from convtui.engine.graph.fields import AxisField, NotKnown
from convtui.engine.graph.operation import Graph, Op, Shape, Source
from convtui.engine.output_cells import Position
from convtui.inputs.images import Picture
from convtui.pages.base.step_grids import channel_name, colour_channel_of, picture_title
from convtui.pages.layers.cells import Tiling
from convtui.pages.layers.figures import Maps, image_cells, map_cells, mosaic_cells, thinned_text
from convtui.pages.layers.layout import Place
from convtui.paint.colours import Array
from convtui.paint.drawing import Grid, Holes, Outline
from convtui.tracing.protocol import without_batch
from convtui.tracing.traced import Row

COMING: Final = "computing…"
NOTHING: Final = "no picture:"
Span = tuple[int, int]  # the first and the last pixel; the last before the first where none is seen


@dataclass(frozen=True)
class Seen:
    """What an activation sees of the image: rows and columns, None where not known; `is_nothing` of none.

    holes: which pixels between them are read, where not all are. is_bound: more may be marked than are read.
    """

    rows: Span | None = None
    columns: Span | None = None
    is_nothing: bool = False
    because: int | None = None  # the operation because of which it is not known
    holes: Holes | None = None
    is_bound: bool = False
    slices: Span | None = None  # of a volume, from whose slices they are

    @property
    def is_known(self) -> bool:
        return self.rows is not None and self.columns is not None


def map_shape(shape: Shape) -> Position:
    """The channels, rows and columns in which a tensor is drawn; features are channels of one cell."""
    axes = without_batch(shape) or (1,)
    if len(axes) == 1:
        return axes[0], 1, 1
    if len(axes) == 2:
        return 1, axes[0], axes[1]
    return prod(axes[:-2]), axes[-2], axes[-1]


def held(place: Position, shape: Position) -> Position:
    """A place, or the nearest that there is."""
    channel, row, column = (max(min(at, size - 1), 0) for at, size in zip(place, shape, strict=True))
    return channel, row, column


def maps_of(values: Array, shape: Position) -> Maps:
    """An operation's output; values that are not finite are drawn as 0."""
    maps = values.reshape(shape)
    return Maps(maps if np.isfinite(maps).all() else np.nan_to_num(maps, posinf=0.0, neginf=0.0))


@lru_cache(maxsize=8)
def to_come(shape: Position) -> Maps:
    """The maps of an output that is on its way."""
    return Maps.to_come(shape)


def moved(place: Position, by: int, shape: Position) -> Position:
    """The activation so many further, in order channel, row, column."""
    at = int(np.ravel_multi_index(held(place, shape), shape)) + by
    channel, row, column = np.unravel_index(min(max(at, 0), prod(shape) - 1), shape)
    return int(channel), int(row), int(column)


def tensor_index(place: Position, shape: Shape) -> tuple[int, ...]:
    """Where an activation is in the tensor of that shape."""
    at = np.ravel_multi_index(place, map_shape(shape))
    return tuple(int(each) for each in np.unravel_index(at, shape))


def seen_by(row: Row, place: Position, rows_drawn: int = 1) -> Seen:
    """What an activation of an operation's output sees of the image.

    Of samples along one axis all channels, as which so many rows are drawn; of a volume the rows and columns.
    """
    shape = row.op.output.shape
    if not row.fields or not prod(shape):
        return Seen()
    index = tensor_index(place, shape)
    spans: list[Span | None] = []
    because = None
    for field in row.fields:
        match field:
            case AxisField():
                spans.append(field.span(index))
            case NotKnown(op):
                spans.append(None)
                because = op
            case None:
                return Seen(is_nothing=True)
    if len(spans) == 1:
        spans.insert(0, (0, rows_drawn - 1))
    *before, rows, columns = spans
    empty = any(span is not None and span[1] < span[0] for span in spans)
    return Seen(rows, columns, is_nothing=empty, because=because, slices=before[-1] if before else None)


def with_holes(seen: Seen, graph: Graph, op: Op, place: Position, image: Source | None = None) -> Seen:
    """What an activation sees, with the pixels between the first and the last that it does not read.

    Dilation leaves such holes, and strides larger than the kernel, and branches that lie apart.
    """
    image, shape = image or graph.image, op.output.shape
    if seen.rows is None or seen.columns is None or seen.is_nothing or image is None or not op.number:
        return seen
    if len(graph.tensor(image).shape) != 4:  # a row's channels are drawn as rows; a volume has more axes
        return seen
    fed = feeding(graph, Source(op.number), tensor_index(place, shape)).get(image)
    if fed is None:
        return seen
    (top, bottom), (left, right) = seen.rows, seen.columns
    read = fed.is_fed(-2, -1)[top : bottom + 1, left : right + 1]
    return seen if read.all() else replace(seen, holes=Holes(read), is_bound=not fed.is_told)


def _thinned(read: NDArray[np.bool_], seen: Seen, every: int) -> NDArray[np.bool_]:
    """Of cells that each stand for several: whether any of these is read."""
    if every == 1:
        return read
    assert seen.rows
    assert seen.columns
    for axis, (low, high) in enumerate((seen.rows, seen.columns)):
        starts = [max(at * every - low, 0) for at in range(low // every, high // every + 1)]
        read = np.logical_or.reduceat(read, starts, axis)
    return read


def image_grid(
    picture: Picture, slice: int | None, seen: Seen, selected: Position | None, place: Place
) -> Grid:
    """The image with the pixels framed that are seen, or, where the input is selected, with its pixel."""
    every, channels = place.every, len(picture.pixels)
    own_colours = picture.colour and slice is None
    channel = min(slice or 0, channels - 1)
    shape = "x".join(map(str, picture.pixels.shape))
    details = [f"channel {channel_name(picture, channel)}"] if channels > 1 and not own_colours else []
    grid = Grid(
        cells=image_cells(picture, channel, own_colours, every),
        title=picture_title(picture, f"{shape}{thinned_text(every)}", details, place.region.width),
        hint=_image_hint(seen, selected is not None),
        legend=not own_colours,
        colour_channel=colour_channel_of(picture, channel, own_colours),
    )
    if selected is not None:
        return replace(grid, focus=(selected[1] // every, selected[2] // every))
    if seen.rows is None or seen.columns is None or seen.is_nothing:
        return grid
    rows, columns = (range(low // every, high // every + 1) for low, high in (seen.rows, seen.columns))
    holes = seen.holes and Holes(_thinned(seen.holes.read, seen, every))
    return replace(grid, outline=Outline(rows, columns, holes))


def _image_hint(seen: Seen, is_selected: bool) -> str:
    if is_selected:
        return "arrows select a pixel"
    if seen.is_nothing:
        return "it sees none of the image"
    if not seen.is_known:
        return "not known what it sees"
    return "lit: what it reads, ·: not" if seen.holes else "framed: what it sees"


def selected_grid(op: Op, maps: Maps, place: Position, every: int, why: str = "") -> Grid:
    """The selected channel of an operation's output, and the activation in it."""
    channel, row, column = place
    name = f"{op.number} {op.kind}"
    return Grid(
        cells=map_cells(maps, channel, every),
        title=f"{name}[{channel}, {row}, {column}]{thinned_text(every)}",
        short_title=f"{name}[{channel}]{thinned_text(every)}",
        hint="activation" if maps.is_computed else NOTHING.rstrip(":") if why else COMING,
        focus=(row // every, column // every),
    )


def _what(shape: Shape, maps: Position) -> str:
    """What is drawn of a tensor of that shape: its channels, features, slices, or its two axes."""
    axes = without_batch(shape)
    if len(axes) == 2:
        return "x".join(map(str, axes))
    count, rows, columns = maps
    what = "slices" if len(axes) > 3 else "features" if (rows, columns) == (1, 1) else "channels"
    return f"{count} {what if count > 1 else what.removesuffix('s')}"


def mosaic_grid(op: Op, maps: Maps, place: Position, tiling: Tiling, why: str = "", output: int = 0) -> Grid:
    """All channels of an operation's output, the first of several. why: they will not be had."""
    count, rows, columns = maps.values.shape
    what = _what(op.outputs[output].shape, (count, rows, columns))
    title = f"{what} of {op.kind}{thinned_text(tiling.every)}"
    top, left = tiling.place((place[0], 0, 0))
    bottom, right = (at + size for at, size in zip((top, left), tiling.tile, strict=True))
    return Grid(
        cells=mosaic_cells(maps, tiling, place[0]),
        title=title if maps.is_computed else f"{NOTHING if why else COMING} {title}",
        short_title=f"{what}{thinned_text(tiling.every)}",
        hint="",
        focus=tiling.place(place),
        kept=(range(max(top - 1, 0), bottom + 1), range(max(left - 1, 0), right + 1)),
        legend=maps.is_computed,
    )
