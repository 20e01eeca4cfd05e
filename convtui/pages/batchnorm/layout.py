"""Where the panes of the BatchNorm page go, from the terminal's size alone, so that nothing moves."""

from __future__ import annotations

from enum import Enum
from typing import Final

from textual.geometry import Region

from convtui.pages.base.layout import GAP, MARGIN

FORMULA: Final = 3
TABLE: Final = 4
SIDES: Final = 4
RULE: Final = 1
ROOMY: Final = 32  # lines from which the plots stand under the numbers
TABLE_WIDTH: Final = 76
SIDES_WIDTH: Final = 41
HINTED: Final = 21  # lines from which the sentence has one of its own
LEAST_HISTOGRAM: Final = 6

Places = dict[str, Region]


class View(Enum):
    """What is on the page where there is not room for all."""

    VALUES = "values"
    MEANS = "means"
    VARIANCES = "variances"

    def next(self, height: int) -> View:
        """The view after this one; where there is room the variances stand under the means."""
        views = [View.VALUES, View.MEANS] if height >= ROOMY else list(View)
        return views[(views.index(self) + 1) % len(views)] if self in views else View.VALUES


def planned(size: tuple[int, int], view: View, hints: bool) -> Places:
    """The regions of the panes by name, for so many lines and columns."""
    height, width = size
    inner = width - 2 * MARGIN
    places = {"title": Region(MARGIN, 0, inner, 1)}
    top = 1
    if hints and height >= HINTED:
        places["hint"] = Region(MARGIN, 1, inner, 1)
        top = 2
    rest = Region(MARGIN, top, inner, height - top)
    return places | (_values(rest) if view is View.VALUES else _batches(rest, view))


def _values(area: Region) -> Places:
    is_wide = area.width >= TABLE_WIDTH + GAP + SIDES_WIDTH - 4
    is_roomy = area.height >= ROOMY
    gap = 1 if is_roomy else 0
    numbers = FORMULA + TABLE + RULE + RULE + (0 if is_wide else SIDES)
    if area.height - numbers < LEAST_HISTOGRAM + 1:
        numbers -= RULE
    spare = area.height - numbers - 2 * gap
    upper = spare - spare // 2 - gap if is_roomy else spare
    places, y = _beside(area, area.y, upper, "before", "after"), area.y + upper + gap
    places["formula"] = Region(area.x, y, area.width, FORMULA)
    y += FORMULA + gap
    places["running"] = Region(area.x, y, min(area.width, TABLE_WIDTH), TABLE)
    sides = Region(area.x, y + TABLE, area.width, SIDES)
    if is_wide:
        sides = Region(area.right - SIDES_WIDTH, y, SIDES_WIDTH, SIDES)
    has_rule = y + TABLE + RULE + (0 if is_wide else SIDES) + RULE <= area.bottom
    if has_rule:
        places["rule"] = Region(area.x, y + TABLE, area.width, RULE)
        if not is_wide:
            sides = sides.translate((0, RULE))
    places["sides"] = sides
    y = max(sides.bottom, y + TABLE + (RULE if has_rule else 0))
    places["difference"] = Region(area.x, y, area.width, RULE)
    if is_roomy:
        below = area.bottom - y - RULE - gap
        places |= _beside(area, y + RULE + gap, below, "batch means", "scatter of means")
    return places


def _batches(area: Region, view: View) -> Places:
    spare = area.height - TABLE - RULE
    names = [view.value]
    if area.height >= ROOMY:
        names = [View.MEANS.value, View.VARIANCES.value]
    places: Places = {}
    y = area.y
    for at, name in enumerate(names):
        height = (spare - y + area.y) // (len(names) - at)
        places |= _beside(area, y, height, f"batch {name}", f"scatter of {name}")
        y += height
    places["running"] = Region(area.x, y, min(area.width, TABLE_WIDTH), TABLE)
    places["rule"] = Region(area.x, y + TABLE, area.width, RULE)
    return places


def _beside(area: Region, y: int, height: int, left: str, right: str) -> Places:
    half = (area.width - GAP) // 2
    return {
        left: Region(area.x, y, half, height),
        right: Region(area.x + half + GAP, y, area.width - half - GAP, height),
    }
