"""Still pictures: the same bytes wherever they are drawn, all of a file or none, and nothing besides."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from convtui.cli.render import LARGEST, SMALLEST, parse_size, render
from convtui.inputs import samples
from convtui.inputs.images import read_picture
from convtui.state.kernel_choice import KernelChoice
from convtui.state.session import Session

SESSION = Session.start(samples.open_image("digit-8x8-3"), KernelChoice("top-edge"), size=3, padding=1)


def drawn(folder: Path, session: Session = SESSION, suffix: str = "txt", **options: object) -> str:
    out = folder / f"out.{suffix}"
    render(session, out, **options)  # type: ignore[arg-type]
    return out.read_text("utf-8")


ENVIRONMENTS = (
    "PYTHONHASHSEED=1 TERM=xterm-kitty COLORTERM=truecolor TEXTUAL_COLOR_SYSTEM=256",
    "PYTHONHASHSEED=2 TERM=dumb COLORTERM= NO_COLOR=1 COLUMNS=33 LINES=9 LANG=C LC_ALL=C TZ=Asia/Tokyo",
    "PYTHONHASHSEED=3 TERM= FORCE_COLOR=1 HOME=/ TEXTUAL_THEME=nord TEXTUAL_FILTERS=dim",
)
COMMAND = "cat-32 --kernel edges --at 2,4,18 --multiply-adds 5 --size 80x24"


@pytest.mark.parametrize("suffix", ["svg", "txt"])
def test_the_bytes_depend_on_nothing_but_the_session(tmp_path: Path, suffix: str) -> None:
    for number, environment in enumerate(ENVIRONMENTS):
        folder = tmp_path / f"folder {number}"
        folder.mkdir()
        changed = dict(variable.split("=") for variable in environment.split())
        command = [sys.executable, "-m", "convtui", "render", f"out.{suffix}", *COMMAND.split()]
        subprocess.run(command, cwd=folder, env={**os.environ, **changed}, check=True)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in files] == [f"out.{suffix}"] * len(ENVIRONMENTS)
    assert len({path.read_bytes() for path in files}) == 1


def test_text_is_the_screen_without_trailing_blanks(tmp_path: Path) -> None:
    text = drawn(tmp_path, SESSION.at(17), size=(100, 30))
    assert text.endswith("\n")
    lines = text.removesuffix("\n").split("\n")
    assert len(lines) == 30
    assert max(map(len, lines)) <= 100
    assert all(line == line.rstrip() for line in lines)
    assert any("output[0, 2, 1]" in line and "step 18 of 64" in line for line in lines)


def test_svg_is_well_formed_and_holds_the_text(tmp_path: Path) -> None:
    root = ElementTree.fromstring(drawn(tmp_path, suffix="svg"))
    words = " ".join("".join(root.itertext()).replace("\xa0", " ").split())
    for line in drawn(tmp_path).splitlines():
        assert all(word in words for word in line.split())


def test_svg_asks_for_no_font_and_has_no_ligatures(tmp_path: Path) -> None:
    text = drawn(tmp_path, suffix="svg")
    assert "@font-face" not in text
    assert "url(" not in text.replace("url(#", "")
    assert text.count("font-variant-ligatures: none;") == 1
    assert (
        "font-family: Fira Code, monospace;\n        font-size: 20px;\n        font-variant-ligatures" in text
    )


def test_what_is_asked_for_is_drawn(tmp_path: Path) -> None:
    sessions = [
        SESSION,
        SESSION.at(20),
        SESSION.at(20, taps=5),
        SESSION.finished(),
        SESSION.with_view(hints=False),
    ]
    assert len({drawn(tmp_path, session) for session in sessions}) == len(sessions)
    assert drawn(tmp_path, suffix="svg", theme="light") != drawn(tmp_path, suffix="svg", theme="dark")
    assert drawn(tmp_path, size=(80, 24)) != drawn(tmp_path, size=(120, 40))


@pytest.mark.parametrize("size", [SMALLEST, LARGEST])
def test_smallest_and_largest(tmp_path: Path, size: tuple[int, int]) -> None:
    assert drawn(tmp_path, size=size).count("\n") == size[1]


def test_nothing_else_is_written(tmp_path: Path, home: Path) -> None:
    before = dict(os.environ)
    drawn(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]
    assert not list(home.iterdir())
    assert os.environ == before


def test_a_file_that_cannot_be_replaced_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = drawn(tmp_path)

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(ValueError, match=r"out\.txt: cannot be written \(No space left on device\)"):
        drawn(tmp_path, SESSION.at(9))
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]
    assert (tmp_path / "out.txt").read_text("utf-8") == before


@pytest.mark.parametrize("suffix", ["svg", "txt"])
@pytest.mark.parametrize("screen", ["step", "matrix", "layers", "batchnorm", "train"])
def test_pictures_are_replaced(tmp_path: Path, screen: str, suffix: str) -> None:
    file = tmp_path / f"out.{suffix}"
    file.touch()
    sizes = []
    for size in SMALLEST, (120, 40):
        render(SESSION, file, screen, size)
        sizes.append(file.stat().st_size)
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize("content", ["0, 1\n2, 3\n", "1/9 1/9\n---\n1 2\n", " my notes\n", "<svg>", "\n"])
@pytest.mark.parametrize("suffix", ["svg", "txt"])
def test_other_files_are_not_replaced(tmp_path: Path, content: str, suffix: str) -> None:
    file = tmp_path / f"out.{suffix}"
    file.write_text(content)
    with pytest.raises(ValueError, match=rf"out\.{suffix}: not drawn by convtui, so not replaced"):
        render(SESSION, file)
    assert file.read_text() == content


def test_a_picture_of_numbers_is_no_table_of_numbers(tmp_path: Path) -> None:
    drawn(tmp_path)
    with pytest.raises(ValueError, match="is not a number"):
        read_picture(tmp_path / "out.txt")


@pytest.mark.parametrize("name", ["out.png", "out.pdf", "out", ".svg"])
def test_other_suffixes_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"must end in \.svg or \.txt"):
        render(SESSION, tmp_path / name)


def test_places_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"out\.svg: the folder .*nowhere does not exist"):
        render(SESSION, tmp_path / "nowhere" / "out.svg")
    folder = tmp_path / "folder.svg"
    folder.mkdir()
    with pytest.raises(ValueError, match=r"folder\.svg: cannot be written"):
        render(SESSION, folder)


@pytest.mark.parametrize(
    ("text", "size"), [("120x40", (120, 40)), ("60x20", SMALLEST), (" 400 × 1000 ", LARGEST)]
)
def test_sizes(text: str, size: tuple[int, int]) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "120", "x40", "120x", "-120x40", "59x20", "60x19", "401x100", "9" * 50])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"size .*: must be columns x rows from 60x20 to 400x100"):
        parse_size(text)
