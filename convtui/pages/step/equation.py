"""The sum of one output cell, written out with its numbers, as wide as there is room.

A filter may have tens of thousands of products: only those that can find room are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from convtui.engine.convolution import Step
from convtui.paint.text import DUST, cut_to, significant

LEAST_TERM: Final = 4  # characters that a term takes at least, as " + 0"


def sum_line(step: Step, slice: int, taps: int | None, width: int, names: Sequence[str] = ()) -> str:
    """The products of one slice added up: "0.5 - 0.25 + 0 = 0.25"; dots stand for what is still to come.

    names are those of the slices, if they have any.
    """
    products = step.products[slice].ravel()
    total = len(products)
    done = total if taps is None else min(max(taps - slice * total, 0), total)
    if done == total:
        partial = float(step.slice_sums[slice])
    else:
        partial = float(products[:done].cumsum()[-1]) if done else 0.0
    label = "sum of products" if len(step.slice_sums) == 1 else names[slice] if names else f"slice {slice}"
    end = f" = {significant(settled(partial, step))}"
    more = " + …" if done < total else ""
    if done * LEAST_TERM <= width:
        terms = products[:done].tolist()
        for digits in (4, 3, 2):
            line = f"{label}  {_added(terms, digits)}{more}{end}"
            if len(line) <= width:
                return line
    room = max(8, width - len(label) - len(end) - 8)
    last = _added(products[max(0, done - room // LEAST_TERM - 2) : done].tolist(), 2)[-room:]
    cut = min((at for at in (last.find(" + "), last.find(" - ")) if at >= 0), default=0)
    return cut_to(f"{label}  …{last[cut:]}{more}{end}", width)


def result_line(step: Step, taps: int | None, width: int, names: Sequence[str] = ()) -> str:
    """What the slices, by their names if they have any, and the bias add up to."""
    name = f"output[{', '.join(map(str, step.position))}]"
    if taps is not None and taps < step.products.size:
        return cut_to(_multiply_add(step, taps, name), width)
    sums = [settled(value, step) for value in step.slice_sums.tolist()]
    bias = f" + bias {significant(step.bias)}" if step.has_bias else ""
    value = significant(settled(step.value, step) if not step.bias else step.value)
    if len(sums) == 1:
        line = f"{name} = {significant(sums[0])}{bias} = {value}" if bias else f"{name} = {value}   no bias"
        return cut_to(line, width)
    lines = [f"{name} = {parts}{bias} = {value}" for parts in _parts(sums, width, names)]
    return next((line for line in lines if len(line) <= width), cut_to(lines[-1], width))


def _parts(sums: Sequence[float], width: int, names: Sequence[str]) -> list[str]:
    """The sums of the slices, written ever shorter."""
    count = f"{len(sums)} slice sums"
    if len(sums) * LEAST_TERM > width:
        return [count]
    if names:
        return [*(_added(sums, digits, names) for digits in (4, 2)), count]
    return [*(f"slices {_added(sums, digits)}" for digits in (4, 2)), count]


def settled(value: float, step: Step) -> float:
    """A sum of a step's products; 0 where only rounding in the last bits keeps it from that."""
    return value if value and abs(value) > _dust(step) else 0.0


@lru_cache(maxsize=2)
def _dust(step: Step) -> float:
    lowest, highest = step.products.min(), step.products.max()
    return DUST * max(-float(lowest), float(highest))


def _multiply_add(step: Step, taps: int, name: str) -> str:
    if not taps:
        return f"{name}: enter multiplies and adds, one product at a time"
    pixel, weight, product, running = (
        float(values.flat[taps - 1]) for values in (step.window, step.weights, step.products, step.running)
    )
    term = f"{significant(pixel)} × {significant(weight)} = {significant(product)}"
    so_far = significant(settled(running, step))
    return f"multiply-add {taps} of {step.products.size}:  {term},  running sum {so_far}"


def _added(terms: Sequence[float], digits: int, names: Sequence[str] = ()) -> str:
    """Numbers with their signs between them; if they have names, with these between them."""
    if names:
        named = zip(names, terms, strict=True)
        return " + ".join(f"{name} {significant(term, digits)}" for name, term in named)
    text = ""
    for term in terms:
        shown = significant(abs(term), digits)
        if text:
            text += f" - {shown}" if term < 0 else f" + {shown}"
        else:
            text = f"-{shown}" if term < 0 else shown
    return text or "0"
