"""What is measured: programs side by side, each sample of one next to a sample of the other.

The machine's mood then falls on both alike, and the ratio of their medians says what convtui adds.
"""

import random
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle

from tests.benchmarks.terminal import Silent, Terminal, running

COLUMNS, ROWS = 120, 40
CELLS = COLUMNS * ROWS

UP, DOWN, RIGHT, LEFT, ENTER = b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D", b"\r"
MATRIX_PAGE = b"2"
LAYERS_PAGE = b"3"
LAST_LAYER = b"\x1b[F"
PAGE_DOWN, PAGE_UP = b"\x1b[6~", b"\x1b[5~"
NEXT_LAYER, PREVIOUS_LAYER = b"]", b"["
WHEEL_DOWN, WHEEL_UP = b"\x1b[<65;20;20M", b"\x1b[<64;20;20M"  # over column 20 of line 20

Commands = Mapping[str, Sequence[str]]


@dataclass
class Series:
    """What one program needed for many keys."""

    seconds: list[float] = field(default_factory=list)
    bytes_written: int = 0
    frames: int = 0
    cpu_seconds: float | None = None
    resident_bytes: int | None = None

    def p50(self) -> float | None:
        """Milliseconds from key to last byte that half of the keys needed at most."""
        return median([seconds * 1000 for seconds in self.seconds])

    def p95(self) -> float | None:
        """Milliseconds from key to last byte that 95 of 100 keys needed at most."""
        return percentile_95([seconds * 1000 for seconds in self.seconds])

    def frames_a_key(self) -> float | None:
        return self._a_key(self.frames)

    def kilobytes_a_key(self) -> float | None:
        return self._a_key(self.bytes_written / 1e3)

    def cpu_milliseconds_a_key(self) -> float | None:
        return None if self.cpu_seconds is None else self._a_key(self.cpu_seconds * 1e3)

    def megabytes(self) -> float | None:
        return None if self.resident_bytes is None else self.resident_bytes / 1e6

    def _a_key(self, total: float) -> float | None:
        return total / len(self.seconds) if self.seconds else None


def median(values: Sequence[float]) -> float | None:
    """The middle value; None where nothing was measured."""
    return statistics.median(values) if values else None


def percentile_95(values: Sequence[float]) -> float | None:
    """The value that 95 of 100 do not exceed; None where too little was measured to say."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) >= 20 else None


def start_milliseconds(commands: Commands, runs: int) -> dict[str, list[float]]:
    """Milliseconds from exec to the last byte of the settled first screen; one run before does not count.

    Raises:
        Silent, Ended: a program drew no screen.
    """
    milliseconds: dict[str, list[float]] = {name: [] for name in commands}
    for run in range(runs + 1):
        for name, command in commands.items():
            with running(command, COLUMNS, ROWS) as terminal:
                screen = terminal.first_screen(CELLS)
            if run > 0:
                milliseconds[name].append(screen.seconds * 1000)
    return milliseconds


@contextmanager
def opened(commands: Commands) -> Iterator[dict[str, Terminal]]:
    """All programs, each in a terminal of its own with its first screen drawn.

    Raises:
        Silent, Ended: a program drew no screen.
    """
    with ExitStack() as stack:
        terminals = {}
        for name, command in commands.items():
            terminals[name] = stack.enter_context(running(command, COLUMNS, ROWS))
            terminals[name].first_screen(CELLS)
        yield terminals


def one_at_a_time(
    terminals: Mapping[str, Terminal], keys: Sequence[bytes], presses: int
) -> dict[str, Series]:
    """Press the keys in turn, each only when the frame before is whole and a moment's thought has passed.

    That pause is longer than a tick of a 60 Hz screen and drawn at random from a fixed seed, so that no
    program is always met in the same phase of its clock. A key that draws nothing is left out.

    Raises:
        Ended: a program is gone.
    """
    pause = random.Random(1)
    series = {name: Series() for name in terminals}
    before = {name: terminal.usage() for name, terminal in terminals.items()}
    for _, key in zip(range(presses), cycle(keys), strict=False):
        for name, terminal in terminals.items():
            try:
                drawn = terminal.press(key, quiet=pause.uniform(0.03, 0.045), timeout=1.0)
            except Silent:
                continue
            series[name].seconds.append(drawn.seconds)
            series[name].bytes_written += len(drawn.data)
            series[name].frames += drawn.frames
    for name, terminal in terminals.items():
        first, last = before[name], terminal.usage()
        if first and last:
            series[name].cpu_seconds = last.cpu_seconds - first.cpu_seconds
            series[name].resident_bytes = last.resident_bytes
    return series


def held_down(terminal: Terminal, key: bytes, presses: int, rate: float = 30.0) -> list[float]:
    """Milliseconds from each repetition of a held key to the end of the next frame."""
    terminal.frame_ends.clear()
    sent = []
    for _ in range(presses):
        sent.append(terminal.send(key))
        terminal.read_until(sent[-1] + 1 / rate)
    terminal.read_until(time.perf_counter() + 0.3)
    ends = [next((end for end in terminal.frame_ends if end > moment), None) for moment in sent]
    return [(end - moment) * 1000 for moment, end in zip(sent, ends, strict=True) if end is not None]
