"""No key is lost or goes astray, however soon it follows the one before."""

from pathlib import Path

import pytest

from tests.support.driving import opened
from tests.support.example_sessions import counting, own


async def test_what_follows_g_is_typed_and_what_follows_enter_steps() -> None:
    async with opened() as driven:
        await driven.rush("g", *"4,18", "enter", "right", "right", "down")
        assert driven.session.position == (0, 5, 20)
        assert not driven.typing


async def test_settings_one_after_the_other() -> None:
    async with opened() as driven:
        await driven.rush(":", *"stride 3", "enter", ":", *"padding 2", "enter", "f")
        assert driven.session.spec.stride == (3, 3)
        assert driven.session.spec.pads == ((2, 2), (2, 2))
        assert driven.session.filled == driven.session.size


async def test_an_edit_in_one_go() -> None:
    async with opened(own([[[[1.0, 2.0], [3.0, 4.0]]]], counting())) as driven:
        await driven.rush("e", "5", "right", "-", "6", "down", "7", "enter", "escape", "t")
        assert driven.session.convolution.weight.tolist() == [[[[5, -6], [3, 7]]]]
        assert driven.session.spec.stride == (2, 2)
        assert not driven.editing


async def test_saving_and_quitting_in_one_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened() as driven:
        await driven.rush("t", "s", "enter", "q")
        assert (tmp_path / "mnist-7.toml").exists()
        assert not driven.app.is_running or driven.app._exit


async def test_many_steps_are_all_taken() -> None:
    async with opened() as driven:
        await driven.rush(*["right"] * 60, *["left"] * 10, *["enter"] * 5)
        assert (driven.session.index, driven.session.taps) == (50, 5)
        assert driven.session.filled == 61


async def test_letters_behind_an_erasing_key_stay() -> None:
    """Erasing by a key that came in the same burst once took away the letters that followed it."""
    async with opened() as driven:
        await driven.rush(":")
        await driven.rush(*"stride 12", *["backspace"] * 2, "3", "home", "delete", "s", "end", "enter")
        assert driven.session.spec.stride == (3, 3)
    async with opened() as driven:
        await driven.rush(":", *"padding", "ctrl+u", *"stride 2", "enter")
        assert driven.session.spec.stride == (2, 2)
