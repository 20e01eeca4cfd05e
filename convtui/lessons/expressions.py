"""Expressions over the figures of a session: arithmetic and comparisons of named values, and nothing else.

Words, answers and conditions of lessons use them, so that every number in a lesson is the engine's. They are
read by Python's own parser, but only the kinds of nodes named here are worked out: a lesson can come from
anyone, and nothing in it is executed.
"""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, Protocol, TypeAlias

from convtui.inputs.names import did_you_mean, printable

Value: TypeAlias = float | bool | str | tuple[float, ...]

LONGEST: Final = 500  # characters of an expression
LARGEST: Final = 10**18  # of whole numbers
_LARGEST_POWER: Final = 64
_MOST_DIGITS: Final = 15


class ExpressionError(ValueError):
    """One line: what is wrong with an expression."""


class Figures(Protocol):
    """Where the names of an expression get their values from."""

    def value(self, name: str, index: tuple[int, ...] | None) -> Value:
        """The figure of that name; of those that need one, at an index. Raises ExpressionError."""


def _rounded(value: Any, digits: int = 0) -> Any:
    if not 0 <= digits <= _MOST_DIGITS:
        raise ExpressionError(f"round has 0 to {_MOST_DIGITS} digits, not {digits}")
    return round(value, digits) if digits else round(value)


_BINARY: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARED: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "round": _rounded,
    "floor": math.floor,
    "sqrt": math.sqrt,
    "sum": sum,
    "len": len,
}


def evaluated(text: str, figures: Figures) -> Value:
    """The value of an expression. Raises ExpressionError for what is none, and for an unknown name."""
    try:
        return _plain(_value(_tree(text), figures))
    except ExpressionError:
        raise
    except (ArithmeticError, MemoryError, TypeError, ValueError, RecursionError) as error:
        why = f" ({error})" if str(error) else ""
        raise ExpressionError(f"{printable(text)}: cannot be worked out{why}") from None


def _plain(value: Any) -> Value:
    """The value, if it is one that can be compared with an answer and shown."""
    numbers = value if isinstance(value, tuple) else (value,)
    if not isinstance(value, str) and not all(isinstance(each, int | float) for each in numbers):
        raise ExpressionError("the value must be a number, a text, or a list of numbers")
    if any(isinstance(each, int) and abs(each) > LARGEST for each in numbers):
        raise ExpressionError(f"whole numbers go up to {LARGEST:.0e}")
    plain: Value = value
    return plain


def names_in(text: str) -> set[str]:
    """The names of figures that an expression uses. Raises ExpressionError for what is none."""
    nodes = (node for node in ast.walk(_tree(text)) if isinstance(node, ast.expr))
    found = {named[0] for node in nodes if (named := _named(node))} - {*FUNCTIONS}
    return {name for name in found if not any(other.startswith(f"{name}.") for other in found)}


@lru_cache(maxsize=1024)
def _tree(text: str) -> ast.expr:
    if len(text) > LONGEST:
        raise ExpressionError(f"an expression may have at most {LONGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python doubts is none; nothing is printed on the screen
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError(
            f"{printable(text)}: not an expression, such as output.rows or 2 * padding"
        ) from None


def _value(node: ast.expr, figures: Figures) -> Any:
    match node:
        case ast.Constant(value=bool() | int() | float() | str()):
            return node.value
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return tuple(_value(each, figures) for each in elements)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, figures)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, figures)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _binary(op, _value(left, figures), _value(right, figures))
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_value(each, figures) for each in values)
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(_value(each, figures) for each in values)
        case ast.Compare(left=left, ops=ops, comparators=comparators) if {*map(type, ops)} <= {*_COMPARED}:
            values = [_value(each, figures) for each in (left, *comparators)]
            pairs = zip(ops, values, values[1:], strict=False)
            return all(_COMPARED[type(op)](before, after) for op, before, after in pairs)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](*(_value(each, figures) for each in arguments))
    if named := _named(node):
        name, index = named
        at = None if index is None else _index(_value(index, figures), name)
        return figures.value(name, at)
    raise ExpressionError(
        f"{printable(ast.unparse(node))}: only names of figures, numbers, + - * / // % **, comparisons, "
        f"and, or, not, {', '.join(FUNCTIONS)}"
    )


def _binary(op: ast.operator, left: Any, right: Any) -> Any:
    if not all(isinstance(each, int | float) for each in (left, right)):
        raise ExpressionError("arithmetic needs numbers")
    if isinstance(op, ast.Pow) and not (abs(right) <= _LARGEST_POWER and abs(left) <= 1e6):
        raise ExpressionError("a power may be at most 64, of a number of at most a million")
    return _plain(_BINARY[type(op)](left, right))  # (-8) ** 0.5 is no such number


def _named(node: ast.expr) -> tuple[str, ast.expr | None] | None:
    """The dotted name and the index in `layer[3].shape`, `output.rows` or `output[0, 4, 18]`."""
    match node:
        case ast.Name(id=name):
            return name, None
        case ast.Attribute(value=owner, attr=attribute) if named := _named(owner):
            name, index = named
            return f"{name}.{attribute}", index
        case ast.Subscript(value=owner, slice=index) if named := _named(owner):
            name, before = named
            return (name, index) if before is None else None
    return None


def _index(value: Any, name: str) -> tuple[int, ...]:
    at = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(each, int) and not isinstance(each, bool) for each in at):
        raise ExpressionError(f"{name}[…]: an index is made of whole numbers")
    return at


def unknown_name(name: str, known: Mapping[str, object]) -> ExpressionError:
    """That there is no such figure, and which one it might be, for the caller to raise."""
    return ExpressionError(f"{printable(name)}: no such figure{did_you_mean(name, known) or ''}")
