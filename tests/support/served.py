"""A server of `convtui serve` in a process of its own, and the processes of its visitors."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil


@dataclass(frozen=True)
class Served:
    """A running server and its link; its folders for visitors are in `folder`."""

    process: subprocess.Popen[str]
    url: str
    folder: Path

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def origin(self) -> str:
        return f"http://{self.host}"

    def visitors(self) -> list[psutil.Process]:
        """The processes of visitors, and those that they started."""
        return psutil.Process(self.process.pid).children(recursive=True)


@contextmanager
def served(folder: Path, *options: str) -> Iterator[Served]:
    """A server at a free port; it has ended afterwards. Temporary folders are made in that folder."""
    process = subprocess.Popen(
        [sys.executable, "-m", "convtui", "serve", "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "TMPDIR": str(folder), "SECRET_OF_THE_SERVER": "secret"},
    )
    try:
        assert process.stdout
        yield Served(process, process.stdout.readline().split()[-1], folder)
    finally:
        process.terminate()
        try:
            process.wait(15)
        finally:
            process.kill()
            process.stdout.close() if process.stdout else None
            process.wait()
