"""The table of a stack's layers as text: one line a layer, columns as wide as what stands in them.

Widths follow from the stack and the terminal alone, so that nothing moves while one goes through it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from enum import Enum

from convtui.engine.branches import Branches
from convtui.engine.memory import memory_text
from convtui.engine.stack import Row, Summary
from convtui.engine.tracing import Feeding

LONGEST_LAYER = 30
SHORTEST_LAYER = 16

MARKER = "▸ "
BEFORE = "  "  # between the table and what feeds
FEEDING = "feeding cells"
TOTAL = "all layers"
NOTHING = "none"


_JOINED = {"residual": " + ", "multiply": " × "}
_NONE: Set[str] = frozenset()


class Kind(Enum):
    """What a line of the table is."""

    HEADER = "header"
    LAYER = "layer"
    TOTAL = "total"
    BEYOND = "beyond"
    ERROR = "error"


@dataclass(frozen=True)
class TableLine:
    """A line; what feeds the selected activation there is drawn after it."""

    text: str
    kind: Kind = Kind.LAYER


@dataclass(frozen=True)
class Column:
    """A column's titles, wide and narrow, its cells from the image's on, and whether it may be left out."""

    title: str
    short_title: str
    cells: Sequence[str]
    is_optional: bool = False
    is_text: bool = False
    mask: str = ""  # of a lesson, which hides its cells

    def masked(self, masks: Set[str], since: int) -> Column:
        """With the cells from that layer on hidden, and the total, if one of the masks says so."""
        if self.mask not in masks:
            return self
        return replace(self, cells=[*self.cells[:since], *["?"] * (len(self.cells) - since)])

    def shortened(self, by: int) -> Column:
        """With texts so many characters shorter, if they are texts and not shorter than can be read."""
        if not self.is_text or by <= 0:
            return self
        longest = max(max(map(len, self.cells)) - by, SHORTEST_LAYER)
        cells = [cell if len(cell) <= longest else f"{cell[: longest - 1]}…" for cell in self.cells]
        return replace(self, cells=cells)

    def width(self, is_narrow: bool) -> int:
        return max(len(self.short_title if is_narrow else self.title), *map(len, self.cells))

    def drawn(self, is_narrow: bool) -> list[str]:
        width = self.width(is_narrow)
        cells = [self.short_title if is_narrow else self.title, *self.cells]
        return [cell.ljust(width) if self.is_text else cell.rjust(width) for cell in cells]


def table_lines(summary: Summary, width: int, masks: Set[str] = _NONE, since: int = 0) -> list[TableLine]:
    """The header, the image, every layer as far as it fits, and the total, or the layer that does not fit.

    masks: what a lesson hides of the layers from number `since` on.
    """
    rows = summary.rows
    room = width - len(MARKER) - len(BEFORE) - _feeding_width(rows)
    columns, gap, is_narrow = fitting([each.masked(masks, since) for each in _columns(rows)], room)
    drawn = [column.drawn(is_narrow) for column in columns]
    texts = [gap.join(cells) for cells in zip(*drawn, strict=True)]
    lines = [TableLine(texts[0], Kind.HEADER), *map(TableLine, texts[1:-1])]
    if summary.error:
        number = str(summary.error.number).rjust(len(drawn[0][0]))
        return [*lines, TableLine(f"{number}{gap}{summary.error.layer}  does not fit", Kind.ERROR)]
    return [*lines, TableLine(texts[-1], Kind.TOTAL)]


def feeding_room(lines: Sequence[TableLine], width: int) -> int:
    """How many characters there are for the cells that feed."""
    return width - len(MARKER + lines[0].text + BEFORE)


def feeding_text(fed: Feeding, row: Row, room: int) -> str:
    """Rows and columns of the cells that feed, as "9-15, 13-19"; of features how many.

    Where not all cells between the first and the last feed, their number too: "0-8, 0-8: 9", or "9 of 9x9".
    """
    if len(row.output_shape) == 1:
        count, features = len(fed.channels), row.output_shape[0]
        return f"{count:,} of {features:,}" if count > 1 or features == 1 else f"feature {fed.channels[0]:,}"
    if not len(fed.rows):
        return NOTHING
    rows, columns = fed.rows.tolist(), fed.columns.tolist()
    spans = f"{_span(rows)}, {_span(columns)}"
    height, width = (each[-1] - each[0] + 1 for each in (rows, columns))
    if fed.pixels in (None, height * width):
        return spans
    counted = f"{spans}: {fed.pixels}"
    return counted if len(counted) <= room else f"{fed.pixels} of {height}x{width}"


def beyond_line(above: int, below: int) -> TableLine:
    """How many lines lie above and below those that are shown."""
    parts = [f"↑ {above} above"] if above else []
    parts += [f"{below} below ↓"] if below else []
    return TableLine(" · ".join(parts), Kind.BEYOND)


def _span(indices: Sequence[int]) -> str:
    first, last = indices[0], indices[-1]
    return f"{first}" if first == last else f"{first}-{last}"


def _feeding_width(rows: Sequence[Row]) -> int:
    """The widest that any activation's text can be."""

    def widest(row: Row) -> int:
        if len(row.output_shape) == 1:
            return len(f"{row.output_shape[0]:,} of {row.output_shape[0]:,}")
        _, height, width = row.output_shape
        return len(f"{height - 1}-{height - 1}, {width - 1}-{width - 1}")

    return max(len(FEEDING), *map(widest, rows))


def shape_text(row: Row) -> str:
    return "x".join(map(str, row.output_shape))


def layer_text(row: Row, longest: int | None = LONGEST_LAYER) -> str:
    """The layer, set in under the branches that it lies on; of a join which rows are joined.

    longest: how many characters there are; the rest is cut off.
    """
    guides = "".join("│ " if path == 0 else "╎ " for path in row.branch)
    title = row.layer.title
    if isinstance(row.layer, Branches):
        title += " " + _JOINED.get(title, ", ").join(map(str, row.inputs))
    text = guides + title
    return text if longest is None or len(text) <= longest else text[: longest - 1] + "…"


def _columns(rows: Sequence[Row]) -> list[Column]:
    """All columns, each with a last cell for the total."""
    layers = rows[1:]

    def column(
        title: str,
        short: str,
        cell: Callable[[Row], str],
        total: str = "",
        is_optional: bool = False,
        mask: str = "field",
    ) -> Column:
        return Column(title, short, ["", *map(cell, layers), total], is_optional, mask=mask)

    image = rows[0]
    parameters = sum(row.parameters for row in layers)
    multiply_adds = sum(row.multiply_adds for row in layers)
    fields = [field_text(row) for row in layers]
    read = column("reads", "reads", lambda row: "" if row.field.pixels is None else f"{row.field.pixels:,}")
    return [
        Column("", "", [str(row.number) for row in rows] + [""]),
        Column("layer", "layer", ["image", *map(layer_text, layers), TOTAL], is_text=True),
        Column("output", "output", [shape_text(image), *map(shape_text, layers), ""], mask="layers"),
        column("parameters", "params", lambda row: f"{row.parameters:,}", f"{parameters:,}", mask="layers"),
        column(
            "multiply-adds",
            "mult-adds",
            lambda row: f"{row.multiply_adds:,}",
            f"{multiply_adds:,}",
            is_optional=True,
            mask="layers",
        ),
        column(
            "memory",
            "memory",
            lambda row: memory_text(row.memory),
            memory_text(sum(row.memory for row in layers)),
            is_optional=True,
            mask="layers",
        ),
        Column("field", "field", ["1x1 ", *fields, ""], mask="field"),
        *([read] if any(row.field.has_holes for row in layers) else []),
        column("jump", "jump", lambda row: _pair(row.field.jump), is_optional=True),
        column("start", "start", lambda row: _pair(row.field.start), is_optional=True),
    ]


def field_text(row: Row) -> str:
    """What the receptive field spans, with a star where the image clips it; ≤ where only a bound is told."""
    rows, columns = row.field.size
    return f"{'≤' if row.field.is_bound else ''}{rows}x{columns}" + ("*" if is_clipped(row) else " ")


def is_clipped(row: Row) -> bool:
    return any("clipped" in note for note in row.notes)


def _pair(pair: tuple[float, float]) -> str:
    first, second = (f"{round(number, 2):g}".replace("-", "−") for number in pair)
    return first if first == second else f"{first}, {second}"


def fitting(
    columns: list[Column], width: int, dispensable: Sequence[int] | None = None
) -> tuple[list[Column], str, bool]:
    """The columns that fit, the gap between them, and whether their titles are the short ones.

    What is left out first is the first of the dispensable; if none are told, the last that is optional.
    """
    widths = {is_narrow: [column.width(is_narrow) for column in columns] for is_narrow in (False, True)}
    optional = dispensable
    if optional is None:
        optional = [at for at, column in enumerate(columns) if column.is_optional][::-1]
    for chosen in range(2 ** len(optional)):  # whose bits say which of them are left out
        left_out = {at for bit, at in enumerate(optional) if chosen >> bit & 1}
        kept = [at for at in range(len(columns)) if at not in left_out]
        for gap, is_narrow in (("  ", False), ("  ", True), (" ", True)):
            if sum(widths[is_narrow][at] + len(gap) for at in kept) <= width:
                return [columns[at] for at in kept], gap, is_narrow
    excess = sum(widths[True][at] + 1 for at in kept) - width
    return [columns[at].shortened(excess) for at in kept], " ", True
