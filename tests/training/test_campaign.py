"""A campaign does what is left to do of the runs that are wanted, and says how far it is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from convtui.training.campaign import Campaign, Job, Task, planned
from convtui.training.datasets.open_any import fingerprint
from convtui.training.laboratory import as_arm
from convtui.training.laboratory_plan import slots
from convtui.training.measuring import (
    ALPHAS,
    DIRECTIONS,
    NOISES,
    Curvature,
    DirectionPoint,
    Measuring,
    NoisePoint,
    Norms,
)
from convtui.training.messages import Message
from convtui.training.own_network import OwnNetwork
from convtui.training.protocol import Saved, Stopped
from convtui.training.recipe import Recipe
from convtui.training.runs.history import RunHistory, State
from convtui.training.runs.measurements import kept_in
from convtui.training.runs.store import Run, all_runs, new_run
from tests.support import events as made
from tests.support.small_runs import digits

RECIPE = Recipe(data="digits-8x8", channels=(4,), epochs=1)
SEEDS = [replace(RECIPE, seed=seed) for seed in range(3)]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def kept(recipe: Recipe, *, until: int | None = None, mark: str = "", measured: bool = False) -> Run:
    """A run whose log says that it ended, or was stopped there."""
    run = new_run(recipe, mark or fingerprint(digits()))
    with run.locked():
        for event in made.events(recipe, until, str(run.path)):
            run.append(event)
        if until is not None:
            run.append(Saved(until))
            run.append(Stopped(until))
        if measured:
            path = run.path / "step-000020-0123456789abcdef.safetensors"
            path.write_bytes(b"")
            with kept_in(run) as keeper:
                for event in all_figures(run.path):
                    keeper.keep(event)
    return run


def all_figures(path: Path) -> list[Message]:
    return [
        Measuring(str(path), 20, "0123456789abcdef", 360, 100, 166),
        Norms(1.0, (1.0,)),
        Curvature(1.0, 1, True),
        *(NoisePoint(noise, 1.0, 0.5) for noise in NOISES),
        *(DirectionPoint(number, alpha, 1.0) for number in range(DIRECTIONS) for alpha in ALPHAS),
    ]


def plan(to_measure: bool = False) -> list[Task]:
    return planned(SEEDS, digits(), all_runs(), to_measure)


def test_what_is_finished_is_not_trained_again() -> None:
    kept(SEEDS[1])
    tasks = plan()
    assert [(task.recipe, task.jobs) for task in tasks] == [
        (SEEDS[0], (Job.TRAIN,)),
        (SEEDS[2], (Job.TRAIN,)),
    ]
    assert [task.jobs for task in plan(to_measure=True)] == [
        (Job.TRAIN, Job.MEASURE),
        (Job.MEASURE,),
        (Job.TRAIN, Job.MEASURE),
    ]


def test_what_was_interrupted_is_resumed_with_its_curves() -> None:
    run = kept(SEEDS[0], until=12)
    first = plan()[0]
    assert first.jobs == (Job.RESUME,)
    assert first.history is not None
    assert first.history.run == str(run.path)
    assert first.history.has_curves
    kept(SEEDS[0])
    assert [task.recipe.seed for task in plan()] == [1, 2]


def test_other_data_and_other_recipes_do_not_count() -> None:
    kept(SEEDS[0], mark="of other data")
    kept(replace(SEEDS[1], weight_decay=0.3))
    assert [task.jobs for task in plan()] == [(Job.TRAIN,)] * 3


def test_what_is_measured_is_not_measured_again() -> None:
    for recipe in SEEDS:
        kept(recipe, measured=True)
    assert plan(to_measure=True) == []


def test_a_recipe_is_compared_as_a_run_keeps_it() -> None:
    small = replace(digits(), train_images=digits().train_images[:100], source="/data/small.npz")
    recipe = replace(RECIPE, data="small.npz")
    kept(replace(recipe, data="/data/small.npz", batch_size=100), mark=fingerprint(small))
    assert planned([recipe], small, all_runs()) == []


def finished(recipe: Recipe) -> RunHistory:
    return RunHistory.of(made.events(recipe), recipe, "/runs/0001")


def test_the_jobs_come_one_after_another() -> None:
    campaign = Campaign([Task(SEEDS[0], to_measure=True), Task(SEEDS[1], finished(SEEDS[1]))])
    assert (campaign.done, campaign.total, campaign.is_active) == (0, 2, False)
    assert campaign.next() is Job.TRAIN
    assert campaign.is_active
    campaign.has_done(finished(SEEDS[0]))
    assert campaign.next() is Job.MEASURE
    assert campaign.task is not None
    assert campaign.task.history is not None
    campaign.has_done(campaign.task.history)
    assert (campaign.next(), campaign.done, campaign.is_active) == (None, 2, False)


def test_the_time_left() -> None:
    clock = Clock()
    campaign = Campaign([Task(recipe, to_measure=True) for recipe in SEEDS[:2]], clock)
    assert campaign.seconds_left is None
    campaign.next()
    assert campaign.seconds_left is None
    history = RunHistory.of(made.events(SEEDS[0], until=10), SEEDS[0])
    campaign.has_begun(history)
    run = 20 * made.SECONDS_A_STEP
    assert campaign.seconds_left == pytest.approx(run / 2 + 3 * run)
    clock.now = 8.0
    campaign.has_done(finished(SEEDS[0]))
    campaign.next()
    assert campaign.seconds_left == pytest.approx(3 * 8)
    clock.now = 10.0
    assert campaign.seconds_left == pytest.approx(3 * 8 - 2)
    campaign.has_done(finished(SEEDS[0]))
    campaign.next()
    assert campaign.seconds_left == pytest.approx(8 + 2)
    clock.now = 30.0
    assert campaign.seconds_left == pytest.approx(0 + 2)
    campaign.end("disk full")
    assert (campaign.seconds_left, campaign.reason, campaign.is_active) == (None, "disk full", False)
    assert campaign.next() is None


def test_a_task_that_is_done_is_none() -> None:
    history = finished(RECIPE)
    assert history.state is State.FINISHED
    assert Campaign([Task(RECIPE, history)]).total == 0


@pytest.mark.parametrize(
    ("kept_by", "wanted", "is_there"),
    [
        ({"device": "cpu"}, {"device": "auto"}, True),
        ({"device": "cuda"}, {"device": "auto"}, True),
        ({"device": "cuda"}, {"device": "cpu"}, False),
        ({"threads": 2}, {"threads": 1}, True),
        ({"network": OwnNetwork("net.py:Net", digest="12")}, {}, False),
        ({"network": OwnNetwork("net.py:Net", digest="12")}, {"network": OwnNetwork("net.py:Net")}, False),
        (
            {"network": OwnNetwork("net.py:Net", digest="12"), "device": "cpu"},
            {"network": OwnNetwork("net.py:Net", digest="12"), "device": "auto"},
            True,
        ),
    ],
)
def test_which_runs_count_for_a_recipe(
    kept_by: dict[str, Any], wanted: dict[str, Any], is_there: bool
) -> None:
    kept(replace(RECIPE, **kept_by))
    recipe = replace(RECIPE, **wanted)
    assert (planned([recipe], digits(), all_runs()) == []) is is_there
    histories = [RunHistory.of_run(run) for run in all_runs()]
    (slot,) = slots([as_arm(recipe)], 1, histories)
    assert slot.is_trained is is_there
