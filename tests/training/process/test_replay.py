"""A kept run's steps are trained again to the same bits, whatever was done while it ran."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from convtui.training.messages import Message
from convtui.training.protocol import (
    Continue,
    Failed,
    Finished,
    Go,
    OneStep,
    Pause,
    Paused,
    Rate,
    Ready,
    Replay,
    Replayed,
    SetRate,
    Stepped,
    Stop,
    Stopped,
    Train,
    Watch,
)
from convtui.training.recipe import Recipe
from convtui.training.runs.store import Run
from tests.support.processes import STEPS_PER_EPOCH, TINY, Process, begun, process

TOTAL = 8 * STEPS_PER_EPOCH
RECIPE = replace(TINY, epochs=8)  # so many that not every step is a moment
WEIGHT = 1, (3, 0, 2, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def worker(folder: Path) -> Iterator[Process]:
    with process(folder) as started:
        assert started.event() == Ready()
        yield started


def stepped(events: list[Message]) -> dict[int, Stepped]:
    return {event.step: event for event in events if isinstance(event, Stepped)}


def replayed(worker: Process, run: Run, first: int, last: int) -> dict[int, Stepped]:
    worker.send(Replay(str(run.path), first, last, *WEIGHT))
    events = worker.until(Replayed, Failed)
    assert events[-1] == Replayed(last)
    return stepped(events)


def is_same(again: Stepped, logged: Stepped) -> bool:
    """In all but the time that it took."""
    return replace(again, seconds=logged.seconds) == logged


def train(worker: Process, recipe: Recipe = RECIPE) -> Run:
    """A run that watches WEIGHT from its first step on, and whose rate is changed three times under way."""
    worker.send(Train(recipe, paused=True), Watch(*WEIGHT), OneStep())
    run = Run(Path(begun(worker.until(Stepped)).run))
    worker.until(Paused)
    worker.send(SetRate(0.11), *[OneStep()] * 20)
    assert worker.until(Paused)[-1] == Paused(21)
    worker.send(SetRate(0.03), SetRate(0.07), Go())
    events = worker.until(Finished)
    assert [each for each in events if isinstance(each, Rate)] == [Rate(21, 0.03), Rate(21, 0.07)]
    return run


@pytest.mark.parametrize(
    "recipe",
    [
        RECIPE,
        replace(RECIPE, optimizer="sgd"),
        replace(RECIPE, schedule="constant", batch_norm=False),
        replace(RECIPE, channels=(8, 16), batch_size=63),
    ],
    ids=["adamw", "sgd", "constant", "deeper"],
)
def test_any_step_is_that_of_the_log(worker: Process, recipe: Recipe) -> None:
    run = train(worker, recipe)
    logged, kept = stepped(run.events()), set(map(str, run.path.rglob("*")))
    log = (run.path / "events.jsonl").read_bytes()
    assert len(run.moments()) < TOTAL / 4
    rates = {event.lr for event in logged.values()}
    assert len(rates) == 3 if recipe.schedule == "constant" else len(rates) > TOTAL / 2
    for first in (1, 2, 18, 21, 22, 23, 50, 100, TOTAL - 5):
        again = replayed(worker, run, first, min(first + 4, TOTAL))
        assert {*range(first, min(first + 5, TOTAL + 1))} <= again.keys()
        for step, event in again.items():
            assert event.watched is not None
            assert is_same(event, logged[step]), step
    assert set(map(str, run.path.rglob("*"))) == kept
    assert (run.path / "events.jsonl").read_bytes() == log


def test_a_run_without_moments_is_trained_from_its_start(worker: Process) -> None:
    run = train(worker)
    for path in (run.path / "moments").iterdir():
        path.unlink()
    logged = stepped(run.events())
    again = replayed(worker, run, 50, 52)
    assert [*again] == [*range(1, 53)]
    assert all(is_same(event, logged[step]) for step, event in again.items())


def test_a_killed_run_keeps_its_moments_and_loses_those_of_steps_that_are_void(
    folder: Path, worker: Process
) -> None:
    with process(folder) as victim:
        assert victim.event() == Ready()
        victim.send(Train(RECIPE), Watch(*WEIGHT))
        run = Run(Path(begun(victim.until(Stepped)).run))
        stop = random.randrange(3 * STEPS_PER_EPOCH, 5 * STEPS_PER_EPOCH)
        while (event := victim.event()) and not (isinstance(event, Stepped) and event.step >= stop):
            pass
        victim.popen.kill()
        victim.wait()
    assert 0 in run.moments()
    assert len(run.moments()) > 10
    last = run.latest_checkpoint().step
    ends = run.path / "moments" / f"step-{TOTAL:06d}-0123456789abcdef.safetensors"
    ends.write_bytes(b"of a time that never was")
    worker.send(Continue(str(run.path)), Pause())
    held = worker.until(Paused)[-1]
    assert isinstance(held, Paused)
    assert max(run.moments()) <= held.step < TOTAL
    worker.send(Watch(*WEIGHT), Go())
    worker.until(Finished)
    assert run.moments() == Run(train(worker).path).moments()
    logged = stepped(run.events())
    for first in (last - 3, last + 1, last + 30):
        for step, event in replayed(worker, run, first, first + 3).items():
            assert (event.loss, event.lr, event.momentum) == (
                logged[step].loss, logged[step].lr, logged[step].momentum
            )  # fmt: skip


def test_another_job_ends_a_replay_and_a_stop_too(worker: Process) -> None:
    run = train(worker)
    for path in (run.path / "moments").iterdir():
        path.unlink()
    worker.send(Replay(str(run.path), TOTAL, TOTAL, *WEIGHT), Train(replace(TINY, epochs=1)))
    events = worker.until(Replayed)
    assert events[-1].step < TOTAL  # type: ignore[attr-defined]
    worker.until(Finished)
    worker.send(Replay(str(run.path), TOTAL, TOTAL, *WEIGHT), Stop())
    assert isinstance(worker.until(Replayed, Stopped)[-1], Replayed)


def test_what_cannot_be_replayed_is_told(worker: Process) -> None:
    run = train(worker)
    worker.send(Replay(str(run.path), 5, 6, 3, (0, 0, 0, 0)))
    assert worker.until(Failed, Replayed)[-1] == Failed("layer 3: must be a convolution, 1, 4")
    worker.send(Replay(str(run.path / "none"), 5, 6, *WEIGHT))
    assert isinstance(worker.until(Failed, Replayed)[-1], Failed)
