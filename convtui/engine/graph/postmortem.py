"""Why an operation failed, from its shapes: the formula with its numbers, and the nearest changes that fit.

Everything is worked out from the shapes and settings of the failure; PyTorch's message is told, not read,
but for the few errors that shapes do not show.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import gcd, prod
from typing import Final

from convtui.engine.graph.operation import (
    Argument,
    Failure,
    Graph,
    Op,
    Setting,
    Shape,
    Source,
    shape_text,
)
from convtui.engine.memory import memory_text
from convtui.engine.words import counted, plural, verb


@dataclass(frozen=True)
class PostMortem:
    """What is told of a pass that failed.

    title: the operation and the line. error: PyTorch's own words. tensors: what went in, and from where, as
    (role, shape, type, from where). why: the formula with its numbers. fixes: what would fit, nearest first.
    size_helps: False where no size of the image mends it.
    """

    title: str
    code: str
    error: str
    tensors: tuple[tuple[str, str, str, str], ...] = ()
    why: tuple[str, ...] = ()
    fixes: tuple[str, ...] = ()
    size_helps: bool = True
    frames: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reason:
    """Why it failed, and what would fit."""

    why: tuple[str, ...] = ()
    fixes: tuple[str, ...] = ()
    size_helps: bool = True


def post_mortem(graph: Graph) -> PostMortem | None:
    """What is told of the failure of a graph; None if it has none."""
    failure = graph.failure
    if failure is None:
        return None
    reason = _reason(failure, graph)
    where = f" at {failure.line}" if failure.line else ""
    return PostMortem(
        title=f"{_named(failure)} failed{where}",
        code=failure.code,
        error=failure.error,
        tensors=tuple(
            (each.role, shape_text(each.tensor.shape), each.tensor.dtype, _origin(each, graph))
            for each in failure.arguments
        ),
        why=reason.why,
        fixes=(failure.legal,) if failure.legal else reason.fixes,
        size_helps=reason.size_helps,
        frames=failure.frames,
    )


def _named(failure: Failure) -> str:
    module = failure.path or failure.module
    named = f"({module})" if failure.kind and not failure.path and module else module
    return " ".join(filter(None, (failure.kind, named))) or "the network's own code"


def origin_text(graph: Graph, source: Source) -> str:
    """Where a tensor came from: `flatten (net.py:22), operation 7`."""
    op = graph.ops[source.op]
    if not op.number:
        return "the input" if len(op.outputs) == 1 else graph.input_text(source.output)
    path = f" {op.path}" if op.path else ""
    line = f" ({op.line})" if op.line else ""
    output = f", output {source.output + 1}" if len(op.outputs) > 1 else ""
    return f"operation {op.number}: {op.title}{path}{line}{output}"


def _origin(argument: Argument, graph: Graph) -> str:
    if argument.source is None:
        return argument.name or "made by the network's own code"
    op = graph.ops[argument.source.op]
    text = origin_text(graph, argument.source)
    if op.kind in _RESHAPING and op.inputs:
        before = op.inputs[0]
        text += f", of {shape_text(graph.tensor(before).shape)} from {origin_text(graph, before)}"
    return text


_RESHAPING: Final = (
    "flatten",
    "view",
    "reshape",
    "unflatten",
    "squeeze",
    "unsqueeze",
    "permute",
    "transpose",
)


def _reason(failure: Failure, graph: Graph) -> Reason:
    before = _memory(failure) or _types(failure)
    if before:
        return before
    explain = _REASONS.get(failure.kind)
    if explain:
        return explain(failure, graph)
    if not failure.kind and failure.module:
        return _module_check(failure)
    return Reason()


# -- memory and types


def _memory(failure: Failure) -> Reason | None:
    """More bytes asked for at once than there are."""
    settings = failure.settings
    asked, made, size = settings.get("asked_bytes"), settings.get("made_shape"), settings.get("made_bytes")
    if not isinstance(asked, int):
        return None
    why = []
    if isinstance(made, tuple) and isinstance(size, int):
        numbers = f"{'*'.join(map(str, made))} = {prod(made):,} numbers of {settings.get('made_type')}"
        why = [f"its output {shape_text(made)} takes {memory_text(size)}: {numbers}"]
    if not why or asked != size:
        why.append(f"{failure.kind} asks for {memory_text(asked)} at once")
    fixes = ("an input of fewer rows and columns, or a smaller batch",) if failure.shape("input") else ()
    return Reason(tuple(why), fixes)


def _types(failure: Failure) -> Reason | None:
    """Numbers of two types in one operation, or floats where whole numbers are needed."""
    types = {each.role: each.tensor.dtype for each in failure.arguments}
    if failure.kind == "embedding" and "float" in types.get("input", ""):
        return Reason(
            (f"embedding looks rows up by whole numbers, and gets {types['input']}",),
            ("x.long() before it, or inputs of whole numbers (--inputs)",),
            size_helps=False,
        )
    one, other = types.get("input", ""), types.get("weight", types.get("other", ""))
    is_of_weights = failure.kind in ("linear", "bilinear", "matmul", "bmm", "mm") or "conv" in failure.kind
    if not (is_of_weights and one and other and one != other):
        return None
    what = "weights" if "weight" in types else "the other factor"
    fixes = [f"x.to(torch.{other}) before it"]
    if "weight" in types:
        module = failure.path or "the layer"
        fixes.append(f"{module}.to(torch.{one})" if "float" in one else "")
    return Reason(
        (f"{failure.kind} needs one type: the input is {one}, {what} {other}",),
        tuple(filter(None, fixes)),
        size_helps=False,
    )


def expected_and_given(failure: Failure) -> tuple[int, int] | None:
    """How many features or channels a linear layer or a convolution expects, and how many it gets."""
    given, weight = failure.shape("input"), failure.shape("weight")
    if failure.kind == "linear" and len(weight) == 2 and given:
        return weight[1], given[-1]
    axes = len(weight) - 2
    if failure.kind in _CONVOLUTIONS and len(given) in (axes + 1, axes + 2):
        groups = _whole(failure.settings.get("groups"), 1)
        expected = weight[0] if "transpose" in failure.kind else weight[1] * groups
        return expected, given[-axes - 1]
    return None


# -- convolutions


def _convolution(failure: Failure, graph: Graph) -> Reason:
    image, weight = failure.shape("input"), failure.shape("weight")
    axes = len(weight) - 2
    if axes < 1 or not image:
        return Reason()
    if len(image) not in (axes + 1, axes + 2):
        return _axes_missing(failure, image, axes)
    found = expected_and_given(failure)
    assert found is not None
    expected, channels = found
    groups = _whole(failure.settings.get("groups"), 1)
    is_transposed = failure.kind.startswith("conv_transpose")
    if channels != expected:
        return _channels(failure, graph, image, expected, groups, axes)
    outputs = weight[1] * groups if is_transposed else weight[0]
    if groups > 1 and (channels % groups or outputs % groups):
        return _groups(channels, outputs, groups)
    explain = _transposed if is_transposed else _window
    return explain(failure, image[-axes:], weight[2:])


def _channels(failure: Failure, graph: Graph, image: Shape, expected: int, groups: int, axes: int) -> Reason:
    kind, weight, channels = failure.kind, failure.shape("weight"), image[-axes - 1]
    named = f"{expected // groups} for each of {groups} groups = {expected}" if groups > 1 else str(expected)
    where = f"axis {len(image) - axes - 1} of {shape_text(image)}"
    why = [f"{kind} expects {named} {plural('channel', expected)}, gets {channels} ({where})"]
    fixes = []
    if image[-1] == expected:
        order = ", ".join(map(str, (0, len(image) - 1, *range(1, len(image) - 1))))
        fixes.append(f"the last axis has {expected}: put the channels first with x.permute({order})")
    if len(image) == axes + 1 and expected == 1:
        lacking = (image[0], 1, *image[1:])
        fixes.append(f"x.unsqueeze(1), if the axis of the channels was lost: {shape_text(lacking)}")
    fixes += _flattened_less(failure, graph, expected, axes)
    outputs = weight[1] * groups if kind.startswith("conv_transpose") else weight[0]
    if groups == expected > 1:  # depthwise
        many = channels * outputs // groups
        fixes.append(f"in_channels={channels}, out_channels={many} and groups={channels}")
    elif channels % groups:
        why.append(f"and {groups} groups do not divide {counted(channels, 'channel')}")
        fixes.append(f"in_channels={channels} with groups={_nearest_divisor(gcd(channels, outputs), groups)}")
    else:
        fixes.append(f"in_channels={channels}")
    source = next((each for each in failure.arguments if each.role == "input"), None)
    if source is not None and source.source is not None and source.source.op:
        fixes.append(f"{counted(expected, 'channel')} from what comes before it: {_before(source)}")
    else:
        shape = "x".join(map(str, (expected, *image[-axes:])))
        fixes.append(f"an input of {counted(expected, 'channel')}: --input {shape}")
    return Reason(tuple(why), tuple(fixes), size_helps=False)


def _flattened_less(failure: Failure, graph: Graph, expected: int, axes: int) -> list[str]:
    """A flatten that leaves the channels alone, if one before has flattened them as well."""
    source = next((each.source for each in failure.arguments if each.role == "input"), None)
    op = graph.ops[source.op] if source else None
    if op is None or op.kind != "flatten" or axes != 1:
        return []
    before = graph.tensor(op.inputs[0]).shape
    if len(before) < 3 or before[1] != expected:
        return []
    return [f"x.flatten(2) in operation {op.number}: {shape_text((*before[:2], prod(before[2:])))}"]


def _transposed(failure: Failure, sizes: Shape, kernel: Shape) -> Reason:
    """An output padding that is not smaller than stride or dilation, or an output of no cells."""
    settings = {
        name: _each(failure.settings.get(name), len(sizes), default)
        for name, default in (("stride", 1), ("dilation", 1), ("padding", 0), ("output_padding", 0))
    }
    stride, dilation, padding, extra = settings.values()
    why: list[str] = []
    needed: list[int] = []
    below = tuple(max(s, d) for s, d in zip(stride, dilation, strict=True))
    if any(o >= least for o, least in zip(extra, below, strict=True)):
        what = f"the stride {_pair(stride)}"
        what += f" or the dilation {_pair(dilation)}" if any(d > 1 for d in dilation) else ""
        most = tuple(min(o, least - 1) for o, least in zip(extra, below, strict=True))
        said = f"output_padding {_pair(extra)} must be smaller than {what}"
        return Reason((said,), (f"output_padding={_pair(most)}",), size_helps=False)
    for axis, (n, k, s, d, p, o) in enumerate(
        zip(sizes, kernel, stride, dilation, padding, extra, strict=True)
    ):
        whole = (n - 1) * s + d * (k - 1) + 1 + o
        needed.append(max(min(p, (whole - 1) // 2), 0))
        if whole - 2 * p < 1:
            formula = f"({n} − 1)·{s} − 2·{p} + {d}·({k} − 1) + 1 + {o} = {whole - 2 * p}"
            why.append(f"{_axis_name(axis, len(sizes))}: {formula}: no cell is left")
    return Reason(tuple(why), (f"padding={_pair(tuple(needed))}",)) if why else Reason()


def _before(argument: Argument) -> str:
    assert argument.source is not None
    return f"operation {argument.source.op}"


def _groups(channels: int, outputs: int, groups: int) -> Reason:
    common = gcd(channels, outputs)
    return Reason(
        (f"groups={groups} must divide {counted(channels, 'channel')} in and {outputs} out",),
        (f"groups={_nearest_divisor(common, groups)}",),
        size_helps=False,
    )


def _nearest_divisor(number: int, near: int) -> int:
    return min((n for n in range(1, number + 1) if number % n == 0), key=lambda n: abs(n - near))


def _window(failure: Failure, sizes: Shape, kernel: Shape, most: Shape = ()) -> Reason:
    """A kernel that is larger than the padded input. most: the largest padding that is legal, if bounded."""
    stride, dilation, padding = (
        _each(failure.settings.get(name), len(sizes), default)
        for name, default in (("stride", 1), ("dilation", 1), ("padding", 0))
    )
    why, needed, largest = [], [], []
    for axis, (n, k, s, d, p) in enumerate(zip(sizes, kernel, stride, dilation, padding, strict=True)):
        span = d * (k - 1) + 1
        needed.append(max(p, -(-(span - n) // 2)))
        largest.append(max(min(k, (n + 2 * p - 1) // d + 1), 0))
        if n + 2 * p < span:
            formula = f"⌊({n} + 2·{p} − {d}·({k} − 1) − 1) / {s}⌋ + 1 = {(n + 2 * p - span) // s + 1}"
            what = f"the kernel spans {span}, the padded input {n + 2 * p}"
            why.append(f"{_axis_name(axis, len(sizes))}: {formula}: {what}")
    if not why:
        return Reason()
    is_legal = not most or all(p <= bound for p, bound in zip(needed, most, strict=True))
    fixes = [f"padding={_pair(tuple(needed))}"] if is_legal else []
    if min(largest) > 0:
        fixes.append(f"kernel_size={_pair(tuple(largest))}")
    fixes.append("fewer strides and poolings before it")
    return Reason(tuple(why), tuple(fixes))


def _pool(failure: Failure, graph: Graph) -> Reason:
    del graph
    image, kernel = failure.shape("input"), _each(failure.settings.get("kernel"), 0, 1)
    if not kernel or len(image) <= len(kernel):
        return _axes_missing(failure, image, len(kernel)) if image else Reason()
    padding = _each(failure.settings.get("padding"), len(kernel), 0)
    if any(p > k // 2 for p, k in zip(padding, kernel, strict=True)):
        most = tuple(k // 2 for k in kernel)
        why = f"padding {_pair(padding)} is more than half of the kernel {_pair(kernel)}"
        return Reason((why,), (f"padding={_pair(most)}",), size_helps=False)
    return _window(failure, image[-len(kernel) :], kernel, most=tuple(k // 2 for k in kernel))


def _axes_missing(failure: Failure, image: Shape, axes: int) -> Reason:
    names = ["batch", "channels", *(_axis_name(axis, axes) for axis in range(axes))]
    takes = f"{failure.kind} takes {len(names)} axes [{', '.join(names)}]"
    why = f"{takes}, gets {len(image)}: {shape_text(image)}"
    source = next((each.source for each in failure.arguments if each.role == "input"), None)
    fixes: tuple[str, ...] = ("one axis less before it: x.flatten(0, 1), or x.squeeze of one of size 1",)
    if source is not None and not source.op:
        fixes = (_input_of(failure, image, axes),)
    elif len(image) < axes + 1:
        fixes = ("keep the axes before it: no flatten, squeeze or view, or undo it with x.unflatten",)
        if len(image) == axes:
            fixes = (f"x.unsqueeze(0) for the channels: 1x{shape_text(image)}", *fixes)
    return Reason((why,), fixes, size_helps=False)


def _input_of(failure: Failure, image: Shape, axes: int) -> str:
    """An input of as many axes as it takes."""
    if len(image) > axes + 2:
        batch = f" --batch {image[1]}" if image[1] > 1 else ""
        return f"an input without the batch: --input {shape_text(image[-axes - 1 :])}{batch}"
    weight, groups = failure.shape("weight"), _whole(failure.settings.get("groups"), 1)
    channels = (weight[0] if "transpose" in failure.kind else weight[1] * groups) if weight else 3
    sizes = (image[-1:] * axes)[: axes - len(image[1:])] + image[1:]
    return f"an input of {len(sizes) + 1} axes: --input {shape_text((channels, *sizes[-axes:]))}"


# -- linear, matmul


def _linear(failure: Failure, graph: Graph) -> Reason:
    given, found = failure.shape("input"), expected_and_given(failure)
    if found is None:
        return Reason()
    expected, got = found
    if expected == got:
        return Reason()
    product, whole = _product_of(failure, graph, given)
    why: tuple[str, ...] = (f"linear expects {counted(expected, 'feature')}, gets {got:,}{product}",)
    fixes: list[str] = []
    if len(given) > 2:
        for first in range(1, len(given) - 1):
            if prod(given[first:]) == expected:
                shape = "*".join(map(str, given[first:]))
                fixes.append(f"x.flatten({first}) before it: {shape} = {counted(expected, 'feature')}")
    if len(given) == 4 and not fixes:
        why = (*why, f"it is over the last axis, the columns of {shape_text(given)}")
        fixes += [
            f"axis {axis} has {expected}: put it last with x.movedim({axis}, -1)"
            for axis in (1, 2)
            if given[axis] == expected
        ]
        fixes += _pooled(given, expected, ", then x.flatten(1)")
        return Reason(why, (*fixes, f"x.flatten(1) before it, and in_features={prod(given[1:])}"))
    if len(whole) == 3 and prod(whole) == expected and len(given) == 2:
        fixes.append(f"the batch was lost, {shape_text(whole)} has none: x.unsqueeze(0) before the flatten")
    if len(given) == 1 and whole:
        fixes.append(
            f"x.flatten(1), which keeps the batch: {shape_text(whole)} → {whole[0]}x{prod(whole[1:])}"
        )
    if not fixes and len(given) > 1 and given[0] * got == expected and len(given) == 2:
        fixes.append("x.flatten() would fit, but joins the images of a batch")
    fixes.append(f"in_features={got}")
    if whole and len(whole) > 2:
        fixes += _pooled(whole, expected)
    return Reason(why, tuple(fixes))


def _pooled(whole: Shape, expected: int, where: str = " before the flatten") -> list[str]:
    """An adaptive pooling before the flatten, if there is one that gives as many features."""
    channels = whole[1]
    if len(whole) != 4 or expected % channels:
        return []
    cells = expected // channels
    side = round(cells**0.5)
    if side * side != cells:
        return []
    return [f"adaptive pooling to {side}x{side}{where}: {channels}*{side}*{side} = {expected:,}"]


def _product_of(failure: Failure, graph: Graph, given: Shape) -> tuple[str, Shape]:
    """How a number of features came about by a flatten, as ` = 256*6*6`, and the shape before that."""
    argument = next((each for each in failure.arguments if each.role == "input"), None)
    if argument is None or argument.source is None:
        return "", ()
    op: Op = graph.ops[argument.source.op]
    while op.kind in ("relu", "dropout", "contiguous") and op.inputs:
        op = graph.ops[op.inputs[0].op]
    if op.kind not in ("flatten", "view", "reshape") or not op.inputs:
        return "", ()
    before = graph.tensor(op.inputs[0]).shape
    for first in (1, 2, 3, 0):
        if first < len(before) and prod(before[first:]) == given[-1]:
            factors = [n for n in before[first:] if n > 1] or [1]
            return (f" = {'*'.join(map(str, before[first:]))}" if len(factors) > 1 else ""), before
    return "", before


def _product(failure: Failure, graph: Graph) -> Reason:
    del graph
    shapes = [each.tensor.shape for each in failure.arguments]
    if len(shapes) < 2 or min(map(len, shapes[:2])) < 2:
        return Reason()
    one, other = shapes[:2]
    if one[-1] == other[-2]:
        ahead = _unlike(one[:-2], other[:-2])
        return Reason((f"the axes before the last two are {ahead}",)) if ahead else Reason()
    why = f"the last axis of the first, {one[-1]}, must be the last but one of the second, {other[-2]}"
    fixes = []
    if one[-1] == other[-1]:
        fixes.append("transpose the second: other.transpose(-2, -1)")
    if one[-2] == other[-2]:
        fixes.append("transpose the first: x.transpose(-2, -1)")
    return Reason((why,), tuple(fixes))


# -- joining


def _cat(failure: Failure, graph: Graph) -> Reason:
    tensors = [each for each in failure.arguments if each.role.startswith("tensors")]
    if len(tensors) < 2:
        return Reason()
    dim = _whole(failure.settings.get("dim"), 0)
    shapes = [each.tensor.shape for each in tensors]
    ranks = {len(shape) for shape in shapes}
    if len(ranks) > 1:
        numbers = " and ".join(str(rank) for rank in sorted(ranks))
        return Reason(
            (f"{failure.kind} joins tensors of as many axes, gets {numbers}",),
            ("x.flatten(1) or x[:, None] on one of them, so that both have as many",),
            size_helps=False,
        )
    rank = ranks.pop()
    dim %= rank
    if failure.kind == "stack":
        dim = -1
    why, unlike = [], []
    for axis in range(rank):
        sizes = [shape[axis] for shape in shapes]
        if axis != dim and len(set(sizes)) > 1:
            unlike.append(axis)
            why.append(f"axis {axis} ({_role_of(axis, rank)}) must be alike: {' and '.join(map(str, sizes))}")
    is_of_channels = rank > 3 and any(axis < 2 for axis in unlike)
    fixes = _off_by(graph, tensors, [axis for axis in unlike if axis >= 2]) if rank > 3 else []
    if is_of_channels and dim >= 2:
        fixes.append("dim=1, if the channels are to be joined")
    return Reason(tuple(why), tuple(fixes), size_helps=not is_of_channels)


def _off_by(graph: Graph, tensors: Sequence[Argument], axes: Sequence[int]) -> list[str]:
    """Make the smaller ones larger or cut the larger ones, where all of each have the same size."""
    sizes = [tuple(each.tensor.shape[axis] for axis in axes) for each in tensors]
    if not axes or len(set(sizes)) != 2:
        return []
    few, many = sorted(set(sizes))
    lacks = {axis: n - m for axis, m, n in zip(axes, few, many, strict=True)}
    if min(lacks.values()) < 0:
        return []
    smaller, larger = (
        [each for each, size in zip(tensors, sizes, strict=True) if size == of] for of in (few, many)
    )
    rank = len(tensors[0].tensor.shape)
    fixes = _made_larger(graph, smaller[0], larger[0], lacks) if len(smaller) == 1 else []
    sides = []
    for axis in range(rank - 1, min(axes) - 1, -1):
        ahead = lacks.get(axis, 0) // 2 if all(n % 2 == 0 for n in lacks.values()) else 0
        sides += [ahead, lacks.get(axis, 0) - ahead]
    cut = ", ".join(f":{few[axes.index(axis)]}" if axis in lacks else ":" for axis in range(min(axes), rank))
    fixes.append(f"pad {_and(smaller)}: F.pad(x, {tuple(sides)})")
    fixes.append(f"cut {_and(larger)}: x[..., {cut}]")
    return fixes


def _and(tensors: Sequence[Argument]) -> str:
    return " and ".join(each.role for each in tensors)


def _made_larger(graph: Graph, smaller: Argument, larger: Argument, lacks: Mapping[int, int]) -> list[str]:
    """A setting of what made the smaller one, with which it has the other size."""
    source = smaller.source
    while source and (op := graph.ops[source.op]).kind in _SAME_SIZE and op.inputs:
        source = op.inputs[0]
    if not source:
        return []
    op = graph.ops[source.op]
    named = f"operation {op.number}{op.path and f': {op.path}'}"
    if op.kind == "interpolate":
        return [f"size={larger.role}.shape[2:] in {named}"]
    extra = op.settings.get("output_padding")
    if not op.kind.startswith("conv_transpose") or not isinstance(extra, tuple):
        return []
    rank = len(smaller.tensor.shape)
    needed = tuple(n + lacks.get(axis, 0) for axis, n in enumerate(extra, rank - len(extra)))
    strides, dilations = (_each(op.settings.get(name), len(extra), 1) for name in ("stride", "dilation"))
    is_legal = all(n < max(s, d) for n, s, d in zip(needed, strides, dilations, strict=True))
    return [f"output_padding={_pair(needed)} in {named}"] if is_legal else []


_SAME_SIZE: Final = (
    "relu",
    "batch_norm",
    "group_norm",
    "instance_norm",
    "dropout",
    "gelu",
    "silu",
    "leaky_relu",
)


def _added(failure: Failure, graph: Graph) -> Reason:
    """Arithmetic of two tensors: axes from the last on must be alike, or 1."""
    tensors = failure.arguments[:2]
    if len(tensors) < 2:
        return Reason()
    one, other = (each.tensor.shape for each in tensors)
    unlike = _unlike(one, other)
    if not unlike:
        return Reason()
    rank = max(len(one), len(other))
    shapes = [(1,) * (rank - len(shape)) + shape for shape in (one, other)]
    axes = [
        axis
        for axis in range(rank)
        if shapes[0][axis] != shapes[1][axis] and min(s[axis] for s in shapes) > 1
    ]
    why = tuple(
        f"axis {axis} ({_role_of(axis, rank)}) must be alike, or 1: {shapes[0][axis]} and {shapes[1][axis]}"
        for axis in axes
    )
    if len(one) != len(other):
        why = (*why, f"axes are matched from the last one on, and these have {len(one)} and {len(other)}")
        return Reason(why, tuple(_with_axes(tensors)))
    fixes = _of_parameters(tensors, axes)
    if rank > 3:
        fixes += _projected(shapes, tensors, axes)
        is_code = failure.legal is None  # which can pad and cut, unlike a layer
        fixes += _off_by(graph, tensors, [*axes]) if min(axes) >= 2 and is_code else []
    return Reason(why, tuple(dict.fromkeys(fixes)), size_helps=rank < 4 or 1 not in axes)


def _with_axes(tensors: Sequence[Argument]) -> list[str]:
    """Axes of length 1 after those of the tensor that has fewer, where it then fits."""
    few, many = sorted(tensors, key=lambda each: len(each.tensor.shape))
    short, long = few.tensor.shape, many.tensor.shape
    fixes = []
    for ahead in range(len(long) - len(short)):
        after = len(long) - len(short) - ahead
        if all(a == b or 1 in (a, b) for a, b in zip(short, long[ahead:], strict=False)):
            index = ", ".join([*":" * len(short), *["None"] * after])
            fixes.append(f"{few.role}[{index}]: {shape_text((*short, *(1,) * after))}")
    return fixes


def _of_parameters(tensors: Sequence[Argument], axes: Sequence[int]) -> list[str]:
    """A parameter of the other's shape."""
    fixes = []
    for this, that in (tensors, tensors[::-1]):
        if this.source is None and this.name.startswith("parameter "):
            shape = [*this.tensor.shape]
            for axis in axes:
                shape[axis] = that.tensor.shape[axis]
            fixes.append(f"{this.name} of shape {shape_text(tuple(shape))}")
    return fixes


def _projected(shapes: Sequence[Shape], tensors: Sequence[Argument], axes: Sequence[int]) -> list[str]:
    """A 1x1 convolution on one of them, the larger one, that gives the other's channels, rows and columns."""
    larger = max((0, 1), key=lambda i: shapes[i][2:])
    few, many = shapes[1 - larger], shapes[larger]
    ratios = {-(-many[axis] // few[axis]) for axis in axes if axis >= 2}
    is_strided = len(ratios) == 1 and ratios != {1}
    stride = ratios.pop() if is_strided else 1
    if axes[0] == 0 or any(-(-many[axis] // stride) != few[axis] for axis in range(2, len(few))):
        smaller = tensors[1 - larger].role
        is_far = any(abs(many[axis] - few[axis]) > max(2, many[axis] // 8) for axis in axes if axis >= 2)
        return [f"the same strides on both paths: {smaller} is the smaller one"] if is_far else []
    if 1 in axes:
        strided = f", with stride {stride}" if stride > 1 else ""
        to = counted(few[1], "channel")
        return [f"a 1x1 convolution on {tensors[larger].role}, from {many[1]} to {to}{strided}"]
    what = f"{tensors[1 - larger].role} has been made {stride} times smaller"
    return [f"stride {stride} on the other path: {what}"] if stride > 1 else []


def _unlike(one: Shape, other: Shape) -> str:
    pairs = zip(reversed(one), reversed(other), strict=False)
    is_alike = all(a == b or 1 in (a, b) for a, b in pairs)
    return "" if is_alike else f"{shape_text(one)} and {shape_text(other)}"


# -- shapes


def _view(failure: Failure, graph: Graph) -> Reason:
    del graph
    before, asked = failure.shape("input"), _each(failure.settings.get("shape"), 0, 1)
    if not before or not asked:
        return Reason()
    count, fixed = prod(before), prod(n for n in asked if n != -1)
    if count == fixed or (-1 in asked and fixed and count % fixed == 0):
        why = f"a view of {shape_text(before)} needs its numbers in this order in memory"
        return Reason((why,), (f"x.reshape{asked}", "x.contiguous() before it"), size_helps=False)
    factors = "*".join(map(str, before))
    fixes = []
    if -1 in asked:
        why = f"{factors} = {counted(count, 'number')} {verb(count, 'does', 'do')} not divide by {fixed:,}"
        if asked[0] == -1:
            why += "; with -1 first an image of another size may pass, and become several rows"
        if asked[0] == -1 and len(asked) == 2 and len(before) > 1:
            fixes.append(
                f"x.flatten(1): {before[0]}x{prod(before[1:])}, and the next layer takes {prod(before[1:]):,}"
            )
    else:
        why = f"{factors} = {count:,} numbers do not make {'*'.join(map(str, asked))} = {fixed:,}"
        for place, size in enumerate(asked):
            rest = prod(asked[:place] + asked[place + 1 :])
            if rest and count % rest == 0:
                new = (*asked[:place], count // rest, *asked[place + 1 :])
                fixes.append(f"{count // rest} in place of {size}: {new}")
    if len(before) > 2 and not fixes:
        fixes.append(f"x.flatten(1): {before[0]}x{prod(before[1:])}")
    return Reason((why,), tuple(fixes))


# -- norms


def _norm(failure: Failure, graph: Graph) -> Reason:
    del graph
    given = failure.shape("input")
    if not given:
        return Reason()
    if failure.kind == "layer_norm":
        shape = _each(failure.settings.get("normalized_shape"), 0, 1)
        if not shape or given[-len(shape) :] == shape:
            return Reason()
        last = given[-len(shape) :]
        fixes = [f"normalized_shape={last[0] if len(last) == 1 else last}"]
        places = [axis for axis, size in enumerate(given) if (size,) == shape]
        if places:
            fixes.insert(0, f"axis {places[0]} has {shape[0]}: put it last with x.movedim({places[0]}, -1)")
        return Reason(
            (f"layer_norm is over the last {_pair(shape)}, and these are {_pair(last)}",), tuple(fixes)
        )
    channels = given[1] if len(given) > 1 else given[0]
    if failure.kind == "group_norm":
        groups = _whole(failure.settings.get("num_groups"), 1)
        if channels % groups:
            nearest = _nearest_divisor(channels, groups)
            why = f"{groups} groups do not divide {counted(channels, 'channel')}"
            return Reason((why,), (f"num_groups={nearest}",), size_helps=False)
    widths = [failure.shape(name) for name in ("running_mean", "weight", "bias")]
    width = next((shape[0] for shape in widths if len(shape) == 1), channels)
    if width != channels:
        name = "num_channels" if failure.kind == "group_norm" else "num_features"
        has = f"{failure.kind} has {counted(width, 'channel')}"
        why = f"{has}, the input {channels} (axis 1 of {shape_text(given)})"
        fixes = [f"{name}={channels}", f"{counted(width, 'channel')} from what comes before it"]
        if given[-1] == width and len(given) > 2:
            fixes.insert(0, "the last axis has as many: put the channels first with x.movedim(-1, 1)")
        return Reason((why,), tuple(fixes), size_helps=False)
    if failure.settings.get("training") and prod(given) == channels:
        return Reason(
            (f"in training mode a mean is over the batch, and {shape_text(given)} has one value a channel",),
            ("a batch of 2 or more: --batch 2", "evaluation mode: model.eval()"),
            size_helps=len(given) > 2,
        )
    return Reason()


def _module_check(failure: Failure) -> Reason:
    """What a module found wrong itself, before any operation."""
    if failure.error.startswith("TypeError: ") and "forward() missing" in failure.error:
        count = len(failure.arguments)
        why = f"{failure.module} is called with {counted(count, 'tensor')}"
        fix = "a function of yours that gives all that forward takes: --inputs net.py:make_inputs"
        return Reason((why,), () if failure.path else (fix,), size_helps=False)
    given = failure.arguments[0].tensor.shape if failure.arguments else ()
    if failure.module in ("RNN", "LSTM", "GRU") and given:
        return _recurrent(failure, given)
    expected = {"1d": (2, 3), "2d": (4,), "3d": (5,)}.get(failure.module[-2:], ())
    if not given or not expected or len(given) in expected:
        return Reason()
    axes = {"1d": "[batch, features] or [batch, channels, length]", "2d": "[batch, channels, rows, columns]"}
    why = f"{failure.module} takes {axes.get(failure.module[-2:], '5 axes')}, gets {shape_text(given)}"
    fixes = []
    if len(given) == min(expected) - 1:
        fixes.append("x.unsqueeze(0), if the batch was lost; or keep it: x.flatten(1), x.squeeze(-1)")
    if "Norm" in failure.module and len(given) in (2, 3, 4, 5):
        other = {2: "1d", 3: "1d", 4: "2d", 5: "3d"}[len(given)]
        fixes.append(f"{failure.module[:-2]}{other}, for {len(given)} axes")
    return Reason((why,), tuple(fixes), size_helps=False)


def _recurrent(failure: Failure, given: Shape) -> Reason:
    """A recurrent layer reads steps of features."""
    size = _whole(failure.settings.get("input_size"), given[-1])
    first = bool(failure.settings.get("batch_first"))
    if len(given) == 4:
        order = "[batch, steps, features]" if first else "[steps, batch, features]"
        turned = "x.flatten(2).transpose(1, 2)" if first else "x.flatten(2).permute(2, 0, 1)"
        also = "" if given[1] == size else f", and input_size={given[1]}"
        why = f"{failure.module} takes {order}, gets {shape_text(given)}"
        return Reason((why,), (f"{turned}: a step for each pixel{also}",), size_helps=False)
    if given[-1] == size:
        return Reason()
    expects = f"{failure.module} expects {counted(size, 'feature')}"
    why = f"{expects} in the last axis (input_size), gets {given[-1]:,}"
    fixes = [
        f"axis {axis} has {size}: put it last with x.transpose({axis}, -1)"
        for axis in range(1, len(given) - 1)
        if given[axis] == size
    ]
    return Reason((why,), (*fixes, f"input_size={given[-1]}"))


# -- others


def _attention(failure: Failure, graph: Graph) -> Reason:
    del graph
    query, weight = failure.shape("query"), failure.shape("in_proj_weight")
    if not query or len(weight) != 2 or weight[1] == query[-1]:
        return Reason()
    return Reason(
        (f"attention is over {counted(weight[1], 'feature')} (embed_dim), gets {query[-1]}",),
        (
            f"embed_dim={query[-1]}, which num_heads must divide",
            f"{counted(weight[1], 'feature')} from what comes before it",
        ),
        size_helps=False,
    )


def _shuffled(failure: Failure, graph: Graph) -> Reason:
    """Channels become rows and columns: they must divide by the square of the factor."""
    del graph
    given, factor = failure.shape("input"), _whole(failure.settings.get("upscale_factor"), 1)
    if len(given) < 3 or given[-3] % factor**2 == 0:
        return Reason()
    channels, square = given[-3], factor**2
    near = [n for n in (channels // square * square, -(-channels // square) * square) if n]
    do = f"{counted(channels, 'channel')} {verb(channels, 'does', 'do')}"
    why = f"{do} not divide by {factor}*{factor} = {square}"
    fix = f"{' or '.join(map(str, near))} channels from what comes before it"
    return Reason((why,), (fix,), size_helps=False)


def _padded(failure: Failure, graph: Graph) -> Reason:
    """What is reflected or goes round must be there."""
    del graph
    given, pad, mode = failure.shape("input"), failure.settings.get("pad"), failure.settings.get("mode")
    if not isinstance(pad, tuple) or mode not in ("reflect", "circular"):
        return Reason()
    axes = len(pad) // 2
    why, most = [], []
    for axis in range(axes):
        n, wanted = given[len(given) - axes + axis], max(pad[-2 * axis - 2 :][:2])
        most.append(n - (mode == "reflect"))
        if wanted > most[-1]:
            bound = "smaller than" if mode == "reflect" else "at most"
            why.append(f"{_axis_name(axis, axes)}: {mode} padding of {wanted} must be {bound} the size, {n}")
    if not why:
        return Reason()
    return Reason(tuple(why), (f"padding of at most {min(most)}", 'padding_mode="zeros"'))


def _unflattened(failure: Failure, graph: Graph) -> Reason:
    del graph
    given, dim = failure.shape("input"), _whole(failure.settings.get("dim"), 1)
    sizes = _each(failure.settings.get("sizes"), 0, 1)
    if not sizes or -1 in sizes or not -len(given) <= dim < len(given) or prod(sizes) == given[dim]:
        return Reason()
    why = f"{'*'.join(map(str, sizes))} = {prod(sizes):,}, and axis {dim} has {given[dim]:,}"
    return Reason((why,), (f"{counted(prod(sizes), 'feature')} from what comes before it",))


def _compared(failure: Failure, graph: Graph) -> Reason:
    """A loss needs a target for each output of the network."""
    del graph
    given, target = failure.shape("input"), failure.shape("target")
    if len(given) < 2 or not target or given[0] == target[0]:
        return Reason()
    targets = counted(target[0], "target")
    why = f"{failure.kind} needs a target for each of the batch: {given[0]} in the batch, {targets}"
    return Reason((why,), (), size_helps=False)


# -- words


def _role_of(axis: int, rank: int) -> str:
    names = {
        2: ("batch", "features"),
        4: ("batch", "channels", "rows", "columns"),
        5: ("batch", "channels", "depth", "rows", "columns"),
    }.get(rank, ())
    return names[axis] if axis < len(names) else f"of {rank}"


def _axis_name(axis: int, axes: int) -> str:
    names = {1: ("length",), 2: ("rows", "columns"), 3: ("depth", "rows", "columns")}.get(axes, ())
    return names[axis] if names else f"axis {axis}"


def _pair(numbers: Shape) -> str:
    return str(numbers[0]) if len(set(numbers)) == 1 else str(tuple(numbers))


def _whole(value: Setting, default: int) -> int:
    return value if isinstance(value, int) else default


def _each(value: Setting, count: int, default: int) -> Shape:
    return value if isinstance(value, tuple) else (default,) * count


_CONVOLUTIONS: Final = tuple(f"{name}{axes}d" for name in ("conv", "conv_transpose") for axes in (1, 2, 3))
_POOLS: Final = tuple(
    f"{name}_pool{axes}d{suffix}"
    for name in ("max", "avg")
    for axes in (1, 2, 3)
    for suffix in ("", "_with_indices")
)
_REASONS: Final[dict[str, Callable[[Failure, Graph], Reason]]] = {
    **dict.fromkeys(_CONVOLUTIONS, _convolution),
    **dict.fromkeys(_POOLS, _pool),
    **dict.fromkeys(("cat", "concat", "concatenate", "stack"), _cat),
    **dict.fromkeys(
        ("add", "sub", "mul", "div", "true_divide", "where", "maximum", "minimum", "pow"), _added
    ),
    **dict.fromkeys(("view", "reshape"), _view),
    **dict.fromkeys(("batch_norm", "layer_norm", "group_norm", "instance_norm"), _norm),
    **dict.fromkeys(("matmul", "bmm", "mm"), _product),
    "linear": _linear,
    "multi_head_attention_forward": _attention,
    "pixel_shuffle": _shuffled,
    "pad": _padded,
    "unflatten": _unflattened,
    **dict.fromkeys(("cross_entropy", "nll_loss"), _compared),
}
