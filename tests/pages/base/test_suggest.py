"""What is proposed while one types is something that can be opened; tab takes it and does nothing else."""

from pathlib import Path

import pytest
from textual.widgets import Input

from convtui.inputs import samples
from convtui.pages.base.suggest import completed, to_open
from convtui.store import pictures
from convtui.store.session_file import load
from tests.support.driving import Driven, opened


async def suggested(driven: Driven) -> str:
    """What the open line proposes, once its worker has looked."""
    line = driven.app.focused
    assert isinstance(line, Input)
    await driven.app.workers.wait_for_complete()
    await driven.pilot.pause()
    return line._suggestion


def test_every_name_that_is_proposed_opens() -> None:
    sessions = {path.stem: path for path in samples.session_files()}
    for name in to_open():
        assert load(sessions[name]) if name in sessions else pictures.open_any(name)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("mnist-12", "mnist-12k:test:17"),
        ("cat", "cat-64"),
        ("pho", "photo.png"),
        ("no", "notes/"),
        ("notes/", "notes/lesson.toml"),
        ("notes/le", "notes/lesson.toml"),
        ("./pho", "./photo.png"),
        ("notes/.", "notes/.hidden"),
        ("nothing-like-it", None),
        ("nowhere/x", None),
        ("~nobody-of-that-name/x", None),
        ("photo.png/x", None),
        ("\0/x", None),
    ],
)
def test_names_come_before_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, whole: str | None
) -> None:
    (tmp_path / "notes").mkdir()
    for name in ("photo.png", "notes/lesson.toml", "notes/.hidden"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert completed(text, to_open()) == whole


@pytest.mark.parametrize("take", ["tab", "right"])
async def test_what_is_suggested_is_taken_by_a_key(take: str) -> None:
    async with opened() as driven:
        await driven.press("o", *"digit")
        assert await suggested(driven) == "digit-8x8-0"
        await driven.press(take, "enter")
        assert driven.session.picture.name == "digit-8x8-0"


async def test_settings_are_suggested() -> None:
    async with opened() as driven:
        await driven.press("colon", *"mode c")
        assert await suggested(driven) == "mode circular"
        await driven.press("tab", "enter")
        assert driven.session.spec.padding_mode == "circular"


@pytest.mark.parametrize("key", ["tab", "shift+tab", "up", "down", "pageup", "pagedown"])
@pytest.mark.parametrize("page", ["1", "3"])
async def test_while_one_types_no_key_reaches_the_page_behind(page: str, key: str) -> None:
    async with opened() as driven:
        await driven.press(page)
        before = driven.session
        await driven.press("colon", "q", key)
        assert driven.session is before
        assert driven.typing
        line = driven.app.focused
        assert isinstance(line, Input)
        assert line.value == "q"


async def test_an_empty_line_shows_what_may_be_typed() -> None:
    async with opened(size=(80, 24)) as driven:
        for page, example in (
            ("1", "stride 2,1 · kernel sobel-x 5"),
            ("3", "filters 16"),
            ("4", "gamma 2 · beta"),
        ):
            await driven.press(page, "colon")
            assert example in driven.bottom
            await driven.press("escape")
        await driven.press("1", "o")
        assert "mnist-12k:test:17" in driven.bottom
