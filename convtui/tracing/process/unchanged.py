"""Passes that leave no trace in the buffers of the user's model, not even where they assign them anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import nn

_PLAIN: Final = (bool, int, float, str, type(None))


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """The buffers of the model are afterwards the tensors that they were before, with the same values."""
    kept = [(each, dict(each._buffers.items()), _plain_values(each)) for each in model.modules()]
    held = {id(each): each for _, buffers, _ in kept for each in buffers.values() if each is not None}
    clones = [(each, each.detach().clone()) for each in held.values() if not nn.parameter.is_lazy(each)]
    try:
        yield
    finally:
        for module, buffers, plain in kept:
            _put_back(module, buffers, plain)
        with torch.no_grad():
            for buffer, before in clones:
                buffer.copy_(before)


def _put_back(module: nn.Module, buffers: dict[str, torch.Tensor | None], plain: dict[str, Any]) -> None:
    now = dict(module._buffers.items())
    if now.keys() == buffers.keys() and all(now[name] is each for name, each in buffers.items()):
        return
    for name in now.keys() - buffers.keys():
        del module._buffers[name]
        module._non_persistent_buffers_set.discard(name)
    for name, each in buffers.items():
        if name not in now or now[name] is not each:
            module._buffers[name] = each
    # A cache goes with a number that says how much it holds: one without the other fails in the next pass.
    attributes = vars(module)
    for name in _plain_values(module).keys() - plain.keys():
        del attributes[name]
    attributes.update({name: value for name, value in plain.items() if name in attributes})


def _plain_values(module: nn.Module) -> dict[str, Any]:
    """The numbers, texts and flags that a module keeps as attributes."""
    return {name: value for name, value in vars(module).items() if isinstance(value, _PLAIN)}
