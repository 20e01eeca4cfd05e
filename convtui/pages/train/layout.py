"""Where the panes of the Train page go in each of its views.

Computed from the view and the terminal's size alone, so that nothing moves while a run is active. Where
there is no room for all, the panes that are least needed are left out, so that those that stay can be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from textual.geometry import Region

from convtui.pages.base.layout import GAP, MARGIN
from convtui.pages.train.figures import (
    CurvesView,
    FinderView,
    LaboratoryView,
    LayersView,
    RunsView,
    TrainView,
    WeightView,
)
from convtui.pages.train.laboratory_layout import laboratory_places
from convtui.paint.panes import Size

STATUS: Final = 2
BESIDE: Final = 58  # columns from which there are two columns of panes
CARD_BESIDE: Final = 76  # columns from which formulas and plots are both whole
WIDE: Final = 100
ROOMY: Final = 30  # lines
LEAST_RIGHT: Final = 26  # columns: room for a plot with axes
COMPARISON: Final = 4  # lines of its words
MOST_RUNS: Final = 12


@dataclass(frozen=True)
class _Want:
    """A pane in a column: the least lines it needs, its share of what is over, and how much it is needed."""

    name: str
    least: int
    share: int
    need: int = 9


def train_plan(view: TrainView, size: Size) -> dict[str, Region]:
    """The panes of a view that fit on a canvas, by name, from left to right where they share a line."""
    height, width = size
    status = Region(MARGIN, 0, width - MARGIN, STATUS)
    below = Region(MARGIN, STATUS, width - MARGIN, max(height - STATUS, 0))
    match view:
        case CurvesView():
            places = _curves(below, bool(view.invitation))
        case LayersView():
            places = _layers(below, len(view.layers))
        case WeightView():
            places = _weight(below)
        case RunsView():
            places = _runs(below, len(view.rows), bool(view.arms))
        case FinderView():
            places = {"finder": below}
        case LaboratoryView():
            places = laboratory_places(below, tuple(view.pictures), len(view.told))
    return {"status": status, **places}


def _curves(room: Region, is_inviting: bool) -> dict[str, Region]:
    left, right = _halves(room, 3, 5)
    main = "invitation" if is_inviting else "loss"
    columns = [_Want(main, 12 if is_inviting else 9, 5), _Want("rate", 6, 2, 8), _Want("momentum", 6, 2, 2)]
    pictures = [_Want("accuracy", 8, 1, 7), _Want("kernels", 7, 3, 3), _Want("predictions", 9, 2, 5)]
    return {**_stacked(left, columns), **_stacked(right, pictures[-1 if is_inviting else 0 :])}


def _layers(room: Region, count: int) -> dict[str, Region]:
    table = Region(room.x, room.y, room.width, min(count + 2, max(room.height // 3, 4)))
    left, right = _halves(_under(room, table), 3, 5)
    wants = [_Want("stds", 7, 1), _Want("near zero", 7, 1, 3), _Want("norms", 7, 1, 5)]
    return {"layers": table, "band": left, **_stacked(right, wants)}


def _weight(room: Region) -> dict[str, Region]:
    card = [_Want("card", 16, 6), _Want("norms", 8, 1, 3)]
    plots = [_Want("gradients", 7, 2, 8), _Want("value", 6, 1, 7), _Want("updates", 6, 1, 5)]
    if room.width < CARD_BESIDE:
        return _stacked(room, [*card, *plots])
    left, right = _halves(room, 1, 2) if room.width >= WIDE else _halves(room, 3, 5)
    return {**_stacked(left, card), **_stacked(right, plots)}


def _runs(room: Region, count: int, has_comparison: bool) -> dict[str, Region]:
    is_roomy = room.height >= ROOMY
    table = Region(room.x, room.y, room.width, min(count + 2, MOST_RUNS if is_roomy else 6))
    comparison = min(COMPARISON + is_roomy, room.height // 4) if has_comparison else 0
    words = Region(room.x, room.bottom - comparison, room.width, comparison)
    middle = Region(room.x, table.bottom, room.width, words.y - table.bottom)
    left, right = _halves(middle, 1, 2)
    return {
        "runs": table,
        "losses": left,
        "accuracies": right,
        **({"comparison": words} if comparison else {}),
    }


def _halves(room: Region, share: int, of: int) -> tuple[Region, Region]:
    """Two columns, the left with a share of the width; a narrow room has one, and the right is empty."""
    if room.width < BESIDE:
        return room, Region()
    right = max(room.width - room.width * share // of - GAP, LEAST_RIGHT)
    left = room.width - GAP - right
    return (
        Region(room.x, room.y, left, room.height),
        Region(room.x + left + GAP, room.y, right, room.height),
    )


def _under(room: Region, above: Region) -> Region:
    return Region(room.x, above.bottom, room.width, room.bottom - above.bottom)


def _stacked(room: Region, wants: Sequence[_Want]) -> dict[str, Region]:
    """Panes over one another: the least needed are left out until all fit, the others share what is over."""
    kept = list(wants)
    while len(kept) > 1 and sum(each.least for each in kept) > room.height:
        kept.remove(min(kept, key=lambda each: each.need))
    if not room:
        return {}
    spare = max(room.height - sum(each.least for each in kept), 0)
    shares = sum(each.share for each in kept)
    places, y, given = {}, room.y, 0
    for each in kept:
        given += each.share
        end = room.y + sum(one.least for one in kept[: kept.index(each) + 1]) + spare * given // shares
        places[each.name] = Region(room.x, y, room.width, min(end, room.bottom) - y)
        y = end
    return places
