"""The Train page: every key does what it says, what is shown is what was told, and nothing is lost."""

from dataclasses import replace
from pathlib import Path

import pytest

from convtui.pages.base import keys
from convtui.pages.step.page import StepPage
from convtui.pages.train.page import TrainPage
from convtui.pages.train.view_maker import Tab
from convtui.training.protocol import (
    Continue,
    Failed,
    Find,
    Go,
    Going,
    OneStep,
    Pause,
    Paused,
    Ready,
    Replayed,
    Snapshot,
    Stop,
    Stopped,
    Train,
    Watch,
)
from convtui.training.recipe import Recipe
from tests.support import events as made
from tests.support.driving import until
from tests.support.train_page import SMALL, training

RUN = "/runs/0012"


# -- before a run


async def test_it_invites_before_any_run() -> None:
    async with training() as driven:
        for words in (
            "Press space to train.",
            "ready",
            "learning rate",
            "validation images",
            "10 classes, 1,437 training and 360 validation images",
            "channels 1 → 4 → 8 → 10",
            "5 epochs of 22 steps",
        ):
            assert words in driven.text, words
        assert len(driven.workers.started) == 1
        assert not driven.told


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 20), (200, 60)])
async def test_every_line_has_the_width_of_the_terminal(size: tuple[int, int]) -> None:
    async with training(size=size) as driven:
        await driven.press("space")
        for events in ([], list(made.events(SMALL, until=30)), [Paused(30)]):
            await driven.tell(*events)
            for view in Tab:
                await driven.turn_to(view)
                assert {len(line) for line in driven.lines} == {size[0]}
                assert len(driven.lines) == size[1]


def test_every_key_of_the_page_has_an_action() -> None:
    own = keys.PAGES["train"]
    names = [name for key in own for name in key.names.split(",")]
    assert len(names) == len(set(names))
    for key in own:
        action = key.action.partition("(")[0]
        assert callable(getattr(TrainPage, f"action_{action}"))
        assert key.does


async def test_data_that_is_not_there_is_said(tmp_path: Path) -> None:
    async with training(replace(SMALL, data=str(tmp_path / "none"))) as driven:
        assert "no such data set, file or folder" in driven.text
        assert "d chooses others" in driven.text
        await driven.settled()
        await driven.press("space")
        await until(driven, lambda: driven.refused)
        assert not driven.told
        await driven.press(":")
        await driven.enter("data digits-8x8")
        await driven.settled()
        assert "Press space to train." in driven.text


# -- a run


async def test_a_run_is_started_paused_and_gone_on_with() -> None:
    async with training() as driven:
        await driven.press("space")
        assert driven.told == [Train(SMALL)]
        assert "starting" in driven.text
        assert "PyTorch" in driven.text
        await driven.tell(Ready())
        assert "reading the images" in driven.text
        await driven.tell(*made.events(SMALL, until=33))
        for words in ("training", "run 12", "step  33/100", "epoch 2/5", "66.7 steps/s", "validation"):
            assert words in driven.text, words
        await driven.press("space")
        assert driven.told[-1:] == [Pause()]
        await driven.tell(Paused(33))
        assert "space resumes" in driven.text
        await driven.press("space")
        assert driven.told[-1:] == [Go()]
        await driven.tell(Going(33))
        await driven.press("x")
        assert driven.told[-1:] == [Stop()]
        await driven.tell(Stopped(33))
        assert "stopped" in driven.text
        assert "g resumes it" in driven.text
        await driven.press("x")
        assert driven.refused


async def test_what_was_asked_for_is_said_until_it_has_come_about() -> None:
    async with training() as driven:
        await driven.press("space")
        await driven.tell(*made.events(SMALL, until=33))
        await driven.press("space")
        assert "pausing …" in driven.text
        await driven.tell(made.step(34))
        assert "pausing …" in driven.text
        await driven.tell(Paused(34))
        assert "pausing …" not in driven.text
        assert "space resumes" in driven.text
        await driven.press("x")
        assert "stopping …" in driven.text
        await driven.tell(Stopped(34))
        assert "stopping …" not in driven.text
        await driven.press("f")
        await driven.tell(*list(made.search())[:9])
        await driven.press("x")
        assert "stopping …" in driven.text


async def test_a_new_run_clears_what_was_shown_of_another() -> None:
    async with training() as driven:
        await driven.press("space")
        await driven.tell(*made.events(SMALL))
        assert "predictions right" in driven.text
        assert "4 kernels" in driven.text
        await driven.press("space")
        await driven.tell(made.begun(SMALL, "/runs/0013"), made.step(1))
        assert "predictions right" not in driven.text
        assert "kernels" not in driven.text


async def test_a_run_that_diverges_is_told() -> None:
    async with training(replace(SMALL, max_lr=1000, weight_decay=0.0)) as driven:
        await driven.press("space")
        lost = replace(made.step(3), loss=float("nan"))
        await driven.tell(*made.events(driven.recipe, until=2), lost)
        assert "✗ diverged  run 12 · epoch 1/5 · step   3/100" in driven.text
        assert (
            "the loss is not finite since step 3: the cause is not known; f tries other rates"
            " · x stops the run" in driven.text
        )
        await driven.tell(Stopped(3))
        assert "✗ diverged  run 12" in driven.text
        assert "the cause is not known; f tries other rates" in driven.text
        await driven.turn_to(Tab.RUNS)
        assert "✗ diverged" in driven.lines[4]


async def test_the_curves_of_a_comparison_go_when_another_run_begins() -> None:
    async with training(replace(SMALL, epochs=1)) as driven:
        await driven.press("c")
        for number in (1, 2, 3, 4):
            job = driven.told[-1]
            assert isinstance(job, Train)
            await driven.tell(*made.events(job.recipe, run=f"/runs/000{number}"))
        await driven.turn_to(Tab.CURVES)
        assert len(driven.train.views.curves_view().curves) == 4
        await driven.turn_to(Tab.RUNS)
        await driven.press("down", "m", "m", "tab", "V", "V")
        await driven.turn_to(Tab.CURVES)
        await driven.tell(Replayed(20))  # of the weight that was looked at on the way
        await driven.press("space")
        await driven.tell(*made.events(SMALL, until=3, run="/runs/0005"))
        names = [each.name.split()[0] for each in driven.train.views.curves_view().curves]
        assert names == ["3", "5"]


async def test_single_steps_from_the_first() -> None:
    async with training() as driven:
        await driven.press("enter")
        assert driven.told == [Train(SMALL, paused=True), OneStep()]
        nothing_measured = Snapshot(0, (), made.snapshot(4).kernels, made.snapshot(4).predictions)
        await driven.tell(made.begun(SMALL), nothing_measured, Paused(0))
        for view in Tab:
            await driven.turn_to(view)
        await driven.tell(Going(0), made.step(1), made.snapshot(1), Paused(1))
        await driven.turn_to(Tab.CURVES)
        assert "step   1/100" in driven.text
        await driven.press("enter")
        assert driven.told[-1] == OneStep()


async def test_the_recipe_of_a_run_that_is_on_stays() -> None:
    async with training() as driven:
        await driven.press("space")
        await driven.tell(*made.events(SMALL, until=3))
        await driven.press("b")
        assert "for the next run: batch_norm off" in driven.said
        assert driven.told == [Train(SMALL)]
        assert driven.trainer.current is not None
        assert driven.trainer.current.recipe == SMALL


async def test_a_process_that_dies_is_told_of_and_a_new_run_gets_a_new_one() -> None:
    async with training() as driven:
        await driven.press("space")
        await driven.tell(*made.events(SMALL, until=33))
        driven.worker.die("was killed by SIGKILL: Killed")
        await driven.settled()
        assert "failed" in driven.text
        assert "the training process was killed by SIGKILL: Killed" in driven.text
        assert "loss" in driven.text
        assert driven.trainer.current is not None
        assert driven.trainer.current.step == 33
        await driven.press("g")
        await driven.settled()
        assert len(driven.workers.started) == 2
        assert driven.told == [Continue(RUN)]
        await driven.tell(made.begun(SMALL, step=20), made.step(21))
        assert "step  21/100" in driven.text


async def test_a_job_that_fails_says_why() -> None:
    async with training() as driven:
        await driven.press("space")
        await driven.tell(Failed("training needs PyTorch: pip install torch"))
        assert "training needs PyTorch" in driven.text
        await driven.press("space")
        assert driven.told == [Train(SMALL)] * 2


async def test_a_page_that_is_not_seen_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with training() as driven:
        page = driven.train
        await driven.press("space", "1")
        assert isinstance(driven.page, StepPage)
        drawn: list[object] = []
        monkeypatch.setattr(page, "show_page", drawn.append)
        driven.worker.tell(*made.events(SMALL, until=40))
        while driven.worker.has_more:
            await driven.pilot.pause()
        await driven.pilot.pause(0.15)
        assert not drawn
        monkeypatch.undo()
        await driven.press("5")
        assert "step  40/100" in driven.text


async def test_other_pages_keep_working_while_a_run_is_on() -> None:
    async with training() as driven:
        await driven.press("space")
        await driven.tell(*made.events(SMALL, until=10))
        await driven.press("1", "right", "right")
        assert driven.session.index == 2


# -- views


async def test_the_views_go_round() -> None:
    async with training() as driven:
        seen = []
        for _ in Tab:
            seen.append(driven.train.views.tab)
            await driven.press("tab")
        assert seen == list(Tab)
        assert driven.shows(Tab.CURVES)
        await driven.press("V")
        assert driven.shows(Tab.FINDER)


async def test_the_layers() -> None:
    async with training() as driven:
        await driven.press("space", "tab")
        assert "begins with the first step" in driven.text
        await driven.tell(*made.events(Recipe(), until=40))
        assert "conv 5x5 8 s2 p2" in driven.text
        assert "layer 1 after its ReLU" in driven.text
        await driven.press("down")
        assert "layer 4 after its ReLU" in driven.text
        await driven.press("[", "[")
        assert "layer 13 its output" in driven.text
        await driven.click_on("conv 3x3 32")
        assert "layer 7 after its ReLU" in driven.text


async def test_hints_are_hidden_by_a_key() -> None:
    async with training() as driven:
        await driven.turn_to(Tab.WEIGHT)
        assert "arrows choose the weight" in driven.text
        await driven.press("H")
        assert "arrows choose the weight" not in driven.text


async def test_one_weight() -> None:
    async with training() as driven:
        await driven.press("space")
        await driven.tell(*made.events(Recipe(), until=9))
        await driven.turn_to(Tab.WEIGHT)
        assert "layer 1, weight [0, 0, 2, 2]" in driven.text
        assert "momentum buffer" in driven.text
        await driven.press("right")
        assert driven.told[-1] == Watch(1, (0, 0, 2, 3))
        assert "shown from the next step on" in driven.text
        await driven.tell(replace(made.step(10), watched=made.watched(10, (0, 0, 2, 3))))
        assert "layer 1, weight [0, 0, 2, 3]" in driven.text
        assert "momentum buffer" in driven.text
        await driven.press("down", "pagedown")
        assert driven.told[-1] == Watch(1, (1, 0, 3, 3))
        await driven.press("]")
        assert driven.told[-1] == Watch(4, (0, 0, 1, 1))
        await driven.press("end", "pageup")
        assert driven.told[-1] == Watch(4, (15, 1, 1, 1))


async def test_a_chosen_weight_is_watched_in_the_next_run_too() -> None:
    async with training() as driven:
        await driven.turn_to(Tab.WEIGHT)
        await driven.press("left", "space")
        assert driven.told == [Train(SMALL), Watch(1, (0, 0, 1, 0))]


async def test_the_search_for_a_rate() -> None:
    async with training() as driven:
        await driven.press("t")
        assert "f searches" in driven.said
        await driven.press("f")
        assert driven.told == [Find(SMALL)]
        assert driven.shows(Tab.FINDER)
        await driven.press("space")
        assert driven.refused
        *tries, suggestion = made.search()
        await driven.tell(*tries)
        await driven.tell(suggestion)
        assert "minimum/10 0.0105" in driven.text
        assert "valley 0.00152" in driven.text
        await driven.press("t")
        assert driven.recipe.max_lr == 0.01
        await driven.press("space")
        assert driven.told[-1] == Train(replace(SMALL, max_lr=0.01))
        assert driven.shows(Tab.CURVES)


async def test_the_comparison() -> None:
    async with training(replace(SMALL, epochs=1)) as driven:
        await driven.press("c")
        assert driven.shows(Tab.RUNS)
        for number, accuracy in enumerate((0.1, 0.93, 0.95, 0.98), 1):
            recipe = driven.told[-1]
            assert isinstance(recipe, Train)
            first, *rest = made.events(recipe.recipe, run=f"/runs/000{number}", accuracy=accuracy)
            await driven.tell(first)
            assert f"run {number} of 4" in driven.text
            await driven.tell(*rest)
        assert len(driven.told) == 4
        assert len(driven.runs.marked(driven.run_rows)) == 4
        for shown in ("10.00%", "93.00%", "95.00%", "98.00%"):
            assert shown in driven.text
        assert "Constant" in driven.lines[-5] + driven.lines[-6] + driven.lines[-7]


async def test_a_run_of_a_stopped_comparison_keeps_its_number() -> None:
    async with training(replace(SMALL, epochs=1)) as driven:
        await driven.press("c")
        for number in (1, 2):
            job = driven.told[-1]
            assert isinstance(job, Train)
            recipe, until = job.recipe, 5 if number == 2 else None
            await driven.tell(*made.events(recipe, until, run=f"/runs/000{number}"))
        await driven.press("x")
        await driven.tell(Stopped(5))
        assert "Stopped before all four had run" in driven.text
        await driven.press("up", "down", "g")
        assert driven.told[-1] == Continue("/runs/0002")
        await driven.tell(made.begun(recipe, "/runs/0002"), made.step(1))
        assert "comparison, run 2 of 4" in driven.text
        await driven.tell(Stopped(1))
        await driven.turn_to(Tab.RUNS)
        await driven.press("down", "g")
        assert driven.refused
