"""Weights for the user's model from a file, without running any code that is in it."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from convtui.inputs.names import printable
from convtui.tracing.process.problems import LoadError, code_words
from convtui.tracing.saved import is_torchscript

NESTED: Final = ("state_dict", "model_state_dict", "model", "net", "weights", "module", "ema")
PREFIXES: Final = ("module.", "_orig_mod.", "model.", "net.")
MOST_LINES: Final = 40


def load_weights(model: nn.Module, name: str) -> tuple[str, ...]:
    """Put the weights of a file into the model; what the user should know about it, a line each.

    Raises LoadError with what does not fit, side by side.
    """
    weights, notices = read_weights(Path(name))
    own = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    weights, told = _without_prefix(weights, own)
    notices += told
    there = {key: tuple(value.shape) for key, value in weights.items()}
    lines = differences(own, there)
    if lines:
        shown = lines[: MOST_LINES + 1]
        if len(lines) > len(shown):
            shown = [*shown, f"and {len(lines) - len(shown)} more"]
        count = len(lines) - 1
        raise LoadError(f"--weights {printable(name)}: {count} of its weights do not fit the model", shown)
    model.load_state_dict(weights)
    return tuple(notices)


def differences(own: Mapping[str, tuple[int, ...]], there: Mapping[str, tuple[int, ...]]) -> list[str]:
    """The keys of the model and of the file that differ, side by side under a header; nothing if none do."""
    pairs = [(key, own.get(key), there.get(key)) for key in [*own, *(key for key in there if key not in own)]]
    pairs = [(key, one, other) for key, one, other in pairs if one != other]
    if not pairs:
        return []
    cells = [("weight", "the model", "the file")]
    cells += [(key, _told(one), _told(other)) for key, one, other in pairs]
    widths = [max(len(row[i]) for row in cells) for i in range(3)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def _told(shape: tuple[int, ...] | None) -> str:
    if shape is None:
        return "missing"
    return "x".join(map(str, shape)) or "one number"


def read_weights(path: Path) -> tuple[dict[str, torch.Tensor], list[str]]:
    """The weights by name, and what the user should know about how they were found. Raises LoadError."""
    shown = printable(str(path))
    if not path.is_file():
        raise LoadError(f"--weights {shown}: {'is no file' if path.exists() else 'there is no such file'}")
    if path.suffix == ".safetensors":
        return _read_safetensors(path), []
    if is_torchscript(path):
        raise LoadError(
            f"--weights {shown}: is a TorchScript file, which carries code; where it was made, save "
            'the weights alone: torch.save(model.state_dict(), "weights.pth")'
        )
    return _weights_in(_unpickled(path), shown)


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError:
        raise LoadError(
            f"--weights {printable(str(path))}: reading it needs safetensors: pip install safetensors"
        ) from None
    try:
        return dict(load_file(path))
    except (SafetensorError, OSError) as error:
        raise LoadError(f"--weights {printable(str(path))}: is no safetensors file ({error})") from None


def _unpickled(path: Path) -> Any:
    shown = printable(str(path))
    for mmap in (True, False):  # files from before PyTorch 1.6 cannot be mapped
        try:
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
        except pickle.UnpicklingError as error:
            raise LoadError(f"--weights {shown}: {_code_words(str(error))}") from None
        except (RuntimeError, OSError, EOFError, ValueError, KeyError, AttributeError, TypeError) as error:
            if not mmap:
                words = str(error).strip().splitlines() or [type(error).__name__]
                raise LoadError(f"--weights {shown}: is no file of weights ({words[0]})") from None
    raise AssertionError("unreachable")


def _code_words(error: str) -> str:
    if "GLOBAL" not in error:
        return "is no file of weights that torch.save has written"
    return code_words(error)


def _weights_in(found: Any, shown: str) -> tuple[dict[str, torch.Tensor], list[str]]:
    notices: list[str] = []
    for _ in NESTED:
        if not isinstance(found, Mapping):
            break
        tensors = {key: value for key, value in found.items() if isinstance(value, torch.Tensor)}
        nested = next((name for name in NESTED if isinstance(found.get(name), Mapping)), None)
        if nested is None:
            if not tensors:
                break
            return {str(key): value for key, value in tensors.items()}, notices
        notices = [f"{shown}: the weights under {nested!r} were taken"]
        found = found[nested]
    raise LoadError(f"--weights {shown}: has no weights by name, but a {type(found).__name__}")


def _without_prefix(
    weights: dict[str, torch.Tensor], own: Mapping[str, Any]
) -> tuple[dict[str, torch.Tensor], list[str]]:
    """Without what a wrapper puts before all names, if the names then fit better."""
    if any(key in own for key in weights):
        return weights, []
    for prefix in PREFIXES:
        if all(key.startswith(prefix) for key in weights) and any(
            key[len(prefix) :] in own for key in weights
        ):
            notice = f"the file's names begin with {prefix!r}, which was left out"
            return {key[len(prefix) :]: value for key, value in weights.items()}, [notice]
    return weights, []
