"""The file of a notebook is one by nbformat's own check, and is replaced only as convtui wrote it."""

import json
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.export.notebook_file import Cell, Code, Words, is_as_written, notebook_bytes, write_notebook
from convtui.inputs import atomic

CELLS = (Words("# Words\n\nmore"), Code("1 + 1", {"text/plain": "2"}), Code("print(3)", prints="3\n"))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SHOWS = st.dictionaries(st.sampled_from(["text/plain", "image/svg+xml"]), TEXTS)
ANY_CELL: st.SearchStrategy[Cell] = st.one_of(st.builds(Words, TEXTS), st.builds(Code, TEXTS, SHOWS, TEXTS))


@given(st.lists(ANY_CELL))
def test_whatever_is_written_is_a_notebook(cells: list[Cell]) -> None:
    content = notebook_bytes(cells)
    notebook = nbformat.reads(content, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    assert [cell["source"] for cell in notebook.cells] == [cell.text for cell in cells]
    assert notebook_bytes(cells) == content


def test_jupyter_would_write_the_same_bytes() -> None:
    content = notebook_bytes(CELLS).decode()
    notebook = nbformat.reads(content, as_version=4)  # type: ignore[no-untyped-call]
    assert nbformat.writes(notebook) + "\n" == content  # type: ignore[no-untyped-call]


def test_what_is_shown_and_printed() -> None:
    cells = json.loads(notebook_bytes(CELLS))["cells"]
    assert [cell.get("execution_count") for cell in cells] == [None] * 3
    assert cells[1]["outputs"][0]["data"] == {"text/plain": ["2"]}
    assert cells[2]["outputs"][0]["text"] == ["3\n"]


def changed(file: Path, **cell: Any) -> None:
    notebook = json.loads(file.read_text("utf-8"))
    notebook["cells"][1].update(cell)
    file.write_text(json.dumps(notebook), "utf-8")


def test_one_that_was_only_run_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out.ipynb"
    write_notebook(CELLS, out)
    first = out.read_bytes()
    changed(out, outputs=[], execution_count=7, source="1 + 1")
    write_notebook(CELLS, out)
    assert out.read_bytes() == first
    assert [*tmp_path.iterdir()] == [out]


@pytest.mark.parametrize(
    "content",
    [
        b"{}",
        b"words",
        b"[" * 100_000,
        b'{"metadata": {"convtui": 1}, "cells": []}',
        b'{"metadata": {"convtui": {"cells": ""}}, "cells": 5}',
        b'{"metadata": {"convtui": {"cells": ""}}, "cells": [{"source": 1, "cell_type": "code"}]}',
        b"\xff",
    ],
)
def test_a_file_of_someone_else_stays(tmp_path: Path, content: bytes) -> None:
    out = tmp_path / "out.ipynb"
    out.write_bytes(content)
    with pytest.raises(ValueError, match="not written by convtui, or changed since, so not replaced"):
        write_notebook(CELLS, out)
    assert out.read_bytes() == content


def test_one_with_a_cell_of_the_reader_stays(tmp_path: Path) -> None:
    out = tmp_path / "out.ipynb"
    write_notebook(CELLS, out)
    changed(out, source="my own")
    assert not is_as_written(out)
    with pytest.raises(ValueError, match="changed since"):
        write_notebook(CELLS, out)


def test_an_empty_file_has_nothing_to_lose_and_a_link_keeps_pointing(tmp_path: Path) -> None:
    (tmp_path / "real.ipynb").touch()
    (tmp_path / "link.ipynb").symlink_to(tmp_path / "real.ipynb")
    write_notebook(CELLS, tmp_path / "link.ipynb")
    assert (tmp_path / "link.ipynb").is_symlink()
    assert is_as_written(tmp_path / "real.ipynb")


def test_what_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "folder.ipynb").mkdir()
    for name, why in (
        ("x.json", r"the name must end in \.ipynb"),
        ("no/x.ipynb", "does not exist"),
        ("pipe.ipynb", "not replaced"),
        ("folder.ipynb", "not replaced"),
    ):
        with pytest.raises(ValueError, match=why):
            write_notebook(CELLS, tmp_path / name)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "write_whole", full)
    with pytest.raises(ValueError, match=r"out\.ipynb: cannot be written \(No space left on device\)"):
        write_notebook(CELLS, tmp_path / "out.ipynb")
