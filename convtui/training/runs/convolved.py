"""The convolutions of the user's network and the output of one, as frozen values, and its numbers as text."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from convtui.training.exploring import Convolved, Convolving, Followed

MOST_VALUES: Final = 2**23  # of an output that is shown

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Convolutions:
    """The convolutions of a network of the user's."""

    told: Followed

    @property
    def progress(self) -> tuple[int, int]:
        """How much is done, of how much."""
        return 1, 1


@dataclass(frozen=True, eq=False)
class Output:
    """The output of a convolution of a network of the user's for one image, as far as it is known.

    maps [filters, rows, columns]: NaN for filters whose map is not known yet. logits are of all classes.
    weight [out, in/groups, row, column]: its filters, None where the checkpoint has them.
    """

    step: int
    digest: str
    layer: int
    logits: Floats
    weight: Floats | None
    maps: Floats
    known: int

    @property
    def progress(self) -> tuple[int, int]:
        """How much is done, of how much."""
        return self.known, len(self.maps)

    @classmethod
    def begun(cls, header: Convolving) -> Output:
        """Raises ValueError for what does not fit."""
        if not (all(each > 0 for each in header.shape) and prod(header.shape) <= MOST_VALUES):
            raise ValueError("the size of the output does not fit")
        weight = numbers_of(header.weight, header.weight_shape) if header.weight else None
        maps = np.full(header.shape, np.nan)
        return cls(header.step, header.digest, header.layer, np.array(header.logits), weight, maps, 0)

    def taken(self, event: Convolved) -> Output:
        """With the next maps. Raises ValueError for what does not fit."""
        new = numbers_of(event.values, (-1, *self.maps.shape[1:]))
        known = self.known + len(new)
        if not self.known < known <= len(self.maps):
            raise ValueError("the number of maps does not fit")
        maps = self.maps.copy()
        maps[self.known : known] = new
        return replace(self, maps=maps, known=known)


def text_of(numbers: NDArray[Any]) -> str:
    """float32 numbers in base64."""
    return b64encode(np.ascontiguousarray(numbers, "<f4").tobytes()).decode()


def numbers_of(text: str, shape: tuple[int, ...]) -> Floats:
    """What text_of wrote, in this shape. Raises ValueError for what it did not."""
    return np.frombuffer(b64decode(text, validate=True), "<f4").astype(np.float64).reshape(shape)
