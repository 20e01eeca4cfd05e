"""The parent's end of the training process: starts it, passes messages, and sees to it that it ends.

The process is in a session of its own, so that Ctrl+C reaches the parent alone, which decides. It has the
parent's path for imports, whatever folder it is started in, and ends by itself when the parent is gone.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from convtui.inputs.names import printable
from convtui.inputs.prints import plain
from convtui.training.messages import Message, decode, encode
from convtui.training.own_network import OwnNetwork
from convtui.training.process.pipes import GRACE

LONGEST_LINE: Final = 2**24

_NO_CAUSES: Final = ("ignored: ", "note: ")  # what was not obeyed; how Rust would tell more


class WorkerProcess:
    """A training process; `await WorkerProcess.start()` makes one."""

    def __init__(
        self,
        process: Process,
        network: OwnNetwork | None = None,
        prints: Callable[[str], object] = lambda _: None,
    ) -> None:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        self._process, self._stdin, self._stdout = process, process.stdin, process.stdout
        self._last_words, self._network, self._prints = "", network, prints
        self._killing: asyncio.TimerHandle | None = None
        self._listening = asyncio.create_task(self._listen(process.stderr))

    @classmethod
    async def start(
        cls, network: OwnNetwork | None = None, prints: Callable[[str], object] = lambda _: None
    ) -> WorkerProcess:
        """A process that has begun to import what it needs: it says Ready, and takes messages at once.

        It runs no code of the user's but that of this network; prints is called with each line that prints.
        Raises OSError where none can be started.
        """
        try:
            Path.cwd()
        except FileNotFoundError:  # in which PyTorch does not find its own libraries
            raise OSError("the working directory no longer exists; change to another") from None
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "convtui.training.process"),
            *([json.dumps(network.as_dict())] if network else []),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=LONGEST_LINE,
            start_new_session=True,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(each or os.curdir for each in sys.path),
                **({"PYTHONUNBUFFERED": "1"} if network else {}),  # prints come when they are printed
            },
        )
        return cls(process, network, prints)

    @property
    def returncode(self) -> int | None:
        """Its exit code, minus the number of the signal that killed it; None while it runs."""
        return self._process.returncode

    @property
    def cause(self) -> str:
        """How it ended, in words: `was killed by SIGKILL`, `ended with exit code 1: MemoryError`.

        The last line of its error stream is sure to be the last once events() has ended.
        """
        code = self.returncode
        if code is None:
            return "is running"
        how = f"ended with exit code {code}"
        if code < 0:
            with suppress(ValueError):
                how = f"was killed by {signal.Signals(-code).name}"
        if self._network and self._last_words:  # which may be printed by the user's code
            return f"{how}; the last line that it printed: {self._last_words}"
        return f"{how}: {self._last_words}" if self._last_words else how

    def send(self, message: Message) -> None:
        """Pass a job or a command on, without waiting; lost if the process has ended."""
        if self.returncode is None and not self._stdin.is_closing():
            self._stdin.write(f"{encode(message)}\n".encode())

    async def events(self) -> AsyncIterator[Message]:
        """What it tells, until it has ended."""
        async for line in _lines(self._stdout):
            try:
                event = decode(line)
            except ValueError:  # torn by the end of the process
                continue
            yield event
        await self._ended()

    def leave(self) -> None:
        """Have a run saved and the process end, without waiting: what it still tells comes as ever.

        One that does not end in time is killed.
        """
        self._stdin.close()
        self._killing = self._killing or asyncio.get_running_loop().call_later(GRACE + 1, self.kill)

    async def end(self) -> None:
        """Have a run saved and the process ended; one that does not end is killed, also when cancelled."""
        try:
            self.leave()
            await self._process.wait()
        finally:
            self.kill()
            await self._ended()

    def kill(self) -> None:
        """End the process at once; its run keeps its last checkpoint."""
        with suppress(ProcessLookupError, PermissionError):
            if self._network and hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)  # what the user's code has started, too
            elif self.returncode is None:
                self._process.kill()

    async def _ended(self) -> None:
        await self._process.wait()
        if self._killing:
            self._killing.cancel()
        await asyncio.wait([self._listening], timeout=GRACE)  # a child of theirs may hold the pipe

    async def _listen(self, stderr: asyncio.StreamReader) -> None:
        async for line in _lines(stderr):
            words = plain(line).strip()
            if words and not words.startswith(_NO_CAUSES):
                self._last_words = printable(words)
            if self._network and not line.startswith(_NO_CAUSES):
                self._prints(plain(line).removesuffix("\n"))


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """The lines until the end, without those that are longer than any should be."""
    while True:
        with suppress(ValueError):
            line = await stream.readline()
            if not line:
                return
            yield line.decode(errors="replace")
