"""The laboratory under a pilot: what it says it will do, what it has done, and what it makes of that."""

from dataclasses import replace

import pytest

from convtui.pages.train.laboratory_maker import comparison_told
from convtui.pages.train.view_maker import Tab
from convtui.training.laboratory import TARGETS, Comparison, Outcome
from convtui.training.measuring import Measure, Measured, Measuring
from convtui.training.protocol import Failed, Finished, Stop, Stopped, Train
from tests.support import events as made
from tests.support.measured_runs import figures, keep_decays
from tests.support.train_page import SMALL, Training, keep, training


async def in_laboratory(driven: Training) -> None:
    await driven.press("C")
    await driven.settled()
    assert driven.shows(Tab.LABORATORY)


async def test_it_says_what_it_will_do_before_it_does_anything() -> None:
    async with training() as driven:
        await in_laboratory(driven)
        assert "Laboratory: weight decay 0 and 0.3" in driven.text
        assert "2 recipes are trained, each with seeds 0 to 4: 10 runs of 5 epochs." in driven.text
        assert "0 of 10 runs done" in driven.text
        assert not driven.told


async def test_the_key_goes_through_all_comparisons_and_round() -> None:
    async with training() as driven:
        await in_laboratory(driven)
        for comparison in [*list(Comparison)[1:], Comparison.DECAY]:
            await driven.press("C")
            await driven.settled()
            assert comparison.value in driven.text


async def test_seeds_are_more_and_fewer_within_limits() -> None:
    async with training() as driven:
        await in_laboratory(driven)
        await driven.press("plus", "plus")
        assert "0 of 14 runs done" in driven.text
        await driven.press(*["minus"] * 8)
        assert "1 seed" in driven.text
        assert "seeds 1: from 1 to 10" in driven.text


async def test_what_was_chosen_stays_when_the_page_is_left() -> None:
    async with training() as driven:
        await in_laboratory(driven)
        await driven.press("C", "minus", "1", "5")
        await driven.settled()
        assert "constant and one-cycle" in driven.text
        assert "4 seeds" in driven.text


async def test_enter_trains_and_measures_run_after_run() -> None:
    async with training() as driven:
        await in_laboratory(driven)
        await driven.press(*["minus"] * 4, "enter")
        await driven.settled()
        for number, decay in enumerate((0.0, 0.3)):
            told = driven.told[-1]
            assert isinstance(told, Train)
            assert (told.recipe.weight_decay, told.recipe.seed) == (decay, 0)
            assert f"training decay {decay:g}, seed 0" in driven.text
            (folder,) = keep(told.recipe)
            await driven.tell(*made.events(told.recipe, run=folder))
            assert driven.told[-1] == Measure(folder)
            assert f"measuring decay {decay:g}, seed 0" in driven.text
            assert f"{2 * number + 1} of 4 done" in driven.text
            await driven.tell(Measuring(folder, 110, "d", 360, 100, 1), *figures(1, 1, 1), Measured(1.0))
        assert not driven.trainer.is_busy


async def test_what_is_there_is_not_trained_again() -> None:
    keep_decays(replace(SMALL, threads=1), seeds=1)
    async with training() as driven:
        await in_laboratory(driven)
        await driven.press(*["minus"] * 4)
        await driven.settled()
        assert "2 of 2 runs done" in driven.text
        await driven.press("enter")
        await driven.settled()
        assert not driven.told
        assert "all is done: + takes one more seed, C compares others" in driven.text


@pytest.mark.parametrize("end", ["stop", "fail"])
async def test_it_ends_with_a_run_that_does_not(end: str) -> None:
    async with training() as driven:
        await in_laboratory(driven)
        await driven.press("enter")
        await driven.settled()
        trained = len(driven.told)
        if end == "stop":
            await driven.press("x")
            assert driven.told[-1] == Stop()
            await driven.tell(Stopped(0))
        else:
            await driven.tell(Failed("the disk is full"))
            assert "the disk is full" in driven.text
        assert not driven.trainer.is_busy
        assert sum(isinstance(each, Train) for each in driven.told) == trained


async def test_sentences_say_what_the_runs_show_and_no_more() -> None:
    keep_decays(SMALL)
    async with training() as driven:
        await in_laboratory(driven)
        assert "10 of 10 runs done" in driven.text
        assert "decay 0 has a smaller sharpness than decay 0.3: 0.0691 ± 0.0091 against 0.127 ± 0.009" in (
            driven.text
        )
        assert "p = 0.0079 over 5 seeds" in driven.text
        assert "no clear difference in noise slope over 5 seeds" in driven.text
        assert "decay 0.3 has a smaller weight norm than decay 0" in driven.text
        assert "p: exact two-sided Mann–Whitney rank test; clear means p ≤ 0.05" in driven.text


async def test_three_seeds_are_too_few_to_tell() -> None:
    keep_decays(SMALL, seeds=3)
    async with training() as driven:
        await in_laboratory(driven)
        await driven.press("minus", "minus")
        await driven.settled()
        assert "sharpness: too few seeds to tell (3)" in driven.text
        assert "smaller" not in driven.text


async def test_the_arrows_choose_a_picture_where_there_is_room_for_one() -> None:
    keep_decays(SMALL)
    async with training(size=(80, 24)) as driven:
        await in_laboratory(driven)
        for title in ("accuracy, %", "loss with noise", "loss around", "noise slope against", "accuracy, %"):
            assert title in driven.text
            await driven.press("right")
            await driven.settled()


async def test_marked_runs_are_compared() -> None:
    keep_decays(SMALL)
    async with training() as driven:
        await driven.turn_to(Tab.RUNS)
        await driven.press("m", "down", "m")
        await driven.turn_to(Tab.LABORATORY)
        await driven.press("C", "C", "C", "C")
        await driven.settled()
        assert "the marked runs" in driven.text
        assert "decay 0.3 has a smaller weight norm than decay 0" in driven.text


async def test_without_marked_runs_it_is_said_how_to_mark_them() -> None:
    async with training() as driven:
        await in_laboratory(driven)
        await driven.press("C", "C", "C", "C", "enter")
        await driven.settled()
        assert "mark two to four runs" in driven.text
        assert not driven.told


async def test_rates_are_told_by_the_steps_to_a_target() -> None:
    for schedule in ("constant", "one-cycle"):
        for rate in (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0):
            keep(replace(SMALL, schedule=schedule, max_lr=rate))
    async with training() as driven:
        await in_laboratory(driven)
        await driven.press(*["C"] * 5)
        await driven.settled()
        assert "14 of 14 runs done" in driven.text
        for target in [*TARGETS[2:], *TARGETS[:2]]:
            assert driven.text.count(f"one-cycle reaches {target:.0%}") == 0
            await driven.press("T")
            await driven.settled()
            assert f"T target {target:.0%}" in driven.text
            assert f"one-cycle reaches {target:.0%} at " in driven.text


async def test_another_job_is_not_interrupted() -> None:
    async with training() as driven:
        await driven.press("space")
        await driven.tell(*made.events(until=20))
        await in_laboratory(driven)
        await driven.press("enter")
        await driven.settled()
        assert "something is active already: x stops it" in driven.text
        await driven.tell(Finished(110, 0.1, 0.9, 3.0))


def outcome(seed: int, accuracy: float | None) -> Outcome:
    return Outcome(seed, (accuracy,), (accuracy,), (22,), is_measured=True)


def test_runs_that_have_diverged_are_told_and_left_out() -> None:
    runs = [outcome(seed, None if seed == 1 else 0.9) for seed in range(5)]
    told = comparison_told(("constant", "one-cycle"), (runs, [outcome(seed, 0.95) for seed in range(5)]))
    assert told[0].sentence == "constant: 1 of 5 runs diverged and are left out"
    assert any("one-cycle has a higher validation accuracy" in each.sentence for each in told)


def test_of_an_arm_that_has_diverged_altogether_nothing_else_is_said() -> None:
    runs = [outcome(seed, None) for seed in range(5)]
    told = comparison_told(("constant", "one-cycle"), (runs, [outcome(seed, 0.95) for seed in range(5)]))
    assert [each.sentence for each in told] == ["constant: 5 of 5 runs diverged and are left out"]
