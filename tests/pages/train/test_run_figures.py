"""What the panes of the Train page are given is what the run told."""

from dataclasses import replace
from math import nan

import numpy as np
import pytest

from convtui.inputs.names import run_name
from convtui.pages.train import run_figures
from convtui.pages.train.cursor import Cursor
from convtui.pages.train.run_labels import invitation, run_words, state_words
from convtui.pages.train.run_list import MOST_MARKED, RunList
from convtui.training.datasets.open_any import load
from convtui.training.protocol import Begun, Epoch, Finished, Rate, Snapshot, Stopped
from convtui.training.recipe import Recipe
from convtui.training.recipe_words import recipe_words
from convtui.training.runs.history import RunHistory, State
from tests.support import events as made

SHAPES = {1: (8, 1, 5, 5), 4: (16, 8, 3, 3)}


def history(until: int | None = None, recipe: Recipe | None = None, run: str = "/runs/0012") -> RunHistory:
    recipe = recipe or Recipe()
    return RunHistory.of(made.events(recipe, until, run), recipe, run)


def test_layers_have_the_numbers_of_the_layers_page() -> None:
    found = run_figures.layers(history(8))
    assert [(each.number, each.layer, each.place) for each in found] == [
        (1, "conv 5x5 8 s2 p2", "after its ReLU"),
        (4, "conv 3x3 16 s2 p1", "after its ReLU"),
        (7, "conv 3x3 32 s2 p1", "after its ReLU"),
        (10, "conv 3x3 64 s2 p1", "after its ReLU"),
        (13, "conv 3x3 10 s2 p1", "its output"),
    ]
    plain = run_figures.layers(history(8, Recipe(batch_norm=False)))
    assert [each.number for each in plain] == [1, 3, 5, 7, 9]


def test_the_history_and_the_band_are_those_of_the_snapshots() -> None:
    run = history(20)
    layers = run_figures.layer_history(run)
    snapshots = [event for event in made.events(until=20) if isinstance(event, Snapshot)]
    assert layers.steps.tolist() == [4, 8, 12, 16, 20]
    for at, snapshot in enumerate(snapshots):
        assert layers.stds[at].tolist() == [each.std for each in snapshot.statistics]
        assert layers.near_zeros[at].tolist() == [each.near_zero for each in snapshot.statistics]
        assert layers.weight_norms[at].tolist() == [each.weight_norm for each in snapshot.statistics]
        assert run_figures.band(run, 2).counts[at].tolist() == list(snapshot.statistics[2].counts)
    assert run_figures.band(run, 4).low == -20
    assert len(run_figures.layer_history(None).steps) == 0
    assert len(run_figures.band(history(1), 0).counts) == 0


def test_one_weight_with_what_its_step_was_computed_from() -> None:
    run = history(6)
    weight = run_figures.weight_step(run, run.trace, run.step)
    told, step = made.watched(6), made.step(6)
    assert weight is not None
    assert (weight.step, weight.lr, weight.momentum) == (6, step.lr, step.momentum)
    for name in ("before", "gradient", "buffer", "squares", "decay", "update", "after"):
        assert getattr(weight, name) == getattr(told, name)
    assert weight.buffer_before == made.watched(5).buffer
    before = run_figures.weight_step(run, run.trace, 4)
    assert before is not None
    assert (before.update, before.buffer_before) == (made.watched(4).update, made.watched(3).buffer)
    assert run_figures.weight_step(run, run.trace, 7) is None
    begun = history(1)
    first = run_figures.weight_step(begun, begun.trace, 1)
    assert first is not None
    assert first.buffer_before == 0
    run.take(replace(made.step(8), watched=made.watched(8)))
    late = run_figures.weight_step(run, run.trace, run.step)
    assert late is not None
    assert late.buffer_before is None
    assert run_figures.weight_trace(run, run.trace).momenta[-1] == made.step(8).momentum


def test_curves_and_rows() -> None:
    run = history()
    curves = run_figures.curves(run, 3)
    assert (curves.name, curves.colour, curves.total_steps) == ("12 one-cycle+BN", 3, 100)
    assert curves.epoch_steps.tolist() == [20, 40, 60, 80, 100]
    assert curves.accuracies[-1] == pytest.approx(0.985)
    row = run_figures.run_row(run, None)
    assert (row.number, row.state, row.epochs, row.total_epochs) == ("12", "finished", 5, 5)
    assert row.accuracy == pytest.approx(0.985)
    assert run_figures.run_row(history(3), 1).accuracy is None


def test_the_schedule_to_come_is_that_of_the_run() -> None:
    data = load("digits-8x8")
    recipe = Recipe(data="digits-8x8", batch_size=64)
    coming = run_figures.schedule_to_come(recipe, data)
    assert len(coming.lrs) == 5 * (1437 // 64)
    assert coming.lrs.max() == pytest.approx(0.06, rel=1e-2)
    assert len(run_figures.schedule_to_come(recipe, None).lrs) == 0
    assert len(run_figures.schedule_to_come(replace(recipe, batch_size=4096), data).lrs) == 0


def test_pictures_are_those_of_the_data_set() -> None:
    data = load("digits-8x8")
    snapshot = made.snapshot(8)
    shown = run_figures.predictions(snapshot, data)
    assert shown.images.shape == (16, 1, 8, 8)
    np.testing.assert_allclose(shown.images[3] * 16, data.test_images[snapshot.predictions[3].image])
    assert shown.predicted == tuple(str(each.predicted) for each in snapshot.predictions)
    assert run_figures.predictions(None, data).predicted == ()
    assert run_figures.predictions(snapshot, data) is shown


def test_an_epoch_lasts_until_its_last_step() -> None:
    epochs = [run_figures.status(history(step)).epoch for step in (0, 1, 19, 20, 21, 40, 99, 100)]
    assert epochs == [1, 1, 1, 1, 2, 2, 5, 5]


def test_guessing_is_among_the_runs_own_classes() -> None:
    run = history(3)
    assert run.begun
    run.begun = replace(run.begun, classes=("cat", "dog"))
    assert run_figures.curves(run, 0).guessing == pytest.approx(np.log(2))
    assert run_figures.class_count([RunHistory(Recipe()), run]) == 2


def test_a_failure_offers_to_go_on_only_where_that_can_help() -> None:
    run = history(30)
    run.take(made.begun(step=20))
    run.fail("the training process was killed by SIGKILL")
    assert state_words(run).endswith("SIGKILL: space resumes it · x gives it up")
    run.state = State.STARTING
    run.fail("run 12: the images have changed; start a new run with it")
    assert state_words(run).endswith("start a new run with it")
    early = history(3)
    early.take(made.begun())
    early.fail("disk full")
    assert state_words(early) == "disk full"


def test_a_run_that_never_began_is_not_said_to_be_saved() -> None:
    run = RunHistory(Recipe())
    run.take(Stopped(0))
    assert state_words(run).startswith("stopped before the first step: space starts a new run")


def test_a_run_without_a_whole_checkpoint_says_that_it_begins_again() -> None:
    begun, *later = made.events(Recipe(), 3)
    assert isinstance(begun, Begun)
    run = RunHistory.of([begun, *later], Recipe())
    run.take(replace(begun, lost=True))
    assert state_words(run) == "none of its checkpoints is complete: it starts again from step 0"


def test_recipes_in_words() -> None:
    assert recipe_words(Recipe()) == "one-cycle 0.06 · batch norm"
    other = Recipe(schedule="constant", batch_norm=False, max_lr=0.3, seed=4, data="/my/photos", epochs=2)
    assert recipe_words(other) == "constant 0.3 · no batch norm · data photos · seed 4"
    assert run_name("/runs/0012") == "run 12"
    assert run_name("/runs/mine") == "run mine"


def test_a_run_tells_the_rates_that_it_had() -> None:
    run = history(30)
    assert run_words(run) == "one-cycle 0.06 · batch norm"
    for step, rate in ((0, 0.06), (20, 0.04), (20, 0.01)):
        run.take(Rate(step, rate))
    assert run_words(run) == "one-cycle 0.06 → 0.01 · batch norm"
    assert run_figures.run_row(run, None).words == run_words(run)
    assert run_figures.run_row(run, None).short == "one-cycle 0.06 → 0.01 · BN"
    run.take(Stopped(30))
    assert "one-cycle 0.06 → 0.01" in state_words(run)
    for step, rate in ((21, 0.02), (22, 0.03)):
        run.take(Rate(step, rate))
    assert run_words(run) == "one-cycle 0.06 → … → 0.02 → 0.03 · batch norm"
    early = history(1)
    early.take(Rate(0, 0.01))
    assert run_words(early) == "one-cycle 0.01 · batch norm"


def diverged(until: int = 22) -> RunHistory:
    run = history(20, Recipe(max_lr=1000, weight_decay=0.0))
    for step in range(21, until + 1):
        run.take(replace(made.step(step), loss=nan))
    return run


def test_a_run_that_diverged_is_told_while_it_is_on_and_after() -> None:
    run = diverged()
    for state in (State.TRAINING, State.PAUSED, State.STOPPED, State.FINISHED):
        run.state = state
        status = run_figures.status(run)
        assert (status.state, status.epoch, status.step) == ("diverged", 2, 22)
        unknown = "the cause is not known; f tries other rates"
        assert status.words.startswith(f"the loss is not finite since step 21: {unknown}")
        assert ("x stops the run" in status.words) == run.is_active
    run.take(Rate(21, 0.01))
    calm = history(40, Recipe(weight_decay=0.0))
    calm.take(Finished(40, 0.1, 0.9, 1.0))
    assert "the rate 1000 is too high · " in run_figures.status(run, others=[calm]).words
    run.take(made.step(23))
    assert run_figures.status(run).state == "finished"
    run.fail("disk full")
    assert run_figures.status(run).words == "disk full"


def test_a_run_that_diverged_has_no_accuracy() -> None:
    run = diverged(40)
    run.take(Epoch(2, 40, nan, nan, 0.1, 1.0))
    row = run_figures.run_row(run, None)
    assert (row.state, row.accuracy, row.loss) == ("diverged", None, None)
    assert np.isfinite(run_figures.curves(run, 0).accuracies).tolist() == [True, False]
    (arm,) = run_figures.arms([run], [], lambda _: 2)
    assert (arm.accuracy, arm.colour) == (None, 2)
    outline = RunHistory.of(
        [made.begun(), Epoch(2, 40, nan, nan, 0.1, 1.0), Finished(40, nan, 0.1, 1.0)], Recipe()
    )
    assert run_figures.run_row(outline, None).state == "diverged"


def test_names_that_a_terminal_would_obey_are_quoted() -> None:
    data = replace(load("digits-8x8"), classes=("a\x1b[31m", "b\n", "c\udcff", *"3456789"), name="x\x1b")
    for shown in (run_figures.validation_images(data), run_figures.predictions(made.snapshot(8), data)):
        for name in (*shown.labels, *shown.predicted):
            assert name.isprintable()
    recipe = Recipe(data="/tmp/a\x1b[2J\n\udcff")
    for text in (recipe_words(recipe), *invitation(recipe, data, is_idle=True)):
        assert not text or text.isprintable()


def test_the_usual_recipe_is_the_default_with_any_seed() -> None:
    assert run_figures.is_usual(
        [history(1), history(1, Recipe(seed=3, schedule="constant", batch_norm=False))]
    )
    assert not run_figures.is_usual([history(1, Recipe(max_lr=0.002))])
    assert not run_figures.is_usual([history(1, Recipe(data="digits-8x8"))])
    assert not run_figures.is_usual([])
    changed = history(8)
    changed.take(Rate(5, 0.01))
    assert not run_figures.is_usual([changed])
    assert run_figures.arms([changed], [], lambda _: None)[0].rate == "0.06 → 0.01"


# -- what is chosen


def test_the_cursor_stays_within_what_there_is() -> None:
    cursor = Cursor()
    assert cursor.weight(SHAPES) == (1, (0, 0, 2, 2))
    assert cursor.moved((0, 0, 0, -3), SHAPES).weight(SHAPES) == (1, (0, 0, 2, 4))
    assert cursor.at_layer(-1, SHAPES).weight(SHAPES) == (4, (0, 0, 1, 1))
    far = cursor.moved((7, 0, 2, 2), SHAPES)
    assert far.weight({1: (4, 1, 3, 3)}) == (1, (3, 0, 2, 2))
    assert far.weight(SHAPES) == (1, (7, 0, 4, 4))
    assert Cursor(5).weight({}) == (1, (0, 0, 0, 0))


def test_a_few_runs_are_marked_each_in_its_colour() -> None:
    listed = RunList()
    runs = [history(1, run=f"/runs/{number:04}") for number in range(1, 7)]
    live = {run.run: run for run in runs}
    assert listed.rows(live) == runs[::-1]
    assert [listed.toggle(run) for run in runs] == [True] * MOST_MARKED + [False, False]
    assert [listed.colour(run) for run in runs] == [0, 1, 2, 3, None, None]
    listed.toggle(runs[1])
    assert listed.free_colour() == 1
    assert listed.toggle(runs[5])
    assert listed.marked(listed.rows(live)) == [runs[0], runs[5], runs[2], runs[3]]
    listed.forget(runs[0])
    assert listed.colour(runs[0]) is None


def test_the_accuracy_on_training_images() -> None:
    told = [replace(each, train_accuracy=0.99) if isinstance(each, Epoch) else each for each in made.events()]
    run = RunHistory.of(told, Recipe(), "/runs/0012")
    assert run_figures.run_row(run, None).train_accuracy == 0.99
    assert run_figures.curves(run, 0).train_accuracies.tolist() == [0.99] * 5
    assert np.isnan(run_figures.curves(history(), 0).train_accuracies).all()
    assert run_figures.run_row(history(), None).train_accuracy is None


@pytest.mark.parametrize(
    "shape", [(), (7,), (10, 64), (6, 4, 3), (4, 1, 3, 5), (4, 1, 2, 3, 5), (3, 2, 2, 3, 4, 5)]
)
def test_an_index_is_told_as_pytorch_has_it(shape: tuple[int, ...]) -> None:
    """As the weight is looked at in four dimensions."""
    values = np.arange(int(np.prod(shape))).reshape(shape)
    wide = values
    if values.ndim <= 3:
        wide = values.reshape(*shape[:2], *(1,) * (4 - values.ndim), *shape[2:])
    elif values.ndim > 4:
        wide = values.reshape(*shape[:2], -1, shape[-1])
    assert wide.ndim == 4
    for index in np.ndindex(wide.shape):
        assert values[run_figures.own_index(index, shape)] == wide[index]


def test_a_run_that_diverged_is_told_by_its_name() -> None:
    history = RunHistory(Recipe())
    history.take(made.begun())
    assert run_figures.curve_name(history) == "12 one-cycle+BN"
    history.take(replace(made.step(1), loss=nan))
    assert run_figures.curve_name(history) == "12 one-cycle+BN · diverged"
