"""The screens as pictures, to be looked at when they change: pytest --snapshot-update takes new ones."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from convtui.app.app import ConvtuiApp
from convtui.state.session import Session, Zoom
from convtui.state.settings import transition
from tests.support.driving import Driven
from tests.support.example_sessions import lesson, picture_of, session_on

Compare = Callable[..., bool]

WIDE, USUAL = (120, 40), (80, 24)


@dataclass(frozen=True)
class Shot:
    """A session, the keys pressed, and the terminal."""

    session: Callable[[], Session]
    keys: list[str] = field(default_factory=list)
    size: tuple[int, int] = WIDE
    theme: str = "dark"


def digit(**given: object) -> Session:
    return session_on("digit-8x8-3", **given)  # type: ignore[arg-type]


def typed(session: Session, *lines: str) -> Session:
    for line in lines:
        session = transition(line)(session)
    return session


def opening() -> Session:
    return lesson().at_something_to_see()


def half() -> Session:
    return lesson().at(28 * 14 + 13)


SHOTS = {
    "opening": Shot(opening),
    "opening-light": Shot(opening, theme="light"),
    "opening-80x24": Shot(opening, size=USUAL),
    "opening-80x24-light": Shot(opening, size=USUAL, theme="light"),
    "half": Shot(half),
    "half-80x24-light": Shot(half, size=USUAL, theme="light"),
    "multiply-adds": Shot(lambda: half().at(28 * 9 + 12, 7)),
    "multiply-adds-80x24": Shot(lambda: session_on("cat-32", "edges").at(900 + 304, 14), size=USUAL),
    "digit": Shot(lambda: digit(padding=1).at(27)),
    "digit-light": Shot(lambda: digit(padding=1).at(27), theme="light"),
    "digit-80x24": Shot(lambda: digit().at(14), size=USUAL),
    "own-colours": Shot(lambda: session_on("cat-32", "sobel-x").at(430)),
    "one-channel-80x24": Shot(lambda: session_on("cat-32", "edges").at(430), ["c", "c"], USUAL),
    "unused": Shot(lambda: lesson(stride=3, padding=0).at(40)),
    "unused-80x24-light": Shot(lambda: digit(stride=4).at(3), size=USUAL, theme="light"),
    "dilation": Shot(lambda: lesson(dilation=3, padding=3).at(28 * 9 + 12)),
    "reflect": Shot(
        lambda: session_on("count-5x5", "gaussian-blur", padding=2, padding_mode="reflect").at(6)
    ),
    "groups": Shot(lambda: session_on("cat-32", "edges").with_groups(3).at(4 * 900 + 400)),
    "filters": Shot(lambda: session_on("mnist-7", "edges", padding=1).at(28 * 28 + 28 * 10 + 14)),
    "filters-80x24": Shot(lambda: session_on("mnist-7", "edges", padding=1).at(28 * 10 + 14), size=USUAL),
    "filters-80x24-light": Shot(lambda: digit().at(14), ["i", "i"], USUAL, "light"),
    "filters-numbers-light": Shot(lambda: digit().at(14), ["i", "i"], WIDE, "light"),
    "filters-scrolled": Shot(lambda: session_on("cat-64", "edges").finished()),
    "no-hints-80x24": Shot(lesson, ["H"], USUAL),
    "scrolled": Shot(lambda: session_on("cat-64").with_view(zoom=Zoom.NUMBERS).at(62 * 30 + 30)),
    "kernel-11": Shot(lambda: session_on("cat-32", "random", size=11).at(200), size=USUAL),
    "error-80x24": Shot(lambda: session_on("count-5x5"), ["d", "d"], USUAL),
    "edit-80x24": Shot(lambda: digit().at(14), ["e", "down", "right", "minus", "2"], USUAL),
    "edit-image-light": Shot(half, ["e", "tab", "tab"], WIDE, "light"),
    "maxpool": Shot(lambda: typed(digit(), "operation maxpool 2").at(6)),
    "maxpool-entries-80x24-light": Shot(
        lambda: typed(digit(), "operation maxpool 3 s2 p1").at(5, 6), size=USUAL, theme="light"
    ),
    "maxpool-colours-80x24": Shot(
        lambda: typed(session_on("colours-12x12", "edges"), "operation maxpool 3").at(18), size=USUAL
    ),
    "avgpool-light": Shot(
        lambda: typed(digit(), "operation avgpool 3 s2 p1 ceil nopadcount").at(9), theme="light"
    ),
    "avgpool-80x24": Shot(lambda: typed(lesson(), "operation avgpool 2").at(90, 3), size=USUAL),
    "adaptive": Shot(lambda: typed(digit(), "operation adaptiveavgpool 5").at(7)),
    "adaptive-80x24": Shot(lambda: typed(lesson(), "operation adaptivemaxpool 5x4").at(6), size=USUAL),
    "scatter": Shot(lambda: typed(digit(), "operation convtranspose s2").at(27)),
    "scatter-light": Shot(lambda: typed(digit(), "operation convtranspose s2 p1").at(27, 5), theme="light"),
    "scatter-80x24": Shot(lambda: typed(digit(), "operation convtranspose 4x4 1 s2").at(27, 6), size=USUAL),
    "scatter-finished": Shot(lambda: typed(lesson(), "operation convtranspose s2").finished()),
    "gather": Shot(lambda: typed(digit(), "operation convtranspose s2", "way gather").at(75)),
    "gather-80x24-light": Shot(
        lambda: typed(session_on("count-3x3"), "operation convtranspose s2", "way gather").at(17, 5),
        size=USUAL,
        theme="light",
    ),
    "one-row-80x24": Shot(
        lambda: (
            session_on("count-5x5", "identity", size=1)
            .with_picture(picture_of(np.arange(10.0).reshape(1, 1, 10)))
            .with_kernel_size((1, 3))
        ),
        size=USUAL,
    ),
    "help": Shot(lesson, ["question_mark"]),
    "help-80x24-light": Shot(lesson, ["question_mark"], USUAL, "light"),
    "quit-80x24": Shot(half, ["t", "q"], USUAL),
    "too-small": Shot(lesson, size=(50, 15)),
}


@pytest.mark.parametrize("name", SHOTS)
def test_screens(name: str, snap_compare: Compare) -> None:
    shot = SHOTS[name]
    app = ConvtuiApp(shot.session(), theme=shot.theme, autosave=False)

    async def press(pilot: Pilot[None]) -> None:
        stop_blinking(app)
        await pilot.press(*shot.keys)
        stop_blinking(app)
        await pilot.pause()

    assert snap_compare(app, terminal_size=shot.size, run_before=press)


def stop_blinking(app: ConvtuiApp) -> None:
    for line in app.screen.query(Input):
        line.cursor_blink = False


def pointing(name: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def point(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, ConvtuiApp)
        driven = Driven(app, pilot)
        await pilot.pause()
        await driven.hover(name, (9, 12) if name == "image" else (2, 1))

    return point


@pytest.mark.parametrize("name", ["image", "kernel"])
def test_pointing(name: str, snap_compare: Compare) -> None:
    app = ConvtuiApp(half(), autosave=False)
    assert snap_compare(app, terminal_size=WIDE, run_before=pointing(name))


@pytest.mark.parametrize("size", [WIDE, USUAL], ids=["120x40", "80x24"])
def test_without_colour(
    size: tuple[int, int], snap_compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = ConvtuiApp(lesson().at(28 * 9 + 12), autosave=False)
    assert snap_compare(app, terminal_size=size)


def test_the_palette(snap_compare: Compare) -> None:
    app = ConvtuiApp(lesson(), autosave=False)

    async def search(pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+p")
        stop_blinking(app)
        app.screen.query_one(Input).value = "kernel: so"
        await pilot.pause(0.2)
        await app.workers.wait_for_complete()
        await pilot.pause()

    assert snap_compare(app, terminal_size=USUAL, run_before=search)
