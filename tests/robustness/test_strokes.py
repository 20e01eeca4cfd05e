"""Random keys, clicks, wheels and window sizes in a real terminal: no crash, no wait, nobody left behind.

After a few strokes the app is asked whether it has come to rest (see `watched`); its answer tells how long
the longest turn of its event loop was, and no answer is a frozen app. An app that a stroke has ended in order
is started again in the same home.
"""

import fcntl
import os
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from random import Random

import psutil
import pytest

from tests.benchmarks.terminal import Ended, Silent, Terminal, running
from tests.robustness import SEED, rounds
from tests.robustness.strokes import BEGINNING, Size, Stroke, strokes

LONGEST_TURN = 1000  # milliseconds of processor time
FROZEN = 60.0  # seconds without an answer, whatever else the machine does
TRAINS = (b"5", b" ", b"1")
BURSTS = (1, 1, 2, 5, 12)
WHOLE_END = 128 + signal.SIGTERM


class Sitting:
    """A user before a running app, and what has been typed since it was started."""

    def __init__(self, terminal: Terminal, report: Path, home: Path) -> None:
        self._terminal, self._report, self._home = terminal, report, home
        self._process = psutil.Process(terminal.process.pid)
        self._answers = len(report.read_text().splitlines()) if report.exists() else 0
        self._children: set[psutil.Process] = set()
        self._ending = b""
        self.typed: list[Stroke] = []

    @property
    def is_over(self) -> bool:
        return self._terminal.process.poll() is not None

    def begin(self) -> None:
        """Until the first screen is there, and a run is on."""
        self._terminal.first_screen(200)
        self._settled(measured=False)
        for key in TRAINS:
            self.take([key], measured=False)

    def take(self, burst: list[Stroke], measured: bool = True) -> None:
        """Type, and wait for the app to come to rest."""
        for stroke in burst:
            if self.is_over:
                break
            self.typed.append(stroke)
            if isinstance(stroke, Size):
                shape = struct.pack("HHHH", stroke.rows, stroke.columns, 0, 0)
                fcntl.ioctl(self._terminal.fd, termios.TIOCSWINSZ, shape)
                self._terminal.process.send_signal(signal.SIGWINCH)
            else:
                os.write(self._terminal.fd, stroke)
            self._drain(0.002)
        self._settled(measured)

    def _settled(self, measured: bool) -> None:
        began = time.monotonic()
        while not self.is_over:
            with suppress(psutil.NoSuchProcess):
                self._children.update(self._process.children(recursive=True))
            self._terminal.process.send_signal(signal.SIGUSR2)
            asked = time.monotonic()
            while not self.is_over and time.monotonic() < asked + 2:
                self._drain(0.005)
                answers = self._report.read_text().splitlines() if self._report.exists() else []
                if len(answers) > self._answers:
                    longest = max(map(int, answers[self._answers :]))
                    self._answers = len(answers)
                    assert not measured or longest <= LONGEST_TURN, f"a frame took {longest} ms"
                    return
            with suppress(psutil.NoSuchProcess):
                if self._process.status() == psutil.STATUS_STOPPED:  # by the command menu
                    self._terminal.process.send_signal(signal.SIGCONT)
            assert time.monotonic() < began + FROZEN, f"it has not come to rest in {FROZEN:.0f} s"

    def _drain(self, seconds: float) -> None:
        self._ending = (self._ending + self._terminal.read_until(time.perf_counter() + seconds))[-5000:]

    def require_a_good_end(self) -> None:
        """It has ended in order, and everything that it has started too."""
        code = self._terminal.process.wait(FROZEN)
        self._drain(0.2)
        crashes = list(self._home.glob("**/last-error.txt"))
        told = "".join(path.read_text() for path in crashes) or repr(self._ending[-1500:])
        assert not crashes, f"it crashed:\n{told}"
        assert code in (0, WHOLE_END), f"it ended with {code}:\n{told}"
        _, left = psutil.wait_procs(self._children, FROZEN / 2)
        assert not left, f"left behind: {left}"

    def end(self) -> None:
        if not self.is_over:
            self._terminal.process.terminate()
            deadline = time.monotonic() + FROZEN
            while not self.is_over and time.monotonic() < deadline:
                self._drain(0.02)
        self.require_a_good_end()


def sit(seed: int, count: int, report: Path, home: Path) -> None:
    """So many strokes, in as many sittings as it takes.

    Raises AssertionError with the seed and the strokes since the app was started.
    """
    chance = Random(seed)
    coming = islice(strokes(chance), count)
    arguments = chance.choice(
        ((), ("cat-32", "--kernel", "edges"), ("cat-32", "--kernel", "random", "--filters", "9"))
    )
    while burst := _burst(coming, chance):
        command = [sys.executable, "-m", "tests.robustness.watched", str(report), str(home), *arguments]
        with running(command, *BEGINNING) as terminal:
            sitting = Sitting(terminal, report, home)
            try:
                sitting.begin()
                while burst and not sitting.is_over:
                    sitting.take(burst)
                    burst = _burst(coming, chance)
                sitting.end()
            except (AssertionError, OSError, Silent, Ended) as error:
                raise AssertionError(f"seed {seed}: {error}\nstrokes: {sitting.typed!r}") from error


def _burst(coming: Iterator[Stroke], chance: Random) -> list[Stroke]:
    return list(islice(coming, chance.choice(BURSTS)))


@pytest.mark.parametrize("seed", range(SEED, SEED + rounds(1, 8)))
def test_random_strokes(seed: int, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    sit(seed, rounds(120, 1250), tmp_path / "answers", home)
