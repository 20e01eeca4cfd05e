"""The network of a kept run with the weights of a checkpoint, to be measured or looked into.

Whatever does so in the training process gets its network here, be it the bundled one or the user's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from convtui.tracing.process.unchanged import unchanged
from convtui.training.datasets.open_any import DataSet
from convtui.training.devices import CPU
from convtui.training.own_network import OwnNetwork
from convtui.training.process.network import devices_there, model_of, seed_all, to_tensor
from convtui.training.process.own_network import TheirError, make, theirs, unlike
from convtui.training.process.trial import tried
from convtui.training.recipe import Recipe
from convtui.training.runs.checkpoint import Arrays

FEW: Final = 16  # images at once, where nothing else is known


@dataclass(frozen=True, eq=False)
class Restored:
    """A run's network after a step, in evaluation mode, on the device that it is measured on.

    network: the user's, None for the bundled one. source is the digest of its code as it is now, "" for the
    bundled one. notice: what the user should know of it.
    """

    model: nn.Module
    device: torch.device
    network: OwnNetwork | None = None
    source: str = ""
    notice: str = ""

    def to_tensor(self, images: NDArray[np.float32]) -> Tensor:
        """Normalised images [n, channels, rows, columns] as the network was trained on them."""
        laid_out = torch.from_numpy(images).contiguous() if self.network else to_tensor(images)
        return laid_out.to(self.device)

    def theirs(self, what: str = "failed while it was measured") -> AbstractContextManager[None]:
        """Around what may be the user's code."""
        return theirs(self.network, what) if self.network else nullcontext()

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """What it draws is drawn from seed 0, and its buffers are afterwards as they were."""
        seed_all(0)
        with unchanged(self.model) if self.network else nullcontext():
            yield


def restored(
    recipe: Recipe,
    data: DataSet,
    weights: Arrays | None,
    step: int,
    shape: tuple[int, int, int] | None = None,
) -> Restored:
    """The network of a recipe with the weights after a step, of a network of the user's by its code as it is.

    Without weights it has those that it begins with. shape: that of other images [channels, rows, columns]
    than the data's. It is on the device that the run was trained on, or, where that is not there, on the CPU.
    Raises ValueError for weights that are not of this recipe and data, and TheirError.
    """
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)  # as Training begins
    device = torch.device(recipe.device if recipe.device in devices_there() else CPU)
    if recipe.network is None:
        model: nn.Module = model_of(recipe, data, shape).to(device)
        _fill(model, weights, f"the checkpoint of step {step} does not match its recipe and data")
        return Restored(model.eval(), device)
    network = recipe.network
    model, begun = make(network if weights is None else network.without_weights(), recipe.seed)
    model = model.to(device)
    told = tried(model, network, data, device).notice
    since = network.changed_words(begun)
    if weights is not None and (differs := unlike(model, weights)):
        raise TheirError(f"{since or network.name}: its weights are not those of the run: {differs}")
    _fill(model, weights, f"{since or network.name}: the weights after step {step} do not fit it")
    with theirs(network, "cannot be put into evaluation mode"):
        model.eval()
    notice = f"{since}: it is measured with the code as it is now" if since else told
    return Restored(model, device, network, begun.digest, notice)


def _fill(model: nn.Module, weights: Arrays | None, reason: str) -> None:
    if weights is None:
        return
    try:
        model.load_state_dict({name: torch.tensor(each) for name, each in weights.items()})
    except (RuntimeError, TypeError):
        raise ValueError(reason) from None


def at_once(subject: Restored, images: Tensor, most: int, multiply_adds: int, values: int) -> int:
    """How many images like these go through a network at once, at most so many.

    They cost no more multiply-adds, and make no more values on their way, than that; at least one goes.
    It follows from the network alone, so that sums are rounded alike whenever they are made.
    """
    try:
        with (
            subject.unchanged(),
            torch.no_grad(),
            _Counting() as made,
            FlopCounterMode(display=False) as flops,
        ):
            subject.model(images.clone())
    except Exception:  # a mode that their code does not take
        return min(FEW, most)
    costs = (multiply_adds, flops.get_total_flops() / 2), (values, made.count)
    return max(1, min(most, *(int(limit * len(images) // max(cost, 1)) for limit, cost in costs)))


class _Counting(TorchDispatchMode):
    """Counts the values of all tensors that are made."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        outputs = func(*args, **(kwargs or {}))
        for each in outputs if isinstance(outputs, tuple | list) else (outputs,):
            if isinstance(each, Tensor):
                self.count += each.numel()
        return outputs


def trained_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """Those that are trained, by name: weights, biases, gamma and beta, and none that is frozen."""
    return {name: each for name, each in model.named_parameters() if each.requires_grad and not is_lazy(each)}
