"""What PyTorch prints of an nn.Sequential is read as its layers; what a print does not tell is refused."""

from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from convtui.engine.branches import Branches
from convtui.engine.layer_text import format_layers, parse_layers
from convtui.engine.layers import Layer, Shape
from convtui.engine.pool_layers import AvgPool
from convtui.engine.presets import preset
from convtui.engine.printed_model import is_printed, read_printed
from convtui.engine.stack import summarize
from convtui.engine.upsample import Upsample
from convtui.engine.window_layers import Depthwise
from tests.engine.stacks import Torch, stacks


def printed(layers: list[Layer], image: Shape) -> nn.Sequential:
    """PyTorch's modules for a stack without branches."""
    with torch.no_grad():
        return nn.Sequential(*Torch(torch.zeros(image, dtype=torch.float64)).run(layers).modules[1:])


def folded(text: str) -> str:
    """As it stands once it is pasted into a single line."""
    return " ".join(text.split())


def tells_all(layer: Layer) -> bool:
    """Whether PyTorch prints all parameters of a layer."""
    if isinstance(layer, AvgPool):
        is_default = layer.reduction.count_include_pad and layer.reduction.divisor_override is None
        return is_default and not layer.spec.ceil_mode
    return not (isinstance(layer, Upsample) and layer.align_corners)


@settings(max_examples=60)
@given(stacks(), st.booleans())
def test_a_print_is_read_as_what_was_printed(stack: tuple[list[Layer], Shape], is_folded: bool) -> None:
    layers, image = stack
    layers = [layer for layer in layers if not isinstance(layer, Branches)]
    summary = summarize(layers, image)
    layers = [row.layer for row in summary.rows[1:]]
    model = printed(layers, image)
    assume(layers and all(type(module).__module__.startswith("torch.") for module in model))
    assume(all(tells_all(layer) for layer in layers))
    text = folded(str(model)) if is_folded else str(model)
    assert is_printed(text)
    read = read_printed(text)
    assert format_layers(read.layers) == format_layers(layers)
    read.check(summary)


@pytest.mark.parametrize("name", ["lenet-5", "alexnet", "vgg-16", "autoencoder", "simple-cnn"])
def test_networks_without_branches(name: str) -> None:
    network = preset(name)
    with torch.device("meta"), torch.no_grad():
        run = Torch(torch.empty(network.input_shape, dtype=torch.float64)).run(network.layers)
    model = read_printed(str(nn.Sequential(*run.modules[1:])))
    assert model.layers == network.layers
    assert not any(isinstance(layer, Depthwise) for layer in model.layers)
    model.check(summarize(model.layers, network.input_shape))


NESTED = nn.Sequential(
    nn.Conv2d(1, 8, 5, 2, 2, bias=False),
    nn.BatchNorm2d(8, eps=0.001, momentum=0.01),
    nn.Sequential(nn.ReLU(inplace=True), nn.Identity(), nn.Sequential(nn.Conv2d(8, 8, 3, padding="same"))),
    nn.Flatten(),
    nn.LazyLinear(10),
)
WRITTEN = "conv 5x5 8 s2 p2 nobias, bn eps=0.001, relu, conv 3x3 8 same, flatten, linear 10"


def test_nested_sequentials_follow_one_another() -> None:
    NESTED(torch.zeros(1, 1, 8, 8))
    model = read_printed(str(NESTED))
    assert model.layers == parse_layers(WRITTEN)
    assert [each.line for each in model.expected] == [2, 3, 8, 12]
    assert [each.line for each in read_printed(folded(str(NESTED))).expected] == [2, 3, 8, 12]


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("nn.Sequential(nn.Conv2d(1, 8, 5, stride=2, padding=2), nn.ReLU())", "conv 5x5 8 s2 p2, relu"),
        ("model = torch.nn.Sequential(\n    nn.ReLU(),\n    nn.MaxPool2d(2),\n)", "relu, maxpool 2"),
        ("(0): ReLU()\n(1): Tanh()", "relu, tanh"),
        (
            "Sequential(\n  (0-2): 3 x Linear(in_features=4, out_features=4)\n)",
            "linear 4, linear 4, linear 4",
        ),
        (
            "Sequential(\n  (0-1): 2 x Sequential(\n    (0): ReLU()\n    (1): Tanh()\n  )\n)",
            "relu, tanh, relu, tanh",
        ),
        ("Softmax(dim=None)", "softmax"),
    ],
)
def test_other_ways_of_writing(text: str, layers: str) -> None:
    assert is_printed(text)
    assert read_printed(text).layers == parse_layers(layers)


@pytest.mark.parametrize(
    "text", ["CONV 3x3 8", "residual(relu)", "Concat (relu | bn)", "resnet-18", "conv 3 8", ""]
)
def test_what_is_no_print(text: str) -> None:
    assert not is_printed(text)


CONV = "Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1))"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"Net(\n  (conv1): {CONV}\n)",
            "line 1: Net(: a class of its own, and its print does not tell how it",
        ),
        (
            f"Sequential(\n  (0): {CONV}\n  (1): BasicBlock(\n    (conv1): {CONV}\n  )\n)",
            "line 3: (1): BasicBlock(: a class of its own",
        ),
        (
            f"Sequential( (0): {CONV} (1): Sequential( (0): ReLU() ) (2): BasicBlock( (conv1): {CONV} ) )",
            "line 6: BasicBlock(: a class of its own",
        ),
        (
            "Sequential(\n  (0): ModuleList(\n    (0): ReLU()\n  )\n)",
            "line 2: (0): ModuleList(: a ModuleList does not tell how its modules are joined",
        ),
        (
            "Sequential(\n  (0): ReLU()\n  (1): Conv3d(3, 8, kernel_size=(3, 3, 3), stride=(1, 1, 1))\n)",
            "line 3: (1): Conv3d(3, 8, kernel_size=(3, 3, 3), stride=(1, 1, 1)): convtui has no layer",
        ),
        (
            "Sequential(\n  (0): PReLU(num_parameters=1)\n)",
            "line 2: (0): PReLU(num_parameters=1): convtui has no",
        ),
        (
            "Sequential(\n  (0): BatchNorm2d(8, affine=False)\n)",
            "line 2: (0): BatchNorm2d(8, affine=False): bn always has affine=True in convtui",
        ),
        (
            "Sequential(\n  (0): Conv2d(3, 8, kernel_size=(3, 3), stride=(0, 1))\n)",
            "line 2: (0): Conv2d(3, 8, kernel_size=(3, 3), stride=(0, 1)): stride=(0, 1): must be at least 1",
        ),
        ("Sequential(Conv2d(3))", "line 1: Conv2d(3): Conv2d has too few or other parameters"),
        ("Sequential(Conv2d(n, 8, 3))", "line 1: Conv2d(: 'n' is not a number"),
        ("Sequential(ReLU(device='cpu'))", "line 1: ReLU(device='cpu'): ReLU has no device"),
        ("Sequential(ReLU(True, 3))", "line 1: ReLU(: unexpected 3"),
        (
            "Sequential(Conv2d(0, 8, 3))",
            "line 1: Conv2d(0, 8, 3): in_channels must be whole numbers, at least 1",
        ),
        ("Sequential(*layers)", "line 1: *: nn.Sequential is read from its modules, one after another"),
        ("Sequential(\n  (0): ReLU()", "line 2: (0): ReLU(): the text ends before its last bracket"),
        ("Sequential()", "line 1: Sequential(): it has no layers"),
        ("Sequential(ReLU()) ReLU()", "line 1: ReLU: nothing may follow the module"),
        ("Sequential(" * 60, "line 1: Sequential: nested more than 50 levels deep"),
        (
            "Sequential((0-9998): 9999 x Sequential(ReLU(), ReLU()))",
            "line 2: Sequential: more than 10,000 layers",
        ),
    ],
)
def test_what_a_print_does_not_tell_is_refused_with_its_line(text: str, message: str) -> None:
    assert is_printed(text)
    with pytest.raises(ValueError, match=r".") as error:
        read_printed(text)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "image", "message"),
    [
        (
            f"Sequential(\n  (0): {CONV}\n)",
            (1, 9, 9),
            f"line 2: {CONV}: in_channels is 3, but the image has 1",
        ),
        (
            "Sequential(Conv2d(3, 8, 3), BatchNorm2d(4))",
            (3, 9, 9),
            "line 1: BatchNorm2d(4): num_features is 4, but the layer before it, conv 3x3 8, has 8",
        ),
        (
            "Sequential(Flatten(), Linear(100, 10))",
            (1, 9, 9),
            "line 1: Linear(100, 10): in_features is 100, but the layer before it, flatten, has 81",
        ),
        (
            "Sequential(LayerNorm((9, 9)))",
            (1, 9, 9),
            "line 1: LayerNorm((9, 9)): normalized_shape is [9, 9], but the image has [1, 9, 9]",
        ),
        (
            "Sequential(GroupNorm(2, 6))",
            (4, 9, 9),
            "line 1: GroupNorm(2, 6): num_channels is 6, but the image",
        ),
    ],
)
def test_inputs_are_checked(text: str, image: tuple[int, int, int], message: str) -> None:
    model = read_printed(text)
    with pytest.raises(ValueError, match=r".") as error:
        model.check(summarize(model.layers, image))
    assert str(error.value).startswith(message)


def test_what_lies_beyond_a_misfit_is_not_checked() -> None:
    model = read_printed("Sequential(MaxPool2d(9), Conv2d(7, 8, 3))")
    summary = summarize(model.layers, (3, 4, 4))
    assert summary.error
    model.check(summary)


@given(st.text("Conv2dReLUSequential(),=:0123 x'\n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        model: Any = read_printed(f"Sequential({text}")
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert model.layers
