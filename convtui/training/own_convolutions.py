"""The convolutions of a network of the user's that have pictures, from the graph of a pass; else why not.

What is measured of a convolution is its activation: the output of the activation function that follows, with
nothing but norms and poolings between, each read by the next alone. Where no activation function follows it
is the output of the last norm right after the convolution, or its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from convtui.engine.graph.fields import AxisField, Field, Fields, NotKnown, fields
from convtui.engine.graph.operation import Graph, Op, Source
from convtui.training.exploring import LeftOut, NamedConvolution

RECTIFIERS: Final = frozenset(("relu", "relu6"))  # what they give is never below 0
ACTIVATION_FUNCTIONS: Final = RECTIFIERS | frozenset(
    (
        *("leaky_relu", "prelu", "rrelu", "elu", "celu", "selu", "gelu", "silu", "mish", "softplus"),
        *("hardswish", "hardtanh", "hardsigmoid", "sigmoid", "tanh", "softsign", "threshold", "clamp"),
        *("clamp_min", "clamp_max", "tanhshrink", "softshrink", "hardshrink", "logsigmoid"),
    )
)
NORMS: Final = frozenset(("batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm"))
POOLINGS: Final = frozenset(
    (
        *("max_pool2d", "avg_pool2d", "lp_pool2d", "adaptive_max_pool2d", "adaptive_avg_pool2d"),
        "fractional_max_pool2d",
    )
)
DROPOUTS: Final = frozenset(("dropout", "dropout2d", "alpha_dropout", "feature_alpha_dropout"))

OTHER_AXES: Final = {
    "conv1d": "it slides along one axis, and the pictures are of rows and columns",
    "conv3d": "it slides through a volume, and the pictures are of rows and columns",
    "conv_transpose1d": "it slides along one axis, and the pictures are of rows and columns",
    "conv_transpose2d": "it lays its kernels on the output, so that none of its filters looks at a window",
    "conv_transpose3d": "it slides through a volume, and the pictures are of rows and columns",
}
NOT_RUN: Final = "it is not run on the images of this data set"

Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class OwnConvolution:
    """A convolution with the numbers of its operation and of the one whose output is its activation."""

    named: NamedConvolution
    op: int
    measured: int
    is_rectified: bool

    @property
    def filters(self) -> int:
        """How many it has."""
        return self.named.shape[0]


def convolutions_of(
    graph: Graph, weights: Collection[str], modules: Iterable[tuple[str, str]]
) -> tuple[tuple[OwnConvolution, ...], tuple[LeftOut, ...]]:
    """Those of a pass of some images, in the order in which they ran, and those that are left out.

    weights: the names in the checkpoint. modules: paths and class names of the convolutions in the network,
    of which those that the pass did not run are left out.
    """
    seen, images = fields(graph), graph.ops[0].output.shape[0]
    readers = _readers(graph)
    every = [op for op in graph.ops if op.kind == "conv2d" or op.kind in OTHER_AXES]
    uses = Counter(_filters_of(op) for op in every)
    found: list[OwnConvolution] = []
    left_out: dict[str, LeftOut] = {}
    for op in every:
        why = OTHER_AXES.get(op.kind) or _why_not(op, images, uses[_filters_of(op)], seen)
        if why:
            left_out.setdefault(_filters_of(op), LeftOut(_place(op), _title(op), why))
            continue
        measured = _activation_of(graph, op, readers)
        found.append(_followed(graph, op, measured, len(found) + 1, weights, seen[Source(measured.number)]))
    paths = {op.path for op in every}
    for path, title in modules:
        if path not in paths:
            left_out[path] = LeftOut(path, title, NOT_RUN)
    return tuple(found), tuple(left_out.values())


def _filters_of(op: Op) -> str:
    """What tells one convolution from another: the name of its filters, or where it stands."""
    weight = _weight_of(op)
    return weight or f"{op.path} {op.line}"


def _weight_of(op: Op) -> str:
    return next((each.name for each in op.parameters if len(each.shape) > 2), "")


def _place(op: Op) -> str:
    return op.path or op.line


def _title(op: Op) -> str:
    """As `conv2d 3x3 s2 p1`: how many filters it has is told beside it."""
    settings = {
        name: each for name, each in op.settings.items() if name not in ("in_channels", "out_channels")
    }
    return replace(op, settings=settings).title


def _why_not(op: Op, images: int, uses: int, seen: dict[Source, Fields]) -> str:
    """Why a convolution has no pictures; "" if it has."""
    if uses > 1:
        return f"its filters are used {uses} times in a pass, so that each has {uses} outputs"
    if not op.inputs or "kernel" not in op.settings:
        return "its input cannot be followed"
    if any(field is not None for source in op.inputs[1:] for field in seen[source]):
        return "its filters are computed from the images, so that they are no weights of its own"
    shape = op.output.shape
    if len(shape) != 4 or shape[0] != images:
        pieces = f"{shape[0]:,} outputs" if len(shape) == 4 else f"an output of {len(shape)} axes"
        return f"it gives {pieces} for {images} images, so that none is that of one image"
    return ""


def _readers(graph: Graph) -> dict[Source, list[Op | None]]:
    """Who reads each tensor; None where the network returns it."""
    readers: dict[Source, list[Op | None]] = {}
    for op in graph.ops:
        for source in {*op.inputs}:
            readers.setdefault(source, []).append(op)
    for source in graph.outputs:
        readers.setdefault(source, []).append(None)
    return readers


def _activation_of(graph: Graph, op: Op, readers: dict[Source, list[Op | None]]) -> Op:
    """The operation whose output is the activation of a convolution."""
    channels, at, last, is_pooled = op.output.shape[1], op, op, False
    while True:
        reading = readers.get(Source(at.number), [])
        follower = reading[0] if len(reading) == 1 else None
        if follower is None or graph.tensor(Source(follower.number)).shape[:2] != (
            op.output.shape[0],
            channels,
        ):
            return last
        if follower.kind in ACTIVATION_FUNCTIONS:
            return follower
        is_pooled = is_pooled or follower.kind in POOLINGS
        if follower.kind not in NORMS | POOLINGS | DROPOUTS or len(follower.output.shape) != 4:
            return last
        at = follower
        last = last if is_pooled else at


def _followed(
    graph: Graph, op: Op, measured: Op, number: int, weights: Collection[str], seen: Fields
) -> OwnConvolution:
    weight = _weight_of(op)
    maps = measured.output.shape[2:]
    spans = [_spans(field, axis, size) for axis, (field, size) in enumerate(zip(seen, maps, strict=True), 2)]
    unseen = next((_unseen(graph, field) for field, each in zip(seen, spans, strict=True) if not each), "")
    rows, columns = ((), ()) if unseen else spans
    named = NamedConvolution(
        number=number,
        path=op.path,
        title=_title(op),
        line=op.line,
        weight=weight if weight in weights else "",
        shape=_shape_of(op),
        maps=(op.output.shape[2], op.output.shape[3]),
        activation="" if measured is op else _told(measured),
        rows=rows,
        columns=columns,
        unseen=unseen,
    )
    return OwnConvolution(named, op.number, measured.number, measured.kind in RECTIFIERS)


def _told(op: Op) -> str:
    where = ", ".join(filter(None, (op.path, op.line)))
    return f"{op.kind} ({where})" if where else op.kind


def _spans(field: Field, axis: int, size: int) -> tuple[Span, ...]:
    """The first and the last pixel that each of so many indices sees; () where that is not known."""
    if not isinstance(field, AxisField) or field.axes not in ((), (axis,)):
        return ()
    return tuple(field.span((0,) * axis + (index,)) for index in range(size))


def _unseen(graph: Graph, field: Field) -> str:
    if isinstance(field, NotKnown):
        op = graph.ops[field.op]
        at = f" ({op.line})" if op.line else ""
        return f"what it sees of an image is not known because of {op.kind}{at}"
    if field is None:
        return "it sees nothing of the image"
    return "its rows and columns are not those of the image"


def _shape_of(op: Op) -> tuple[int, int, int, int]:
    """Of its filters [out, in/groups, rows, columns]."""
    settings = op.settings
    groups, into = settings.get("groups", 1), settings["in_channels"]
    assert isinstance(groups, int)
    assert isinstance(into, int)
    kernel = settings["kernel"]
    assert isinstance(kernel, tuple)
    rows, columns = kernel
    return op.output.shape[1], into // groups, rows, columns
