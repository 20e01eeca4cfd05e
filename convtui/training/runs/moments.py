"""After which steps of a run a whole checkpoint is kept, so that one can go back to any part of the run."""

from __future__ import annotations

from math import ceil
from typing import Final

MOST_MOMENTS: Final = 32  # of a run
MOST_BYTES: Final = 12 * 2**20  # of them together; fewer are kept of a network that needs more

_EARLY: Final = (0, 1, 2, 4, 8)  # a run changes fastest where it begins


def most_moments(size: int) -> int:
    """How many checkpoints of so many bytes a run keeps."""
    return min(MOST_MOMENTS, MOST_BYTES // max(size, 1))


def moment_steps(total_steps: int, most: int) -> tuple[int, ...]:
    """The steps, ascending, at most so many: the first, then evenly to the end of the run.

    They depend on nothing else, so that a run that is resumed keeps the same.
    """
    first = [step for step in _EARLY if step <= total_steps][: min(most, max(2, most // 6))]
    if len(first) >= most:
        return tuple(first)
    every = max(1, ceil(total_steps / (most - len(first))))
    return tuple(sorted({*first, *range(every, total_steps + 1, every)}))
