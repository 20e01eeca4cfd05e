"""What the Matrix page says in words: the cell pointed at, the figures, a sentence for each pane."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from textwrap import wrap

import numpy as np

from convtui.engine.convolution import Step
from convtui.engine.matrix import WeightMatrix
from convtui.pages.base.step_sums import settled_sum, settled_value, usual_precision
from convtui.pages.matrix.cells import ENTRY_COLOURS
from convtui.pages.matrix.figures import Pointed, matrix_in, upright
from convtui.paint.arithmetic import precision, written_product, written_sum
from convtui.paint.text import counted, significant
from convtui.state.session import Session

NAMED_ENTRIES = 3
LONGEST_SUM = 60
OVER_PADDING = ", minus those on padding"
ADDED_UP = ", summed where the padding repeats a pixel"


def row_words(session: Session) -> list[str]:
    """What the current row (in the transposed matrix, column) comes to, in full, then shorter."""
    o, r, c = session.position
    step = session.step
    row = upright(matrix_in(session)).row(session.index)
    name = f"output[{o}, {r}, {c}]"
    if session.view.transposed:
        spread = f"column {session.index} spreads {name} over {counted(len(row.indices), 'pixel')}"
        return [f"{spread}, with the weights that computed it", spread]
    bias = " + b" if step.has_bias else ""
    begin = f"row {session.index} · x{bias} = {name} = "
    line, value = f"{begin}{_value(step)}", usual_precision(step, settled_value(step))
    shorter = [f"{start}{value.text(settled_value(step))}" for start in (begin, f"{name} = ")]
    every = prod(session.convolution.weight_shape[1:])
    if len(row.indices) == every or session.spec.padding_mode != "zeros":
        return [line, *shorter]
    others = "the others fall" if every - len(row.indices) > 1 else "the other falls"
    return [
        f"{line}  ({len(row.indices)} of {counted(every, 'weight')}; {others} on padding)",
        line,
        *shorter,
    ]


def _value(step: Step) -> str:
    """The output cell, with a bias as the sum that it is."""
    value = settled_value(step)
    if step.has_bias:
        sum_with_bias = written_sum([settled_sum(step), step.bias], value, LONGEST_SUM)
        if sum_with_bias:
            return str(sum_with_bias)
    return usual_precision(step, value).text(value)


def pointed_words(session: Session, pointed: Pointed | None) -> list[str]:
    """A cell as its weight, times its pixel, for its output cell; or why there is no weight.

    A full sentence, then shorter ones.
    """
    if pointed is None:
        return [
            "shift+arrows or mouse: any cell's weight, pixel and output cell",
            "shift+arrows or mouse: any cell's weight",
        ]
    matrix = matrix_in(session)
    entries = upright(matrix).kernel_entry(pointed.output, pointed.input)
    i, j = (pointed.output, pointed.input)
    name = f"Mᵀ[{j}, {i}]" if session.view.transposed else f"M[{i}, {j}]"
    pixel, value = _pixel(session, matrix, pointed.input)
    if not entries:
        zero = f"{name}, a structural zero: "
        return [f"{zero}this window does not read {pixel}", f"{zero}{pixel} is not read"]
    weight = session.convolution.weight
    shown = " + ".join(
        f"weight{list(map(int, np.unravel_index(entry, weight.shape)))}" for entry in entries[:NAMED_ENTRIES]
    )
    more = f" + … ({len(entries)} in all)" if len(entries) > NAMED_ENTRIES else ""
    total = float(weight.take(entries).sum())
    short, zero = (" (trainable)", " (trainable; it just happens to be 0)") if total == 0 else ("", "")
    weights = f"{name} = {shown}{more} = {significant(total)}"
    output = f"output{list(session.convolution.position(pointed.output))}"
    if session.view.transposed:
        return [f"{weights}{each} · {output} -> {pixel}" for each in (zero, short)] + [f"{weights}{short}"]
    words = f"{weights}{zero} · {pixel} -> {output}"
    product = written_product(total, value, total * value, precision(total * value), "·")
    brief = f"{weights}{short} · {pixel}"
    few = [f"{name} = {len(entries)} weights = {significant(total)}{short} · {pixel}"] * (len(entries) > 1)
    return [f"{words}:  {product}", words, f"{brief} -> {output}", brief, *few]


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
    """Places of weights and nonzero values; free parameters; empty and all-zero columns: as full as fits."""
    matrix = matrix_in(session)
    standing = upright(matrix)
    rows, columns = matrix.shape
    of_rows, of_columns = (
        ("pixels", "output cells") if session.view.transposed else ("output cells", "pixels")
    )
    places, values = _share(matrix, matrix.places), matrix.nonzeros
    counts, nonzero = f"{matrix.places:,} places of weights ({places})", ""
    if values is not None:
        counts += f", {values:,} nonzero values ({_share(matrix, values)})"
        nonzero = f", nonzero {_share(matrix, values)}"
    bias = session.convolution.bias
    weights, biases = session.convolution.weight.size, 0 if bias is None else len(bias)
    dense = matrix.dense_parameters + (0 if bias is None else standing.shape[0])
    free = f"{weights + biases:,}"
    made = f"{weights:,} weights + {counted(biases, 'bias')}" if biases else "the kernel's weights"
    return [
        fitting(
            width,
            f"{rows:,} rows ({of_rows}) x {columns:,} columns ({of_columns}): {counts}",
            f"{rows:,} x {columns:,}: {counts}",
            f"{rows:,} x {columns:,}: places of weights {places}{nonzero}",
            f"places of weights {places}{nonzero}",
            f"places {places}{nonzero}",
        ),
        fitting(
            width,
            f"free parameters: {free} ({made}); a dense layer of this shape would have {dense:,}",
            f"free parameters: {free}; a dense layer of this shape would have {dense:,}",
            f"free parameters: {free}; a dense layer: {dense:,}",
            f"{free} free; a dense layer: {dense:,}",
        ),
        _without_values(session, matrix, width),
    ]


def _share(matrix: WeightMatrix, cells: int) -> str:
    return f"{100 * cells / matrix.dense_parameters:.3g}%"


def _without_values(session: Session, matrix: WeightMatrix, width: int) -> str:
    """How many pixels no window reads, and how many have only weights of 0."""
    lines, unread, zero = "columns", matrix.empty_columns, matrix.zero_columns
    if session.view.transposed:
        lines, unread, zero = "rows", matrix.empty_rows, matrix.zero_rows
    if not unread and not zero:
        every = "every pixel is read by a window"
        none = "" if zero is None else f", and no {lines[:-1]} is all zero"
        return fitting(width, every + none, every)
    read = f"{lines} no window reads: {unread:,}"
    if zero is None:
        return read
    return fitting(
        width,
        f"{read}; {lines} that are all zero: {zero:,}",
        f"{read}; all zero: {zero:,}",
        f"{lines} unread: {unread:,}; all zero: {zero:,}",
    )


def matrix_hint(session: Session, width: int, has_dots: bool = True) -> str:
    """What is to be seen in the matrix now; `has_dots` says whether cells without a weight are dots."""
    view, convolution, matrix = session.view, session.convolution, matrix_in(session)
    is_full = matrix.places == matrix.dense_parameters
    zeros = "" if is_full else f"; {'dots' if has_dots else 'empty'}: structural zeros"
    if view.by_entry:
        return fitting(width, *(f"{text}{zeros}" for text in _entries_hint(session)), *_entries_hint(session))
    if view.transposed:
        return fitting(
            width,
            "rows are pixels: used for gradients and transposed convolutions",
            "rows are pixels: used for gradients",
            "used for gradients",
            "rows are pixels",
        )
    filters, *output = convolution.output_shape
    weights = counted(prod(convolution.weight_shape[1:]), "weight")
    rest = _exception(session)
    if prod(output) == 1:
        row = (
            f"the only row holds the kernel's {weights}"
            if filters == 1
            else f"each row: a filter's {weights}"
        )
        return fitting(width, f"{row}{rest}{zeros}", f"{row}{rest}", "one row, one output cell")
    of, holds = ("every row", "holds") if filters == 1 else ("the rows of a channel", "hold")
    same = f"{of} {holds} the same {weights}, shifted{rest}"
    fewer = [f"{of}: the same {weights}, shifted, or fewer"] if rest == OVER_PADDING else []
    shared = f"all rows share {weights}" if filters == 1 else f"{weights} per channel"
    return fitting(width, f"{same}{zeros}", same, *fewer, shared)


def _exception(session: Session) -> str:
    """What of the kernel a row does not have as it is, because of the padding."""
    matrix = upright(matrix_in(session))
    if matrix.places == matrix.shape[0] * prod(session.convolution.weight_shape[1:]):
        return ""
    return OVER_PADDING if session.spec.padding_mode == "zeros" else ADDED_UP


def _entries_hint(session: Session) -> list[str]:
    """What the colours of the kernel's entries are."""
    weight, (_, *output) = session.convolution.weight, session.convolution.output_shape
    is_alone = weight.size <= len(ENTRY_COLOURS)
    colour = "one colour, one weight" if is_alone else "a weight keeps its colour"
    first = " (the first if summed)" if _exception(session) == ADDED_UP else ""
    if prod(output) == 1:
        return [f"{colour}{first}", colour]
    long, short = (f"{colour}{first}{how}" for how in (": shared weights are diagonals", ", in diagonals"))
    return [long, short, "diagonals: shared weights"]


def wrapped(texts: Sequence[str], width: int, lines: int) -> list[str]:
    """The first text that fits in so many lines; else the last, cut with dots."""
    width = max(1, width)
    every = (wrap(text, width) for text in texts)
    cut = wrap(texts[-1], width, max_lines=lines, placeholder=" …")
    return next((each for each in every if len(each) <= lines), cut)


def fitting(width: int, *texts: str) -> str:
    """The first text that fits, else the last."""
    return next((text for text in texts if len(text) <= width), texts[-1])
