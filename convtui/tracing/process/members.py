"""What a model consists of, from one walk through it: its modules, parameters and buffers, by name."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import nn

from convtui.engine.graph.operation import Parameter


@dataclass
class Members:
    """By the number of each module and tensor, under the name that it has first. kinds: classes of modules.

    counts: how many parameters and modules each module has. Parameters that have no shape yet, of lazy
    modules, are left out; has_lazy: there are some.
    """

    paths: dict[int, str] = field(default_factory=dict)
    parameters: dict[int, Parameter] = field(default_factory=dict)
    buffers: dict[int, tuple[str, torch.Tensor]] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)
    counts: list[tuple[nn.Module, int, int]] = field(default_factory=list)
    has_lazy: bool = False

    @property
    def have_changed(self) -> bool:
        """Whether there may be others by now: of modules that came later, or have been given parameters."""
        return self.has_lazy or any(
            (len(module._parameters), len(module._modules)) != (parameters, modules)
            for module, parameters, modules in self.counts
        )


def members_of(model: nn.Module) -> Members:
    """As the model is now."""
    found = Members()
    paths, parameters, buffers = found.paths, found.parameters, found.buffers
    for path, module in model.named_modules(remove_duplicate=False):
        if id(module) in paths:
            continue
        plain = paths[id(module)] = plain_path(path)
        found.kinds.add(type(module).__name__)
        found.counts.append((module, len(module._parameters), len(module._modules)))
        before = f"{plain}." if plain else ""
        for name, each in module._parameters.items():
            if nn.parameter.is_lazy(each):
                found.has_lazy = True
            elif each is not None and id(each) not in parameters:
                parameters[id(each)] = Parameter(before + name, tuple(each.shape))
        for name, held in module._buffers.items():
            if held is not None and id(held) not in buffers:
                buffers[id(held)] = before + name, held
    return found


def plain_path(path: str) -> str:
    """A path without the wrappers of compiled and parallel models."""
    if "_orig_mod" not in path:
        return path
    return ".".join(part for part in path.split(".") if part != "_orig_mod")
