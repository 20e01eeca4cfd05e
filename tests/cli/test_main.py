"""The command line: the session it asks for, or one line and exit code 2 where that cannot be had."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from convtui.cli import main as cli
from convtui.cli.animate import parser as animate_parser
from convtui.cli.code import parser as code_parser
from convtui.cli.completion import parser as completion_parser
from convtui.cli.measure import parser as measure_parser
from convtui.cli.notebook import parser as notebook_parser
from convtui.cli.runs import parser as runs_parser
from convtui.cli.trace import parser as trace_parser
from convtui.engine import presets
from convtui.engine.convolution import Convolution
from convtui.engine.kernels import NAMES, kernel, load_kernel
from convtui.engine.spec import PADDING_MODES
from convtui.inputs import samples
from convtui.state.kernel_choice import KernelChoice
from convtui.state.session import Session
from convtui.store import session_file
from tests.support.example_sessions import step_of

MODULES = """
import sys
from convtui.cli.main import main
code = main(sys.argv[1:])
print(*sorted({"numpy", "PIL", "rich", "textual", "torch"} & sys.modules.keys()), file=sys.stderr)
sys.exit(code)
"""


def run(*arguments: str, script: str = MODULES, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, **options
    )


def built(*arguments: str) -> Session:
    return cli.build(cli._open_parser().parsed(arguments))


def refusal(capsys: pytest.CaptureFixture[str], arguments: Sequence[str]) -> str:
    """The one line on stderr, which must be all there is."""
    assert cli.main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("convtui: ")
    assert output.err.endswith("\n")
    line = output.err.removeprefix("convtui: ").removesuffix("\n")
    assert line.isprintable()
    return line


# -- help, version, samples


@pytest.mark.parametrize(
    "command",
    [
        ["--help"],
        ["-h"],
        *([name, "--help"] for name in ("render", "animate", "code", "samples", "completion")),
    ],
)
def test_help_is_narrow_and_imports_nothing_slow(command: list[str]) -> None:
    result = run(*command, env={**os.environ, "COLUMNS": "200"})
    assert (result.returncode, result.stderr) == (0, "\n")
    assert result.stdout.startswith("usage: convtui")
    assert result.stdout.isascii()
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_help_is_complete(capsys: pytest.CaptureFixture[str]) -> None:
    parsers = {
        "": cli._open_parser(),
        "render": cli._render_parser(),
        "animate": animate_parser(cli._add_options),
        "code": code_parser(cli._add_options),
        "notebook": notebook_parser(cli._add_options),
    }
    for command, parser in parsers.items():
        assert cli.main([*command.split(), "--help"]) == 0
        text = capsys.readouterr().out
        for action in parser._actions:
            assert action.help
            assert all(option in text for option in action.option_strings)
        assert all(mode in text for mode in PADDING_MODES)
        assert "examples:" in text


@pytest.mark.parametrize(
    "line", [line for line in cli.COMMANDS.splitlines() if line.startswith("  convtui ")]
)
def test_options_in_the_examples_exist(line: str) -> None:
    _, *arguments = shlex.split(re.split(" {2,}", line.strip())[0])
    parser = cli._open_parser()
    parsers = {
        "render": cli._render_parser(),
        "animate": animate_parser(cli._add_options),
        "code": code_parser(cli._add_options),
        "notebook": notebook_parser(cli._add_options),
        "samples": parser,
        "measure": measure_parser(),
        "runs": runs_parser(),
        "completion": completion_parser(),
        "trace": trace_parser(),
    }
    if arguments[0] in parsers:
        parser = parsers[arguments.pop(0)]
    parser.parsed(arguments)


def test_version_is_that_of_convtui_and_of_torch_without_importing_it() -> None:
    versions = f"convtui {version('convtui')} (torch {version('torch')})\n"
    result = run("--version")
    assert (result.returncode, result.stdout, result.stderr) == (0, versions, "\n")


def test_version_without_torch(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def installed(name: str) -> str:
        if name == "torch":
            raise metadata.PackageNotFoundError(name)
        return "1.2.3"

    monkeypatch.setattr(metadata, "version", installed)
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == "convtui 1.2.3 (torch not installed)\n"


def test_samples_are_all_listed() -> None:
    result = run("samples")
    assert (result.returncode, result.stderr) == (0, "numpy\n")
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    files = samples.kernel_files(), samples.layer_files(), samples.session_files(), samples.model_files()
    kernels, layers, sessions, models = ([path.stem for path in each] for each in files)
    listed = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]
    images = [*samples.image_names(), *samples.data_names()]
    assert listed == [*images, *NAMES, *kernels, *presets.NAMES, *layers, *sessions, *models]
    assert all(len(line.split()) > 3 for line in lines if line.startswith("  ") and line[2] != " ")


@pytest.mark.parametrize("name", ["shape_bug", "unet", "luma", "inception", "why-13x13"])
def test_a_sample_that_is_a_text_is_printed_as_it_is(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = (
        each for each in samples.folder().rglob(f"{name}.*") if each.suffix in (".py", ".txt", ".toml")
    )
    assert cli.main(["samples", name]) == 0
    assert capsys.readouterr().out == path.read_text("utf-8")


def test_python_m_convtui() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "convtui", "--version"], capture_output=True, text=True, check=True
    )
    assert result.stdout.startswith("convtui ")


# -- sessions


def test_bare_convtui_opens_the_lesson() -> None:
    session = built()
    assert session.picture.name == samples.DEFAULT_IMAGE
    assert session.kernel == KernelChoice("top-edge")
    assert session.spec.pads == ((1, 1), (1, 1))
    assert session.convolution.output_shape == (1, 28, 28)
    assert (session.position, session.filled, session.taps) == ((0, 6, 6), session.index + 1, None)
    assert step_of(session).value >= session.convolution.output.max() / 2
    following = [session.convolution.step(session.index + count).value for count in range(7)]
    assert min(following) > 1


def test_another_image_or_place_opens_where_it_is_asked_to() -> None:
    assert built("mnist-7").index == 0
    assert built("--at", "0,0").index == 0
    assert built("--kernel", "edges", "--filters", "5").filter_names[-1] == "identity"


def test_an_image_gets_the_defaults_of_pytorch() -> None:
    session = built("cat-32")
    expected = Convolution(session.picture.pixels, kernel("top-edge", in_channels=3))
    assert session.spec == expected.spec
    assert np.array_equal(session.convolution.output, expected.output)


def test_another_operation_has_the_options_for_itself() -> None:
    session = built("--operation", "avgpool 3", "--stride", "2", "--padding", "1")
    assert str(session.layer) == "avgpool 3 s2 p1"
    assert session.spec.stride == (1, 1)
    session = built(
        *("cat-32", "--operation", "convtranspose", "--kernel-size", "5", "--stride", "2", "--way", "gather"),
        *("--kernel", "gaussian-blur", "--filters", "2", "--at", "1,3,4"),
    )
    assert str(session.layer) == "convtranspose 5x5 2 s2 nobias"
    assert session.way == "gather"
    assert session.position == (1, 3, 4)
    assert session.operation.output_shape == (2, 67, 67)


@pytest.mark.parametrize(
    ("operation", "shape"),
    [
        ("maxpool1d 2", (1, 1, 4)),
        ("adaptiveavgpool1d 3", (1, 1, 3)),
        ("conv1d 3 8 s2", (8, 1, 3)),
        ("convtranspose1d 3 s2", (1, 1, 17)),
        ("nn.MaxPool2d((1, 4), stride=2)", (1, 1, 3)),
    ],
)
def test_a_sequence_needs_no_kernel_that_fits(operation: str, shape: tuple[int, int, int]) -> None:
    assert built("[[1, 2, 3, 4, 5, 6, 7, 8]]", "--operation", operation).operation.output_shape == shape


def test_all_options_together() -> None:
    session = built(
        *("cat-64", "--resize", "24", "--kernel", "random", "--kernel-size", "3,2", "--seed", "5"),
        *("--groups", "3", "--filters", "6", "--bias", "-0.5", "--stride", "2,1", "--padding", "1,0,2,3"),
        *("--dilation", "2", "--padding-mode", "reflect", "--at", "4,1,2", "--multiply-adds", "3"),
    )
    assert session.picture.resize == 24
    expected = Convolution(
        session.picture.pixels,
        kernel("random", (3, 2), filters=6, seed=5),
        np.full(6, -0.5),
        stride=(2, 1),
        padding=((1, 0), (2, 3)),
        dilation=2,
        groups=3,
        padding_mode="reflect",
    )
    assert session.spec == expected.spec
    assert np.array_equal(session.convolution.output, expected.output)
    assert (session.position, session.taps) == ((4, 1, 2), 3)


def test_gray_makes_one_channel() -> None:
    assert built("cat-32", "--gray").convolution.image_shape == (1, 32, 32)


def test_finished_and_multiply_adds() -> None:
    session = built("--at", "131", "--finished", "--multiply-adds", "4")
    assert (session.index, session.filled, session.taps) == (130, session.size, 4)


@pytest.mark.parametrize("name", [path.stem for path in samples.kernel_files()])
def test_sample_kernels(name: str) -> None:
    weight = built("cat-32", "--kernel", name).convolution.weight
    assert np.array_equal(
        weight, np.broadcast_to(load_kernel(samples.folder() / f"kernels/{name}.txt"), weight.shape)
    )


def test_a_small_image_may_need_a_small_kernel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "two.csv"
    file.write_text("1, 2\n3, 4\n")
    assert "--kernel-size" in refusal(capsys, [str(file)])
    assert built(str(file), "--kernel-size", "2").convolution.output_shape == (1, 1, 1)
    assert built(str(file), "--padding", "1").convolution.output_shape == (1, 2, 2)


LARGE = ["--kernel", "gaussian-blur", "--kernel-size", "11", "--padding", "4", "--padding-mode", "reflect"]
DILATED = ["--kernel-size", "3", "--dilation", "3", "--padding", "0", "--padding-mode", "zeros"]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "lesson.toml"
    session_file.save(built("digit-8x8-3", *LARGE, "--at", "2,3"), path)
    return path


def test_a_session_comes_back_as_it_was(saved: Path) -> None:
    session = built(str(saved))
    assert session.spec == built("digit-8x8-3", *LARGE).spec
    assert (session.position, session.path) == ((0, 2, 3), saved)


def test_options_override_a_session(saved: Path) -> None:
    session = built(str(saved), "--stride", "2", "--bias", "1", "--at", "1,0")
    assert session.spec.stride == (2, 2)
    assert session.spec.kernel_size == (11, 11)
    assert session.convolution.bias is not None
    assert session.convolution.bias.tolist() == [1.0]
    assert session.position == (0, 1, 0)


def test_a_session_takes_settings_that_only_fit_together(saved: Path) -> None:
    there = built(str(saved), *DILATED)
    assert there.spec == built("digit-8x8-3", *DILATED).spec
    session_file.save(there, saved)
    assert built(str(saved), *LARGE, "--dilation", "1").spec == built("digit-8x8-3", *LARGE).spec


def test_a_session_gets_its_image_read_anew(saved: Path) -> None:
    session = built(str(saved), "--resize", "16")
    assert session.convolution.image_shape == (1, 16, 16)
    assert session.path == saved


def test_own_files_called_like_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("render", "samples"):
        Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(name, "PNG")
        assert built(f"./{name}").convolution.image_shape == (1, 8, 8)


# -- refusals


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        (["--stride", "0"], ["--stride 0", "at least 1"]),
        (["--stride", "a"], ["--stride a", "2,1"]),
        (["--padding", "lots"], ["--padding lots", "same, valid or same-tf"]),
        (["--padding=-1"], ["--padding -1", "at least 0"]),
        (["--padding", "-1"], ["--padding -1", "at least 0"]),
        (["--padding", "same", "--stride", "2"], ["--padding same", "needs stride 1"]),
        (["--padding", "28", "--padding-mode", "reflect"], ["--padding 28", "reflect", "nearest legal"]),
        (["--dilation", "99"], ["dilation 99", "nearest legal"]),
        (["--groups", "2"], ["--groups 2", "divide the 1 input channel; ", "nearest legal: 1"]),
        (["--groups", "x"], ["--groups x", "1 to 4096"]),
        (
            ["--operation", "foo"],
            ["--operation foo: must be conv, convtranspose, maxpool, avgpool, "],
        ),
        (["--operation", "maxpol"], ["--operation maxpol: must be conv", "did you mean maxpool"]),
        (["--operation", "maxpool 2 s0"], ['--operation "maxpool 2 s0": stride=0: must be at least 1']),
        (["--operation", "maxpool 2, relu"], ['several are typed as in: --layers "conv 3x3 8, relu"']),
        (
            ["--operation", "maxpool 3", "--padding", "2,1"],
            ["--padding 2,1", "half the --kernel-size"],
        ),
        (["--kernel-size", "0"], ["--kernel-size 0: must be at least 1"]),
        (["--dilation", "30,1"], ["nearest legal: --kernel-size 1,3, or --padding 17,1, or --dilation 14,1"]),
        (["--operation", "relu"], ["--operation relu", "maxpool"]),
        (["--operation", "maxpool 3", "--padding", "2"], ["--padding 2", "nearest legal: 1"]),
        (
            ["--operation", "adaptivemaxpool 3", "--stride", "2"],
            ['none; --operation "maxpool 2" has'],
        ),
        (["--operation", "maxpool3d 2"], ["two-dimensional"]),
        (["--operation", "maxpool 2", "--kernel", "sobel-x"], ["--kernel sobel-x", "has no weights"]),
        (["--operation", "nn.ConvTranspose2d(3, 1, 2)"], ["in_channels is 3", "the image has 1"]),
        (["--way", "gather"], ["--way gather", 'nearest legal: --operation "convtranspose s2"']),
        (["--padding-mode", "mirror"], ["--padding-mode mirror", *PADDING_MODES]),
        (["--kernel", "sobel"], ["sobel: no such kernel", "sobel-x"]),
        (["--kernel", ""], ["--kernel: needs a value"]),
        (["--kernel-size", "12"], ["--kernel-size 12", "nearest legal: 11"]),
        (["--kernel-size", "1,2,3"], ["--kernel-size 1,2,3"]),
        (["--filters", "0"], ["--filters 0", "1 to 4096"]),
        (["cat-32", "--groups", "3", "--filters", "4"], ["4", "multiple of --groups 3"]),
        (["--seed", "x", "--kernel", "random"], ["--seed x", "at least 0"]),
        (["--seed", "7"], ["--seed 7", "random"]),
        (["--bias", "big"], ["--bias big", "0.5"]),
        (["--bias"], ["--bias", "expected one argument"]),
        (["--resize", "0"], ["--resize 0", "1 to 4096"]),
        (["--resize", "wide"], ["--resize wide", "1 to 4096"]),
        (["--at", "785"], ["--at 785", "1 to 784"]),
        (["--at", "28,0"], ["output row 28", "0 to 27"]),
        (["--multiply-adds", "10"], ["--multiply-adds 10", "0 to 9"]),
        (["--theme", "blue"], ["--theme", "blue", "dark", "light"]),
        (["--strid", "2"], ["unknown argument --strid", "--stride", "convtui --help"]),
        (["--zoom=3"], ["unknown argument --zoom", "convtui --help"]),
        (["cat-32", "cat-64"], ["cat-64: a second image", "convtui net.py:Net cat-64"]),
        (["cat-33"], ["cat-33: no such file or sample", "cat-32"]),
        (["nowhere.toml"], ["nowhere.toml", "no such file"]),
        (["/"], ["/: "]),
        (["a\x1b[2J\nb.png"], ["\\x1b[2J\\nb.png", "no such file"]),
        (["x" * 5000], ["name too long"]),
        (["--kernel", "k\r\x07" + "x" * 300], ["k\\r\\x07"]),
        (["render"], ["OUT", "convtui render --help"]),
        (["render", "out.gif"], ["out.gif", ".svg or .txt"]),
        (["render", "out.pdf"], ["out.pdf", ".svg or .txt"]),
        (["render", "out"], ["out: ", ".svg or .txt"]),
        (["render", "out.svg", "--size", "big"], ["size big", "60x20 to 400x1000"]),
        (["render", "out.svg", "--size", "59x20"], ["size 59x20", "60x20 to 400x1000"]),
        (["render", "out.svg", "--size", "400x1001"], ["size 400x1001", "60x20 to 400x1000"]),
        (["render", "out.svg", "--screen", "attic"], ["--screen", "attic", "step", "matrix", "layers"]),
        (["render", "out.svg", "--stride", "0"], ["--stride 0"]),
        (["samples", "shape_bgu"], ["shape_bgu: no such sample; did you mean shape_bug"]),
        (["samples", "cat-64"], ["cat-64: is opened by its name: convtui cat-64"]),
        (["samples", "unet", "all"], ["unknown argument all"]),
        (["--data", "mnist-12"], ["mnist-12: no such data set", "did you mean mnist-12k"]),
        (["--data", "/nowhere/digits.npz"], ["/nowhere/digits.npz: no such data set, file or folder"]),
        (["--data", ""], ["'': ", "an .npz archive"]),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_what_is_refused(
    arguments: list[str],
    fragments: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    line = refusal(capsys, arguments)
    assert all(fragment in line for fragment in fragments), line
    assert not list(tmp_path.iterdir())


def test_a_damaged_session_is_told_with_its_line(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved.write_text(saved.read_text().replace("[convolution]", "[convolution", 1))
    assert "lesson.toml, line " in refusal(capsys, [str(saved)])


def test_a_file_name_that_is_no_text() -> None:
    command: list[str | bytes] = [sys.executable, "-m", "convtui", b"\xff.png"]
    result = subprocess.run(command, capture_output=True, env={**os.environ, "LC_ALL": "C"})
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.startswith(b"convtui: '\\udcff.png': no such file")
    assert result.stderr.count(b"\n") == 1
