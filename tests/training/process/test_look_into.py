"""Jobs that look into a kept run, by a real training process that is stopped, busy, and killed."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convtui.training.exploring import (
    Ablate,
    Ablating,
    Convolve,
    Explain,
    Explore,
    Explored,
    Exploring,
    Follow,
    Followed,
    Hidden,
)
from convtui.training.messages import Message
from convtui.training.own_network import OwnNetwork
from convtui.training.protocol import Failed, Finished, Pause, Ready, Stop, Stopped, Train
from convtui.training.runs import explored
from convtui.training.runs.store import Run
from tests.support import featured_networks
from tests.support.processes import TINY, Process, begun, process

WIDE = replace(TINY, channels=(128, 128), epochs=1, batch_size=1024)  # each filter takes a while


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def worker(folder: Path) -> Iterator[Process]:
    with process(folder) as started:
        assert started.event() == Ready()
        yield started


@pytest.fixture(scope="module")
def run(worker: Process) -> Run:
    return Run(Path(begun(worker.job(Train(TINY))).run))


@pytest.fixture(scope="module")
def wide(worker: Process) -> Run:
    return Run(Path(begun(worker.job(Train(WIDE))).run))


def digest(run: Run) -> str:
    return run.latest_checkpoint().digest


def test_each_job_is_told_to_its_end_and_kept(worker: Process, run: Run) -> None:
    for job in (
        Explore(str(run.path)),
        Ablate(str(run.path), None, 1),
        Explain(str(run.path), None, 3, image=0),
    ):
        events = worker.job(job)
        assert isinstance(events[-1], Explored)
        assert worker.job(job)[:-1] == events[:-1]
    patches = explored.patches(run.path, digest(run))
    ablation = explored.ablation(run.path, digest(run), 1)
    assert patches is not None
    assert ablation is not None
    assert patches.images == ablation.images == 360
    assert ablation.accuracies is not None
    assert len(ablation.accuracies) == 4


def test_a_network_of_the_users_is_looked_into_where_it_is_named(folder: Path, tmp_path: Path) -> None:
    """Every job is told and kept; one is stopped between two filters; without its name nothing is run."""
    code = Path(shutil.copy(featured_networks.__file__, tmp_path / "net.py"))
    named = OwnNetwork(f"{code}:Residual")
    with process(folder, network=named) as worker:
        worker.event()
        own = Run(Path(begun(worker.job(Train(replace(TINY, network=named)))).run))
        path = str(own.path)
        followed = worker.job(Follow(path))[0]
        assert isinstance(followed, Followed)
        assert [each.path for each in followed.convolutions] == ["stem", "one", "two", "three", ""]
        np.save(tmp_path / "one.npy", np.zeros((1, 8, 8), np.float32))
        for job in (
            Explore(path),
            Ablate(path, None, 2),
            Explain(path, None, 3, image=0),
            Convolve(path, None, 3, str(tmp_path / "one.npy")),
        ):
            events = worker.job(job)
            assert isinstance(events[-1], Explored)
            assert worker.job(job)[:-1] == events[:-1]
        worker.send(Ablate(path, None, 4))
        worker.until(Ablating)
        worker.send(Stop())
        assert isinstance(worker.until(Stopped, Explored)[-1], Stopped | Explored)
        (refused,) = worker.job(Ablate(path, None, 9))
        assert refused == Failed("layer 9: must be a convolution, 1, 2, 3, 4, 5")
        code.write_text(code.read_text().replace("self.fc(x.mean((2, 3)))", "self.fc(x.mean((2, 3, 9)))"))
        (refused,) = worker.job(Explore(path, 0))
        assert isinstance(refused, Failed)
        assert refused.reason.startswith("net.py:Residual fails on images of 1x8x8: IndexError")
    with process(folder) as worker:
        worker.event()
        (refused,) = worker.job(Explore(path))
        assert isinstance(refused, Failed)
        assert "needs the code of net.py:Residual; only code that you name is run" in refused.reason


def test_the_run_itself_is_not_touched(worker: Process, run: Run) -> None:
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.suffix == ".safetensors"}
    log = run.events()
    worker.job(Explore(str(run.path), 0))
    assert {path: path.read_bytes() for path in before} == before
    assert run.events() == log


def test_a_job_is_stopped_between_two_filters(worker: Process, wide: Run) -> None:
    worker.send(Ablate(str(wide.path), None, 1))
    worker.until(Ablating)
    worker.send(Pause(), Stop())
    asked = time.perf_counter()
    rest = worker.until(Stopped, Explored)
    taken = time.perf_counter() - asked
    assert isinstance(rest[-1], Stopped)
    worker.send(Ablate(str(wide.path), None, 1))
    began = time.perf_counter()
    worker.until(Explored)
    assert taken < (time.perf_counter() - began) / 2


def test_jobs_wait_for_one_another(worker: Process, run: Run) -> None:
    worker.send(Explore(str(run.path), 0), Train(replace(TINY, epochs=1)), Explore(str(run.path)))
    assert worker.until(Explored)
    assert worker.until(Finished)
    assert isinstance(worker.until(Explored)[0], Exploring)


def test_a_killed_process_leaves_what_is_done(folder: Path, worker: Process, wide: Run) -> None:
    job = Ablate(str(wide.path), None, 4)
    with process(folder) as killed:
        killed.send(job)
        told = killed.until(Hidden)
        killed.popen.kill()
        killed.wait()
    kept = explored.ablation(wide.path, digest(wide), 4)
    assert kept is not None
    assert kept.images >= 250
    assert kept.images < kept.total == 360
    events = worker.job(job)
    assert events[: len(told) - 1] == [each for each in told if each != Ready()]
    whole = explored.ablation(wide.path, digest(wide), 4)
    for file in (wide.path / "features").glob("hidden-*-4.jsonl"):
        file.unlink()
    worker.job(job)
    afresh = explored.ablation(wide.path, digest(wide), 4)
    assert whole is not None
    assert afresh is not None
    assert whole.images == afresh.images == 360
    assert (whole.correct, whole.without.tolist()) == (afresh.correct, afresh.without.tolist())


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (Explore("/nowhere/0001"), "/nowhere/0001: not a run"),
        (Explore("", 7), "its weights after step 7 are not kept"),
        (Ablate("", None, 3), "layer 3: must be a convolution, 1, 4"),
        (Explain("", None, 99, image=0), "class 99: must be 0 to 9"),
        (Explain("", None, 0, pixels="nothing.npy"), "nothing.npy: No such file or directory"),
    ],
)
def test_what_cannot_be_done_fails_in_a_line(worker: Process, run: Run, job: Message, words: str) -> None:
    assert isinstance(job, Explore | Ablate | Explain)
    (failed,) = worker.job(replace(job, run=job.run or str(run.path)))
    assert isinstance(failed, Failed)
    assert words in failed.reason
    assert failed.reason.isprintable()


def test_a_run_that_another_looks_into_fails(worker: Process, run: Run) -> None:
    header = Ablating(0, "d", 10, 1, 2, 4)
    with explored.keeping(run.path, Ablate(str(run.path), None, 1), header):
        (failed,) = worker.job(Explore(str(run.path)))
    assert failed == Failed(f"run {int(run.path.name)}: another process is looking into it")


def test_the_images_of_patches_are_validation_images(worker: Process, run: Run) -> None:
    worker.job(Explore(str(run.path)))
    patches = explored.patches(run.path, digest(run))
    assert patches is not None
    for layer in patches.layers:
        assert np.unique(layer.images[0]).size == 9
        assert layer.images.max() < 360
