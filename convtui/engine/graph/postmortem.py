"""Why an operation failed, from its shapes: the formula with its numbers, and the nearest changes that fit.

Everything is worked out from the shapes and settings of the failure; PyTorch's message is told, not read,
but for the few errors that shapes do not show.
"""

from collections.abc import Callable, Sequence
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
        fixes=reason.fixes,
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
        return "the input" if len(op.outputs) == 1 else f"input {source.output + 1}"
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
    of_types = _types(failure)
    if of_types:
        return of_types
    explain = _REASONS.get(failure.kind)
    if explain:
        return explain(failure, graph)
    if not failure.kind and failure.module:
        return _module_check(failure)
    return Reason()


# -- types


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
    del graph
    image, weight = failure.shape("input"), failure.shape("weight")
    axes = len(weight) - 2
    if axes < 1 or not image:
        return Reason()
    if len(image) not in (axes + 1, axes + 2):
        return _axes_missing(failure.kind, image, axes)
    found = expected_and_given(failure)
    assert found is not None
    expected, channels = found
    groups = _whole(failure.settings.get("groups"), 1)
    is_transposed = failure.kind.startswith("conv_transpose")
    if channels != expected:
        return _channels(failure, image, channels, expected, groups, axes)
    outputs = weight[1] * groups if is_transposed else weight[0]
    if groups > 1 and (channels % groups or outputs % groups):
        return _groups(channels, outputs, groups)
    return Reason() if is_transposed else _window(failure, image[-axes:], weight[2:])


def _channels(failure: Failure, image: Shape, channels: int, expected: int, groups: int, axes: int) -> Reason:
    kind = failure.kind
    named = f"{expected // groups} for each of {groups} groups = {expected}" if groups > 1 else str(expected)
    where = f"axis {len(image) - axes - 1} of {shape_text(image)}"
    why = [f"{kind} expects {named} channels, gets {channels} ({where})"]
    fixes = []
    if image[-1] == expected:
        order = ", ".join(map(str, (0, len(image) - 1, *range(1, len(image) - 1))))
        fixes.append(f"the last axis has {expected}: put the channels first with x.permute({order})")
    if channels % groups:
        why.append(f"and {groups} groups do not divide {channels} channels")
        outputs = failure.shape("weight")[0]
        fixes.append(f"in_channels={channels} with groups={_nearest_divisor(gcd(channels, outputs), groups)}")
    else:
        fixes.append(f"in_channels={channels}")
    source = next((each for each in failure.arguments if each.role == "input"), None)
    if source is not None and source.source is not None and source.source.op:
        fixes.append(f"{expected} channels from what comes before it: {_before(source)}")
    else:
        fixes.append(
            f"an input of {expected} channels: --input {'x'.join(map(str, (expected, *image[-axes:])))}"
        )
    return Reason(tuple(why), tuple(fixes), size_helps=False)


def _before(argument: Argument) -> str:
    assert argument.source is not None
    return f"operation {argument.source.op}"


def _groups(channels: int, outputs: int, groups: int) -> Reason:
    common = gcd(channels, outputs)
    return Reason(
        (f"groups={groups} must divide {channels} channels in and {outputs} out",),
        (f"groups={_nearest_divisor(common, groups)}",),
        size_helps=False,
    )


def _nearest_divisor(number: int, near: int) -> int:
    return min((n for n in range(1, number + 1) if number % n == 0), key=lambda n: abs(n - near))


def _window(failure: Failure, sizes: Shape, kernel: Shape) -> Reason:
    """A kernel that is larger than the padded input."""
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
    fixes = [f"padding={_pair(tuple(needed))}"]
    if min(largest) > 0:
        fixes.append(f"kernel_size={_pair(tuple(largest))}")
    fixes.append("fewer strides and poolings before it")
    return Reason(tuple(why), tuple(fixes))


def _pool(failure: Failure, graph: Graph) -> Reason:
    del graph
    image, kernel = failure.shape("input"), _each(failure.settings.get("kernel"), 0, 1)
    if not kernel or len(image) <= len(kernel):
        return _axes_missing(failure.kind, image, len(kernel)) if image else Reason()
    padding = _each(failure.settings.get("padding"), len(kernel), 0)
    if any(p > k // 2 for p, k in zip(padding, kernel, strict=True)):
        most = tuple(k // 2 for k in kernel)
        why = f"padding {_pair(padding)} is more than half of the kernel {_pair(kernel)}"
        return Reason((why,), (f"padding={_pair(most)}",), size_helps=False)
    return _window(failure, image[-len(kernel) :], kernel)


def _axes_missing(kind: str, image: Shape, axes: int) -> Reason:
    names = ["batch", "channels", *(_axis_name(axis, axes) for axis in range(axes))]
    why = f"{kind} takes {len(names)} axes [{', '.join(names)}], gets {len(image)}: {shape_text(image)}"
    fixes: tuple[str, ...] = ("one axis less before it: x.flatten(0, 1), or x.squeeze of one of size 1",)
    if len(image) < axes + 1:
        fixes = ("keep the axes before it: no flatten, squeeze or view, or undo it with x.unflatten",)
        if len(image) == axes:
            fixes = (f"x.unsqueeze(0) for the channels: 1x{shape_text(image)}", *fixes)
    return Reason((why,), fixes, size_helps=False)


# -- linear, matmul


def _linear(failure: Failure, graph: Graph) -> Reason:
    given, found = failure.shape("input"), expected_and_given(failure)
    if found is None:
        return Reason()
    expected, got = found
    if expected == got:
        return Reason()
    product, whole = _product_of(failure, graph, given)
    why = (f"linear expects {expected:,} features, gets {got:,}{product}",)
    fixes: list[str] = []
    if len(given) > 2:
        for first in range(1, len(given) - 1):
            if prod(given[first:]) == expected:
                shape = "*".join(map(str, given[first:]))
                fixes.append(f"x.flatten({first}) before it: {shape} = {expected:,} features")
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


def _pooled(whole: Shape, expected: int) -> list[str]:
    """An adaptive pooling before the flatten, if there is one that gives as many features."""
    channels = whole[1]
    if len(whole) != 4 or expected % channels:
        return []
    cells = expected // channels
    side = round(cells**0.5)
    if side * side != cells:
        return []
    return [f"adaptive pooling to {side}x{side} before the flatten: {channels}*{side}*{side} = {expected:,}"]


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
    is_of_channels = rank > 2 and any(axis < 2 for axis in unlike)
    fixes = _off_by(shapes, [axis for axis in unlike if axis >= 2], [each.role for each in tensors])
    if is_of_channels and dim >= 2:
        fixes.append("dim=1, if the channels are to be joined")
    del graph
    return Reason(tuple(why), tuple(fixes), size_helps=not is_of_channels)


def _off_by(shapes: Sequence[Shape], axes: Sequence[int], roles: Sequence[str]) -> list[str]:
    """Pad the smaller one or cut the larger one, if one of them is smaller along all of these axes."""
    if not axes:
        return []
    smaller = min(range(len(shapes)), key=lambda i: [shapes[i][axis] for axis in axes])
    larger = max(range(len(shapes)), key=lambda i: [shapes[i][axis] for axis in axes])
    lacks = {axis: shapes[larger][axis] - shapes[smaller][axis] for axis in axes}
    if min(lacks.values()) < 0:
        return []
    rank = len(shapes[smaller])
    sides = tuple(n for axis in range(rank - 1, min(axes) - 1, -1) for n in (0, lacks.get(axis, 0)))
    cut = ", ".join(f":{shapes[smaller][axis]}" if axis in lacks else ":" for axis in range(min(axes), rank))
    return [f"pad {roles[smaller]}: F.pad(x, {sides})", f"cut {roles[larger]}: x[..., {cut}]"]


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
    why, fixes, near = [], [], []
    for axis in axes:
        sizes = [shape[axis] for shape in shapes]
        why.append(f"axis {axis} ({_role_of(axis, rank)}) must be alike, or 1: {sizes[0]} and {sizes[1]}")
        if axis == 1 and rank > 2:
            fixes.append(f"a 1x1 convolution on one of them, from {sizes[1]} to {sizes[0]} channels")
        elif axis >= 2 and abs(sizes[0] - sizes[1]) <= max(2, max(sizes) // 8):
            near.append(axis)
        elif axis >= 2:
            ratio = max(sizes) / min(sizes)
            smaller = tensors[0 if sizes[0] < sizes[1] else 1].role
            is_whole = ratio == round(ratio)
            what = (
                f"stride {round(ratio)} on the other path" if is_whole else "the same strides on both paths"
            )
            fixes.append(f"{what}: {smaller} has been made {ratio:.3g} times smaller")
    fixes += _off_by(shapes, near, [each.role for each in tensors])
    del graph
    return Reason(tuple(why), tuple(dict.fromkeys(fixes)), size_helps=rank < 3 or 1 not in axes)


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
        why = f"{factors} = {count:,} numbers do not divide by {fixed:,}"
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
            why = f"{groups} groups do not divide {channels} channels"
            return Reason((why,), (f"num_groups={nearest}",), size_helps=False)
    widths = [failure.shape(name) for name in ("running_mean", "weight", "bias")]
    width = next((shape[0] for shape in widths if len(shape) == 1), channels)
    if width != channels:
        name = "num_channels" if failure.kind == "group_norm" else "num_features"
        why = f"{failure.kind} has {width} channels, the input {channels} (axis 1 of {shape_text(given)})"
        fixes = [f"{name}={channels}", f"{width} channels from what comes before it"]
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
        why = f"{failure.module} is called with {count} tensor{'s' * (count != 1)}"
        fix = "a function of yours that gives all that forward takes: --inputs net.py:make_inputs"
        return Reason((why,), () if failure.path else (fix,), size_helps=False)
    given = failure.arguments[0].tensor.shape if failure.arguments else ()
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


# -- words


def _role_of(axis: int, rank: int) -> str:
    names = {
        2: ("batch", "features"),
        3: ("batch", "channels", "length"),
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
}
