"""Where the panes of the BatchNorm page go, from the terminal's size alone, so that nothing moves."""

from __future__ import annotations

from enum import Enum
from typing import Final

from textual.geometry import Region

from convtui.pages.base.layout import GAP, MARGIN

FORMULA: Final = 3
TABLE: Final = 4
MODES: Final = 4
RULE: Final = 1
ROOMY: Final = 32  # lines from which the plots stand under the numbers
TABLE_WIDTH: Final = 76
MODES_WIDTH: Final = 41
HINTED: Final = 21  # lines from which the sentence has one of its own
LEAST_HISTOGRAM: Final = 6

Regions = dict[str, Region]


class BatchNormView(Enum):
    """What is shown where there is not room for everything."""

    VALUES = "values"
    MEANS = "means"
    VARIANCES = "variances"

    def next(self, height: int) -> BatchNormView:
        """The view after this one; where there is room the variances stand under the means."""
        views = [BatchNormView.VALUES, BatchNormView.MEANS] if height >= ROOMY else list(BatchNormView)
        return views[(views.index(self) + 1) % len(views)] if self in views else BatchNormView.VALUES


def regions_of(size: tuple[int, int], view: BatchNormView, hints: bool) -> Regions:
    """The panes' regions by name, for a canvas of so many lines and columns."""
    height, width = size
    inner = width - 2 * MARGIN
    regions = {"title": Region(MARGIN, 0, inner, 1)}
    top = 1
    if hints and height >= HINTED:
        regions["hint"] = Region(MARGIN, 1, inner, 1)
        top = 2
    rest = Region(MARGIN, top, inner, height - top)
    return regions | (_values(rest) if view is BatchNormView.VALUES else _batches(rest, view))


def _values(area: Region) -> Regions:
    is_wide = area.width >= TABLE_WIDTH + GAP + MODES_WIDTH - 4
    is_roomy = area.height >= ROOMY
    gap = 1 if is_roomy else 0
    numbers = FORMULA + TABLE + RULE + RULE + (0 if is_wide else MODES)
    if area.height - numbers < LEAST_HISTOGRAM + 1:
        numbers -= RULE
    spare = area.height - numbers - 2 * gap
    upper = spare - spare // 2 - gap if is_roomy else spare
    regions, y = _beside(area, area.y, upper, "before", "after"), area.y + upper + gap
    regions["formula"] = Region(area.x, y, area.width, FORMULA)
    y += FORMULA + gap
    regions["running"] = Region(area.x, y, min(area.width, TABLE_WIDTH), TABLE)
    modes = Region(area.x, y + TABLE, area.width, MODES)
    if is_wide:
        modes = Region(area.right - MODES_WIDTH, y, MODES_WIDTH, MODES)
    has_rule = y + TABLE + RULE + (0 if is_wide else MODES) + RULE <= area.bottom
    if has_rule:
        regions["rule"] = Region(area.x, y + TABLE, area.width, RULE)
        if not is_wide:
            modes = modes.translate((0, RULE))
    regions["modes"] = modes
    y = max(modes.bottom, y + TABLE + (RULE if has_rule else 0))
    regions["difference"] = Region(area.x, y, area.width, RULE)
    if is_roomy:
        below = area.bottom - y - RULE - gap
        regions |= _beside(area, y + RULE + gap, below, "batch means", "spread of means")
    return regions


def _batches(area: Region, view: BatchNormView) -> Regions:
    spare = area.height - TABLE - RULE
    names = [view.value]
    if area.height >= ROOMY:
        names = [BatchNormView.MEANS.value, BatchNormView.VARIANCES.value]
    regions: Regions = {}
    y = area.y
    for at, name in enumerate(names):
        height = (spare - y + area.y) // (len(names) - at)
        regions |= _beside(area, y, height, f"batch {name}", f"spread of {name}")
        y += height
    regions["running"] = Region(area.x, y, min(area.width, TABLE_WIDTH), TABLE)
    regions["rule"] = Region(area.x, y + TABLE, area.width, RULE)
    return regions


def _beside(area: Region, y: int, height: int, left: str, right: str) -> Regions:
    half = (area.width - GAP) // 2
    return {
        left: Region(area.x, y, half, height),
        right: Region(area.x + half + GAP, y, area.width - half - GAP, height),
    }
