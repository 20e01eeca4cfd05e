"""What is said of a run is true: how far it is, and what a comparison shows by its own figures."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.views.train_data import Arm, Status
from convtui.views.train_words import (
    SIGNS,
    clock,
    comparison_words,
    status_text,
    whole_words,
)

# -- the status


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (7.9, "0:07"), (750, "12:30"), (3723, "1:02:03")])
def test_a_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


STATUS = Status("training", "run 12", 7, 390, 1, 5, 71.26, 3.4, 125.0, "words")


def test_a_status_tells_all_where_there_is_room() -> None:
    expected = "run 12 · epoch 1/5 · step   7/390 · 71.3 steps/s · 0:03 · 2:05 left"
    assert status_text(STATUS, 100) == expected


@given(st.integers(0, 390), st.floats(1, 999), st.integers(10, 100))
def test_a_status_keeps_its_width_while_it_counts(step: int, speed: float, width: int) -> None:
    now = replace(STATUS, step=step, speed=speed)
    assert len(status_text(now, width)) == len(status_text(STATUS, width)) <= width


@pytest.mark.parametrize("width", [60, 50, 40, 30, 20, 12])
def test_a_narrow_status_keeps_the_step(width: int) -> None:
    assert "7/390" in status_text(STATUS, width)


@pytest.mark.parametrize(
    ("width", "words"), [(20, "one · two · three"), (12, "one · two"), (8, "one"), (2, "o…")]
)
def test_parts_that_do_not_fit_are_left_out_whole(width: int, words: str) -> None:
    assert whole_words("one · two · three", width) == words


def test_a_status_before_a_run_is_empty() -> None:
    assert status_text(Status("ready"), 80) == ""
    assert set(SIGNS) >= {"ready", "starting", "training", "paused", "stopped", "finished", "failed"}


# -- the comparison

FOUR = (
    Arm("constant", False, 0.1, True),
    Arm("constant", True, 0.9633, True),
    Arm("one-cycle", False, 0.966, True),
    Arm("one-cycle", True, 0.9874, True),
)


def test_a_comparison_tells_its_own_figures() -> None:
    words = [f"{fact}; {why}" for fact, why in comparison_words(FOUR, 0.06, 10)]
    assert words == [
        "Constant 0.06: stuck at 10.00%; as usual: its first steps threw it off",
        "Constant with batch norm 0.06: 96.33%; it bears that rate from the start",
        "One-cycle 0.06: 96.60%; warmed up first, it bears that rate too",
        "One-cycle with batch norm 0.06: 98.74%; the best of the four, as usual",
    ]


def test_only_finished_runs_are_spoken_of() -> None:
    under_way = (FOUR[0], replace(FOUR[1], is_finished=False), *FOUR[2:])
    words = comparison_words(under_way, 0.06, 10)
    assert len(words) == 3
    assert words[-1][1] == "usually the best of the four"
    assert (
        "one after another"
        in comparison_words(tuple(Arm(each.schedule, each.batch_norm) for each in FOUR), 0.06, 10)[0][0]
    )


def test_a_run_against_the_rule_is_told_as_it_was() -> None:
    other = (replace(FOUR[0], accuracy=0.87), FOUR[1], replace(FOUR[2], accuracy=0.1), FOUR[3])
    words = dict(comparison_words(other, 0.06, 10))
    assert words["Constant 0.06: 87.00%"] == "usually it gets stuck"
    assert words["One-cycle 0.06: stuck at 10.00%"] == "usually it learns"
    worse = (*FOUR[:3], replace(FOUR[3], accuracy=0.95))
    assert comparison_words(worse, 0.06, 10)[-1][1] == "usually the best of the four"


def test_stuck_is_what_is_hardly_better_than_guessing_among_so_many_classes() -> None:
    halfway = (Arm("constant", False, 0.55, True), *FOUR[1:])
    assert "stuck at 55.00%" in comparison_words(halfway, 0.06, 2)[0][0]
    assert "stuck" not in comparison_words(halfway, 0.06, 10)[0][0]
    few = (Arm("constant", False, 0.4, True), *FOUR[1:])
    assert "stuck" not in comparison_words(few, 0.06, 100)[0][0]


def test_a_comparison_that_was_stopped_says_so() -> None:
    words = comparison_words(FOUR[:2], 0.06, 10)
    assert [fact for fact, _ in words][2:] == ["Stopped before all four were run"]
    assert "Stopped" in comparison_words(FOUR[:1], 0.06, 10)[-1][0]
