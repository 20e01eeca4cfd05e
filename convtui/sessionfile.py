"""A session as a TOML file that people read, edit and pass on.

What PyTorch calls a thing is what the file calls it. Reading trusts nothing: whatever is wrong is refused with
its line, nothing is ever executed, and writing cannot leave half a file behind.
"""

import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from convtui import samples
from convtui.document import Document, SessionFileError, is_number, is_whole, rewritten
from convtui.engine.kernels import describe, format_kernel, parse_kernel
from convtui.engine.spec import ConvSpec, Padding, Pair, SpecError
from convtui.images import (
    LARGEST_SIDE,
    LARGEST_VALUE,
    InputError,
    Picture,
    did_you_mean,
    neighbours,
    printable,
    read_picture,
)
from convtui.session import KernelChoice, Session, View, Zoom

__all__ = ["SessionFileError", "dumps", "is_session_file", "load", "loads", "require_session_file", "save"]

Floats = NDArray[np.float64]
Written = dict[str, str]
Value = TypeVar("Value")

FORMAT = 1
LARGEST_FILE = 16 * 2**20
MOST_WEIGHTS = 2**24

_KEYS = {
    "convtui": (),
    "image": (
        *("sample", "path", "pixels"),
        *("resize", "gray", "digest"),
        *("name", "colour", "lowest", "highest"),
        "edits",
    ),
    "kernel": ("name", "size", "seed", "filters", "weight", "bias"),
    "convolution": ("stride", "padding", "dilation", "groups", "padding_mode"),
    "position": ("output", "multiply_adds", "filled"),
    "view": ("zoom", "slice", "hints"),
}
_SOURCES = ("sample", "path", "pixels")
_ONLY_READ = ("resize", "gray", "digest")
_ONLY_PIXELS = ("name", "colour", "lowest", "highest")


def is_session_file(path: str | Path) -> bool:
    """Whether the name is that of a session file."""
    return Path(path).suffix.lower() == ".toml"


def save(session: Session, path: Path) -> None:
    """Write the session to a .toml file, all of it or nothing; comments in a session file already there stay.

    Raises SessionFileError if it cannot be written, and rather than overwrite a file that is no session.
    """
    if not is_session_file(path):
        raise SessionFileError(f"{printable(str(path))}: the name of a session file ends in .toml")
    file = _followed(path)
    text = dumps(session, file.parent)
    with _one_line(path, "written"):
        if file.exists() and file.stat().st_size:
            text = rewritten(require_session_file(path).text, text, _is_same)
    write(text, path)


def load(path: Path) -> Session:
    """The session in a file. Raises SessionFileError for whatever is wrong with it."""
    return loads(_read(path), str(path), _followed(path).parent)
