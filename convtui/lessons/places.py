"""What a lesson can point at on each page: the names of panes and of settings, as the pages have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_SETTINGS: Final = ("stride", "padding", "dilation", "groups", "mode", "size", "kernel", "filters")

HIGHLIGHTS: Final[Mapping[str, tuple[str, ...]]] = {
    "step": ("image", "output", "window", "products", "formula", "sum", "code", *_SETTINGS),
    "matrix": ("image", "matrix", "output", "row", "overview", *_SETTINGS),
    "layers": ("table", "maps", "image", "field", "sum"),
    "batchnorm": ("before", "after", "formula", "running", "spread"),
    "train": ("loss", "accuracy", "schedule", "kernels", "weight", "runs", "recipe"),
}
