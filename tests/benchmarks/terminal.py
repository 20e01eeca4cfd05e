"""A terminal for programs under test: it answers as terminals do and knows when a frame is whole.

Times are taken where the user is: at the far end of the pty, when the last byte of a frame has arrived.
"""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SYNCHRONISED_OUTPUT = b"2026"
MODE_QUERY = re.compile(rb"\x1b\[\?(\d+)\$p")
FRAME_MARKER = re.compile(rb"\x1b\[\?2026([hl])")
LONGEST_SEQUENCE = 16
ESCAPE_SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")
UTF8_CONTINUATION = re.compile(rb"[\x80-\xbf]")


class Silent(Exception):
    """The program drew nothing whole in the time it was given."""


class Ended(Exception):
    """The program ended while more was expected of it."""


@dataclass(frozen=True)
class Drawn:
    """What a program wrote from some moment on until it fell silent, and the seconds to its last byte."""

    data: bytes
    seconds: float
    frames: int


@dataclass(frozen=True)
class Usage:
    """CPU seconds used so far and resident bytes of a process."""

    cpu_seconds: float
    resident_bytes: int


class Terminal:
    """A program running in a pseudo-terminal; `frame_ends` are the moments at which its frames were whole."""

    def __init__(self, fd: int, process: subprocess.Popen[bytes], started: float, data: Path) -> None:
        self.fd = fd
        self.process = process
        self.started = started
        self.data = data  # the user's data folder, where the program may keep things
        self.frame_ends: list[float] = []
        self._frame_open = False
        self._ended = False
        self._tail = b""

    def send(self, keys: bytes) -> float:
        """Type the keys; the moment just before, as `time.perf_counter` counts."""
        moment = time.perf_counter()
        os.write(self.fd, keys)
        return moment

    def press(self, keys: bytes, quiet: float = 0.04, timeout: float = 5.0) -> Drawn:
        """Type the keys and read until something whole is drawn and nothing follows for `quiet` seconds.

        Raises:
            Silent: nothing was drawn within `timeout` seconds.
            Ended: the program is gone.
        """
        self.read_until(time.perf_counter())
        return self._read_until_quiet(self.send(keys), quiet, timeout, 1)

    def press_until(self, keys: bytes, text: str, timeout: float = 5.0) -> float:
        """Seconds from typing the keys to the end of the first frame with this text, whatever else is drawn.

        Raises:
            Silent: it was not drawn within `timeout` seconds.
            Ended: the program is gone.
        """
        self.read_until(time.perf_counter())
        since = self.send(keys)
        data = b""
        while chunk := self._read(since + timeout - time.perf_counter()):
            data += chunk
            if not self._frame_open and text in plain(data):
                return time.perf_counter() - since
        raise (Ended if self._ended else Silent)(f"{self.process.args!r} did not draw {text!r}")

    def first_screen(self, cells: int, quiet: float = 0.2, timeout: float = 30.0) -> Drawn:
        """Read from the start of the process until `cells` characters are drawn and `quiet` seconds follow.

        Raises:
            Silent: that had not come about `timeout` seconds after the start.
            Ended: the program is gone.
        """
        return self._read_until_quiet(self.started, quiet, timeout, cells)

    def read_until(self, moment: float) -> bytes:
        """Everything written before that moment, or before the program's end."""
        data = b""
        while chunk := self._read(moment - time.perf_counter()):
            data += chunk
        return data

    def wait(self, timeout: float = 10.0) -> int:
        """The program's exit code, its last output read and thrown away.

        Raises:
            subprocess.TimeoutExpired: it has not ended in `timeout` seconds.
        """
        self.read_until(time.perf_counter() + timeout)
        return self.process.wait(1)

    def usage(self) -> Usage | None:
        """Processor time and memory so far; None where the system has no /proc."""
        try:
            # The name, second of the fields, may hold spaces and stands in parentheses.
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        user_ticks, system_ticks, resident_pages = int(fields[11]), int(fields[12]), int(fields[21])
        cpu_seconds = (user_ticks + system_ticks) / os.sysconf("SC_CLK_TCK")
        return Usage(cpu_seconds, resident_pages * os.sysconf("SC_PAGE_SIZE"))

    def _read_until_quiet(self, since: float, quiet: float, timeout: float, cells: int) -> Drawn:
        data = b""
        last = since
        frames_before = len(self.frame_ends)
        painted = False
        while chunk := self._read(min(quiet if painted else timeout, since + timeout - last)):
            last = time.perf_counter()
            data += chunk
            painted = not self._frame_open and (painted or _characters(data) >= cells)
        ending = data.decode(errors="replace")[-2000:]
        if self._ended:
            raise Ended(f"{self.process.args!r} ended; it wrote:\n{ending}")
        if not painted:
            raise Silent(f"{self.process.args!r} drew no whole frame in {timeout:g} s; it wrote:\n{ending}")
        return Drawn(data, last - since, len(self.frame_ends) - frames_before)

    def _read(self, wait: float) -> bytes:
        """The next bytes, nothing once `wait` seconds have passed or the program has ended."""
        if not select.select([self.fd], [], [], max(0.0, wait))[0]:
            return b""
        try:
            chunk = os.read(self.fd, 65536)
        except OSError:  # Linux reports the end of a pty as an input/output error.
            chunk = b""
        self._ended = not chunk
        text = self._tail + chunk
        seen = 0
        for query in MODE_QUERY.finditer(text):
            state = 2 if query[1] == SYNCHRONISED_OUTPUT else 0
            os.write(self.fd, b"\x1b[?%s;%d$y" % (query[1], state))
            seen = query.end()
        for marker in FRAME_MARKER.finditer(text):
            self._frame_open = marker[1] == b"h"
            if not self._frame_open:
                self.frame_ends.append(time.perf_counter())
            seen = max(seen, marker.end())
        # A sequence may be cut in two by the read.
        self._tail = text[max(seen, len(text) - LONGEST_SEQUENCE) :]
        return chunk


def plain(data: bytes) -> str:
    """The text of the output without its escape sequences."""
    return ESCAPE_SEQUENCE.sub(b"", data).decode(errors="replace")


def _characters(data: bytes) -> int:
    """How many characters of the output take a cell."""
    return len(UTF8_CONTINUATION.sub(b"", ESCAPE_SEQUENCE.sub(b"", data)))


@contextmanager
def running(command: Sequence[str], columns: int = 120, rows: int = 40) -> Iterator[Terminal]:
    """Run the command in a pseudo-terminal of this size for a user with an empty home; kill it in the end."""
    ours = ("TEXTUAL", "XDG_", "PYTHONDONTWRITEBYTECODE", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    outside, inside = os.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    with (
        tempfile.TemporaryDirectory(prefix="convtui-home-", ignore_cleanup_errors=True) as home,
        os.fdopen(outside, "rb", buffering=0),
    ):
        mark = Path(home, ".local", "state", "convtui", "started")  # else the course would be offered
        mark.parent.mkdir(parents=True)
        mark.touch()
        environment |= {"HOME": home, "XDG_DATA_HOME": str(Path(home, "data"))}
        with os.fdopen(inside, "rb", buffering=0) as tty:
            started = time.perf_counter()
            process = subprocess.Popen(
                command, stdin=tty, stdout=tty, stderr=tty, env=environment, start_new_session=True
            )
        try:
            yield Terminal(outside, process, started, Path(home, "data"))
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
