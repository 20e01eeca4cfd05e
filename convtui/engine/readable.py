"""Errors of files that are read whole: one line that names the file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def readable(path: Path, most_bytes: int) -> Iterator[None]:
    """Check that a file can be read, and name it in every error that is raised while it is read.

    Raises ValueError if there is no such file, if it is larger than most_bytes or not text, and for every
    OSError or ValueError raised within.
    """
    try:
        if not path.is_file():
            raise ValueError("no such file")
        if path.stat().st_size > most_bytes:
            raise ValueError(f"the file is larger than {most_bytes // 2**20} MiB")
        yield
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a text file") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None
