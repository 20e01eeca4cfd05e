"""Filters of a layer and what was measured of them, made up for the features view."""

from typing import Any

import numpy as np

from convtui.engine.resemblance import Resemblance
from convtui.pages.layers.features_figures import Filters, Kernels, Patches, ShownPatch


def kernels(filters: int = 8, slices: int = 1, size: int = 3, seed: int = 0) -> Kernels:
    """Random ones, of which the even are said to be nearer to a named kernel than 95 of 100 others."""
    weight = np.random.default_rng(seed).uniform(-1, 1, (filters, slices, size, size))
    nearest = [Resemblance("sobel-x", 0.9 if at % 2 == 0 else 0.4) for at in range(filters)]
    return Kernels(weight, [at % slices for at in range(filters)], nearest, 0.61)


def filters(count: int = 8, slices: int = 1, size: int = 3, side: int = 7, **given: Any) -> Filters:
    """With maps of so many rows and columns."""
    maps = np.random.default_rng(1).uniform(-2, 2, (count, side, side))
    defaults: dict[str, Any] = {
        "before": kernels(count, slices, size, 2),
        "maps": maps,
        "shape": (side, side),
    }
    defaults["now"] = kernels(count, slices, size)
    return Filters(**{**defaults, **given})


def patches(count: int = 9, field: int = 5, **given: Any) -> Patches:
    """White patches along the diagonal of images 10, 11, ..."""
    white = np.ones((1, field, field))
    found = [
        ShownPatch(10 + at, range(at, at + field), range(at, at + field), 3.0 - at / 10, white)
        for at in range(count)
    ]
    return Patches(**{"filter": 3, "field": (field, field), "images": 2000, "patches": found, **given})
