"""The Layers page: a stack of layers as a table, its feature maps, and what an activation sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.geometry import Region
from textual.worker import get_current_worker

from convtui.engine.graph.checks import Remark, remarks, unmade
from convtui.engine.graph.dead_filters import with_dead_filters
from convtui.engine.graph.operation import Graph
from convtui.engine.output_cells import Position
from convtui.engine.stack import Summary
from convtui.engine.tracing import Feeding, feeding
from convtui.engine.window_layers import Conv, ConvTranspose, Depthwise
from convtui.inputs.names import printable
from convtui.pages.base import keys
from convtui.pages.base.convolution_page import ConvolutionPage
from convtui.pages.base.layout import zoom_of
from convtui.pages.base.memo import Memo
from convtui.pages.base.run_features import RunFeatures
from convtui.pages.layers.changes import (
    more_filters,
    next_groups,
    next_network,
    next_padding_mode,
    padded,
    stepped,
    value_text,
)
from convtui.pages.layers.features_view import FeaturesView
from convtui.pages.layers.figures import (
    Maps,
    earlier_grid,
    earlier_layers,
    image_grid,
    mosaic_grid,
    selected_grid,
    value_of,
)
from convtui.pages.layers.labels import (
    checks_line,
    error_lines,
    field_line,
    fixes_of,
    growth,
    layer_controls,
    layer_line,
    size_line,
    terms,
    unlike_training,
)
from convtui.pages.layers.layout import LayersPlan, Place, Wanted, layers_plan
from convtui.pages.layers.looked import Choices, LayerChoices
from convtui.pages.layers.map_maker import MapMaker, feature_maps
from convtui.pages.layers.own_features import OwnFeatures
from convtui.pages.layers.table import TableLine, feeding_room, feeding_text, table_lines
from convtui.pages.layers.table_pane import TablePane
from convtui.paint.canvas import Canvas, Pane
from convtui.paint.colours import Array
from convtui.paint.controls import Control
from convtui.paint.grid import GridPane
from convtui.paint.panes import TextPane
from convtui.state.history import Document
from convtui.state.layer_opening import layer_opened, picture_opened
from convtui.state.learned_weights import is_normalised
from convtui.state.network import Stack
from convtui.state.opened_features import OPENED_FEATURES
from convtui.state.session import Session, Zoom
from convtui.state.settings import layer_transition, parse_activation, parse_how

if TYPE_CHECKING:
    from convtui.pages.layers.model_view import ModelView
    from convtui.tracing.open_model import OpenModel

FOR_LAYERS: Final = "this key is for a stack of layers, to which v goes back"
OF_IMAGE: Final = "resize 64 · crop 56 · gray on · axes channels-last · white 4095"


class LayersPage(ConvolutionPage):
    """The table of the layers, the selected layer's maps, and the chain of what feeds an activation."""

    KEYS = keys.PAGES["layers"]
    COMMON = tuple(key for key in keys.all_keys() if key.action != "unpoint")  # nothing is pointed at here

    MASKED: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "layers": ("sentence", "details", "selected", "mosaic"),
        "field": ("sentence", "details", "image"),
        "postmortem": ("text",),
    }

    def __init__(self) -> None:
        super().__init__()
        self._table, self._sentence, self._details = TablePane(), TextPane(muted=True), TextPane()
        self._image, self._selected, self._mosaic = (
            GridPane("image"),
            GridPane("selected"),
            GridPane("mosaic"),
        )
        self._chain: dict[int, GridPane] = {}
        self._plan: Memo[LayersPlan] = Memo()
        self._maker: MapMaker | None = None
        self._table_lines: Memo[list[TableLine]] = Memo()
        self._fixes: Memo[tuple[str, ...]] = Memo()
        self._checked: Memo[Graph] = Memo()
        self._remarks: Memo[list[Remark]] = Memo()
        self._remarked: list[Remark] | None = None  # those that are gone through
        self._remark = 0
        self.features = FeaturesView(self, self._choices)
        self._layer_choices = LayerChoices(self, lambda: self._maker)
        self._own_features = OwnFeatures(self, self.features.measured.explorations)
        self._runs = RunFeatures(self, self.features.measured.data)
        self._is_own_wanted = False
        self._shown_features: Choices | None = None
        self._models: dict[bool, ModelView] = {}  # of a lesson's network, of the user's own
        self._is_model_wanted = True
        self._shown_model: ModelView | None = None

    # -- showing

    def on_mount(self) -> None:
        super().on_mount()
        self.host.timelines.watch(OPENED_FEATURES, self._opened_features)
        self._opened_features()

    def _opened_features(self) -> None:
        self._is_own_wanted = self._own_features.opened is not None
        self.show_again()

    @property
    def own(self) -> OwnFeatures | None:
        """The filters of a run of the user's own network, if they are on show."""
        is_shown = self._is_own_wanted and self.host.lesson is None
        return self._own_features if is_shown and self._own_features.opened else None

    def _choices(self) -> Choices:
        return self.own or self._layer_choices

    @property
    def document(self) -> Document[Any]:
        return OPENED_FEATURES if self.own else super().document

    @property
    def model(self) -> ModelView | None:
        """The view of the user's own network, or of that of a lesson, if there is one and it is on show."""
        if self.own:
            return None
        model, is_lesson = self.host.model, self.host.lesson is not None
        if model is None or not (self._is_model_wanted or is_lesson):
            return None
        view = self._models.get(is_lesson)
        if view is None or view.model is not model:
            from convtui.pages.layers.model_view import ModelView

            self._models[is_lesson] = view = ModelView(self, model)
        return view

    @property
    def zoom(self) -> Zoom:
        if self.model:
            return self.model.zoom
        return zoom_of(self._plan.value.image.cells) if self._plan.value else Zoom.BLOCKS

    def controls(self) -> list[Control]:
        if self.own:
            return self.own.controls()
        if self.model:
            from convtui.pages.layers.model_labels import model_controls

            return model_controls(self.model.model)
        return layer_controls(self.session.stack)

    def show_page(self) -> None:
        session, stack = self.session, self.session.stack
        if self.own:
            self._show_features()
            return
        model = self.model
        if model is not None:
            self._show_model(model, session)
            return
        if self._shown_model is not None:
            self._plan, self._shown_model = Memo(), None
            self.features.leave()
            self.show_keys()
        if session.view.features:
            self._make(session, stack, self._layer_choices.goal)
            self._show_features()
            return
        if self._shown_features:
            self._plan, self._shown_features = Memo(), None
            self.show_keys()
        key = (stack.layers, stack.input_shape, stack.layer, session.view, self.room, self.app.theme)
        plan = self._plan.get(key, lambda: self._placed(session, stack))
        self._make(session, stack, stack.layer)
        fed = _fed(stack)
        rows, width = stack.summary.rows, self.size.width
        lesson = self.host.lesson
        masks = lesson.masks if lesson else frozenset()
        since = lesson.layer if lesson else 0
        lines = self._table_lines.get(
            (stack.summary, width, masks, since), lambda: table_lines(stack.summary, width, masks, since)
        )
        room = feeding_room(lines, width)
        self._table.show(
            lines,
            stack.layer,
            lambda number: (
                feeding_text(fed[number], rows[number], room) if number < len(fed) and not masks else ""
            ),
        )
        self._show_words(stack, fed, plan.details)
        self._image.show(image_grid(session.picture, session.view.slice, stack, fed[0], plan.image))
        for number, place in plan.chain.items():
            row = stack.summary.rows[number]
            grid = earlier_grid(row, self._maps(stack, number), fed[number], stack.activation[0], place)
            self._chain[number].show(grid)
        maps = self._maps(stack, stack.layer)
        if plan.selected:
            self._selected.show(selected_grid(stack, maps, plan.selected.every))
        self._mosaic.show(mosaic_grid(stack, maps, plan.tiling))

    def _show_model(self, model: ModelView, session: Session) -> None:
        if model.shown.is_to_follow(session.picture):
            self.run_worker(model.model.look_at(session.picture))
        if self._shown_model is not model or self._shown_features:
            self._shown_features = None
            self._shown_model = model
            model.leave()
            self.show_keys()
        width, height = self.canvas_size
        panes = model.show(session, (height, width), self.palette)
        if panes is not None:
            self.canvas.place(panes, self.palette)

    def _show_features(self) -> None:
        shown = self._choices()
        if self._shown_features is not shown:
            self._shown_features = shown
            self.features.leave()
            self.show_keys()
        width, height = self.canvas_size
        panes = self.features.show((height, width), self.palette)
        if panes is not None:
            self.canvas.place(panes, self.palette)

    def on_screen_suspend(self) -> None:
        super().on_screen_suspend()
        self.features.measured.pause()

    def _show_words(self, stack: Stack, fed: tuple[Feeding, ...], details: Region) -> None:
        width = details.width
        value = value_of(stack, self._maps(stack, stack.layer))
        errors = self._errors(stack, width)
        lines = [field_line(stack, fed, value, width), layer_line(stack.row, width)]
        if details.height - len(errors) > len(lines):
            lines.append(size_line(stack.row, width))
        self._details.show([*lines, *errors])
        if stack.trained and not is_normalised(self.session.picture):
            sentence = unlike_training(stack.trained, width)
        else:
            sentence = growth(stack.summary, width)
        self._sentence.show([sentence, terms(stack.row, stack.summary, width)])

    def _errors(self, stack: Stack, width: int) -> list[str]:
        summary = stack.summary
        if summary.error is None:
            return []
        fixes = self._fixes.get(summary, lambda: fixes_of(summary))
        return error_lines(summary.error, fixes, stack.fitting_side, width)

    def _placed(self, session: Session, stack: Stack) -> LayersPlan:
        """Give every pane its place."""
        palette = self.palette
        plan = self._planned(session, stack)
        self._table.place(plan.table, palette)
        self._sentence.place(plan.sentence, palette)
        self._details.place(plan.details, palette)
        self._chain = {number: GridPane(f"layer {number}") for number in plan.chain}
        placed: list[tuple[GridPane, Place]] = [(self._image, plan.image)]
        placed += [(self._chain[number], place) for number, place in plan.chain.items()]
        placed += [(self._selected, plan.selected)] if plan.selected else []
        placed.append((self._mosaic, plan.mosaic))
        for pane, place in placed:
            pane.place(place.region, place.cells, plan.is_hinted, palette)
        grids: dict[str, Pane] = {pane.name: pane for pane, _ in placed}
        texts: dict[str, Pane] = {"table": self._table, "sentence": self._sentence, "details": self._details}
        self.canvas.place({**texts, **grids}, palette)
        return plan

    def _planned(self, session: Session, stack: Stack) -> LayersPlan:
        width, height = self.canvas_size
        least = 3 if height >= 28 else 2
        _, rows, columns = stack.input_shape
        wanted = Wanted(
            table_lines=len(stack.summary.rows) + 2,
            detail_lines=least + len(self._errors(stack, width - 1)),
            image=(rows, columns),
            maps=stack.maps(),
            earlier=earlier_layers(stack),
            is_image=stack.layer == 0,
        )
        return layers_plan((height, width), wanted, session.view.zoom, session.view.hints)

    @property
    def canvas_size(self) -> tuple[int, int]:
        """Columns and lines between the controls and the keys."""
        return self.room.width, self.room.height - 2

    # -- making the maps

    def _maps(self, stack: Stack, layer: int) -> Maps:
        assert self._maker is not None
        return self._maker.maps(layer) or _to_come(stack.maps(layer))

    def _make(self, session: Session, stack: Stack, layer: int) -> MapMaker:
        """Have a layer's maps made: at once if that is quick, else in another thread."""
        maker = self._maker
        if maker is None or not maker.is_for(stack, session.picture):
            if maker:
                maker.goal = 0
            self._maker = maker = MapMaker(stack, session.picture)
        maker.goal = layer
        if maker.is_at_work or not maker.missing:
            self._tell_trouble(maker)
        elif maker.is_quick:
            while maker.make_next():
                pass
            self._tell_trouble(maker)
        else:
            maker.is_at_work = True
            self.in_thread(lambda: self._work_on(maker))
        return maker

    def _work_on(self, maker: MapMaker) -> Callable[[], None]:
        """In another thread: make what is missing, until the page is closed."""
        worker = get_current_worker()
        while not worker.is_cancelled and maker.make_next():
            pass
        maker.is_at_work = False
        return self.show_again

    def _tell_trouble(self, maker: MapMaker) -> None:
        if maker.trouble and maker.trouble.number <= maker.goal:
            self.say(str(maker.trouble), error=True)

    # -- changing the network

    def change_stack(self, make: Callable[[Stack], Stack], kind: str = "") -> bool:
        """Apply a transition of the stack; where it is refused, say why. Tells whether it was applied."""
        if self.own:
            self.say(FOR_LAYERS)
            return False
        if self.model:
            self.say("this key is for a stack of layers, which y shows")
            return False
        return self.change(lambda session: session.with_stack(make(session.stack)), kind)

    def action_network(self, by: int) -> None:
        self.change_stack(next_network(by))

    def action_kernel(self, by: int) -> None:
        self.change_stack(next_network(by))

    def action_scale(self) -> None:
        """Scale the image so that every layer fits; run the file of the user's own network again."""
        if self.own:
            self.say(FOR_LAYERS)
            return
        if self.model:
            self.run_worker(self.model.model.reload())
            return
        stack = self.session.stack
        if stack.fitting_side:
            self._typed(f"resize {stack.fitting_side}")
        else:
            error = stack.summary.error
            self.say(f"no size of the image helps: {error}" if error else "every layer fits the image")

    def action_weights(self, by: int) -> None:
        self.change_stack(lambda stack: stack.reseeded(stack.seed + by))

    def action_edit(self) -> None:
        self.action_type("network")

    def action_stride(self, by: int) -> None:
        self.change_stack(stepped("stride", by))

    def action_dilation(self, by: int) -> None:
        self.change_stack(stepped("dilation", by))

    def action_size(self, by: int) -> None:
        self.change_stack(stepped("kernel_size", by))

    def action_padding(self, by: int) -> None:
        self.change_stack(padded(by))

    def action_mode(self, by: int) -> None:
        self.change_stack(next_padding_mode(by))

    def action_groups(self, by: int) -> None:
        self.change_stack(next_groups(by))

    def action_filters(self, by: int) -> None:
        if self.model:
            self.model.next_input(by)
            return
        self.change_stack(more_filters(by))

    def action_type(self, name: str) -> None:
        if self.own:
            self.say(FOR_LAYERS)
        elif not self.model:
            super().action_type(name)
        elif name:
            self.say("settings are of a stack of layers, which y shows; --mean and --std normalise the image")
        else:
            self.prompt(":", "", self._typed_of_image, OF_IMAGE)

    def _typed_of_image(self, text: str) -> bool:
        """How the image of the user's own network is read, which then runs on it."""
        from convtui.store.pictures import reopened

        assert self.model
        name, _, value = text.strip().replace("=", " ").partition(" ")
        if name not in ("resize", "crop", "gray", "axes", "white"):
            self.say(f"{printable(text)}: of your network's image can be set: {OF_IMAGE}", error=True)
            return False
        picture = self.model.model.picture
        return self.change(
            lambda session: picture_opened(session, reopened(picture, **parse_how(name, value.strip())))
        )

    def _typed(self, text: str) -> bool:
        from convtui.store.pictures import reopened

        return self.change(lambda session: layer_transition(text, reopened)(session))

    def _value_of(self, name: str) -> str:
        return value_text(self.session.stack, name)

    # -- selecting

    def code_of_page(self) -> Callable[[], str]:
        if self.own:
            raise ValueError("your network is code already; v goes back to the layers, which have code here")
        if self.model:
            return self.model.code_of_page()
        from convtui.export.stack_code import stack_code

        picture, stack, maker = self.session.picture, self.session.stack, self._maker
        known = maker.feature_maps if maker and maker.maps(stack.layer) else None
        return lambda: stack_code(picture, stack, known or feature_maps(stack, picture))

    def session_to_animate(self) -> Session:
        """The windows of the selected layer, if it has some."""
        if self.own:
            raise ValueError("filters of your network are not animated; v goes back to the layers")
        if self.model:
            raise ValueError(self.model.why_not_animated())
        stack, maker = self.session.stack, self._maker
        if maker is None or not maker.maps(stack.layer):
            raise ValueError("the layer's input is still being computed")
        return layer_opened(self.session, maker.feature_maps)

    def action_cells(self, count: int) -> None:
        if self.model:
            self.model.move(count)
        elif self.shows_features:
            self.features.move(count)
        else:
            self.change_stack(lambda stack: stack.moved(count), "activation")

    def action_rows(self, count: int) -> None:
        if self.model:
            self.model.move_rows(count)
        elif self.shows_features:
            self.features.move_rows(count)
        else:
            self.change_stack(lambda stack: stack.moved_rows(count), "activation")

    def action_channels(self, count: int) -> None:
        if self.model:
            self.model.move_channels(count)
        elif self.shows_features:
            self.features.move_pages(count)
        else:
            self.change_stack(lambda stack: stack.moved_channels(count), "activation")

    def action_layer(self, count: int) -> None:
        if self.own:
            self.own.move_convolutions(count)
            return
        if self.model:
            self.model.move_operations(count)
            return
        self.change_stack(lambda stack: stack.moved_layers(count), "layer")

    def action_ends(self, direction: int) -> None:
        if self.own:
            self.own.go_to_end(direction)
            return
        if self.model:
            self.model.go_to_end(direction)
            return
        self.change_stack(lambda stack: stack.at(len(stack.summary.rows) if direction > 0 else 0), "layer")

    def action_restart(self) -> None:
        if self.own:
            self.own.select(lambda _: 0)
            return
        if self.model:
            self.model.restart()
            return
        self.change_stack(lambda stack: stack.at(stack.layer, (0, 0, 0)))

    def action_go_to(self) -> None:
        if self.own:
            self.own.ask_where()
            return
        if self.model:
            self.model.go_to()
            return
        question = "go to (layer, row,column or channel,row,column)"
        self.prompt(question, "", self._go_to, "5 · 4,18 · 0,4,18")

    def _go_to(self, text: str) -> bool:
        return self.change_stack(lambda stack: parse_activation(text, stack))

    def on_canvas_clicked(self, message: Canvas.Clicked) -> None:
        message.stop()
        row, column = message.cell
        plan = self._plan.value
        if self.model:
            self.model.clicked(message.pane, row, column)
        elif message.pane is self.features.tiles:
            self.features.select(row)
        elif plan is None:
            return
        elif message.pane is self._table:
            self.change_stack(lambda stack: stack.at(row))
        elif message.pane is self._mosaic:
            activation = plan.tiling.activation_at(message.cell)
            if activation:
                self.change_stack(lambda stack: stack.at(stack.layer, activation))
        elif message.pane is self._selected and plan.selected:
            self._select(None, row, column, plan.selected.every)
        elif message.pane is self._image:
            self._select(0, row, column, plan.image.every)
        else:
            # None: the layers were changed after the click, and their panes with them.
            number = next((n for n, pane in self._chain.items() if pane is message.pane), None)
            if number is not None:
                self._select(number, row, column, plan.chain[number].every)

    def _select(self, layer: int | None, row: int, column: int, every: int) -> None:
        """Select a cell of a layer's map, or of the selected layer's; the channel stays if there is one."""

        def make(stack: Stack) -> Stack:
            place: Position = (stack.activation[0], row * every, column * every)
            return stack.at(stack.layer if layer is None else layer, place)

        self.change_stack(make)

    # -- what else the common keys do

    def action_multiply_add(self, count: int) -> None:  # noqa: ARG002
        self.say("the Step page shows multiply-adds; enter opens the layer there")

    def action_open_layer(self) -> None:
        """Open the selected layer's operation on the Step page."""
        if self.own:
            self.say("enter opens an operation of the network that convtui net.py:Net photo.jpg shows")
            return
        if self.model:
            self.model.open_selected()
            return
        stack, maker = self.session.stack, self._maker
        if maker is None or not maker.maps(stack.layer):
            self.say("the layer's input is still being computed")
            return
        feature_maps = maker.feature_maps
        if self.change(lambda session: layer_opened(session, feature_maps)):
            name = self.session.picture.name
            has_weights = isinstance(stack.summary.rows[stack.layer].layer, Conv | Depthwise | ConvTranspose)
            real = "its real input and weights" if has_weights else "its real input"
            self.host.open_page("step", f"{name}: {real} · u, then 3, to go back")

    def open_named(self, text: str) -> bool:
        before = self.session.picture
        is_open = super().open_named(text)
        if self.own and self.session.picture is not before:
            return self.own.look_at(self.session.picture) and is_open
        return is_open

    def action_finish(self) -> None:
        self.say("f finishes the output on the Step page; 1 opens it")

    # -- the features view

    @property
    def shows_features(self) -> bool:
        """Whether filters are on show, of the stack of layers or of the user's own network."""
        return bool(self.own) or (self.session.view.features and not self.model)

    def action_own_network(self) -> None:
        """Back and forth between the user's own network and the stack of layers."""
        self._is_own_wanted = False
        if self.host.lesson is not None:
            self.say("this key is for a network of your own; the lesson chooses what is shown")
            return
        if self.host.model is None:
            self.say("no network of yours is open: convtui net.py:Net photo.jpg opens one")
            return
        self._is_model_wanted = not self._is_model_wanted
        self.show_keys()
        self.show_again()

    def action_features(self) -> None:
        if self.own:
            self._is_own_wanted = False
            self.features.measured.pause()
            self.show_again()
            return
        if self.model:
            self._open_own_features(self.model.model)
            return
        self.change(lambda session: session.with_view(features=not session.view.features), "look")

    def _open_own_features(self, model: OpenModel) -> None:
        """Those that were shown last, or of the newest run of this network."""
        if self.host.lesson is not None:
            self.say("the lesson chooses what is shown")
        elif self._own_features.opened:
            self._opened_features()
        else:
            self._runs.open_newest(model.opening.target, model.opening.arguments)

    def action_panel(self, by: int) -> None:
        if self.model:
            self.model.next_panel(by)
        elif self.shows_features:
            self.features.next_panel(by)
        else:
            self._next_remark(by)

    def _next_remark(self, by: int) -> None:
        """Say one more of what the checks find in the stack of layers, and how many there are."""
        summary, maker = self.session.stack.summary, self._maker
        made = maker.made if maker else 0
        graph = self._checked.get((summary, maker, made), lambda: self._with_dead_filters(summary))
        found = self._remarks.get(graph, lambda: remarks(graph))
        if not found:
            self.say(checks_line(unmade(graph)))
            return
        if self._remarked is not found:
            self._remarked, self._remark = found, -1 if by > 0 else 0
        self._remark = (self._remark + by) % len(found)
        self.say(f"{self._remark + 1} of {len(found)} · {found[self._remark].evidence}")

    def _with_dead_filters(self, summary: Summary) -> Graph:
        """The layers as a graph, with the dead filters of those whose maps are made."""

        def values(layer: int) -> Array | None:
            maps = self._maker.maps(layer) if self._maker else None
            return maps.values if maps else None

        return with_dead_filters(replace(summary.graph, input_name="this image"), values)

    def action_panel_alone(self) -> None:
        self._in_features(self.features.toggle_alone)

    def action_overlay(self, by: int) -> None:
        self._in_features(lambda: self.features.next_overlay(by))

    def action_hide_filter(self) -> None:
        self._in_features(self.features.hide_selected)

    def action_stop_measuring(self) -> None:
        if self.model:
            self.run_worker(self.model.model.stop())
            return
        self._in_features(self.features.measured.stop)

    def action_slice(self, by: int) -> None:
        if self.model and self.model.next_channel(by):
            return
        if self.shows_features:
            self.features.next_class(by)
        else:
            super().action_slice(by)

    def _in_features(self, act: Callable[[], object]) -> None:
        """Do something that only the features view has; elsewhere say how to come there."""
        if self.model:
            self.say("this key is for a stack of layers, which y shows")
        elif self.shows_features:
            act()
        else:
            self.say("this key works in the features view, which v opens")

    def footer_words(self) -> Mapping[str, str]:
        words = {"channel": "", "own network": "", "run again": "", "input": ""}
        if self.own:
            back = "your network" if self.host.model is not None else "table"
            not_here = dict.fromkeys(("row", "play", "edit", "finish", "open", "save"), "")
            return words | not_here | {"features": back, "activation": "filter"}
        if self.model:
            left_out = (
                "hide",
                "edit",
                "play",
                "row",
                "activation",
                "undo",
                "save",
                "finish",
                "go to",
            )
            filters = "filters" if self._own_features.opened else ""
            own = {"own network": "layers", "run again": "rerun", "features": filters}
            has_others = self.model.shown.is_one_of_several(self.model.model.trace)
            return words | dict.fromkeys(left_out, "") | own | ({"input": "input"} if has_others else {})
        if self.host.model is not None:
            words["own network"] = "your network"
        if not self.session.view.features:
            return words | {"panel": "", "hide": ""}
        return words | {"features": "table", "activation": "filter", "row": "", "play": ""}

    def end_reached(self) -> str:
        if self.own:
            return "space plays through the activations of a layer"
        if self.model:
            return "this is the last activation; r restarts" if self.model.is_at_end else ""
        if self.session.stack == self.session.stack.moved(1):
            return "this is the last activation of the layer; r restarts"
        return ""

    def play_on(self, count: int) -> bool:
        if self.own:
            return False
        if self.model:
            self.model.move(count)
            return not self.model.is_at_end
        before = self.session.stack
        self.action_cells(count)
        return self.session.stack != before


@lru_cache(maxsize=4)
def _to_come(shape: Position) -> Maps:
    return Maps.to_come(shape)


def _fed(stack: Stack) -> tuple[Feeding, ...]:
    return feeding(stack.summary.rows, stack.layer, stack.activation)
