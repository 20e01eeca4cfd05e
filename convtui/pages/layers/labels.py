"""What is said of a layer and of the activation that is selected in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from textwrap import wrap

from convtui.engine.branches import Multiply, Residual
from convtui.engine.graph.checks import CHECKS
from convtui.engine.graph.postmortem import post_mortem
from convtui.engine.layers import LayerError
from convtui.engine.norm_layers import Norm
from convtui.engine.pool_layers import AdaptiveAvgPool, AdaptivePool
from convtui.engine.receptive import AxisField
from convtui.engine.spec import Indices
from convtui.engine.stack import Row, Summary
from convtui.engine.tracing import Feeding, field_through
from convtui.engine.window_layers import Conv, ConvTranspose, Window
from convtui.engine.words import counted
from convtui.pages.base.convolution_controls import pair, sides
from convtui.pages.layers.table import is_clipped
from convtui.paint.controls import Control
from convtui.paint.text import significant
from convtui.state.learned_weights import LearnedWeights
from convtui.state.network import Stack


def growth(summary: Summary, width: int) -> str:
    """Why deeper layers see more and have more filters, with the figures of the first and the widest."""
    convs = [row for row in summary.rows if isinstance(row.layer, Conv)]
    have_holes = any(row.field.has_holes for row in summary.rows)
    meaning = "field: the pixels that an activation sees"
    if have_holes:
        meaning = (
            "field: the pixels that an activation spans; reads: how many of them it reads, past the holes"
        )
    if len(convs) < 2 or convs[-1].field.size == convs[0].field.size:
        return meaning
    widest = max(row.field.size for row in summary.rows if isinstance(row.layer, Window))
    fields = f"{_by(convs[0].field.size)} → {_by(widest)}"
    sees = f"Deeper layers {'span' if have_holes else 'see'} more ({fields}): windows of windows"
    before, after = convs[0].output_shape, max(convs, key=lambda row: row.output_shape[0]).output_shape
    if after[0] <= before[0]:
        return sees
    filters = f"{before[0]} → {after[0]} filters"
    why = "Fewer cells leave room for" if after[1] < before[1] else "More kinds of patterns need"
    candidates = [f"{sees}. {why} more filters ({before[0]} → {after[0]})", f"{sees}; {filters}"]
    return next((text for text in candidates if len(text) <= width), candidates[-1])


def terms(row: Row, summary: Summary, width: int) -> str:
    """What jump, start and holes of a layer's fields mean, and the star in the table if there is one."""
    (down, across), (first, left) = row.field.jump, row.field.start
    apart = (
        _counted(down, "pixel")
        if down == across
        else f"{_counted(down, 'row')}, {_counted(across, 'column')}"
    )
    look = "would be" if row.field.rows.count == row.field.columns.count == 1 else "are"
    average = " on average" if row.field.rows.uneven or row.field.columns.uneven else ""
    jump = f"jump {_numbers(down, across)}: fields {look} {apart} apart{average}"
    start = f"start {_pixels(first, left)}: the centre of the first field"
    star = "   * larger than the image: clipped" if any(map(is_clipped, summary.rows)) else ""
    short_start, short_star = start.replace("the centre of", "centre of"), "   * clipped" if star else ""
    candidates = [f"{jump} · {start}{star}", f"{jump} · {short_start}{star}", f"{jump} · {start}{short_star}"]
    if row.field.has_holes:
        reads = f"reads {row.field.pixels:,} of the {prod(row.field.size):,} pixels that its field spans"
        short = f"reads {row.field.pixels:,} of {prod(row.field.size):,} pixels"
        candidates = [f"{reads} · {each}" for each in (*candidates, f"{jump}{short_star}", jump)]
        candidates += [f"{short} · {jump}", short]
    return next(
        (text for text in candidates if len(text) <= width), candidates[-1] if row.field.has_holes else jump
    )


def _counted(count: float, noun: str) -> str:
    return counted(int(count), noun) if count == int(count) else f"{count:.2f} {noun}s"


def _numbers(row: float, column: float) -> str:
    both = [f"{at:.2f}".rstrip("0").rstrip(".") for at in ((row,) if row == column else (row, column))]
    return ",".join(both)


def _pixels(row: float, column: float) -> str:
    both = [f"{at:g}".replace("-", "−") for at in ((row,) if row == column else (row, column))]
    return ", ".join(both)


def unlike_training(trained: LearnedWeights, width: int) -> str:
    """What is to be said where a picture has not the values that the network has learned from."""
    run = trained.run_name
    candidates = [
        f"{run} was trained on normalised images, but this image is not normalised",
        f"{run} expects normalised images; this is not one",
    ]
    return next((text for text in candidates if len(text) <= width), candidates[-1])


def layer_line(row: Row, width: int) -> str:
    """How the layer's parameters and multiply-adds are counted."""
    if row.number == 0:
        return "every layer is computed from the image, directly or through other layers"
    name = f"{row.number} {row.layer.title}: "
    if not row.parameter_shapes:
        return f"{name}no parameters, nothing to train"
    parameters = f"parameters {row.parameters_formula}"
    both = f"{parameters} · multiply-adds {row.cost.formula}" if row.multiply_adds else parameters
    candidates = [name + both, both, parameters]
    return next((text for text in candidates if len(text) <= width), candidates[-1])


def _how_joined(row: Row) -> str:
    match row.layer:
        case Residual():
            return "the sum of"
        case Multiply():
            return "the product of"
        case _:
            return "the channels of"


def size_line(row: Row, width: int) -> str:
    """Why the layer's output has the size it has."""
    if row.number == 0:
        return "an image has no weights; the receptive field of a pixel is the pixel itself"
    if len(row.inputs) > 1:
        return (
            f"output {_list(row.output_shape)}: {_how_joined(row)} layers {', '.join(map(str, row.inputs))}"
        )
    if isinstance(row.layer, Norm):
        return _norm_size(row, row.layer, width)
    if isinstance(row.layer, AdaptivePool):
        return _adaptive_size(row, width)
    if not isinstance(row.layer, Window) or row.axes is None:
        return f"output {_list(row.output_shape)} from {_list(row.input_shape)}"
    rows, columns = row.axes
    same = rows.formula == columns.formula
    text = f"output rows {'and columns ' if same else ''}{rows.formula}"
    if not same and len(f"{text} · columns {columns.formula}") <= width:
        text += f" · columns {columns.formula}"
    return text if len(text) <= width else f"output rows {rows.output}, columns {columns.output}"


def _norm_size(row: Row, layer: Norm, width: int) -> str:
    """Over what a norm takes its means, and that each activation therefore sees all of the image."""
    output, shared = f"output {_list(row.output_shape)}", layer.shared(row.input_shape)
    means = prod(shared.sets)
    over = f"{counted(means, 'mean')}, each over {counted(shared.count, 'activation')}"
    candidates = [f"{output}: {over}, so that each output sees all of the image", f"{output}: {over}"]
    return next((text for text in candidates if len(text) <= width), output)


def _adaptive_size(row: Row, width: int) -> str:
    """Which cells the windows of adaptive pooling read."""
    output = f"output {_list(row.output_shape)} from {_list(row.input_shape)}"
    _, height, wide = row.input_shape
    down, across = row.output_shape[1:]
    if height % down == 0 and wide % across == 0:
        what = "mean" if isinstance(row.layer, AdaptiveAvgPool) else "greatest"
        return f"{output}: each is the {what} of {height // down}x{wide // across} cells"
    same = (height, down) == (wide, across)
    axes = f"window i {'' if same else 'down '}has rows{' and columns' if same else ''}"
    rule = f"{axes} ⌊{height}·i/{down}⌋ to ⌈{height}·(i + 1)/{down}⌉ − 1"
    candidates = [f"{output}: {rule}", f"{output}: uneven windows"]
    return next((text for text in candidates if len(text) <= width), output)


def field_line(stack: Stack, fed: Sequence[Feeding], value: float | None, width: int) -> str:
    """The selected activation, its value, and the pixels that it sees."""
    row, (down, across) = stack.row, stack.cell()
    place = f"[{', '.join(map(str, stack.activation[: len(row.output_shape)]))}]"
    shown = "" if value is None else f" = {significant(value)}"
    if row.number == 0:
        return f"pixel {place}{shown}"
    name = f"activation {place}{shown}"
    _, height, wide = stack.input_shape
    field = field_through(stack.summary.rows, fed)
    first, last = _span(field.rows, down, fed[0].rows)
    left, right = _span(field.columns, across, fed[0].columns)
    centre = ", ".join(f"{at / 2:g}" for at in (first + last, left + right))
    spans = f"rows {_to(first, last)}, columns {_to(left, right)}"
    cut = _cut((first, last, height), (left, right, wide))
    clipped = f"; clipped to {_by((height, wide))}" if cut else ""
    size, pixels = (last - first + 1, right - left + 1), fed[0].pixels
    sees, short = f"sees {_by(size)} pixels", "sees"
    if pixels not in (None, prod(size)):
        sees = f"spans {_by(size)} pixels and reads {pixels:,}"
        short = f"reads {pixels:,} pixels in"
    candidates = [f"{name} {sees}: {spans}, centre {centre}{cut}", f"{name} {sees}: {spans}{cut}"]
    candidates += [f"{name} {short} {spans}{cut}", f"{place} {short} {spans}{cut}"]
    candidates += [f"{name} {short} {spans}{clipped}", f"{place} {short} {spans}{clipped}"]
    candidates += [f"{place} {short} {spans}", f"{place} {sees}"]
    return next((text for text in candidates if len(text) <= width), candidates[-1])


def _span(axis: AxisField, index: int, fed: Indices) -> tuple[int, int]:
    """The first and the last pixel of a field; where that is only bounded, of what feeds."""
    return (int(fed[0]), int(fed[-1])) if axis.is_bound and len(fed) else axis.span(index)


def _cut(rows: tuple[int, int, int], columns: tuple[int, int, int]) -> str:
    """How much of a field lies outside the image, on which sides."""
    parts = []
    for (first, last, size), before, after in ((rows, "above", "below"), (columns, "left", "right")):
        parts += [f"{-first} {before}"] if first < 0 else []
        parts += [f"{last - size + 1} {after}"] if last >= size else []
    return f"; clipped: {', '.join(parts)}" if parts else ""


def checks_line(unmade: Mapping[str, str]) -> str:
    """That the checks find nothing, and which of them were not made."""
    made = ", ".join(name for name in CHECKS if name not in unmade)
    others = "".join(f"; not made: {name}, as {why}" for name, why in unmade.items())
    return f"the checks find nothing in these layers: {made}{others}"


def fixes_of(summary: Summary) -> tuple[str, ...]:
    """What would make the first layer fit that does not, where its error does not say so."""
    graph = summary.graph
    found = post_mortem(graph)
    return found.fixes if found and graph.failure and not graph.failure.legal else ()


def error_lines(error: LayerError, fixes: Sequence[str], side: int | None, width: int) -> list[str]:
    """Why the stack does not fit, what would, and to which side the image is scaled for that, if it helps."""
    fixed = f"; would fit: {', or '.join(fixes)}" if fixes else ""
    scaled = f"; R scales the image to {side} pixels: then every layer fits" if side else ""
    return wrap(f"✗ {error}{fixed}{scaled}", width, subsequent_indent="  ")


def _by(pair: tuple[int, ...]) -> str:
    return f"{pair[0]}x{pair[1]}"


def _to(first: int, last: int) -> str:
    return f"{first} to {last}".replace("-", "−") if first != last else f"{first}".replace("-", "−")


def _list(shape: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def layer_controls(stack: Stack) -> list[Control]:
    """The stack's settings and the selected layer's."""
    name = stack.name or "custom"
    items = [
        Control("n", "network", name, is_plain=True),
        Control("w", "weights", str(stack.trained or f"seed {stack.seed}"), is_plain=True),
        Control("tab", "layer", str(stack.layer)),
    ]
    layer = stack.row.layer
    if not isinstance(layer, Window):
        return items
    spec = layer.spec
    items += [Control("t", "stride", pair(spec.stride)), Control("p", "padding", sides(spec.pads))]
    items += [Control("z", "size", _by(spec.kernel_size))]
    if isinstance(layer, Conv | ConvTranspose):
        items += [
            Control("i", "filters", str(layer.out_channels), spare=1),
            Control("d", "dilation", pair(spec.dilation), spare=2),
            Control("G", "groups", str(layer.spec.groups), spare=3),
        ]
    return items
