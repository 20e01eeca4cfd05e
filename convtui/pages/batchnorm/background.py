"""What the Norms page has other threads compute: mini-batches, and the spread of their statistics."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from textual.worker import get_current_worker

from convtui.inputs.names import printable
from convtui.pages.base.services import PageServices
from convtui.pages.batchnorm.opened_network import OpenedNetwork
from convtui.state.batch_measurement import BatchMeasurement, SpreadBySize
from convtui.state.batchnorm import BatchNormSession
from convtui.state.batchnorm_network import Network, NormLayer
from convtui.training.trainer import TrainerError

DRAWS: Final = 32  # mini-batches of each size
FIRST_DRAWS: Final = 6  # for a first picture
SPREADS_CACHED: Final = 8


class Measurements:
    """Measures mini-batches, one at a time: at once if that is quick, else in another thread."""

    def __init__(self, page: PageServices) -> None:
        self._page = page
        self._is_busy = False
        self._refused: BatchNormSession | None = None  # what the training process could not tell of
        self._waits = False  # for another job to be over

    def get(self, opened: OpenedNetwork) -> BatchMeasurement | None:
        """The present mini-batch's; None until another thread has computed it."""
        measurer, session = opened.measurer, opened.session
        measurement = measurer.cached(session)
        if measurement is None and measurer.is_quick(session):
            return measurer.measure(session)
        if measurement is None and not self._is_busy and session is not self._refused:
            self._is_busy = True
            self._page.in_thread(lambda: self._computed(opened))
        return measurement

    def forget_refusal(self) -> None:
        """Allow another try."""
        self._refused, self._waits = None, False

    def has_waited(self) -> bool:
        """Whether a mini-batch can be measured from now on that could not while a job was on."""
        waited = self._waits
        if waited:
            self.forget_refusal()
        return waited

    def _computed(self, opened: OpenedNetwork) -> Callable[[], None]:
        try:
            return partial(self._finish, opened, opened.measurer.compute(opened.session))
        except ValueError as error:
            waits = isinstance(error, TrainerError)
            return partial(self._refuse, opened.session, printable(str(error)), waits)

    def _refuse(self, session: BatchNormSession, why: str, waits: bool) -> None:
        self._is_busy, self._refused, self._waits = False, session, waits
        self._page.say(why, error=True)
        self._page.show_again()

    def _finish(self, opened: OpenedNetwork, measurement: BatchMeasurement) -> None:
        self._is_busy = False
        opened.measurer.store(opened.session, measurement)
        self._page.show_again()

    def to_end_of_epoch(
        self,
        opened: OpenedNetwork,
        is_wanted: Callable[[], bool],
        finish: Callable[[BatchNormSession], None],
    ) -> None:
        """Go through the mini-batches up to the last of the epoch, in another thread and while wanted."""

        def work() -> Callable[[], None]:
            worker, session = get_current_worker(), opened.session
            try:
                while not session.is_last and is_wanted() and not worker.is_cancelled:
                    session = session.next_batch(opened.measurer.compute(session))
            except ValueError as error:
                return partial(self._page.say, printable(str(error)), error=True)
            return partial(finish, session)

        self._page.in_thread(work)


class Spreads:
    """How much batch statistics differ by batch size: a few draws first, then more; the last are cached."""

    def __init__(self, page: PageServices, opened: Callable[[], OpenedNetwork | None]) -> None:
        self._page, self._opened = page, opened
        self._cache: dict[tuple[Network, NormLayer], SpreadBySize | None] = {}  # None while being drawn

    def get(self, opened: OpenedNetwork) -> SpreadBySize | None:
        """The spread at the batch norm that is looked at; None until there is a first picture of it."""
        key = (opened.session.network, opened.session.layer)
        if key not in self._cache:
            self._cache[key] = None
            if len(self._cache) > SPREADS_CACHED:
                del self._cache[next(iter(self._cache))]
            self._draw(opened, FIRST_DRAWS)
        return self._cache[key]

    def _draw(self, opened: OpenedNetwork, draws: int) -> None:
        network, layer = opened.session.network, opened.session.layer

        def is_wanted() -> bool:
            now = self._opened()
            return now is not None and (now.session.network, now.session.layer) == (network, layer)

        def work() -> Callable[[], None]:
            worker = get_current_worker()
            try:
                spread = opened.measurer.spread(
                    network, layer, draws, lambda: is_wanted() and not worker.is_cancelled
                )
            except ValueError:  # the mini-batch itself says why
                return lambda: None
            return partial(self._finish, opened, draws, spread)

        self._page.in_thread(work)

    def _finish(self, opened: OpenedNetwork, draws: int, spread: SpreadBySize | None) -> None:
        key = (opened.session.network, opened.session.layer)
        if spread is None:
            self._cache.pop(key, None)
        elif key in self._cache:
            self._cache[key] = spread
            if draws < DRAWS:
                self._draw(opened, DRAWS)
        self._page.show_again()
