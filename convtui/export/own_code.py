"""PyTorch code of an operation of the user's own network: their model on their image, and that one call.

It is written from what was traced: nothing of theirs is run for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING, Final

from convtui.engine.graph.operation import Graph, Op
from convtui.engine.snippet import number, quoted
from convtui.export.code import image_code
from convtui.tracing.process.arguments import parse_arguments

if TYPE_CHECKING:
    from convtui.inputs.images import Picture
    from convtui.tracing.open_model import Opening

_CONV: Final = "module.weight, module.bias, module.stride, module.padding, module.dilation, module.groups"
_UP: Final = (
    "module.weight, module.bias, module.stride, module.padding, {output_padding}, module.groups, "
    "module.dilation"
)
_MAX: Final = "module.kernel_size, module.stride, module.padding, module.dilation, module.ceil_mode"
_MEAN: Final = "module.kernel_size, module.stride, module.padding, module.ceil_mode, module.count_include_pad"

# By the function of PyTorch: the class of its module, without its axes, and what the function is given.
_CALLS: Final[Mapping[str, tuple[str, str]]] = {
    "conv": ("Conv", _CONV),
    "conv_transpose": ("ConvTranspose", _UP),
    "max_pool": ("MaxPool", _MAX),
    "avg_pool": ("AvgPool", _MEAN),
    "adaptive_avg_pool": ("AdaptiveAvgPool", "module.output_size"),
    "adaptive_max_pool": ("AdaptiveMaxPool", "module.output_size"),
    "batch_norm": ("BatchNorm", "{statistics}, module.weight, module.bias, eps=module.eps"),
    "layer_norm": ("LayerNorm", "module.normalized_shape, module.weight, module.bias, module.eps"),
    "group_norm": ("GroupNorm", "module.num_groups, module.weight, module.bias, module.eps"),
    "linear": ("Linear", "module.weight, module.bias"),
}
_TOLERANCE: Final = {"float64": 1e-9, "float32": 1e-4}  # of the cell on show; of all others 2e-2


def why_no_code(op: Op, graph: Graph) -> str:
    """Why an operation has no code of its own, in a line; "" if it has."""
    if not op.number:
        return "the input is no operation: choose a convolution, a pooling, a norm or a linear layer"
    if graph.name.endswith(".pt2"):
        return "an exported network has no modules to call; convtui code writes that of an opened operation"
    kind, axes = op.kind.rstrip("123d") if op.kind[-2:] in ("1d", "2d", "3d") else op.kind, op.kind[-2:]
    if kind not in _CALLS:
        return f"{op.kind} has no code here but your own line{_line(op)}"
    name = _CALLS[kind][0]
    names = (name, f"{name}{axes}") if kind != "batch_norm" else tuple(f"{name}{n}d" for n in "123")
    same = [each for each in graph.ops if (each.path, each.call) == (op.path, op.call)]
    if len(op.outputs) > 1:
        return f"{op.kind} gives {len(op.outputs)} tensors here, of which no code is written"
    if op.module not in names or not op.path or "(" in op.path or len(same) > 1:
        where = "enter opens it on the Step page, where Y has its numbers"
        return f"{op.kind} is called by code of yours, not by a module of PyTorch's{_line(op)}; {where}"
    return ""


def own_code(
    opening: Opening,
    picture: Picture,
    op: Op,
    index: Sequence[int] = (),
    value: float | None = None,
    is_called: bool = True,
) -> str:
    """Code that makes the network, runs it on the picture, and calls the operation with its own input.

    index, value: a cell of its output, and what it holds, which is asserted. is_called: whether what is named
    is called to make the network; else it is the network itself. Raises ValueError for a picture that no file
    has and that is too large to be written out.
    """
    image = image_code(picture)
    imports = {"import torch", "import torch.nn.functional as F", *image.imports}
    model = _model_lines(opening, imports, is_called)
    inputs = ["image = x.to(torch.float32)"]
    for name, sign, numbers in (("mean", "-", opening.mean), ("std", "/", opening.std)):
        if numbers:
            each = ", ".join(map(number, numbers))
            inputs.append(f"image = image {sign} torch.tensor([{each}])[:, None, None]  # {name}")
    inputs.append("image = image[None]")
    if op.output.dtype not in ("float32", "int64"):
        inputs[-1] = f"image = image[None].to(torch.{op.output.dtype})"
    run = "model(image)"
    if opening.inputs:
        imports.add("from convtui.tracing.process.loading import load_inputs")
        inputs.append(f"args, kwargs, _ = load_inputs({quoted(_absolute(opening.inputs))}, image)")
        run = "model(*args, **kwargs)"
    what = f"# {op.title}: {op.path} ({op.module}) of {Path(opening.target).name}{_line(op)}"
    call = f"  # call {op.call} of this module" if op.call > 1 else ""
    lines = [
        what,
        *sorted(imports, key=lambda line: (line.startswith("from"), line)),
        "",
        *model,
        "",
        *image.lines,
        *inputs,
        "",
        "calls = []",
        f"module = model.get_submodule({quoted(op.path)})",
        "module.register_forward_hook(lambda _, given, gave: calls.append((given[0].clone(), gave.clone())))",
        "with torch.no_grad():",
        f"    {run}",
        f"    given, gave = calls[{op.call - 1}]{call}",
        f"    output = {_call(op)}",
        "",
        "torch.testing.assert_close(output, gave)",
    ]
    if index and value is not None:
        tolerance = _TOLERANCE.get(op.output.dtype, 2e-2) * max(abs(value), 1.0)
        at = ", ".join(map(str, index))
        lines.append(f"assert abs(output[{at}].item() - {number(value)}) < {tolerance:.0e}")
    lines.append("print(tuple(output.shape))")
    return "\n".join(lines) + "\n"


def _call(op: Op) -> str:
    kind = op.kind.rstrip("123d") if op.kind[-2:] in ("1d", "2d", "3d") else op.kind
    given = _CALLS[kind][1]
    if kind == "batch_norm":
        is_training = bool(op.settings.get("training"))
        statistics = "None, None" if is_training else "module.running_mean, module.running_var"
        given = given.format(statistics=statistics) + (", training=True" if is_training else "")
    elif kind == "conv_transpose":
        given = given.format(output_padding=op.settings["output_padding"])
    elif kind == "avg_pool" and not op.kind.endswith("1d"):
        given += ", module.divisor_override"
    return f"F.{op.kind}(given, {given})"


def _model_lines(opening: Opening, imports: set[str], is_called: bool) -> list[str]:
    """The model as the tracing process makes it: the same random numbers, weights and mode."""
    where, _, name = opening.target.rpartition(":")
    lines = ["torch.manual_seed(0)"]
    if where.endswith(".py"):
        file = Path(where).expanduser().absolute()
        imports |= {"import sys", "import importlib"}
        lines += [
            f"sys.path.insert(0, {quoted(str(file.parent))})",
            f"code = importlib.import_module({quoted(file.stem)})",
        ]
    else:
        imports.add("import importlib")
        lines.append(f"code = importlib.import_module({quoted(where)})")
    made = f"code.{name}({_arguments(opening)})" if is_called else f"code.{name}"
    lines.append(f"model = {made}.{'train' if opening.training else 'eval'}()")
    if opening.weights:
        imports.add("from convtui.tracing.process.weights import load_weights")
        weights = quoted(str(Path(opening.weights).expanduser().absolute()))
        lines.append(f"load_weights(model, {weights})")
    return lines


def _arguments(opening: Opening) -> str:
    """The arguments as they are written in Python: 10, depth=18, "resnet"."""
    positional, named = parse_arguments(opening.arguments)
    if any(map(iskeyword, named)):  # class=3, which a function takes as one of its **settings
        by_name = [f"**{named!r}"]
    else:
        by_name = [f"{name}={_written(value)}" for name, value in named.items()]
    return ", ".join([*map(_written, positional), *by_name])


def _written(value: object) -> str:
    return quoted(value) if isinstance(value, str) else repr(value)


def _absolute(target: str) -> str:
    """A function in a file, by its whole path."""
    where, _, name = target.rpartition(":")
    return f"{Path(where).expanduser().absolute()}:{name}" if where.endswith(".py") else target


def _line(op: Op) -> str:
    return f", {op.line}: {op.code}" if op.line and op.code else f", {op.line}" if op.line else ""
