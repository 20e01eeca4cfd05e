"""Which axis of an array holds the channels: a rule that is written down, and words for what it decides.

PyTorch puts channels first, Keras, Pillow and most image libraries last; an array itself does not say.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

FIRST: Final = "channels-first"
LAST: Final = "channels-last"
AXES: Final = (FIRST, LAST)

_COLOURS: Final = (1, 3, 4)  # grey; red, green, blue; and alpha
_MOST_COLOURS: Final = 4


class Order(NamedTuple):
    """An order of axes, one of AXES, and whether the other is likely enough to tell which was taken."""

    axes: str
    is_guess: bool


def order_of(shape: tuple[int, int, int]) -> Order:
    """The order of an array of this shape: channels first, unless its form says that they are last.

    They are taken to be last where the last axis is shorter than the first, and the first two are equal, as
    in (5, 5, 3), or the last has length 1, 3 or 4, as in (28, 20, 3). Where the last two axes are equal they
    are rows and columns, as in 64 feature maps of 3x3.
    """
    first, middle, last = shape
    if last < first and middle != last and (first == middle or last in _COLOURS):
        return Order(LAST, True)
    are_maps = middle == last and (first <= _MOST_COLOURS or last not in _COLOURS) and first != last
    return Order(FIRST, not are_maps and max(shape) > 1 and (last in _COLOURS or last <= first))


def with_channels_first(array: NDArray[Any], axes: str = "") -> tuple[NDArray[Any], str, str]:
    """The array [..., C, H, W] by these axes, or by `order_of`; the axes, and a notice if they are a guess.

    The axes are "" where no order had to be chosen.
    """
    channels, rows, columns = array.shape[-3:]
    order = Order(axes, False) if axes else order_of((channels, rows, columns))
    chosen = order.axes if axes or order.is_guess else ""
    read = np.moveaxis(array, -1, -3) if order.axes == LAST else array
    return read, chosen, _told(array.shape, order.axes) if order.is_guess else ""


def _told(shape: tuple[int, ...], axes: str) -> str:
    names = {FIRST: "channels, rows, columns", LAST: "rows, columns, channels"}[axes]
    (other,) = {*AXES} - {axes}
    lead = "images, " if len(shape) == 4 else ""
    return f"shape {shape} read as [{lead}{names}] (--{other} reads the other order)"
