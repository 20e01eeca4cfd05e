"""Convolutions of every kind are PyTorch's, however they are named."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from convtui.engine.feature_maps import FeatureMaps
from convtui.engine.layer_text import parse_layers, parse_layers_toml
from convtui.engine.layers import Layer, Shape
from convtui.engine.one_dimensional import conv1d, convtranspose1d
from convtui.engine.spec import ConvSpec, SpecError
from convtui.engine.stack import summarize
from convtui.engine.window_layers import Conv, ConvTranspose, Depthwise, Window
from tests.engine.cases import pairs
from tests.engine.stacks import convs, pools, transposes


@given(st.one_of(convs(2), transposes(2), pools()))
def test_arguments_build_the_layer_again(layer: Window) -> None:
    assert layer.changed() == layer
    assert layer.changed(stride=(5, 4), padding=0).spec.stride == (5, 4)
    assert parse_layers(str(layer)) == (layer,)


@pytest.mark.parametrize(
    ("text", "toml", "layer"),
    [
        (
            "convtranspose 4x3 8 s2 p1 op1x0 g2 nobias",
            'type = "convtranspose"\nout_channels = 8\nkernel_size = [4, 3]\nstride = 2\npadding = 1\n'
            "output_padding = [1, 0]\ngroups = 2\nbias = false",
            ConvTranspose(8, (4, 3), 2, 1, (1, 0), 2, bias=False),
        ),
        (
            "convtranspose 3x3 8 p0:1x2:0 d2",
            'type = "convtranspose"\nout_channels = 8\nkernel_size = 3\n'
            "padding = [[0, 1], [2, 0]]\ndilation = 2",
            ConvTranspose(8, 3, padding=((0, 1), (2, 0)), dilation=2),
        ),
        (
            "conv 3x3 8 s2 same-tf",
            'type = "conv"\nout_channels = 8\nkernel_size = 3\nstride = 2\npadding = "same-tf"',
            Conv(8, 3, 2, "same-tf"),
        ),
        (
            "convtranspose 3x3 8 s2 same-tf",
            'type = "convtranspose"\nout_channels = 8\nkernel_size = 3\nstride = 2\npadding = "same-tf"',
            ConvTranspose(8, 3, 2, ((0, 1), (0, 1))),
        ),
        (
            "depthwise 3 s2 p1 nobias",
            'type = "depthwise"\nkernel_size = 3\nstride = 2\npadding = 1\nbias = false',
            Depthwise(3, 2, 1, bias=False),
        ),
        ("depthwise 3x5 same reflect", None, Depthwise((3, 5), padding="same", padding_mode="reflect")),
        ("pointwise 16", 'type = "pointwise"\nout_channels = 16', Conv(16, 1)),
        ("pointwise 16 g4 nobias", None, Conv(16, 1, groups=4, bias=False)),
        (
            "conv1d 3 8 s2",
            'type = "conv1d"\nout_channels = 8\nkernel_size = 3\nstride = 2',
            Conv(8, (1, 3), (1, 2)),
        ),
        ("conv1d 3 8 p1 d2 g2 circular", None, Conv(8, (1, 3), 1, (0, 1), (1, 2), 2, True, "circular")),
        ("conv1d 3 8 same", None, Conv(8, (1, 3), padding="same")),
        (
            "convtranspose1d 4 8 s2 p1 op1 d2",
            None,
            ConvTranspose(8, (1, 4), (1, 2), (0, 1), (0, 1), dilation=(1, 2)),
        ),
        ("convtranspose1d 3 8 s2 same-tf", None, ConvTranspose(8, (1, 3), (1, 2), ((0, 0), (0, 1)))),
    ],
)
def test_text_and_toml(text: str, toml: str | None, layer: Layer) -> None:
    assert parse_layers(text) == (layer,)
    assert parse_layers(str(layer)) == (layer,)
    if toml:
        assert parse_layers_toml(f"[[layer]]\n{toml}") == (layer,)


def test_one_dimensional_layers_are_those_of_torch_over_one_row() -> None:
    image = np.random.default_rng(0).standard_normal((4, 1, 11))
    sequence = torch.tensor(image)[None, :, 0]
    maps = FeatureMaps("conv1d 3 6 s2 p2 d2 g2", image)
    weight = torch.tensor(maps.weights(1)["weight"])[:, :, 0]
    expected = F.conv1d(sequence, weight, None, 2, 2, 2, 2)[0]
    np.testing.assert_allclose(maps.activations(1)[:, 0], expected.numpy(), atol=1e-12)
    maps = FeatureMaps("convtranspose1d 4 6 s3 p1 op2 g2 d2", image)
    weight = torch.tensor(maps.weights(1)["weight"])[:, :, 0]
    expected = F.conv_transpose1d(sequence, weight, None, 3, 1, 2, 2, 2)[0]
    np.testing.assert_allclose(maps.activations(1)[:, 0], expected.numpy(), atol=1e-12)


def test_depthwise_is_a_convolution_of_each_channel() -> None:
    summary = summarize("depthwise 3x3 s2 p1, pointwise 16", (6, 9, 9))
    assert summary.rows[1].layer == Conv(6, 3, 2, 1, groups=6)
    assert summary.rows[1].output_shape == (6, 5, 5)
    assert [row.parameters for row in summary.rows[1:]] == [6 * 9 + 6, 16 * 6 + 16]
    assert [row.multiply_adds for row in summary.rows[1:]] == [25 * 54, 25 * 96]
    assert Depthwise(3).parameters((6, 9, 9)) == {"weight": (6, 1, 3, 3), "bias": (6,)}
    error = summarize("flatten, depthwise 3", (6, 9, 9)).error
    assert error is not None
    assert "takes feature maps" in error.reason


@given(st.integers(1, 20), st.integers(1, 6), st.integers(1, 5), st.integers(1, 3))
def test_same_of_tensorflow_has_as_many_outputs_as_strides(n: int, k: int, s: int, d: int) -> None:
    spec = ConvSpec((1, k), (1, s), "same-tf", (1, d))
    rows, columns = spec.axes(1, n)
    assert (rows.output, columns.output) == (1, -(-n // s))
    assert 0 <= columns.after - columns.before <= 1
    smaller = ConvSpec((1, k), (1, s), ((0, 0), (columns.before, max(columns.after - 1, 0))), (1, d))
    if columns.after:
        assert smaller.laid(1, n)[1].output < columns.output


@given(pairs(1, 9))
def test_same_of_tensorflow_is_told_in_pixels(size: tuple[int, int]) -> None:
    image: Shape = (1, *size)
    row = summarize("conv 3x3 1 s2 same-tf", image).rows[1]
    assert isinstance(row.layer, Conv)
    assert row.layer.spec.pads == ConvSpec(3, 2, "same-tf").over(*size).pads
    maps = FeatureMaps("conv 3x3 1 s2 same-tf", np.ones(image))
    (top, bottom), (left, right) = row.layer.spec.pads
    padded = F.pad(torch.ones(1, *image, dtype=torch.float64), (left, right, top, bottom))
    expected = F.conv2d(padded, torch.tensor(maps.weights(1)["weight"]), stride=2)[0]
    np.testing.assert_allclose(maps.activations(1), expected.numpy(), atol=1e-12)


def test_same_of_tensorflow_is_unknown_without_an_image() -> None:
    with pytest.raises(SpecError, match="depends on the image's size"):
        _ = ConvSpec(3, 2, "same-tf").pads


def test_multiply_adds_of_a_transposed_convolution_go_by_its_input() -> None:
    row = summarize("convtranspose 4x4 8 s2 p1", (3, 5, 6)).rows[1]
    assert row.output_shape == (8, 10, 12)
    assert row.cost.formula == "5*6*384 = 11,520"
    assert row.parameters_formula == "3*(8*4*4)+8 = 392"


def test_misfit_is_told_with_its_formula() -> None:
    error = summarize("convtranspose 1x1 8 p3", (3, 5, 6)).error
    assert error is not None
    assert error.reason == (
        "padding=3: cuts off all of the 5 output rows; nearest legal: padding 2; "
        "rows: (5 − 1)·1 − 3 − 3 + 1·(1 − 1) + 0 + 1 = 4 − 6 + 0 + 0 + 1 = −1"
    )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: ConvTranspose(6, 3, groups=4),
            "groups=4: must divide the 6 output channels; nearest legal: 3",
        ),
        (lambda: ConvTranspose(0, 3), "out_channels=0: must be from 1 to 16777216"),
        (lambda: ConvTranspose(1, 3, 2, output_padding=-1), "output_padding=-1: must be at least 0"),
        (lambda: ConvTranspose(1, 3, bias=1), "bias=1: must be true or false"),  # type: ignore[arg-type]
        (lambda: conv1d(8, (3, 3)), "kernel_size=\\(3, 3\\): must be one number, as the layer is one-dim"),  # type: ignore[arg-type]
        (lambda: convtranspose1d(8, 3, padding=(1, 1)), "padding=\\(1, 1\\): must be one number"),  # type: ignore[arg-type]
    ],
)
def test_refusals(build: Callable[[], Layer], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build()
