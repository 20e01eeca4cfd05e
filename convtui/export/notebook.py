"""What a notebook shows of an operation or a step: text, and a still SVG of at most 16x16 cells a grid.

The SVG has attributes alone: some viewers of notebooks, such as GitHub's, remove style sheets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from rich.text import Text

from convtui.engine.convolution import Convolution, Step
from convtui.engine.feature_maps import FeatureMaps
from convtui.engine.pooling import Pooling, PoolStep
from convtui.engine.spec import Floats
from convtui.engine.torch_text import torch_call
from convtui.engine.transposed import TransposedConvolution
from convtui.engine.transposed_ways import Gathering, Scattering
from convtui.export import ALL_PANES, PANES
from convtui.export.diagram import Diagram, Frame, Shape
from convtui.export.files import write_animation
from convtui.export.grids import Grid, side_within
from convtui.export.layout import Column, Layout, Panel
from convtui.export.notebook_tables import Tabled, maps_to_draw, table_of
from convtui.export.steps import steps_diagram, usual_steps
from convtui.export.subject import Subject
from convtui.export.sums import in_words, sum_line
from convtui.export.svg import still_svg
from convtui.export.words import shape_text
from convtui.inputs.images import Picture
from convtui.paint.cells import TableCells
from convtui.paint.colours import LIGHT
from convtui.paint.text import is_integral

MOST_CELLS: Final = 16  # rows or columns of a grid
MOST_SLICES: Final = 3
ROOM: Final = 100  # characters of a line of text

_SIDE: Final = 36
_WIDE: Final = 320

Operation = Convolution | TransposedConvolution | Pooling


def mimebundle(shown: object) -> dict[str, str]:
    """Text, and the SVG of an operation or of a step or the HTML of whatever is a table."""
    if isinstance(shown, Tabled):
        table, picture = table_of(shown), ""
        if isinstance(shown, FeatureMaps) and (drawn := maps_to_draw(shown)):
            picture = still_svg(_maps_diagram(drawn))
        return {"text/plain": table.text, "text/html": table.html + picture}
    if isinstance(shown, Step | PoolStep):
        diagram = _step_diagram(shown)
    else:
        diagram = _operation_diagram(_known(shown))
    return {"text/plain": plain_text(shown), "image/svg+xml": still_svg(diagram)}


def plain_text(shown: object) -> str:
    """Shapes, formulas and settings, or the table."""
    if isinstance(shown, Tabled):
        return table_of(shown).text
    lines = _step_lines(shown) if isinstance(shown, Step | PoolStep) else _operation_lines(_known(shown))
    return "\n".join(lines)


def rich_text(shown: object) -> Text:
    """The same for rich, which would read its brackets as marks."""
    return Text(plain_text(shown))


def _known(shown: object) -> Operation:
    assert isinstance(shown, Operation)
    return shown


def animate(
    operation: Operation,
    path: str | Path,
    steps: Sequence[int] | None = None,
    fps: float = 4.0,
    theme: str = "dark",
    panes: Sequence[str] = PANES,
    way: str = "gather",
) -> None:
    """Draw the steps as .gif or .svg; by default all of the first output channel, or 64 of them.

    Raises ValueError for what cannot be drawn, and if the file cannot be written.
    """
    if theme not in ("dark", "light"):
        raise ValueError(f"theme {theme!r}: must be 'dark' or 'light'")
    if not 0 < fps <= 50:
        raise ValueError(f"fps {fps}: must be above 0 and at most 50")
    if unknown := [pane for pane in panes if pane not in ALL_PANES]:
        raise ValueError(f"panes: there is no {unknown[0]!r}; they are {', '.join(ALL_PANES)}")
    if way not in ("gather", "scatter"):
        raise ValueError(f"way {way!r}: must be 'gather' or 'scatter'")
    if way == "scatter" and not isinstance(operation, TransposedConvolution):
        raise ValueError("way 'scatter': only a transposed convolution has it")
    if steps is not None and not len(steps):
        raise ValueError("steps: name at least one")
    write_animation(_swept(operation, steps, theme == "dark", panes, 1 / fps, way), Path(path))


def require_animated(operation: Operation) -> None:
    """Raise ValueError for what `animate` cannot draw."""
    _swept(operation)


def _swept(
    operation: Operation,
    steps: Sequence[int] | None = None,
    is_dark: bool = True,
    panes: Sequence[str] = PANES,
    seconds: float = 0.25,
    way: str = "gather",
) -> Diagram:
    """The diagram of these steps, each shown for some seconds."""
    gone_through: Convolution | Pooling | Gathering | Scattering
    if isinstance(operation, TransposedConvolution):
        gone_through = Scattering(operation) if way == "scatter" else Gathering(operation)
    else:
        gone_through = operation
    chosen = usual_steps(gone_through, 0) if steps is None else sorted(steps)
    subject = Subject(_picture(operation.image), gone_through, "kernel")
    return steps_diagram(subject, chosen, is_dark, panes, seconds)


def _picture(image: Floats) -> Picture:
    """The image as one that was opened: grey or coloured if it is from 0 to 1."""
    lowest, highest = min(0.0, float(image.min())), max(float(image.max()), 0.0)
    is_colour = len(image) == 3 and lowest >= 0 and highest <= 1
    if lowest >= 0 and highest <= 1:
        highest = 1.0
    return Picture(image, "image", "", is_colour, lowest, highest)


# -- text


def _operation_lines(operation: Operation) -> Iterator[str]:
    yield f"{type(operation).__name__}"
    yield f"  image    {list(operation.image_shape)}"
    if not isinstance(operation, Pooling):
        yield f"  weight   {list(operation.weight_shape)}"
        yield f"  bias     {'none' if operation.bias is None else [len(operation.bias)]}"
    yield f"  output   {list(operation.output_shape)}"
    for axis in operation.axes:
        yield f"  {axis.name:<8} {axis.formula}"
    if isinstance(operation, Convolution):
        yield f"  {torch_call(operation.spec, operation.bias is not None)}"
    else:
        yield f"  {operation.spec}"


def _step_lines(step: Step | PoolStep) -> Iterator[str]:
    yield f"{type(step).__name__} {step.index + 1:,}"
    yield f"  channels {list(step.channels)}"
    yield f"  rows     {step.rows.tolist()}"
    yield f"  columns  {step.columns.tolist()}"
    yield f"  {sum_line(step, ROOM)}"


# -- pictures


def _operation_diagram(operation: Operation) -> Diagram:
    """The first channels of image and output, and the first kernel."""
    image, output = operation.image[0], _block(operation)
    of_image = _titled("image", operation.image_shape, operation.image_shape[0] > 1)
    of_output = _titled("output", operation.output_shape, operation.output_shape[0] > 1)
    columns = [Column("", (_panel("image", of_image, image),))]
    times, equals = "", "→"
    if not isinstance(operation, Pooling):
        if isinstance(operation, Convolution) and operation.weight_shape[1] == 1:
            times, equals = "∗", "=" if operation.bias is None else "→"
        kernel = operation.weight[0, 0]
        title = _titled("kernel", kernel.shape, False)
        columns.append(Column(times, (_panel("kernel", title, kernel, is_signed=True),)))
    columns.append(Column(equals, (_panel("output", of_output, output, is_signed=True),)))
    return _still(Layout(tuple(columns), type(operation).__name__, "", LIGHT))


def _maps_diagram(maps: Sequence[tuple[str, Floats]]) -> Diagram:
    """A feature map beside the one before it, the first of its layer."""
    columns = [
        Column("→" * bool(at), (_panel(f"map {at}", title, values, is_signed=at > 0),))
        for at, (title, values) in enumerate(maps)
    ]
    return _still(Layout(tuple(columns), "feature maps", "", LIGHT))


def _block(operation: Operation) -> Floats:
    """What is shown of the output."""
    _, rows, columns = operation.output_shape
    return operation.block(0, range(min(rows, MOST_CELLS)), range(min(columns, MOST_CELLS)))


def _step_diagram(step: Step | PoolStep) -> Diagram:
    """The window, and of a step of a convolution the weights and the products, slice by slice."""
    slices = range(min(len(step.window), MOST_SLICES) if step.window.size else 0)
    columns = [_column("", "window", step.window, slices, step)]
    if isinstance(step, Step):
        columns.append(_column("×", "kernel", step.weights, slices, step))
        columns.append(_column("=", "products", step.products, slices, step))
    rest = f"{len(slices)} of {len(step.window)} slices" if 0 < len(slices) < len(step.window) else ""
    drawn = tuple(column for column in columns if column.panels)
    return _still(Layout(drawn, f"step {step.index + 1:,}", rest, LIGHT, has_sum=True), step)


def _column(sign: str, name: str, values: Floats, slices: range, step: Step | PoolStep) -> Column:
    limit = float(np.abs(values).max()) if values.size else 0.0
    is_signed = name != "window" or bool((values < 0).any())
    return Column(
        sign,
        tuple(
            _panel(
                name,
                name if len(values) == 1 else f"{name} · {step.channels[each]}",
                values[each],
                is_signed,
                limit,
                each,
                step.is_padding if name == "window" else None,
            )
            for each in slices
        ),
    )


def _still(layout: Layout, step: Step | PoolStep | None = None) -> Diagram:
    shapes: list[Shape] = [*layout.frame()]
    for grid in layout.grids.values():
        shapes += grid.shapes()
    if step:
        shapes.append(layout.sum(sum_line(step, layout.room)))
        shapes += layout.below(left=in_words(step))
    frames = (Frame(1.0),)
    return Diagram(layout.width, layout.height, LIGHT.background, layout.name, tuple(shapes), frames)


def _titled(name: str, shape: Sequence[int], has_channels: bool) -> str:
    """The title of a grid: what it is of, and if it is only a part, which."""
    *_, rows, columns = shape
    which = f"[0] of {shape_text(shape)}" if has_channels else f" {shape_text(shape)}"
    if max(rows, columns) > MOST_CELLS:
        part = shape_text((min(rows, MOST_CELLS), min(columns, MOST_CELLS)))
        return f"{name}{which}: first {part}"
    return f"{name}{which}"


def _panel(
    name: str,
    title: str,
    values: Floats,
    is_signed: bool = False,
    limit: float = 0.0,
    number: int = 0,
    padding: np.ndarray | None = None,
) -> Panel:
    part = values[:MOST_CELLS, :MOST_CELLS]
    lowest, highest = min(0.0, float(part.min())), max(0.0, float(part.max()))
    limit = limit or max(-lowest, highest)
    if is_signed or lowest < 0:
        lowest, highest = -limit, limit
    elif highest <= 1:
        highest = 1.0
    shaded = None if padding is None else padding[:MOST_CELLS, :MOST_CELLS]
    cells = TableCells(part, lowest, highest, is_integral(part), shaded)
    return Panel((name, number), title, Grid(cells, side_within(cells, _WIDE, _SIDE), LIGHT))
