"""What a page shows of a network's mini-batches: opened, made in other threads, changed and undone.

A run is read at its last checkpoint and never written; all that is done to its batch norms is done to copies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from textual.worker import get_current_worker

from convtui.inputs.names import printable, run_number
from convtui.pages.base.page import Page
from convtui.pages.batchnorm.maker import DRAWS, FIRST_DRAWS, BatchMaker
from convtui.pages.batchnorm.source import Source, newest_run
from convtui.state.batchnorm import Batches, Measured, Network, Place, Scatter
from convtui.state.history import History
from convtui.training.datasets.open_any import DataSet
from convtui.training.next_run import NEXT_RUN

SCATTERS_KEPT: Final = 8

Make = Callable[[Batches], Batches]
Spot = tuple[Network, Place]


@dataclass(frozen=True, eq=False)
class Lab:
    """What the page shows and undoes: the source, its data's mini-batches, and the batch norm there."""

    source: Source
    maker: BatchMaker
    batches: Batches


class LabScreen(Page):
    """A page with a lab, which it changes by transitions and keeps in a history of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._history: History[Lab] | None = None
        self._at_work: Lab | None = None  # whose mini-batch another thread makes
        self._opening: Source | None = None
        self._scatters: dict[Spot, Scatter | None] = {}  # None while being drawn
        self._refused: dict[Source, str] = {}  # what could not be opened and why, which is not tried again
        self._follows = True  # a run that gets on is followed until a seeded network is asked for
        self._heard_of: Source | None = None

    @property
    def lab(self) -> Lab | None:
        return self._history.present if self._history else None

    # -- what other threads do

    def measured(self, lab: Lab) -> Measured | None:
        """The mini-batch: at once if that is quick, else None until another thread has made it."""
        found = lab.maker.found(lab.batches)
        if found is None and lab.maker.is_quick(lab.batches):
            return lab.maker.make(lab.batches)
        if found is None and self._at_work is None:
            self._at_work = lab

            self.in_thread(lambda: partial(self._made, lab, lab.maker.measure(lab.batches)))
        return found

    def _made(self, lab: Lab, measured: Measured) -> None:
        self._at_work = None
        lab.maker.keep(lab.batches, measured)
        self.show_again()

    def scatter(self, lab: Lab) -> Scatter | None:
        """How the statistics scatter at this place; drawn in another thread when first asked for."""
        spot = (lab.batches.network, lab.batches.place)
        if spot not in self._scatters:
            self._scatters[spot] = None
            if len(self._scatters) > SCATTERS_KEPT:
                del self._scatters[next(iter(self._scatters))]

            def is_wanted() -> bool:
                now = self.lab
                return now is not None and (now.batches.network, now.batches.place) == spot

            def work() -> Callable[[], None]:
                worker = get_current_worker()

                def scatter(most: int) -> Scatter | None:
                    return lab.maker.scatter(*spot, most, lambda: is_wanted() and not worker.is_cancelled)

                self.post_message(self.Done(partial(self._scattered, spot, scatter(FIRST_DRAWS))))
                return partial(self._scattered, spot, scatter(DRAWS))

            self.in_thread(work)
        return self._scatters[spot]

    def _scattered(self, spot: Spot, scatter: Scatter | None) -> None:
        if scatter is None:
            self._scatters.pop(spot, None)
        elif spot in self._scatters:
            self._scatters[spot] = scatter
        self.show_again()

    # -- where the network comes from

    def on_mount(self) -> None:
        self.host.trainer.listen(self._heard)

    def on_screen_resume(self) -> None:
        self._refused.clear()  # whatever was wrong may be mended

    def _heard(self) -> None:
        """Of the trainer: only a new checkpoint matters here."""
        run = self._of_run()
        if run != self._heard_of:
            self._heard_of = run
            self.show_again()

    def source_words(self, lab: Lab) -> str:
        """Where the weights are from, and whether the run has newer ones."""
        run = self._of_run()
        if not lab.source.run:
            return f"seed {lab.source.seed}"
        name = f"run {printable(run_number(lab.source.run))}"
        return name if run in (None, lab.source) else f"{name}: newer at {run.step}"

    def _of_run(self) -> Source | None:
        """The run that is shown, at its last checkpoint, if it has one."""
        record = self.host.trainer.shown
        if record is None or not record.run or not record.saved:
            return None
        return Source(record.recipe, run=record.run, step=record.saved)

    @property
    def missing(self) -> str:
        """Why there is no lab: its images are being read, or what was wrong with them last."""
        reading = "reading the images …"
        return reading if self._opening else next(reversed(self._refused.values()), reading)

    def follow(self) -> None:
        """Open what is seen first, and a run's newer weights as long as nothing was done with the old."""
        if self._opening is not None or not self.is_current:
            return
        run = self._of_run() if self._follows else None
        lab = self.lab
        if lab is None:
            source = (
                run
                if run and run not in self._refused
                else Source(self.host.timelines.present(NEXT_RUN).recipe)
            )
            if source not in self._refused:
                self.open_source(source)
        elif run and run != lab.source and run not in self._refused and lab.batches.is_untouched:
            self.open_source(run)

    def open_source(self, source: Source) -> None:
        self._opening = source
        known = (self.lab.source, self.lab.maker.data) if self.lab else None

        def work() -> Callable[[], None]:
            try:
                return partial(self._opened, source, *source.open(known))
            except (ValueError, OSError, MemoryError) as error:
                return partial(self._not_opened, source, printable(str(error) or "out of memory"))

        self.in_thread(work)

    def _opened(self, source: Source, data: DataSet, network: Network) -> None:
        self._opening = None
        lab = self.lab
        if lab and (lab.maker.data, lab.maker.seed) == (data, source.recipe.seed):
            self.change_lab(lambda now: now.with_network(network), "source", source)
            return
        maker = BatchMaker(data, source.recipe.seed)
        opened = Lab(source, maker, Batches.start(network, maker.image_count, source.recipe.batch_size))
        self._adopt(self._history.then(opened, "source") if self._history else History(opened))

    def _not_opened(self, source: Source, why: str) -> None:
        self._opening, self._refused[source] = None, why
        self.say(why, error=True)
        self.show_again()

    def action_weights(self, by: int) -> None:  # noqa: ARG002
        """The run's weights as they are now, or seeded ones; without a run those of the newest kept one."""
        lab, run = self.lab, self._of_run()
        if self._opening is not None:
            return
        if lab is None:
            self._refused.clear()
            self.show_again()
        elif run and lab.source != run:
            self._follows = True
            self.open_source(run)
        elif lab.source.run:
            self.open_seeded(0)
        else:
            self._open_newest()

    def _open_newest(self) -> None:
        def work() -> Callable[[], None]:
            found = newest_run()
            if found is None:
                return partial(self.say, "there is no run yet (5 trains one); :seed 4 draws other weights")
            return partial(self.open_source, found)

        self.in_thread(work)

    def open_seeded(self, seed: int) -> None:
        """The same layers with weights drawn from this seed; a run is not followed any more."""
        if self.lab and self._opening is None:
            self._follows = False
            self.open_source(Source(self.lab.source.recipe, seed))

    # -- changing

    def change_lab(self, make: Make, run: str = "", source: Source | None = None) -> bool:
        """Apply a transition; where it is refused say why and stay. Tells whether it went."""
        lab = self.lab
        if lab is None or self._history is None:
            self.say(self.missing)
            return False
        try:
            batches = make(lab.batches)
        except ValueError as error:
            self.say(printable(str(error)), error=True)
            return False
        if batches is not lab.batches:
            changed = replace(lab, batches=batches, source=source or lab.source)
            self._adopt(self._history.then(changed, run))
        return True

    def _adopt(self, history: History[Lab]) -> None:
        self._history = history
        self.show_again()

    def action_undo(self) -> None:
        if self._history is None or not self._history.past:
            self.say("nothing to undo")
        else:
            self._adopt(self._history.undone())

    def action_redo(self) -> None:
        if self._history is None or not self._history.future:
            self.say("nothing to redo")
        else:
            self._adopt(self._history.redone())
