"""Feature maps are what PyTorch computes from the same weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.engine import cross_correlation, transposed_sums
from convtui.engine import feature_maps as module
from convtui.engine.feature_maps import FeatureMaps
from convtui.engine.layers import Layer, LayerError, Shape
from convtui.engine.pool_layers import AdaptivePool
from convtui.engine.presets import preset
from convtui.engine.spec import Floats
from convtui.engine.stack import Row
from convtui.engine.window_layers import Conv, Window
from tests.engine.stacks import Torch, stacks


def image_of(shape: Shape, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.default_rng(seed).standard_normal(shape)


def maps_of(stack: tuple[list[Layer], Shape]) -> FeatureMaps:
    """The feature maps of a random image, with weights and running statistics that are all drawn."""
    layers, shape = stack
    image, random = image_of(shape), np.random.default_rng(1)
    drawn = FeatureMaps(layers, image)
    weights = {
        row.number: {
            name: random.uniform(0.5, 2, array.shape)
            if "running" in name
            else random.standard_normal(array.shape)
            for name, array in drawn.weights(row.number).items()
        }
        for row in drawn.summary.rows
    }
    return FeatureMaps(layers, image, weights=weights)


@settings(max_examples=60)
@given(stacks(), st.sampled_from([1, 2**20]))
def test_activations_are_those_of_torch(stack: tuple[list[Layer], Shape], block_cells: int) -> None:
    maps = maps_of(stack)
    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setattr(cross_correlation, "MOST_PATCHES", block_cells)
        patch.setattr(transposed_sums, "MOST_PRODUCTS", block_cells)
        patch.setattr(module, "MOST_DRAWN", block_cells)
        outputs = Torch(torch.tensor(image_of(stack[1])), maps).run(stack[0]).outputs
        for number, output in enumerate(outputs):
            np.testing.assert_allclose(maps.activations(number), output.numpy(), rtol=1e-9, atol=1e-9)


@settings(max_examples=40)
@given(stacks())
def test_convolutions_are_the_layers_own(stack: tuple[list[Layer], Shape]) -> None:
    maps = maps_of(stack)
    for row in maps.summary.rows:
        if isinstance(row.layer, Conv):
            convolution = maps.convolution_of(row.number)
            assert convolution.spec == row.layer.spec
            assert convolution.image is maps.activations(row.inputs[0])
            np.testing.assert_allclose(convolution.output, maps.activations(row.number), rtol=1e-9, atol=1e-9)
        else:
            with pytest.raises(LayerError, match="is not a convolution"):
                maps.convolution_of(row.number)


@settings(max_examples=40)
@given(stacks())
def test_operations_are_the_layers_own(stack: tuple[list[Layer], Shape]) -> None:
    maps = maps_of(stack)
    for row in maps.summary.rows:
        if isinstance(row.layer, Window | AdaptivePool):
            operation = maps.operation_of(row.number)
            assert operation.image is maps.activations(row.inputs[0])
            assert operation.output_shape == row.output_shape
            np.testing.assert_allclose(operation.output, maps.activations(row.number), rtol=1e-9, atol=1e-9)
        else:
            with pytest.raises(LayerError, match="has no windows"):
                maps.operation_of(row.number)


@pytest.mark.parametrize(("name", "shape"), [("lenet-5", (1, 28, 28)), ("resnet-18", (3, 33, 32))])
def test_presets_compute_what_torch_computes(name: str, shape: Shape) -> None:
    layers = preset(name).layers
    maps = FeatureMaps(layers, image_of(shape), seed=3)
    with torch.no_grad():
        outputs = Torch(torch.tensor(image_of(shape)), maps).run(layers).outputs
    np.testing.assert_allclose(maps.activations(len(outputs) - 1), outputs[-1].numpy(), rtol=1e-9)


def test_weights_are_drawn_as_documented() -> None:
    maps = FeatureMaps("conv 3x3 64 g2, bn, gap, flatten, linear 500", image_of((16, 8, 8)))
    for number, fan_in in (1, 8 * 9), (5, 64):
        weight = maps.weights(number)["weight"]
        bound = np.sqrt(6 / fan_in)
        assert weight.min() == pytest.approx(-bound, rel=0.01)
        assert weight.max() == pytest.approx(bound, rel=0.01)
        assert weight.std() == pytest.approx(np.sqrt(2 / fan_in), rel=0.02)
        assert not maps.weights(number)["bias"].any()
    means = {name: set(array) for name, array in maps.weights(2).items()}
    assert means == {"weight": {1}, "bias": {0}, "running_mean": {0}, "running_var": {1}}


def test_weights_are_those_that_numpy_draws_uniformly() -> None:
    maps = FeatureMaps("conv 3x3 300 g2, gap, flatten, linear 700", image_of((16, 8, 8)), seed=9)
    for number, shape in (1, (300, 8, 3, 3)), (4, (700, 300)):
        bound = np.sqrt(6 / np.prod(shape[1:]))
        expected = np.random.default_rng([9, number]).uniform(-bound, bound, shape)
        np.testing.assert_allclose(maps.weights(number)["weight"], expected, rtol=0, atol=1e-15)
    features = maps.activations(3)
    np.testing.assert_allclose(maps.activations(4), maps.weights(4)["weight"] @ features, rtol=1e-12)


def test_seed_decides_and_layers_are_drawn_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    def weight(text: str, layer: int, seed: int) -> np.ndarray[Any, Any]:
        return FeatureMaps(text, image_of((2, 8, 8)), seed).weights(layer)["weight"]

    weights = weight("conv 3x3 4, conv 3x3 4", 2, 5)
    monkeypatch.setattr(module, "MOST_DRAWN", 50)
    np.testing.assert_array_equal(weight("conv 1x1 4, conv 3x3 4", 2, 5), weights)
    assert not np.array_equal(weight("conv 3x3 4, conv 3x3 4", 2, 6), weights)
    assert not np.array_equal(weight("conv 3x3 4, conv 3x3 4, conv 3x3 4", 3, 5), weights)


def test_only_what_is_needed_is_computed_and_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    computed = []
    compute = FeatureMaps._output

    def noted(maps: FeatureMaps, row: Row, inputs: Sequence[Floats]) -> Floats:
        computed.append(row.number)
        return compute(maps, row, inputs)

    monkeypatch.setattr(FeatureMaps, "_output", noted)
    maps = FeatureMaps("relu, residual(bn, bn | conv 1x1 1), relu, gap", image_of((1, 4, 4)))
    for layer, expected in (0, []), (4, [1, 4]), (3, [1, 4, 2, 3]), (6, [1, 4, 2, 3, 5, 6]), (2, computed):
        maps.activations(layer)
        assert computed == expected


def test_arrays_cannot_be_changed() -> None:
    image = image_of((1, 4, 4))
    maps = FeatureMaps("conv 3x3 2, relu, flatten", image)
    image[:] = 7
    assert not (maps.activations(0) == 7).any()
    for array in [*map(maps.activations, range(4)), *maps.weights(1).values()]:
        assert not array.flags.writeable


def test_given_weights_replace_drawn_ones() -> None:
    image = image_of((2, 3, 3))
    maps = FeatureMaps("conv 1x1 1, relu", image, weights={1: {"weight": [[[[2]], [[-1]]]], "bias": [0.5]}})
    np.testing.assert_allclose(maps.activations(1), [2 * image[0] - image[1] + 0.5], atol=1e-12)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            {1: {"weight": np.zeros((4, 2, 3, 3))}},
            r"weight of layer 1 must be \[4, 1, 3, 3\], got \[4, 2, 3, 3\]",
        ),
        ({1: {"gamma": [1]}}, "layer 1 has weight, bias, but 'gamma' was given"),
        ({2: {"weight": [1]}}, "layer 2 has no weights, but 'weight' was given"),
        ({9: {"weight": [1]}}, "layer 9 has no weights, but 'weight' was given"),
        ({1: {"bias": [1, 2, np.nan, 4]}}, "bias of layer 1 contains NaN or infinity"),
        ({1: {"bias": "none"}}, "bias of layer 1 is not an array of numbers"),
    ],
)
def test_wrong_weights_are_refused(weights: dict[int, dict[str, Any]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FeatureMaps("conv 3x3 4, relu", image_of((1, 5, 5)), weights=weights)


@pytest.mark.parametrize(
    "image", [np.full((1, 4, 4), np.inf), np.zeros((4, 4)), np.zeros((1, 0, 4)), "image"]
)
def test_wrong_images_are_refused(image: Any) -> None:
    with pytest.raises(ValueError, match=r"image|input_shape"):
        FeatureMaps("relu", image)


def test_layers_before_the_one_that_does_not_fit_are_computed() -> None:
    maps = FeatureMaps("conv 3x3 2, relu, maxpool 9, relu", image_of((1, 6, 6)))
    assert maps.activations(2).shape == (2, 4, 4)
    for layer in 3, 4, 99:
        with pytest.raises(LayerError, match="layer 3"):
            maps.activations(layer)


@pytest.mark.parametrize("layer", [-1, 2])
def test_layers_that_are_not_there_are_refused(layer: int) -> None:
    with pytest.raises(IndexError, match=f"layer {layer} does not exist"):
        FeatureMaps("relu", image_of((1, 2, 2))).activations(layer)


@pytest.mark.parametrize(
    ("text", "layer", "message"),
    [
        ("conv 3x3 8, relu", 1, r"layer 1 \(conv 3x3 8\): has 224 parameters; at most 200"),
        ("maxpool 3 s9 p1, relu, conv 1x1 1", 3, None),
        ("conv 3x3 1 s5 p4, relu", 2, r"layer 1 .*: has 432 inputs including padding; at most 200"),
        ("relu, relu, relu", 3, r"layer 3 .*: the maps up to it hold 192 .* at most 150 fit"),
    ],
)
def test_what_is_too_large_is_refused(
    text: str, layer: int, message: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_CELLS", 150 if "fit" in str(message) else 200)
    maps = FeatureMaps(text, image_of((3, 4, 4)))
    if message:
        with pytest.raises(LayerError, match=message):
            maps.activations(layer)
    else:
        assert maps.activations(layer).size
