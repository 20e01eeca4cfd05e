"""What is refused or lost on the Train page is said in a line, and takes nothing from the screen."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from convtui.pages.train.view_maker import Tab
from convtui.training.protocol import Continue, Failed, OneStep, Paused, Ready, Stopped, Train, Watch
from convtui.training.runs.history import State
from convtui.training.runs.store import new_run
from tests.support import events as made
from tests.support.data_files import arrays, npz
from tests.support.train_page import SMALL, training

RUN = "/runs/0012"
WHY = "batch_size 2048: must be at most 150"


async def test_a_run_that_is_refused_leaves_the_one_before_on_show() -> None:
    async with training() as driven:
        await driven.press("space")
        await driven.tell(*made.events(SMALL))
        before = driven.trainer.current
        await driven.press("space")
        assert "starting" in driven.text
        await driven.tell(Failed(WHY))
        assert driven.trainer.current is before
        assert WHY in driven.text
        for words in ("finished  run 12", "98.5%", "validation"):
            assert words in driven.text, words
        await driven.press("e")
        assert WHY not in driven.text


async def test_after_a_refusal_nothing_is_starting_and_another_recipe_clears_it() -> None:
    async with training() as driven:
        await driven.press("space")
        await driven.tell(Failed(WHY))
        assert "failed" in driven.text
        assert WHY in driven.text
        assert "Starting" not in driven.text
        await driven.press("b")
        assert WHY not in driven.text
        assert "ready" in driven.text


async def test_a_run_that_was_stopped_before_it_began_is_not_shown() -> None:
    async with training() as driven:
        await driven.press("space", "x")
        await driven.tell(Stopped(0))
        assert driven.trainer.current is None
        assert "Press space to train." in driven.text


async def test_a_kept_run_that_never_began_is_not_said_to_start() -> None:
    new_run(SMALL, "0" * 32)
    async with training() as driven:
        await driven.turn_to(Tab.RUNS)
        await driven.press("enter")
        assert driven.train.views.history is not None
        assert "Starting" not in driven.text


async def test_a_mini_batch_grows_to_all_images(tmp_path: Path) -> None:
    npz(tmp_path / "few.npz")
    recipe = replace(SMALL, data=str(tmp_path / "few.npz"), batch_size=8)
    async with training(recipe) as driven:
        await driven.press("z")
        assert driven.recipe.batch_size == 12
        await driven.press("z")
        assert driven.recipe.batch_size == 12
        assert driven.said == "batch_size 12: the training set has 12 images"
        driven.set_recipe(replace(recipe, batch_size=16))
        await driven.settled()
        assert "0 steps" not in driven.text
        assert "larger than the training set" in driven.text


async def test_the_default_batch_size_is_lowered_to_few_images(tmp_path: Path) -> None:
    npz(tmp_path / "few.npz")
    async with training(replace(SMALL, data=str(tmp_path / "few.npz"), batch_size=128)) as driven:
        await driven.settled()
        assert "5 epochs of 1 step; each step uses a mini-batch of 12." in driven.text
        assert "batch_size lowered from 128 to 12, the number of training" in driven.text


async def test_what_was_left_out_and_guessed_is_on_the_page(tmp_path: Path) -> None:
    held = arrays(size=(9, 8, 3))
    path = npz(tmp_path / "few.npz", train_images=held["train_images"], test_images=held["test_images"])
    async with training(replace(SMALL, data=str(path), batch_size=5)) as driven:
        await driven.settled()
        assert "shape (12, 9, 8, 3) read as [images, rows, columns, channels]" in driven.text
        assert "each epoch: 2." in driven.text
        await driven.press(":")
        await driven.enter("axes channels-first")
        await driven.settled()
        assert "read as" not in driven.text
        assert driven.recipe.axes == "channels-first"


@pytest.mark.parametrize("key", ["space", "f"])
async def test_how_the_data_was_read_is_said_when_a_job_begins(key: str) -> None:
    async with training() as driven:
        await driven.press(key)
        await driven.tell(Ready(), replace(made.begun(SMALL), notice="few.npz: so it was read"))
        assert driven.said == "few.npz: so it was read"
        await driven.press("tab")
        await driven.settled()
        assert driven.said == ""


async def test_data_is_looked_for_when_it_is_typed() -> None:
    async with training() as driven:
        await driven.press(":")
        await driven.enter("data nonsense")
        assert driven.refused
        assert "nonsense: no such data set" in driven.said
        assert driven.recipe == SMALL


async def test_more_threads_than_processors_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    async with training() as driven:
        await driven.press(":")
        await driven.enter("threads 64")
        assert driven.said == "threads 64: more than this machine's 2 processors are usually slower"
        assert "threads 64" in driven.text.replace(driven.said, "")
        await driven.press(":")
        await driven.enter("threads 2")
        assert driven.said == ""


@pytest.mark.parametrize(("key", "after"), [("space", []), ("enter", [OneStep()])])
async def test_a_run_that_was_lost_is_gone_on_with(key: str, after: list[OneStep]) -> None:
    async with training() as driven:
        await driven.press("space")
        await driven.tell(*made.events(SMALL, until=33))
        driven.worker.die()
        await driven.settled()
        assert "space resume" in driven.bottom
        assert "space resumes it · x gives it up" in driven.text
        await driven.press(key)
        await driven.settled()
        assert driven.told == [Continue(RUN), *after]


async def test_a_run_that_was_lost_is_given_up() -> None:
    async with training() as driven:
        await driven.press("space")
        await driven.tell(*made.events(SMALL, until=33))
        driven.worker.die()
        await driven.settled()
        await driven.press("x")
        assert driven.trainer.current is not None
        assert driven.trainer.current.state is State.STOPPED
        assert "g resumes it, space starts a new run" in driven.text
        await driven.press("space")
        await driven.settled()
        assert driven.told == [Train(SMALL)]


async def test_a_paused_run_has_no_speed() -> None:
    async with training() as driven:
        await driven.press("space")
        await driven.tell(*made.events(SMALL, until=33))
        assert "steps/s" in driven.text
        assert "left" in driven.lines[1]
        await driven.tell(Paused(33))
        assert "steps/s" not in driven.text
        assert "left" not in driven.lines[1]


@pytest.mark.parametrize("view", [Tab.WEIGHT, Tab.RUNS])
async def test_hints_fit_the_usual_terminal(view: Tab) -> None:
    async with training(size=(80, 24)) as driven:
        await driven.turn_to(view)
        assert "…" not in driven.lines[2]
        assert driven.lines[2].strip().endswith(("[ ] layer", "delete"))


async def test_a_chosen_weight_is_watched_once_its_layers_are_known() -> None:
    async with training(replace(SMALL, data="digits-8x8")) as driven:
        await driven.turn_to(Tab.WEIGHT)
        await driven.press("left")
        driven.train.data._data[("digits-8x8", 28, "")] = None  # still being read
        await driven.press("space")
        assert driven.told == [Train(SMALL)]
        await driven.tell(made.begun(SMALL))
        assert driven.told == [Train(SMALL), Watch(1, (0, 0, 1, 0))]
