"""What is said of a comparison follows from its own figures."""

from dataclasses import replace
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.pages.train.comparison import POINT, has_learned, lessons
from convtui.pages.train.figures import Arm

FOUR = (
    Arm("constant", False, 0.1, True, 2.3041, 0),
    Arm("constant", True, 0.9525, True, 0.15, 1),
    Arm("one-cycle", False, 0.96, True, 0.13, 2),
    Arm("one-cycle", True, 0.986, True, 0.05, 3),
)


def said(arms: tuple[Arm, ...], peak: float = 0.06, classes: int = 10, is_usual: bool = False) -> list[str]:
    return [each.sentence(999) for each in lessons(arms, peak, classes, is_usual)]


def test_the_usual_recipe_makes_the_lectures_point() -> None:
    assert said(FOUR, is_usual=True) == [
        "Constant 0.06: 10.00%; it learned nothing, as it usually does; its loss is 2.30, guessing has 2.30.",
        "Constant 0.06, with batch norm: 95.25%; batch norm +85.25 points.",
        "One-cycle 0.06: 96.00%; the schedule +86.00 points.",
        "One-cycle 0.06, with batch norm: 98.60%; the best of the four, as usual;"
        " batch norm +2.60, the schedule +3.35 points.",
        f"{POINT}.",
    ]
    assert [each.colour for each in lessons(FOUR, 0.06, 10)] == [0, 1, 2, 3]


def test_nothing_is_usual_of_another_recipe() -> None:
    words = said(FOUR, is_usual=False)
    assert len(words) == 4
    assert not any("usual" in each for each in words)
    assert "the best of the four" in words[-1]


def test_only_finished_runs_are_spoken_of() -> None:
    words = said((FOUR[0], replace(FOUR[1], is_finished=False), *FOUR[2:]), is_usual=True)
    assert [each.partition(":")[0] for each in words] == [
        "Constant 0.06",
        "One-cycle 0.06",
        "One-cycle 0.06, with batch norm",
    ]
    assert not any("of the four" in each for each in words)
    assert "the schedule" not in words[-1]
    none = tuple(Arm(each.schedule, each.batch_norm) for each in FOUR)
    assert "one after another" in said(none)[0]


def test_a_loss_far_above_guessing_is_said_whatever_the_accuracy() -> None:
    words = said((*FOUR[:1], replace(FOUR[1], accuracy=0.4, loss=96.3), *FOUR[2:]))
    assert "40.00%; it went astray: its loss 96.3 is far above the 2.30 of guessing" in words[1]
    low = said((replace(FOUR[0], loss=9.1), *FOUR[1:]), is_usual=True)
    assert "10.00%; it went astray: its loss 9.1" in low[0]


@pytest.mark.parametrize("loss", [nan, inf])
def test_a_run_that_diverged_is_said_to(loss: float) -> None:
    words = said((replace(FOUR[0], loss=loss, accuracy=None), *FOUR[1:]), is_usual=True)
    assert words[0] == "Constant 0.06: diverged; its loss is not finite."
    assert not any(POINT in each for each in words)


def test_a_run_against_the_rule_is_told_as_it_was() -> None:
    other = (
        replace(FOUR[0], accuracy=0.87, loss=0.5),
        FOUR[1],
        replace(FOUR[2], accuracy=0.1, loss=2.3),
        FOUR[3],
    )
    words = said(other, is_usual=True)
    assert "usually it learns nothing" in words[0]
    assert "it learned nothing; its loss is 2.30" in words[2]
    assert "the schedule −77.00 points" in words[2]
    assert not any(POINT in each for each in words)
    worse = said(
        (replace(FOUR[0], accuracy=0.99, loss=0.1), FOUR[1], FOUR[2], replace(FOUR[3], accuracy=0.6056))
    )
    assert "the best of the four" in worse[0]
    assert "the worst of the four" in worse[3]


def test_a_run_whose_rate_was_changed_has_its_own() -> None:
    changed = (replace(FOUR[0], rate="0.06 → 0.01"), *FOUR[1:])
    assert said(changed)[0].startswith("Constant 0.06 → 0.01: 10.00%")


def test_ties_are_told_as_ties() -> None:
    tied = said((*FOUR[:2], replace(FOUR[2], accuracy=0.986), FOUR[3]), is_usual=True)
    assert "one of the best" in tied[2]
    assert "one of the best" in tied[3]
    assert not any(POINT in each for each in tied)
    same = said(tuple(replace(each, accuracy=0.9, loss=0.3) for each in FOUR))
    assert not any("best" in each or "worst" in each for each in same)


def test_learned_is_what_is_clearly_better_than_guessing_among_so_many_classes() -> None:
    assert not has_learned(0.55, 2)
    assert has_learned(0.55, 10)
    assert not has_learned(0.2, 10)
    assert has_learned(0.4, 100)


def test_a_comparison_that_was_stopped_says_so() -> None:
    assert said(FOUR[:2])[2:] == ["Stopped before all four had run; c starts them again."]
    assert "Stopped" in said(FOUR[:1])[-1]


figures = st.tuples(st.none() | st.floats(0, 1), st.none() | st.floats(0), st.booleans())


@given(st.lists(figures, min_size=4, max_size=4), st.integers(1, 200), st.booleans())
def test_there_is_something_to_say_of_any_four_runs(
    told: list[tuple[float | None, float | None, bool]], classes: int, is_usual: bool
) -> None:
    arms = tuple(
        replace(arm, accuracy=accuracy, loss=loss, is_finished=is_finished)
        for arm, (accuracy, loss, is_finished) in zip(FOUR, told, strict=True)
    )
    words = said(arms, classes=classes, is_usual=is_usual)
    assert words
    assert all(words)


@given(st.integers(20, 130))
def test_a_sentence_has_as_many_remarks_as_fit(width: int) -> None:
    *_, best, _ = lessons(FOUR, 0.06, 10, is_usual=True)
    sentence = best.sentence(width)
    assert len(sentence) <= max(width, len(best.fact) + 1)
    assert ("the best of the four" in sentence) == (width >= len(best.fact) + len(best.remarks[0]) + 3)
