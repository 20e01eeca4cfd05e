"""What the user's code prints, as it is shown: a terminal must not obey what is in it."""

from __future__ import annotations

import re
from typing import Final

_ESCAPES: Final = re.compile(
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"  # titles, links
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # colours, the cursor
    r"|\x1b[ -/]*[0-~]?"
)
_BREAK: Final = re.compile(r"\r?\n")


def plain(text: str) -> str:
    """The text without what a terminal would obey; of a line that overwrites itself what it says last.

    Lines end in a line feed, and tabs are spaces. Source: ECMA-48.
    """
    return "\n".join(_plain_line(line) for line in _BREAK.split(_ESCAPES.sub("", text)))


def _plain_line(line: str) -> str:
    last = next((part for part in reversed(line.split("\r")) if part), "").expandtabs()
    return "".join(each for each in map(_shown, last) if each)


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else ""


class Prints:
    """Prints that come in parts, of which lines are told once they are whole."""

    def __init__(self) -> None:
        self._begun = ""

    def lines_of(self, part: str) -> list[str]:
        """The lines that this part ends."""
        *whole, self._begun = (self._begun + part).split("\n")
        return [plain(f"{line}\n").removesuffix("\n") for line in whole]

    def rest(self) -> list[str]:
        """The line that no line feed ended, if there is one."""
        last, self._begun = plain(self._begun), ""
        return [last] if last else []
