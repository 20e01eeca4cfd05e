"""The app ends its training process, however the process itself ends."""

import os
import signal
from dataclasses import replace

import numpy as np
import pytest

from convtui.app.app import ConvtuiApp
from convtui.pages.layers.page import LayersPage
from convtui.pages.step.page import StepPage
from convtui.training.process.client import WorkerProcess
from convtui.training.protocol import Stop
from convtui.training.runs.history import RunHistory, State
from convtui.training.runs.store import find_run
from tests.support import events as made
from tests.support.driving import Driven, until
from tests.support.example_sessions import lesson
from tests.support.train_page import SMALL, training

# -- the end


async def test_quitting_while_a_run_is_on_saves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convtui.training.trainer.PATIENCE", 0.02)
    async with training() as driven:
        await driven.press("space")
        await driven.tell(*made.events(SMALL, until=7))
        worker = driven.worker
        await driven.press("q")
        assert any("run /runs/0012 is saved: " in str(line) for line in driven.app._exit_renderables)
        await driven.trainer.end()
    assert worker.told[-1] == Stop()
    assert worker.is_ended


# -- a real process


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_real_process_trains_is_killed_and_replaced_and_ends_with_the_app() -> None:
    recipe = replace(SMALL, epochs=400)
    app = ConvtuiApp(lesson(), autosave=False, recipe=recipe)
    trainer = app.trainer
    async with app.run_test(size=(120, 40)) as pilot:
        driven = Driven(app, pilot)
        await driven.press("5", "enter")
        assert "starting" in driven.text
        await until(driven, lambda: trainer.current is not None and trainer.current.state is State.PAUSED)
        first = trainer.current
        assert first is not None
        await until(driven, lambda: first.step == 1)
        assert trainer.is_ready
        await driven.press("enter")
        await until(driven, lambda: first.step == 2 and first.state is State.PAUSED)
        await driven.press("R")
        await until(driven, lambda: first.max_lr == 0.04)
        await driven.press("space")
        await until(driven, lambda: first.step > 30 and bool(first.epochs))
        assert "training" in driven.text
        worker = trainer._worker
        assert isinstance(worker, WorkerProcess)
        os.kill(worker._process.pid, signal.SIGKILL)
        await until(driven, lambda: first.state is State.FAILED)
        assert "was killed by SIGKILL" in first.reason
        reached = first.step
        await driven.press("g")
        await until(driven, lambda: first.state is State.TRAINING and first.step > reached)
        np.testing.assert_array_equal(first.steps["step"], np.arange(1, first.step + 1))
        again = trainer._worker
        assert isinstance(again, WorkerProcess)
        assert again._process.pid != worker._process.pid
        await driven.press("space")
        await until(driven, lambda: first.state is State.PAUSED)
        await driven.press("K")
        assert isinstance(app.page, StepPage)
        step, weights = find_run(first.run).latest_weights()
        assert step == first.step
        assert f"run 1, step {step}: its first layer" in driven.said
        np.testing.assert_array_equal(driven.session.convolution.weight, weights["0.weight"])
        await driven.press("u", "5", "L")
        assert isinstance(app.page, LayersPage)
        assert f"step {step}" in driven.text
        await driven.press("5", "space")
        await until(driven, lambda: first.state is State.TRAINING)
        app.end()
    assert not is_alive(worker._process.pid)
    assert not is_alive(again._process.pid)
    assert RunHistory.of(find_run(first.run).events(), recipe).state is State.STOPPED
    assert find_run(first.run).latest_weights()[0] >= reached
