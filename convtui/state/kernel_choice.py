"""Which kernel is chosen, and the weights that it has for an image: with a filter for each that is asked for.

A filter has a slice for each channel of its group; where weights are fewer than that, they repeat.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np

from convtui.engine.kernels import LARGEST_SIDE, filters_of, kernel, legal_sizes, other_filters, own_filters
from convtui.engine.spec import Floats, Pair, SpecError, brief


@dataclass(frozen=True)
class KernelChoice:
    """Where the weights came from: a named kernel, a file, or the user's own edits.

    The filters of a named kernel are its own, repeated in turn where more are asked for; or, where filters
    were added or removed one by one, `kernels` names the kernel of each.
    """

    name: str
    seed: int = 0
    filters: int | None = None  # None: as many as the kernel itself has, or as `kernels` has
    named: bool = True  # False once edited or read from a file
    kernels: tuple[str, ...] = ()  # (): the kernel's own filters
    notice: str = field(default="", compare=False)  # what the user should know about how it was read

    @property
    def label(self) -> str:
        """The kernel's name, and of which others there are filters: "edges + identity", "3 of edges"."""
        if not self.named:
            return f"{self.name} (custom)"
        own, each = own_filters(self.name), tuple(dict.fromkeys(self.kernels))
        if not each or each == own:
            return self.name
        if each == own[: len(each)]:
            return f"{len(each)} of {self.name}"
        first, others = self.name, each[len(own) :]
        if each[: len(own)] != own:
            first, others = each[0], each[1:]
        match others:
            case ():
                return first
            case (other,):
                return f"{first} + {other}"
        return f"{first} + {len(others)} others"

    @property
    def sizes(self) -> list[int]:
        """The sizes in which all filters of a named kernel come."""
        names = {self.name, *self.kernels}
        return sorted(set.intersection(*(set(legal_sizes(name)) for name in names)))


def named_weight(choice: KernelChoice, size: int | Pair, slices: int, groups: Any) -> Floats:
    """A named kernel with as many filters as were asked for, or as it has, rounded up to fill the groups."""
    asked = choice.filters or len(choice.kernels or own_filters(choice.name))
    filters = filters_for(asked, groups)
    if not choice.kernels:
        return kernel(choice.name, size, in_channels=slices, filters=filters, seed=choice.seed)
    weight = filters_of(choice.kernels, size, in_channels=slices, seed=choice.seed)
    return weight[np.arange(filters) % len(weight)]


def each_filter(names: tuple[str, ...], groups: int, count: int, size: Pair) -> tuple[str, ...]:
    """The kernel of each filter where every group has so many: the first of those it has, then others."""
    own = len(names) // groups
    chosen = (other_filters(names[first : first + own], count, size) for first in range(0, len(names), own))
    return tuple(chain.from_iterable(chosen))


def nearest_size(name: str, size: int) -> int:
    """The size nearest to this one in which a named kernel comes; of two the smaller."""
    return min(legal_sizes(name), key=lambda each: (abs(each - size), each))


def slices_of(channels: int, groups: Any) -> int:
    """Slices of one filter; where the groups do not divide, every channel: the spec's own check says why."""
    if not isinstance(groups, int) or groups < 1 or channels % groups:
        return channels
    return channels // groups


def filters_for(filters: int, groups: Any) -> int:
    """The fewest filters, at least as many as asked, that the groups divide."""
    if not isinstance(groups, int) or groups < 1:
        return filters
    return -(-filters // groups) * groups


def tiled(weight: Floats, slices: int, filters: int, groups: int = 1) -> Floats:
    """Weights repeated until they fill the shape; of those cut, each group keeps its own channels' slices."""
    group = np.arange(filters) * groups // filters
    picked = (group[:, None] * slices + np.arange(slices)) % weight.shape[1]
    repeated: Floats = weight[np.arange(filters)[:, None] % len(weight), picked]
    return repeated


def require_size(rows: int, columns: int) -> None:
    """Raise SpecError for a size that is too large for any kernel, or below 1."""
    for side in (rows, columns):
        if not 1 <= side <= LARGEST_SIDE:
            nearest = str(min(max(side, 1), LARGEST_SIDE))
            raise SpecError(
                "kernel_size", brief((rows, columns)), f"must be from 1 to {LARGEST_SIDE}", nearest
            )
