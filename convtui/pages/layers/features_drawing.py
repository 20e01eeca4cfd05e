"""How the features view is drawn: tiles of all filters, the selected one, and the panel beside them."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, isnan
from textwrap import wrap
from typing import Final

import numpy as np

from convtui.pages.base.layout import GAP
from convtui.pages.layers.features_figures import (
    Accuracies,
    Explained,
    Filters,
    Patches,
    SelectedFilter,
    SelectedTile,
    ShownPatch,
    Tiles,
)
from convtui.pages.layers.features_labels import (
    BEFORE,
    NOW,
    accuracy_title,
    caption,
    class_title,
    filter_title,
    filter_words,
    first_fitting,
    hidden_line,
    patch_words,
    patches_title,
    percent,
)
from convtui.pages.layers.features_layout import (
    CAPTION,
    FILTER_WORDS,
    PatchesPlan,
    Small,
    before_at,
    kernel_small,
    patches_plan,
    slices_plan,
)
from convtui.paint.colours import Array, Palette, Pixels, accent_on, diverging, mixed, style
from convtui.paint.glyphs import Glyphs, Lines
from convtui.paint.panes import Size
from convtui.paint.text import cut_to
from convtui.paint.thumbnails import draw_signed, even, pictures, thinned
from convtui.state.session import Overlay

MARKER: Final = "▸"
MAP: Final = "map"
BAR: Final = " ▏▎▍▌▋▊▉█"
LEAST_ACCURACY: Final = 22  # columns of a filter's accuracy, with its bar
MOST_WORDS: Final = 2  # lines of a map's formula
LEAST_SLOT: Final = 13  # columns: room for "▸occlusion ÷2"
SHARE: Final = 8  # columns of a class's mark and probability
MOST_BESIDE: Final = 20  # columns of the classes' names and probabilities beside a picture


# -- tiles


def tile_lines(shown: SelectedTile, size: Size, palette: Palette) -> Lines:
    """All tiles in view, the selected one marked."""
    tiles, selected = shown.tiles, shown.selected
    glyphs = _drawn_tiles(tiles, size, palette).copy()
    if selected in tiles.numbers:
        line, column = _place(tiles, selected)
        accent = style(accent_on(palette.background, palette), palette.background, True)
        text = caption(tiles.filters, selected, tiles.plan.tile.width - 1)
        glyphs.write(line, column, MARKER + text, accent)
    return glyphs.lines()


def tile_at(shown: SelectedTile, size: Size, line: int, column: int) -> tuple[int, int] | None:  # noqa: ARG001
    """The filter under a place, as a row of one column."""
    tiles, tile = shown.tiles, shown.tiles.plan.tile
    down, inside = divmod(line - CAPTION, tile.lines + tile.gap)
    across, right = divmod(column, tile.width + GAP)
    number = tiles.numbers.start + down * tiles.plan.across + across
    is_tile = down >= 0 and inside < tile.lines and right < tile.width and across < tiles.plan.across
    return (number, 0) if is_tile and number in tiles.numbers else None


def _place(tiles: Tiles, number: int) -> tuple[int, int]:
    """Line and column where a filter's tile begins."""
    tile = tiles.plan.tile
    down, across = divmod(number - tiles.numbers.start, tiles.plan.across)
    return CAPTION + down * (tile.lines + tile.gap), across * (tile.width + GAP)


@lru_cache(maxsize=4)
def _drawn_tiles(tiles: Tiles, size: Size, palette: Palette) -> Glyphs:
    """The tiles without the mark of the selected one, to be written on a copy."""
    glyphs = Glyphs(*size, palette)
    filters, tile = tiles.filters, tiles.plan.tile
    muted = style(palette.muted, palette.background)
    text = style(palette.text, palette.background)
    for across in range(min(tiles.plan.across, len(tiles.numbers))):
        left = across * (tile.width + GAP) + 1
        glyphs.write(0, left, NOW, muted)
        if filters.before is not None:
            glyphs.write(0, left + before_at(tile.kernel), BEFORE, muted)
        glyphs.write(0, left + tile.maps_at, f"{MAP}{_thinned(tile.maps.every)}", muted)
    for number in tiles.numbers:
        line, column = _place(tiles, number)
        is_off = number == filters.hidden or number in filters.dead
        glyphs.write(line, column + 1, caption(filters, number, tile.width - 1), muted if is_off else text)
        left, top = column + 1, line + CAPTION
        draw_small(glyphs, top, left, strongest(filters, number), filters.limit, tile.kernel)
        if filters.before is not None:
            before = filters.before.weight[number, filters.now.strongest[number]]
            draw_small(glyphs, top, left + before_at(tile.kernel), before, filters.limit, tile.kernel)
        if filters.maps is not None and number != filters.hidden:
            draw_small(glyphs, top, left + tile.maps_at, filters.maps[number], filters.map_limit, tile.maps)
        else:
            _draw_to_come(glyphs, top, left + tile.maps_at, tile.maps)
    return glyphs


def strongest(filters: Filters, number: int) -> Array:
    """The strongest slice [rows, columns] of a filter."""
    kernel: Array = filters.now.weight[number, filters.now.strongest[number]]
    return kernel


def draw_small(glyphs: Glyphs, row: int, column: int, values: Array, limit: float, small: Small) -> None:
    """Signed values [rows, columns] in little room; ±limit have the full colours."""
    shown = thinned(values, small.every)
    if small.are_blocks:
        draw_signed(glyphs, row, column, (shown / (limit or 1.0)).clip(-1, 1))
    else:
        pixels = diverging(shown, limit, glyphs.palette)
        glyphs.put_pixels(row, column, even(pixels, glyphs.palette))


def _draw_to_come(glyphs: Glyphs, row: int, column: int, small: Small) -> None:
    palette = glyphs.palette
    of = style(palette.muted, palette.uncomputed)
    glyphs.fill(row, column, (small.lines, small.width), "·", of)


def _thinned(every: int) -> str:
    return f" ÷{every}" if every > 1 else ""


# -- the selected filter


def filter_lines(shown: SelectedFilter, size: Size, palette: Palette) -> Lines:
    """The selected filter: its strongest slice now and before, all its slices, and what they resemble."""
    filters, at = shown.filters, shown.selected
    height, width = size
    glyphs = Glyphs(height, width, palette)
    muted = style(palette.muted, palette.background)
    _head(glyphs, filter_title(filters, at), f"±{filters.limit:.2g}")
    wanted, several = filters.wanted, filters.slices > 1
    small = kernel_small(wanted.kernel)
    glyphs.write(1, 0, f"[{filters.now.strongest[at]}]" if several else NOW, muted)
    draw_small(glyphs, 2, 0, strongest(filters, at), filters.limit, small)
    if filters.before is not None:
        glyphs.write(1, before_at(small), BEFORE, muted)
        before = filters.before.weight[at, filters.now.strongest[at]]
        draw_small(glyphs, 2, before_at(small), before, filters.limit, small)
    plan = slices_plan(wanted, width, max(height - 2 - FILTER_WORDS, 0))
    if plan.shown:
        glyphs.write(1, plan.at, _slices_title(filters, plan.shown, width - plan.at), muted)
    for place, number in enumerate(_slices(filters, at, plan.shown)):
        down, across = divmod(place, plan.across)
        line, column = 2 + down * (plan.small.lines + 1), plan.at + across * (plan.small.width + 1)
        draw_small(glyphs, line, column, filters.now.weight[at, number], filters.limit, plan.small)
    rows = ceil(plan.shown / plan.across) * (plan.small.lines + 1) - 1 if plan.shown else 0
    line = 2 + max(small.lines, rows)
    for text in filter_words(filters, at, shown.note, width):
        glyphs.write(line, 0, cut_to(text, width), style(palette.text, palette.background))
        line += 1
    return glyphs.lines()


def _slices(filters: Filters, at: int, count: int) -> list[int]:
    """The slices that are drawn, in order; where not all have room, those of largest norm."""
    if count >= filters.slices:
        return list(range(filters.slices))
    norms = np.linalg.norm(filters.now.weight[at].reshape(filters.slices, -1), axis=1)
    return sorted(np.argsort(-norms, kind="stable")[:count].tolist())


def _slices_title(filters: Filters, shown: int, width: int) -> str:
    if shown < filters.slices:
        strongest = f"the {shown} strongest of {filters.slices}"
        return first_fitting([f"{strongest} slices", strongest, f"{shown} of {filters.slices}"], width)
    return first_fitting([f"all {filters.slices} slices", f"{filters.slices}"], width)


# -- patches


def patch_lines(patches: Patches, size: Size, palette: Palette) -> Lines:
    """The patches that excite a filter most, with where they lie."""
    height, width = size
    glyphs = Glyphs(height, width, palette)
    if not patches.patches:
        _say(glyphs, patches.instead)
        return glyphs.lines()
    plan = patches_plan(patches.field, len(patches.patches), (height - 1, width))
    _head(glyphs, patches_title(patches, plan.every, width), "")
    for at, patch in enumerate(patches.patches):
        down, across = divmod(at, plan.across)
        line, column = 1 + down * (plan.lines + plan.words), across * (plan.width + 1)
        _draw_patch(glyphs, line, column, patch, plan)
        for below, text in enumerate(patch_words(patch, plan.words, plan.width)):
            colour = palette.muted if below else palette.text
            glyphs.write(line + plan.lines + below, column, text, style(colour, palette.background))
    return glyphs.lines()


def _draw_patch(glyphs: Glyphs, line: int, column: int, patch: ShownPatch, plan: PatchesPlan) -> None:
    if patch.pixels is not None and patch.pixels.size:
        pixels = pictures(patch.pixels[None], plan.every)[0]
        pixels = pixels.repeat(plan.times, axis=0).repeat(plan.times, axis=1)
        glyphs.put_pixels(line, column, even(pixels, glyphs.palette)[: 2 * plan.lines])
        return
    size = (len(patch.rows) * plan.times, len(patch.columns) * plan.times)
    _draw_to_come(glyphs, line, column, Small(size, every=plan.every))


# -- accuracies


def accuracy_lines(accuracies: Accuracies, size: Size, palette: Palette) -> Lines:
    """The accuracy without each filter, with a bar for how much it falls; in columns where they are many."""
    height, width = size
    glyphs = Glyphs(height, width, palette)
    if accuracies.instead:
        _say(glyphs, accuracies.instead)
        return glyphs.lines()
    _head(glyphs, accuracy_title(accuracies, width), "")
    told = hidden_line(accuracies, accuracies.selected, width)
    glyphs.write(1, 0, told, style(accent_on(palette.background, palette), palette.background, True))
    count, room = len(accuracies.without), max(height - 2, 1)
    across = max(1, min((width + GAP) // (LEAST_ACCURACY + GAP), ceil(count / room)))
    wide = (width + GAP) // across - GAP
    first = accuracies.selected // (across * room) * across * room
    falls = accuracies.whole - accuracies.without
    most = float(np.nanmax(np.abs(falls), initial=0.0)) if not np.isnan(falls).all() else 0.0
    for number in range(first, min(first + across * room, count)):
        column, line = divmod(number - first, room)
        _draw_accuracy(glyphs, 2 + line, column * (wide + GAP), wide, accuracies, number, most)
    return glyphs.lines()


def _draw_accuracy(
    glyphs: Glyphs, line: int, column: int, width: int, accuracies: Accuracies, number: int, most: float
) -> None:
    """ "▸ 3  91.2%   −7.4 ████": the filter, the accuracy without it, the change in points, its bar."""
    palette = glyphs.palette
    is_selected = number == accuracies.selected
    without = float(accuracies.without[number])
    digits = len(str(len(accuracies.without) - 1))
    text = f"{MARKER if is_selected else ' '}{number:>{digits}} {percent(without):>6} "
    change = (without - accuracies.whole) * 100
    text += "     – " if isnan(change) else f"{change:>+6.1f} ".replace("-", "−").replace("+0.0", " 0.0")
    colour = accent_on(palette.background, palette) if is_selected else palette.text
    column = glyphs.write(line, column, text, style(colour, palette.background, is_selected))
    room = width - len(text)
    if isnan(change) or most <= 0 or room < 1:
        return
    eighths = round(abs(change) / 100 / most * room * 8)
    bar = BAR[8] * (eighths // 8) + BAR[eighths % 8].strip()
    shade = palette.negative if change < 0 else palette.positive
    glyphs.write(line, column, bar, style(shade, palette.background))


# -- a class


def class_lines(explained: Explained, size: Size, palette: Palette) -> Lines:
    """The image with a map over it, the formula of the map, and the probabilities of all classes.

    Where there is room for them, the image and both maps stand side by side.
    """
    height, width = size
    glyphs = Glyphs(height, width, palette)
    if explained.instead:
        _say(glyphs, explained.instead)
        return glyphs.lines()
    _head(glyphs, class_title(explained, width), "")
    words = wrap(explained.formulas.get(explained.overlay, explained.name), width)[:MOST_WORDS]
    for below, text in enumerate(words):
        glyphs.write(1 + below, 0, text, style(palette.muted, palette.background))
    top = 1 + len(words)
    _, rows, columns = explained.image.shape
    beside = min(max(map(len, explained.classes)) + SHARE, MOST_BESIDE)
    room = max(height - top - 2, 1), max(width - beside - GAP, 1)  # a line for names, one for scales
    overlays = list(Overlay)
    slot = max(columns, LEAST_SLOT)
    if len(overlays) * (slot + GAP) > room[1] or rows > 2 * room[0]:
        overlays = [explained.overlay]
    every = max(1, ceil(rows / (2 * room[0])), ceil(columns / room[1]))
    column = 0
    for overlay in overlays:
        _draw_overlay(glyphs, top, column, explained, overlay, every)
        column += max(ceil(columns / every), LEAST_SLOT) + GAP
    _draw_probabilities(glyphs, top + 1, column, explained)
    return glyphs.lines()


def _draw_overlay(
    glyphs: Glyphs, top: int, column: int, explained: Explained, overlay: Overlay, every: int
) -> None:
    """Its name, the image with it, and below the scale of its colours."""
    palette = glyphs.palette
    pixels = pictures(explained.image[None], every)[0]
    below = top + 1 + ceil(len(pixels) / 2)
    is_chosen = overlay is explained.overlay
    colour = accent_on(palette.background, palette) if is_chosen else palette.muted
    name = f"{MARKER if is_chosen else ' '}{overlay.value}{_thinned(every)}"
    glyphs.write(top, column, name, style(colour, palette.background, is_chosen))
    values = explained.maps.get(overlay)
    if values is not None:
        small = thinned(values, every)
        limit = float(np.nanmax(np.abs(small), initial=0.0))
        pixels = overlaid(pixels, small, limit, palette)
        muted = style(palette.muted, palette.background)
        glyphs.write(below, column, f"±{limit:.2g}", muted)
    glyphs.put_pixels(top + 1, column, even(pixels, palette))


def overlaid(pixels: Pixels, values: Array, limit: float, palette: Palette) -> Pixels:
    """Signed values [rows, columns] over an image [rows, columns, 3], seen where they are 0 or NaN."""
    known = np.isfinite(values)
    strength = np.where(known, values, 0.0) / (limit or 1.0)
    share = np.abs(strength).clip(0, 1)[..., None]
    dimmed = mixed(pixels, palette.zero, 0.5)
    colours = diverging(np.sign(strength), 1.0, palette)
    over = (dimmed * (1 - share) + colours * share + 0.5).astype(np.uint8)
    return np.where(known[..., None], over, pixels)


def _draw_probabilities(glyphs: Glyphs, top: int, column: int, explained: Explained) -> None:
    """A line a class with its probability and a bar; those of the highest where not all have room."""
    palette, room = glyphs.palette, glyphs.height - top
    order = list(range(len(explained.classes)))
    if len(order) > room:
        order = sorted(np.argsort(-explained.probabilities, kind="stable")[:room].tolist())
    width = glyphs.width - column
    name_width = min(max(len(explained.classes[at]) for at in order), max(width - SHARE, 1))
    for line, at in enumerate(order):
        is_target = at == explained.target
        mark = MARKER if is_target else " "
        share = float(explained.probabilities[at])
        text = f"{mark}{cut_to(explained.classes[at], name_width):<{name_width}} {share:>6.1%} "
        colour = accent_on(palette.background, palette) if is_target else palette.text
        end = glyphs.write(top + line, column, text, style(colour, palette.background, is_target))
        left = glyphs.width - end
        if left > 0:
            eighths = round(share * min(left, 20) * 8)
            bar = BAR[8] * (eighths // 8) + BAR[eighths % 8].strip()
            glyphs.write(top + line, end, bar, style(palette.series[0], palette.background))


# -- words


def _head(glyphs: Glyphs, title: str, right: str) -> None:
    palette, width = glyphs.palette, glyphs.width
    glyphs.write(0, 0, cut_to(title, width), style(palette.text, palette.background, True))
    if right and len(title) + len(right) + 2 <= width:
        glyphs.write(0, width - len(right), right, style(palette.muted, palette.background))


def _say(glyphs: Glyphs, text: str) -> None:
    for line, part in enumerate(wrap(text, glyphs.width)):
        glyphs.write(line, 0, part, style(glyphs.palette.muted, glyphs.palette.background))
