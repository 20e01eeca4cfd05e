"""The worker's two pipes. The loop waits for neither: a thread reads what comes in, a thread writes the rest.

The end of stdin is how the worker learns that its parent is gone, however the parent died. So the reading
begins before anything slow is imported, and ends a process that does not end by itself.
"""

from __future__ import annotations

import os
import select
import sys
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import BinaryIO, Final

from convtui.training.messages import Message, decode, encode
from convtui.training.protocol import Snapshot

PICTURES_WAITING: Final = 3
GRACE: Final = 5.0
PATIENCE: Final = 0.1
SURE: Final = getattr(select, "PIPE_BUF", 512)  # bytes that a pipe takes whole if it takes any


class Ended(BaseException):
    """Nobody is left to work for; no job's own failure, so that it is not taken for one."""


def take_stdout() -> BinaryIO:
    """The real stdout, for the events alone: whatever else prints does so on stderr from now on."""
    sys.stdout.flush()
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return own


def take_stdin() -> BinaryIO:
    """The real stdin, for jobs and commands alone: whatever else reads finds it at its end."""
    own = os.fdopen(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    return own


def ignore(words: str) -> None:
    """Say on stderr what was not obeyed, and why; nobody may read it, and then it is not waited for."""
    saying = threading.Thread(target=_say, args=(f"ignored: {words}",), daemon=True)
    saying.start()
    saying.join(PATIENCE)


def _say(words: str) -> None:
    with suppress(OSError):
        print(words, file=sys.stderr, flush=True)


class Outbox:
    """Events on their way to a reader that may be slow, or gone.

    What a pipe surely takes is written at once; a thread, which the training would have to share the
    interpreter with, is left what has to wait.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lines: SimpleQueue[tuple[bytes, bool] | None] = SimpleQueue()
        self._waiting, self._count = 0, threading.Lock()
        self._room = threading.Semaphore(PICTURES_WAITING)
        self._thread = threading.Thread(target=self._write_all, name="outbox", daemon=True)
        self._thread.start()

    def send(self, message: Message, line: str | None = None) -> None:
        """Have it written soon, as this line if it is encoded already; a picture only where few wait."""
        is_picture = isinstance(message, Snapshot)
        if is_picture and not self._room.acquire(blocking=False):
            return
        data = f"{line or encode(message)}\n".encode()
        if not self._waiting and len(data) <= SURE and self._is_writable():
            self._write(data, is_picture)
        else:
            self._count_waiting(1)
            self._lines.put((data, is_picture))

    def leave_to_parent(self) -> None:
        """Let no process that is forked from this one write to it, or hold it open."""

        def shut() -> None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=shut)

    def close(self, seconds: float) -> None:
        """Return when all is written, or after so long."""
        self._lines.put(None)
        self._thread.join(seconds)

    def _is_writable(self) -> bool:
        """Whether a pipe takes some bytes at once; of other streams, and on Windows, it is not known."""
        try:
            return bool(select.select([], [self._stream], [], 0)[1])
        except (OSError, ValueError):
            return False

    def _write(self, data: bytes, is_picture: bool) -> None:
        with suppress(OSError):  # the reader is gone; the end of stdin says the rest
            self._stream.write(data)
            self._stream.flush()
        if is_picture:
            self._room.release()

    def _write_all(self) -> None:
        for data, is_picture in iter(self._lines.get, None):
            self._write(data, is_picture)
            self._count_waiting(-1)

    def _count_waiting(self, change: int) -> None:
        with self._count:
            self._waiting += change


class Inbox:
    """Jobs and commands as they come in; lines that are none are told on stderr and forgotten."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._messages: SimpleQueue[Message | None] = SimpleQueue()
        self._is_ready = self._has_ended = False
        threading.Thread(target=self._read_all, name="inbox", daemon=True).start()

    def get_ready(self) -> None:
        """From now on there may be something to save, so an end is told by Ended instead of made at once."""
        self._is_ready = True

    def get(self) -> Message:
        """The next message, waited for. Raises Ended."""
        message = None if self._has_ended else self._messages.get()
        if message is None or self._has_ended:
            raise Ended
        return message

    def get_waiting(self) -> Message | None:
        """The next message if there is one already. Raises Ended."""
        if not self._has_ended and self._messages.empty():
            return None
        return self.get()

    def end(self) -> None:
        """Have the loop saved and ended, ahead of what waits; a loop that hangs is not waited for long.

        A signal handler may call it: SimpleQueue's put is reentrant.
        """
        if not self._is_ready:
            os._exit(0)
        self._has_ended = True
        self._messages.put(None)
        watchdog = threading.Timer(GRACE, os._exit, [1])
        watchdog.daemon = True
        watchdog.start()

    def _read_all(self) -> None:
        try:
            for line in self._stream:
                try:
                    self._messages.put(decode(line.decode().strip()))
                except ValueError as error:
                    ignore(str(error))
        finally:
            self.end()
