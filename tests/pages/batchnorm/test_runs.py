"""The Norms page shows the run that the Train page shows, else a kept one when it is asked for."""

import copy
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from convtui.pages.batchnorm.labels import number
from convtui.training.recipe import Recipe
from convtui.training.runs.history import RunHistory
from convtui.training.runs.store import new_run
from tests.support.batch_page import activations, norm_session, page, row, settled, trainer_of
from tests.support.kept_runs import kept_run
from tests.support.small_runs import SMALL, digits


async def test_a_kept_run_is_opened_where_none_is_shown() -> None:
    kept_run()
    run, _ = kept_run()
    new_run(SMALL, "0" * 32)  # without a checkpoint
    async with page() as (driven, screen):
        await driven.press("w")
        await settled(driven)
        assert screen.network is not None
        assert screen.network.source.run == str(run.path)
        assert "run 2, step" in driven.text
        assert "w run 2 " in driven.text
        await driven.press("w")
        await settled(driven)
        assert "random weights, seed 0" in driven.text


async def test_the_run_that_the_train_page_looks_at_is_shown() -> None:
    run, _ = kept_run()
    trainer = trainer_of()
    trainer.look_at(RunHistory.of_run(run))
    assert trainer.looked_at is not None
    trainer.looked_at.saved = run.latest_weights()[0]
    async with page(trainer) as (driven, screen):
        assert screen.network is not None
        assert screen.network.source.run == str(run.path)
        assert "run 1" in driven.text


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


async def test_a_run_is_shown_and_left_alone() -> None:
    run, training = kept_run()
    files = files_of(run.path)
    async with page(trainer_of(run.recipe, str(run.path), training.step)) as (driven, screen):
        module: Any = training.model[2]
        assert f"run 1, step {training.step}" in driven.text
        assert row(driven, "mean μ")[3] == number(float(module.running_mean[0]))
        assert f"g gamma ‹{module.weight[0]:.4g}›".replace(" ", "") in driven.text.replace(" ", "")
        given = norm_session(screen).network.weights[3]
        kept = {name: array.copy() for name, array in given.items()}
        await driven.press("right", "right", "g", "t", "tab", "right", "end")
        await settled(driven)
        for name, array in kept.items():
            np.testing.assert_array_equal(given[name], array)
    assert files_of(run.path) == files


async def test_evaluation_is_that_of_the_whole_network() -> None:
    """At the last batch norm of a run: what PyTorch's model.eval() gives there, in both modes of the page."""
    run, training = kept_run()
    model: Any = copy.deepcopy(training.model).double()
    number_of = [at for at, each in enumerate(model) if isinstance(each, torch.nn.BatchNorm2d)][-1]
    async with page(trainer_of(run.recipe, str(run.path), training.step)) as (driven, screen):
        await driven.press("tab", "tab")
        assert norm_session(screen).layer.row == number_of + 1
        for _ in range(2):
            assert screen.network
            chosen = screen.network.measurer.measure(norm_session(screen)).images
            pixels = torch.tensor((digits().train_images[chosen] - digits().mean) / digits().std).double()
            with torch.no_grad():
                x = model.eval()[:number_of](pixels)[:, 0]
                evaluated = model[: number_of + 1](pixels)[:, 0]
                trained = model.train()[: number_of + 1](pixels)[:, 0]  # has seen this mini-batch from now on
            far = f"{(trained - evaluated).abs().mean():.4f} on average"
            assert far in driven.text
            head = next(at for at, line in enumerate(driven.lines) if "▸training" in line)
            mean, std = (driven.lines[head + i].split()[-2:] for i in (1, 2))
            assert [float(each) for each in mean] == [
                pytest.approx(float(each.mean()), abs=1e-4) for each in (trained, evaluated)
            ]
            assert [float(each) for each in std] == [
                pytest.approx(float(each.std(correction=0)), abs=1e-4) for each in (trained, evaluated)
            ]
            await driven.press("t")
            before = re.search(r"x before: mean (\S+) ± (\S+)", driven.text)
            assert before
            assert float(before[1]) == pytest.approx(float(x.mean()), abs=1e-4)
            assert float(before[2]) == pytest.approx(float(x.std(correction=0)), abs=1e-4)
            assert far in driven.text
            await driven.press("t", "right")


async def test_the_run_or_a_seeded_network_by_a_key() -> None:
    run, training = kept_run()
    async with page(trainer_of(run.recipe, str(run.path), training.step)) as (driven, _):
        await driven.press("w")
        await settled(driven)
        assert "random weights, seed 0" in driven.text
        await driven.press("w")
        await settled(driven)
        assert "run 1, step" in driven.text
        await driven.press("u")
        assert "run 1, step" in driven.text
        assert driven.said == ""
        await driven.press("u")
        assert driven.said == "nothing to undo"


async def test_newer_weights_are_followed_until_something_is_done() -> None:
    run, training = kept_run()
    trainer = trainer_of(run.recipe)
    async with page(trainer) as (driven, screen):
        assert "seed 0" in driven.text
        trainer.current = trainer_of(run.recipe, str(run.path), training.step).current
        assert trainer.current
        trainer._tell()
        await settled(driven)
        assert "run 1, step" in driven.text
        await driven.press("right")
        source = screen.network and screen.network.source
        trainer.current.saved += 1
        trainer._tell()
        await settled(driven)
        assert screen.network
        assert screen.network.source == source
        assert f"run 1 (newer: step {training.step + 1})" in driven.text
        await driven.press("w")
        await settled(driven)
        assert screen.network.source != source
        assert norm_session(screen).number == 1


async def test_a_run_that_cannot_be_read_leaves_a_seeded_network() -> None:
    async with page(trainer_of(SMALL, "/nowhere/0001", 3)) as (driven, _):
        assert "seed 0" in driven.text
        assert "/nowhere/0001" in driven.said


async def test_a_run_without_batch_norm_has_one_added() -> None:
    recipe = Recipe(**{**SMALL.as_dict(), "channels": (4, 6), "batch_norm": False})
    async with page(recipe=recipe) as (driven, screen):
        assert "a batch norm added after layer 2 (relu)" in driven.text
        assert "This network has no batch norm: one is added." in driven.text
        values = activations(screen, 0)[:, 0]
        assert row(driven, "mean μ")[2] == f"{values.mean():.4f}"
