"""Where nothing can be written the app says so in a line, leaves nothing half-written, and goes on."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from convtui.store import session_file
from convtui.training.runs.history import RunHistory
from convtui.training.runs.store import Run
from tests.benchmarks.terminal import Terminal, plain, running

CONVTUI = [sys.executable, "-m", "convtui", "--data", "digits-8x8", "count-5x5"]
AS_ANY_USER = """\
import ctypes, os, sys
DROP, OVERRIDE, READ_ANYTHING = 24, 1, 2  # of linux/prctl.h and linux/capability.h
for capability in (OVERRIDE, READ_ANYTHING):
    ctypes.CDLL(None).prctl(DROP, capability, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""  # root, but for its right to write where permissions forbid it
PATIENCE = 60.0  # seconds, on a machine that does other things too
ERASED = b"\x7f" * 200  # whatever was in the line
FULL, DENIED = "No space left on device", "Permission denied"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of three megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", folder], check=False)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(disk: Path) -> None:
    with (disk / "filler").open("ab", buffering=0) as file:
        for size in (2**16, 2**12, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


def free(disk: Path) -> None:
    (disk / "filler").unlink()


@contextmanager
def app(home: Path, prefix: Sequence[str] = ()) -> Iterator[Terminal]:
    """The app of a user whose home is there."""
    kinds = [f"XDG_{kind}_HOME={home / kind.lower()}" for kind in ("DATA", "STATE", "CONFIG", "CACHE")]
    with running(["env", f"HOME={home}", *kinds, *prefix, *CONVTUI]) as terminal:
        terminal.first_screen(200)
        yield terminal


def see(terminal: Terminal, words: str, keys: bytes = b"") -> str:
    """What is drawn from these keys on until there are these words in it."""
    if keys:
        terminal.send(keys)
    data, until = b"", time.perf_counter() + PATIENCE
    text = ""
    while words not in text:
        assert time.perf_counter() < until, f"{words!r} is not in {text[-3000:]!r}"
        assert terminal.process.poll() is None, text[-3000:]
        data += terminal.read_until(time.perf_counter() + 0.05)
        text = re.sub(r"\s+", " ", plain(data))
    return text


def quit_app(terminal: Terminal) -> None:
    terminal.send(b"q")
    time.sleep(0.3)
    terminal.send(b"q")
    assert terminal.wait(20) == 0


def strays(folder: Path) -> list[str]:
    """What a write that failed would have left behind."""
    return [path.name for path in folder.rglob("*") if path.name.endswith(".tmp")]


@pytest.fixture
def denied() -> Iterator[tuple[Path, list[str]]]:
    """A home that its user cannot write to, and what runs a command as that user."""
    if os.name != "posix":
        pytest.skip("needs a user's permissions")
    folder = Path(tempfile.mkdtemp(prefix="convtui-denied-"))
    folder.chmod(0o555)
    prefix = [sys.executable, "-c", AS_ANY_USER] if os.geteuid() == 0 else []
    try:
        trial = [*prefix, sys.executable, "-c", f"open({str(folder / 'file')!r}, 'x')"]
        if subprocess.run(trial, check=False, stderr=subprocess.DEVNULL).returncode == 0:
            pytest.skip("root writes anywhere here")
        yield folder, prefix
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_saving_to_a_full_disk(disk: Path, tmp_path: Path) -> None:
    file = disk / "mine.toml"
    with app(tmp_path / "home") as terminal:
        fill(disk)
        see(terminal, "save as", b"s")
        see(terminal, FULL, ERASED + str(file).encode() + b"\r")
        assert not file.exists()
        assert strays(disk) == []
        free(disk)
        see(terminal, "saved: ", ERASED + str(file).encode() + b"\r")
        whole = file.read_bytes()
        session_file.load(file)
        fill(disk)
        see(terminal, FULL, b"ls")
        assert file.read_bytes() == whole
        assert strays(disk) == []
        free(disk)
        see(terminal, "saved: ", b"s")
        quit_app(terminal)


def test_copies_of_unsaved_work_on_a_full_disk(disk: Path) -> None:
    with app(disk) as terminal:
        fill(disk)
        see(terminal, FULL, b":stride 2\r")
        assert strays(disk) == []
        free(disk)
        terminal.send(b":stride 1\r:padding 2\r")
        until = time.perf_counter() + PATIENCE
        while _pads_kept(disk) != (2, 2):
            assert time.perf_counter() < until
            terminal.read_until(time.perf_counter() + 0.05)
        fill(disk)
        see(terminal, FULL, b":padding 1\r")  # told anew
        assert _pads_kept(disk) == (2, 2)
        quit_app(terminal)


def test_training_on_a_full_disk(disk: Path) -> None:
    with app(disk) as terminal:
        see(terminal, "Press space to train", b"5")
        terminal.send(b":epochs 400\r")
        see(terminal, "training", b" ")
        run = _first_run(terminal, disk)
        while run.checkpoint() is None:
            terminal.read_until(time.perf_counter() + 0.1)
        fill(disk)
        told = see(terminal, FULL)
        assert "failed" in told
        assert strays(disk) == []
        kept = run.checkpoint()
        assert kept is not None
        history = RunHistory.of_run(run)
        assert history.left_out == ""
        see(terminal, "weight matrix", b"2")  # the app goes on
        see(terminal, "failed", b"5")
        free(disk)
        see(terminal, "training", b" ")
        see(terminal, "paused", b" ")
        again = RunHistory.of_run(run)
        assert again.left_out == ""
        assert again.steps["step"].tolist() == list(range(1, again.step + 1))
        see(terminal, "stopped", b"x")
        quit_app(terminal)


def test_beginning_a_run_on_a_full_disk(disk: Path) -> None:
    with app(disk) as terminal:
        see(terminal, "Press space to train", b"5")
        fill(disk)
        see(terminal, FULL, b" ")
        assert not any(path.name.isdecimal() for path in disk.rglob("runs/*"))
        free(disk)
        see(terminal, "training", b" ")
        quit_app(terminal)


def test_a_home_that_cannot_be_written_to(denied: tuple[Path, list[str]]) -> None:
    home, prefix = denied
    with app(home, prefix) as terminal:
        see(terminal, "cannot be backed up", b":stride 2\r")
        see(terminal, "save as", b"s")
        told = see(terminal, DENIED, ERASED + str(home / "mine.toml").encode() + b"\r")
        assert "cannot be written" in told
        terminal.send(b"\x1b")
        terminal.read_until(time.perf_counter() + 0.5)  # with what follows at once it is another key
        see(terminal, "Press space to train", b"5")
        told = see(terminal, DENIED, b" ")
        assert "failed" in told
        see(terminal, "weight matrix", b"2")
        quit_app(terminal)
    assert list(home.iterdir()) == []


def _pads_kept(home: Path) -> tuple[int, int] | None:
    """The padding of the rows in the copy of unsaved work."""
    return next((session_file.load(path).spec.pads[0] for path in home.rglob("recovery/*.toml")), None)


def _first_run(terminal: Terminal, home: Path) -> Run:
    until = time.perf_counter() + PATIENCE
    while not (found := [path for path in home.rglob("runs/*") if path.name.isdecimal()]):
        assert time.perf_counter() < until
        terminal.read_until(time.perf_counter() + 0.05)
    return Run(found[0])
