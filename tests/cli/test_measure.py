"""`convtui measure` prints what the training process measures of a kept run, and what is kept of it."""

import json
import shutil
from pathlib import Path

import pytest

from convtui.cli.main import main
from convtui.training.own_network import OwnNetwork
from convtui.training.recipe import Recipe
from convtui.training.runs.measurements import measurements_of
from convtui.training.runs.store import Run
from tests.support.kept_runs import kept_run

FILE = Path(__file__).parents[1] / "support" / "trained_networks.py"


@pytest.fixture
def run() -> Run:
    return kept_run()[0]


def test_the_figures_as_a_table_and_as_json(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", run.number]) == 0
    printed, told = capsys.readouterr()
    known = measurements_of(run)
    assert told == ""
    assert known is not None
    assert known.is_complete
    assert known.curvature is not None
    assert known.norms is not None
    assert f"run {run.number} after step {known.step}, measured on 360 validation images" in printed
    for point in known.noise:
        assert f"{point.noise:5.2f}  {point.loss:6.4f}  {point.accuracy:8.2%}\n" in printed
    figures = (known.noise_slope, known.sharpness, known.curvature.eigenvalue, known.norms.total)
    for name, figure in zip(("noise slope", "sharpness", "curvature", "norm"), figures, strict=True):
        assert f"\n{name:<11}  {figure:8.4f}  " in printed

    assert main(["measure", str(run.path), "--json"]) == 0
    read = json.loads(capsys.readouterr().out)
    assert read["run"] == str(run.path)
    assert [each["loss"] for each in read["noise"]] == [each.loss for each in known.noise]
    assert [len(curve) for curve in read["directions"]] == [51, 51, 51]
    assert (read["noise_slope"], read["sharpness"]) == (known.noise_slope, known.sharpness)


def test_a_run_of_ones_own_network(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = Path(shutil.copy(FILE, tmp_path / "net.py"))
    network = OwnNetwork(f"{code}:Doubled", ("10",))
    run = kept_run(Recipe(data="digits-8x8", epochs=1, batch_size=512, max_lr=0.01, network=network))[0]
    capfd.readouterr()
    assert main(["measure", run.number]) == 2
    told = capfd.readouterr().err
    assert "only code that you name is run: --network" in told
    named = ["--network", str(code), "--", "10"]
    assert main(["measure", run.number, *named]) == 2
    assert f"--network {code}: name a class or a function that makes the network: net.py:Net" in (
        capfd.readouterr().err
    )
    named[1] += ":Doubled"
    assert main(["measure", run.number, *named]) == 0
    printed = capfd.readouterr().out
    known = measurements_of(run)
    assert known is not None
    assert known.norms is not None
    assert "PyTorch has no second derivative of it: an operation of it is differentiable only once" in printed
    for name, norm in zip(known.norms.names, known.norms.layers, strict=True):
        assert f"\n             {norm:8.4f}  {name}\n" in printed
    code.unlink()
    assert main(["measure", run.number]) == 0  # what is kept needs no code
    assert capfd.readouterr().out == printed


def test_what_cannot_be_measured(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", "99"]) == 2
    assert "run 99: no such run" in capsys.readouterr().err
    assert main(["measure"]) == 2
    assert "RUN" in capsys.readouterr().err
    for path in run.checkpoints():
        path.unlink()
    assert main(["measure", run.number]) == 2
    assert capsys.readouterr().err == f"convtui: run {run.number}: has no complete checkpoint yet\n"
