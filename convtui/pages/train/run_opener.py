"""What a run has learned, and what it learns from, opened on the Step and the Layers page."""

from __future__ import annotations

from functools import partial

from convtui.inputs.names import printable
from convtui.pages.base.data_cache import DataCache
from convtui.pages.base.run_features import RunFeatures
from convtui.pages.base.services import PageServices
from convtui.state.session import Session
from convtui.training.datasets.minibatches import pictured
from convtui.training.datasets.open_any import DataSet, picture
from convtui.training.recipe import Recipe
from convtui.training.runs.history import RunHistory
from convtui.training.runs.store import find_run


class RunOpener:
    """Opens a run's network over an image of its data set, or an image alone."""

    def __init__(self, page: PageServices, data: DataCache) -> None:
        self._page, self._data = page, data
        self._features = RunFeatures(page, data)

    def open_network(
        self, history: RunHistory | None, page: str, what: str, step: int | None, features: bool = False
    ) -> None:
        """A run's network on another page, with the weights that are kept of a step or last before it.

        None: those of the last checkpoint. features: the Layers page shows its filters, not the table.
        """
        if history is None or (step is None and not history.saved):
            self._page.say("nothing has been learned yet: a run can be opened once it has a checkpoint")
        elif features and history.recipe.network:
            self._features.open(history.run, step, history.recipe)
        else:
            opened = partial(self._open_network, history, page, what, step, features)
            self._data.with_images(history.recipe, opened)

    def _open_network(
        self, history: RunHistory, page: str, what: str, step: int | None, features: bool, data: DataSet
    ) -> None:
        from convtui.training.runs.learned_layers import trained_layers

        image = picture(data, "test", int(pictured(data)[0]), normalised=True)

        def make(session: Session) -> Session:
            opened = trained_layers(session, find_run(history.run), image, step)
            opened = opened.with_view(features=features)
            return opened.with_stack(opened.stack.at(1)) if features else opened

        if self._page.host.change(make):
            stack = self._page.host.session.chosen_stack
            assert stack
            assert stack.trained
            is_near = step is not None and stack.trained.step != step
            near = f", the last kept before step {step:,}" if is_near else ""
            self._page.host.open_page(page, f"{stack.trained}{near}: {what} · u, then 5, goes back")

    def open_image(self, recipe: Recipe) -> None:
        """An image of the recipe's data set, which is asked for, on the Step page."""
        self._data.with_images(recipe, self._ask_for_image)

    def _ask_for_image(self, data: DataSet) -> None:
        last = len(data.test_images) - 1
        question = f"image on the Step page (test:0 to test:{last}, or train:0 …)"
        self._page.prompt(question, "test:", partial(self._open_image, data))

    def _open_image(self, data: DataSet, text: str) -> bool:
        part, _, index = text.rpartition(":")
        try:
            if not index.strip().isdecimal():
                raise ValueError(f"{printable(text)}: must be such as test:17 or train:0")
            image = picture(data, part.strip() or "test", int(index))
        except ValueError as error:
            self._page.say(str(error), error=True)
            return False
        if self._page.host.change(lambda session: session.with_picture(image)):
            self._page.host.open_page("step", f"{image.name} · u, then 5, goes back")
        return True
