"""Opens an operation of the user's own network on the Step page, or a norm on the Norms page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from convtui.engine.graph.operation import Graph, Op
from convtui.engine.output_cells import Position
from convtui.inputs.names import printable
from convtui.pages.base.services import PageServices
from convtui.pages.layers.model_figures import held
from convtui.pages.layers.model_labels import norm_notice, opened_notice
from convtui.pages.layers.model_opened import operation_of, why_not_opened
from convtui.state.layer_opening import operation_opened, picture_of
from convtui.state.opened_norm import NORMS, OPENED_NORM, opened_norm
from convtui.state.session import Session
from convtui.tracing.open_model import Fetched, OpenModel

OPENS: Final = "enter opens this operation on the Step page, where ctrl+g animates it"


def why_not_animated(op: Op, graph: Graph) -> str:
    """Why an operation is not animated where it stands, and what animates it if anything does."""
    if op.kind in NORMS:
        return f"{op.kind}: nothing slides in a norm, so that there is nothing to animate"
    return why_not_opened(op, graph) or OPENS


class Opener:
    """Fetches what an operation reads, and then opens it, if the user is still there."""

    def __init__(self, page: PageServices, model: OpenModel) -> None:
        self._page, self._model = page, model

    def open(self, op: Op, graph: Graph, place: Callable[[], Position]) -> None:
        """Open an operation at a place in its output, once its tensors are there; say why if it is not."""
        if why := why_not_opened(op, graph):
            self._page.say(why, error=True)
            return
        self._model.open(op.number, lambda fetched: self._opened(op, graph, place(), fetched))

    def _opened(self, op: Op, graph: Graph, place: Position, fetched: Fetched) -> None:
        host = self._page.host
        if not self._page.is_current or host.model is not self._model:
            return  # the user is somewhere else by now, and stays there
        if fetched.why:
            self._page.say(fetched.why, error=True)
            return
        if op.kind in NORMS:
            self._open_norm(op, graph, place, fetched)
            return
        picture, name = self._model.picture, op.path or f"{op.kind} {op.number}"

        def make(session: Session) -> Session:
            opened = operation_of(op, fetched.arrays)
            shown, own = picture, opened.image
            if own.shape != picture.pixels.shape or (own != picture.pixels).any():
                shown = picture_of(own, f"{self._of}input of {name}")
            return operation_opened(session, opened, name, shown, held(place, opened.output_shape))

        if host.change(make):
            host.open_page("step", opened_notice(op))

    @property
    def _of(self) -> str:
        """The image before the name of an input, unless the network does not get it."""
        outcome = self._model.outcome
        return f"{self._model.picture.name} · " if outcome is None or outcome.takes_image else ""

    def _open_norm(self, op: Op, graph: Graph, place: Position, fetched: Fetched) -> None:
        """Open a norm on the Norms page, with what went into it."""
        given = graph.tensor(op.inputs[0]).shape
        try:
            opened = opened_norm(op, fetched.arrays, given, self._model.picture.name)
        except (ValueError, KeyError) as error:
            self._page.say(printable(str(error)), error=True)
            return
        channel = min(place[0], opened.session.norm.num_features - 1)
        opened = opened.with_session(opened.session.at_channel(channel))
        self._page.host.timelines.begin(OPENED_NORM, opened)
        self._page.host.open_page("batchnorm", norm_notice(op))
