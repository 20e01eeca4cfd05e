"""kill -9 at random times, of the training process and of its parent: the run goes on to the same bits."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import psutil
import pytest

from convtui.training.messages import Message
from convtui.training.protocol import Begun, Continue, Finished, Ready, Stepped, Train
from convtui.training.runs.store import Run, all_runs
from tests.robustness import SEED, rounds
from tests.support.processes import TINY, Process, begun, process

RECIPE = replace(TINY, batch_size=16, epochs=3)  # 267 steps
OPTIONS = ("--data", "digits-8x8", "--channels", "4", "--batch-size", "16", "--epochs", "3")
SECONDS = 60.0  # whatever else the machine does


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def worker(folder: Path) -> Iterator[Process]:
    with process(folder) as started:
        assert started.event() == Ready()
        yield started


@pytest.fixture(scope="module")
def whole(worker: Process) -> Run:
    """A run of RECIPE that nobody has killed."""
    return Run(Path(begun(worker.job(Train(RECIPE))).run))


def weights(run: Run) -> dict[str, bytes]:
    _, arrays = run.latest_weights()
    return {name: np.ascontiguousarray(array).tobytes() for name, array in arrays.items()}


def losses(run: Run) -> list[tuple[int, float]]:
    return [(event.step, event.loss) for event in run.events() if isinstance(event, Stepped)]


@pytest.mark.parametrize("number", range(rounds(1, 12)))
def test_the_training_process_is_killed(number: int, folder: Path, worker: Process, whole: Run) -> None:
    """After so many events, or a moment later: also while it saves, or before its first step."""
    chance = Random(f"worker {SEED} {number}")
    job: Message = Train(RECIPE)
    for _ in range(chance.randint(1, rounds(1, 4))):
        with process(folder) as victim:
            victim.send(job)
            run = Run(Path(begun(victim.until(Begun)).run))
            for _ in range(chance.choice((0, 1, chance.randrange(150)))):
                if isinstance(victim.event(), Finished):
                    break
            time.sleep(chance.random() / 20)
            victim.popen.kill()
        job = Continue(str(run.path))
    last = worker.job(job)[-1]
    assert isinstance(last, Finished), f"kills {number} of seed {SEED}: {last}"
    assert weights(run) == weights(whole), f"kills {number} of seed {SEED}"
    assert losses(run) == losses(whole), f"kills {number} of seed {SEED}"


@contextmanager
def training(data_home: Path, arguments: Sequence[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """`convtui train` as a process; what it prints is not read."""
    command = [sys.executable, "-m", "convtui", "train", *arguments]
    environment = {**os.environ, "XDG_DATA_HOME": str(data_home)}
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = subprocess.Popen(command, env=environment, **silent)  # type: ignore[call-overload]
    try:
        yield started
    finally:
        started.kill()
        started.wait()


@pytest.mark.parametrize("number", range(rounds(1, 6)))
def test_the_parent_is_killed(
    number: int, tmp_path: Path, whole: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The training process ends by itself, and what it has saved is gone on with."""
    chance = Random(f"parent {SEED} {number}")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    arguments: Sequence[str] = OPTIONS
    for _ in range(chance.randint(1, rounds(1, 3))):
        steps = chance.randrange(200)
        with training(tmp_path, arguments) as victim:
            until = time.monotonic() + SECONDS
            while victim.poll() is None and not (all_runs() and len(losses(all_runs()[0])) > steps):
                assert time.monotonic() < until
                time.sleep(0.02)
            children = psutil.Process(victim.pid).children(recursive=True) if victim.poll() is None else []
            victim.kill()
        _, left = psutil.wait_procs(children, SECONDS)
        assert not left, f"kills {number} of seed {SEED}: left behind: {left}"
        arguments = ("--resume", "1")
    with training(tmp_path, arguments) as last:
        last.wait(SECONDS)
    (run,) = all_runs()
    assert any(isinstance(event, Finished) for event in run.events())
    assert weights(run) == weights(whole), f"kills {number} of seed {SEED}"
    assert losses(run) == losses(whole), f"kills {number} of seed {SEED}"
