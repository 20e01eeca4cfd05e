"""The network of a recipe as PyTorch's modules, and arrays as tensors and back.

Whatever trains or measures a network in the training process builds and looks at it by these.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convtui.engine.layers import BatchNorm, Flatten, ReLU
from convtui.engine.pool_layers import AdaptiveAvgPool
from convtui.engine.stack import Row
from convtui.engine.window_layers import Conv
from convtui.training.architecture import network
from convtui.training.datasets.open_any import DataSet
from convtui.training.devices import DEVICES
from convtui.training.recipe import Recipe

CONVOLUTIONS: Final = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def model_of(recipe: Recipe, data: DataSet, shape: tuple[int, int, int] | None = None) -> nn.Sequential:
    """The modules of the bundled network in the order of the layers, which the Layers page counts from 1.

    They have fresh weights. shape: that of other images [channels, rows, columns] than the data's.
    Raises LayerError for layers that do not fit the images.
    """
    if recipe.network:
        raise ValueError(f"{recipe.network.name}: this is not for a network of your own yet")
    summary = network(recipe, shape or data.shape, len(data.classes))
    if summary.error:
        raise summary.error
    model = nn.Sequential(*map(_module, summary.rows[1:]))
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _module(row: Row) -> nn.Module:
    layer, channels = row.layer, row.input_shape[0]
    match layer:
        case Conv():
            spec = layer.spec
            padding = spec.pads[0][0], spec.pads[1][0]
            return nn.Conv2d(channels, layer.out_channels, spec.kernel_size, spec.stride, padding)
        case BatchNorm():
            return nn.BatchNorm2d(channels)
        case ReLU():
            return nn.ReLU()
        case AdaptiveAvgPool():
            return nn.AdaptiveAvgPool2d(layer.output_size)
        case Flatten():
            return nn.Flatten()
    raise AssertionError(layer)


def devices_there() -> tuple[str, ...]:
    """The devices that PyTorch finds on this machine, of those that a recipe can name."""
    found = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return tuple(device for device in DEVICES if found[device])


def seed_all(seed: int) -> None:
    """Whatever draws, be it by PyTorch, Python or NumPy, draws from this seed."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, in which looking at a network does not change it."""
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train()


def to_tensor(images: NDArray[np.float32]) -> Tensor:
    """Images [n, channels, rows, columns] in the layout in memory that the network is trained in."""
    return torch.from_numpy(images).contiguous(memory_format=torch.channels_last)


def to_array(tensor: Tensor) -> NDArray[Any]:
    """A copy that nothing trains any further."""
    return np.array(tensor.detach().cpu().numpy(), order="C")
