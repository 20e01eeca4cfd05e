"""Files that are read whole: what is wrong with one is said in one line that names it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def readable(path: Path, most_bytes: int) -> Iterator[None]:
    """Check the file before it is read within, and name it in every error of reading it.

    Raises ValueError where there is no such file, it has more bytes or is not the text it is read as, and for
    every OSError and ValueError from within.
    """
    try:
        if not path.is_file():
            raise ValueError("no such file")
        if path.stat().st_size > most_bytes:
            raise ValueError(f"larger than {most_bytes // 2**20} MiB")
        yield
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a text file") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None
