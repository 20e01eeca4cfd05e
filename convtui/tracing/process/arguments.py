"""Arguments for a class or function of theirs: how they are typed, and why it does not take them.

Whether it takes them is told from its signature, before it is called: what it raises then is its own.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from inspect import Parameter
from typing import Any, Final

from convtui.engine.words import counted
from convtui.inputs.names import did_you_mean, printable

LONGEST: Final = 40  # characters of a default that is told

_BY_PLACE: Final = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_BY_NAME: Final = (Parameter.KEYWORD_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def parse_arguments(arguments: Sequence[str]) -> tuple[list[Any], dict[str, Any]]:
    """`10 depth=18 "name=resnet"`: values as Python writes them, and as text where they are none."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if equals and name.isidentifier():
            named[name] = _value(text)
        else:
            positional.append(_value(argument))
    return positional, named


def why_not_taken(made: Callable[..., Any], positional: Sequence[Any], named: Mapping[str, Any]) -> str:
    """Which arguments are missing, unknown, given twice or too many; "" if it takes them."""
    try:
        signature = inspect.signature(made)
    except (TypeError, ValueError):  # as of a class that is written in C
        return ""
    with suppress(TypeError):
        signature.bind(*positional, **named)
        return ""
    parameters = list(signature.parameters.values())
    kinds = {each.kind for each in parameters}
    by_place = [each.name for each in parameters if each.kind in _BY_PLACE]
    by_name = [each.name for each in parameters if each.kind in _BY_NAME]
    takes = ", ".join(map(_written, parameters))
    if Parameter.VAR_KEYWORD not in kinds:
        for name in named:
            if name not in by_name:
                close = did_you_mean(name, by_name) or (f"; it takes {takes}" if takes else "")
                return f"takes no argument {printable(name)}{close}"
    if len(positional) > len(by_place) and Parameter.VAR_POSITIONAL not in kinds:
        most = f"takes {counted(len(by_place), 'argument')} by place" if by_place else "takes no arguments"
        if not by_name and not named:
            return f"{most}, and gets {len(positional)}"
        return f"{most}, and gets {len(positional)}; it takes {takes}" if takes else f"{most}"
    for name in by_place[: len(positional)]:
        if name in named:
            return f"gets its argument {name} twice; it takes {takes}"
    missing = [
        each.name
        for each in parameters
        if each.default is each.empty
        and each.kind in (*_BY_PLACE, Parameter.KEYWORD_ONLY)
        and each.name not in (*by_place[: len(positional)], *named)
    ]
    values = " ".join(f"{name}=…" for name in missing)
    return f"needs {_listed(missing)}; arguments follow after --: -- {values}"


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _listed(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"its argument {names[0]}"
    return f"its arguments {', '.join(names[:-1])} and {names[-1]}"


def _written(parameter: Parameter) -> str:
    """As in a signature, without types: `width`, `depth=1`, `**settings`."""
    text = str(parameter.replace(annotation=Parameter.empty))
    return text if len(text) <= LONGEST else f"{parameter.name}=…"
