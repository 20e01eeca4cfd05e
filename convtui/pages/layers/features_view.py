"""The features view of the Layers page: the filters of a layer, and what of the data excites them.

The page routes keys here while the view is on. Kernels, maps and similarities are computed at once; what
takes a data set is measured in the training process and comes a little later.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from math import prod
from textwrap import wrap
from typing import Final, TypeAlias

from textual.geometry import Region

from convtui.pages.base.layout import MARGIN
from convtui.pages.base.memo import Memo
from convtui.pages.base.services import PageServices
from convtui.pages.layers.feature_measurements import FeatureMeasurements
from convtui.pages.layers.features_drawing import (
    accuracy_lines,
    class_lines,
    filter_lines,
    patch_lines,
    tile_at,
    tile_lines,
)
from convtui.pages.layers.features_figures import (
    Accuracies,
    Explained,
    Filters,
    Kernels,
    Patches,
    SelectedFilter,
    SelectedTile,
    Tiles,
)
from convtui.pages.layers.features_labels import COMPUTING, filter_note, head_lines
from convtui.pages.layers.features_layout import FeaturesPlan, features_plan, next_panel, shown_panel
from convtui.pages.layers.looked import Choices, Looked
from convtui.paint.canvas import Pane
from convtui.paint.colours import Palette
from convtui.paint.panes import DrawnPane, Size, TextPane
from convtui.state.session import Overlay, Panel, View

MOST_AT_ONCE: Final = 1 << 17  # weights of a layer that are looked through while a key waits
LAYERS_KEPT: Final = 6
NOTE_WIDTH: Final = 42  # columns

_Pane: TypeAlias = (
    TextPane
    | DrawnPane[SelectedTile]
    | DrawnPane[SelectedFilter]
    | DrawnPane[Patches]
    | DrawnPane[Accuracies]
    | DrawnPane[Explained]
)
_Places: TypeAlias = dict[str, Region]


class FeaturesView:
    """The panes of the view, and what its keys choose."""

    def __init__(self, page: PageServices, choices: Callable[[], Choices]) -> None:
        """choices: of what is looked at now."""
        self._page, self._choices = page, choices
        self.measured = FeatureMeasurements(page)
        self._head = TextPane()
        self.tiles = DrawnPane(tile_lines, tile_at)
        self._filter, self.patches = DrawnPane(filter_lines), DrawnPane(patch_lines)
        self._accuracies, self._class = DrawnPane(accuracy_lines), DrawnPane(class_lines)
        self._panes: dict[str, _Pane] = {
            "head": self._head,
            "tiles": self.tiles,
            Panel.KERNEL.value: self._filter,
            Panel.PATCHES.value: self.patches,
            Panel.ACCURACY.value: self._accuracies,
            Panel.CLASS.value: self._class,
        }
        self._kernels: dict[Hashable, Kernels | None] = {}  # None while they are not known
        self._sought: set[Hashable] = set()  # those that another thread looks through
        self._placed: tuple[_Places, Palette] | None = None
        self._plan: Memo[FeaturesPlan] = Memo()
        self._filters: Memo[Filters] = Memo()
        self._tiles_shown: Memo[Tiles] = Memo()
        self._selected_tile: Memo[SelectedTile] = Memo()
        self._selected_filter: Memo[SelectedFilter] = Memo()

    # -- showing

    def leave(self) -> None:
        """Other panes are on the canvas now."""
        self._placed = None

    def show(self, size: Size, palette: Palette) -> dict[str, Pane] | None:
        """Draw the view on a canvas of so many lines and columns; tells its panes if they are others."""
        choices = self._choices()
        looked, view = choices.looked, choices.view
        line = looked if isinstance(looked, str) else ""
        kernels = None if isinstance(looked, str) else self._kernels_of(looked)
        if isinstance(looked, str) or kernels is None:
            placed = self._place({"head": Region(MARGIN, 0, size[1] - MARGIN, size[0])}, palette)
            if not isinstance(looked, str):
                self.measured.want(looked, view, view.panel)
                line = self.measured.status or COMPUTING
            self._head.show(wrap(line, size[1] - MARGIN - 1))
            return placed
        filters = self._filters_of(looked, kernels)
        plan = self._plan.get(
            (filters.wanted, size, view.panel_alone, view.hints),
            lambda: features_plan(size, filters.wanted, view.panel_alone, view.hints),
        )
        panel = shown_panel(view.panel, plan.is_roomy)
        self.measured.want(looked, view, panel)
        places = {"head": plan.head, "tiles": plan.tiles, Panel.KERNEL.value: plan.filter}
        placed = self._place(places | {panel.value: plan.panel}, palette)
        selected = looked.selected
        if plan.tiles:
            self._show_tiles(filters, plan, selected)
        if plan.filter or panel is Panel.KERNEL:
            self._show_filter(filters, selected, looked, panel)
        match panel:
            case Panel.PATCHES:
                self.patches.show(self.measured.patches(looked, selected))
            case Panel.ACCURACY:
                self._accuracies.show(self.measured.accuracies(looked, selected))
            case Panel.CLASS:
                self._class.show(self.measured.explained(looked, view))
        in_view = plan.in_view_with(selected, filters.count)
        self._head.show(head_lines(filters, looked.named, in_view, self.measured.status, plan.head.size))
        return placed

    def _place(self, places: _Places, palette: Palette) -> dict[str, Pane] | None:
        """Give the panes their places; tells them if anything is new."""
        places = {name: region for name, region in places.items() if region}
        if self._placed == (places, palette):
            return None
        self._placed = places, palette
        panes = {name: self._panes[name] for name in places}
        for name, pane in panes.items():
            if isinstance(pane, DrawnPane):
                pane.show(None)  # what it showed last was made for another place
            pane.place(places[name], palette)
        return dict(panes)

    def _show_tiles(self, filters: Filters, plan: FeaturesPlan, selected: int) -> None:
        numbers = plan.in_view_with(selected, filters.count)
        tiles = self._tiles_shown.get((filters, plan, numbers), lambda: Tiles(filters, plan, numbers))
        self.tiles.show(self._selected_tile.get((tiles, selected), lambda: SelectedTile(tiles, selected)))

    def _show_filter(self, filters: Filters, selected: int, looked: Looked, panel: Panel) -> None:
        """With what hiding it does, where no panel with the accuracies says so."""
        is_told = panel is Panel.ACCURACY
        accuracies = None if is_told else self.measured.accuracies(looked, selected)
        note = filter_note(filters, selected, accuracies, self.measured.images(looked), NOTE_WIDTH)
        key = (filters, selected, note)
        self._filter.show(self._selected_filter.get(key, lambda: SelectedFilter(*key)))

    # -- the filters

    def _filters_of(self, looked: Looked, kernels: Kernels) -> Filters:
        """The layer's filters with what is known of them by now."""
        maps = looked.maps
        before = self.measured.before(looked, kernels)
        dead, hidden = self.measured.dead(looked), self.measured.hidden(looked)
        return self._filters.get(
            (kernels, before, id(maps), looked.map_size, dead, hidden),
            lambda: Filters(kernels, before, maps, looked.map_size, dead, hidden),
        )

    def _kernels_of(self, looked: Looked) -> Kernels | None:
        """What the kernels of a layer resemble; None until they are known, by another thread where many."""
        key = looked.key
        if self._kernels.get(key) is None and key not in self._sought:
            while len(self._kernels) >= LAYERS_KEPT:
                del self._kernels[next(iter(self._kernels))]
            self._kernels[key] = None
            if prod(looked.shape) <= MOST_AT_ONCE:
                weight = looked.weight()
                self._kernels[key] = None if weight is None else Kernels.of(weight)
            else:
                self._sought.add(key)
                self._page.in_thread(lambda: partial(self._has_kernels, key, _kernels(looked)))
        return self._kernels[key]

    def _has_kernels(self, key: Hashable, kernels: Kernels | None) -> None:
        self._sought.discard(key)
        if key in self._kernels and kernels is not None:
            self._kernels[key] = kernels
            self._page.show_again()

    # -- choosing

    def move(self, by: int) -> None:
        """Select the filter so many further."""
        self._choices().select(lambda selected: selected + by)

    def move_rows(self, by: int) -> None:
        """Select the filter so many tiles below."""
        plan = self._plan.value
        self.move(by * max(plan.across, 1) if plan else by)

    def move_pages(self, by: int) -> None:
        """Select the filter so many pages of tiles further."""
        plan = self._plan.value
        self.move(by * max(plan.in_view, 1) if plan else by)

    def select(self, number: int) -> None:
        self._choices().select(lambda _: number)

    def next_panel(self, by: int) -> None:
        plan = self._plan.value
        self._look(lambda view: {"panel": next_panel(view.panel, bool(plan and plan.is_roomy), by)})

    def toggle_alone(self) -> None:
        self._look(lambda view: {"panel_alone": not view.panel_alone})

    def next_class(self, by: int) -> None:
        """Explain another class, from the predicted one on; the panel with the classes is shown."""
        shown = self._class.shown
        if shown is None or shown.instead:
            self._look(lambda _: {"panel": Panel.CLASS})
            return
        count, target = len(shown.classes), shown.target
        self._look(lambda _: {"panel": Panel.CLASS, "explained": (target + by) % count})

    def hide_selected(self) -> None:
        """Hide the selected filter, or show it again; the panel with the accuracies is shown."""
        looked = self._choices().looked
        if isinstance(looked, str):
            return
        self.measured.toggle_hidden(looked)
        self._look(lambda _: {"panel": Panel.ACCURACY})
        self._page.show_again()

    def next_overlay(self, by: int) -> None:
        """The image, or a map over it; the panel with the image is shown."""
        kinds = list(Overlay)

        def changes(view: View) -> Mapping[str, object]:
            if view.panel is not Panel.CLASS:
                return {"panel": Panel.CLASS}
            return {"overlay": kinds[(kinds.index(view.overlay) + by) % len(kinds)]}

        self._look(changes)

    def _look(self, changes: Callable[[View], Mapping[str, object]]) -> None:
        self._choices().look(changes)


def _kernels(looked: Looked) -> Kernels | None:
    """In another thread."""
    weight = looked.weight()
    return None if weight is None else Kernels.of(weight)
