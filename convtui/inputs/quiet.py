"""Keeps off the terminal what C libraries write to it: libtiff complains of damage on standard error."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Final

_STDERR: Final = 2  # the descriptor, which sys.stderr does not decide
_NONE: Final = -1


class _Silence:
    """How many threads want silence now, and a copy of the descriptor from before the first."""

    def __init__(self) -> None:
        self.lock, self.wanted, self.before = Lock(), 0, _NONE


_silence: Final = _Silence()


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Nothing that is written to descriptor 2 is seen, by whatever thread; what is on its way is lost."""
    with _silence.lock:
        if not _silence.wanted:
            _begin()
        _silence.wanted += 1
    try:
        yield
    finally:
        with _silence.lock:
            _silence.wanted -= 1
            if not _silence.wanted:
                _end()


def _begin() -> None:
    with suppress(OSError):  # it is closed, or no descriptor is free
        before = os.dup(_STDERR)
        try:
            null = os.open(os.devnull, os.O_WRONLY)
        except OSError:
            os.close(before)
            raise
        os.dup2(null, _STDERR)
        os.close(null)
        _silence.before = before


def _end() -> None:
    if _silence.before != _NONE:
        os.dup2(_silence.before, _STDERR)
        os.close(_silence.before)
        _silence.before = _NONE
