"""What a visitor may use of the machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MIB: Final = 2**20


@dataclass(frozen=True)
class Limits:
    """visitors at once; seconds without a key before a visit ends, and of these the last, announced ones;

    MiB of memory of each of the two processes of a visitor, and of files; epochs of a run and seconds of a
    training job.
    """

    visitors: int = 4
    idle: float = 600.0
    notice: float = 60.0
    memory: int = 1024
    files: int = 256
    epochs: int = 5
    seconds: float = 120.0


def limit_memory(mebibytes: int) -> None:
    """Bound what this process and those that it starts may hold each, and how large a file may grow.

    Linux counts all that is written (RLIMIT_DATA); other systems may count less.
    """
    import resource

    for kind, most in (
        (resource.RLIMIT_DATA, mebibytes * MIB),
        (resource.RLIMIT_FSIZE, 64 * MIB),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 256),
    ):
        _, hard = resource.getrlimit(kind)
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)
        resource.setrlimit(kind, (most, most))
