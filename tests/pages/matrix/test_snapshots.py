"""The Matrix page as pictures: pytest --snapshot-update takes new ones, to be looked at."""

from collections.abc import Callable

import numpy as np
import pytest
from textual.pilot import Pilot

from convtui.app.app import ConvtuiApp
from convtui.state.session import Session
from tests.support.example_sessions import counting, lesson, own, picture_of, session_on

WIDE, USUAL = (120, 40), (80, 24)


def small() -> Session:
    return own([[[[1.0, 2.0], [3.0, 0.0]]]], counting(rows=3, columns=3), bias=[1.0]).at(1)


def million() -> Session:
    columns = np.arange(1024) % 32
    return session_on(picture_of([columns + columns[:, None]]), "sobel-x", padding=1).at(500_000)


SHOTS: dict[str, tuple[Callable[[], Session], list[str], tuple[int, int], str]] = {
    "lesson": (lambda: lesson().at(130), ["2", "shift+right"], WIDE, "dark"),
    "lesson-80x24-light": (lambda: lesson().at(130), ["2"], USUAL, "light"),
    "by-entry": (lambda: session_on("digit-8x8-3", padding=1).at(27), ["2", "v"], WIDE, "dark"),
    "padding-columns-light": (lambda: session_on("cat-32", "edges", padding=1), ["2", "w"], WIDE, "light"),
    "transposed-80x24": (lambda: session_on("digit-8x8-3", stride=3).at(2), ["2", "y"], USUAL, "dark"),
    "letters": (small, ["2", "a", "shift+right"], WIDE, "dark"),
    "letters-80x24-light": (small, ["2", "a", "v"], USUAL, "light"),
    "million": (million, ["2", "right"], WIDE, "dark"),
}


@pytest.mark.parametrize("name", SHOTS)
def test_screens(name: str, snap_compare: Callable[..., bool]) -> None:
    make, keys, size, theme = SHOTS[name]
    app = ConvtuiApp(make(), theme=theme, autosave=False)

    async def press(pilot: Pilot[None]) -> None:
        await pilot.press(*keys)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=press)
