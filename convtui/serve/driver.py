"""Textual's driver for a browser, with what it lacks: one writer at a time, and downloads in one packet."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, Literal, TextIO

from textual import events
from textual.app import App
from textual.drivers.web_driver import WebDriver


class VisitorDriver(WebDriver):
    """Writes whole packets, and hands files to the server at once."""

    def __init__(self, app: App[Any], **how: Any) -> None:
        super().__init__(app, **how)
        self._writing = Lock()
        self._write = self._write_whole  # type: ignore[assignment]

    def _write_whole(self, data: bytes) -> int:
        """Threads write, too: a packet must not end up inside another."""
        rest = memoryview(data)
        with self._writing:
            while rest:
                rest = rest[os.write(self.fileno, rest) :]
        return len(data)

    def open_url(self, url: str, new_tab: bool = True) -> None:
        """Nothing that the app shows leads away from the page."""

    def deliver_binary(
        self,
        binary: BinaryIO | TextIO,
        *,
        delivery_key: str,
        save_path: Path,
        open_method: Literal["browser", "download"] = "download",  # noqa: ARG002
        encoding: str | None = None,
        mime_type: str | None = None,
        name: str | None = None,
    ) -> None:
        """Send the whole file: what convtui makes is small."""
        with binary:
            binary.seek(0)
            content = binary.read()
        data = content.encode(encoding or "utf-8") if isinstance(content, str) else content
        self.write_meta(
            {
                "type": "file",
                "name": save_path.name,
                "mime": mime_type or "application/octet-stream",
                "content": base64.b64encode(data).decode(),
            }
        )
        self._app.post_message(events.DeliveryComplete(key=delivery_key, path=None, name=name))
