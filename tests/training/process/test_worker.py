"""The training process for real: its jobs and commands over the pipes, and every way in which it can end."""

import random
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convtui.training.messages import Message, encode
from convtui.training.process.worker import NO_MEMORY, NO_TORCH, reason_of
from convtui.training.protocol import (
    Begun,
    Continue,
    Epoch,
    Failed,
    Find,
    Finished,
    Go,
    Going,
    OneStep,
    Pause,
    Paused,
    Rate,
    Ready,
    Saved,
    SetRate,
    Snapshot,
    Stepped,
    Stop,
    Stopped,
    Suggested,
    Train,
    Tried,
    Watch,
)
from convtui.training.recipe import Recipe
from convtui.training.runs.history import RunHistory, State
from convtui.training.runs.store import Run
from tests.support.data_files import arrays, npz
from tests.support.processes import STEPS_PER_EPOCH, TINY, Process, begun, process

TOTAL = 2 * STEPS_PER_EPOCH
LONG = replace(TINY, epochs=10_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def errors(folder: Path) -> Path:
    return folder / "stderr.txt"


@pytest.fixture(scope="module")
def worker(folder: Path, errors: Path) -> Iterator[Process]:
    """One process for many tests: each gives it a job and leaves it without one."""
    with process(folder, errors) as started:
        assert started.event() == Ready()
        yield started


@pytest.fixture(scope="module")
def uninterrupted(worker: Process) -> list[Message]:
    """All events of a run of TINY."""
    return worker.job(Train(TINY))


def of(events: list[Message], kind: type[Message]) -> list[Message]:
    return [event for event in events if isinstance(event, kind)]


def steps(events: list[Message]) -> list[int]:
    return [event.step for event in events if isinstance(event, Stepped)]


def losses(events: list[Message]) -> list[float]:
    return [event.loss for event in events if isinstance(event, Stepped)]


def weights(run: str) -> dict[str, bytes]:
    _, arrays = Run(Path(run)).latest_weights()
    return {name: np.ascontiguousarray(array).tobytes() for name, array in arrays.items()}


# -- jobs


def test_a_run_is_told_from_begin_to_end(uninterrupted: list[Message]) -> None:
    first, last = uninterrupted[0], uninterrupted[-1]
    assert isinstance(first, Begun)
    assert (first.recipe, first.step, first.steps_per_epoch, first.total_steps) == (
        TINY, 0, STEPS_PER_EPOCH, TOTAL
    )  # fmt: skip
    assert (first.shape, first.train_count, first.test_count) == ((1, 8, 8), 1437, 360)
    assert first.layers.startswith("conv 5x5 4 s2 p2, relu, bn, conv 3x3 10")
    assert first.parameters == 4 * 25 + 4 + 2 * 4 + 10 * 4 * 9 + 10 + 2 * 10
    assert isinstance(last, Finished)
    assert last.step == TOTAL
    assert steps(uninterrupted) == list(range(1, TOTAL + 1))
    assert [event.step for event in uninterrupted if isinstance(event, Epoch)] == [STEPS_PER_EPOCH, TOTAL]
    assert [event.step for event in uninterrupted if isinstance(event, Saved)] == [STEPS_PER_EPOCH, TOTAL]


def test_what_is_told_is_in_the_log(uninterrupted: list[Message]) -> None:
    logged = Run(Path(begun(uninterrupted).run)).events()
    assert [each for each in logged if not isinstance(each, Snapshot)] == [
        each for each in uninterrupted if not isinstance(each, Snapshot)
    ]
    assert len(of(logged, Snapshot)) >= len(of(uninterrupted, Snapshot)) > 0


def test_jobs_are_done_one_after_another(worker: Process) -> None:
    recipes = [replace(TINY, epochs=1, seed=seed) for seed in (1, 2)]
    worker.send(*map(Train, recipes))
    for recipe in recipes:
        events = worker.until(Finished)
        assert begun(events).recipe == recipe
        assert steps(events) == list(range(1, STEPS_PER_EPOCH + 1))


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (Train(replace(TINY, data="nowhere")), "nowhere: no such data set"),
        (Train(replace(TINY, batch_size=2000)), "batch_size 2000: must be at most 1437"),
        (Find(replace(TINY, data="nowhere")), "nowhere: no such data set"),
        (Continue("/nowhere/0001"), "/nowhere/0001: not a run"),
    ],
)
def test_a_job_that_cannot_be_done_fails_in_a_line(worker: Process, job: Message, words: str) -> None:
    (failed,) = worker.job(job)
    assert isinstance(failed, Failed)
    assert words in failed.reason
    assert failed.reason.isprintable()
    assert isinstance(worker.job(Train(replace(TINY, epochs=1)))[-1], Finished)


@pytest.mark.parametrize("job", [Train, Find])
def test_the_default_batch_size_is_lowered_with_a_notice(
    worker: Process, tmp_path: Path, job: type[Train | Find]
) -> None:
    held = arrays(size=(9, 8, 3))
    images = {name: held[name] for name in ("train_images", "test_images")}
    path = str(npz(tmp_path / "few.npz", **images))
    recipe = Recipe(data=path, channels=(4,), epochs=1)
    first = begun(worker.job(job(recipe)))
    read = "few.npz: shape (12, 9, 8, 3) read as [images, rows, columns, channels]"
    lower = "batch_size lowered from 128 to 12, the number of training images"
    assert first.notice == f"{read} (--channels-first reads the other order); {lower}"
    assert (first.recipe.batch_size, first.steps_per_epoch, first.shape) == (12, 1, (3, 9, 8))
    *_, failed = worker.job(job(recipe, keep_batch_size=True))
    assert failed == Failed("batch_size 128: must be at most 12, the number of training images")
    *_, failed = worker.job(job(replace(recipe, batch_size=13)))
    assert failed == Failed("batch_size 13: must be at most 12, the number of training images")


def test_a_run_remembers_how_its_data_was_read(worker: Process, tmp_path: Path) -> None:
    held = arrays(size=(9, 8, 3))
    images = {name: held[name] for name in ("train_images", "test_images")}
    path = str(npz(tmp_path / "few.npz", **images))
    recipe = Recipe(data=path, channels=(4,), epochs=1, batch_size=12)
    for axes, kept, shape in (
        ("auto", "channels-last", (3, 9, 8)),
        ("channels-first", "channels-first", (9, 8, 3)),
    ):
        first = begun(worker.job(Train(replace(recipe, axes=axes))))
        assert (first.recipe.axes, first.shape) == (kept, shape)
        assert Run(Path(first.run)).recipe.axes == kept
        assert first.notice.startswith("few.npz: shape") == (axes == "auto")


def test_a_run_that_another_trains_fails(worker: Process, uninterrupted: list[Message]) -> None:
    run = Run(Path(begun(uninterrupted).run))
    with run.locked():
        (failed,) = worker.job(Continue(str(run.path)))
    assert failed == Failed(f"run {int(run.path.name)}: another process is training it")


def test_a_search_is_no_run(worker: Process, folder: Path) -> None:
    before = set(folder.rglob("recipe.json"))
    events = worker.job(Find(TINY))
    assert begun(events).run == ""
    assert {type(event) for event in events} == {Begun, Tried, Suggested}
    assert set(folder.rglob("recipe.json")) == before


def test_a_search_can_be_stopped(worker: Process) -> None:
    worker.send(Find(replace(TINY, channels=(64, 64), batch_size=1024)), Stop())
    events = worker.until(Stopped, Suggested)
    assert events[-1] == Stopped(len(of(events, Tried)))


# -- commands


def test_pause_and_go_on(worker: Process) -> None:
    worker.send(Train(LONG))
    worker.until(Stepped)
    worker.send(Pause())
    *_, saved, snapshot, paused = worker.until(Paused)
    assert isinstance(paused, Paused)
    assert saved == Saved(paused.step)
    assert isinstance(snapshot, Snapshot)
    assert snapshot.step == paused.step
    worker.send(Go())
    going, *events = worker.until(Stepped)
    assert going == Going(paused.step)
    assert steps(events) == [paused.step + 1]
    worker.send(Stop())
    *_, saved, stopped = worker.until(Stopped)
    assert isinstance(stopped, Stopped)
    assert saved == Saved(stopped.step)


def test_one_step_at_a_time_from_the_start(worker: Process) -> None:
    worker.send(Train(TINY, paused=True))
    assert worker.until(Paused)[-1] == Paused(0)
    for number in (1, 2, 3):
        worker.send(OneStep())
        events = worker.until(Paused)
        assert events[-1] == Paused(number)
        assert steps(events) == [number]
        assert {event.step for event in events if isinstance(event, Snapshot)} == {number}
    worker.send(Stop())
    assert worker.until(Stopped) == [Stopped(3)]


def test_one_step_holds_a_run_that_goes_on(worker: Process) -> None:
    worker.send(Train(LONG))
    worker.until(Stepped)
    worker.send(OneStep())
    events = worker.until(Paused)
    assert events[-1] == Paused(steps(events)[-1])
    worker.send(Stop())
    worker.until(Stopped)


def test_the_epochs_end_is_told_before_a_run_holds_there(worker: Process) -> None:
    worker.send(Train(TINY, paused=True), *[OneStep()] * STEPS_PER_EPOCH)
    events = worker.until(Paused)
    while events[-1] != Paused(STEPS_PER_EPOCH):
        events += worker.until(Paused)
    assert len(of(events, Epoch)) == 1
    worker.send(Go())
    assert isinstance(worker.until(Finished)[-1], Finished)


def test_another_rate_while_paused(worker: Process) -> None:
    worker.send(Train(replace(TINY, schedule="constant"), paused=True), OneStep(), SetRate(0.25), OneStep())
    assert worker.until(Rate)[-1] == Rate(0, TINY.max_lr)
    events = worker.until(Rate)
    assert events[-1] == Rate(events[-1].step, 0.25)  # type: ignore[attr-defined]
    events = worker.until(Stepped)
    worker.send(Go())
    events += worker.until(Finished)
    assert {event.lr for event in events if isinstance(event, Stepped)} == {0.25}


def test_a_rate_that_the_log_lost_is_told_when_the_run_goes_on(worker: Process) -> None:
    worker.send(Train(TINY, paused=True), OneStep(), SetRate(0.25), Stop())
    run = Run(Path(begun(worker.until(Stopped)).run))
    log = run.path / "events.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(line for line in lines if '"rate"' not in line))
    worker.job(Continue(str(run.path)))
    history = RunHistory.of(run.events(), TINY)
    assert history.max_lr == 0.25
    assert history.state is State.FINISHED


def test_what_is_pictured_when_a_run_holds_is_not_told_again(worker: Process) -> None:
    worker.send(Train(TINY, paused=True), OneStep())
    while worker.until(Paused)[-1] != Paused(1):
        pass
    worker.send(Go())
    assert [type(event) for event in worker.until(Stepped)] == [Going, Stepped]
    worker.until(Finished)


def test_the_weight_that_is_watched(worker: Process) -> None:
    worker.send(Train(TINY, paused=True), Watch(4, (9, 3, 2, 1)), OneStep())
    step = worker.until(Stepped)[-1]
    assert isinstance(step, Stepped)
    assert step.watched
    assert (step.watched.layer, step.watched.index) == (4, (9, 3, 2, 1))
    worker.send(Stop())
    worker.until(Stopped)


def test_what_cannot_be_obeyed_is_ignored_with_a_word(worker: Process, errors: Path) -> None:
    worker.write("", "{}", "no json", '{"event":"fly"}', encode(Go()), encode(Train(TINY, paused=True)))
    worker.until(Paused)
    worker.send(SetRate(-1), Watch(99, (0, 0, 0, 0)), Stop())
    assert worker.until(Stopped) == [Stopped(0)]
    words = [line for line in errors.read_text().splitlines() if line.startswith("ignored: ")]
    expected = [
        "message: ''",
        "message: '{}'",
        "no json",
        "fly",
        "go: no job",
        "setrate: max_lr",
        "watch: layer 99",
    ]
    assert all(any(each in line for line in words) for each in expected), words


# -- how it ends


def test_a_killed_run_goes_on_to_the_same_bits(folder: Path, worker: Process) -> None:
    recipe = replace(TINY, batch_size=16, epochs=3)
    uninterrupted = worker.job(Train(recipe))
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    job: Message = Train(recipe)
    for _ in range(2):
        with process(folder) as victim:
            victim.send(job)
            run = begun(victim.until(Begun)).run
            for _ in range(chance.randrange(80)):
                victim.event()
            victim.popen.kill()
        job = Continue(run)
    events = worker.job(job)
    assert isinstance(events[-1], Finished)
    assert weights(run) == weights(begun(uninterrupted).run)
    logged = Run(Path(run)).events()
    assert steps(logged) == steps(uninterrupted)
    assert losses(logged) == losses(uninterrupted)


def test_a_run_without_a_whole_checkpoint_begins_again_and_says_so(worker: Process) -> None:
    first = worker.job(Train(TINY))
    run = Run(Path(begun(first).run))
    for path in run.checkpoints():
        path.write_bytes(b"damaged")
    second = worker.job(Continue(str(run.path)))
    assert not begun(first).lost
    assert begun(second) == replace(begun(first), lost=True)
    for path in run.checkpoints():
        path.unlink()
    assert not begun(worker.job(Continue(str(run.path)))).lost


def test_sigterm_saves_and_ends_and_sigint_does_not(folder: Path) -> None:
    with process(folder) as victim:
        victim.send(Train(LONG))
        victim.until(Stepped)
        victim.popen.send_signal(signal.SIGINT)
        victim.until(Epoch)
        victim.popen.send_signal(signal.SIGTERM)
        *_, saved, stopped = victim.rest()
        assert victim.wait() == 0
    assert isinstance(stopped, Stopped)
    assert saved == Saved(stopped.step)


def test_the_end_of_stdin_saves_and_ends(folder: Path) -> None:
    with process(folder) as victim:
        victim.send(Train(LONG))
        run = begun(victim.until(Epoch)).run
        victim.send(*[OneStep()] * 1000)  # what was asked before is not waited for
        victim.close()
        victim.rest()
        assert victim.wait() == 0
    *_, saved, stopped = Run(Path(run)).events()
    assert isinstance(stopped, Stopped)
    assert saved == Saved(stopped.step)


def test_the_end_of_stdin_ends_the_import(folder: Path) -> None:
    with process(folder) as victim:
        victim.send(Train(LONG))
        victim.close()
        assert victim.rest() == []
        assert victim.wait() == 0


def test_a_missing_torch_fails_every_job_in_a_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('No module', name='torch')")
    with process(folder, path=tmp_path) as without:
        assert without.event() == Ready()
        for job in (Train(TINY), Find(TINY)):
            assert without.job(job) == [Failed("training needs PyTorch: pip install torch")]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("batch_size 1: must be 2"), "batch_size 1: must be 2"),
        (FileNotFoundError(2, "No such file", "a\nb.npz"), "'a\\nb.npz': No such file"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (MemoryError(), NO_MEMORY),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), NO_MEMORY),
        (RuntimeError("one\ntwo"), "RuntimeError: one"),
        (ZeroDivisionError(), "ZeroDivisionError: no reason given"),
        (ModuleNotFoundError("No module named 'torch'", name="torch"), NO_TORCH),
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), NO_MEMORY),
        (ImportError("libtorch.so: cannot open"), "ImportError: libtorch.so: cannot open"),
    ],
    ids=repr,
)
def test_reasons_are_one_line(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason
