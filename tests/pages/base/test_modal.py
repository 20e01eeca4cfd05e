"""Whatever is pressed or clicked twice: a screen over a page closes once, and the page stays."""

import pytest
from textual import events
from textual.screen import Screen

from tests.support.driving import Driven, opened

DEEDS = ("click beside", "escape", "enter", "x", "question_mark", "up")


def do(driven: Driven, deed: str) -> None:
    """Let it arrive at the screen that is open now, as if it had been on its way."""
    screen: Screen[object] = driven.app.screen
    if deed == "click beside":
        for kind in (events.MouseDown, events.MouseUp, events.Click):
            click = kind(screen, 1, 1, 0, 0, 1, False, False, False, screen_x=1, screen_y=1)
            screen.post_message(click)
    else:
        screen.post_message(events.Key(deed, deed if len(deed) == 1 else None))


@pytest.mark.parametrize("opening", ["ctrl+p", "question_mark", "q", "colon"])
@pytest.mark.parametrize("first", DEEDS)
async def test_what_opens_over_a_page_closes_once(opening: str, first: str) -> None:
    async with opened() as driven:
        driven.app.change(lambda session: session.with_spec(stride=2))
        for second in DEEDS:
            await driven.press(opening)
            await driven.pilot.pause()
            for deed in (first, second, "click beside"):
                do(driven, deed)
            await driven.pilot.pause()
            if not driven.app.is_running or driven.app._exit:
                assert opening == "q"  # and it was answered
                return
            while len(driven.app.screen_stack) > 1:
                driven.app.screen.dismiss()
                await driven.pilot.pause()
            await driven.press("escape")
            await driven.press("right", "left")
            assert driven.app.screen is driven.page
