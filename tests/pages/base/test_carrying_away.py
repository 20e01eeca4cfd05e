"""What is carried away from a page: its code, by a panel and by a key, an animation, a picture."""

from pathlib import Path

import pytest

from convtui.pages.base.code_panel import (
    MOST_SENT,
    MOST_SHOWN,
    CodeScreen,
    shown_code,
    why_not_sent,
)
from tests.engine.test_snippet import run
from tests.support.batch_page import trainer_of
from tests.support.driving import Driven, opened, until
from tests.support.example_sessions import lesson, session_on
from tests.support.small_runs import SMALL


async def code_is_there(driven: Driven) -> CodeScreen:
    panel = driven.app.screen
    assert isinstance(panel, CodeScreen)
    await until(driven, lambda: bool(panel.code))
    await driven.pilot.pause()
    return panel


async def test_every_page_has_its_code_and_a_key_that_copies_it() -> None:
    async with opened(session_on("digit-8x8-3"), trainer=trainer_of(), recipe=SMALL) as driven:
        for page, words in (
            ("1", "F.conv2d"),
            ("2", "F.conv2d"),
            ("3", "nn.Sequential"),
            ("4", "nn.BatchNorm2d"),
            ("5", "OneCycleLR"),
        ):
            await driven.press(page)
            await driven.app.workers.wait_for_complete()
            await driven.pilot.pause()
            await driven.press("Y")
            await until(driven, lambda: driven.said != "")
            copied = driven.app.clipboard
            assert words in copied
            assert driven.said.startswith(f"copied {len(copied.splitlines())} lines (OSC 52)")
            run(copied)


async def test_the_panel_shows_the_code_and_copies_it() -> None:
    for size in (120, 40), (80, 24), (60, 20):
        async with opened(lesson(), size=size) as driven:
            await driven.press("ctrl+y")
            panel = await code_is_there(driven)
            assert "import torch" in driven.text
            await driven.press("end", "y")
            assert driven.app.clipboard == panel.code
            assert panel.code.splitlines()[-1] in driven.text
            assert "lines (OSC 52)" in driven.text
            await driven.press("escape")
            assert driven.app.screen is driven.page


async def test_keys_that_come_while_it_opens_are_its_own() -> None:
    async with opened(lesson()) as driven:
        await driven.rush("ctrl+y", "escape", "right")
        await until(driven, lambda: driven.app.screen is driven.page)
        assert driven.session.index == lesson().index + 1


async def test_the_code_is_written_to_a_file_that_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(lesson()) as driven:
        await driven.press("ctrl+y")
        panel = await code_is_there(driven)
        await driven.press("w")
        assert "write the code to:" in driven.bottom
        await driven.enter("no/step.py")
        assert driven.refused
        assert "the folder no does not exist" in driven.said
        await driven.enter("mine")
        assert driven.said == "written: mine.py   (python mine.py runs it)"
        assert (tmp_path / "mine.py").read_text("utf-8") == panel.code
        (tmp_path / "mine.py").write_text("my own")
        for answer, content in (("escape", "my own"), ("r", panel.code)):
            await driven.press("ctrl+y")
            await code_is_there(driven)
            await driven.press("w")
            await driven.enter("mine.py")
            await driven.press(answer)
            assert (tmp_path / "mine.py").read_text("utf-8") == content


async def test_without_a_clipboard_it_is_written_to_a_file(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "linux")
    async with opened(lesson(), size=(200, 40)) as driven:
        await driven.press("Y")
        await until(driven, lambda: driven.said != "")
        (file,) = home.rglob("code.py")
        assert driven.said == f"this terminal has no clipboard: 13 lines are written to {file}"
        run(file.read_text("utf-8"))


def test_what_a_terminal_does_not_take_is_known() -> None:
    assert not why_not_sent("x" * MOST_SENT, {"TERM": "xterm-256color"})
    assert "more than terminals take" in why_not_sent("x" * (MOST_SENT + 1), {})
    assert "Apple" in why_not_sent("x", {"TERM_PROGRAM": "Apple_Terminal"})


def test_of_long_code_the_beginning_and_the_end_are_shown() -> None:
    lines = [f"line {number}" for number in range(3 * MOST_SHOWN)]
    shown = shown_code("\n".join(lines)).splitlines()
    assert shown[0] == "line 0"
    assert shown[-1] == lines[-1]
    assert "# … 800 lines are not shown here" in "\n".join(shown)
    assert len([line for line in shown if line.startswith("line")]) == MOST_SHOWN


async def test_a_page_animates_what_it_steps_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(session_on("count-5x5")) as driven:
        for page, typed, told in (
            ("1", "steps.svg 0-3", "written: steps.svg, 4 steps"),
            ("2", "all.gif", "written: all.gif, 10 steps"),
            ("3", "layer.svg 1-2", "written: layer.svg, 2 steps"),
        ):
            await driven.press(page, "ctrl+g")
            await driven.enter(typed)
            await until(driven, lambda told=told: driven.said == told)  # type: ignore[misc]
            assert (tmp_path / typed.split()[0]).stat().st_size > 1000
        await driven.press("1", "ctrl+g")
        for typed, refused in (
            ("x.mp4", "x.mp4: the name must end in .gif or .svg"),
            ("x.gif 4-2", "steps 4-2: the first is after the last"),
        ):
            await driven.enter(typed)
            assert driven.said == refused
        await driven.enter("x.gif 0-99")
        await until(driven, lambda: "drawing" not in driven.said)
        assert driven.said == "steps 0-99: there are 9 steps; choose from 0-9"
        await driven.press("5", "ctrl+g")
        assert "nothing slides on this page" in driven.said


async def test_pictures_are_drawn_as_png_and_svg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(session_on("count-5x5")) as driven:
        for name, begin in (("step.png", b"\x89PNG"), ("step.svg", b"<svg")):
            await driven.press("ctrl+f")
            await driven.enter(name)
            await until(driven, lambda name=name: driven.said == f"written: {name}")  # type: ignore[misc]
            assert (tmp_path / name).read_bytes().startswith(begin)
        await driven.press("3", "ctrl+f")
        await driven.enter("layers.png")
        assert driven.refused
        await driven.enter("layers.svg")
        assert driven.said == "written: layers.svg"
        assert "jsdelivr" not in (tmp_path / "layers.svg").read_text("utf-8")
        (tmp_path / "own.svg").write_text("<svg>mine</svg>")
        await driven.press("ctrl+f")
        await driven.enter("own.svg")
        assert "not drawn by convtui" in driven.said
