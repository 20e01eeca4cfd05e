"""The sum of one output cell as a single line, in digits with which it holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convtui.engine.convolution import Step
from convtui.engine.pooling import PoolStep
from convtui.engine.reductions import Mean, Winner
from convtui.engine.words import counted
from convtui.paint.arithmetic import (
    Precision,
    added,
    as_result,
    precision,
    settled,
    written_formula,
    written_sum,
)
from convtui.paint.text import significant


def sum_line(step: Step | PoolStep, room: int) -> str:
    """How an output cell comes about, in so many characters."""
    name = f"output[{', '.join(map(str, step.position))}]"
    if isinstance(step, Step):
        return _weighted(name, step, room)
    if isinstance(step.done, Winner):
        return f"{name} = {_greatest(step, step.done, room - len(name) - len(' = '))}"
    return f"{name} = {_mean(step.done)}"


def _weighted(name: str, step: Step, room: int) -> str:
    """The products, or the sums of the slices, and the bias: "output[0, 1, 2] = 1 - 2 + bias 0.5 = -0.5".

    Where there is no room for each of so many characters, it says how many products are added up.
    """
    total = settled(sum(step.slice_sums.tolist()), step.products)
    value = step.value if step.bias else settled(step.value, step.products)
    count = counted(step.products.size, "product")
    parts = [float(each) for each in step.products.ravel()]
    if len(step.products) > 1:
        parts = [settled(part, of) for part, of in zip(step.slice_sums.tolist(), step.products, strict=True)]
    bias = [step.bias] * step.has_bias
    if len(parts) + len(bias) < 2:
        return f"{name} = {precision(value).text(value)}"
    left = room - len(name) - len(" = ")
    for values, before in (parts, ""), ([total], f"sum of {count} "):
        if before and not bias:
            break  # a sum of one number
        equation = written_sum([*values, *bias], value, left, _written(values, bias, before))
        if equation and equation.is_told:
            return f"{name} = {equation}"
    return f"{name} = sum of {count} = {precision(value).text(value)}"


def _written(values: Sequence[float], bias: Sequence[float], before: str) -> Callable[[Precision], str]:
    def write(each: Precision) -> str:
        of_bias = "".join(f" + bias {each.text(value)}" for value in bias)
        return f"{before}{added(values, each)}{of_bias}"

    return write


def _greatest(step: PoolStep, winner: Winner, room: int) -> str:
    """The pixels that are compared, or how many."""
    pixels = step.window[0][~step.is_padding].tolist()
    if not pixels:
        return f"{winner.value}: no pixel in this window"
    greatest = significant(winner.value)
    line = f"greatest of {', '.join(map(significant, pixels))} = {greatest}"
    return line if len(line) <= room else f"greatest of {counted(len(pixels), 'pixel')} = {greatest}"


def _mean(mean: Mean) -> str:
    """The sum of the window, divided."""
    divisor = f"({mean.divisor})" if mean.divisor < 0 else str(mean.divisor)

    def numbers(more: int) -> tuple[str, float]:
        text = precision(mean.total).finer(more).text(mean.total)
        return f"{text} / {divisor}", float(text) / mean.divisor

    usual = precision(mean.value)
    formula = written_formula(
        numbers, [as_result(usual.finer(more).text(mean.value)) for more in (0, -1, -2)]
    )
    return f"{formula.numbers} {formula.sign} {formula.shown}"


def in_words(step: Step | PoolStep) -> str:
    """What the sum is of."""
    if isinstance(step, PoolStep):
        if isinstance(step.done, Winner):
            return "the greatest pixel of the window; padding never is it"
        return "the window's pixels, added up and divided by how many of its entries count"
    bias = ", then the bias" if step.has_bias else ""
    if len(step.products) > 1:
        return f"the products of each of the {len(step.products)} slices, added up{bias}"
    return f"each pixel of the window times its weight, added up{bias}"
