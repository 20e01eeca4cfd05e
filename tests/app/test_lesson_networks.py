"""Networks in lessons: recorded until R runs their file, with the user's own network set aside meanwhile."""

import numpy as np

from convtui.inputs import samples
from convtui.lessons.course import Place, find_course
from convtui.tracing.open_model import RECORDED
from convtui.tracing.recording import recorded
from convtui.training.trainer import Trainer
from tests.support.driving import opened, until
from tests.support.example_sessions import session_on

CHAPTER = find_course("shapes")


async def test_the_users_own_network_is_set_aside_and_comes_back() -> None:
    own = recorded("unet:Net", (3, 62, 62)).opened(samples.open_image("cat-64", resize=62))
    async with opened(session_on("cat-64"), network=own, trainer=Trainer(start=None)) as driven:
        await driven.app.switch_mode("layers")
        await driven.press("home", "tab")
        mine = driven.text
        assert "unet.py:Net" in mine
        driven.app.lessons.begin(CHAPTER)
        await driven.pilot.pause()
        assert "shape_bug.py:Net" in driven.text
        assert "unet.py" not in driven.text
        await driven.press("y")
        assert "the lesson chooses what is shown" in driven.said
        driven.app.lessons.leave()
        await driven.press("h", "h")
        assert driven.app.model is own
        assert driven.text == mine


async def test_a_step_without_a_network_shows_its_layers() -> None:
    own = recorded("unet:Net", (3, 62, 62)).opened(samples.open_image("cat-64", resize=62))
    async with opened(session_on("cat-64"), network=own, trainer=Trainer(start=None)) as driven:
        driven.app.lessons.begin(find_course("layers"))
        await driven.pilot.pause()
        assert driven.app.model is None
        assert "conv 3x3 4 s2 p1" in driven.text


async def test_r_runs_the_file_of_a_recorded_network() -> None:
    async with opened(session_on("cat-64"), (120, 40), trainer=Trainer(start=None)) as driven:
        driven.app.lessons.begin(CHAPTER, Place(0, 1))
        await driven.pilot.pause()
        model = driven.app.model
        assert model is not None
        assert RECORDED in driven.text
        assert "no picture" in driven.text
        kept = model.trace
        await driven.press("enter")
        assert driven.said == RECORDED
        await driven.press("R")
        await until(driven, lambda: model.outcome is not None and not model.is_at_work)
        assert model.trace is not None
        assert kept is not None
        assert model.trace.table == kept.table
        assert RECORDED not in driven.text
        driven.app.lessons.begin(CHAPTER, Place(0, 4))
        await driven.pilot.pause()
        await driven.app.workers.wait_for_complete()
        assert model._process is None
        assert np.array_equal(driven.session.picture.pixels, samples.open_image("cat-64").pixels)
