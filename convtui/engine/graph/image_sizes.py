"""Which image sizes go through a network, said in words, from those that were tried."""

from collections.abc import Sequence
from functools import reduce
from math import gcd
from typing import TypeAlias

Size: TypeAlias = tuple[int, int]


def nearest(work: Sequence[Size], image: Size) -> Size | None:
    """Of the sizes that work a round one, as 32x32, near to the image's; None if none works."""

    def far(size: Size) -> tuple[int, int]:
        roundness = min(side & -side for side in size if side > 1) if max(size) > 1 else 1
        return -min(roundness, 32), abs(size[0] - image[0]) + abs(size[1] - image[1])

    return min(sorted(work), key=far, default=None)


def sizes_told(tried: Sequence[Size], work: Sequence[Size]) -> str:
    """The sizes that work, as far as those tried tell: `32x32 to 35x35`, `multiples of 16`, `any`."""
    of = f"of {len(tried)} tried, {_text(min(tried))} to {_text(max(tried))}" if tried else "none was tried"
    if not work:
        return f"none {of}"
    if len(work) == len(tried):
        return f"any {of}"
    if all(rows == columns for rows, columns in tried):
        sides, working = [rows for rows, _ in sorted(tried)], {rows for rows, _ in work}
        least, common = min(working), reduce(gcd, working)
        if all(side in working for side in sides if side >= least):
            return f"{_text((least, least))} and larger ({of})"
        if (
            common > 1
            and len(working) > 2
            and all(side in working for side in sides if side >= least and side % common == 0)
        ):
            return f"multiples of {common}, from {_text((least, least))} ({of})"
    runs = _runs(sorted(tried), set(work))
    return f"{', '.join(_run(run) for run in runs[:6])}{' and others' if len(runs) > 6 else ''} ({of})"


def _runs(tried: Sequence[Size], work: set[Size]) -> list[list[Size]]:
    """The working sizes that follow one another, each a pixel larger."""
    runs: list[list[Size]] = []
    for size in tried:
        if size not in work:
            continue
        last = runs[-1][-1] if runs else None
        if last and size[1] - last[1] == 1 and size[0] - last[0] in (0, 1):
            runs[-1].append(size)
        else:
            runs.append([size])
    return runs


def _run(run: Sequence[Size]) -> str:
    return _text(run[0]) if len(run) == 1 else f"{_text(run[0])} to {_text(run[-1])}"


def _text(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
