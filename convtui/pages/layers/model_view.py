"""The Layers page of the user's own network: its operations, and what the selected one makes of the image.

The page routes keys here while this view is on. What is shown of tensors is fetched from the process that
runs the network, for one operation at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from textual.geometry import Region

from convtui.engine.graph.operation import Source
from convtui.engine.output_cells import Position
from convtui.pages.base.layout import MARGIN, zoom_of
from convtui.pages.base.memo import Memo
from convtui.pages.base.services import PageServices
from convtui.pages.layers.figures import Maps
from convtui.pages.layers.layout import LayersPlan, Wanted, layers_plan
from convtui.pages.layers.model_figures import (
    Seen,
    held,
    image_grid,
    map_shape,
    maps_of,
    mosaic_grid,
    moved,
    seen_by,
    selected_grid,
    tensor_index,
    to_come,
    with_holes,
)
from convtui.pages.layers.model_inputs import ShownInput
from convtui.pages.layers.model_labels import (
    PANELS,
    detail_lines,
    failure_lines,
    field_line,
    not_finite_line,
    notes_lines,
    printed_lines,
    refused_lines,
    remark_line,
    summary_line,
)
from convtui.pages.layers.model_opening import Opener, why_not_animated
from convtui.pages.layers.model_table import model_lines
from convtui.pages.layers.table import TableLine
from convtui.pages.layers.table_pane import TablePane
from convtui.paint.canvas import Pane
from convtui.paint.colours import Palette
from convtui.paint.grid import GridPane
from convtui.paint.panes import Size, TextPane
from convtui.state.session import Session, Zoom
from convtui.tracing.open_model import Fetched, OpenModel
from convtui.tracing.traced import Row, Trace

DETAILS: Final = 5  # lines
ROOMY: Final = 28  # lines of a canvas from which the rest of the details have lines of their own
LEAD: Final = (None, "")  # lines over a panel of text: what is said, and a blank one
LEAST_TEXT: Final = 8  # lines of a panel of text
QUICK: Final = 64  # operations through which a field is traced back while a key waits
STOP_HINT: Final = "escape stops it"


class ModelView:
    """The panes of the view, the selected operation and the selected activation of its output."""

    def __init__(self, page: PageServices, model: OpenModel) -> None:
        self._page, self.model = page, model
        self.shown = ShownInput(model)
        self._opener = Opener(page, model)
        trace = model.trace if model.outcome else None
        failed = self._last(trace) if trace is not None and trace.graph.failure else 0
        self._number = failed if model.row is None else model.row
        self._place: Position = (0, 0, 0)
        self._kept: tuple[int, Position] | None = None  # what was selected before the file is run again
        self._panel = PANELS[0]
        self._top = 0  # line of a panel of text
        self._table, self._sentence, self._details = TablePane(""), TextPane(muted=True), TextPane()
        self._head, self._text = TextPane(muted=True), TextPane()
        self.image, self.selected, self.mosaic = GridPane("image"), GridPane("selected"), GridPane("mosaic")
        self._placed: object = None
        self._plan: Memo[LayersPlan] = Memo()
        self._lines: Memo[list[TableLine]] = Memo()
        self._maps: Memo[Maps] = Memo()
        self._seen: tuple[tuple[Trace, int, Position], Seen] | None = None  # with the holes
        self._is_looking = False  # for holes, in another thread
        self._told = model.outcome is not None  # whether what is different was said
        model.listen(self._has_changed)

    # -- showing

    @property
    def zoom(self) -> Zoom:
        return zoom_of(self._plan.value.image.cells) if self._plan.value else Zoom.BLOCKS

    def leave(self) -> None:
        """Other panes are on the canvas now."""
        self._placed = None

    def show(self, session: Session, size: Size, palette: Palette) -> dict[str, Pane] | None:
        """Draw the view on a canvas of so many lines and columns; tells its panes if they are others."""
        trace = self._trace
        outcome = self.model.outcome
        refused = outcome.refused if outcome else None
        if trace is None or refused is not None:
            text = [self._status()]
            if refused is not None:
                text = refused_lines(refused.reason, refused.details, size[1] - MARGIN - 1)
                text += ["", "R runs your file again"]
            if self._panel == "printed":
                text = printed_lines(self.model, size[1] - MARGIN - 1)
            elif self.model.printed:
                text += ["", "V shows what your code has printed"]
            panes = self._place_all({"text": Region(MARGIN, 0, size[1] - MARGIN, size[0])}, palette, None)
            self._show_text(text, size[0])
            return panes
        if outcome is None and self._number > self._last(trace):  # which is on its way again
            self._kept = self._kept or (self._number, self._place)
        self._number = min(self._number, self._last(trace))
        marks = self._differing, self._remarked(trace)
        lines = self._lines.get((trace, size[1], marks), lambda: model_lines(trace, size[1], *marks))
        is_failure = self._number == len(trace.rows)
        if self._panel != PANELS[0] or is_failure:
            panes = self._show_panel(trace, lines, is_failure, size, palette)
        else:
            panes = self._show_maps(trace, lines, session, size, palette)
        self._table.show(lines, self._number, lambda _: "")
        return panes

    @property
    def _trace(self) -> Trace | None:
        """What is known of the pass, with the fields in the input that is shown."""
        trace = self.model.trace
        return None if trace is None else self.shown.looked(trace)

    @property
    def _differing(self) -> frozenset[int]:
        return self.model.changed.rows if self.model.changed else frozenset()

    def _remarked(self, trace: Trace) -> frozenset[int]:
        """The rows that checks are about, once all were made; of a recording they are told on their panel."""
        if self.model.is_recorded or self.model.outcome is None:
            return frozenset()
        return frozenset(each.op for each in trace.remarks if each.op)

    def _status(self) -> str:
        status = self.model.status
        return f"{status} · {STOP_HINT}" if status and self.model.is_at_work else status

    def _show_panel(
        self, trace: Trace, lines: list[TableLine], is_failure: bool, size: Size, palette: Palette
    ) -> dict[str, Pane] | None:
        height, width = size[0], size[1] - MARGIN
        if self._panel == "notes":
            text = notes_lines(self.model, width - 1)
        elif self._panel == "printed":
            text = printed_lines(self.model, width - 1)
        else:
            text = failure_lines(trace, width - 1)
        most = height * 2 // 3
        text = text if len(text) <= most else [line for line in text if line]
        wanted = max(min(len(text), most), min(LEAST_TEXT, height // 2))
        if self._is_masked:  # a lesson hides it: the rows are what there is to read
            wanted = 1
        table = min(len(lines), max(height - wanted - 1 - len(LEAD), 4))
        room = height - table - len(LEAD)
        at = {
            "table": Region(0, 0, size[1], table),
            "head": Region(MARGIN, table, width, len(LEAD)),
            "text": Region(MARGIN, table + len(LEAD), width, room),
        }
        panes = self._place_all(at, palette, None)
        others = remark_line(trace, self._notices, self.model.printed)
        hint = others if is_failure and self._panel == PANELS[0] else "V shows the next panel"
        self._head.show([self._status() or hint if line is None else line for line in LEAD])
        self._show_text(text, room)
        return panes

    @property
    def _is_masked(self) -> bool:
        lesson = self._page.host.lesson
        return lesson is not None and "postmortem" in lesson.masks

    def _show_text(self, lines: list[str], room: int) -> None:
        self._top = min(self._top, max(len(lines) - room, 0))
        shown = lines[self._top : self._top + room]
        below = len(lines) - self._top - room
        if below > 0 and room > 2:
            shown[-1] = f"{below + 1} more lines: page down"
        self._text.show(shown)

    @property
    def _notices(self) -> tuple[str, ...]:
        return self.model.outcome.notices if self.model.outcome else ()

    def _show_maps(
        self, trace: Trace, lines: list[TableLine], session: Session, size: Size, palette: Palette
    ) -> dict[str, Pane] | None:
        row = trace.rows[self._number]
        shape = self._shape_of(trace, row)
        if 0 in shape:
            shape = (1, 1, 1)
        self._place = place = held(self._place, shape)
        picture = self.shown.picture(trace)
        is_roomy = size[0] >= ROOMY
        wanted = Wanted(
            table_lines=len(lines),
            detail_lines=DETAILS if is_roomy else DETAILS - 1,
            image=picture.pixels.shape[1:],
            maps=shape,
            earlier=(),
            is_image=not self._number,
        )
        key = size, wanted, session.view.zoom, session.view.hints
        plan = self._plan.get(
            key,
            lambda: layers_plan((size[0], size[1]), wanted, session.view.zoom, session.view.hints),
        )
        at = {"table": plan.table, "sentence": plan.sentence, "details": plan.details}
        panes = self._place_all(at, palette, plan)
        maps = self._maps_of(trace, row, shape)
        seen = self._seen_by(trace, row, place, picture.pixels.shape[1])
        found = self._fetched(trace, row)
        why = found.why if found else ""
        self._show_words(trace, row, maps, seen, why, plan)
        chosen = place if not self._number else None
        channel = self.shown.channel(trace, picture, session.view.slice, seen)
        grids = image_grid(picture, channel, seen, chosen, plan.image)
        self.image.show(grids)
        if plan.selected:
            self.selected.show(selected_grid(row.op, maps, place, plan.selected.every, why))
        self.mosaic.show(mosaic_grid(row.op, maps, place, plan.tiling, why, self._output(trace, row)))
        return panes

    def _shape_of(self, trace: Trace, row: Row) -> Position:
        """The channels, rows and columns that the selected row's output is drawn in."""
        return map_shape(row.op.outputs[self._output(trace, row)].shape)

    def _output(self, trace: Trace, row: Row) -> int:
        """Which of a row's outputs is drawn."""
        return 0 if row.op.number else self.shown.number(trace)

    def _fetched(self, trace: Trace, row: Row) -> Fetched | None:
        """The output of a row; of the first the input that is shown."""
        return (
            self.model.output(row.op.number) if row.op.number else self.model.input(self.shown.number(trace))
        )

    def _seen_by(self, trace: Trace, row: Row, place: Position, rows_drawn: int) -> Seen:
        """What an activation sees; deep in a network the holes in it follow a little later."""
        key = trace, row.op.number, place
        if self._seen and self._seen[0] == key:
            return self._seen[1]
        hull = seen_by(row, place, rows_drawn)
        source = Source(0, self.shown.number(trace))
        if row.op.number <= QUICK:
            self._seen = key, with_holes(hull, trace.graph, row.op, place, source)
            return self._seen[1]
        if not self._is_looking:
            self._is_looking = True

            def work() -> Callable[[], None]:
                seen = with_holes(hull, trace.graph, row.op, place, source)
                return lambda: self._take_seen((key, seen), is_new=seen is not hull)

            self._page.in_thread(work)
        return hull

    def _take_seen(self, found: tuple[tuple[Trace, int, Position], Seen], is_new: bool) -> None:
        self._seen, self._is_looking = found, False
        of, row, place = found[0]
        if is_new or (of, row, place) != (self.model.trace, self._number, self._place):
            self._page.show_again()  # what is on show now may be another activation, to be looked at next

    def _maps_of(self, trace: Trace, row: Row, shape: Position) -> Maps:
        found = self._fetched(trace, row)
        if found is None or found.why or "output" not in found.arrays:
            return to_come(shape)
        return self._maps.get(found, lambda: maps_of(found.arrays["output"], shape))

    def _show_words(self, trace: Trace, row: Row, maps: Maps, seen: Seen, why: str, plan: LayersPlan) -> None:
        op, graph = row.op, trace.graph
        found = self._fetched(trace, row) if maps.is_computed else None
        given = found.arrays.get("output") if found else None
        value = None if given is None else float(given.reshape(maps.values.shape)[self._place])
        is_recorded = self.model.is_recorded  # which is said above, and needs no line here
        status = "" if is_recorded else self._status() or why
        lines = detail_lines(op, graph, plan.details.width)[: plan.details.height - 1]
        self._details.show(
            [*lines, status or field_line(row, self._place, value, seen, self.shown.text(trace))]
        )
        others = not_finite_line(given) or remark_line(trace, self._notices, self.model.printed)
        changed = self.model.changed
        different = f"{'≠ ' if changed.rows else ''}{changed.told}" if changed else ""
        told = self.model.status if is_recorded else different or others
        self._sentence.show([summary_line(trace), told])

    def _place_all(
        self, at: dict[str, Region], palette: Palette, plan: LayersPlan | None
    ) -> dict[str, Pane] | None:
        """Give the panes their places; tells them if anything is new."""
        key = at, palette, plan
        if self._placed == key:
            return None
        self._placed = key
        every: dict[str, TablePane | TextPane] = {
            "table": self._table,
            "sentence": self._sentence,
            "details": self._details,
            "head": self._head,
            "text": self._text,
        }
        panes: dict[str, Pane] = {}
        for name, region in at.items():
            if region:
                every[name].place(region, palette)
                panes[name] = every[name]
        if plan is not None:
            grids = [(self.image, plan.image), (self.mosaic, plan.mosaic)]
            grids += [(self.selected, plan.selected)] if plan.selected else []
            for pane, place in grids:
                pane.place(place.region, place.cells, plan.is_hinted, palette)
                panes[pane.name] = pane
        return panes

    # -- what the process tells

    def _has_changed(self) -> None:
        model = self.model
        trace = model.trace
        if model.outcome is None:
            self._told = False
        elif not self._told and trace is not None:
            self._told = True
            if self._kept:
                (self._number, self._place), self._kept = self._kept, None
            if trace.graph.failure:
                self._number = self._last(trace)
            if model.changed:
                self._page.say(model.changed.told)
            elif model.trouble:
                self._page.say(model.status, error=not model.is_stopped)
        self._page.show_again()

    @staticmethod
    def _last(trace: Trace) -> int:
        return len(trace.rows) - 1 + bool(trace.graph.failure)

    # -- selecting

    def move(self, by: int) -> None:
        """Select the activation so many further."""
        self._move(lambda place, shape: moved(place, by, shape))

    def move_rows(self, by: int) -> None:
        """The same column, so many rows further; in a text so many lines."""
        if self._is_text:
            self._scroll(by)
        else:
            self._move(lambda place, shape: held((place[0], place[1] + by, place[2]), shape))

    def move_channels(self, by: int) -> None:
        """The same place so many channels further; in a text a page."""
        if self._is_text:
            self._scroll(by * max(self._text.region.height - 2, 1))
        else:
            self._move(lambda place, shape: held((place[0] + by, place[1], place[2]), shape))

    @property
    def _is_text(self) -> bool:
        trace = self.model.trace
        return trace is None or self._panel != PANELS[0] or self._number >= len(trace.rows)

    def _scroll(self, by: int) -> None:
        self._top = max(self._top + by, 0)
        self._page.show_again()

    def _move(self, to: Callable[[Position, Position], Position]) -> None:
        trace = self.model.trace
        if trace is None or self._is_text:
            return
        shape = self._shape_of(trace, trace.rows[self._number])
        self._select_place(to(held(self._place, shape), shape))

    def _select_place(self, place: Position) -> None:
        self._place = place
        self._page.show_again()

    def move_operations(self, by: int) -> None:
        """Select the operation so many further."""
        self.select(self._number + by)

    def go_to_end(self, direction: int) -> None:
        """Select the last operation, or the input."""
        trace = self.model.trace
        self.select(self._last(trace) if trace and direction > 0 else 0)

    def select(self, number: int) -> None:
        """Select an operation; beyond an end, that at this end."""
        trace = self.model.trace
        if trace is None:
            return
        self._number, self._top, self._kept = min(max(number, 0), self._last(trace)), 0, None
        if self._panel != PANELS[0]:
            self._panel = PANELS[0]
        self._page.show_again()

    def restart(self) -> None:
        self._select_place((0, 0, 0))

    def go_to(self) -> None:
        question = "go to (operation, row,column or channel,row,column)"
        self._page.prompt(question, "", self._gone_to, "5 · 4,18 · 0,4,18")

    def _gone_to(self, text: str) -> bool:
        trace = self.model.trace
        numbers = [each.strip() for each in text.split(",")]
        if trace is None or not 1 <= len(numbers) <= 3 or not all(each.isdecimal() for each in numbers):
            wanted = "an operation's number, row,column or channel,row,column"
            self._page.say(f"{text}: must be {wanted}", error=True)
            return False
        if len(numbers) == 1:
            if int(text) > self._last(trace):
                self._page.say(f"{text}: the last operation is {self._last(trace)}", error=True)
                return False
            self.select(int(text))
            return True
        if self._is_text:
            self._page.say("no activations are on show", error=True)
            return False
        shape = self._shape_of(trace, trace.rows[self._number])
        channel, row, column = (self._place[0], *map(int, numbers))[-3:]
        if held((channel, row, column), shape) != (channel, row, column):
            sizes = "x".join(map(str, shape))
            self._page.say(f"{text}: the output has {sizes} activations, numbered from 0", error=True)
            return False
        self._select_place((channel, row, column))
        return True

    def next_panel(self, by: int) -> None:
        """Show the maps, the checks and notes, or what was printed."""
        self._panel, self._top = PANELS[(PANELS.index(self._panel) + by) % len(PANELS)], 0
        self._page.show_again()

    def next_input(self, by: int) -> None:
        """Draw another of the network's inputs, and what is seen of it."""
        if self.model.trace is not None:
            self._page.say(self.shown.choose_next(self.model.trace, by))
            self._page.show_again()

    def next_channel(self, by: int) -> bool:
        """The next channel of an input that is not the user's image; False where that is shown."""
        trace = self.model.trace
        if trace is None or self.shown.is_photo(trace):
            return False
        if not self.shown.next_channel(trace, by):
            self._page.say("there is only one channel")
        self._page.show_again()
        return True

    def clicked(self, pane: Pane | None, row: int, column: int) -> None:
        """Select what was clicked."""
        plan = self._plan.value
        if pane is self._table:
            self.select(row)
        elif plan is None:
            return
        elif pane is self.mosaic:
            activation = plan.tiling.activation_at((row, column))
            if activation:
                self._select_place(activation)
        elif pane is self.selected and plan.selected:
            every = plan.selected.every
            self._select_place((self._place[0], row * every, column * every))
        elif pane is self.image and not self._number:
            every = plan.image.every
            self._select_place((self._place[0], row * every, column * every))

    @property
    def is_at_end(self) -> bool:
        """Whether no activation follows."""
        trace = self.model.trace
        if trace is None or self._is_text:
            return True
        shape = self._shape_of(trace, trace.rows[self._number])
        return moved(self._place, 1, shape) == self._place

    # -- what is carried away

    def code_of_page(self) -> Callable[[], str]:
        """What writes the code of the selected operation. Raises ValueError if there is none."""
        from convtui.export.own_code import own_code, why_no_code

        trace = self._trace
        if trace is None or self._number >= len(trace.rows):
            raise ValueError("there is no code of an operation that was not run")
        row = trace.rows[self._number]
        if why := why_no_code(row.op, trace.graph):
            raise ValueError(why)
        value = self._value(trace, row)
        index = tensor_index(self._place, row.op.output.shape)
        model = self.model
        return partial(own_code, model.opening, model.picture, row.op, index, value, model.is_called)

    def why_not_animated(self) -> str:
        """What ctrl+g says, which animates on the Step page."""
        trace = self.model.trace
        if trace is None or self._number >= len(trace.rows):
            return "there is nothing to animate of an operation that was not run"
        return why_not_animated(trace.rows[self._number].op, trace.graph)

    def _value(self, trace: Trace, row: Row) -> float | None:
        """The selected activation; None while it is not known."""
        found = self._fetched(trace, row)
        given = found.arrays.get("output") if found else None
        return None if given is None else float(given.reshape(self._shape_of(trace, row))[self._place])

    # -- opening

    def open_selected(self) -> None:
        """Open the selected operation on the Step page, with its real input and weights."""
        trace = self.model.trace
        if trace is None or self._number >= len(trace.rows):
            self._page.say("this operation failed, so that there is nothing to step through")
            return
        self._opener.open(trace.rows[self._number].op, trace.graph, lambda: self._place)
