"""The slider over the steps: every view shows the step that is looked at, while a run goes on."""

from dataclasses import replace

import pytest

from convtui.pages.layers.page import LayersPage
from convtui.pages.step.page import StepPage
from convtui.pages.train.view_maker import Tab
from convtui.training.protocol import Failed, Replay, Replayed, Stepped, Stopped, Train
from tests.support import events as made
from tests.support.driving import until
from tests.support.kept_runs import kept_run
from tests.support.train_page import SMALL, Training, training


async def run_to(driven: Training, step: int) -> None:
    await driven.press("space")
    await driven.tell(*made.events(SMALL, until=step))


def looked(driven: Training) -> int | None:
    return driven.train.views.looking.step


@pytest.mark.parametrize(
    ("keys", "step"),
    [
        ((",",), 49),
        ((",", ","), 48),
        ((",", "."), None),
        (("<",), 45),
        ((",", "<", "<"), 40),
        (("<", ",", "<", ">"), 45),
        (("<", ">", ">"), None),
        ((",", "escape"), None),
    ],
)
async def test_keys_move_through_the_steps(keys: tuple[str, ...], step: int | None) -> None:
    async with training() as driven:
        await run_to(driven, 50)
        await driven.press(*keys)
        assert looked(driven) == step
        assert ("looking back" in driven.text) == (step is not None)
        if step is not None:
            assert f"step {step} of 50 · looking back" in driven.text


async def test_a_step_is_typed_or_refused() -> None:
    async with training() as driven:
        await driven.press(",")
        assert "no step to look back at" in driven.said
        await run_to(driven, 50)
        for wrong in ("51", "x", "-1"):
            await driven.press(":")
            await driven.enter(f"step {wrong}")
            assert f"step {wrong}: must be 0 to 50" in driven.said
            await driven.press("escape")
        await driven.press(":")
        await driven.enter("step 17")
        assert looked(driven) == 17
        await driven.press("escape", ".")
        assert "step 50 is the newest" in driven.said


async def test_the_bar_is_a_slider() -> None:
    async with training() as driven:
        await run_to(driven, 100)
        await driven.press("<")
        row = next(at for at, line in enumerate(driven.lines) if "◆" in line)
        start = driven.lines[row].rindex("  ") + 2
        end = len(driven.lines[row]) - 1
        await driven.pilot.click(offset=((start + end) // 2, row))
        await driven.settled()
        step = looked(driven)
        assert step is not None
        assert abs(step - 50) <= 3
        assert abs(driven.lines[row].index("◆") - (start + end) // 2) <= 1


async def test_the_curves_show_that_step_while_the_run_goes_on() -> None:
    async with training() as driven:
        await run_to(driven, 50)
        await driven.press(":")
        await driven.enter("step 30")
        for words in ("step 28", "step 30", "step  50/100", f"learning rate {made.step(30).lr:.3g}"):
            assert words in driven.text, words
        smooth = driven.train.views.curves_view().curves[-1].smooth
        assert f"smoothed {smooth[29]:.3f}" in driven.text
        later = [event for event in made.events(SMALL, until=60) if getattr(event, "step", 0) > 50]
        await driven.tell(*later)
        assert "step 30 of 60 · looking back" in driven.text
        assert "step  60/100" in driven.text
        assert f"smoothed {smooth[29]:.3f}" in driven.text
        await driven.press(":")
        await driven.enter("step 0")
        assert "accuracy, %" in driven.text
        assert "kernels 3x3" not in driven.text


async def test_the_layers_are_those_of_that_step() -> None:
    async with training() as driven:
        await run_to(driven, 50)
        await driven.turn_to(Tab.LAYERS)
        await driven.press(":")
        await driven.enter("step 30")
        assert "measured at step 28" in driven.text
        for each in made.snapshot(28, SMALL).statistics:
            assert f"{each.std:.3f}" in driven.text
            assert f"{each.weight_norm:.3f}" in driven.text
        await driven.press("escape")
        assert f"{made.snapshot(48, SMALL).statistics[0].std:.3f}" in driven.text


async def test_the_watched_weight_is_that_of_the_step_by_the_log() -> None:
    async with training() as driven:
        await driven.press("space")
        events = [
            replace(each, watched=made.watched(each.step, (0, 0, 1, 1)))
            if isinstance(each, Stepped)
            else each
            for each in made.events(SMALL, until=50)
        ]
        await driven.tell(*events)
        await driven.turn_to(Tab.WEIGHT)
        told = len(driven.told)
        for step in (49, 48, 47):
            await driven.press(",")
            assert f"layer 1, weight [0, 0, 1, 1] · step {step}" in driven.text
            assert f"{made.watched(step).after:.4g}".replace("-", "−") in driven.text
        assert len(driven.told) == told


async def test_another_weight_is_trained_again_once_nothing_else_is_done() -> None:
    async with training() as driven:
        await run_to(driven, 50)
        await driven.turn_to(Tab.WEIGHT)
        await driven.press("right", ",")
        assert "not watched in this step; a run is active: x stops it" in driven.text
        await driven.tell(Stopped(50))
        assert driven.told[-1] == Replay("/runs/0012", 41, 50, 1, (0, 0, 1, 2))
        assert "training step 49 again …" in driven.text
        steps = [
            replace(made.step(at, SMALL), watched=made.watched(at, (0, 0, 1, 2))) for at in range(40, 51)
        ]
        await driven.tell(*steps, Replayed(50))
        told = len(driven.told)
        assert f"{made.watched(49).after:.4g}".replace("-", "−") in driven.text
        await driven.press(",", ",")
        assert f"{made.watched(47).after:.4g}".replace("-", "−") in driven.text
        assert len(driven.told) == told
        await driven.press(":")
        await driven.enter("step 0")
        assert "no step has changed it yet" in driven.text
        assert len(driven.told) == told


async def test_why_a_step_cannot_be_trained_again_is_said_once() -> None:
    async with training() as driven:
        await run_to(driven, 50)
        await driven.tell(Stopped(50))
        await driven.turn_to(Tab.WEIGHT)
        told = len(driven.told)
        await driven.tell(Failed("run 12: its images have changed"))
        assert "run 12: its images have changed" in driven.text
        await driven.settled()
        assert len(driven.told) == told
        await driven.press("space")
        assert driven.told[-1] == Train(SMALL)


async def test_other_views_do_not_look_back_and_another_run_is_shown_as_it_is() -> None:
    async with training() as driven:
        await run_to(driven, 50)
        await driven.press(",")
        await driven.turn_to(Tab.RUNS)
        assert "looking back" not in driven.text
        await driven.press("<")
        assert "curves, layers and one weight look back" in driven.said
        await driven.tell(Stopped(50))
        await driven.turn_to(Tab.CURVES)
        await driven.press("space")
        await driven.tell(*made.events(SMALL, until=60, run="/runs/0013"))
        assert looked(driven) is None


@pytest.mark.parametrize(("key", "kind"), [("K", StepPage), ("L", LayersPage)])
async def test_what_was_learned_by_then_is_opened(key: str, kind: type) -> None:
    run, trained = kept_run()
    with run.locked():
        run.keep_moment(trained.checkpoint())
    async with training() as driven:
        await driven.press("space")
        recipe = run.recipe
        await driven.tell(*made.events(recipe, run=str(run.path)))
        last = trained.step
        for step, words in (
            (last, f"run {run.number}, step {last}:"),
            (last + 2, f"step {last}, the last kept before step {last + 2}:"),
        ):
            await driven.press(":")
            await driven.enter(f"step {step}")
            await driven.press(key)
            await until(driven, lambda: isinstance(driven.app.page, kind))
            assert words in driven.said
            await driven.press("5")
        await driven.press(":")
        await driven.enter("step 2")
        await driven.press(key)
        await until(driven, lambda: driven.refused)
        assert "no complete checkpoint of step 2 or before is kept" in driven.said
