"""What the sums of a step have in common, on whichever page they are written."""

from __future__ import annotations

from functools import lru_cache

from convtui.engine.convolution import Step
from convtui.paint.arithmetic import Precision, precision
from convtui.paint.arithmetic import settled as settled


@lru_cache(maxsize=2)
def largest_product(step: Step) -> float:
    """The largest magnitude of its products."""
    return max(-float(step.products.min()), float(step.products.max()))


def settled_sum(step: Step) -> float:
    """The sum of all products, without the bias."""
    return settled(sum(step.slice_sums.tolist()), step.products)


def settled_value(step: Step) -> float:
    """The output cell."""
    return step.value if step.bias else settled(step.value, step.products)


def usual_precision(step: Step, value: float) -> Precision:
    """That of a sum that stands alone: the digits that the products usually have."""
    usual = precision(value, largest_product(step))
    return usual if usual.units(value) else precision(value)
