"""Whatever signal ends the app, the terminal is usable: its settings, its screen, its cursor and mouse."""

import os
import shutil
import signal
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from convtui.app.terminal_guardian import RESET
from tests.benchmarks.terminal import Terminal, running
from tests.support.processes import is_running

CONVTUI = [sys.executable, "-m", "convtui"]
IN_ORDER = {signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP}
SIGNALS = [*sorted(IN_ORDER), signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGKILL, signal.SIGUSR1]
ON, OFF = (b"\x1b[?1049h", b"\x1b[?1003h", b"\x1b[?2004h"), (b"\x1b[?1049l", b"\x1b[?1003l", b"\x1b[?2004l")
HIDDEN, SHOWN = b"\x1b[?25l", b"\x1b[?25h"


@contextmanager
def guarded(*prefix: str) -> Iterator[tuple[Terminal, bytes, list[int]]]:
    """The app on its first screen, what it has drawn, and the processes that it has started."""
    with running([*prefix, *CONVTUI]) as terminal:
        drawn = terminal.first_screen(200).data
        app = psutil.Process(terminal.process.pid)
        until = time.monotonic() + 20
        while not (children := app.children()) or not is_waiting(children[0]):
            assert time.monotonic() < until
            drawn += terminal.read_until(time.perf_counter() + 0.05)
        yield terminal, drawn, [child.pid for child in children]


def is_waiting(process: psutil.Process) -> bool:
    """Whether the guardian has read the terminal's settings: it ignores signals before."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        time.sleep(1)
        return True
    ignored = next(line for line in status.read_text().splitlines() if line.startswith("SigIgn"))
    return bool(int(ignored.split()[1], 16) & 1 << signal.SIGTTOU - 1)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: signal.Signals(number).name)
def test_the_terminal_is_usable_after(number: signal.Signals) -> None:
    with guarded() as (terminal, drawn, children):
        assert all(each in drawn for each in (*ON, HIDDEN))
        assert not _has_echo(terminal)
        os.kill(terminal.process.pid, number)
        written = b""
        until = time.monotonic() + 20
        while any(map(is_running, children)) or terminal.process.poll() is None:
            assert time.monotonic() < until
            written += terminal.read_until(time.perf_counter() + 0.05)
        written += terminal.read_until(time.perf_counter() + 0.1)
        assert terminal.process.returncode == (128 + number if number in IN_ORDER else -number)
        assert _has_echo(terminal)
        assert all(each in written for each in OFF)
        assert written.rindex(SHOWN) > written.rindex(OFF[0])
        assert written.endswith(RESET) == (number not in IN_ORDER)


def test_after_an_end_in_order_nothing_is_written_and_nobody_is_left() -> None:
    with guarded() as (terminal, _, children):
        terminal.send(b"q")
        assert terminal.wait() == 0
        assert not any(map(is_running, children))
        assert RESET[:10] not in terminal.read_until(time.perf_counter() + 0.2)


def test_a_fault_is_kept_with_its_traceback() -> None:
    with guarded() as (terminal, _, children):
        os.kill(terminal.process.pid, signal.SIGSEGV)
        terminal.wait()
        until = time.monotonic() + 20
        while any(map(is_running, children)):
            assert time.monotonic() < until
            time.sleep(0.01)
        (report,) = terminal.data.parent.rglob("last-fault.txt")
        assert report.read_text().startswith("Fatal Python error: Segmentation fault")


def test_an_end_in_order_leaves_no_report() -> None:
    with guarded() as (terminal, _, _children):
        terminal.send(b"q")
        terminal.wait()
        assert not list(terminal.data.parent.rglob("last-fault.txt"))


def test_a_guardian_of_a_terminal_that_takes_nothing_ends() -> None:
    """The app is killed where output is stopped, as by a stalled connection."""
    with guarded() as (terminal, _, children):
        until = time.monotonic() + 1
        while time.monotonic() < until:
            os.write(terminal.fd, b"l")
            time.sleep(0.001)
        terminal.process.kill()
        terminal.process.wait()
        until = time.monotonic() + 20
        while any(map(is_running, children)):
            assert time.monotonic() < until
            time.sleep(0.05)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize("name", ["SEGV", "KILL", "QUIT"])
def test_a_shell_that_takes_over_is_not_disturbed(name: str) -> None:
    """A shell sets the terminal for its own line; whoever is later must not spoil it."""
    with running(["bash", "--norc", "--noprofile", "-i"]) as shell:
        shell.send(b"PS1='rea''dy> '; set +o history\n")
        _read_to(shell, b"ready> ")
        shell.send(" ".join(CONVTUI).encode() + b"\n")
        _read_to(shell, b"\x1b[?2004h")
        time.sleep(2)
        shell.read_until(time.perf_counter() + 0.2)
        (app,) = psutil.Process(shell.process.pid).children()
        app.send_signal(getattr(signal, f"SIG{name}"))
        _read_to(shell, b"ready> ")
        time.sleep(0.5)
        shell.read_until(time.perf_counter() + 0.2)
        shell.send(b"stty -a; echo $((6*7))''done\n")
        told = _read_to(shell, b"42done").decode()
        assert {"icanon", "echo", "isig", "icrnl", "opost"} <= set(told.split())
        assert told.count("$((6*7))") == 1  # once: nobody echoes beside the shell


def _has_echo(terminal: Terminal) -> bool:
    flags = termios.tcgetattr(terminal.fd)[3]
    return bool(flags & termios.ICANON and flags & termios.ECHO)


def _read_to(terminal: Terminal, words: bytes) -> bytes:
    data = b""
    until = time.perf_counter() + 20
    while words not in data:
        assert time.perf_counter() < until, data
        data += terminal.read_until(time.perf_counter() + 0.1)
    return data
