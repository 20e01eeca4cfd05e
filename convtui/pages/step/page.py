"""The Step page: the window slides, products are made and added, and the output fills up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np
from textual.geometry import Region

from convtui.engine.convolution import Convolution, Step
from convtui.engine.pooling import Pooling, PoolStep
from convtui.engine.reductions import Winner
from convtui.engine.transposed import Scatter
from convtui.engine.transposed_ways import Scattering
from convtui.inputs.names import printable
from convtui.pages.base.convolution_page import ConvolutionPage
from convtui.pages.base.layout import MARGIN, zoom_of
from convtui.pages.base.memo import Memo
from convtui.pages.base.step_grids import (
    AnyStep,
    Pointer,
    StepGrids,
    frame_of,
    pixel_at,
    slice_names,
    step_grids,
)
from convtui.pages.step.editing import MOVES, Editing
from convtui.pages.step.equation import products_sign, result_line, sum_line
from convtui.pages.step.labels import corner, notes
from convtui.pages.step.layout import MOST_MAPS, Maps, StepPlan, map_regions, planned, regions
from convtui.pages.step.maps import first_map, maps_of
from convtui.pages.step.pooling_words import pooling_lines
from convtui.pages.step.scatter_words import scatter_lines
from convtui.pages.step.shape import has_unread, shape_notes
from convtui.pages.step.shapes import shapes_of
from convtui.paint.canvas import Canvas, Pane
from convtui.paint.drawing import HALF_BLOCKS, Grid
from convtui.paint.grid import GridPane
from convtui.paint.panes import TextPane
from convtui.state.session import Session, Zoom

if TYPE_CHECKING:
    from convtui.pages.step.edit_line import EditLine

ROUNDED: Final = "rounded products"  # as wide as the narrowest table
GIVING_AWAY: Final = frozenset({"value", "products"})  # what a winner that is marked tells
MAPS: Final = tuple(f"map {number}" for number in range(MOST_MAPS))


class StepPage(ConvolutionPage):
    """Image, output, window x kernel = products, the sum, and the size formula."""

    GROUPS: ClassVar[Mapping[str, tuple[str, ...]]] = {"outputs": MAPS, "code": ("corner",)}
    MASKED: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "size": ("output", "formula", "corner", *MAPS),
        "output": ("output", *MAPS),
        "value": ("output", "sum", *MAPS),
        "products": ("output", "products", "sum", *MAPS),
    }

    def __init__(self) -> None:
        super().__init__()
        self._image, self._output = GridPane("image"), GridPane("output")
        self._tables = [GridPane(name) for name in ("window", "kernel", "products")]
        self._operators = [TextPane(muted=True), TextPane(muted=True)]
        self._maps = [GridPane(name) for name in MAPS]
        self._notes, self._corner, self._equation = TextPane(muted=True), TextPane(muted=True), TextPane()
        self._plan: Memo[StepPlan] = Memo()
        self._outputs: Memo[list[Grid]] = Memo()
        self._above_operators: list[str] = []  # the lines over their signs
        self._pointer = Pointer()
        self._pinned = False
        self._editing: Editing | None = None
        self._edit_line: EditLine | None = None
        self._has_channels = False  # whether there are several to go through
        self._keys_for: tuple[bool, type] = (False, Convolution)

    # -- showing

    @property
    def zoom(self) -> Zoom:
        return zoom_of(self._plan.value.image.cells) if self._plan.value else Zoom.BLOCKS

    def footer_words(self) -> Mapping[str, str]:
        words = {} if self._has_channels else dict(super().footer_words())
        if isinstance(self.session.operation, Pooling):
            words["multiply-add"] = "entry"
        if isinstance(self.session.operation, Scattering):
            words["cell"] = "pixel"
        return words

    def masked(self, mask: str) -> tuple[str, ...]:
        """Of a pooling, what comes of the window entry by entry is no more seen than products are."""
        panes = super().masked(mask)
        so_far = isinstance(self.session.operation, Pooling) and mask in GIVING_AWAY
        return (*panes, "kernel", "products") if so_far else panes

    def show_page(self) -> None:
        session = self.session
        if self._editing:
            self._editing = self._editing.within(session)
            self._pointer = self._editing.pointer(session)
            if self._edit_line is not None:
                self._edit_line.name_cell(self._editing.question(session))
        self._pointer = self._pointer.within(session)
        keys = session.slices > 1 or session.picture.colour, type(session.operation)
        if keys != self._keys_for:
            self._has_channels, self._keys_for = keys[0], keys
            self.show_keys()
        key = (session.operation, session.kernel, session.view, self.room, self.app.theme)
        plan = self._plan.get(key, lambda: self._placed(session))
        self._show_step(session, session.operation.step(session.index))
        if plan.maps:
            self._show_outputs(session, plan.maps)

    def _show_outputs(self, session: Session, maps: Maps) -> None:
        """Those of several filters, small and side by side."""
        key = (session.operation, session.kernel, session.position[0], maps)
        grids = self._outputs.get(key, lambda: maps_of(session, maps))
        for pane, grid in zip(self._maps, grids, strict=False):
            pane.show(grid)

    def _show_step(self, session: Session, step: AnyStep) -> None:
        shows_numbers, width = self.zoom is Zoom.NUMBERS, self._image.region.width
        grids = step_grids(session, step, self._pointer, shows_numbers, width)
        lesson = self.host.lesson
        if lesson and GIVING_AWAY & set(lesson.masks) and not session.taps and self._pointer == Pointer():
            bare = (replace(grid, focus=None) for grid in (grids.image, grids.window))
            grids = grids._replace(**dict(zip(("image", "window"), bare, strict=True)))
        self._image.show(grids.image)
        self._output.show(grids.output)
        signs = self._signs(session, step, grids)
        products = replace(grids.products, title=ROUNDED) if signs[1] == "≈" else grids.products
        for pane, grid in zip(self._tables, (grids.window, grids.kernel, products), strict=True):
            pane.show(grid)
        if session.kind.startswith("adaptive"):  # tells what each window reads
            self._write(session)
        for operator, sign in zip(self._operators, signs, strict=True):
            operator.show([*self._above_operators, f" {sign}"])
        self._equation.show(self._written(session, step))

    def _written(self, session: Session, step: AnyStep) -> list[str]:
        """How the output cell comes about, in the lines that there are; entry by entry, the last of it."""
        width, slice, taps = self._equation.region.width, session.slice, session.taps
        match step:
            case PoolStep():
                first, second = pooling_lines(step, taps, width)
                last = first if isinstance(step.done, Winner) and taps else second
            case Scatter():
                assert isinstance(session.operation, Scattering)
                first, second = scatter_lines(session.operation.transposed, step, slice, taps, width)
                last = second if taps else first
            case Step():
                names = tuple(slice_names(session))
                first, second = (
                    sum_line(step, slice, taps, width, names),
                    result_line(step, taps, width, names),
                )
                last = second if taps is not None else first
        return [first, second] if self._equation.region.height > 1 else [last]

    def _signs(self, session: Session, step: AnyStep, grids: StepGrids) -> tuple[str, str]:
        """Those between the tables; where no numbers are seen none of them is rounded."""
        if isinstance(step, PoolStep):
            return "→", " "
        plan = self._plan.value
        if plan is None or zoom_of(plan.table.cells) is not Zoom.NUMBERS:
            return "×", "="
        window, kernel, products = (grid.cells.text for grid in (grids.window, grids.kernel, grids.products))
        if isinstance(step, Scatter):
            pixels = np.full(step.weights.shape[1:], step.pixel)
            tables = pixels, step.weights[session.slice], step.addends[session.slice]
        else:
            tables = step.window[session.slice], step.weights[session.slice], step.products[session.slice]
        return "×", products_sign(tables, (window, kernel, products))

    def _placed(self, session: Session) -> StepPlan:
        """Give every pane its place."""
        palette = self.palette
        plan = self._planned(session)
        places = regions(plan, self.room.width)
        for pane, cells, hinted in (
            (self._image, plan.image.cells, plan.pictures_hinted),
            (self._output, plan.output.cells, plan.pictures_hinted),
            *((table, plan.table.cells, plan.tables_hinted) for table in self._tables),
        ):
            pane.place(places[pane.name], cells, hinted, palette)
        for pane, region in zip(self._maps, [*map_regions(plan), *[Region()] * MOST_MAPS], strict=False):
            pane.place(region, HALF_BLOCKS, False, palette)
        texts = dict(zip(("times", "equals", "formula", "corner", "sum"), self._texts, strict=True))
        for name, text in texts.items():
            text.place(places[name], palette)
        self._above_operators = [""] * (1 + plan.tables_hinted + plan.table.cells.height // 2)
        self._write(session)
        grids = {pane.name: pane for pane in (self._image, self._output, *self._maps, *self._tables)}
        self.canvas.place({**grids, **texts}, palette)
        return plan

    def _write(self, session: Session) -> None:
        """What stays the same while stepping, unless windows are uneven."""
        written = notes(session, *self._notes.region.size)
        self._notes.show(written)
        self._corner.show(corner(session, written, *self._corner.region.size))

    @property
    def _texts(self) -> list[TextPane]:
        return [*self._operators, self._notes, self._corner, self._equation]

    def _planned(self, session: Session) -> StepPlan:
        width, height = self.room
        axes, operation = session.operation.axes, session.operation
        one_sum = isinstance(operation, Convolution) and session.slices == 1 and operation.bias is None
        return planned(
            (height, width - MARGIN),
            shapes_of(session),
            session.view.zoom,
            session.view.hints,
            len(shape_notes(axes, width - MARGIN, 0)) - has_unread(axes),
            1 if one_sum else 2,
            has_unread(axes),
        )

    # -- pointing

    def on_canvas_hovered(self, message: Canvas.Hovered) -> None:
        message.stop()
        if not self._editing and not self._pinned:
            self._point(message)

    def on_canvas_clicked(self, message: Canvas.Clicked) -> None:
        message.stop()
        if message.pane is self._output:
            self._go_to_output(*message.cell)
        elif (channel := self._channel_of(message.pane)) is not None:
            self.change(lambda session: session.moved_channels(channel - session.position[0]), "jump")
        elif self._editing:
            if message.pane in (self._image, self._tables[1]):
                self._edit(self._editing.clicked(message.pane is self._image, message.cell, self.session))
        else:
            self._point(message)
            self._pinned = self._pointer.pixel is not None

    def _go_to_output(self, row: int, column: int) -> None:
        """To an output cell; scattering, to the first pixel that lands on it."""
        o, operation = self.session.position[0], self.session.operation
        if isinstance(operation, Scattering):
            landing = [axis.window(at) for axis, at in zip(operation.axes, (row, column), strict=True)]
            if not all(each.size for each in landing):
                self.say("nothing lands on this cell")
                return
            row, column = int(landing[0][0]), int(landing[1][0])
        self.change(lambda session: session.at(session.operation.index(o, row, column)), "jump")

    def _channel_of(self, pane: Pane) -> int | None:
        """The output channel that a small pane shows."""
        maps = self._plan.value and self._plan.value.maps
        numbers = [number for number, each in enumerate(self._maps) if each is pane]
        return first_map(self.session, maps) + numbers[0] if maps and numbers else None

    def _point(self, message: Canvas.Hovered | Canvas.Clicked) -> None:
        pixel = entry = None
        if message.cell and message.pane is self._image:
            pixel = pixel_at(frame_of(self.session.operation), message.cell)
        elif message.pane in self._tables:
            entry = message.cell
        pointer = Pointer(pixel, entry)
        if pointer != self._pointer:
            self._pointer = pointer
            self.show_again()

    def action_unpoint(self) -> None:
        self._pinned = False
        self._pointer = Pointer()
        self.show_again()

    # -- editing

    def action_edit(self) -> None:
        self.pause()
        self._edit(Editing.begun(self.session))

    def _edit(self, editing: Editing | None) -> None:
        """Begin, continue or end editing."""
        from convtui.pages.step.edit_line import EditLine

        self._editing = editing
        self._pointer = editing.pointer(self.session) if editing else Pointer()
        if editing is None:
            self.set_focus(None)
            if self._edit_line is not None:
                self._edit_line.remove()
                self._edit_line = None
        elif self._edit_line is not None:
            self._edit_line.clear()
        else:
            self._edit_line = EditLine(editing.question(self.session), self._entered)
            self.opening = self.mount(self._edit_line)
        self.show_again()

    def _entered(self, key: str, text: str) -> None:
        """What was typed is taken, then the cursor moves, or goes to the next target, or editing ends."""
        editing = self._editing
        if editing is None or key == "escape":
            self._edit(None)
            return
        if text and not self.change(editing.transition(text)):
            return
        if key == "tab":
            editing = editing.switched(self.session)
        self._edit(editing.moved(*MOVES.get(key, (0, 0)), self.session))

    # -- what is carried away

    def action_picture(self) -> None:
        """A picture of the step on show, drawn directly."""
        from convtui.export.animation import file_stem

        session = self.session
        name = f"{file_stem(session)}.png"
        self.prompt("picture to (.png or .svg):", name, partial(self._draw_picture, session))

    def _draw_picture(self, session: Session, text: str) -> bool:
        from convtui.export.animation import picture, require_picture

        try:
            out = require_picture(text)
        except (ValueError, OSError, RuntimeError) as error:
            self.say(printable(str(error)), error=True)
            return False
        is_dark = self.app.current_theme.dark

        def draw() -> str:
            picture(session, out, is_dark)
            return ""

        self._draw(out, draw)
        return True
