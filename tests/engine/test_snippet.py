"""The code that is written runs, and asserts the cell on show: a wrong number in it fails."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.engine.convolution import Convolution
from convtui.engine.pooling import avg_pool2d, max_pool2d
from convtui.engine.snippet import (
    Call,
    call_of_convolution,
    call_of_pooling,
    call_of_transposed,
    number,
    quoted,
    snippet,
    tensor,
)
from tests.engine.cases import Case, legal_cases
from tests.engine.test_pooling import PoolCase
from tests.engine.test_pooling import legal_cases as pool_cases
from tests.engine.test_transposed import TransposedCase
from tests.engine.test_transposed import legal_cases as transposed_cases


def run(code: str) -> dict[str, Any]:
    """The names that the code leaves behind."""
    names: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using padding='same' with even kernel lengths")
        exec(code, names)
    return names


def written(convolution: Convolution, call: Call) -> str:
    return snippet(call, [f"x = {tensor('the image', convolution.image)}"])


@given(legal_cases(), st.data())
def test_the_code_runs_and_computes_the_output(case: Case, data: st.DataObject) -> None:
    convolution = case.convolution
    step = convolution.step(data.draw(st.integers(0, convolution.size - 1)))
    names = run(written(convolution, call_of_convolution(convolution, step)))
    np.testing.assert_array_equal(names["x"].numpy(), convolution.image)
    np.testing.assert_array_equal(names["w"].numpy(), convolution.weight)
    np.testing.assert_allclose(names["y"].numpy(), convolution.output, rtol=0, atol=1e-9)


@given(legal_cases(), st.data(), st.sampled_from([1e-30, 1e-9, 1.0, 1e9]))
def test_a_wrong_number_or_a_wrong_cell_fails(case: Case, data: st.DataObject, scale: float) -> None:
    convolution = replace(case, image=case.image * scale, bias=None).convolution
    call = call_of_convolution(convolution, convolution.step(data.draw(st.integers(0, convolution.size - 1))))
    run(written(convolution, call))
    if not call.magnitude:
        return
    wrong = replace(call, value=call.value + 1e-9 * call.magnitude)
    with pytest.raises(AssertionError):
        run(written(convolution, wrong))


@given(pool_cases(), st.data())
def test_poolings(case: PoolCase, data: st.DataObject) -> None:
    pooling = case.ours
    call = call_of_pooling(pooling, pooling.step(data.draw(st.integers(0, pooling.size - 1))))
    names = run(snippet(call, [f"x = {tensor('the image', pooling.image)}"]))
    np.testing.assert_allclose(names["y"].numpy(), pooling.output, rtol=0, atol=1e-9)


@given(transposed_cases, st.data())
def test_transposed_convolutions(case: TransposedCase, data: st.DataObject) -> None:
    transposed = case.ours
    call = call_of_transposed(transposed, transposed.step(data.draw(st.integers(0, transposed.size - 1))))
    names = run(snippet(call, [f"x = {tensor('the image', transposed.image)}"]))
    np.testing.assert_allclose(names["y"].numpy(), transposed.output, rtol=0, atol=1e-9)
    if call.magnitude:
        wrong = replace(call, value=call.value + 1e-9 * call.magnitude)
        with pytest.raises(AssertionError):
            run(snippet(wrong, [f"x = {tensor('the image', transposed.image)}"]))


def test_a_maximum_is_asserted_exactly_also_of_padding_alone() -> None:
    image = np.array([[[0.1, 0.2], [0.3, 0.25]]])
    for pooling, value in (
        (max_pool2d(image, 2), "0.3"),
        (max_pool2d(image, 2, padding=1, dilation=3), 'float("-inf")'),
    ):
        code = snippet(call_of_pooling(pooling, pooling.step(0)), [f"x = {tensor('the image', image)}"])
        assert code.splitlines()[-1] == f"assert y[0, 0, 0] == {value}"
        run(code)


def test_a_divisor_below_zero() -> None:
    pooling = avg_pool2d(np.ones((1, 2, 2)), 2, divisor_override=-3)
    code = snippet(call_of_pooling(pooling, pooling.step(0)), [f"x = {tensor('the image', pooling.image)}"])
    assert code.splitlines()[-1].startswith("assert abs(y[0, 0, 0] + 1.3333333333333333) <=")
    run(code)


def test_a_pooling_that_no_call_computes_is_refused() -> None:
    pooling = avg_pool2d(np.ones((1, 4, 4)), 2, padding=((0, 1), (0, 0)), count_include_pad=False)
    with pytest.raises(ValueError, match="no code can be written: no single PyTorch call pads"):
        call_of_pooling(pooling, pooling.step(0))


def test_a_cell_that_adds_up_nothing_is_asserted_exactly() -> None:
    convolution = Convolution(np.zeros((1, 3, 3)), np.ones((1, 1, 2, 2)))
    code = written(convolution, call_of_convolution(convolution, convolution.step(0)))
    assert code.endswith("assert y[0, 0, 0] == 0\n")
    run(code)


@pytest.mark.parametrize("values", [[1e30, -1e30, 1e30, 1.0], [5e-324, 0.0, -5e-324, 1e-300]])
def test_huge_and_tiny_numbers(values: list[float]) -> None:
    convolution = Convolution(np.array(values).reshape(1, 2, 2), np.full((1, 1, 2, 2), 3.0))
    run(written(convolution, call_of_convolution(convolution, convolution.step(0))))


@given(st.floats(allow_nan=False))
def test_a_number_is_read_back_to_the_bit(value: float) -> None:
    read = float(eval(number(value)))
    assert np.float64(read).tobytes() == np.float64(value).tobytes() or value == read == 0.0


@given(st.text())
def test_a_text_is_read_back(text: str) -> None:
    assert eval(quoted(text)) == text


def test_short_arrays_stand_on_one_line_and_alike_slices_are_written_once() -> None:
    weight = np.tile(np.array([[1.0, 0.5], [0.0, -1.0]]), (1, 3, 1, 1))
    assert tensor("w", weight) == (
        "torch.tensor([[[[1, 0.5], [0, -1]]]], dtype=torch.float64).repeat(1, 3, 1, 1)"
    )


def test_too_many_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="w has 65,537 numbers, too many to be written out; at most 65,536"):
        tensor("w", np.arange(65537.0))
