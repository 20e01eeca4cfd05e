"""What the next run will be, as one value that can be undone.

Setting the learning rate of a run that is running is undone too, so it lies on the same timeline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from convtui.state.history import Document

if TYPE_CHECKING:
    from convtui.training.recipe import Recipe
    from convtui.training.runs.history import RunHistory


@dataclass(frozen=True, eq=False)
class RateChange:
    """A run whose peak (or constant) learning rate was set while it was running."""

    run: RunHistory
    before: float
    after: float


@dataclass(frozen=True, eq=False)
class NextRun:
    """The recipe of the next run, and the last rate that was set of a run."""

    recipe: Recipe
    rate: RateChange | None = None


NEXT_RUN: Final = Document[NextRun]("next run")
