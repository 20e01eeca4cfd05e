"""Which files and lines are the user's own, and how they are written."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple

import torch

_TORCH: Final = str(Path(torch.__file__).parent) + os.sep
_OURS: Final = str(Path(__file__).parents[2]) + os.sep
_PYTHON: Final = tuple(str(Path(sysconfig.get_path(name))) + os.sep for name in ("stdlib", "platstdlib"))
_PACKAGES: Final = tuple(str(Path(sysconfig.get_path(name))) + os.sep for name in ("purelib", "platlib"))
_FRAME: Final = re.compile(r'^ *File "(?P<file>.*)", line (?P<line>\d+), in .*$')
_ANY_TORCH: Final = re.compile(r"[/\\](site|dist)-packages[/\\]torch[/\\]")


class Place(NamedTuple):
    """Where an operation stands: its module's path and class, which call of that, their line and its text."""

    path: str = ""
    module: str = ""
    call: int = 1
    line: str = ""
    code: str = ""


def is_of_theirs(file: str) -> bool:
    """Whether a file is the user's: none of PyTorch's, of Python's own or of ours."""
    if file.startswith(("<", _TORCH, _OURS)):
        return False
    return file.startswith(_PACKAGES) or not file.startswith(_PYTHON)


def file_name(file: str) -> str:
    """A file as short as it can be: from where it is imported, or where one is."""
    shortest = file
    for folder in (str(Path.cwd()), *sys.path):
        if folder and file.startswith(begin := folder.rstrip(os.sep) + os.sep):
            shortest = min(shortest, file[len(begin) :], key=len)
    return shortest


def frames_of(trace: TracebackType | None) -> tuple[str, ...]:
    """The frames of a traceback that are theirs, as `net.py:23 in forward: x = self.fc(x)`."""
    frames = [each for each in traceback.extract_tb(trace) if is_of_theirs(each.filename)]
    return tuple(
        f"{file_name(each.filename)}:{each.lineno} in {each.name}: {each.line or ''}".rstrip(": ")
        for each in frames
    )


def last_of_theirs(trace: TracebackType | None) -> tuple[str, str]:
    """The innermost line of theirs in a traceback, and what stands there."""
    for each in reversed(traceback.extract_tb(trace)):
        if is_of_theirs(each.filename):
            return f"{file_name(each.filename)}:{each.lineno}", each.line or ""
    return "", ""


@contextmanager
def silent() -> Iterator[None]:
    """What their code prints meanwhile is printed nowhere."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    before = os.dup(1), os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        for descriptor, own in zip(before, (1, 2), strict=True):
            os.dup2(descriptor, own)
            os.close(descriptor)


def line_of_theirs(trace: str) -> tuple[str, str]:
    """The innermost line of theirs in a traceback as text, perhaps of another machine, and what it says.

    Of a file that cannot be imported here it is the name alone.
    """
    found = "", ""
    lines = trace.splitlines()
    for number, text in enumerate(lines):
        frame = _FRAME.match(text)
        if frame and is_of_theirs(frame["file"]) and not _ANY_TORCH.search(frame["file"]):
            short = file_name(frame["file"])
            short = re.split(r"[/\\]", short)[-1] if short == frame["file"] else short
            after = lines[number + 1].strip() if number + 1 < len(lines) else ""
            found = f"{short}:{frame['line']}", "" if _FRAME.match(after) else after
    return found
