"""The batchnorm screen as a file: the run that was asked for, or a line that says why not."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convtui.cli import main as cli
from convtui.inputs import samples
from tests.support import events as made
from tests.support.kept_runs import SMALL, kept_run


def drawn(folder: Path) -> str:
    out = folder / "out.txt"
    assert cli.main(["render", str(out), "--screen", "batchnorm", "--run", "1"]) == 0
    return out.read_text("utf-8")


def refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    out = folder / "out.txt"
    assert cli.main(["render", str(out), "--screen", "batchnorm", "--run", "1"]) == 2
    assert not out.exists()
    return capsys.readouterr().err


def test_a_kept_run_with_or_without_its_log(tmp_path: Path) -> None:
    run, training = kept_run()
    with run.locked():
        for event in made.events(SMALL, run=str(run.path)):
            run.append(event)
    text = drawn(tmp_path)
    assert f"run 1, step {training.step}" in text
    (run.path / "events.jsonl").unlink()
    assert drawn(tmp_path) == text


def test_a_run_without_a_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, _ = kept_run()
    for path in run.checkpoints():
        path.unlink()
    assert refused(tmp_path, capsys) == "convtui: run 1: has no complete checkpoint yet\n"


def test_a_run_that_diverged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, training = kept_run()
    checkpoint = training.checkpoint()
    checkpoint.weights["3.weight"][1, 0, 0, 0] = np.nan
    with run.locked():
        run.save(checkpoint)
    assert "weight of layer 4 is no longer finite, because the run diverged" in refused(tmp_path, capsys)


def test_a_run_whose_images_are_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "own.npz"
    shutil.copyfile(samples.folder() / "data" / "digits-8x8.npz", data)
    kept_run(replace(SMALL, data=str(data)))
    data.unlink()
    assert refused(tmp_path, capsys).startswith(f"convtui: {data}: no such data set")
