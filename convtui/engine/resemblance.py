"""Which named kernel a learned one is like, and how like a kernel of random numbers would be.

A learned kernel is nobody's sobel-x; that it is nearest to one says little unless chance is known too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from convtui.engine.kernels import NAMES, RANDOM, kernel, own_filters
from convtui.engine.spec import Floats, Pair, SpecError

DRAWS = 2000  # random kernels of each size
SEED = 0
MINUS = "−"

_SAME = 1 - 1e-12


@dataclass(frozen=True)
class Resemblance:
    """The named kernel that is most like another; "−sobel-x" is sobel-x with every weight negated.

    similarity is their cosine, sum(k * n) / (|k| |n|) over the weights, from which nothing is subtracted
    before: 1 for the same kernel at any positive scale, 0 for nothing in common.
    """

    name: str
    similarity: float


@dataclass(frozen=True)
class Chance:
    """The similarity that Gaussian random kernels of a size reach to whichever named kernel is nearest.

    percentile_95: 95 of 100 stay below it.
    """

    mean: float
    percentile_95: float


def nearest_named(weight: Floats) -> Resemblance | None:
    """The named kernel most like a slice [rows, columns], either sign allowed.

    None for a size in which no kernel has a name, and for zeros and numbers that are not finite.
    """
    rows, columns = weight.shape
    names, units = _named(rows, columns)
    largest = float(np.abs(weight).max(initial=0.0))
    if not names or not 0 < largest < np.inf:
        return None
    scaled = weight.ravel() / largest  # so that squares neither overflow nor vanish
    similarities = units @ scaled / np.linalg.norm(scaled)
    at = int(similarities.argmax())
    return Resemblance(names[at], min(float(similarities[at]), 1.0))


def nearest_of_slices(weight: Floats) -> tuple[Resemblance | None, ...]:
    """The same for each slice of a filter [slices, rows, columns]."""
    return tuple(map(nearest_named, weight))


def strongest_slice(weight: Floats) -> int:
    """The slice of a filter [slices, rows, columns] with the largest L2 norm, the first of equal ones."""
    return int(np.linalg.norm(weight.reshape(len(weight), -1), axis=1).argmax())


@lru_cache(maxsize=64)
def by_chance(size: Pair) -> Chance | None:
    """How similar random kernels of a size are, from 2,000 of them drawn with seed 0; None as above."""
    names, units = _named(*size)
    if not names:
        return None
    drawn = np.random.default_rng(SEED).standard_normal((DRAWS, size[0] * size[1]))
    best = (drawn @ units.T).max(axis=1) / np.linalg.norm(drawn, axis=1)
    return Chance(float(best.mean()), float(np.percentile(best, 95)))


@lru_cache(maxsize=64)
def _named(rows: int, columns: int) -> tuple[tuple[str, ...], Floats]:
    """Names, and kernels of length 1 [names, rows * columns]; of those that are alike the first."""
    names: list[str] = []
    units = np.empty((0, rows * columns))
    for name, unit in _signed(rows, columns):
        if not (units @ unit > _SAME).any():
            names.append(name)
            units = np.vstack([units, unit])
    return tuple(names), units


def _signed(rows: int, columns: int) -> Iterator[tuple[str, Floats]]:
    """The named kernels of one filter that come in a size, then all of them negated."""
    found: list[tuple[str, Floats]] = []
    for name in NAMES:
        if name == RANDOM or own_filters(name) != (name,):
            continue
        try:
            flat = kernel(name, (rows, columns)).ravel()
        except SpecError:  # it does not come in this size
            continue
        found.append((name, flat / np.linalg.norm(flat)))
    yield from found
    for name, unit in found:
        yield f"{MINUS}{name}", -unit
