"""What is told of a layer's activations, cheap enough to be measured often while the training goes on."""

from __future__ import annotations

from math import floor, isfinite, log10, nan
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from convtui.training.protocol import BINS, Kernels, LayerStatistics

NEAR_ZERO: Final = 0.05
HISTOGRAM_IMAGES: Final = 16
GROWTH: Final = 5.0  # times as far as values reach before the training
RANGE_OF_RELU: Final = (0.0, 10.0)
RANGE_OF_LAST: Final = (-20.0, 20.0)
MOST_KERNEL_WEIGHTS: Final = 4096

Values = NDArray[np.float32]


def layer_statistics(
    layer: int, activations: Values, weight: Values, span: tuple[float, float]
) -> LayerStatistics:
    """Statistics of a mini-batch's activations [N, C, H, W], and of the weights that made them.

    span: the ends of the histogram. NaN is in no bin; it makes mean and deviation NaN.
    """
    values = activations.ravel("K")
    with np.errstate(all="ignore"):  # a diverged run is told as it is
        counts = _counts(activations[:HISTOGRAM_IMAGES].ravel("K"), span)
        return LayerStatistics(
            layer=layer,
            mean=float(values.mean()),
            std=float(values.std(ddof=1)),
            near_zero=int(np.count_nonzero(np.abs(values) <= NEAR_ZERO)) / values.size,
            weight_norm=float(np.linalg.norm(weight.ravel("K"))),
            low=span[0],
            high=span[1],
            counts=counts,
        )


def span_of(reach: float, is_last: bool) -> tuple[float, float]:
    """The ends of a histogram for values that reach so far from 0 before any training, with room to grow.

    Logits grow most: those of the last layer have that of the bundled network at least.
    """
    if not isfinite(reach) or not reach:
        return RANGE_OF_LAST
    power = 10.0 ** floor(log10(GROWTH * reach))
    high = next(each * power for each in (1, 2, 5, 10) if each * power >= GROWTH * reach * 0.999)
    high = max(high, RANGE_OF_LAST[1]) if is_last else high
    return -high, high


def not_measured(layer: int, weight: Values, span: tuple[float, float]) -> LayerStatistics:
    """What is told of a layer that had no activations in the last step: NaN, but for its weights' norm."""
    norm = float(np.linalg.norm(weight.ravel("K")))
    return LayerStatistics(layer, nan, nan, nan, norm, *span, (0,) * BINS)


def _counts(values: Values, span: tuple[float, float]) -> tuple[int, ...]:
    """How many values lie in each bin: what np.histogram counts, in a third of its time."""
    low, high = span
    bins = (np.clip(values, low, high) - low) * (BINS / (high - low))
    places = np.minimum(bins[~np.isnan(bins)].astype(np.intp), BINS - 1)
    return tuple(np.bincount(places, minlength=BINS).tolist())


def kernels(weight: Values) -> Kernels:
    """As many filters of a convolution's weight [out, in, kH, kW] as are worth sending, to five digits."""
    filters = max(1, MOST_KERNEL_WEIGHTS // weight[0].size)
    rounded: Kernels = _rounded(weight[:filters].tolist())
    return rounded


def _rounded(values: Any) -> Any:
    return tuple(map(_rounded, values)) if isinstance(values, list) else float(f"{values:.5g}")
