"""What a command prints: a full disk and a closed stream are told in a line, or passed over, and no crash."""

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
    """For whatever prints. Raises OutputError; BrokenPipeError where the reader has left."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        silence(sys.stdout)
        raise OutputError(f"cannot write to standard output ({error.strerror or error})") from None


def tell(*words: str, sep: str = "") -> None:
    """A line on standard error. Where it cannot be written it is lost, and the exit code alone says it."""
    try:
        print(*words, sep=sep, file=sys.stderr, flush=True)
    except OSError:
        silence(sys.stderr)


def open_stderr() -> None:
    """Where it was closed what is told is lost; print would take standard output in its place."""
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 (it stays until the end)


def silence(stream: TextIO) -> None:
    """Forget what was not written: Python would try again at its end, complain, and change the exit code."""
    with suppress(OSError, ValueError):  # one without a file
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
