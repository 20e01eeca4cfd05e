"""Streams that cannot be written to: what is said instead, and the exit code."""

import errno
import io
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from convtui.cli import main as cli
from convtui.training.own_network import OwnNetwork
from convtui.training.process import client
from convtui.training.protocol import Ready, Saved, Stopped
from convtui.training.recipe import Recipe
from convtui.training.runs.store import new_run
from tests.support.events import events
from tests.support.workers import FakeWorker

FULL = Path("/dev/full")  # Linux has it
on_linux = pytest.mark.skipif(not FULL.exists(), reason="there is no device that is full")


class FullDisk(io.StringIO):
    """Where nothing can be written."""

    def write(self, text: str) -> int:
        if text:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return 0


@pytest.mark.parametrize("arguments", ["train --list", "samples", "--version"])
def test_what_is_printed_on_a_full_disk(
    arguments: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", FullDisk())
    assert cli.main(shlex.split(arguments)) == 1
    assert capsys.readouterr().err == "convtui: cannot write to standard output (No space left on device)\n"


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_a_run_told_on_a_full_disk(
    option: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    worker, run = FakeWorker(), new_run(Recipe(), "")

    async def start(_: OwnNetwork | None = None, **__: object) -> FakeWorker:
        return worker

    monkeypatch.setattr(client.WorkerProcess, "start", start)
    monkeypatch.setattr(sys, "stdout", FullDisk())
    worker.tell(Ready(), *events(Recipe(), 80, str(run.path)), Saved(80), Stopped(80))
    assert cli.main(["train", *option]) == 1
    assert worker.has_left
    assert capsys.readouterr().err == (
        "convtui: cannot write to standard output (No space left on device); saved at step 80; "
        "to resume: convtui train --resume 1\n"
    )


def shell(redirected: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "convtui", *arguments]
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirected}', "sh", *command], capture_output=True, text=True, check=False
    )


@on_linux
@pytest.mark.parametrize("arguments", ["train --list", "samples", "--help"])
def test_a_full_device(arguments: str) -> None:
    ended = shell(f">{FULL}", *shlex.split(arguments))
    assert (ended.returncode, ended.stderr) == (
        1,
        "convtui: cannot write to standard output (No space left on device)\n",
    )


@pytest.mark.parametrize("redirected", [pytest.param(f"2>{FULL}", marks=on_linux), "2>&-"])
def test_an_error_that_nobody_can_be_told(redirected: str) -> None:
    ended = shell(redirected, "train", "--epochs", "x")
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", "")
