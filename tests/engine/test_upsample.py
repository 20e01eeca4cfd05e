"""Upsampling agrees with torch.nn.Upsample: sizes, values and refusals."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.engine.layers import Layer
from convtui.engine.spec import SpecError
from convtui.engine.upsample import Upsample
from tests.engine.stacks import built, upsamples

assert_close = partial(np.testing.assert_allclose, rtol=1e-9, atol=1e-9)


@settings(max_examples=300)
@given(upsamples(), st.tuples(*[st.integers(1, 12)] * 3), st.integers(0, 1000))
def test_values_are_those_of_torch(layer: Layer, shape: tuple[int, int, int], seed: int) -> None:
    assert isinstance(layer, Upsample)
    x = np.random.default_rng(seed).normal(size=(2, *shape))
    try:
        expected = built(layer, torch.tensor(x[0]))(torch.tensor(x)).numpy()
    except RuntimeError:
        with pytest.raises(SpecError, match="makes 0"):
            layer.output_shape(shape)
        return
    assert layer.output_shape(shape) == expected.shape[1:]
    assert_close(layer.of(x), expected)


@given(st.integers(1, 60), st.integers(1, 60))
def test_every_size_to_every_size(before: int, after: int) -> None:
    x = np.random.default_rng(before).normal(size=(1, 1, before, before))
    for mode, corners in ("nearest", None), ("bilinear", False), ("bilinear", True):
        expected = torch.nn.Upsample(after, None, mode, corners)(torch.tensor(x)).numpy()
        assert_close(Upsample(after, None, mode, corners).of(x), expected)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (Upsample(scale_factor=2), "upsample 2"),
        (Upsample(scale_factor=(1.5, 2)), "upsample 1.5x2"),
        (Upsample(7), "upsample size=7"),
        (Upsample((7, 9), mode="bilinear"), "upsample size=7x9 bilinear"),
        (Upsample(7, None, "bilinear", True), "upsample size=7 bilinear align_corners"),
    ],
)
def test_text(layer: Upsample, text: str) -> None:
    assert str(layer) == text


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "size=None: needs either size or scale_factor, one of them; nearest legal: scale_factor 2"),
        ({"size": 2, "scale_factor": 2}, "size=2: needs either size or scale_factor, one of them"),
        ({"scale_factor": 0}, "scale_factor=0: must be greater than 0; nearest legal: 2"),
        ({"scale_factor": (1, 2, 3)}, "scale_factor=(1, 2, 3): must be one number or a pair (rows, columns)"),
        ({"size": (1, 2, 3)}, "size=(1, 2, 3): must be one number or a pair (rows, columns)"),
        ({"size": 2.5}, "size=2.5: must be a whole number"),
        (
            {"size": 2, "mode": "bicubic"},
            "mode='bicubic': unknown mode; nearest legal: 'nearest' or 'bilinear'",
        ),
        ({"size": 2, "align_corners": True}, "align_corners=True: is only for mode bilinear"),
    ],
)
def test_illegal_parameters_are_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as error:
        Upsample(**parameters)
    assert str(error.value).startswith(message)


def test_outputs_too_large_are_refused() -> None:
    with pytest.raises(SpecError, match=r"scale_factor=\(99.0, 99.0\): makes 19800 rows, not 1 to 16384"):
        Upsample(scale_factor=99).output_shape((1, 200, 20))
