"""The laboratory and the weight view under a pilot, with runs of a network of the user's."""

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from convtui.app.app import ConvtuiApp
from convtui.pages.train.page import TrainPage
from convtui.pages.train.view_maker import Tab
from convtui.training.laboratory_plan import with_code_as_it_is
from convtui.training.measuring import Measure, Measured, Measuring
from convtui.training.own_network import OwnNetwork
from convtui.training.protocol import Begun, NamedModule, Replay, Replayed, Snapshot, Train
from convtui.training.recipe import Recipe
from convtui.training.runs.measurements import measurements_of
from convtui.training.runs.store import all_runs, new_run
from convtui.training.trainer import Trainer, start_worker
from tests.support import events as made
from tests.support.driving import Driven
from tests.support.example_sessions import lesson
from tests.support.measured_runs import figures, keep_decays, keep_measured
from tests.support.train_page import Training, training

FILE = Path(__file__).parents[2] / "support" / "trained_networks.py"


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    code = Path(shutil.copy(FILE, tmp_path / "net.py"))
    network = OwnNetwork(f"{code}:Net")
    return Recipe(data="digits-8x8", batch_size=64, max_lr=0.001, network=network)


def begun(recipe: Recipe) -> Recipe:
    """The recipe as the training process keeps it."""
    assert recipe.network
    network = recipe.network.begun([recipe.network.target.rpartition(":")[0]])
    return replace(recipe, network=network, device="cpu")


async def in_laboratory(driven: Training) -> None:
    await driven.press("C")
    await driven.settled()
    assert driven.shows(Tab.LABORATORY)


async def test_recipes_are_trained_and_measured(recipe: Recipe) -> None:
    async with training(recipe) as driven:
        await in_laboratory(driven)
        assert "2 recipes are trained, each with seeds 0 to 4: 10 runs of 5 epochs." in driven.text
        await driven.press(*["minus"] * 4, "enter")
        await driven.settled()
        for decay in (0.0, 0.3):
            told = driven.told[-1]
            assert isinstance(told, Train)
            assert told.recipe == replace(recipe, weight_decay=decay)
            assert f"training decay {decay:g}, seed 0" in driven.text
            kept = begun(told.recipe)
            with new_run(kept, "0" * 32).locked() as run:
                events = list(made.events(kept, run=str(run.path)))
                for event in events:
                    run.append(event)
            await driven.tell(*events)
            assert driven.told[-1] == Measure(str(run.path))
            notice = "net.py:Net has changed since the run began" if decay else ""
            header = Measuring(str(run.path), 110, "d", 360, 100, 1, "12ab", notice)
            await driven.tell(header)
            assert ("net.py:Net has changed since" in driven.text) is bool(notice)
            await driven.tell(*figures(1, 1, 1), Measured(1.0))
        assert not driven.trainer.is_busy
        assert "2 of 2 runs done" not in driven.text  # nothing was measured on the disk


@pytest.mark.parametrize("device", ["cpu", "auto"])
async def test_its_own_runs_are_found_again(recipe: Recipe, device: str) -> None:
    """They are kept with the digest of their code and the device that was taken."""
    keep_decays(begun(recipe))
    async with training(replace(recipe, device=device)) as driven:
        await in_laboratory(driven)
        assert "10 of 10 runs done" in driven.text
        assert "decay 0 has a smaller sharpness than decay 0.3" in driven.text
        await driven.press("enter")
        await driven.settled()
        assert "all is done: + takes one more seed, C compares others" in driven.text
        assert not driven.told


async def test_runs_of_other_code_are_none_of_it(recipe: Recipe) -> None:
    keep_decays(begun(recipe), seeds=1)
    assert recipe.network
    file = Path(recipe.network.target.rpartition(":")[0])
    async with training(recipe) as driven:
        await in_laboratory(driven)
        assert "2 of 10 runs done" in driven.text
        before = file.read_text()
        file.write_text(before.replace("nn.Conv2d(1, 4", "nn.Conv2d(1, 5"))
        await driven.settled()
        assert "0 of 10 runs done" in driven.text
        file.write_text(before)
        await driven.settled()
        assert "2 of 10 runs done" in driven.text


def test_the_code_of_a_run_that_is_as_it_was(recipe: Recipe) -> None:
    kept = begun(recipe)
    other = replace(recipe, network=replace(kept.network, arguments=("10",)))  # type: ignore[type-var]
    assert with_code_as_it_is(recipe, [other, Recipe(), kept]) == kept
    assert with_code_as_it_is(kept, [other]) == recipe
    assert with_code_as_it_is(Recipe(), [kept]) == Recipe()
    assert kept.network
    Path(kept.network.files[0]).unlink()
    assert with_code_as_it_is(recipe, [kept]) == recipe


async def test_what_makes_no_sense_of_fixed_code_says_so(recipe: Recipe) -> None:
    async with training(recipe) as driven:
        await in_laboratory(driven)
        await driven.press("C", "C")
        await driven.settled()
        assert "Laboratory: batch norm or none" in driven.text
        assert "net.py:Net has the norms of its code: convtui neither adds nor removes one." in driven.text
        assert "Train a version of it with them and one without, and compare the marked runs." in driven.text
        await driven.press("enter")
        await driven.settled()
        assert not driven.told
        await driven.press("C")
        await driven.settled()
        assert "momentum or none, with SGD" in driven.text
        assert "2 recipes are trained" in driven.text


async def test_the_rates_lie_around_its_own(recipe: Recipe) -> None:
    async with training(recipe) as driven:
        await in_laboratory(driven)
        await driven.press(*["C"] * 5, "enter")
        await driven.settled()
        told = driven.told[-1]
        assert isinstance(told, Train)
        assert (told.recipe.max_lr, told.recipe.schedule) == (3e-05, "constant")


async def test_marked_runs_of_two_networks_are_told_apart(recipe: Recipe) -> None:
    assert recipe.network
    other = replace(recipe, network=replace(recipe.network, arguments=("10",)))
    for each in (recipe, other, Recipe(channels=(2, 4))):
        keep_measured(begun(each) if each.network else each, 1.0, 0.5, 2.0)
    async with training(recipe) as driven:
        await driven.turn_to(Tab.RUNS)
        await driven.press("m", "down", "m", "down", "m")
        await driven.turn_to(Tab.LABORATORY)
        await driven.press(*["C"] * 4, *["minus"] * 4)
        await driven.settled()
        assert "net.py:Net without arguments" in driven.text
        assert "net.py:Net 10" in driven.text
        assert "the bundled network, data mnist-12k" in driven.text


async def test_what_was_trained_again_may_differ_on_other_devices(recipe: Recipe) -> None:
    kept = replace(begun(recipe), device="mps")
    module = NamedModule(1, "conv", "Conv2d", (4, 1, 3, 3))
    events = [
        replace(each, modules=(module,), layers="") if isinstance(each, Begun) else each
        for each in made.events(kept)
        if not isinstance(each, Snapshot)
    ]
    async with training(recipe, size=(140, 40)) as driven:
        await driven.press("space")
        await driven.tell(*events)
        await driven.turn_to(Tab.WEIGHT)
        assert isinstance(driven.told[-1], Replay)
        assert "training step 100 again on mps: figures may differ a little …" in driven.text
        index = driven.told[-1].index
        again = [replace(made.step(at), watched=made.watched(at, index)) for at in range(92, 101)]
        await driven.tell(*again, Replayed(100))
        assert "layer 1 conv, weight [0, 0, 1, 1] · again on mps: may differ" in driven.text


async def test_a_real_campaign(recipe: Recipe) -> None:
    """By the training process, with the code that was named; what is kept has no gaps."""
    recipe = replace(recipe, epochs=1, batch_size=512, device="auto")
    trainer = Trainer(partial(start_worker, recipe.network))
    app = ConvtuiApp(lesson(), autosave=False, trainer=trainer, recipe=recipe)
    async with app.run_test(size=(120, 40)) as pilot:
        driven = Driven(app, pilot)
        await driven.press("5", "C", *["minus"] * 4)
        await app.workers.wait_for_complete()
        await driven.press("enter")
        page = app.page
        assert isinstance(page, TrainPage)

        def is_done() -> bool:
            page.show_again()
            return "2 of 2 runs done" in driven.text

        while not is_done():
            assert not trainer.trouble
            await pilot.pause(0.05)
            await app.workers.wait_for_complete()
    known = [measurements_of(run) for run in all_runs()]
    assert [each is not None and each.is_complete for each in known] == [True, True]
