"""The features view of the user's own network as pictures: its run and what is known of it are made up."""

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from convtui.app.app import ConvtuiApp
from convtui.state.opened_features import OPENED_FEATURES
from convtui.state.session import Overlay, Panel
from convtui.training.trainer import Trainer
from tests.support.example_sessions import lesson
from tests.support.own_runs import keep_all, made_up_own_run, opened

WIDE, USUAL = (120, 40), (80, 24)

SHOTS: dict[str, tuple[dict[str, object], list[str], tuple[int, int], str]] = {
    "patches": ({}, ["right"], WIDE, "dark"),
    "deep-light": ({}, ["tab", "right", "right"], WIDE, "light"),
    "unseen": ({}, ["tab", "tab"], WIDE, "dark"),
    "hidden": ({}, ["tab", "right", "X"], WIDE, "dark"),
    "occlusion-light": ({"panel": Panel.CLASS, "overlay": Overlay.OCCLUSION}, [], WIDE, "light"),
    "left-out": ({}, ["end"], WIDE, "dark"),
    "kernel-80x24": ({}, ["tab"], USUAL, "dark"),
    "patches-80x24-light": ({"panel": Panel.PATCHES}, ["tab", "right"], USUAL, "light"),
    "gradient-80x24": ({"panel": Panel.CLASS, "overlay": Overlay.GRADIENT}, [], USUAL, "dark"),
    "left-out-80x24-light": ({}, ["end"], USUAL, "light"),
}


@pytest.mark.parametrize("name", SHOTS)
def test_screens(name: str, snap_compare: Callable[..., bool]) -> None:
    view, keys, size, theme = SHOTS[name]
    run = made_up_own_run()
    keep_all(run)
    app = ConvtuiApp(lesson(), theme=theme, autosave=False, trainer=Trainer(None))

    async def press(pilot: Pilot[None]) -> None:
        await pilot.press("3")
        app.timelines.begin(OPENED_FEATURES, opened(run).with_view(**view))
        await settle(pilot)
        for key in keys:
            await pilot.press(key)
            await settle(pilot)

    async def settle(pilot: Pilot[None]) -> None:
        for _ in range(4):
            await app.workers.wait_for_complete()
            await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=press)
