"""A run goes on from its own checkpoints only, by the recipe that it was begun with."""

import re
from dataclasses import replace
from typing import Any

import pytest

from convtui.training.loop import Training
from tests.training.small_runs import SMALL, STEPS, digits, trained


@pytest.mark.parametrize(
    "other",
    [{"channels": (4, 9)}, {"batch_norm": False}, {"epochs": 1}, {"max_lr": 0.05}, {"optimizer": "sgd"}],
)
def test_a_checkpoint_of_another_recipe_is_refused(other: dict[str, Any]) -> None:
    checkpoint = trained(SMALL, 3).checkpoint()
    [name] = other
    was = SMALL.as_dict()[name]
    with pytest.raises(
        ValueError, match=f"^{name} .*: the run was begun with {re.escape(repr(was))}; set it back"
    ):
        Training(replace(SMALL, **other), digits(), checkpoint)


def test_data_that_lies_elsewhere_by_now_is_no_other_recipe() -> None:
    checkpoint = trained(SMALL, 3).checkpoint()
    assert Training(replace(SMALL, data="/moved"), digits(), checkpoint).step == 3


@pytest.mark.parametrize("step", [-1, STEPS + 1])
def test_a_checkpoint_of_a_step_that_the_run_does_not_have_is_refused(step: int) -> None:
    checkpoint = replace(trained(SMALL, 3).checkpoint(), step=step)
    with pytest.raises(ValueError, match=f"^the checkpoint of step {step} does not fit its recipe and data$"):
        Training(SMALL, digits(), checkpoint)
