"""The Train screen as a file: a kept run, or the page before any; the same bytes every time."""

from dataclasses import replace
from pathlib import Path

import pytest

from convtui.cli import main as cli
from convtui.training.recipe import Recipe
from tests.support.train_page import SMALL, keep


def drawn(folder: Path, *arguments: str) -> str:
    out = folder / "train.txt"
    assert cli.main(["render", str(out), "--screen", "train", *arguments]) == 0
    return out.read_text("utf-8")


def test_before_any_run(tmp_path: Path) -> None:
    text = drawn(tmp_path)
    assert "Press space to train." in text
    assert "validation images" in text


def test_a_kept_run_by_number_and_by_folder(tmp_path: Path) -> None:
    _, second = keep(SMALL, replace(Recipe(), batch_norm=False))
    text = drawn(tmp_path, "--run", "2")
    for words in (
        "finished",
        "run 2",
        "epoch 5/5",
        "one-cycle 0.06 · no batch norm",
        "8 kernels 5x5",
    ):
        assert words in text, words
    assert drawn(tmp_path, "--run", second) == text
    (tmp_path / "elsewhere").mkdir()
    assert drawn(tmp_path / "elsewhere", "--run", "2") == text


def test_an_interrupted_run(tmp_path: Path) -> None:
    keep(SMALL, until=33)
    assert "interrupted at step 33" in drawn(tmp_path, "--run", "1")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--screen", "train", "--run", "9"], "run 9: no such run; there are no runs yet"),
        (["--run", "9"], "--run 9: works only with --screen train"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["render", str(tmp_path / "out.svg"), *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out.svg").exists()
