"""The sum of one output cell, written out with its numbers, as wide as there is room."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convtui.engine.convolution import Step
from convtui.paint.text import DUST, cut_to, significant


def sum_line(step: Step, slice: int, taps: int | None, width: int, names: Sequence[str] = ()) -> str:
    """The products of one slice added up: "0.5 - 0.25 + 0 = 0.25"; dots stand for what is still to come.

    names are those of the slices, if they have any.
    """
    products = step.products[slice].ravel()
    total = len(products)
    done = total if taps is None else min(max(taps - slice * total, 0), total)
    partial = float(products[:done].cumsum()[-1]) if done else 0.0
    label = "sum of products" if len(step.slice_sums) == 1 else names[slice] if names else f"slice {slice}"
    end = f" = {significant(settled(partial, step))}"
    for digits in (4, 3, 2):
        line = f"{label}  {_added(products[:done], digits)}{' + …' if done < total else ''}{end}"
        if len(line) <= width:
            return line
    last = _added(products[:done], 2)[-max(8, width - len(label) - len(end) - 8) :]
    cut = min((at for at in (last.find(" + "), last.find(" - ")) if at >= 0), default=0)
    more = " + …" if done < total else ""
    return cut_to(f"{label}  …{last[cut:]}{more}{end}", width)


def result_line(step: Step, taps: int | None, width: int, names: Sequence[str] = ()) -> str:
    """What the slices, by their names if they have any, and the bias add up to."""
    name = f"output[{', '.join(map(str, step.position))}]"
    if taps is not None and taps < len(step.running):
        return cut_to(_multiply_add(step, taps, name), width)
    sums = [settled(value, step) for value in step.slice_sums.tolist()]
    bias = f" + bias {significant(step.bias)}" if step.has_bias else ""
    value = significant(settled(step.value, step) if not step.bias else step.value)
    if len(sums) == 1:
        line = f"{name} = {significant(sums[0])}{bias} = {value}" if bias else f"{name} = {value}   no bias"
        return cut_to(line, width)
    if names:
        named = [_added(sums, digits, names) for digits in (4, 2)]
    else:
        named = [f"slices {_added(sums, digits)}" for digits in (4, 2)]
    lines = [f"{name} = {parts}{bias} = {value}" for parts in (*named, f"{len(sums)} slice sums")]
    return next((line for line in lines if len(line) <= width), cut_to(lines[-1], width))


def settled(value: float, step: Step) -> float:
    """A sum of a step's products; 0 where only rounding in the last bits keeps it from that."""
    return value if abs(value) > DUST * float(np.abs(step.products).max()) else 0.0


def _multiply_add(step: Step, taps: int, name: str) -> str:
    if not taps:
        return f"{name}: enter multiplies and adds, one product at a time"
    at = step.multiply_adds[taps - 1]
    term = f"{significant(at.pixel)} × {significant(at.weight)} = {significant(at.product)}"
    so_far = significant(settled(at.running, step))
    return f"multiply-add {taps} of {len(step.running)}:  {term},  running sum {so_far}"


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
