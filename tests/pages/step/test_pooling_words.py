"""What is said of a pooling is what PyTorch computes, in digits that hold."""

import re
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.engine.pooling import PoolStep, avg_pool2d, max_pool2d
from convtui.engine.reductions import Winner
from convtui.pages.step.pooling_words import pooling_lines
from tests.engine.test_pooling import PoolCase, legal_cases
from tests.support.equations_read import SIGNED, read_sum

IMAGE = np.array([[[0.5, 0.25, 0.0], [0.75, 0.75, 0.125], [0.0, 0.0, 1.0]]])
MAXIMUM = max_pool2d(IMAGE, 2, 1).step(0, 0, 0)
WIDTHS = st.integers(59, 200)


@given(legal_cases(), st.data(), WIDTHS)
def test_every_line_fits_and_every_equation_holds(case: PoolCase, data: st.DataObject, width: int) -> None:
    pooling = case.ours
    step = pooling.step(data.draw(st.integers(0, pooling.size - 1)))
    taps = data.draw(st.none() | st.integers(0, step.window.size))
    first, second = pooling_lines(step, taps, width)
    assert max(len(first), len(second)) <= width
    if isinstance(step.done, Winner):
        return
    equation = first.removeprefix("sum  ")
    if " = " in equation:
        assert read_sum(equation).adds_up
    if taps is None:
        divided = re.match(rf"output\[[\d, ]+\] = ({SIGNED}) / \(?(-?\d+)\)? ([=≈]) ({SIGNED})", second)
        assert divided, second
        total, divisor, sign, value = Decimal(divided[1]), int(divided[2]), divided[3], Decimal(divided[4])
        assert divisor == step.done.divisor
        exponent = value.as_tuple().exponent
        assert isinstance(exponent, int)
        if sign == "=":
            assert abs(total / divisor - value) <= Decimal(1).scaleb(exponent) / 2 * Decimal("1.000001")


def test_the_greatest_is_named_with_its_pixel() -> None:
    assert pooling_lines(MAXIMUM, None, 100)[0] == "greatest of 0.5, 0.25, 0.75, 0.75 = 0.75"
    assert pooling_lines(MAXIMUM, None, 120)[1].endswith("; all of the gradient goes to it")
    assert pooling_lines(MAXIMUM, None, 80)[1] == (
        "output[0, 0, 0] = 0.75   image[0, 1, 0] wins, the first of 2 that are equal"
    )
    assert pooling_lines(MAXIMUM, None, 59)[1] == "output[0, 0, 0] = 0.75   image[0, 1, 0] wins"


@pytest.mark.parametrize(
    ("taps", "line"),
    [
        (0, "output[0, 0, 0]: enter compares, one entry at a time"),
        (1, "entry 1 of 4:  0.5 is the first pixel, so the greatest so far"),
        (2, "entry 2 of 4:  0.25 < 0.5, which stays the greatest"),
        (3, "entry 3 of 4:  0.75 > 0.5, so 0.75 is the greatest so far"),
        (4, "entry 4 of 4:  0.75 = 0.75; the first of equal pixels stays the greatest"),
    ],
)
def test_entries_are_compared_one_by_one(taps: int, line: str) -> None:
    assert pooling_lines(MAXIMUM, taps, 100)[0] == line


def test_padding_never_wins() -> None:
    step = max_pool2d(-IMAGE, 2, 2, 1).step(0, 0, 0)
    assert pooling_lines(step, None, 100)[0] == "greatest of -0.5 = -0.5   (3 outside the image never win)"
    assert pooling_lines(step, 2, 100)[0] == "entry 2 of 4:  outside the image, so it never wins"
    none = max_pool2d(np.ones((1, 2, 2)), 2, 1, ((1, 1), (1, 1)), 3).step(0, 0, 0)
    assert none.is_padding.all()
    assert pooling_lines(none, None, 100)[0] == "no pixel in this window: -inf, as in PyTorch"


def test_numbers_that_differ_only_late_are_told_apart() -> None:
    image = np.array([[[0.123456, 0.123457]]])
    assert pooling_lines(max_pool2d(image, (1, 2)).step(0), 2, 100)[0] == (
        "entry 2 of 2:  0.123457 > 0.123456, so 0.123457 is the greatest so far"
    )


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (avg_pool2d(IMAGE, 2).step(0), "output[0, 0, 0] = 2.25 / 4 = 0.5625   divisor 2·2 = 4"),
        (
            avg_pool2d(IMAGE, 2, 2, 1).step(0),
            "output[0, 0, 0] = 0.5 / 4 = 0.125   divisor 2·2 = 4: the zeros of the padding count",
        ),
        (
            avg_pool2d(IMAGE, 2, 2, 1, count_include_pad=False).step(0),
            "output[0, 0, 0] = 0.5 / 1 = 0.5   divisor 1·1 = 1: without count_include_pad only pixels count",
        ),
        (
            avg_pool2d(IMAGE, 2, 2, ceil_mode=True).step(0, 1, 1),
            "output[0, 1, 1] = 1 / 1 = 1   divisor 1·1 = 1: what hangs over the padded image does not count",
        ),
        (
            avg_pool2d(IMAGE, 2, divisor_override=-3).step(0),
            "output[0, 0, 0] = 2.25 / (-3) = -0.75   divisor_override = -3, whatever the window's size",
        ),
    ],
)
def test_the_divisor_has_its_reason(step: PoolStep, line: str) -> None:
    assert pooling_lines(step, None, 150)[1] == line
