"""Which layer and which of its weights one looks at on the Train page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

Index = tuple[int, int, int, int]
Shapes = Mapping[
    int, tuple[int, ...]
]  # of every convolution: its number, its weight's [out, in, rows, columns]


@dataclass(frozen=True)
class Cursor:
    """The place among the convolutions, and the weight there; None: the middle of the first kernel.

    It is kept as it was chosen, so that a network in between with fewer layers does not move it.
    """

    layer: int = 0
    index: Index | None = None

    def weight(self, shapes: Shapes) -> tuple[int, Index]:
        """The convolution's number and the weight's index, the nearest that there are."""
        if not shapes:
            return 1, self.index or (0, 0, 0, 0)
        number = list(shapes)[min(self.layer, len(shapes) - 1)]
        shape = shapes[number]
        wanted = self.index or (0, 0, shape[2] // 2, shape[3] // 2)
        out, channel, row, column = (min(at, size - 1) for at, size in zip(wanted, shape, strict=True))
        return number, (out, channel, row, column)

    def moved(self, by: Index, shapes: Shapes) -> Cursor:
        """So much further within the weights of the layer, round their ends."""
        number, index = self.weight(shapes)
        shape = shapes.get(number, (1, 1, 1, 1))
        out, channel, row, column = ((at + go) % size for at, go, size in zip(index, by, shape, strict=True))
        return replace(self, index=(out, channel, row, column))

    def at_layer(self, layer: int, shapes: Shapes) -> Cursor:
        """At another layer, counted round; at the middle of its first kernel."""
        return Cursor(layer % max(len(shapes), 1))
