"""The user's own network in the training process: made anew for each job, and tried before it is trained.

Whatever their code does wrong is told in a line, with the innermost line of theirs.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convtui.inputs.names import printable
from convtui.tracing.process.loading import load_model
from convtui.tracing.process.problems import LoadError, error_words
from convtui.tracing.process.their_code import is_of_theirs, last_of_theirs
from convtui.tracing.process.weights import load_weights, weight_shape_text
from convtui.training.own_network import OwnNetwork
from convtui.training.process.network import seed_all

OF_MEMORY: Final = ("allocate memory", "out of memory")
MOST_UNLIKE: Final = 2  # weights

_INSTALLED: Final = "site-packages"  # which nobody edits while convtui is open
_TWICE: Final = "backward through the graph a second time"
_SAVED: Final = (
    *(torch.float32, torch.float16, torch.float64, torch.bool, torch.uint8),
    *(torch.int8, torch.int16, torch.int32, torch.int64),
)


class TheirError(ValueError):
    """What their code did wrong, in one line."""


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
    words = error_words(error)
    if _TWICE in words:
        kind = type(error).__name__
        return f"{kind}: it uses a tensor of the step before, which must be detached: h = h.detach()"
    return words


def make(network: OwnNetwork, seed: int) -> tuple[nn.Module, OwnNetwork]:
    """The network with the weights that the seed draws, or those of its file, and how it is begun now.

    Their files are run anew, so that nothing is left of an earlier job. Raises TheirError.
    """
    _forget(network.target)
    seed_all(seed)
    own = os.getpid()
    try:
        model = load_model(network.target, network.arguments)
        if network.weights:
            load_weights(model, network.weights)
    except LoadError as error:
        if os.getpid() != own:
            os._exit(1)
        reason = str(error).replace(printable(network.target), network.name)
        raise TheirError(f"{reason}{_detail(error)}") from None
    if os.getpid() != own:
        os._exit(0)
    if not any(True for _ in model.parameters()):
        raise TheirError(f"{network.name}: has no parameters to train")
    for name, each in model.state_dict().items():
        if not isinstance(each, Tensor):
            raise TheirError(f"{network.name}: {name} of its state is no tensor, and cannot be saved")
        if each.dtype not in _SAVED:
            kind = str(each.dtype).removeprefix("torch.")
            raise TheirError(f"{network.name}: {name} is {kind}, which cannot be saved; make it float32")
    with theirs(network, "cannot be put into training mode"):
        model.train()
    return model, network.begun(map(str, set(_their_files(network.target).values())))


def _detail(error: LoadError) -> str:
    """The line of theirs that led to it, or the first weight that does not fit."""
    if not error.details:
        return ""
    if error.details[0].startswith("weight "):
        name, own, there = re.split(r"\s{2,}", error.details[1])
        return f": {name} is {own} in the model, {there} in the file"
    return f" ({error.details[-1].strip()})"


def unlike(model: nn.Module, weights: Mapping[str, NDArray[Any]]) -> str:
    """Which weights of a checkpoint are not those of the model, in words; "" if all fit."""
    own = {name: tuple(each.shape) for name, each in model.state_dict().items()}
    kept = {name: each.shape for name, each in weights.items()}
    found = [name for name in dict.fromkeys((*own, *kept)) if own.get(name) != kept.get(name)]
    told = []
    for name in found[:MOST_UNLIKE]:
        shapes = weight_shape_text(own.get(name)), weight_shape_text(kept.get(name))
        told.append("{}, {} in the code, {} in the run".format(printable(name), *shapes))
    more = len(found) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more > 0 else "")


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
