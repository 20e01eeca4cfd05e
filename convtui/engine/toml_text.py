"""Bounds on a TOML text, checked before it is parsed.

Python's own parser needs time and memory with the square of a key's parts: 50,000 cost 40 s and 8 GB.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

MOST_PARTS: Final = 16  # of a key: a.b.c has three
MOST_STATEMENTS: Final = 20_000  # lines outside of texts and brackets

_TOKEN: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|' r"'''.*?'{3,5}|" r'"(?:[^"\\\n]|\\.)*"|' r"'[^'\n]*'|#[^\n]*|[][{}.,=\n]",
    re.DOTALL,
)


class TomlBoundError(ValueError):
    """Which line of a TOML text goes beyond what is parsed, why, and what would be right."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line, self.why = line, why


def require_bounded(text: str) -> None:
    """Raises TomlBoundError for a key of too many parts, and for too many keys, in linear time."""
    lines = text.split("\n")
    may_have_long_keys = any(line.count(".") >= MOST_PARTS for line in lines)
    if not may_have_long_keys and len(lines) <= MOST_STATEMENTS:
        return
    depth = dots = statements = 0
    for token, line in _tokens(text):
        if token == ".":
            dots += 1
        if token[0] in "\"'.":  # a part of a key may be quoted
            continue
        if dots >= MOST_PARTS:
            raise TomlBoundError(line, f"a key of {dots + 1:,} parts; the longest has {MOST_PARTS}")
        dots = 0
        depth = max(depth + (token in "[{") - (token in "]}"), 0)
        statements += token == "\n" and not depth
        if statements > MOST_STATEMENTS:
            raise TomlBoundError(
                line, f"there are more than {MOST_STATEMENTS:,} lines of keys; leave some out"
            )


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """What structures the text, with the number of the line on which it begins; a line's end comes last."""
    line = 1
    for token in _TOKEN.finditer(text):
        yield token[0], line
        line += token[0].count("\n")
    yield "\n", line
