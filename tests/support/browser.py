"""A real browser without a window, driven by its DevTools protocol, for tests of the served page."""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import aiohttp

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE: Final = 90.0  # seconds for what a page does on a machine that is busy

KEYS: Final = {
    "right": ("ArrowRight", 39, ""),
    "enter": ("Enter", 13, "\r"),
    "escape": ("Escape", 27, ""),
}


def chromium() -> str | None:
    """The browser that is installed; None if none is."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Tab:
    """A page that is open. What it asks of the network and what goes wrong in it is kept."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._numbers = socket, itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._listening = asyncio.create_task(self._listen())
        self.requests: list[str] = []
        self.problems: list[str] = []

    async def _listen(self) -> None:
        async for message in self._socket:
            told = message.json()
            if "id" in told:
                self._waiting.pop(told["id"]).set_result(told)
            elif told["method"] == "Network.requestWillBeSent":
                self.requests.append(told["params"]["request"]["url"])
            elif told["method"] == "Log.entryAdded":
                self.problems.append(told["params"]["entry"]["text"])
            elif told["method"] == "Runtime.exceptionThrown":
                self.problems.append(str(told["params"]["exceptionDetails"]))

    async def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Have the browser do something; its answer."""
        number = next(self._numbers)
        self._waiting[number] = answer = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        told = await asyncio.wait_for(answer, PATIENCE)
        assert "error" not in told, told
        result: dict[str, Any] = told["result"]
        return result

    async def value(self, script: str) -> Any:
        """What a script comes to."""
        told = await self.do("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def until(self, script: str) -> Any:
        """Wait until a script comes to something true; what that is."""
        async with asyncio.timeout(PATIENCE):
            while not (value := await self.value(script)):
                await asyncio.sleep(0.05)
        return value

    async def open(self, url: str) -> None:
        """Go to an address."""
        await self.do("Page.navigate", url=url)

    async def type(self, text: str) -> None:
        """Type letters, one after another."""
        for letter in text:
            await self.do("Input.dispatchKeyEvent", type="keyDown", text=letter, key=letter)
            await self.do("Input.dispatchKeyEvent", type="keyUp", key=letter)

    async def press(self, name: str) -> None:
        """Press a key that is no letter."""
        key, code, text = KEYS[name]
        down = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        await self.do("Input.dispatchKeyEvent", type="keyDown", **down, **({"text": text} if text else {}))
        await self.do("Input.dispatchKeyEvent", type="keyUp", **down)

    async def click(self, x: float, y: float) -> None:
        """Click at a place, in pixels."""
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
            await self.do("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    async def size(self, width: int, height: int, mobile: bool = False) -> None:
        """Give the page another size."""
        await self.do(
            *("Emulation.setDeviceMetricsOverride",),
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=mobile,
        )

    async def picture(self, file: Path) -> None:
        """Write what is seen as a PNG."""
        await self.do("Page.bringToFront")
        told = await self.do("Page.captureScreenshot", format="png")
        file.write_bytes(base64.b64decode(told["data"]))

    async def close(self) -> None:
        """Close the page."""
        with suppress(Exception):
            await self.do("Page.close")
        await self._socket.close()
        self._listening.cancel()


class Browser:
    """A running browser."""

    def __init__(self, client: aiohttp.ClientSession, port: int) -> None:
        self._client, self._port = client, port

    async def tab(self) -> Tab:
        """A new page, empty."""
        address = f"http://127.0.0.1:{self._port}/json/new?about:blank"
        async with self._client.put(address) as answer:
            about = await answer.json(content_type=None)
        tab = Tab(await self._client.ws_connect(about["webSocketDebuggerUrl"], max_msg_size=0))
        for domain in ("Page", "Network", "Runtime", "Log"):
            await tab.do(f"{domain}.enable")
        return tab


@asynccontextmanager
async def browser(folder: Path) -> AsyncIterator[Browser]:
    """A browser with a profile in an empty folder; it downloads into the folder downloads there."""
    program = chromium()
    assert program
    process = subprocess.Popen(
        [
            *(program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--remote-debugging-port=0", f"--user-data-dir={folder}", "--remote-allow-origins=*"),
            *("--disable-background-networking", "--disable-dev-shm-usage", "about:blank"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)},
    )
    try:
        async with asyncio.timeout(PATIENCE):
            while not (told := _read(folder / "DevToolsActivePort")):
                await asyncio.sleep(0.05)
        async with aiohttp.ClientSession() as client:
            yield Browser(client, int(told.split()[0]))
    finally:
        process.terminate()
        process.wait()


def _read(file: Path) -> str:
    with suppress(OSError):
        return file.read_text()
    return ""
