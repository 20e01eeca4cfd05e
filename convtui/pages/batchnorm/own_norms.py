"""The batch norms of a run of the user's network, whose mini-batches the training process puts through it.

All of it is called in other threads than the app's, which wait for what the process tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from time import perf_counter
from typing import Final, TypeVar

import numpy as np
from textual.worker import get_current_worker

from convtui.engine.batchnorm import Statistics
from convtui.engine.spec import Floats
from convtui.inputs.names import printable
from convtui.pages.base.services import PageServices
from convtui.pages.batchnorm.measurer import Inputs
from convtui.state.batch_measurement import Indices
from convtui.state.batchnorm import BatchNormSession
from convtui.state.batchnorm_network import Network, NormLayer
from convtui.training.messages import Message
from convtui.training.norm_looking import NormLook
from convtui.training.norm_looks import FeedNorm, ListNorms, NormFed, NormPlace, NormsListed, Running
from convtui.training.runs.checkpoint import Arrays

Told = TypeVar("Told", bound=Message)
Ask = Callable[[ListNorms | FeedNorm], NormLook]

LOOKED_UP_EVERY: Final = 0.05  # seconds, whether the app is still there
FIRST_GUESS: Final = 0.001  # seconds an image, until it is known


def asked(page: PageServices, ask: Ask, job: ListNorms | FeedNorm, kind: type[Told]) -> Told:
    """What the training process tells. Raises ValueError that says why it does not."""
    begun: list[NormLook | ValueError] = []
    has_begun = Event()

    def begin() -> None:
        try:
            begun.append(ask(job))
        except ValueError as error:
            begun.append(error)
        has_begun.set()

    page.in_app_thread(begin)
    _wait(has_begun)
    look = begun[0]
    if isinstance(look, ValueError):
        raise look
    _wait(look.over)
    if not isinstance(look.told, kind):
        raise ValueError(look.reason or "the training process did not tell")
    return look.told


def _wait(event: Event) -> None:
    """Until it has come about. Raises ValueError where the app does not want this thread's work any more."""
    worker = get_current_worker()
    while not event.wait(LOOKED_UP_EVERY):
        if worker.is_cancelled:
            raise ValueError("it was given up")


def network_of(name: str, listed: NormsListed, weights: Arrays) -> Network:
    """The norms of a checkpoint's network. Raises ValueError for weights that are not finite."""
    layers = [
        NormLayer(0, None, printable(each.path), each.title, 0, each.eps, each.momentum, each.calls)
        for each in listed.places
    ]
    arrays = [_arrays_of(name, each, weights) if each.is_norm else {} for each in listed.places]
    tracked = [
        int(weights[key].max(initial=0))
        for each in listed.places
        if (key := f"{each.path}.num_batches_tracked") in weights
    ]
    shapes = [each.shape for each in listed.places]
    return Network.of_places(name, layers, shapes, arrays, listed.most, max(tracked, default=0))


def _arrays_of(name: str, place: NormPlace, weights: Arrays) -> Mapping[str, Floats]:
    """Gamma, beta and running statistics; 1 and 0 of a norm without gamma and beta."""
    channels = place.shape[0]
    arrays = {"weight": np.ones(channels), "bias": np.zeros(channels)}
    for key in ("weight", "bias", "running_mean", "running_var"):
        if (kept := weights.get(f"{place.path}.{key}")) is not None:
            arrays[key] = np.array(kept, np.float64)
            if not np.isfinite(arrays[key]).all():
                what = f"{key} of {printable(place.path)} is no longer finite"
                raise ValueError(f"{name}: {what}, because the run diverged; open an earlier run")
    return arrays


class ProcessPasses:
    """Through the network of a run after a step, by the training process."""

    def __init__(self, page: PageServices, ask: Ask, run: str, step: int) -> None:
        self._page, self._ask, self._run, self._step = page, ask, run, step
        self._an_image = FIRST_GUESS

    def inputs(self, session: BatchNormSession, images: Indices) -> Inputs:
        """What goes into the session's norm, in both modes. Raises ValueError."""
        network, before = session.network, session.network.norms_before(session.layer)
        running = session.earlier_norms if session.past else ()  # before that, as the run has them
        found = self._fed(
            session.layer,
            images,
            in_both=True,
            running=tuple(Running(tuple(each.running_mean), tuple(each.running_var)) for each in running),
        )
        evaluation = found["evaluation"]
        if session.earlier_refusal:
            return Inputs(evaluation, evaluation)
        ends = np.cumsum([each.num_features for each in session.earlier_norms])[:-1]
        parts = zip(np.split(found["means"], ends), np.split(found["variances"], ends), before, strict=False)
        earlier = tuple(
            Statistics(mean, var, len(images) * int(np.prod(network.rows[each.input].output_shape[1:])))
            for mean, var, each in parts
        )
        return Inputs(found["training"], evaluation, earlier)

    def training_input(self, network: Network, layer: NormLayer, images: Indices) -> Floats:  # noqa: ARG002
        """What goes into a norm in training mode. Raises ValueError."""
        return self._fed(layer, images, in_both=False)["training"]

    def seconds(self, network: Network, layer: NormLayer, images: int) -> float:  # noqa: ARG002
        """By the time that the last mini-batch took."""
        return images * self._an_image

    def is_quick(self, session: BatchNormSession, more: int) -> bool:  # noqa: ARG002
        """Never: another process is asked."""
        return False

    def _fed(
        self, layer: NormLayer, images: Indices, in_both: bool, running: tuple[Running, ...] = ()
    ) -> dict[str, Floats]:
        began = perf_counter()
        chosen = tuple(map(int, images))
        job = FeedNorm(self._run, self._step, layer.place - 1, chosen, in_both, running)
        file = Path(asked(self._page, self._ask, job, NormFed).file)
        try:
            with np.load(file, allow_pickle=False) as arrays:
                found = {name: np.asarray(arrays[name], np.float64) for name in arrays.files}
        finally:
            file.unlink(missing_ok=True)
        self._an_image = (perf_counter() - began) / len(images)
        return found
