"""Tries the user's own network on some images before it is trained: which modules it calls, what is wrong.

The trial leaves no trace in the network. Whatever fails is told in a line that says what would be right.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import ParametrizationList

from convtui.engine.words import counted
from convtui.inputs.names import printable
from convtui.tracing.process.sizes import search
from convtui.tracing.process.their_code import silent
from convtui.tracing.process.unchanged import unchanged
from convtui.training.datasets.minibatches import normalised
from convtui.training.datasets.open_any import DataSet
from convtui.training.own_network import OwnNetwork
from convtui.training.process.own_network import TheirError, theirs

TRIED: Final = 8  # images
MOST_NAMED: Final = 4  # sizes, or names of outputs

_CHANNELS: Final = re.compile(r"to have (\d+) channels, but got (\d+) channels")


@dataclass(frozen=True, eq=False)
class SeenModule:
    """A module with weights of its own, and the largest of them with its name.

    is_overwritten: its output is changed in place after it. reach is how far the values of that lie from 0.
    """

    path: str
    module: nn.Module
    name: str
    weight: nn.Parameter
    reach: float
    is_overwritten: bool = False


@dataclass(frozen=True, eq=False)
class Tried:
    """What a pass in training mode has shown: the modules in their order, and what the user should know."""

    modules: tuple[SeenModule, ...]
    notice: str = ""


def tried(model: nn.Module, network: OwnNetwork, data: DataSet, device: torch.device) -> Tried:
    """Whether it can be trained on these images, by a pass that leaves no trace in it.

    Raises TheirError that says why not, and what would be right.
    """
    images = torch.from_numpy(np.ascontiguousarray(normalised(data.train_images[:TRIED], data))).to(device)
    labels = torch.tensor(data.train_labels[:TRIED]).to(device)
    _require_call(model, network, images)
    cuda = [device] if device.type == "cuda" else []
    with unchanged(model), torch.random.fork_rng(devices=cuda), _seeing(model) as seen:
        try:
            with theirs(network, f"fails on images of {_size_words(images)}"):
                outputs = model(images)
        except TheirError as error:
            hint = _of_dtype(model) or _what_fits(model, images, str(error), data)
            raise TheirError(f"{error}{hint}") from None
        modules = tuple(replace(each, is_overwritten=out._version != then) for each, out, then in seen)
        logits = _logits(outputs, network, data, len(images))
        if not logits.requires_grad:
            raise TheirError(f"{network.name}: no parameter is trained: {_why_frozen(model)}")
        with theirs(network, "fails in its backward pass"):
            cross_entropy(logits, labels).backward()
        for name, parameter in model.named_parameters():
            if parameter.grad is not None and parameter.grad.is_sparse:
                refused = f"{name} has sparse gradients, which the optimisers here do not take"
                raise TheirError(f"{network.name}: {refused}; make its module with sparse=False")
        model.zero_grad()
        try:
            with theirs(network, "cannot be put into evaluation mode"):
                model.eval()
            with torch.no_grad(), theirs(network, "fails in evaluation mode"):
                outputs = model(images)
            _logits(outputs, network, data, len(images))
        finally:
            with theirs(network, "cannot be put into training mode"):
                model.train()
    logits = logits.detach()
    return Tried(modules, _not_finite(logits, model, network) or _of_softmax(logits, network))


@contextmanager
def _seeing(model: nn.Module) -> Iterator[list[tuple[SeenModule, Tensor, int]]]:
    """Each module with weights that is called in training mode, its first output and that one's version."""
    seen: list[tuple[SeenModule, Tensor, int]] = []

    def see(path: str, module: nn.Module) -> Any:
        def hook(_: nn.Module, __: Any, outputs: Any) -> None:
            output, found = measured_of(outputs), largest_weight(module)
            is_new = all(each.module is not module for each, *_ in seen)
            is_real = output is not None and not output.is_meta  # other sizes are tried by shapes alone
            if module.training and output is not None and is_real and found and is_new:
                reach = float(output.detach().abs().max()) if output.numel() else 0.0
                seen.append((SeenModule(path, module, *found, reach), output, output._version))

        return module.register_forward_hook(hook)

    handles = [
        see(path, each)
        for path, each in model.named_modules()
        if not isinstance(each, torch.jit.ScriptModule | ParametrizationList)
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def measured_of(outputs: Any) -> Tensor | None:
    """What a module gives, or the first of several: the tensor whose values are measured."""
    if isinstance(outputs, Mapping):
        outputs = tuple(outputs.values())
    while isinstance(outputs, tuple | list) and outputs:
        outputs = outputs[0]
    return outputs if isinstance(outputs, Tensor) and outputs.is_floating_point() and outputs.dim() else None


def largest_weight(module: nn.Module) -> tuple[str, nn.Parameter] | None:
    """The `weight` of a module and its name, or the largest of those that it has itself.

    Of one that is computed from others, as under spectral_norm, it is one of these.
    """
    own = dict(module.named_parameters(recurse=False))
    computed = getattr(module, "parametrizations", None)
    if isinstance(computed, nn.Module):
        own |= {f"parametrizations.{name}": each for name, each in computed.named_parameters()}
    there = {name: each for name, each in own.items() if not is_lazy(each) and each.numel()}
    if not there:
        return None
    if "weight" in there:
        return "weight", there["weight"]
    return max(there.items(), key=lambda each: (each[1].dim(), each[1].numel()))


def _require_call(model: nn.Module, network: OwnNetwork, images: Tensor) -> None:
    """Raises TheirError for a forward that takes something else than the images."""
    try:
        signature = inspect.signature(model.forward)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(images)
    except TypeError:
        takes = ", ".join(signature.parameters) or "nothing"
        raise TheirError(
            f"{network.name}: its forward takes {printable(takes)}; it must take the images alone, and give "
            "their logits: the loss is cross_entropy of them"
        ) from None


def _of_dtype(model: nn.Module) -> str:
    """A clause for a network whose numbers are not of the images' type."""
    kinds = {str(each.dtype).removeprefix("torch.") for each in model.parameters()} - {"float32"}
    return f"; its weights are {' and '.join(sorted(kinds))}, the images float32" if kinds else ""


def _why_frozen(model: nn.Module) -> str:
    if not any(each.requires_grad for each in model.parameters()):
        return "requires_grad is False for all of them"
    return "its outputs require no gradient, as after detach() or under torch.no_grad()"


def _not_finite(logits: Tensor, model: nn.Module, network: OwnNetwork) -> str:
    if bool(torch.isfinite(logits).all()):
        return ""
    bad = [name for name, each in model.named_parameters() if not bool(torch.isfinite(each).all())]
    why = f": {bad[0]} has values that are not finite" if bad else ", though its weights are finite"
    return f"{network.name} gives outputs that are not finite before any training{why}"


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
        number, classes = outputs.shape[1], len(data.classes)
        gives = f"gives {counted(number, 'output')} for each image"
        needs = f"{data.name} has {counted(classes, 'class')}, and each needs one"
        raise TheirError(f"{network.name}: {gives}; {needs}")
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
            return f"; it takes images of {counted(int(wanted), 'channel')}, {data.name} has {given}"
    try:
        with silent():  # each size would print again
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
    scaled = f"; image_size {squares[0]} scales them" if data.image_size is not None else ""
    return f"; images of {some} go through{scaled}"
