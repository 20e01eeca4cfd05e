"""What is said of an operation of the user's own network, and of the pass as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from textwrap import wrap
from typing import Final

import numpy as np

from convtui.engine.graph.fields import AxisField
from convtui.engine.graph.operation import Graph, Op, Source, shape_text
from convtui.engine.graph.postmortem import origin_text
from convtui.engine.words import counted
from convtui.inputs.images import Picture
from convtui.inputs.names import printable
from convtui.inputs.scaling import Longer
from convtui.pages.layers.model_figures import Seen, tensor_index
from convtui.paint.colours import Array
from convtui.paint.controls import Control
from convtui.paint.text import significant
from convtui.tracing.open_model import Opening, OpenModel
from convtui.tracing.traced import Row, Trace

PANELS: Final = ("maps", "notes", "printed")


def model_controls(model: OpenModel) -> list[Control]:
    """What is open, and how the image is normalised."""
    opening = model.opening
    name = printable(opening.target.replace("\\", "/").rpartition("/")[2])
    items = [Control("y", "network", name, stepped=False, is_plain=True)]
    is_used = model.outcome is None or model.outcome.takes_image
    if is_used:
        items.append(Control("", "image", printable(model.picture.name), stepped=False, is_plain=True))
    if opening.inputs:
        name = printable(opening.inputs.rpartition(":")[2])
        items.append(Control("", "inputs", name, stepped=False, label="inputs", spare=1))
    if opening.weights:
        name = printable(opening.weights)
        items.append(Control("", "weights", name, stepped=False, label="weights", spare=1))
    if is_used and (opening.mean or opening.std):
        mean, std = _numbers(opening.mean, "0"), _numbers(opening.std, "1")
        items.append(Control("", "mean", mean, stepped=False, label="mean", spare=2))
        items.append(Control("", "std", std, stepped=False, label="std", spare=2))
    elif is_used:
        items.append(Control("", "mean", "not normalised", stepped=False, is_plain=True, spare=2))
    return items


def _numbers(numbers: Sequence[float], default: str) -> str:
    return ",".join(f"{each:g}" for each in numbers) or default


def normalisation(opening: Opening, picture: Picture) -> str:
    """How the image became the network's input, and the transforms of torchvision that do the same."""
    _, rows, columns = picture.pixels.shape
    done: list[str] = []
    steps: list[str] = []
    is_own_scale = "scaled to" in picture.notice or isinstance(picture.resize, Longer)  # not torchvision's
    if picture.resize is not None or is_own_scale:
        done.append("scaled (bilinear, antialiased)")
        steps.append(f"Resize({picture.resize})")
    if picture.crop is not None:
        done.append("cropped")
        steps.append(f"CenterCrop({picture.crop})")
    if picture.gray:
        done.append("made grey")
    size = [f"{' and '.join(done)} to {rows}x{columns}"] if done else []
    steps.append("ToTensor()")
    is_normalised = bool(opening.mean or opening.std)
    mean, std = _numbers(opening.mean, "0"), _numbers(opening.std, "1")
    if is_normalised:
        steps.append(f"Normalize([{mean}], [{std}])")
        size.append(f"normalised: minus {mean}, divided by {std}, in float32")
    else:
        range_ = "from 0 to 1" if picture.highest == 1 else "as they are"
        size.append(f"not normalised: its pixels are {range_}")
    is_same = len(steps) > 1 and picture.highest == 1 and not (picture.gray or is_own_scale)
    same = f"; as {', '.join(steps)} of torchvision" if is_same else ""
    return f"the image is {', '.join(size)}{same}" + (
        "" if is_normalised else "; --mean and --std change that"
    )


def summary_line(trace: Trace) -> str:
    """The network in a line: operations, parameters, multiply-adds, what it computes in."""
    graph = trace.graph
    types = dict.fromkeys(op.output.dtype for op in graph.ops[1:])
    kinds = f" · computes in {', '.join(types)}" if types else ""
    count = counted(len(graph.ops) - 1, "operation")
    figures = f"{counted(trace.parameters, 'parameter')}, {counted(trace.multiply_adds, 'multiply-add')}"
    mode = " · in training mode" if graph.training else ""
    given = " and ".join(shape_text(each.shape) for each in graph.ops[0].outputs[:4])
    given += f" and {len(graph.ops[0].outputs) - 4} more" if len(graph.ops[0].outputs) > 4 else ""
    return f"{count} on {given}: {figures}{kinds}{mode}"


def remark_line(trace: Trace, outcome_notices: Sequence[str], printed: str) -> str:
    """What there is to read on the other panels; "" if nothing."""
    parts = []
    notes = len(trace.notes) + len(outcome_notices)
    if trace.remarks:
        is_marked = any(each.op for each in trace.remarks)
        parts.append(f"{counted(len(trace.remarks), 'remark')} of the checks{' (!)' * is_marked}")
    if notes:
        parts.append(counted(notes, "note"))
    if printed:
        parts.append(f"{counted(len(printed.splitlines()), 'line')} printed by your code")
    return f"V shows {', '.join(parts)}" if parts else ""


def title_line(op: Op) -> str:
    """What it is and where: `conv2d 3x3 1→8 p1 · conv1 (Conv2d) · net.py:23: x = self.conv1(x)`."""
    path = f"{op.path} ({op.module})" if op.path and op.module else op.path or op.module
    call = f"call {op.call} of this module" if op.call > 1 else ""
    line = f"{op.line}: {op.code}" if op.code else op.line
    return " · ".join(filter(None, (f"{op.number} {op.title}", path, call, line)))


def reads_line(op: Op, graph: Graph) -> str:
    """What it reads and where that came from; a join says so."""
    if not op.number:
        return ""
    sources = list(dict.fromkeys(op.inputs))
    each = [
        f"{shape_text(graph.tensor(source).shape)} from {_from(graph, source)}" + _times(op, source)
        for source in sources[:4]
    ]
    more = [f"{len(sources) - 4} more"] if len(sources) > 4 else []
    joins = "joins " if len({source.op for source in op.inputs}) > 1 else "reads "
    return joins + " and ".join([*each, *more]) if each else "reads no other operation"


def _times(op: Op, source: Source) -> str:
    """How often it reads a tensor that it reads more than once, as attention does."""
    count = op.inputs.count(source)
    return "" if count == 1 else " twice" if count == 2 else f" {count} times"


def _from(graph: Graph, source: Source) -> str:
    if not source.op:
        return origin_text(graph, source)
    op = graph.ops[source.op]
    return f"{source.op} {op.path or op.kind}"


def gives_line(op: Op, graph: Graph) -> str:
    """What it gives, of which type, and what reads that; a branch says so."""
    shapes = " and ".join(f"{shape_text(each.shape)} {each.dtype}" for each in op.outputs[:3])
    readers = [
        f"{other.number} {other.path or other.kind}"
        for other in graph.ops
        if any(source.op == op.number for source in other.inputs)
    ]
    is_output = any(source.op == op.number for source in graph.outputs)
    readers += ["the network's output"] if is_output else []
    branch = "; branches to " if len(readers) > 1 else "; goes to "
    goes = branch + " and ".join(readers[:5]) if readers else "; nothing reads it"
    goes += f" and {len(readers) - 5} more" if len(readers) > 5 else ""
    if graph.failure and not readers:
        goes = ""
    return f"gives {shapes}{goes}"


def detail_lines(op: Op, graph: Graph, width: int) -> list[str]:
    """What it is, what it reads and gives, and its formulas; as few lines as they fit on."""
    parts = [reads_line(op, graph), gives_line(op, graph), *formulas(op, graph), op.note]
    lines = [title_line(op)]
    for number, part in enumerate(filter(None, parts)):
        joined = f"{lines[-1]} · {part}"
        if number and len(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(part)
    return lines


def formulas(op: Op, graph: Graph) -> list[str]:
    """With their numbers: the size of the output, the multiply-adds, the parameters."""
    parts = []
    if op.inputs and (size := size_formula(op, graph.tensor(op.inputs[0]).shape)):
        parts.append(size)
    if op.cost is None:
        parts.append("multiply-adds not known")
    elif op.cost.terms:
        parts.append(f"multiply-adds {op.cost.formula}")
    if op.parameters:
        named = ((each.name.rpartition(".")[2], each.shape) for each in op.parameters)
        sizes = " + ".join(f"{name} {shape_text(shape)}" for name, shape in named)
        parts.append(f"{sizes} = {counted(op.parameter_count, 'parameter')}")
    return parts


def size_formula(op: Op, read: Sequence[int]) -> str:
    """How rows and columns of the output follow from those of the input; "" where no formula tells them."""
    if op.kind == "linear" and read:
        return f"{read[-1]:,} → {counted(op.output.shape[-1], 'feature')}"
    settings = [op.settings.get(name) for name in ("kernel", "stride", "padding", "dilation")]
    axes = len(settings[0]) if isinstance(settings[0], tuple) else 0
    if not axes or not all(isinstance(each, tuple) and len(each) == axes for each in settings):
        return ""
    extra = op.settings.get("output_padding")
    texts = []
    for axis in range(axes):
        k, s, p, d = (each[axis] for each in settings if isinstance(each, tuple))
        size, given = int(read[axis - axes]), op.output.shape[axis - axes]
        if isinstance(extra, tuple):
            o = extra[axis]
            result = (size - 1) * s - 2 * p + d * (k - 1) + 1 + o
            text = f"({size} − 1)*{s} − 2*{p} + {d}*({k} − 1) + 1 + {o} = {given}"
        else:
            up = bool(op.settings.get("ceil_mode"))
            whole = size + 2 * p - d * (k - 1) - 1
            result = (-(-whole // s) if up else whole // s) + 1
            left, right = "⌈⌉" if up else "⌊⌋"
            text = f"{left}({size} + 2*{p} − {d}*({k} − 1) − 1)/{s}{right} + 1 = {given}"
        if result != given:
            return ""
        texts.append(text)
    return texts[0] if len(set(texts)) == 1 else " by ".join(texts)


def not_finite_line(output: Array | None) -> str:
    """How many values of an output are no numbers or infinite; "" if none."""
    count = 0 if output is None else int(output.size - np.isfinite(output).sum())
    if output is None or not count:
        return ""
    return f"{count:,} of {output.size:,} values are not finite (nan or inf); they are drawn as 0"


def field_line(
    row: Row, place: tuple[int, int, int], value: float | None, seen: Seen, of: str = "the image"
) -> str:
    """The selected activation, its value, and what it sees of the image. of: what is drawn as that."""
    op = row.op
    shown = "" if value is None else f" = {significant(value) if isfinite(value) else value}"
    text = f"activation [{', '.join(map(str, place))}]{shown}"
    if not op.number:
        return text.replace("activation", "pixel" if len(op.output.shape) > 3 else "value", 1)
    if seen.is_nothing:
        return f"{text} sees none of {of}"
    if told := _seen_along(row, place, of if of != "the image" else "the input"):
        return f"{text} {told}"
    if seen.rows is None or seen.columns is None:
        why = f": operation {seen.because} cannot be followed" if seen.because is not None else ""
        return f"{text}: not known what it sees{why}"
    rows, columns = (
        f"{axis}s {low}-{high}" if low != high else f"{axis} {low}"
        for axis, (low, high) in (("row", seen.rows), ("column", seen.columns))
    )
    high, wide = (last - first + 1 for first, last in (seen.rows, seen.columns))
    where = f"{rows}, {columns}"
    if seen.holes:
        count = f"{'at most ' * seen.is_bound}{int(seen.holes.read.sum()):,} of {high * wide:,}"
        of = "" if of == "the image" else f" of {of}"
        return f"{text} reads {count} pixels{of}: {where}"
    return f"{text} sees {high}x{wide} of {of}: {where}"


def _seen_along(row: Row, place: tuple[int, int, int], of: str) -> str:
    """What an activation sees of a row or a volume, which is not drawn; "" of an image, or not known."""
    fields = [each for each in row.fields if isinstance(each, AxisField)]
    if len(fields) == 2 or not fields or len(fields) < len(row.fields):
        return ""
    index = tensor_index(place, row.op.output.shape)
    spans = [each.span(index) for each in fields]
    if any(low > high for low, high in spans):
        return f"sees none of {of}"
    sizes = "x".join(str(high - low + 1) for low, high in spans)
    return f"sees {sizes} of {of}: {', '.join(f'{low}-{high}' for low, high in spans)}"


def notes_lines(model: OpenModel, width: int) -> list[str]:
    """The checks, the notes and the normalisation, each as many lines as it needs."""
    trace, outcome = model.trace, model.outcome
    lines: list[str] = []
    if trace is not None:
        nothing = ["nothing to remark on"] if outcome else ["made when the pass has ended"]
        found = trace.remark_lines(len(trace.remarks)) or nothing
        unmade = trace.unmade if outcome else []
        lines += ["checks", *_wrapped([*found, *unmade], width), ""]
    is_used = outcome is None or outcome.takes_image
    notes = [normalisation(model.opening, model.picture)] if is_used else []
    notes += outcome.notices if outcome else ()
    notes += trace.notes if trace else ()
    return [*lines, "notes", *_wrapped(notes, width)]


def printed_lines(model: OpenModel, width: int) -> list[str]:
    """What their code has printed."""
    if not model.printed:
        return ["your code has printed nothing"]
    return ["printed by your code", *_wrapped(model.printed.splitlines(), width)]


def failure_lines(trace: Trace, width: int) -> list[str]:
    """The post-mortem."""
    return _wrapped(trace.failure_lines(), width)


def refused_lines(reason: str, details: Sequence[str], width: int) -> list[str]:
    """Why the network could not be made or run, with the frames of theirs."""
    return [*_wrapped([reason], width), "", *_wrapped([f"  {each}" for each in details], width)]


def _wrapped(lines: Sequence[str], width: int) -> list[str]:
    """The lines, those that are too long on several, set in under where their words began."""
    texts: list[str] = []
    for line in lines:
        indent = " " * min(len(line) - len(line.lstrip()) + 2, width // 2)
        texts += wrap(line, max(width, 20), subsequent_indent=indent, break_on_hyphens=False) or [""]
    return texts


def opened_notice(op: Op) -> str:
    """What the Step page says when an operation is opened there."""
    name = op.path or op.kind
    real = "its real input" if "pool" in op.kind else "its real input and weights"
    types = f"your network computes in {op.output.dtype}, this page in float64"
    return f"{name}: {real}; {types} · u, then 3: back"


def norm_notice(op: Op) -> str:
    """What the Norms page says when a norm is opened there."""
    return f"{op.path or op.kind}: its real input, weights and statistics, as a copy · 3: back"
