"""What is known of a trained run's filters beside their weights, for the features view.

It says what is to be found out for what is looked at, and hands on what is known by now.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from convtui.inputs.names import printable
from convtui.pages.base.data_cache import DataCache
from convtui.pages.base.memo import Memo
from convtui.pages.base.services import PageServices
from convtui.pages.layers.explorations import (
    Explorations,
    Question,
    Weights,
    WhatCounts,
    WhatExcites,
    WithoutFilters,
)
from convtui.pages.layers.explored_figures import shown_accuracies, shown_class
from convtui.pages.layers.features_figures import Accuracies, Explained, Kernels, Patches
from convtui.pages.layers.features_labels import TRAIN_A_RUN
from convtui.pages.layers.looked import Looked
from convtui.state.learned_weights import LearnedWeights
from convtui.state.opened_features import OwnWeights
from convtui.state.session import Panel, View
from convtui.training.datasets.open_any import DataSet
from convtui.training.recipe import Recipe
from convtui.training.runs import explored
from convtui.training.runs.learned_layers import own_weights, weights_of
from convtui.training.runs.store import Run

MEASURING: Final = "measuring …"
RUNS_KEPT: Final = 4


@dataclass(frozen=True, eq=False)
class _Behind:
    """The run that the weights are of: its recipe, and the weights before its first step, if kept."""

    recipe: Recipe
    first: LearnedWeights | OwnWeights | None


class FeatureMeasurements:
    """The questions of the view and their answers as figures; the very same while nothing has changed."""

    def __init__(self, page: PageServices) -> None:
        self._page = page
        self.data = DataCache(page)
        self.explorations = Explorations(page, page.show_again)
        self._runs: dict[Path, _Behind | str | None] = {}  # or why not; None while it is read
        self._hidden: tuple[Weights | None, int, int] | None = None  # weights, layer, filter
        self._before: Memo[Kernels] = Memo()
        self._patches: Memo[Patches] = Memo()
        self._accuracies: Memo[Accuracies] = Memo()
        self._explained: Memo[Explained] = Memo()

    # -- asking

    def want(self, looked: Looked, view: View, panel: Panel) -> None:
        """Have measured what the panel on show needs, then what the tiles do."""
        weights = looked.weights
        if weights is None:
            return
        questions: list[Question] = [WhatExcites(weights)]
        if panel is Panel.ACCURACY or self.hidden(looked) is not None:
            questions.insert(0, WithoutFilters(weights, looked.layer))
        if panel is Panel.CLASS and looked.logits is not None:
            questions.insert(0, WhatCounts(weights, looked.picture, self.target(looked, view)))
        self.explorations.want([*looked.questions, *questions])

    @property
    def status(self) -> str:
        """What is going on, in a line."""
        return self.explorations.status

    def stop(self) -> None:
        """End what is at work, or go on with it."""
        self.explorations.stop()

    def pause(self) -> None:
        """End what is at work while the view is not seen."""
        self.explorations.pause()

    # -- the run

    def _behind(self, weights: Weights) -> _Behind | str | None:
        """The run of these weights, or why it cannot be read; None while it is."""
        run = weights.run
        if run not in self._runs:
            while len(self._runs) >= RUNS_KEPT:
                del self._runs[next(iter(self._runs))]
            self._runs[run] = None
            self._page.in_thread(partial(self._read, run))
        return self._runs[run]

    def _read(self, path: Path) -> Callable[[], None]:
        """In another thread."""
        try:
            run = Run(path)
            recipe = run.recipe
            first: LearnedWeights | OwnWeights | None = None
            with suppress(ValueError):  # from before the first step was kept
                first = own_weights(run, 0) if recipe.network else weights_of(path, 0)
            behind: _Behind | str = _Behind(recipe, first)
        except (ValueError, OSError) as error:
            behind = printable(str(error))
        return partial(self._has_read, path, behind)

    def _has_read(self, path: Path, behind: _Behind | str) -> None:
        self._runs[path] = behind
        self._page.show_again()

    def _images(self, looked: Looked) -> DataSet | None:
        """The run's data set, once it is read."""
        behind = self._behind(looked.weights) if looked.weights else None
        return self.data.images(behind.recipe) if isinstance(behind, _Behind) else None

    # -- what is known

    def before(self, looked: Looked, now: Kernels) -> Kernels | None:
        """The layer's kernels before training, of the same slices; None where they are not known."""
        weights = looked.weights
        behind = self._behind(weights) if weights and weights.step else None
        if not isinstance(behind, _Behind) or behind.first is None:
            return None
        weight = looked.weight_of(behind.first)
        if weight is None or weight.shape != now.weight.shape:
            return None
        return self._before.get((behind, looked.layer, now), lambda: Kernels.of(weight, now.strongest))

    def patches(self, looked: Looked, filter: int) -> Patches:
        """What excites a filter most."""
        found = self._excited(looked)
        data = self._images(looked) if found else None
        instead = MEASURING if looked.weights else TRAIN_A_RUN

        def make() -> Patches:
            shown = None
            if found is not None and found.images:
                shown = looked.patches(found, filter, data)
            return shown or Patches(filter, (1, 1), 0, (), instead)

        return self._patches.get((found, data, looked.weights, looked.layer, filter), make)

    def _excited(self, looked: Looked) -> explored.Patches | None:
        found = self.explorations.found(WhatExcites(looked.weights)) if looked.weights else None
        return found if isinstance(found, explored.Patches) else None

    def dead(self, looked: Looked) -> frozenset[int]:
        """The filters that were above 0 on no image, once all are gone through."""
        found = self._excited(looked)
        of = found.of(looked.layer) if found and found.images == found.total else None
        return of.dead if of and looked.is_rectified else frozenset()

    def images(self, looked: Looked) -> int:
        """How many validation images the filters' activations were measured on."""
        found = self._excited(looked)
        return found.images if found else 0

    def accuracies(self, looked: Looked, selected: int) -> Accuracies:
        """How accurate the network is without each filter of the layer."""
        weights = looked.weights
        found = self.explorations.found(WithoutFilters(weights, looked.layer)) if weights else None
        instead = MEASURING if weights else TRAIN_A_RUN

        def make() -> Accuracies:
            if isinstance(found, explored.Ablation):
                return shown_accuracies(found, selected)
            return Accuracies(selected, np.nan, np.full(1, np.nan), 0, instead)

        return self._accuracies.get((found, weights, selected), make)

    # -- a class

    def target(self, looked: Looked, view: View) -> int:
        """The class that is explained: the one that is predicted, if none was chosen."""
        assert looked.logits is not None
        if view.explained is not None and view.explained < len(looked.logits):
            return view.explained
        return int(looked.logits.argmax())

    def explained(self, looked: Looked, view: View) -> Explained:
        """What of the picture the class depends on."""
        weights, logits = looked.weights, looked.logits
        if weights is None or logits is None:
            instead = TRAIN_A_RUN if weights is None else "computing what the network says …"
            return self._explained.get((instead,), lambda: Explained.missing(instead))
        target, data = self.target(looked, view), self._images(looked)
        found = self.explorations.found(WhatCounts(weights, looked.picture, target))
        found = found if isinstance(found, explored.Explanation) else None
        numbers = tuple(map(str, range(len(logits))))
        classes = data.classes if data and len(data.classes) == len(logits) else numbers
        return self._explained.get(
            (found, looked.picture, view.overlay, classes, target, weights),
            lambda: shown_class(found, looked.picture, view.overlay, classes, target, logits),
        )

    # -- hiding

    def hidden(self, looked: Looked) -> int | None:
        """The filter of the layer that is hidden."""
        if self._hidden is None or self._hidden[:2] != (looked.weights, looked.layer):
            return None
        return self._hidden[2]

    def toggle_hidden(self, looked: Looked) -> None:
        """Hide the selected filter in place of another, or show it again."""
        hidden = looked.weights, looked.layer, looked.selected
        self._hidden = None if self._hidden == hidden else hidden
