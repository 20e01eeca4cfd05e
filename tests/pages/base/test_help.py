"""The help tells every key."""

from itertools import pairwise

import pytest

from convtui.pages.base.help import TITLES, HelpScreen, help_text
from convtui.pages.base.keys import EDIT_KEYS, MOUSE, PAGES, all_keys
from tests.support.driving import opened


@pytest.mark.parametrize("page", ["step", *PAGES])
def test_every_key_and_click_is_explained_those_of_the_page_first(page: str) -> None:
    text = help_text(page).plain
    for key in (*all_keys(), *(key for keys in PAGES.values() for key in keys)):
        assert key.does in text
    titles = [line for before, line in pairwise(text.splitlines()) if not before]
    assert titles[:2] == ["Pages", f"{TITLES[page]} page" if page in TITLES else "Step"]
    for shown, does in (*MOUSE, *EDIT_KEYS):
        assert any(line.startswith(shown) and line.endswith(does) for line in text.splitlines())


def test_what_is_not_flipped_is_said() -> None:
    assert "cross-correlation: the kernel is not flipped" in help_text().plain


async def test_it_opens_and_closes() -> None:
    async with opened() as driven:
        for key, close in (
            ("question_mark", "escape"),
            ("f1", "q"),
            ("f1", "question_mark"),
            ("f1", "enter"),
        ):
            await driven.press(key)
            assert isinstance(driven.app.screen, HelpScreen)
            await driven.press(close)
            assert driven.page.is_active


async def test_all_of_it_can_be_scrolled_to() -> None:
    async with opened(size=(80, 24)) as driven:
        await driven.press("question_mark")
        assert "A kernel slides over an image." in driven.text
        await driven.press("end")
        await driven.pilot.pause()
        assert "ctrl+p finds every command" in driven.text
        assert driven.session.index == 0


@pytest.mark.parametrize("width", [60, 80, 120])
async def test_no_line_of_it_is_wrapped_where_there_is_room(width: int) -> None:
    async with opened(size=(width, 120)) as driven:
        await driven.press("question_mark")
        for key in all_keys():
            if len(key.does) < width - 30:
                assert key.does in driven.text
