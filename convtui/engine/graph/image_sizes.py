"""Which image sizes go through a network: those that are tried, and in words which of them work."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from math import gcd
from typing import Final, TypeAlias

Size: TypeAlias = tuple[int, int]

MOST: Final = 120  # sizes that are tried
EDGE: Final = 20  # of them, to find the least that works
COMMON: Final = (
    32,
    28,
    224,
    64,
    128,
    256,
    96,
    48,
    112,
    160,
    192,
    227,
    299,
    384,
    448,
    512,
    16,
    20,
    24,
    40,
    56,
    80,
)


def tried_sizes(
    fits: Callable[[Size], bool], image: Size, has_rows: bool, is_over: Callable[[], bool]
) -> dict[Size, bool]:
    """Sizes near the image's and the usual ones, and whether they go through, until the time is over.

    Of a size that works its neighbours are tried, too, until one does not. has_rows: else rows stay 1.
    """
    tried: dict[Size, bool] = {}
    for size in _candidates(*image, has_rows):
        if size in tried:
            continue
        if len(tried) >= MOST - EDGE or is_over():
            break
        tried[size] = fits(size)
        for step in (-1, 1) if tried[size] else ():
            for near in _walk(size, step, has_rows):
                if near in tried or len(tried) >= MOST - EDGE or is_over():
                    break
                tried[near] = fits(near)
                if not tried[near]:
                    break
    _find_edge(tried, fits, has_rows, is_over)
    return tried


def _find_edge(
    tried: dict[Size, bool], fits: Callable[[Size], bool], has_rows: bool, is_over: Callable[[], bool]
) -> None:
    """Try the sizes below the least that works, down to one that does not."""
    working = [size for size, works in tried.items() if works]
    rows, columns = min(working, default=(1, 1))
    while len(tried) < MOST and min(rows if has_rows else columns, columns) > 1 and not is_over():
        rows, columns = rows - 1 if has_rows else rows, columns - 1
        if (rows, columns) not in tried:
            tried[rows, columns] = fits((rows, columns))
        if not tried[rows, columns]:
            return


def _walk(size: Size, step: int, has_rows: bool) -> Iterator[Size]:
    for distance in range(1, 9):
        rows, columns = (side + step * distance for side in size)
        rows = rows if has_rows else 1
        if min(rows, columns) < 1:
            return
        yield rows, columns


def _candidates(rows: int, columns: int, has_rows: bool) -> Iterable[Size]:
    """The image's own size, the usual ones, those next to it, and small ones, the likely ones first."""
    yield rows, columns
    for side in COMMON:
        yield side if has_rows else 1, side
    for distance in range(1, 33):
        for step in (distance, -distance):
            if min(rows + step, columns + step) > 0:
                yield (rows + step if has_rows else 1), columns + step
    for side in range(1, 65):
        yield side if has_rows else 1, side


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
    from_rows, from_columns = (min(sides) for sides in zip(*work, strict=True))
    if set(work) == {each for each in tried if each[0] >= from_rows and each[1] >= from_columns}:
        return f"{_text((from_rows, from_columns))} and larger ({of})"
    if all(rows == columns for rows, columns in tried):
        sides, working = [rows for rows, _ in sorted(tried)], {rows for rows, _ in work}
        least, common = min(working), reduce(gcd, working)
        if (
            least % 2
            and len(working) > 2
            and working == {side for side in sides if side >= least and side % 2}
        ):
            return f"odd sizes, from {_text((least, least))} ({of})"
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
