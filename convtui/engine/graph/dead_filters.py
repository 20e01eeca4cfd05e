"""Which tensors have the channels of a convolution, so that a ReLU over them tells which filters are dead."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convtui.engine.graph.operation import DeadFilters, Graph, Op, Shape, Source

RECTIFIERS: Final = frozenset(
    ("relu", "relu6", "hardtanh", "hardswish", "threshold", "clamp", "clip", "clamp_min")
)  # which may give exact zeros for all small numbers; a leaky ReLU, GELU or SiLU never does
_NORMS: Final = frozenset(("batch_norm", "instance_norm", "group_norm", "layer_norm", "local_response_norm"))


def convolution_before(ops: Sequence[Op], source: Source) -> list[Op]:
    """The convolution whose channels a tensor has, then the norms and poolings that it went through.

    [] where it comes from something else, or where channels were mixed or moved on the way.
    """
    way: list[Op] = []
    while not source.output:
        op = ops[source.op]
        way.append(op)
        if is_convolution(op):
            return way[::-1]
        if not (op.kind in _NORMS or "_pool" in op.kind) or not op.inputs:
            break
        source = op.inputs[0]
        if len(ops[source.op].outputs[source.output].shape) != len(op.output.shape):
            break
    return []


def is_convolution(op: Op) -> bool:
    """Whether it is one, transposed or not, over one axis, two or three."""
    return op.kind.startswith("conv") and op.kind[-2:] in ("1d", "2d", "3d")


def channel_axis(convolution: Op) -> int:
    """Which axis of its output the channels are."""
    return len(convolution.output.shape) - int(convolution.kind[-2]) - 1


def axis_of_filters(ops: Sequence[Op], source: Source) -> int | None:
    """The axis of the channels of a tensor of which a ReLU tells dead filters; None where it tells none.

    One value a channel is 0 by chance half of the time, and tells nothing of a filter.
    """
    way = convolution_before(ops, source)
    if not way:
        return None
    axis = channel_axis(way[0])
    shape: Shape = ops[source.op].outputs[source.output].shape
    return axis if prod(shape[:axis] + shape[axis + 1 :]) > 1 else None


def with_dead_filters(graph: Graph, values: Callable[[int], NDArray[np.float64] | None]) -> Graph:
    """The graph with the dead filters of the ReLUs whose values are at hand.

    values: the output of an operation, [channels, ...] of one image, or None.
    """
    return replace(graph, ops=tuple(_with_dead(op, graph, values) for op in graph.ops))


def _with_dead(op: Op, graph: Graph, values: Callable[[int], NDArray[np.float64] | None]) -> Op:
    if op.kind not in RECTIFIERS or axis_of_filters(graph.ops, op.inputs[0]) is None:
        return op
    before, after = values(op.inputs[0].op), values(op.number)
    if before is None or after is None:
        return op
    channels = np.flatnonzero(~after.reshape(len(after), -1).any(axis=1))
    largest = before.reshape(len(before), -1)[channels].max(axis=1)
    return op._replace(dead=DeadFilters(tuple(channels.tolist()), len(after), tuple(largest.tolist())))
