"""The Norms page shows the batch norms of a run of the user's network, as PyTorch has them."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from convtui.engine.batchnorm import Statistics
from convtui.pages.batchnorm.labels import number
from convtui.pages.batchnorm.network_source import NetworkSource
from convtui.pages.batchnorm.page import BatchNormPage
from convtui.training.messages import Message
from convtui.training.norm_looks import FeedNorm, ListNorms
from convtui.training.own_network import OwnNetwork
from convtui.training.process.own_network import make
from convtui.training.protocol import Stopped
from convtui.training.recipe import Recipe
from convtui.training.runs.history import RunHistory
from convtui.training.runs.store import Run
from convtui.training.trainer import Trainer, start_worker
from tests.support.batch_page import norm_session, row
from tests.support.driving import Driven, opened
from tests.support.kept_runs import kept_run
from tests.support.norm_worker import CONVOLUTIONS, NORMS, NormWorker, made_up_run, trainer_with
from tests.support.small_runs import digits
from tests.support.workers import FakeWorker

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
        yield driven, screen


async def settled(driven: Driven) -> None:
    """All that was asked of the process is told, and what it told is on the screen."""
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
        assert row(driven, "mean μ")[2] == number(float(mean))


# -- with a process that is none


async def test_each_norm_has_its_own_momentum_and_name_and_files_are_removed() -> None:
    run, worker = made_up_run(), NormWorker()
    async with page(trainer_with(worker, run), run.recipe) as (driven, screen):
        assert "features.stem.norm (BatchNorm2d)" in driven.text
        session = norm_session(screen)
        assert (session.norm.momentum, session.norm.eps) == (0.05, 1e-3)
        await driven.press("tab")
        await settled(driven)
        session = norm_session(screen)
        assert (session.norm.momentum, session.norm.eps) == (0.1, 1e-5)
        assert "Input: [4, 3, 3] per image, in the first of its 2 calls." in driven.text
        await driven.press("right")
        await settled(driven)
        (earlier,) = norm_session(screen).earlier_norms
        assert earlier.running_mean[0] == pytest.approx(0.95 * 0.25 + 0.05 * 0.5)
        assert earlier.running_var[0] == pytest.approx(0.95 * 1.1 + 0.05 * 1.5 * 128 * 36 / (128 * 36 - 1))
        fed = [each for each in worker.told if isinstance(each, FeedNorm) and each.in_both]
        assert [len(each.running) for each in fed] == [0, 0, 1]
        assert fed[-1].running[0].mean == tuple(earlier.running_mean)
        await driven.press("tab", "tab")
        await settled(driven)
        assert "head.norm is the last batch norm" in driven.text
        await driven.press(":")
        await driven.enter("layer 2")
        await settled(driven)
        assert "features.blocks.0.norm (BatchNorm2d)" in driven.text
        await driven.press("n")
        await settled(driven)
        assert "layer norm in place of features.blocks.0.norm (BatchNorm2d)" in driven.text
    assert worker.files
    assert not any(file.exists() for file in worker.files)
    assert not any(file.parent.exists() for file in worker.files)


async def test_what_the_process_says_of_it() -> None:
    run = made_up_run()
    worker = NormWorker(notice="net.py:Net has changed since the run began: …")
    async with page(trainer_with(worker, run), run.recipe) as (driven, screen):
        assert driven.said.startswith("net.py:Net has changed")
        shown = norm_session(screen)
        worker.refuses = "net.py:Net failed on its way to a norm: RuntimeError: no"
        await driven.press("right")
        await settled(driven)
        assert driven.said == worker.refuses
        told = len(worker.told)
        await settled(driven)
        assert len(worker.told) == told  # it is not asked again and again
        worker.refuses = ""
        await driven.press("left", "right", "5", "4")
        await settled(driven)
        assert norm_session(screen).number == shown.number + 1
        assert "mini-batch 2" in driven.text


async def test_while_another_job_is_on_it_waits_and_says_so() -> None:
    run, worker = made_up_run(), NormWorker()
    trainer = trainer_with(worker, run)
    shown = trainer.current
    async with opened(size=(120, 40), trainer=trainer, recipe=run.recipe) as driven:
        trainer.start(run.recipe)
        assert shown
        trainer.look_at(shown)
        await driven.press("4")
        await settled(driven)
        assert driven.said == "the norms of run 1 are shown when nothing is active any more"
        assert "the bundled network, random weights, seed 0" in driven.text
        assert not any(isinstance(each, ListNorms) for each in worker.told)
        worker.tell(Stopped(0))
        await settled(driven)
        assert "features.stem.norm" in driven.text
        trainer.start(run.recipe)
        trainer.look_at(shown)
        await driven.press("right")
        await settled(driven)
        assert driven.said == "a run is active: x stops it"
        worker.tell(Stopped(0))
        await settled(driven)
        assert "mini-batch 2" in driven.text
        assert sum(isinstance(each, ListNorms) for each in worker.told) == 1


async def test_the_app_ends_while_the_process_is_silent() -> None:
    run, worker = made_up_run(), SilentWorker()
    async with opened(size=(120, 40), trainer=trainer_with(worker, run), recipe=run.recipe) as driven:
        await driven.press("4")
        while not any(isinstance(each, ListNorms) for each in worker.told):
            await driven.pilot.pause()
        assert "the training process reads the images and runs your network …" in driven.text


class SilentWorker(NormWorker):
    def send(self, message: Message) -> None:
        FakeWorker.send(self, message)


async def test_without_its_code_it_is_refused() -> None:
    run = made_up_run()
    trainer = Trainer(partial(start_worker, None))
    trainer.current = RunHistory(run.recipe, str(run.path))
    trainer.current.saved = run.latest_checkpoint().step
    async with page(trainer, Recipe(data="digits-8x8")) as (driven, _screen):
        assert driven.said.startswith("run 1 needs the code of net.py:Net; only code that you name is run")
        assert "random weights, seed 0" in driven.text


async def test_there_is_no_code_of_it() -> None:
    run = made_up_run(CONVOLUTIONS)
    async with page(trainer_with(NormWorker(CONVOLUTIONS), run), run.recipe) as (driven, screen):
        assert "a batch norm added after features.stem.conv (Conv2d)" in driven.text
        with pytest.raises(ValueError, match="there is no code for a norm of your own network"):
            screen.code_of_page()
    with pytest.raises(ValueError, match="only the app, which runs its code, shows its norms"):
        NetworkSource(run.recipe, run=str(run.path), step=33).load()


async def test_a_run_that_has_diverged() -> None:
    run = made_up_run()
    broken = {**run.latest_checkpoint().weights, f"{NORMS[0].path}.bias": np.full(4, np.nan, np.float32)}
    with run.locked():
        run.save(replace(run.latest_checkpoint(), weights=broken))
    async with page(trainer_with(NormWorker(), run), run.recipe) as (driven, _):
        assert "bias of features.stem.norm is no longer finite, because the run diverged" in driven.said
