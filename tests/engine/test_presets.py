"""The known networks have their published parameters, and PyTorch's shapes."""

from itertools import pairwise
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
        ("mobilenet-v2", 3_504_872),
        ("densenet-121", 7_978_856),
        ("inception-v3", 23_834_568),  # torchvision's 27,161,264 without the 3,326,696 of AuxLogits
        ("dcgan-generator", 3_576_704),
    ],
)
def test_published_parameters(name: str, parameters: int) -> None:
    assert summarize(preset(name).layers, preset(name).input_shape).parameters == parameters


@pytest.mark.parametrize("size", [(64, 64), (96, 70), (224, 224), (225, 130), (300, 512)])
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("alexnet", 61_100_840),
        ("vgg-16", 138_357_544),
        ("resnet-18", 11_689_512),
        ("resnet-50", 25_557_032),
        ("mobilenet-v2", 3_504_872),
        ("densenet-121", 7_978_856),
    ],
)
def test_parameters_are_the_same_at_any_size(name: str, parameters: int, size: tuple[int, int]) -> None:
    layers, image = preset(name).layers, (3, *size)
    summary = summarize(layers, image)
    assert (summary.error, summary.parameters) == (None, parameters)
    with torch.device("meta"), torch.no_grad():
        computed = Torch(torch.empty(image, dtype=torch.float64)).run(layers)
    assert [row.output_shape for row in summary.rows] == [tuple(output.shape) for output in computed.outputs]
    assert sum(p.numel() for module in computed.modules for p in module.parameters()) == parameters


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("alexnet", 0.71),
        ("vgg-16", 15.47),
        ("resnet-18", 1.81),
        ("resnet-50-v1.5", 4.09),
        ("mobilenet-v2", 0.30),
        ("densenet-121", 2.83),
        ("inception-v3", 5.71),
    ],
)
def test_published_multiply_adds(name: str, billions: float) -> None:
    count = summarize(preset(name).layers, preset(name).input_shape).multiply_adds
    assert round(count / 1e9, 2) == billions


def test_u_net_has_the_parameters_of_the_papers_convolutions() -> None:
    widths = [1, 64, 128, 256, 512, 1024]

    def twice(before: int, after: int) -> int:
        return (9 * before + 1) * after + (9 * after + 1) * after

    down = sum(twice(before, after) for before, after in pairwise(widths))
    up = sum((4 * 2 * half + 1) * half + twice(2 * half, half) for half in widths[1:-1])
    summary = summarize(preset("u-net").layers, (1, 224, 224))
    assert summary.parameters == down + up + (64 + 1) * 2
    assert summary.rows[-1].output_shape == (2, 224, 224)
    assert [row.layer.kind for row in summary.rows].count("conv") == 19  # and 4 up-convolutions, 23 in all


def test_an_autoencoder_restores_the_shape() -> None:
    for size in (28, 28), (32, 64):
        assert summarize(preset("autoencoder").layers, (1, *size)).rows[-1].output_shape == (1, *size)
    assert summarize(preset("dcgan-generator").layers, (100, 1, 1)).rows[-1].output_shape == (3, 64, 64)


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
    with pytest.raises(ValueError, match=r"unknown network 'xgg-99'; choose from two-layers, simple-cnn"):
        preset("xgg-99")
    with pytest.raises(ValueError, match="choose from two-layers, simple-cnn"):
        preset("xyz")


@pytest.mark.parametrize(
    "name", ["vgg-19", "VGG19", "vgg16_bn", "resnet-152", "wide_resnet50_2", "mobilenet_v3_small"]
)
def test_other_networks_are_told_not_replaced(name: str) -> None:
    for find in preset, choose_layers:
        with pytest.raises(
            ValueError, match=f"convtui has no network '{name}'; it has two-layers, simple-cnn"
        ):
            find(name)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("resnet", "resnet-18 or resnet-50 or resnet-50-v1.5"),
        ("lenet", "lenet-5"),
        ("alexnt", "alexnet"),
        ("mobilenet", "mobilenet-v2"),
    ],
)
def test_names_cut_short_and_misspelt_are_completed(name: str, meant: str) -> None:
    for find in preset, choose_layers:
        with pytest.raises(ValueError, match=rf"unknown network '{name}'; did you mean {meant}\?"):
            find(name)


def test_choice_is_a_name_a_file_or_a_text(tmp_path: Path) -> None:
    file = tmp_path / "stack.txt"
    file.write_text("relu, bn")
    assert choose_layers(str(file)) == choose_layers("relu, bn") == parse_layers("relu, bn")
    for choice, message in (
        ("vgg-61", "convtui has no network 'vgg-61'"),
        ("missing.toml", "missing.toml: no such file"),
        ("rleu, bn", "layer 1 .* did you mean relu"),
    ):
        with pytest.raises(ValueError, match=message):
            choose_layers(choice)
