"""Both ways of a transposed convolution show what PyTorch computes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from convtui.engine.transposed import TransposedConvolution
from convtui.engine.transposed_ways import Gathering, Scattering
from tests.engine.test_transposed import TransposedCase, legal_cases


@given(legal_cases)
def test_gathering_is_a_convolution_over_zeros(case: TransposedCase) -> None:
    """As PyTorch computes it over the spread image, which is cut by padding with negative numbers."""
    gathering = Gathering(case.ours)
    rows, columns = gathering.axes
    (down, across), groups = gathering.transposed.spec.stride, gathering.transposed.spec.groups
    image = torch.tensor(case.image)
    channels, height, width = image.shape
    spread = torch.zeros(channels, (height - 1) * down + 1, (width - 1) * across + 1, dtype=torch.float64)
    spread[:, ::down, ::across] = image
    after = [
        len(axis.sources) - axis.before - size
        for axis, size in zip((rows, columns), spread.shape[1:], strict=True)
    ]
    spread = F.pad(spread, (columns.before, after[1], rows.before, after[0]))
    weight = torch.cat(
        [torch.tensor(gathering.weights(o)[None].copy()) for o in range(gathering.output_shape[0])]
    )
    bias = None if case.bias is None else torch.tensor(case.bias)
    expected = F.conv2d(
        spread[None], weight, bias, dilation=gathering.transposed.spec.dilation, groups=groups
    )
    np.testing.assert_allclose(gathering.output, expected[0], rtol=0, atol=1e-9)
    for r, c in np.ndindex(*spread.shape[1:]):
        is_pixel = rows.sources[r] >= 0 and columns.sources[c] >= 0
        shown = case.image[:, rows.sources[r], columns.sources[c]] if is_pixel else np.zeros(channels)
        np.testing.assert_array_equal(spread[:, r, c], shown)


@given(legal_cases, st.data())
def test_a_step_over_zeros_is_the_output_cell(case: TransposedCase, data: st.DataObject) -> None:
    gathering = Gathering(case.ours)
    step = gathering.step(data.draw(st.integers(0, gathering.size - 1)))
    assert step.value == gathering.output[step.position]
    assert step.window.size == gathering.entries(step.index) == step.weights.size
    np.testing.assert_array_equal(step.products, step.window * step.weights)
    assert step.value == pytest.approx(step.products.sum() + step.bias, abs=1e-9)
    landing = gathering.transposed.step(step.index)
    assert (~step.is_padding).sum() * len(step.channels) == landing.window.size
    np.testing.assert_array_equal(
        np.sort(step.window[:, ~step.is_padding].ravel()), np.sort(landing.window.ravel())
    )


@given(legal_cases)
def test_scattering_goes_through_the_input(case: TransposedCase) -> None:
    scattering = Scattering(case.ours)
    assert scattering.size == case.image.size
    assert scattering.output_shape == scattering.transposed.output.shape
    for index in range(scattering.size):
        step = scattering.step(index)
        assert scattering.position(index) == step.position
        assert scattering.index(*step.position) == index
        assert scattering.entries(index) == step.addends.size
        assert scattering.channels_written(step.position[0]) == step.channels
    with pytest.raises(IndexError, match="does not exist"):
        scattering.step(scattering.size)


def test_a_checkerboard_appears_by_itself() -> None:
    """Of a flat image and a kernel of ones, where the stride does not divide the kernel."""
    transposed = TransposedConvolution(np.ones((1, 4, 4)), np.ones((1, 1, 3, 3)), stride=2)
    np.testing.assert_array_equal(transposed.output[0], transposed.overlaps)
    assert transposed.output[0, 1:5, 1:5].tolist() == [[1, 2, 1, 2], [2, 4, 2, 4], [1, 2, 1, 2], [2, 4, 2, 4]]
    even = TransposedConvolution(np.ones((1, 4, 4)), np.ones((1, 1, 4, 4)), stride=2)
    assert set(even.output[0, 2:-2, 2:-2].ravel().tolist()) == {4.0}
