"""The Matrix page: the operation of the Step page as a multiplication by a sparse matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Final

from convtui.engine.equations import equations
from convtui.pages.base import keys
from convtui.pages.base.convolution_page import ConvolutionPage
from convtui.pages.base.layout import zoom_of
from convtui.pages.base.memo import Memo
from convtui.pages.base.step_grids import window_size
from convtui.pages.matrix.figures import bias_of, frame_size, letters_in, matrix_grids, reach_of
from convtui.pages.matrix.labels import figures, matrix_hint, mirror_names, pointed_words, row_words
from convtui.pages.matrix.layout import MatrixPlan, planned
from convtui.pages.matrix.panes import EquationsPane, MatrixPane, OverviewPane, VectorPane
from convtui.pages.matrix.shown import Pointed, shown_in, tap_pointed
from convtui.pages.matrix.wording import wrapped
from convtui.paint.canvas import Canvas, Pane
from convtui.paint.drawing import HALF_BLOCKS, Cell
from convtui.paint.grid import GridPane
from convtui.paint.panes import TextPane
from convtui.state.session import Session, Zoom

LEGEND: Final = 32  # columns of the scale, right of the matrix's sentence


class MatrixPage(ConvolutionPage):
    """M · x + b = y, the window of the current row, the kernel, and the whole matrix as a map."""

    KEYS: ClassVar[tuple[keys.Key, ...]] = keys.PAGES["matrix"]
    ANIMATED = ("image", "output", "matrix")

    MASKED: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "size": ("matrix", "result", "figures", "words", "overview"),
        "output": ("result",),
        "value": ("result", "words"),
        "products": ("result", "words"),
        "matrix": ("matrix", "figures", "words", "overview"),
    }

    def __init__(self) -> None:
        super().__init__()
        self._across, self._result = VectorPane("across"), VectorPane("result")
        self._bias = VectorPane("bias")
        self._overview = OverviewPane()
        self._matrix = MatrixPane(self._across, [self._bias, self._result], self._overview)
        self._image, self._kernel = GridPane("image"), GridPane("kernel")
        self._plus, self._equals = TextPane(), TextPane()
        self._words, self._figures = TextPane(), TextPane(muted=True)
        self._equations = EquationsPane()
        self._plan: Memo[MatrixPlan] = Memo()
        self._cursor: Pointed | None = None
        self._hovered: Pointed | None = None
        self._followed: Pointed | None = None  # where the cursor was put, which is then kept in view

    def footer_words(self) -> Mapping[str, str]:
        words = super().footer_words()
        if not self.session.chosen_operation:
            return words
        return {**words, "padding": "way" if self.session.way else ""}

    # -- showing

    @property
    def zoom(self) -> Zoom:
        return zoom_of(self._plan.value.matrix) if self._plan.value else Zoom.BLOCKS

    def show_page(self) -> None:
        session = self.session
        key = (session.operation, session.view, self.room, self.app.theme)
        plan = self._plan.get(key, lambda: self._placed(session))
        pointed = self._pointed(session)
        grids = matrix_grids(session, pointed, plan, pointed is not None and pointed == self._followed)
        self._across.show(grids.across)
        self._result.show(grids.result)
        if grids.bias:
            self._bias.show(grids.bias)
        width = self._matrix.region.width - LEGEND * (grids.matrix.legend and not session.view.transposed)
        has_dots = plan.matrix != HALF_BLOCKS
        self._matrix.show(replace(grids.matrix, hint=matrix_hint(session, width, has_dots)))
        shown = shown_in(session)
        step = (session.index, -1) if shown.is_by_row else (-1, session.index)
        self._overview.show(shown.matrix, mirror_names(shown), step)
        self._image.show(grids.image)
        self._kernel.show(grids.kernel)
        self._equations.show(letters_in(session), session.index, pointed.input if pointed else None)
        width = self._words.region.width
        first = wrapped(row_words(session), width, 1 if pointed or width > 70 else 2)
        lines = self._words.region.height - len(first)
        self._words.show(first + wrapped(pointed_words(session, pointed), width, lines))

    def _pointed(self, session: Session) -> Pointed | None:
        """What the mouse or the cursor is on, else the multiply-add just done."""
        shown = shown_in(session)
        if self._cursor:
            self._cursor = shown.at(session.index, min(shown.across_of(self._cursor), shown.across - 1))
        if self._hovered and not shown.has(self._hovered):
            self._hovered = None
        return self._hovered or self._cursor or tap_pointed(session)

    def _placed(self, session: Session) -> MatrixPlan:
        """Give every pane its place."""
        palette = self.palette
        plan = self._planned(session)
        places = plan.regions
        panes: dict[str, Pane] = {}
        for pane, cells, hinted in (
            (self._across, plan.matrix, places["across"].height > 2),
            (self._matrix, plan.matrix, plan.hinted),
            (self._bias, plan.matrix, plan.hinted),
            (self._result, plan.matrix, plan.hinted),
            (self._image, plan.image, plan.pictures_hinted),
            (self._kernel, plan.kernel, plan.pictures_hinted),
        ):
            if pane.name in places:
                pane.place(places[pane.name], cells, hinted, palette)
                panes[pane.name] = pane
        self._overview.place(places["overview"], plan.pictures_hinted, palette)
        self._equations.place(places["equations"], palette)
        for text, name in (
            (self._plus, "plus"),
            (self._equals, "equals"),
            (self._words, "words"),
            (self._figures, "figures"),
        ):
            if name in places:
                text.place(places[name], palette)
                panes[name] = text
        self._plus.show([" +"])
        self._equals.show([" ="])
        self._figures.show(figures(session, places["figures"].width))
        panes |= {"overview": self._overview, "equations": self._equations}
        self.canvas.place(panes, palette)
        return plan

    def _planned(self, session: Session) -> MatrixPlan:
        width, height = self.room
        shown, view = shown_in(session), session.view
        letters = letters_in(session)
        return planned(
            (height, width),
            frame_size(session.operation),
            window_size(session),
            shown.matrix.shape,
            reach_of(shown),
            view.zoom,
            view.hints,
            bias_of(shown.operation) is not None and not view.transposed,
            len(letters.equations) if letters else 0,
        )

    # -- the view's flags

    def action_colour(self) -> None:
        self._flip("by_entry")

    def action_padding_columns(self) -> None:
        """The padding as columns, which a convolution has; of a transposed one, the other way through it."""
        self._cursor = None
        if self.session.way:
            self.action_way()
            return
        if self.session.chosen_operation:
            self.say("only the matrix of a convolution can have its padding as columns", error=True)
            return
        self._flip("with_padding")

    def action_transpose(self) -> None:
        self._flip("transposed")

    def action_letters(self) -> None:
        def flipped(session: Session) -> Session:
            if not session.view.letters:
                equations(shown_in(session).operation)  # refuses what has too many of them
            return session.with_view(letters=not session.view.letters)

        self.change(flipped, "look")

    def _flip(self, flag: str) -> None:
        self.change(lambda session: session.with_view(**{flag: not getattr(session.view, flag)}), "look")

    # -- the cursor

    def action_cursor(self, rows: int, columns: int) -> None:
        """Move in the matrix; from line to line that is a step."""
        index, shown = self.session.index, shown_in(self.session)
        cells, by = (rows, columns) if shown.is_by_row else (columns, rows)
        if self._cursor is None:
            places = shown.line(index).indices
            self._cursor = shown.at(index, int(places[0]) if places.size else 0)
            cells = by = 0
        at = min(max(shown.across_of(self._cursor) + by, 0), shown.across - 1)
        self._point(shown.at(index, at), cells)

    def _point(self, cursor: Pointed, cells: int = 0) -> None:
        """Put the cursor there, and go so many steps further."""
        shown = shown_in(self.session)
        index = min(max(shown.index_of(cursor) + cells, 0), shown.steps - 1)
        self._cursor = self._followed = shown.at(index, shown.across_of(cursor))
        self._hovered = None
        if index != self.session.index:
            self.change(lambda session: session.at(index), "move")
        else:
            self.show_again()

    async def action_edit(self) -> None:
        """Numbers are edited on the Step page."""
        await self.host.act_on_page("step", "edit")

    def action_unpoint(self) -> None:
        self._cursor = self._hovered = self._followed = None
        self.show_again()

    # -- the mouse

    def on_canvas_hovered(self, message: Canvas.Hovered) -> None:
        message.stop()
        pointed = self._at(message.pane, message.cell)
        if pointed != self._hovered:
            self._hovered = pointed
            self.show_again()

    def on_canvas_clicked(self, message: Canvas.Clicked) -> None:
        message.stop()
        if message.pane is self._overview:
            self._matrix.centre_on(*message.cell)
            self.canvas.repaint()
            return
        pointed, shown = self._at(message.pane, message.cell), shown_in(self.session)
        if pointed:
            self._hovered = None
            self._point(pointed)
        elif message.pane is self._result and shown.is_by_row:
            row = message.cell[0]
            self.change(lambda session: session.at(row), "jump")
        elif message.pane is self._across and not shown.is_by_row:
            column = message.cell[1]
            self.change(lambda session: session.at(column), "jump")

    def _at(self, pane: Pane | None, cell: Cell | None) -> Pointed | None:
        """The cell of the matrix that a place stands for; a place of a vector is one in the step's line."""
        index, shown = self.session.index, shown_in(self.session)
        if cell is None:
            return None
        if pane is self._matrix:
            return shown.pointed_at(cell)
        if pane is self._across and shown.is_by_row:
            return shown.at(index, cell[1])
        if pane is self._result and not shown.is_by_row:
            return shown.at(index, cell[0])
        return None
