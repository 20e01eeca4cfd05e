"""Where an input cell of a transposed convolution lands, in words that fit."""

from __future__ import annotations

import numpy as np

from convtui.engine.transposed import Scatter
from convtui.engine.words import counted
from convtui.paint.text import cut_to, significant


def laid(step: Scatter, width: int) -> str:
    """Where the kernel is laid, and how much of it is cut off."""
    rows, columns = _span("row", step.rows), _span("column", step.columns)
    pixel = f"{_pixel(step)} = {significant(step.pixel)}"
    cut = int(step.is_cut.sum())
    full = f"; {counted(cut, 'weight')} of {step.is_cut.size} cut off" if cut else ""
    short = f"; {cut} of {step.is_cut.size} cut off" if cut else ""
    return fitting(
        width,
        f"{pixel} times the kernel is added to {rows} and {columns}{full}",
        f"{pixel} times the kernel: {rows}, {columns}{short}",
        f"{pixel}: {rows}, {columns}{short}",
    )


def fitting(width: int, *forms: str) -> str:
    """The first of them for which there is room."""
    return next((form for form in forms if len(form) <= width), cut_to(forms[-1], width))


def _pixel(step: Scatter) -> str:
    return f"image[{', '.join(map(str, step.position))}]"


def _span(name: str, places: np.ndarray) -> str:
    """Those of the output on which the kernel lies, from the first to the last."""
    first, last = int(places[0]), int(places[-1])
    if first == last:
        return f"{name} {first}"
    spread = f" by {places[1] - places[0]}" if places[1] - places[0] > 1 else ""
    return f"{name}s {first} to {last}{spread}"
