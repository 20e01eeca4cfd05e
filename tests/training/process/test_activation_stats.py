"""Statistics of activations, also of those that no statistics can be had of."""

import math

import numpy as np
import pytest
import torch

from convtui.training.process.activation_stats import kernels, layer_statistics, not_measured, span_of
from convtui.training.protocol import BINS

WEIGHT = np.ones((1, 1, 3, 3), np.float32)


def test_the_outer_bins_hold_what_lies_beyond() -> None:
    values = np.array([-5, 0, 0.05, 0.1, 0.25, 9.99, 10, 1e30], np.float32).reshape(2, 1, 2, 2)
    told = layer_statistics(4, values, WEIGHT, (0, 10))
    assert told.layer == 4
    assert told.counts == (4, 1, *[0] * 37, 3)
    assert told.near_zero == 2 / 8
    assert told.weight_norm == 3
    assert (told.low, told.high) == (0, 10)


def test_the_histogram_is_of_sixteen_images_and_the_rest_of_all() -> None:
    values = np.zeros((20, 1, 2, 2), np.float32)
    values[16:] = 5
    told = layer_statistics(2, values, WEIGHT, (0, 10))
    assert sum(told.counts) == told.counts[0] == 16 * 4
    assert told.mean == 1
    assert told.std == pytest.approx(torch.tensor(values).std().item())
    assert told.near_zero == 0.8


def test_channels_last_makes_no_difference() -> None:
    values = np.random.default_rng(0).normal(size=(32, 3, 4, 5)).astype(np.float32)
    last = torch.tensor(values).contiguous(memory_format=torch.channels_last).numpy()
    ours, theirs = (layer_statistics(1, each, WEIGHT, (-20, 20)) for each in (values, last))
    assert (ours.counts, ours.near_zero) == (theirs.counts, theirs.near_zero)
    assert (ours.mean, ours.std) == pytest.approx((theirs.mean, theirs.std), abs=1e-6)


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_told(broken: float) -> None:
    values = np.full((2, 1, 2, 2), 1, np.float32)
    values[0, 0, 0, 0] = broken
    told = layer_statistics(1, values, WEIGHT, (0, 10))
    assert not math.isfinite(told.mean)
    assert math.isnan(told.std)
    assert sum(told.counts) == (7 if math.isnan(broken) else 8)
    assert len(told.counts) == BINS


def test_kernels_are_as_many_as_are_worth_sending() -> None:
    weight = np.linspace(-1, 1, 64 * 9 * 16, dtype=np.float32).reshape(64, 16, 3, 3)
    sent = kernels(weight)
    assert len(sent) == 4096 // (16 * 9)
    np.testing.assert_allclose(sent, weight[: len(sent)], rtol=1e-4)
    assert len(kernels(np.ones((2, 5, 31, 31), np.float32))) == 1
    assert kernels(np.full((1, 1, 1, 1), 1 / 3, np.float32)) == ((((0.33333,),),),)


@pytest.mark.parametrize(
    ("reach", "is_last", "high"),
    [(0.3, False, 2), (0.3, True, 20), (4.0, False, 20), (9.0, True, 50), (1.0, False, 5), (0.0, False, 20)],
)
def test_a_histogram_reaches_further_than_the_first_values(reach: float, is_last: bool, high: float) -> None:
    assert span_of(reach, is_last) == pytest.approx((-high, high))
    assert span_of(math.nan, is_last) == (-20, 20)


def test_what_was_not_called_is_not_measured() -> None:
    told = not_measured(3, np.full((2, 2), 1.0, np.float32), (-5, 5))
    assert (told.layer, told.weight_norm, told.low, told.high, sum(told.counts)) == (3, 2.0, -5, 5, 0)
    assert all(math.isnan(each) for each in (told.mean, told.std, told.near_zero))
