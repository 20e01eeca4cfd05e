"""Files that are replaced as a whole: a reader, now or after a crash, finds the old or the new file."""

import os
import secrets
import shutil
import stat
from contextlib import suppress
from errno import EACCES, EFBIG, EINVAL
from pathlib import Path
from typing import Final

from convtui.inputs.confinement import require_ours
from convtui.inputs.names import printable

UNFINISHED: Final = ".tmp"


def read_regular(path: Path, most: int | None = None) -> bytes:
    """The content of a file. Raises OSError, also for a pipe or a device, which might block for ever.

    most: of how many bytes; a larger file raises OSError. Raises ConfinedError for a file that is not for
    visitors.
    """
    require_ours(path)
    status = path.stat()
    mode = status.st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # which the system itself refuses to read
        raise OSError(EINVAL, "not a regular file", str(path))
    if most is not None and status.st_size > most:
        raise OSError(EFBIG, f"larger than {most:,} bytes", str(path))
    return path.read_bytes()


def modified(path: Path) -> int | None:
    """When a file was last written, in nanoseconds; None for one that is not there."""
    try:
        return path.expanduser().stat().st_mtime_ns
    except (OSError, RuntimeError):  # RuntimeError: no home to expand ~ to
        return None


def write_given(path: Path, content: bytes) -> None:
    """Write a file that the user named. Raises ValueError, in one line, if that cannot be done."""
    try:
        write_whole(path, content)
    except OSError as error:
        raise ValueError(f"{printable(str(path))}: cannot be written ({error.strerror or error})") from None


def write_whole(path: Path, content: bytes) -> None:
    """Write the whole file or nothing, even if the process or the machine dies; it is on disk afterwards.

    A link stays one, and the file that it leads to is written; an existing file keeps its permissions.
    Raises OSError if it cannot be written, and ConfinedError.
    """
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    require_ours(path)
    unfinished = path.with_name(f".{secrets.token_hex(8)}{UNFINISHED}")
    try:
        with unfinished.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            if not os.access(path, os.W_OK):
                raise PermissionError(EACCES, "write-protected")
            shutil.copymode(path, unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    with suppress(OSError):  # a system on which a folder cannot be opened
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
