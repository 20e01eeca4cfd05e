"""The panel with code as pictures: pytest --snapshot-update takes new ones, to be looked at.

The images are so small that they are written out: a path would differ from machine to machine.
"""

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from convtui.app.app import ConvtuiApp
from tests.support.example_sessions import session_on

SHOTS = {
    "step-80x24-light": ("count-5x5", ["ctrl+y"], ["y"], (80, 24), "light"),
    "layers-120x40": ("count-5x5", ["3", "ctrl+y"], [], (120, 40), "dark"),
}


@pytest.mark.parametrize("name", SHOTS)
def test_panels(name: str, snap_compare: Callable[..., bool]) -> None:
    image, keys, more, size, theme = SHOTS[name]
    app = ConvtuiApp(session_on(image), theme=theme, autosave=False)

    async def press(pilot: Pilot[None]) -> None:
        await pilot.press(*keys)
        await app.workers.wait_for_complete()
        await pilot.pause()
        await pilot.press(*more)
        await app.workers.wait_for_complete()
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=press)
