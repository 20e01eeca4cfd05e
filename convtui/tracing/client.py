"""The parent's end of the tracing process: starts it, gives it a job, and sees to it that it ends.

The process leads a group of its own, so that what the user's code forks off ends with it, and Ctrl+C
reaches the parent alone. It has the path for imports that `python net.py` would have.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
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
    Finished,
    Forked,
    Job,
    Loaded,
    Outcome,
    Ready,
    Refused,
    Sizes,
    Traced,
    decode,
    encode,
)

LIMIT: Final = 120.0  # seconds for their code
LONGEST_LINE: Final = 2**26
FORKED: Final = "your code forked the process; only what the first one did is shown"

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
        self.is_ready = False

    @classmethod
    async def start(cls) -> TracingProcess:
        """A process that has begun to import PyTorch: it says Ready, and takes its job at once.

        What their code prints goes to this process's standard error. Raises OSError where none starts.
        """
        try:
            Path.cwd()
        except FileNotFoundError:  # in which PyTorch does not find its own libraries
            raise OSError("the working directory no longer exists; change to another") from None
        root = str(Path(convtui.__file__).parents[1])
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", _RUN, root),
            stdin=PIPE,
            stdout=PIPE,
            limit=LONGEST_LINE,
            start_new_session=True,
            env={**os.environ, **_ENVIRONMENT},
        )
        return cls(process)

    @property
    def cause(self) -> str:
        """How it ended, in words: `was killed by SIGSEGV`, `ended with exit code 3`."""
        code = self._process.returncode
        if code is None:
            return "is running"
        if code < 0:
            with suppress(ValueError):
                return f"was killed by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"

    def send(self, job: Job) -> None:
        """Give it its job, without waiting."""
        if self._process.returncode is None and not self._stdin.is_closing():
            self._stdin.write(encode(job))

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
            except ValueError:  # torn by the end of the process
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


async def trace(job: Job, limit: float = LIMIT, tell: Callable[[Event], None] = lambda _: None) -> Outcome:
    """Do a job in a process of its own; tell is called with each event. Raises OSError where none starts."""
    process = await TracingProcess.start()
    try:
        return await outcome(process, job, limit, tell)
    finally:
        await process.end()


async def outcome(
    process: TracingProcess, job: Job, limit: float = LIMIT, tell: Callable[[Event], None] = lambda _: None
) -> Outcome:
    """Give a process its job, and all that comes of it; one that is not done in time is left running."""
    ops: list[Op] = []
    notices: list[str] = []
    graph: Graph | None = None
    sizes: Sizes | None = None
    refused: Refused | None = None
    has_ended = False
    loop = asyncio.get_running_loop()
    process.send(job)
    try:
        async with asyncio.timeout(limit if process.is_ready else None) as timer:
            async for event in process.events():
                tell(event)
                match event:
                    case Ready():  # the time for importing PyTorch is not theirs
                        timer.reschedule(loop.time() + limit)
                    case Loaded(told):
                        notices += told
                    case Done(op):
                        ops.append(op)
                    case Traced(rest):
                        graph = graph_from_json(tuple(ops), rest)
                    case Sizes():
                        sizes = event
                    case Forked():
                        notices += [] if FORKED in notices else [FORKED]
                    case Refused():
                        refused = event
                    case Finished():
                        has_ended = True
            if not has_ended:
                await process.wait()
    except TimeoutError:
        trouble = f"did not end within {limit:g} seconds and was stopped; --limit gives it more"
    else:
        trouble = "" if has_ended else process.cause
    if trouble and graph:  # all that matters is there
        notices.append(f"the process that ran your code {trouble}")
        trouble = ""
    if graph is None and ops and not refused:
        graph = Graph(tuple(ops), job.target)
    return Outcome(graph, sizes, tuple(notices), trouble, refused)
