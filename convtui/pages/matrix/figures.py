"""What each grid of the Matrix page shows for a session and the cell that the user points at.

Cells are made once for a convolution and kept while it is stepped through, so that a step only moves marks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Final

import numpy as np

from convtui.engine.convolution import Convolution
from convtui.engine.equations import Equations, equations
from convtui.engine.matrix import TransposedMatrix, WeightMatrix
from convtui.inputs.images import Picture
from convtui.pages.base.step_grids import Pointer, image_cells, output_cells, step_grids
from convtui.pages.matrix.cells import (
    MatrixCells,
    NamedImageCells,
    NamedKernelCells,
    VectorCells,
    input_kinds,
    output_values,
    pixel_numbers,
    transposed_product,
)
from convtui.pages.matrix.layout import MatrixPlan
from convtui.paint.cells import LEAST_SAMPLE, MOST_PRODUCTS, whole_pixels
from convtui.paint.drawing import Grid, Outline, Readers, Rectangle
from convtui.paint.text import counted, is_integral
from convtui.state.session import Session, View

SAMPLED_PRODUCTS: Final = 64
ABOVE: Final = (
    "each value is above the column that it multiplies",
    "each value is above its column",
    "each above its column",
)


@dataclass(frozen=True)
class Pointed:
    """A cell of the matrix: the output cell and the input value that cross there."""

    output: int
    input: int


@dataclass(frozen=True, eq=False)
class MatrixGrids:
    """The grids of the Matrix page; `bias` is None where there is none."""

    matrix: Grid
    across: Grid
    bias: Grid | None
    result: Grid
    image: Grid
    kernel: Grid


@lru_cache(maxsize=4)
def matrix_of(convolution: Convolution, with_padding: bool, transposed: bool) -> WeightMatrix:
    """The matrix as it is looked at."""
    matrix: WeightMatrix = convolution.weight_matrix
    matrix = matrix.padded() if with_padding else matrix
    return matrix.transposed() if transposed else matrix


def matrix_in(session: Session) -> WeightMatrix:
    view = session.view
    return matrix_of(session.convolution, view.with_padding, view.transposed)


def upright(matrix: WeightMatrix) -> WeightMatrix:
    """The matrix whose rows are output cells."""
    return matrix.transposed() if isinstance(matrix, TransposedMatrix) else matrix


@lru_cache(maxsize=4)
def letters_of(convolution: Convolution) -> Equations | None:
    """The equations in letters; None where there are too many of them."""
    try:
        return equations(convolution)
    except ValueError:
        return None


def letters_in(session: Session) -> Equations | None:
    return letters_of(session.convolution) if session.view.letters else None


def tap_pointed(session: Session) -> Pointed | None:
    """The cell of the multiply-add just done, if it read a pixel that the matrix has."""
    if not session.taps:
        return None
    convolution = session.convolution
    _, _, height, width = convolution.weight_shape
    s, rest = divmod(session.taps - 1, height * width)
    i, j = divmod(rest, width)
    step, matrix = session.step, upright(matrix_in(session))
    _, rows, columns = matrix.input_shape
    if session.view.with_padding:
        row, column = (
            int(at) + axis.before
            for at, axis in zip((step.rows[i], step.columns[j]), convolution.axes, strict=True)
        )
    elif step.is_padding[i, j]:
        return None
    else:
        row, column = int(step.source_rows[i]), int(step.source_columns[j])
    return Pointed(session.index, (step.channels[s] * rows + row) * columns + column)


def reach_of(convolution: Convolution, with_padding: bool) -> int:
    """The columns from the first to the last weight of a row, where none lies in the padding."""
    down, across = convolution.axes
    width = across.padded if with_padding else across.size
    plane = width * (down.padded if with_padding else down.size)
    slices = convolution.weight_shape[1]
    return min((slices - 1) * plane + (down.span - 1) * width + across.span, plane * slices)


def matrix_grids(
    session: Session, pointed: Pointed | None, plan: MatrixPlan, to_pointed: bool
) -> MatrixGrids:
    """All of them; `to_pointed` keeps the cell pointed at in view rather than the row's weights."""
    matrix = matrix_in(session)
    read = upright(matrix).row(session.index).indices
    kept = _kept(session, read, pointed if to_pointed else None, plan)
    across, result = _vectors(session, matrix, frozenset(read.tolist()), pointed, plan)
    return MatrixGrids(
        _matrix(session, matrix, pointed, kept),
        across,
        _bias(session, plan.thickness),
        result,
        *_pictures(session, matrix, pointed, plan.regions["image"].width),
    )


def _matrix(session: Session, matrix: WeightMatrix, pointed: Pointed | None, kept: Rectangle) -> Grid:
    view, index = session.view, session.index
    name, line = ("Mᵀ", "column") if view.transposed else ("M", "row")
    shape, here = "{}x{}".format(*matrix.shape), f"{line} {index}"
    grid = Grid(
        cells=_matrix_cells(matrix, view.by_entry, view.by_entry or letters_in(session) is not None),
        title=f"weight matrix {name} {shape} · {here}",
        short_title=f"{name} {shape} · {here}",
        kept=kept,
        legend=not view.by_entry,
    )
    if pointed:
        cell = (pointed.output, pointed.input)
        grid = replace(grid, focus=cell[::-1] if view.transposed else cell)
    return replace(grid, lit_column=index) if view.transposed else replace(grid, lit_row=index)


@lru_cache(maxsize=4)
def _matrix_cells(matrix: WeightMatrix, by_entry: bool, named: bool) -> MatrixCells:
    return MatrixCells(matrix, by_entry, named)


def _kept(session: Session, read: np.ndarray, pointed: Pointed | None, plan: MatrixPlan) -> Rectangle:
    """The current row with its weights if they all fit, else with those of the window's middle."""
    index, inputs = session.index, range(1)
    rows, columns = plan.in_view
    room = rows if session.view.transposed else columns
    if pointed:
        index, inputs = pointed.output, range(pointed.input, pointed.input + 1)
    elif read.size and read[-1] - read[0] < room:
        inputs = range(int(read[0]), int(read[-1]) + 1)
    elif read.size:
        bounds = [0, *(np.flatnonzero(np.diff(read) >= room // 2) + 1).tolist(), read.size]
        start, stop = bounds[(len(bounds) - 1) // 2 :][:2]
        run = read[start:stop]
        middle = int(run[len(run) // 2])
        inputs = range(middle, middle + 1)
        if run[-1] - run[0] < room:
            inputs = range(int(run[0]), int(run[-1]) + 1)
    cells = range(index, index + 1), inputs
    return cells[::-1] if session.view.transposed else cells


def _vectors(
    session: Session, matrix: WeightMatrix, read: frozenset[int], pointed: Pointed | None, plan: MatrixPlan
) -> tuple[Grid, Grid]:
    """The vector that is multiplied, and the product."""
    thickness, width = plan.thickness, plan.regions["across"].width
    hint = next((text for text in ABOVE if len(text) <= width), ABOVE[-1])
    view, channel = session.view, session.position[0]
    picture, convolution = session.picture, session.convolution
    transposed, index, edge = view.transposed, session.index, thickness - 1
    outputs = _output_cells(picture, convolution, channel, _flags(view), thickness)
    inputs = _input_cells(picture, convolution, _flags(view), thickness)
    if transposed:
        marks = Readers(read, frozenset({edge}))
        pixel = (pointed.input, 0) if pointed else None
        title = f"y · flattened output: {counted(session.size, 'value')}"
        y = Grid(outputs, title, hint, "y", focus=(0, index))
        return y, Grid(inputs, "Mᵀy" if thickness > 1 else "", readers=marks, focus=pixel)
    lying = min(thickness, 2)
    marks = Readers(frozenset({lying - 1}), read)
    pixel = (0, pointed.input) if pointed else None
    of = "padded image" if view.with_padding else "image"
    title = f"x · flattened {of}: {counted(matrix.shape[1], 'value')}"
    x = Grid(inputs, title, hint, "x", focus=pixel, readers=marks)
    around = Outline(range(index, index + 1), range(thickness)) if thickness > 1 else None
    filled = _filled(session) * thickness
    return x, Grid(outputs, "y", focus=(index, 0), outline=around, filled=filled)


def _filled(session: Session) -> int:
    """Output cells computed so far; the one in the making is not among them."""
    making = session.taps is not None and session.taps < session.products
    return session.filled - (making and session.filled == session.index + 1)


Flags = tuple[bool, bool, bool]  # with_padding, transposed, letters


def _flags(view: View) -> Flags:
    return view.with_padding, view.transposed, view.letters


@lru_cache(maxsize=4)
def _output_cells(
    picture: Picture, convolution: Convolution, channel: int, flags: Flags, thickness: int
) -> VectorCells:
    """The output, in the colours of one of its channels."""
    _, transposed, lettered = flags
    letters = letters_of(convolution) if lettered else None
    outputs = output_cells(picture, convolution, channel)
    return VectorCells(
        size=convolution.size,
        lying=transposed,
        scale=outputs.scale,
        values_at=lambda cells: output_values(convolution, np.arange(cells.start, cells.stop)),
        whole=outputs.whole,
        names=letters.outputs if letters else "",
        thickness=min(thickness, 2) if transposed else thickness,
        cost=outputs.cost,
    )


@lru_cache(maxsize=4)
def _input_cells(picture: Picture, convolution: Convolution, flags: Flags, thickness: int) -> VectorCells:
    """The image's values; or beside the transposed matrix, where these lie, its product with the output."""
    with_padding, transposed, lettered = flags
    matrix = matrix_of(convolution, with_padding, transposed)
    if transposed:
        size, _ = matrix.shape
        product = partial(transposed_product, matrix, convolution)
        # An element adds up the output cells that read a pixel, and each of these has its own products.
        cost = convolution.weight[0].size * convolution.weight[:, 0].size // convolution.spec.groups
        sample = max(LEAST_SAMPLE, min(SAMPLED_PRODUCTS, MOST_PRODUCTS // cost))
        limit = float(np.abs(product(range(0, size, -(-size // sample)))).max())
        return VectorCells(size, False, (-limit, limit), product, thickness=thickness, cost=cost)
    letters = letters_of(convolution) if lettered else None
    return VectorCells(
        size=matrix.shape[1],
        lying=True,
        scale=image_cells(picture, convolution, 0, False).scale,
        values_at=matrix.input_values,
        kinds_at=partial(input_kinds, matrix),
        whole=whole_pixels(picture),
        numbers_at=partial(pixel_numbers, matrix) if letters else None,
        names=letters.pixels if letters else "",
        thickness=min(thickness, 2),
    )


def _bias(session: Session, thickness: int) -> Grid | None:
    if session.convolution.bias is None or session.view.transposed:
        return None
    return Grid(_bias_cells(session.convolution, thickness), "b")


@lru_cache(maxsize=4)
def _bias_cells(convolution: Convolution, thickness: int) -> VectorCells:
    bias = convolution.bias
    assert bias is not None
    _, height, width = convolution.output_shape
    limit = float(np.abs(bias).max()) or 1.0
    return VectorCells(
        size=convolution.size,
        lying=False,
        scale=(-limit, limit),
        values_at=lambda cells: bias[np.arange(cells.start, cells.stop) // (height * width)],
        whole=is_integral(bias),
        thickness=thickness,
    )


def _pictures(
    session: Session, matrix: WeightMatrix, pointed: Pointed | None, width: int
) -> tuple[Grid, Grid]:
    """The image with the window, and the kernel, as on the Step page."""
    shown, pointer = session, Pointer()
    if pointed:
        channel, row, column = (int(at[0]) for at in matrix.input_positions([pointed.input]))
        shown = replace(session, index=pointed.output, taps=None)
        reads = session.convolution.channels_read(shown.position[0])
        if channel in reads and not shown.own_colours:
            shown = shown.with_view(slice=channel - reads.start)
        entries = upright(matrix).kernel_entry(pointed.output, pointed.input)
        entry = None
        if entries:
            _, _, i, j = np.unravel_index(entries[0], session.convolution.weight_shape)
            entry = (int(i), int(j))
        pointer = Pointer((row, column), entry)
    grids = step_grids(shown, shown.step, pointer, width=width)
    letters = letters_in(session)
    framed = "this column's pixels" if session.view.transposed else "what this row reads"
    image = replace(grids.image, hint=f"framed: {framed}", legend=False)
    kernel = replace(grids.kernel, hint=_shared_by(session))
    if letters:
        lettered = _named_image(session.picture, session.convolution, shown.channel, letters.pixels)
        image = replace(image, cells=lettered)
    if letters or session.view.by_entry:
        o, s = shown.position[0], shown.slice
        cells = _named_kernel(session.convolution, o, s, session.view.by_entry)
        kernel = replace(kernel, cells=cells, hint="names and colours")
    return image, kernel


def _shared_by(session: Session) -> str:
    """Which rows, or in the transposed matrix columns, have this kernel's weights."""
    line = "column" if session.view.transposed else "row"
    filters, *output = session.convolution.output_shape
    if output == [1, 1]:
        return f"the {'only' if filters == 1 else 'current'} {line}'s weights"
    return f"shared by all {'' if filters == 1 else 'its '}{line}s"


@lru_cache(maxsize=4)
def _named_image(picture: Picture, convolution: Convolution, channel: int, names: str) -> NamedImageCells:
    return NamedImageCells(picture, convolution.axes, channel, False, names)


@lru_cache(maxsize=4)
def _named_kernel(convolution: Convolution, o: int, s: int, by_entry: bool) -> NamedKernelCells:
    weight = convolution.weight
    limit = float(np.abs(weight).max())
    first = int(np.ravel_multi_index((o, s, 0, 0), weight.shape))
    return NamedKernelCells(weight[o, s], -limit, limit, first=first, weights=weight.size, by_entry=by_entry)
