"""Names that a user typed or a file has, as they can be shown, and what was meant instead."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path


def printable(text: str) -> str:
    """The text, shortened if very long, quoted and escaped if a terminal would obey rather than show it."""
    if len(text) > 400:
        text = f"{text[:200]}…{text[-200:]}"
    return text if text and text.isprintable() else repr(text)


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """A clause that names the candidates most like the name, "" if none is like it."""
    from difflib import get_close_matches

    close = get_close_matches(name, sorted(candidates), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(map(printable, close))}?" if close else ""


def neighbours(path: Path) -> list[str]:
    """Up to 2,000 names in the path's folder; none if it cannot be listed."""
    try:
        return [entry.name for entry in islice(path.parent.iterdir(), 2000)]
    except OSError:
        return []
