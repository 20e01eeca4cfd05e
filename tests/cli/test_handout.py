"""`convtui render --lesson`: a still of each step and a handout; the same bytes, nothing else replaced."""

from pathlib import Path

import pytest

from convtui.cli.main import main
from convtui.inputs import samples
from convtui.lessons.course import find_course
from tests.support.lessons import READ, written

STEPS = (
    """
words = "The *window* has {kernel.rows}x{kernel.columns} pixels."
title = "The window"
image = "count-5x5"
""",
    """
words = "Now the stride."
ask = "How many rows at stride {stride + 1}?"
answer = 3
figure = "output.rows"
hint = "Count."
after = "It is {output.shape}."
notes = "Wait."
""",
    f"{READ}ask = 'And then?'\nchoices = ['it stays', 'it grows']\nanswer = 'it grows'",
    f"""{READ}
ask = "Make it smaller."
until = "stride == 2"
solution = ["stride 2"]
after = "Now {{output.rows}} rows."
""",
    f"{READ}after = 'That is all.'",
)
EXPECTED = r"""<!-- Written by convtui render --lesson. -->

# Tried

## 1. The window

![Tried, step 1](<my lesson-01.svg>)

The \*window\* has 3x3 pixels.

## 2

![Tried, step 2](<my lesson-02.svg>)

Now the stride.

**Question 1.** How many rows at stride 2?

## 3

![Tried, step 3](<my lesson-03.svg>)

Read.

**Question 2.** And then?

- a) it stays
- b) it grows

## 4

![Tried, step 4](<my lesson-04.svg>)

Read.

**Question 3.** Make it smaller.

## 5

![Tried, step 5](<my lesson-05.svg>)

Read.

That is all.

## Answers

1. **3** It is \[1, 3, 3\].

2. **b it grows**

3. **stride 2** Now 2 rows.
"""


@pytest.fixture
def lesson(tmp_path: Path) -> Path:
    return written(tmp_path / "my lesson.toml", *STEPS)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(["render", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err.removeprefix("convtui: ").removesuffix("\n")


def test_a_handout(lesson: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "made" / "out"
    command = ["render", "--lesson", str(lesson), str(out), "--size", "80x24"]
    assert main(command) == 0
    written_line = f"written: {out / 'handout.md'}, with a picture of each of 5 steps\n"
    assert capsys.readouterr() == ("", written_line)
    first = contents(out)
    assert [*first] == ["handout.md", *(f"my lesson-0{number}.svg" for number in range(1, 6))]
    assert (out / "handout.md").read_text("utf-8") == EXPECTED
    assert main(command) == 0
    assert contents(out) == first
    assert main([*command, "--theme", "light"]) == 0
    assert contents(out)["handout.md"] == first["handout.md"]
    assert contents(out)["my lesson-01.svg"] != first["my lesson-01.svg"]


def test_every_page(tmp_path: Path) -> None:
    steps = [f"{READ}page = '{page}'" for page in ("matrix", "layers", "batchnorm", "train")]
    file = written(tmp_path / "pages.toml", *steps)
    assert main(["render", "--lesson", str(file), str(tmp_path / "out"), "--size", "60x20"]) == 0
    assert len({*contents(tmp_path / "out").values()}) == 5


def test_a_bundled_lesson_and_a_folder(tmp_path: Path) -> None:
    assert main(["render", "--lesson", "stride", str(tmp_path / "one"), "--size", "60x20"]) == 0
    count = find_course("stride").count
    assert len(contents(tmp_path / "one")) == count + 1
    for name in "ab":
        written(tmp_path / "course" / f"{name}.toml", READ)
    assert (
        main(["render", "--lesson", str(tmp_path / "course"), str(tmp_path / "all"), "--size", "60x20"]) == 0
    )
    assert [*contents(tmp_path / "all")] == ["a-01.svg", "b-01.svg", "handout.md"]
    assert samples.lesson_folder().is_dir()


@pytest.mark.parametrize("name", ["handout.md", "my lesson-03.svg"])
def test_other_files_are_not_replaced(
    lesson: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text("mine")
    said = refusal(capsys, "--lesson", str(lesson), str(out))
    assert said.startswith(f"{out / name}: not ")
    assert "by convtui, so not replaced" in said
    assert contents(out) == {name: b"mine"}


def test_refusals(lesson: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    assert "did you mean stride" in refusal(capsys, "--lesson", "strid", out)
    only = "only --size and --theme can be used with it"
    assert refusal(capsys, "--lesson", "stride", out, "--stride", "2") == f"--lesson stride: {only}"
    assert refusal(capsys, "--lesson", "stride", out, "cat-32") == f"--lesson stride: {only}"
    assert "must be columns x rows" in refusal(capsys, "--lesson", "stride", out, "--size", "9")
    assert "cannot be written (" in refusal(capsys, "--lesson", "stride", str(lesson))
    bad = written(tmp_path / "bad.toml", READ, "words = '{xyzzy}'")
    assert refusal(capsys, "--lesson", str(bad), out) == f"{bad}, step 2: xyzzy: no such figure"
    bad = written(tmp_path / "bad.toml", READ, f"{READ}settings = ['stride 0']")
    assert refusal(capsys, "--lesson", str(bad), out).startswith(f"{bad}, line 7: ")
    assert not Path(out).exists()


def test_a_picture_hides_the_answer_and_has_no_strip(tmp_path: Path) -> None:
    assert main(["render", "--lesson", "stride", str(tmp_path / "out")]) == 0
    asked = next(at for at, step in enumerate(find_course("stride").lessons[0].steps) if step.question)
    picture = contents(tmp_path / "out")[f"05-stride-{asked + 1:02}.svg"]
    assert b"hidden" in picture
    assert b"outline" not in picture
