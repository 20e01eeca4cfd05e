"""What the app does for somebody in a browser: the session goes into the address, files are downloads."""

from __future__ import annotations

from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from convtui.state.session import SESSION
from convtui.store.link import LinkError, link_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.driver import Driver
    from textual.timer import Timer

    from convtui.app.workspace import Workspace

ANY_FILE: Final = "application/octet-stream"
TOLD_EVERY: Final = 0.5  # seconds


class Stage(Protocol):
    """What a visitor's app does for it."""

    _driver: Driver | None

    @property
    def workspace(self) -> Workspace:
        """The visitor's work."""

    @property
    def current_mode(self) -> str:
        """The page on show."""

    def open_page(self, name: str, notice: str = "", error: bool = False) -> None:
        """Show another page."""

    def say(self, text: str, error: bool = False) -> None:
        """Show one line until the next key."""

    def set_timer(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Have this called later."""

    def deliver_text(self, path_or_file: StringIO, *, save_filename: str, mime_type: str) -> str | None:
        """Have the driver hand a text over."""

    def deliver_binary(self, path_or_file: BytesIO, *, save_filename: str, mime_type: str) -> str | None:
        """Have the driver hand a file over."""


class Visitor:
    """Somebody in a browser; page is the one to open first."""

    def __init__(self, page: str = "") -> None:
        self._page = page
        self._app: Stage | None = None
        self._told = ""
        self._timer: Timer | None = None

    def begin(self, app: Stage) -> None:
        """Show the first page, and from now on keep the address up to date."""
        self._app = app
        app.workspace.timelines.watch(SESSION, self.tell_soon)
        if self._page not in ("", app.current_mode):
            app.open_page(self._page)
        self.tell_soon()

    def tell_soon(self) -> None:
        """Something has changed: tell the server, twice a second at most."""
        if self._timer is None and self._app is not None:
            self._timer = self._app.set_timer(TOLD_EVERY, self._tell)

    def _tell(self) -> None:
        self._timer = None
        link = self._link() or ""
        if link != self._told:
            self._told = link
            self._write("link", link)

    def copy_link(self) -> None:
        """Have the browser copy a link to this session; say so, or why there is none."""
        assert self._app
        try:
            link = link_of(self._app.current_mode, self._app.workspace.session)
        except LinkError as error:
            self._app.say(str(error), error=True)
            return
        self._told = link
        self._write("copy_link", link)
        self._app.say("the link to this session is in the address bar, and copied where the browser lets it")

    def deliver(self, name: str, text: str) -> None:
        """Have the browser download a text."""
        assert self._app
        self._app.deliver_text(StringIO(text), save_filename=name, mime_type="text/plain")

    def deliver_file(self, path: Path) -> None:
        """Have the browser download a file of the visitor's, which is not kept here."""
        assert self._app
        content = path.read_bytes()
        path.unlink()
        self._app.deliver_binary(BytesIO(content), save_filename=path.name, mime_type=ANY_FILE)

    def _link(self) -> str | None:
        """None for a session that is too large for a link: the address keeps none rather than an old one."""
        assert self._app
        try:
            return link_of(self._app.current_mode, self._app.workspace.session)
        except (LinkError, ValueError):
            return None

    def _write(self, kind: str, link: str) -> None:
        from textual.drivers.web_driver import WebDriver

        assert self._app
        driver = self._app._driver
        if isinstance(driver, WebDriver):
            driver.write_meta({"type": kind, "link": link})
