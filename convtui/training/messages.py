"""A message between the app and its training process: a frozen value that is a line of JSON on its way.

A message is read back only as the kind that it names; the modules that define kinds make them known.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from operator import index
from types import UnionType
from typing import Any, ClassVar, Final, get_args, get_origin, get_type_hints

from convtui.training.recipe import Recipe


@dataclass(frozen=True)
class Message:
    """A line of JSON; its kind is the class's name in lower case where no other is given."""

    kind: ClassVar[str]
    kinds: ClassVar[dict[str, type[Message]]] = {}

    def __init_subclass__(cls, kind: str = "") -> None:
        cls.kind = kind or cls.__name__.lower()
        cls.kinds[cls.kind] = cls


_ENCODER: Final = json.JSONEncoder(default=vars, allow_nan=False, separators=(",", ":"))


def encode(message: Message) -> str:
    """The message as one line of JSON, without its end; NaN and infinities are strings."""
    values = {"event": message.kind, **vars(message)}
    try:
        return _ENCODER.encode(values)
    except ValueError:
        spelt = json.loads(json.dumps(values, default=vars), parse_constant=str)
        return json.dumps(spelt, separators=(",", ":"))


def decode(line: str | bytes) -> Message:
    """The message that was encoded. Raises ValueError for a line that is none."""
    try:
        values = json.loads(line)
        message: Message = _message_reader(values.pop("event"))(values)
        return message
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"not a message: {line[:80]!r} ({error})") from None


@cache
def _message_reader(event: str) -> Callable[[Any], Any]:
    return _reader(Message.kinds[event])


def _reader(kind: Any) -> Callable[[Any], Any]:
    """What makes a value of this type from JSON's; it raises TypeError or ValueError for another's."""
    arguments = get_args(kind)
    if isinstance(kind, UnionType):
        some = _reader(arguments[0])
        return lambda value: None if value is None else some(value)
    if get_origin(kind) is tuple and arguments[-1] is ...:
        each = _reader(arguments[0])
        return lambda values: tuple([each(value) for value in values])
    if get_origin(kind) is tuple:
        parts = [_reader(argument) for argument in arguments]
        return lambda values: tuple([part(value) for part, value in zip(parts, values, strict=True)])
    if kind is Recipe:
        return Recipe.from_dict
    if issubclass(kind, Message):
        types = get_type_hints(kind)
        readers = {field.name: _reader(types[field.name]) for field in fields(kind)}
        return lambda values: kind(**{name: readers[name](value) for name, value in values.items()})
    return index if kind is int else float if kind is float else _checked(kind)


def _checked(kind: type) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not isinstance(value, kind):
            raise TypeError(f"{value!r} is not a {kind.__name__}")
        return value

    return check
