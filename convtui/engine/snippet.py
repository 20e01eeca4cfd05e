"""A window operation as Python code that runs by itself: PyTorch computes it, and one cell is asserted.

An operation is a `Call`: the tensors that it needs and the line that computes the output. The code around it
is the same for all of them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isinf, log10
from typing import Any, Final

import numpy as np

from convtui.engine.convolution import Convolution, Step
from convtui.engine.output_cells import Position
from convtui.engine.pooling import Pooling, PoolStep
from convtui.engine.reductions import Mean
from convtui.engine.spec import Floats
from convtui.engine.torch_text import NO_CALL, pooling_call, torch_call, transposed_call
from convtui.engine.transposed import TransposedConvolution

MOST_NUMBERS: Final = 2**16
WIDTH: Final = 100
ROOM: Final = 60  # for an array that stands on one line
RELATIVE: Final = 1e-12  # by which two sums of the same products in float64 may differ
_LEAST: Final = 5e-324


@dataclass(frozen=True, eq=False)
class Call:
    """What computes the output: tensors by name, beside the image x, and an expression with F.

    cell: the output cell on show; value: what it is. magnitude: the sum of the magnitudes of all that is
    added up in it, by which rounding is measured.
    """

    tensors: tuple[tuple[str, Floats], ...]
    expression: str
    output_shape: tuple[int, int, int]
    cell: Position
    value: float
    magnitude: float


def call_of_convolution(convolution: Convolution, step: Step) -> Call:
    """The call of torch.nn.functional.conv2d that computes the convolution; `step` is the cell on show."""
    bias = () if convolution.bias is None else (("b", convolution.bias),)
    return Call(
        tensors=(("w", convolution.weight), *bias),
        expression=torch_call(convolution.spec, convolution.bias is not None),
        output_shape=convolution.output_shape,
        cell=step.position,
        value=step.value,
        magnitude=_magnitude(step),
    )


def call_of_transposed(transposed: TransposedConvolution, step: Step) -> Call:
    """The call of torch.nn.functional.conv_transpose2d; `step` gathers the cell on show."""
    bias = () if transposed.bias is None else (("b", transposed.bias),)
    return Call(
        tensors=(("w", transposed.weight), *bias),
        expression=transposed_call(transposed.spec, transposed.bias is not None),
        output_shape=transposed.output_shape,
        cell=step.position,
        value=step.value,
        magnitude=_magnitude(step),
    )


def call_of_pooling(pooling: Pooling, step: PoolStep) -> Call:
    """The call of a pooling of torch.nn.functional; `step` is the cell on show. A maximum rounds nothing.

    Raises ValueError if there is no such call.
    """
    expression = pooling_call(pooling)
    if expression == NO_CALL:
        raise ValueError(f"no code can be written: {NO_CALL}")
    added = float(np.abs(step.window).sum())
    return Call(
        tensors=(),
        expression=expression,
        output_shape=pooling.output_shape,
        cell=step.position,
        value=step.value,
        magnitude=added / abs(step.done.divisor) if isinstance(step.done, Mean) else 0.0,
    )


def _magnitude(step: Step) -> float:
    return float(np.abs(step.products).sum()) + abs(step.bias)


def snippet(call: Call, image: Sequence[str], imports: Sequence[str] = ()) -> str:
    """The whole code. image: the lines that make the float64 tensor x [C, H, W]; imports: those they need.

    Raises ValueError if a tensor has more than 2**16 numbers.
    """
    lines = [
        *imports,
        "import torch",
        "import torch.nn.functional as F",
        "",
        *image,
        *(f"{name} = {tensor(name, values)}" for name, values in call.tensors),
        "",
        f"y = {call.expression}",
        "",
        f"assert y.shape == {call.output_shape}",
        assertion(cell_text("y", call.cell), call.value, call.magnitude),
    ]
    return "\n".join(lines) + "\n"


def assertion(what: str, value: float, magnitude: float) -> str:
    """The line that asserts the value of an expression; magnitude as in Call, 0 where nothing is rounded."""
    if not magnitude:
        return f"assert {what} == {number(value)}"
    tolerance = max(10.0 ** ceil(log10(magnitude * RELATIVE or _LEAST)), _LEAST)
    sign = "+" if value < 0 else "-"
    difference = f"{what} {sign} {number(abs(value))}" if value else what
    return f"assert abs({difference}) <= {tolerance!r}"


def cell_text(name: str, cell: Sequence[int]) -> str:
    """A cell of a tensor as Python writes it: y[0, 4, 18]."""
    return f"{name}[{', '.join(map(str, cell))}]"


def tensor(name: str, values: Floats) -> str:
    """The float64 tensor as Python writes it; alike slices of a filter are written once.

    Raises ValueError for more than 2**16 numbers.
    """
    repeated = ""
    if values.ndim == 4 and values.shape[1] > 1 and (values == values[:, :1]).all():
        repeated, values = f".repeat(1, {values.shape[1]}, 1, 1)", values[:, :1]
    if values.size > MOST_NUMBERS:
        raise ValueError(
            f"{name} has {values.size:,} numbers, too many to be written out; at most {MOST_NUMBERS:,}"
        )
    return f"torch.tensor({_nested(values.tolist(), 0)}, dtype=torch.float64){repeated}"


def number(value: float) -> str:
    """The shortest text that is the same float64 again."""
    if isinf(value):
        return 'float("inf")' if value > 0 else 'float("-inf")'
    text = repr(float(value))
    return text.removesuffix(".0") if text != "-0.0" else text


def quoted(text: str) -> str:
    """A text as Python writes it, between double quotes unless there are some in it."""
    written = repr(text)
    return written if '"' in written else f'"{written[1:-1]}"'


def _nested(values: list[Any], depth: int) -> str:
    """Lists in lists: on one line if there is room, else a line for each."""
    indent = " " * 4 * depth
    if not isinstance(values[0], list):
        row = f"[{', '.join(map(number, values))}]"
        return "\n".join(textwrap.wrap(row, WIDTH - len(indent), subsequent_indent=indent + " "))
    inner = [_nested(each, depth + 1) for each in values]
    line = f"[{', '.join(inner)}]"
    if "\n" not in line and len(line) <= ROOM:
        return line
    rows = "".join(f"{indent}    {each},\n" for each in inner)
    return f"[\n{rows}{indent}]"
