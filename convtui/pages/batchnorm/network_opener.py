"""Which network page 4 looks at: it is opened in another thread, and a run's files are only read.

First it is the run that the Train page shows, if that has a checkpoint, else random weights. Newer
checkpoints of that run follow by themselves, until the user changes something or goes back to other weights.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from convtui.inputs.names import printable
from convtui.pages.base.services import PageServices
from convtui.pages.batchnorm.measurer import BatchMeasurer
from convtui.pages.batchnorm.network_source import NetworkSource, newest_run
from convtui.pages.batchnorm.opened_network import BATCHNORM, OpenedNetwork
from convtui.pages.batchnorm.own_norms import ProcessPasses, asked, network_of
from convtui.state.batchnorm import BatchNormSession
from convtui.state.batchnorm_network import Network
from convtui.state.norm_choice import NormChoice
from convtui.training.datasets.open_any import DataSet
from convtui.training.next_run import NEXT_RUN
from convtui.training.norm_looks import ListNorms, NormsListed
from convtui.training.own_network import OwnNetwork
from convtui.training.runs.store import RunError, find_run

_READING = "reading the images …"
_STARTING = "the training process reads the images and runs your network …"


class NetworkOpener:
    """Opens one network at a time; what could not be opened is tried again only when asked for."""

    def __init__(self, page: PageServices) -> None:
        self._page = page
        self._opening: NetworkSource | None = None
        self._refused: dict[NetworkSource, str] = {}  # and why
        self._waits_for = ""  # the run of the user's network that cannot be looked at while a job is on
        self._follows_run = True  # until random weights are asked for
        self._last_opened: NetworkSource | None = None
        self._last_seen: NetworkSource | None = None

    @property
    def is_opening(self) -> bool:
        return self._opening is not None

    @property
    def problem(self) -> str:
        """Why no network is open yet: its images are still being read, or could not be read."""
        if self._opening:
            return _STARTING if self._opening.is_own else _READING
        return next(reversed(self._refused.values()), _READING)

    def source_text(self, opened: OpenedNetwork) -> str:
        """Where the weights are from, and whether the run has newer ones."""
        name, shown = opened.source.short_name, self._shown_run()
        if not opened.source.run or shown is None or shown == opened.source:
            return name
        return f"{name} (newer: step {shown.step})"

    # -- choosing one

    def open_wanted(self) -> None:
        """Open the first network, or newer weights of the run that is followed."""
        if self._opening is not None:
            return
        opened = self._opened
        run = self._shown_run() if self._follows_run else None
        if run in self._refused:
            run = None
        is_new = run is not None and (opened is None or run != opened.source)
        if run and is_new and run.is_own and self._page.host.trainer.is_busy:
            if self._waits_for != run.run:
                self._page.say(f"the norms of {run.short_name} are shown when nothing is active any more")
            self._waits_for, run = run.run, None
        if opened is None:
            source = run or NetworkSource(self._page.host.timelines.present(NEXT_RUN).recipe)
            if source not in self._refused:
                self._open(source)
        elif run and run != opened.source and self._is_followed(opened):
            self._open(run)

    def _is_followed(self, opened: OpenedNetwork) -> bool:
        """Whether newer weights may take its place: not if it was changed, or brought back by undo."""
        return opened.session.is_unchanged and opened.source == self._last_opened

    def has_news(self) -> bool:
        """Whether the trainer shows another run, or another checkpoint, than when this was asked last."""
        before, self._last_seen = self._last_seen, self._shown_run()
        return self._last_seen != before

    def forget_refusals(self) -> None:
        """Allow another try: what was wrong may be fixed by now."""
        self._refused.clear()
        self._waits_for = ""

    def has_waited(self) -> bool:
        """Whether a run can be looked at from now on that could not while a job was on."""
        waited, self._waits_for = bool(self._waits_for), ""
        return waited

    def switch_weights(self) -> None:
        """The newest weights of the shown run, or random ones; without a shown run the newest saved run's."""
        opened, run = self._opened, self._shown_run()
        if self._opening is not None:
            return
        if opened is None:
            self.forget_refusals()
            self._page.show_again()
        elif run and opened.source != run:
            self._follows_run = True
            self._open(run)
        elif opened.source.run:
            self.open_seeded(0)
        else:
            own = self._page.host.timelines.present(NEXT_RUN).recipe.network
            self._page.in_thread(partial(self._find_newest, own))

    def open_seeded(self, seed: int) -> None:
        """The same layers with random weights; the run is no longer followed."""
        if self._opened and self._opening is None:
            self._follows_run = False
            self._open(NetworkSource(self._opened.source.recipe, seed))

    def _find_newest(self, own: OwnNetwork | None) -> Callable[[], None]:
        found = newest_run(own)
        if found is None:
            return partial(
                self._page.say, "there is no run yet: train one on page 5; :seed 4 draws other weights"
            )
        return partial(self._open, found)

    def _shown_run(self) -> NetworkSource | None:
        """The run that the Train page shows, at its last checkpoint, if it has one."""
        record = self._page.host.trainer.shown
        if record is None or not record.run or not record.saved:
            return None
        return NetworkSource(record.recipe, run=record.run, step=record.saved)

    # -- opening one

    @property
    def _opened(self) -> OpenedNetwork | None:
        return self._page.host.timelines.get(BATCHNORM)

    def _open(self, source: NetworkSource) -> None:
        self._opening = source
        known = (self._opened.source, self._opened.measurer.data) if self._opened else None

        def work() -> Callable[[], None]:
            try:
                return partial(self._finish, source, *self._loaded(source, known))
            except (ValueError, OSError, MemoryError) as error:
                return partial(self._refuse, source, printable(str(error) or "out of memory"))

        self._page.in_thread(work)

    def _loaded(
        self, source: NetworkSource, known: tuple[NetworkSource, DataSet] | None
    ) -> tuple[DataSet, Network, ProcessPasses | None, str]:
        """In another thread: the data set, the network, how it is run, and what the user should know."""
        if not source.is_own:
            return *source.load(known), None, ""
        data, run, ask = source.data_set(known), find_run(source.run), self._page.host.trainer.look
        checkpoint = run.checkpoint_after(source.step)
        if checkpoint is None:
            raise RunError(f"{source.short_name}: its weights after step {source.step} are not kept")
        listed = asked(self._page, ask, ListNorms(source.run, source.step), NormsListed)
        network = network_of(f"{source.short_name}, step {source.step}", listed, checkpoint.weights)
        return data, network, ProcessPasses(self._page, ask, source.run, source.step), listed.notice

    def _finish(
        self,
        source: NetworkSource,
        data: DataSet,
        network: Network,
        passes: ProcessPasses | None,
        notice: str,
    ) -> None:
        self._opening = None
        if notice:
            self._page.say(notice)
        before, timelines = self._opened, self._page.host.timelines
        try:
            norm = before.session.choice if before else self._page.host.session.norm
            opened = _opened_after(before, source, data, network, norm, passes)
        except ValueError as error:
            self._refuse(source, printable(str(error)))
            return
        self._last_opened = source
        if before is None:
            timelines.begin(BATCHNORM, opened)
        else:
            timelines.change(BATCHNORM, opened, "source")

    def _refuse(self, source: NetworkSource, why: str) -> None:
        self._opening, self._refused[source] = None, why
        self._page.say(why, error=True)
        self._page.show_again()


def _opened_after(
    before: OpenedNetwork | None,
    source: NetworkSource,
    data: DataSet,
    network: Network,
    norm: NormChoice,
    passes: ProcessPasses | None,
) -> OpenedNetwork:
    """The network in place of the one before, whose settings stay if the mini-batches are the same.

    norm: which is looked at, whether they are or not. Raises ValueError where training mode refuses them.
    """
    recipe = source.recipe
    measurer = BatchMeasurer(data, recipe.seed, passes)
    if before and (before.measurer.data, before.measurer.seed) == (data, recipe.seed):
        same = before.measurer if not (passes or before.source.is_own) else measurer
        return OpenedNetwork(source, same, before.session.with_network(network))
    session = BatchNormSession.start(network, measurer.image_count, recipe.batch_size, norm)
    return OpenedNetwork(source, measurer, session)
