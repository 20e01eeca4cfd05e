"""The text of a recipe's network is the network that PyTorch builds from it."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.training.architecture import layers_text, network
from convtui.training.process.loop import Training
from convtui.training.recipe import Recipe
from tests.support.small_runs import made_up


def test_the_lecture_s_network() -> None:
    assert layers_text(Recipe(), (1, 28, 28), 10) == (
        "conv 5x5 8 s2 p2, relu, bn, conv 3x3 16 s2 p1, relu, bn, conv 3x3 32 s2 p1, relu, bn, "
        "conv 3x3 64 s2 p1, relu, bn, conv 3x3 10 s2 p1, bn, flatten"
    )
    assert network(Recipe(), (1, 28, 28), 10).parameters == 208 + 1168 + 4640 + 18496 + 5770 + 2 * (
        8 + 16 + 32 + 64 + 10
    )


def test_maps_that_are_not_1x1_at_the_end_are_averaged() -> None:
    assert layers_text(Recipe(channels=(4,), batch_norm=False), (3, 32, 32), 2) == (
        "conv 5x5 4 s2 p2, relu, conv 3x3 2 s2 p1, gap, flatten"
    )


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 40), st.integers(1, 40)),
    channels=st.lists(st.integers(1, 5), min_size=1, max_size=5).map(tuple),
    first_kernel_size=st.sampled_from([1, 3, 5, 7]),
    batch_norm=st.booleans(),
    classes=st.integers(2, 5),
)
def test_the_shapes_are_pytorch_s(shape: Any, classes: int, **values: Any) -> None:
    recipe = Recipe(batch_size=2, **values)
    training = Training(recipe, made_up(shape, classes))
    rows = network(recipe, shape, classes).rows[1:]
    outputs = torch.zeros(2, *shape)
    for row, module in zip(rows, training.model, strict=True):
        outputs = module(outputs)
        assert tuple(outputs.shape[1:]) == row.output_shape
        assert {name: tuple(each.shape) for name, each in module.named_parameters()} == row.parameter_shapes


@pytest.mark.parametrize("batch_norm", [True, False])
def test_one_pixel_is_enough(batch_norm: bool) -> None:
    """Two images are two values a channel, the fewest that a batch norm takes."""
    recipe = Recipe(batch_size=2, batch_norm=batch_norm, first_kernel_size=31)
    step = Training(recipe, made_up((1, 1, 1))).train_step()
    assert np.isfinite(step.loss)
