"""The line of a sum says what the cell is, and holds in the digits that it shows."""

import re
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.engine.convolution import Convolution
from convtui.engine.pooling import avg_pool2d, max_pool2d
from convtui.engine.transposed import TransposedConvolution
from convtui.export.sums import in_words, sum_line
from tests.engine.cases import Case, legal_cases


@given(legal_cases(), st.data(), st.integers(40, 160))
def test_the_line_fits_and_adds_up_to_the_cell(case: Case, data: st.DataObject, room: int) -> None:
    convolution = case.convolution
    step = convolution.step(data.draw(st.integers(0, convolution.size - 1)))
    line = sum_line(step, room)
    name, *middle, shown = re.split(r" [=≈] ", line.removesuffix(" (rounded)"))
    assert name == f"output{[*step.position]}"
    assert float(shown) == pytest.approx(step.value, abs=6e-3 * max(1.0, abs(step.value)))
    assert len(line) <= max(room, 75)
    terms = re.sub(r"^sum of [\d,]+ products? ?", "", "".join(middle)).replace("bias ", "")
    if terms and "≈" not in line:
        signed = terms.replace("+ -", "- ").replace("- ", "-").replace("+ ", "").split()
        assert sum(map(Decimal, signed)) == Decimal(shown)


@pytest.mark.parametrize(
    ("bias", "room", "line"),
    [
        (None, 80, "output[0, 0, 0] = -1 - 2 - 3 + 0 + 0 + 0 + 7 + 8 + 9 = 18"),
        ([-0.5], 80, "output[0, 0, 0] = -1 - 2 - 3 + 0 + 0 + 0 + 7 + 8 + 9 + bias -0.5 = 17.5"),
        (None, 40, "output[0, 0, 0] = sum of 9 products = 18"),
        ([-0.5], 65, "output[0, 0, 0] = sum of 9 products 18 + bias -0.5 = 17.5"),
    ],
)
def test_examples(bias: list[float] | None, room: int, line: str) -> None:
    image = np.arange(1.0, 10.0).reshape(1, 3, 3)
    weight = np.array([[-1.0] * 3, [0.0] * 3, [1.0] * 3])[None, None]
    assert sum_line(Convolution(image, weight, bias).step(0), room) == line


def test_several_slices_are_told_by_their_sums() -> None:
    step = Convolution(np.ones((2, 2, 2)), np.ones((1, 2, 2, 2)), [3.0]).step(0)
    assert sum_line(step, 80) == "output[0, 0, 0] = 4 + 4 + bias 3 = 11"
    assert in_words(step) == "the products of each of the 2 slices, added up, then the bias"


def test_poolings_say_what_is_compared_or_divided() -> None:
    image = np.arange(1.0, 10.0).reshape(1, 3, 3)
    assert sum_line(max_pool2d(image, 2).step(0), 80) == "output[0, 0, 0] = greatest of 1, 2, 4, 5 = 5"
    assert sum_line(max_pool2d(image, 3).step(0), 40) == "output[0, 0, 0] = greatest of 9 pixels = 9"
    nothing = max_pool2d(image[:, :2, :2], 2, padding=1, dilation=3)
    assert sum_line(nothing.step(0), 80) == "output[0, 0, 0] = -inf: no pixel in this window"
    assert sum_line(avg_pool2d(image, 2).step(0), 80) == "output[0, 0, 0] = 12 / 4 = 3"
    negative = avg_pool2d(image, 2, divisor_override=-8)
    assert sum_line(negative.step(0), 80) == "output[0, 0, 0] = 12 / (-8) = -1.5"


def test_one_product_or_none_is_no_sum() -> None:
    step = Convolution(np.full((1, 1, 1), 5.0), np.full((1, 1, 1, 1), 2.0)).step(0)
    assert sum_line(step, 80) == "output[0, 0, 0] = 10"
    nothing = TransposedConvolution(np.ones((1, 2, 2)), np.ones((1, 1, 1, 1)), stride=3).step(0, 1, 1)
    assert sum_line(nothing, 80) == "output[0, 1, 1] = 0"
