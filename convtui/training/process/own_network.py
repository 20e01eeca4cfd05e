"""The user's own network in the training process: made anew for each job, and tried before it is trained.

Whatever their code does wrong is told in a line, with the innermost line of theirs.
"""

from __future__ import annotations

import os
import random
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.parameter import is_lazy

from convtui.tracing.process.loading import load_model
from convtui.tracing.process.problems import LoadError
from convtui.tracing.process.sizes import search
from convtui.tracing.process.their_code import is_of_theirs, last_of_theirs
from convtui.tracing.process.weights import load_weights
from convtui.training.datasets.minibatches import normalised
from convtui.training.datasets.open_any import DataSet
from convtui.training.own_network import OwnNetwork

TRIED: Final = 8  # images
MOST_NAMED: Final = 4  # sizes, or names of outputs
OF_MEMORY: Final = ("allocate memory", "out of memory")

_INSTALLED: Final = "site-packages"  # which nobody edits while convtui is open
_CHANNELS: Final = re.compile(r"to have (\d+) channels, but got (\d+) channels")


class TheirError(ValueError):
    """What their code did wrong, in one line."""


@dataclass(frozen=True, eq=False)
class SeenModule:
    """A module with weights in the order of the first pass; its output is changed in place after it."""

    path: str
    module: nn.Module
    is_overwritten: bool


@dataclass(frozen=True, eq=False)
class Tried:
    """What a pass in training mode has shown: its modules, and what the user should know."""

    modules: tuple[SeenModule, ...]
    notice: str = ""


@contextmanager
def theirs(network: OwnNetwork, what: str) -> Iterator[None]:
    """Around their code: raises TheirError for whatever it raises; a process that it forked ends here."""
    own = os.getpid()
    try:
        yield
    except BaseException as error:
        if os.getpid() != own:
            os._exit(1)
        if isinstance(error, MemoryError) or any(words in str(error) for words in OF_MEMORY):
            raise
        line, code = last_of_theirs(error.__traceback__)
        at = f" ({line}{': ' if code else ''}{code})" if line else ""
        raise TheirError(f"{network.name} {what}: {_words(error)}{at}") from None
    if os.getpid() != own:
        os._exit(0)


def _words(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"it ended the process with sys.exit({error.code!r})"
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def make(network: OwnNetwork, seed: int) -> tuple[nn.Module, OwnNetwork]:
    """The network with the weights that the seed draws, or those of its file, and how it is begun now.

    Their files are run anew, so that nothing is left of an earlier job. Raises TheirError.
    """
    _forget(network.target)
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)
    own = os.getpid()
    try:
        model = load_model(network.target, network.arguments)
        if network.weights:
            load_weights(model, network.weights)
    except LoadError as error:
        if os.getpid() != own:
            os._exit(1)
        last = error.details[-1].strip() if error.details and not network.weights else ""
        raise TheirError(f"{error}{f' ({last})' if last else ''}") from None
    if os.getpid() != own:
        os._exit(0)
    if not any(True for _ in model.parameters()):
        raise TheirError(f"{network.name}: has no parameters to train")
    with theirs(network, "cannot be put into training mode"):
        model.train()
    return model, network.begun(map(str, set(_their_files(network.target).values())))


def _where(target: str) -> str:
    return target.rpartition(":")[0]


def _their_files(target: str) -> dict[str, Path]:
    """The modules of theirs that are imported, by name, with their files: none of installed packages."""
    where = Path(_where(target))
    if where.suffix != ".py":
        module = sys.modules.get(str(where))
        where = Path(getattr(module, "__file__", None) or Path.cwd() / "none.py")
    folder = f"{where.resolve().parent}{os.sep}"
    if _INSTALLED in where.parts:
        return {}
    files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    return {
        name: Path(file)
        for name, file in files.items()
        if isinstance(file, str) and file.startswith(folder) and file.endswith(".py")
        if is_of_theirs(file) and _INSTALLED not in Path(file).parts
    }


def _forget(target: str) -> None:
    for name in _their_files(target):
        del sys.modules[name]


def tried(model: nn.Module, network: OwnNetwork, data: DataSet, device: torch.device) -> Tried:
    """Whether it can be trained on these images, by a pass that leaves no trace in it.

    Raises TheirError that says why not, and what would be right.
    """
    images = torch.from_numpy(np.ascontiguousarray(normalised(data.train_images[:TRIED], data))).to(device)
    labels = torch.tensor(data.train_labels[:TRIED]).to(device)
    buffers = [(each, each.detach().clone()) for each in model.buffers() if not is_lazy(each)]
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda), _seeing(model) as seen:
        try:
            with theirs(network, f"fails on images of {_size_words(images)}"):
                outputs = model(images)
        except TheirError as error:
            raise TheirError(f"{error}{_what_fits(model, images, str(error), data)}") from None
        modules = tuple(
            SeenModule(path, module, output._version != version) for path, module, output, version in seen
        )
        logits = _logits(outputs, network, data, len(images))
        if not logits.requires_grad:
            raise TheirError(f"{network.name}: no parameter is trained: its outputs require no gradient")
        with theirs(network, "fails in its backward pass"):
            cross_entropy(logits, labels).backward()
        model.zero_grad()
        model.eval()
        try:
            with torch.no_grad(), theirs(network, "fails in evaluation mode"):
                outputs = model(images)
            _logits(outputs, network, data, len(images))
        finally:
            model.train()
    with torch.no_grad():
        for buffer, before in buffers:
            buffer.copy_(before)
    return Tried(modules, _of_softmax(logits.detach(), network))


@contextmanager
def _seeing(model: nn.Module) -> Iterator[list[tuple[str, nn.Module, Tensor, int]]]:
    """Each module with weights that is called in training mode, its first output and that one's version."""
    seen: list[tuple[str, nn.Module, Tensor, int]] = []

    def see(path: str, module: nn.Module) -> Any:
        def hook(_: nn.Module, __: Any, output: Any) -> None:
            is_new = all(each is not module for _, each, *_ in seen)
            if module.training and isinstance(output, Tensor) and is_new and has_weights(module):
                seen.append((path, module, output, output._version))

        return module.register_forward_hook(hook)

    kinds = nn.Conv1d, nn.Conv2d, nn.Linear
    handles = [see(path, each) for path, each in model.named_modules() if isinstance(each, kinds)]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def has_weights(module: nn.Module) -> bool:
    """Whether it has a weight of its own, and not one that is computed at each look."""
    weight = module._parameters.get("weight")
    return weight is not None and not is_lazy(weight)


def _size_words(images: Tensor) -> str:
    return "x".join(map(str, images.shape[1:]))


def _logits(outputs: Any, network: OwnNetwork, data: DataSet, count: int) -> Tensor:
    """The outputs, if they are a logit for each image and class. Raises TheirError."""
    right = f"must give one tensor of logits [images, {len(data.classes)} classes]"
    if isinstance(outputs, dict):
        names = ", ".join(map(str, list(outputs)[:MOST_NAMED]))
        raise TheirError(f"{network.name}: gives a dict ({names}); {right}")
    if isinstance(outputs, tuple | list):
        raise TheirError(f"{network.name}: gives a {type(outputs).__name__} of {len(outputs)}; {right}")
    if not isinstance(outputs, Tensor):
        raise TheirError(f"{network.name}: gives a {type(outputs).__name__}; {right}")
    if outputs.dim() == 2 and outputs.shape[0] == count and outputs.shape[1] != len(data.classes):
        gives = f"gives {outputs.shape[1]} outputs for each image"
        raise TheirError(f"{network.name}: {gives}; {data.name} has {len(data.classes)} classes")
    if tuple(outputs.shape) != (count, len(data.classes)) or not outputs.is_floating_point():
        shape = f"{str(outputs.dtype).removeprefix('torch.')} {list(outputs.shape)} for {count} images"
        raise TheirError(f"{network.name}: gives {shape}; {right}")
    return outputs


def _of_softmax(logits: Tensor, network: OwnNetwork) -> str:
    sums = logits.sum(1)
    if (
        logits.shape[1] > 1
        and bool((logits >= 0).all())
        and bool(torch.allclose(sums, torch.ones_like(sums)))
    ):
        return (
            f"{network.name} gives probabilities, of which cross_entropy takes the softmax once more; "
            "leave out its softmax: it learns slowly, and the probabilities shown are not its own"
        )
    return ""


def _what_fits(model: nn.Module, images: Tensor, reason: str, data: DataSet) -> str:
    """What images it takes, in a clause; "" if that is not known."""
    if channels := _CHANNELS.search(reason):
        wanted, given = channels.groups()
        if int(given) == images.shape[1]:
            return f"; it takes images of {wanted} channels, {data.name} has {given}"
    try:
        found = search(model, images)
    except BaseException:  # their code runs for it, and what it raises is told already
        return ""
    side = max(images.shape[2:])
    squares = sorted(
        {rows for rows, columns in found.work if rows == columns}, key=lambda each: abs(each - side)
    )
    if not squares:
        return ""
    some = ", ".join(f"{each}x{each}" for each in sorted(squares[:MOST_NAMED]))
    return f"; images of {some} go through: image_size scales those of a folder"
