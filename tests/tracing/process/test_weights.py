"""Weights from files: those that fit, what does not side by side, and what would run code."""

import argparse
import warnings
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
    assert str(error).endswith("3 of its weights do not fit the model")
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


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_files_of_something_else(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    assert "there is no such file" in str(refused(path))
    path.write_bytes(b"no weights at all")
    assert "is no " in str(refused(path))
    path.write_bytes(b"")
    assert "is no " in str(refused(path))


def test_a_file_without_names(tmp_path: Path) -> None:
    torch.save(torch.zeros(3), tmp_path / "w.pth")
    assert "has no weights by name, but a Tensor" in str(refused(tmp_path / "w.pth"))


def test_nothing_differs() -> None:
    assert differences({"a": (1, 2)}, {"a": (1, 2)}) == []
