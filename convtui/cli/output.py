"""What a command prints: a full disk or a closed stream is a one-line error or is ignored, never a crash."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO


class OutputError(Exception):
    """One line for the user: standard output cannot be written to, and why."""


@contextmanager
def printing() -> Iterator[None]:
    """Wraps whatever prints. Raises OutputError, or BrokenPipeError if the reader has gone."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        silence(sys.stdout)
        raise OutputError(f"cannot write to standard output ({error.strerror or error})") from None


def tell(*words: str, sep: str = "") -> None:
    """Print a line to standard error. If that fails the line is lost, and only the exit code remains."""
    try:
        print(*words, sep=sep, file=sys.stderr, flush=True)
    except OSError:
        silence(sys.stderr)


@contextmanager
def screen_apart() -> Iterator[None]:
    """Textual, which draws on standard error, draws on a copy of its descriptor: the descriptor itself may be
    silenced while a library works that complains there, and no frame is lost.
    """
    before = sys.__stderr__
    try:
        assert before is not None
        screen = os.fdopen(os.dup(before.fileno()), "w", encoding=before.encoding, errors=before.errors)
    except (AssertionError, OSError, ValueError):  # it is closed, or stands for no file
        yield
        return
    sys.__stderr__ = screen  # type: ignore[misc]
    try:
        yield
    finally:
        sys.__stderr__ = before  # type: ignore[misc]
        with suppress(OSError):  # the terminal may be gone
            screen.close()


def open_stderr() -> None:
    """If it was closed, discard what is written to it; print would use standard output instead."""
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 (it stays until the end)


def silence(stream: TextIO) -> None:
    """Discard what was not written: Python would try again at exit, complain, and change the exit code."""
    with suppress(OSError, ValueError):  # one without a file
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
