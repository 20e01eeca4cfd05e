"""The Norms page: what they do to activations, and batch norm's statistics from batch to batch.

The page holds the parts that do the work, and turns keys into transitions of the session that they share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from convtui.engine.norms import NormKind
from convtui.inputs.names import printable
from convtui.pages.base import keys
from convtui.pages.base.page import Page
from convtui.pages.base.player import Player
from convtui.pages.batchnorm.background import Measurements, Spreads
from convtui.pages.batchnorm.figures import Figures
from convtui.pages.batchnorm.labels import controls_of, outermost_text
from convtui.pages.batchnorm.layout import BatchNormView, views_of
from convtui.pages.batchnorm.network_opener import NetworkOpener
from convtui.pages.batchnorm.opened_network import BATCHNORM, OpenedNetwork
from convtui.pages.batchnorm.panes import BatchNormPanes
from convtui.paint.controls import Control
from convtui.state.batch_measurement import BatchMeasurement, SpreadBySize
from convtui.state.batchnorm import BatchNormSession
from convtui.state.batchnorm_settings import SUGGESTIONS, Transition, parse_setting, transition, value_text
from convtui.state.history import Document
from convtui.state.norm_choice import BATCH_NORM, NormChoice
from convtui.state.opened_norm import OPENED_NORM, OpenedNorm
from convtui.state.settings import parse_count

_OF_A_MODULE = "the weights are those of your module; 3 goes back to your network"
_TRY_AGAIN = "w tries again; d on page 5 chooses another data set"


class BatchNormPage(Page):
    """Histograms, formula, running statistics and the spread of batch statistics, a channel at a time."""

    KEYS = keys.PAGES["batchnorm"]
    DOCUMENT = BATCHNORM

    MASKED: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "batchnorm": ("after", "formula", "running", "rule", "modes", "difference", "norms"),
    }

    def __init__(self) -> None:
        super().__init__()
        self.player = Player(self)
        self.opener = NetworkOpener(self)
        self.measurements = Measurements(self)
        self.spreads = Spreads(self, lambda: None if self.module else self.network)
        self._panes = BatchNormPanes(self.canvas)
        self._chosen_view: tuple[NormKind, BatchNormView] | None = None  # None: the norm's first
        self._shown: tuple[OpenedNetwork | OpenedNorm, Figures] | None = None  # what is on the screen

    @property
    def module(self) -> OpenedNorm | None:
        """A norm of the user's own network that is open here until the page is left."""
        return None if self.host.lesson else self.host.timelines.get(OPENED_NORM)

    @property
    def opened(self) -> OpenedNetwork | OpenedNorm | None:
        """The network that is looked at, or a norm of the user's own, and what is done with it."""
        return self.module or self.network

    @property
    def network(self) -> OpenedNetwork | None:
        """The network whose norms the page shows while none of the user's own is open."""
        return self.host.timelines.get(BATCHNORM)

    @property
    def document(self) -> Document[Any]:
        return OPENED_NORM if self.module else BATCHNORM

    # -- showing

    def on_mount(self) -> None:
        self.host.timelines.watch(BATCHNORM, self.show_again)
        self.host.timelines.watch(OPENED_NORM, self.show_again)
        self.host.trainer.listen(self._trainer_changed)

    def on_screen_resume(self) -> None:
        self.opener.forget_refusals()
        self.measurements.forget_refusal()

    def on_screen_suspend(self) -> None:
        super().on_screen_suspend()
        if self.app.current_mode != "batchnorm":  # it is left, and not only covered by a question
            self.host.timelines.end(OPENED_NORM)

    def _trainer_changed(self) -> None:
        news = [self.opener.has_news()]
        if not self.host.trainer.is_busy:
            news += [self.opener.has_waited(), self.measurements.has_waited()]
        if any(news):
            self.show_again()

    def controls(self) -> list[Control]:
        if self._shown is None:
            return []
        opened, figures = self._shown
        weights = self.opener.source_text(opened) if isinstance(opened, OpenedNetwork) else ""
        return controls_of(figures, weights)

    def show_page(self) -> None:
        if self.module is None:
            self.opener.open_wanted()
        opened = self.opened
        if opened is None:
            self._place_panes(BATCH_NORM)
            self._panes.show_problem(self.opener.problem, "" if self.opener.is_opening else _TRY_AGAIN)
            return
        measurement = self._measured(opened)
        if measurement is not None:
            self._shown = opened, Figures(opened.session, measurement)
        if self._shown is None or type(self._shown[0]) is not type(opened):
            self._place_panes(opened.session.choice)
        else:
            shown, figures = self._shown
            self._place_panes(shown.session.choice)
            self._panes.show(figures, lambda: self._spread(shown))

    def _measured(self, opened: OpenedNetwork | OpenedNorm) -> BatchMeasurement | None:
        return opened.measurement if isinstance(opened, OpenedNorm) else self.measurements.get(opened)

    def _spread(self, opened: OpenedNetwork | OpenedNorm) -> SpreadBySize | None:
        return None if isinstance(opened, OpenedNorm) else self.spreads.get(opened)

    def _place_panes(self, choice: NormChoice) -> None:
        size = self.room.height - 2, self.room.width
        view = self._view(choice)
        self._panes.place(size, view, self.session.view.hints, choice.is_batch, self.palette)

    def _view(self, choice: NormChoice) -> BatchNormView:
        """The view that was chosen, if it was for this norm and is one of those that there are."""
        views = self._views(choice)
        kind, view = self._chosen_view or (choice.kind, views[0])
        return view if kind == choice.kind and view in views else views[0]

    def _views(self, choice: NormChoice) -> tuple[BatchNormView, ...]:
        return views_of(self.room.height - 2, choice.is_batch)

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
            self.host.timelines.change(self.document, changed, kind)
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
        measurement = self._measured(self.opened) if self.opened else None
        if measurement is not None:
            self.change_norm(lambda session: session.next_batch(measurement), "batch")
        elif self.opened:
            self.say("this mini-batch is still being computed")

    def action_ends(self, direction: int) -> None:
        """The first mini-batch again, or through all to the last of the epoch."""
        opened = self.opened
        if direction < 0:
            self.change_norm(BatchNormSession.restarted)
        elif isinstance(opened, OpenedNetwork) and not opened.session.is_last:
            self.say("going through the mini-batches to the end of the epoch …")
            self.measurements.to_end_of_epoch(
                opened, lambda: self.opened is opened, lambda session: self._reach_end(opened, session)
            )

    def _reach_end(self, opened: OpenedNetwork, session: BatchNormSession) -> None:
        if self.opened is opened:
            self.quieten()
            self.change_norm(lambda _: session)

    def end_reached(self) -> str:
        if self.module:
            return ""
        if self.opened and self.opened.session.is_last:
            return "this is the last mini-batch of the epoch: → starts the next epoch, r restarts"
        return ""

    def play_on(self, count: int) -> bool:
        for _ in range(count):
            self._next_batch()
        return self.opened is not None and not self.opened.session.is_last

    # -- what is carried away

    def code_of_page(self) -> Callable[[], str]:
        from convtui.pages.batchnorm.code import code_of

        if self._shown is None or self._shown[0] is not self.opened:
            raise ValueError("this mini-batch is still being computed")
        opened, figures = self._shown
        if isinstance(opened, OpenedNorm):
            raise ValueError("Y on page 3 has the code of this norm, which is of your own network")
        if opened.source.is_own:
            raise ValueError("there is no code for a norm of your own network: its input is only in a pass")
        return partial(code_of, opened, figures)

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
        if self._shown and self._shown[0] is self.opened:
            used = self._shown[1].present
            self.change_norm(lambda session: session.with_identity_toggled(used.mean, used.var))

    def action_weights(self, by: int) -> None:  # noqa: ARG002
        if self.module:
            self.say(_OF_A_MODULE)
            return
        self.opener.switch_weights()

    def action_view(self) -> None:
        opened = self.opened
        if opened is None:
            return
        choice = opened.session.choice
        views = self._views(choice)
        if len(views) == 1:
            self.say(f"{choice.title} has one view here: it keeps no running statistics to show over time")
            return
        following = views[(views.index(self._view(choice)) + 1) % len(views)]
        self._chosen_view = choice.kind, following
        self.show_again()

    # -- the norms

    def action_norm(self, by: int) -> None:
        """The next of the four norms, shown beside the others."""
        self._compare(lambda session: session.with_next_kind(by))

    def action_groups(self, by: int) -> None:
        """Group norm with another number of groups."""
        self._compare(lambda session: session.with_next_groups(by))

    def _compare(self, transition: Transition) -> bool:
        """Change the norm, and show it beside the others. Tells whether it was changed."""

        def compared(session: BatchNormSession) -> BatchNormSession:
            changed = transition(session)
            self._chosen_view = changed.choice.kind, BatchNormView.NORMS
            return changed

        return self.change_norm(compared, "norm")

    def action_image(self, by: int) -> None:
        """The activation that is looked at in another image of the mini-batch."""
        if self._shown and self._shown[0] is self.opened:
            moved = self._shown[1].with_image_moved(by)
            self.change_norm(lambda _: moved, "image")

    def action_type(self, name: str) -> None:
        from textual.suggester import SuggestFromList

        value = value_text(self.opened.session, name) if self.opened else ""
        self.prompt(":", f"{name} {value}".strip(), self._typed, suggester=SuggestFromList(SUGGESTIONS))

    def _typed(self, text: str) -> bool:
        try:
            name, value = parse_setting(text)
            if name in ("norm", "groups"):
                return self._compare(transition(name, value))
            if name != "seed":
                return self.change_norm(transition(name, value))
            seed = parse_count(name, value, least=0)
        except ValueError as error:
            self.say(printable(str(error)), error=True)
            return False
        if self.module:
            self.say(_OF_A_MODULE, error=True)
            return False
        self.opener.open_seeded(seed)
        return True
