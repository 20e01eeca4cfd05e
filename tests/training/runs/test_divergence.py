"""A cause is named where a real run has it and no other, and only there."""

from dataclasses import replace
from functools import cache
from math import isfinite, nan

import numpy as np
import pytest
import torch

from convtui.training.process.loop import Training
from convtui.training.protocol import Rate, Stepped
from convtui.training.recipe import Recipe
from convtui.training.runs.divergence import GROWN, cause_words, growth_by_decay
from convtui.training.runs.history import RunHistory, State
from tests.support.small_runs import SMALL, digits

PLAIN = replace(SMALL, optimizer="sgd", batch_norm=False, schedule="constant", weight_decay=0.0)


@cache
def ran(recipe: Recipe, run: str = "/runs/0003") -> RunHistory:
    """A real run to its end."""
    return RunHistory.of(Training(recipe, digits(), capture=False).events(), recipe, run)


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("schedule", ["one-cycle", "constant"])
def test_weight_decay_is_named_where_it_alone_makes_a_run_diverge(schedule: str, batch_norm: bool) -> None:
    """The same run without it, at the same rate, does not diverge."""
    recipe = replace(SMALL, weight_decay=1000.0, schedule=schedule, batch_norm=batch_norm)
    run, without = ran(recipe), ran(replace(recipe, weight_decay=0.0))
    assert (run.is_diverged, without.is_diverged) == (True, False)
    words = "weight decay makes the weights grow · rate x decay = 60 is more than 2"
    if schedule == "constant":
        assert cause_words(run) == words
    assert cause_words(run, [without]).startswith("weight decay makes the weights grow")


def test_weight_decay_of_sgd_has_another_limit() -> None:
    run = ran(replace(PLAIN, weight_decay=1000.0))
    assert run.is_diverged
    assert cause_words(run).endswith("· rate x decay = 60 is more than 2·(1 + momentum)")


def test_the_rate_is_named_where_a_lower_one_alone_keeps_a_run_from_diverging() -> None:
    run, calm = ran(replace(PLAIN, max_lr=1000.0)), ran(PLAIN, "/runs/0002")
    assert (run.is_diverged, calm.is_diverged) == (True, False)
    assert growth_by_decay(run) == 1
    words = "the rate 1000 is too high · run 2, at 0.06 and otherwise the same, did not diverge"
    assert cause_words(run, [run, calm]) == words


def test_without_evidence_no_cause_is_named() -> None:
    run, calm = ran(replace(PLAIN, max_lr=1000.0)), ran(PLAIN)
    assert cause_words(run) == ""
    stopped = ran.__wrapped__(PLAIN)
    stopped.state = State.STOPPED
    higher = ran.__wrapped__(PLAIN)
    higher.take(Rate(1, 2000.0))
    for other in (ran(replace(PLAIN, seed=1)), ran(replace(PLAIN, momentum=0.5)), run, stopped, higher):
        assert cause_words(run, [other]) == ""
    assert cause_words(run, [stopped, calm]) != ""


def test_weight_decay_that_makes_weights_smaller_is_no_cause() -> None:
    steps = [Stepped(step, 1, nan if step > 20 else 2.0, 0.06, 0.9, step / 10) for step in range(1, 25)]
    for decay, grows in ((0.0, False), (30.0, False), (34.0, False), (60.0, True)):
        run = RunHistory.of(steps, replace(SMALL, weight_decay=decay))
        assert run.diverged_at == 21
        assert (growth_by_decay(run) > GROWN) == grows == bool(cause_words(run))


def test_a_rate_that_was_set_later_is_no_cause() -> None:
    steps = [Stepped(step, 1, nan if step > 20 else 2.0, 0.06, 0.9, step / 10) for step in range(1, 25)]
    run = RunHistory.of([*steps[:5], Rate(5, 0.5), *steps[5:22], Rate(22, 0.01), *steps[22:]], PLAIN)
    assert cause_words(run, [ran(PLAIN)]).startswith("the rate 0.5 is too high · run 3, at 0.06")


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("decay", [0.5, 5.0, 30.0, 80.0])
def test_weights_grow_by_decay_as_those_of_torch_without_a_gradient(optimizer: str, decay: float) -> None:
    weight = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    stepper: torch.optim.Optimizer = torch.optim.AdamW([weight], lr=0.06, weight_decay=decay)
    if optimizer == "sgd":
        stepper = torch.optim.SGD([weight], lr=0.06, weight_decay=decay, momentum=0.9)
    largest = [1.0]
    for _ in range(20):
        weight.grad = torch.zeros_like(weight)
        stepper.step()
        largest.append(max(largest[-1], abs(weight.item())))
    steps = [Stepped(step, 1, 2.0, 0.06, 0.9, step / 10) for step in range(1, 21)]
    run = RunHistory.of(steps, replace(SMALL, weight_decay=decay, optimizer=optimizer))
    expected = next((each for each in largest if each > GROWN), largest[-1])
    np.testing.assert_allclose(growth_by_decay(run), expected, rtol=1e-9)
    assert isfinite(expected)
