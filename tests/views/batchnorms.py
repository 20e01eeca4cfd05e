"""A small network's mini-batch and its figures, for the tests of the views."""

from typing import Any

import numpy as np

from convtui.batches import Batches, Measured, Network
from convtui.engine.batch_maps import BatchMaps
from convtui.engine.batchnorm import Statistics
from convtui.views.batchnorm_figures import Figures
from convtui.views.batchnorm_words import Piece

LAYERS = "conv 3x3 4 s2 p1, relu, bn, conv 3x3 2 s2 p1, bn, flatten"


def measured(batches: Batches, seed: int = 0) -> Measured:
    """A random mini-batch at the present place."""
    random = np.random.default_rng(seed)
    batch = random.standard_normal((batches.batch_size, 1, 8, 8))
    network = batches.network
    values = BatchMaps(network.rows, batch, network.weights.__getitem__).activations(batches.place.input)
    return Measured(values, Statistics.of(values), random.permutation(batches.image_count)[: len(batch)])


def figures(layers: str = LAYERS, channel: int = 1, steps: int = 0, **norm: Any) -> Figures:
    """Those of the first place after some steps."""
    batches = Batches.start(Network.of("small", layers, (1, 8, 8)), 100, 6).at_channel(channel)
    for seed in range(1, steps + 1):
        batches = batches.advanced(measured(batches, seed).statistics)
    batches = batches.with_norm(**norm)
    return Figures(batches, measured(batches))


def text_of(pieces: tuple[Piece, ...]) -> str:
    return "".join(text for text, _ in pieces)
