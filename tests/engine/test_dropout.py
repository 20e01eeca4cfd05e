"""Dropout is off in evaluation; in training its mask is that of the seed, and keeps the mean."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from convtui.engine.dropout import Dropout
from convtui.engine.spec import SpecError


@given(st.floats(-0.5, 1.5))
def test_probabilities_are_those_of_torch(p: float) -> None:
    try:
        nn.Dropout(p)
    except ValueError:
        with pytest.raises(SpecError, match=r"must be from 0 to 1; nearest legal: [01]"):
            Dropout(p)
    else:
        assert Dropout(p).p == p


def test_evaluation_changes_nothing() -> None:
    x = np.arange(6.0).reshape(1, 6)
    np.testing.assert_array_equal(Dropout(0.9).of(x), x)


@given(st.floats(0, 0.9), st.integers(0, 2**32))
def test_masks(p: float, seed: int) -> None:
    mask = Dropout(p).mask((4, 50, 50), seed)
    np.testing.assert_array_equal(mask, Dropout(p).mask((4, 50, 50), seed))
    assert set(np.unique(mask)) <= {0.0, 1 / (1 - p)}
    spread = np.sqrt(p / (1 - p) / mask.size)
    assert abs(mask.mean() - 1) <= 6 * spread + 1e-12


def test_masks_differ_from_seed_to_seed() -> None:
    first, second = (Dropout().mask((100,), seed) for seed in (0, 1))
    assert (first != second).any()
    assert not Dropout(1).mask((100,), 0).any()


def test_text() -> None:
    assert [str(Dropout()), str(Dropout(0.2)), str(Dropout(0))] == ["dropout", "dropout 0.2", "dropout 0"]
