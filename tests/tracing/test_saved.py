"""What is told of files that are no code; nothing of them is run, and PyTorch is not needed for it."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from torch import nn

from convtui.tracing.saved import EXPORT, refusal


class Marked(nn.Module):
    """A model that would leave a mark if it were opened."""

    def __setstate__(self, state: dict[str, object]) -> None:
        os.environ["CONVTUI_OPENED"] = "yes"
        self.__dict__.update(state)


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("is_archive", [True, False])
def test_a_whole_model_is_told_from_a_state_dict(is_archive: bool) -> None:
    torch.save(Marked(), "whole.pt", _use_new_zipfile_serialization=is_archive)
    torch.save({"epoch": 3, "model": Marked()}, "both.ckpt", _use_new_zipfile_serialization=is_archive)
    torch.save(nn.Linear(2, 1).state_dict(), "weights.pth", _use_new_zipfile_serialization=is_archive)
    for name in ("whole.pt", "both.ckpt"):
        words = refusal(name)
        assert words.startswith(f"{name}: a whole model ({__name__}.Marked), whose code would run")
        assert f"name the class: {__name__}:Marked" in words
    assert refusal("weights.pth").startswith("weights.pth: a state dict: weights by name")
    assert "net.py:Net --weights weights.pth" in refusal("weights.pth")
    Path("weights.pth").rename("weights.pt2")
    assert refusal("weights.pt2").startswith("weights.pt2: a state dict: weights by name")
    assert "CONVTUI_OPENED" not in os.environ


def test_torchscript_and_exported_networks_by_another_name() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(nn.ReLU()), "scripted.pt")
    assert refusal("scripted.pt").startswith("scripted.pt: a TorchScript file")
    assert EXPORT in refusal("scripted.pt")
    torch.export.save(torch.export.export(nn.ReLU(), (torch.zeros(1, 2),)), "net.pt2")
    assert refusal("net.pt2") == ""
    Path("scripted.pt").rename("scripted.pt2")
    assert refusal("scripted.pt2").startswith("scripted.pt2: a TorchScript file")
    Path("net.pt2").rename("net.pt")
    assert refusal("net.pt") == "net.pt: an exported network; give it a name that ends in .pt2"


@pytest.mark.parametrize(
    ("name", "contents", "words"),
    [
        ("net.onnx", b"\x08\x07", "ONNX files are not read"),
        ("net.keras", b"", "a .keras file cannot be traced"),
        ("net.safetensors", b"\x02\0\0\0\0\0\0\0{}", "a state dict"),
        ("net.pth", b"", "is empty"),
        ("net.pt2", b"", "is empty"),
        ("net.pt2", b"text", "is a text file; name a Python file and a class in it: net.py:Net"),
        ("net.pth", b"\0" * 9, "is no file that PyTorch wrote; name a Python file"),
        (
            "net.pth",
            b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80",
            "is a file that torch.save wrote before PyTorch 1.6, but cut off or damaged; name a Python file",
        ),
        ("net.PT", b"PK\x03\x04", "is a zip archive that is cut off or damaged, as after a download"),
    ],
)
def test_other_files(name: str, contents: bytes, words: str) -> None:
    Path(name).write_bytes(contents)
    assert refusal(name).startswith(f"{name}: {words}")
    assert "\n" not in refusal(name)


def test_code_images_are_no_matter_of_this() -> None:
    Path("net.py").write_text("", "utf-8")
    assert [refusal(each) for each in ("net.py", "net.py:Net", "cat-64")] == [""] * 3
    Path("weights.pth").touch()
    assert refusal("weighs.pth") == "weighs.pth: there is no such file; did you mean weights.pth?"


def test_both_commands_say_it_without_pytorch() -> None:
    Path("net.onnx").write_bytes(b"\x08\x07")
    code = (
        "import sys; from convtui.cli.main import main\n"
        "for arguments in (['trace', 'net.onnx'], ['net.onnx', 'cat-64'], ['net.onnx']):\n"
        "    print(main(arguments))\n"
        "print('torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "2", "2", "False"]
    assert [line.partition("net.onnx: ")[2][:24] for line in done.stderr.splitlines()] == [
        "ONNX files are not read;"
    ] * 3
