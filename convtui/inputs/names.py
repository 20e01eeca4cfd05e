"""Names typed by a user or found in files: how to show them, and which known name was meant."""

import re
from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from pathlib import Path

from convtui.inputs.confinement import confinement


def printable(text: str) -> str:
    """The text, shortened if very long, and quoted and escaped if a terminal would interpret it."""
    if len(text) > 400:
        text = f"{text[:200]}…{text[-200:]}"
    return text if text and text.isprintable() else repr(text)


def run_number(run: str | Path) -> str:
    """A run by its folder: "12" for 0012, else the folder's name."""
    name = Path(run).name
    return str(int(name)) if name.isdecimal() else name


def run_name(run: str | Path) -> str:
    """As "run 12"; "" for none."""
    return f"run {run_number(run)}" if run else ""


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """A clause that suggests the candidates most similar in any case of letters; "" if none is similar."""
    from difflib import get_close_matches

    spelt = {each.lower(): each for each in sorted(candidates, reverse=True)}
    close = [spelt[each] for each in get_close_matches(name.lower(), sorted(spelt), n=3, cutoff=0.5)]
    return f"; did you mean {' or '.join(map(printable, close))}?" if close else ""


def split_setting(text: str, names: Collection[str], aliases: Mapping[str, str]) -> tuple[str, str]:
    """The full name of a setting and its value ("" if there is none), from "lr 0.03" or "batch-norm=off".

    Raises ValueError for a setting that is neither a name nor an alias.
    """
    setting, *value = re.split(r"\s*=\s*|\s+", text.strip(), maxsplit=1)
    name = setting.lower().replace("-", "_")
    name = aliases.get(name, name)
    if name not in names:
        close = did_you_mean(name, [*names, *aliases]) or f"; choose from {', '.join(names)}"
        raise ValueError(f"{printable(setting)}: unknown setting{close}")
    return name, "".join(value).strip("'\"")


def neighbours(path: Path) -> list[str]:
    """Up to 2,000 names in the path's folder; none if it cannot be listed."""
    limits = confinement()
    if limits is not None and not limits.has(path):
        return []
    try:
        return [entry.name for entry in islice(path.parent.iterdir(), 2000)]
    except OSError:
        return []
