"""What the open Train page costs the training, and what the training costs the keys.

The app runs in a pseudo-terminal with its worker beside it, the same loop in a bare script: a run of the one,
then a run of the other, for several rounds. What happens in a run is timed by the lines of its log.
"""

import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from statistics import median
from typing import Final

from tests.benchmarks.measure import (
    DOWN,
    RIGHT,
    Series,
    one_at_a_time,
    opened,
    percentile_95,
)
from tests.benchmarks.report import Figure, compared
from tests.benchmarks.terminal import Silent, Terminal, plain

CONVTUI: Final = [sys.executable, "-m", "convtui"]
BARE: Final = [sys.executable, "-m", "tests.benchmarks.bare"]
STEP_PAGE, TRAIN_PAGE, START, STOP, LAYERS_VIEW = b"1", b"5", b" ", b"x", b"v"
LAYERS: Final = (4, 7, 10, 13, 1)  # the default network's convolutions as DOWN goes through them
ENDLESS: Final = b":epochs 500\r"
ROUNDS: Final = 4
EPOCHS: Final = 15  # of a run whose speed is measured
POLL: Final = 0.02
WAIT: Final = 120.0
A_STEP: Final = re.compile(r"step +[1-9]")


@dataclass(frozen=True)
class Live:
    """A run with the Train page open, from the end of its first epoch to the end of its last."""

    steps_a_second: float
    cores: float
    frames_a_second: float


class Log:
    """The log of a run as it is written; the terminal's output is read meanwhile and thrown away."""

    def __init__(self, terminal: Terminal, number: int) -> None:
        self._terminal = terminal
        self.path = terminal.data / "convtui" / "runs" / f"{number:04}" / "events.jsonl"

    @property
    def events(self) -> list[str]:
        """The names of those that are there."""
        lines = self.path.read_bytes().splitlines() if self.path.exists() else []
        return [json.loads(line)["event"] for line in lines if line.endswith(b"}")]

    def wait_for(self, event: str) -> None:
        """Until there is an event of this name. Raises Silent if nothing new comes for long."""
        size, until = 0, time.perf_counter() + WAIT
        mark = f'"event":"{event}"'.encode()
        while time.perf_counter() < until:
            if self.path.exists() and self.path.stat().st_size > size:
                with self.path.open("rb") as log:
                    log.seek(max(0, size - len(mark)))
                    new = log.read()
                if mark in new:
                    return
                size, until = max(0, size - len(mark)) + len(new), time.perf_counter() + WAIT
            self._terminal.read_until(time.perf_counter() + POLL)
        raise Silent(f"{self.path} has no new line for {WAIT:g} s")


class BareScript:
    """The loop in a process of its own, which runs when it is told to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin
        assert process.stdout
        self._stdin, self._stdout = process.stdin, process.stdout
        self._stdout.readline()  # it is ready

    def steps_a_second(self, what: str) -> float:
        """Of one run, "captured" or "bare"."""
        print(what, file=self._stdin, flush=True)
        return float(self._stdout.readline())


@contextmanager
def bare_script() -> Iterator[BareScript]:
    with subprocess.Popen(
        [*BARE, str(EPOCHS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield BareScript(process)


def training_figures() -> Iterator[Figure]:
    """The speed of a run with the page open, how soon it starts, and the keys meanwhile."""
    yield from speed_figures()
    yield from start_figures()
    yield from key_figures()


def speed_figures() -> Iterator[Figure]:
    """Steps a second with the Train page open, in a bare script, and there without capture."""
    live: list[Live] = []
    captured: list[float] = []
    bare: list[float] = []
    with opened({"": CONVTUI}) as terminals, bare_script() as script:
        terminal = terminals[""]
        terminal.press(TRAIN_PAGE, quiet=1.0)
        terminal.press(f":epochs {EPOCHS}\r".encode(), quiet=0.5)
        for number in range(1, ROUNDS + 1):
            live.append(live_run(terminal, number))
            captured.append(script.steps_a_second("captured"))
            bare.append(script.steps_a_second("bare"))
    speed, cores, frames = (
        median(getattr(each, name) for each in live)
        for name in ("steps_a_second", "cores", "frames_a_second")
    )
    yield Figure(
        "steps a second, Train page open", "", speed, "same loop, bare", median(captured), least=0.95
    )
    with_capture, without = 1000 / median(captured), 1000 / median(bare)
    yield Figure("  a step with capture", "ms", with_capture, "without", without, target=1.1)
    yield Figure("  CPU of the interface, cores", "", cores, "", None)
    yield Figure("  CPU a frame", "ms", cores / frames * 1000, "", None)


def live_run(terminal: Terminal, number: int) -> Live:
    """Start a run on the Train page and see it through."""
    terminal.send(START)
    log = Log(terminal, number)
    log.wait_for("epoch")
    began, before, frames = time.perf_counter(), terminal.usage(), len(terminal.frame_ends)
    log.wait_for("finished")
    seconds, after = time.perf_counter() - began, terminal.usage()
    cores = (after.cpu_seconds - before.cpu_seconds) / seconds if before and after else float("nan")
    terminal.read_until(time.perf_counter() + 0.5)
    events = log.events
    steps = events[events.index("epoch") :].count("step")
    return Live(steps / seconds, cores, (len(terminal.frame_ends) - frames) / seconds)


def start_figures() -> Iterator[Figure]:
    """From pressing start to the first event and to the first step on the screen."""
    cold: list[tuple[float, float]] = []
    warm: list[tuple[float, float]] = []
    for _ in range(3):
        with opened({"": CONVTUI}) as terminals:
            terminal = terminals[""]
            terminal.press(TRAIN_PAGE, quiet=0.2)
            cold.append(started(terminal, 1))
            Log(terminal, 1).wait_for("finished")
            terminal.read_until(time.perf_counter() + 0.5)
            warm.append(started(terminal, 2))
            stop(terminal, 2)
    for name, at in (("start to first event", 0), ("start to first step painted", 1)):
        values = (median(each[at] for each in of) for of in (warm, cold))
        yield Figure(name, "ms", next(values) * 1000, "cold worker", next(values) * 1000)


def started(terminal: Terminal, number: int) -> tuple[float, float]:
    """Start a run: seconds to the first line of its log, and until a step has been painted."""
    path = Log(terminal, number).path
    terminal.read_until(time.perf_counter())
    since = terminal.send(START)
    event, data = None, b""
    while time.perf_counter() < since + WAIT:
        data += terminal.read_until(time.perf_counter() + POLL)
        if event is None and path.exists():
            event = time.perf_counter() - since
        if event is not None and A_STEP.search(plain(data)):
            return event, time.perf_counter() - since
    raise Silent(f"no step was painted in {WAIT:g} s")


def stop(terminal: Terminal, number: int) -> None:
    """End a run, so that nothing is written any more when the user's home is removed."""
    terminal.send(STOP)
    Log(terminal, number).wait_for("stopped")


def key_figures() -> Iterator[Figure]:
    """From a key to the frame that it painted, while a run is active beside an app whose run is over."""
    with opened({"training": CONVTUI, "no run": CONVTUI}) as terminals:
        for terminal in terminals.values():
            terminal.press(TRAIN_PAGE, quiet=1.0)
            terminal.press(START, quiet=0.0)
            Log(terminal, 1).wait_for("finished")
            terminal.read_until(time.perf_counter() + 0.5)
        training = terminals["training"]
        training.press(ENDLESS, quiet=0.5)
        training.send(START)
        Log(training, 2).wait_for("epoch")
        for terminal in terminals.values():
            terminal.press_until(LAYERS_VIEW, f"layer {LAYERS[-1]} ")
        repaint = repaint_milliseconds(training)
        answers = layers_chosen(terminals, presses=100)
        yield compared("layer chosen while training, p50", "ms", answers, median)
        yield compared("layer chosen while training, p95", "ms", answers, percentile_95)
        late, early = percentile_95(answers["training"]), percentile_95(answers["no run"])
        latest = None if early is None else early + repaint
        yield Figure("  p95: one repaint later at most", "ms", late, "no run + repaint", latest, target=1.0)
        for terminal in terminals.values():
            terminal.press(STEP_PAGE, quiet=0.5)
        steps = one_at_a_time(terminals, [RIGHT], presses=200)
        yield compared("Step page, key Right, p50", "ms", steps, Series.p50)
        yield compared("Step page, key Right, p95", "ms", steps, Series.p95)
        training.press(TRAIN_PAGE, quiet=0.2)
        stop(training, 2)


def layers_chosen(terminals: Mapping[str, Terminal], presses: int) -> dict[str, list[float]]:
    """Milliseconds from the key that chooses the next layer to the end of the frame that names it."""
    pause = random.Random(1)
    answers: dict[str, list[float]] = {name: [] for name in terminals}
    for _, layer in zip(range(presses), cycle(LAYERS), strict=False):
        for name, terminal in terminals.items():
            terminal.read_until(time.perf_counter() + pause.uniform(0.05, 0.15))
            answers[name].append(1000 * terminal.press_until(DOWN, f"layer {layer} "))
    return answers


def repaint_milliseconds(terminal: Terminal, seconds: float = 5.0) -> float:
    """CPU time of the interface for a frame that is drawn because the run has got on."""
    before, frames = terminal.usage(), len(terminal.frame_ends)
    terminal.read_until(time.perf_counter() + seconds)
    after = terminal.usage()
    if before is None or after is None:
        return float("nan")
    return 1000 * (after.cpu_seconds - before.cpu_seconds) / max(len(terminal.frame_ends) - frames, 1)
