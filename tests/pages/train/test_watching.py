"""The chosen weight on the Train page: watched in every run that is on, whatever else is shown."""

from dataclasses import replace

from convtui.pages.train.view_maker import Tab
from convtui.training.protocol import Continue, Replay, Stopped, Train, Watch
from convtui.training.recipe import Recipe
from tests.support import events as made
from tests.support.train_page import SMALL, keep, training


async def test_a_chosen_weight_is_watched_in_a_run_that_is_gone_on_with() -> None:
    (folder,) = keep(SMALL, until=50)
    async with training() as driven:
        await driven.turn_to(Tab.WEIGHT)
        await driven.press("left")
        await driven.turn_to(Tab.RUNS)
        await driven.press("g")
        assert driven.told == [Continue(folder), Watch(1, (0, 0, 1, 0))]


async def test_a_chosen_weight_is_watched_in_all_runs_of_a_comparison() -> None:
    async with training(replace(SMALL, epochs=1)) as driven:
        await driven.turn_to(Tab.WEIGHT)
        await driven.press("]")
        await driven.press("c")
        for number in range(1, 5):
            job, watch = driven.told[-2:]
            assert isinstance(job, Train)
            # the second convolution comes after a ReLU, and after a batch norm where there is one
            assert watch == Watch(4 if job.recipe.batch_norm else 3, (0, 0, 1, 1))
            await driven.tell(*made.events(job.recipe, run=f"/runs/000{number}"))


async def test_a_weight_is_chosen_in_the_run_that_is_on_while_another_is_shown() -> None:
    keep(Recipe())
    async with training() as driven:
        await driven.press("space")
        await driven.tell(*made.events(SMALL, until=3))
        await driven.turn_to(Tab.RUNS)
        await driven.press("down", "enter")
        assert "run 1 " in driven.text
        await driven.turn_to(Tab.WEIGHT)
        assert "shown from the next step on" not in driven.text
        await driven.press("[")
        assert "layer 13, weight [0, 0, 1, 1]" in driven.text
        assert driven.told[-1] == Watch(7, (0, 0, 1, 1))


async def test_a_weight_that_is_watched_no_more_is_trained_again() -> None:
    async with training() as driven:
        await driven.turn_to(Tab.WEIGHT)
        assert "shown from the next step on" in driven.text
        await driven.press("space")
        await driven.tell(*made.events(SMALL, until=3))
        await driven.press("right")
        assert "shown from the next step on" in driven.text
        await driven.tell(Stopped(3))
        assert "training step 3 again …" in driven.text
        assert driven.told[-1] == Replay("/runs/0012", 1, 3, 1, (0, 0, 1, 2))
