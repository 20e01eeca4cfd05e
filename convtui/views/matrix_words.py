"""What the Matrix page says in words: the cell pointed at, the figures, a sentence for each pane."""

from __future__ import annotations

from math import prod
from textwrap import wrap

import numpy as np

from convtui.engine.matrix import WeightMatrix
from convtui.session import Session
from convtui.views.cells import significant
from convtui.views.matrix_grids import Pointed, matrix_in, upright

NAMED_ENTRIES = 3


def row_words(session: Session) -> str:
    """What the current row (in the transposed matrix, column) comes to."""
    o, r, c = session.position
    step = session.step
    row = upright(matrix_in(session)).row(session.index)
    name = f"output[{o}, {r}, {c}]"
    if session.view.transposed:
        spread = f"column {session.index} spreads {name} over {_counted(len(row.indices), 'pixel')}"
        return f"{spread}, with the weights it was read with"
    bias = f" + bias {significant(step.bias)}" if step.has_bias else ""
    every = prod(session.convolution.weight_shape[1:])
    fewer = len(row.indices) < every and session.spec.padding_mode == "zeros"
    why = f"  ({len(row.indices)} of {every} weights: the others lie over the padding)" if fewer else ""
    return f"row {session.index} · x{bias} = {name} = {significant(step.value)}{why}"


def pointed_words(session: Session, pointed: Pointed | None, room: int = 200) -> str:
    """A cell as its weight, times its pixel, for its output cell; or why there is no weight.

    The numbers multiplied are left out where there is no room for so many characters.
    """
    if pointed is None:
        return "shift+arrows or the mouse: any cell's weight, pixel and output cell"
    matrix = matrix_in(session)
    entries = upright(matrix).kernel_entry(pointed.output, pointed.input)
    i, j = (pointed.output, pointed.input)
    name = f"Mᵀ[{j}, {i}]" if session.view.transposed else f"M[{i}, {j}]"
    pixel, value = _pixel(session, matrix, pointed.input)
    o, r, c = session.convolution.position(pointed.output)
    if not entries:
        return f"{name}, an untrainable zero: this window never reads that pixel, {pixel}"
    weight = session.convolution.weight
    shown = " + ".join(
        f"weight{list(map(int, np.unravel_index(entry, weight.shape)))}" for entry in entries[:NAMED_ENTRIES]
    )
    more = f" + … ({len(entries)} in all)" if len(entries) > NAMED_ENTRIES else ""
    total = float(weight.take(entries).sum())
    zero = " (trainable: it only happens to be 0)" if total == 0 else ""
    weights = f"{name} = {shown}{more} = {significant(total)}{zero}"
    if session.view.transposed:
        return f"{weights} · output[{o}, {r}, {c}] -> {pixel}"
    words = f"{weights} · {pixel} -> output[{o}, {r}, {c}]"
    product = f"{significant(total)} · {significant(value)} = {significant(total * value)}"
    return fitting(room, f"{words}:  {product}", words)


def _pixel(session: Session, matrix: WeightMatrix, number: int) -> tuple[str, float]:
    """The name and value of an input value, that of a padding value too."""
    channel, row, column = (int(at[0]) for at in matrix.input_positions([number]))
    value = float(matrix.input_values([number])[0])
    down, across = session.convolution.axes
    if 0 <= row < down.size and 0 <= column < across.size:
        return f"image[{channel}, {row}, {column}]", value
    y, x = int(down.sources[row + down.before]), int(across.sources[column + across.before])
    of = "zero" if y < 0 or x < 0 else f"image[{channel}, {y}, {x}]"
    return f"padding[{channel}, {row}, {column}] ({of})", value


def figures(session: Session, width: int) -> list[str]:
    """Size and density; free parameters beside a dense layer's; all-zero columns: as full as fits."""
    matrix = matrix_in(session)
    standing = upright(matrix)
    rows, columns = matrix.shape
    of_rows, of_columns = (
        ("pixels", "output cells") if session.view.transposed else ("output cells", "pixels")
    )
    density = f"{100 * matrix.density:.3g} %"
    bias = session.convolution.bias
    weights, biases = session.convolution.weight.size, 0 if bias is None else len(bias)
    dense = matrix.dense_parameters + (0 if bias is None else standing.shape[0])
    free = f"{weights + biases:,}"
    made = f"{weights:,} weights + {_counted(biases, 'bias')}" if biases else "the kernel's weights"
    unread = standing.zero_columns
    line = "rows" if session.view.transposed else "columns"
    return [
        fitting(
            width,
            f"{rows:,} rows ({of_rows}) x {columns:,} columns ({of_columns}): {matrix.nnz:,} nonzeros, "
            f"density {density}",
            f"{rows:,} x {columns:,}, {matrix.nnz:,} nonzeros, density {density}",
            f"{rows:,} x {columns:,}, density {density}",
        ),
        fitting(
            width,
            f"free parameters: {free} ({made}); a dense layer of this shape would have {dense:,}",
            f"free parameters: {free}; a dense layer of this shape would have {dense:,}",
            f"free parameters: {free}; a dense layer: {dense:,}",
            f"{free} free; a dense layer: {dense:,}",
        ),
        fitting(
            width,
            f"all-zero {line}: {unread:,}"
            + (" (pixels that no window reads)" if unread else ": every pixel is read"),
            f"all-zero {line} (pixels never read): {unread:,}",
        ),
    ]


def matrix_hint(session: Session, width: int) -> str:
    """What is to be seen in the matrix now."""
    view, convolution = session.view, session.convolution
    weights = prod(convolution.weight_shape[1:])
    if view.by_entry:
        return fitting(
            width,
            "one colour, one weight: shared weights are diagonals; dots: untrainable zeros",
            "one colour, one weight: shared along diagonals",
            "one colour, one weight: diagonals",
            "diagonals: shared weights",
        )
    if view.transposed:
        return fitting(
            width,
            "rows are pixels: what a gradient or a transposed convolution multiplies by",
            "rows are pixels: a gradient multiplies by it",
            "a gradient multiplies by it",
            "rows are pixels",
        )
    of = "every row holds" if convolution.weight_shape[0] == 1 else "the rows of a channel hold"
    return fitting(
        width,
        f"{of} the same {_counted(weights, 'weight')}, shifted: they are shared; dots: untrainable zeros",
        f"{of} the same {_counted(weights, 'weight')}, shifted: shared",
        f"{of} the same {_counted(weights, 'weight')}, shifted",
        f"all rows share {_counted(weights, 'weight')}"
        if convolution.weight_shape[0] == 1
        else f"{_counted(weights, 'weight')} for each channel",
    )


def wrapped(text: str, width: int, lines: int) -> list[str]:
    """The text in at most so many lines, cut with dots where it is longer."""
    return wrap(text, max(1, width), max_lines=lines, placeholder=" …")


def fitting(width: int, *texts: str) -> str:
    """The first text that fits, else the last."""
    return next((text for text in texts if len(text) <= width), texts[-1])


def _counted(count: int, noun: str) -> str:
    plural = "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}{plural}"
