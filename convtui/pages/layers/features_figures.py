"""What the features view shows, as plain values: a layer's filters, their patches, and what they are worth.

They know nothing of where they come from: the panes draw what they are given, and leave blank what is not
known yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convtui.engine.resemblance import Resemblance, by_chance, nearest_named, strongest_slice
from convtui.engine.stack import Row
from convtui.engine.window_layers import Conv
from convtui.pages.layers.features_layout import FeaturesPlan, Wanted
from convtui.paint.colours import Array
from convtui.state.network import Stack
from convtui.state.session import Overlay


def conv_near(rows: Sequence[Row], layer: int) -> int | None:
    """The convolution whose filters are shown for a layer: itself, or the nearest before it on its way.

    For one without any before it the first of all; None where there is none.
    """
    number = layer
    while number and not isinstance(rows[number].layer, Conv):
        number = rows[number].inputs[0]
    if number:
        return number
    return next((row.number for row in rows if isinstance(row.layer, Conv)), None)


def selected_filter(stack: Stack, filters: int) -> int:
    """The filter that makes the selected channel; of a layer with more channels the last at most."""
    return min(stack.activation[0], filters - 1)


@dataclass(frozen=True, eq=False)
class Kernels:
    """Filters [filters, slices, rows, columns], of each the strongest slice and what that resembles.

    chance: the similarity that 95 of 100 random kernels of this size stay below; None, as a resemblance may
    be, where no named kernel has this size.
    """

    weight: Array
    strongest: Sequence[int]
    nearest: Sequence[Resemblance | None]
    chance: float | None

    @classmethod
    def of(cls, weight: Array, strongest: Sequence[int] = ()) -> Kernels:
        """Of these filters; strongest: the slices that are looked at, by default those of largest norm."""
        strongest = strongest or [strongest_slice(each) for each in weight]
        nearest = [nearest_named(each[at]) for each, at in zip(weight, strongest, strict=True)]
        chance = by_chance((weight.shape[2], weight.shape[3]))
        return cls(weight, strongest, nearest, chance.percentile_95 if chance else None)

    @property
    def count_above(self) -> int:
        """How many are nearer to a named kernel than 95 of 100 random ones."""
        return sum(map(self.is_above, range(len(self.weight))))

    def is_above(self, at: int) -> bool:
        nearest = self.nearest[at]
        return nearest is not None and self.chance is not None and nearest.similarity > self.chance


@dataclass(frozen=True)
class Named:
    """What a convolution is called, where its weights come from, and what else is to be known of it."""

    name: str
    source: str
    notice: str = ""


@dataclass(frozen=True, eq=False)
class Filters:
    """The filters of a convolution, now and before training, and their outputs for the current image.

    step: after how many steps the weights are those; None for random weights.
    maps: [filters, rows, columns], None while they are computed; shape is that of one.
    dead: those that were never above 0 on any image that was measured; hidden: the one that is taken out.
    """

    now: Kernels
    before: Kernels | None
    maps: Array | None
    shape: tuple[int, int]
    dead: frozenset[int] = frozenset()
    hidden: int | None = None

    @property
    def count(self) -> int:
        return len(self.now.weight)

    @property
    def slices(self) -> int:
        return int(self.now.weight.shape[1])

    @cached_property
    def limit(self) -> float:
        """The largest magnitude of all kernels, now and before: that of the full colours."""
        weights = [each.weight for each in (self.now, self.before) if each]
        return max(float(np.abs(weight).max(initial=0.0)) for weight in weights)

    @cached_property
    def map_limit(self) -> float:
        return float(np.abs(self.maps).max(initial=0.0)) if self.maps is not None else 0.0

    @property
    def wanted(self) -> Wanted:
        """What there is to place."""
        _, slices, rows, columns = self.now.weight.shape
        return Wanted(self.count, (rows, columns), self.shape, slices, self.before is not None)


@dataclass(frozen=True, eq=False)
class Tiles:
    """The tiles in view, by the numbers of their filters."""

    filters: Filters
    plan: FeaturesPlan
    numbers: range


@dataclass(frozen=True, eq=False)
class SelectedTile:
    """The tiles with the one that is selected."""

    tiles: Tiles
    selected: int


@dataclass(frozen=True, eq=False)
class SelectedFilter:
    """One filter with all its slices; note: what else is to be said of it."""

    filters: Filters
    selected: int
    note: str


@dataclass(frozen=True, eq=False)
class ShownPatch:
    """A piece of a validation image: where it lies, the activation there, and its pixels from 0 to 1.

    pixels are [channels, rows, columns]; None while the images are read.
    """

    image: int
    rows: range
    columns: range
    value: float
    pixels: Array | None


@dataclass(frozen=True, eq=False)
class Patches:
    """The patches that excite a filter most, the first the most; () while they are not measured.

    field: rows and columns of the receptive field. images: how many were gone through. instead: the line
    that stands where there are none.
    """

    filter: int
    field: tuple[int, int]
    images: int
    patches: Sequence[ShownPatch]
    instead: str = ""


@dataclass(frozen=True, eq=False)
class Accuracies:
    """The accuracy of the whole network, and that without each filter; NaN while it is not measured."""

    selected: int
    whole: float
    without: Array
    images: int
    instead: str = ""


@dataclass(frozen=True, eq=False)
class Explained:
    """The image [channels, rows, columns] from 0 to 1, and what of it a class depends on.

    maps: the gradient and the occlusion map [rows, columns] of the class, as far as they are measured.
    formula: what the map on show is. probabilities: of each class.
    """

    image: Array
    name: str
    overlay: Overlay
    classes: Sequence[str]
    target: int
    predicted: int
    probabilities: Array
    maps: Mapping[Overlay, Array]
    formulas: Mapping[Overlay, str]
    instead: str = ""

    @classmethod
    def missing(cls, instead: str) -> Explained:
        """Nothing but a line."""
        nothing = np.zeros((1, 1, 1))
        return cls(nothing, "", Overlay.IMAGE, ("",), 0, 0, np.ones(1), {}, {}, instead)
