"""What import contracts cannot say: no loose module, none without a docstring, no base of a single class."""

import ast
from collections import Counter
from pathlib import Path

import convtui

PACKAGE = Path(convtui.__file__).parent
LOOSE = {"__init__.py", "__main__.py", "py.typed"}


def test_every_module_is_in_a_room() -> None:
    assert {path.name for path in PACKAGE.iterdir() if path.is_file()} == LOOSE


def test_every_room_says_why_it_exists() -> None:
    silent = [
        path for path in PACKAGE.rglob("*.py") if not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert silent == []


def test_no_class_is_only_the_base_of_one_other() -> None:
    trees = [ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    classes = {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}
    bases = Counter(base for node in classes.values() for base in map(name_of, node.bases) if base in classes)
    built = {name_of(node.func) for node in nodes if isinstance(node, ast.Call)}
    assert [name for name, count in bases.items() if count == 1 and name not in built] == []


def name_of(node: ast.expr) -> str:
    """The last name of "a.B", "B" or "B[int]"."""
    match node:
        case ast.Subscript():
            return name_of(node.value)
        case ast.Attribute():
            return node.attr
        case ast.Name():
            return node.id
    return ""
