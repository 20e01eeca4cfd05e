"""The Step screen: the window slides, products are made and added, and the output fills up."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from convtui.screens.bottom import Notice
from convtui.screens.editing import Editing, EditLine
from convtui.screens.session_screen import SessionScreen
from convtui.session import Session, Zoom
from convtui.themes import palette_of
from convtui.views.arrange import (
    GAP,
    LEAST_HEIGHT,
    LEAST_WIDTH,
    MARGIN,
    OPERATOR,
    Arrangement,
    arranged,
    zoom_of,
)
from convtui.views.controls import controls, controls_line
from convtui.views.equation import result_line, sum_line
from convtui.views.grid import GridView
from convtui.views.shape import shape_notes
from convtui.views.step_grids import Pointer, step_grids
from convtui.views.words import KEY, Line


class StepScreen(SessionScreen):
    """Image, output, window x kernel = products, the sum, and the size formula."""

    def __init__(self) -> None:
        super().__init__()
        self._arrangement: Arrangement | None = None
        self._pointer = Pointer()
        self._pinned = False
        self._editing: Editing | None = None

    def compose(self) -> ComposeResult:
        yield Line("controls")
        with Horizontal(id="pictures"):
            yield GridView(id="image")
            yield GridView(id="output")
        yield Line("notes-below")
        with Horizontal(id="tables"):
            yield GridView(id="window")
            yield Static("\n ×", id="times")
            yield GridView(id="kernel")
            yield Static("\n =", id="equals")
            yield GridView(id="products")
            yield Line("notes-beside")
        yield Line("equation")
        yield Line("keys")
        yield Static(id="too-small")
        yield Notice(id="notice")

    # -- showing

    def on_mount(self) -> None:
        super().on_mount()
        self.watch(self.app, "theme", lambda: self.show_session(self.session), init=False)

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self.show_session(self.session)

    @property
    def zoom(self) -> Zoom:
        return zoom_of(self._arrangement.image.cells) if self._arrangement else Zoom.BLOCKS

    def show_session(self, session: Session) -> None:
        width, height = self.size
        if not width or self._is_too_small(width, height):
            return
        if self._editing:
            self._editing = self._editing.within(session)
            self._pointer = self._editing.pointer
        plan = self._plan(session)
        if plan != self._arrangement:
            self._arrange(plan)
        step = session.step
        grids = step_grids(session, step, self._pointer)
        palette = palette_of(self.app.current_theme.dark)
        for name in ("image", "output", "window", "kernel", "products"):
            view = self.query_one(f"#{name}", GridView)
            pane = {"image": plan.image, "output": plan.output}.get(name, plan.table)
            hinted = plan.pictures_hinted if name in ("image", "output") else plan.tables_hinted
            view.lay_out(pane.cells, hinted, palette)
            view.show(getattr(grids, name))
        settings = controls(session)
        self.query_one("#controls", Line).show((settings, width), controls_line(settings, width))
        equation = [
            sum_line(step, session.slice, session.taps, width - MARGIN),
            result_line(step, session.taps, width - MARGIN),
        ]
        shown = equation if plan.equation_height > 1 else [equation[0 if session.taps is None else 1]]
        self.query_one("#equation", Line).show("\n".join(shown))

    def _plan(self, session: Session) -> Arrangement:
        width, height = self.size
        down, across = session.convolution.axes
        _, rows, columns = session.convolution.output_shape
        plan = arranged(
            (height, width - MARGIN),
            (down.padded, across.padded),
            (rows, columns),
            session.spec.kernel_size,
            session.view.zoom,
            session.view.hints,
            len(shape_notes(session.convolution.axes, width - MARGIN, 0)),
        )
        if plan.notes_beside:
            room = width - MARGIN - 3 * plan.table.width - 2 * OPERATOR - GAP
            notes = shape_notes(session.convolution.axes, room, plan.tables_height)
            self.query_one("#notes-beside", Line).show("\n".join(notes))
        else:
            notes = shape_notes(session.convolution.axes, width - MARGIN, plan.notes_height)
            self.query_one("#notes-below", Line).show("\n".join(notes))
        return plan

    def _arrange(self, plan: Arrangement) -> None:
        self._arrangement = plan
        self.query_one("#pictures").styles.height = plan.pictures_height
        self.query_one("#image").styles.width = plan.image.width
        self.query_one("#output").styles.width = plan.output.width
        self.query_one("#tables").styles.height = plan.tables_height
        for name in ("window", "kernel", "products"):
            self.query_one(f"#{name}").styles.width = plan.table.width
        self.query_one("#notes-beside").display = plan.notes_beside
        below = self.query_one("#notes-below")
        below.display = plan.notes_height > 0
        below.styles.height = max(1, plan.notes_height)
        self.query_one("#equation").styles.height = plan.equation_height

    def _is_too_small(self, width: int, height: int) -> bool:
        small = width < LEAST_WIDTH or height < LEAST_HEIGHT
        warning = self.query_one("#too-small", Static)
        if small:
            warning.update(f"convtui needs {LEAST_WIDTH}x{LEAST_HEIGHT}; this terminal is {width}x{height}")
        warning.display = small
        return small

    def key_line(self) -> Content:
        playing = f" ▶ {self._speed} a second " if self.playing else ""
        return Content.styled(playing, KEY) + super().key_line()

    # -- pointing

    def on_grid_view_cell_hovered(self, message: GridView.CellHovered) -> None:
        message.stop()
        if self._editing or (self._pinned and message.cell is None):
            return
        self._pinned = False
        self._point(message)

    def on_grid_view_cell_clicked(self, message: GridView.CellClicked) -> None:
        message.stop()
        if message.view.id == "output":
            o, row, column = (self.session.position[0], *message.cell)
            self.change(lambda session: session.at(session.convolution.index(o, row, column)), "jump")
        elif self._editing:
            self._edit(self._editing.clicked(message.view.id or "", message.cell, self.session))
        else:
            self._point(message)
            self._pinned = self._pointer.pixel is not None

    def _point(self, message: GridView.CellHovered | GridView.CellClicked) -> None:
        pixel = entry = None
        if message.cell and message.view.id == "image":
            down, across = self.session.convolution.axes
            row, column = message.cell[0] - down.before, message.cell[1] - across.before
            if 0 <= row < down.size and 0 <= column < across.size:
                pixel = (row, column)
        elif message.view.id in ("window", "kernel", "products"):
            entry = message.cell
        pointer = Pointer(pixel, entry)
        if pointer != self._pointer:
            self._pointer = pointer
            self.show_session(self.session)

    def action_unpoint(self) -> None:
        self._pinned = False
        self._pointer = Pointer()
        self.show_session(self.session)

    # -- editing

    def action_edit(self) -> None:
        self.pause()
        self._edit(Editing.begun(self.session))

    def _edit(self, editing: Editing | None) -> None:
        """Begin, go on with, or end editing."""
        self._editing = editing
        self._pointer = editing.pointer if editing else Pointer()
        lines = self.query(EditLine)
        if editing is None:
            lines.remove()
        elif lines:
            lines.first().ask(editing.question(self.session))
        else:
            self.mount(EditLine(editing.question(self.session)))
        self.show_session(self.session)

    def on_edit_line_entered(self, message: EditLine.Entered) -> None:
        message.stop()
        editing = self._editing
        if editing is None:
            return
        if message.text and not self.change(editing.transition(message.text)):
            return
        if message.switch:
            editing = editing.switched(self.session)
        self._edit(editing.moved(message.rows, message.columns, self.session))

    def on_edit_line_left(self, message: EditLine.Left) -> None:
        message.stop()
        self._edit(None)
