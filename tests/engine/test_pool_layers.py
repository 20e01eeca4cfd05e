"""Pooling layers read and written with every parameter of PyTorch's."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from convtui.engine.feature_maps import FeatureMaps
from convtui.engine.forward import forward
from convtui.engine.layer_text import parse_layers, parse_layers_toml
from convtui.engine.layers import Layer, LayerError
from convtui.engine.pool_layers import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, MaxPool
from convtui.engine.pooling import Pooling
from convtui.engine.stack import summarize


@pytest.mark.parametrize(
    ("text", "toml", "layer"),
    [
        (
            "maxpool 3 s2 p1 d2 ceil",
            'type = "maxpool"\nkernel_size = 3\nstride = 2\npadding = 1\ndilation = 2\nceil_mode = true',
            MaxPool(3, 2, 1, 2, True),
        ),
        (
            "avgpool 3x2 s2 p1 ceil nopadcount div5",
            'type = "avgpool"\nkernel_size = [3, 2]\nstride = 2\npadding = 1\nceil_mode = true\n'
            "count_include_pad = false\ndivisor_override = 5",
            AvgPool((3, 2), 2, 1, True, False, 5),
        ),
        (
            "avgpool 2 div-3",
            'type = "avgpool"\nkernel_size = 2\ndivisor_override = -3',
            AvgPool(2, divisor_override=-3),
        ),
        (
            "maxpool 2 s1 p0:1x0:1",
            'type = "maxpool"\nkernel_size = 2\nstride = 1\npadding = [[0, 1], [0, 1]]',
            MaxPool(2, 1, ((0, 1), (0, 1))),
        ),
        ("maxpool 3 s1 p2:2x2:2", None, MaxPool(3, 1, ((2, 2), (2, 2)))),
        ("avgpool 3 s2 same-tf", None, AvgPool(3, 2, "same-tf")),
        ("adaptivemaxpool 7x3", 'type = "adaptivemaxpool"\noutput_size = [7, 3]', AdaptiveMaxPool((7, 3))),
        ("AdaptiveMaxPool2d 1", None, AdaptiveMaxPool(1)),
        ("maxpool1d 3 s2 p1 ceil", None, MaxPool((1, 3), (1, 2), (0, 1), 1, True)),
        ("avgpool1d 2 nopadcount", None, AvgPool((1, 2), count_include_pad=False)),
        ("adaptivemaxpool1d 7", None, AdaptiveMaxPool((1, 7))),
        ("adaptiveavgpool1d 7", None, AdaptiveAvgPool((1, 7))),
    ],
)
def test_text_and_toml(text: str, toml: str | None, layer: Layer) -> None:
    assert parse_layers(text) == (layer,)
    assert parse_layers(str(layer)) == (layer,)
    if toml:
        assert parse_layers_toml(f"[[layer]]\n{toml}") == (layer,)


def test_what_same_of_tensorflow_comes_to_is_told() -> None:
    rows = summarize("maxpool 3 s2 same-tf, avgpool 3 s2 same-tf", (1, 10, 11)).rows
    assert [str(row.layer) for row in rows[1:]] == ["maxpool 3 s2 p0:1x1:1", "avgpool 3 s2 p1:1x0:1"]
    assert [row.output_shape for row in rows[1:]] == [(1, 5, 6), (1, 3, 3)]


def test_an_average_before_more_padding_is_as_it_is_padded_by_f_pad() -> None:
    image = np.random.default_rng(0).standard_normal((2, 5, 6))
    maps = FeatureMaps([AvgPool(3, 2, ((2, 1), (0, 2)))], image)
    padded = F.pad(torch.tensor(image)[None], (0, 2, 2, 1))
    np.testing.assert_allclose(maps.activations(1), F.avg_pool2d(padded, 3, 2)[0].numpy(), atol=1e-12)


def test_numbers_that_are_none_are_passed_on_as_by_torch() -> None:
    maps = np.random.default_rng(0).standard_normal((1, 2, 6, 6))
    maps[0, 0, 2, 3], maps[0, 1, 4, 1] = np.nan, np.inf
    tensor = torch.tensor(maps)
    pairs: list[tuple[Layer, Tensor]] = [
        (MaxPool(3, 1, 1), F.max_pool2d(tensor, 3, 1, 1)),
        (AvgPool(3, 2, 1), F.avg_pool2d(tensor, 3, 2, 1)),
        (AdaptiveMaxPool(4), F.adaptive_max_pool2d(tensor, 4)),
        (AdaptiveAvgPool(1), F.adaptive_avg_pool2d(tensor, 1)),
    ]
    for layer, expected in pairs:
        np.testing.assert_allclose(forward(layer, [maps], {}), expected.numpy(), rtol=1e-12)


@given(st.integers(1, 9), st.integers(1, 9))
def test_adaptive_layers_step_with_their_uneven_windows(size: int, count: int) -> None:
    image = np.random.default_rng(0).standard_normal((1, size, size))
    for layer in AdaptiveAvgPool(count), AdaptiveMaxPool(count):
        operation = FeatureMaps([layer], image).operation_of(1)
        assert isinstance(operation, Pooling)
        for i in range(count):
            step = operation.step(0, i, i)
            first, last = i * size // count, -(-(i + 1) * size // count) - 1
            assert (step.rows[0], step.rows[-1]) == (first, last)
            formula = layer.axes((1, size, size))[0].window_formula(i)
            assert formula == f"⌊{i}·{size} / {count}⌋ = {first} to ⌈{i + 1}·{size} / {count}⌉ − 1 = {last}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("maxpool 3 nopadcount", "maxpool has no count_include_pad"),
        ("avgpool 3 d2", "avgpool has no dilation"),
        ("conv 3x3 8 ceil", "conv has no ceil_mode"),
        ("maxpool 3 p2", "padding=2: must be at most half the kernel_size; nearest legal: 1"),
        ("avgpool 3 div0", "divisor_override=0: must not be 0; nearest legal: 1"),
        ("avgpool 3 ceil ceil", "ceil_mode is given twice"),
    ],
)
def test_wrong_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(LayerError, match=message):
        parse_layers(text)


def test_layers_without_windows_are_no_operation() -> None:
    maps = FeatureMaps("relu, maxpool 2", np.ones((1, 4, 4)))
    with pytest.raises(LayerError, match="has no windows"):
        maps.operation_of(1)
    with pytest.raises(LayerError, match="is not a convolution"):
        maps.convolution_of(2)
