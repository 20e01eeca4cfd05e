"""`convtui train` as a process: how it ends, by itself, by signals, and with its streams."""

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from convtui.training.messages import Message, decode
from convtui.training.protocol import Begun, Stepped, Stopped
from convtui.training.runs.store import all_runs

TINY = ("--data", "digits-8x8", "--channels", "4", "--batch-size", "64")


def test_a_closed_stdout_is_no_trouble() -> None:
    command = [sys.executable, "-m", "convtui", "train", "--list"]
    closed = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *command], stderr=subprocess.PIPE, text=True)
    assert (closed.returncode, closed.stderr) == (0, "")


@contextmanager
def running(*arguments: str, **streams: int) -> Iterator["subprocess.Popen[str]"]:
    """`convtui train` as a process that is gone afterwards."""
    command = [sys.executable, "-m", "convtui", "train", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    started = subprocess.Popen(command, text=True, **{**pipes, **streams})  # type: ignore[call-overload]
    try:
        yield started
    finally:
        started.kill()
        started.wait()
        for stream in (started.stdout, started.stderr):
            if stream:
                stream.close()


def until(process: "subprocess.Popen[str]", kind: type[Message]) -> Message:
    assert process.stdout
    for line in process.stdout:
        if isinstance(event := decode(line), kind):
            return event
    raise AssertionError("it has ended")


def test_ctrl_c_saves_and_says_how_to_go_on() -> None:
    with running(*TINY, "--epochs", "500", "--json") as process:
        until(process, Stepped)
        (child,) = psutil.Process(process.pid).children()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        assert process.returncode == 130
    stopped = decode(out.splitlines()[-1])
    assert isinstance(stopped, Stopped)
    assert err == f"saved at step {stopped.step}; to resume: convtui train --resume 1\n"
    assert not child.is_running()
    with running("--resume", "1", "--json") as process:
        begun = until(process, Begun)
        assert isinstance(begun, Begun)
        assert begun.step == stopped.step
        until(process, Stepped)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 128 + signal.SIGTERM


def test_ctrl_c_before_the_run_has_begun() -> None:
    with running(*TINY, "--json") as process:
        while not (children := psutil.Process(process.pid).children()):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        assert (process.returncode, out) == (130, "")
        assert err == "convtui: stopped before the first step: there is nothing to resume\n"
    assert not children[0].is_running()
    assert all_runs() == []


def test_a_second_ctrl_c_ends_at_once() -> None:
    with running(*TINY, "--epochs", "500", "--json") as process:
        until(process, Stepped)
        (child,) = psutil.Process(process.pid).children()
        child.suspend()  # it saves nothing and does not end
        parent = psutil.Process(process.pid)
        files = parent.num_fds()
        process.send_signal(signal.SIGINT)
        while parent.num_fds() == files:  # the pipe to the child is closed once the first is obeyed
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.stderr
        assert process.stderr.read() == "to resume: convtui train --resume 1\n"
        assert process.wait() == 130
    assert not child.is_running()


def test_ctrl_c_to_a_process_that_is_killed_before_it_has_saved() -> None:
    with running(*TINY, "--epochs", "500", "--json") as process:
        until(process, Stepped)
        (child,) = psutil.Process(process.pid).children()
        child.suspend()
        parent = psutil.Process(process.pid)
        files = parent.num_fds()
        process.send_signal(signal.SIGINT)
        while parent.num_fds() == files:
            assert process.poll() is None
        child.kill()
        _, err = process.communicate()
        assert process.returncode == 130
    assert err.startswith("convtui: the training process was killed by SIGKILL; ")
    assert err.endswith("to resume: convtui train --resume 1\n")


def test_a_reader_of_json_that_leaves_ends_it_quietly() -> None:
    with running(*TINY, "--epochs", "500", "--json") as process:
        assert process.stdout
        until(process, Stepped)
        process.stdout.close()
        process.stdout = None
        _, err = process.communicate()
        assert (process.returncode, err) == (141, "")
    (run,) = all_runs()
    assert isinstance(run.events()[-1], Stopped)


def test_on_a_terminal_there_are_a_bar_and_a_table() -> None:
    here, there = pty.openpty()
    with running(*TINY, "--epochs", "2", stdin=there, stdout=there, stderr=there) as process:
        os.close(there)
        drawn = b""
        try:
            while chunk := os.read(here, 65536):
                drawn += chunk
        except OSError:  # the end of a terminal on Linux
            pass
        os.close(here)
        assert process.wait() == 0
    text = drawn.decode()
    for part in ("starting PyTorch", "━", "epoch", "/44", "loss", "lr", "validation loss", "1/2", "2/2"):
        assert part in text
    assert "run 1 is finished: 44 steps" in text
    (bar, *_) = (line for line in re.split(r"[\r\n]+", text) if "starting PyTorch" in line)
    assert len(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", bar)) < 80 - len("^C")  # which a terminal puts behind it
    assert "\x1b[?25h" in text[text.rindex("\x1b[?25l") :]  # the cursor is there again
