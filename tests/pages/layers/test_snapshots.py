"""The Layers page as pictures: pytest --snapshot-update takes new ones, to be looked at."""

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from convtui.app.app import ConvtuiApp
from convtui.state.network import Stack
from convtui.state.session import Session
from tests.support.example_sessions import lesson, session_on

WIDE, USUAL = (120, 40), (80, 24)


def stacked(image: str, choice: str, layer: int) -> Session:
    session = session_on(image)
    return session.with_stack(Stack.chosen(choice, session.picture.pixels.shape).at(layer))


SHOTS: dict[str, tuple[Callable[[], Session], list[str], tuple[int, int], str]] = {
    "lesson": (lesson, ["3"], WIDE, "dark"),
    "lesson-80x24-light": (lesson, ["3"], USUAL, "light"),
    "clipped": (lambda: stacked("mnist-7", "simple-cnn", 7), ["3", "right"], WIDE, "light"),
    "branches": (lambda: stacked("cat-64", "resnet-18", 10), ["3", "pagedown"], WIDE, "dark"),
    "dilated": (lambda: stacked("mnist-3", "conv 3x3 8 p1, conv 3x3 8 p2 d2, relu", 3), ["3"], WIDE, "dark"),
    "outputs-80x24": (lambda: stacked("mnist-4", "lenet-5", 13), ["3", "right"], USUAL, "dark"),
    "image-light": (
        lambda: stacked("cat-32", "conv 3x3 8 p1, relu, concat(conv 1x1 4 | conv 3x3 8 p1)", 0),
        ["3"],
        WIDE,
        "light",
    ),
    "holes-80x24-light": (
        lambda: stacked(
            "mnist-4", "concat(conv 3x3 4 p1 | conv 3x3 4 p4 d4), conv 3x3 4 p2 d2, adaptiveavgpool 5", 4
        ),
        ["3"],
        USUAL,
        "light",
    ),
    "does-not-fit-80x24": (lambda: stacked("cat-32", "alexnet", 4), ["3"], USUAL, "dark"),
}


@pytest.mark.parametrize("name", SHOTS)
def test_screens(name: str, snap_compare: Callable[..., bool]) -> None:
    make, keys, size, theme = SHOTS[name]
    app = ConvtuiApp(make(), theme=theme, autosave=False)

    async def press(pilot: Pilot[None]) -> None:
        await pilot.press(*keys)
        await app.workers.wait_for_complete()
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=press)


def test_without_colour(snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = ConvtuiApp(lesson(), autosave=False)

    async def press(pilot: Pilot[None]) -> None:
        await pilot.press("3")
        await pilot.pause()

    assert snap_compare(app, terminal_size=WIDE, run_before=press)
