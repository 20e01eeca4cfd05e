"""The figures of a run as lessons name them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convtui.engine.batchnorm import Statistics
from convtui.lessons.expressions import ExpressionError, evaluated
from convtui.lessons.figures import Seen, UnknownYet, filled
from convtui.lessons.run_figures import figures_of
from convtui.lessons.setting_up import DEFAULT_IMAGE
from convtui.state.kernel_choice import KernelChoice
from convtui.state.session import Session
from convtui.store.pictures import open_any
from convtui.training.protocol import Epoch
from convtui.training.recipe import Recipe
from convtui.training.runs.history import RunHistory
from convtui.training.schedule import schedule
from tests.support import events as made
from tests.support.batchnorms import figures
from tests.support.small_runs import SMALL, trained

RECIPE = Recipe(epochs=5)


def seen(history: RunHistory | None) -> Seen:
    session = Session.start(open_any(DEFAULT_IMAGE), KernelChoice("top-edge"))
    return Seen(session, figures_of(history) if history else None)


def told(accuracies: list[float], train_accuracy: float | None = 0.99) -> RunHistory:
    """A finished run with these accuracies at the ends of its epochs."""
    events = [
        replace(each, accuracy=accuracies[each.epoch - 1], train_accuracy=train_accuracy)
        if isinstance(each, Epoch)
        else each
        for each in made.events(RECIPE, accuracy=accuracies[-1])
    ]
    return RunHistory.of(events, RECIPE, "/runs/0012")


def test_what_a_run_was_set_to_can_be_asked_for() -> None:
    run = seen(told([0.5, 0.9, 0.96, 0.94, 0.97]))
    condition = (
        'run.data == "mnist-12k" and run.optimizer == "adamw" and run.channels == (8, 16, 32, 64)'
        " and run.batch_size == 128 and run.seed == 0 and run.total_epochs == 5 and run.is_finished"
    )
    assert evaluated(condition, run) is True


def test_the_steps_to_95_percent_are_counted_to_the_end_of_an_epoch() -> None:
    assert evaluated("run.steps_to_95", seen(told([0.5, 0.9, 0.96, 0.94, 0.97]))) == 60
    never = seen(told([0.5, 0.6, 0.7, 0.8, 0.949]))
    assert filled("{run.steps_to_95}", never) == "–"
    assert filled("{run.steps_to_95}", seen(None)) == "–"


def test_the_gap_is_between_training_and_validation() -> None:
    run = seen(told([0.5, 0.9, 0.96, 0.94, 0.97]))
    assert filled("{run.train_accuracy|.1%}, {100*run.gap|.1f} points", run) == "99.0%, 2.0 points"
    assert filled("{run.gap}", seen(told([0.5, 0.9, 0.96, 0.94, 0.97], None))) == "–"


def test_the_planned_rates_are_those_of_the_schedule() -> None:
    run = seen(told([0.5, 0.9, 0.96, 0.94, 0.97]))
    lrs, _ = schedule(RECIPE, 100)
    assert evaluated("run.peak_step == 25 and run.peak_step == 0.25*run.total_steps", run) is True
    assert evaluated("run.start_lr", run) == pytest.approx(RECIPE.max_lr / 25) == pytest.approx(lrs[0])
    assert evaluated("run.end_lr", run) == pytest.approx(RECIPE.max_lr / 25 / 4000)


def test_a_real_run_has_all_of_them(tmp_path: Path) -> None:
    training = trained()
    history = RunHistory(SMALL, str(tmp_path))
    for event in training.events():
        history.take(event)
    run = figures_of(history)
    assert run.gap is not None
    assert run.train_accuracy == pytest.approx((run.accuracy or 0) + run.gap)
    assert run.peak_step is None  # it has not been told how many steps there are
    assert (run.epochs, run.steps, run.is_finished) == (2, 22, True)


def test_a_filter_is_compared_with_the_edge_kernels_of_its_size() -> None:
    session = Session.start(open_any(DEFAULT_IMAGE), KernelChoice("edges"))
    edges = Seen(session)
    assert filled("{edge.name[0]} {edge.likeness[0]} {edge.name[1]}", edges) == "left-edge 1 top-edge"
    assert filled("{edge.name[edge.best]} {edge.likeness|.2f}", edges) == "left-edge 1.00"
    with pytest.raises(ExpressionError, match="no edge kernel has this size"):
        evaluated("edge.best", Seen(session.with_kernel(KernelChoice("identity"), 1)))


def test_how_like_edges_the_kernels_of_a_run_became() -> None:
    run = figures_of(told([0.5, 0.9, 0.96, 0.94, 0.97]))
    assert run.likeness is not None
    assert run.first_likeness is not None
    assert 0 < run.first_likeness <= 1
    assert figures_of(RunHistory(RECIPE)).likeness is None


def test_the_mini_batch_that_went_through_last() -> None:
    norm = figures().session
    with pytest.raises(UnknownYet):
        evaluated("batchnorm.last_mean", replace(seen(None), batchnorm=norm))
    before = norm.norm
    statistics = Statistics(np.full(before.num_features, 2.0), np.full(before.num_features, 3.0), 10)
    after = replace(seen(None), batchnorm=norm.advanced(statistics))
    assert filled("{batchnorm.last_mean} {batchnorm.last_variance|.4f}", after) == "2 3.3333"
    assert evaluated("0.9*batchnorm.last_running_mean + 0.1*batchnorm.last_mean", after) == pytest.approx(
        evaluated("batchnorm.running_mean", after)
    )
