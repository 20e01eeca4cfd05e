"""The app's side of tracing: the user's own network on an image, in a process that stays for its tensors.

It knows no screen: whoever listens is told that something has changed, and looks again. The user's code runs
because it was named on the command line, and again at `reload`, never otherwise.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convtui.engine.graph.operation import Op
from convtui.inputs.confinement import confinement
from convtui.inputs.images import Picture
from convtui.inputs.prints import plain
from convtui.tracing.client import LIMIT, Told, TracingProcess, overtime
from convtui.tracing.differences import Differences, differences
from convtui.tracing.protocol import (
    Done,
    Event,
    Fetch,
    Job,
    Loaded,
    Look,
    Outcome,
    Ready,
    Settled,
    Sizes,
    Tensors,
    Traced,
)
from convtui.tracing.traced import Trace

STARTING: Final = "starting PyTorch …"
AGAIN: Final = "R runs your file again"
RECORDED: Final = "recorded, without its numbers; R runs the file, which takes PyTorch"
STOPPED: Final = "was stopped"
KEPT: Final = 4  # operations whose tensors are kept
MOST_PRINTED: Final = 2**18  # characters of theirs that are kept
GRACE: Final = 2.0  # seconds for the end of a process to be seen, and for its last prints
TICK: Final = 0.5  # seconds after which what is going on is told again

Arrays = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Opening:
    """What is named on the command line: the network, arguments for it, its weights, the normalisation.

    training: the mode that it is run in. silenced: names of checks. limit: seconds for a run of their code.
    inputs: a function of theirs that makes its inputs, of the image if it takes one; "": the image alone.
    """

    target: str
    arguments: tuple[str, ...] = ()
    weights: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    training: bool = False
    silenced: frozenset[str] = frozenset()
    limit: float = LIMIT
    inputs: str = ""


@dataclass(frozen=True, eq=False)
class Fetched:
    """The tensors of an operation by role, float64, without the axis of the batch; or why there are none."""

    op: int
    arrays: Arrays = field(default_factory=dict)
    why: str = ""


class OpenModel:
    """The network, what is known of it by now, and the process that runs it.

    trace: its operations as far as they are known; None before the first. outcome: once the pass is over.
    changed: what is different from before the file was run again; None if it was not. stage: what the process
    does now, "" if it waits. trouble: why there is no process any more; is_stopped: it was wanted so.
    recorded: what came of an earlier pass, which is shown until the file is run again. row: the operation
    that is selected first; None: the one that failed, or the image.
    """

    def __init__(
        self, opening: Opening, picture: Picture, recorded: Outcome | None = None, row: int | None = None
    ) -> None:
        self.opening, self.picture, self.row = opening, picture, row
        self.is_recorded = recorded is not None
        self.outcome = recorded
        self.trace: Trace | None = None
        if recorded is not None and recorded.graph is not None:
            self.trace = Trace(recorded.graph, recorded.sizes)
        self.changed: Differences | None = None
        self.stage = ""
        self.trouble = ""
        self.printed = self._printed = ""  # as it is shown, and as it came
        self._listeners: list[Callable[[], None]] = []
        self._process: TracingProcess | None = None
        self._serving: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None  # held, so that it is not collected
        self._since = 0.0
        self._told = Told(opening.target)
        self._fetched: dict[tuple[int, bool], Fetched] = {}
        self._inputs: dict[int, Fetched] = {}  # what the network was given, by number
        self._asked: Fetch | None = None
        self._next: Fetch | None = None
        self._then: Callable[[Fetched], None] | None = None
        self._before: Trace | None = None
        self._folder = Path()
        self._pictures = 0
        self.is_stopped = False
        self._is_overdue = False
        self._is_ending = False

    # -- what goes on

    def listen(self, told: Callable[[], None]) -> None:
        """Have this called when something has changed."""
        self._listeners.append(told)

    @property
    def is_at_work(self) -> bool:
        """Whether their code is running, or PyTorch is being imported."""
        return bool(self.stage)

    @property
    def is_called(self) -> bool:
        """Whether what is named is called to make the network; else it is the network itself."""
        return (self.outcome or self._told.outcome()).is_called

    @property
    def status(self) -> str:
        """What goes on, or why nothing does any more, in a line; "" if the process waits."""
        if self.is_recorded:
            return RECORDED
        if not self.stage:
            return f"the process that runs your code {self.trouble}; {AGAIN}" if self.trouble else ""
        seconds = int(asyncio.get_running_loop().time() - self._since)
        if self._asked and not seconds:
            return ""
        return f"{self.stage} {seconds} s" if seconds else self.stage

    def begin(self) -> None:
        """Start the process and trace the network."""
        self._serving = asyncio.create_task(self._serve())

    async def reload(self) -> None:
        """Run the file again in a fresh process; `changed` then tells which rows differ."""
        if self._is_ending or confinement() is not None:  # a visitor keeps the recording
            return
        if self.outcome is not None and self.trace is not None:
            self._before = self.trace
        await self.end()
        self._forget()
        self.begin()

    async def look_at(self, picture: Picture) -> None:
        """Run the network on another image; its file is read again only if its process is at work or gone.

        A recording stays what it is.
        """
        if self.is_recorded:
            return
        self.picture, self._before = picture, None
        process = self._process
        if process is None or self.is_at_work or self.outcome is None or self._is_ending:
            await self.reload()
            return
        self._forget()
        self._begin_stage(self._running)
        process.send(Look(self._written(picture)))
        self._tell()

    def _forget(self) -> None:
        """What is known of the pass before."""
        self.trace, self.outcome, self.changed, self.trouble = None, None, None, ""
        self.printed = self._printed = ""
        self._told, self.is_stopped, self._is_overdue = Told(self.opening.target), False, False
        self.is_recorded = False
        self._fetched, self._inputs, self._asked, self._next, self._then = {}, {}, None, None, None

    @property
    def _running(self) -> str:
        return f"running {self.opening.target} …"

    def _written(self, picture: Picture) -> str:
        """The file with the picture's values for the process; it goes with the folder."""
        self._pictures += 1
        path = self._folder / f"image-{self._pictures}.npy"
        np.save(path, picture.pixels)
        return str(path)

    async def stop(self) -> None:
        """End what runs, and say so: the rows that are known stay."""
        if self._process is not None and self.is_at_work:
            self.is_stopped = True
            await self._process.end()

    async def end(self) -> None:
        """End the process and whatever it has forked off, and delete the folder."""
        if self._serving is not None:
            self._is_ending = True
            self._serving.cancel()
            with suppress(asyncio.CancelledError):
                await self._serving
            self._serving, self._is_ending = None, False

    # -- tensors

    def output(self, op: int) -> Fetched | None:
        """What an operation gave; None while it is on its way."""
        return self._look(Fetch(op))

    def input(self, number: int) -> Fetched | None:
        """What the network was given as this input, of several; None while it is on its way."""
        return self._inputs.get(number) or self._look(Fetch(0, output=number))

    def open(self, op: int, then: Callable[[Fetched], None]) -> None:
        """Have `then` called with all tensors of an operation."""
        asked = Fetch(op, inputs=True)
        found = self._look(asked)
        if found is not None:
            then(found)
        else:
            self._then = then

    def _look(self, asked: Fetch) -> Fetched | None:
        found = self._fetched.get((asked.op, asked.inputs)) or self._fetched.get((asked.op, True))
        if found is not None and asked.op:
            return found
        if self.trouble or self.is_recorded:
            return Fetched(asked.op, why=self.status)
        if self._asked == asked:
            return None
        if self._next is None or asked.inputs or not self._next.inputs:  # only the last that is looked at
            self._next = asked
        self._ask()
        return None

    def _ask(self) -> None:
        if self._next is None or self._asked is not None or self.outcome is None or self._process is None:
            return
        if self.trouble or self.stage:
            return
        self._asked, self._next = self._next, None
        self._begin_stage("running it again for this tensor …")
        self._process.send(self._asked)

    def _take_tensors(self, told: Tensors) -> None:
        arrays: dict[str, NDArray[np.float64]] = {}
        why = told.why
        for role, path in told.files.items():
            try:
                array = np.load(path).astype(np.float64)
                array.flags.writeable = False
                arrays[role] = array
            except (OSError, ValueError) as error:
                why = why or f"the {role} cannot be read: {error}"
            with suppress(OSError):
                Path(path).unlink()
        found = Fetched(told.op, arrays, why)
        self._asked = None
        if not told.op:
            self._inputs[told.output] = found
        else:
            while len(self._fetched) >= KEPT:
                del self._fetched[next(iter(self._fetched))]
            self._fetched[told.op, told.inputs] = found
        if told.inputs and self._then is not None:
            then, self._then = self._then, None
            then(found)

    # -- the process

    async def _serve(self) -> None:
        """Start the process, give it its job, and take what it tells until it ends."""
        self._begin_stage(STARTING)
        self._folder = Path(tempfile.mkdtemp(prefix="convtui-"))
        prints: asyncio.Task[None] | None = None
        try:
            self._process = process = await TracingProcess.start(takes_prints=True)
            prints = asyncio.create_task(self._take_prints(process))
            process.send(self._job(self._written(self.picture)))
            async for event in process.events():
                self._take(event)
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE):
                    await process.wait()
            cause = process.cause
            await process.end()  # what it has forked off may still hold its pipes
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE):
                    await prints
            if self._told.outcome().refused is None:
                self.trouble = STOPPED if self.is_stopped else cause
                if self._is_overdue:
                    self.trouble = overtime(self.opening.limit)
            self._settle()
        except OSError as error:
            self.trouble = f"cannot be started: {error}"
            self._settle()
        finally:
            if self._process is not None:
                await self._process.end()
                self._process = None
            if prints is not None:
                prints.cancel()
            self._end_stage()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _job(self, image: str) -> Job:
        opening = self.opening
        return Job(
            opening.target,
            opening.arguments,
            inputs=opening.inputs,
            weights=opening.weights,
            training=opening.training,
            image=image,
            mean=opening.mean,
            std=opening.std,
            folder=str(self._folder),
        )

    def _take(self, event: Event) -> None:
        self._told.take(event)
        match event:
            case Ready():
                self._begin_stage(self._running)
            case Loaded() | Done():
                return
            case Traced():
                self._look_again()
                graph = self.trace and self.trace.graph
                if graph and graph.failure:
                    self._begin_stage("trying other sizes of the image …")
            case Sizes():
                self._look_again()
            case Settled():
                self._settle()
            case Tensors():
                self._take_tensors(event)
                return
        self._tell()

    def _settle(self) -> None:
        """What was asked for is done, or will not be."""
        self._end_stage()
        if self.outcome is None:
            self.outcome = self._told.outcome(self.trouble)
            self._look_again()
            if self._before is not None and self.trace is not None:
                self.changed = differences(self._before.graph, self.trace.graph)
        elif self.trouble:
            self._asked, self._next, self._then = None, None, None
        self._ask()
        self._tell()

    def _look_again(self) -> None:
        """Have the trace show the operations that are known by now."""
        told = self._told.outcome(self.trouble)
        if told.graph is not None:
            self.trace = Trace(told.graph, told.sizes, self.opening.silenced)

    async def _take_prints(self, process: TracingProcess) -> None:
        async for text in process.printed():
            self._printed = (self._printed + text)[-MOST_PRINTED:]
            self.printed = plain(self._printed)
            self._tell()

    # -- telling

    def _tell(self) -> None:
        for told in self._listeners:
            told()

    def _begin_stage(self, stage: str) -> None:
        self.stage, self._since = stage, asyncio.get_running_loop().time()
        self._tick()

    def _end_stage(self) -> None:
        self.stage = ""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        """Tell what goes on from time to time: how long already, and the operations so far."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(TICK, self._ticked)

    def _ticked(self) -> None:
        known = 0 if self.trace is None else len(self.trace.graph.ops)
        if self.outcome is None and len(self._told.ops) > known:
            self._look_again()
        self._tell()
        self._tick()
        since = asyncio.get_running_loop().time() - self._since
        if since > self.opening.limit and self.stage != STARTING and self._process is not None:
            self._is_overdue = True
            self._ending = asyncio.create_task(self._process.end())

    @property
    def last(self) -> Op | None:
        """The operation that was done last, while the pass runs."""
        return self._told.ops[-1] if self._told.ops else None
