"""The grids of one step, as the Step page shows them and the Matrix page beside the weight matrix.

Cells are made once for an image or a convolution and kept while it is stepped through, so that a step only
moves marks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from convtui.engine.convolution import Convolution, Step
from convtui.inputs.images import Picture
from convtui.pages.base.convolution_controls import padding
from convtui.paint.cells import FILLED_TINT, ZERO_TINT, ImageCells, OutputCells, TableCells, whole_pixels
from convtui.paint.drawing import NOBODY, Cell, Grid, Outline, Readers
from convtui.paint.text import is_integral, plural, spans
from convtui.state.session import Session

UNBOUNDED: Final = 1 << 16
LEAST_NAME: Final = 6  # characters of a name that are worth showing
COLOURS: Final = ("red", "green", "blue")


class Pointer(NamedTuple):
    """What the user points at: an image pixel (in the image's own frame) or an entry of the kernel."""

    pixel: Cell | None = None
    entry: Cell | None = None

    def within(self, session: Session) -> Pointer:
        """What of it is still there."""
        _, *image = session.convolution.image_shape
        return Pointer(_held(self.pixel, *image), _held(self.entry, *session.spec.kernel_size))


def _held(cell: Cell | None, rows: int, columns: int) -> Cell | None:
    return cell if cell and cell[0] < rows and cell[1] < columns else None


class StepGrids(NamedTuple):
    """The grids of the Step screen."""

    image: Grid
    output: Grid
    window: Grid
    kernel: Grid
    products: Grid


def step_grids(
    session: Session, step: Step, pointer: Pointer, numbers: bool = False, width: int = UNBOUNDED
) -> StepGrids:
    """All five, for a session at a step of its convolution.

    numbers: whether the image shows them. width: the columns that there are for its title.
    """
    entry = pointer.entry or _entry_computed(session)
    tables = _tables(session, step, entry)
    image = _image(session, step, pointer, entry, width)
    if numbers and session.own_colours:
        image = replace(image, hint=f"numbers: channel {channel_name(session.picture, session.channel)}")
    return StepGrids(image, _output(session, pointer), *tables)


@lru_cache(maxsize=4)
def image_cells(picture: Picture, convolution: Convolution, channel: int, own_colours: bool) -> ImageCells:
    return ImageCells(picture, convolution.axes, channel, own_colours)


@lru_cache(maxsize=4)
def output_cells(picture: Picture, convolution: Convolution, channel: int) -> OutputCells:
    bias = convolution.bias
    whole = whole_pixels(picture) and _whole(convolution) and (bias is None or is_integral(bias))
    return OutputCells(convolution, channel, whole)


@lru_cache(maxsize=4)
def kernel_cells(convolution: Convolution, filter: int, slice: int) -> TableCells:
    limit = _largest(convolution)
    return TableCells(convolution.weight[filter, slice], -limit, limit, _whole(convolution))


@lru_cache(maxsize=4)
def _whole(convolution: Convolution) -> bool:
    return is_integral(convolution.weight)


@lru_cache(maxsize=4)
def _largest(convolution: Convolution) -> float:
    return float(np.abs(convolution.weight).max())


def _entry_computed(session: Session) -> Cell | None:
    """The kernel entry of the multiply-add just done."""
    if not session.taps:
        return None
    _, _, rows, columns = session.convolution.weight_shape
    at = (session.taps - 1) % (rows * columns)
    return divmod(at, columns)


def _image(session: Session, step: Step, pointer: Pointer, entry: Cell | None, width: int) -> Grid:
    convolution, channel, own_colours = session.convolution, session.channel, session.own_colours
    down, across = convolution.axes
    rows = _range(int(step.rows[0]) + down.before, down.dilation, down.kernel)
    columns = _range(int(step.columns[0]) + across.before, across.dilation, across.kernel)
    named = channel if convolution.image_shape[0] > 1 and not own_colours else None
    focus = None
    if pointer.pixel:
        focus = (pointer.pixel[0] + down.before, pointer.pixel[1] + across.before)
    elif entry:
        focus = (rows[entry[0]], columns[entry[1]])
    return Grid(
        cells=image_cells(session.picture, convolution, channel, own_colours),
        title=_image_title(session.picture, convolution, named, width),
        hint="framed: the current window",
        legend=not own_colours,
        colour_channel=colour_channel_of(session.picture, channel, own_colours),
        outline=Outline(rows, columns),
        focus=focus,
    )


def colour_channel_of(picture: Picture, channel: int, own_colours: bool) -> int | None:
    """The channel in whose colour a channel of a colour image is shown; None for shades of grey."""
    return channel if picture.colour and not own_colours and picture.lowest >= 0 else None


def _range(start: int, step: int, count: int) -> range:
    return range(start, start + (count - 1) * step + 1, step)


@lru_cache(maxsize=4)
def _image_title(picture: Picture, convolution: Convolution, channel: int | None, width: int) -> str:
    """channel: the one that is shown, where that is to be said."""
    details = []
    if channel is not None:
        details.append(f"channel {channel_name(picture, channel)}")
    if any(any(side) for side in convolution.spec.pads):
        details.append(f"padding {padding(convolution.spec)}")
    return picture_title(picture, "x".join(map(str, convolution.image_shape)), details, width)


def picture_title(picture: Picture, shape: str, details: Sequence[str], width: int) -> str:
    """The picture's name, its shape, and as many details as there is room for; the name's end goes last."""
    name = picture.name
    for each in (name, re.split(": | · ", name)[-1]):
        for count in range(len(details), -1, -1):
            title = " · ".join([f"{each} {shape}", *details[:count]])
            if len(title) <= width:
                return title
    room = width - len(shape) - 2
    if room >= LEAST_NAME:
        return f"…{name[-room:]} {shape}"
    bare = " · ".join([shape, *details])
    return bare if len(bare) <= width else shape


def channel_name(picture: Picture, channel: int) -> str:
    """The channel's number, with its colour in a colour picture: "0 red"."""
    return f"{channel} {COLOURS[channel]}" if picture.colour else str(channel)


def slice_names(session: Session) -> list[str]:
    """The colours of a colour picture that the filter's slices read; none of any other."""
    if not session.picture.colour:
        return []
    return [COLOURS[channel] for channel in session.convolution.channels_read(session.position[0])]


def _output(session: Session, pointer: Pointer) -> Grid:
    convolution = session.convolution
    o, r, c = session.position
    _, rows, columns = convolution.output_shape
    filled = min(max(session.filled - o * rows * columns, 0), rows * columns)
    if session.taps is not None and session.taps < session.products and session.filled == session.index + 1:
        filled -= 1
    shape = "x".join(map(str, convolution.output_shape))
    cell, step = f"output[{o}, {r}, {c}]", f"step {session.index + 1} of {session.size}"
    title, short_title = f"{cell} of {shape} · {step}", f"{cell.removeprefix('output')} · {step}"
    hint = "dots: not computed yet" if filled < rows * columns else _all_computed(convolution)
    readers = NOBODY
    if pointer.pixel:
        down, across = (
            axis.outputs_reading(at) for axis, at in zip(convolution.axes, pointer.pixel, strict=True)
        )
        readers = Readers(frozenset(down.tolist()), frozenset(across.tolist()))
        name = f"image[{session.channel}, {pointer.pixel[0]}, {pointer.pixel[1]}]"
        title = f"no cell here reads {name}"
        if readers.count:
            where = ", ".join(
                f"{plural(name, len(numbers))} {spans(numbers)}"
                for name, numbers in (("row", down.tolist()), ("column", across.tolist()))
            )
            title, short_title = f"{name} is read by {where}", f"read by {where}"
        where_else = " of this channel" if convolution.output_shape[0] > 1 else ""
        hint = f"{readers.count} cells{where_else} read it" if readers.count > 1 else "one cell reads it"
    return Grid(
        cells=output_cells(session.picture, convolution, o),
        title=title,
        short_title=short_title,
        hint=hint,
        filled=filled,
        focus=(r, c),
        readers=readers,
        legend=True,
    )


def _all_computed(convolution: Convolution) -> str:
    channels, rows, columns = convolution.output_shape
    of = " of this channel" if channels > 1 else ""
    cells = f"all {rows * columns:,} cells{of} are" if rows * columns > 1 else f"the only cell{of} is"
    return f"{cells} computed"


def _tables(session: Session, step: Step, entry: Cell | None) -> tuple[Grid, Grid, Grid]:
    picture, convolution, s = session.picture, session.convolution, session.slice
    _, slices, rows, columns = convolution.weight_shape
    whole = whole_pixels(picture)
    tint = ZERO_TINT if session.spec.padding_mode == "zeros" else FILLED_TINT
    window = TableCells(step.window[s], picture.lowest, picture.highest, whole, step.is_padding, tint)
    limit = max(abs(picture.lowest), abs(picture.highest)) * _largest(convolution)
    products = TableCells(step.products[s], -limit, limit, whole and _whole(convolution))
    done = None
    if session.taps is not None:
        done = min(max(session.taps - s * rows * columns, 0), rows * columns)
    window_title = short_title = "window"
    if convolution.image_shape[0] > 1:
        name = COLOURS[session.channel] if picture.colour else f"channel {session.channel}"
        short_title = f"window · {name}"
        window_title = f"{short_title} ({s + 1} of {slices})" if slices > 1 else short_title
    return (
        Grid(window, window_title, "pixels it covers", short_title, focus=entry),
        _kernel(convolution, step.position[0], s, entry),
        Grid(products, "products", "to be added", filled=done, focus=entry),
    )


@lru_cache(maxsize=4)
def _kernel(convolution: Convolution, o: int, s: int, entry: Cell | None) -> Grid:
    """The same grid as before for most steps, so that its pane has nothing to compare."""
    filters, slices, _, _ = convolution.weight_shape
    title = f"kernel [{o}, {s}]" if filters > 1 or slices > 1 else "kernel"
    return Grid(kernel_cells(convolution, o, s), title, "times weights", focus=entry)
