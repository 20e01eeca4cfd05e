"""The diagram of an operation: image, window, kernel, output and sum, at one step or going through many.

Steps are counted from 1, as on the Step page; at step 0 nothing is computed yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from convtui.engine.convolution import Convolution
from convtui.engine.pooling import Pooling
from convtui.engine.transposed_ways import Gathering, Scattering
from convtui.export import PANES
from convtui.export.diagram import Diagram, Frame, Mover, Shape
from convtui.export.grids import Grid
from convtui.export.layout import Column, Layout, Panel
from convtui.export.matrix_pane import NAME as MATRIX
from convtui.export.matrix_pane import MatrixPane
from convtui.export.operations import (
    AnyStep,
    Operation,
    all_weights,
    bias_of,
    frame_of,
    name_of,
    output_cells,
    settings_of,
    weights_of,
    window_cells,
)
from convtui.export.scatter_steps import scatter_diagram
from convtui.export.subject import (
    HOLD,
    LONGEST_NAME,
    Subject,
    Window,
    image_title,
    movement,
    outlines,
    output_grid,
    output_title,
    require_steps,
    table_grid,
)
from convtui.export.sums import in_words, sum_line
from convtui.export.words import shape_text
from convtui.paint.cells import TableCells
from convtui.paint.colours import DARK, LIGHT, Palette
from convtui.paint.text import cut_to, is_integral

MOST_STEPS: Final = 256
USUAL_STEPS: Final = 64

_MOST_SLICES: Final = 3
_COLOURS: Final = ("red", "green", "blue")


def usual_steps(operation: Operation | Scattering, channel: int) -> tuple[int, ...]:
    """Every step of an output channel, or 64 evenly spaced ones; in the first channel, step 0 before them.

    A transposed convolution that scatters steps through the pixels of an input channel.
    """
    scatters = isinstance(operation, Scattering)
    _, rows, columns = operation.image_shape if scatters else operation.output_shape
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

    filled: how many output cells, from the first, are computed however many the steps say; scattering, how
    many pixels have landed.
    Raises ValueError for an image of more than 80 rows or columns with its padding, and for other steps.
    """
    palette, operation = DARK if is_dark else LIGHT, subject.operation
    if isinstance(operation, Scattering):
        require_steps(steps, operation.image_shape, "channel", MOST_STEPS)
        return scatter_diagram(subject, operation, tuple(steps), palette, tuple(panes), seconds, filled)
    require_steps(steps, operation.output_shape, "filter", MOST_STEPS)
    return _Drawing(subject, operation, tuple(steps), palette, tuple(panes), seconds, filled).diagram


@dataclass(frozen=True, eq=False)
class _Drawing:
    """What the diagram is made of; computed once, as all frames use it."""

    subject: Subject
    operation: Operation
    steps: tuple[int, ...]
    palette: Palette
    panes: tuple[str, ...]
    seconds: float
    filled: int

    @property
    def diagram(self) -> Diagram:
        return self.layout.diagram(self._base(), self._frames(), self._movers())

    # -- which step

    @cached_property
    def indices(self) -> tuple[int, ...]:
        """The output cell of each frame."""
        return tuple(max(step - 1, 0) for step in self.steps)

    @cached_property
    def channel(self) -> int:
        return self.operation.position(self.indices[0])[0]

    @cached_property
    def first(self) -> int:
        """How many steps there are before those of the channel."""
        _, rows, columns = self.operation.output_shape
        return self.channel * rows * columns

    @cached_property
    def slices(self) -> tuple[int, ...]:
        """Those of the filter that are drawn."""
        count = len(self.operation.channels_read(self.channel))
        return tuple(range(count)) if count <= _MOST_SLICES else (min(self.subject.slice, count - 1),)

    def channel_read(self, number: int) -> int:
        """The input channel that the slice with this number among those drawn reads."""
        return self.operation.channels_read(self.channel)[self.slices[number]]

    # -- the grids

    @cached_property
    def own_colours(self) -> bool:
        return self.subject.own_colours(self.operation.channels_read(self.channel))

    @cached_property
    def image(self) -> Grid:
        return self.subject.image(self.channel_read(0), self.own_colours, self.palette)

    @cached_property
    def output(self) -> Grid:
        return output_grid(output_cells(self.operation, self.subject.picture, self.channel), self.image)

    @cached_property
    def matrix(self) -> MatrixPane:
        read = [self.channel_read(number) for number in range(len(self.slices))]
        return MatrixPane(self.operation, read, self.palette)

    @cached_property
    def kernels(self) -> tuple[Grid, ...]:
        """One for each slice that is drawn; none of a pooling."""
        weights = weights_of(self.operation, self.channel)
        if weights is None or isinstance(self.operation, Pooling):
            return ()
        of_all = all_weights(self.operation)
        limit, whole = float(np.abs(of_all).max()), is_integral(of_all)
        return tuple(
            table_grid(TableCells(weights[each], -limit, limit, whole), self.palette) for each in self.slices
        )

    @cached_property
    def has_window(self) -> bool:
        """Whether the window has a grid of its own: where the image shows no numbers, and its size stays."""
        tables = self.kernels or (self.window(self.operation.step(self.indices[0]), 0),)
        return not self.image.has_numbers and tables[0].has_numbers and self.keeps_its_form

    @cached_property
    def longest(self) -> int:
        """The characters of the longest pixel."""
        text = self.image.cells.text
        return max(len(text(value)) for value in np.unique(self.subject.picture.pixels).tolist())

    def window(self, step: AnyStep, number: int) -> Grid:
        """What the window covers, in the slice with this number among those drawn."""
        picture, s = self.subject.picture, self.slices[number]
        channel = step.channels[s] if picture.colour and picture.lowest >= 0 else None
        grid = table_grid(window_cells(self.operation, picture, step, s), self.palette)
        return replace(grid, channel=channel, longest=self.longest)

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """The rows and columns of the image's frame that the window covers in each frame."""
        down, across = frame_of(self.operation)
        steps: list[AnyStep] = [self.operation.step(index) for index in self.indices]
        return tuple((step.rows + down.before, step.columns + across.before) for step in steps)

    @cached_property
    def keeps_its_form(self) -> bool:
        """Whether the window is the same in all frames."""
        return movement(self.image, self.windows) is not None

    # -- where they are

    @cached_property
    def layout(self) -> Layout:
        subject = self.subject
        of = "channel" if isinstance(self.operation, Pooling) else "filter"
        which = f", {of} {self.channel}," if self.operation.output_shape[0] > 1 else ""
        done = f"{name_of(self.operation, subject.kernel)}{which}"
        name = cut_to(f"{done} over {subject.picture.name}", LONGEST_NAME)
        settings = settings_of(self.operation)
        return Layout(tuple(self._columns()), name, settings, self.palette, "sum" in self.panes)

    def _columns(self) -> Iterator[Column]:
        sign = ""
        if "image" in self.panes:
            yield Column("", (Panel(("image", 0), self._image_title, self.image),))
        if "kernel" in self.panes:
            numbers = range(len(self.slices))
            if self.has_window:
                step = self.operation.step(self.indices[0])
                windows = [Panel(("window", n), self._window_title(n), self.window(step, n)) for n in numbers]
                yield Column("", tuple(windows))
            kernels = [
                Panel(("kernel", n), self._kernel_title(n), each) for n, each in enumerate(self.kernels)
            ]
            is_whole = "image" in self.panes and len(self.operation.channels_read(self.channel)) == 1
            is_convolved = is_whole and isinstance(self.operation, Convolution)
            sign = "×" if self.has_window else "∗" if is_convolved else ""
            if kernels:
                yield Column(sign, tuple(kernels))
        if "output" in self.panes:
            is_equation = sign == "∗" and bias_of(self.operation) is None
            sign = "=" if is_equation else "→"
            has_legend = not self.output.has_numbers
            yield Column(sign, (Panel(("output", 0), self._output_title, self.output, has_legend),))
        if MATRIX in self.panes:
            yield Column("", tuple(self.matrix.panels(self.indices[0])))

    # -- what is drawn

    def _base(self) -> Iterator[Shape]:
        yield from self.layout.frame()
        for (name, _), grid in self.layout.grids.items():
            if name == "output":
                yield from grid.uncomputed()
                yield from grid.shapes(0, self._before)
            elif name not in ("window", MATRIX):
                yield from grid.shapes()
        if MATRIX in self.panes:
            yield from self.matrix.shapes(self.layout.grids)
        if "sum" in self.panes:
            yield from self.layout.below(left=in_words(self.operation.step(self.indices[0])))

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
        step = self.operation.step(max(number - 1, 0))
        if not self.keeps_its_form and ("image", 0) in self.layout.grids:
            at = self.steps.index(number)
            yield from outlines(self.layout.grids["image", 0], *self.windows[at])
        for (name, at), grid in self.layout.grids.items():
            if name == "window":
                yield from self.window(step, at).at(grid.x, grid.y).shapes()
        if MATRIX in self.panes:
            yield from self.matrix.passing(self.layout.grids, step.index)
        if "sum" in self.panes:
            yield from self.layout.below(right=f"step {number:,} of {self.operation.size:,}")
            if number:
                yield self.layout.sum(sum_line(step, self.layout.room))

    def _movers(self) -> Iterator[Mover]:
        image = self.layout.grids.get(("image", 0))
        if image and (window := movement(image, self.windows)):
            yield window
        if output := self.layout.grids.get(("output", 0)):
            cells = [self.operation.position(index)[1:] for index in self.indices]
            places = tuple((column * output.side, row * output.side) for row, column in cells)
            yield Mover(output.outline(1, 1), places)
        if MATRIX in self.panes:
            yield from self.matrix.movers(self.layout.grids, self.indices)

    # -- words

    @property
    def _image_title(self) -> str:
        shape = self.operation.image_shape
        is_whole = shape[0] == 1 or self.own_colours
        return image_title(shape, None if is_whole else self.channel_read(0))

    @property
    def _output_title(self) -> str:
        return output_title(self.operation.output_shape, self.channel)

    def _window_title(self, number: int) -> str:
        if self.operation.image_shape[0] == 1:
            return "window"
        channel = self.channel_read(number)
        return _COLOURS[channel] if self.subject.picture.colour else f"channel {channel}"

    def _kernel_title(self, number: int) -> str:
        *_, rows, columns = self.operation.step(self.indices[0]).window.shape
        flipped = ", flipped" if isinstance(self.operation, Gathering) else ""
        if self.operation.output_shape[0] == 1 and len(self.slices) == 1 == self._slice_count:
            return f"kernel {shape_text((rows, columns))}{flipped}"
        return f"kernel [{self.channel}, {self.slices[number]}]{flipped}"

    @property
    def _slice_count(self) -> int:
        return len(self.operation.channels_read(self.channel))
