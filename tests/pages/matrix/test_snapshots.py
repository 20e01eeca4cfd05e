"""The Matrix page as pictures: pytest --snapshot-update takes new ones, to be looked at."""

from collections.abc import Callable

import numpy as np
import pytest
from textual.pilot import Pilot

from convtui.app.app import ConvtuiApp
from convtui.state.session import Session
from tests.support.example_sessions import counting, lesson, own, picture_of, session_on
from tests.support.operations import stepping

WIDE, USUAL = (120, 40), (80, 24)


def small() -> Session:
    return own([[[[1.0, 2.0], [3.0, 0.0]]]], counting(rows=3, columns=3), bias=[1.0]).at(1)


def pixels(side: int) -> Session:
    return session_on(counting(rows=side, columns=side))


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
    "average": (lambda: stepping(pixels(4), "avgpool 2 s1").at(4), ["2", "shift+right"], WIDE, "dark"),
    "average-80x24-light": (
        lambda: stepping(session_on("digit-8x8-3"), "adaptiveavgpool 3").at(4),
        ["2", "shift+right"],
        USUAL,
        "light",
    ),
    "maximum-light": (lambda: stepping(session_on("digit-8x8-3"), "maxpool 2").at(6), ["2"], WIDE, "light"),
    "maximum-80x24": (lambda: stepping(lesson(), "maxpool 2").at(60), ["2", "shift+right"], USUAL, "dark"),
    "maximum-letters": (lambda: stepping(pixels(4), "maxpool 2 s1").at(4), ["2", "a"], WIDE, "dark"),
    "scatter": (
        lambda: stepping(pixels(3), "convtranspose 2x2 1 s2").at(4),
        ["2", "shift+down"],
        WIDE,
        "dark",
    ),
    "scatter-80x24-light": (
        lambda: stepping(lesson(), "convtranspose 3x3 1 s2 p1").at(300),
        ["2"],
        USUAL,
        "light",
    ),
    "gather-light": (
        lambda: stepping(pixels(4), "convtranspose 3x3 1 s2", "gather").at(40),
        ["2", "shift+right"],
        WIDE,
        "light",
    ),
    "gather-80x24": (
        lambda: stepping(pixels(3), "convtranspose 2x2 1", "gather").at(5),
        ["2", "v"],
        USUAL,
        "dark",
    ),
    "scatter-transposed": (
        lambda: stepping(lesson(), "convtranspose 3x3 1 s2 p1").at(300),
        ["2", "y"],
        WIDE,
        "dark",
    ),
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
