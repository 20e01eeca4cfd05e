"""What each grid of the Matrix page shows for a session and the cell that the user points at.

Cells are made once for an operation and kept while it is stepped through, so that a step only moves marks;
but for what has landed of a transposed convolution that scatters.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Final

import numpy as np

from convtui.engine.convolution import Convolution
from convtui.engine.equations import Equations, equations
from convtui.engine.matrices import Multiplied
from convtui.engine.pooling import Pooling, PoolStep
from convtui.engine.reductions import Winner
from convtui.engine.spec import Indices, Picked
from convtui.engine.transposed import TransposedConvolution
from convtui.engine.transposed_ways import Gathering, Scattering
from convtui.engine.words import counted
from convtui.inputs.images import Picture
from convtui.pages.base.step_grids import (
    Pointer,
    frame_of,
    image_cells,
    output_cells,
    step_grids,
    window_size,
)
from convtui.pages.matrix.cells import (
    NamedImageCells,
    NamedKernelCells,
    ShareCells,
    VectorCells,
    entry_name,
    input_kinds,
    output_values,
    transposed_product,
    window_place,
)
from convtui.pages.matrix.layout import MatrixPlan
from convtui.pages.matrix.shown import Pointed, Shown, is_mean, shown_in, tap_pointed
from convtui.paint.cells import ABSENT, LEAST_SAMPLE, MOST_PRODUCTS, PLAIN, TableCells, whole_pixels
from convtui.paint.colours import Array
from convtui.paint.drawing import Grid, Outline, Readers, Rectangle
from convtui.paint.matrix_cells import MatrixCells, short_share, written_ends
from convtui.paint.text import is_integral, number_format
from convtui.state.operation import Operation
from convtui.state.session import Session

SAMPLED_PRODUCTS: Final = 64
ABOVE: Final = (
    "each value is above the column that it multiplies",
    "each value is above its column",
    "each above its column",
)


@dataclass(frozen=True, eq=False)
class MatrixGrids:
    """The grids of the Matrix page; `bias` is None where there is none."""

    matrix: Grid
    across: Grid
    bias: Grid | None
    result: Grid
    image: Grid
    kernel: Grid


def bias_of(operation: Multiplied) -> Array | None:
    """The bias that is added to its output; None if there is none."""
    return None if isinstance(operation, Pooling) else operation.bias


@lru_cache(maxsize=4)
def letters_of(operation: Multiplied) -> Equations | None:
    """The equations in letters; None where there are too many of them."""
    try:
        return equations(operation)
    except ValueError:
        return None


def letters_in(session: Session) -> Equations | None:
    return letters_of(shown_in(session).operation) if session.view.letters else None


def frame_size(operation: Operation) -> tuple[int, int]:
    """Rows and columns of the image as it is shown."""
    rows, columns = frame_of(operation)
    return len(rows.sources), len(columns.sources)


def reach_of(shown: Shown) -> int:
    """The columns from the first to the last place of a row, where none lies in the padding."""
    _, rows, columns = shown.inputs.shape
    spans, slices = _spans(shown.operation)
    plane = rows * columns
    return min((slices - 1) * plane + (spans[0] - 1) * columns + spans[1], plane * slices)


def _spans(operation: Multiplied) -> tuple[tuple[int, int], int]:
    """The rows and columns of the image that the pixels of an output cell span, and in how many channels."""
    match operation:
        case Convolution():
            down, across = operation.axes
            return (down.span, across.span), operation.weight_shape[1]
        case Pooling():
            rows, columns = ((axis.kernel - 1) * axis.dilation + 1 for axis in operation.axes)
            return (rows, columns), 1
        case TransposedConvolution():
            rows, columns = (min(axis.size, -(-axis.span // axis.stride)) for axis in operation.axes)
            return (rows, columns), len(operation.channels_read(0))


def matrix_grids(
    session: Session, pointed: Pointed | None, plan: MatrixPlan, to_pointed: bool
) -> MatrixGrids:
    """All of them; `to_pointed` keeps the cell pointed at in view rather than the step's places."""
    shown = shown_in(session)
    line = shown.line(session.index).indices
    is_tap = pointed is not None and session.taps is not None and pointed == tap_pointed(session)
    kept = _kept(session, shown, line, pointed if to_pointed or is_tap else None, plan, to_pointed)
    across, result = _vectors(session, shown, frozenset(line.tolist()), pointed, plan)
    return MatrixGrids(
        _matrix(session, shown, pointed, kept),
        across,
        _bias(session, shown, plan.thickness),
        result,
        *_pictures(session, shown, pointed, plan.regions["image"].width),
    )


def _matrix(session: Session, shown: Shown, pointed: Pointed | None, kept: Rectangle) -> Grid:
    view, index = session.view, session.index
    shape, here = "{}x{}".format(*shown.matrix.shape), f"{shown.line_name} {index}"
    is_lettered = letters_in(session) is not None
    grid = Grid(
        cells=matrix_cells(shown, view.by_entry, view.by_entry or is_lettered),
        title=f"{_kind_of(shown)} {shown.name} {shape} · {here}",
        short_title=f"{shown.name} {shape} · {here}",
        kept=kept,
        legend=not view.by_entry and not isinstance(shown.operation, Pooling),
    )
    if pointed:
        grid = replace(grid, focus=shown.cell_of(pointed))
    return replace(grid, lit_row=index) if shown.is_by_row else replace(grid, lit_column=index)


def _kind_of(shown: Shown) -> str:
    """What the matrix consists of."""
    if not isinstance(shown.operation, Pooling):
        return "weight matrix"
    return "matrix of shares" if is_mean(shown.operation) else "this image's matrix"


@lru_cache(maxsize=4)
def matrix_cells(shown: Shown, by_entry: bool, named: bool) -> MatrixCells:
    padding = shown.inputs if shown.has_padding else None
    operation, turned = shown.operation, shown.is_transposed
    if isinstance(operation, Pooling):
        text = window_place(operation.axes[1].kernel) if by_entry else short_share
        return MatrixCells(shown.matrix, text, None, by_entry, by_entry, is_transposed=turned)
    weight = operation.weight
    text = (
        entry_name(weight.size)
        if named
        else number_format(*written_ends(operation, shown.has_padding), is_integral(weight))
    )
    return MatrixCells(shown.matrix, text, weight, by_entry, named, padding, turned)


def _kept(
    session: Session,
    shown: Shown,
    read: Indices,
    pointed: Pointed | None,
    plan: MatrixPlan,
    only_pointed: bool,
) -> Rectangle:
    """The line of the step with its places if they all fit, else with the cell pointed at or its middle."""
    index, along = session.index, range(1)
    rows, columns = plan.in_view
    room = columns if shown.is_by_row else rows
    fits = read.size > 0 and read[-1] - read[0] < room
    if pointed and (only_pointed or not fits):
        index, at = shown.index_of(pointed), shown.across_of(pointed)
        along = range(at, at + 1)
    elif fits:
        along = range(int(read[0]), int(read[-1]) + 1)
    elif read.size:
        bounds = [0, *(np.flatnonzero(np.diff(read) >= room // 2) + 1).tolist(), read.size]
        start, stop = bounds[(len(bounds) - 1) // 2 :][:2]
        run = read[start:stop]
        middle = int(run[len(run) // 2])
        along = range(middle, middle + 1)
        if run[-1] - run[0] < room:
            along = range(int(run[0]), int(run[-1]) + 1)
    cells = range(index, index + 1), along
    return cells if shown.is_by_row else cells[::-1]


def _vectors(
    session: Session, shown: Shown, read: frozenset[int], pointed: Pointed | None, plan: MatrixPlan
) -> tuple[Grid, Grid]:
    """The vector that is multiplied, and the product."""
    outputs = _output_cells(session, shown, plan.thickness)
    inputs = _input_cells(session.picture, session.operation, shown, session.view.letters, plan.thickness)
    above, beside = (outputs, inputs) if shown.is_transposed else (inputs, outputs)
    hint = next((text for text in ABOVE if len(text) <= plan.regions["across"].width), ABOVE[-1])
    title, short_title = _above(session, shown)
    x = Grid(above, title, hint, short_title)
    is_named = not shown.is_transposed or plan.thickness > 1
    y = Grid(beside, ("Mᵀy" if shown.is_transposed else "y") if is_named else "")
    edge = frozenset({above.thickness - 1}), frozenset({beside.thickness - 1})
    at = shown.across_of(pointed) if pointed else _winner(session, shown)
    if shown.is_by_row:
        x = replace(x, readers=Readers(edge[0], read), focus=None if at is None else (0, at))
        y = replace(y, focus=(session.index, 0))
    else:
        x = replace(x, focus=(0, session.index))
        y = replace(y, readers=Readers(read, edge[1]), focus=None if at is None else (at, 0))
    if not shown.is_transposed and not shown.is_by_input:
        thickness = plan.thickness
        around = Outline(range(session.index, session.index + 1), range(thickness)) if thickness > 1 else None
        y = replace(y, outline=around, filled=_filled(session) * thickness)
    return x, y


def _winner(session: Session, shown: Shown) -> int | None:
    """The pixel that wins the window of a maximum."""
    if not isinstance(shown.operation, Pooling) or is_mean(shown.operation):
        return None
    return shown.operation.matrix.winner(session.index)


def _above(session: Session, shown: Shown) -> tuple[str, str]:
    """What lies above the matrix, and a shorter name of it."""
    if shown.is_transposed:
        return f"y · flattened output: {counted(shown.standing.shape[0], 'value')}", "y"
    of = "padded image" if session.view.with_padding and shown.has_padding else "image"
    return f"x · flattened {of}: {counted(shown.standing.shape[1], 'value')}", "x"


def _filled(session: Session) -> int:
    """Output cells computed so far; the one in the making is not among them."""
    return session.filled - session.is_begun


def _output_cells(session: Session, shown: Shown, thickness: int) -> VectorCells:
    """The output, in the colours of one of its channels; while it is scattered, what has landed of it."""
    outputs = _whole_output_cells(
        session.picture, session.operation, shown, session.output_channel, session.view.letters, thickness
    )
    if not shown.is_by_input or shown.is_transposed or session.is_all_landed:
        return outputs
    entries = session.products if session.taps is None else session.taps
    transposed = shown.operation
    assert isinstance(transposed, TransposedConvolution)
    landed = partial(transposed.landed, session.index, entries)

    def has_landed(o: int, rows: Picked, columns: Picked) -> Array:
        return transposed.has_landed(session.index, entries, o, rows, columns).astype(np.float64)

    return replace(
        outputs,
        values_at=lambda cells: output_values(transposed, _all_of(cells), landed),
        kinds_at=lambda cells: np.where(output_values(transposed, _all_of(cells), has_landed), PLAIN, ABSENT),
    )


def _all_of(cells: range) -> Indices:
    return np.arange(cells.start, cells.stop)


@lru_cache(maxsize=4)
def _whole_output_cells(
    picture: Picture, operation: Operation, shown: Shown, channel: int, lettered: bool, thickness: int
) -> VectorCells:
    letters = letters_of(shown.operation) if lettered else None
    outputs = output_cells(picture, operation, channel)
    return VectorCells(
        size=shown.standing.shape[0],
        lying=shown.is_transposed,
        scale=outputs.scale,
        values_at=lambda cells: output_values(shown.operation, _all_of(cells)),
        whole=outputs.whole,
        names=letters.outputs if letters else "",
        thickness=min(thickness, 2) if shown.is_transposed else thickness,
        cost=outputs.cost,
    )


@lru_cache(maxsize=4)
def _input_cells(
    picture: Picture, operation: Operation, shown: Shown, lettered: bool, thickness: int
) -> VectorCells:
    """The image's values; or beside the transposed matrix, where these lie, its product with the output."""
    inputs = shown.inputs
    if shown.is_transposed:
        product = partial(transposed_product, shown.matrix, shown.operation)
        # An element adds up the output cells that read a pixel, and each of these has its own entries.
        readers = -(-shown.standing.places // inputs.size)
        cost = max(1, shown.operation.entries(0) * readers)
        sample = max(LEAST_SAMPLE, min(SAMPLED_PRODUCTS, MOST_PRODUCTS // cost))
        limit = float(np.abs(product(range(0, inputs.size, -(-inputs.size // sample)))).max())
        return VectorCells(inputs.size, False, (-limit, limit), product, thickness=thickness, cost=cost)
    letters = letters_of(shown.operation) if lettered else None
    return VectorCells(
        size=inputs.size,
        lying=True,
        scale=image_cells(picture, operation, 0, False).scale,
        values_at=inputs.values,
        kinds_at=partial(input_kinds, inputs),
        whole=whole_pixels(picture),
        numbers_at=inputs.pixels if letters else None,
        names=letters.pixels if letters else "",
        thickness=min(thickness, 2),
    )


def _bias(session: Session, shown: Shown, thickness: int) -> Grid | None:
    bias = bias_of(shown.operation)
    if bias is None or session.view.transposed:
        return None
    return Grid(_bias_cells(shown.operation, thickness), "b")


@lru_cache(maxsize=4)
def _bias_cells(operation: Multiplied, thickness: int) -> VectorCells:
    bias = bias_of(operation)
    assert bias is not None
    _, height, width = operation.output_shape
    limit = float(np.abs(bias).max()) or 1.0
    return VectorCells(
        size=operation.size,
        lying=False,
        scale=(-limit, limit),
        values_at=lambda cells: bias[_all_of(cells) // (height * width)],
        whole=is_integral(bias),
        thickness=thickness,
    )


# -- the pictures


def _pictures(session: Session, shown: Shown, pointed: Pointed | None, width: int) -> tuple[Grid, Grid]:
    """The image with the window, and the kernel or what a pooling has in its place, as on the Step page."""
    there, pointer = session, Pointer()
    if pointed:
        there = replace(session, index=shown.index_of(pointed), taps=None)
        there, pointer = _turned_to(there, shown, pointed), _pointer(session, shown, pointed)
    elif (won := _winner(session, shown)) is not None:
        pointer = _pointer(session, shown, Pointed(session.index, won))
    step = there.operation.step(there.index)
    grids = step_grids(there, step, pointer, width=width)
    letters = letters_in(session)
    image = replace(grids.image, hint=_framed(session, shown), legend=False)
    if isinstance(step, PoolStep):
        kernel = grids.window if isinstance(step.done, Winner) else _shares(step, pointer)
    else:
        kernel = replace(grids.kernel, hint=_shared_by(shown))
    if letters:
        lettered = _named_image(session.picture, session.operation, there.channel, letters.pixels)
        image = replace(image, cells=lettered)
    if (letters and not isinstance(step, PoolStep)) or session.view.by_entry:
        assert isinstance(kernel.cells, TableCells)
        kernel = replace(kernel, cells=_named_kernel(there, shown, kernel.cells), hint="names and colours")
    return image, kernel


def _turned_to(there: Session, shown: Shown, pointed: Pointed) -> Session:
    """With the slice on show in which the pointed cell is, if it is in one."""
    output, _, _ = shown.operation.position(pointed.output)
    channel = int(shown.inputs.positions([pointed.input])[0][0])
    reads = shown.operation.channels_read(output)
    if channel not in reads or there.own_colours:
        return there
    operation = there.operation
    if isinstance(operation, Scattering):
        return there.with_view(slice=output - operation.channels_written(channel).start)
    return there.with_view(slice=channel - reads.start)


def _pointer(session: Session, shown: Shown, pointed: Pointed) -> Pointer:
    """The pixel of a cell of the matrix, and its entry of the kernel or the window."""
    _, row, column = (int(at[0]) for at in shown.inputs.positions([pointed.input]))
    entries = shown.standing.entries_at(pointed.output, pointed.input)
    if not entries:
        return Pointer((row, column))
    rows, columns = window_size(session)
    i, j = divmod(entries[0] % (rows * columns), columns)
    if isinstance(session.operation, Gathering):
        i, j = rows - 1 - i, columns - 1 - j
    return Pointer((row, column), (i, j))


def _framed(session: Session, shown: Shown) -> str:
    if session.way == "scatter":
        return f"framed: this {shown.line_name}'s pixel"
    if shown.is_by_row:
        return "framed: what this row reads"
    return "framed: this column's pixels"


def _shared_by(shown: Shown) -> str:
    """Which lines of the matrix have this kernel's weights."""
    operation = shown.operation
    is_transposed = isinstance(operation, TransposedConvolution)
    line = "column" if shown.is_transposed != is_transposed else "row"
    channels, *cells = operation.image_shape if is_transposed else operation.output_shape
    if cells == [1, 1]:
        return f"the {'only' if channels == 1 else 'current'} {line}'s weights"
    return f"shared by all {'' if channels == 1 else 'its '}{line}s"


def _shares(step: PoolStep, pointer: Pointer) -> Grid:
    """The share that each entry of the window has in its mean."""
    largest = float(np.abs(step.gradient).max()) or 1.0
    return Grid(ShareCells(step.gradient, -largest, largest), "shares", "of the window", focus=pointer.entry)


@lru_cache(maxsize=4)
def _named_image(picture: Picture, operation: Operation, channel: int, names: str) -> NamedImageCells:
    return NamedImageCells(picture, frame_of(operation), channel, False, names=names)


def _named_kernel(there: Session, shown: Shown, table: TableCells) -> NamedKernelCells:
    """The table in place of the kernel with the names of its entries."""
    operation, limits = shown.operation, (table.lowest, table.highest)
    i, j = np.arange(table.rows)[:, None], np.arange(table.columns)
    if isinstance(operation, Pooling):
        columns = operation.axes[1].kernel
        name, entries = window_place(columns), i * columns + j
    else:
        if isinstance(there.operation, Gathering):
            i, j = table.rows - 1 - i, table.columns - 1 - j
        name = entry_name(operation.weight.size)
        entries = _first_entry(there, shown) + i * operation.weight.shape[3] + j
    return NamedKernelCells(table.values, *limits, entries=entries, name=name, by_entry=there.view.by_entry)


def _first_entry(there: Session, shown: Shown) -> int:
    """The flat index of the first weight of the slice on show."""
    operation = shown.operation
    assert not isinstance(operation, Pooling)
    if isinstance(operation, Convolution):
        at = there.position[0], there.slice
    else:
        at = there.channel, there.output_channel % operation.weight_shape[1]
    return int(np.ravel_multi_index((*at, 0, 0), operation.weight.shape))
