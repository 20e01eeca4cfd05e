"""Arrays of numbers as people paste them: Python lists, what numpy and PyTorch print, MATLAB's rows.

A strict parser that works through the text once: nothing is evaluated, and depth and size are bounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from reprlib import repr as short_repr
from typing import Final

import numpy as np

from convtui.engine.spec import LARGEST_VALUE, Floats

MOST_AXES: Final = 4

_CALL: Final = (
    r"(?:np\.|numpy\.|jnp\.|torch\.|tf\.)?(?:array|asarray|matrix|tensor|Tensor|constant|Array)\s*\("
)
_PRINTED: Final = r"Parameter\s+containing:\s*|<tf\.Tensor:[^\n]*numpy=\s*"
_OPENING: Final = re.compile(rf"(?:\s|#[^\n]*)*+(?P<printed>{_PRINTED})?(?P<call>{_CALL})?\s*(?=[\[({{])")
_ARGUMENT: Final = (
    r",\s*\w+\s*=\s*(?:<[^<>]*>|'[^']*'|\"[^\"]*\"|\([^()]*\)|torch\.Size\(\[[^\]]*\]\)|[\w.:]+)\s*"
)
_CLOSING: Final = {
    True: re.compile(rf"\s*(?:{_ARGUMENT})*,?\s*\)\s*>?\s*;?\s*"),
    False: re.compile(r"\s*;?\s*"),
}
_TOKEN: Final = re.compile(r"\s+|[\[\](){},;]|[^\s\[\](){},;]+")
_PAIRS: Final = {"[": "]", "(": ")", "{": "}"}
_WORDS: Final = {"True": 1.0, "true": 1.0, "False": 0.0, "false": 0.0}
_BARE_ROWS: Final = re.compile(r"[-+−.0-9eE/,;\s]*[0-9][-+−.0-9eE/,;\s]*")
_COMMENT: Final = re.compile(r"#[^\n]*")


def is_array_text(text: str) -> bool:
    """Whether the text begins as a pasted array does: with a bracket, array(, tensor( or the like."""
    return _OPENING.match(text) is not None


def bracketed(typed: str) -> str:
    """What was typed, in brackets if it is rows of numbers between semicolons: "1 0 -1; 2 0 -2"."""
    return f"[{typed}]" if ";" in typed and _BARE_ROWS.fullmatch(typed) else typed


def parse_array(text: str, most: int) -> Floats:
    """The array in a text such as [[1, 2], [3, 4]], [[1 2] [3 4]], tensor([[1., 2.]]) or [1 2; 3 4].

    It has one to four axes and at most so many numbers. Numbers may be fractions (1/9); # starts a comment.
    In a single pair of brackets a new line starts a new row, unless the line before ends in a comma.
    Raises ValueError that names the line and what is wrong there.
    """
    text = _COMMENT.sub("", text)
    opening = _OPENING.match(text)
    if opening is None:
        raise ValueError("line 1: an array begins with a bracket, array( or tensor(")
    numbers: list[float] = []
    end, shape = _parse_brackets(text, opening.end(), numbers, most)
    if not _CLOSING[opening["call"] is not None].fullmatch(text, end):
        rest = text[end:].strip()
        what = f"unexpected {short_repr(rest)} after the array" if rest else ") is missing at the end"
        raise ValueError(f"line {_line(text, len(text.rstrip()) - len(rest))}: {what}")
    if len(shape) > MOST_AXES:
        raise ValueError(f"line 1: an array of {len(shape)} axes; at most {MOST_AXES} are read")
    return np.array(numbers).reshape(shape)


def parse_real(text: str) -> float:
    """The number in a text. Unlike float, it takes no underscores. Raises ValueError."""
    if "_" in text:
        raise ValueError(f"{text!r} is not a number")
    return float(text)


def parse_entry(token: str) -> float:
    """A number or a fraction (1/9), finite and at most 1e30 in magnitude. Raises ValueError."""
    try:
        numerator, slash, denominator = token.replace("−", "-").partition("/")
        value = parse_real(numerator) / (parse_real(denominator) if slash else 1.0)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{short_repr(token)} is not a number") from None
    if not isfinite(value):
        raise ValueError(f"{short_repr(token)} is not finite")
    if abs(value) > LARGEST_VALUE:
        raise ValueError(f"{short_repr(token)} is larger than {LARGEST_VALUE:g} in magnitude")
    return value


@dataclass
class _Brackets:
    """A pair of brackets that is not closed yet."""

    line: int
    closing: str
    entries: int = 0
    of: tuple[int, ...] | None = None  # the shape of an entry; () for numbers
    rows: int = 0  # those that a semicolon or a new line has ended
    width: int = 0  # of the first of those
    in_row: int = 0
    after_comma: bool = False

    def add(self, shape: tuple[int, ...], line: int) -> None:
        """One more entry. Raises ValueError if it differs from the first."""
        if self.of is None:
            self.of = shape
        elif self.of != shape:
            raise ValueError(f"line {line}: {_differing(shape, self.of)}")
        self.entries, self.in_row, self.after_comma = self.entries + 1, self.in_row + 1, False

    def end_row(self, line: int) -> None:
        """The numbers since the last end of a row are a row. Raises ValueError if it differs in length."""
        if self.of != () or not self.in_row:
            return
        self.width = self.width or self.in_row
        if self.in_row != self.width:
            raise ValueError(f"line {line}: {_differing((self.in_row,), (self.width,))}")
        self.rows, self.in_row, self.after_comma = self.rows + 1, 0, False

    def shape(self, line: int) -> tuple[int, ...]:
        """The shape of all that is between them. Raises ValueError if there is nothing."""
        if self.of is None:
            raise ValueError(f"line {line}: empty brackets; expected numbers")
        if self.rows:
            self.end_row(line)
        return (self.rows, self.width) if self.rows else (self.entries, *self.of)


def _parse_brackets(text: str, start: int, numbers: list[float], most: int) -> tuple[int, tuple[int, ...]]:
    """Where the outermost brackets end, and their shape; the numbers are appended."""
    line = _line(text, start)
    stack: list[_Brackets] = []
    for match in _TOKEN.finditer(text, start):
        token = match[0]
        inner = stack[-1] if stack else None
        if token in _PAIRS:
            if len(stack) == MOST_AXES:
                raise ValueError(f"line {line}: more than {MOST_AXES} brackets inside one another")
            stack.append(_Brackets(line, _PAIRS[token]))
        elif inner is None:  # the text begins with a bracket
            break
        elif token in _PAIRS.values():
            if token != inner.closing:
                raise ValueError(f"line {line}: {token} where {inner.closing} is expected")
            shape = inner.shape(line)
            stack.pop()
            if not stack:
                return match.end(), shape
            stack[-1].add(shape, line)
        elif token == ",":
            if inner.after_comma or not inner.in_row:
                raise ValueError(f"line {line}: missing number next to a comma")
            inner.after_comma = True
        elif token == ";":
            inner.end_row(line)
        elif token.isspace():
            if "\n" in token and len(stack) == 1 and not inner.after_comma:
                inner.end_row(line)
            line += token.count("\n")
        else:
            inner.add((), line)
            numbers.append(_entry(token, line))
            if len(numbers) > most:
                raise ValueError(f"line {line}: more than {most:,} numbers")
    raise ValueError(f"line {stack[-1].line}: a bracket is not closed; {stack[-1].closing} is missing")


def _entry(token: str, line: int) -> float:
    if token in _WORDS:
        return _WORDS[token]
    if token in ("...", "…"):
        left_out = "numbers are left out (...)"
        raise ValueError(f"line {line}: {left_out}; print the whole array, or save it as .npy")
    try:
        return parse_entry(token)
    except ValueError as error:
        raise ValueError(f"line {line}: {error}") from None


def _differing(shape: tuple[int, ...], first: tuple[int, ...]) -> str:
    if not shape or not first:
        return "numbers and rows are mixed"
    if len(shape) == len(first) == 1:
        return f"row of length {shape[0]}, but the first has length {first[0]}"
    return f"part of shape {list(shape)}, but the first has shape {list(first)}"


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
