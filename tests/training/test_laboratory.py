"""What the laboratory compares, and that it says of two arms no more than their runs show."""

from dataclasses import replace
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.training.laboratory import (
    FIGURES,
    RATES,
    Comparison,
    Sample,
    arm_names,
    arms_of,
    network_words,
    rates_of,
    refusal,
    spread,
    verdict,
)
from convtui.training.own_network import OwnNetwork
from convtui.training.recipe import Recipe

GAP = next(figure for figure in FIGURES if figure.key == "gap")
ACCURACY = next(figure for figure in FIGURES if figure.key == "accuracy")
SHARPNESS = next(figure for figure in FIGURES if figure.key == "sharpness")
NAMES = ("decay 0", "decay 0.3")


def samples(*values: list[float]) -> list[Sample]:
    return [Sample.of(each) for each in values]


@pytest.mark.parametrize(
    ("comparison", "names"),
    [
        (Comparison.DECAY, ("decay 0", "decay 0.3")),
        (Comparison.SCHEDULE, ("constant", "one-cycle")),
        (Comparison.NORM, ("no batch norm", "batch norm")),
        (Comparison.MOMENTUM, ("no momentum", "momentum 0.85 to 0.95")),
    ],
)
def test_arms_are_named_by_what_differs(comparison: Comparison, names: tuple[str, ...]) -> None:
    recipe = Recipe(seed=3)
    assert arm_names(arms_of(comparison, recipe)) == names


def test_marked_runs_of_one_recipe_are_one_arm() -> None:
    recipe = Recipe(seed=3)
    marked = [recipe, replace(recipe, seed=4), replace(recipe, epochs=8, weight_decay=0.1)]
    arms = arms_of(Comparison.MARKED, Recipe(), marked)
    assert arms == (Recipe(), Recipe(epochs=8, weight_decay=0.1))
    assert arm_names(arms) == ("epochs 5, decay 0.01", "epochs 8, decay 0.1")


def test_rates_have_an_arm_for_each_schedule_and_rate() -> None:
    arms = arms_of(Comparison.RATES, Recipe())
    assert len(arms) == 2 * len(RATES)
    assert {(arm.schedule, arm.max_lr) for arm in arms} == {
        (schedule, rate) for schedule in ("constant", "one-cycle") for rate in RATES
    }


def test_scatter_is_the_sample_deviation() -> None:
    sample = Sample.of([1.0, 2.5, None, 3.0, float("nan")])
    assert len(sample) == 3
    assert sample.scatter == pytest.approx(np.std([1.0, 2.5, 3.0], ddof=1))
    assert spread(GAP, sample) == "2.17 ± 1.04 points"
    assert Sample.of([1.0]).scatter is None


def test_a_difference_is_told_with_its_direction() -> None:
    found = verdict(GAP, NAMES, samples([1.6, 1.9, 2.2, 2.0, 1.8], [0.3, 0.4, 0.5, 0.45, 0.35]))
    assert found == (
        "decay 0.3 has a smaller gap than decay 0: 0.40 ± 0.08 against 1.90 ± 0.22 points, "
        "p = 0.0079 over 5 seeds"
    )
    found = verdict(ACCURACY, NAMES, samples([97, 97.1, 97.2, 97.3], [98, 98.1, 98.2, 98.3]))
    assert found.startswith(
        "decay 0.3 has a higher validation accuracy than decay 0: 98.15 ± 0.13 against 97.15"
    )


def test_what_overlaps_is_no_clear_difference() -> None:
    found = verdict(SHARPNESS, NAMES, samples([1, 3, 5, 7, 9], [2, 4, 6, 8, 10]))
    assert found == "no clear difference in sharpness over 5 seeds (p = 0.69)"


def test_with_few_seeds_nothing_is_told_apart() -> None:
    found = verdict(GAP, NAMES, samples([1.0, 1.1, 1.2], [5.0, 5.1, 5.2]))
    assert found.startswith("gap: too few seeds to tell (3): decay 0 1.10 ± 0.10 points")


def test_what_is_not_known_is_not_told() -> None:
    assert verdict(GAP, NAMES, samples([1.0], [])) == "gap: not measured yet"


def test_several_arms_pay_for_their_pairs() -> None:
    """The p of one pair is times the number of pairs, so that four arms claim no more by chance than two."""
    low, high = [1.0, 2, 3, 4, 5], [6.0, 7, 8, 9, 10]
    three = samples(low, high, low)
    found = verdict(GAP, ("a", "b", "c"), three)
    assert "p = 0.024 over 5 seeds, clear in 2 of 3 pairs" in found
    four_seeds = samples(low[:4], high[:4], low[:4])
    assert "too few seeds to tell (4)" in verdict(GAP, ("a", "b", "c"), four_seeds)


@given(st.lists(st.floats(-100, 100), min_size=4, max_size=8))
def test_identical_runs_never_differ(values: list[float]) -> None:
    assert "no clear difference" in verdict(GAP, NAMES, samples(values, values[::-1]))


@pytest.mark.parametrize("arms", [2, 3, 4])
@pytest.mark.parametrize("seeds", [4, 5, 8])
def test_runs_without_a_difference_are_seldom_told_apart(arms: int, seeds: int) -> None:
    random, names = Random(0), [f"arm {at}" for at in range(arms)]
    trials = 400
    drawn = (
        samples(*([random.gauss(0, 1) for _ in range(seeds)] for _ in range(arms))) for _ in range(trials)
    )
    clear = sum(" has a smaller " in verdict(GAP, names, each) for each in drawn)
    assert clear / trials <= 0.05 + 3 * (0.05 * 0.95 / trials) ** 0.5


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5), st.lists(st.floats(2, 3), min_size=5, max_size=5))
def test_runs_with_a_difference_are_told_apart_the_right_way(low: list[float], high: list[float]) -> None:
    assert verdict(GAP, NAMES, samples(high, low)).startswith("decay 0.3 has a smaller gap than decay 0:")
    assert verdict(GAP, NAMES, samples(low, high)).startswith("decay 0 has a smaller gap than decay 0.3:")


def test_a_mean_that_rounds_to_zero_has_no_sign() -> None:
    assert spread(SHARPNESS, Sample.of([-1e-7, -2e-7])) == "0.0000 ± 0.0000"
    assert spread(SHARPNESS, Sample.of([-0.5])) == "−0.500"


def test_a_mean_that_one_run_turns_round_is_no_clear_difference() -> None:
    one = [*(0.01 * number for number in range(9)), 100.0]
    other = [1.0 + 0.01 * number for number in range(10)]
    assert "no clear difference in sharpness over 10 seeds" in verdict(SHARPNESS, NAMES, samples(one, other))


def test_so_many_arms_of_four_seeds_are_too_few_to_tell() -> None:
    arms = [[number + 10.0 * arm for number in range(4)] for arm in range(3)]
    assert "too few seeds to tell (4)" in verdict(SHARPNESS, ("a", "b", "c"), samples(*arms))


NET = OwnNetwork("/home/me/net.py:Net")


def test_of_fixed_code_a_norm_is_not_compared() -> None:
    own = replace(Recipe(), network=NET)
    assert arms_of(Comparison.NORM, own) == ()
    assert refusal(Comparison.NORM, own).startswith("net.py:Net has the norms of its code")
    for comparison in set(Comparison) - {Comparison.NORM, Comparison.MARKED}:
        assert refusal(comparison, own) == ""
        assert len(arms_of(comparison, own)) >= 2
    assert refusal(Comparison.NORM, Recipe()) == ""


@pytest.mark.parametrize(
    ("max_lr", "first", "last"),
    [(0.001, 3e-05, 0.03), (0.002, 1e-4, 0.1), (1e-12, 1e-12, 1e-9), (1e3, 1.0, 1e3)],
)
def test_rates_around_that_of_an_own_network(max_lr: float, first: float, last: float) -> None:
    found = rates_of(Recipe(network=NET, max_lr=max_lr))
    assert (found[0], found[-1], len(found)) == (first, last, len(RATES))
    assert all(2.9 < two / one < 3.4 for one, two in pairwise(found))
    for rate in found:
        replace(Recipe(), max_lr=rate)
    assert rates_of(Recipe(max_lr=max_lr)) == RATES


def test_networks_are_told_apart_by_what_differs() -> None:
    assert network_words([NET, NET]) == ("", "")
    assert network_words([NET, None]) == ("net.py:Net", "the bundled network")
    others = [
        replace(NET, target="/srv/net.py:Net"),
        replace(NET, arguments=("10",)),
        replace(NET, weights="/w/a.pth"),
        replace(NET, digest="12abcd"),
    ]
    assert [network_words([NET, each])[1] for each in others] == [
        "/srv/net.py:Net",
        "net.py:Net 10",
        "net.py:Net from a.pth",
        "net.py:Net code 12ab",
    ]
    arms = [replace(Recipe(), network=NET, epochs=8), Recipe(channels=(2,))]
    assert arm_names(arms) == ("net.py:Net, epochs 8", "the bundled network, channels 2, epochs 5")
