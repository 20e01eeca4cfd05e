"""`convtui animate` and `convtui render OUT.png`: the same file each time, or one line that says why not."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageSequence

from convtui.cli.animate import parse_fps, parse_panes, parse_steps
from convtui.cli.main import WRONG, main
from convtui.engine.layer_text import parse_layers
from convtui.export.files import is_drawn
from convtui.inputs import samples
from convtui.state.kernel_choice import KernelChoice
from convtui.state.session import Session
from convtui.store import session_file


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main([*arguments]) == WRONG
    (line,) = capsys.readouterr().err.splitlines()
    return line.removeprefix("convtui: ")


@pytest.mark.parametrize("suffix", ["gif", "svg"])
def test_the_bytes_depend_on_nothing_but_the_command(tmp_path: Path, suffix: str) -> None:
    for number, environment in enumerate(
        ({"LANG": "C", "NO_COLOR": "1"}, {"TZ": "Asia/Tokyo", "COLUMNS": "9"})
    ):
        (tmp_path / str(number)).mkdir()
        command = [sys.executable, "-m", "convtui", "animate", f"out.{suffix}", "count-5x5", "--padding", "1"]
        changed = {**os.environ, **environment, "PYTHONHASHSEED": str(number)}
        subprocess.run(command, cwd=tmp_path / str(number), env=changed, check=True)
    first, second = tmp_path.rglob(f"*.{suffix}")
    assert first.read_bytes() == second.read_bytes()


def test_what_is_asked_for_is_drawn(tmp_path: Path) -> None:
    out = tmp_path / "out.gif"
    seen = set()
    for options in ("", "--theme light", "--fps 8", "--steps 0-4", "--pane image", "--kernel sobel-x"):
        assert main(["animate", str(out), "count-5x5", *options.split()]) == 0
        seen.add(out.read_bytes())
    assert len(seen) == 6
    with Image.open(out) as image:
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(image)]
    assert durations == [250] * 9 + [1500]  # nothing, then nine cells


def test_the_filter_on_show_is_animated(tmp_path: Path) -> None:
    out = tmp_path / "out.svg"
    command = f"animate {out} digit-8x8-3 --kernel edges --stride 2 --at 2,0,0"
    assert main(command.split()) == 0
    text = out.read_text("utf-8")
    assert "step 19 of 36" in text
    assert "step 27 of 36" in text
    assert "step 28 of 36" not in text


def test_a_still_of_the_cell_on_show(tmp_path: Path) -> None:
    command = "count-5x5 --padding 1 --at 1,2"
    assert main(["render", str(tmp_path / "out.png"), *command.split()]) == 0
    assert main(["render", str(tmp_path / "out.svg"), *command.split(), "--diagram"]) == 0
    with Image.open(tmp_path / "out.png") as image:
        assert image.format == "PNG"
    text = (tmp_path / "out.svg").read_text("utf-8")
    assert "output[0, 1, 2] = -2 - 3 - 4 + 0 + 0 + 0 + 12 + 13 + 14 = 30" in text
    assert is_drawn(tmp_path / "out.svg")


def test_finished_stills_show_the_whole_output(tmp_path: Path) -> None:
    texts = []
    for options in ("--at 1,2", "--at 1,2 --finished"):
        out = tmp_path / "out.svg"
        assert main(["render", str(out), "count-5x5", "--diagram", "--padding", "1", *options.split()]) == 0
        texts.append(out.read_text("utf-8"))
    assert texts[0] != texts[1]
    assert ["-57" in text for text in texts] == [False, True]


def test_diagrams_and_screens_replace_one_another(tmp_path: Path) -> None:
    out = tmp_path / "out.svg"
    texts = []
    for command in ("render {} count-5x5", "animate {} count-5x5", "render {} count-5x5"):
        assert main(command.format(out).split()) == 0
        texts.append(out.read_text("utf-8"))
    assert texts[0] == texts[2] != texts[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("animate x.mp4", "x.mp4: the name must end in .gif or .svg"),
        ("animate no/x.gif", "no/x.gif: the folder no does not exist"),
        ("animate x.gif count-5x5 --steps 3-12", "steps 3-12: there are 9 steps; choose from 0-9"),
        ("animate x.gif --multiply-adds 3", "--multiply-adds 3: a diagram shows whole sums; convtui render"),
        ("render x.png --screen matrix", "--screen matrix: a diagram is of the step screen"),
        ("render x.png --run 3", "--run: a diagram is of the step screen"),
        ("render x.txt --diagram", "x.txt: the name must end in .png or .svg"),
    ],
)
def test_what_is_wrong_is_one_line(
    arguments: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert refused(capsys, *arguments.split()).startswith(message)
    assert not [*tmp_path.iterdir()]


def saved(file: Path, layer: str, way: str = "") -> str:
    """A session that steps through this operation."""
    session = Session.start(samples.open_image("count-5x5"), KernelChoice("identity"))
    session_file.save(session.with_operation(parse_layers(layer)[0], way), file)
    return str(file)


def test_the_operation_of_a_session_is_drawn(tmp_path: Path) -> None:
    session = saved(tmp_path / "pooling.toml", "maxpool 2")
    assert main(["animate", str(tmp_path / "x.svg"), session]) == 0
    text = (tmp_path / "x.svg").read_text("utf-8")
    assert "output[0, 1, 1] = greatest of 13, 14, 18, 19 = 19" in text
    assert main(["render", str(tmp_path / "x.png"), session]) == 0


def test_other_operations_are_chosen_by_an_option(tmp_path: Path) -> None:
    for number, options in enumerate(
        ("--operation 'avgpool 2'", "--operation 'convtranspose s2' --way gather")
    ):
        out = tmp_path / f"{number}.svg"
        assert main(["animate", str(out), "count-5x5", *shlex.split(options)]) == 0
    assert "output[0, 0, 0] = 16 / 4 = 4" in (tmp_path / "0.svg").read_text("utf-8")
    assert "kernel 3x3, flipped" in (tmp_path / "1.svg").read_text("utf-8")


def test_a_scatter_is_drawn_pixel_by_pixel(tmp_path: Path) -> None:
    session = saved(tmp_path / "scatter.toml", "convtranspose 3x3 1 s2", "scatter")
    for command in (
        ["animate", str(tmp_path / "x.svg"), "--steps", "0-2"],
        ["render", str(tmp_path / "x.png")],
    ):
        assert main([*command, session]) == 0
    text = (tmp_path / "x.svg").read_text("utf-8")
    assert "image[0, 0, 1] = 2 times the kernel is added to rows 0 to 2 and columns 2 to 4" in text
    assert is_drawn(tmp_path / "x.png")


def test_steps() -> None:
    assert parse_steps("0-24") == (0, 24)
    assert parse_steps(" 7 ") == (7, 7)
    for text in ("9-3", "-1", "a", "1-", "1,2"):
        with pytest.raises(ValueError, match="must be the first and the last step, such as 0-24"):
            parse_steps(text)


def test_frames_a_second() -> None:
    assert parse_fps("4") == 4
    for text in ("0", "26", "nan", "inf", "x"):
        with pytest.raises(ValueError, match=r"must be a number from 0\.2 to 25 frames a second"):
            parse_fps(text)


def test_panes() -> None:
    assert parse_panes("image, sum") == ("image", "sum")
    with pytest.raises(ValueError, match="there is no pane imge; did you mean image"):
        parse_panes("imge")
    with pytest.raises(ValueError, match="there is no pane ''; they are image, kernel, output, sum, matrix"):
        parse_panes("")
