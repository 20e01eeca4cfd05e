"""The grids of one step, as the Step page shows them and the Matrix page beside the weight matrix.

Cells are made once for an image or an operation and kept while it is stepped through, so that a step only
moves marks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from convtui.engine.convolution import Convolution, Step
from convtui.engine.pooling import Pooling, PoolStep
from convtui.engine.reductions import Average, Maximum, Winner
from convtui.engine.spec import Axis, ConvSpec, Sides
from convtui.engine.transposed import Scatter
from convtui.engine.transposed_ways import Gathering, Scattering, SpreadAxis
from convtui.engine.words import plural
from convtui.inputs.images import Picture
from convtui.pages.base.convolution_controls import padding, sides
from convtui.pages.base.step_tables import COLOURS, LOWEST, are_whole, convolved, pooled, scattered
from convtui.paint.cells import Cells, ImageCells, LandedCells, OutputCells, whole_pixels
from convtui.paint.drawing import NOBODY, Cell, Grid, Outline, Readers
from convtui.paint.text import is_integral, spans
from convtui.state.operation import Operation
from convtui.state.session import Session

AnyStep: TypeAlias = Step | PoolStep | Scatter
Frame: TypeAlias = tuple[Axis | SpreadAxis, Axis | SpreadAxis]

UNBOUNDED: Final = 1 << 16
LEAST_NAME: Final = 6  # characters of a name that are worth showing


class Pointer(NamedTuple):
    """What the user points at: an image pixel (in the image's own frame) or an entry of the kernel."""

    pixel: Cell | None = None
    entry: Cell | None = None

    def within(self, session: Session) -> Pointer:
        """What of it is still there."""
        _, *image = session.operation.image_shape
        return Pointer(_held(self.pixel, *image), _held(self.entry, *_window_here(session)))


def _held(cell: Cell | None, rows: int, columns: int) -> Cell | None:
    return cell if cell and cell[0] < rows and cell[1] < columns else None


def window_size(session: Session) -> tuple[int, int]:
    """Rows and columns of the largest window, or of the kernel."""
    operation = session.operation
    rows, columns = operation.axes
    return rows.kernel, columns.kernel


def _window_here(session: Session) -> tuple[int, int]:
    """Rows and columns of this cell's window: those of adaptive pooling have several sizes."""
    operation = session.operation
    if not isinstance(operation, Pooling):
        return window_size(session)
    _, row, column = session.position
    rows, columns = operation.axes
    return rows.window(row).size, columns.window(column).size


class StepGrids(NamedTuple):
    """The grids of the Step screen; the three tables are what step_tables says."""

    image: Grid
    output: Grid
    window: Grid
    kernel: Grid
    products: Grid


def step_grids(
    session: Session, step: AnyStep, pointer: Pointer, numbers: bool = False, width: int = UNBOUNDED
) -> StepGrids:
    """All five, for a session at a step of its operation.

    numbers: whether the image shows them. width: the columns that there are for its title.
    """
    entry = pointer.entry or _entry_computed(session, step)
    image = _image(session, step, pointer, entry, width)
    if numbers and session.own_colours:
        image = replace(image, hint=f"numbers: channel {channel_name(session.picture, session.channel)}")
    match step:
        case PoolStep():
            tables = pooled(session, step, entry)
        case Scatter():
            return StepGrids(image, _landing(session, step, pointer), *scattered(session, step, entry))
        case Step():
            tables = convolved(session, step, entry)
    return StepGrids(image, _output(session, pointer), *tables)


@lru_cache(maxsize=4)
def frame_of(operation: Operation) -> Frame:
    """The rows and columns of the image as they are shown: with padding, or with zeros between them."""
    match operation:
        case Convolution():
            return operation.axes
        case Gathering():
            return operation.axes
        case Pooling():
            rows, columns = operation.axes
            if isinstance(rows, Axis) and isinstance(columns, Axis):
                return rows, columns
    _, height, width = operation.image_shape
    return ConvSpec(1).axes(height, width)


def pixel_at(frame: Frame, cell: Cell) -> Cell | None:
    """The pixel of the image at a cell of its frame; None in the padding."""
    sources = []
    for axis, at in zip(frame, cell, strict=True):
        if at >= len(axis.sources) or axis.sources[at] < 0 or axis.sources[at] != axis.positions[at]:
            return None
        sources.append(int(axis.sources[at]))
    return sources[0], sources[1]


def nearest_pixel(frame: Frame, cell: Cell) -> Cell:
    """The pixel of the image at a cell of its frame or before it; outside of the image in the padding."""
    (row, column) = (
        (at - axis.before) // (axis.transposed.stride if isinstance(axis, SpreadAxis) else 1)
        for axis, at in zip(frame, cell, strict=True)
    )
    return row, column


def _place_in(frame: Frame, pixel: Cell) -> Cell | None:
    """The cell of the frame at which a pixel is; None if it is cut off."""
    places = []
    for axis, at in zip(frame, pixel, strict=True):
        place = at * (axis.transposed.stride if isinstance(axis, SpreadAxis) else 1) + axis.before
        if not 0 <= place < len(axis.sources):
            return None
        places.append(place)
    return places[0], places[1]


@lru_cache(maxsize=4)
def image_cells(picture: Picture, operation: Operation, channel: int, own_colours: bool) -> ImageCells:
    is_maximum = isinstance(operation, Pooling) and isinstance(operation.reduction, Maximum)
    outside = LOWEST if is_maximum else 0.0
    return ImageCells(picture, frame_of(operation), channel, own_colours, outside)


@lru_cache(maxsize=4)
def output_cells(picture: Picture, operation: Operation, channel: int, every: int = 1) -> OutputCells:
    """Those of an output channel; a pooled image has the colours of the image."""
    if isinstance(operation, Pooling):
        reduction = operation.reduction
        if isinstance(reduction, Average) and reduction.divisor_override is not None:
            return OutputCells(operation, channel, whole=False, every=every)
        whole = whole_pixels(picture) and not isinstance(reduction, Average)
        return OutputCells(operation, channel, whole, every, picture)
    weighted = operation if isinstance(operation, Convolution) else operation.transposed
    whole = whole_pixels(picture) and are_whole(weighted)
    whole = whole and (weighted.bias is None or is_integral(weighted.bias))
    gone_through = Gathering(operation.transposed) if isinstance(operation, Scattering) else operation
    return OutputCells(gone_through, channel, whole, every)


def _entry_computed(session: Session, step: AnyStep) -> Cell | None:
    """The entry of the window or of the kernel that was worked through just now."""
    if not session.taps:
        return None
    values = step.addends if isinstance(step, Scatter) else step.window
    rows, columns = int(values.shape[1]), int(values.shape[2])
    return divmod((session.taps - 1) % (rows * columns), columns)


def _image(session: Session, step: AnyStep, pointer: Pointer, entry: Cell | None, width: int) -> Grid:
    operation, channel, own_colours = session.operation, session.channel, session.own_colours
    frame = frame_of(operation)
    if isinstance(step, Scatter):
        _, row, column = step.position
        rows, columns, entry = range(row, row + 1), range(column, column + 1), None
    else:
        rows, columns = (
            _shifted(window, axis.before)
            for window, axis in ((step.rows, frame[0]), (step.columns, frame[1]))
        )
    named = channel if operation.image_shape[0] > 1 and not own_colours else None
    focus = None
    if pointer.pixel:
        focus = _place_in(frame, pointer.pixel)
    elif entry or (entry := _winner(step)):
        focus = (rows[entry[0]], columns[entry[1]])
    return Grid(
        cells=image_cells(session.picture, operation, channel, own_colours),
        title=_image_title(session.picture, operation, named, width),
        hint=_image_hint(operation),
        legend=not own_colours,
        colour_channel=colour_channel_of(session.picture, channel, own_colours),
        outline=Outline(rows, columns),
        focus=focus,
    )


def _winner(step: AnyStep) -> Cell | None:
    """The entry of the window that is the greatest, of a maximum."""
    return step.done.at if isinstance(step, PoolStep) and isinstance(step.done, Winner) else None


def _shifted(window: np.ndarray, before: int) -> range:
    """The rows or columns of a window in the frame."""
    first, last = int(window[0]) + before, int(window[-1]) + before
    return range(first, last + 1, int(window[1] - window[0]) if len(window) > 1 else 1)


def _image_hint(operation: Operation) -> str:
    if isinstance(operation, Scattering):
        return "framed: this pixel lands"
    if isinstance(operation, Gathering):
        return "window over zeros (tinted)"
    return "framed: the current window"


def colour_channel_of(picture: Picture, channel: int, own_colours: bool) -> int | None:
    """The channel in whose colour a channel of a colour image is shown; None for shades of grey."""
    return channel if picture.colour and not own_colours and picture.lowest >= 0 else None


@lru_cache(maxsize=4)
def _image_title(picture: Picture, operation: Operation, channel: int | None, width: int) -> str:
    """channel: the one that is shown, where that is to be said."""
    details = []
    if channel is not None:
        details.append(f"channel {channel_name(picture, channel)}")
    if isinstance(operation, Gathering):
        details.append("with zeros around and between")
    elif operation_padding := padding_of(operation):
        details.append(f"padding {operation_padding}")
    return picture_title(picture, "x".join(map(str, operation.image_shape)), details, width)


def padding_of(operation: Operation) -> str:
    """The padding that is put around the image; "" if there is none."""
    if isinstance(operation, Convolution):
        return padding(operation.spec) if _any(operation.spec.pads) else ""
    if isinstance(operation, Pooling):
        rows, columns = frame_of(operation)
        if isinstance(rows, Axis) and isinstance(columns, Axis):
            pads = (rows.before, rows.after), (columns.before, columns.after)
            return sides(pads) if _any(pads) else ""
    return ""


def _any(pads: Sides) -> bool:
    return any(any(side) for side in pads)


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
    operation = session.operation
    if not session.picture.colour or isinstance(operation, Scattering):
        return []
    return [COLOURS[channel] for channel in operation.channels_read(session.position[0])]


def _output(session: Session, pointer: Pointer) -> Grid:
    operation = session.operation
    o, r, c = session.position
    _, rows, columns = operation.output_shape
    filled = min(max(session.filled - o * rows * columns, 0), rows * columns)
    filled -= session.is_begun
    shape = "x".join(map(str, operation.output_shape))
    cell, step = f"output[{o}, {r}, {c}]", f"step {session.index + 1} of {session.size}"
    title, short_title = f"{cell} of {shape} · {step}", f"{cell.removeprefix('output')} · {step}"
    hint = "dots: not computed yet" if filled < rows * columns else _all_computed(operation)
    readers = NOBODY
    if pointer.pixel:
        readers, title, short_title, hint = _reached_from(session, pointer.pixel)
    cells = output_cells(session.picture, operation, o)
    return Grid(
        cells=cells,
        title=title,
        short_title=short_title,
        hint=hint,
        filled=filled,
        focus=(r, c),
        readers=readers,
        legend=True,
        colour_channel=colour_channel_of(session.picture, o, False) if cells.picture else None,
    )


def _all_computed(operation: Operation) -> str:
    channels, rows, columns = operation.output_shape
    of = " of this channel" if channels > 1 else ""
    cells = f"all {rows * columns:,} cells{of} are" if rows * columns > 1 else f"the only cell{of} is"
    return f"{cells} computed"


def _reached_from(session: Session, pixel: Cell) -> tuple[Readers, str, str, str]:
    """The output cells that a pixel reaches, and what is said of them: title, shorter title, hint."""
    operation = session.operation
    down, across = (axis.outputs_reading(at) for axis, at in zip(operation.axes, pixel, strict=True))
    readers = Readers(frozenset(down.tolist()), frozenset(across.tolist()))
    name = f"image[{session.channel}, {pixel[0]}, {pixel[1]}]"
    lands, of_this = bool(session.way), " of this channel" if operation.output_shape[0] > 1 else ""
    cells = f"{readers.count} cells{of_this}" if readers.count > 1 else "one cell"
    hint = f"it lands on {cells}" if lands else f"{cells} {'read' if readers.count > 1 else 'reads'} it"
    if not readers.count:
        title = f"{name} lands on no cell here" if lands else f"no cell here reads {name}"
        return readers, title, title, hint
    where = ", ".join(
        f"{plural(of, len(numbers))} {spans(numbers)}"
        for of, numbers in (("row", down.tolist()), ("column", across.tolist()))
    )
    verb = "lands on" if lands else "read by"
    return readers, f"{name} {'' if lands else 'is '}{verb} {where}", f"{verb} {where}", hint


def _landing(session: Session, step: Scatter, pointer: Pointer) -> Grid:
    """The output while a transposed convolution is scattered, with the place where the kernel lies framed."""
    operation, channel = session.operation, session.output_channel
    assert isinstance(operation, Scattering)
    whole = output_cells(session.picture, operation, channel)
    is_finished = session.is_all_landed
    cells: Cells = whole
    if not is_finished:
        entries = session.products if session.taps is None else session.taps
        cells = LandedCells(operation.transposed, whole, session.index, entries)
    shape = "x".join(map(str, operation.output_shape))
    where = f"input cell {session.index + 1} of {session.size}"
    title, short_title = f"output[{channel}] of {shape} · {where}", f"[{channel}] · {where}"
    hint = _all_computed(operation) if is_finished else "dots: nothing has landed here yet"
    if operation.transposed.bias is not None and not is_finished:
        hint = "what has landed, without the bias"
    readers = NOBODY
    if pointer.pixel:
        readers, title, short_title, hint = _reached_from(session, pointer.pixel)
    return Grid(
        cells=cells,
        title=title,
        short_title=short_title,
        hint=hint,
        outline=Outline(_shifted(step.rows, 0), _shifted(step.columns, 0)),
        focus=_entry_landed(session, step),
        readers=readers,
        legend=True,
    )


def _entry_landed(session: Session, step: Scatter) -> Cell | None:
    """The output cell to which something was added just now."""
    entry = _entry_computed(session, step)
    if entry is None or step.is_cut[entry]:
        return None
    return int(step.rows[entry[0]]), int(step.columns[entry[1]])
