"""The figures of a sample model that lessons can name: of its operations, and of the one that failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import TYPE_CHECKING, Any, Final

from convtui.engine.graph.operation import Failure, Shape
from convtui.engine.graph.postmortem import expected_and_given
from convtui.lessons.operation_figures import NotOfThis

if TYPE_CHECKING:
    from convtui.tracing.traced import Row, Trace


def _failure(trace: Trace) -> Failure:
    if trace.graph.failure is None:
        raise NotOfThis("the pass goes through")
    return trace.graph.failure


def _numbers(trace: Trace) -> tuple[int, int]:
    found = expected_and_given(_failure(trace))
    if found is None:
        raise NotOfThis("the operation that failed expects no number of features or channels")
    return found


def _size_helps(trace: Trace) -> bool:
    _failure(trace)
    assert trace.failure is not None
    return trace.failure.size_helps


def _least_rows(trace: Trace) -> int:
    """Of the images that go through, of those sizes that were tried."""
    if trace.sizes is None or not trace.sizes.work:
        raise NotOfThis("no size of the image that goes through is known")
    return min(rows for rows, _ in trace.sizes.work)


def _without_batch(shape: Shape) -> Shape:
    from convtui.tracing.protocol import without_batch  # which a lesson without a model does not need

    return without_batch(shape)


def _shape(trace: Trace, number: int) -> Shape:
    """Of the output of an operation, without the axis of the batch."""
    return _without_batch(trace.graph.ops[number].output.shape)


def _argument(trace: Trace, number: int) -> Shape:
    return _without_batch(_failure(trace).arguments[number].tensor.shape)


def _side(shape: Shape, axis: int) -> int:
    if len(shape) != 3:
        raise NotOfThis("it is no map of rows and columns")
    return shape[axis]


def _along_rows(row: Row, sizes: tuple[float, ...] | None) -> float:
    if not sizes:
        raise NotOfThis(f"operation {row.op.number} has none")
    return sizes[0]


OF_TRACES: Final[Mapping[str, Callable[[Trace], Any]]] = {
    "model.passes": lambda trace: trace.graph.failure is None,
    "model.operations": lambda trace: len(trace.graph.ops) - 1,
    "model.parameters": lambda trace: trace.parameters,
    "model.multiply_adds": lambda trace: trace.multiply_adds,
    "model.least_rows": _least_rows,
    "failed.kind": lambda trace: _failure(trace).kind,
    "failed.path": lambda trace: _failure(trace).path,
    "failed.expects": lambda trace: _numbers(trace)[0],
    "failed.gets": lambda trace: _numbers(trace)[1],
    "failed.size_helps": _size_helps,
}

# Those that need an index, and how they are written.
OF_OPERATIONS: Final[Mapping[str, tuple[Callable[..., Any], str]]] = {
    "row.kind": (lambda trace, number: trace.graph.ops[number].kind, "row[6].kind"),
    "row.shape": (_shape, "row[6].shape"),
    "row.count": (lambda trace, number: prod(_shape(trace, number)), "row[6].count"),
    "row.channels": (lambda trace, number: _side(_shape(trace, number), 0), "row[6].channels"),
    "row.rows": (lambda trace, number: _side(_shape(trace, number), 1), "row[6].rows"),
    "row.columns": (lambda trace, number: _side(_shape(trace, number), 2), "row[6].columns"),
    "row.parameters": (lambda trace, number: trace.graph.ops[number].parameter_count, "row[6].parameters"),
    "row.field": (lambda trace, n: _along_rows(trace.rows[n], trace.rows[n].field), "row[6].field"),
    "row.jump": (lambda trace, n: _along_rows(trace.rows[n], trace.rows[n].jump), "row[6].jump"),
    "failed.shape": (_argument, "failed[0].shape"),
    "failed.rows": (lambda trace, number: _side(_argument(trace, number), 1), "failed[0].rows"),
}
