"""The exact rank test against all splits, written out, and against what is known of p values."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.training.rank_test import doubled_midranks, rank_p

few = st.lists(st.integers(0, 4).map(float), min_size=1, max_size=5)  # with many that are equal


def midrank(value: float, values: list[float]) -> float:
    return sum(each < value for each in values) + (sum(each == value for each in values) + 1) / 2


def brute_force_p(some: list[float], others: list[float]) -> float:
    """All splits of the pooled midranks, one by one."""
    pooled = [*some, *others]
    ranks = [midrank(each, pooled) for each in pooled]
    mean = len(some) * sum(ranks) / len(ranks)
    sums = [sum(ranks[at] for at in chosen) for chosen in combinations(range(len(ranks)), len(some))]
    distance = abs(sum(ranks[: len(some)]) - mean)
    return sum(abs(each - mean) >= distance - 1e-9 for each in sums) / len(sums)


@given(few)
def test_equal_values_share_the_mean_of_their_ranks(values: list[float]) -> None:
    assert doubled_midranks(values) == [2 * midrank(each, values) for each in values]


@given(few, few)
def test_p_is_that_of_all_splits(some: list[float], others: list[float]) -> None:
    assert rank_p(some, others) == pytest.approx(brute_force_p(some, others))


@given(few, few)
def test_p_does_not_depend_on_the_order(some: list[float], others: list[float]) -> None:
    assert rank_p(some, others) == pytest.approx(rank_p(others, some))
    assert rank_p(some, others) == rank_p(some[::-1], others[::-1])


@pytest.mark.parametrize(("size", "p"), [(3, 2 / 20), (4, 2 / 70), (5, 2 / 252), (10, 2 / 184_756)])
def test_samples_that_do_not_overlap_have_the_least_p(size: int, p: float) -> None:
    assert rank_p([*range(size)], [*range(size, 2 * size)]) == pytest.approx(p)


@given(st.integers(1, 6), st.integers(1, 6), st.floats(-9, 9))
def test_identical_values_never_differ(one: int, two: int, value: float) -> None:
    assert rank_p([value] * one, [value] * two) == 1
