"""The page in a real browser: it opens, takes keys and the mouse, trains, comes back after a reload."""

import asyncio
import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.support.browser import Tab, browser, chromium
from tests.support.served import Served, served

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium or Chrome is installed")

DRAWN = 'document.body.classList.contains("-first-byte")'
LETTER = 9.0  # pixels
HARMLESS = "WebGL"  # a browser without a graphics card says that it draws without


async def opened(tab: Tab, url: str) -> None:
    await tab.open(url)
    await tab.until(f"document.body && {DRAWN}")


async def page_of_link(tab: Tab, page: str) -> str:
    return str(await tab.until(f'location.hash.startsWith("#{page}.") && location.hash'))


async def test_a_visitor(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    with served(tmp_path / "server", "--visitors", "2") as server:
        async with browser(tmp_path / "profile") as chrome:
            tab = await chrome.tab()
            await tab.size(1280, 800)
            await opened(tab, server.url)
            assert await tab.value("document.title") == "convtui"
            await _keys_and_mouse(tab)
            await _reload(tab, server)
            await _training(tab)
            other = await chrome.tab()
            await opened(other, server.url)
            inside = [each for each in server.visitors() if "serve.inside" in " ".join(each.cmdline())]
            assert len({each.cwd() for each in inside}) == 2
            await _foreign_page(other, server)
            assert [each for each in tab.problems if HARMLESS not in each] == []
            assert all(each.startswith((server.url, "data:")) for each in tab.requests)
            await _server_killed(tab, server)


async def _keys_and_mouse(tab: Tab) -> None:
    """A key moves, and so the address changes; a click on the footer opens another page."""
    first = await page_of_link(tab, "step")
    await tab.press("right")
    await tab.until(f'location.hash !== "{first}"')
    width, height = await tab.value("[innerWidth, innerHeight]")
    await tab.click(width - 33 * LETTER, height - 10)  # the pages stand at the right end of the last line
    await page_of_link(tab, "matrix")


async def _reload(tab: Tab, server: Served) -> None:
    """The address brings page and session back, also with all places but one taken."""
    link = await tab.value("location.hash")
    await tab.do("Page.reload")
    await tab.until(f"document.body && {DRAWN}")
    assert await tab.value("location.hash") == link
    await tab.press("right")
    await tab.until(f'location.hash !== "{link}" && location.hash.startsWith("#matrix.")')
    assert len(server.visitors()) == 1


async def _training(tab: Tab) -> None:
    """A run of one epoch on small images, to its end: then its kernels open on the Step page."""
    await tab.type("5")
    await page_of_link(tab, "train")
    for setting in ("data digits-8x8", "epochs 1"):
        await tab.type(":")
        await asyncio.sleep(0.3)
        await tab.type(setting)
        await tab.press("enter")
        await asyncio.sleep(0.3)
    await tab.type(" ")
    async with asyncio.timeout(120):
        while not await tab.value('location.hash.startsWith("#step.")'):
            await tab.type("K")
            await asyncio.sleep(1)


async def _foreign_page(tab: Tab, server: Served) -> None:
    """A page from elsewhere that knows even the token gets no connection."""
    before = len(server.visitors())
    await tab.open("data:text/html,<title>elsewhere</title>")
    await tab.until('document.title === "elsewhere"')
    url = f"{server.url}ws".replace("http:", "ws:")
    script = (
        f'new Promise(end => {{ const s = new WebSocket("{url}"); '
        's.onopen = () => end("open"); s.onerror = () => end("refused") })'
    )
    assert await tab.value(script) == "refused"
    assert len(server.visitors()) <= before


async def _server_killed(tab: Tab, server: Served) -> None:
    """The page says so, and no process is left."""
    processes: list[psutil.Process] = server.visitors()
    os.kill(server.process.pid, signal.SIGKILL)
    assert "lost" in await tab.until(
        '!document.getElementById("ended").hidden && document.getElementById("why").textContent'
    )
    async with asyncio.timeout(60):
        while any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in processes):
            await asyncio.sleep(0.05)
