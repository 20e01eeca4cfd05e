"""The numbers of an equation give its result, whatever their size."""

from decimal import Decimal
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.paint.arithmetic import (
    Precision,
    added,
    as_result,
    precision,
    written_formula,
    written_product,
    written_sum,
)
from tests.support.equations_read import assert_product, read_sum

sizes = st.sampled_from([1e-300, 1e-9, 1e-4, 0.05, 1.0, 300.0, 1e6, 1e7, 1e15, 1e300])
numbers = st.builds(lambda share, size: share * size, st.floats(-10, 10), sizes)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (0.5, "0.5"),
        (0.1 * 3, "0.3"),
        (0.69804, "0.6980"),
        (-1 / 3, "-0.3333"),
        (0.0123456, "0.01235"),
        (741421.67, "741421.7"),
        (1201000.4, "1201000"),
        (12010000.0, "1.201e+07"),
        (1.23456e-6, "1.2346e-06"),
        (inf, "inf"),
    ],
)
def test_what_has_all_its_digits_is_short(value: float, text: str) -> None:
    assert precision(value).text(value) == text


def test_a_number_too_small_for_its_equation_is_0_with_decimals() -> None:
    assert Precision(4).text(1e-9) == Precision(4).text(-1e-9) == "0.0000"
    assert Precision(2, 6).parts(1.5e6) == ("1.50", "e+06")


@given(st.lists(numbers, min_size=1, max_size=9), st.integers(10, 120))
def test_a_sum_adds_up_or_says_that_it_is_rounded(values: list[float], room: int) -> None:
    total = sum(values)
    equation = written_sum(values, total, room)
    if equation is None:
        assert len(values) * 4 + 2 > room or room < 60 + 16 * len(values)
        return
    assert len(str(equation)) <= room
    read = read_sum(str(equation))
    assert read.adds_up
    slack = read.unit / 2 + Decimal(max(map(abs, values))) * Decimal("1e-11")
    for shown, value in zip((*read.terms, read.total), (*values, total), strict=True):
        assert abs(shown - Decimal(value)) <= slack


def test_terms_that_nearly_cancel_have_the_digits_of_their_sum() -> None:
    assert str(written_sum([1.0, -1.0, 1e-9], 1e-9, 200)) == "1 - 1 + 0.000000001 = 0.000000001"


def test_thirds_do_not_add_up_in_any_number_of_digits() -> None:
    thirds = [1 / 3] * 3
    assert str(written_sum(thirds, 1.0, 60)) == "0.3333 + 0.3333 + 0.3333 ≈ 1 (rounded)"
    assert str(written_sum(thirds, 1.0, 33)) == "0.33 + 0.33 + 0.33 ≈ 1 (rounded)"
    assert str(written_sum(thirds, 1.0, 30)) == "0.3333 + 0.3333 + 0.3333 ≈ 1", "no room to say it"
    assert written_sum(thirds, 1.0, 12) is None


def test_no_terms_are_0() -> None:
    assert added([], Precision(4)) == "0"


@given(numbers, numbers)
def test_factors_give_their_product(first: float, second: float) -> None:
    product = first * second
    equation = written_product(first, second, product, precision(product))
    if not equation.why:
        assert_product(str(equation))


def test_a_product_that_is_rounded_says_so() -> None:
    assert str(written_product(0.5, 0.25, 0.125, precision(0.125))) == "0.5 × 0.25 = 0.125"
    assert str(written_product(0.69804, 1 / 9, 0.07756, Precision(4))) == "0.69804 × 0.11111 ≈ 0.0776"


def test_a_formula_has_as_many_digits_as_it_takes() -> None:
    def root(more: int) -> tuple[str, float]:
        text = Precision(1 + more).fixed(2.0**0.5)
        return text, float(text) ** 2

    assert written_formula(root, [as_result("2.000")]).numbers == "1.4142"
    assert not written_formula(root, [as_result("2.5")]).holds
    assert written_formula(root, [as_result("2.000")], room=3).numbers == "1.4"
