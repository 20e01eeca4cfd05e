"""The user's code that does not come to an end: what is to stop does, is told, and is kept."""

import asyncio
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from convtui.training import trainer as module
from convtui.training.own_network import OwnNetwork
from convtui.training.protocol import Stop, Stopped
from convtui.training.recipe import Recipe
from convtui.training.runs.history import RunHistory, Search, State
from convtui.training.trainer import Trainer, TrainerError, start_worker
from tests.support import events as made
from tests.support.workers import FakeWorkers

FILE = Path(__file__).parents[1] / "support" / "trained_networks.py"
OWN = OwnNetwork("/home/me/net.py:Net")


async def until(is_so: Callable[[], object]) -> None:
    while not is_so():
        await asyncio.sleep(0.01)


async def test_a_hang_is_ended_and_the_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the same bits as one that never hung."""
    monkeypatch.setattr(module, "THEIR_PATIENCE", 0.2)
    code = Path(shutil.copy(FILE, tmp_path / "net.py"))
    named = OwnNetwork(f"{code}:Hanging")
    recipe = Recipe(data="digits-8x8", batch_size=256, epochs=2, max_lr=0.01, network=named)
    trainer = Trainer(partial(start_worker, named), named)
    (tmp_path / "hang").touch()
    history = trainer.start(recipe, paused=True)
    trainer.one_step()
    await until(lambda: history.state is State.PAUSED and history.saved == 1)
    trainer.go()
    await until(lambda: history.step == 3 and (tmp_path / "hang").read_text())
    trainer.stop()
    await until(lambda: not trainer.is_busy)
    assert history.state is State.STOPPED
    assert history.reason.startswith("net.py:Hanging did not stop within ")
    assert history.reason.endswith(" s and was ended")
    (tmp_path / "hang").unlink()
    trainer.resume(history)
    await until(lambda: not trainer.is_busy)
    assert (history.state, history.reason) == (State.FINISHED, "")
    again = trainer.start(recipe)
    await until(lambda: not trainer.is_busy)
    assert again.state is State.FINISHED
    assert again.steps["loss"].tolist() == history.steps["loss"].tolist()
    await trainer.end()


async def begun(theirs: OwnNetwork | None = OWN) -> tuple[Trainer, FakeWorkers, RunHistory]:
    workers = FakeWorkers()
    trainer = Trainer(workers.start, theirs)
    history = trainer.start(Recipe())
    await until(lambda: workers.started)
    workers.now.tell(*made.events(until=52))
    await until(lambda: history.step == 52)
    return trainer, workers, history


async def test_once_more_ends_it_at_once() -> None:
    trainer, workers, history = await begun()
    trainer.stop()
    assert trainer.is_stopping
    trainer.stop()
    await until(lambda: not trainer.is_busy)
    assert (history.state, history.reason) == (
        State.STOPPED,
        "net.py:Net was ended while it worked",
    )
    assert not trainer.is_stopping
    search = trainer.find(Recipe())  # by another process
    await until(lambda: len(workers.started) == 2)
    trainer.stop()
    trainer.stop()
    await until(lambda: not trainer.is_busy)
    assert isinstance(search, Search)
    assert (search.state, search.reason) == (State.STOPPED, history.reason)
    await trainer.end()


async def test_what_the_app_asks_kills_nothing() -> None:
    """Only the user's key does, and only if it is pressed twice."""
    trainer, workers, history = await begun()
    trainer.ask_to_stop()
    trainer.ask_to_stop()
    trainer.stop()
    trainer.ask_to_stop()
    assert trainer.is_stopping
    assert sum(isinstance(each, Stop) for each in workers.now.told) == 1
    workers.now.tell(Stopped(52))
    await until(lambda: not trainer.is_busy)
    assert (history.state, history.reason, trainer.is_stopping) == (State.STOPPED, "", False)
    await trainer.end()


async def test_a_step_that_ends_in_time_is_the_last() -> None:
    trainer, workers, history = await begun()
    trainer.stop()
    workers.now.tell(Stopped(52))
    await until(lambda: not trainer.is_busy)
    assert (history.state, history.reason, trainer.is_stopping) == (State.STOPPED, "", False)
    with pytest.raises(TrainerError, match="no run is active"):
        trainer.stop()
    assert not workers.now.is_ended
    await trainer.end()


async def test_code_of_ours_is_waited_for() -> None:
    trainer, workers, history = await begun(theirs=None)
    trainer.stop()
    trainer.stop()
    assert not trainer.is_stopping
    workers.now.tell(Stopped(52))
    await until(lambda: not trainer.is_busy)
    assert (history.state, history.reason) == (State.STOPPED, "")
    await trainer.end()


async def test_slow_steps_are_given_their_time() -> None:
    trainer, _, history = await begun()
    history.steps.append(53, 1, 1.0, 1.0, 0.1, 0.9, history.seconds + 100)
    now = asyncio.get_running_loop().time()
    trainer.stop()
    assert trainer._overtime
    assert trainer._overtime.when() - now == pytest.approx(300, abs=5)
    trainer.stop()
    await until(lambda: not trainer.is_busy)
    await trainer.end()
