"""The features view of a run of the user's own network: by keys, and with a real process."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from convtui.app.app import ConvtuiApp
from convtui.inputs.images import InputError
from convtui.pages.layers.page import LayersPage
from convtui.pages.train.page import TrainPage
from convtui.pages.train.view_maker import Tab
from convtui.state.opened_features import OPENED_FEATURES, OpenedFeatures
from convtui.state.session import Panel
from convtui.tracing.open_model import Opening
from convtui.training.datasets.open_any import fingerprint, load, picture
from convtui.training.exploring import Ablate, Convolve, Explain, Explore, Explored, Exploring, Follow
from convtui.training.messages import Message
from convtui.training.own_network import OwnNetwork
from convtui.training.process.loop import Training
from convtui.training.protocol import Failed, Stop, Stopped
from convtui.training.recipe import Recipe
from convtui.training.runs.history import State
from convtui.training.runs.store import Run, new_run
from convtui.training.trainer import Trainer, start_worker
from tests.support import featured_networks
from tests.support.driving import Driven, until
from tests.support.example_sessions import lesson
from tests.support.own_runs import followed, keep_all, made_up_own_run, opened
from tests.support.workers import FakeWorkers


class Filters(Driven):
    """The app on the filters of a run, with a training process that is none."""

    workers: FakeWorkers
    run: Run

    @property
    def now(self) -> OpenedFeatures:
        return self.app.timelines.present(OPENED_FEATURES)

    @property
    def jobs(self) -> list[Message]:
        return self.workers.now.told if self.workers.started else []

    async def asked(self, kind: type[Message], count: int = 1) -> Message:
        """The job of that kind, once it has been asked for."""
        await until(self, lambda: sum(isinstance(each, kind) for each in self.jobs) >= count)
        return next(each for each in reversed(self.jobs) if isinstance(each, kind))

    async def tell(self, *events: Message) -> None:
        self.workers.now.tell(*events)
        await until(self, lambda: not self.workers.now.has_more)
        await self.settled()

    async def settled(self) -> None:
        for _ in range(3):
            await self.app.workers.wait_for_complete()
            await self.pilot.pause()
        self.page.show_again()
        await self.pilot.pause()

    async def shows(self, words: str) -> None:
        await until(self, lambda: words in " ".join(self.text.split()))


@asynccontextmanager
async def filters(
    is_known: bool = True, size: tuple[int, int] = (120, 40), theirs: OwnNetwork | None = None
) -> AsyncIterator[Filters]:
    """A made-up run, of which everything or nothing is known."""
    run, workers = made_up_own_run(), FakeWorkers()
    if is_known:
        keep_all(run)
    app = ConvtuiApp(lesson(), autosave=False, trainer=Trainer(workers.start, theirs))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        driven = Filters(app, pilot)
        driven.workers, driven.run = workers, run
        await driven.press("3")
        app.timelines.begin(OPENED_FEATURES, opened(run))
        await driven.settled()
        yield driven
        for worker in workers.started:
            worker.tell(Stopped(0))


async def test_p_on_the_train_page_opens_the_filters_and_v_goes_back() -> None:
    run, workers = made_up_own_run(), FakeWorkers()
    keep_all(run)
    app = ConvtuiApp(lesson(), autosave=False, trainer=Trainer(workers.start))
    async with app.run_test(size=(120, 40)) as pilot:
        driven = Filters(app, pilot)
        driven.workers = workers
        await driven.press("3")
        table = driven.text
        await driven.press("5")
        page = driven.page
        assert isinstance(page, TrainPage)
        page.views.turn_to(Tab.RUNS)
        await driven.settled()
        await driven.press("enter")
        await driven.settled()
        assert page.views.history is not None
        page.views.history.saved = 390  # as its log would tell
        for key in ("K", "L"):
            await driven.press(key)
            await driven.settled()
            assert "P shows its filters" in driven.said
        await driven.press("P")
        await until(driven, lambda: app.current_mode == "layers")
        await driven.settled()
        await driven.shows("run 1, step 390: the filters that it has learned · v goes back")
        await driven.shows("stem.conv: conv2d 5x5 p2 → relu · 8 filters · run 1, step 390 of net.py:Net")
        await driven.shows("8 of 8 kernels are nearer to a named kernel")
        assert not any(isinstance(each, Follow | Explore) for each in driven.jobs)  # those are kept
        await driven.press("v")
        assert driven.text == table
        for worker in workers.started:
            worker.tell(Stopped(0))


async def test_keys_choose_convolutions_filters_and_panels_and_are_undone() -> None:
    async with filters() as driven:
        await driven.press("tab", "right", "right")
        await driven.settled()
        assert (driven.now.convolution, driven.now.filter) == (1, 2)
        await driven.shows("body.0.conv1: conv2d 3x3 s2 p1 → relu")
        await driven.shows("9 patches of 7x7 that excite it most")
        await driven.press("g")
        await driven.enter("2,15")
        await driven.settled()
        await driven.shows("dead: never above 0 on 2,000 images")  # behind a ReLU
        await driven.press("u")
        await driven.press("u")
        assert (driven.now.convolution, driven.now.filter) == (1, 0)
        await driven.press("tab")
        await driven.settled()
        await driven.shows("not known because of roll (net.py:33): patches are whole images")
        await driven.press("X")
        await driven.settled()
        assert driven.now.view.panel is Panel.ACCURACY
        await driven.shows("0[0] hidden")
        await driven.shows("without filter 0 accuracy falls from 98.6% to")
        await driven.press("g")
        await driven.enter("3,15")
        await driven.settled()
        assert "dead" not in driven.text  # what is below 0 counts behind a batch norm
        await driven.press("u")
        await driven.press("M", "M")
        await driven.settled()
        await driven.shows("▸gradient")
        await driven.shows("class 4: 97.8%, the predicted one")
        await driven.press("tab")
        await driven.shows("head.mix: conv2d 1x1 has no pictures, because its filters are used 2 times")
        for key in ("right", "X", "M", "V", "c", "b", "enter", "t", "colon", "R"):
            await driven.press(key)
        await driven.press("tab", "g")
        await driven.enter("2,5")
        await driven.settled()
        assert (driven.now.convolution, driven.now.filter) == (1, 5)
        await driven.press("g")
        await driven.enter("9")
        assert driven.said == "9: the convolutions are 1 to 4"
        await driven.press("escape", "home")
        assert driven.now.convolution == 0


async def test_what_is_not_known_is_asked_in_turn() -> None:
    async with filters(is_known=False) as driven:
        run, path = driven.run, str(driven.run.path)
        assert await driven.asked(Follow) == Follow(path, 390)
        await driven.shows("running your network once to find its convolutions …")
        keep_all(run, notice="net.py:Net has changed since the run began")
        await driven.tell(followed(run, "net.py:Net has changed since the run began"), Explored(0.1))
        await driven.shows("stem.conv: conv2d 5x5 p2 → relu · 8 filters")
        await driven.shows("net.py:Net has changed since the run began")


async def test_a_longer_job_is_put_off_for_the_maps_of_another_convolution() -> None:
    async with filters(is_known=False) as driven:
        run = driven.run
        told = followed(run)
        await driven.asked(Follow)
        await driven.tell(told, Explored(0.1))
        job = await driven.asked(Convolve)
        assert isinstance(job, Convolve)
        assert job.layer == 1
        assert np.load(job.pixels).shape == (1, 28, 28)
        await driven.tell(Failed("no"))
        await driven.asked(Explore)
        await driven.tell(
            Exploring(told.step, told.digest, 100, 100, (1, 2, 3), (3, 7, 9), (8, 16, 16), "00")
        )
        await driven.press("tab")
        await driven.asked(Stop)
        await driven.tell(Stopped(0))
        job = await driven.asked(Convolve, 2)
        assert isinstance(job, Convolve)
        assert job.layer == 2
        await driven.tell(Failed("no"))
        await driven.asked(Explore, 2)
        await driven.press("X")
        await until(driven, lambda: sum(isinstance(each, Stop) for each in driven.jobs) == 2)
        await driven.tell(Stopped(0))
        job = await driven.asked(Ablate)
        assert isinstance(job, Ablate)
        assert job.layer == 2


async def test_leaving_the_view_and_the_page_kills_nothing() -> None:
    async with filters(is_known=False, theirs=OwnNetwork("/home/me/net.py:Net")) as driven:
        await driven.asked(Follow)
        await driven.press("v", "5")
        await driven.asked(Stop)
        assert not driven.app.trainer.is_stopping
        await driven.tell(Stopped(0))
        exploration = driven.app.trainer.exploration
        assert exploration is not None
        assert (exploration.state, exploration.reason) == (State.STOPPED, "")


async def test_the_pixels_asked_about_are_removed_with_the_app() -> None:
    async with filters(is_known=False) as driven:
        await driven.asked(Follow)
        await driven.tell(followed(driven.run), Explored(0.1))
        job = await driven.asked(Convolve)
        assert isinstance(job, Convolve)
        folder = Path(job.pixels).parent
        assert [*folder.iterdir()] == [Path(job.pixels)]
    assert not folder.exists()


async def test_code_that_is_not_named_is_not_run_and_that_is_told() -> None:
    async with filters(is_known=False) as driven:
        await driven.asked(Follow)
        why = "run 1 needs the code of net.py:Net; only code that you name is run: name it again"
        await driven.tell(Failed(why))
        await driven.shows(f"{why} · escape tries again")
        await driven.press("right", "tab", "X", "M", "V", "escape")
        await driven.asked(Follow, 2)


async def test_another_image_of_other_channels_is_refused() -> None:
    async with filters() as driven:
        page = driven.page
        assert isinstance(page, LayersPage)
        assert page.own is not None
        own = page.own
        assert own.look_at(picture(load("mnist-12k"), "test", 9, normalised=True))
        await driven.settled()
        assert isinstance(await driven.asked(Convolve), Convolve)
        assert own.look_at(picture(load("mnist-12k"), "test", 9))
        looked = own.looked
        assert not isinstance(looked, str)
        assert looked.named.notice.endswith("this image is not normalised")
        colour = picture(load("mnist-12k"), "test", 9)
        wide = colour.pixels.repeat(3, axis=0)
        assert not own.look_at(replace(colour, pixels=wide))
        assert "has 3 channels; net.py:Net reads 1" in driven.said
        wide_weights = replace(opened(driven.run), picture=replace(colour, pixels=wide))
        with pytest.raises(InputError, match=r"has 1 channel; net\.py:Net reads 3"):
            wide_weights.with_picture(colour)


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_every_line_has_the_width_of_the_terminal(size: tuple[int, int]) -> None:
    async with filters(size=size) as driven:
        for key in ("V", "V", "V", "M", "b", "tab", "X", "end", "home"):
            await driven.press(key)
            await driven.settled()
            assert {len(line) for line in driven.lines} == {size[0]}
            assert len(driven.lines) == size[1]


async def test_a_real_process_measures_the_filters(tmp_path: Path) -> None:
    code = Path(shutil.copy(featured_networks.__file__, tmp_path / "net.py"))
    named = OwnNetwork(f"{code}:Plain")
    recipe = Recipe(data="digits-8x8", batch_size=256, epochs=1, network=named)
    data = load(recipe.data)
    training = Training(recipe, data, capture=False)
    run = new_run(training.recipe, fingerprint(data))
    with run.locked():
        for _ in training.events():
            pass
        run.save(training.checkpoint())
    trainer = Trainer(partial(start_worker, named))
    opening = Opening(str(named.target))
    app = ConvtuiApp(lesson(), autosave=False, trainer=trainer, network=opening)
    async with app.run_test(size=(120, 40)) as pilot:
        driven = Filters(app, pilot)
        await until(driven, lambda: app.current_mode == "layers")
        await until(driven, lambda: app.model is not None and app.model.outcome is not None)
        await driven.press("v")  # from the operations of the network to the newest run of it
        await driven.shows("body.0: conv2d 3x3 p1 → relu · 6 filters · run 1, step 5 of net.py:Plain")
        await driven.shows("9 patches of 3x3 that excite")
        page = driven.page
        assert isinstance(page, LayersPage)
        await driven.press("tab", "X")
        await driven.shows("accuracy without each filter")
        await until(driven, lambda: not trainer.is_busy)
        looked = page._choices().looked
        assert not isinstance(looked, str)
        assert looked.maps is not None
        with torch.no_grad():
            maps = training.model.eval().body(torch.tensor(looked.picture.pixels).float()[None])
        assert np.allclose(looked.maps, maps[0], rtol=1e-4, atol=1e-5)
        await driven.press("M")
        await driven.shows("the predicted one")
        assert isinstance(
            trainer.exploration.job if trainer.exploration else None, Explain | Ablate | Explore
        )
        await driven.press("v")
        assert "operations on" in driven.text
