"""The diagram of a convolution: image, window, kernel, output and sum, at one step or going through many.

Steps are counted from 1, as on the Step page; at step 0 nothing is computed yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from convtui.engine.convolution import Convolution, Step
from convtui.export import PANES
from convtui.export.diagram import Diagram, Frame, Mover, Shape
from convtui.export.grids import LEAST_NUMBERS, Grid, side_within
from convtui.export.layout import Column, Layout, Panel
from convtui.export.sums import in_words, sum_line
from convtui.export.words import pair_text, shape_text, sides_text
from convtui.inputs.images import Picture
from convtui.paint.cells import (
    FILLED_TINT,
    ZERO_TINT,
    ImageCells,
    OutputCells,
    TableCells,
    whole_pixels,
)
from convtui.paint.colours import DARK, LIGHT, Palette
from convtui.paint.text import cut_to, is_integral

MOST_CELLS: Final = 80  # rows or columns of the padded image
MOST_STEPS: Final = 256
USUAL_STEPS: Final = 64
HOLD: Final = 1.5  # seconds for which the last frame stays at least

_ROOM: Final = 440  # of the image, and of the output
_MOST_SIDE: Final = 36
_TABLE_ROOM: Final = 220  # of a window or a kernel
_LARGER: Final = 1.6  # times the side of a pixel: that of an output cell which is drawn larger
_MOST_SLICES: Final = 3
_MOST_TAPS: Final = 49  # of a dilated window, each of which is outlined
_LONGEST_NAME: Final = 48
_COLOURS: Final = ("red", "green", "blue")


@dataclass(frozen=True, eq=False)
class Subject:
    """What is drawn: a convolution over a picture, the name of its kernel, and the slice on show."""

    picture: Picture
    convolution: Convolution
    kernel: str
    slice: int = 0

    @property
    def own_colours(self) -> bool:
        """Whether the picture is drawn in its own colours."""
        return self.picture.colour and self.convolution.weight_shape[1] == len(_COLOURS)


def usual_steps(convolution: Convolution, channel: int) -> tuple[int, ...]:
    """Every step of an output channel, or 64 evenly spaced ones; in the first channel, step 0 before them."""
    _, rows, columns = convolution.output_shape
    first, count = channel * rows * columns, rows * columns
    shown = min(count, USUAL_STEPS)
    begin = () if channel else (0,)
    return (*begin, *(first + (each + 1) * count // shown for each in range(shown)))


def steps_diagram(
    subject: Subject,
    steps: Sequence[int],
    is_dark: bool = True,
    panes: Sequence[str] = PANES,
    seconds: float = 0.25,
    filled: int = 0,
) -> Diagram:
    """The diagram that goes through these steps, ascending and of one output channel, so many seconds each.

    filled: how many output cells, from the first, are computed however many the steps say.
    Raises ValueError for an image of more than 80 rows or columns with its padding, and for other steps.
    """
    _require_steps(subject.convolution, steps)
    palette = DARK if is_dark else LIGHT
    return _Drawing(subject, tuple(steps), palette, tuple(panes), seconds, filled).diagram


def _require_steps(convolution: Convolution, steps: Sequence[int]) -> None:
    told = f"steps {steps[0]}-{steps[-1]}"
    _, rows, columns = convolution.output_shape
    if steps[-1] > convolution.size or steps[0] < 0:
        raise ValueError(f"{told}: there are {convolution.size:,} steps; choose from 0-{convolution.size}")
    of = max(steps[0] - 1, 0) // (rows * columns)
    first, last = of * rows * columns + 1, (of + 1) * rows * columns
    if steps[-1] > last:
        raise ValueError(f"{told}: must be of one filter; those of filter {of} are {first}-{last}")
    if len(steps) > MOST_STEPS:
        raise ValueError(f"{told}: {len(steps):,} steps are too many for an animation; at most {MOST_STEPS}")


@dataclass(frozen=True, eq=False)
class _Drawing:
    """What the diagram is made of; computed once, as all frames use it."""

    subject: Subject
    steps: tuple[int, ...]
    palette: Palette
    panes: tuple[str, ...]
    seconds: float
    filled: int

    @property
    def convolution(self) -> Convolution:
        return self.subject.convolution

    @property
    def diagram(self) -> Diagram:
        layout = self.layout
        return Diagram(
            width=layout.width,
            height=layout.height,
            background=self.palette.background,
            title=f"{layout.name}, {layout.settings}",
            base=tuple(self._base()),
            frames=tuple(self._frames()),
            movers=tuple(self._movers()),
        )

    # -- which step

    @cached_property
    def indices(self) -> tuple[int, ...]:
        """The output cell of each frame."""
        return tuple(max(step - 1, 0) for step in self.steps)

    @cached_property
    def channel(self) -> int:
        return self.convolution.position(self.indices[0])[0]

    @cached_property
    def first(self) -> int:
        """How many steps there are before those of the channel."""
        _, rows, columns = self.convolution.output_shape
        return self.channel * rows * columns

    @cached_property
    def slices(self) -> tuple[int, ...]:
        """Those of the filter that are drawn."""
        count = self.convolution.weight_shape[1]
        return tuple(range(count)) if count <= _MOST_SLICES else (min(self.subject.slice, count - 1),)

    def channel_read(self, number: int) -> int:
        """The input channel that the slice with this number among those drawn reads."""
        return self.convolution.channels_read(self.channel)[self.slices[number]]

    # -- the grids

    @cached_property
    def image(self) -> Grid:
        picture = self.subject.picture
        cells = ImageCells(picture, self.convolution.axes, self.channel_read(0), self.subject.own_colours)
        if max(cells.rows, cells.columns) > MOST_CELLS:
            padding = max(axis.padded - axis.size for axis in self.convolution.axes)
            side = min(MOST_CELLS - padding, 64)
            advice = f"; --resize {side} scales the image" if side > 0 else ""
            raise ValueError(
                f"{picture.name}: {cells.rows}x{cells.columns} pixels with the padding are too many for a "
                f"diagram, which has at most {MOST_CELLS}x{MOST_CELLS}{advice}"
            )
        side = side_within(cells, _ROOM, _MOST_SIDE)
        # Of a pixel in its own colours three numbers would be to be shown.
        return Grid(cells, min(side, LEAST_NUMBERS - 1) if cells.own_colours else side, self.palette)

    @cached_property
    def output(self) -> Grid:
        convolution, usual = self.convolution, self.image.side
        bias = convolution.bias
        whole = whole_pixels(self.subject.picture) and is_integral(convolution.weight)
        cells = OutputCells(convolution, self.channel, whole and (bias is None or is_integral(bias)))
        side = side_within(cells, _ROOM, _MOST_SIDE)
        return Grid(cells, side if side > _LARGER * usual else usual, self.palette)

    @cached_property
    def kernels(self) -> tuple[Grid, ...]:
        weight = self.convolution.weight
        limit, whole = float(np.abs(weight).max()), is_integral(weight)
        tables = [TableCells(weight[self.channel, each], -limit, limit, whole) for each in self.slices]
        return tuple(Grid(each, side_within(each, _TABLE_ROOM, _MOST_SIDE), self.palette) for each in tables)

    @cached_property
    def has_window(self) -> bool:
        """Whether the window has a grid of its own: where the image shows no numbers."""
        return not self.image.has_numbers and self.kernels[0].has_numbers

    @cached_property
    def longest(self) -> int:
        """The characters of the longest pixel."""
        text = self.image.cells.text
        return max(len(text(value)) for value in np.unique(self.subject.picture.pixels).tolist())

    def window(self, step: Step, number: int) -> Grid:
        """The pixels that the window covers, in the slice with this number among those drawn."""
        picture, s = self.subject.picture, self.slices[number]
        shade = ZERO_TINT if self.convolution.spec.padding_mode == "zeros" else FILLED_TINT
        whole = whole_pixels(picture)
        cells = TableCells(step.window[s], picture.lowest, picture.highest, whole, step.is_padding, shade)
        channel = step.channels[s] if picture.colour and picture.lowest >= 0 else None
        return replace(self.kernels[number], cells=cells, channel=channel, longest=self.longest)

    # -- where they are

    @cached_property
    def layout(self) -> Layout:
        subject = self.subject
        filters = self.convolution.weight_shape[0]
        which = f", filter {self.channel}," if filters > 1 else ""
        name = cut_to(f"{subject.kernel}{which} over {subject.picture.name}", _LONGEST_NAME)
        return Layout(tuple(self._columns()), name, self._settings, self.palette, "sum" in self.panes)

    def _columns(self) -> Iterator[Column]:
        sign = ""
        if "image" in self.panes:
            yield Column("", (Panel(("image", 0), self._image_title, self.image),))
        if "kernel" in self.panes:
            numbers = range(len(self.slices))
            if self.has_window:
                step = self.convolution.step(self.indices[0])
                windows = [Panel(("window", n), self._window_title(n), self.window(step, n)) for n in numbers]
                yield Column("", tuple(windows))
            kernels = [Panel(("kernel", n), self._kernel_title(n), self.kernels[n]) for n in numbers]
            is_whole = "image" in self.panes and self.convolution.weight_shape[1] == 1
            sign = "×" if self.has_window else "∗" if is_whole else ""
            yield Column(sign, tuple(kernels))
        if "output" in self.panes:
            is_equation = sign == "∗" and self.convolution.bias is None
            sign = "=" if is_equation else "→"
            has_legend = not self.output.has_numbers
            yield Column(sign, (Panel(("output", 0), self._output_title, self.output, has_legend),))

    # -- what is drawn

    def _base(self) -> Iterator[Shape]:
        yield from self.layout.frame()
        for (name, _), grid in self.layout.grids.items():
            if name == "output":
                yield from grid.uncomputed()
                yield from grid.shapes(0, self._before)
            elif name != "window":
                yield from grid.shapes()
        if "sum" in self.panes:
            yield from self.layout.below(left=in_words(self.convolution.step(self.indices[0])))

    @cached_property
    def _before(self) -> int:
        """How many cells of the channel are computed before the first frame."""
        return min(max(self.filled - self.first, 0), self.output.count)

    def _frames(self) -> Iterator[Frame]:
        done = self._before
        output = self.layout.grids.get(("output", 0))
        for at, number in enumerate(self.steps):
            end = max(number - self.first, done)
            staying = output.shapes(done, end) if output and end > done else ()
            done = end
            is_last = at == len(self.steps) - 1
            seconds = max(self.seconds, HOLD) if is_last else self.seconds
            yield Frame(seconds, staying, tuple(self._passing(number)))

    def _passing(self, number: int) -> Iterator[Shape]:
        """The window's pixels and the sum, at a step."""
        step = self.convolution.step(max(number - 1, 0))
        for (name, at), grid in self.layout.grids.items():
            if name == "window":
                yield from self.window(step, at).at(grid.x, grid.y).shapes()
        if "sum" in self.panes:
            yield from self.layout.below(right=f"step {number:,} of {self.convolution.size:,}")
            if number:
                yield self.layout.sum(sum_line(step, self.layout.room))

    def _movers(self) -> Iterator[Mover]:
        cells = [self.convolution.position(index)[1:] for index in self.indices]
        if image := self.layout.grids.get(("image", 0)):
            down, across = (axis.stride * image.side for axis in self.convolution.axes)
            places = tuple((column * across, row * down) for row, column in cells)
            yield Mover(tuple(_outlines(image, self.convolution)), places)
        if output := self.layout.grids.get(("output", 0)):
            places = tuple((column * output.side, row * output.side) for row, column in cells)
            yield Mover(output.outline(1, 1), places)

    # -- words

    @property
    def _settings(self) -> str:
        spec = self.convolution.spec
        mode = "" if spec.padding_mode == "zeros" else f"{spec.padding_mode} "
        told = [f"stride {pair_text(spec.stride)}", f"{mode}padding {sides_text(spec.pads)}"]
        told += [f"dilation {pair_text(spec.dilation)}"] if spec.dilation != (1, 1) else []
        told += [f"groups {spec.groups}"] if spec.groups > 1 else []
        return " · ".join(told)

    @property
    def _image_title(self) -> str:
        shape = self.convolution.image_shape
        if shape[0] == 1 or self.subject.own_colours:
            return f"image {shape_text(shape)}"
        return f"image[{self.channel_read(0)}] of {shape_text(shape)}"

    @property
    def _output_title(self) -> str:
        shape = self.convolution.output_shape
        which = f"[{self.channel}] of" if shape[0] > 1 else ""
        return f"output{which} {shape_text(shape)}"

    def _window_title(self, number: int) -> str:
        if self.convolution.image_shape[0] == 1:
            return "window"
        channel = self.channel_read(number)
        return _COLOURS[channel] if self.subject.picture.colour else f"channel {channel}"

    def _kernel_title(self, number: int) -> str:
        filters, slices, *size = self.convolution.weight_shape
        if filters == slices == 1:
            return f"kernel {shape_text(size)}"
        return f"kernel [{self.channel}, {self.slices[number]}]"


def _outlines(image: Grid, convolution: Convolution) -> Iterator[Shape]:
    """The window of the first output cell: one outline, or one around each pixel where it has holes."""
    down, across = convolution.axes
    if down.dilation == across.dilation == 1 or down.kernel * across.kernel > _MOST_TAPS:
        yield from image.outline(down.span, across.span)
        return
    for row in range(0, down.span, down.dilation):
        for column in range(0, across.span, across.dilation):
            yield from image.outline(1, 1, row, column)
