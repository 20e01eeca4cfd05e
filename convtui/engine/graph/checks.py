"""What a careful colleague would remark on in a network, each with its evidence in a line."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from convtui.engine.graph.dead_filters import (
    axis_of_filters,
    channel_axis,
    convolution_before,
    is_convolution,
)
from convtui.engine.graph.feeding import feeding_all
from convtui.engine.graph.fields import AxisField, Fields, fields
from convtui.engine.graph.operation import DeadFilters, Graph, Op, Source, shape_text
from convtui.engine.words import counted

LOOKING_EVERYWHERE: Final = frozenset(
    ("multi_head_attention_forward", "scaled_dot_product_attention", "matmul", "bmm", "lstm", "gru")
)

Seen: TypeAlias = Mapping[Source, Fields]


@dataclass(frozen=True)
class Remark:
    """A name to silence it by, the operation that it is about (0: the whole), and the evidence."""

    name: str
    op: int
    evidence: str


def remarks(graph: Graph, silenced: frozenset[str] = frozenset(), seen: Seen | None = None) -> list[Remark]:
    """What there is to remark on, in the order of the checks. seen: the fields, if they are known already."""
    seen = fields(graph) if seen is None else seen
    return [
        Remark(name, op, evidence)
        for name, check in CHECKS.items()
        if name not in silenced
        for op, evidence in check(graph, seen)
    ]


def unmade(graph: Graph, silenced: frozenset[str] = frozenset()) -> dict[str, str]:
    """The names of the checks that could not be made, and why not, in words."""
    why: dict[str, str] = {}
    if graph.is_cut or graph.failure:
        ended = "the pass failed" if graph.failure else "the pass has not come to its end"
        why = dict.fromkeys(NEED_THE_END, ended)
    elif any(
        op.kind in ("relu", "relu6")
        and op.dead is None
        and op.inputs
        and axis_of_filters(graph.ops, op.inputs[0]) is not None
        for op in graph.ops
    ):
        why["dead"] = "no values are at hand"
    return {name: why[name] for name in CHECKS if name in why and name not in silenced}


def _readers(graph: Graph) -> dict[Source, list[Op]]:
    readers: dict[Source, list[Op]] = {}
    for op in graph.ops:
        for source in op.inputs:
            readers.setdefault(source, []).append(op)
    return readers


def _bias_before_norm(graph: Graph, _: Seen) -> Iterator[tuple[int, str]]:
    readers = _readers(graph)
    for op in graph.ops:
        if not op.kind.startswith("conv"):
            continue
        bias = [each for each in op.parameters if each.name.rpartition(".")[2] == "bias"]
        source = Source(op.number)
        after = readers.get(source, [])
        if bias and len(after) == 1 and after[0].kind == "batch_norm" and source not in graph.outputs:
            norm = after[0]
            yield (
                op.number,
                f"{_named(op)}: its bias of {counted(bias[0].count, 'number')} does nothing, "
                f"as {_named(norm)} right after it subtracts the mean: bias=False",
            )


def _unread_pixels(graph: Graph, _: Seen) -> Iterator[tuple[int, str]]:
    image = graph.image
    if image is None or graph.failure or not graph.outputs:
        return
    shape = graph.tensor(image).shape
    fed = feeding_all(graph).get(image)
    if len(shape) != 4 or fed is None or not fed.is_told:
        return
    is_read = fed.is_fed(2, 3)
    unread = int(is_read.size - is_read.sum())
    if not unread:
        return
    rows = np.flatnonzero(~is_read.any(axis=1)).tolist()
    columns = np.flatnonzero(~is_read.any(axis=0)).tolist()
    lines = [numbered("row", rows), numbered("column", columns)]
    where = " and ".join(filter(None, lines))
    yield 0, f"{unread:,} of {is_read.size:,} pixels are read by no window{f': {where}' if where else ''}"


def _small_field(graph: Graph, seen: Seen) -> Iterator[tuple[int, str]]:
    image = graph.image
    convolutions = [op for op in graph.ops if op.kind.startswith("conv") and "transpose" not in op.kind]
    if image is None or not convolutions or graph.failure or not graph.outputs:
        return
    if any(op.kind.startswith(("conv_transpose", "interpolate", "upsample")) for op in graph.ops):
        return  # what ends in a map need not see the whole image
    last = convolutions[-1]
    if any(op.kind in LOOKING_EVERYWHERE for op in graph.ops[last.number :]):
        return
    sizes = graph.tensor(image).shape[2:]
    along = [field for field in seen[Source(last.number)] if isinstance(field, AxisField)]
    if len(along) == len(sizes) and any(
        field.is_even and field.size < size for field, size in zip(along, sizes, strict=True)
    ):
        field = shape_text(tuple(each.size for each in along))
        of = f"the {shape_text(sizes)} image" if len(sizes) == 2 else f"the {shape_text(sizes)} of the input"
        yield last.number, f"{_named(last)}, the last convolution, sees {field} of {of}"


def _checkerboard(graph: Graph, _: Seen) -> Iterator[tuple[int, str]]:
    for op in graph.ops:
        kernel, stride = op.settings.get("kernel"), op.settings.get("stride")
        is_told = isinstance(kernel, tuple) and isinstance(stride, tuple)
        if not op.kind.startswith("conv_transpose") or not is_told:
            continue
        assert isinstance(kernel, tuple)
        assert isinstance(stride, tuple)
        if any(k % s for k, s in zip(kernel, stride, strict=True)):
            yield (
                op.number,
                f"{_named(op)}: stride {_side(stride)} does not divide kernel size {_side(kernel)}, so that "
                "unequally many windows land on its cells: a checkerboard",
            )


def _training_norm(graph: Graph, _: Seen) -> Iterator[tuple[int, str]]:
    norms = [op for op in graph.ops if op.kind == "batch_norm" and op.settings.get("training")]
    if norms:
        count = f"{_named(norms[0])}" + (f" and {len(norms) - 1} more" if len(norms) > 1 else "")
        yield (
            norms[0].number,
            f"{count} in training mode: the output depends on the other images of the batch; for use: "
            "model.eval()",
        )


def _softmax_before_loss(graph: Graph, _: Seen) -> Iterator[tuple[int, str]]:
    for op in graph.ops:
        if op.kind not in ("softmax", "log_softmax"):
            continue
        losses = [
            each for each in graph.ops if each.kind == "cross_entropy" and Source(op.number) in each.inputs
        ]
        words = "applies a softmax of its own: leave this one out"
        if losses:
            yield op.number, f"{_named(op)} goes into {_named(losses[0])}, which {words}"
        elif Source(op.number) in graph.outputs and (traits := [t for t in graph.traits if "ntropy" in t]):
            yield op.number, f"{_named(op)} is the output, and {traits[0]}, which is used with it, {words}"


@dataclass(frozen=True)
class _Rectified:
    """A use of a convolution and the ReLU after it."""

    convolution: Op
    relu: Op
    dead: DeadFilters


def _dead_filters(graph: Graph, _: Seen) -> Iterator[tuple[int, str]]:
    """A filter of a module that is used several times is dead if it is so each time.

    Whether its output goes elsewhere, too, is known of a whole pass alone.
    """
    if graph.failure or graph.is_cut:
        return
    readers = _readers(graph)
    uses: dict[str, list[_Rectified | None]] = {}
    found: dict[int, _Rectified] = {}
    for op in graph.ops:
        if op.dead is None:
            continue
        way = convolution_before(graph.ops, op.inputs[0])
        sources = [Source(each.number) for each in way]
        if all(len(readers[each]) == 1 and each not in graph.outputs for each in sources):
            found[way[0].number] = _Rectified(way[0], op, op.dead)
    for op in filter(is_convolution, graph.ops):
        weights = [each.name for each in op.parameters if len(each.shape) > 1]
        name = next(iter(weights), op.path or str(op.number))
        uses.setdefault(name, []).append(found.get(op.number))
    for each in uses.values():
        rectified = [use for use in each if use is not None]
        if len(rectified) == len(each) and (told := _dead_told(rectified, graph)):
            yield rectified[0].convolution.number, told


def _dead_told(uses: list[_Rectified], graph: Graph) -> str:
    """Which filters are dead in each of the uses of a convolution; "" if none is."""
    channels = sorted(set.intersection(*(set(use.dead.channels) for use in uses)))
    if not channels:
        return ""
    first, count, calls = uses[0], len(channels), len(uses)
    batch = first.convolution.output.shape[0] if channel_axis(first.convolution) else 1
    where = f" on {graph.input_name}" + (f", a batch of {batch:,}" if batch > 1 else "")
    relus = list(dict.fromkeys(_named(use.relu) for use in uses))
    largest = [dict(zip(use.dead.channels, use.dead.largest, strict=True)) for use in uses]
    most = max(each[channel] for each in largest for channel in channels)
    are = "is" if count == 1 else "are"
    each = ", ".join(f"{len(use.dead.channels):,} in call {at}" for at, use in enumerate(uses, 1))
    return (
        f"{_named(first.convolution)}: {count:,} of {first.dead.of:,} filters {are} dead"
        + (f" in each of {calls} calls" if calls > 1 else "")
        + f"{where}: {numbered('channel', channels)} {are} 0 everywhere after {' and '.join(relus)}, "
        + f"largest value before: {most:.3g}"
        + (f" ({each})" if calls > 1 else "")
    )


def _no_output(graph: Graph, _: Seen) -> Iterator[tuple[int, str]]:
    if graph.failure or graph.is_cut:
        return
    if graph.returned:
        hint = ": a return is missing in its forward" if graph.returned == "None" else ""
        yield 0, f"the network gives {graph.returned}{hint}"
    elif graph.outputs and not any(each.op for each in graph.outputs):
        ran = len(graph.ops) - 1
        what = "operation gives" if ran == 1 else "operations give"
        unused = f": nothing reads what its {ran} {what}" if ran else ""
        yield 0, f"the network gives its input as it is{unused}"


def _named(op: Op) -> str:
    path = f" {op.path}" if op.path else ""
    return f"{op.kind}{path}{f' ({op.line})' if op.line else ''}"


def _side(numbers: tuple[int, ...]) -> str:
    return str(numbers[0]) if len(set(numbers)) == 1 else "x".join(map(str, numbers))


def numbered(name: str, numbers: list[int]) -> str:
    """As rows 2 to 5; channels 1, 3, 5, 7, 9, 11 and 6 more."""
    if not numbers:
        return ""
    if len(numbers) == 1:
        return f"{name} {numbers[0]}"
    if numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{name}s {numbers[0]} to {numbers[-1]}"
    shown = ", ".join(map(str, numbers[:6]))
    return f"{name}s {shown}{f' and {len(numbers) - 6} more' if len(numbers) > 6 else ''}"


CHECKS: Final[dict[str, Callable[[Graph, Seen], Iterator[tuple[int, str]]]]] = {
    "bias": _bias_before_norm,
    "unread": _unread_pixels,
    "field": _small_field,
    "dead": _dead_filters,
    "checkerboard": _checkerboard,
    "training": _training_norm,
    "softmax": _softmax_before_loss,
    "output": _no_output,
}
NEED_THE_END: Final = ("unread", "field", "dead", "softmax", "output")  # of the pass
