"""The user's own network as pictures: pytest --snapshot-update takes new ones, to be looked at."""

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from convtui.app.app import ConvtuiApp
from convtui.tracing.open_model import Opening
from tests.support import own_networks
from tests.support.driving import Driven, until
from tests.support.example_sessions import session_on

WIDE, USUAL = (120, 40), (80, 24)
FILE = Path(own_networks.__file__)

SHOTS: dict[str, tuple[str, str, list[str], tuple[int, int], str]] = {
    "holes": ("Holed", "digit-8x8-3", ["end", "right", "down"], USUAL, "dark"),
    "norm": ("Branched", "mnist-7", ["tab", "tab", "enter"], WIDE, "light"),
    "branched": (
        "Branched",
        "digit-8x8-3",
        ["tab", "tab", "tab", "tab", "tab", "down", "right"],
        WIDE,
        "dark",
    ),
    "branched-80x24-light": ("Branched", "mnist-7", ["tab", "down", "right"], USUAL, "light"),
    "checks": ("Misfit", "mnist-7", ["V"], WIDE, "light"),
    "failed": ("Misfit", "digit-8x8-3", [], WIDE, "dark"),
    "failed-80x24": ("Misfit", "digit-8x8-3", [], USUAL, "dark"),
}


@pytest.mark.parametrize("name", SHOTS)
def test_screens(name: str, snap_compare: Callable[..., bool]) -> None:
    network, image, keys, size, theme = SHOTS[name]
    opening = Opening(f"{FILE}:{network}")
    last = "batchnorm" if name == "norm" else "layers"
    app = ConvtuiApp(session_on(image), theme=theme, autosave=False, network=opening)

    async def press(pilot: Pilot[None]) -> None:
        driven = Driven(app, pilot)
        await until(driven, lambda: app.current_mode == "layers")
        await until(driven, lambda: app.model is not None and app.model.outcome is not None)
        if network == "Branched":
            await until(driven, lambda: app.model is not None and bool(app.model.printed))
        await pilot.press(*keys)
        await until(driven, lambda: app.model is not None and not app.model.is_at_work)
        await pilot.pause()
        await until(driven, lambda: app.model is not None and not app.model.is_at_work)
        await until(driven, lambda: app.current_mode == last)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=press)
