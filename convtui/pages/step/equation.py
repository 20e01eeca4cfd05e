"""The sum of one output cell, written out with its numbers, as wide as there is room.

A filter may have tens of thousands of products: only those that can find room are written, and what the
others come to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate
from math import isclose
from typing import Final

from convtui.engine.convolution import Step
from convtui.engine.spec import Floats
from convtui.pages.base.step_sums import (
    largest_product,
    settled,
    settled_sum,
    settled_value,
    usual_precision,
)
from convtui.paint.arithmetic import (
    Precision,
    added,
    exact_sum,
    precision,
    rounded_sum,
    written_product,
    written_sum,
)
from convtui.paint.text import cut_to

LEAST_TERM: Final = 4  # characters that a term takes at least, as " + 0"
USUAL_TERM: Final = 9  # as " + 0.1234"
TRIES: Final = 4  # to make a sum that is cut add up, with ever fewer terms
LABELS: Final = "sum of products", "sum"


@lru_cache(maxsize=4)
def sum_line(step: Step, slice: int, taps: int | None, width: int, names: tuple[str, ...] = ()) -> str:
    """The products of one slice added up: "0.5 - 0.25 + 0 = 0.25"; dots stand for what is still to come.

    names are those of the slices, if they have any.
    """
    products = step.products[slice].ravel()
    total = len(products)
    done = total if taps is None else min(max(taps - slice * total, 0), total)
    return terms_line(_label(step, slice, width, names), products, float(step.slice_sums[slice]), done, width)


def terms_line(label: str, terms: Floats, total: float, done: int, width: int) -> str:
    """So many of the terms [n] added up, behind a label; total: what all of them come to."""
    room = width - len(label) - 2
    more = " + …" if done < len(terms) else ""
    if done < len(terms):
        total = float(terms[:done].cumsum()[-1]) if done else 0.0
    partial = settled(total, terms[:done])
    scale = [float(terms.min()), float(terms.max())]
    if done * LEAST_TERM <= room:
        values = terms[:done].tolist()
        equation = written_sum(values, partial, room, _written(values, "", more), scale)
        if equation:
            return f"{label}  {equation}"
    return cut_to(f"{label}  {_last_terms(terms[:done], partial, room, more)}", width)


def _label(step: Step, slice: int, width: int, names: Sequence[str]) -> str:
    """What is added up; the short label where the products of a slice will have no room to spare."""
    count, products = step.products.reshape(len(step.products), -1).shape
    if count > 1:
        return names[slice] if names else f"slice {slice}"
    long, short = LABELS
    return long if len(long) + (products + 1) * USUAL_TERM + 2 <= width else short


def _written(values: Sequence[float], before: str, after: str) -> Callable[[Precision], str]:
    return lambda precision: f"{before}{added(values, precision)}{after}"


def _last_terms(terms: Floats, partial: float, room: int, more: str) -> str:
    """As many of the last terms as there is room for, after the sum of all before them."""
    done, sums = len(terms), terms.cumsum()
    most = _most_terms(terms, partial, room)
    tried = []
    for hidden in range(done - most, min(done - most + TRIES, done) + 1):
        values = [settled(float(sums[hidden - 1]), terms[:hidden]), *terms[hidden:].tolist()]
        write = _written(values, f"(first {hidden:,}) ", more)
        equation = exact_sum(values, partial, room, write)
        if equation:
            return str(equation)
        tried.append((values, write))
    rounded = (rounded_sum(values, partial, room, write) for values, write in tried)
    told = next((each for each in rounded if each and each.why), None)
    return str(told or f"(first {done:,}){more} = {precision(partial).text(partial)}")


def _most_terms(products: Floats, partial: float, room: int) -> int:
    """How many of the last products can have room at most, with a digit less than usual."""
    least = precision(partial, float(products.min()), float(products.max())).finer(-1)
    spare = room - len(f"(first {len(products):,}) 0 = {least.text(partial)}")
    last = products[: -(room // LEAST_TERM) : -1].tolist()
    lengths = accumulate(len(least.text(abs(value))) + len(" + ") for value in last)
    return min(sum(length <= spare for length in lengths), len(products) - 1)


@lru_cache(maxsize=4)
def result_line(step: Step, taps: int | None, width: int, names: tuple[str, ...] = ()) -> str:
    """What the slices, by their names if they have any, and the bias add up to."""
    name = f"output[{', '.join(map(str, step.position))}]"
    if taps is not None and taps < step.products.size:
        return cut_to(_multiply_add(step, taps, name, width), width)
    sums = list(map(settled, step.slice_sums.tolist(), step.products))
    biases = [step.bias] * step.has_bias
    value = settled_value(step)
    if len(sums) + len(biases) == 1:
        return cut_to(f"{name} = {usual_precision(step, value).text(value)}   no bias", width)
    if len(sums) * LEAST_TERM <= width:
        equation = written_sum(
            [*sums, *biases], value, width - len(name) - 3, lambda each: _parts(sums, biases, each, names)
        )
        if equation:
            return f"{name} = {equation}"
    count, total = f"{len(sums)} slice sums", settled_sum(step)
    if not biases:
        return cut_to(f"{name} = {count} = {usual_precision(step, value).text(value)}", width)
    equation = written_sum(
        [total, *biases],
        value,
        max(width - len(name) - 3, 0),
        lambda each: f"{count} {_parts([total], biases, each)}",
    )
    return cut_to(
        f"{name} = {equation or f'{count} + bias = {usual_precision(step, value).text(value)}'}", width
    )


def _parts(sums: Sequence[float], biases: Sequence[float], each: Precision, names: Sequence[str] = ()) -> str:
    """The sums of the slices and the bias."""
    parts = [f"bias {each.text(bias)}" for bias in biases]
    if names:
        named = zip(names, sums, strict=True)
        return " + ".join([*(f"{name} {each.text(value)}" for name, value in named), *parts])
    return " + ".join([f"{'slices ' * (len(sums) > 1)}{added(sums, each)}", *parts])


def _multiply_add(step: Step, taps: int, name: str, width: int) -> str:
    """A product, and the sum of it and of all products before it."""
    if not taps:
        return f"{name}: enter multiplies and adds, one product at a time"
    pixel, weight, product, running = (
        float(values.flat[taps - 1]) for values in (step.window, step.weights, step.products, step.running)
    )
    products = step.products.ravel()
    running = settled(running, products[:taps])
    head = f"multiply-add {taps} of {step.products.size}:  "

    if taps > 1:
        values = [settled(float(step.running[taps - 2]), products[: taps - 1]), product]

        def write(each: Precision) -> str:
            return f"{written_product(pixel, weight, product, each)},  running sum {added(values, each)}"

        equation = written_sum(values, running, width - len(head), write, [largest_product(step)])
        if equation and equation.is_told:
            return f"{head}{equation}"
    usual = precision(product, running)
    term = f"{head}{written_product(pixel, weight, product, usual)}"
    with_sum = f"{term},  running sum {usual.text(running)}"
    return with_sum if len(with_sum) <= width else term


def products_sign(tables: Sequence[Floats], written: Sequence[Callable[[float], str]]) -> str:
    """Between the tables of window and kernel and that of their products, with how each writes its numbers.

    "≈" where a product is not that of the numbers that are seen.
    """
    shown = (map(float, map(write, of.ravel().tolist())) for write, of in zip(written, tables, strict=True))
    triples = zip(*shown, strict=True)
    is_exact = all(isclose(pixel * weight, product, rel_tol=1e-9) for pixel, weight, product in triples)
    return "=" if is_exact else "≈"
