"""What is the same for all calls of a function with tensors of the same shapes; networks repeat blocks."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import torch
from torch import nn

from convtui.engine.graph.operation import Tensor
from convtui.engine.graph.reads import Reads
from convtui.tracing.process.calls import Call, depends_on_numbers, describe, is_plain, unknown

MOST_KEPT: Final = 2000


class Alike:
    """Calls of which the same is known: their kind, the roles of their tensors, what `describe` tells."""

    def __init__(self, call: Call) -> None:
        self.kind = call.kind
        self.roles = tuple([role for role, _ in call.tensors])
        self.described = describe(call)
        self.outputs: tuple[Tensor, ...] = tuple(map(tensor_of, call.outputs))
        self._reads: dict[tuple[int, ...], tuple[tuple[Reads, ...], ...]] = {}

    def reads(
        self, places: tuple[int, ...], tensors: Sequence[torch.Tensor]
    ) -> tuple[tuple[Reads, ...], ...]:
        """For each output, how it reads the tensors at these places."""
        found = self._reads.get(places)
        if found is None:
            known = self.described.reads or ({},)
            by_output = [known[min(output, len(known) - 1)] for output in range(len(self.outputs))]
            found = self._reads[places] = tuple(
                tuple(by_role.get(self.roles[at]) or unknown(tuple(tensors[at].shape)) for at in places)
                for by_role in by_output
            )
        return found


class Repeats:
    """Calls that are described once, also for the next pass: each look at a tensor is one."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Alike] = {}

    def of(self, key: Hashable | None) -> Alike | None:
        """What is known of calls with this signature."""
        return None if key is None else self._known.get(key)

    def add(self, key: Hashable | None, alike: Alike) -> None:
        """The next call with this signature is known."""
        if key is not None:
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            self._known[key] = alike


REPEATS: Final = Repeats()


def signature(
    kind: str,
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    outputs: Iterable[torch.Tensor],
) -> Hashable | None:
    """What all that is told of a call follows from; None where numbers in tensors may matter, too."""
    if depends_on_numbers(kind):
        return None
    told: list[Hashable] = [function]
    told += kwargs
    for value in (*args, *kwargs.values()):
        kind_of = type(value)
        if kind_of is torch.Tensor or kind_of is nn.Parameter:
            told.append((value.shape,))
        elif is_plain(value):
            told.append(tuple(value) if kind_of is list else value)
        elif isinstance(value, list | tuple) and all(isinstance(each, torch.Tensor) for each in value):
            told.append((kind_of.__name__, *[each.shape for each in value]))
        else:
            return None
    for each in outputs:
        told += each.shape, each.dtype
    return tuple(told)


def tensor_of(tensor: torch.Tensor) -> Tensor:
    """Its shape and its type."""
    return Tensor(tuple(tensor.shape), _dtype_name(tensor.dtype))


@cache
def _dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
