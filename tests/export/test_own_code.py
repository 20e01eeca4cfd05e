"""The code of an operation of the user's own network runs by itself and asserts what was traced."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from convtui.engine.graph.operation import Graph, Op
from convtui.export.own_code import own_code, why_no_code
from convtui.inputs.images import Picture
from convtui.store.pictures import open_any
from convtui.tracing.open_model import Opening
from convtui.tracing.process.loading import is_called, load_inputs, load_model
from convtui.tracing.process.tracer import copied, follow
from convtui.tracing.process.worker import _normalised
from convtui.tracing.protocol import Job

NET = """
import torch
import torch.nn.functional as F
from torch import nn

class Net(nn.Module):
    def __init__(self, width=4, mode="zeros"):
        super().__init__()
        conv = nn.Conv2d(1, width, 3, padding="same", dilation=2)
        self.stem = nn.Sequential(conv, nn.BatchNorm2d(width), nn.ReLU(True))
        self.twice = nn.Conv2d(width, width, 1, groups=2, bias=False)
        self.mirrored = nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect")
        self.down = nn.MaxPool2d(3, 2, 1, ceil_mode=True)
        self.mean = nn.AvgPool2d(2, 1, 1, count_include_pad=False, divisor_override=3)
        self.up = nn.ConvTranspose2d(width, 3, 3, stride=2, output_padding=1)
        self.group = nn.GroupNorm(3, 3)
        self.pool = nn.AdaptiveAvgPool2d(3)
        self.norm = nn.LayerNorm(27)
        self.fc = nn.Linear(27, 5)
    def forward(self, x, shift=0.0):
        x = self.twice(self.twice(self.stem(x)))
        x = F.max_pool2d(self.mean(self.down(self.mirrored(x))), 2, 1) + shift
        return self.fc(self.norm(self.pool(self.group(self.up(x))).flatten(1)))

model = Net()

def inputs(image):
    return {"x": image, "shift": torch.ones(1)}
"""
WITH_CODE = {
    "stem.0": "F.conv2d(given, module.weight, module.bias, module.stride, module.padding",
    "stem.1": "F.batch_norm(given, module.running_mean, module.running_var",
    "twice": "calls[1]  # call 2 of this module",
    "down": "F.max_pool2d(given, module.kernel_size",
    "mean": "module.count_include_pad, module.divisor_override",
    "up": "module.padding, (1, 1), module.groups",
    "group": "F.group_norm(given, module.num_groups",
    "pool": "F.adaptive_avg_pool2d(given, module.output_size)",
    "norm": "F.layer_norm(",
    "fc": "F.linear(given, module.weight, module.bias)",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "my-net.py"
    file.write_text(NET, "utf-8")
    return file


def traced(opening: Opening, picture: Picture, folder: Path) -> tuple[Graph, dict[int, np.ndarray]]:
    """The graph, and the outputs of its operations, as the tracing process has them."""
    np.save(folder / "image.npy", picture.pixels)
    torch.manual_seed(0)
    model = load_model(opening.target, opening.arguments)
    model.train(opening.training)
    image = _normalised(Job("", image=str(folder / "image.npy"), mean=opening.mean, std=opening.std))
    args, kwargs = ((image,), {}) if not opening.inputs else load_inputs(opening.inputs, image)[:2]
    graph = follow(model, args, kwargs, opening.target)
    found = {op.number: copied(model, args, kwargs, op.number) for op in graph.ops[1:]}
    return graph, {number: each.gave[0].numpy() for number, each in found.items() if each}


def runs(code: str, folder: Path) -> None:
    script = folder / "code.py"
    script.write_text(code, "utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("way", ["class", "inputs"])
def test_every_operation_of_a_module(file: Path, tmp_path: Path, way: str) -> None:
    arguments = ("6", "mode=zeros") if way == "class" else ()
    target = f"{file}:Net" if way == "class" else f"{file}:model"
    inputs = f"{file}:inputs" if way == "inputs" else ""
    opening = Opening(target, arguments, mean=(0.5,), std=(0.25,), inputs=inputs, training=way == "inputs")
    picture = open_any("digit-8x8-3")
    graph, outputs = traced(opening, picture, tmp_path)
    codes: list[str] = []
    for op in graph.ops:
        if why_no_code(op, graph):
            continue
        output = outputs[op.number]
        index = tuple(size // 2 for size in output.shape)
        code = own_code(opening, picture, op, index, float(output[index]), is_called(target))
        assert WITH_CODE[op.path] in code or op.call == 1
        # Each in a process would take as many imports of PyTorch: all in one, one after another.
        codes.append(code)
    assert len(codes) == len(WITH_CODE) + 1
    assert all("assert abs(output[" in code for code in codes)
    each = "import sys\nfor code in {}:\n    sys.modules.pop('my-net', None)\n    exec(code, {{}})\n"
    runs(each.format(codes), tmp_path)
    if way == "inputs":
        return
    wrong = [code.replace("item() - ", "item() - 9 - ") for code in codes[:1]]
    with pytest.raises(AssertionError, match="AssertionError"):
        runs(each.format(wrong), tmp_path)


@pytest.mark.parametrize(
    ("kind", "path", "why"),
    [
        ("input", "", "the input is no operation"),
        ("relu", "stem.2", "relu has no code here but your own line, my-net.py:"),
        ("conv2d", "mirrored", "conv2d is called by code of yours, not by a module of PyTorch's"),
        ("max_pool2d", "", "enter opens it on the Step page, where Y has its numbers"),
    ],
)
def test_what_has_no_module_of_its_own_says_why(
    file: Path, tmp_path: Path, kind: str, path: str, why: str
) -> None:
    graph, _ = traced(Opening(f"{file}:Net"), open_any("digit-8x8-3"), tmp_path)
    op = next(each for each in graph.ops if (each.kind, each.path) == (kind, path))
    assert why in why_no_code(op, graph)


def test_a_photo_is_read_scaled_and_normalised_as_before(file: Path, tmp_path: Path) -> None:
    picture = open_any("cat-64", resize=(40, 30), crop=24, gray=True)
    opening = Opening(f"{file}:Net", mean=(0.5,), std=(0.25,))
    graph, outputs = traced(opening, picture, tmp_path)
    first: Op = graph.ops[1]
    code = own_code(opening, picture, first, (0, 1, 2, 3), float(outputs[1][0, 1, 2, 3]))
    assert "resize=(40, 30), crop=24, gray=True" in code
    runs(code, tmp_path)


NAMED = """
import functools
from torch import nn

class Net(nn.Sequential):
    def __init__(self, width=4, depth=1, **settings):
        super().__init__(*(nn.Conv2d(1 if not i else width, width, 3) for i in range(depth)))

Other = Net
make = functools.partial(Net, 5)
typed: nn.Module = Net(6)
if True:
    inner = Net(7)

class Holder:
    net = Net(8)
"""


@pytest.mark.parametrize(
    ("name", "arguments", "made"),
    [
        ("Net", ("depth=2", "10"), "code.Net(10, depth=2).eval()"),
        ("Net", ("class=two", "3"), "code.Net(3, **{'class': 'two'}).eval()"),
        ("Net", ("depth=1", "depth=2"), "code.Net(depth=2).eval()"),
        ("Other", ("3",), "code.Other(3).eval()"),
        ("make", ("depth=2",), "code.make(depth=2).eval()"),
        ("typed", (), "code.typed.eval()"),
        ("inner", (), "code.inner.eval()"),
        ("Holder.net", (), "code.Holder.net.eval()"),
    ],
)
def test_the_model_is_made_however_it_is_named(
    tmp_path: Path, name: str, arguments: tuple[str, ...], made: str
) -> None:
    file = tmp_path / "named.py"
    file.write_text(NAMED, "utf-8")
    opening, picture = Opening(f"{file}:{name}", arguments), open_any("digit-8x8-3")
    graph, outputs = traced(opening, picture, tmp_path)
    value = float(outputs[1][0, 0, 1, 2])
    code = own_code(opening, picture, graph.ops[1], (0, 0, 1, 2), value, is_called(opening.target))
    assert f"model = {made}" in code
    runs(code, tmp_path)
