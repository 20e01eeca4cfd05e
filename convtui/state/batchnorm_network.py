"""A network whose batch norms can be looked at one by one, with all its weights, as an immutable value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from convtui.engine.batchnorm import EPS, MOMENTUM, BatchNormState
from convtui.engine.feature_maps import FeatureMaps
from convtui.engine.forward import batch_norm_of
from convtui.engine.layers import BatchNorm, ReLU
from convtui.engine.spec import Floats
from convtui.engine.stack import Row, summarize
from convtui.engine.window_layers import Conv

MAX_BATCH_SIZE: Final = 1024
MOST_CELLS: Final = 2**25  # of a mini-batch's maps at any layer


@dataclass(frozen=True)
class NormLayer:
    """A batch norm over the output of row `input` of a network.

    It is the network's own row `row`; None if the network has none there and one is added to be looked at.
    Of a network of the user's, path is its module's and title that one's class; place counts from 1. calls is
    how often a pass calls it: the first call is looked at.
    """

    input: int
    row: int | None = None
    path: str = ""
    title: str = ""
    place: int = 0
    eps: float = EPS
    momentum: float | None = MOMENTUM
    calls: int = 1

    @property
    def number(self) -> int:
        """The number by which the user knows it."""
        if self.place:
            return self.place
        return self.input if self.row is None else self.row

    @property
    def words(self) -> str:
        """How it is called in a sentence."""
        return self.path or f"layer {self.number}"


@dataclass(frozen=True)
class NormModule:
    """A norm of the user's own network: how it is called there, and what went into it.

    shape: that of its input. tracked: mini-batches that its running statistics come from.
    difference: how far the page's output, in float64, is from the module's own at most.
    """

    name: str
    kind: str
    given: str
    dtype: str
    is_batch: bool
    is_training: bool
    has_running: bool
    tracked: int
    shape: tuple[int, ...]
    difference: float = 0.0

    @property
    def mode(self) -> str:
        """In which mode the module was."""
        return "training" if self.is_training else "evaluation"


@dataclass(frozen=True, eq=False)
class Network:
    """Layers with all their weights, by layer number and PyTorch's names.

    batches_tracked is the number of mini-batches that its running statistics come from. module: it is a
    single norm of the user's own network. places: the norms that a run of the user's network has; its rows
    are what goes into them and they themselves alone, and `most` images can go through it at once.
    """

    name: str
    rows: tuple[Row, ...]
    weights: Mapping[int, Mapping[str, Floats]]
    batches_tracked: int = 0
    module: NormModule | None = None
    places: tuple[NormLayer, ...] = ()
    most: int = MAX_BATCH_SIZE

    @classmethod
    def of(
        cls,
        name: str,
        layers: str,
        shape: tuple[int, ...],
        seed: int = 0,
        weights: Mapping[int, Mapping[str, ArrayLike]] | None = None,
        batches_tracked: int = 0,
    ) -> Network:
        """A network for images [channels, rows, cols]; weights not given are drawn as FeatureMaps does.

        Raises ValueError for weights that do not fit, and where there is neither a batch norm nor a
        convolution.
        """
        maps = FeatureMaps(layers, np.zeros(shape), seed, weights)
        if maps.summary.error:
            raise maps.summary.error
        rows = maps.summary.rows
        drawn = {row.number: maps.weights(row.number) for row in rows}
        network = cls(name, rows, drawn, batches_tracked)
        if not network.norm_layers:
            raise ValueError(f"{name}: has neither a batch norm nor a convolution")
        return network

    @classmethod
    def of_places(
        cls,
        name: str,
        places: Sequence[NormLayer],
        shapes: Sequence[tuple[int, ...]],
        weights: Sequence[Mapping[str, Floats]],
        most: int,
        batches_tracked: int = 0,
    ) -> Network:
        """The norms of a run of the user's network, with the shape of what goes into each for one image.

        weights: those of each, by PyTorch's names; none where one is added.
        """
        rows: list[Row] = []
        layers: list[NormLayer] = []
        kept: dict[int, Mapping[str, Floats]] = {}
        for place, shape, arrays in zip(places, shapes, weights, strict=True):
            image, norm = summarize("bn", (*shape, 1, 1)[:3]).rows
            at = len(rows)
            given, norm = (replace(each, input_shape=shape, output_shape=shape) for each in (image, norm))
            rows += [
                replace(given, number=at),
                replace(norm, number=at + 1, inputs=(at,), input_shapes=(shape,)),
            ]
            layers.append(replace(place, input=at, row=at + 1 if arrays else None, place=len(layers) + 1))
            if arrays:
                kept[at + 1] = arrays
        return cls(name, tuple(rows), kept, batches_tracked, places=tuple(layers), most=most)

    @cached_property
    def norm_layers(self) -> tuple[NormLayer, ...]:
        """Its batch norms; if it has none, where they would be: behind each convolution and its ReLU."""
        if self.places:
            return self.places
        norms = [row for row in self.rows if isinstance(row.layer, BatchNorm)]
        if norms:
            return tuple(NormLayer(row.inputs[0], row.number) for row in norms)
        relus = {row.inputs[0]: row.number for row in self.rows if isinstance(row.layer, ReLU)}
        convs = [row.number for row in self.rows if isinstance(row.layer, Conv)]
        return tuple(NormLayer(relus.get(number, number)) for number in convs)

    def norm_state(self, layer: NormLayer) -> BatchNormState:
        """The weights and running statistics that it has there; those of a new one if it is added."""
        if layer.row is not None:
            norm = batch_norm_of(self.weights[layer.row], eps=layer.eps)
            return replace(norm, momentum=layer.momentum, num_batches_tracked=self.batches_tracked)
        return BatchNormState(self.rows[layer.input].output_shape[0])

    @cached_property
    def max_batch_size(self) -> int:
        """The largest mini-batch of which no layer's maps have more than MOST_CELLS cells."""
        largest = max(prod(row.output_shape) for row in self.rows)
        return max(2, min(MAX_BATCH_SIZE, self.most, MOST_CELLS // largest))

    def norms_before(self, layer: NormLayer) -> tuple[NormLayer, ...]:
        """Its own batch norms before that one, whose mode and statistics change what that one gets."""
        return tuple(each for each in self.norm_layers if each.row is not None and each.row <= layer.input)
