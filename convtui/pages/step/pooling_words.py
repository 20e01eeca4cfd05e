"""How an output cell of a pooling comes about, in numbers: what is compared, or added up and divided."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from convtui.engine.pooling import PoolStep
from convtui.engine.reductions import Mean, Winner
from convtui.pages.step.equation import terms_line
from convtui.paint.arithmetic import as_result, precision, written_formula
from convtui.paint.text import cut_to, significant

MOST_DIGITS: Final = 17
_SHORT: Final = {
    "the zeros of the padding count": "padding counts",
    "without count_include_pad only pixels count": "only pixels count",
    "what hangs over the padded image does not count": "what hangs over does not count",
}
NO_PIXEL: Final = "no pixel in this window: -inf, as in PyTorch"


@lru_cache(maxsize=4)
def pooling_lines(step: PoolStep, taps: int | None, width: int) -> tuple[str, str]:
    """What is done to the entries of the window, and what comes of it."""
    if isinstance(step.done, Winner):
        return _compared(step, step.done, taps, width), _won(step, step.done, taps, width)
    return _added(step, step.done, taps, width), _divided(step, step.done, taps, width)


def _name(step: PoolStep) -> str:
    return f"output[{', '.join(map(str, step.position))}]"


def _compared(step: PoolStep, winner: Winner, taps: int | None, width: int) -> str:
    """The entries that are compared, or the one that is compared now with the greatest before it."""
    values, is_padding = step.window.ravel(), step.is_padding.ravel()
    if taps:
        return cut_to(_one_compared(values, is_padding, taps), width)
    if taps == 0:
        return cut_to(f"{_name(step)}: enter compares, one entry at a time", width)
    pixels = values[~is_padding].tolist()
    if not pixels:
        return cut_to(NO_PIXEL, width)
    line = f"greatest of {', '.join(map(significant, pixels))} = {significant(winner.value)}"
    padded = int(is_padding.sum())
    skipped = f"   ({padded} outside the image never {'win' if padded > 1 else 'wins'})" if padded else ""
    if len(line) <= width:
        return line + skipped if len(line + skipped) <= width else line
    return cut_to(f"greatest of {len(pixels):,} pixels = {significant(winner.value)}{skipped}", width)


def _one_compared(values: np.ndarray, is_padding: np.ndarray, taps: int) -> str:
    """An entry, and whether it is the greatest so far."""
    head = f"entry {taps} of {len(values)}:  "
    if is_padding[taps - 1]:
        return f"{head}outside the image, so it never wins"
    before = values[: taps - 1][~is_padding[: taps - 1]]
    value = float(values[taps - 1])
    if not before.size:
        return f"{head}{significant(value)} is the first pixel, so the greatest so far"
    greatest = float(before.max())
    here, there = _told_apart(value, greatest)
    if value > greatest:
        return f"{head}{here} > {there}, so {here} is the greatest so far"
    if value == greatest:
        return f"{head}{here} = {there}; the first of equal pixels stays the greatest"
    return f"{head}{here} < {there}, which stays the greatest"


def _told_apart(value: float, other: float) -> tuple[str, str]:
    """Both with as few digits as it takes to see which is greater."""
    for digits in range(4, MOST_DIGITS + 1):
        texts = significant(value, digits), significant(other, digits)
        if texts[0] != texts[1] or value == other:
            break
    return texts


def _won(step: PoolStep, winner: Winner, taps: int | None, width: int) -> str:
    """The output cell, and which pixel it is."""
    if taps is not None and taps < step.window.size:
        return cut_to(f"{_name(step)} is the greatest of all {step.window.size} entries", width)
    line = f"{_name(step)} = {significant(winner.value)}"
    if winner.at is None:
        return cut_to(line, width)
    i, j = winner.at
    pixel = f"image[{step.position[0]}, {step.source_rows[i]}, {step.source_columns[j]}]"
    equal = int(((step.window[0] == winner.value) & ~step.is_padding).sum())
    won = f"{line}   {pixel} wins{f', the first of {equal} that are equal' if equal > 1 else ''}"
    forms = f"{won}; all of the gradient goes to it", won, f"{line}   {pixel} wins", line
    return next((form for form in forms if len(form) <= width), cut_to(line, width))


def _added(step: PoolStep, mean: Mean, taps: int | None, width: int) -> str:
    values = step.window.ravel()
    done = len(values) if taps is None else taps
    return terms_line("sum", values, mean.total, done, width)


def _divided(step: PoolStep, mean: Mean, taps: int | None, width: int) -> str:
    """The sum, divided, and why by this number, as fully as there is room for."""
    if taps is not None and taps < step.window.size:
        line = f"{step.window.size - taps} more to be added, then divided by {mean.divisor}"
    else:
        line = f"{_name(step)} = {_quotient(mean)}"
    forms = [f"{line}   {reason}" for reason in _reasons(mean)]
    return next((form for form in forms if len(form) <= width), cut_to(line, width))


def _quotient(mean: Mean) -> str:
    """The sum divided, and what that is."""
    divisor = mean.divisor if mean.divisor >= 0 else f"({mean.divisor})"

    def numbers(more: int) -> tuple[str, float]:
        text = precision(mean.total).finer(more).text(mean.total)
        return f"{text} / {divisor}", float(text) / mean.divisor

    usual = precision(mean.value)
    results = [as_result(usual.finer(more).text(mean.value)) for more in (0, -1, -2)]
    formula = written_formula(numbers, results)
    return f"{formula.numbers} {formula.sign} {formula.shown}"


def _reasons(mean: Mean) -> list[str]:
    """Where the divisor comes from, and why it is not simply the window's size, in full and ever shorter."""
    formula = mean.divisor_formula
    if formula.startswith("divisor_override"):
        return [f"{formula}, whatever the window's size", formula]
    if not mean.reason:
        return [f"divisor {formula}", formula]
    short = _SHORT.get(mean.reason, mean.reason)
    return [f"divisor {formula}: {mean.reason}", f"{formula}: {mean.reason}", f"{formula}: {short}", formula]
