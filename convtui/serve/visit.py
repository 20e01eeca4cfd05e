"""One visit: a connection, the process behind it, and what ends both: either of them, time, or files.

It knows no web server: what is sent goes through a `Page`.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from convtui.serve.limits import MIB, Limits
from convtui.serve.rules import Begin, Resized, Told, Typed, new_token, read_message, safe_name
from convtui.serve.visitor import Drawn, Said, VisitorError, VisitorProcess

PATIENCE: Final = 15.0  # seconds for a page to say its first word
FILES_KEPT: Final = 4  # downloads that wait to be fetched
LARGEST_DOWNLOAD: Final = 16 * MIB
_CHECKED_EVERY: Final = 1.0  # seconds

QUIT: Final = "You have quit convtui."
CRASHED: Final = "convtui ended by itself. Open it again: the address has your session."
SHUT: Final = "The server was shut down."
CROWDED: Final = "Full: as many people as this server takes are here. Try again later."
STRANGE: Final = "The page and the server do not understand each other. Reload the page."
FULL_FOLDER: Final = "Your runs took more room than this server gives. Open it again."


class Page(Protocol):
    """The browser's end of the connection."""

    async def draw(self, data: bytes) -> None:
        """Have the terminal draw."""

    async def tell(self, what: str, value: object) -> None:
        """Tell the page's script."""

    def heard(self) -> AsyncIterator[str]:
        """What the page says, until it is gone."""


@dataclass(frozen=True)
class Download:
    """A file that the visitor may fetch."""

    name: str
    mime: str
    content: bytes


@dataclass
class Visit:
    """A visit with its secret, which is part of the addresses of its downloads.

    first: the link of what is shown to who has none.
    """

    page: Page
    limits: Limits
    folder: Path
    first: str
    secret: str = field(default_factory=new_token)
    downloads: dict[str, Download] = field(default_factory=dict)
    trouble: str = ""  # for who runs the server
    _process: VisitorProcess | None = None
    _typed_at: float = 0.0
    _is_noticed: bool = False

    async def go(self) -> str:
        """Live through the visit; why it ended, for the visitor. Its process has ended by then."""
        words = self.page.heard()
        try:
            begin = await asyncio.wait_for(_first(words), PATIENCE)
        except TimeoutError:
            begin = None
        if begin is None:
            return STRANGE
        self._has_typed()
        process = await VisitorProcess.start(self.folder, begin, self.first, self.limits)
        self._process = process
        parts = [
            asyncio.create_task(each)
            for each in (self._pass_in(process, words), self._pass_out(process), self._watch(process))
        ]
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            return next(part.result() for part in parts if part in done)
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
            await process.end()
            self.trouble = process.trouble

    def _has_typed(self) -> None:
        self._typed_at = asyncio.get_running_loop().time()

    async def _pass_in(self, process: VisitorProcess, words: AsyncIterator[str]) -> str:
        async for text in words:
            match read_message(text):
                case Typed(typed):
                    self._has_typed()
                    await process.type(typed)
                case Resized(width, height):
                    await process.tell("resize", width=width, height=height)
                case Told("ping"):
                    await self.page.tell("pong", "")
                case Told(what):
                    await process.tell(what)
                case _:
                    return STRANGE
        return ""

    async def _pass_out(self, process: VisitorProcess) -> str:
        has_quit = False
        with suppress(VisitorError):
            async for packet in process.packets():
                match packet:
                    case Drawn(data):
                        await self.page.draw(data)
                    case Said("exit"):
                        has_quit = True
                    case Said("link" | "copy_link" as what, {"link": str(link)}):
                        await self.page.tell(what, link)
                    case Said("file", values):
                        await self._offer(values)
        return QUIT if has_quit else CRASHED

    async def _offer(self, values: dict[str, Any]) -> None:
        """Keep a file of the app's until the browser fetches it, which it is told to do."""
        content = base64.b64decode(str(values["content"]))
        if len(content) > LARGEST_DOWNLOAD:
            await self.page.tell("notice", f"The file is larger than {LARGEST_DOWNLOAD // MIB} MiB.")
            return
        key, name = new_token(), safe_name(str(values["name"]))
        while len(self.downloads) >= FILES_KEPT:
            del self.downloads[next(iter(self.downloads))]
        self.downloads[key] = Download(name, str(values["mime"]), content)
        await self.page.tell("download", {"name": name, "path": f"download/{self.secret}/{key}"})

    async def _watch(self, process: VisitorProcess) -> str:
        """End a visit in which nobody does anything, having said so before, or that fills the disk."""
        loop, limits = asyncio.get_running_loop(), self.limits
        while True:
            await asyncio.sleep(min(_CHECKED_EVERY, limits.idle / 10))
            idle = loop.time() - self._typed_at
            if idle >= limits.idle:
                return f"Closed: no key for {_minutes(limits.idle)}. The address has your session."
            is_noticed = idle >= limits.idle - limits.notice
            if is_noticed != self._is_noticed:
                self._is_noticed = is_noticed
                left = f"Nobody there? This closes in {limits.notice:.0f} seconds; any key keeps it open."
                await self.page.tell("notice", left if is_noticed else "")
            if await asyncio.to_thread(lambda: process.used) > limits.files * MIB:
                return FULL_FOLDER


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"


async def _first(words: AsyncIterator[str]) -> Begin | None:
    """The page's first word; None if that is another than it should be."""
    async for text in words:
        message = read_message(text)
        return message if isinstance(message, Begin) else None
    return None
