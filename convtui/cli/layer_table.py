"""The table of a stack's layers in the formats that other programs read.

Figures are whole numbers without separators, but in the table that people read. Memory is in bytes.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from convtui.engine.graph.checks import remarks
from convtui.engine.graph.image_sizes import sizes_told, tried_sizes
from convtui.engine.memory import memory_text
from convtui.engine.stack import Row, Summary, fits
from convtui.pages.layers.table import TOTAL, layer_text, shape_text
from convtui.tracing.protocol import Sizes

if TYPE_CHECKING:
    from convtui.tracing.traced import Trace

Cells = Sequence[Sequence[str]]

SECONDS: Final = 1.0  # for which image sizes are tried

_NUMERIC: Final = ("#", "parameters", "multiply-adds", "memory", "field")


def as_table(summary: Summary, name: str) -> str:
    """Aligned columns."""
    del name
    header, *body = _readable(summary)
    widths = [max(map(len, column)) for column in zip(header, *body, strict=True)]

    def line(cells: Sequence[str]) -> str:
        placed = (
            cell.rjust(width) if title in _NUMERIC else cell.ljust(width)
            for cell, width, title in zip(cells, widths, header, strict=True)
        )
        return "  ".join(placed).rstrip()

    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    blocks = notes(summary), remark_lines(summary), failure_lines(summary)
    below = [text for lines in blocks if lines for text in ("", *lines)]
    return "\n".join([line(header), rule, *map(line, body[:-1]), rule, line(body[-1]), *below])


def as_csv(summary: Summary, name: str) -> str:
    """RFC 4180, with a header; the total is left to whoever reads it."""
    del name
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    records = [_record(row) for row in summary.rows]
    writer.writerow(records[0])
    for record in records:
        writer.writerow([_plain(value) for value in record.values()])
    return text.getvalue().removesuffix("\n")


def as_markdown(summary: Summary, name: str) -> str:
    """A table of GitHub-flavoured Markdown."""
    del name
    header, *body = _readable(summary)
    rule = ["--:" if title in _NUMERIC else ":--" for title in header]
    escaped = [[cell.replace("|", "\\|").replace("*", "\\*") for cell in cells] for cells in (header, *body)]
    lines = [f"| {' | '.join(cells)} |" for cells in (escaped[0], rule, *escaped[1:])]
    texts, failed = (*notes(summary), *remark_lines(summary)), failure_lines(summary)
    lines += ["", *(f"- {text}" for text in texts)] if texts else []
    return "\n".join([*lines, *(["", "```", *failed, "```"] if failed else [])])


def as_latex(summary: Summary, name: str) -> str:
    """A tabular environment, with the rules of booktabs."""
    header, *body = _readable(summary)
    columns = "".join("r" if title in _NUMERIC else "l" for title in header)

    def line(cells: Sequence[str]) -> str:
        return f"  {' & '.join(map(_escaped, cells))} \\\\"

    title = [f"% {name}"] if name else []
    lines = [line(header), "  \\midrule", *map(line, body[:-1]), "  \\midrule", line(body[-1])]
    begin = [f"\\begin{{tabular}}{{{columns}}}", "  \\toprule"]
    return "\n".join([*title, *begin, *lines, "  \\bottomrule", "\\end{tabular}"])


def as_json(summary: Summary, name: str) -> str:
    """An object with the image's shape, the layers, one a line, and the totals."""
    shapes = {row.number: row.parameter_shapes for row in summary.rows}
    layers = [
        {**_record(row), "parameter_shapes": {key: list(shape) for key, shape in shapes[row.number].items()}}
        for row in summary.rows[1:]
    ]
    total = {
        "parameters": summary.parameters,
        "multiply_adds": summary.multiply_adds,
        "memory": summary.memory,
    }
    lines = ",\n".join(f"    {json.dumps(layer, ensure_ascii=False)}" for layer in layers)
    shape = json.dumps(summary.rows[0].output_shape)
    failure = _as_trace(summary).as_json()["failure"] if summary.error else None
    return (
        f'{{\n  "name": {json.dumps(name)},\n  "input": {shape},\n  "layers": [\n{lines}\n  ],\n'
        f'  "total": {json.dumps(total)},\n  "failure": {json.dumps(failure, ensure_ascii=False)},\n'
        f'  "remarks": {json.dumps([vars(each) for each in remarks(summary.graph)], ensure_ascii=False)}\n}}'
    )


def notes(summary: Summary) -> list[str]:
    """Which image sizes go through; nothing of layers that do not fit, whose post-mortem tells them."""
    if summary.error:
        return []
    sizes = _sizes(summary)
    return [f"image sizes that go through: {sizes_told(sizes.tried, sizes.work)}"]


def failure_lines(summary: Summary) -> list[str]:
    """Why a layer does not fit, and what would; nothing if all do."""
    return _as_trace(summary).failure_lines() if summary.error else []


def _as_trace(summary: Summary) -> Trace:
    """The layers as a pass that has gone as far as they fit."""
    from convtui.tracing.traced import Trace

    return Trace(summary.graph, _sizes(summary))


def _sizes(summary: Summary) -> Sizes:
    """The image sizes that are tried in a second, and those that go through."""
    channels, height, width = summary.rows[0].output_shape
    ends = monotonic() + SECONDS
    tried = tried_sizes(
        lambda size: fits(summary.nodes, (channels, *size)), (height, width), True, lambda: monotonic() > ends
    )
    return Sizes(tuple(sorted(tried)), tuple(size for size in sorted(tried) if tried[size]))


def remark_lines(summary: Summary) -> list[str]:
    """What a careful colleague would remark on."""
    found = remarks(summary.graph)
    width = max((len(each.name) for each in found), default=0)
    return [f"{each.name.ljust(width)}  {each.evidence}" for each in found]


FORMATS: Mapping[str, Callable[[Summary, str], str]] = {
    "table": as_table,
    "csv": as_csv,
    "markdown": as_markdown,
    "latex": as_latex,
    "json": as_json,
}


def _record(row: Row) -> dict[str, Any]:
    """What is told of a layer, by name."""
    return {
        "number": row.number,
        "layer": str(row.layer) if len(row.inputs) < 2 else row.layer.title,
        "inputs": list(row.inputs),
        "branch": list(row.branch),
        "output": list(row.output_shape),
        "parameters": row.parameters,
        "multiply_adds": row.multiply_adds,
        "memory": row.memory,
        "field": list(row.field.size),
        "field_is_bound": row.field.is_bound,
        "field_pixels": row.field.pixels,
        "jump": [round(number, 6) for number in row.field.jump],
        "start": list(row.field.start),
    }


def _plain(value: object) -> object:
    """A value as a cell of CSV: a shape as 8x14x14."""
    return "x".join(f"{number:g}" for number in value) if isinstance(value, list) else value


def _readable(summary: Summary) -> Cells:
    """The header, the layers and the total as a person reads them."""
    header = ["#", "layer", "output", "parameters", "multiply-adds", "memory", "field"]
    image, *layers = summary.rows
    body = [["0", "image", shape_text(image), "", "", "", ""]]
    body += [
        [
            str(row.number),
            layer_text(row, longest=None),
            shape_text(row),
            f"{row.parameters:,}",
            f"{row.multiply_adds:,}",
            memory_text(row.memory),
            ("≤" if row.field.is_bound else "") + "x".join(map(str, row.field.size)),
        ]
        for row in layers
    ]
    counts = f"{summary.parameters:,}", f"{summary.multiply_adds:,}", memory_text(summary.memory)
    total = ["", "up to there" if summary.error else TOTAL, "", *counts, ""]
    return [header, *body, total]


def _escaped(text: str) -> str:
    """Text as LaTeX prints it."""
    for character in "\\&%$#_{}":
        text = text.replace(character, "\\textbackslash " if character == "\\" else f"\\{character}")
    for drawn, command in ("│", "$\\vert$"), ("╎", "$\\vert$"), ("×", "$\\times$"):
        text = text.replace(drawn, command)
    return text
