"""The filters that a run of the user's own network has learned, opened on the Layers page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from convtui.inputs.names import printable, run_name
from convtui.pages.base.data_cache import DataCache
from convtui.pages.base.services import PageServices
from convtui.state.opened_features import OPENED_FEATURES, OpenedFeatures, OwnWeights
from convtui.training.datasets.minibatches import pictured
from convtui.training.datasets.open_any import DataSet, picture
from convtui.training.own_network import OwnNetwork
from convtui.training.recipe import Recipe
from convtui.training.runs.learned_layers import own_weights
from convtui.training.runs.store import Run, all_runs, find_run


class RunFeatures:
    """Opens the filters of a run over an image of its data set."""

    def __init__(self, page: PageServices, data: DataCache) -> None:
        self._page, self._data = page, data

    def open_newest(self, target: str, arguments: Sequence[str]) -> None:
        """Those of the newest run of this network that has a checkpoint."""
        if ":" not in target:
            self._page.say("a saved network has no code to train, so that there are no runs of it")
            return
        network = OwnNetwork(target, tuple(arguments))

        def work() -> Callable[[], None]:
            elsewhere: Run | None = None
            for run in reversed(all_runs()):
                own = run.recipe.network
                if own is None or not own.is_named_by(network):
                    continue
                if not own.is_the_one_named_by(network):
                    elsewhere = elsewhere or run
                    continue
                try:
                    return partial(self._open_weights, own_weights(run), run.recipe, None)
                except (ValueError, OSError):  # without a checkpoint, or diverged: an earlier one then
                    continue
            why = f"no run of {network.name} is kept: page 5 trains it"
            if elsewhere:
                there = f"{run_name(elsewhere.path)} is of the {network.name} in another folder"
                why = f"{there}; P on page 5 shows its filters"
            return partial(self._page.say, why)

        self._page.in_thread(work)

    def open(self, run: str, step: int | None, recipe: Recipe) -> None:
        """Those of the run in this folder, with the weights kept of a step or last before it."""

        def work() -> Callable[[], None]:
            try:
                weights = own_weights(find_run(run), step)
            except (ValueError, OSError) as error:
                return partial(self._page.say, printable(str(error)), True)
            return partial(self._open_weights, weights, recipe, step)

        self._page.in_thread(work)

    def _open_weights(self, weights: OwnWeights, recipe: Recipe, step: int | None) -> None:
        self._data.once_read(recipe, partial(self._open_over, weights, step))

    def _open_over(self, weights: OwnWeights, step: int | None, data: DataSet) -> None:
        image = picture(data, "test", int(pictured(data)[0]), normalised=True)
        host = self._page.host
        opened = OpenedFeatures(weights, image, view=replace(host.session.view, explained=None))
        host.timelines.begin(OPENED_FEATURES, opened)
        near = f", the last kept before step {step:,}" if step not in (None, weights.step) else ""
        told = f"{run_name(weights.run)}, step {weights.step:,}{near}: the filters that it has learned"
        host.open_page("layers", f"{told} · v goes back")
