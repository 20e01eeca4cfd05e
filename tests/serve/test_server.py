"""The server as a client sees it that is no browser: who is refused, and what ends with what."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import psutil
import pytest

from convtui.serve.limits import Limits
from convtui.serve.rules import LARGEST_MESSAGE
from convtui.serve.visit import Visit
from convtui.store.link import link_of
from tests.support.example_sessions import lesson
from tests.support.served import Served, served

PATIENCE = 90.0
_STYLES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("server"), "--visitors", "1") as server:
        yield server


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as client:
        yield client


class Visitor:
    """A page that says what ours says; what it was told is kept."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.drawn = b""
        self.told: list[list[object]] = []
        self.why: str | None = None
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        while True:
            message = await self.socket.receive()
            if message.type is aiohttp.WSMsgType.BINARY:
                self.drawn += message.data
            elif message.type is aiohttp.WSMsgType.TEXT:
                self.told.append(message.json())
            else:
                self.why = str(message.extra or "")
                return

    @property
    def text(self) -> str:
        """What was drawn, without how."""
        return _STYLES.sub("", self.drawn.decode(errors="replace"))

    async def say(self, *words: object) -> None:
        await self.socket.send_json(list(words))

    async def until(self, is_so: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not is_so():
                await asyncio.sleep(0.02)

    async def is_told(self, what: str) -> object:
        await self.until(lambda: any(told[0] == what for told in self.told))
        return next(told[1] for told in self.told if told[0] == what)


async def visiting(client: aiohttp.ClientSession, server: Served, link: str = "") -> Visitor:
    socket = await client.ws_connect(f"{server.url}ws", headers={"Origin": server.origin})
    visitor = Visitor(socket)
    await visitor.say("begin", {"link": link, "width": 100, "height": 30})
    await visitor.until(lambda: "mnist-7" in visitor.text or visitor.why is not None)
    return visitor


async def gone(processes: list[psutil.Process]) -> None:
    async with asyncio.timeout(PATIENCE):
        while any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in processes):
            await asyncio.sleep(0.05)


async def test_who_has_no_link_is_refused(server: Served, client: aiohttp.ClientSession) -> None:
    wrong = server.url[:-5] + "AAAA/"
    for url in (f"{server.origin}/", wrong, f"{wrong}static/visit.js", f"{server.origin}/download/a/b"):
        async with client.get(url) as answer:
            assert answer.status == 404
            assert "This link is not right" in await answer.text()
    async with client.get(server.url, headers={"Host": "evil.example"}) as answer:
        assert answer.status == 421
    for headers in ({}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(f"{server.url}ws", headers=headers)
        assert refused.value.status == 403
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await client.ws_connect(f"{wrong}ws", headers={"Origin": server.origin})
    assert server.visitors() == []


async def test_the_page_and_its_files(server: Served, client: aiohttp.ClientSession) -> None:
    async with client.get(server.url) as answer:
        page = await answer.text()
        assert "<title>convtui</title>" in page
        assert "http:" not in page.replace("http://www.w3.org/2000/svg", "")
        assert "https:" not in page
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    for name, status in {
        **dict.fromkeys(("visit.js", "visit.css", "textual.js", "xterm.css", "mono.ttf"), 200),
        **dict.fromkeys(("", "index.html", "..%2fserver.py", "..%2f..%2f..%2fetc%2fpasswd"), 404),
    }.items():
        async with client.get(f"{server.url}static/{name}") as answer:
            assert answer.status == status, name
    async with client.post(server.url) as answer:
        assert answer.status == 404


async def test_a_visit(server: Served, client: aiohttp.ClientSession) -> None:
    visitor = await visiting(client, server)
    (process,) = server.visitors()
    own = Path(process.cwd())
    assert own.parent.parent == server.folder.resolve()
    environment = process.environ()
    assert environment["HOME"] == str(own)
    assert "SECRET_OF_THE_SERVER" not in environment

    # a second one is told that it is full, in words and on the page
    late, answer = await asyncio.gather(visiting(client, server), client.get(server.url))
    assert late.drawn == b""
    await late.until(lambda: late.why is not None)
    assert str(late.why).startswith("Full")
    assert answer.status == 503
    assert "Full" in await answer.text()

    # what is saved comes once, to who knows where
    await visitor.say("stdin", "s")
    download = await visitor.is_told("download")
    assert isinstance(download, dict)
    async with client.get(f"{server.url}{download['path']}") as answer:
        assert answer.headers["Content-Disposition"] == 'attachment; filename="mnist-7.toml"'
        assert "[kernel]" in await answer.text()
    async with client.get(f"{server.url}{download['path']}") as answer:
        assert answer.status == 404

    # so is a picture, of which nothing is left in the visitor's folder
    await visitor.say("stdin", "\x06")
    await visitor.until(lambda: "picture to" in visitor.text)
    await visitor.say("stdin", "\r")
    await visitor.until(lambda: [told[0] for told in visitor.told].count("download") == 2)
    _, picture = (told[1] for told in visitor.told if told[0] == "download")
    assert isinstance(picture, dict)
    async with client.get(f"{server.url}{picture['path']}") as answer:
        assert (await answer.read()).startswith(b"\x89PNG")
    assert not list(own.glob("*.png"))

    # the address is kept up to date, and opens the same again; q ends the process
    await visitor.say("stdin", "2")
    await visitor.until(lambda: any(f"{told[1]}".startswith("matrix.") for told in visitor.told))
    await visitor.say("stdin", "q")
    await visitor.until(lambda: visitor.why is not None)
    assert visitor.why == "You have quit convtui."
    await gone([process])
    assert not own.exists()


async def test_a_link_that_is_none_is_told_and_the_app_opens(
    server: Served, client: aiohttp.ClientSession
) -> None:
    visitor = await visiting(client, server, "step.nonsense")
    await visitor.until(lambda: "damaged; copy it again" in visitor.text)
    processes = server.visitors()

    # no file of the server is opened
    await visitor.say("stdin", "o")
    await visitor.say("stdin", "/etc/passwd\r")
    await visitor.until(lambda: "/etc/passwd: no such sample" in visitor.text)

    # the process ends with its connection, however that ends
    assert visitor.socket._response.connection
    visitor.socket._response.close()
    await gone(processes)


async def test_what_no_page_says_ends_the_visit(server: Served, client: aiohttp.ClientSession) -> None:
    for said in ("nonsense", "x" * (LARGEST_MESSAGE + 1)):
        visitor = await visiting(client, server)
        processes = server.visitors()
        with suppress(ConnectionError):  # the server may hang up before it has all
            await visitor.socket.send_str(said)
        await visitor.until(lambda: visitor.why is not None)  # noqa: B023
        await gone(processes)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_visitors_end_with_the_server(
    number: signal.Signals, tmp_path: Path, client: aiohttp.ClientSession
) -> None:
    with served(tmp_path) as server:
        visitor = await visiting(client, server)
        processes = server.visitors()
        assert processes
        os.kill(server.process.pid, number)
        await visitor.until(lambda: visitor.why is not None)
        await gone(processes)
        if number == signal.SIGINT:
            assert server.process.wait(PATIENCE) == 0
            assert visitor.why == "The server was shut down."
        async with asyncio.timeout(PATIENCE):
            while list(tmp_path.iterdir()):
                await asyncio.sleep(0.05)


async def test_nobody_there(tmp_path: Path) -> None:
    told: list[tuple[str, object]] = []

    class Page:
        async def draw(self, data: bytes) -> None: ...

        async def tell(self, what: str, value: object) -> None:
            told.append((what, value))

        async def heard(self) -> AsyncIterator[str]:
            yield '["begin", {"link": "", "width": 80, "height": 24}]'
            await asyncio.Event().wait()

    folder = tmp_path / "visitor"
    folder.mkdir()
    visit = Visit(Page(), Limits(idle=3.0, notice=2.0), folder, link_of("step", lesson()))
    assert await visit.go() == "Closed: no key for 3 seconds. The address has your session."
    notices = [value for what, value in told if what == "notice"]
    assert notices[0] == "Nobody there? This closes in 2 seconds; any key keeps it open."
    assert not folder.exists()
