"""`convtui runs` draws kept runs and writes their figures, and replaces nothing that it did not write."""

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from convtui.cli.main import main
from convtui.cli.runs import EPOCH_FIGURES, STEP_FIGURES
from convtui.training.datasets.open_any import fingerprint, load
from convtui.training.process.loop import Training
from convtui.training.process.worker import _begun
from convtui.training.runs.history import RunHistory
from convtui.training.runs.store import Run, new_run
from tests.support.kept_runs import SMALL


@pytest.fixture
def kept() -> list[Run]:
    """Two runs with logs of three and of two epochs."""
    data, runs = load(SMALL.data), []
    for epochs, schedule in ((3, "one-cycle"), (2, "constant")):
        recipe = replace(SMALL, epochs=epochs, schedule=schedule)
        run = new_run(recipe, fingerprint(data))
        training = Training(recipe, data, capture=False)
        with run.locked():
            run.append(_begun(recipe, data, 0, training.total_steps, str(run.path)))
            for event in training.events():
                run.append(event)
        runs.append(run)
    return runs


def test_figures_are_those_of_the_log(kept: list[Run], tmp_path: Path) -> None:
    out = tmp_path / "steps.csv"
    assert main(["runs", str(out), "2", "1"]) == 0
    assert out.read_bytes().count(b"\r\n") == out.read_bytes().count(b"\n")
    header, *rows = csv.reader(out.read_text().splitlines())
    assert tuple(header) == STEP_FIGURES
    histories = {run.number: RunHistory.of_run(run) for run in kept}
    for number in ("2", "1"):
        steps = histories[number].steps
        read = [row[1:] for row in rows if row[0] == number]
        assert len(read) == len(steps) > 0
        for at, name in enumerate(("step", "epoch", "loss", "smooth", "lr", "momentum", "seconds")):
            assert [float(row[at]) for row in read] == steps[name].tolist()
    assert [row[0] for row in rows] == sorted((row[0] for row in rows), reverse=True)

    assert main(["runs", str(tmp_path / "e.csv"), "1", "2", "--show", "accuracy"]) == 0
    header, *rows = csv.reader((tmp_path / "e.csv").read_text().splitlines())
    assert tuple(header) == EPOCH_FIGURES
    told = [
        [float(number), *(getattr(epoch, name) for name in EPOCH_FIGURES[1:])]
        for number, history in histories.items()
        for epoch in history.epochs
    ]
    assert [[float(cell) if cell else None for cell in row] for row in rows] == told
    assert len(told) == 5


def test_tables_of_all_runs(kept: list[Run], tmp_path: Path) -> None:
    assert main(["runs", str(tmp_path / "all.csv"), "--show", "table"]) == 0
    read = list(csv.DictReader((tmp_path / "all.csv").read_text().splitlines()))
    assert [(each["run"], each["schedule"], each["channels"], each["epochs_done"]) for each in read] == [
        ("1", "one-cycle", "4,6", "3"),
        ("2", "constant", "4,6", "2"),
    ]
    assert [float(each["accuracy"]) for each in read] == [RunHistory.of_run(run).accuracy for run in kept]
    assert main(["runs", str(tmp_path / "all.md")]) == 0
    lines = (tmp_path / "all.md").read_text().splitlines()
    assert len(lines) == 4
    assert {line.count(" | ") for line in lines} == {5}
    assert "first\\_kernel\\_size 3" in lines[2]


@pytest.mark.usefixtures("kept")
def test_pictures(tmp_path: Path) -> None:
    for name, *arguments in (
        ("loss.svg", "1"),
        ("two.svg", "1", "2", "--show", "accuracy", "--theme", "light"),
        ("rate.svg", "1", "2", "--show", "rate"),
        ("table.svg", "--show", "table"),
    ):
        out = tmp_path / name
        assert main(["runs", str(out), *arguments]) == 0
        first = out.read_bytes()
        assert main(["runs", str(out), *arguments]) == 0
        assert out.read_bytes() == first
    assert "smoothed" in (tmp_path / "loss.svg").read_text()
    two = (tmp_path / "two.svg").read_text()
    assert "1 one-cycle+BN" in two
    assert "2 constant+BN" in two
    assert len(re.findall("2 constant", two)) == 1
    assert "2 constant+BN" in (tmp_path / "rate.svg").read_text()
    assert main(["runs", str(tmp_path / "loss.png")]) == 0
    with Image.open(tmp_path / "loss.png") as image:
        assert image.size == (1520, 880)
        assert (255, 159, 64) in {colour for _, colour in image.getcolors(2**20) or []}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["loss.gif"], "loss.gif: the name must end in .svg, .png, .csv or .md"),
        (["loss.svg", "99"], "run 99: no such run"),
        (["loss.svg"], "no run is saved yet; convtui train starts one"),
        (["loss.svg", "--show", "los"], "--show los: there is no such plot or table; did you mean loss?"),
        (["no/loss.csv"], "no/loss.csv: the folder no does not exist"),
        (["loss.md", "--show", "rate"], "--show rate: a .md file has a table of runs"),
        (["loss.csv", "--log"], "--log: only the plot of losses can have a logarithmic axis"),
        (["mine.csv"], "mine.csv: not written by convtui runs, so not replaced"),
    ],
)
def test_refusals(
    arguments: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text("a,b\n")
    assert main(["runs", *arguments]) == 2
    assert told in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == [tmp_path / "mine.csv"]
