"""A run whose log or data set is not what it was is shown as far as it can be, and the rest is said."""

import json
from pathlib import Path

from convtui.pages.train.view_maker import OTHER_IMAGES, Tab
from tests.support.data_files import npz
from tests.support.train_page import SMALL, keep, training


async def test_what_does_not_fit_is_said_when_the_run_is_looked_at() -> None:
    """A label that is no class and ragged kernels once ended the app."""
    (folder,) = keep(SMALL)
    log = Path(folder, "events.jsonl")
    lines = log.read_bytes().splitlines()
    snapshots = [at for at, line in enumerate(lines) if line.startswith(b'{"event":"snapshot"')]
    label, ragged = (json.loads(lines[at]) for at in snapshots[-2:])
    ragged["kernels"][0][0].pop()
    label["predictions"][0]["label"] = 23
    for at, told in zip(snapshots[-2:], (label, ragged), strict=True):
        lines[at] = json.dumps(told, separators=(",", ":")).encode()
    log.write_bytes(b"\n".join(lines))
    async with training() as driven:
        await driven.turn_to(Tab.RUNS)
        await driven.press("enter")
        await driven.settled()
        assert driven.shows(Tab.CURVES)
        number = snapshots[-2] + 1
        assert driven.said.startswith(
            f"run 1: 2 lines of its log do not fit and are left out; the first is line {number}: label 23"
        )
        assert driven.refused
        assert "98.5%" in driven.text
        assert "kernels 3x3" in driven.text
        for tab in (Tab.LAYERS, Tab.WEIGHT):
            await driven.turn_to(tab)
            assert "finished" in driven.text


async def test_predictions_of_images_that_are_gone_are_not_shown(tmp_path: Path) -> None:
    """The data set's file was replaced by one with fewer images to test on."""
    file = npz(tmp_path / "set.npz")
    recipe = SMALL.with_text("data", str(file))
    keep(recipe)
    async with training(recipe) as driven:
        await driven.turn_to(Tab.RUNS)
        await driven.press("enter")
        await driven.settled()
        assert driven.shows(Tab.CURVES)
        assert OTHER_IMAGES in driven.text
        assert "predictions right" not in driven.text
        assert "kernels 3x3" in driven.text
