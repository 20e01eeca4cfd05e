"""The three small tables of a step: what the operation does to its window, entry by entry.

For a convolution the window, the kernel and their products; for a pooling the window, what is the greatest or
the sum so far, and the gradient; for a transposed convolution that scatters the pixel, the kernel, and what
is added to the output.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from convtui.engine.convolution import Convolution, Step
from convtui.engine.pooling import PoolStep
from convtui.engine.reductions import Winner
from convtui.engine.spec import Floats
from convtui.engine.transposed import Scatter, TransposedConvolution
from convtui.engine.transposed_ways import Gathering, Scattering
from convtui.paint.cells import FILLED_TINT, ZERO_TINT, TableCells, whole_pixels
from convtui.paint.drawing import Cell, Grid
from convtui.paint.text import is_integral
from convtui.state.session import Session

COLOURS: Final = ("red", "green", "blue")
Weighted: TypeAlias = Convolution | TransposedConvolution
LOWEST: Final = -np.inf  # what a maximum reads in the padding


class Tables(NamedTuple):
    """The three of them, in the order in which they are read."""

    first: Grid
    second: Grid
    third: Grid


def convolved(session: Session, step: Step, entry: Cell | None) -> Tables:
    """Window, kernel and products of a convolution, or of a transposed convolution that gathers."""
    picture, operation, s = session.picture, session.operation, session.slice
    weighted = operation.transposed if isinstance(operation, Gathering) else session.convolution
    limit, whole = largest_weight(weighted), whole_pixels(picture)
    tint = ZERO_TINT
    if isinstance(operation, Convolution) and session.spec.padding_mode != "zeros":
        tint = FILLED_TINT
    window = TableCells(step.window[s], picture.lowest, picture.highest, whole, step.is_padding, tint)
    largest = max(abs(picture.lowest), abs(picture.highest)) * limit
    products = TableCells(step.products[s], -largest, largest, whole and are_whole(weighted))
    title, short_title = _window_title(session)
    if isinstance(operation, Gathering):
        kernel = _flipped(operation, step.position[0], s, entry)
    else:
        assert isinstance(operation, Convolution)
        kernel = _kernel(operation, step.position[0], s, entry)
    return Tables(
        Grid(window, title, "pixels it covers", short_title, focus=entry),
        kernel,
        Grid(products, "products", "to be added", filled=_done(session, step.products[s].size), focus=entry),
    )


def pooled(session: Session, step: PoolStep, entry: Cell | None) -> Tables:
    """The window, what has come of it so far, and what a gradient reaches."""
    picture, done = session.picture, step.done
    whole = whole_pixels(picture)
    values, is_maximum = step.window[0], isinstance(done, Winner)
    shown = np.where(step.is_padding, LOWEST, values) if is_maximum else values
    window = TableCells(shown, picture.lowest, picture.highest, whole, step.is_padding)
    winner = done.at if isinstance(done, Winner) else None
    title, short_title = _window_title(session)
    so_far = _so_far(step)
    if isinstance(done, Winner):
        second = TableCells(so_far, picture.lowest, picture.highest, whole)
        words = "greatest so far", "row by row"
    else:
        limit = max(abs(picture.lowest), abs(picture.highest)) * values.size
        second = TableCells(so_far, -limit if picture.lowest < 0 else 0.0, limit, whole)
        words = "sum so far", "row by row"
    gradient = TableCells(step.gradient, -1.0, 1.0, is_maximum)
    at = entry or winner
    return Tables(
        Grid(window, title, "marked: greatest" if is_maximum else "pixels it covers", short_title, focus=at),
        Grid(second, *words, filled=_done(session, values.size), focus=entry),
        Grid(gradient, "gradient", "where it goes", focus=at),
    )


def scattered(session: Session, step: Scatter, entry: Cell | None) -> Tables:
    """The pixel, the kernel, and what is added to the output."""
    picture, s = session.picture, session.slice
    operation = session.operation
    assert isinstance(operation, Scattering)
    transposed, limit = operation.transposed, largest_weight(operation.transposed)
    whole = whole_pixels(picture)
    pixel = TableCells(np.array([[step.pixel]]), picture.lowest, picture.highest, whole)
    c = step.position[0]
    kernel = TableCells(step.weights[s], -limit, limit, are_whole(transposed))
    largest = max(abs(picture.lowest), abs(picture.highest)) * limit
    is_whole = whole and are_whole(transposed)
    addends = TableCells(step.addends[s], -largest, largest, is_whole, step.is_cut)
    has_several = transposed.weight_shape[:2] != (1, 1)
    name = f"kernel [{c}, {s}]" if has_several else "kernel"
    cut = "tinted: cut off" if step.is_cut.any() else "added to output"
    return Tables(
        Grid(pixel, f"pixel{_of_channel(session)}", "times every weight", "pixel"),
        Grid(kernel, name, "laid on the output", focus=entry),
        Grid(addends, "addends", cut, filled=_done(session, step.addends[s].size), focus=entry),
    )


def _so_far(step: PoolStep) -> Floats:
    """[kH, kW] what has come of the window after each entry."""
    values = step.window[0]
    if isinstance(step.done, Winner):
        readable = np.where(step.is_padding, LOWEST, values)
        so_far: Floats = np.maximum.accumulate(readable.ravel())
    else:
        so_far = step.done.running
    return so_far.reshape(values.shape)


def _done(session: Session, entries: int) -> int | None:
    """How many entries of the slice on show have been worked through; None: all at once."""
    if session.taps is None:
        return None
    return min(max(session.taps - session.slice * entries, 0), entries)


def _window_title(session: Session) -> tuple[str, str]:
    """That of the window, and a shorter one."""
    if session.operation.image_shape[0] == 1:
        return "window", "window"
    title, slices = f"window · {_channel(session)}", session.slices
    short = title if session.picture.colour else f"window [{session.channel}]"
    return (f"{title} ({session.slice + 1} of {slices})" if slices > 1 else title), short


def _of_channel(session: Session) -> str:
    return f" · {_channel(session)}" if session.operation.image_shape[0] > 1 else ""


def _channel(session: Session) -> str:
    return COLOURS[session.channel] if session.picture.colour else f"channel {session.channel}"


@lru_cache(maxsize=4)
def kernel_cells(convolution: Convolution, filter: int, slice: int) -> TableCells:
    """A slice of a kernel, in the colours of all of them."""
    limit = largest_weight(convolution)
    return TableCells(convolution.weight[filter, slice], -limit, limit, are_whole(convolution))


@lru_cache(maxsize=4)
def _kernel(convolution: Convolution, o: int, s: int, entry: Cell | None) -> Grid:
    """The same grid as before for most steps, so that its pane has nothing to compare."""
    filters, slices, _, _ = convolution.weight_shape
    title = f"kernel [{o}, {s}]" if filters > 1 or slices > 1 else "kernel"
    return Grid(kernel_cells(convolution, o, s), title, "times weights", focus=entry)


@lru_cache(maxsize=4)
def _flipped(gathering: Gathering, o: int, s: int, entry: Cell | None) -> Grid:
    limit = largest_weight(gathering.transposed)
    cells = TableCells(gathering.weights(o)[s], -limit, limit, are_whole(gathering.transposed))
    return Grid(cells, "kernel, flipped", "turned by 180°", "flipped", focus=entry)


@lru_cache(maxsize=4)
def largest_weight(weighted: Weighted) -> float:
    """The largest magnitude of all weights."""
    return float(np.abs(weighted.weight).max())


@lru_cache(maxsize=4)
def are_whole(weighted: Weighted) -> bool:
    """Whether all weights are whole numbers."""
    return is_integral(weighted.weight)
