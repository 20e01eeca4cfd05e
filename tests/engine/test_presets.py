"""The known networks have their published parameters, and PyTorch's shapes."""

from pathlib import Path

import pytest
import torch

from convtui.engine.layer_text import format_layers, parse_layers
from convtui.engine.presets import NAMES, choose_layers, preset
from convtui.engine.stack import summarize
from tests.engine.stacks import Torch


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_those_of_torch(name: str) -> None:
    network = preset(name)
    with torch.device("meta"), torch.no_grad():
        computed = Torch(torch.empty(network.input_shape, dtype=torch.float64)).run(network.layers)
    summary = summarize(network.layers, network.input_shape)
    assert summary.error is None
    assert [row.output_shape for row in summary.rows] == [tuple(output.shape) for output in computed.outputs]
    counts = [sum(p.numel() for p in module.parameters()) for module in computed.modules]
    assert [row.parameters for row in summary.rows] == counts


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("lenet-5", 61_706),
        ("alexnet", 61_100_840),
        ("vgg-16", 138_357_544),
        ("resnet-18", 11_689_512),
        ("resnet-50", 25_557_032),
        ("resnet-50-v1.5", 25_557_032),
    ],
)
def test_published_parameters(name: str, parameters: int) -> None:
    assert summarize(preset(name).layers, preset(name).input_shape).parameters == parameters


@pytest.mark.parametrize(
    ("name", "billions"),
    [("alexnet", 0.71), ("vgg-16", 15.47), ("resnet-18", 1.81), ("resnet-50-v1.5", 4.09)],
)
def test_published_multiply_adds(name: str, billions: float) -> None:
    count = summarize(preset(name).layers, preset(name).input_shape).multiply_adds
    assert round(count / 1e9, 2) == billions


def test_networks_of_the_lecture() -> None:
    shapes = [row.output_shape for row in summarize(preset("simple-cnn").layers, (1, 28, 28)).rows]
    maps = [(4, 14, 14), (8, 7, 7), (16, 4, 4), (32, 2, 2), (2, 1, 1)]
    assert shapes == [(1, 28, 28), *[shape for shape in maps for _ in "cr"][:-1], (2,)]
    assert summarize(preset("simple-cnn-10").layers, (1, 28, 28)).rows[-1].output_shape == (10,)
    assert summarize(preset("two-layers").layers, (1, 28, 28)).rows[-1].field.size == (7, 7)


@pytest.mark.parametrize("name", NAMES)
def test_presets_are_written_and_read_back(name: str) -> None:
    layers = preset(name).layers
    assert parse_layers(format_layers(layers)) == layers


@pytest.mark.parametrize("name", ["ResNet50", "resnet_50", "RESNET-50"])
def test_names_are_found_however_written(name: str) -> None:
    assert preset(name).name == "resnet-50"
    assert choose_layers(name) == preset("resnet-50").layers


def test_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"unknown network 'vgg-19'; choose from vgg-16"):
        preset("vgg-19")
    with pytest.raises(ValueError, match="choose from two-layers, simple-cnn"):
        preset("xyz")


def test_choice_is_a_name_a_file_or_a_text(tmp_path: Path) -> None:
    file = tmp_path / "stack.txt"
    file.write_text("relu, bn")
    assert choose_layers(str(file)) == choose_layers("relu, bn") == parse_layers("relu, bn")
    for choice, message in (
        ("vgg-61", "unknown network 'vgg-61'; did you mean vgg-16"),
        ("missing.toml", "missing.toml: no such file"),
        ("rleu, bn", "layer 1 .* did you mean relu"),
    ):
        with pytest.raises(ValueError, match=message):
            choose_layers(choice)
