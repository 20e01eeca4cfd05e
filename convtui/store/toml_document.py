"""TOML that knows the line of each key, and that can be changed without losing the comments around it.

Session files are edited by hand: a mistake should be reported with its line, which tomllib does not tell, and
saving should keep the comments, which tomllib drops.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from reprlib import repr as short_repr
from typing import Any, NamedTuple, Self, TypeAlias

from convtui.engine.toml_text import TomlBoundError, require_bounded
from convtui.inputs.images import InputError
from convtui.inputs.names import did_you_mean, printable

Keys: TypeAlias = tuple[str, ...]

_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|' r"'''.*?'{3,5}|" r'"(?:[^"\\\n]|\\.)*"|' r"'[^'\n]*'|#[^\n]*|[][{}\n]",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[ \t]*([A-Za-z0-9_-]+)[ \t]*=[ \t]*[^\s{]")
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


class SessionFileError(InputError):
    """One line for the user: which session file, on which line, what is wrong there, what would be right."""

    @classmethod
    def at(cls, name: str, line: int, why: str) -> Self:
        return cls(f"{printable(name)}, line {line}: {why}")


class Statement(NamedTuple):
    """A header, a `key = value` or a line of neither; `paths` are the keys that it sets, outermost first."""

    paths: tuple[Keys, ...]
    is_header: bool
    text: str
    line: int
    comment: int  # where in the text the comment at its end begins; -1 without one

    @property
    def keys(self) -> Keys:
        return self.paths[-1] if self.paths else ()

    def text_with_comment_of(self, other: "Statement") -> str:
        if other.comment < 0:
            return self.text
        value = self.text[: self.comment] if self.comment >= 0 else self.text
        return f"{value.rstrip()}  {other.text[other.comment :]}"


@dataclass(frozen=True)
class TomlDocument:
    """A TOML text and its values. Getters return None for a missing key and raise for a wrong value.

    first_line: the number of the text's first line, which is not 1 for a part of a file.
    """

    name: str
    text: str
    data: dict[str, Any]
    first_line: int = 1

    @classmethod
    def parse(cls, text: str, name: str) -> "TomlDocument":
        """Raises SessionFileError for what is no TOML."""
        try:
            require_bounded(text)
            document = cls(name, text, tomllib.loads(text))
        except TomlBoundError as error:
            raise SessionFileError.at(name, error.line, error.why) from None
        except tomllib.TOMLDecodeError as error:
            raise _syntax_error(text, name, str(error)) from None
        except (ValueError, RecursionError):
            why = "a number is too long, or names are nested too deeply"
            raise SessionFileError.at(name, _unreadable_line(text), why) from None
        document.require_64_bits()
        return document

    def require_64_bits(self) -> None:
        """Raises SessionFileError for a larger number."""
        for keys, value in _leaves(self.data).items():
            if not _has_64_bits(value):
                raise self.error(keys, f"{'.'.join(map(printable, keys))}: numbers must fit in 64 bits")

    @cached_property
    def _statements(self) -> dict[Keys, Statement]:
        found: dict[Keys, Statement] = {}
        for statement in statements(self.text, self.first_line):
            for path in statement.paths:
                found.setdefault(path, statement)
        return found

    def line(self, *keys: str) -> int:
        """The line on which the key stands, else its table, else 1."""
        while keys and keys not in self._statements:
            keys = keys[:-1]
        return self._statements[keys].line if keys else self.first_line

    def element_line(self, *keys: str, element: int) -> int:
        """The line on which that list in a list of lists begins."""
        statement = self._statements[keys]
        depth = 0
        for token in _TOKEN.finditer(statement.text):
            depth += (token[0] == "[") - (token[0] == "]")
            if token[0] == "[" and depth == 2:
                if not element:
                    return statement.line + statement.text.count("\n", 0, token.start())
                element -= 1
        return statement.line

    def lines_above(self, *keys: str) -> int | None:
        """How many lines precede a text in triple quotes; None if its lines are not lines of the file."""
        statement = self._statements[keys]
        text = str(self.value(*keys))
        if len(text.splitlines()) > text.count("\n") + 1:  # by separators that end no line of TOML
            return None
        for token in _TOKEN.finditer(statement.text):
            content = token[0][3:-3].replace("\r\n", "\n")
            if token[0][:3] in ('"""', "'''") and content.removeprefix("\n") == text:
                opened = statement.line + statement.text.count("\n", 0, token.start())
                return opened - 1 + content.startswith("\n")
        return None

    def error(self, keys: Keys, why: str, line: int | None = None) -> SessionFileError:
        """What is wrong on the line of that key, unless on another, for the caller to raise."""
        return SessionFileError.at(self.name, line or self.line(*keys), why)

    def require_known(self, tables: Mapping[str, Sequence[str]]) -> None:
        """Raises SessionFileError for a table or key not among these, and for what should be a table."""
        for table, keys in self.data.items():
            if table not in tables:
                raise self.error((table,), _unknown(table, tables))
            if tables[table] and not isinstance(keys, dict):
                raise self.error((table,), f"{table} = {short_repr(keys)}: must be a table, [{table}]")
            for key in keys if tables[table] else ():
                if key not in tables[table]:
                    raise self.error((table, key), f"{table}.{_unknown(key, tables[table])}")

    def value(self, table: str, key: str) -> Any:
        return self.data.get(table, {}).get(key)

    def must_be(self, table: str, key: str, what: str) -> SessionFileError:
        value = short_repr(self.value(table, key))
        return self.error((table, key), f"{table}.{key} = {value}: must be {what}")

    def string(self, table: str, key: str) -> str | None:
        value = self.value(table, key)
        if value is None or isinstance(value, str):
            return value
        raise self.must_be(table, key, "text in quotes")

    def flag(self, table: str, key: str) -> bool | None:
        value = self.value(table, key)
        if value is None or isinstance(value, bool):
            return value
        raise self.must_be(table, key, "true or false")

    def whole(self, table: str, key: str, least: int, most: int | None = None) -> int | None:
        value = self.value(table, key)
        if value is None or (is_whole(value) and least <= value and (most is None or value <= most)):
            return None if value is None else int(value)
        to = "or more" if most is None else f"to {most}"
        raise self.must_be(table, key, f"a whole number, {least} {to}")

    def number(self, table: str, key: str) -> float | None:
        value = self.value(table, key)
        if value is None:
            return None
        if not is_number(value):
            raise self.must_be(table, key, "a finite number")
        return float(value)


def _unknown(key: str, known: Iterable[str]) -> str:
    return f"{printable(key)}: unknown name" + (
        did_you_mean(key, known) or f"; choose from {', '.join(known)}"
    )


def is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    except OverflowError:
        return False


def rewritten(old: str, new: str, same: Callable[[Keys, object, object], bool]) -> str:
    """The TOML `new` written into `old`: its comments, its order and the values that are the same stay.

    Just `new` where `old` is laid out in another way than one key a line.
    """
    fresh = {statement.keys: statement for statement in statements(new) if statement.keys}
    before, after = _leaves(tomllib.loads(old)), _leaves(tomllib.loads(new))
    kept: list[str] = []
    ends: dict[Keys, int] = {}
    for statement in statements(old if old.endswith("\n") else old + "\n"):
        keys, text = statement.keys, statement.text
        if keys and keys not in fresh:
            continue
        if keys:
            replacement = fresh.pop(keys)
            if not statement.is_header and not same(keys, before.get(keys), after.get(keys)):
                text = replacement.text_with_comment_of(statement)
            ends[keys if statement.is_header else keys[:-1]] = len(kept) + 1
        kept.append(text)
    tables = {end: table for table, end in ends.items()}
    parts: list[str] = []
    for count, text in enumerate(kept, start=1):
        added = [keys for keys in fresh if keys[:-1] == tables.get(count) and not fresh[keys].is_header]
        parts += [text, *(fresh.pop(keys).text for keys in added)]
    parts += [("\n" if statement.is_header else "") + statement.text for statement in fresh.values()]
    written = "".join(parts)
    return written if _holds(written, after, same) else new


def _holds(text: str, values: dict[Keys, object], same: Callable[[Keys, object, object], bool]) -> bool:
    try:
        found = _leaves(tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        return False
    return found.keys() == values.keys() and all(same(keys, found[keys], values[keys]) for keys in values)


def _leaves(data: dict[str, Any], above: Keys = ()) -> dict[Keys, object]:
    leaves: dict[Keys, object] = {}
    for key, value in data.items():
        keys = (*above, key)
        leaves |= _leaves(value, keys) if isinstance(value, dict) else {keys: value}
    return leaves


def _has_64_bits(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_has_64_bits, value))
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def statements(text: str, first_line: int = 1) -> Iterator[Statement]:
    table: Keys = ()
    start = depth = 0
    line, comment = first_line, -1
    for token in _TOKEN.finditer(text):
        mark = token[0]
        depth += (mark in "[{") - (mark in "]}")
        if depth:
            continue
        if mark[0] == "#":
            comment = token.start() - start
        elif mark == "\n":
            statement = _statement(text[start : token.end()], line, comment, table)
            yield statement
            table = statement.keys if statement.is_header else table
            line += statement.text.count("\n")
            start, comment = token.end(), -1
    if start < len(text):
        yield _statement(text[start:], line, comment, table)


def _statement(text: str, line: int, comment: int, table: Keys) -> Statement:
    if key := _BARE_KEY.match(text):  # nearly all are that plain, and reading them is what takes time
        return Statement(((*table, key[1]),), False, text, line, comment)
    if not text.strip() or comment == len(text) - len(text.lstrip()):
        return Statement((), False, text, line, comment)
    is_header = text.lstrip().startswith("[")
    try:
        paths = tuple(_paths(tomllib.loads(text), () if is_header else table))
    except (ValueError, RecursionError):
        paths = ()
    return Statement(paths, is_header, text, line, comment)


def _paths(data: dict[str, Any], above: Keys) -> Iterator[Keys]:
    for key, value in data.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from _paths(value, (*above, key))


def _syntax_error(text: str, name: str, message: str) -> SessionFileError:
    """tomllib's complaint at the line to look at: where the repeated key or the unfinished value begins."""
    place = _PLACE.search(message)
    line = int(place[1]) if place and place[1] else _unreadable_line(text)
    if message.startswith("Cannot"):
        *_, statement = (each for each in statements(text) if each.line <= line)
        twice = ".".join(map(printable, statement.keys))
        return SessionFileError.at(name, statement.line, f"{twice} is given twice; keep only one")
    what = message[: place.start()] if place else message
    column = f" (column {place[2]})" if place and place[2] else ""
    return SessionFileError.at(name, line, f"invalid TOML: {what[0].lower()}{what[1:]}{column}")


def _unreadable_line(text: str) -> int:
    """The line of the first statement that cannot be read by itself."""
    for statement in statements(text):
        try:
            _leaves(tomllib.loads(statement.text))
        except (ValueError, RecursionError):
            return statement.line
    return 1
