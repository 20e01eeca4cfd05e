"""When all ends, the run is saved and the worker ended, and nobody waits for ever."""

import asyncio

import pytest

from convtui.training import trainer as module
from convtui.training.protocol import Stop, Stopped
from convtui.training.recipe import Recipe
from convtui.training.runs.history import State
from convtui.training.trainer import Trainer
from tests.support import events as made
from tests.support.workers import FakeWorkers
from tests.training.test_trainer import settled


@pytest.fixture
def workers() -> FakeWorkers:
    return FakeWorkers()


async def test_the_end_saves_the_run_and_ends_the_worker(workers: FakeWorkers) -> None:
    trainer = Trainer(start=workers.start)
    history = trainer.start(Recipe())
    await settled()
    workers.now.tell(*made.events(until=7))
    await settled()
    ending = asyncio.create_task(trainer.end())
    await settled()
    assert workers.now.told[-1] == Stop()
    assert not workers.now.is_ended
    workers.now.tell(Stopped(8))
    await ending
    assert workers.now.is_ended
    assert history.state is State.STOPPED


async def test_the_end_does_not_wait_for_ever(workers: FakeWorkers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    trainer = Trainer(start=workers.start)
    trainer.start(Recipe())
    await settled()
    workers.now.tell(made.begun())
    await asyncio.wait_for(trainer.end(), 60)
    assert workers.now.is_ended


async def test_the_end_before_anything_began(workers: FakeWorkers) -> None:
    trainer = Trainer(start=workers.start)
    await trainer.end()
    trainer.prewarm()
    await settled()
    assert not workers.started
    early = Trainer(start=workers.start)
    early.prewarm()
    await early.end()
    assert all(worker.is_ended for worker in workers.started)
