"""What the features view looks at: a convolution of a stack of layers, or of the user's own network."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from convtui.inputs.images import Picture
from convtui.pages.base.services import PageServices
from convtui.pages.layers.explorations import Question, Weights
from convtui.pages.layers.explored_figures import shown_patches
from convtui.pages.layers.features_figures import Named, Patches, conv_near, selected_filter
from convtui.pages.layers.features_labels import NO_CONVOLUTION, named_layer
from convtui.pages.layers.map_maker import MapMaker
from convtui.paint.colours import Array
from convtui.state.learned_weights import LearnedWeights
from convtui.state.network import Stack
from convtui.state.opened_features import OwnWeights
from convtui.state.session import Panel, Session, View
from convtui.training.datasets.open_any import DataSet
from convtui.training.runs import explored


class Looked(Protocol):
    """A convolution over a picture.

    layer is its number, as jobs take it; logits are what the network says of the picture, once computed;
    maps is its output [filters, rows, columns], None while it is computed; key tells its filters from others.
    """

    @property
    def layer(self) -> int: ...

    @property
    def picture(self) -> Picture: ...

    @property
    def logits(self) -> Array | None: ...

    @property
    def weights(self) -> Weights | None:
        """Of which run; None of random ones."""

    @property
    def named(self) -> Named: ...

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of its filters [out, in/groups, rows, columns]."""

    @property
    def map_size(self) -> tuple[int, int]: ...

    @property
    def maps(self) -> Array | None: ...

    @property
    def selected(self) -> int:
        """The filter."""

    @property
    def key(self) -> Hashable: ...

    @property
    def is_rectified(self) -> bool:
        """Whether a filter that is above 0 on no image is dead: what is below 0 counts as well elsewhere."""

    @property
    def questions(self) -> Sequence[Question]:
        """What must be known before anything else."""

    def weight(self) -> Array | None:
        """Its filters; None while they are not known. May be called in any thread."""

    def weight_of(self, first: LearnedWeights | OwnWeights) -> Array | None:
        """Its filters among the weights before training."""

    def patches(self, found: explored.Patches, filter: int, data: DataSet | None) -> Patches | None:
        """What excites a filter most; None for a convolution that was not explored."""


class Choices(Protocol):
    """What the keys of the features view change."""

    @property
    def looked(self) -> Looked | str:
        """What is looked at, or the line that stands instead."""

    @property
    def view(self) -> View: ...

    def select(self, choose: Callable[[int], int]) -> None:
        """Select another filter of the convolution on show."""

    def look(self, changes: Callable[[View], Mapping[str, object]]) -> None:
        """Show something else of it."""


@dataclass(frozen=True, eq=False)
class LookedLayer:
    """A convolution of the stack of layers."""

    stack: Stack
    layer: int
    picture: Picture
    maker: MapMaker

    questions: Sequence[Question] = ()
    is_rectified: bool = True

    @property
    def logits(self) -> Array | None:
        """Once computed; None of random weights."""
        last = self.maker.maps(len(self.stack.summary.rows) - 1) if self.stack.trained else None
        return last.values.ravel() if last else None

    @property
    def weights(self) -> Weights | None:
        return self.stack.trained

    @property
    def named(self) -> Named:
        return named_layer(self.stack, self.layer)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        filters, slices, rows, columns = self.stack.summary.rows[self.layer].parameter_shapes["weight"]
        return filters, slices, rows, columns

    @property
    def map_size(self) -> tuple[int, int]:
        _, rows, columns = self.stack.summary.rows[self.layer].output_maps
        return rows, columns

    @property
    def maps(self) -> Array | None:
        maps = self.maker.maps(self.layer)
        return maps.values if maps else None

    @property
    def selected(self) -> int:
        return selected_filter(self.stack, self.shape[0])

    @property
    def key(self) -> Hashable:
        return self.stack.layers, self.stack.seed, self.stack.trained, self.layer

    def weight(self) -> Array | None:
        return self.maker.weight(self.layer)

    def weight_of(self, first: LearnedWeights | OwnWeights) -> Array | None:
        found = first.weights.get(self.layer, {}) if isinstance(first, LearnedWeights) else {}
        return found.get("weight")

    def patches(self, found: explored.Patches, filter: int, data: DataSet | None) -> Patches | None:
        return shown_patches(found, self.stack, self.layer, filter, data)


class LayerChoices:
    """The convolution of the session's stack that is nearest to the selected layer."""

    def __init__(self, page: PageServices, maker: Callable[[], MapMaker | None]) -> None:
        self._page, self._maker = page, maker

    @property
    def _session(self) -> Session:
        return self._page.host.session

    @property
    def looked(self) -> Looked | str:
        """What is looked at, or the line that stands instead."""
        session, maker = self._session, self._maker()
        layer = conv_near(session.stack.summary.rows, session.stack.layer)
        if layer is None or maker is None:
            return NO_CONVOLUTION
        return LookedLayer(session.stack, layer, session.picture, maker)

    @property
    def view(self) -> View:
        return self._session.view

    @property
    def goal(self) -> int:
        """The layer whose maps are needed: for a class the last, else the convolution on show."""
        stack = self._session.stack
        rows = stack.summary.rows
        if stack.trained and self.view.panel is Panel.CLASS:
            return len(rows) - 1
        return conv_near(rows, stack.layer) or stack.layer

    def select(self, choose: Callable[[int], int]) -> None:
        """Select a filter of the convolution on show, which is then the selected layer."""

        def make(session: Session) -> Session:
            stack = session.stack
            layer = conv_near(stack.summary.rows, stack.layer)
            if layer is None:
                return session
            filters = stack.maps(layer)[0]
            at = min(max(choose(selected_filter(stack, filters)), 0), filters - 1)
            _, row, column = stack.activation
            return session.with_stack(stack.at(layer, (at, row, column)))

        self._page.host.change(make, "activation")

    def look(self, changes: Callable[[View], Mapping[str, object]]) -> None:
        """Show something else of it."""
        self._page.host.change(lambda session: session.with_view(**changes(session.view)), "look")
