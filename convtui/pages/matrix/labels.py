"""What the Matrix page says in words: the cell pointed at, the figures, a sentence for each pane.

What is said of weights is here; of poolings, whose matrices have none, in pool_labels.
"""

from __future__ import annotations

from math import prod

import numpy as np

from convtui.engine.convolution import Convolution, Step
from convtui.engine.pooling import Pooling
from convtui.engine.transposed import Scatter, TransposedConvolution
from convtui.engine.words import counted
from convtui.pages.base.step_sums import settled_sum, settled_value, usual_precision
from convtui.pages.matrix import pool_labels
from convtui.pages.matrix.figures import bias_of
from convtui.pages.matrix.shown import Pointed, Shown, shown_in
from convtui.pages.matrix.wording import fitting, shape_words, share_of, without_values
from convtui.paint.arithmetic import precision, written_product, written_sum
from convtui.paint.matrix_cells import ENTRY_COLOURS
from convtui.paint.text import significant
from convtui.state.session import Session

NAMED_ENTRIES = 3
LONGEST_SUM = 60
OVER_PADDING = ", minus those on padding"
CUT_OFF = ", minus those cut off"
ADDED_UP = ", summed where the padding repeats a pixel"


def row_words(session: Session) -> list[str]:
    """What the line of the step comes to, in full, then shorter."""
    shown, step = shown_in(session), session.operation.step(session.index)
    match step:
        case Step():
            words = _spread_words if shown.is_transposed else _summed_words
            return words(session, shown, step)
        case Scatter():
            return _scattered_words(shown, step)
    return pool_labels.row_words(shown, step)


def _summed_words(session: Session, shown: Shown, step: Step) -> list[str]:
    """A row times the image, with its bias, is an output cell."""
    name = f"output{list(step.position)}"
    row = shown.line(step.index)
    every = prod(step.weights.shape)
    lands = isinstance(shown.operation, TransposedConvolution)
    bias = " + b" if step.has_bias else ""
    begin = f"row {step.index} · x{bias} = {name} = "
    line, value = f"{begin}{_value(step)}", usual_precision(step, settled_value(step))
    shorter = [f"{start}{value.text(settled_value(step))}" for start in (begin, f"{name} = ")]
    used = len(row.indices)
    if lands:
        if not used:
            return [f"row {step.index} is empty, as no pixel lands on {name}: {_value(step)}", *shorter]
        if used == every:
            return [line, *shorter]
        nowhere = "at the others there is no pixel" if every - used > 1 else "at the other there is no pixel"
        return [f"{line}  ({used} of {counted(every, 'weight')}; {nowhere})", line, *shorter]
    if used == every or session.spec.padding_mode != "zeros":
        return [line, *shorter]
    others = "the others fall" if every - used > 1 else "the other falls"
    return [f"{line}  ({used} of {counted(every, 'weight')}; {others} on padding)", line, *shorter]


def _spread_words(session: Session, shown: Shown, step: Step) -> list[str]:  # noqa: ARG001
    """A column of the transposed matrix spreads an output cell."""
    pixels = counted(len(shown.line(step.index).indices), "pixel")
    spread = f"column {step.index} spreads output{list(step.position)} over {pixels}"
    return [f"{spread}, with the weights that computed it", spread]


def _scattered_words(shown: Shown, step: Scatter) -> list[str]:
    """The line of a pixel that lands on the output."""
    pixel, used, every = f"image{list(step.position)}", len(shown.line(step.index).indices), step.weights.size
    cells = counted(used, "output cell")
    if shown.is_transposed:
        line = f"row {step.index} · y adds up the {cells} on which {pixel} lands"
        return [f"{line}, as the convolution of y does", line]
    if not used:
        return [f"column {step.index} is empty: all that {pixel} lands on is cut off"]
    line = f"column {step.index} times {pixel} = {significant(step.pixel)} is added to {cells} of y"
    if used == every:
        return [line]
    are = "is" if every - used == 1 else "are"
    return [f"{line}  ({every - used} of {counted(every, 'weight')} {are} cut off by padding)", line]


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
    shown = shown_in(session)
    if pointed is None:
        what = "share" if isinstance(shown.operation, Pooling) else "weight"
        brief = f"shift+arrows or mouse: any cell's {what}"
        return [f"{brief}, pixel and output cell", brief]
    entries = shown.standing.entries_at(pointed.output, pointed.input)
    name = f"{shown.name}{list(shown.cell_of(pointed))}"
    pixel, value = _pixel(shown, pointed.input)
    output = f"output{list(shown.operation.position(pointed.output))}"
    if not entries:
        zero = f"{name}, a structural zero: "
        if isinstance(shown.operation, TransposedConvolution):
            return [f"{zero}{pixel} does not land on {output}", f"{zero}{pixel} does not land there"]
        return [f"{zero}this window does not read {pixel}", f"{zero}{pixel} is not read"]
    if isinstance(shown.operation, Pooling):
        return pool_labels.pointed_words(shown, pointed, name, (pixel, value), output)
    weight = shown.operation.weight
    named = " + ".join(
        f"weight{list(map(int, np.unravel_index(entry, weight.shape)))}" for entry in entries[:NAMED_ENTRIES]
    )
    more = f" + … ({len(entries)} in all)" if len(entries) > NAMED_ENTRIES else ""
    total = float(weight.take(entries).sum())
    short, zero = (" (trainable)", " (trainable; it just happens to be 0)") if total == 0 else ("", "")
    weights = f"{name} = {named}{more} = {significant(total)}"
    if shown.is_transposed:
        return [f"{weights}{each} · {output} -> {pixel}" for each in (zero, short)] + [f"{weights}{short}"]
    words = f"{weights}{zero} · {pixel} -> {output}"
    product = written_product(total, value, total * value, precision(total * value), "·")
    brief = f"{weights}{short} · {pixel}"
    few = [f"{name} = {len(entries)} weights = {significant(total)}{short} · {pixel}"] * (len(entries) > 1)
    return [f"{words}:  {product}", words, f"{brief} -> {output}", brief, *few]


def _pixel(shown: Shown, number: int) -> tuple[str, float]:
    """The name and value of an input value, that of a padding value too."""
    inputs = shown.inputs
    channel, row, column = (int(at[0]) for at in inputs.positions([number]))
    value = float(inputs.values([number])[0])
    if not inputs.is_outside([number])[0]:
        return f"image[{channel}, {row}, {column}]", value
    source = int(inputs.pixels([number])[0])
    of = "zero"
    if source >= 0:
        c, y, x = (int(at) for at in np.unravel_index(source, inputs.image.shape))
        of = f"image[{c}, {y}, {x}]"
    return f"padding[{channel}, {row}, {column}] ({of})", value


def figures(session: Session, width: int) -> list[str]:
    """Places of weights and nonzero values; free parameters; empty and all-zero columns: as full as fits."""
    shown = shown_in(session)
    if isinstance(shown.operation, Pooling):
        return pool_labels.figures(shown, width)
    matrix = shown.matrix
    values = matrix.nonzeros
    places = share_of(matrix, matrix.places)
    counts, nonzero = f"{matrix.places:,} places of weights ({places})", ""
    if values is not None:
        counts += f", {values:,} nonzero values ({share_of(matrix, values)})"
        nonzero = f", nonzero {share_of(matrix, values)}"
    bias = bias_of(shown.operation)
    weights, biases = shown.operation.weight.size, 0 if bias is None else len(bias)
    dense = prod(matrix.shape) + (0 if bias is None else shown.standing.shape[0])
    free = f"{weights + biases:,}"
    made = f"{weights:,} weights + {counted(biases, 'bias')}" if biases else "the kernel's weights"
    long, short = shape_words(shown)
    return [
        fitting(
            width,
            f"{long}: {counts}",
            f"{short}: {counts}",
            f"{short}: places of weights {places}{nonzero}",
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
        _turned(shown, width)
        if isinstance(shown.operation, TransposedConvolution)
        else without_values(shown, width),
    ]


def _turned(shown: Shown, width: int) -> str:
    """Whose transpose the matrix of a transposed convolution is, and what of it is empty."""
    rows, columns = shown.matrix.shape
    if shown.is_transposed:
        is_what = f"the matrix of the convolution {columns:,} -> {rows:,} values, which M transposes"
        return fitting(width, f"{is_what}; not M's inverse", is_what, "the convolution's matrix")
    empty = shown.standing.empty_rows
    rest = f"; {counted(empty, 'row')} on which no pixel lands" if empty else ""
    is_what = f"the transpose of the convolution's {columns:,} x {rows:,} matrix, not its inverse"
    return fitting(
        width,
        f"{is_what}{rest}",
        is_what,
        "the convolution's matrix transposed, not inverted",
        "transposed, not inverted",
    )


def mirror_names(shown: Shown) -> tuple[str, str] | None:
    """The names of the matrix of a transposed convolution and of its mirror image; None of any other."""
    if not isinstance(shown.operation, TransposedConvolution):
        return None
    return ("convolution", "M") if shown.is_transposed else ("M", "convolution")


def matrix_hint(session: Session, width: int, has_dots: bool = True) -> str:
    """What is to be seen in the matrix now; `has_dots` says whether cells without a weight are dots."""
    view, shown = session.view, shown_in(session)
    is_full = shown.matrix.places == prod(shown.matrix.shape)
    zeros = "" if is_full else f"; {'dots' if has_dots else 'empty'}: structural zeros"
    if isinstance(shown.operation, Pooling):
        return pool_labels.matrix_hint(shown, view.by_entry, width, zeros)
    if view.by_entry:
        hints = _entries_hint(shown)
        return fitting(width, *(f"{text}{zeros}" for text in hints), *hints)
    is_transposed = isinstance(shown.operation, TransposedConvolution)
    if view.transposed and is_transposed:
        return fitting(
            width,
            f"rows are pixels: the convolution's matrix, of which M is the transpose{zeros}",
            "rows are pixels: the convolution's matrix, of which M is the transpose",
            "the convolution's matrix: M is its transpose",
            "the convolution's matrix",
        )
    if view.transposed:
        return fitting(
            width,
            "rows are pixels: used for gradients and transposed convolutions",
            "rows are pixels: used for gradients",
            "used for gradients",
            "rows are pixels",
        )
    line = "column" if is_transposed else "row"
    channels, *cells = _lines_of(shown)
    weights = counted(_weights_of_a_line(shown), "weight")
    rest = _exception(shown)
    if prod(cells) == 1:
        row = (
            f"the only {line} holds the kernel's {weights}"
            if channels == 1
            else f"each {line}: {'a filter' if line == 'row' else 'a channel'}'s {weights}"
        )
        return fitting(width, f"{row}{rest}{zeros}", f"{row}{rest}", _alone(line))
    of, holds = (f"every {line}", "holds") if channels == 1 else (f"the {line}s of a channel", "hold")
    same = f"{of} {holds} the same {weights}, shifted{rest}"
    fewer = [f"{of}: the same {weights}, shifted, or fewer"] if rest in (OVER_PADDING, CUT_OFF) else []
    shared = f"all {line}s share {weights}" if channels == 1 else f"{weights} per channel"
    return fitting(width, f"{same}{zeros}", same, *fewer, shared)


def _alone(line: str) -> str:
    return "one row, one output cell" if line == "row" else "one column, one pixel"


def _lines_of(shown: Shown) -> tuple[int, int, int]:
    """(channels, rows, columns) of the cells whose lines hold the same weights."""
    operation = shown.operation
    return operation.output_shape if isinstance(operation, Convolution) else operation.image_shape


def _weights_of_a_line(shown: Shown) -> int:
    assert not isinstance(shown.operation, Pooling)
    return prod(shown.operation.weight_shape[1:])


def _exception(shown: Shown) -> str:
    """What of the kernel a line does not have as it is, because of the padding."""
    operation = shown.operation
    if shown.standing.places == prod(_lines_of(shown)) * _weights_of_a_line(shown):
        return ""
    if not isinstance(operation, Convolution):
        return CUT_OFF
    return OVER_PADDING if operation.spec.padding_mode == "zeros" else ADDED_UP


def _entries_hint(shown: Shown) -> list[str]:
    """What the colours of the kernel's entries are."""
    assert not isinstance(shown.operation, Pooling)
    is_alone = shown.operation.weight.size <= len(ENTRY_COLOURS)
    colour = "one colour, one weight" if is_alone else "a weight keeps its colour"
    first = " (the first if summed)" if _exception(shown) == ADDED_UP else ""
    if prod(_lines_of(shown)[1:]) == 1:
        return [f"{colour}{first}", colour]
    long, short = (f"{colour}{first}{how}" for how in (": shared weights are diagonals", ", in diagonals"))
    return [long, short, "diagonals: shared weights"]
