"""Arrays that are checked once: float64, finite and read-only, whatever was given."""

from typing import Any, cast
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import ArrayLike

from convtui.engine.spec import Floats

_found_finite: WeakValueDictionary[int, Floats] = WeakValueDictionary()


def _off_torch(values: Any) -> ArrayLike:
    """A PyTorch tensor as numpy takes it: without its graph, on the CPU, in float64 if it has fractions.

    Known by its methods, so that nobody waits for torch: bfloat16 and what requires a gradient numpy refuses.
    """
    if not all(hasattr(values, name) for name in ("detach", "cpu", "is_floating_point", "numpy")):
        return cast("ArrayLike", values)
    detached = values.detach().cpu()
    if detached.is_floating_point():
        detached = detached.double()
    return cast("ArrayLike", detached.numpy())


def finite(name: str, values: ArrayLike) -> Floats:
    """The values as a read-only float64 array; copied, unless they are such an array already.

    An array that was found finite before is not read again.
    Raises ValueError, with this name in it, for anything but finite real numbers.
    """
    try:
        if isinstance(values, str):
            raise TypeError("it is text")
        given = np.asarray(_off_torch(values))
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


def shaped(name: str, values: ArrayLike, form: str) -> Floats:
    """The same, of a form such as "[channels, rows, columns]". Raises ValueError for other shapes too."""
    array = finite(name, values)
    if array.ndim != form.count(",") + 1 or array.size == 0:
        raise ValueError(f"{name} must be {form}, each at least 1, got {list(array.shape)}")
    return array
