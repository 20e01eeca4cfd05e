"""Words that follow from a number, or from the word after them: "1 row", "2 axes", "an int"."""

import re
from typing import Final

_IRREGULAR: Final = {"axis": "axes", "matrix": "matrices", "entry": "entries", "epoch": "epochs"}
_WITH_AN: Final = re.compile(
    "8|1[18](?![0-9])|[aei]|o(?!ne)|u(?!ni|int|-?net|se)|(?-i:[FHLMNRSX](?=[B-DF-HJ-NP-TV-Z]))", re.IGNORECASE
)  # an 8, an int, but a unit; an LSTM


def plural(noun: str, count: int) -> str:
    """The noun as it stands behind a count: "row", "rows", "biases", "output channels"."""
    if count == 1:
        return noun
    before, space, last = noun.rpartition(" ")
    if last in _IRREGULAR:
        return f"{before}{space}{_IRREGULAR[last]}"
    return f"{noun}es" if last.endswith(("s", "x", "ch", "sh")) else f"{noun}s"


def counted(count: int, noun: str) -> str:
    """A count and its noun: "1 row", "1,024 rows"."""
    return f"{count:,} {plural(noun, count)}"


def verb(count: int, one: str, several: str) -> str:
    """The verb behind a count and its noun: "is" of one, "are" of several or none."""
    return one if count == 1 else several


def a(word: str) -> str:
    """The word with its article: "an int", "a Tensor", "an 8", "a 7"."""
    return f"{'an' if _WITH_AN.match(word) else 'a'} {word}"
