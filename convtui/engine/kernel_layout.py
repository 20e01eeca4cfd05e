"""Which axes of an array of weights are rows and columns: a rule that is written down, and words for it.

PyTorch keeps the weights of a convolution as [out, in, rows, columns] (oihw), Keras and TensorFlow as
[rows, columns, in, out] (hwio); an array itself does not say.
Sources: https://pytorch.org/docs/stable/generated/torch.nn.Conv2d.html,
https://www.tensorflow.org/api_docs/python/tf/nn/conv2d
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

OIHW: Final = "oihw"
HWIO: Final = "hwio"
LAYOUTS: Final = (OIHW, HWIO)

_LARGEST_USUAL: Final = 15  # rows and columns of a kernel
_AXES: Final = {
    (OIHW, 4): ("out", "in", "rows", "columns"),
    (HWIO, 4): ("rows", "columns", "in", "out"),
    (OIHW, 3): ("in", "rows", "columns"),
    (HWIO, 3): ("rows", "columns", "in"),
    (OIHW, 2): ("rows", "columns"),
}


class Layout(NamedTuple):
    """An order of axes, one of LAYOUTS, and whether the other is likely enough to tell which was taken."""

    name: str
    is_guess: bool


def layout_of(shape: tuple[int, ...]) -> Layout:
    """The layout of an array of three or four axes: PyTorch's, unless its form says that it is Keras's.

    It is taken to be Keras's where the first two axes are a usual kernel, equal and at most 15, and the last
    two are none, as in (3, 3, 3, 8) and (3, 3, 64, 64). After two axes of length 1 whatever is at most 15
    may be a kernel, as in (1, 1, 1, 5). With three axes, [in, rows, columns] or [rows, columns, in], the
    same holds.
    """
    is_single = shape[0] == shape[1] == 1
    is_oihw = max(shape[-2:]) <= _LARGEST_USUAL and (shape[-2] == shape[-1] or is_single)
    is_hwio = shape[0] == shape[1] <= _LARGEST_USUAL
    if is_hwio and not is_oihw:
        return Layout(HWIO, True)
    return Layout(OIHW, (is_hwio and not is_single) or shape[-2] != shape[-1])


def as_oihw(array: NDArray[Any], layout: str = "") -> tuple[NDArray[Any], str, str]:
    """The weight [out, in, rows, columns] in an array of two to four axes, how they were read, and a notice.

    The notice is "" unless the layout was a guess.
    """
    if array.ndim == 2:
        return array[np.newaxis, np.newaxis], read_as(array.shape, OIHW), ""
    found = Layout(layout, False) if layout else layout_of(array.shape)
    if found.name == HWIO:
        weight = np.moveaxis(array, (0, 1), (-2, -1))  # [in, rows, columns] or [in, out, rows, columns]
        weight = weight[np.newaxis] if array.ndim == 3 else np.swapaxes(weight, 0, 1)
    else:
        weight = array[np.newaxis] if array.ndim == 3 else array
    told = read_as(array.shape, found.name)
    (other,) = {*LAYOUTS} - {found.name}
    return weight, told, f"{told} (--kernel-layout {other} reads the other order)" if found.is_guess else ""


def read_as(shape: tuple[int, ...], layout: str) -> str:
    """As "shape (3, 3, 3, 8) read as [rows, columns, in, out]"."""
    return f"shape {shape} read as [{', '.join(_AXES[layout, len(shape)])}]"
