"""The Norms page under a pilot, and what PyTorch makes of the same mini-batches."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import torch

from convtui.pages.batchnorm.page import BatchNormPage
from convtui.state.batchnorm import BatchNormSession
from convtui.training.datasets.minibatches import MiniBatches
from convtui.training.recipe import Recipe
from convtui.training.runs.history import RunHistory
from convtui.training.trainer import Trainer
from tests.support.driving import Driven, opened
from tests.support.small_runs import SMALL, digits

BATCH = 128


def trainer_of(recipe: Recipe = SMALL, run: str = "", saved: int = 0) -> Trainer:
    """A trainer that starts nothing, with a run if there is one."""
    trainer = Trainer(start=None)
    if run:
        trainer.current = RunHistory(recipe, run)
        trainer.current.saved = saved
    return trainer


@asynccontextmanager
async def page(
    trainer: Trainer | None = None, size: tuple[int, int] = (120, 40), recipe: Recipe = SMALL
) -> AsyncIterator[tuple[Driven, BatchNormPage]]:
    """The page on the small digits, or on the trainer's run, with everything computed."""
    async with opened(size=size, trainer=trainer or trainer_of(), recipe=recipe) as driven:
        await driven.press("4")
        await settled(driven)
        screen = driven.page
        assert isinstance(screen, BatchNormPage)
        yield driven, screen


async def settled(driven: Driven) -> None:
    """All threads have done their work, and what they found is on the screen."""
    for _ in range(4):
        await driven.app.workers.wait_for_complete()
        await driven.pilot.pause()


def norm_session(screen: BatchNormPage) -> BatchNormSession:
    assert screen.opened is not None
    return screen.opened.session


def activations(screen: BatchNormPage, batch: int) -> torch.Tensor:
    """What the first batch norm gets of a mini-batch, by PyTorch."""
    weights = norm_session(screen).network.weights[1]
    images, _ = MiniBatches(digits(), 0, BATCH).after(batch)
    pixels = torch.tensor(images, dtype=torch.float64)
    weight, bias = (torch.tensor(weights[name]) for name in ("weight", "bias"))
    return torch.relu(torch.conv2d(pixels, weight, bias, 2, 1))


def row(driven: Driven, name: str) -> list[str]:
    """The words of a line of the running statistics."""
    return next(line for line in driven.lines if line.startswith(f" {name}")).split()
