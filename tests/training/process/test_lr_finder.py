"""The learning-rate search stops when the loss explodes, and suggests where it fell fastest."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from convtui.pages.train.run_figures import search_status
from convtui.training.process.loop import find
from convtui.training.process.lr_finder import BETA, RATES, SKIPPED, Finder, middle_of_fall
from convtui.training.protocol import Suggested, Tried
from convtui.training.runs.history import Search
from tests.support.small_runs import SMALL, digits


def searched(loss_at: Callable[[float], float]) -> tuple[list[Tried], float | None]:
    finder, tried = Finder(), []
    for lr in RATES:
        tried.append(finder.tried(lr, loss_at(lr)))
        if finder.has_exploded:
            break
    return tried, finder.suggested().steepest


def test_the_rates_rise_evenly_from_a_millionth_to_ten() -> None:
    assert len(RATES) == 100
    assert (RATES[0], RATES[-1]) == pytest.approx((1e-6, 10))
    np.testing.assert_allclose(np.diff(np.log(RATES)), math.log(10) * 7 / 99)


def test_the_loss_is_smoothed_without_a_bias_to_0() -> None:
    tried, _ = searched(lambda lr: 2 + math.log10(lr) / 10)
    weights = np.array([BETA ** (9 - i) for i in range(10)])
    mean = np.dot(weights, [each.loss for each in tried[:10]]) / weights.sum()
    assert tried[0].smooth == pytest.approx(tried[0].loss)
    assert tried[9].smooth == pytest.approx(mean)


def test_the_steepest_fall() -> None:
    """A fall around 1e-3 is seen by the moving average a few rates later."""
    _, steepest = searched(lambda lr: 2 - math.tanh(5 * (math.log10(lr) + 3)))
    assert steepest
    assert 1e-3 <= steepest <= 4e-3


def test_a_loss_that_explodes_ends_the_search() -> None:
    tried, steepest = searched(lambda lr: 1.0 if lr > 1e-2 else 2 - math.log10(lr) / 10)
    assert len(tried) == 100
    tried, again = searched(lambda lr: 100.0 if lr > 1 else 1.0 if lr > 1e-2 else 2 - math.log10(lr) / 10)
    assert 1 < tried[-1].lr < 1.2
    assert tried[-1].smooth > 4 * min(each.smooth for each in tried)
    assert again == steepest


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_a_loss_that_is_no_number_ends_the_search(broken: float) -> None:
    tried, steepest = searched(lambda lr: broken if lr > 0.1 else 2 - lr)
    assert 0.1 < tried[-1].lr < 0.12
    assert steepest is not None
    tried, steepest = searched(lambda _: broken)
    assert len(tried) == 1
    assert steepest is None


def test_a_loss_that_never_falls_suggests_nothing() -> None:
    assert searched(lambda lr: 1 + lr / 10)[1] is None


def test_a_loss_that_falls_at_the_first_rates_only_suggests_nothing() -> None:
    """And is told as such: the rates left out are those where it was least."""
    assert searched(lambda lr: 2.0 if lr < RATES[1] else 1.0 if lr < RATES[4] else 3.0)[1] is None
    search = Search(SMALL)
    search.take(Suggested(None, None, None))
    assert search_status(search).words == "no suggestion: the loss was lowest at the first rates"


def test_a_search_on_the_digits() -> None:
    *tried, suggested = find(SMALL, digits())
    assert isinstance(suggested, Suggested)
    assert [each.lr for each in tried if isinstance(each, Tried)] == list(RATES[: len(tried)])
    assert suggested.steepest
    assert 1e-4 < suggested.steepest < 1e-1


def test_a_tenth_of_the_rate_with_the_least_loss() -> None:
    finder = Finder()
    for lr in RATES:
        finder.tried(lr, abs(math.log10(lr) + 2))
    smoothed_least = finder.suggested().tenth
    assert smoothed_least
    assert 1e-3 <= smoothed_least <= 5e-3


@pytest.mark.parametrize(
    ("losses", "at"),
    [
        ([3, 2.9, 2.95, 2.7, 2.2, 2.3, 1.4, 1.0, 1.1, 0.8, 1.9, 3], 5),
        ([5, 4, 3, 2, 1, 0], 2),
        ([1, 5, 4, 6, 3, 2, 1, 7], 2),
        ([1, 2, 3], None),
        ([2, 1], 0),
        ([1.0], None),
        ([], None),
    ],
)
def test_the_valley_is_where_fastai_has_it(losses: list[float], at: int | None) -> None:
    """But for a fall of two losses at the start, for which fastai's index is -1."""
    assert middle_of_fall(losses) == at


@pytest.mark.parametrize("explodes", [10.0, math.nan])
def test_the_valley_of_a_search_leaves_out_the_noisy_start_and_the_explosion(explodes: float) -> None:
    finder = Finder()
    for lr in RATES[:80]:
        finder.tried(lr, 2 - math.log10(lr) / 10)
    finder.tried(RATES[80], explodes)
    shown = RATES[SKIPPED : 80 if math.isnan(explodes) else 81 - 5]
    third = len(shown) / 3
    assert finder.suggested().valley == shown[-1 + int(third) + int(third / 2)]


def test_a_search_that_falls_nowhere_has_no_valley() -> None:
    assert searched_valley(lambda lr: 1 + lr) is None
    fallen = searched_valley(lambda lr: 2 - math.tanh(5 * (math.log10(lr) + 3)))
    assert fallen
    assert 1e-3 < fallen < 1e-2


def searched_valley(loss_at: Callable[[float], float]) -> float | None:
    finder = Finder()
    for lr in RATES:
        finder.tried(lr, loss_at(lr))
    return finder.suggested().valley
