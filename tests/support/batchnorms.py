"""A small network's mini-batch and its figures, for the tests of the views."""

from typing import Any

import numpy as np

from convtui.engine.batch_maps import BatchMaps
from convtui.pages.batchnorm.figures import Figures
from convtui.pages.batchnorm.styled_text import StyledLine
from convtui.state.batch_measurement import BatchMeasurement, NormInput
from convtui.state.batchnorm import BatchNormSession
from convtui.state.batchnorm_network import Network

LAYERS = "conv 3x3 4 s2 p1, relu, bn, conv 3x3 2 s2 p1, bn, flatten"
REFERENCE = np.random.default_rng(99).standard_normal((64, 1, 8, 8))


def measured(session: BatchNormSession, seed: int = 0) -> BatchMeasurement:
    """A random mini-batch at the present batch norm."""
    random = np.random.default_rng(seed)
    batch = random.standard_normal((session.batch_size, 1, 8, 8))
    network, layer = session.network, session.layer
    maps = BatchMaps(network.rows, batch, network.weights.__getitem__)
    training = evaluation = NormInput.of(maps.activations(layer.input))
    before = network.norms_before(layer)
    if before:
        norms = {each.number: norm for each, norm in zip(before, session.earlier_norms, strict=True)}
        evaluation = NormInput.of(maps.evaluated(norms).activations(layer.input))
    statistics = tuple(maps.statistics(each.number) for each in before)
    images = random.permutation(session.image_count)[: len(batch)]
    reference = NormInput.of(
        BatchMaps(network.rows, REFERENCE, network.weights.__getitem__).activations(layer.input)
    )
    return BatchMeasurement(training, evaluation, images, statistics, reference)


def figures(layers: str = LAYERS, channel: int = 1, steps: int = 0, layer: int = 0, **norm: Any) -> Figures:
    """Those of the first batch norm, or of another, after some steps."""
    session = BatchNormSession.start(Network.of("small", layers, (1, 8, 8)), 100, 6).moved_layer(layer)
    session = session.at_channel(channel)
    for seed in range(1, steps + 1):
        session = session.next_batch(measured(session, seed))
    session = session.with_norm(**norm)
    return Figures(session, measured(session))


def text_of(line: StyledLine) -> str:
    return "".join(text for text, _ in line)
