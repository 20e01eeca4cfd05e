"""The BatchNorm page: what batch normalisation does to a channel, mini-batch by mini-batch.

The page holds the parts that do the work, and turns keys into transitions of the session that they share.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from convtui.inputs.names import printable
from convtui.pages.base import keys
from convtui.pages.base.page import Page
from convtui.pages.base.player import Player
from convtui.pages.batchnorm.background import Measurements, Spreads
from convtui.pages.batchnorm.figures import Figures
from convtui.pages.batchnorm.labels import controls_of, outermost_text
from convtui.pages.batchnorm.layout import BatchNormView
from convtui.pages.batchnorm.network_opener import NetworkOpener
from convtui.pages.batchnorm.opened_network import BATCHNORM, OpenedNetwork
from convtui.pages.batchnorm.panes import BatchNormPanes
from convtui.paint.controls import Control
from convtui.state.batchnorm import BatchNormSession
from convtui.state.batchnorm_settings import SUGGESTIONS, Transition, parse_setting, transition, value_text
from convtui.state.settings import parse_count

_TRY_AGAIN = "w tries again; d on page 5 chooses another data set"


class BatchNormPage(Page):
    """Histograms, formula, running statistics and the spread of batch statistics, a channel at a time."""

    KEYS = keys.PAGES["batchnorm"]
    DOCUMENT = BATCHNORM

    MASKED: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "batchnorm": ("after", "formula", "running", "rule", "modes", "difference"),
    }

    def __init__(self) -> None:
        super().__init__()
        self.player = Player(self)
        self.opener = NetworkOpener(self)
        self.measurements = Measurements(self)
        self.spreads = Spreads(self, lambda: self.opened)
        self._panes = BatchNormPanes(self.canvas)
        self._view = BatchNormView.VALUES
        self._shown: tuple[OpenedNetwork, Figures] | None = None  # what is on the screen

    @property
    def opened(self) -> OpenedNetwork | None:
        """The network that is looked at, and what is done with it."""
        return self.host.timelines.get(BATCHNORM)

    # -- showing

    def on_mount(self) -> None:
        self.host.timelines.watch(BATCHNORM, self.show_again)
        self.host.trainer.listen(self._trainer_changed)

    def on_screen_resume(self) -> None:
        self.opener.forget_refusals()

    def _trainer_changed(self) -> None:
        if self.opener.has_news():
            self.show_again()

    def controls(self) -> list[Control]:
        if self._shown is None:
            return []
        opened = self._shown[0]
        return controls_of(opened.session, self.opener.source_text(opened))

    def show_page(self) -> None:
        self.opener.open_wanted()
        size = self.room.height - 2, self.room.width
        self._panes.place(size, self._view, self.session.view.hints, self.palette)
        opened = self.opened
        if opened is None:
            self._panes.show_problem(self.opener.problem, "" if self.opener.is_opening else _TRY_AGAIN)
            return
        measurement = self.measurements.get(opened)
        if measurement is not None:
            self._shown = opened, Figures(opened.session, measurement)
        if self._shown is not None:
            shown, figures = self._shown
            self._panes.show(figures, lambda: self.spreads.get(shown))

    # -- changing

    def change_norm(self, transition: Transition, kind: str = "") -> bool:
        """Apply a transition; where it is refused, say why. Tells whether it was applied."""
        opened = self.opened
        if opened is None:
            self.say(self.opener.problem)
            return False
        try:
            changed = opened.with_session(transition(opened.session))
        except ValueError as error:
            self.say(printable(str(error)), error=True)
            return False
        if changed is not opened:
            self.host.timelines.change(BATCHNORM, changed, kind)
        return True

    # -- mini-batches

    def action_batch(self, by: int) -> None:
        """The next mini-batch, or the one before."""
        if by > 0:
            self._next_batch()
        elif self.opened and self.opened.session.past:
            self.change_norm(BatchNormSession.previous_batch, "batch")
        elif self.opened:
            self.say("this is the first mini-batch")

    def _next_batch(self) -> None:
        measurement = self.measurements.get(self.opened) if self.opened else None
        if measurement is not None:
            self.change_norm(lambda session: session.next_batch(measurement), "batch")
        elif self.opened:
            self.say("this mini-batch is still being computed")

    def action_ends(self, direction: int) -> None:
        """The first mini-batch again, or through all to the last of the epoch."""
        opened = self.opened
        if direction < 0:
            self.change_norm(BatchNormSession.restarted)
        elif opened and not opened.session.is_last:
            self.say("going through the mini-batches to the end of the epoch …")
            self.measurements.to_end_of_epoch(
                opened, lambda: self.opened is opened, lambda session: self._reach_end(opened, session)
            )

    def _reach_end(self, opened: OpenedNetwork, session: BatchNormSession) -> None:
        if self.opened is opened:
            self.quieten()
            self.change_norm(lambda _: session)

    def end_reached(self) -> str:
        if self.opened and self.opened.session.is_last:
            return "this is the last mini-batch of the epoch: → starts the next epoch, r restarts"
        return ""

    def play_on(self, count: int) -> bool:
        for _ in range(count):
            self._next_batch()
        return self.opened is not None and not self.opened.session.is_last

    # -- settings

    def action_layer(self, by: int) -> None:
        if text := self.opened and outermost_text(self.opened.session, by):
            self.say(text)
        else:
            self.change_norm(lambda session: session.moved_layer(by), "layer")

    def action_channel(self, by: int) -> None:
        self.change_norm(lambda session: session.moved_channel(by), "channel")

    def action_activation(self, by: int) -> None:
        if self._shown and self._shown[0] is self.opened:
            moved = self._shown[1].with_chosen_moved(by)
            self.change_norm(lambda _: moved, "activation")

    def action_size(self, by: int) -> None:
        self.change_norm(lambda session: session.with_batch_size_scaled(by), "size")

    def action_gamma(self, by: int) -> None:
        self.change_norm(lambda session: session.with_gamma_stepped(by), "gamma")

    def action_beta(self, by: int) -> None:
        self.change_norm(lambda session: session.with_beta_stepped(by), "beta")

    def action_momentum(self, by: int) -> None:
        self.change_norm(lambda session: session.with_next_momentum(by), "momentum")

    def action_mode(self, by: int) -> None:  # noqa: ARG002
        self.change_norm(BatchNormSession.with_mode_toggled)

    def action_identity(self) -> None:
        """The gamma and beta that undo the normalisation; then those of the network again."""
        measurement = self.measurements.get(self.opened) if self.opened else None
        if self.opened and measurement is not None:
            statistics = measurement.in_mode(self.opened.session.norm.training).statistics
            self.change_norm(lambda session: session.with_identity_toggled(statistics))

    def action_weights(self, by: int) -> None:  # noqa: ARG002
        self.opener.switch_weights()

    def action_view(self) -> None:
        self._view = self._view.next(self.room.height - 2)
        self.show_again()

    def action_type(self, name: str) -> None:
        from textual.suggester import SuggestFromList

        value = value_text(self.opened.session, name) if self.opened else ""
        self.prompt(":", f"{name} {value}".strip(), self._typed, suggester=SuggestFromList(SUGGESTIONS))

    def _typed(self, text: str) -> bool:
        try:
            name, value = parse_setting(text)
            if name != "seed":
                return self.change_norm(transition(name, value))
            seed = parse_count(name, value, least=0)
        except ValueError as error:
            self.say(printable(str(error)), error=True)
            return False
        self.opener.open_seeded(seed)
        return True
