"""Which named kernel another is like: by examples, and for kernels of any size and scale."""

from contextlib import suppress
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from convtui.engine.kernels import NAMES, kernel, legal_sizes
from convtui.engine.resemblance import (
    MINUS,
    by_chance,
    nearest_named,
    nearest_of_slices,
    strongest_slice,
)

SINGLE = [name for name in NAMES if name not in ("random", "edges")]
SIZES = st.tuples(st.integers(1, 7), st.integers(1, 7))
WEIGHTS = SIZES.flatmap(lambda size: arrays(np.float64, size, elements=st.floats(-3, 3)))


@cache
def of_size(size: tuple[int, ...]) -> list[np.ndarray]:
    """The named kernels that come in a size."""
    found = []
    for name in SINGLE:
        with suppress(ValueError):
            found.append(kernel(name, size)[0, 0])
    return found


def brute_force(weight: np.ndarray) -> float:
    """The largest cosine with any named kernel of that size, of either sign."""
    norm = np.sqrt((weight**2).sum())
    return max(
        abs(float((weight * named).sum() / norm / np.sqrt((named**2).sum())))
        for named in of_size(weight.shape)
    )


@pytest.mark.parametrize("name", SINGLE)
def test_a_named_kernel_is_like_itself(name: str) -> None:
    for size in legal_sizes(name):
        weight = kernel(name, size)[0, 0]
        found, negated = nearest_named(weight), nearest_named(-weight)
        assert found is not None
        assert negated is not None
        assert found.similarity == pytest.approx(1)
        assert negated.similarity == pytest.approx(1)
        if size == 3:
            mirrored = {"top-edge": "bottom-edge", "bottom-edge": "top-edge"}
            assert (found.name, negated.name) == (name, mirrored.get(name, f"{MINUS}{name}"))


@given(WEIGHTS, st.floats(1e-150, 1e150))
def test_it_is_the_largest_cosine_at_any_scale(weight: np.ndarray, scale: float) -> None:
    found = nearest_named(weight)
    if not weight.any():
        assert found is None
        return
    assert found is not None
    again = nearest_named(weight / np.abs(weight).max() * scale)
    assert again is not None
    assert again.similarity == pytest.approx(found.similarity)
    assert found.similarity == pytest.approx(brute_force(weight / np.abs(weight).max()))
    assert 0 <= found.similarity <= 1


@pytest.mark.parametrize("weight", [np.zeros((3, 3)), np.full((3, 3), np.nan), np.ones((20, 20))])
def test_what_is_like_none(weight: np.ndarray) -> None:
    assert nearest_named(weight) is None


def test_chance_is_what_random_kernels_reach() -> None:
    drawn = np.random.default_rng(5).standard_normal((3000, 3, 3))
    best = [brute_force(weight) for weight in drawn]
    chance = by_chance((3, 3))
    assert chance is not None
    assert chance.mean == pytest.approx(np.mean(best), abs=0.01)
    assert chance.percentile_95 == pytest.approx(np.percentile(best, 95), abs=0.02)


def test_chance_shrinks_with_the_size() -> None:
    means = [chance.mean for size in (1, 3, 5, 7) if (chance := by_chance((size, size)))]
    assert means == sorted(means, reverse=True)
    assert means[0] == pytest.approx(1)  # a number is like identity, whatever it is
    assert by_chance((13, 13)) is None


def test_the_slices_of_a_filter() -> None:
    weight = np.stack([kernel("sobel-x", 3)[0, 0] / 100, -kernel("laplacian", 3)[0, 0], np.zeros((3, 3))])
    first, second, third = nearest_of_slices(weight)
    assert first is not None
    assert second is not None
    assert (first.name, second.name, third) == ("sobel-x", f"{MINUS}laplacian", None)
    assert strongest_slice(weight) == 1
