"""The job Measure in a real process: told, kept, stopped, killed and gone on with to the same figures."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from convtui.training.measuring import POINTS, Measure, Measured, Measuring, NoisePoint
from convtui.training.messages import Message
from convtui.training.protocol import Begun, Failed, Finished, Go, Paused, Ready, Stop, Stopped, Train
from convtui.training.runs.measurements import Measurements, all_measurements, measurements_of
from convtui.training.runs.store import Run
from tests.support.processes import TINY, Process, begun, process

Figures = list[Message]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def worker(folder: Path) -> Iterator[Process]:
    with process(folder) as started:
        assert started.event() == Ready()
        yield started


def trained(worker: Process) -> Run:
    """A new run; two of them are alike to the last bit but for the time they took, which digests tell."""
    return Run(Path(begun(worker.job(Train(TINY))).run))


def figures(events: Figures) -> Figures:
    return [each for each in events if not isinstance(each, Ready | Measuring | Measured | Stopped)]


@pytest.fixture(scope="module")
def whole(worker: Process) -> Measurements:
    """A measurement that nobody has interrupted."""
    run = trained(worker)
    worker.job(Measure(str(run.path)))
    found = measurements_of(run)
    assert found is not None
    return found


def same(one: Measurements, other: Measurements) -> bool:
    """Whether all figures are the same, of checkpoints with the same weights."""
    return replace(one, digest="") == replace(other, digest="")


def test_what_is_told_is_kept_and_not_measured_again(worker: Process) -> None:
    run = trained(worker)
    before = {path.name: path.read_bytes() for path in run.path.iterdir() if path.is_file()}
    events = worker.job(Measure(str(run.path)))
    checkpoint = run.latest_checkpoint()
    first, last = events[0], events[-1]
    assert first == Measuring(str(run.path), checkpoint.step, checkpoint.digest, 360, 100, POINTS)
    assert isinstance(last, Measured)
    assert len(figures(events)) == POINTS
    (known,) = all_measurements(run)
    assert known.is_complete
    assert set(known.events) == set(figures(events))
    kept = (run.path / "measured.jsonl").read_bytes()
    again = worker.job(Measure(str(run.path), checkpoint.step))
    assert again[0] == replace(first, points=0)
    assert set(figures(again)) == set(figures(events))
    assert (run.path / "measured.jsonl").read_bytes() == kept
    assert {name: (run.path / name).read_bytes() for name in before} == before  # the run is as it was


def test_an_earlier_step(worker: Process) -> None:
    run = trained(worker)
    step = int(run.checkpoints()[0].name.split("-")[1])
    assert step < run.latest_checkpoint().step
    worker.job(Measure(str(run.path), step))
    known = measurements_of(run, step)
    assert known is not None
    assert known.is_complete
    assert measurements_of(run) is None


def test_it_is_stopped_and_other_jobs_wait(worker: Process, whole: Measurements) -> None:
    run = trained(worker)
    worker.send(Measure(str(run.path)))
    worker.until(NoisePoint)
    worker.send(Go(), Measure(str(run.path)), Stop())
    stopped = worker.until(Stopped, Measured)
    assert isinstance(stopped[-1], Stopped)
    resumed = worker.until(Measured)
    assert isinstance(resumed[0], Measuring)
    assert 0 < resumed[0].points < POINTS
    (known,) = all_measurements(run)
    assert same(known, whole)


def test_a_killed_measurement_goes_on_to_the_same_figures(
    folder: Path, worker: Process, whole: Measurements
) -> None:
    run = trained(worker)
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    for _ in range(3):
        with process(folder) as victim:
            victim.send(Measure(str(run.path)))
            told = victim.until(Measuring)[-1]
            assert isinstance(told, Measuring)
            for _ in range(POINTS - told.points + chance.randrange(max(told.points // 2, 1))):
                victim.event()
            victim.popen.kill()
            victim.wait()
    events = worker.job(Measure(str(run.path)))
    assert isinstance(events[0], Measuring)
    assert events[0].points < POINTS or not all_measurements(run)
    (known,) = all_measurements(run)
    assert same(known, whole)


def test_a_run_that_is_trained_elsewhere_is_left_to_it(folder: Path, worker: Process) -> None:
    with process(folder) as other:
        other.send(Train(TINY, paused=True))
        run = begun(other.until(Paused)).run
        (refused,) = worker.job(Measure(run))
        assert isinstance(refused, Failed)
        assert refused.reason.endswith("another process is training it")
        other.send(Go())
        other.until(Finished)


def test_what_cannot_be_measured(worker: Process, tmp_path: Path) -> None:
    run = trained(worker)
    (refused,) = worker.job(Measure(str(run.path), 7))
    assert isinstance(refused, Failed)
    assert refused.reason.endswith("its weights after step 7 are not kept")
    (refused,) = worker.job(Measure(str(tmp_path)))
    assert isinstance(refused, Failed)
    assert "not a run" in refused.reason
    for path in run.checkpoints():
        path.unlink()
    (refused,) = worker.job(Measure(str(run.path)))
    assert isinstance(refused, Failed)
    assert "has no complete checkpoint yet" in refused.reason


def test_a_run_that_diverged(worker: Process) -> None:
    recipe = replace(TINY, max_lr=1000.0, schedule="constant", optimizer="sgd", batch_norm=False)
    events = worker.job(Train(recipe))
    run = Run(Path(next(each for each in events if isinstance(each, Begun)).run))
    assert isinstance(worker.job(Measure(str(run.path)))[-1], Measured)
    known = measurements_of(run)
    assert known is not None
    assert (known.is_complete, known.is_diverged) == (True, True)
    assert known.curvature is not None
    assert known.curvature.eigenvalue is None
