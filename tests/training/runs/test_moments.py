"""Moments are thinned over a run, and one goes back to the last whole one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.training.datasets.open_any import fingerprint
from convtui.training.runs.checkpoint import files_in
from convtui.training.runs.moments import MOST_BYTES, MOST_MOMENTS, moment_steps, most_moments
from convtui.training.runs.store import Run, new_run
from tests.support.small_runs import SMALL, digits, trained


def test_the_lecture_run_keeps_its_first_steps_and_every_fifteenth() -> None:
    assert moment_steps(390, MOST_MOMENTS) == (0, 1, 2, 4, 8, *range(15, 391, 15))


@given(st.integers(0, 100_000), st.integers(0, MOST_MOMENTS))
def test_moments_are_few_ascending_and_even(total_steps: int, most: int) -> None:
    steps = moment_steps(total_steps, most)
    assert len(steps) <= most
    assert list(steps) == sorted({*steps})
    assert all(0 <= step <= total_steps for step in steps)
    assert steps[:2] == ((0, 1) if total_steps else (0,))[:most]
    if most > 2:
        gaps = np.diff([*steps, total_steps])
        assert max(gaps, default=0) <= -(-total_steps // (most - min(5, max(2, most // 6))))


def test_a_short_run_keeps_every_step() -> None:
    assert moment_steps(20, MOST_MOMENTS) == tuple(range(21))


def test_larger_networks_have_fewer() -> None:
    assert most_moments(1000) == MOST_MOMENTS
    assert most_moments(MOST_BYTES // 10) == 10
    assert most_moments(MOST_BYTES + 1) == 0


@pytest.fixture
def run() -> Run:
    run = new_run(SMALL, fingerprint(digits()))
    with run.locked():
        for step in (0, 1, 4, 8):
            run.keep_moment(trained(steps=step).checkpoint())
        for step in (9, 10):
            run.save(trained(steps=step).checkpoint())
    return run


def test_one_goes_back_to_the_last_at_or_before_a_step(run: Run) -> None:
    assert run.moments() == [0, 1, 4, 8, 9, 10]
    for step, near in ((0, 0), (3, 1), (4, 4), (7, 4), (9, 9), (22, 10)):
        found = run.checkpoint_near(step)
        assert found
        assert found.step == near
        np.testing.assert_equal(found.weights, trained(steps=near).checkpoint().weights)


def test_a_damaged_moment_is_passed_over(run: Run) -> None:
    (damaged,) = [path for path in files_in(run.path / "moments") if "step-000004" in path.name]
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    found = run.checkpoint_near(7)
    assert found
    assert found.step == 1


def test_a_run_without_moments_has_its_last_checkpoints() -> None:
    run = new_run(SMALL, fingerprint(digits()))
    assert run.moments() == []
    assert run.checkpoint_near(5) is None
    with run.locked():
        run.save(trained(steps=3).checkpoint())
    assert run.moments() == [3]
    assert run.checkpoint_near(2) is None


def test_a_moment_takes_the_place_of_that_of_its_step(run: Run) -> None:
    training = trained(steps=4)
    training.set_max_lr(0.001)
    with run.locked():
        run.keep_moment(training.checkpoint())
    kept = [path for path in files_in(run.path / "moments") if "step-000004" in path.name]
    assert len(kept) == 1
    found = run.checkpoint_near(4)
    assert found
    assert found.about["groups"][0]["max_lr"] == 0.001


def test_moments_of_later_steps_are_dropped_and_all_go_with_the_run(run: Run) -> None:
    with run.locked():
        run.drop_moments_after(4)
    assert run.moments() == [0, 1, 4, 9, 10]
    run.delete()
    assert not run.path.exists()


def test_a_moment_can_be_kept_for_good(run: Run) -> None:
    run.keep_for_good(1)
    with run.locked():
        run.drop_moments_after(0)
    assert run.checkpoint_after(1)
