"""The files by which the app and the training process hand arrays to each other."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from threading import Lock


class Scratch:
    """A folder for them, made when it is first needed and removed with all that is left in it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._folder: Path | None = None
        self._is_over = False

    @property
    def folder(self) -> Path:
        """From any thread. Raises OSError if it cannot be made, and once it was removed."""
        with self._lock:
            if self._is_over:
                raise OSError("the app has ended")
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="convtui-"))
            return self._folder

    def remove(self) -> None:
        """For good."""
        with self._lock:
            self._is_over = True
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
