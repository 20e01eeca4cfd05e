"""The features view of a run: what it asks of the training process, and what it shows of the answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from convtui.app.app import ConvtuiApp
from convtui.pages.layers.page import LayersPage
from convtui.state.session import Session
from convtui.training.datasets.open_any import load, picture
from convtui.training.exploring import (
    Ablate,
    Ablating,
    Excited,
    ExcitedLayer,
    Explain,
    Explaining,
    Explore,
    Explored,
    Exploring,
    Hidden,
    Occluded,
)
from convtui.training.messages import Message
from convtui.training.protocol import Failed, Stop, Stopped
from convtui.training.runs.explored import keeping
from convtui.training.runs.learned_layers import trained_layers
from convtui.training.runs.store import Run
from convtui.training.trainer import Trainer
from tests.support.driving import Driven, until
from tests.support.example_sessions import lesson
from tests.support.kept_runs import SMALL, kept_run, made_up_run
from tests.support.workers import FakeWorkers

CONVS = (1, 4, 7)  # of the run's layers
FILTERS = (4, 6, 10)


def excited(filter_of: int = 4) -> tuple[ExcitedLayer, ...]:
    """Of every filter but the last of a layer one place in image 5, of the first also one in image 6."""

    def layer(filters: int) -> ExcitedLayer:
        count = filters - 1
        return ExcitedLayer(
            means=(0.1,) * filters,
            positive=(3,) * count + (0,),
            filters=(0, *range(count)),
            images=(6,) + (5,) * count,
            rows=(1,) * filters,
            columns=(2,) * filters,
            values=(2.5,) + (1.5,) * count,
        )

    assert filter_of == FILTERS[0]
    return tuple(map(layer, FILTERS))


class Answers:
    """What a training process would tell of a run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        checkpoint = run.latest_checkpoint()
        self.step, self.digest = checkpoint.step, checkpoint.digest

    @property
    def explored(self) -> tuple[Message, ...]:
        begun = Exploring(self.step, self.digest, 100, 100, CONVS, tuple(each + 1 for each in CONVS), FILTERS)
        return begun, Excited(100, excited()), Explored(0.1)

    def ablated(self, layer: int = 1) -> tuple[Message, ...]:
        begun = Ablating(self.step, self.digest, 100, layer, layer + 1, FILTERS[CONVS.index(layer)])
        return begun, Hidden(100, 90, (90, 80, 95, 89)), Explored(0.1)

    def explained(self, label: int, shape: tuple[int, int, int]) -> tuple[Message, ...]:
        _, rows, columns = shape
        probabilities = tuple(0.91 if at == label else 0.01 for at in range(10))
        plane = tuple((0.5,) * columns for _ in range(rows))
        begun = Explaining(
            *(self.step, self.digest, label, shape, 2, 1),
            logits=tuple(map(float, np.log(probabilities))),
            probabilities=probabilities,
            gradient=(plane,),
        )
        return begun, *[Occluded((0.2,) * columns)] * rows, Explored(0.1)


class Features(Driven):
    """The app on the Layers page of a run, with a training process that is none."""

    workers: FakeWorkers
    answers: Answers

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
        await self.app.workers.wait_for_complete()
        await self.pilot.pause()
        self.page.show_again()
        await self.pilot.pause()

    async def shows(self, words: str) -> None:
        await until(self, lambda: words in self.text)


@asynccontextmanager
async def features(size: tuple[int, int] = (120, 40)) -> AsyncIterator[Features]:
    """A run's features view, before anything is known."""
    run, _ = kept_run()
    image = picture(load(SMALL.data), "test", 3, normalised=True)
    session: Session = trained_layers(lesson(), run, image).with_view(features=True)
    session = session.with_stack(session.stack.at(1, (0, 0, 0)))
    workers = FakeWorkers()
    app = ConvtuiApp(session, autosave=False, trainer=Trainer(workers.start))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        driven = Features(app, pilot)
        driven.workers, driven.answers = workers, Answers(run)
        await driven.press("3")
        yield driven
        for worker in workers.started:
            worker.tell(Stopped(0))


async def test_the_view_asks_what_excites_the_filters_and_shows_it() -> None:
    async with features() as driven:
        job = await driven.asked(Explore)
        assert job == Explore(str(driven.answers.run.path), driven.answers.step)
        begun, *rest = driven.answers.explored
        await driven.tell(begun)
        await driven.shows("looking for what excites the filters: 0 of 100 images · escape stops")
        await driven.tell(*rest)
        await driven.shows("2 patches")
        assert "2.50 #6" in driven.text
        assert "1.50 #5" in driven.text
        await driven.press("right")
        assert "1 patch of" in driven.text


async def test_patches_are_the_pixels_of_the_validation_set() -> None:
    async with features() as driven:
        await driven.asked(Explore)
        await driven.tell(*driven.answers.explored)
        page = driven.page
        assert isinstance(page, LayersPage)
        await driven.settled()
        shown = page.features.patches.shown
        assert shown
        first = shown.patches[0]
        data = load(SMALL.data)
        rows, columns = first.rows, first.columns
        # A 3x3 kernel with stride 2 and padding 1 reads rows 1 to 3 for row 1.
        assert (rows, columns) == (range(1, 4), range(3, 6))
        pixels = data.test_images[6, :, 1:4, 3:6].astype(float) / data.white
        assert np.array_equal(first.pixels if first.pixels is not None else [], pixels)


async def test_dead_filters_are_named_once_all_images_are_gone_through() -> None:
    async with features() as driven:
        await driven.asked(Explore)
        assert "dead" not in driven.text
        await driven.tell(*driven.answers.explored)
        await driven.shows("3 dead ")
        await driven.press("right", "right", "right")
        assert "dead: never above 0 on 100 images" in driven.text
        assert "filter 3 is above 0 on none of 100 validation images" in " ".join(driven.text.split())


async def test_what_is_kept_is_shown_without_asking() -> None:
    async with features() as driven:
        run, answers = driven.answers.run, driven.answers
        await driven.press("1")
        begun, *rest = answers.explored
        with keeping(run.path, Explore(str(run.path), answers.step), begun) as keeper:
            for each in rest[:-1]:
                keeper.add(each)
    async with opened_again(run) as again:
        await again.shows("2 patches")
        assert not again.jobs or not any(isinstance(each, Explore) for each in again.jobs)


@asynccontextmanager
async def opened_again(run: Run) -> AsyncIterator[Features]:
    image = picture(load(SMALL.data), "test", 3, normalised=True)
    session = trained_layers(lesson(), run, image).with_view(features=True)
    workers = FakeWorkers()
    app = ConvtuiApp(
        session.with_stack(session.stack.at(1, (0, 0, 0))), autosave=False, trainer=Trainer(workers.start)
    )
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        driven = Features(app, pilot)
        driven.workers, driven.answers = workers, Answers(run)
        await driven.press("3")
        await driven.settled()
        yield driven
        for worker in workers.started:
            worker.tell(Stopped(0))


async def test_kernels_before_training_stand_beside_those_of_every_layer() -> None:
    run = made_up_run()
    async with opened_again(run) as driven:
        await driven.shows("step 0")
        await driven.shows("of 8 at step 0")
        for words in ("layer 2: relu", "layer 3: bn", "layer 4: conv 3x3 16"):
            await driven.press("tab")
            assert words in driven.text
            assert "step 0" in driven.text
        assert "of 16 at step 0" in driven.text


async def test_hiding_a_filter_asks_for_the_accuracies() -> None:
    async with features() as driven:
        await driven.asked(Explore)
        await driven.tell(*driven.answers.explored)
        await driven.press("right", "X")
        assert await driven.asked(Ablate) == Ablate(str(driven.answers.run.path), driven.answers.step, 1)
        assert "1 hidden " in driven.text
        await driven.tell(*driven.answers.ablated())
        await driven.shows("accuracy falls from 90.0% to 80.0%")
        await driven.press("right")
        assert "accuracy rises from 90.0% to 95.0%" in driven.text
        await driven.press("left", "X")
        assert "hidden" not in driven.text


async def test_a_class_is_explained_for_the_picture_on_show() -> None:
    async with features() as driven:
        await driven.asked(Explore)
        await driven.tell(*driven.answers.explored)
        await driven.press("M")
        job = await driven.asked(Explain)
        assert isinstance(job, Explain)
        picture_on_show = driven.session.picture
        pixels = np.load(job.pixels)
        assert np.array_equal(pixels, picture_on_show.pixels.astype(np.float32))
        await driven.tell(*driven.answers.explained(job.label, picture_on_show.pixels.shape))
        await driven.shows("91.0%")
        assert not Path(job.pixels).exists()
        await driven.press("M")
        assert "▸gradient" in driven.text
        assert "∂ logit" in driven.text
        await driven.press("M")
        assert "Zeiler and Fergus" in driven.text
        await driven.press("c")
        again = await driven.asked(Explain, 2)
        assert isinstance(again, Explain)
        assert again.label == (job.label + 1) % 10
        assert driven.session.view.explained == again.label


async def test_escape_stops_and_resumes() -> None:
    async with features() as driven:
        await driven.asked(Explore)
        await driven.tell(driven.answers.explored[0])
        await driven.press("escape")
        await driven.asked(Stop)
        await driven.tell(Stopped(0))
        await driven.shows("stopped · escape resumes")
        assert sum(isinstance(each, Explore) for each in driven.jobs) == 1
        await driven.press("escape")
        await driven.asked(Explore, 2)


async def test_leaving_the_page_stops_and_coming_back_goes_on() -> None:
    async with features() as driven:
        await driven.asked(Explore)
        await driven.tell(driven.answers.explored[0])
        await driven.press("1")
        await driven.asked(Stop)
        await driven.tell(Stopped(0))
        await driven.press("3")
        await driven.asked(Explore, 2)


async def test_a_failure_is_told_and_not_tried_again_by_itself() -> None:
    async with features() as driven:
        await driven.asked(Explore)
        await driven.tell(Failed("out of memory"))
        await driven.shows("out of memory · escape tries again")
        assert sum(isinstance(each, Explore) for each in driven.jobs) == 1
        await driven.press("escape")
        await driven.asked(Explore, 2)


async def test_while_a_run_is_active_the_view_waits() -> None:
    async with features() as driven:
        await driven.asked(Explore)
        await driven.tell(*driven.answers.explored)
        driven.app.trainer.start(SMALL)
        await driven.press("X")
        await driven.shows("waits until the training process is free")
        assert not any(isinstance(each, Ablate) for each in driven.jobs)
        await driven.tell(Failed("no"))
        await driven.asked(Ablate)


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_every_line_has_the_width_of_the_terminal(size: tuple[int, int]) -> None:
    async with features(size) as driven:
        await driven.asked(Explore)
        await driven.tell(*driven.answers.explored)
        for key in ("V", "V", "V", "M", "M", "b", "tab", "X"):
            await driven.press(key)
            assert {len(line) for line in driven.lines} == {size[0]}
            assert len(driven.lines) == size[1]
