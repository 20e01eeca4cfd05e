"""The parent's end of the tracing process: starts it, gives it a job, and sees to it that it ends.

The process leads a group of its own, so that what the user's code forks off ends with it, and Ctrl+C
reaches the parent alone. It has the path for imports that `python net.py` would have.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import sysconfig
from asyncio.subprocess import DEVNULL, PIPE, Process
from codecs import getincrementaldecoder
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import convtui
from convtui.engine.graph.operation import Graph, Op
from convtui.tracing.encoding import graph_from_json
from convtui.tracing.protocol import (
    Done,
    Event,
    Fetch,
    Finished,
    Forked,
    Job,
    Loaded,
    Look,
    Outcome,
    Ready,
    Refused,
    Settled,
    Sizes,
    Traced,
    decode,
    encode,
)

LIMIT: Final = 120.0  # seconds for their code
GRACE: Final = 2.0  # seconds for the last prints of a process
LONGEST_LINE: Final = 2**26
SIGNALS: Final = {  # what is behind them as a rule
    "SIGSEGV": ", a crash in code that is not Python",
    "SIGKILL": ", perhaps for want of memory",
}
FORKED: Final = "your code forked the process; only what the first one did is shown"

_FRAME: Final = re.compile(r' *File "(?P<file>.*)", line (?P<line>[0-9]+)')
_ENVIRONMENT: Final = {
    "PYTHONUNBUFFERED": "1",  # what they print comes when they print it
    "TORCHDYNAMO_DISABLE": "1",  # compiled code would hide its operations
}
_RUN: Final = (  # this convtui, whichever their path would find
    "import sys; root = sys.argv.pop(); sys.path.insert(0, root); import convtui; sys.path.remove(root); "
    "from convtui.tracing.process.worker import main; main()"
)


class TracingProcess:
    """A tracing process; `await TracingProcess.start()` makes one."""

    def __init__(self, process: Process) -> None:
        assert process.stdin
        assert process.stdout
        self._process, self._stdin, self._stdout = process, process.stdin, process.stdout
        self._crashed_at = ""  # their line, where the interpreter could still tell it
        self.is_ready = False

    @classmethod
    async def start(cls, takes_prints: bool = False) -> TracingProcess:
        """A process that has begun to import PyTorch: it says Ready, and takes its job at once.

        What their code prints is taken by `printed`, or is printed nowhere. Raises OSError where none starts,
        and for a visitor.
        """
        from convtui.inputs.confinement import confinement

        if confinement() is not None:
            raise OSError("code of networks is not run for visitors; convtui in a terminal runs it")
        try:
            Path.cwd()
        except FileNotFoundError:  # in which PyTorch does not find its own libraries
            raise OSError("the working directory no longer exists; change to another") from None
        root = str(Path(convtui.__file__).parents[1])
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", _RUN, root),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE if takes_prints else DEVNULL,
            limit=LONGEST_LINE,
            start_new_session=True,
            env={**os.environ, **_ENVIRONMENT},
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """Its number, as the system knows it."""
        return self._process.pid

    @property
    def cause(self) -> str:
        """How it ended, in words: `was killed by SIGSEGV`, `ended with exit code 3`."""
        code = self._process.returncode
        if code is None:
            return "is running"
        if code < 0:
            with suppress(ValueError):
                name = signal.Signals(-code).name
                return f"was killed by {name}{self._crashed_at}{SIGNALS.get(name, '')}"
        return f"ended with exit code {code}"

    def send(self, message: Job | Fetch | Look) -> None:
        """Give it its job, or ask it for tensors or another pass, without waiting."""
        if self._process.returncode is None and not self._stdin.is_closing():
            self._stdin.write(encode(message))

    async def printed(self) -> AsyncIterator[str]:
        """What their code prints, as it comes, until the process ends."""
        stream = self._process.stderr
        decoder = getincrementaldecoder("utf-8")("replace")
        while stream is not None and (part := await stream.read(2**14)):
            yield decoder.decode(part)

    async def ready(self) -> None:
        """Wait until it has imported PyTorch: what it is given then is done at once."""
        async for event in self.events():
            if isinstance(event, Ready):
                self.is_ready = True
                return

    async def events(self) -> AsyncIterator[Event]:
        """What it tells, until there is no more to come."""
        while True:
            try:
                line = await self._stdout.readline()
            except ValueError:  # longer than any line should be
                continue
            if not line:
                return
            try:
                event = decode(line)
            except ValueError:  # torn by the end of the process, or what the interpreter says of its crash
                self._crashed_at = self._crashed_at or _place(line)
                continue
            yield event
            if isinstance(event, Finished):
                return

    async def end(self) -> None:
        """End it, and whatever it has forked off."""
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._stdin.close()
        await self._process.wait()

    async def wait(self) -> None:
        """Wait until it has ended by itself."""
        await self._process.wait()


def _place(line: bytes) -> str:
    """` at net.py:20` of a line that faulthandler writes, if that is neither Python's, PyTorch's nor ours."""
    found = _FRAME.match(line.decode("utf-8", "replace"))
    if not found or found["file"].startswith("<"):
        return ""
    file = Path(found["file"])
    others = (Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib"))
    if any(file.is_relative_to(each) for each in (*others, Path(convtui.__file__).parent)):
        return ""
    short = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    return f" at {short}:{found['line']}"


async def trace(
    job: Job,
    limit: float = LIMIT,
    tell: Callable[[Event], None] = lambda _: None,
    prints: Callable[[str], object] = lambda _: None,
) -> Outcome:
    """Do a job in a process of its own. Raises OSError where none starts.

    tell is called with each event, prints with each line that their code prints.
    """
    process = await TracingProcess.start(takes_prints=True)
    reading = asyncio.create_task(_told_prints(process, prints))
    try:
        return await outcome(process, job, limit, tell)
    finally:
        await process.end()
        await asyncio.wait([reading], timeout=GRACE)  # what it has forked off may hold the pipe
        reading.cancel()


async def _told_prints(process: TracingProcess, tell: Callable[[str], object]) -> None:
    from convtui.inputs.prints import Prints

    prints = Prints()
    async for part in process.printed():
        for line in prints.lines_of(part):
            tell(line)
    for line in prints.rest():
        tell(line)


def overtime(limit: float) -> str:
    """Why a process was ended that took longer than it may."""
    return f"did not end within {limit:g} seconds and was stopped; --limit gives it more"


class Told:
    """What a process has told of its job so far."""

    def __init__(self, target: str) -> None:
        self.ops: list[Op] = []
        self.has_ended = False
        self._target = target
        self._graph: Graph | None = None
        self._notices: list[str] = []
        self._sizes: Sizes | None = None
        self._refused: Refused | None = None
        self._loaded = Loaded()

    def take(self, event: Event) -> None:
        """Add what an event tells."""
        match event:
            case Loaded(told):
                self._notices += told
                self._loaded = event
            case Done(op):
                self.ops.append(op)
            case Traced(rest):
                self._graph = graph_from_json(tuple(self.ops), rest)
            case Sizes():
                self._sizes = event
            case Forked():
                self._notices += [] if FORKED in self._notices else [FORKED]
            case Refused():
                self._refused = event
            case Finished() | Settled():
                self.has_ended = True

    def outcome(self, trouble: str = "") -> Outcome:
        """All of it. trouble: how the process ended before it was done."""
        graph, notices = self._graph, list(self._notices)
        if trouble and graph:  # all that matters is there
            notices.append(f"the process that ran your code {trouble}")
            trouble = ""
        if graph is None and self.ops and not self._refused:
            graph = Graph(tuple(self.ops), self._target, is_cut=True)
        loaded = self._loaded
        of_loaded = loaded.image, loaded.takes_image, loaded.is_called
        return Outcome(graph, self._sizes, tuple(notices), trouble, self._refused, *of_loaded)


async def outcome(
    process: TracingProcess, job: Job, limit: float = LIMIT, tell: Callable[[Event], None] = lambda _: None
) -> Outcome:
    """Give a process its job, and all that comes of it; one that is not done in time is left running."""
    told = Told(job.target)
    loop = asyncio.get_running_loop()
    process.send(job)
    try:
        async with asyncio.timeout(limit if process.is_ready else None) as timer:
            async for event in process.events():
                tell(event)
                told.take(event)
                if isinstance(event, Ready):  # the time for importing PyTorch is not theirs
                    timer.reschedule(loop.time() + limit)
            if not told.has_ended:
                await process.wait()
    except TimeoutError:
        return told.outcome(overtime(limit))
    return told.outcome("" if told.has_ended else process.cause)
