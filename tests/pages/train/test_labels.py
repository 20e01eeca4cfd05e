"""How far a run is, in as many words as fit."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.inputs.durations import clock
from convtui.pages.train.figures import Status
from convtui.pages.train.labels import (
    SIGNS,
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
