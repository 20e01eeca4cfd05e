"""Values become text that can be trusted."""

import re
from math import inf, isclose

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from convtui.paint.text import NUMBER_WIDTH, is_integral, number_format, significant

numbers = st.floats(-1e30, 1e30)


@st.composite
def ranges(draw: st.DrawFn) -> tuple[float, float, float]:
    """A range of values and one that lies in it."""
    largest = draw(
        st.sampled_from([1e-12, 0.04, 0.3, 1, 9.99, 9.999, 99, 99.96, 999, 9999, 9999.7, 1e4, 1e30])
    )
    lowest, highest = sorted(draw(st.tuples(*[st.floats(-largest, largest)] * 2)))
    return lowest, highest, draw(st.floats(lowest + 0.0, highest + 0.0))


# -- numbers of one width


@given(ranges())
def test_numbers_of_a_grid_have_at_most_five_characters(given: tuple[float, float, float]) -> None:
    lowest, highest, value = given
    assert len(number_format(lowest, highest)(value)) <= NUMBER_WIDTH


@given(ranges())
def test_numbers_never_show_a_wrong_sign(given: tuple[float, float, float]) -> None:
    lowest, highest, value = given
    text = number_format(lowest, highest)(value)
    assert text.startswith("-") <= (value < 0)
    if float(text):
        assert (float(text) < 0) == (value < 0)


@given(ranges())
def test_numbers_are_right_to_the_last_digit_shown(given: tuple[float, float, float]) -> None:
    lowest, highest, value = given
    text = number_format(lowest, highest)(value)
    if "e" in text:
        assert isclose(float(text), value, rel_tol=0.5)
    else:
        decimals = len(text.partition(".")[2])
        assert abs(float(text) - value) <= 0.5 * 10.0**-decimals + 1e-9


@given(ranges(), st.floats(0, 1))
def test_numbers_of_a_grid_are_aligned_at_the_point(given: tuple[float, float, float], share: float) -> None:
    lowest, highest, value = given
    other = lowest + share * (highest - lowest)
    write = number_format(lowest, highest)
    texts = [write(each).rjust(NUMBER_WIDTH) for each in (0.0, value, other)]
    assume(not any("e" in text for text in texts))
    points = {text.find(".") for text in texts}
    assert len(points) == 1


@pytest.mark.parametrize(
    ("lowest", "highest", "value", "text"),
    [
        (0, 1, 0.5, "0.50"),
        (0, 1, 0.0, "0.00"),
        (0, 1, -0.0, "0.00"),
        (-3, 3, -2.975, "-2.98"),
        (0, 9.999, 9.999, "10.0"),
        (0, 255, 127.5, "128"),
        (-99.9, 0, -99.9, "-99.9"),
        (-9999, 0, -9999, "-9999"),
        (0, 12345, 12345, "1e4"),
        (0, 0.001, 0.00096, "1e-3"),
        (-0.04, 0.04, -0.04, "-4e-2"),
        (0, 1e30, 9.7e29, "1e30"),
        (0, 0, 0, "0.00"),
    ],
)
def test_a_range_of_values_decides_the_decimals(
    lowest: float, highest: float, value: float, text: str
) -> None:
    assert number_format(lowest, highest)(value) == text


@pytest.mark.parametrize("highest", [0.01, 1.0, 255.0, 1e5])
def test_the_maximum_of_no_pixel_is_written_in_any_range(highest: float) -> None:
    assert number_format(0.0, highest)(-inf) == "-inf"


@given(st.integers(-9999, 9999))
def test_whole_numbers_have_no_decimals(value: int) -> None:
    assert number_format(-9999, 9999, integral=True)(value) == str(value)


def test_is_integral_sees_a_single_fraction() -> None:
    assert is_integral(np.array([[-1.0, 0.0], [3.0, 1e30]]))
    assert not is_integral(np.array([[1.0, 2.0], [3.0, 0.25]]))


# -- results


@given(numbers, st.integers(2, 6))
def test_results_are_right_to_their_digits(value: float, digits: int) -> None:
    shown = float(significant(value, digits))
    assert abs(shown - value) <= max(0.501 * 10.0**-digits, abs(value) * 10.0 ** (1 - digits))
    assert np.sign(shown) == np.sign(value)


@given(numbers.filter(bool), st.integers(2, 6))
def test_results_are_short(value: float, digits: int) -> None:
    text = significant(value, digits)
    assert len(text) <= len("-999999.") + digits
    assert not re.search(r"\.\d*0$", text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1, "1"),
        (-0.25, "-0.25"),
        (1 / 3, "0.3333"),
        (2e6, "2.000e+06"),
        (3e-5, "3.000e-05"),
    ],
)
def test_results_are_written_plainly(value: float, text: str) -> None:
    assert significant(value) == text
