"""Equations in numbers that a reader can compute again.

Rounded numbers seldom add up to their rounded sum. So an equation has as many digits as it takes until the
numbers that are shown give the result that is shown, all with one precision; where no number of digits that
fits does it, "≈" stands for "=", and it is said that the numbers are rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from math import floor, inf, isclose, isfinite, log10
from typing import Final, NamedTuple

from convtui.engine.spec import Floats
from convtui.paint.text import DUST

DECIMALS: Final = 4
DIGITS: Final = 4  # of the largest number of an equation, at least
LARGE: Final = 7  # digits before the point, from which on numbers are written in powers of ten
SMALL: Final = -4  # the power of ten of numbers that are too small to be written without it
CERTAIN: Final = 12  # digits of a result of float64 that are not rounding
SAME: Final = 10.0**-CERTAIN
MORE_OR_FEWER: Final = (0, 1, -1, 2, 3, 4, -2)  # decimals that are tried, one after another
MOST_MORE: Final = 7  # decimals of the numbers in a formula
ROUNDED: Final = " (rounded)"


class Precision(NamedTuple):
    """How many decimals all numbers of an equation have, and the power of ten in which they are written."""

    decimals: int
    exponent: int = 0

    def fixed(self, value: float) -> str:
        """With all decimals."""
        if not isfinite(value):
            return str(value)
        return self._with_exponent(self._shown(value))

    def text(self, value: float) -> str:
        """With all decimals, or as it is where it has fewer: "0.6980" is rounded, "0.5" is not."""
        if not isfinite(value):
            return str(value)
        if not value:
            return "0"
        shown = self._shown(value)
        if shown.endswith("0") and self.decimals and isclose(float(shown), self._scaled(value), rel_tol=SAME):
            shown = shown.rstrip("0").rstrip(".")
        return self._with_exponent(shown)

    def parts(self, value: float) -> tuple[str, str]:
        """With all decimals, and the power of ten apart: "1.2345" and "e-06", or ""."""
        digits, e, power = self.fixed(value).partition("e")
        return digits, e + power

    def units(self, value: float) -> int:
        """The number that is shown, in units of its last digit."""
        return round(self._scaled(value) * 10.0**self.decimals)

    def finer(self, decimals: int) -> Precision:
        """With so many more decimals, or fewer."""
        return self._replace(decimals=max(self.decimals + decimals, 0))

    @property
    def unit(self) -> Decimal:
        """What the last digit counts."""
        return Decimal(1).scaleb(self.exponent - self.decimals)

    def _scaled(self, value: float) -> float:
        return float(Decimal(value).scaleb(-self.exponent)) if self.exponent else value

    def _shown(self, value: float) -> str:
        return f"{self.units(value) / 10.0**self.decimals:.{self.decimals}f}"

    def _with_exponent(self, shown: str) -> str:
        return f"{shown}e{self.exponent:+03d}" if self.exponent else shown


def precision(*values: float) -> Precision:
    """The first to be tried for an equation of these numbers."""
    return _precisions(_power(values))[0]


def _power(values: Sequence[float]) -> int:
    largest = max((abs(value) for value in values if isfinite(value)), default=0.0)
    return floor(log10(largest)) if largest else 0


@lru_cache(maxsize=64)
def _precisions(power: int) -> tuple[Precision, ...]:
    """Those that are tried in turn where the largest number has this power of ten."""
    exponent = power if power >= LARGE or power <= SMALL else 0
    power -= exponent
    first = min(max(DECIMALS, DIGITS - 1 - power), LARGE - 1 - power)
    most = CERTAIN - 1 - power
    tried = [*(first + by for by in MORE_OR_FEWER), most]
    return tuple(Precision(each, exponent) for each in dict.fromkeys(tried) if 0 <= each <= most)


# -- sums


@dataclass(frozen=True)
class Equation:
    """Its numbers, "=" or "≈" between these and their result, and why it is not "="."""

    left: str
    sign: str
    right: str
    why: str = ""

    @property
    def is_told(self) -> bool:
        """Whether it holds, or it is said why it does not."""
        return self.sign == "=" or bool(self.why)

    def __str__(self) -> str:
        return f"{self.left} {self.sign} {self.right}{self.why}"


def settled(value: float, products: Floats) -> float:
    """The sum of these products; 0 where only rounding in the last bits keeps it from that."""
    largest = max(-float(products.min()), float(products.max())) if value else 0.0
    return value if abs(value) > DUST * largest else 0.0


Write = Callable[[Precision], str]  # the numbers on the left of an equation


def written_sum(
    values: Sequence[float], total: float, room: int, write: Write | None = None, scale: Sequence[float] = ()
) -> Equation | None:
    """Values that are shown to add up to their total; None where there is no room for them.

    write: how the values are written, if not with their signs between them. scale: numbers that stand
    elsewhere, with which those of the sum have their digits in common, unless its total would be hidden.
    """
    write = write or (lambda precision: added(values, precision))
    exact = exact_sum(values, total, room, write, scale)
    equation = exact or rounded_sum(values, total, room, write, scale)
    is_hidden = equation is not None and total != 0 and not float(equation.right)
    return written_sum(values, total, room, write) if is_hidden and scale else equation


def exact_sum(
    values: Sequence[float], total: float, room: int, write: Write, scale: Sequence[float] = ()
) -> Equation | None:
    """As written_sum; None where no number of digits that fits does it."""
    most = CERTAIN - SMALL  # decimals that may fit
    for each in _precisions(_power([*values, total, *scale])):
        if each.decimals < most and adds_up(values, total, each):
            equation = Equation(write(each), "=", each.text(total))
            if len(str(equation)) <= room:
                return equation
            most = each.decimals
    return None


def rounded_sum(
    values: Sequence[float], total: float, room: int, write: Write, scale: Sequence[float] = ()
) -> Equation | None:
    """As written_sum, with "≈", and why where there is room for that."""
    precisions = _precisions(_power([*values, total, *scale]))
    rounded = [Equation(write(each), "≈", each.text(total)) for each in precisions]
    fitting = [each for each in rounded if len(str(each)) <= room]
    if not fitting:
        return None

    def hides(equation: Equation) -> tuple[bool, bool]:
        """The total, and why it is not exact."""
        return total != 0 and not float(equation.right), len(f"{equation}{ROUNDED}") > room

    best = min(fitting, key=hides)
    return best if hides(best)[1] else replace(best, why=ROUNDED)


def adds_up(values: Sequence[float], total: float, precision: Precision) -> bool:
    """Whether the values that are shown give the total that is shown, which is 0 only where it is."""
    if not all(map(isfinite, (*values, total))):
        return True
    shown = precision.units(total)
    return sum(map(precision.units, values)) == shown and (shown != 0 or not total)


def added(values: Sequence[float], precision: Precision) -> str:
    """Numbers with their signs between them: "0.5 - 2 + 1.25"; no numbers are 0."""
    first, *others = values or (0.0,)
    return precision.text(first) + "".join(
        f" {'-' if value < 0 else '+'} {precision.text(abs(value))}" for value in others
    )


# -- products


def written_product(
    first: float, second: float, product: float, precision: Precision, sign: str = "×"
) -> Equation:
    """Factors that give a product as it is shown, or where that has not all digits, "≈" and its last one."""
    right = precision.text(product)
    written = [_factors(first, second, more) for more in MORE_OR_FEWER] if isfinite(product) else []
    misses = [abs(Decimal(a) * Decimal(b) - Decimal(right)) for a, b in written]
    for most, is_equal in ((Decimal(0), True), (precision.unit / 2, False)):
        for (a, b), miss in zip(written, misses, strict=True):
            if miss <= most:
                return Equation(f"{a} {sign} {b}", "=" if is_equal else "≈", right)
    a, b = _factors(first, second, 0)
    return Equation(f"{a} {sign} {b}", "≈", right, ROUNDED)


def _factors(first: float, second: float, more: int) -> tuple[str, str]:
    """Each with its own digits, and so many more."""
    a, b = (precision(each).finer(more).text(each) for each in (first, second))
    return a, b


# -- formulas


@dataclass(frozen=True)
class Formula:
    """A formula's numbers and its result; `holds` where they give it, rounded to its last digit."""

    numbers: str
    shown: str
    holds: bool

    @property
    def sign(self) -> str:
        """Between the numbers and the result."""
        return "=" if self.holds else "≈"


Result = tuple[str, float, float]  # its text, the same as a number, and what its last digit counts


def as_result(text: str) -> Result:
    """A number with all its decimals as the result of a formula."""
    number = Decimal(text)
    exponent = number.as_tuple().exponent
    return text, float(number), float(Decimal(1).scaleb(exponent)) if isinstance(exponent, int) else 0.0


def written_formula(
    numbers: Callable[[int], tuple[str, float]],
    results: Sequence[Result],
    most: int = MOST_MORE,
    room: float = inf,
) -> Formula:
    """The numbers with as few digits as it takes for them to give the first result that they can give.

    numbers: what the formula is with so many more digits than the least, and what it comes to; NaN: nobody
    knows. Numbers that have no room are not tried.
    """
    least, *finer = map(numbers, range(most + 1))
    told = [least, *(each for each in finer if len(each[0]) <= room)]
    for shown, value, unit in results:
        for text, comes_to in told:
            is_known = isfinite(comes_to) and isfinite(value)
            if not is_known or abs(comes_to - value) <= unit / 2 * (1 + SAME):
                return Formula(text, shown, holds=True)
    return Formula(least[0], results[0][0], holds=False)
