"""A traced pass as people and programs read it: the table of its operations, the remarks, the post-mortem."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from html import escape
from io import StringIO
from itertools import groupby
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from convtui.engine.graph.checks import Remark, numbered, remarks, unmade
from convtui.engine.graph.fields import AxisField, Fields, NotKnown, fields
from convtui.engine.graph.image_sizes import nearest, sizes_told
from convtui.engine.graph.operation import DeadFilters, Graph, Op, Source, shape_text
from convtui.engine.graph.postmortem import PostMortem, post_mortem
from convtui.engine.memory import memory_text
from convtui.engine.words import counted, verb
from convtui.tracing.protocol import NO_IMAGE, Sizes

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

NOT_KNOWN: Final = "not known"
MOST_ALIKE: Final = 5  # remarks of one check that are written out
TITLES: Final = (
    *("#", "operation", "module", "line", "from", "output"),
    *("parameters", "multiply-adds", "memory", "field", "jump"),
)
RIGHT: Final = frozenset(("#", "parameters", "multiply-adds", "memory", "field", "jump"))

Cells = tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """An operation with what it sees of the image; op holds all the rest."""

    op: Op
    fields: Fields

    @property
    def field(self) -> tuple[int, ...] | None:
        """How many pixels it sees along each axis of the image; the largest, where cells differ.

        () of what does not depend on the image, None where it is not known.
        """
        sizes = []
        is_seen = True
        for each in self.fields:
            if isinstance(each, NotKnown):
                return None
            if each is None:
                is_seen = False
            else:
                sizes.append(each.size)
        return tuple(sizes) if is_seen else ()

    @property
    def jump(self) -> tuple[float, ...]:
        """How many pixels the fields of neighbouring cells are apart; () where there are no neighbours."""
        along = [each for each in self.fields if isinstance(each, AxisField) and each.axes and each.jump]
        return tuple(each.jump for each in along) if self.fields and len(along) == len(self.fields) else ()

    def record(self) -> dict[str, Any]:
        """All that is told of it, by name; None is what is not known."""
        op = self.op
        return {
            "number": op.number,
            "operation": op.kind,
            "title": op.title,
            "module": op.path,
            "class": op.module,
            "call": op.call,
            "line": op.line,
            "code": op.code,
            "inputs": [[each.op, each.output] for each in op.inputs],
            "outputs": [list(each.shape) for each in op.outputs],
            "dtypes": [each.dtype for each in op.outputs],
            "parameters": op.parameter_count,
            "parameter_shapes": {each.name: list(each.shape) for each in op.parameters},
            "multiply_adds": None if op.cost is None else op.cost.multiply_adds,
            "multiply_adds_formula": None if op.cost is None else op.cost.formula,
            "memory": op.memory,
            "field": None if self.field is None else list(self.field),
            "jump": [round(each, 6) for each in self.jump],
            "note": op.note,
            "dead_filters": None if op.dead is None else _dead_record(op.dead),
        }

    @property
    def cells(self) -> Cells:
        """The same as a person reads it, by TITLES."""
        op = self.op
        path = op.path + (f" (call {op.call})" if op.call > 1 else "")
        before = [each.op for each in op.inputs]
        is_next = before == [op.number - 1] and op.inputs[0].output == 0
        shapes = [shape_text(each.shape) for each in op.outputs]
        output = ", ".join(shapes[:3]) + (f" and {len(shapes) - 3} more" if len(shapes) > 3 else "")
        memory, field = op.memory, self.field
        return (
            str(op.number),
            op.title,
            path,
            op.line,
            "" if is_next else ", ".join(map(_source_text, op.inputs)),
            output,
            f"{op.parameter_count:,}" if op.parameters else "",
            NOT_KNOWN if op.cost is None else f"{op.cost.multiply_adds:,}" if op.cost.terms else "",
            memory_text(memory) if memory else "",
            NOT_KNOWN if field is None else "x".join(map(str, field)),
            _jump_text(self.jump),
        )


@dataclass(frozen=True)
class Trace:
    """A pass through a network. rows: its operations in the order they ran, as far as it went.

    sizes: which image sizes go through, where that was searched for. silenced: names of checks. image: the
    input that the fields are of; None: the first that has rows.
    """

    graph: Graph
    sizes: Sizes | None = None
    silenced: frozenset[str] = field(default=frozenset())
    image: Source | None = None

    @cached_property
    def _seen(self) -> dict[Source, Fields]:
        return fields(self.graph, self.image)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The operations, the input first (number 0)."""
        seen = self._seen
        return tuple(Row(op, seen.get(Source(op.number), ())) for op in self.graph.ops)

    @cached_property
    def remarks(self) -> tuple[Remark, ...]:
        """What a careful colleague would remark on."""
        seen = self._seen if self.image is None else None  # they are on the first
        return tuple(remarks(self.graph, self.silenced, seen))

    @property
    def unmade(self) -> list[str]:
        """Which checks could not be made, and why not, a sentence a line."""
        by_why: dict[str, list[str]] = {}
        for name, why in unmade(self.graph, self.silenced).items():
            by_why.setdefault(why, []).append(name)
        return [f"checks that were not made, as {why}: {', '.join(names)}" for why, names in by_why.items()]

    @cached_property
    def failure(self) -> PostMortem | None:
        """Why the pass failed; None if it did not."""
        return post_mortem(self.graph)

    @property
    def parameters(self) -> int:
        """Trainable parameters that the pass used, shared ones once."""
        return self.graph.parameters

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of the operations of which they are known."""
        return self.graph.multiply_adds

    @property
    def table(self) -> list[Cells]:
        """The header, a line for each operation, and the total."""
        counts = f"{self.parameters:,}", f"{self.multiply_adds:,}", memory_text(self.graph.memory)
        total = ("", "total", "", "", "", "", *counts, "", "")
        return [TITLES, *(row.cells for row in self.rows), total]

    @property
    def notes(self) -> list[str]:
        """What the table does not show, a sentence a line."""
        graph, notes = self.graph, []
        uncounted = len(graph.uncounted)
        if uncounted:
            what = f"{counted(uncounted, 'operation')} {verb(uncounted, 'is', 'are')}"
            notes.append(f"{what} not counted in the multiply-adds: {_kinds(graph.uncounted)}")
        for op in graph.ops:
            if op.note and op.note != "not known what it reads":
                notes.append(f"operation {op.number}, {op.kind}: {op.note}")
        if graph.unused:
            count = sum(each.count for each in graph.unused)
            names = ", ".join(each.name for each in graph.unused[:4])
            more = f" and {len(graph.unused) - 4} more" if len(graph.unused) > 4 else ""
            what = f"{counted(count, 'parameter')} {verb(count, 'is', 'are')}"
            notes.append(f"{what} not used by this pass: {names}{more}")
        if len(graph.images) > 1:
            of = graph.image if self.image is None else self.image
            assert of
            others = ", ".join(graph.input_text(each.output) for each in graph.images if each != of)
            notes.append(f"fields are of {graph.input_text(of.output)}, not of {others}")
        if self.sizes and not self.failure:
            why = f"not searched, {self.sizes.why}" if self.sizes.why else ""
            told = why or sizes_told(self.sizes.tried, self.sizes.work)
            notes.append(f"image sizes that go through: {told}")
        return notes

    def __str__(self) -> str:
        blocks = ["\n".join(aligned(self.table))]
        blocks += [
            "\n".join(lines) for lines in (self.notes, self.check_lines(), self.failure_lines()) if lines
        ]
        return "\n\n".join(blocks)

    def remark_lines(self, most: int = MOST_ALIKE) -> list[str]:
        """The remarks, each with the name by which it is silenced; of many of one name the first so many."""
        told = self._told(most)
        width = max((len(name) for name, _ in told), default=0)
        return [f"{name.ljust(width)}  {evidence}" for name, evidence in told]

    def check_lines(self) -> list[str]:
        """The remarks, and which checks were not made of a pass that did not end, nor fail."""
        return [*self.remark_lines(), *([] if self.failure else self.unmade)]

    def _told(self, most: int) -> list[tuple[str, str]]:
        told: list[tuple[str, str]] = []
        for name, alike in groupby(self.remarks, key=lambda each: each.name):
            first, rest = (each := list(alike))[:most], each[most:]
            told += [(name, remark.evidence) for remark in first]
            told += [(name, f"and so of {numbered('operation', [each.op for each in rest])}")] if rest else []
        return told

    def failure_lines(self) -> list[str]:
        """The post-mortem."""
        found = self.failure
        if found is None:
            return []
        lines = [found.title, *(f"  {line}" for line in (found.code, found.error) if line)]
        if found.tensors:
            widths = [max(len(row[i]) for row in found.tensors) for i in range(3)]
            lines.append("")
            for row in found.tensors:
                cells = [cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)]
                origin, of, before = row[3].partition(", of ")
                lines.append(f"  {'  '.join(cells)}  {origin}{of and ','}".rstrip())
                if of:  # on a line of its own, or it would be too long for a screen
                    lines.append(f"{' ' * (sum(widths) + 8)}of {before}")
        lines += _headed("why", found.why)
        lines += _headed("fix", (*found.fixes, *self._size_fix(found)))
        if len(found.frames) > 1:
            lines += _headed("called", found.frames)
        return lines

    def _size_fix(self, found: PostMortem) -> list[str]:
        failure = self.graph.failure
        if failure and "asked_bytes" in failure.settings:
            return []  # passes that compute shapes alone need no memory
        if not found.size_helps:
            return ["no size of the image mends this"] if self.graph.image else []
        if self.sizes is None or self.sizes.why == NO_IMAGE:
            return []
        if self.sizes.why:
            return [f"image sizes were not searched: {self.sizes.why}"]
        image = self.graph.image
        shape = self.graph.tensor(image).shape if image else ()
        at = ((shape[-2] if len(shape) > 3 else 1), shape[-1]) if shape else (0, 0)
        if at in self.sizes.work:  # the search computes shapes alone
            return ["image sizes were not searched: shapes alone do not show this failure"]
        close = nearest(self.sizes.work, at)
        told = sizes_told(self.sizes.tried, self.sizes.work)
        if close is None and failure and not failure.kind:
            return []  # their own code has ended the pass, for whatever reason
        if close is None:
            return [f"no image size that was tried mends this: {told}"]
        return [f"an image of {shape_text(close)}; what goes through: {told}"]

    def as_json(self) -> dict[str, Any]:
        """All figures, by name."""
        graph, found = self.graph, self.failure
        return {
            "name": graph.name,
            "rows": [row.record() for row in self.rows],
            "total": {
                "parameters": self.parameters,
                "multiply_adds": self.multiply_adds,
                "memory": graph.memory,
                "uncounted": [op.number for op in graph.uncounted],
                "unused_parameters": sum(each.count for each in graph.unused),
            },
            "remarks": [vars(each) for each in self.remarks],
            "unmade": unmade(self.graph, self.silenced),
            "sizes": None if self.sizes is None else vars(self.sizes),
            "failure": None
            if found is None
            else {**vars(found), "fixes": [*found.fixes, *self._size_fix(found)]},
        }

    # -- how it is shown

    def _repr_html_(self) -> str:
        header, *body = self.table
        rows = "".join(_html_row(cells) for cells in body)
        texts = [*self.notes, *self.check_lines()]
        below = "".join(f"<p>{escape(line)}</p>" for line in texts)
        failed = self.failure_lines()
        below += f"<pre>{escape(chr(10).join(failed))}</pre>" if failed else ""
        heads = "".join(f"<th>{escape(title)}</th>" for title in header)
        return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{below}"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.table import Table
        from rich.text import Text

        del console, options
        header, *body, total = self.table
        table = Table(box=None, pad_edge=False, show_footer=True)
        for title, foot in zip(header, total, strict=True):
            right = "right" if title in RIGHT else "left"
            table.add_column(
                title, footer=foot, justify="right" if right == "right" else "left", overflow="fold"
            )
        for cells in body:
            table.add_row(*map(Text, cells))
        yield table
        for lines in (self.notes, self.check_lines(), self.failure_lines()):
            if lines:
                yield Text("\n" + "\n".join(lines))


def as_table(trace: Trace) -> str:
    """Aligned columns, the remarks and the post-mortem under them."""
    return str(trace)


def as_json(trace: Trace) -> str:
    """An object with the rows, one a line, the totals, the remarks, checks not made, and the failure."""
    values = trace.as_json()
    rows = ",\n".join(f"    {json.dumps(row, ensure_ascii=False)}" for row in values.pop("rows"))
    rest = ",\n".join(
        f'  "{name}": {json.dumps(value, ensure_ascii=False)}' for name, value in values.items()
    )
    return f'{{\n  "rows": [\n{rows}\n  ],\n{rest}\n}}'


def as_csv(trace: Trace) -> str:
    """RFC 4180, with a header; shapes as 1x64x56x56."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    records = [row.record() for row in trace.rows]
    writer.writerow(records[0])
    for record in records:
        dead = record["dead_filters"]
        record["dead_filters"] = f"{len(dead['channels'])} of {dead['of']}" if dead else ""
        writer.writerow([_flat_text(value) for value in record.values()])
    return text.getvalue().removesuffix("\n")


def as_markdown(trace: Trace) -> str:
    """A table of GitHub-flavoured Markdown, with the rest as lists and preformatted text under it."""
    header, *body = trace.table
    rule = tuple("--:" if title in RIGHT else ":--" for title in header)
    lines = [f"| {' | '.join(_marked(cell) for cell in cells)} |" for cells in (header, rule, *body)]
    texts = [*trace.notes, *(f"**{name}**: {text}" for name, text in trace._told(MOST_ALIKE))]
    texts += [] if trace.failure else trace.unmade
    lines += ["", *(f"- {text}" for text in texts)] if texts else []
    failed = trace.failure_lines()
    lines += ["", "```", *failed, "```"] if failed else []
    return "\n".join(lines)


FORMATS: Final[Mapping[str, Callable[[Trace], str]]] = {
    "table": as_table,
    "json": as_json,
    "csv": as_csv,
    "markdown": as_markdown,
}


def aligned(table: Sequence[Cells]) -> Iterator[str]:
    """The lines of a table with its header and its total set off; columns with nothing in them left out."""
    kept = [i for i, title in enumerate(table[0]) if title == "#" or any(cells[i] for cells in table[1:])]
    widths = {i: max(len(cells[i]) for cells in table) for i in kept}
    rule = "─" * (sum(widths.values()) + 2 * (len(kept) - 1))
    for number, cells in enumerate(table):
        if number in (1, len(table) - 1):
            yield rule
        placed = (
            cells[i].rjust(widths[i]) if table[0][i] in RIGHT else cells[i].ljust(widths[i]) for i in kept
        )
        yield "  ".join(placed).rstrip()


def _headed(name: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    heads = [name.ljust(6), *[" " * 6] * (len(lines) - 1)]
    return ["", *(f"  {head}  {line}" for head, line in zip(heads, lines, strict=True))]


def _kinds(ops: Sequence[Op]) -> str:
    names = list(dict.fromkeys(op.kind for op in ops))
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _dead_record(dead: DeadFilters) -> dict[str, Any]:
    largest = [each if isfinite(each) else None for each in dead.largest]
    return {"channels": list(dead.channels), "of": dead.of, "largest": largest}


def _source_text(source: Source) -> str:
    return f"{source.op}.{source.output + 1}" if source.output else str(source.op)


@lru_cache(maxsize=1024)
def _jump_text(jump: tuple[float, ...]) -> str:
    numbers = [f"{each:.3g}" for each in jump]
    return numbers[0] if len(set(numbers)) == 1 else "x".join(numbers)


def _html_row(cells: Cells) -> str:
    aligns = ("right" if title in RIGHT else "left" for title in TITLES)
    data = (f"<td align={align}>{escape(cell)}</td>" for align, cell in zip(aligns, cells, strict=True))
    return f"<tr>{''.join(data)}</tr>"


def _marked(cell: str) -> str:
    return cell.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")


def _flat_text(value: Any) -> Any:
    match value:
        case dict():
            return " ".join(f"{name}:{_flat_text(each)}" for name, each in value.items())
        case list() if value and isinstance(value[0], list):
            return " ".join("x".join(map(str, each)) for each in value)
        case list() if value and isinstance(value[0], str):
            return " ".join(value)
        case list():
            return "x".join(f"{each:g}" for each in value)
        case None:
            return NOT_KNOWN
    return value
