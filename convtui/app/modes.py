"""The pages by name; all but the first are imported when they are first opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from textual.screen import Screen

from convtui.pages.step.page import StepPage


def _matrix() -> Screen[None]:
    from convtui.pages.matrix.page import MatrixPage

    return MatrixPage()


def _layers() -> Screen[None]:
    from convtui.pages.layers.page import LayersPage

    return LayersPage()


def _batchnorm() -> Screen[None]:
    from convtui.pages.batchnorm.page import BatchNormPage

    return BatchNormPage()


def _train() -> Screen[None]:
    from convtui.pages.train.page import TrainPage

    return TrainPage()


# The first page is no mode from the start: Textual reads its style sheets a second time for a screen that it
# opens as one, which is a twentieth of the way to the first screen.
FIRST_MODE: Final = "step"
FIRST_PAGE: Final[Callable[[], Screen[Any]]] = StepPage
MODES: Final[dict[str, Callable[[], Screen[Any]]]] = {
    "matrix": _matrix,
    "layers": _layers,
    "batchnorm": _batchnorm,
    "train": _train,
}
