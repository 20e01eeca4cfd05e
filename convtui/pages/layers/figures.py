"""What the panes of the Layers page show: the image, the maps on the way to the selected layer, all its maps.

In each of them the cells are outlined that feed the selected activation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Final

import numpy as np

from convtui.engine.layers import Activation, BatchNorm, Flatten
from convtui.engine.norm_layers import Norm
from convtui.engine.spec import ConvSpec, Indices
from convtui.engine.stack import Row
from convtui.engine.tracing import Feeding
from convtui.inputs.images import Picture
from convtui.pages.base.step_grids import channel_name, colour_channel_of, picture_title
from convtui.pages.layers.cells import MapCells, MosaicCells, Tiling
from convtui.pages.layers.layout import Place, Size
from convtui.paint.cells import ImageCells
from convtui.paint.colours import Array
from convtui.paint.drawing import Grid, Outline
from convtui.state.network import Stack

FRAMED: Final = "framed: what feeds it"


@dataclass(frozen=True, eq=False)
class Maps:
    """The feature maps [channels, rows, columns] of a layer, as far as they are computed.

    image_scale is that of an image; other maps are coloured alike on both sides of zero.
    """

    values: Array
    is_computed: bool = True
    image_scale: tuple[float, float] | None = None

    @classmethod
    def of(cls, output: Array) -> Maps:
        """From a layer's output; features are channels of one cell."""
        return cls(output.reshape(output.shape[0], *(output.shape[1:] or (1, 1))))

    @classmethod
    def to_come(cls, shape: tuple[int, int, int]) -> Maps:
        return cls(np.broadcast_to(0.0, shape), is_computed=False)

    @classmethod
    def of_image(cls, picture: Picture) -> Maps:
        limit = max(-picture.lowest, picture.highest)
        is_signed = picture.lowest < 0
        return cls(picture.pixels, True, (-limit if is_signed else picture.lowest, limit))

    @cached_property
    def scale(self) -> tuple[float, float]:
        """The values that have the full colours of both ends."""
        if self.image_scale:
            return self.image_scale
        limit = float(max(-self.values.min(), self.values.max())) if self.is_computed else 0.0
        return -limit, limit


def earlier_layers(stack: Stack) -> list[tuple[int, Size]]:
    """The layers that the selected one is computed from and that have maps of their own, the nearest first.

    Activations and norms have those of their input, cell by cell.
    """
    rows = stack.summary.rows
    needed, found = {stack.layer}, []
    for number in range(stack.layer, 0, -1):
        if number not in needed:
            continue
        needed.update(rows[number].inputs)
        shape = rows[number].output_shape
        if number == stack.layer or isinstance(rows[number].layer, Activation | BatchNorm | Norm | Flatten):
            continue
        if len(shape) > 1 and shape[1:] != (1, 1):
            found.append((number, (shape[1], shape[2])))
    return found


def outline(fed: Feeding, every: int = 1) -> Outline | None:
    """The cells that feed, in a grid where one of so many is drawn in each direction."""
    if not len(fed.rows):
        return None
    return Outline(_spaced(fed.rows, every), _spaced(fed.columns, every))


def _spaced(indices: Indices, every: int) -> range:
    first, last = int(indices[0]), int(indices[-1])
    gaps = set(np.diff(indices).tolist())
    step = gaps.pop() if len(gaps) == 1 and every == 1 else 1
    return range(first // every, last // every + 1, step)


# -- the image


@lru_cache(maxsize=4)
def image_cells(picture: Picture, channel: int, own_colours: bool, every: int) -> ImageCells:
    thinned = replace(picture, pixels=picture.pixels[:, ::every, ::every])
    axes = ConvSpec(1).axes(*thinned.pixels.shape[1:])
    return ImageCells(thinned, axes, channel, own_colours)


def image_grid(picture: Picture, slice: int | None, stack: Stack, fed: Feeding, place: Place) -> Grid:
    """The image with the pixels that feed the selected activation, or with the selected pixel."""
    every = place.every
    channels = len(picture.pixels)
    own_colours = picture.colour and slice is None
    is_selected = stack.layer == 0
    channel = stack.activation[0] if is_selected else min(slice or 0, channels - 1)
    shape = "x".join(map(str, picture.pixels.shape))
    details = [f"channel {channel_name(picture, channel)}"] if channels > 1 and not own_colours else []
    hint, short = ("arrows select a pixel", "arrows select") if is_selected else _framed(fed)
    hint = hint if len(hint) <= place.region.width else short
    thinned = f"{hint} · ÷{every}: 1 in {every} rows and columns"
    hint = thinned if every > 1 and len(thinned) <= place.region.width else hint
    grid = Grid(
        cells=image_cells(picture, channel, own_colours, every),
        title=picture_title(picture, f"{shape}{thinned_text(every)}", details, place.region.width),
        hint=hint,
        legend=not own_colours,
        colour_channel=colour_channel_of(picture, channel, own_colours),
    )
    if is_selected:
        _, row, column = stack.activation
        return replace(grid, focus=(row // every, column // every))
    return replace(grid, outline=outline(fed, every))


def _framed(fed: Feeding) -> tuple[str, str]:
    """What the frame in the image means, and shorter."""
    whole = outline(fed)
    if not whole or fed.pixels in (None, len(whole.rows) * len(whole.columns)):
        return FRAMED, "what feeds it"
    size = f"{len(whole.rows)}x{len(whole.columns)}"
    return f"{fed.pixels} of {size} framed feed it", f"{fed.pixels} of {size}"


# -- the maps


@lru_cache(maxsize=16)
def map_cells(maps: Maps, channel: int, every: int) -> MapCells:
    return MapCells(maps.values[channel], maps.scale, every, maps.is_computed)


@lru_cache(maxsize=4)
def mosaic_cells(maps: Maps, tiling: Tiling, channel: int) -> MosaicCells:
    return MosaicCells(maps.values, maps.scale, tiling, channel, maps.is_computed)


def earlier_grid(row: Row, maps: Maps, fed: Feeding, channel: int, place: Place) -> Grid:
    """A map of an earlier layer with the cells that feed: that of the same channel if it feeds."""
    every = place.every
    channels: Sequence[int] = fed.channels.tolist()
    shown = channel if channel in channels or not channels else channels[0]
    shown = min(shown, len(maps.values) - 1)
    name = f"{row.number} {row.layer.kind}"
    thinned = thinned_text(every)
    count = f"{len(fed.rows)}x{len(fed.columns)} cells" if channels else "none"
    if fed.pixels not in (None, len(fed.rows) * len(fed.columns)):
        count = f"{fed.pixels} cells"
    hint = f"{count} feed it" if len(count) + 8 <= place.region.width else count
    return Grid(
        cells=map_cells(maps, shown, every),
        title=f"{name}[{shown}]{thinned}",
        short_title=f"{name}{thinned}",
        hint=hint if maps.is_computed else "computing…",
        outline=outline(fed, every),
    )


def selected_grid(stack: Stack, maps: Maps, every: int) -> Grid:
    """The selected layer's selected map, and the activation in it."""
    channel, row, column = stack.activation
    name = f"{stack.layer} {stack.row.layer.kind}"
    return Grid(
        cells=map_cells(maps, channel, every),
        title=f"{name}[{channel}, {row}, {column}]{thinned_text(every)}",
        short_title=f"{name}[{channel}]{thinned_text(every)}",
        hint="activation" if maps.is_computed else "computing…",
        focus=(row // every, column // every),
    )


def mosaic_grid(stack: Stack, maps: Maps, tiling: Tiling) -> Grid:
    """All maps of the selected layer."""
    channel = stack.activation[0]
    count, kind = len(maps.values), stack.row.layer.kind
    are_features = len(stack.row.output_shape) == 1
    what = "features" if are_features else "feature maps" if stack.layer else "channels"
    what = what if count > 1 else what.removesuffix("s")
    title = f"{count} {what} of {kind}{thinned_text(tiling.every)}"
    weights = f"trained: {stack.trained}" if stack.trained else f"random weights, seed {stack.seed}"
    hint = weights if stack.layer and _has_weights(stack) else ""
    if not maps.is_computed:
        title, hint = f"computing… {title}", ""
    top, left = tiling.place((channel, 0, 0))
    bottom, right = (at + size for at, size in zip((top, left), tiling.tile, strict=True))
    return Grid(
        cells=mosaic_cells(maps, tiling, channel),
        title=title,
        short_title=f"{count} {what}{thinned_text(tiling.every)}",
        hint=hint,
        focus=tiling.place(stack.activation),
        kept=(range(max(top - 1, 0), bottom + 1), range(max(left - 1, 0), right + 1)),
        legend=maps.is_computed,
    )


def value_of(stack: Stack, maps: Maps) -> float | None:
    """The selected activation's value, if it is computed."""
    return float(maps.values[stack.activation]) if maps.is_computed else None


def _has_weights(stack: Stack) -> bool:
    return any(row.parameter_shapes for row in stack.summary.rows[: stack.layer + 1])


def thinned_text(every: int) -> str:
    """That of so many rows and columns one is drawn."""
    return f" ÷{every}" if every > 1 else ""
