"""The next run's recipe on the Train page: keys, clicks and what is typed; the rate of a run that is on."""

from dataclasses import replace
from pathlib import Path

import pytest

from convtui.pages.train.recipe_editor import stepped
from convtui.training.protocol import Paused, Rate, SetRate, Stopped
from tests.support import events as made
from tests.support.train_page import SMALL, training


async def test_keys_change_the_recipe() -> None:
    async with training() as driven:
        start = driven.recipe
        for pressed, change in (
            (["b"], {"batch_norm": False}),
            (["p"], {"schedule": "constant"}),
            (["r"], {"max_lr": 0.08}),
            (["R"], {"max_lr": 0.04}),
            (["e"], {"epochs": 8}),
            (["E"], {"epochs": 3}),
            (["z"], {"batch_size": 128}),
            (["Z"], {"batch_size": 32}),
            (["a"], {"optimizer": "sgd"}),
            (["w"], {"weight_decay": 0.02}),
            (["W", "W"], {"weight_decay": 0.006}),
            (["n", "n", "N"], {"seed": 1}),
        ):
            driven.set_recipe(start)
            await driven.press(*pressed)
            assert driven.recipe == replace(start, **change), pressed


async def test_changes_are_undone_and_what_cannot_be_is_said() -> None:
    async with training() as driven:
        await driven.press("b", "r", "r", "u")
        assert driven.recipe == replace(SMALL, batch_norm=False)
        await driven.press("u")
        assert driven.recipe == SMALL
        await driven.press("u")
        assert "nothing to undo" in driven.said
        await driven.press("ctrl+r", "ctrl+r")
        assert driven.recipe == replace(SMALL, batch_norm=False, max_lr=0.1)
        await driven.press(*["Z"] * 8)
        assert driven.refused
        assert "batch_size 1: must be a whole number from 2" in driven.said


async def test_any_setting_is_typed() -> None:
    async with training() as driven:
        for text, change in (
            ("max_lr 0.03", {"max_lr": 0.03}),
            ("lr=0.02", {"max_lr": 0.02}),
            ("batch_norm off", {"batch_norm": False}),
            ("channels 8,16,32", {"channels": (8, 16, 32)}),
            ("pct-start 0.5", {"pct_start": 0.5}),
        ):
            driven.set_recipe(SMALL)
            await driven.press(":")
            await driven.enter(text)
            assert driven.recipe == replace(SMALL, **change), text
        before = driven.recipe
        for text, words in (
            ("max_lr", "max_lr needs a value: max_lr 0.06"),
            ("max_lr fast", "must be a number"),
            ("epoch 3", "did you mean epochs"),
        ):
            await driven.press(":")
            await driven.enter(text)
            assert words in driven.said
            await driven.press("escape")
            assert driven.recipe == before


async def test_a_setting_is_clicked() -> None:
    async with training() as driven:
        await driven.click_on("›", after="lr")
        assert driven.recipe.max_lr == 0.08
        await driven.click_on("one-cycle")
        assert driven.recipe.schedule == "constant"


@pytest.mark.parametrize(
    ("value", "up", "down"), [(0.06, 0.08, 0.04), (0.1, 0.2, 0.08), (0.0123, 0.02, 0.01), (1.0, 2.0, 0.8)]
)
def test_rates_are_stepped_through(value: float, up: float, down: float) -> None:
    assert stepped(value, 1) == pytest.approx(up)
    assert stepped(value, -1) == pytest.approx(down)


async def test_the_learning_rate_of_a_run_is_set() -> None:
    async with training() as driven:
        await driven.press("space")
        await driven.tell(*made.events(SMALL, until=3), Paused(3))
        await driven.press("R")
        assert driven.told[-1] == SetRate(0.04)
        assert "peak rate now 0.04: the rest of the schedule is scaled by 0.667" in driven.said
        assert driven.recipe == SMALL
        await driven.press(":")
        await driven.enter("max_lr 0.01")
        assert driven.told[-1] == SetRate(0.01)
        await driven.press(":")
        await driven.enter("max_lr -1")
        assert driven.refused


async def test_a_rate_is_stepped_on_from_the_one_asked_for_last() -> None:
    async with training() as driven:
        await driven.press("space")
        await driven.tell(*made.events(SMALL, until=3))
        await driven.press("r", "r")
        assert driven.told[-2:] == [SetRate(0.08), SetRate(0.1)]
        assert "the rest of the schedule is scaled by 1.25" in driven.said
        await driven.tell(Rate(3, 0.08))
        await driven.press("r")
        assert driven.told[-1] == SetRate(0.2)
        await driven.tell(Rate(3, 0.1), Rate(3, 0.2), Rate(4, 0.05))
        await driven.press("r")
        assert driven.told[-1] == SetRate(0.06)


async def test_a_rate_of_the_run_that_is_on_is_taken_back() -> None:
    async with training() as driven:
        await driven.press("space")
        await driven.tell(*made.events(SMALL, until=3), Paused(3))
        await driven.press("r", "r", "b", "u")
        assert driven.recipe == SMALL
        assert driven.told[-1] == SetRate(0.1)
        await driven.press("u")
        assert driven.told[-1] == SetRate(0.08)
        assert "the rate is 0.08 again" in driven.said
        await driven.press("u")
        assert driven.told[-1] == SetRate(0.06)
        count = len(driven.told)
        await driven.press("u")
        assert "nothing to undo" in driven.said
        assert len(driven.told) == count


async def test_a_rate_that_was_taken_back_is_set_again() -> None:
    async with training() as driven:
        await driven.press("space")
        await driven.tell(*made.events(SMALL, until=3), Paused(3))
        await driven.press("r", "b", "u", "u")
        assert driven.told[-1] == SetRate(0.06)
        await driven.press("ctrl+r")
        assert driven.told[-1] == SetRate(0.08)
        assert driven.recipe == SMALL
        await driven.press("ctrl+r")
        assert driven.recipe == replace(SMALL, batch_norm=False)
        await driven.press("ctrl+r")
        assert driven.said == "nothing to redo"


async def test_a_recipe_changed_there_and_back_is_not_taken_for_the_rate() -> None:
    async with training() as driven:
        await driven.press("space")
        await driven.tell(*made.events(SMALL, until=3), Paused(3))
        await driven.press("r", "b", "b", "u")
        assert driven.told[-1] == SetRate(0.08)
        assert driven.recipe == replace(SMALL, batch_norm=False)
        await driven.press("u", "u")
        assert driven.told[-1] == SetRate(0.06)
        assert driven.recipe == SMALL


async def test_the_rate_of_a_run_that_is_over_is_not_taken_back() -> None:
    async with training() as driven:
        await driven.press("b", "space")
        await driven.tell(*made.events(driven.recipe, until=3), Paused(3))
        await driven.press("r", "r")
        count = len(driven.told)
        await driven.tell(Stopped(3))
        await driven.press("u")
        assert len(driven.told) == count
        assert driven.recipe == SMALL


async def test_tab_stays_in_the_line_that_is_typed_into() -> None:
    async with training() as driven:
        view = driven.train.views.tab
        await driven.press(":", "tab", "shift+tab")
        assert driven.train.views.tab is view
        await driven.enter("epochs 2")
        assert driven.recipe.epochs == 2


async def test_what_cannot_be_is_refused_as_soon_as_it_is_typed(tmp_path: Path) -> None:
    async with training() as driven:
        await driven.press(":")
        await driven.enter("batch_size 20000")
        assert "batch_size 20000: must be at most 1437, the number of training images" in driven.said
        await driven.press("escape", ":")
        await driven.enter("foo")
        assert driven.said.startswith("foo: unknown setting; choose from max_lr 0.03, epochs 8")
        assert len(driven.said) < 80
        await driven.press("escape", ":")
        await driven.enter(f"data {tmp_path}")
        await driven.settled()
        assert driven.refused
        assert str(tmp_path) in driven.said


@pytest.mark.parametrize("text", ["learning-rate 0.03", "max-lr=0.03", "LR 0.03", "peak 0.03"])
async def test_a_typed_rate_by_any_of_its_names_is_that_of_the_run_that_is_on(text: str) -> None:
    async with training() as driven:
        await driven.press("space")
        await driven.tell(*made.events(SMALL, until=3))
        await driven.press(":")
        await driven.enter(text)
        assert driven.told[-1] == SetRate(0.03)
        assert driven.recipe == SMALL


async def test_epochs_stop_at_one() -> None:
    async with training(replace(SMALL, epochs=1)) as driven:
        await driven.press("E")
        assert driven.recipe.epochs == 1
        assert not driven.refused
