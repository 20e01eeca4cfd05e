"""A small network's mini-batch and its figures, for the tests of the views."""

from typing import Any

import numpy as np

from convtui.engine.batch_maps import BatchMaps
from convtui.pages.batchnorm.figures import Figures
from convtui.pages.batchnorm.labels import Piece
from convtui.state.batchnorm import Batches, Input, Measured, Network

LAYERS = "conv 3x3 4 s2 p1, relu, bn, conv 3x3 2 s2 p1, bn, flatten"
REFERENCE = np.random.default_rng(99).standard_normal((64, 1, 8, 8))


def measured(batches: Batches, seed: int = 0) -> Measured:
    """A random mini-batch at the present place."""
    random = np.random.default_rng(seed)
    batch = random.standard_normal((batches.batch_size, 1, 8, 8))
    network, place = batches.network, batches.place
    maps = BatchMaps(network.rows, batch, network.weights.__getitem__)
    training = evaluation = Input.of(maps.activations(place.input))
    before = network.before(place)
    if before:
        norms = {each.number: norm for each, norm in zip(before, batches.earlier, strict=True)}
        evaluation = Input.of(maps.evaluated(norms).activations(place.input))
    statistics = tuple(maps.statistics(each.number) for each in before)
    images = random.permutation(batches.image_count)[: len(batch)]
    reference = Input.of(
        BatchMaps(network.rows, REFERENCE, network.weights.__getitem__).activations(place.input)
    )
    return Measured(training, evaluation, images, statistics, reference)


def figures(layers: str = LAYERS, channel: int = 1, steps: int = 0, place: int = 0, **norm: Any) -> Figures:
    """Those of the first place, or of another, after some steps."""
    batches = Batches.start(Network.of("small", layers, (1, 8, 8)), 100, 6).moved_place(place)
    batches = batches.at_channel(channel)
    for seed in range(1, steps + 1):
        batches = batches.past(measured(batches, seed))
    batches = batches.with_norm(**norm)
    return Figures(batches, measured(batches))


def text_of(pieces: tuple[Piece, ...]) -> str:
    return "".join(text for text, _ in pieces)
