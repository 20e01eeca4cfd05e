"""What is written as a PyTorch call computes, when PyTorch runs it, what convtui computes."""

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from torch.nn import functional

from convtui.engine.spec import ConvSpec
from convtui.engine.torch_text import torch_call
from tests.engine.cases import Case, legal_cases


def run(call: str, case: Case) -> torch.Tensor:
    """What the text computes, as in a notebook that has x, w and b."""
    bias = None if case.bias is None else torch.tensor(case.bias)
    names = {"F": functional, "x": torch.tensor(case.image), "w": torch.tensor(case.weight), "b": bias}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using padding='same' with even kernel lengths")
        output: torch.Tensor = eval(call, names)
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
