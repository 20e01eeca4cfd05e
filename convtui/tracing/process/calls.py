"""What is known of PyTorch's functions: by which names their arguments go, what they read, what they cost.

A function that is not in these tables is a row of the graph all the same, which says that it is not known
what it reads.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch._ops import OpOverload

from convtui.engine.adaptive import adaptive_windows
from convtui.engine.graph import costs, moves
from convtui.engine.graph.operation import Cost, Setting, Shape
from convtui.engine.graph.reads import (
    All,
    Digits,
    Gather,
    Grouped,
    Merge,
    Nothing,
    Pointwise,
    Read,
    Reads,
    Transposed,
    Unknown,
    Unravel,
    Window,
    reshape_reads,
)
from convtui.tracing.process.aten import bind_operator

SHARE: Final = 1e-11  # of an input in an output, beyond what is rounding
MOST_PROBED: Final = 2**20  # cells of a tensor that is sent through a function to see where they go

ReadsByRole: TypeAlias = Mapping[str, Reads]


@dataclass
class Call:
    """A call of a function with its arguments by name, and what it gave."""

    kind: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    bound: Mapping[str, Any]
    outputs: Sequence[Tensor] = ()
    followed: frozenset[str] = frozenset()  # the roles of tensors that came from the input

    @property
    def input(self) -> Tensor:
        """The first tensor that it was given."""
        return next(tensor for _, tensor in self.tensors)

    @property
    def output(self) -> Tensor:
        """Its first output."""
        return self.outputs[0]

    @property
    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """The tensors that it was given, with their roles: `weight`, `tensors[1]`."""
        for name, value in self.bound.items():
            yield from _tensors(name, value)

    def shape(self, role: str) -> Shape:
        """The shape of an argument, () of one that is no tensor."""
        value = self.bound.get(role)
        return tuple(value.shape) if isinstance(value, Tensor) else ()

    def numbers(self, name: str, default: Any, count: int) -> tuple[int, ...]:
        """An argument that is a number for each axis, or one for all."""
        value = self.bound.get(name)
        value = default if value is None or value == () or value == [] else value
        each = [int(n) for n in value] if isinstance(value, Sequence) else [int(value)]
        return tuple(each * count if len(each) == 1 else each)


@dataclass(frozen=True)
class Described:
    """What a call reads, for each output, of each tensor by its role; what it costs; its settings."""

    reads: tuple[ReadsByRole, ...] = ()
    settings: Mapping[str, Setting] = field(default_factory=dict)
    cost: Cost | None = field(default_factory=Cost)
    note: str = ""


def bind(
    kind: str, function: object, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """The kind of a call and its arguments by name.

    Those beyond what is known are arg3, arg4; methods call themselves input.
    """
    if isinstance(function, OpOverload):
        return bind_operator(function, args, kwargs)
    names = SIGNATURES.get("im2col" if function is torch.nn.functional.unfold else kind, "input").split()
    if kind in _SECOND and "other" not in kwargs:
        names = ["input", "other"]
    bound = {names[i] if i < len(names) else f"arg{i}": value for i, value in enumerate(args)}
    renamed = {"axis": "dim", "self": "input"}
    return kind, bound | {renamed.get(name, name): value for name, value in kwargs.items()}


def unread(kind: str) -> str:
    """The role of the tensor of which a function reads no number; "" where it reads all that it is given."""
    return "input" if kind in OVERWRITTEN else "other" if kind in _SHAPES else ""


def settings_of(call: Call) -> dict[str, Setting]:
    """What tells this call from others of the same function, from its arguments alone."""
    told: dict[str, Setting] = {}
    weight = call.shape("weight")
    if call.kind in CONVOLUTIONS and len(weight) > 2:
        axes = len(weight) - 2
        groups = int(call.bound.get("groups", 1))
        first, second = weight[0], weight[1] * groups
        if call.kind.startswith("conv_transpose"):
            first, second = weight[1] * groups, weight[0]
            told["output_padding"] = call.numbers("output_padding", 0, axes)
        padding = call.bound.get("padding", 0)
        told |= {
            "kernel": weight[2:],
            "in_channels": second,
            "out_channels": first,
            "stride": call.numbers("stride", 1, axes),
            "padding": padding if isinstance(padding, str) else call.numbers("padding", 0, axes),
            "dilation": call.numbers("dilation", 1, axes),
            "groups": groups,
        }
    elif call.kind == "linear" and len(weight) == 2:
        told |= {"in_features": weight[1], "out_features": weight[0]}
    elif call.kind in POOLINGS:
        axes = _digits(call.kind)
        kernel = call.numbers("kernel_size", 1, axes)
        told |= {
            "kernel": kernel,
            "stride": call.numbers("stride", kernel, axes),
            "padding": call.numbers("padding", 0, axes),
            "dilation": call.numbers("dilation", 1, axes),
            "ceil_mode": bool(call.bound.get("ceil_mode", False)),
        }
        if call.kind.startswith("avg"):
            told["count_include_pad"] = bool(call.bound.get("count_include_pad", True))
            told["divisor_override"] = call.bound.get("divisor_override")
    elif call.kind in ("batch_norm", "instance_norm"):
        told["training"] = bool(
            call.bound.get("training", call.bound.get("use_input_stats", call.kind == "instance_norm"))
        )
        told["momentum"] = call.bound.get("momentum", 0.1)
    elif call.kind == "group_norm":
        told["num_groups"] = int(call.bound.get("num_groups", 1))
    elif call.kind in ("layer_norm", "rms_norm"):
        told["normalized_shape"] = tuple(int(n) for n in call.bound.get("normalized_shape", ()))
    elif call.kind in ("reshape", "view"):
        told["shape"] = tuple(_sizes(call))
    elif call.kind in ("interpolate", "pad"):
        mode = call.bound.get("mode", "nearest" if call.kind == "interpolate" else "constant")
        told["mode"] = str(mode)
        if isinstance(call.bound.get("pad"), Sequence):
            told["pad"] = tuple(int(n) for n in call.bound["pad"])
    elif call.kind == "pixel_shuffle":
        told["upscale_factor"] = int(call.bound.get("upscale_factor", call.bound.get("arg1", 1)))
    elif call.kind == "unflatten":
        told["sizes"] = tuple(int(n) for n in call.bound.get("sizes", call.bound.get("arg2", ())))
    if call.kind in ("batch_norm", "instance_norm", "group_norm", "layer_norm"):
        told["eps"] = float(call.bound.get("eps", 1e-5))
    dim = call.bound.get("dim")
    if dim is None and call.kind in _WITH_DIM_0:
        dim = 0
    if isinstance(dim, int | tuple | list):
        told["dim"] = dim if isinstance(dim, int) else tuple(int(n) for n in dim)
    return told


def _sizes(call: Call) -> Iterator[int]:
    for name, value in call.bound.items():
        if name.startswith(("arg", "shape", "size")):
            yield from (int(n) for n in (value if isinstance(value, Sequence) else [value]) if _is_size(n))


def _is_size(value: Any) -> bool:
    """Not so of x.view(torch.int32)."""
    return not isinstance(value, torch.dtype)


def describe(call: Call) -> Described:
    """What is known of a call that has given its outputs."""
    settings: Mapping[str, Setting] = {}
    try:
        settings = settings_of(call)
        reads, cost = HANDLERS[call.kind](call, settings)
    except Exception:  # whatever it was called with, the pass itself has not failed
        is_counted = call.kind in _COUNTED or call.kind not in HANDLERS
        return Described((), settings, None if is_counted else Cost(), "not known what it reads")
    return Described(tuple(_fitting(reads, call)), settings, cost)


def _fitting(reads: Sequence[ReadsByRole], call: Call) -> Iterator[ReadsByRole]:
    """For each output, with what is not known of one that has other axes, as the statistics beside a norm."""
    shapes = {role: tuple(tensor.shape) for role, tensor in call.tensors}
    for place, output in enumerate(call.outputs):
        by_role = reads[min(place, len(reads) - 1)] if reads else {}
        rank = output.dim()
        yield {
            role: each
            if len(each) >= len(shapes[role]) and all(_last_axis(read) < rank for read in each)
            else unknown(shapes[role])
            for role, each in by_role.items()
        }


def _last_axis(read: Read) -> int:
    match read:
        case All() | Nothing() | Unknown():
            return -1
        case Merge(axes) | Digits(axes):
            return max(axes, default=-1)
        case _:
            return read.axis


# -- handlers: reads for each output, and the cost

Handled: TypeAlias = tuple[Sequence[ReadsByRole], Cost | None]
Handler: TypeAlias = Callable[[Call, Mapping[str, Setting]], Handled]


def unknown(shape: Shape) -> Reads:
    """Nothing is known of any axis."""
    return tuple(Unknown() for _ in shape)


def _pointwise(count: int) -> list[Read]:
    return [Pointwise(axis) for axis in range(count)]


def _convolution(call: Call, settings: Mapping[str, Setting]) -> Handled:
    weight, rank = call.shape("weight"), call.input.dim()
    axes = len(weight) - 2
    kernel, stride, dilation = weight[2:], call.numbers("stride", 1, axes), call.numbers("dilation", 1, axes)
    padding = call.bound.get("padding", 0)
    if padding == "same":  # the odd one goes to the end
        before = tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))
    else:
        before = (0,) * axes if padding == "valid" else call.numbers("padding", 0, axes)
    reads = _pointwise(rank - axes - 1)
    reads.append(_grouped(rank - axes - 1, call.shape("input")[-axes - 1], weight[0], settings["groups"]))
    for i in range(axes):
        reads.append(Window(rank - axes + i, kernel[i], stride[i], before[i], dilation[i]))
    return [{"input": tuple(reads)}], costs.convolution(weight, tuple(call.output.shape))


def _transposed(call: Call, settings: Mapping[str, Setting]) -> Handled:
    weight, rank = call.shape("weight"), call.input.dim()
    axes = len(weight) - 2
    stride, dilation = call.numbers("stride", 1, axes), call.numbers("dilation", 1, axes)
    before = call.numbers("padding", 0, axes)
    outputs = call.output.shape[-axes - 1]
    reads = _pointwise(rank - axes - 1)
    reads.append(_grouped(rank - axes - 1, weight[0], outputs, settings["groups"]))
    for i in range(axes):
        reads.append(Transposed(rank - axes + i, weight[2 + i], stride[i], before[i], dilation[i]))
    return [{"input": tuple(reads)}], costs.transposed_convolution(weight, call.shape("input"))


def _grouped(axis: int, inputs: int, outputs: int, groups: Setting) -> Read:
    assert isinstance(groups, int)
    if groups == 1:
        return All()
    if groups == inputs == outputs:
        return Pointwise(axis)
    return Grouped(axis, inputs // groups, outputs // groups)


def _linear(call: Call, settings: Mapping[str, Setting]) -> Handled:
    del settings
    reads = (*_pointwise(call.input.dim() - 1), All())
    return [{"input": reads}], costs.linear(call.shape("weight"), tuple(call.output.shape))


def _pool(call: Call, settings: Mapping[str, Setting]) -> Handled:
    axes, rank = _digits(call.kind), call.input.dim()
    kernel, stride, padding, dilation = (
        settings[name] for name in ("kernel", "stride", "padding", "dilation")
    )
    reads = _pointwise(rank - axes)
    for i in range(axes):
        size, step, before, apart = (
            each[i] for each in (kernel, stride, padding, dilation) if isinstance(each, tuple)
        )
        reads.append(Window(rank - axes + i, size, step, before, apart))
    return [{"input": tuple(reads)}] * len(call.outputs), Cost()


def _adaptive(call: Call, settings: Mapping[str, Setting]) -> Handled:
    del settings
    axes, rank = _digits(call.kind), call.input.dim()
    reads = _pointwise(rank - axes)
    for axis in range(rank - axes, rank):
        size, count = call.input.shape[axis], call.output.shape[axis]
        if count == 1:
            reads.append(All())
        elif size % count == 0:
            reads.append(Window(axis, size // count, size // count))
        else:
            windows = adaptive_windows(size, count)
            reads.append(_gathered(axis, [(each.start, each.stop - 1) for each in windows]))
    return [{"input": tuple(reads)}] * len(call.outputs), Cost()


def _gathered(axis: int, ranges: Sequence[tuple[int, int]]) -> Gather:
    low, high = zip(*ranges, strict=True)
    return Gather(axis, low, high)


def _batch_norm(call: Call, settings: Mapping[str, Setting]) -> Handled:
    reads = _pointwise(call.input.dim())
    if settings["training"]:
        across = range(2, len(reads)) if call.kind == "instance_norm" else (0, *range(2, len(reads)))
        for axis in across:
            reads[axis] = All()
    return [{"input": tuple(reads)}], Cost()


def _layer_norm(call: Call, settings: Mapping[str, Setting]) -> Handled:
    shape = settings["normalized_shape"]
    assert isinstance(shape, tuple)
    rank = call.input.dim()
    return [{"input": (*_pointwise(rank - len(shape)), *[All()] * len(shape))}], Cost()


def _group_norm(call: Call, settings: Mapping[str, Setting]) -> Handled:
    rank, groups = call.input.dim(), settings["num_groups"]
    assert isinstance(groups, int)
    each = call.input.shape[1] // groups
    reads: Reads = (Pointwise(0), Grouped(1, each, each), *[All() for _ in range(rank - 2)])
    return [{"input": reads}], Cost()


def _reduced(call: Call, settings: Mapping[str, Setting]) -> Handled:
    """Sums, means and the like: over some axes, which the output has no longer or has once."""
    del settings
    rank, dim = call.input.dim(), call.bound.get("dim")
    dims = list(range(rank)) if dim is None or dim == () else [dim] if isinstance(dim, int) else list(dim)
    across = {axis % max(rank, 1) for axis in dims}
    keeps = call.output.dim() == rank
    reads: list[Read] = []
    at = 0
    for axis in range(rank):
        if axis in across:
            reads.append(All())
            at += keeps
        else:
            reads.append(Pointwise(at))
            at += 1
    return [{"input": tuple(reads)}] * len(call.outputs), Cost()


def _softmax(call: Call, settings: Mapping[str, Setting]) -> Handled:
    reads = _pointwise(call.input.dim())
    dim = settings.get("dim")
    assert isinstance(dim, int)
    reads[dim] = All()
    return [{"input": tuple(reads)}] * len(call.outputs), Cost()


def _across_channels(call: Call, settings: Mapping[str, Setting]) -> Handled:
    """local_response_norm: each number is divided by those of so many channels around its own."""
    del settings
    reads, size = _pointwise(call.input.dim()), int(call.bound["size"])
    reads[1] = Window(1, size, 1, size // 2)
    return [{"input": tuple(reads)}], Cost()


def _gated(call: Call, settings: Mapping[str, Setting]) -> Handled:
    """glu: one half of an axis times the sigmoid of the other."""
    del settings
    reads, dim = _pointwise(call.input.dim()), int(call.bound.get("dim", -1)) % call.input.dim()
    reads[dim] = Window(dim, 2, 1, 0, call.output.shape[dim])
    return [{"input": tuple(reads)}], Cost()


def _normalised(call: Call, settings: Mapping[str, Setting]) -> Handled:
    del settings
    reads = _pointwise(call.input.dim())
    reads[call.bound.get("dim", 1)] = All()
    return [{"input": tuple(reads)}], Cost()


def _cumulative(call: Call, settings: Mapping[str, Setting]) -> Handled:
    reads = _pointwise(call.input.dim())
    dim = settings.get("dim")
    assert isinstance(dim, int)
    dim %= len(reads)
    reads[dim] = _gathered(dim, [(0, i) for i in range(call.input.shape[dim])])
    return [{"input": tuple(reads)}] * len(call.outputs), Cost()


def broadcast(shape: Shape, output: Shape) -> Reads:
    """Cell by cell, where axes of one cell are read by all of the output's."""
    ahead = len(output) - len(shape)
    return tuple(
        Merge() if size == 1 != output[ahead + axis] else Pointwise(ahead + axis)
        for axis, size in enumerate(shape)
    )


def _elementwise(call: Call, settings: Mapping[str, Setting]) -> Handled:
    del settings
    output = tuple(call.output.shape)
    roles = [(role, each) for role, each in call.tensors if role != unread(call.kind)]
    return [{role: broadcast(tuple(each.shape), output) for role, each in roles}], Cost()


def _overwritten(call: Call, settings: Mapping[str, Setting]) -> Handled:
    """Nothing of what was there stays: x.copy_(y), x.fill_(0)."""
    del settings
    output = tuple(call.output.shape)
    roles = [(role, each) for role, each in call.tensors if role == "other" and call.kind == "copy"]
    return [{role: broadcast(tuple(each.shape), output) for role, each in roles}], Cost()


def _joined(call: Call, settings: Mapping[str, Setting]) -> Handled:
    dim = settings.get("dim")
    assert isinstance(dim, int)
    rank = call.output.dim()
    dim %= rank
    reads: dict[str, Reads] = {}
    start = 0
    for role, tensor in call.tensors:
        if tensor.dim() != rank:  # an old way to begin with nothing
            reads[role] = ()
            continue
        along = _pointwise(rank)
        along[dim] = Window(dim, 1, 1, start)
        reads[role] = tuple(along)
        start += tensor.shape[dim]
    return [reads], Cost()


def _stacked(call: Call, settings: Mapping[str, Setting]) -> Handled:
    dim = settings.get("dim")
    assert isinstance(dim, int)
    rank = call.output.dim()
    dim %= rank
    axes = [axis for axis in range(rank) if axis != dim]
    along = tuple(Pointwise(axis) for axis in axes)
    places = enumerate(role for role, _ in call.tensors)
    return [{role: (*along, Window(dim, 1, 1, place)) for place, role in places}], Cost()


def _set(call: Call, settings: Mapping[str, Setting]) -> Handled:
    """b[:, 0] = y: the cells that are replaced read theirs of y; those of b are told to be not known."""
    del settings
    value, index = call.bound["value"], call.bound["index"]
    if not isinstance(value, Tensor):
        return [{}], Cost()
    shape = tuple(call.input.shape)
    whole = torch.empty(shape, device="meta")
    part = whole[index]
    starts = strided_reads(shape, part.shape, part.stride(), int(part.storage_offset()))
    if starts is None or not part._is_view():
        raise ValueError("not a part of the tensor by its axes")
    along: dict[int, Read] = {}
    dropped: list[Read] = []
    for axis, read in enumerate(starts):
        match read:
            case Pointwise(at):
                along[at] = Pointwise(axis)
            case Window(at, _, step, before):
                along[at] = Transposed(axis, 1, step, before)
            case Merge(_, _, start):
                if shape[axis] > 1:
                    if axis > 1:
                        raise ValueError("a single row or column")
                    dropped.append(Window(axis, 1, 1, start))
    ahead = part.dim() - value.dim()
    reads = [
        along.get(ahead + axis, Merge()) if size == part.shape[ahead + axis] else Merge()
        for axis, size in enumerate(value.shape)
    ]
    return [{"value": (*reads, *dropped)}], Cost()


def _reshaped(call: Call, settings: Mapping[str, Setting]) -> Handled:
    del settings
    return [{"input": reshape_reads(tuple(call.input.shape), tuple(call.output.shape))}], Cost()


def _viewed(call: Call, settings: Mapping[str, Setting]) -> Handled:
    """Views of a tensor: which cells they show follows from their strides, without a look at any."""
    whole = torch.empty(tuple(call.input.shape), device="meta")
    views = _flat(call.function(*_replaced(call.args, call.input, whole), **call.kwargs))
    if len(views) != len(call.outputs) or not all(view._is_view() for view in views):
        return _probed(call, settings)
    reads = [
        strided_reads(whole.shape, view.shape, view.stride(), int(view.storage_offset())) for view in views
    ]
    if any(read is None for read in reads):
        return _probed(call, settings)
    return [{"input": read} for read in reads if read is not None], Cost()


def strided_reads(
    shape: Sequence[int], view: Sequence[int], strides: Sequence[int], offset: int
) -> Reads | None:
    """How a view of a whole tensor reads; None where an axis of the view runs through several of its."""
    reads: list[Read] = []
    starts: list[int] = []
    steps = [prod(shape[axis + 1 :]) for axis in range(len(shape))]
    for step in steps:
        starts.append(offset // step if step else 0)
        offset -= starts[-1] * step
    reads = [Merge(start=start) for start in starts]
    for axis, (count, stride) in enumerate(zip(view, strides, strict=True)):
        if count == 1 or stride == 0:
            continue
        for place, step in enumerate(steps):
            if (
                shape[place] > 1
                and stride % step == 0
                and starts[place] + (count - 1) * stride // step < shape[place]
            ):
                if reads[place] != Merge(start=starts[place]):
                    return None
                is_whole = stride == step and not starts[place] and count == shape[place]
                reads[place] = (
                    Pointwise(axis) if is_whole else Window(axis, 1, stride // step, -starts[place])
                )
                break
        else:
            return None
    return tuple(reads)


def _moved(call: Call, settings: Mapping[str, Setting]) -> Handled:
    """Functions whose arguments say where each cell goes; what they leave open is looked at."""
    try:
        return [{"input": _moves(call)}], Cost()
    except (LookupError, TypeError):
        return _probed(call, settings)


def _moves(call: Call) -> Reads:
    """Raises LookupError or TypeError where the arguments do not say it alone."""
    bound, shape, output = call.bound, tuple(call.input.shape), tuple(call.output.shape)
    match call.kind:
        case "pixel_shuffle":
            return moves.shuffled(output, output[-1] // shape[-1])
        case "pixel_unshuffle":
            return moves.unshuffled(output, shape[-1] // output[-1])
        case "channel_shuffle" | "native_channel_shuffle":
            return moves.channels_shuffled(shape, int(bound["groups"]))
        case "roll":
            return moves.rolled(shape, *(_each(bound[name]) for name in ("shifts", "dims")))
        case "flip":
            return moves.flipped(shape, _each(bound["dims"]))
        case "fliplr" | "flipud":
            return moves.flipped(shape, [1 if call.kind == "fliplr" else 0])
        case "repeat" | "tile":
            return moves.repeated(shape, len(output))
        case "repeat_interleave":
            return moves.interleaved(len(shape), int(bound["dim"]), operator.index(bound["repeats"]))
        case "index_select" if "index" not in call.followed:
            return moves.selected(shape, int(bound["dim"]), bound["index"].tolist())
        case "unfold" if "kernel_size" not in bound:
            return moves.windowed(len(shape), int(bound["dimension"]) % len(shape), int(bound["step"]))
    raise LookupError(call.kind)


def _each(value: Any) -> list[int]:
    return [int(n) for n in value] if isinstance(value, Sequence) else [int(value)]


def _folded(call: Call, settings: Mapping[str, Setting]) -> Handled:
    """unfold and fold: the windows of a map as columns, and columns as the windows of a map."""
    if call.kind == "unfold" and "kernel_size" not in call.bound:
        return _moved(call, settings)
    kernel, dilation, padding, stride = (
        call.numbers(name, default, 2)
        for name, default in (("kernel_size", 1), ("dilation", 1), ("padding", 0), ("stride", 1))
    )
    shape, output = tuple(call.input.shape), tuple(call.output.shape)
    if call.kind == "unfold":
        sizes = zip(shape[-2:], kernel, dilation, padding, stride, strict=True)
        windows = [(size + 2 * p - d * (k - 1) - 1) // s + 1 for size, k, d, p, s in sizes]
        return [{"input": moves.unfolded(len(shape), windows, kernel, dilation, padding, stride)}], Cost()
    if stride != kernel or set(padding) != {0} or set(dilation) != {1}:
        raise ValueError("windows that overlap")
    return [{"input": moves.folded(output, kernel)}], Cost()


def _probed(call: Call, settings: Mapping[str, Setting]) -> Handled:
    """What moves numbers about: the numbers of the cells themselves are sent through it."""
    del settings
    size = call.input.numel()
    if not 0 < size <= MOST_PROBED or len(call.followed) > 1:
        raise ValueError("too large to be looked at")
    cells = torch.arange(1, size + 1, dtype=torch.float64).reshape(call.input.shape)
    moved = _flat(call.function(*_replaced(call.args, call.input, cells), **call.kwargs))
    shape = tuple(call.input.shape)
    numbers = [each.numpy().astype(np.intp) - 1 for each in moved]
    if any((each < 0).any() for each in numbers):  # of the padding of an unfold, which is no cell
        return [{"input": unknown(shape)}] * len(moved), Cost()
    return [{"input": probed_reads(shape, each)} for each in numbers], Cost()


def probed_reads(shape: Shape, moved: Any) -> Reads:
    """How an output reads that holds, for each of its cells, the number of the input's cell that is there."""
    reads: list[Read] = []
    for at in np.unravel_index(moved, shape):
        varying = [axis for axis in range(at.ndim) if (np.diff(at, axis=axis) != 0).any()]
        start = int(at[(0,) * at.ndim])
        if len(varying) == 1:
            line = at[tuple(slice(None) if axis == varying[0] else 0 for axis in range(at.ndim))]
            numbers = tuple(line.tolist())
            reads.append(Gather(varying[0], numbers, numbers))
            continue
        firsts = [np.take(at, min(1, at.shape[axis] - 1), axis).flat[0] - start for axis in varying]
        steps = tuple(int(step) for step in firsts)
        grid = np.full(at.shape, start)
        for axis, step in zip(varying, steps, strict=True):
            grid = grid + np.expand_dims(
                np.arange(at.shape[axis]) * step, [i for i in range(at.ndim) if i != axis]
            )
        reads.append(Merge(tuple(varying), steps, start) if (grid == at).all() else Unknown())
    return tuple(reads)


def _padded(call: Call, settings: Mapping[str, Setting]) -> Handled:
    pad = [int(n) for n in call.bound["pad"]]
    rank = call.input.dim()
    reads = _pointwise(rank)
    for i in range(len(pad) // 2):
        axis, before = rank - 1 - i, pad[2 * i]
        size, count = call.input.shape[axis], call.output.shape[axis]
        at = np.arange(count) - before
        last = size - 1
        match settings["mode"]:
            case "constant":
                reads[axis] = Window(axis, 1, 1, before)
                continue
            case "reflect":
                at = last - np.abs(last - np.abs(at))
            case "replicate":
                at = at.clip(0, last)
            case "circular":
                at = at % size
        numbers = tuple(at.tolist())
        reads[axis] = Gather(axis, numbers, numbers)
    return [{"input": tuple(reads)}], Cost()


def _interpolated(call: Call, settings: Mapping[str, Setting]) -> Handled:
    """Each axis sent through, one input after another: which outputs have a share of it is then exact.

    The other axes are there, too, of one cell each: PyTorch rounds in another way where there is one axis.
    """
    mode, rank = settings["mode"], call.input.dim()
    reads = _pointwise(rank)
    if mode == "nearest" and rank > 3 and call.input.shape == call.output.shape:
        return [{"input": tuple(reads)}], Cost()  # PyTorch copies, whatever the factor
    scale = call.bound.get("scale_factor")
    axes = rank - 2
    for i in range(axes):
        size, count = call.input.shape[2 + i], call.output.shape[2 + i]
        is_smooth = bool(call.bound.get("antialias"))
        if size * size > MOST_PROBED or (is_smooth and mode == "bicubic"):  # which has holes
            reads[2 + i] = Unknown()
            continue
        factor = scale[i] if isinstance(scale, tuple | list) else scale
        # PyTorch takes an axis of one cell for channels that are last, and antialiases the wrong one.
        others = [2 if is_smooth else 1] * axes
        ones = torch.eye(size, dtype=torch.float64).reshape(size, 1, *[1] * i, size, *[1] * (axes - i - 1))
        alone = ones.expand(size, 1, *others[:i], size, *others[i + 1 :]).contiguous()
        sent = torch.nn.functional.interpolate(
            alone,
            size=None if factor is not None else (*others[:i], count, *others[i + 1 :]),
            scale_factor=None if factor is None else (*[2.0] * i, float(factor), *[2.0] * (axes - i - 1)),
            mode=str(mode),
            align_corners=call.bound.get("align_corners"),
            antialias=is_smooth,
            recompute_scale_factor=None if factor is None else call.bound.get("recompute_scale_factor"),
        )
        lines = (
            sent.reshape(size, -1) if axes == 1 else sent.movedim(2 + i, -1).reshape(size, -1, count)[:, 0]
        )
        share = lines.abs().numpy() > SHARE
        if share.shape[1] != count:
            raise ValueError("another size than it is called with")
        low = share.argmax(0)
        high = size - 1 - share[::-1].argmax(0)
        reads[2 + i] = Gather(2 + i, tuple(low.tolist()), tuple(high.tolist()))
    return [{"input": tuple(reads)}], Cost()


def _matrix_product(call: Call, settings: Mapping[str, Setting]) -> Handled:
    del settings
    (first, one), (second, other) = list(call.tensors)[-2:]
    output = tuple(call.output.shape)
    rows, columns = int(one.dim() > 1), int(other.dim() > 1)  # a vector has none that the output has
    rank = len(output)
    batch = output[: rank - rows - columns]
    left = broadcast(tuple(one.shape[:-2]), batch)
    right = broadcast(tuple(other.shape[:-2]), batch)
    reads: dict[str, Reads] = {
        first: (*left, *[Pointwise(rank - columns - 1)] * rows, All()),
        second: (*right, All(), *[Pointwise(rank - 1)] * columns),
    }
    added = [(role, each) for role, each in call.tensors if role not in reads]
    reads |= {role: broadcast(tuple(each.shape), output) for role, each in added}
    return [reads], costs.matrix_product(tuple(one.shape), output)


def _attention(call: Call, settings: Mapping[str, Setting]) -> Handled:
    del settings
    query, key, value = (call.shape(role) for role in ("query", "key", "value"))
    output = tuple(call.output.shape)
    rank = len(output)

    def along(shape: Shape) -> list[Read]:
        """The axes before the last two; heads of a key that several of the query share."""
        ahead = rank - len(shape)
        return [
            Unravel(ahead + axis, output[ahead + axis] // shape[axis])
            if 1 < shape[axis] < output[ahead + axis]
            else read
            for axis, read in enumerate(broadcast(shape[:-2], output[:-2]))
        ]

    reads: dict[str, Reads] = {
        "query": (*along(query), Pointwise(rank - 2), All()),
        "key": (*along(key), All(), All()),
        "value": (*along(value), All(), Pointwise(rank - 1)),
    }
    mask = call.shape("attn_mask")
    if mask:
        *batch, queries = broadcast(mask[:-1], output[:-1])
        reads["attn_mask"] = (*batch, queries, All())
    return [reads], costs.attention(query, key, value)


def _multi_head_attention(call: Call, settings: Mapping[str, Setting]) -> Handled:
    """[length, batch, features] each, whatever batch_first says: the module has put them so."""
    del settings
    query, key, value = (call.shape(role) for role in ("query", "key", "value"))
    projection = call.shape("in_proj_weight")
    batch = [Pointwise(1)] if len(query) == 3 else []
    attended: dict[str, Reads] = {"query": (Pointwise(0), *batch, All())}
    attended |= dict.fromkeys(("key", "value"), (All(), *batch, All()))
    reads: list[ReadsByRole] = [attended]
    if len(call.outputs) > 1:  # which query looks at which key: [batch, query, key]
        reads.append({})
    width = query[-1]
    weights = [(width, width)] * 3 if projection else [call.shape(f"{each}_proj_weight") for each in "qkv"]
    if not all(weights):
        return reads, None
    weights.append((width, width))
    each_of = zip(weights, (query, key, value, query), strict=True)
    projected = [costs.linear(weight, features) for weight, features in each_of]
    if projection and query == key == value:
        projected = [costs.linear(projection, query), projected[-1]]
    positions = tuple(n for n in (*query[:-1], key[0], width) if n > 1)
    terms = [each.terms[0] for each in projected]
    return reads, Cost((*terms[:-1], positions, positions, terms[-1]))


def _recurrent(call: Call, settings: Mapping[str, Setting]) -> Handled:
    """[length, batch, features], or batch first: a step reads those before it, in both directions all.

    What a step reads is told of all its features, though those of one direction alone read less.
    A packed sequence is [rows, features], of which it is not known which sequence a row is of.
    """
    del settings
    is_packed = call.input.dim() == 2
    weights = call.args[3 if is_packed else 2]
    cost = costs.recurrent(call.input.shape[:-1], [tuple(each.shape) for each in weights])
    if is_packed:
        return [{"input": unknown(call.shape("input"))}], cost
    length, batch = (1, 0) if call.bound["batch_first"] else (0, 1)
    count = call.shape("input")[length]
    steps: Read = All() if call.bound["bidirectional"] else Gather(length, (0,) * count, tuple(range(count)))

    def reads(steps: Read, batch_at: int) -> ReadsByRole:
        sequence = (steps, Pointwise(batch_at)) if batch else (Pointwise(batch_at), steps)
        begun = (role for role, _ in call.tensors if role.startswith("hx"))
        return {"input": (*sequence, All()), **dict.fromkeys(begun, (All(), Pointwise(batch_at), All()))}

    return [reads(steps, batch), *[reads(All(), 1)] * (len(call.outputs) - 1)], cost


def _recurrent_cell(call: Call, settings: Mapping[str, Setting]) -> Handled:
    """[batch, features], and the state that it goes on from."""
    del settings
    reads = {
        role: (Pointwise(0), All()) for role, _ in call.tensors if role.partition("[")[0] in ("input", "hx")
    }
    weights = [call.shape(role) for role in ("weight_ih", "weight_hh")]
    return [reads], costs.recurrent(call.input.shape[:-1], weights)


def _not_told(call: Call, settings: Mapping[str, Setting]) -> Handled:
    """Numbers say which cells are read."""
    del settings
    raise ValueError(call.kind)


def _loss(call: Call, settings: Mapping[str, Setting]) -> Handled:
    if call.output.dim():
        return _elementwise(call, settings)
    return [{role: tuple(All() for _ in each.shape) for role, each in call.tensors}], Cost()


def _embedded(call: Call, settings: Mapping[str, Setting]) -> Handled:
    del settings
    return [{"input": tuple(_pointwise(call.input.dim()))}], Cost()


def _summed_by_letters(call: Call, settings: Mapping[str, Setting]) -> Handled:
    """einsum: a letter of the output is an axis, any other is summed over."""
    del settings
    is_list = isinstance(call.args[1], list | tuple)
    equation, *operands = (call.args[0], *call.args[1]) if is_list else call.args
    left, arrow, right = str(equation).replace(" ", "").partition("->")
    terms = left.split(",")
    if not arrow:
        raise ValueError("the order of the axes is not told")
    dots = [each.dim() - len(term) + 3 for term, each in zip(terms, operands, strict=True) if "..." in term]
    most = max(dots, default=0)
    places = "".join(map(chr, range(0x100, 0x100 + most)))  # letters that no equation has
    right = right.replace("...", places)
    terms = [
        term.replace("...", places[most - operand.dim() + len(term) - 3 :])
        for term, operand in zip(terms, operands, strict=True)
    ]
    if any(len(set(term)) < len(term) for term in terms):
        raise ValueError("a diagonal")
    sizes: dict[str, int] = {}
    for term, operand in zip(terms, operands, strict=True):
        for letter, size in zip(term, operand.shape, strict=True):
            sizes[letter] = max(size, sizes.get(letter, 0))

    def read(letter: str, size: int) -> Read:
        if letter not in right:
            return All()
        return Merge() if size == 1 != sizes[letter] else Pointwise(right.index(letter))

    reads = {
        role: tuple(read(letter, size) for letter, size in zip(term, operand.shape, strict=True))
        for (role, operand), term in zip(call.tensors, terms, strict=True)
    }
    cost = Cost((tuple(n for n in sizes.values() if n > 1),)) if len(terms) == 2 else None
    return [reads], cost


def _replaced(args: Sequence[Any], tensor: Tensor, by: Tensor) -> list[Any]:
    return [by if arg is tensor else arg for arg in args]


def _tensors(name: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, list | tuple):
        for place, each in enumerate(value):
            yield from _tensors(f"{name}[{place}]", each)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _tensors(f"{name}[{key!r}]", each)


def _flat(value: Any) -> list[Tensor]:
    return [tensor for _, tensor in _tensors("", value)]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _digits(kind: str) -> int:
    return int(next(character for character in kind if character.isdigit()))


_WITH_DIM_0: Final = ("cat", "concat", "concatenate", "stack", "unbind")
CONVOLUTIONS: Final = frozenset(f"{name}{axes}d" for name in ("conv", "conv_transpose") for axes in (1, 2, 3))
POOLINGS: Final = frozenset(
    f"{name}_pool{axes}d{suffix}"
    for name in ("max", "avg", "lp")
    for axes in (1, 2, 3)
    for suffix in ("", "_with_indices")
)
_ADAPTIVE: Final = frozenset(
    f"adaptive_{name}_pool{axes}d{suffix}"
    for name in ("max", "avg")
    for axes in (1, 2, 3)
    for suffix in ("", "_with_indices")
)
_ELEMENTWISE: Final = _words(
    """
    relu relu6 leaky_relu prelu elu selu celu gelu silu mish hardswish hardsigmoid hardtanh sigmoid
    tanh softplus softsign logsigmoid tanhshrink hardshrink softshrink threshold rrelu dropout
    alpha_dropout feature_alpha_dropout dropout1d dropout2d dropout3d add sub subtract rsub radd mul
    multiply rmul div divide true_divide truediv floor_divide floordiv rdiv rtruediv rfloordiv pow
    rpow neg negative abs absolute exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square reciprocal
    sin cos tan asin acos atan sinh cosh asinh acosh atanh atan2 erf erfc clamp clip clamp_min
    clamp_max minimum maximum fmin fmax where round floor ceil trunc fix frac sign sgn float double
    half bfloat16 int long short bool to type type_as clone contiguous detach data cpu cuda
    masked_fill eq ne gt lt ge le greater less logical_and logical_or logical_not logical_xor and or
    xor invert bitwise_and bitwise_or bitwise_not bitwise_xor isnan isfinite isinf nan_to_num lerp
    logaddexp tril triu expit xlogy byte
    weight_norm addcmul addcdiv remainder fmod copysign hypot logit positive real requires_grad
    alias lift_fresh lift_fresh_copy
    """
)
_MADE: Final = _words(
    """
    zeros_like ones_like empty_like full_like rand_like randn_like
    new_zeros new_ones new_empty new_full new_tensor
    """
)
OVERWRITTEN: Final = frozenset({"copy", "fill", "zero", *_MADE})  # what was there is not read
_SHAPES: Final = _words(
    """
    expand_as view_as reshape_as type_as
    """
)  # of the second, no number is read
_REDUCED: Final = _words(
    """
    mean sum prod amax amin max min argmax argmin std var std_mean var_mean norm logsumexp any all
    median nansum nanmean count_nonzero aminmax vector_norm
    """
)
_PICKED: Final = _words(
    """
    topk sort argsort msort kthvalue nonzero argwhere masked_select masked_scatter scatter scatter_add
    scatter_reduce index_add index_copy index_fill index_put put_along_dim unique bucketize searchsorted
    one_hot grid_sample histc bincount multinomial
    """
)  # by numbers
_LOSSES: Final = _words(
    """
    mse_loss l1_loss smooth_l1_loss huber_loss kl_div binary_cross_entropy
    binary_cross_entropy_with_logits soft_margin_loss poisson_nll_loss
    """
)
_RESHAPED: Final = _words(
    """
    reshape view flatten unflatten view_as reshape_as ravel
    """
)
_VIEWED: Final = _words(
    """
    permute transpose t T mT H mH adjoint swapaxes swapdims movedim moveaxis getitem select narrow
    chunk split tensor_split hsplit vsplit dsplit unbind unsqueeze squeeze expand expand_as
    broadcast_to diagonal unsafe_chunk unsafe_split slice
    """
)
_MOVED: Final = _words(
    """
    pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle roll flip fliplr flipud
    rot90 repeat tile repeat_interleave index_select index gather take_along_dim
    """
)
_SECOND: Final = _words(
    """
    add sub mul div matmul bmm mm minimum maximum pow eq ne gt lt ge le
    """
)

_RECURRENT: Final = ("lstm", "gru", "rnn_tanh", "rnn_relu")
_CELLS: Final = tuple(f"{kind}_cell" for kind in _RECURRENT)
_COUNTED: Final = frozenset(
    (
        *CONVOLUTIONS,
        *("linear", "matmul", "rmatmul", "bmm", "mm", "baddbmm", "addmm", "einsum"),
        *("scaled_dot_product_attention", "multi_head_attention_forward", *_RECURRENT, *_CELLS),
    )
)  # of multiply-adds, of which none are told where the call is not understood

_CONV: Final = "input weight bias stride padding dilation groups"
_TRANSPOSED: Final = "input weight bias stride padding output_padding groups dilation"
_POOL: Final = "input kernel_size stride padding dilation ceil_mode return_indices"
_AVERAGE: Final = "input kernel_size stride padding ceil_mode count_include_pad divisor_override"
SIGNATURES: Final[Mapping[str, str]] = {
    **{kind: _TRANSPOSED if "transpose" in kind else _CONV for kind in CONVOLUTIONS},
    **{kind: _POOL if kind.startswith("max") else _AVERAGE for kind in POOLINGS if not kind.startswith("lp")},
    **{kind: "input norm_type kernel_size stride ceil_mode" for kind in POOLINGS if kind.startswith("lp")},
    **dict.fromkeys(_ADAPTIVE, "input output_size"),
    **dict.fromkeys(("cat", "concat", "concatenate", "stack"), "tensors dim"),
    **dict.fromkeys((*_REDUCED, "unbind", "normalize", "cumsum", "cumprod"), "input dim"),
    **dict.fromkeys(("softmax", "log_softmax", "softmin"), "input dim"),
    **dict.fromkeys(_SHAPES, "input other"),
    "normalize": "input p dim eps",
    "glu": "input dim",
    "norm": "input p dim",
    "vector_norm": "input ord dim",
    "linear": "input weight bias",
    "bilinear": "input1 input2 weight bias",
    "batch_norm": "input running_mean running_var weight bias training momentum eps",
    "instance_norm": "input running_mean running_var weight bias use_input_stats momentum eps",
    "layer_norm": "input normalized_shape weight bias eps",
    "rms_norm": "input normalized_shape weight eps",
    "group_norm": "input num_groups weight bias eps",
    "local_response_norm": "input size alpha beta k",
    "interpolate": "input size scale_factor mode align_corners recompute_scale_factor antialias",
    "pad": "input pad mode value",
    "scaled_dot_product_attention": "query key value attn_mask dropout_p is_causal scale",
    "multi_head_attention_forward": "query key value embed_dim num_heads in_proj_weight in_proj_bias",
    **dict.fromkeys(
        _RECURRENT, "input hx params has_biases num_layers dropout train bidirectional batch_first"
    ),
    **dict.fromkeys(_CELLS, "input hx weight_ih weight_hh bias_ih bias_hh"),
    "embedding": "input weight padding_idx",
    "einsum": "equation operands",
    "where": "condition input other",
    "setitem": "input index value",
    "getitem": "input index",
    "copy": "input other",
    "unfold": "input dimension size step",
    "im2col": "input kernel_size dilation padding stride",
    "fold": "input output_size kernel_size dilation padding stride",
    "roll": "input shifts dims",
    "flip": "input dims",
    **dict.fromkeys(("channel_shuffle", "native_channel_shuffle"), "input groups"),
    "repeat_interleave": "input repeats dim",
    **dict.fromkeys(("gather", "index_select"), "input dim index"),
    "take_along_dim": "input indices dim",
    "baddbmm": "input batch1 batch2",
    "addmm": "input mat1 mat2",
    "prelu": "input weight",
    "cross_entropy": "input target weight",
    "hardtanh": "input min_val max_val",
    "threshold": "input threshold value",
    **dict.fromkeys(("clamp", "clip"), "input min max"),
    "clamp_min": "input min",
}
HANDLERS: Final[Mapping[str, Handler]] = {
    **dict.fromkeys(_ELEMENTWISE, _elementwise),
    **dict.fromkeys(_REDUCED, _reduced),
    **dict.fromkeys(_RESHAPED, _reshaped),
    **dict.fromkeys(_VIEWED, _viewed),
    **dict.fromkeys(_MOVED, _moved),
    **dict.fromkeys(("fold", "unfold"), _folded),
    **dict.fromkeys(POOLINGS, _pool),
    **dict.fromkeys(_ADAPTIVE, _adaptive),
    **{kind: _transposed if "transpose" in kind else _convolution for kind in CONVOLUTIONS},
    **dict.fromkeys(("softmax", "log_softmax", "softmin"), _softmax),
    **dict.fromkeys(("cat", "concat", "concatenate"), _joined),
    **dict.fromkeys(("cumsum", "cumprod"), _cumulative),
    **dict.fromkeys(("matmul", "rmatmul", "bmm", "mm", "baddbmm", "addmm"), _matrix_product),
    **dict.fromkeys(OVERWRITTEN, _overwritten),
    **dict.fromkeys(("layer_norm", "rms_norm"), _layer_norm),
    **dict.fromkeys(("batch_norm", "instance_norm"), _batch_norm),
    **dict.fromkeys(_PICKED, _not_told),
    **dict.fromkeys(_LOSSES, _loss),
    "stack": _stacked,
    "setitem": _set,
    "linear": _linear,
    "group_norm": _group_norm,
    "local_response_norm": _across_channels,
    "glu": _gated,
    "normalize": _normalised,
    "pad": _padded,
    "interpolate": _interpolated,
    "upsample": _interpolated,
    "scaled_dot_product_attention": _attention,
    **dict.fromkeys(_RECURRENT, _recurrent),
    **dict.fromkeys(_CELLS, _recurrent_cell),
    "embedding": _embedded,
    "multi_head_attention_forward": _multi_head_attention,
    "einsum": _summed_by_letters,
}
