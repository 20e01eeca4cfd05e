"""`convtui.trace`: the same in the user's own process, for a script or a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from convtui.engine.graph.checks import CHECKS
from convtui.engine.graph.postmortem import post_mortem
from convtui.inputs.names import did_you_mean, printable
from convtui.tracing.process.sizes import search
from convtui.tracing.process.tracer import follow
from convtui.tracing.traced import Trace


def trace(
    model: nn.Module,
    inputs: torch.Tensor | Sequence[Any] | Mapping[str, Any],
    *,
    sizes: bool = False,
    silence: Iterable[str] = (),
) -> Trace:
    """Run a model once and return its operations as rows; printed, or in a notebook, they are a table.

    inputs: what the model is called with: a tensor, several in a tuple or a list, or a dict by name.
    sizes: also search which image sizes go through; it is done anyway where a size can mend a failing pass.
    silence: names of checks to leave out.
    The model stays in the mode it is in; its buffers and the state of the random numbers are put back.
    A pass that fails is no exception: `failure` says why. Raises TypeError for what is no model or no input,
    ValueError for a check that there is not.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model: must be a torch.nn.Module, not a {type(model).__name__}")
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    match inputs:
        case torch.Tensor():
            args = (inputs,)
        case Mapping():
            kwargs = dict(inputs)
        case list() | tuple():
            args = tuple(inputs)
        case _:
            kind = type(inputs).__name__
            raise TypeError(f"inputs: must be a tensor, several, or a dict by name, not a {kind}")
    silenced = frozenset([silence] if isinstance(silence, str) else silence)
    for name in silenced - set(CHECKS):
        raise ValueError(f"silence={printable(name)}: no such check{did_you_mean(name, CHECKS)}")
    graph = follow(model, args, kwargs)
    found = post_mortem(graph)
    is_wanted = sizes or (found is not None and found.size_helps)
    is_image = len(args) == 1 and not kwargs and isinstance(args[0], torch.Tensor)
    return Trace(graph, search(model, args[0]) if is_wanted and is_image else None, silenced)
