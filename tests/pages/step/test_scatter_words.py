"""What is said of a pixel that lands is true, and its sums add up."""

import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.engine.transposed import TransposedConvolution
from convtui.pages.step.scatter_words import scatter_lines
from tests.engine.test_transposed import TransposedCase, legal_cases
from tests.support.equations_read import SIGNED, assert_product, read_sum

FLAT = TransposedConvolution(np.ones((1, 3, 3)), np.arange(1.0, 10).reshape(1, 1, 3, 3), None, 2, 1)


@settings(max_examples=50)
@given(legal_cases, st.data(), st.integers(59, 200))
def test_every_line_fits_and_every_equation_holds(
    case: TransposedCase, data: st.DataObject, width: int
) -> None:
    transposed = case.ours
    step = transposed.scatter(data.draw(st.integers(0, case.image.size - 1)))
    taps = data.draw(st.none() | st.integers(0, step.addends.size))
    slice = 0 if not taps else (taps - 1) // step.addends[0].size
    first, second = scatter_lines(transposed, step, slice, taps, width)
    assert max(len(first), len(second)) <= width
    product = re.search(rf"({SIGNED} × {SIGNED} [=≈] {SIGNED})", first)
    if taps:
        assert product
        assert_product(product[1])
    if second.startswith("output["):
        equation = second.split("] = ")[1].split("   ")[0]
        assert read_sum(equation).adds_up


def test_a_pixel_lands_on_a_window_of_the_output() -> None:
    first, second = scatter_lines(FLAT, FLAT.scatter(4), 0, None, 120)
    assert first == "image[0, 1, 1] = 1 times the kernel is added to rows 1 to 3 and columns 1 to 3"
    assert second == "5 of these 9 cells had a sum before: there windows overlap, and what lands is added"
    assert scatter_lines(FLAT, FLAT.scatter(0), 0, None, 120) == (
        "image[0, 0, 0] = 1 times the kernel is added to rows -1 to 1 and columns -1 to 1"
        "; 5 weights of 9 cut off",
        "nothing has landed on these 4 cells before",
    )


def test_a_product_is_added_to_one_cell() -> None:
    first, second = scatter_lines(FLAT, FLAT.scatter(4), 0, 1, 120)
    assert first == "multiply-add 1 of 9:  1 × 1 = 1, added to output[0, 1, 1]"
    total = float(FLAT.landed(4, 1, 0, [1], [1])[0, 0])
    assert second == f"output[0, 1, 1] = {total - 1:g} + 1 = {total:g}"
    assert scatter_lines(FLAT, FLAT.scatter(0), 0, 1, 120)[1] == "outside the output: the padding cuts it off"
