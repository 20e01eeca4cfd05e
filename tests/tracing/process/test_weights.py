"""Weights from files: those that fit, what does not side by side, and what would run code."""

import argparse
import pickle
import warnings
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from convtui.tracing.process.problems import LoadError
from convtui.tracing.process.weights import differences, load_weights


def model() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))


def filled(seed: int = 3) -> nn.Sequential:
    made = model()
    with torch.no_grad():
        for each in made.parameters():
            each.copy_(torch.rand(each.shape, generator=torch.Generator().manual_seed(seed)))
    return made


def is_alike(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("form", ["safetensors", "pth", "old", "nested", "wrapped"])
def test_weights_that_fit(form: str, tmp_path: Path) -> None:
    path, source, into = tmp_path / f"w.{form}", filled(), model()
    state = source.state_dict()
    notices: tuple[str, ...] = ()
    if form == "safetensors":
        save_file(state, path)
    elif form == "old":
        torch.save(state, path, _use_new_zipfile_serialization=False)
    elif form == "nested":
        torch.save({"epoch": 3, "state_dict": state}, path)
        notices = (f"{path}: the weights under 'state_dict' were taken",)
    elif form == "wrapped":
        torch.save({f"module.{name}": each for name, each in state.items()}, path)
        notices = ("the file's names begin with 'module.', which was left out",)
    else:
        torch.save(state, path)
    assert load_weights(into, str(path)) == notices
    assert is_alike(source, into)


def refused(path: Path) -> LoadError:
    with pytest.raises(LoadError) as caught:
        load_weights(model(), str(path))
    assert "\n" not in str(caught.value)
    return caught.value


def test_what_does_not_fit_side_by_side(tmp_path: Path) -> None:
    state = filled().state_dict()
    state["0.weight"] = torch.zeros(2, 3, 3, 3)
    del state["1.bias"]
    state["2.weight"] = torch.zeros(())
    torch.save(state, tmp_path / "w.pth")
    error = refused(tmp_path / "w.pth")
    told = "1 of another shape, 1 missing in the file, 1 missing in the model"
    assert str(error).endswith(f"w.pth: 3 weights do not fit the model: {told}")
    assert [line.split(maxsplit=1) for line in error.details] == [
        ["weight", "the model  the file"],
        ["0.weight", "2x1x3x3    2x3x3x3"],
        ["1.bias", "2          missing"],
        ["2.weight", "missing    one number"],
    ]


def test_nothing_is_changed_where_something_does_not_fit(tmp_path: Path) -> None:
    state = filled().state_dict()
    del state["1.bias"]
    torch.save(state, tmp_path / "w.pth")
    into = filled(5)
    with pytest.raises(LoadError):
        load_weights(into, str(tmp_path / "w.pth"))
    assert is_alike(into, filled(5))


def test_what_would_run_code_is_refused(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (marker,)

    torch.save({"w": torch.zeros(1), "evil": Evil()}, tmp_path / "evil.pth")
    assert "would run code of its own when opened" in str(refused(tmp_path / "evil.pth"))
    assert not marker.exists()
    torch.save({"state_dict": {}, "args": argparse.Namespace(a=1)}, tmp_path / "args.pth")
    assert "(argparse.Namespace)" in str(refused(tmp_path / "args.pth"))
    torch.save(model(), tmp_path / "whole.pth")
    assert "torch.save(model.state_dict()" in str(refused(tmp_path / "whole.pth"))


def test_torchscript_is_refused(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(nn.ReLU()), tmp_path / "s.pt")
    assert "is a TorchScript file, which carries code" in str(refused(tmp_path / "s.pt"))


@pytest.mark.parametrize(
    ("name", "contents", "words"),
    [
        ("w.pth", b"", "is empty"),
        ("w.safetensors", b"", "is empty"),
        ("w.txt", b"no weights at all", "is a text file; name what torch.save(model.state_dict(), "),
        ("w.pth", b"no weights at all", "is a text file; name what torch.save("),
        ("w.safetensors", b"no weights at all", "is a text file; name what torch.save("),
        ("w.png", b"\x89PNG\r\n\x1a\n", "is a PNG image; name what torch.save("),
        ("w.pth.gz", b"\x1f\x8b\x08", "is a gzip file: unpack it first"),
        ("w.pth", b"PK\x03\x04cut off", "is a zip archive that is cut off or damaged, as after a download"),
        ("w.onnx", b"\x08\x07\x12\x07pytorch", "is an ONNX file; name what torch.save("),
        ("w.bin", b"\x0b\x00" * 90, "is no file that torch.save or safetensors wrote; name what"),
        ("w.pkl", pickle.dumps({"a": [1, 2]}), "is a Python pickle that torch.save did not write; name what"),
        ("w.safetensors", b"\x40\0\0\0\0\0\0\0{", "is a safetensors file that is cut off or damaged ("),
    ],
)
def test_files_of_something_else(name: str, contents: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(contents)
    assert str(refused(path)).startswith(f"--weights {path}: {words}")


def test_no_file_a_folder_and_one_that_may_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "w.pth"
    torch.save({}, tmp_path / "W2.pth")
    assert str(refused(path)) == f"--weights {path}: there is no such file; did you mean W2.pth?"
    path.mkdir()
    assert str(refused(path)) == f"--weights {path}: is a folder; name a file in it"

    def forbidden(self: Path, _: str) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", forbidden)
    path = tmp_path / "W2.pth"
    assert str(refused(path)) == f"--weights {path}: cannot be read (Permission denied)"


@pytest.mark.parametrize("is_archive", [True, False])
def test_files_that_are_cut_off(is_archive: bool, tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save(filled().state_dict(), path, _use_new_zipfile_serialization=is_archive)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "cut off or damaged" in str(refused(path))
    save_file(filled().state_dict(), tmp_path / "w.safetensors")
    whole = (tmp_path / "w.safetensors").read_bytes()
    (tmp_path / "w.safetensors").write_bytes(whole[:-3])
    assert "is a safetensors file that is cut off or damaged (" in str(refused(tmp_path / "w.safetensors"))


def test_the_name_of_a_file_does_not_matter(tmp_path: Path) -> None:
    state = filled().state_dict()
    torch.save(state, tmp_path / "w.safetensors")
    save_file(state, tmp_path / "w.pth")
    for name in ("w.safetensors", "w.pth"):
        into = model()
        assert load_weights(into, str(tmp_path / name)) == ()
        assert is_alike(into, filled())


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (torch.zeros(3), "has no weights by name, but a Tensor; save the weights alone"),
        ([torch.zeros(3)], "has no weights by name, but a list; save the weights alone"),
        (3, "has no weights by name, but an int; save the weights alone"),
        ({}, "has no weights by name; save the weights alone"),
        ({"epoch": 3, "optimizer": {"state": {}}}, "has no weights by name, but epoch, optimizer; save the"),
    ],
)
def test_a_file_without_weights_by_name(held: object, words: str, tmp_path: Path) -> None:
    torch.save(held, tmp_path / "w.pth")
    assert words in str(refused(tmp_path / "w.pth"))


def test_of_several_networks_in_a_file_the_one_that_fits_is_taken(tmp_path: Path) -> None:
    path, into = tmp_path / "gan.pth", model()
    other = nn.Linear(2, 3).state_dict()
    torch.save({"step": torch.tensor(3), "critic": other, "generator": filled().state_dict()}, path)
    assert load_weights(into, str(path)) == (f"{path}: the weights under 'generator' were taken",)
    assert is_alike(into, filled())
    torch.save({"params": filled(1).state_dict(), "params_ema": filled(2).state_dict()}, path)
    told = f"{path}: the weights under 'params' were taken; 'params_ema' would fit as well"
    assert load_weights(into, str(path)) == (told,)
    assert is_alike(into, filled(1))


def test_any_prefix_is_left_out_and_one_that_lacks_is_told(tmp_path: Path) -> None:
    path, state = tmp_path / "w.pth", filled().state_dict()
    torch.save({f"module.backbone.{name}": each for name, each in state.items()}, path)
    assert load_weights(model(), str(path)) == (
        "the file's names begin with 'module.backbone.', which was left out",
    )
    torch.save(state, path)
    with pytest.raises(LoadError, match=r"the names of the model begin with 'body\.', those in the file do"):
        load_weights(nn.Sequential(OrderedDict(body=model())), str(path))


def test_a_lazy_module_takes_what_the_file_has(tmp_path: Path) -> None:
    torch.save(nn.Linear(5, 2).state_dict(), tmp_path / "w.pth")
    into = nn.LazyLinear(2)
    assert load_weights(into, str(tmp_path / "w.pth")) == ()
    assert into.weight.shape == (2, 5)


def test_more_differences_than_fit_on_a_screen_are_counted(tmp_path: Path) -> None:
    torch.save({f"layer{i}.weight": torch.zeros(2) for i in range(300)}, tmp_path / "w.pth")
    error = refused(tmp_path / "w.pth")
    told = "7 missing in the file, 300 missing in the model"
    assert str(error).endswith(f"307 weights do not fit the model: {told}")
    assert len(error.details) == 20
    assert error.details[-1] == "and 289 more"


def test_nothing_differs() -> None:
    assert differences({"a": (1, 2)}, {"a": (1, 2)}) == []
