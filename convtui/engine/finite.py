"""Numbers from outside become arrays that can be relied on: float64, finite, never changed."""

from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import ArrayLike

from convtui.engine.spec import Floats

_found_finite: WeakValueDictionary[int, Floats] = WeakValueDictionary()


def finite(name: str, values: ArrayLike) -> Floats:
    """The values as read-only float64, copied unless they are; what was found finite is not read again.

    Raises ValueError, which names them, for anything but an array of finite real numbers.
    """
    try:
        if isinstance(values, str):
            raise TypeError("it is a text")
        given = np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(f"{name} is not an array of numbers: {str(error).splitlines()[0]}") from None
    if given.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got {given.dtype}")
    is_kept = given.dtype == np.float64 and not given.flags.writeable
    if is_kept and _found_finite.get(id(given)) is given:
        return given
    with np.errstate(over="ignore"):
        array = given if is_kept else given.astype(np.float64)
    if array.size and not np.isfinite([array.min(), array.max()]).all():
        raise ValueError(f"{name} contains NaN or infinity")
    array.setflags(write=False)
    _found_finite[id(array)] = array
    return array
