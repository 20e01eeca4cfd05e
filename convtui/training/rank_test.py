"""Whether two samples differ, told from their ranks alone: with a handful of runs no distribution is known.

The test is exact: it goes through all ways in which the ranks could have fallen to the two samples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import comb
from typing import Final

LEAST_VALUES: Final = 4  # in each sample; with three no result would have p ≤ 0.05
CLEAR: Final = 0.05  # the largest p that is called clear


def doubled_midranks(values: Sequence[float]) -> list[int]:
    """Twice the rank of each value, counted from 1; equal values share the mean of their ranks."""
    ordered = sorted(values)
    first = {value: at for at, value in reversed([*enumerate(ordered)])}
    count = Counter(ordered)
    return [2 * first[value] + count[value] + 1 for value in values]


def rank_p(some: Sequence[float], others: Sequence[float]) -> float:
    """The two-sided p of the Mann-Whitney U test by midranks, exact also where values are equal.

    The share of all ways to choose as many values as `some` has whose sum of ranks is at least as far from
    its mean as that of `some`. The values are finite.
    Source: Mann and Whitney 1947, https://doi.org/10.1214/aoms/1177730491
    """
    ranks = doubled_midranks([*some, *others])
    ways = _ways(ranks, len(some))
    middle = len(some) * sum(ranks)  # times len(ranks), as are the distances, to stay whole numbers
    distance = abs(len(ranks) * sum(ranks[: len(some)]) - middle)
    as_far = sum(count for total, count in ways.items() if abs(len(ranks) * total - middle) >= distance)
    return as_far / comb(len(ranks), len(some))


def least_p(some: int, others: int) -> float:
    """The least p that samples of so many values can have: all of one below all of the other."""
    return 2 / comb(some + others, some)


def _ways(ranks: Sequence[int], size: int) -> Counter[int]:
    """In how many ways so many of the ranks have each sum."""
    ways = [Counter({0: 1}), *(Counter[int]() for _ in range(size))]
    for rank in ranks:
        for chosen in range(size, 0, -1):
            for total, count in ways[chosen - 1].items():
                ways[chosen][total + rank] += count
    return ways[size]
