"""The server's end of a visitor's process: starts it, passes what goes in and out, and sees to its end.

The process speaks the protocol of Textual's web driver: packets of a letter, four bytes of length and a
payload, D for what a terminal takes and M for JSON. Its folder is made for it and goes with it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from convtui.inputs.confinement import Confinement
from convtui.inputs.names import printable
from convtui.serve.limits import Limits
from convtui.serve.rules import Begin

GRACE: Final = 3.0  # seconds to end in order
LARGEST_PACKET: Final = 2**25
HEADER: Final = 5  # bytes

_KEPT: Final = (  # of the server's environment; nothing else of it is the visitor's business
    *("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"),
)


class VisitorError(RuntimeError):
    """A visitor's process that says what none of ours says."""


@dataclass(frozen=True)
class Drawn:
    """What a terminal draws."""

    data: bytes


@dataclass(frozen=True)
class Said:
    """What the app says to its server."""

    kind: str
    values: dict[str, Any]


class VisitorProcess:
    """A visitor's app; `await VisitorProcess.start(...)` makes one."""

    def __init__(self, process: Process, folder: Path) -> None:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        self._process, self._stdin, self._stdout = process, process.stdin, process.stdout
        self._folder = folder
        self._last_words = ""
        self._listening = asyncio.create_task(self._listen(process.stderr))

    @classmethod
    async def start(cls, folder: Path, begin: Begin, first: str, limits: Limits) -> VisitorProcess:
        """A process of its own session, in this empty folder. Raises OSError where none can be started.

        first: the link of what is shown to who has none.
        """
        confinement = Confinement(os.path.realpath(folder), limits.epochs, limits.seconds)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "convtui.serve.inside"),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=folder,
            start_new_session=True,
            env=environment(confinement, limits, begin, first),
        )
        return cls(process, folder)

    @property
    def used(self) -> int:
        """Bytes of the files in its folder."""
        sizes = 0
        for folder, _, files in os.walk(self._folder):
            for file in files:
                with suppress(OSError):
                    sizes += os.lstat(os.path.join(folder, file)).st_size  # noqa: PTH118
        return sizes

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def trouble(self) -> str:
        """Why it ended, for who runs the server; "" where it ended in order."""
        code = self._process.returncode
        return "" if code in (0, None) else f"a visitor's process ended with {code}: {self._last_words}"

    # -- what goes in

    async def type(self, text: str) -> None:
        await self._send(b"D", text.encode())

    async def tell(self, kind: str, **values: object) -> None:
        await self._send(b"M", json.dumps({"type": kind, **values}).encode())

    async def _send(self, letter: bytes, payload: bytes) -> None:
        if self._stdin.is_closing():
            return
        with suppress(ConnectionError):
            self._stdin.write(letter + len(payload).to_bytes(4, "big") + payload)
            await self._stdin.drain()

    # -- what comes out

    async def packets(self) -> AsyncIterator[Drawn | Said]:
        """What it draws and says, until it ends. Raises VisitorError for what is no packet."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            if await self._stdout.readline() != b"__GANGLION__\n":
                return
            while True:
                header = await self._stdout.readexactly(HEADER)
                size = int.from_bytes(header[1:], "big")
                if size > LARGEST_PACKET:
                    raise VisitorError(f"a packet of {size:,} bytes")
                payload = await self._stdout.readexactly(size)
                if header[:1] == b"D":
                    yield Drawn(payload)
                elif header[:1] == b"M":
                    values = json.loads(payload)
                    yield Said(str(values.get("type")), values)

    async def _listen(self, stderr: asyncio.StreamReader) -> None:
        while line := await _line(stderr):
            if words := line.strip():
                self._last_words = printable(words)

    # -- ending

    async def end(self) -> None:
        """Have it end, by force if it will not, and take its folder away; also when cancelled."""
        try:
            await self.tell("quit")
            self._stdin.close()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), GRACE)
        finally:
            self.kill()
            await self._process.wait()
            shutil.rmtree(self._folder, ignore_errors=True)
            self._listening.cancel()

    def kill(self) -> None:
        """End it at once, with whatever it started in its session; a training process follows by itself."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


async def _line(stream: asyncio.StreamReader) -> str:
    """The next line; "" at the end. One that is too long is left out."""
    while True:
        with suppress(ValueError):
            return (await stream.readline()).decode(errors="replace")


def environment(confinement: Confinement, limits: Limits, begin: Begin, first: str) -> dict[str, str]:
    """All that a visitor's process is told: nothing of the server's environment but where Python is."""
    own = confinement.folder
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {
        **kept,
        **{f"XDG_{kind}_HOME": f"{own}/{kind.lower()}" for kind in ("CACHE", "CONFIG", "DATA", "STATE")},
        **dict.fromkeys(("HOME", "TMPDIR"), own),
        **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
        **confinement.environment,
        "PYTHONPATH": os.pathsep.join(each or os.curdir for each in sys.path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TEXTUAL_DRIVER": "convtui.serve.driver:VisitorDriver",
        "TEXTUAL_COLOR_SYSTEM": "truecolor",
        "TEXTUAL_FPS": "60",
        "TERM": "xterm-256color",
        "COLUMNS": str(begin.width),
        "ROWS": str(begin.height),
        "CONVTUI_LINK": begin.link,
        "CONVTUI_FIRST": first,
        "CONVTUI_MEMORY": str(limits.memory),
    }
