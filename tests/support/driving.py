"""The app under a pilot: what is on its screen, and where things lie there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Input

from convtui.app.app import ConvtuiApp
from convtui.pages.base.convolution_page import ConvolutionPage
from convtui.pages.base.notice import Notice
from convtui.pages.base.page import Page
from convtui.paint.canvas import Canvas
from convtui.paint.drawing import Cell, Grid
from convtui.paint.grid import GridPane
from convtui.state.session import Session, Zoom
from tests.support.example_sessions import lesson


@dataclass
class Driven:
    """A running app, and the hands of its user."""

    app: ConvtuiApp
    pilot: Pilot[None]

    @property
    def session(self) -> Session:
        return self.app.session

    @property
    def page(self) -> Page:
        return self.app.page

    # -- what the user sees

    @property
    def lines(self) -> list[str]:
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def said(self) -> str:
        """The message over the footer; "" where there is none."""
        notice = self.page.query_one(Notice)
        return str(notice.content) if notice.display else ""

    @property
    def refused(self) -> bool:
        notice = self.page.query_one(Notice)
        return notice.display and notice.has_class("error")

    @property
    def bottom(self) -> str:
        """The last line: the footer, or what lies over it."""
        return self.lines[-1].strip()

    @property
    def typing(self) -> bool:
        return bool(self.page.query("Prompt"))

    @property
    def editing(self) -> bool:
        return bool(self.page.query("EditLine"))

    def zoom(self) -> Zoom:
        """That of a page that shows the session."""
        page = self.page
        assert isinstance(page, ConvolutionPage)
        return page.zoom

    def pane(self, name: str) -> GridPane:
        panes = self.page.query_one(Canvas)._panes.values()
        return next(pane for pane in panes if isinstance(pane, GridPane) and pane.name == name)

    def grid(self, name: str) -> Grid:
        """What such a pane shows."""
        grid = self.pane(name).grid
        assert grid is not None
        return grid

    # -- what the user does

    async def press(self, *keys: str) -> None:
        # A key takes the pilot three sleeps of 20 ms; half of that is ample where no timer is involved.
        with patch("textual._wait.SLEEP_GRANULARITY", 0.01):
            await self.pilot.press(*keys)

    async def rush(self, *keys: str) -> None:
        """Keys that all arrive at once, as from a slow line or a paste; a string of one letter is typed."""
        for key in keys:
            is_letter = len(key) == 1
            name = _character_to_key(key) if is_letter else key
            self.app.post_message(events.Key(name, key if is_letter else None))
        for _ in range(4):
            await self.pilot.pause()

    async def enter(self, text: str) -> None:
        """Type into the open line and press enter."""
        line = self.app.focused
        assert isinstance(line, Input)
        line.value = text
        await self.press("enter")

    async def resize(self, width: int, height: int) -> None:
        """Another terminal; the app answers within a few frames."""
        await self.pilot.resize_terminal(width, height)
        for _ in range(100):
            if self.page.size == (width, height):
                break
            await self.pilot.pause()
        await self.pilot.pause()

    def place(self, name: str, cell: Cell) -> tuple[int, int]:
        """Where on the screen a cell of a pane lies; it must be in view."""
        pane, canvas = self.pane(name), self.page.query_one(Canvas)
        width, height = pane.region.size
        x, y = next((x, y) for y in range(height) for x in range(width) if pane.cell_at(x, y) == cell)
        return x + pane.region.x + canvas.region.x, y + pane.region.y + canvas.region.y

    async def click(self, name: str, cell: Cell) -> None:
        await self.pilot.click(offset=self.place(name, cell))

    async def hover(self, name: str, cell: Cell) -> None:
        await self.pilot.hover(offset=self.place(name, cell))

    async def click_on(self, text: str, after: str = "") -> None:
        """Click the first such text on the screen, behind other text on its line."""
        for y, line in enumerate(self.lines):
            if text in line[max(line.find(after), 0) :] and after in line:
                await self.pilot.click(offset=(line.index(text, line.index(after)), y))
                return
        raise AssertionError(f"{text!r} after {after!r} is not on the screen:\n{self.text}")

    async def wheel(self, name: str, cell: Cell, kind: type[events.MouseEvent], **given: Any) -> None:
        await self.pilot._post_mouse_events([kind], offset=self.place(name, cell), **given)


async def until(driven: Driven, is_so: Callable[[], bool]) -> None:
    """Wait for what a process brings about."""
    async with asyncio.timeout(60):
        while not is_so():
            await driven.pilot.pause(0.02)


@asynccontextmanager
async def opened(
    session: Session | None = None, size: tuple[int, int] = (120, 40), **given: Any
) -> AsyncIterator[Driven]:
    """The app on a session, the lesson if none is given."""
    app = ConvtuiApp(session or lesson(), autosave=False, **given)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield Driven(app, pilot)
