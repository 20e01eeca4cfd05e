"""The table of the user's own network: a line for each operation, as wide as the terminal is."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from convtui.engine.graph.operation import Failure
from convtui.pages.layers.model_lanes import lane_texts
from convtui.pages.layers.table import MARKER, Column, Kind, TableLine, fitting
from convtui.tracing.traced import RIGHT, Trace

DIFFERS: Final = "≠"
REMARKED: Final = "!"
SHORT: Final = {"parameters": "params", "multiply-adds": "mult-adds"}
ROOMY: Final = 100  # columns from which a module's path is written in full
PATH: Final = 15  # columns that it has in fewer: its end says the most
# What a narrow terminal does without, the most dispensable first.
_DISPENSABLE: Final = ("jump", "memory", "from", "line", "multiply-adds", "module")


def model_lines(
    trace: Trace, width: int, differing: Set[int] = frozenset(), remarked: Set[int] = frozenset()
) -> list[TableLine]:
    """The header, the input, every operation, and the total, or the operation that failed.

    differing, remarked: the numbers of rows that are marked as such.
    """
    header, *body = trace.table
    lanes = [*lane_texts(trace.graph.ops), ""]
    lanes[-1] = " " * len(lanes[0])
    columns = []
    for at, title in enumerate(header):
        cells = [cells[at] for cells in body]
        if not at:
            cells = [
                f"{DIFFERS * (number in differing)}{REMARKED * (number in remarked)}{cell}"
                for number, cell in enumerate(cells)
            ]
        if title == "operation":
            cells = [f"{lane}{cell}" for lane, cell in zip(lanes, cells, strict=True)]
        if title == "module" and width < ROOMY:
            cells = [cell if len(cell) <= PATH else f"…{cell[1 - PATH :]}" for cell in cells]
        wide, narrow = (title, SHORT.get(title, title)) if at else ("", "")
        columns.append(Column(wide, narrow, cells, is_text=title not in RIGHT))
    columns = [each for at, each in enumerate(columns) if not at or any(each.cells)]
    dispensable = [at for name in _DISPENSABLE for at, column in enumerate(columns) if column.title == name]
    kept, gap, is_narrow = fitting(columns, width - len(MARKER), dispensable)
    drawn = [column.drawn(is_narrow) for column in kept]
    first, *rest = (gap.join(cells) for cells in zip(*drawn, strict=True))
    lines = [TableLine(first, Kind.HEADER), *map(TableLine, rest[:-1])]
    failure = trace.graph.failure
    if failure:
        number = str(len(trace.rows)).rjust(len(drawn[0][0]))
        return [*lines, TableLine(f"{number}{gap}{failed_text(failure)}", Kind.ERROR)]
    return [*lines, TableLine(rest[-1], Kind.TOTAL)]


def failed_text(failure: Failure) -> str:
    """What failed, and where: `linear fc1 · net.py:23 · failed`."""
    name = " ".join(filter(None, (failure.kind, failure.path))) or "the network's own code"
    return " · ".join(filter(None, (name, failure.line, "failed")))
