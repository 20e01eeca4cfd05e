"""`convtui notebook` writes notebooks that run in a fresh kernel and show what is stored in them."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from convtui.cli.main import main
from convtui.inputs import samples
from convtui.lessons.course import lesson_files, name_of
from tests.support.lessons import READ, written
from tests.test_imports import WATCHED, floors, loaded


def notebook(folder: Path, *command: str) -> Any:
    out = folder / "out.ipynb"
    assert main(["notebook", str(out), *command]) == 0
    read = nbformat.read(out, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(read)
    return read


def run_again(read: Any, folder: Path) -> list[list[Any]]:
    """What the cells show in a fresh kernel; those that were shown before must be the same."""
    from nbclient import NotebookClient

    before = [cell.get("outputs", []) for cell in read.cells]
    NotebookClient(read, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    after = [[shown(each) for each in cell.get("outputs", [])] for cell in read.cells]
    for stored, made in zip(before, after, strict=True):
        if stored:
            assert made == [shown(each) for each in stored]
    return after


def shown(output: Any) -> Any:
    """An output without its number."""
    return {name: value for name, value in output.items() if name != "execution_count"}


@pytest.mark.parametrize(
    "command",
    [
        (*("cat-32", "--kernel", "edges", "--bias", "0.5", "--padding", "0,1,2,3"), "--padding-mode=reflect"),
        ("digit-8x8-3", "--operation", "convtranspose s2", "--way", "gather", "--at", "0,4,5", "--animate"),
        ("digit-8x8-3", "--operation", "avgpool 3 s2 p1 nopadcount"),
    ],
    ids=["convolution", "transposed", "pooling"],
)
def test_a_session_runs_and_shows_the_same(command: tuple[str, ...], tmp_path: Path) -> None:
    read = notebook(tmp_path, *command)
    stored = [cell for cell in read.cells if cell.get("outputs")]
    assert len(stored) == 2
    assert all("image/svg+xml" in cell.outputs[0].data for cell in stored)
    after = run_again(read, tmp_path)
    if "--animate" in command:
        assert "image/gif" in after[-1][0]["data"]
        assert (tmp_path / "out.gif").read_bytes().startswith(b"GIF89a")


def test_a_lesson_runs_with_its_words_and_questions(tmp_path: Path) -> None:
    read = notebook(tmp_path, "--lesson", "stride")
    words = "\n".join(cell.source for cell in read.cells if cell.cell_type == "markdown")
    assert words.startswith("# Stride\n")
    assert "`convtui learn stride`" in words
    assert "**Question 1.** How many rows does the output have now?" in words
    assert words.count("<summary>Answer</summary>") == words.count("**Question ")
    run_again(read, tmp_path)
    errors = [each for cell in read.cells for each in cell.get("outputs", []) if each.output_type == "error"]
    assert errors == []


@pytest.mark.parametrize("name", [name_of(path) for path in lesson_files(samples.lesson_folder())])
def test_every_lesson_of_the_course_can_be_written(name: str, tmp_path: Path) -> None:
    read = notebook(tmp_path, "--lesson", name)
    titles = re.findall(r"^## \d+\.?", "\n".join(cell.source for cell in read.cells), re.MULTILINE)
    assert len(titles) > 1


def test_nothing_answers_a_question_before_the_reader_runs_it(tmp_path: Path) -> None:
    asked = f"{READ}image = 'count-5x5'\nask = 'Rows?'\nanswer = 3\nfigure = 'output.rows'"
    lesson = written(tmp_path / "asked.toml", asked, f"{READ}settings = ['at 1,1']", READ)
    read = notebook(tmp_path, "--lesson", str(lesson))
    code = [cell for cell in read.cells if cell.cell_type == "code"]
    assert [bool(cell.outputs) for cell in code] == [False, False, False, False, True, True]
    assert ["assert" in cell.source for cell in code] == [False, False, False, True, False, False]


def test_the_same_command_writes_the_same_bytes(tmp_path: Path) -> None:
    notebook(tmp_path, "cat-32", "--kernel", "edges")
    first = (tmp_path / "out.ipynb").read_bytes()
    notebook(tmp_path, "cat-32", "--kernel", "edges")
    assert (tmp_path / "out.ipynb").read_bytes() == first
    assert str(samples.folder()) not in first.decode()  # so on every machine


def test_what_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "mine.ipynb"
    out.write_text("{}")
    for command, told in (
        ([str(out)], "mine.ipynb: not written by convtui, or changed since, so not replaced"),
        (["x.txt"], "x.txt: the name must end in .ipynb"),
        (["x.ipynb", "--lesson", "stride", "--stride", "2"], "--lesson stride: no other option can be used"),
        (["x.ipynb", "--lesson", "strid"], "strid: no such lesson; did you mean stride or matrix?"),
        (["x.ipynb", "--resize", "100", "cat-64", "--animate"], "100x100"),
    ):
        assert main(["notebook", *command]) == 2
        error = capsys.readouterr().err
        assert told in error
        assert error.count("\n") == 1
    assert out.read_text() == "{}"
    assert not Path("x.ipynb").exists()


def test_what_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    statement = "from convtui.cli.main import main; assert main(['notebook', 'x.ipynb', 'count-5x5']) == 0"
    modules = loaded(statement)
    assert WATCHED & modules == floors("cli engine export inputs paint state store") | {"numpy", "rich"}
    assert not {"nbformat", "jsonschema"} & modules
