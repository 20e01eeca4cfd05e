"""A terminal that is gone ends the app, whatever it was drawing, and the process that trains for it."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from tests.benchmarks.terminal import running

CONVTUI = [sys.executable, "-m", "convtui", "--data", "digits-8x8"]
TAKE_TERMINAL = """\
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
AS_ITS_CONTROLLING_TERMINAL = [sys.executable, "-c", TAKE_TERMINAL]
HUNG_UP = 128 + 1


@pytest.mark.parametrize("prefix", [AS_ITS_CONTROLLING_TERMINAL, []], ids=["told by a signal", "not told"])
def test_a_lost_terminal_ends_the_app_and_its_training(prefix: list[str]) -> None:
    with running([*prefix, *CONVTUI]) as terminal:
        terminal.first_screen(200)
        terminal.press_until(b"5", "Press space to train", timeout=20)
        terminal.press_until(b" ", "training", timeout=60)
        children = psutil.Process(terminal.process.pid).children()
        os.dup2(os.open(os.devnull, os.O_RDWR), terminal.fd)
        assert terminal.process.wait(20) == HUNG_UP
        gone, alive = psutil.wait_procs(children, 20)
        assert gone
        assert not alive


def test_a_signal_ends_the_app_though_nobody_reads_what_it_writes() -> None:
    with running([*AS_ITS_CONTROLLING_TERMINAL, *CONVTUI]) as terminal:
        terminal.first_screen(200)
        # Unread output blocks the app's writing, as a stalled connection does.
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            os.write(terminal.fd, b"l")
            time.sleep(0.001)
        terminal.process.terminate()
        try:
            assert terminal.process.wait(20) == 128 + 15
        except subprocess.TimeoutExpired:
            pytest.fail("it waits for a terminal that takes nothing")
