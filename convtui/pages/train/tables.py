"""The parts of the Train page that are made of words and figures: status, tables, a weight's update."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from textwrap import wrap
from typing import Final

import numpy as np
from rich.cells import cell_len, set_cell_size
from rich.style import Style

from convtui.inputs.durations import clock
from convtui.pages.train.comparison import lessons
from convtui.pages.train.figures import LayerFigures, LayersView, RunsView, Status, WeightStep, WeightView
from convtui.pages.train.labels import (
    SIGNS,
    status_text,
    whole_words,
)
from convtui.pages.train.weight import momentum_words, number, weight_lines
from convtui.paint.axes import top_of
from convtui.paint.colours import RGB, Palette, accent_on, style, tint
from convtui.paint.drawing import Cell
from convtui.paint.glyphs import Glyphs, Lines
from convtui.paint.panes import Size
from convtui.paint.plots import MARKERS, series_colour
from convtui.paint.text import cut_to

LONGEST_BAR: Final = 40
LEAST_WORDS: Final = 12
LEAST_RECIPE: Final = 22  # "one-cycle 0.06 · no BN"
WHOLE_RECIPE: Final = 30  # "one-cycle 0.06 · no batch norm"
LEAST_BAR: Final = 8
LOOKED: Final = "◆"  # on the bar of progress
BAR: Final = 10  # columns of a bar in a table
GAP: Final = 2
SETTING: Final = 5  # digits of what an update is computed with

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"


def bar(share: float, width: int) -> str:
    """A horizontal bar, exact to an eighth of a character; blank for NaN."""
    if isnan(share):
        return " " * width
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()).ljust(width)


# -- status and words


def status_lines(status: Status, size: Size, palette: Palette) -> Lines:
    """The state, how far the run is, a bar of its progress; below what there is to say."""
    height, width = size
    glyphs = Glyphs(height, width, palette)
    muted = style(palette.muted, palette.background)
    state = f"{SIGNS[status.state]} {status.state}"
    colour = _state_colour(status.state, palette)
    column = glyphs.write(0, 0, state, style(colour, palette.background, True)) + 2
    text = status_text(status, width - column)
    column = glyphs.write(0, column, text, style(palette.text, palette.background)) + 2
    room = _room_of_bar(status, width, column)
    if room:
        start, ground = width - room, tint(palette.muted, palette.background, 0.75)
        glyphs.write(0, start, bar(status.step / status.total_steps, room), style(colour, ground))
        if status.looked is not None:
            place = start + min(status.looked * room // status.total_steps, room - 1)
            glyphs.write(0, place, LOOKED, style(accent_on(ground, palette), ground, True))
    is_wrong = status.trouble or status.state in ("failed", "diverged")
    words = whole_words(status.trouble or status.words, width)
    glyphs.write(1, 0, words, _bold(palette) if is_wrong else muted)
    return glyphs.lines()


def step_at(status: Status, size: Size, y: int, x: int) -> Cell | None:
    """The step under a column of the bar of progress, at most the last one made."""
    column = len(f"{SIGNS[status.state]} {status.state}") + 2
    column += len(status_text(status, size[1] - column)) + 2
    room = _room_of_bar(status, size[1], column)
    start = size[1] - room
    if y or not room or x < start:
        return None
    return 0, min(round((x - start) * status.total_steps / (room - 1)), status.step)


def _room_of_bar(status: Status, width: int, column: int) -> int:
    """The columns of the bar of progress at the right end, 0 where there is none."""
    room = min(width - column, LONGEST_BAR)
    return room if status.total_steps and room >= LEAST_BAR else 0


def invitation_lines(words: tuple[str, ...], size: Size, palette: Palette) -> Lines:
    """What a reader who has not started yet can do, as far as it fits; the first line stands out."""
    height, width = size
    glyphs = Glyphs(height, width, palette)
    row = max(0, (height - len(words)) // 3)
    of = style(palette.text, palette.background)
    for at, text in enumerate(words):
        lines = wrap(text, width - 2 * GAP, break_on_hyphens=False) or [""]
        if row + len(lines) > height:
            break
        for line in lines:
            glyphs.write(row, GAP, line, of if at else _bold(palette))
            row += 1
    return glyphs.lines()


def comparison_lines(view: RunsView, size: Size, palette: Palette) -> Lines:
    """What came of the runs of a comparison, each by its marker, and what to see in it."""
    height, width = size
    glyphs = Glyphs(height, width, palette)
    text = style(palette.text, palette.background)
    for row, told in enumerate(lessons(view.arms, view.peak, view.classes, view.is_usual)[:height]):
        start = 0
        if told.colour is not None:
            of = style(series_colour(told.colour, palette), palette.background, True)
            start = glyphs.write(row, 0, MARKERS[told.colour % len(MARKERS)], of) + 1
        glyphs.write(row, start, cut_to(told.sentence(width - start), width - start), text)
    return glyphs.lines()


# -- tables of which one row is selected


@dataclass(frozen=True)
class _Column:
    """A column of a table: its title, its cells, and whether they are words, which may have a short form."""

    title: str
    cells: Sequence[str]
    is_words: bool = False
    colour: int | None = None  # of the bars that its cells are
    short: Sequence[str] = ()
    least: int = LEAST_WORDS

    @property
    def width(self) -> int:
        return max(map(cell_len, (self.title, *self.cells)))

    def drawn(self, text: str, width: int) -> str:
        return set_cell_size(cut_to(text, width), width) if self.is_words else text.rjust(width)


def first_in_view(count: int, selected: int, rows: int) -> int:
    """The first of so many rows in view, so that the selected one is near the middle."""
    return min(max(selected - rows // 2, 0), max(count - rows, 0))


def layers_table(view: LayersView, size: Size, palette: Palette) -> Lines:
    """Every layer's figures; those of the share near zero and the deviation as bars too."""
    layers = view.layers
    most = top_of(np.array([each.std for each in layers]))
    columns = [
        _Column("", [str(each.number) for each in layers]),
        _Column("layer", [each.layer for each in layers], is_words=True),
        _Column("measured", [each.place for each in layers], is_words=True),
        _Column("mean", [_measured(each, figure(each.mean)) for each in layers]),
        _Column("std", [_measured(each, figure(each.std)) for each in layers]),
        _Column("", [bar(each.std / most, BAR) for each in layers], is_words=True, colour=0),
        _Column("near zero", [_measured(each, f"{each.near_zero:.1%}") for each in layers]),
        _Column("", [bar(each.near_zero, BAR) for each in layers], is_words=True, colour=1),
        _Column("weight norm", [figure(each.weight_norm) for each in layers]),
    ]
    return _table(columns, (5, 7, 2, 8, 1), view.selected, size, palette, [None] * len(layers))


def runs_table(view: RunsView, size: Size, palette: Palette) -> Lines:
    """Every run with what came of it; those whose curves are shown have their marker."""
    rows = view.rows
    recipe, room = "recipe", size[0] - 1
    if room < len(rows):
        first = first_in_view(len(rows), view.selected, room)
        arrows = "↑" * (first > 0) + "↓" * (first + room < len(rows))
        recipe = f"{room} of {len(rows)}, {arrows} more"
    training = [_optional(row.train_accuracy, "{:.2%}") for row in rows]
    columns = [
        _Column("", [MARKERS[row.colour % len(MARKERS)] if row.colour is not None else " " for row in rows]),
        _Column("run", [row.number for row in rows]),
        _Column(
            recipe,
            [row.words for row in rows],
            is_words=True,
            short=[row.short for row in rows],
            least=LEAST_RECIPE,
        ),
        _Column("state", [f"{SIGNS[row.state]} {row.state}" for row in rows], is_words=True),
        _Column("epochs", [f"{row.epochs}/{row.total_epochs}" for row in rows]),
        _Column("accuracy", [_optional(row.accuracy, "{:.2%}") for row in rows]),
        _Column("validation loss", [_optional(row.loss, "{:.4f}") for row in rows]),
        _Column("time", [clock(row.seconds) for row in rows]),
        *([_Column("on training", training)] if any(row.train_accuracy is not None for row in rows) else []),
    ]
    colours = [row.colour for row in rows]
    return _table(columns, (4, 7, 6, 3, *range(8, len(columns))), view.selected, size, palette, colours)


def layer_at(view: LayersView, size: Size, y: int, x: int) -> Cell | None:  # noqa: ARG001
    """The layer drawn on a line of the table."""
    return _row_at(len(view.layers), view.selected, size[0] - 1, y)


def run_at(view: RunsView, size: Size, y: int, x: int) -> Cell | None:  # noqa: ARG001
    """The run drawn on a line of the table."""
    return _row_at(len(view.rows), view.selected, size[0] - 1, y)


def _row_at(count: int, selected: int, rows: int, y: int) -> Cell | None:
    at = first_in_view(count, selected, rows) + y - 1
    return (at, 0) if y > 0 and at < count else None


def _table(
    columns: list[_Column],
    droppable: Sequence[int],
    selected: int,
    size: Size,
    palette: Palette,
    colours: Sequence[int | None],
) -> Lines:
    """The columns that fit, those to be dropped first named first.

    Once the first is gone, words are cut; figures never are.
    """
    height, width = size
    glyphs = Glyphs(height, width, palette)
    kept = _fitting(columns, droppable, width)
    muted = style(palette.muted, palette.background)
    count = len(columns[0].cells)
    first = first_in_view(count, selected, height - 1)
    x = GAP
    for column, wide in kept:
        is_short = column.short and wide < min(column.width, WHOLE_RECIPE)
        cells = column.short if is_short else column.cells
        glyphs.write(0, x, column.drawn(column.title, wide), muted)
        for row, at in enumerate(range(first, min(first + height - 1, count)), 1):
            background = (
                tint(palette.muted, palette.background, 0.7) if at == selected else palette.background
            )
            colour = palette.text
            if column.colour is not None:
                colour = series_colour(column.colour, palette)
            elif column is columns[0] and colours[at] is not None:
                colour = series_colour(colours[at], palette)
            of = style(colour, background, at == selected)
            if at == selected:
                glyphs.write(row, x - GAP, " " * (wide + 2 * GAP), style(palette.text, background))
            glyphs.write(row, x, column.drawn(cells[at], wide), of)
        x += wide + GAP
    if 0 <= selected < count:
        background = tint(palette.muted, palette.background, 0.7)
        of = style(accent_on(background, palette), background, True)
        glyphs.write(selected - first + 1, 0, "▸", of)
    return glyphs.lines()


def _fitting(columns: list[_Column], droppable: Sequence[int], width: int) -> list[tuple[_Column, int]]:
    """The columns that are drawn and their widths."""
    kept = list(columns)
    for dropped in (None, *(columns[at] for at in droppable)):
        kept = [each for each in kept if each is not dropped]
        over = sum(each.width + GAP for each in kept) + GAP - width
        longest = max((each for each in kept if each.is_words), key=lambda each: each.width, default=None)
        spare = max(longest.width - longest.least, 0) if longest else 0
        if over <= (0 if dropped is None and not (longest and longest.short) else spare):
            break
    return [(each, each.width - max(over, 0) if each is longest else each.width) for each in kept]


# -- a weight's update


def weight_card(view: WeightView, size: Size, palette: Palette) -> Lines:
    """The update of one weight: each quantity with its formula, and with the numbers where there is room."""
    height, width = size
    glyphs = Glyphs(height, width, palette)
    text, muted = (style(each, palette.background) for each in (palette.text, palette.muted))
    glyphs.write(0, 0, cut_to(view.name, width), style(palette.text, palette.background, True))
    weight = view.weight
    if weight is None:
        glyphs.write(2, 0, cut_to(view.missing, width), muted)
        return glyphs.lines()
    glyphs.write(1, 0, _rates(weight, width), muted)
    lines = weight_lines(weight)
    names = max(len(line.name) for line in lines)
    values = max(len(line.shown) for line in lines)
    words = wrap(momentum_words(weight), width)
    has_numbers = height >= 3 + len(lines) + sum(bool(line.numbers) for line in lines) + len(words)
    row = 2
    for line in lines:
        is_result = line.name in ("update", "weight after")
        of = _bold(palette) if is_result else text
        glyphs.write(row, 0, line.name, of)
        room = width - names - values - 2 * GAP
        glyphs.write(row, names + GAP, cut_to(line.formula, room), text)
        glyphs.write(row, width - len(line.shown), line.shown, of)
        row += 1
        if has_numbers and line.numbers:
            if len(line.numbers) <= width:  # as they are or not at all: a part would come to something else
                start = max(min(names + GAP, width - len(line.numbers)), 0)
                glyphs.write(row, start, line.numbers, muted)
            row += 1
    for at, words_line in enumerate(words):
        glyphs.write(row + 1 + at if row + 1 + len(words) <= height else row + at, 0, words_line, text)
    return glyphs.lines()


def _rates(weight: WeightStep, width: int) -> str:
    """What the update is computed with besides the weight itself, with as much as fits."""
    is_sgd = weight.optimizer == "sgd"
    parts = {
        "step": f"step {weight.step:,}",
        "name": "SGD" if is_sgd else "AdamW",
        "lr": f"lr {number(weight.lr, SETTING)}",
        "momentum": f"{'μ' if is_sgd else 'β₁'} {number(weight.momentum, SETTING)}",
        "squares": "" if is_sgd else f"β₂ {number(weight.beta2, SETTING)}",
        "decay": f"λ {number(weight.weight_decay, SETTING)}",
    }
    for dropped in ("", "step", "name", "squares"):
        parts.pop(dropped, None)
        text = " · ".join(filter(None, parts.values()))
        if len(text) <= width:
            break
    return cut_to(text, width)


def figure(value: float) -> str:
    """A figure of a table, with three decimals; NaN as it is."""
    return f"{value:.3f}".replace("-", "−")


def _measured(layer: LayerFigures, told: str) -> str:
    """A figure of its activations, unless the last pass did not call it."""
    return "–" if isnan(layer.near_zero) else told


def _optional(value: float | None, form: str) -> str:
    return form.format(value) if value is not None else "–"


def _bold(palette: Palette) -> Style:
    return style(accent_on(palette.background, palette), palette.background, True)


def _state_colour(state: str, palette: Palette) -> RGB:
    if state in ("training", "finished"):
        return palette.reader
    if state in ("ready", "stopped", "elsewhere"):
        return palette.muted
    return accent_on(palette.background, palette)
