"""How a value becomes text of a fixed width, and a line fits into its pane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import isinf
from typing import Final

import numpy as np
from rich.cells import cell_len, set_cell_size

from convtui.paint.colours import Array

NUMBER_WIDTH: Final = 5
DUST: Final = 1e-12  # a sum that is so much smaller than its terms is 0 but for rounding


@lru_cache(maxsize=64)
def number_format(lowest: float, highest: float, integral: bool = False) -> Callable[[float], str]:
    """One format for all values of a grid, so that they align at the point; at most five characters."""
    largest = max(abs(lowest), abs(highest))
    if largest >= 10_000 or 0 < largest < 0.05:
        return _scientific
    decimals = 0 if integral else 2 if largest < 9.995 else 1 if largest < 99.95 else 0

    def text(value: float) -> str:
        for digits in range(decimals, -1, -1):
            shown = f"{value or 0.0:.{digits}f}"
            if len(shown) <= NUMBER_WIDTH:
                return shown
        return _scientific(value)

    return text


def _scientific(value: float) -> str:
    """One digit and its power of ten; what is too small even for that is 0 with its sign."""
    if not value:
        return "0"
    if isinf(value):
        return str(value)
    digit, exponent = f"{value:.0e}".split("e")
    shown = f"{digit}e{int(exponent)}"
    return shown if len(shown) <= NUMBER_WIDTH else f"{digit[:-1]}0"


def is_integral(values: Array) -> bool:
    """Whether all values are whole numbers."""
    return bool((values == np.floor(values)).all())


def significant(value: float, digits: int = 4) -> str:
    """A result with that many decimals where it has them; large and tiny ones in powers of ten."""
    if value == 0:
        return "0"
    if abs(value) >= 1e6 or abs(value) < 10.0**-digits:
        return f"{value:.{digits - 1}e}"
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def cut_to(line: str, width: int) -> str:
    """The line, or as much of it as fits a width in columns and a sign that there is more."""
    return line if cell_len(line) <= width else f"{set_cell_size(line, max(width - 1, 0))}…"[:width]


def spans(numbers: Sequence[int], most: int = 4) -> str:
    """Ascending numbers as ranges: "3, 7-9, 27"; a long list is cut and counted."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in runs[:most]]
    if len(runs) <= most:
        return ", ".join(shown)
    return f"{', '.join(shown)} … ({len(numbers)} in all)" if shown else f"({len(numbers)} in all)"
