"""What the import contracts cannot see: of Textual, a page's pure parts import its geometry alone."""

import ast
from pathlib import Path

import pytest

import convtui.pages

PURE = ("layout", "figures", "labels", "plots")
FILES = [file for file in sorted(Path(convtui.pages.__path__[0]).glob("*/*.py")) if file.stem.endswith(PURE)]


def imported(file: Path) -> set[str]:
    """The modules that a file imports, at its top and in its functions."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found.update(each.name for each in node.names)
    return found


@pytest.mark.parametrize("file", FILES, ids=[f"{file.parent.name}/{file.stem}" for file in FILES])
def test_pure_parts_know_no_widget(file: Path) -> None:
    assert {name for name in imported(file) if name.startswith("textual")} <= {"textual.geometry"}


def test_there_are_pure_parts() -> None:
    assert len(FILES) > 15
