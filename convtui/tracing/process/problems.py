"""What is told of a network, inputs or weights that cannot be had, and of what their code raises."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from convtui.engine.memory import memory_text
from convtui.inputs.prints import plain

SAVE_WEIGHTS: Final = 'the weights alone: torch.save(model.state_dict(), "weights.pth")'

_ASKED: Final = re.compile(r"tried to allocate ([0-9]+) bytes")  # as PyTorch's allocator of the CPU says it


class LoadError(ValueError):
    """One line for the user, and the frames of theirs that led there."""

    def __init__(self, reason: str, details: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.details = tuple(details)


def code_words(error: str, saved: str = SAVE_WEIGHTS) -> str:
    """What is told of a pickle that names a function, from PyTorch's error; saved: what to save instead."""
    named = re.search(r"GLOBAL ([\w.]+)", error)
    what = f" ({named[1].rstrip('.')})" if named else ""
    return f"would run code of its own when opened{what}, so it is not; where it was made, save {saved}"


def error_words(error: BaseException) -> str:
    """An exception of theirs in a line: its type and the first line of what it says.

    An end of the process and memory that there is not are told in plain words.
    """
    if isinstance(error, SystemExit):
        return f"it ended the process with sys.exit({error.code!r})"
    asked = bytes_asked(error)
    if asked:
        return f"not enough memory: {memory_text(asked)} were asked for at once"
    words = first_line(error)
    if isinstance(error, MemoryError):
        return f"not enough memory{f': {words}' if words else ''}"
    name = type(error).__name__
    return f"{name}: {words}" if words else name


def first_line(error: BaseException) -> str:
    """The first line of what an exception says, without escape codes; "" if it says nothing."""
    return next(iter(plain(str(error)).strip().splitlines()), "")


def bytes_asked(error: BaseException) -> int:
    """How many bytes PyTorch wanted that there were not; 0 of another exception."""
    found = _ASKED.search(str(error)) if isinstance(error, RuntimeError) else None
    return int(found[1]) if found else 0
