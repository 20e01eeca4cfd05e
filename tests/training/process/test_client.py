"""The parent's end: real processes that are started, listened to, ended and never left behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from convtui.training.messages import Message
from convtui.training.process.client import WorkerProcess
from convtui.training.process.pipes import GRACE
from convtui.training.protocol import Begun, Finished, Ready, Stepped, Stopped, Train
from convtui.training.runs.store import Run
from tests.support.processes import TINY, is_running

LONG = replace(TINY, epochs=10_000)

PARENT = """
import asyncio, sys
from convtui.training.process.client import WorkerProcess
from convtui.training.protocol import (Stepped, Train)
from tests.training.process.test_client import LONG

async def main():
    worker = await WorkerProcess.start()
    print(worker._process.pid, flush=True)
    worker.send(Train(LONG))
    async for event in worker.events():
        if isinstance(event, Stepped):
            print("training", flush=True)
            await asyncio.sleep(60)

asyncio.run(main())
"""


@asynccontextmanager
async def started() -> AsyncIterator[WorkerProcess]:
    worker = await WorkerProcess.start()
    try:
        yield worker
    finally:
        await worker.end()
    assert not is_running(worker._process.pid)


async def until(worker: WorkerProcess, kind: type[Message]) -> Message:
    async for event in worker.events():
        if isinstance(event, kind):
            return event
    raise AssertionError(worker.cause)


async def test_a_run_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "random.py").write_text("raise RuntimeError('a file of the user is no module of ours')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    async with started() as worker:
        worker.send(Train(TINY))  # at once: it waits in the pipe while torch is imported
        events = []
        async for event in worker.events():
            events.append(event)
            if isinstance(event, Finished):
                worker.leave()
    assert events[0] == Ready()
    assert isinstance(events[1], Begun)
    assert isinstance(events[-1], Finished)
    assert (worker.returncode, worker.cause) == (0, "ended with exit code 0")
    worker.send(Train(TINY))  # nobody is there: lost, and no error


async def test_a_run_is_saved_at_the_end() -> None:
    async with started() as worker:
        worker.send(Train(LONG))
        begun = await until(worker, Begun)
        await until(worker, Stepped)
    assert isinstance(begun, Begun)
    assert isinstance(Run(Path(begun.run)).events()[-1], Stopped)
    assert worker.returncode == 0


async def test_a_killed_worker_is_noticed() -> None:
    async with started() as worker:
        os.kill(worker._process.pid, signal.SIGKILL)
        assert [event async for event in worker.events()] == []
        assert worker.returncode == -signal.SIGKILL
        assert worker.cause == "was killed by SIGKILL"


async def test_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").write_text(
        "import os, sys\nprint('first\\n\\x1b[2Jlast\\n\\n', file=sys.stderr)\nos._exit(3)"
    )
    monkeypatch.syspath_prepend(tmp_path)
    async with started() as worker:
        assert [event async for event in worker.events()] == []
        assert worker.cause == "ended with exit code 3: last"


async def test_last_words_that_are_no_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    last = ("memory allocation of 64 bytes failed", "note: run with `RUST_BACKTRACE=1`", "ignored: pause: no")
    (tmp_path / "torch.py").write_text(
        f"import os, sys\nprint(*{last}, sep='\\n', file=sys.stderr, flush=True)\nos._exit(3)"
    )
    monkeypatch.syspath_prepend(tmp_path)
    async with started() as worker:
        assert [event async for event in worker.events()] == []
        assert worker.cause == "ended with exit code 3: memory allocation of 64 bytes failed"


async def test_a_worker_that_does_not_leave_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convtui.training.process.client.GRACE", -0.9)
    async with started() as worker:
        os.kill(worker._process.pid, signal.SIGSTOP)
        worker.leave()
        assert [event async for event in worker.events()] == []
        assert worker.cause == "was killed by SIGKILL"


async def test_a_working_directory_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (gone := tmp_path / "gone").mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(OSError, match="the working directory no longer exists"):
        await WorkerProcess.start()


async def test_a_worker_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convtui.training.process.client.GRACE", -0.9)
    async with started() as worker:
        os.kill(worker._process.pid, signal.SIGSTOP)
    assert worker.returncode == -signal.SIGKILL


@pytest.mark.parametrize("moment", ["import", "training"])
async def test_a_parent_that_is_killed_leaves_no_orphan(moment: str) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert parent.stdout
    pid = int(await parent.stdout.readline())
    if moment == "training":
        assert await parent.stdout.readline() == b"training\n"
    assert is_running(pid)
    parent.kill()
    await parent.wait()
    async with asyncio.timeout(GRACE + 60):
        while is_running(pid):
            await asyncio.sleep(0.02)  # nobody tells of the end of another's child
