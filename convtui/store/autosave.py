"""A copy of unsaved work, so that it survives a kill, a crash and a lost connection.

A running app writes its session to a file of its own and holds a lock beside it. The operating system frees
the lock however the process ends, so a file whose lock is free was left behind, whoever has that pid now.
"""

import json
import os
import secrets
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Event, RLock, Thread
from typing import TypeAlias

from convtui.inputs.names import printable
from convtui.state.session import Session
from convtui.store.session_file import dumps, load, read, write

PAUSE = 0.5
RETRY = 5.0  # seconds after which what could not be written is tried again
DAYS_KEPT = 30

_Work: TypeAlias = tuple[Session, str, Path | None]

_BEGINNING = "# Left by a convtui that did not end properly: "


class Autosave:
    """Keeps the latest session of a running app on disk. Errors are reported only in `problem`."""

    def __init__(self) -> None:
        self.problem = ""
        self._latest: _Work | None = None
        self._written: _Work | None = None
        self._path: Path | None = None
        self._lock: int | None = None
        self._changed, self._ended, self._writing = Event(), Event(), RLock()
        self._thread: Thread | None = None

    def update(self, session: Session, title: str, saved_as: Path | None) -> None:
        """Copy this session from now on; a thread writes it, twice a second at most."""
        self._latest = session, title, saved_as
        self._changed.set()
        if self._thread is None:
            self._thread = Thread(target=self._write_changes, name="recovery", daemon=True)
            self._thread.start()

    def clear(self) -> None:
        """Delete the copy: the work is saved elsewhere or undone."""
        if self._latest is not None:
            with self._writing, suppress(OSError):
                self._latest = self._written = None
                self.problem = ""
                if self._path:
                    self._path.unlink(missing_ok=True)

    def flush(self) -> None:
        """Return when the latest session is on the disk."""
        with self._writing:
            latest = self._latest
            if latest is None or latest is self._written or self._ended.is_set():
                return
            try:
                self._write(*latest)
            except Exception as error:  # whatever it is, the app goes on
                reason = " ".join(str(error).split()) or type(error).__name__
                self.problem = f"unsaved work cannot be backed up: {reason}"
            else:
                self._written, self.problem = latest, ""

    def end(self) -> None:
        """Stop, with nothing left to restore."""
        self._ended.set()
        self._changed.set()
        with self._writing, suppress(OSError):
            if self._path and self._lock is not None:
                self._path.unlink(missing_ok=True)
                os.close(self._lock)
                self._lock = None
                _lock_file(self._path).unlink(missing_ok=True)

    def _write_changes(self) -> None:
        while not self._ended.is_set():
            self._changed.wait(RETRY if self.problem else None)
            self._changed.clear()
            self.flush()
            self._ended.wait(PAUSE)

    def _write(self, session: Session, title: str, saved_as: Path | None) -> None:
        path = self._path or self._begun()
        about = {"title": title, "saved_as": saved_as and str(saved_as.absolute())}
        write(f"{_BEGINNING}{json.dumps(about)}\n{dumps(session)}", path)

    def _begun(self) -> Path:
        """A file of our own, its lock held before there is anything in it to restore."""
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{secrets.token_hex(8)}.toml"
        self._lock = os.open(_lock_file(path), os.O_RDWR | os.O_CREAT, 0o600)
        with suppress(OSError):  # a file system without locks
            _take(self._lock)
        self._path = path
        return path


@dataclass(frozen=True)
class Recoverable:
    """A session left behind by an app that did not exit properly."""

    path: Path
    when: datetime
    title: str
    saved_as: Path | None

    def session(self) -> Session:
        """The session as it was. Raises SessionFileError if it cannot be loaded."""
        return replace(load(self.path), path=self.saved_as)

    def discard(self) -> None:
        """Never offer it again."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
            _lock_file(self.path).unlink(missing_ok=True)


def recoverable() -> list[Recoverable]:
    """The sessions left behind, newest first. Damaged files are put aside; after 30 days all are removed."""
    found: list[Recoverable] = []
    with suppress(OSError, RuntimeError):  # no such folder, no home
        for path in list(_folder().iterdir()):
            with suppress(OSError):
                if _is_held(_lock_file(path)):
                    continue
                if path.stat().st_mtime < time.time() - DAYS_KEPT * 24 * 60 * 60:
                    path.unlink()
                elif path.suffix == ".toml":
                    found += _left_in(path)
    return sorted(found, key=lambda each: each.when, reverse=True)


def _left_in(path: Path) -> list[Recoverable]:
    try:
        about = json.loads(read(path).text.partition("\n")[0].removeprefix(_BEGINNING))
        title, saved_as = printable(about["title"]), about["saved_as"] and Path(about["saved_as"])
    except (ValueError, TypeError, KeyError, AttributeError):
        path.rename(path.with_suffix(".damaged"))
        return []
    return [Recoverable(path, datetime.fromtimestamp(path.stat().st_mtime).astimezone(), title, saved_as)]


def _folder() -> Path:
    from platformdirs import user_state_path

    return user_state_path("convtui", appauthor=False) / "recovery"


def _lock_file(path: Path) -> Path:
    return path.with_suffix(".lock")


def _is_held(lock: Path) -> bool:
    try:
        file = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not _is_free(file)
    finally:
        os.close(file)


if sys.platform == "win32":
    import msvcrt

    def _take(lock: int) -> None:
        msvcrt.locking(lock, msvcrt.LK_LOCK, 1)

    def _is_free(lock: int) -> bool:
        try:
            msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(lock: int) -> None:
        fcntl.flock(lock, fcntl.LOCK_EX)

    def _is_free(lock: int) -> bool:
        # Shared, so that two apps that start at once do not take each other for the owner.
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            return True
        return True
