"""Training processes for tests: real ones, driven line by line, that no failing test leaves behind."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from convtui.training.exploring import Explored
from convtui.training.measuring import Measured
from convtui.training.messages import Message, decode, encode
from convtui.training.own_network import OwnNetwork
from convtui.training.protocol import Begun, Failed, Finished, Stopped, Suggested
from convtui.training.recipe import Recipe

TINY = Recipe(data="digits-8x8", channels=(4,), batch_size=64, epochs=2)
STEPS_PER_EPOCH = 1437 // 64

_SECONDS = 600.0  # whatever else the machine does; only for what would never end


class Process:
    """The training process as its parent sees it."""

    def __init__(self, popen: "subprocess.Popen[bytes]") -> None:
        assert popen.stdin
        assert popen.stdout
        self.popen, self._stdin, self._stdout = popen, popen.stdin, popen.stdout

    def send(self, *messages: Message) -> None:
        self.write(*map(encode, messages))

    def write(self, *lines: str) -> None:
        for line in lines:
            self._stdin.write(f"{line}\n".encode())
        self._stdin.flush()

    def close(self) -> None:
        """Be gone, as far as the process can see."""
        self._stdin.close()
        self.popen.stdin = None

    def event(self) -> Message:
        line = self._stdout.readline()
        assert line, "the process has ended"
        return decode(line.decode())

    def until(self, *kinds: type[Message]) -> list[Message]:
        """All events up to the first of these kinds."""
        events = [self.event()]
        while not isinstance(events[-1], kinds):
            events.append(self.event())
        return events

    def job(self, message: Message) -> list[Message]:
        """All events of a job that is left alone."""
        self.send(message)
        return self.until(Failed, Finished, Stopped, Suggested, Measured, Explored)

    def rest(self) -> list[Message]:
        """All events until the process has ended."""
        return [decode(line.decode()) for line in self._stdout]

    def wait(self) -> int:
        return self.popen.wait(_SECONDS)


@contextmanager
def process(
    data_home: Path, errors: Path | None = None, path: Path | None = None, network: OwnNetwork | None = None
) -> Iterator[Process]:
    """A process that keeps its runs there, with that file as its stderr and that folder first on its path.

    Of the user's code it may run this network's.
    """
    named = [json.dumps(network.as_dict())] if network else []
    environment = {**os.environ, "XDG_DATA_HOME": str(data_home), "PYTHONPATH": str(path or "")}
    with (errors or Path(os.devnull)).open("wb") as stderr:
        popen = subprocess.Popen(
            [sys.executable, "-m", "convtui.training.process", *named],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment,
        )
    watchdog = threading.Timer(_SECONDS, popen.kill)
    watchdog.start()
    try:
        yield Process(popen)
    finally:
        watchdog.cancel()
        popen.kill()
        popen.communicate()


def is_running(pid: int) -> bool:
    """Whether there is such a process, other than one that has ended and was not waited for."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def begun(events: list[Message]) -> Begun:
    return next(event for event in events if isinstance(event, Begun))
