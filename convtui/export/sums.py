"""The sum of one output cell as a single line, in digits with which it holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convtui.engine.convolution import Step
from convtui.paint.arithmetic import Precision, added, precision, settled, written_sum
from convtui.paint.text import counted


def sum_line(step: Step, room: int) -> str:
    """The products, or the sums of the slices, and the bias: "output[0, 1, 2] = 1 - 2 + bias 0.5 = -0.5".

    Where there is no room for each of so many characters, it says how many products are added up.
    """
    name = f"output[{', '.join(map(str, step.position))}]"
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


def in_words(step: Step) -> str:
    """What the sum is of."""
    bias = ", then the bias" if step.has_bias else ""
    if len(step.products) > 1:
        return f"the products of each of the {len(step.products)} slices, added up{bias}"
    return f"each pixel of the window times its weight, added up{bias}"
