"""What is written as a PyTorch call computes, when PyTorch runs it, what convtui computes."""

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from torch.nn import functional

from convtui.engine.pooling import avg_pool2d, max_pool2d
from convtui.engine.spec import ConvSpec
from convtui.engine.torch_text import NO_CALL, pooling_call, torch_call, transposed_call
from convtui.engine.transposed import TransposedConvolution
from tests.engine.cases import Case, legal_cases
from tests.engine.test_pooling import PoolCase
from tests.engine.test_pooling import legal_cases as pool_cases
from tests.engine.test_transposed import TransposedCase
from tests.engine.test_transposed import legal_cases as transposed_cases


def run(call: str, case: Case | TransposedCase | PoolCase) -> torch.Tensor:
    """What the text computes, as in a notebook that has x, w and b."""
    names = {"F": functional, "x": torch.tensor(case.image)[None]}
    if not isinstance(case, PoolCase):
        names |= {"w": torch.tensor(case.weight), "b": None if case.bias is None else torch.tensor(case.bias)}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using padding='same' with even kernel lengths")
        output: torch.Tensor = eval(call, names)[0]
    return output


@given(legal_cases())
def test_the_call_computes_what_is_shown(case: Case) -> None:
    convolution = case.convolution
    output = run(torch_call(convolution.spec, case.bias is not None), case)
    np.testing.assert_allclose(output.numpy(), convolution.output, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("given", "has_bias", "call"),
    [
        ({}, False, "F.conv2d(x, w)"),
        ({"stride": 2, "padding": 1}, False, "F.conv2d(x, w, stride=2, padding=1)"),
        ({"stride": (2, 1), "dilation": 2}, True, "F.conv2d(x, w, bias=b, stride=(2, 1), dilation=2)"),
        ({"padding": (0, 1), "groups": 3}, False, "F.conv2d(x, w, padding=(0, 1), groups=3)"),
        ({"padding": "same"}, False, 'F.conv2d(x, w, padding="same")'),
        ({"padding": "valid", "padding_mode": "reflect"}, False, "F.conv2d(x, w)"),
        ({"padding": ((0, 1), (2, 3))}, False, "F.conv2d(F.pad(x, (2, 3, 0, 1)), w)"),
        (
            {"padding": 1, "padding_mode": "reflect", "stride": 2},
            False,
            'F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), w, stride=2)',
        ),
        (
            {"padding": "same", "padding_mode": "circular"},
            True,
            'F.conv2d(F.pad(x, (1, 1, 1, 1), mode="circular"), w, bias=b)',
        ),
    ],
)
def test_defaults_are_left_out(given: dict[str, Any], has_bias: bool, call: str) -> None:
    assert torch_call(ConvSpec(3, **given), has_bias) == call


@given(pool_cases())
def test_the_call_of_a_pooling_computes_what_is_shown(case: PoolCase) -> None:
    output = run(pooling_call(case.ours), case)
    np.testing.assert_allclose(output.numpy(), case.ours.output, rtol=0, atol=1e-9)


@given(transposed_cases)
def test_the_call_of_a_transposed_convolution_computes_what_is_shown(case: TransposedCase) -> None:
    output = run(transposed_call(case.ours.spec, case.bias is not None), case)
    np.testing.assert_allclose(output.numpy(), case.ours.output, rtol=0, atol=1e-9)


IMAGE = np.arange(49.0).reshape(1, 7, 7)
SIDES = ((0, 1), (1, 0))


@pytest.mark.parametrize("pool", [max_pool2d, avg_pool2d])
def test_uneven_padding_of_a_pooling_is_put_there_first(pool: Any) -> None:
    pooling = pool(IMAGE - 24, 3, 2, SIDES)
    output = run(pooling_call(pooling), PoolCase("", IMAGE - 24, {}))
    np.testing.assert_allclose(output.numpy(), pooling.output, rtol=0, atol=1e-9)


def test_uneven_padding_of_a_transposed_convolution_is_cut_off_last() -> None:
    case = TransposedCase(IMAGE, np.arange(9.0).reshape(1, 1, 3, 3), None, {"stride": 2, "padding": SIDES})
    transposed = TransposedConvolution(case.image, case.weight, **case.parameters)
    output = run(transposed_call(transposed.spec), case)
    np.testing.assert_allclose(output.numpy(), transposed.output, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("pooling", "call"),
    [
        (max_pool2d(IMAGE, 2), "F.max_pool2d(x, 2)"),
        (
            max_pool2d(IMAGE, 3, 2, 1, ceil_mode=True),
            "F.max_pool2d(x, 3, stride=2, padding=1, ceil_mode=True)",
        ),
        (avg_pool2d(IMAGE, (2, 3), 1), "F.avg_pool2d(x, (2, 3), stride=1)"),
        (avg_pool2d(IMAGE, 3, 2, SIDES, ceil_mode=True), NO_CALL),
        (avg_pool2d(IMAGE, 3, 2, SIDES, count_include_pad=False), NO_CALL),
    ],
)
def test_calls_of_poolings_are_short(pooling: Any, call: str) -> None:
    assert pooling_call(pooling) == call
