"""The diagram of a convolution: image, window, kernel, output and sum, at one step or going through many.

Steps are counted from 1, as on the Step page; at step 0 nothing is computed yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from convtui.engine.convolution import Convolution, Step
from convtui.export.diagram import (
    ADVANCE,
    RISE,
    Box,
    Diagram,
    Frame,
    Label,
    Mover,
    Outline,
    Shape,
    text_width,
)
from convtui.export.sums import in_words, sum_line
from convtui.inputs.images import Picture
from convtui.paint.cells import (
    FILLED_TINT,
    UNUSED,
    ZERO_TINT,
    Cells,
    ImageCells,
    OutputCells,
    Patch,
    TableCells,
    whole_pixels,
)
from convtui.paint.colours import RGB, Palette, channel_coloured, coloured, ink, tint
from convtui.paint.text import is_integral, number_format
from convtui.paint.themes import palette_of

PANES: Final = ("image", "kernel", "output", "sum")
MOST_CELLS: Final = 80  # rows or columns of the padded image
MOST_STEPS: Final = 256
USUAL_STEPS: Final = 64
HOLD: Final = 1.5  # seconds for which the last frame stays at least

_MARGIN: Final = 28
_TOP: Final = 68  # of the columns, below the heading
_ABOVE: Final = 26  # a grid, for its title
_BELOW: Final = 26  # a grid, for its legend
_BETWEEN: Final = 14  # grids one above the other
_GAP: Final = 40
_LEAST_WIDTH: Final = 640
_ROOM: Final = 440  # of the image, and of the output
_TABLE_ROOM: Final = 220  # of a window or a kernel
_MOST_SIDE: Final = 36
_TABLE_SIDE: Final = 36
_LEAST_GAP: Final = 18  # the side of cells with a line between them: pictures have none
_LEAST_NUMBERS: Final = 30  # the side of a cell with a number
_TITLE: Final = 13
_HEADING: Final = 16
_SUM: Final = 15
_SMALL: Final = 12
_MOST_SLICES: Final = 3
_MOST_TAPS: Final = 49  # of a dilated window, each of which is outlined
_BLACK: Final = (0, 0, 0)
_GREY: Final = (128, 128, 128)
_WHITE: Final = (255, 255, 255)
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
    """Every step of an output channel, or 64 evenly spaced ones; before them, that nothing is computed."""
    _, rows, columns = convolution.output_shape
    first, count = channel * rows * columns, rows * columns
    shown = min(count, USUAL_STEPS)
    begin = (0,) if not channel else ()
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
    return _Drawing(subject, tuple(steps), palette_of(is_dark, no_color=False), panes, seconds, filled).diagram


def _require_steps(convolution: Convolution, steps: Sequence[int]) -> None:
    told = f"steps {steps[0]}-{steps[-1]}"
    _, rows, columns = convolution.output_shape
    if steps[-1] > convolution.size or steps[0] < 0:
        raise ValueError(f"{told}: there are {convolution.size:,} steps; choose from 0-{convolution.size}")
    if len(steps) > MOST_STEPS:
        raise ValueError(f"{told}: {len(steps):,} steps are too many for an animation; at most {MOST_STEPS}")
    of = max(steps[0] - 1, 0) // (rows * columns)
    first, last = of * rows * columns + 1, (of + 1) * rows * columns
    if steps[-1] > last:
        raise ValueError(f"{told}: must be of one filter; those of filter {of} are {first}-{last}")


# -- a grid of cells, laid in the diagram


@dataclass(frozen=True, eq=False)
class _Grid:
    """Cells at a place in the diagram, so many units wide each."""

    cells: Cells
    side: int
    palette: Palette
    channel: int | None = None  # of a picture in colours: the one that is shown
    x: int = 0
    y: int = 0

    @property
    def width(self) -> int:
        return self.cells.columns * self.side

    @property
    def height(self) -> int:
        return self.cells.rows * self.side

    @property
    def has_numbers(self) -> bool:
        return self.side >= _LEAST_NUMBERS

    @property
    def gap(self) -> int:
        """Between neighbours."""
        return 1 if self.side >= _LEAST_GAP else 0

    @cached_property
    def patch(self) -> Patch:
        patch = self.cells.patch(range(self.cells.rows), range(self.cells.columns), self.palette)
        if self.channel is None:
            return patch
        return Patch(patch.values, channel_coloured(patch.pixels, self.channel), patch.lists()[2])

    @cached_property
    def size(self) -> float:
        """That of its numbers, the longest of which fits its cell."""
        longest = max(len(self.cells.text(value)) for value in self.patch.values.ravel().tolist())
        return min(round(self.side * 0.36, 1), int(self.side * 0.92 / (max(longest, 1) * ADVANCE) * 10) / 10)

    def at(self, x: int, y: int) -> _Grid:
        return replace(self, x=x, y=y)

    def box(self, row: int, column: int, colour: RGB) -> Box:
        side = self.side - self.gap
        return Box(self.x + column * self.side, self.y + row * self.side, side, side, colour)

    def label(self, row: int, column: int, text: str, colour: RGB) -> Label:
        x = self.x + column * self.side + (self.side - self.gap) / 2
        y = self.y + row * self.side + (self.side - self.gap) / 2 + RISE * self.size
        return Label(x, y, text, self.size, colour, "middle")

    def shapes(self, first: int = 0, end: int | None = None) -> tuple[Shape, ...]:
        """The cells from one to another in the order of rows, then their numbers."""
        values, pixels, kinds = self.patch.lists()
        boxes: list[Box] = []
        labels: list[Label] = []
        columns = self.cells.columns
        for row, column in (divmod(at, columns) for at in range(first, self.count if end is None else end)):
            pixel = pixels[row][column]
            if kinds[row][column] == UNUSED:
                pixel = tint(pixel, self.palette.muted, 0.5)
            boxes.append(self.box(row, column, pixel))
            if self.has_numbers:
                text = self.cells.text(values[row][column])
                labels.append(self.label(row, column, text, ink(pixel)))
        return (*boxes, *sorted(labels, key=lambda each: each.colour))

    def uncomputed(self) -> tuple[Shape, ...]:
        """The cells while nothing is in them."""
        places = [divmod(at, self.cells.columns) for at in range(self.count)]
        boxes = [self.box(row, column, self.palette.uncomputed) for row, column in places]
        if not self.has_numbers:
            return tuple(boxes)
        return (*boxes, *(self.label(row, column, "·", self.palette.muted) for row, column in places))

    @property
    def count(self) -> int:
        return self.cells.rows * self.cells.columns

    def outline(self, rows: int, columns: int, row: int, column: int, colour: RGB, halo: RGB) -> list[Shape]:
        """The edge around so many rows and columns, from this cell on, to be seen on any colour."""
        x, y = self.x + column * self.side - 1, self.y + row * self.side - 1
        width, height = columns * self.side + 2 - self.gap, rows * self.side + 2 - self.gap
        thickness = 3 if self.side >= 12 else 2
        return [
            Outline(x - 1, y - 1, width + 2, height + 2, halo, 1),
            Outline(x, y, width, height, colour, thickness),
        ]


def _side(cells: Cells, room: int, most: int) -> int:
    return max(min(room // max(cells.rows, cells.columns), most), 2)


# -- the diagram


_Key: TypeAlias = tuple[str, int]


class _Panel(NamedTuple):
    """A grid with its title above and, if it has one, the legend of its colours below."""

    key: _Key
    title: str
    grid: _Grid
    has_legend: bool = False

    @property
    def height(self) -> int:
        return _ABOVE + self.grid.height + (_BELOW if self.has_legend else 0)

    @property
    def width(self) -> int:
        return max(self.grid.width, ceil(text_width(self.title, _TITLE)))


class _Column(NamedTuple):
    """Panels one above the other, and the sign between them and the column before."""

    sign: str
    panels: tuple[_Panel, ...]

    @property
    def width(self) -> int:
        return max(panel.width for panel in self.panels)

    @property
    def height(self) -> int:
        return sum(panel.height for panel in self.panels) + _BETWEEN * (len(self.panels) - 1)


@dataclass(frozen=True, eq=False)
class _Drawing:
    subject: Subject
    steps: tuple[int, ...]
    palette: Palette
    panes: Sequence[str]
    seconds: float
    filled: int

    # -- what is in it

    @property
    def convolution(self) -> Convolution:
        return self.subject.convolution

    @cached_property
    def indices(self) -> tuple[int, ...]:
        """The output cell of each frame."""
        return tuple(max(step - 1, 0) for step in self.steps)

    @cached_property
    def channel(self) -> int:
        return self.convolution.position(self.indices[0])[0]

    @cached_property
    def slices(self) -> tuple[int, ...]:
        """Those of the filter that are drawn."""
        count = self.convolution.weight_shape[1]
        return tuple(range(count)) if count <= _MOST_SLICES else (min(self.subject.slice, count - 1),)

    @cached_property
    def image(self) -> _Grid:
        picture = self.subject.picture
        read = self.convolution.channels_read(self.channel)[self.slices[0]]
        cells = ImageCells(picture, self.convolution.axes, read, self.subject.own_colours)
        if max(cells.rows, cells.columns) > MOST_CELLS:
            raise ValueError(
                f"{picture.name}: {cells.rows}x{cells.columns} pixels with the padding are too many for a "
                f"diagram; at most {MOST_CELLS}x{MOST_CELLS}: --resize 64"
            )
        grid = _Grid(cells, _side(cells, _ROOM, _MOST_SIDE), self.palette)
        if self.subject.own_colours and grid.has_numbers:  # three numbers have no room in a cell
            return replace(grid, side=_LEAST_NUMBERS - 1)
        return grid

    @cached_property
    def output(self) -> _Grid:
        convolution, picture = self.convolution, self.subject.picture
        bias = convolution.bias
        whole = whole_pixels(picture) and is_integral(convolution.weight)
        cells = OutputCells(convolution, self.channel, whole and (bias is None or is_integral(bias)))
        side, usual = _side(cells, _ROOM, _MOST_SIDE), self.image.side
        return _Grid(cells, side if side > 1.6 * usual else usual, self.palette)

    @cached_property
    def kernels(self) -> tuple[_Grid, ...]:
        weight = self.convolution.weight
        limit, whole = float(np.abs(weight).max()), is_integral(weight)
        tables = [TableCells(weight[self.channel, each], -limit, limit, whole) for each in self.slices]
        return tuple(_Grid(each, _side(each, _TABLE_ROOM, _TABLE_SIDE), self.palette) for each in tables)

    @property
    def has_window(self) -> bool:
        """Whether the window has a grid of its own: where the image shows no numbers."""
        return not self.image.has_numbers and self.kernels[0].has_numbers

    def window(self, step: Step, number: int) -> _Grid:
        """The pixels that the window covers, in the slice with this number among those drawn."""
        picture, s = self.subject.picture, self.slices[number]
        tinted = ZERO_TINT if self.convolution.spec.padding_mode == "zeros" else FILLED_TINT
        whole = whole_pixels(picture)
        cells = TableCells(
            step.window[s], picture.lowest, picture.highest, whole, step.is_padding, tinted
        )
        channel = step.channels[s] if picture.colour and picture.lowest >= 0 else None
        return replace(self.kernels[number], cells=cells, channel=channel)

    # -- where it is

    @cached_property
    def columns(self) -> tuple[_Column, ...]:
        """The grids, from left to right."""
        columns: list[_Column] = []
        if "image" in self.panes:
            columns.append(_Column("", (_Panel(("image", 0), self._image_title, self.image),)))
        if "kernel" in self.panes:
            numbers = range(len(self.slices))
            if self.has_window:
                step = self.convolution.step(self.indices[0])
                windows = [_Panel(("window", n), self._window_title(n), self.window(step, n)) for n in numbers]
                columns.append(_Column("", tuple(windows)))
            kernels = [_Panel(("kernel", n), self._kernel_title(n), self.kernels[n]) for n in numbers]
            columns.append(_Column("×" if self.has_window else "∗", tuple(kernels)))
        if "output" in self.panes:
            legend = not self.output.has_numbers
            columns.append(_Column("=", (_Panel(("output", 0), self._output_title, self.output, legend),)))
        return tuple(columns)

    @cached_property
    def tall(self) -> int:
        """The height of the highest column."""
        return max((column.height for column in self.columns), default=0)

    @cached_property
    def wide(self) -> int:
        """The width of all columns."""
        return sum(column.width for column in self.columns) + _GAP * max(len(self.columns) - 1, 0)

    @cached_property
    def width(self) -> int:
        heading = text_width(f"{self._name}   {self._settings}", _HEADING)
        least = _LEAST_WIDTH if "sum" in self.panes else 0
        return max(self.wide, ceil(heading), least) + 2 * _MARGIN

    @cached_property
    def height(self) -> int:
        return _TOP + self.tall + _MARGIN + (4 * _SUM if "sum" in self.panes else 0)

    @cached_property
    def grids(self) -> dict[_Key, _Grid]:
        """Each grid where it lies."""
        return {panel.key: panel.grid.at(x, y) for _, panel, x, y in self._places()}

    def _places(self) -> Iterator[tuple[_Column, _Panel, int, int]]:
        """Each panel, its column, and where its grid begins."""
        left = (self.width - self.wide) // 2
        for column in self.columns:
            y = _TOP + (self.tall - column.height) // 2
            for panel in column.panels:
                yield column, panel, left + (column.width - panel.grid.width) // 2, y + _ABOVE
                y += panel.height + _BETWEEN
            left += column.width + _GAP

    # -- what is drawn

    @property
    def diagram(self) -> Diagram:
        return Diagram(
            width=self.width,
            height=self.height,
            background=self.palette.background,
            title=f"{self._name}, {self._settings}",
            base=tuple(self._base()),
            frames=tuple(self._frames()),
            movers=tuple(self._movers()),
        )

    def _base(self) -> Iterator[Shape]:
        palette = self.palette
        yield Label(_MARGIN, _MARGIN + 12, self._name, _HEADING, palette.text)
        yield Label(self.width - _MARGIN, _MARGIN + 12, self._settings, _SMALL, palette.muted, "end")
        middle = _TOP + (self.tall + _ABOVE) / 2 + 8
        left = (self.width - self.wide) // 2
        for column in self.columns:
            yield Label(left - _GAP / 2, middle, column.sign, 24, palette.muted, "middle")
            left += column.width + _GAP
        for _, panel, x, y in self._places():
            grid = self.grids[panel.key]
            yield Label(x, y - 9, panel.title, _TITLE, palette.text)
            if panel.key[0] == "output":
                yield from grid.uncomputed()
                yield from grid.shapes(0, self._before)
            elif panel.key[0] != "window":
                yield from grid.shapes()
            if panel.has_legend:
                yield from _legend(grid, palette)
        if "sum" in self.panes:
            words = in_words(self.convolution.step(self.indices[0]))
            yield Label(_MARGIN, self.height - _MARGIN, words, _SMALL, palette.muted)

    @cached_property
    def _before(self) -> int:
        """How many cells of the channel are computed before the first frame."""
        _, rows, columns = self.convolution.output_shape
        return min(max(self.filled - self.channel * rows * columns, 0), rows * columns)

    def _frames(self) -> Iterator[Frame]:
        _, rows, columns = self.convolution.output_shape
        done, first = self._before, self.channel * rows * columns
        output = self.grids.get(("output", 0))
        for at, number in enumerate(self.steps):
            end = max(min(number - first, rows * columns), done)
            staying = output.shapes(done, end) if output and end > done else ()
            done = end
            is_last = at == len(self.steps) - 1
            seconds = max(self.seconds, HOLD) if is_last else self.seconds
            yield Frame(seconds, staying, tuple(self._passing(number)))

    def _passing(self, number: int) -> Iterator[Shape]:
        """The window's pixels and the sum, at a step."""
        step = self.convolution.step(max(number - 1, 0))
        for (name, at), grid in self.grids.items():
            if name == "window":
                window = self.window(step, at).at(grid.x, grid.y)
                yield from window.shapes()
        if "sum" not in self.panes:
            return
        palette, y = self.palette, self.height - _MARGIN
        count = f"step {number:,} of {self.convolution.size:,}"
        yield Label(self.width - _MARGIN, y, count, _SMALL, palette.muted, "end")
        if number:
            room = int((self.width - 2 * _MARGIN) / (_SUM * ADVANCE))
            yield Label(_MARGIN, y - 2 * _SMALL, sum_line(step, room), _SUM, palette.text)

    def _movers(self) -> Iterator[Mover]:
        convolution, palette = self.convolution, self.palette
        accent, halo = (
            (palette.accent, _BLACK) if palette.background < _GREY else (palette.accent_on_light, _WHITE)
        )
        cells = [convolution.position(index)[1:] for index in self.indices]
        if image := self.grids.get(("image", 0)):
            down, across = convolution.axes
            places = tuple(
                (column * across.stride * image.side, row * down.stride * image.side) for row, column in cells
            )
            yield Mover(tuple(_window_outlines(image, convolution, accent, halo)), places)
        if output := self.grids.get(("output", 0)):
            places = tuple((column * output.side, row * output.side) for row, column in cells)
            yield Mover(tuple(output.outline(1, 1, 0, 0, accent, halo)), places)

    # -- words

    @property
    def _name(self) -> str:
        return f"{self.subject.kernel} over {self.subject.picture.name}"

    @property
    def _settings(self) -> str:
        spec = self.convolution.spec
        (top, bottom), (left, right) = spec.pads
        sides = (top, bottom, left, right)
        padding = str(top) if len(set(sides)) == 1 else ",".join(map(str, sides))
        mode = "" if spec.padding_mode == "zeros" else f"{spec.padding_mode} "
        told = [f"stride {_pair(spec.stride)}", f"{mode}padding {padding}"]
        told += [f"dilation {_pair(spec.dilation)}"] if spec.dilation != (1, 1) else []
        told += [f"groups {spec.groups}"] if spec.groups > 1 else []
        return " · ".join(told)

    @property
    def _image_title(self) -> str:
        shape = "x".join(map(str, self.convolution.image_shape))
        count = self.convolution.image_shape[0]
        if count == 1 or self.subject.own_colours:
            return f"image {shape}"
        return f"image[{self.convolution.channels_read(self.channel)[self.slices[0]]}] of {shape}"

    @property
    def _output_title(self) -> str:
        shape = "x".join(map(str, self.convolution.output_shape))
        return f"output[{self.channel}] of {shape}" if self.convolution.output_shape[0] > 1 else f"output {shape}"

    def _window_title(self, number: int) -> str:
        if self.convolution.image_shape[0] == 1:
            return "window"
        channel = self.convolution.channels_read(self.channel)[self.slices[number]]
        return _COLOURS[channel] if self.subject.picture.colour else f"channel {channel}"

    def _kernel_title(self, number: int) -> str:
        filters, slices, rows, columns = self.convolution.weight_shape
        if filters == slices == 1:
            return f"kernel {rows}x{columns}"
        return f"kernel [{self.channel}, {self.slices[number]}]"


def _window_outlines(image: _Grid, convolution: Convolution, accent: RGB, halo: RGB) -> list[Shape]:
    """The window of the first output cell: one outline, or one around each pixel where it has holes."""
    down, across = convolution.axes
    taps = down.kernel * across.kernel
    if (down.dilation, across.dilation) == (1, 1) or taps > _MOST_TAPS:
        return image.outline(down.span, across.span, 0, 0, accent, halo)
    return [
        each
        for row in range(0, down.span, down.dilation)
        for column in range(0, across.span, across.dilation)
        for each in image.outline(1, 1, row, column, accent, halo)
    ]


def _legend(grid: _Grid, palette: Palette) -> Iterator[Shape]:
    """The colours from the lowest to the highest value, below the grid."""
    lowest, highest = grid.cells.scale
    text = number_format(lowest, highest)
    y, count, width = grid.y + grid.height + 10, 41, 3
    ends = [text(value) for value in (lowest, highest)]
    x = grid.x + ceil(text_width(ends[0], _SMALL)) + 6
    colours = coloured(np.linspace(lowest, highest, count), grid.cells.scale, palette).tolist()
    for at, (red, green, blue) in enumerate(colours):
        yield Box(x + at * width, y, width, 9, (red, green, blue))
    yield Label(grid.x, y + 9, ends[0], _SMALL, palette.muted)
    yield Label(x + count * width + 6, y + 9, ends[1], _SMALL, palette.muted)


def _pair(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]},{pair[1]}"
