"""The diagram of a transposed convolution that scatters: pixel by pixel onto the output.

Each pixel lays the kernel, times itself, on the output, which shows what has landed so far. Steps count
pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from convtui.engine.transposed import Scatter
from convtui.engine.transposed_ways import Gathering, Scattering
from convtui.export.diagram import Diagram, Frame, Mover, Shape
from convtui.export.grids import Grid
from convtui.export.layout import Column, Layout, Panel
from convtui.export.matrix_pane import NAME as MATRIX
from convtui.export.matrix_pane import MatrixPane
from convtui.export.operations import name_of, settings_of
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
    table_grid,
)
from convtui.export.words import shape_text
from convtui.paint.cells import LandedCells, OutputCells, TableCells, whole_pixels
from convtui.paint.colours import Palette
from convtui.paint.landing_words import laid
from convtui.paint.text import cut_to, is_integral

IN_WORDS: Final = "each pixel lays the kernel, times itself, on the output; where windows overlap, it adds up"
WITH_BIAS: Final = "each pixel lays the kernel, times itself, on the output; the bias is added last"


def scatter_diagram(
    subject: Subject,
    operation: Scattering,
    steps: tuple[int, ...],
    palette: Palette,
    panes: tuple[str, ...],
    seconds: float,
    filled: int = 0,
) -> Diagram:
    """The diagram that goes through these pixels, ascending and of one input channel, counted from 1.

    filled: how many have landed; once all have, the whole output is shown.
    Raises ValueError for an image of more than 80 rows or columns.
    """
    return _Scatter(subject, operation, steps, palette, panes, seconds, filled).diagram


@dataclass(frozen=True, eq=False)
class _Scatter:
    """What the diagram is made of; computed once, as all frames use it."""

    subject: Subject
    operation: Scattering
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
        """The input cell of each frame."""
        return tuple(max(step - 1, 0) for step in self.steps)

    @cached_property
    def landings(self) -> tuple[Scatter, ...]:
        """Where that of each frame lands."""
        return tuple(self.operation.step(index) for index in self.indices)

    @cached_property
    def channel(self) -> int:
        """The input channel that is gone through."""
        return self.operation.position(self.indices[0])[0]

    @cached_property
    def slice(self) -> int:
        """Which of the kernels that a pixel lays is drawn."""
        return min(self.subject.slice, len(self.operation.channels_written(self.channel)) - 1)

    @cached_property
    def output_channel(self) -> int:
        """The output channel on which that one lands."""
        return self.operation.channels_written(self.channel)[self.slice]

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """The rows and columns of the output on which each frame's kernel lies, without what is cut off."""
        _, height, width = self.operation.output_shape
        return tuple(
            (
                each.rows[(each.rows >= 0) & (each.rows < height)],
                each.columns[(each.columns >= 0) & (each.columns < width)],
            )
            for each in self.landings
        )

    # -- the grids

    @cached_property
    def image(self) -> Grid:
        return self.subject.image(self.channel, own_colours=False, palette=self.palette)

    @cached_property
    def kernel(self) -> Grid:
        weight = self.operation.transposed.weight
        limit = float(np.abs(weight).max())
        cells = TableCells(self.landings[0].weights[self.slice], -limit, limit, is_integral(weight))
        return table_grid(cells, self.palette)

    @cached_property
    def whole_output(self) -> OutputCells:
        """All cells, when everything has landed."""
        transposed = self.operation.transposed
        whole = whole_pixels(self.subject.picture) and is_integral(transposed.weight)
        if transposed.bias is not None:
            whole = whole and is_integral(transposed.bias)
        return OutputCells(Gathering(transposed), self.output_channel, whole)

    @cached_property
    def output(self) -> Grid:
        return output_grid(self.whole_output, self.image)

    def landed(self, number: int) -> Grid:
        """The output once so many pixels have landed."""
        if max(number, self.filled) >= self.operation.size:
            return self.output
        index = number - 1
        entries = self.operation.entries(index)
        cells = LandedCells(self.operation.transposed, self.whole_output, index, entries)
        return replace(self.output, cells=cells)

    @cached_property
    def matrix(self) -> MatrixPane:
        return MatrixPane(self.operation, [self.output_channel], self.palette)

    # -- where they are

    @cached_property
    def layout(self) -> Layout:
        named = name_of(self.operation, self.subject.kernel)
        name = cut_to(f"{named} over {self.subject.picture.name}", LONGEST_NAME)
        settings = settings_of(self.operation)
        return Layout(tuple(self._columns()), name, settings, self.palette, "sum" in self.panes)

    def _columns(self) -> Iterator[Column]:
        image_shape, output_shape = self.operation.image_shape, self.operation.output_shape
        if "image" in self.panes:
            title = image_title(image_shape, self.channel if image_shape[0] > 1 else None)
            yield Column("", (Panel(("image", 0), title, self.image),))
        if "kernel" in self.panes:
            rows, columns = self.operation.transposed.weight.shape[2:]
            is_only = image_shape[0] == output_shape[0] == 1
            kernel = f"kernel {shape_text((rows, columns))}"
            title = kernel if is_only else f"kernel [{self.channel}, {self.slice}]"
            yield Column("×", (Panel(("kernel", 0), title, self.kernel),))
        if "output" in self.panes:
            title, has_legend = output_title(output_shape, self.output_channel), not self.output.has_numbers
            sign = "→" if len(self.panes) > 1 else ""
            yield Column(sign, (Panel(("output", 0), title, self.output, has_legend),))
        if MATRIX in self.panes:
            yield Column("", tuple(self.matrix.panels(self.indices[0])))

    # -- what is drawn

    def _base(self) -> Iterator[Shape]:
        yield from self.layout.frame()
        for (name, _), grid in self.layout.grids.items():
            if name == "output":
                yield from grid.uncomputed()
            elif name in ("image", "kernel"):
                yield from grid.shapes()
        if MATRIX in self.panes:
            yield from self.matrix.shapes(self.layout.grids)
        if "sum" in self.panes:
            has_bias = self.operation.transposed.bias is not None
            yield from self.layout.below(left=WITH_BIAS if has_bias else IN_WORDS)

    def _frames(self) -> Iterator[Frame]:
        staying = self._changes()
        for at, number in enumerate(self.steps):
            is_last = at == len(self.steps) - 1
            seconds = max(self.seconds, HOLD) if is_last else self.seconds
            yield Frame(seconds, next(staying), tuple(self._passing(at, number)))

    def _changes(self) -> Iterator[tuple[Shape, ...]]:
        """The output cells that are other than in the frame before."""
        place = self.layout.grids.get(("output", 0))
        if place is None:
            yield from [()] * len(self.steps)
            return
        states = [self.landed(number) if number or self.filled else None for number in self.steps]
        longest = max(
            (len(each.cells.text(value)) for each in states if each for value in each.patch.values.ravel()),
            default=0,
        )
        before = np.full(place.count, np.nan)
        for state in states:
            if state is None:
                yield ()
                continue
            grid = replace(state, x=place.x, y=place.y, longest=longest)
            now = np.where(grid.absent, np.nan, grid.patch.values.ravel())
            changed = np.flatnonzero((now != before) & ~np.isnan(now))
            yield grid.shapes_of(changed.tolist())
            before = now

    def _passing(self, at: int, number: int) -> Iterator[Shape]:
        """The words, and what is framed on the output."""
        grids = self.layout.grids
        output = grids.get(("output", 0))
        if output and movement(output, self.windows) is None:
            yield from outlines(output, *self.windows[at])
        if MATRIX in self.panes:
            yield from self.matrix.passing(grids, self.indices[at])
        if "sum" in self.panes:
            yield from self.layout.below(right=f"step {number:,} of {self.operation.size:,}")
            if number:
                yield self.layout.sum(laid(self.landings[at], self.layout.room))

    def _movers(self) -> Iterator[Mover]:
        if image := self.layout.grids.get(("image", 0)):
            cells = [self.operation.position(index)[1:] for index in self.indices]
            places = tuple((column * image.side, row * image.side) for row, column in cells)
            yield Mover(image.outline(1, 1), places)
        output = self.layout.grids.get(("output", 0))
        if output and (window := movement(output, self.windows)):
            yield window
        if MATRIX in self.panes:
            yield from self.matrix.movers(self.layout.grids, self.indices)
