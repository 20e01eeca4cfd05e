"""The file of a notebook, format 4.5 of nbformat: cells as JSON, the same bytes for the same cells.

Source: https://nbformat.readthedocs.io/en/latest/format_description.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from convtui.inputs.atomic import read_regular, write_given
from convtui.inputs.confinement import require_ours
from convtui.inputs.names import printable

SUFFIX: Final = ".ipynb"

_MARK: Final = "convtui"  # in the notebook's metadata: what the cells were when they were written


@dataclass(frozen=True)
class Words:
    """A cell of Markdown."""

    text: str


@dataclass(frozen=True)
class Code:
    """A cell of Python. shows: what its last line shows, by type. prints: what it prints."""

    text: str
    shows: Mapping[str, str] = field(default_factory=dict)
    prints: str = ""


Cell = Words | Code


def require_writable(out: Path) -> None:
    """Raise ValueError unless a notebook may be written there."""
    require_ours(out)
    name = printable(str(out))
    if out.suffix.lower() != SUFFIX:
        raise ValueError(f"{name}: the name must end in {SUFFIX}")
    if not out.parent.is_dir():
        raise ValueError(f"{name}: the folder {printable(str(out.parent))} does not exist")
    if out.exists() and not (out.is_file() and is_as_written(out)):
        why = "not written by convtui, or changed since"
        raise ValueError(f"{name}: {why}, so not replaced; choose another file name")


def is_as_written(file: Path) -> bool:
    """Whether it is a notebook of convtui whose cells nobody has changed; run it may have been.

    An empty file has nothing to lose.
    """
    try:
        content = read_regular(file)
        if not content:
            return True
        notebook = json.loads(content)
        return bool(notebook["metadata"][_MARK]["cells"] == _digest(notebook["cells"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def write_notebook(cells: Sequence[Cell], out: Path) -> None:
    """Write the whole file or nothing. Raises ValueError if that cannot be done."""
    require_writable(out)
    write_given(out, notebook_bytes(cells))


def notebook_bytes(cells: Sequence[Cell]) -> bytes:
    """The file, in the order and with the indent with which Jupyter writes one."""
    written = [_written(cell, f"cell-{number}") for number, cell in enumerate(cells, start=1)]
    notebook = {
        "cells": written,
        "metadata": {
            _MARK: {"cells": _digest(written)},
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return f"{json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True)}\n".encode()


def _written(cell: Cell, name: str) -> dict[str, Any]:
    """The cell, without the number that a run gives it."""
    begun = {"id": name, "metadata": {}, "source": _lines(cell.text)}
    if isinstance(cell, Words):
        return {"cell_type": "markdown", **begun}
    outputs: list[dict[str, Any]] = []
    if cell.prints:
        outputs.append({"output_type": "stream", "name": "stdout", "text": _lines(cell.prints)})
    if cell.shows:
        data = {kind: _lines(text) for kind, text in cell.shows.items()}
        outputs.append(
            {"output_type": "execute_result", "data": data, "execution_count": None, "metadata": {}}
        )
    return {"cell_type": "code", **begun, "execution_count": None, "outputs": outputs}


def _digest(cells: Iterable[Mapping[str, Any]]) -> str:
    """Of what somebody may have written into the cells; outputs come and go."""
    hashed = sha256()
    for cell in cells:
        source = cell["source"]
        hashed.update(repr((cell["cell_type"], "".join(source))).encode("utf-8", "surrogatepass"))
    return hashed.hexdigest()


def _lines(text: str) -> list[str]:
    """The text in lines that keep their ends, as Jupyter writes it; other ends than \\n are none."""
    *lines, last = text.split("\n")
    return [*(f"{line}\n" for line in lines), *([last] if last else [])]
