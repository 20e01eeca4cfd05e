"""What an input cell adds to the output of a transposed convolution, in numbers."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from convtui.engine.transposed import Scatter, TransposedConvolution
from convtui.engine.words import counted
from convtui.paint.arithmetic import precision, written_product, written_sum
from convtui.paint.landing_words import fitting, laid
from convtui.paint.text import cut_to, significant


@lru_cache(maxsize=4)
def scatter_lines(
    transposed: TransposedConvolution, step: Scatter, slice: int, taps: int | None, width: int
) -> tuple[str, str]:
    """Where the pixel lands, or what one product of it is added to; and what has landed there before."""
    if taps:
        return _added(transposed, step, taps, width)
    channel = step.channels[slice]
    first = laid(step, width)
    if taps == 0:
        return first, cut_to("enter multiplies and adds, one product at a time", width)
    return first, fitting(width, *_overlapping(transposed, step, channel))


def _overlapping(transposed: TransposedConvolution, step: Scatter, channel: int) -> tuple[str, ...]:
    """On how many of the cells something has landed before, in full and shorter."""
    _, height, width = transposed.output_shape
    rows = step.rows[(step.rows >= 0) & (step.rows < height)]
    columns = step.columns[(step.columns >= 0) & (step.columns < width)]
    before = int(transposed.has_landed(step.index, 0, channel, rows, columns).sum())
    cells = rows.size * columns.size
    if not cells:
        return ("all of it is cut off by the padding",)
    if not before:
        return (f"nothing has landed on {'this cell' if cells == 1 else f'these {cells} cells'} before",)
    had = f"{before} of these {counted(cells, 'cell')} had a sum before"
    return f"{had}: there windows overlap, and what lands is added", f"{had}: windows overlap"


def _added(transposed: TransposedConvolution, step: Scatter, taps: int, width: int) -> tuple[str, str]:
    """A product, and the sum of the output cell with it."""
    f, i, j = (int(at) for at in np.unravel_index(taps - 1, step.addends.shape))
    weight, addend = float(step.weights[f, i, j]), float(step.addends[f, i, j])
    product = written_product(step.pixel, weight, addend, precision(addend))
    head = f"multiply-add {taps} of {step.addends.size}:  {product}"
    if step.is_cut[i, j]:
        return cut_to(head, width), cut_to("outside the output: the padding cuts it off", width)
    row, column = int(step.rows[i]), int(step.columns[j])
    channel = step.channels[f]
    before, after = (
        float(transposed.landed(step.index, entries, channel, [row], [column])[0, 0])
        for entries in (taps - 1, taps)
    )
    name = f"output[{channel}, {row}, {column}]"
    equation = written_sum([before, addend], after, max(width - len(name) - 3, 0))
    result = f"{name} = {equation or significant(after)}"
    bias = "" if transposed.bias is None else "   the bias is added last"
    return cut_to(f"{head}, added to {name}", width), cut_to(f"{result}{bias}", width)
