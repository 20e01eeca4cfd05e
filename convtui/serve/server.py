"""The web server: the page, its files, the connection of each visitor, and downloads.

textual-serve has the page's script (xterm.js and the other end of Textual's driver); the server is our own:
ARCHITECTURE.md says why. It imports neither the app nor PyTorch.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Final

from aiohttp import WSMsgType, web

from convtui.serve.limits import Limits
from convtui.serve.rules import LARGEST_MESSAGE, Hosts, headers, is_own_origin, is_same, new_token
from convtui.serve.visit import CROWDED, SHUT, Visit

PREFIX: Final = "convtui-serve-"
ROOM: Final = 4.0  # seconds for a visit that ends, as at a reload, to make room for the next
KEPT: Final = 30.0  # seconds for which a download outlives its visit
HEARTBEAT: Final = 15.0  # seconds after which a browser that says nothing is asked

WRONG_LINK: Final = "This link is not right. Copy it whole from where convtui serve was started."
WRONG_HOST: Final = "This server does not answer to that name."
WRONG_ORIGIN: Final = "A page from elsewhere asked for this."
GONE: Final = "This file is not here any more. Save it again."

_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".ttf": "font/ttf"}
_OURS: Final = ("visit.css", "visit.js", "mono.ttf")
_OF_TEXTUAL_SERVE: Final = {"xterm.css": "static/css/xterm.css", "textual.js": "static/js/textual.js"}


@cache
def static(name: str) -> bytes | None:
    """A file of the page by its name, of those few that there are; nothing is looked up on the disk."""
    if name in _OURS:
        return (Path(__file__).parent / "page" / name).read_bytes()
    if name in _OF_TEXTUAL_SERVE:
        return (files("textual_serve") / _OF_TEXTUAL_SERVE[name]).read_bytes()
    return None


@cache
def _page(name: str) -> str:
    return (Path(__file__).parent / "page" / name).read_text("utf-8")


@dataclass
class Server:
    """Serves the app at /TOKEN/ of these hosts; `say` tells whoever runs it what they should know.

    first: the link of the session that is shown to who has none.
    """

    hosts: Hosts
    token: str
    limits: Limits
    first: str
    say: Callable[[str], object]
    visits: dict[str, Visit] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._folder = Path()
        self._sockets: dict[str, web.WebSocketResponse] = {}
        self._has_room = asyncio.Event()
        self._is_ending = False
        self._left: dict[str, Visit] = {}  # what they saved at last can still be fetched

    def application(self) -> web.Application:
        """What aiohttp runs."""
        app = web.Application(middlewares=[self._guarded], client_max_size=1024)
        app.add_routes(
            [
                web.get("/{token}/", self._index),
                web.get("/{token}/ws", self._connected),
                web.get("/{token}/static/{name}", self._static),
                web.get("/{token}/download/{secret}/{key}", self._download),
            ]
        )
        app.on_startup.append(self._begin)
        app.on_shutdown.append(self._end)
        return app

    async def _begin(self, _: web.Application) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._has_room.set()

    async def _end(self, _: web.Application) -> None:
        """All visits end, and their processes with them, before the server does."""
        self._is_ending = True
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * ROOM):
                await asyncio.gather(
                    *(each.close(code=1001, message=SHUT.encode()) for each in tuple(self._sockets.values())),
                    return_exceptions=True,
                )
                while self.visits:
                    await asyncio.sleep(0.02)
        shutil.rmtree(self._folder, ignore_errors=True)

    # -- who may ask

    @web.middleware
    async def _guarded(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Refuse all but who knows the token and asks by a name of ours; no answer tells what there is."""
        host = request.headers.get("Host", "")
        if not self.hosts.allow(host):
            response: web.StreamResponse = _told(WRONG_HOST, 421)
        elif not is_same(request.match_info.get("token", ""), self.token):
            response = _told(WRONG_LINK, 404)
        else:
            try:
                response = await handler(request)
            except web.HTTPException as error:
                response = _told(error.reason, error.status)
        if not response.prepared:
            response.headers.update(headers(host if self.hosts.allow(host) else "localhost"))
        return response

    # -- what there is

    async def _index(self, _: web.Request) -> web.StreamResponse:
        if not await self._room():
            return _told(CROWDED, 503)
        return web.Response(text=_page("index.html"), content_type="text/html")

    async def _static(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        content = static(name)
        if content is None:
            return _told(WRONG_LINK, 404)
        return web.Response(body=content, content_type=_TYPES[Path(name).suffix])

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """A file once, for who knows its visit's secret and its key."""
        secret, key = request.match_info["secret"], request.match_info["key"]
        known = (*self.visits.values(), *self._left.values())
        visit = next((each for each in known if is_same(secret, each.secret)), None)
        file = visit.downloads.pop(key, None) if visit else None
        if file is None:
            return _told(GONE, 404)
        disposition = {"Content-Disposition": f'attachment; filename="{file.name}"'}
        return web.Response(body=file.content, content_type="application/octet-stream", headers=disposition)

    # -- visits

    @property
    def _is_full(self) -> bool:
        return len(self.visits) >= self.limits.visitors

    async def _room(self) -> bool:
        """Whether one more can come in; waits for a moment for a visit that is just ending."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ROOM):
                while self._is_full:
                    self._has_room.clear()
                    await self._has_room.wait()
        return not self._is_full

    def _keep_downloads(self, visit: Visit) -> None:
        """What was saved when quitting is fetched only then."""
        if visit.downloads:
            while len(self._left) >= self.limits.visitors:
                del self._left[next(iter(self._left))]
            self._left[visit.secret] = visit
            asyncio.get_running_loop().call_later(KEPT, self._left.pop, visit.secret, None)

    async def _connected(self, request: web.Request) -> web.StreamResponse:
        if not is_own_origin(request.headers.get("Origin"), request.headers.get("Host")):
            return _told(WRONG_ORIGIN, 403)
        if self._is_ending:
            return _told(SHUT, 503)
        browser = web.WebSocketResponse(heartbeat=HEARTBEAT, max_msg_size=LARGEST_MESSAGE, compress=False)
        await browser.prepare(request)
        if not await self._room():
            await browser.close(code=4000, message=CROWDED.encode())
            return browser
        visit = Visit(_Connection(browser), self.limits, self._folder / new_token(), self.first)
        self.visits[visit.secret], self._sockets[visit.secret] = visit, browser
        why = ""
        try:
            visit.folder.mkdir(mode=0o700)
            why = await visit.go()
        except OSError as error:
            visit.trouble = f"a visitor's process cannot be started: {error.strerror or error}"
            why = "The server cannot open convtui now. Try again later."
        finally:
            del self.visits[visit.secret], self._sockets[visit.secret]
            shutil.rmtree(visit.folder, ignore_errors=True)
            self._keep_downloads(visit)
            self._has_room.set()
            if visit.trouble:
                self.say(visit.trouble)
        with suppress(ConnectionError):
            await browser.close(code=4000, message=why.encode())
        return browser


def _told(sentence: str, status: int) -> web.Response:
    """A page with one sentence."""
    text = _page("told.html").replace("{}", escape(sentence))
    return web.Response(text=text, status=status, content_type="text/html")


@dataclass(frozen=True)
class _Connection:
    """The page at the other end of a connection."""

    socket: web.WebSocketResponse

    async def draw(self, data: bytes) -> None:
        with suppress(ConnectionError):
            await self.socket.send_bytes(data)

    async def tell(self, what: str, value: object) -> None:
        with suppress(ConnectionError):
            await self.socket.send_json([what, value])

    async def heard(self) -> AsyncIterator[str]:
        async for message in self.socket:
            if message.type is WSMsgType.TEXT:
                yield message.data


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 is one that is free. Raises OSError."""
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return socket.create_server(address[:2], family=family)


async def serve(server: Server, listening: socket.socket, began: Callable[[], object]) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP; then all visits have ended."""
    runner = web.AppRunner(server.application(), access_log=None, handle_signals=False, shutdown_timeout=2.0)
    await runner.setup()
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    try:
        await web.SockSite(runner, listening).start()
        began()
        await ended.wait()
    finally:
        await runner.cleanup()
