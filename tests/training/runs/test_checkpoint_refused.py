"""A run goes on from its own checkpoints only, by the recipe that it was begun with."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from convtui.training.process.loop import Training
from convtui.training.recipe import Recipe
from convtui.training.runs.checkpoint import Checkpoint
from tests.support.small_runs import SMALL, STEPS, digits, trained


@pytest.mark.parametrize(
    "other",
    [{"channels": (4, 9)}, {"batch_norm": False}, {"epochs": 1}, {"max_lr": 0.05}, {"optimizer": "sgd"}],
)
def test_a_checkpoint_of_another_recipe_is_refused(other: dict[str, Any]) -> None:
    checkpoint = trained(SMALL, 3).checkpoint()
    [name] = other
    was = SMALL.as_dict()[name]
    with pytest.raises(
        ValueError, match=f"^{name} .*: the run began with {re.escape(repr(was))}; restore it"
    ):
        Training(replace(SMALL, **other), digits(), checkpoint)


def test_data_that_lies_elsewhere_by_now_is_no_other_recipe() -> None:
    checkpoint = trained(SMALL, 3).checkpoint()
    assert Training(replace(SMALL, data="/moved"), digits(), checkpoint).step == 3


@pytest.mark.parametrize(
    "changed",
    [
        lambda about: about["groups"][0].update(lr="x"),
        lambda about: about["groups"][1].update(lr=math.nan),
        lambda about: about["groups"][0].pop("max_lr"),
        lambda about: about["groups"].pop(),
        lambda about: about["epoch"].update(epoch="x"),
        lambda about: about["epoch"].pop("step"),
        lambda about: about.update(epoch_loss=None),
        lambda about: about.update(seconds=math.nan),
        lambda about: about.update(scheduler={}),
        lambda about: about["scheduler"].update(last_epoch=1),
        lambda about: about["scheduler"].update(_schedule_phases=[{"end_step": "x"}]),
        lambda about: about["scheduler"].update(_schedule_phases=3),
        lambda about: about["scheduler"].update(_schedule_phases=[]),
        lambda about: about.update(groups=7),
    ],
)
def test_a_checkpoint_that_somebody_made_up_is_refused(changed: Callable[[dict[str, Any]], object]) -> None:
    checkpoint = Checkpoint.from_bytes(trained(SMALL, 3).checkpoint().to_bytes())
    assert Training(SMALL, digits(), checkpoint).step == 3
    changed(checkpoint.about)
    with pytest.raises(ValueError, match=r"^the checkpoint of step 3 does not match its recipe and data$"):
        Training(SMALL, digits(), checkpoint)


def test_a_checkpoint_that_lacks_what_the_optimizer_remembers_is_refused() -> None:
    checkpoint = replace(trained(SMALL, 3).checkpoint(), optimizer={})
    with pytest.raises(ValueError, match=r"^the checkpoint of step 3 does not match its recipe and data$"):
        Training(SMALL, digits(), checkpoint)


@pytest.mark.parametrize("steps", [0, 1, STEPS])
@pytest.mark.parametrize(
    "recipe",
    [
        SMALL,
        replace(SMALL, schedule="constant"),
        replace(SMALL, optimizer="sgd"),
        replace(SMALL, optimizer="sgd", low_momentum=0.0),
        replace(SMALL, optimizer="sgd", low_momentum=0.0, high_momentum=0.0),
        replace(SMALL, optimizer="sgd", schedule="constant", momentum=0.0),
    ],
)
def test_a_runs_own_checkpoint_fits(recipe: Recipe, steps: int) -> None:
    kept = Checkpoint.from_bytes(trained(recipe, steps).checkpoint().to_bytes())
    assert Training(recipe, digits(), kept).step == steps


@pytest.mark.parametrize("step", [-1, STEPS + 1])
def test_a_checkpoint_of_a_step_that_the_run_does_not_have_is_refused(step: int) -> None:
    checkpoint = replace(trained(SMALL, 3).checkpoint(), step=step)
    with pytest.raises(
        ValueError, match=f"^the checkpoint of step {step} does not match its recipe and data$"
    ):
        Training(SMALL, digits(), checkpoint)


def test_a_checkpoint_that_does_not_tell_its_recipe_is_gone_on_from() -> None:
    checkpoint = trained(SMALL, 3).checkpoint()
    del checkpoint.about["recipe"]
    assert Training(SMALL, digits(), checkpoint).step == 3


def test_a_checkpoint_whose_recipe_is_none_is_refused() -> None:
    checkpoint = trained(SMALL, 3).checkpoint()
    checkpoint.about["recipe"] = []
    with pytest.raises(ValueError, match=r"^the checkpoint of step 3 does not match its recipe and data$"):
        Training(SMALL, digits(), checkpoint)
