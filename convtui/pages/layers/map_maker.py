"""Feature maps made one layer at a time, in this thread or in another, up to the layer that is looked at.

One thread at most works on a stack at a time; it looks for its goal anew after each layer, so that whoever
walks through a deep network waits for one layer at most that nobody wants any more.
"""

from __future__ import annotations

from math import prod

from convtui.engine.feature_maps import FeatureMaps
from convtui.engine.layers import LayerError
from convtui.engine.spec import Floats
from convtui.engine.stack import Row, missing
from convtui.inputs.images import Picture
from convtui.pages.layers.figures import Maps
from convtui.state.network import Stack

QUICK = 0.05  # seconds for which a key may wait

_SECONDS_A_MULTIPLY_ADD = 0.5e-9
_SECONDS_A_WEIGHT = 2e-8
_SECONDS_A_CELL = 2e-8


class MapMaker:
    """The feature maps of one stack over one picture; `goal` is the layer that is wanted."""

    def __init__(self, stack: Stack, picture: Picture) -> None:
        self.goal = 0
        self.is_at_work = False  # in another thread
        self.trouble: LayerError | None = None
        self._rows, self._key = stack.summary.rows, (stack.layers, stack.seed, stack.trained)
        self._picture = picture
        self._feature_maps = feature_maps(stack, picture)
        self._maps = {0: Maps.of_image(picture)}

    def is_for(self, stack: Stack, picture: Picture) -> bool:
        return self._key == (stack.layers, stack.seed, stack.trained) and self._picture is picture

    @property
    def feature_maps(self) -> FeatureMaps:
        return self._feature_maps

    def maps(self, layer: int) -> Maps | None:
        """A layer's maps if they are made."""
        return self._maps.get(layer)

    @property
    def made(self) -> int:
        """How many layers have their maps."""
        return len(self._maps)

    def weight(self, layer: int) -> Floats:
        """The filters [filters, slices, rows, columns] of a convolution."""
        return self._feature_maps.weights(layer)["weight"]

    @property
    def missing(self) -> list[int]:
        """What is still to be made for the goal, in order; nothing if it cannot be made."""
        if self.trouble and self.trouble.number <= self.goal:
            return []
        return missing(self._rows, self.goal, self._maps)

    @property
    def is_quick(self) -> bool:
        """Whether the goal is reached before anybody notices."""
        return sum(_seconds(self._rows[number]) for number in self.missing) <= QUICK

    def make_next(self) -> bool:
        """One layer further; tells whether there was one."""
        numbers = self.missing
        if numbers:
            try:
                self._maps[numbers[0]] = Maps.of(self._feature_maps.activations(numbers[0]))
            except LayerError as error:
                self.trouble = error
            except MemoryError:
                layer = self._rows[numbers[0]].layer.title
                self.trouble = LayerError(numbers[0], layer, "needs more memory than is available")
        return bool(numbers)


def feature_maps(stack: Stack, picture: Picture) -> FeatureMaps:
    """The maps of the stack over the picture, each computed when it is asked for."""
    weights = stack.trained.within(stack.summary) if stack.trained else None
    return FeatureMaps(stack.layers, picture.pixels, stack.seed, weights)


def _seconds(row: Row) -> float:
    """About how long a layer takes."""
    cells = prod(row.output_shape)
    return (
        row.multiply_adds * _SECONDS_A_MULTIPLY_ADD
        + row.parameters * _SECONDS_A_WEIGHT
        + cells * _SECONDS_A_CELL
    )
