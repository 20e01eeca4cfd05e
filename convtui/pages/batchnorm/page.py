"""The BatchNorm page: what batch normalisation does to a channel, mini-batch by mini-batch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from textual.worker import get_current_worker

from convtui.inputs.names import printable
from convtui.pages.base import keys
from convtui.pages.base.memo import Memo
from convtui.pages.base.player import Player
from convtui.pages.batchnorm.figures import Figures
from convtui.pages.batchnorm.lab import Lab, LabScreen
from convtui.pages.batchnorm.labels import (
    Said,
    Tone,
    controls_of,
    difference_line,
    drawn,
    formula_lines,
    hint_line,
    rule_line,
    running_lines,
    sides_lines,
    title_line,
)
from convtui.pages.batchnorm.layout import Places, View, planned
from convtui.pages.batchnorm.plots import (
    MEAN,
    VARIANCE,
    after_histogram,
    batches_plot,
    before_histogram,
    scatter_plot,
)
from convtui.paint.controls import Control
from convtui.paint.histogram import Histogram, histogram_lines
from convtui.paint.panes import DrawnPane
from convtui.paint.plots import Plot, plot_lines
from convtui.state.batchnorm import MOMENTA, SCALE_STEP, Batches
from convtui.state.batchnorm_settings import PROPOSED, change, named
from convtui.state.session import Session
from convtui.state.settings import parse_count

WORDS: Final = ("title", "hint", "formula", "running", "rule", "sides", "difference")
PLOTS: Final = ("batch means", "batch variances", "scatter of means", "scatter of variances")


class BatchNormScreen(LabScreen):
    """Histograms, formula, running statistics and their scatter, of one channel at a time."""

    KEYS = keys.PAGES["batchnorm"]

    def __init__(self) -> None:
        super().__init__()
        self.player = Player(self)
        self._view = View.VALUES
        self._words: dict[str, DrawnPane[Said]] = {name: DrawnPane(drawn) for name in WORDS}
        self._before, self._after = DrawnPane(histogram_lines), DrawnPane(histogram_lines)
        self._plots = {name: DrawnPane(plot_lines) for name in PLOTS}
        self._places = Memo[Places]()
        self._figures: tuple[Lab, Figures] | None = None  # those on the screen
        self._before_memo = Memo[Histogram]()
        self._plot_memos = {name: Memo[Plot]() for name in PLOTS}

    # -- showing

    def controls(self) -> list[Control]:
        if self._figures is None:
            return []
        lab = self._figures[0]
        return controls_of(lab.batches, self.source_words(lab))

    def show_page(self) -> None:
        session = self.session
        self.follow()
        places = self._place(session)
        lab = self.lab
        if lab is None:
            again = "" if self._opening else "w tries again; 5, then d, chooses other images"
            self._words["title"].show((((self.missing, Tone.TEXT),),))
            self._words["hint"].show((((again, Tone.MUTED),),))
            return
        measured = self.measured(lab)
        if measured is not None:
            self._figures = (lab, Figures(lab.batches, measured))
        if self._figures is not None:
            self._show_figures(*self._figures, places)

    def _show_figures(self, lab: Lab, figures: Figures, places: Places) -> None:
        batches = lab.batches
        said: dict[str, Callable[[int], Said]] = {
            "title": lambda wide: (title_line(batches, wide),),
            "hint": lambda wide: (hint_line(batches, wide),),
            "formula": lambda wide: formula_lines(figures, wide),
            "running": lambda wide: running_lines(figures, wide),
            "rule": lambda wide: (rule_line(figures, wide),),
            "sides": lambda _: sides_lines(figures),
            "difference": lambda wide: (difference_line(figures, wide),),
        }
        for name, say in said.items():
            if name in places:
                self._words[name].show(say(places[name].width))
        self._show_pictures(lab, figures, places)

    def _show_pictures(self, lab: Lab, figures: Figures, places: Places) -> None:
        """Histograms and plots; what a key has not changed is not made again."""
        norm, width = figures.batches.norm, self.size.width
        of_channel = (figures.input, figures.channel, width)
        if "before" in places:
            wide = places["before"].width
            self._before.show(self._before_memo.get(of_channel, lambda: before_histogram(figures, wide)))
            self._after.show(after_histogram(figures, places["after"].width))
        for name, statistic in (("means", MEAN), ("variances", VARIANCE)):
            if f"batch {name}" in places:
                wide, scatter = places[f"batch {name}"].width, self.scatter(lab)
                so_far = (*of_channel, figures.batches.seen, norm.momentum, norm.training)
                drawn_of = (scatter, figures.channel, figures.batches.batch_size, width)
                for plot, key, make in (
                    (f"batch {name}", so_far, partial(batches_plot, figures, statistic, wide)),
                    (
                        f"scatter of {name}",
                        drawn_of,
                        partial(scatter_plot, figures, scatter, statistic, wide),
                    ),
                ):
                    self._plots[plot].show(self._plot_memos[plot].get(key, make))

    def _place(self, session: Session) -> Places:
        """Give every pane its place, if anything that this depends on has changed."""
        key = (self.size, session.view.hints, self._view, self.app.theme)
        return self._places.get(key, lambda: self._placed(session.view.hints))

    def _placed(self, hints: bool) -> Places:
        palette = self.palette
        places = planned((self.size.height - 2, self.size.width), self._view, hints)
        panes: dict[str, DrawnPane[Any]] = {
            **self._words,
            "before": self._before,
            "after": self._after,
            **self._plots,
        }
        for name, region in places.items():
            panes[name].place(region, palette)
        self.canvas.place([panes[name] for name in places], palette)
        return places

    # -- mini-batches

    def action_batch(self, by: int) -> None:
        """The next mini-batch, or back before the last."""
        lab = self.lab
        if lab is None:
            return
        if by < 0:
            if lab.batches.seen:
                self.change_lab(Batches.back, "batch")
            else:
                self.say("this is the first mini-batch")
        elif (measured := self.measured(lab)) is None:
            self.say("this mini-batch is still being computed")
        else:
            self.change_lab(lambda batches: batches.past(measured), "batch")

    def action_ends(self, direction: int) -> None:
        """The first mini-batch again, or through all to the last of the epoch."""
        lab = self.lab
        if direction < 0:
            self.change_lab(Batches.restarted)
        elif lab is not None and not lab.batches.is_last:
            self.say("going through the mini-batches to the end of the epoch …")

            def work() -> Callable[[], None]:
                worker, batches = get_current_worker(), lab.batches
                while not batches.is_last and self.lab is lab and not worker.is_cancelled:
                    batches = batches.past(lab.maker.measure(batches))
                return partial(self._reached, lab, batches)

            self.in_thread(work)

    def _reached(self, lab: Lab, batches: Batches) -> None:
        if self.lab is lab:
            self.quieten()
            self.change_lab(lambda _: batches)

    def end_reached(self) -> str:
        if self.lab and self.lab.batches.is_last:
            return "this is the last mini-batch of the epoch: → begins the next, r restarts"
        return ""

    def play_on(self, count: int) -> bool:
        for _ in range(count):
            self.action_batch(1)
        return self.lab is not None and not self.lab.batches.is_last

    # -- settings

    def action_layer(self, by: int) -> None:
        places = self.lab.batches.network.places if self.lab else ()
        if self.lab and self.lab.batches.place == places[-1 if by > 0 else 0]:
            number, which = self.lab.batches.place.number, "last" if by > 0 else "first"
            self.say(f"layer {number} has the {which} batch norm")
        else:
            self.change_lab(lambda batches: batches.moved_place(by), "layer")

    def action_channel(self, by: int) -> None:
        count = self.lab.batches.norm.num_features if self.lab else 1
        self.change_lab(lambda batches: batches.at_channel((batches.channel + by) % count), "channel")

    def action_activation(self, by: int) -> None:
        if self._figures and self._figures[0] is self.lab:
            figures = self._figures[1]
            self.change_lab(lambda _: figures.moved(by), "activation")

    def action_size(self, by: int) -> None:
        def make(batches: Batches) -> Batches:
            size = batches.batch_size
            return batches.with_batch_size(2 * size if by > 0 else max(1, size // 2))

        self.change_lab(make, "size")

    def action_gamma(self, by: int) -> None:
        self.change_lab(lambda batches: batches.with_gamma(_stepped(batches.gamma, by)), "gamma")

    def action_beta(self, by: int) -> None:
        self.change_lab(lambda batches: batches.with_beta(_stepped(batches.beta, by)), "beta")

    def action_momentum(self, by: int) -> None:
        """The next of a few momenta; None comes last."""

        def make(batches: Batches) -> Batches:
            now = batches.norm.momentum
            below = [each for each in MOMENTA if each is not None and now is not None and each < now]
            at = MOMENTA.index(now) if now in MOMENTA else len(below) - (by > 0)
            return batches.with_norm(momentum=MOMENTA[(at + by) % len(MOMENTA)])

        self.change_lab(make, "momentum")

    def action_mode(self, by: int) -> None:  # noqa: ARG002
        self.change_lab(lambda batches: batches.with_norm(training=not batches.norm.training))

    def action_identity(self) -> None:
        """The gamma and beta that undo the normalisation; then those of the network again."""
        lab = self.lab
        measured = self.measured(lab) if lab else None
        if measured is None:
            return

        def make(batches: Batches) -> Batches:
            undoing = batches.undoing(measured.training.statistics)
            is_undone = (undoing.gamma, undoing.beta) == (batches.gamma, batches.beta)
            return batches.as_given() if is_undone else undoing

        self.change_lab(make)

    def action_view(self) -> None:
        self._view = self._view.next(self.size.height - 2)
        self.show_again()

    def action_type(self, name: str) -> None:
        from textual.suggester import SuggestFromList

        lab = self.lab
        values: dict[str, Any] = {}
        if name and lab:
            norm, batches = lab.batches.norm, lab.batches
            values = {
                "layer": batches.place.number,
                "channel": batches.channel,
                "size": batches.batch_size,
                "gamma": f"{batches.gamma:g}",
                "beta": f"{batches.beta:g}",
                "momentum": norm.momentum,
            }
        start = f"{name} {values.get(name, '')}".strip()
        self.prompt(":", start, self._typed, suggester=SuggestFromList(PROPOSED))

    def _typed(self, text: str) -> bool:
        try:
            name, value = named(text)
            if name != "seed":
                return self.change_lab(change(name, value))
            seed = parse_count(name, value, least=0)
        except ValueError as error:
            self.say(printable(str(error)), error=True)
            return False
        self.open_seeded(seed)
        return True


def _stepped(value: float, by: int) -> float:
    return round(value + by * SCALE_STEP, 10)
