"""The Train page under a pilot, with a training process that is none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from convtui.app.app import ConvtuiApp
from convtui.pages.train.page import TrainPage
from convtui.pages.train.run_list import RunList
from convtui.pages.train.view_maker import Tab
from convtui.training.messages import Message
from convtui.training.next_run import NEXT_RUN, NextRun
from convtui.training.protocol import Stopped
from convtui.training.recipe import Recipe
from convtui.training.runs.history import RunHistory
from convtui.training.runs.store import new_run
from convtui.training.trainer import Trainer
from tests.support import events as made
from tests.support.driving import Driven
from tests.support.example_sessions import lesson
from tests.support.workers import FakeWorker, FakeWorkers

SMALL = Recipe(data="digits-8x8", channels=(4, 8), first_kernel_size=3, batch_size=64)


@dataclass
class Training(Driven):
    """The app on its Train page, and the process that it believes to have."""

    workers: FakeWorkers

    @property
    def train(self) -> TrainPage:
        page = self.app.page
        assert isinstance(page, TrainPage)
        return page

    @property
    def trainer(self) -> Trainer:
        return self.app.trainer

    @property
    def worker(self) -> FakeWorker:
        return self.workers.now

    @property
    def told(self) -> list[Message]:
        """What the process was told."""
        return self.worker.told

    async def tell(self, *events: Message) -> None:
        """Have these events come from the process and be seen."""
        self.worker.tell(*events)
        await self.settled()

    async def settled(self) -> None:
        """Until everything that was told is shown."""
        while self.workers.started and self.worker.has_more:
            await self.pilot.pause()
        await self.app.workers.wait_for_complete()
        await self.pilot.pause()
        self.train.show_again()
        await self.pilot.pause()

    @property
    def runs(self) -> RunList:
        return self.train.browser.list

    @property
    def run_rows(self) -> list[RunHistory]:
        return self.train.browser.rows()

    @property
    def recipe(self) -> Recipe:
        """That of the next run."""
        return self.app.timelines.present(NEXT_RUN).recipe

    def set_recipe(self, recipe: Recipe) -> None:
        self.app.timelines.change(NEXT_RUN, NextRun(recipe))

    def shows(self, tab: Tab) -> bool:
        return self.train.views.tab is tab

    async def turn_to(self, tab: Tab) -> None:
        self.train.views.turn_to(tab)
        await self.settled()


@asynccontextmanager
async def training(
    recipe: Recipe | None = None, size: tuple[int, int] = (120, 40), theme: str = "dark"
) -> AsyncIterator[Training]:
    """The Train page before any run."""
    workers = FakeWorkers()
    trainer = Trainer(workers.start)
    app = ConvtuiApp(lesson(), autosave=False, theme=theme, trainer=trainer, recipe=recipe or SMALL)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        driven = Training(app, pilot, workers)
        await driven.press("5")
        await driven.settled()
        yield driven
        driven.worker.tell(Stopped(0))


def keep(*recipes: Recipe, until: int | None = None) -> list[str]:
    """Runs on the disk; those with `until` were interrupted there."""
    folders = []
    for recipe in recipes:
        with new_run(recipe, "0" * 32).locked() as run:
            for event in made.events(recipe, until, run=str(run.path)):
                run.append(event)
            folders.append(str(run.path))
    return folders
