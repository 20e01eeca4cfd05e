"""Counts the filters that a ReLU gives as 0 everywhere, by the least and the largest value of a channel."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from convtui.engine.graph.operation import DeadFilters

DIGITS: Final = 3  # of the largest values, which differ in their last bits from machine to machine
# By the name of the argument that is what small numbers become; without it, they become 0.
_BECOMES: Final = {
    "hardtanh": ("min_val", -1.0),
    "threshold": ("value", None),
    "clamp": ("min", None),
    "clip": ("min", None),
    "clamp_min": ("min", None),
}


@dataclass(frozen=True)
class Before:
    """The largest number of each channel before the ReLU, which may work in place. axis: of the channels."""

    axis: int
    largest: Tensor


def before_rectifier(tensor: Tensor, axis: int) -> Before | None:
    """What is to be known before the ReLU; None of a tensor that has no plain numbers."""
    with suppress(RuntimeError, TypeError, NotImplementedError), torch._C.DisableTorchFunction():
        if not tensor.is_meta:
            return Before(axis, tensor.amax(_others(tensor, axis)))
    return None


def dead_filters(kind: str, bound: Mapping[str, Any], was: Before, output: Tensor) -> DeadFilters | None:
    """The channels of the output that are 0 everywhere; None of a function that is no ReLU after all.

    A channel with a value that is no number is not 0 everywhere.
    """
    name, default = _BECOMES.get(kind, ("", 0.0))
    lowest = bound.get(name, default)
    if isinstance(lowest, bool) or not isinstance(lowest, int | float) or lowest != 0:
        return None
    count = len(was.largest)
    if kind != "threshold" and not bool((was.largest <= 0).any()):
        return DeadFilters((), count)
    with torch._C.DisableTorchFunction():
        axes = _others(output, was.axis)
        is_zero = (output.amax(axes) == 0) & (output.amin(axes) == 0)
        channels = is_zero.nonzero().flatten().tolist()
        largest = [float(f"{each:.{DIGITS}g}") for each in was.largest[is_zero].tolist()]
    return DeadFilters(tuple(channels), count, tuple(largest))


def _others(tensor: Tensor, axis: int) -> list[int]:
    return [each for each in range(tensor.dim()) if each != axis]
