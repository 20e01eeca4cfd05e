"""`convtui trace` in a process: what it prints where, and its exit codes."""

import csv
import json
import re
from io import StringIO
from pathlib import Path

import pytest

from convtui.cli.main import main
from convtui.engine.graph.operation import Failure, Graph, Op, Tensor
from convtui.inputs.samples import folder
from convtui.tracing.protocol import Job, Outcome, Refused

INPUT = (Op(0, "input", (Tensor((1, 3), "float32"),)),)
SAMPLE = str(folder() / "models" / "shape_bug.py")


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder() / "models")


def printed(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> str:
    assert main(["trace", *arguments]) == code
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def refused(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["trace", *arguments]) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    last: str = captured.err.splitlines()[-1]
    assert last.startswith("convtui: ")
    return last


def test_the_table_of_a_network_that_works(capsys: pytest.CaptureFixture[str]) -> None:
    silenced = "--silence", "field", "--silence", "dead"
    lines = printed(capsys, 0, "shape_bug.py:Net", "--input", "3x32x32", *silenced).splitlines()
    titles = "# operation module line output parameters multiply-adds memory field jump"
    assert " ".join(lines[0].split()) == titles
    first = "1 conv2d 5x5 3 →6 conv1 shape_bug.py:24 1x6x28x28 456 352,800 18.8 kB 5x5 1"
    assert " ".join(lines[3].split()) == first
    assert lines[-1].split() == ["total", "62,006", "651,720", "58.4", "kB"]


def shown_in_readme(command: str) -> list[str]:
    """The lines below a command in the README, without how many sizes there was time to try."""
    text = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    block = text.partition(f"```\n$ {command}\n")[2].partition("\n```")[0]
    return counted_out(block)


def counted_out(text: str) -> list[str]:
    return re.sub(r"of \d+ tried, \d+x\d+ to \d+x\d+", "of … tried", text).rstrip().splitlines()


def test_the_readme_shows_what_is_printed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["samples", "shape_bug"]) == 0
    Path("net.py").write_text(capsys.readouterr().out, "utf-8")
    told = counted_out(printed(capsys, 1, "net.py:Net", "--input", "3x96x96"))
    assert shown_in_readme("convtui trace net.py:Net --input 3x96x96 | tail -14") == told[-14:]
    whole = shown_in_readme("convtui trace samples/models/shape_bug.py:Net --input 3x96x96")
    plain = [re.sub(r"\s+|─+", " ", line).replace("shape_bug.py", "net.py") for line in whole]
    assert plain == [re.sub(r"\s+|─+", " ", line) for line in told]


def test_a_failing_pass(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, 1, "shape_bug.py:Net", "--input", "3x96x96")
    assert "7  flatten" in text
    assert "linear fc1 failed at shape_bug.py:" in text
    assert "linear expects 400 features, gets 7,056 = 16*21*21" in text
    assert "an image of 32x32; what goes through: 32x32 to 35x35" in text


def test_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    values = json.loads(printed(capsys, 1, "shape_bug.py:Net", "--input", "3x96x96", "--format", "json"))
    assert [row["operation"] for row in values["rows"]][-1] == "flatten"
    assert values["rows"][1]["multiply_adds_formula"] == "92*92*450 = 3,808,800"
    assert values["rows"][1]["parameter_shapes"] == {"conv1.weight": [6, 3, 5, 5], "conv1.bias": [6]}
    assert "in_features=7056" in values["failure"]["fixes"]
    assert [32, 32] in values["sizes"]["work"]


def test_arguments_batch_and_sizes_as_csv_and_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(
        capsys,
        0,
        "shape_bug.py:Net",
        "--input",
        "3x32x32",
        "--batch",
        "2",
        "--format",
        "csv",
        "--",
        "classes=7",
    )
    rows = list(csv.DictReader(StringIO(text)))
    assert rows[-1]["outputs"] == "2x7"
    assert rows[1]["multiply_adds"] == str(2 * 352_800)
    assert rows[0]["field"] == "1x1"
    text = printed(capsys, 0, "shape_bug.py:Net", "--input", "3x32x32", "--format", "markdown", "--sizes")
    assert text.splitlines()[1].startswith("| --: | :-- |")
    assert "- image sizes that go through: 32x32 to 35x35 (of " in text


def test_weights_and_inputs_of_theirs(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "two.py"
    file.write_text(
        "import torch\nfrom torch import nn\nprint('hello from two')\n"
        "class Two(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.a = nn.Linear(3, 2)\n"
        "    def forward(self, x, y):\n        return self.a(x) + self.a(y)\n"
        "def make():\n    return {'x': torch.zeros(1, 3), 'y': torch.ones(1, 3)}\n",
        "utf-8",
    )
    arguments = ["trace", f"{file}:Two", "--inputs", f"{file}:make"]
    assert main(arguments) == 0
    captured = capfd.readouterr()
    assert captured.err == "hello from two\n"
    assert "a (call 2)" in captured.out
    import torch

    torch.save({"a.weight": torch.zeros(2, 4), "a.bias": torch.zeros(2)}, tmp_path / "w.pth")
    assert main([*arguments, "--weights", str(tmp_path / "w.pth")]) == 2
    lines = capfd.readouterr().err.splitlines()
    assert lines[1:3] == ["  weight    the model  the file", "  a.weight  2x3        2x4"]
    assert lines[-1].endswith("1 weight does not fit the model: 1 of another shape")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["net.py:Net"], "name --input"),
        (["net.py:Net", "--input", "3x0x3"], "--input 3x0x3: must be channels x rows x columns"),
        (["net.py:Net", "--input", "00x3"], "; none of them 0"),
        (
            ["net.py:Net", "--input", "-1x3"],
            "--input -1x3: must be channels x rows x columns, such",
        ),
        (["net.py:Net", "--input", "3,8,8"], "--input 3,8,8: must be channels x rows x columns"),
        (["net.py:Net", "--input", "3x8x"], "--input 3x8x: must be channels x rows x columns"),
        (["net.py:Net", "--input", ""], "--input '': must be channels x rows x columns"),
        (["net.py:Net", "--input", "1x1x2x3x4"], "; at most 4 numbers, without the batch (--batch)"),
        (["net.py:Net", "--input", "99999999999x1"], "each number must be at most 10,000,000"),
        ([":Net", "--input", "3"], "name a file or a module before the colon: net.py:Net"),
        (["net.py:Net", "--input", "3", "--batch", "0"], "--batch 0: must be a whole number"),
        (["net.py:Net", "--inputs", "a.py:b", "--batch", "2"], "--batch: works only with --input"),
        (["net.py:Net", "--input", "3", "--limit", "soon"], "--limit soon: must be a number of seconds"),
        (["net.py:Net", "--input", "3", "--silence", "bios"], "no such check; did you mean bias?"),
        (["net.py:Net", "--imput", "3"], "unknown argument --imput; did you mean --input"),
    ],
)
def test_options_that_are_refused(
    arguments: list[str], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert words in refused(capfd, *arguments)


def test_a_file_that_there_is_not(capfd: pytest.CaptureFixture[str]) -> None:
    assert "there is no such file; did you mean shape_bug.py" in refused(
        capfd, "shape_bugs.py:Net", "--input", "3"
    )


@pytest.mark.parametrize(
    ("came", "code", "last"),
    [
        (Outcome(Graph(INPUT)), 0, ""),
        (Outcome(Graph(INPUT, failure=Failure("no"))), 1, ""),
        (
            Outcome(Graph((*INPUT, Op(1, "relu", INPUT[0].outputs, line="net.py:9"))), trouble="ended so"),
            1,
            "convtui: after operation 1, relu (net.py:9), the process that runs your code ended so",
        ),
        (
            Outcome(Graph(INPUT), trouble="ended so"),
            1,
            "convtui: before any operation, the process that runs your code ended so",
        ),
        (
            Outcome(trouble="ended so"),
            2,
            "convtui: net.py:Net: before the pass began, the process that runs your code ended so",
        ),
        (Outcome(refused=Refused("is wrong", ("there",))), 2, "  there\nconvtui: is wrong"),
    ],
)
def test_exit_codes(
    came: Outcome, code: int, last: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def traced(job: Job, limit: float, **_: object) -> Outcome:
        assert (job.target, limit) == ("net.py:Net", 120)
        return came

    monkeypatch.setattr("convtui.tracing.client.trace", traced)
    assert main(["trace", "net.py:Net", "--input", "3"]) == code
    assert capsys.readouterr().err.rstrip("\n") == last
