"""A record is what its events come to, however they arrive, and knows nothing that they do not tell."""

from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.training.messages import Message
from convtui.training.protocol import (
    Begun,
    Failed,
    Finished,
    Going,
    Paused,
    Rate,
    Saved,
    Stopped,
    Suggested,
    Tried,
)
from convtui.training.recipe import Recipe
from convtui.training.runs.history import Columns, RunHistory, Search, Smoothed, State
from convtui.training.runs.store import new_run
from tests.support import events as made


def record_of(*messages: Message) -> RunHistory:
    history = RunHistory(Recipe())
    for message in messages:
        history.take(message)
    return history


def test_a_run_from_its_begin_to_its_end() -> None:
    history = RunHistory(Recipe())
    assert (history.state, history.step, history.total_steps) == (State.STARTING, 0, 0)
    run = list(made.events())
    history.take(run[0])
    assert (history.state, history.run, history.total_steps) == (State.TRAINING, "/runs/0012", 100)
    for event in run[1:]:
        history.take(event)
    assert history.state is State.FINISHED
    assert not history.is_active
    assert (history.step, history.saved) == (100, 100)
    assert history.accuracy == pytest.approx(0.985)
    assert history.seconds == pytest.approx(1.5)
    assert [epoch.epoch for epoch in history.epochs] == [1, 2, 3, 4, 5]
    assert len(history.snapshots) == 25
    np.testing.assert_array_equal(history.steps["step"], np.arange(1, 101))
    np.testing.assert_array_equal(
        history.steps["loss"], [made.loss_at(n, 1.05 - 0.985) for n in range(1, 101)]
    )


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (Paused(3), State.PAUSED),
        (Going(3), State.TRAINING),
        (Stopped(3), State.STOPPED),
        (Failed("out of memory"), State.FAILED),
    ],
)
def test_how_a_run_stands(event: Message, state: State) -> None:
    history = record_of(*made.events(until=3), event)
    assert history.state is state
    assert history.step == 3
    assert history.reason == ("out of memory" if state is State.FAILED else "")


def fastai(losses: list[float], beta: float = 0.98) -> list[float]:
    """The smoothed losses from their definition: weights beta**age, made to add up to one."""
    return [
        sum(loss * beta**age for age, loss in enumerate(reversed(losses[: n + 1])))
        / sum(beta**age for age in range(n + 1))
        for n in range(len(losses))
    ]


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=60))
def test_the_smoothed_loss_is_fastais(losses: list[float]) -> None:
    smoothed = Smoothed()
    np.testing.assert_allclose([smoothed.add(loss) for loss in losses], fastai(losses), atol=1e-9)


def test_a_loss_that_is_no_number_is_told_and_not_averaged() -> None:
    smoothed = Smoothed()
    assert smoothed.add(2.0) == pytest.approx(2.0)
    assert np.isnan(smoothed.add(float("nan")))
    assert smoothed.add(2.0) == pytest.approx(2.0)


@pytest.mark.parametrize("goes_on", [Going(3), made.begun(step=3)])
def test_the_speed_is_that_since_it_went_on_last(goes_on: Message) -> None:
    late = [replace(made.step(number), seconds=100 + number) for number in (4, 5, 6)]
    history = record_of(*made.events(until=3), Paused(3), goes_on, late[0])
    assert history.speed is None
    for event in late[1:]:
        history.take(event)
    assert history.speed == pytest.approx(1)


@given(st.lists(st.integers(0, 30), max_size=5), st.integers(1, 30), st.data())
def test_what_a_continued_run_voids_never_was(cuts: list[int], last: int, data: st.DataObject) -> None:
    """Folding a log with restarts in it gives the record of the uninterrupted run."""
    whole = [event for event in made.events(until=last) if not isinstance(event, Begun)]
    history, done = RunHistory(Recipe()), 0
    history.take(made.begun())
    for cut in cuts:
        for event in whole:
            if done < event.step <= cut:  # type: ignore[attr-defined]
                history.take(event)
        done = data.draw(st.integers(0, max(done, min(cut, last))))
        history.take(made.begun(step=done))
    for event in whole:
        if event.step > done:  # type: ignore[attr-defined]
            history.take(event)
    expected = record_of(*made.events(until=last))
    for name in ("step", "epoch", "loss", "smooth", "lr", "momentum", "seconds"):
        np.testing.assert_array_equal(history.steps[name], expected.steps[name])
    assert (history.epochs, history.snapshots) == (expected.epochs, expected.snapshots)
    assert history.trace is not None
    assert expected.trace is not None
    np.testing.assert_array_equal(history.trace.columns["after"], expected.trace.columns["after"])


def test_a_begin_that_the_log_lost_voids_as_much() -> None:
    again = list(made.events())[1:]
    last = max(at for at, event in enumerate(again) if getattr(event, "step", 0) == 40)
    history = record_of(*made.events(until=55), *again[last + 1 :])
    expected = record_of(*made.events())
    assert history.steps["step"].tolist() == list(range(1, 101))
    np.testing.assert_array_equal(history.steps["smooth"], expected.steps["smooth"])
    np.testing.assert_array_equal(history.planned()[0], expected.planned()[0])
    assert (history.epochs, history.snapshots) == (expected.epochs, expected.snapshots)


def test_a_column_that_was_taken_stays_as_it_was() -> None:
    columns = Columns("x", "y")
    for each in range(300):
        columns.append(each, -each)
    taken = columns["x"]
    columns.cut(10)
    columns.append(7, 7)
    assert taken.tolist() == list(range(300))
    assert columns["x"].tolist() == [*range(10), 7]
    assert columns["y"][-2:].tolist() == [-9, 7]


def test_speed_and_time_left_follow_from_the_seconds_told() -> None:
    history = record_of(*made.events(until=1))
    assert history.speed is None
    assert history.seconds_left is None
    history = record_of(*made.events(until=80))
    assert history.speed == pytest.approx(1 / made.SECONDS_A_STEP)
    assert history.seconds_left == pytest.approx(20 * made.SECONDS_A_STEP)
    slow = replace(made.step(81), seconds=80 * made.SECONDS_A_STEP + 3)
    history.take(slow)
    assert history.speed == pytest.approx(1 / 3)


def test_the_plan_follows_what_was_done_and_what_was_set() -> None:
    history = record_of(*made.events(until=40))
    before, _ = history.planned()
    assert len(before) == 100
    history.take(Rate(40, 0.03))
    after, momenta = history.planned()
    assert history.max_lr == 0.03
    np.testing.assert_array_equal(after[:40], before[:40])
    np.testing.assert_allclose(after[40:], before[40:] / 2)
    np.testing.assert_array_equal(momenta[:40], history.steps["momentum"])


def test_the_plan_of_a_run_whose_log_has_more_steps_than_it_should() -> None:
    history = record_of(*made.events(until=40))
    assert history.begun is not None
    history.begun = replace(history.begun, total_steps=30)
    lrs, momenta = history.planned()
    np.testing.assert_array_equal(lrs, history.steps["lr"][:30])
    np.testing.assert_array_equal(momenta, history.steps["momentum"][:30])


def test_another_weight_begins_a_new_trace() -> None:
    history = record_of(*made.events(until=5))
    assert history.trace is not None
    assert history.trace.index == (0, 0, 2, 2)
    assert len(history.trace.columns) == 5
    history.take(replace(made.step(6), watched=made.watched(6, (1, 0, 0, 0))))
    assert history.trace.index == (1, 0, 0, 0)
    assert history.trace.columns["step"].tolist() == [6]
    assert history.trace.columns["after"].tolist() == [made.watched(6).after]


def test_a_second_snapshot_of_a_step_takes_the_place_of_the_first() -> None:
    history = record_of(*made.events(until=4), made.snapshot(4))
    assert [each.step for each in history.snapshots] == [4]


def test_an_epoch_counts_once_and_stays_when_a_run_goes_on_from_its_end() -> None:
    history = record_of(*made.events(until=20), made.begun(step=20))
    assert [epoch.epoch for epoch in history.epochs] == [1]
    history.take(replace(history.epochs[0], accuracy=0.5))
    assert [epoch.accuracy for epoch in history.epochs] == [0.5]


def test_a_log_without_an_end_is_a_stopped_run() -> None:
    assert RunHistory.of(made.events(), Recipe()).state is State.FINISHED
    interrupted = RunHistory.of(made.events(until=7), Recipe(), "/runs/0003")
    assert (interrupted.state, interrupted.reason) == (State.STOPPED, "interrupted")
    assert RunHistory.of([], Recipe(), "/runs/0003").run == "/runs/0003"
    assert RunHistory.of([*made.events(until=7), Saved(7), Stopped(7)], Recipe()).reason == ""


def test_a_search() -> None:
    search = Search(Recipe())
    assert search.is_active
    for event in made.search():
        search.take(event)
    assert search.state is State.FINISHED
    assert len(search.tried) == 80
    assert search.steepest == pytest.approx(10 ** (-6 + 7 * 55 / 99))
    assert search.suggestion == pytest.approx(10 ** (-7 + 7 * 71 / 99))
    assert search.valley == pytest.approx(10 ** (-6 + 7 * 45 / 99))
    for event, state in (
        (Stopped(0), State.STOPPED),
        (Failed("no"), State.FAILED),
        (Suggested(None, None, None), State.FINISHED),
    ):
        search = Search(Recipe())
        search.take(Tried(1e-6, 2.3, 2.3))
        search.take(event)
        assert search.state is state


def test_a_run_that_another_process_holds_is_trained_there() -> None:
    with new_run(Recipe(), "0" * 32).locked() as run:
        for event in made.events(until=7):
            run.append(event)
        held = RunHistory.of_run(run)
        assert (held.state, held.step, held.is_active) == (State.ELSEWHERE, 7, False)
    left = RunHistory.of_run(run)
    assert (left.state, left.reason) == (State.STOPPED, "interrupted")


def test_what_came_out_is_known_though_the_log_was_lost() -> None:
    began, *_, finished = made.events()
    assert isinstance(finished, Finished)
    history = RunHistory.of([began, finished], Recipe())
    assert (history.step, history.accuracy) == (finished.step, finished.accuracy)


def test_a_run_has_diverged_from_the_step_on_since_which_no_loss_is_finite() -> None:
    history = record_of(*made.events(until=3))
    assert (history.diverged_at, history.is_diverged) == (None, False)
    for step, loss, since in ((4, nan, 4), (5, 2.0, None), (6, inf, 6), (7, nan, 6)):
        history.take(replace(made.step(step), loss=loss))
        assert (history.diverged_at, history.is_diverged) == (since, since is not None)
    for step, since in ((6, 6), (5, None), (4, 4), (3, None)):
        history.take(made.begun(step=step))
        assert history.diverged_at == since
