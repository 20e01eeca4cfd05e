"""What is different in a network since its file was run last: which rows, in a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, TypeAlias

from convtui.engine.graph.operation import Graph, Op, shape_text
from convtui.engine.words import counted, verb

NAMED: Final = 4  # rows at most

_Place: TypeAlias = tuple[str, str, int]


@dataclass(frozen=True)
class Differences:
    """The numbers of the rows that differ or are new, how many are gone, and the same in words."""

    rows: frozenset[int]
    told: str
    gone: int = 0


def differences(before: Graph, after: Graph) -> Differences:
    """The rows of `after` that are not as in `before`: other settings, shapes, types, parameters or cost.

    Rows are matched by operation, module and call, so that one that is added makes no others differ; on which
    line of the file they stand does not count.
    """
    old, new = before.ops, after.ops
    rows: list[int] = []
    gone = 0
    was: dict[int, Op] = {}
    matcher = SequenceMatcher(None, [_place(op) for op in old], [_place(op) for op in new], autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            pairs = zip(old[i1:i2], new[j1:j2], strict=True)
            differ = [(before, after) for before, after in pairs if _figures(before) != _figures(after)]
            rows += [after.number for _, after in differ]
            was |= {after.number: before for before, after in differ}
        else:
            rows += range(j1, j2)
            gone += i2 - i1 if kind == "delete" else max(i2 - i1 - (j2 - j1), 0)
    return Differences(frozenset(rows), _told([new[i] for i in rows], was, gone, before, after), gone)


def _told(rows: Sequence[Op], was: Mapping[int, Op], gone: int, before: Graph, after: Graph) -> str:
    words = []
    if rows:
        named = [f"{op.number} {op.path or op.kind}" for op in rows[:NAMED]]
        first = rows[0]
        if first.number in was:  # the others mostly follow from it
            named[0] += f" ({_change(was[first.number], first)})"
        more = [f"{len(rows) - NAMED} more"] if len(rows) > NAMED else []
        count = f"{counted(len(rows), 'row')} {verb(len(rows), 'differs', 'differ')}"
        words.append(f"{count}: {', '.join([*named, *more])}")
    if gone:
        words.append(f"{counted(gone, 'row')} {verb(gone, 'is', 'are')} gone")
    if before.failure and not after.failure:
        words.insert(0, "the pass goes through now")
    elif after.failure and not before.failure:
        words.insert(0, "the pass fails now")
    return "; ".join(words) or "no row differs"


def _change(before: Op, after: Op) -> str:
    """What is different of a row, by the first that tells it."""
    for tell in (_title, _shapes, _types, _parameters):
        if tell(before) != tell(after):
            return f"{tell(before) or 'none'}, now {tell(after) or 'none'}"
    return "other settings"


def _title(op: Op) -> str:
    return op.title


def _shapes(op: Op) -> str:
    return " and ".join(shape_text(each.shape) for each in op.outputs[:2])


def _types(op: Op) -> str:
    return " and ".join(dict.fromkeys(each.dtype for each in op.outputs))


def _parameters(op: Op) -> str:
    names = ((each.name.rpartition(".")[2], each.shape) for each in op.parameters)
    return " and ".join(f"{name} {shape_text(shape)}" for name, shape in names)


def _place(op: Op) -> _Place:
    return op.kind, op.path, op.call


def _figures(op: Op) -> tuple[object, ...]:
    parameters = tuple(each.shape for each in op.parameters)
    return op.title, op.outputs, parameters, op.cost, dict(op.settings), op.note
