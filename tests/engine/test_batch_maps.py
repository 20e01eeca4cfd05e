"""A mini-batch through a stack of layers is what PyTorch's modules make of it, in both modes."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import nn

from convtui.engine import cross_correlation
from convtui.engine.batch_maps import BatchMaps
from convtui.engine.batchnorm import BatchNormState
from convtui.engine.feature_maps import FeatureMaps
from convtui.engine.layers import Layer, Shape
from convtui.engine.spec import Floats
from tests.engine.stacks import Torch, stacks
from tests.engine.test_feature_maps import maps_of

NETWORK = (
    "conv 5x5 4 s2 p2, relu, bn, conv 3x3 6 s2 p1 g2 nobias, bn, relu, maxpool 2, gap, flatten, linear 3"
)


def batch_of(shape: Shape, images: int = 3) -> Floats:
    return np.random.default_rng(7).standard_normal((images, *shape))


def sequential(maps: FeatureMaps, training: bool) -> nn.Sequential:
    """NETWORK as torch.nn.Sequential, with the weights and running statistics of the maps."""
    network = nn.Sequential(
        nn.Conv2d(1, 4, 5, 2, 2),
        nn.ReLU(),
        nn.BatchNorm2d(4),
        nn.Conv2d(4, 6, 3, 2, 1, groups=2, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 3),
    ).double()
    for number in range(1, len(maps.summary.rows)):
        state = {name: torch.tensor(array) for name, array in maps.weights(number).items()}
        network[number - 1].load_state_dict(state, strict=False)
    return network.train(training)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("block_cells", [1, 2**20])
def test_a_network_is_torchs_sequential(
    training: bool, block_cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cross_correlation, "MOST_PATCHES", block_cells)
    random = np.random.default_rng(1)
    given = {
        number: {
            "running_mean": random.standard_normal(count),
            "running_var": random.uniform(0.5, 2, count),
            "weight": random.standard_normal(count),
            "bias": random.standard_normal(count),
        }
        for number, count in ((3, 4), (5, 6))
    }
    maps = FeatureMaps(NETWORK, np.zeros((1, 12, 12)), weights=given)
    batch = batch_of((1, 12, 12), 5)
    ours = BatchMaps(maps.summary.rows, batch, maps.weights, training)
    x = torch.tensor(batch)
    with torch.no_grad():
        for number, layer in enumerate(sequential(maps, training), 1):
            x = layer(x)
            np.testing.assert_allclose(ours.activations(number), x.numpy(), rtol=1e-9, atol=1e-9)


@settings(max_examples=40)
@given(stacks())
def test_in_evaluation_mode_images_do_not_know_each_other(stack: tuple[list[Layer], Shape]) -> None:
    layers, shape = stack
    maps, batch = maps_of(stack), batch_of(shape)
    ours = BatchMaps(maps.summary.rows, batch, maps.weights, training=False)
    with torch.no_grad():
        for at, image in enumerate(batch):
            outputs = Torch(torch.tensor(image), maps).run(layers).outputs
            for number, output in enumerate(outputs):
                np.testing.assert_allclose(ours.activations(number)[at], output.numpy(), rtol=1e-9, atol=1e-9)


def test_the_same_batch_in_evaluation_mode_with_other_statistics() -> None:
    maps, random = FeatureMaps(NETWORK, np.zeros((1, 12, 12))), np.random.default_rng(2)
    batch = batch_of((1, 12, 12), 5)
    network, norms = sequential(maps, training=False), {}
    for number, count in ((3, 4), (5, 6)):
        norm = BatchNormState(
            count, running_mean=random.standard_normal(count), running_var=random.uniform(0.5, 2, count)
        )
        norms[number] = norm
        state = {name: torch.tensor(getattr(norm, name)) for name in ("running_mean", "running_var")}
        network[number - 1].load_state_dict(state, strict=False)
    training = BatchMaps(maps.summary.rows, batch, maps.weights)
    training.activations(5)
    ours = training.evaluated(norms)
    assert ours.activations(2) is training.activations(2)  # made once
    x = torch.tensor(batch)
    with torch.no_grad():
        for number, layer in enumerate(network, 1):
            x = layer(x)
            np.testing.assert_allclose(ours.activations(number), x.numpy(), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(training.statistics(3).mean, training.activations(2).mean(axis=(0, 2, 3)))
    np.testing.assert_array_equal(ours.statistics(3).mean, norms[3].running_mean)


def test_looking_changes_no_running_statistics() -> None:
    maps = FeatureMaps(NETWORK, np.zeros((1, 12, 12)))
    before: Any = copy.deepcopy({number: maps.weights(number) for number in (3, 5)})
    BatchMaps(maps.summary.rows, batch_of((1, 12, 12)), maps.weights).activations(10)
    for number, arrays in before.items():
        for name, array in arrays.items():
            np.testing.assert_array_equal(maps.weights(number)[name], array)


def test_only_what_is_needed_is_computed() -> None:
    maps = FeatureMaps("conv 3x3 2, bn, relu", np.zeros((1, 3, 3)))
    ours = BatchMaps(maps.summary.rows, batch_of((1, 3, 3), 1), maps.weights)
    assert ours.activations(1).shape == (1, 2, 1, 1)
    with pytest.raises(ValueError, match="one value per channel"):
        ours.activations(3)
