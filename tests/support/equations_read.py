"""Equations as a reader reads them: from what is on the screen, and computed again in exact decimals."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from convtui.engine.kernels import NAMES
from convtui.engine.spec import Floats
from convtui.state.session import Session
from tests.support.example_sessions import own, picture_of, session_on

NUMBER = r"\d+(?:\.\d+)?(?:e[-+]\d+)?"
SIGNED = rf"-?{NUMBER}"


class Read(NamedTuple):
    """The numbers of a sum that are seen, what is between them and their result, and what follows that."""

    terms: tuple[Decimal, ...]
    sign: str
    total: Decimal
    why: str

    @property
    def unit(self) -> Decimal:
        """Of the last digit of any of its numbers."""
        numbers = [each for each in (*self.terms, self.total) if str(each) != "0"]
        return min(map(unit_of, numbers), default=Decimal(1))

    @property
    def adds_up(self) -> bool:
        """To the last digit with "=", but for the rounding of each number with "≈"."""
        miss = abs(sum(self.terms) - self.total)
        if self.sign == "=":
            return miss == 0
        return 0 < miss <= (len(self.terms) + 1) * self.unit / 2 or not self.total


def unit_of(number: Decimal) -> Decimal:
    return Decimal(1).scaleb(int(number.as_tuple().exponent))


def read_sum(text: str) -> Read:
    """A sum without its label, such as "(first 9) 0.5 - 2 + … = -1.5" or "red 0.5 + bias -0.25 = 0.25"."""
    match = re.fullmatch(rf"(.*) ([=≈]) ({SIGNED})( \(rounded\))?", text)
    assert match, text
    left, sign, total, why = match.groups()
    left = re.sub(r"\(first [\d,]+\) ", "", left.removesuffix(" + …").removeprefix("slices "))
    left = re.sub(r"\d+ slice sums ", "", left)
    return Read(tuple(map(_term, re.split(r" (?=[-+] )", left))), sign, Decimal(total), why or "")


def _term(text: str) -> Decimal:
    match = re.fullmatch(rf"([-+] )?(?:[a-z]+ )?({SIGNED})", text)
    assert match, text
    return -Decimal(match[2]) if match[1] == "- " else Decimal(match[2])


def assert_adds_up(line: str, text: str, width: int) -> Read:
    """Whether the sum at the end of a line adds up; where it does not, why, if there is room for that."""
    read = read_sum(text)
    assert read.adds_up, line
    assert len(line) <= width
    if read.sign == "≈":
        assert read.why or len(line) + len(" (rounded)") > width
    return read


def is_shown(shown: Decimal, value: float, unit: Decimal) -> bool:
    """Whether a value is rounded to what is shown, but for the last bits of float64."""
    return abs(shown - Decimal(value)) <= unit / 2 + abs(Decimal(value)) * Decimal("1e-11")


def assert_product(text: str) -> None:
    """Two factors give their product as it is shown: exactly with "=", to its last digit with "≈".

    Where no number of digits that fits does that, the line says that they are rounded.
    """
    match = re.fullmatch(rf"({SIGNED}) [×·] ({SIGNED}) ([=≈]) ({SIGNED})( \(rounded\))?", text)
    assert match, text
    first, second, product = (Decimal(match[at]) for at in (1, 2, 4))
    miss = abs(first * second - product)
    if match[5]:
        assert match[3] == "≈", text
        assert unit_of(product) / 2 < miss <= abs(product) / 100, text
        return
    assert miss == 0 if match[3] == "=" else 0 < miss <= unit_of(product) / 2, text


# -- what is to be written

MAGNITUDES = st.sampled_from([1e-9, 1e-6, 1e-3, 0.05, 1.0, 255.0, 1e4, 1e6, 3e7, 1e12])


@st.composite
def hard_sessions(draw: st.DrawFn) -> Session:
    """Values of one size or of very different ones, whole and negative ones and negative zeros among them."""
    chance = np.random.default_rng(draw(st.integers(0, 1 << 16)))
    slices, size = draw(st.integers(1, 3)), draw(st.integers(2, 3))

    def values(shape: Sequence[int]) -> Floats:
        kinds = draw(st.lists(MAGNITUDES, min_size=1, max_size=3))
        made: Floats = chance.normal(size=shape) * chance.choice(kinds, size=shape)
        if draw(st.booleans()):
            made = made.round(draw(st.integers(0, 4)))
        made[chance.random(shape) < 0.2] = draw(st.sampled_from([0.0, -0.0, 1.0]))
        return made

    picture = picture_of(values((slices, 5, 5)), colour=slices == 3)
    if draw(st.booleans()):
        session = session_on(picture, draw(st.sampled_from(NAMES)))
    else:
        session = own(values((1, slices, size, size)), picture)
    if draw(st.booleans()):
        session = session.with_bias_value(0, float(values((1,))[0]))
    return session.at(
        draw(st.integers(0, session.size - 1)), draw(st.none() | st.integers(0, session.products))
    )
