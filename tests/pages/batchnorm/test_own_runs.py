"""The Norms page shows the batch norms of a run of the user's network, as PyTorch has them."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from convtui.engine.batchnorm import Statistics
from convtui.pages.batchnorm.labels import number
from convtui.pages.batchnorm.page import BatchNormPage
from convtui.training.own_network import OwnNetwork
from convtui.training.process.own_network import make
from convtui.training.recipe import Recipe
from convtui.training.runs.history import RunHistory
from convtui.training.runs.store import Run
from convtui.training.trainer import Trainer, start_worker
from tests.support.batch_page import norm_session, row
from tests.support.driving import Driven, opened
from tests.support.kept_runs import kept_run
from tests.support.small_runs import digits

FILE = Path(__file__).parents[2] / "support" / "trained_networks.py"


@pytest.fixture
def code(tmp_path: Path) -> Path:
    return Path(shutil.copy(FILE, tmp_path / "net.py"))


def run_of(code: Path, name: str) -> tuple[Run, Recipe]:
    network = OwnNetwork(f"{code}:{name}")
    recipe = Recipe(data="digits-8x8", batch_size=128, epochs=2, max_lr=0.01, network=network)
    return kept_run(recipe)[0], recipe


def trainer_of(run: Run, network: OwnNetwork | None) -> Trainer:
    trainer = Trainer(partial(start_worker, network))
    trainer.current = RunHistory(run.recipe, str(run.path))
    trainer.current.saved = run.latest_checkpoint().step
    return trainer


@asynccontextmanager
async def page(
    trainer: Trainer, recipe: Recipe, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[Driven, BatchNormPage]]:
    async with opened(size=size, trainer=trainer, recipe=recipe) as driven:
        await driven.press("4")
        screen = driven.page
        assert isinstance(screen, BatchNormPage)
        await settled(driven)
        print(driven.text, driven.said)
        yield driven, screen


async def settled(driven: Driven) -> None:
    for _ in range(12):
        await driven.pilot.pause()
        await driven.app.workers.wait_for_complete()


def plain(code: Path, name: str, run: Run) -> Any:
    """The network as the run left it, in double precision."""
    model, _ = make(OwnNetwork(f"{code}:{name}"), 3)
    model.load_state_dict({key: torch.tensor(each) for key, each in run.latest_checkpoint().weights.items()})
    return model.double()


def given_to(model: Any, path: str, images: torch.Tensor) -> torch.Tensor:
    """What goes into a module, and nothing of the network is changed."""
    found: list[torch.Tensor] = []
    handle = model.get_submodule(path).register_forward_pre_hook(
        lambda _, given: found.append(given[0].clone())
    )
    with torch.no_grad():
        model(images)
    handle.remove()
    return found[0]


def pixels_of(chosen: Any) -> torch.Tensor:
    return torch.tensor((digits().train_images[chosen] - digits().mean) / digits().std).double()


async def test_its_norms_in_both_modes_as_mini_batches_go_by(code: Path) -> None:
    run, recipe = run_of(code, "Normed")
    model = plain(code, "Normed", run)
    async with page(trainer_of(run, recipe.network), recipe) as (driven, screen):
        assert f"run 1, step {run.latest_checkpoint().step}" in driven.text
        assert "stem.1 (BatchNorm2d)" in driven.text
        assert row(driven, "mean μ")[3] == number(float(model.stem[1].running_mean[0]))
        session = norm_session(screen)
        assert (session.norm.eps, session.norm.momentum) == (1e-3, 0.2)
        assert [each.path for each in session.network.norm_layers] == ["stem.1", "block.norm", "last"]
        np.testing.assert_array_equal(session.norm.weight, model.stem[1].weight.detach().numpy())
        assert session.norm.num_batches_tracked == int(model.stem[1].num_batches_tracked)
        await driven.press("tab", "tab")
        await settled(driven)
        assert "last (BatchNorm1d)" in driven.text
        for _ in range(3):
            session = norm_session(screen)
            assert screen.network
            found = screen.network.measurer.cached(session)
            assert found is not None
            images = pixels_of(found.images)
            evaluated = given_to(model.eval(), "last", images).numpy()
            trained = given_to(model.train(), "last", images).numpy()  # which updates running statistics
            np.testing.assert_allclose(found.evaluation.values, evaluated, rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(found.training.values, trained, rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(
                session.updated_norm(found.training.statistics).running_var, model.last.running_var, rtol=1e-4
            )
            await driven.press("right")
            await settled(driven)
        assert driven.refused is False
        await driven.press("tab")
        assert "last is the last batch norm" in driven.text


async def test_without_norms_one_is_added_after_each_convolution(code: Path) -> None:
    run, recipe = run_of(code, "Plain")
    model = plain(code, "Plain", run)
    async with page(trainer_of(run, recipe.network), recipe) as (driven, screen):
        assert "a batch norm added after conv (Conv2d)" in driven.text
        assert "This network has no batch norm: one is added." in driven.text
        assert screen.network
        found = screen.network.measurer.cached(norm_session(screen))
        assert found is not None
        with torch.no_grad():
            made = model.conv(pixels_of(found.images)).numpy()
        np.testing.assert_allclose(found.training.values, made, rtol=1e-4, atol=1e-5)
        mean = Statistics.of(made).mean[0]
        assert row(driven, "mean μ")[2] == f"{mean:.4f}".replace("-", "-")
