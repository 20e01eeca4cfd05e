"""A model of theirs is made as python net.py would, or refused in words that help."""

import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
import torch
from torch import nn

from convtui.tracing.process.loading import load_inputs, load_model
from convtui.tracing.process.problems import LoadError

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, width, depth=1):
        super().__init__()
        self.layers = nn.Sequential(*[nn.Linear(width, width) for _ in range(depth)])
    def forward(self, x):
        return self.layers(x)

def make(**settings):
    return Net(2, **settings)

model = Net(3)
weights = model.state_dict()
number = 5
def inputs():
    return {"x": torch.zeros(1, 3)}
def pair():
    return torch.zeros(1), torch.ones(1)
def broken():
    raise KeyError("no")
def of_image(image, size=2):
    return {"x": image}
"""


@pytest.fixture(autouse=True)
def imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with the file, in which one is; what is imported is forgotten."""
    (tmp_path / "mine.py").write_text(NET, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "stdin", StringIO())
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def refused(target: str, *arguments: str) -> str:
    with pytest.raises(LoadError) as caught:
        load_model(target, arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_class_with_arguments() -> None:
    model = load_model("mine.py:Net", ["4", "depth=2"])
    assert [each.in_features for each in model.layers] == [4, 4]  # type: ignore[union-attr]


def test_a_function_a_model_and_a_module() -> None:
    assert len(list(load_model("mine.py:make", ["depth=3"]).parameters())) == 6
    assert load_model("mine:model", []).state_dict()["layers.0.bias"].shape == (3,)
    assert isinstance(load_model("torch.nn:Flatten", []), nn.Flatten)


def test_inputs_of_theirs() -> None:
    assert list(load_inputs("mine.py:inputs")[1]) == ["x"]
    assert len(load_inputs("mine.py:pair")[0]) == 2
    image = torch.rand(1, 3, 4, 4)
    args, named, is_taken = load_inputs("mine.py:of_image", image)
    assert (args, is_taken) == ((), True)
    assert named["x"] is image
    assert not load_inputs("mine.py:pair", image)[2]
    with pytest.raises(LoadError, match=r"takes an image; --input 3x224x224 gives it one of random numbers"):
        load_inputs("mine.py:of_image")
    with pytest.raises(LoadError, match=r"--inputs mine\.py:number: gives an int, not a tensor"):
        load_inputs("mine.py:number")
    with pytest.raises(LoadError, match=r"--inputs mine\.py:broken: failed: KeyError: 'no'"):
        load_inputs("mine.py:broken")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("mine.py", "name the class, or a function that makes the model: mine.py:Net or mine.py:model"),
        ("mine.py:Nett", "has no Nett; did you mean Net?"),
        ("mine.py:zzzz", "has no zzzz; there is mine.py:Net or mine.py:model"),
        ("mine.py:weights", "so there is no graph to show; name the class"),
        ("mine.py:number", "is an int, not a class, function or model"),
        ("mine.py:NET", "has no NET; did you mean Net?"),
        ("mine.py:Net.forwards", "has no Net.forwards; did you mean forward?"),
        ("mine.py:Net", "mine.py:Net: needs its argument width; arguments follow after --: -- width=…"),
        ("torch.n:Linear", "torch.n: there is no such module or file; did you mean torch.nn"),
        ("mime.py:Net", "there is no such file; did you mean mine.py?"),
        ("no_such_package.inside:Net", "there is no such module or file"),
        ("mine.py:broken", "cannot be made: KeyError: 'no'"),
        (".:Net", "is a folder; name a file"),
    ],
)
def test_what_is_refused(target: str, words: str) -> None:
    assert words in refused(target)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys\nsys.exit(2)\n", "cannot be run: it ended the process with sys.exit(2)"),
        ("def f(:\n", "cannot be run: wrong.py:1: "),
        ("x = 1 / 0\n", "cannot be run: ZeroDivisionError: division by zero"),
        ("import no_such_thing.inside\n", "-m pip install no_such_thing"),
        ("import cv2\n", "-m pip install opencv-python"),
        ("import torch.no_such_thing\n", "No module named 'torch.no_such_thing'"),
        ("width = input('How wide? ')\n", "its input() has nobody to answer: give what it asks for as arg"),
        ("raise KeyboardInterrupt\n", "cannot be run: KeyboardInterrupt"),
        ("raise MemoryError\n", "cannot be run: not enough memory"),
    ],
)
def test_what_goes_wrong_in_their_file(code: str, words: str) -> None:
    Path("wrong.py").write_text(code, "utf-8")
    assert words in refused("wrong.py:Net")
    with pytest.raises(LoadError) as caught:
        load_model("wrong.py:Net", [])
    assert all("wrong.py" in line or line in code for line in caught.value.details)


def test_what_goes_wrong_when_it_is_made_is_told_with_its_shapes() -> None:
    code = (
        "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.conv = nn.Conv2d(1, 8, 3)\n"
        "        self.width = self.conv(torch.zeros(1, 3, 28, 28)).numel()\n"
    )
    Path("made.py").write_text(code, "utf-8")
    with pytest.raises(LoadError) as caught:
        load_model("made.py:Net", [])
    assert str(caught.value).startswith("made.py:Net: cannot be made: RuntimeError: ")
    *_, frame, shapes = caught.value.details
    assert frame.startswith("made.py:9 in __init__: self.width = ")
    assert shapes == "tensors there: input 1x3x28x28, weight 8x1x3x3, bias 8"


def test_arguments_of_a_wrong_value_are_no_missing_ones() -> None:
    words = refused("mine.py:Net", "wide", "depth=2")
    assert words.startswith("mine.py:Net: cannot be made with wide depth=2: TypeError: ")
    assert "needs" not in words
    assert refused("mine.py:Net", "4", "deep=2").endswith("takes no argument deep; did you mean depth?")


def test_memory_that_there_is_not_is_told_in_bytes_and_sizes() -> None:
    assert refused("torch.nn:Linear", "1000000", "100000000") == (
        "torch.nn:Linear: cannot be made with 1000000 100000000: not enough memory: 400 TB were asked for at "
        "once; for Linear(in_features=1000000, out_features=100000000)"
    )


def test_a_file_of_a_package_is_to_be_named_as_its_module(monkeypatch: pytest.MonkeyPatch) -> None:
    inside = Path("pack", "deep")
    inside.mkdir(parents=True)
    for folder in (Path("pack"), inside):
        (folder / "__init__.py").touch()
    (inside / "net.py").write_text("from ..blocks import Net\n", "utf-8")
    Path("pack", "blocks.py").write_text(NET, "utf-8")
    Path("pack", "__init__.py").write_text("from .blocks import Net\n", "utf-8")
    told = "it is part of a package: name it as the module pack.deep.net"
    assert refused("pack/deep/net.py:Net").endswith(told)
    assert load_model("pack.deep.net:Net", ["3"])
    assert load_model("pack:Net", ["3"])
    assert "no such module or file; did you mean pack.deep or pack." in refused("pack.depe.net:Net")
    monkeypatch.chdir(inside)
    assert refused("net.py:Net").endswith(f"{told}, in the folder {Path.cwd().parents[1]}")


def test_inputs_take_an_image_at_most() -> None:
    Path("takes.py").write_text("def make(n, m): ...\n", "utf-8")
    with pytest.raises(LoadError, match="takes n, m; it is given the image alone, or nothing"):
        load_inputs("takes.py:make")


def test_names_with_spaces_and_umlauts_and_links() -> None:
    Path("mein Netz.py").write_text(NET, "utf-8")
    Path("größe.py").write_text(NET.replace("Net", "Größe"), "utf-8")
    Path("linked.py").symlink_to("mine.py")
    assert load_model("mein Netz.py:Net", ["2"])
    assert load_model("größe.py:Größe", ["2"])
    assert load_model("linked.py:Net", ["2"])
    assert load_model(str(Path.cwd() / "mine.py:Net"), ["2"])


def test_a_file_without_a_model_of_its_own() -> None:
    Path("none.py").write_text("from torch import nn\nnumber = 3\n", "utf-8")
    told = "has no nn.Module of its own; name a function that makes the model: none.py:make"
    assert refused("none.py") == f"none.py: {told}"
    assert refused("none.py:zzzz") == f"none.py: has no zzzz; it {told}"


def test_the_line_of_a_syntax_error_is_shown() -> None:
    Path("wrong.py").write_text("import os\n\ndef f(:\n", "utf-8")
    with pytest.raises(LoadError) as caught:
        load_model("wrong.py:Net", [])
    assert str(caught.value) == "wrong.py: cannot be run: wrong.py:3: invalid syntax"
    assert caught.value.details == ("def f(:",)


def test_files_that_are_no_code() -> None:
    torch.save({"a": torch.zeros(1)}, "weights.pth")
    assert "a state dict: weights by name, without the code" in refused("weights.pth")
    assert "--weights weights.pth" in refused("weights.pth")
    Path("net.onnx").write_bytes(b"")
    assert "ONNX files are not read" in refused("net.onnx")
    Path("text.txt").write_text("", "utf-8")
    assert "is no Python file" in refused("text.txt:Net")


def test_torchscript_says_why() -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(nn.ReLU()), "scripted.pt")
    assert "a TorchScript file: its operations cannot be followed" in refused("scripted.pt")


def test_a_file_called_as_a_module_of_pythons_does_not_take_its_place() -> None:
    Path("json.py").write_text(NET, "utf-8")
    import json

    assert load_model("json.py:model", [])
    assert sys.modules["json"] is json
