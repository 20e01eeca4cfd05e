"""Functions as networks, whose fields and masks are compared with gradients."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from convtui.engine.graph.feeding import feeding
from convtui.engine.graph.fields import AxisField, fields
from convtui.engine.graph.operation import Source
from convtui.tracing.process.tracer import follow


class Calls(nn.Module):
    """A function as a network, perhaps with a weight."""

    def __init__(self, function: Callable[..., Tensor], weight: Tensor | None = None) -> None:
        super().__init__()
        self.function = function
        self.weight = None if weight is None else nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x) if self.weight is None else self.function(x, self.weight)


def agrees(
    function: Callable[..., Tensor],
    shape: tuple[int, ...],
    cells: int = 6,
    weight: Tensor | None = None,
    noted: bool = False,
    is_exact: bool = False,
) -> None:
    """Masks and intervals of some output cells are those of the gradients; what is refused is left out.

    is_exact: no interval is larger than it need be, as where channels of a concat differ.
    """
    model = Calls(function, weight)
    graph = follow(model, (torch.rand(shape, dtype=torch.float64) + 0.5,), {})
    if graph.failure is not None or 0 in graph.tensor(graph.outputs[0]).shape:
        return
    assert noted or not any(op.note for op in graph.ops)
    output = graph.tensor(graph.outputs[0])
    count = int(np.prod(output.shape))
    seen = fields(graph).get(graph.outputs[0], ())
    image = torch.rand(shape, dtype=torch.float64) + 0.5
    for number in range(0, count, max(1, count // cells)):
        cell = tuple(int(i) for i in np.unravel_index(number, output.shape))
        leaf = image.clone().requires_grad_()
        model(leaf)[cell].backward()
        expected = np.zeros(shape, dtype=bool) if leaf.grad is None else (leaf.grad != 0).numpy()
        found = feeding(graph, graph.outputs[0], cell)
        fed = found.get(Source(0))
        assert fed is not None or Source(0) not in found
        told = np.zeros(shape, dtype=bool) if fed is None else fed.is_fed()
        assert np.array_equal(told, expected)
        for axis, field in enumerate(seen, 2):
            assert isinstance(field, AxisField) or not is_exact
            if not isinstance(field, AxisField) or not expected.any():
                continue
            along = np.flatnonzero(expected.any(axis=tuple(i for i in range(len(shape)) if i != axis)))
            low, high = field.span(cell)
            assert low <= along[0] <= along[-1] <= high
            assert not is_exact or (low, high) == (along[0], along[-1])
