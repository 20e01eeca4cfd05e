"""Where the panes of the Norms page go, from the terminal's size alone, so that nothing moves."""

from __future__ import annotations

from enum import Enum
from typing import Final

from textual.geometry import Region

from convtui.pages.base.layout import GAP, MARGIN

FORMULA: Final = 3
TABLE: Final = 4
MODES: Final = 4
RULE: Final = 1
NORMS: Final = 5
ROOMY: Final = 32  # lines from which the plots stand under the numbers
TABLE_WIDTH: Final = 76
MODES_WIDTH: Final = 41
HINTED: Final = 21  # lines from which the sentence has one of its own
LEAST_HISTOGRAM: Final = 6
NORM_HISTOGRAM: Final = 8  # beside the maps

Regions = dict[str, Region]


class BatchNormView(Enum):
    """What is shown where there is not room for everything."""

    VALUES = "values"
    MEANS = "means"
    VARIANCES = "variances"
    NORMS = "norms"


def views_of(height: int, has_running: bool) -> tuple[BatchNormView, ...]:
    """The views that there are, the first first.

    Where there is room the variances stand under the means, and the values over the norms' maps.
    has_running: whether the norm has running statistics, which means and variances are about.
    """
    is_roomy = height >= ROOMY
    if not has_running:
        return (BatchNormView.NORMS,) if is_roomy else (BatchNormView.NORMS, BatchNormView.VALUES)
    others = (BatchNormView.MEANS,) if is_roomy else (BatchNormView.MEANS, BatchNormView.VARIANCES)
    return BatchNormView.VALUES, *others, BatchNormView.NORMS


def regions_of(size: tuple[int, int], view: BatchNormView, hints: bool, has_running: bool = True) -> Regions:
    """The panes' regions by name, for a canvas of so many lines and columns."""
    height, width = size
    inner = width - 2 * MARGIN
    regions = {"title": Region(MARGIN, 0, inner, 1)}
    top = 1
    if hints and height >= HINTED:
        regions["hint"] = Region(MARGIN, 1, inner, 1)
        top = 2
    rest = Region(MARGIN, top, inner, height - top)
    match view:
        case BatchNormView.NORMS:
            return regions | _norms(rest)
        case BatchNormView.VALUES:
            return regions | (_values(rest) if has_running else _values_beside_norms(rest))
    return regions | _batches(rest, view)


def _norms(area: Region) -> Regions:
    """The norms side by side, and the maps under them."""
    is_roomy = area.height >= ROOMY
    gap = 1 if is_roomy else 0
    regions: Regions = {}
    y = area.y
    if is_roomy:
        regions |= _beside(area, y, NORM_HISTOGRAM, "before", "after")
        y += NORM_HISTOGRAM + gap
    names = [("formula", FORMULA), ("norms", NORMS), ("rule", RULE if is_roomy else 0), ("difference", RULE)]
    is_wide = area.width >= TABLE_WIDTH + GAP + MODES_WIDTH - 4
    for name, height in names:
        if height:
            regions[name] = Region(area.x, y, area.width, height)
        y += height + (gap if name in ("formula", "difference") else 0)
    if is_wide:
        table = regions["norms"]
        regions["norms"] = Region(area.x, table.y, area.width - MODES_WIDTH - GAP, NORMS)
        regions["modes"] = Region(area.right - MODES_WIDTH, table.y, MODES_WIDTH, MODES)
    regions["shared"] = Region(area.x, y, area.width, RULE)
    regions["maps"] = Region(area.x, y + RULE, area.width, area.bottom - y - RULE)
    return regions


def _values_beside_norms(area: Region) -> Regions:
    """The values of a norm without running statistics."""
    histogram = area.height - FORMULA - NORMS - 2 * RULE
    regions, y = _beside(area, area.y, histogram, "before", "after"), area.y + histogram
    for name, height in ("formula", FORMULA), ("norms", NORMS), ("rule", RULE), ("difference", RULE):
        regions[name] = Region(area.x, y, area.width, height)
        y += height
    return regions


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
