"""What a lesson can point at on each page: the names of panes and of settings, as the pages have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_SETTINGS: Final = ("stride", "padding", "dilation", "groups", "mode", "size", "kernel", "filters")

HIGHLIGHTS: Final[Mapping[str, tuple[str, ...]]] = {
    "step": (
        "image",
        "output",
        "window",
        "kernel",
        "products",
        "formula",
        "sum",
        "outputs",
        "code",
        *("operation", "way"),
        *_SETTINGS,
    ),
    "matrix": ("image", "matrix", "across", "result", "words", "figures", "overview", *_SETTINGS),
    "layers": ("table", "sentence", "details", "image", "selected", "mosaic", "text", "layer", "network"),
    "batchnorm": (
        *("before", "after", "formula", "running", "rule", "modes", "difference"),
        *("batch means", "batch variances", "spread of means", "spread of variances"),
        *("norms", "shared", "maps"),
        *("norm", "groups", "image", "mode", "gamma", "beta", "momentum", "size", "channel"),
    ),
    "train": (
        *("status", "loss", "rate", "momentum", "accuracy", "kernels", "predictions"),
        *("card", "value", "updates", "gradients", "norms", "layers", "band", "stds", "near zero"),
        *("runs", "losses", "accuracies", "comparison", "finder"),
        *("explanation", "gap", "noise", "landscape", "weights", "rates", "verdicts"),
        *("data", "batch_norm", "schedule", "lr", "optimizer", "decay", "epochs", "batch"),
    ),
}
