"""The Norms page under a pilot: its numbers computed anew, its keys, and runs that it leaves alone."""

import re
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
import torch

from convtui.pages.base.keys import PAGES, Key
from convtui.pages.batchnorm.labels import number
from convtui.pages.batchnorm.network_source import NetworkSource
from convtui.pages.batchnorm.page import BatchNormPage
from convtui.training.next_run import NEXT_RUN, NextRun
from convtui.training.recipe import Recipe
from tests.support.batch_page import activations, norm_session, page, row, settled
from tests.support.driving import until
from tests.support.small_runs import SMALL
from tests.support.torch_layers import running


async def test_the_statistics_on_the_screen_are_torchs_batch_after_batch() -> None:
    async with page() as (driven, screen):
        norm = torch.nn.BatchNorm2d(4).double()
        for batch in range(4):
            values = activations(screen, batch)
            before = [number(float(each[0])) for each in running(norm)]
            norm(values)
            after = [number(float(each[0])) for each in running(norm)]
            channel = values[:, 0]
            mean, variance, unbiased = (row(driven, name) for name in ("mean μ", "variance", "  unbiased"))
            assert mean[2] == f"{channel.mean():.4f}"
            assert variance[2] == f"{channel.var(correction=0):.4f}"
            assert unbiased[1] == f"{channel.var(correction=1):.4f}"
            assert [mean[3], unbiased[2]] == before
            assert [mean[7], unbiased[6]] == after
            await driven.press("right")


async def test_back_is_exact() -> None:
    async with page() as (driven, _):
        seen = [driven.text]
        for _ in range(3):
            await driven.press("right")
            seen.append(driven.text)
        for text in seen[-2::-1]:
            await driven.press("left")
            assert driven.text == text
        await driven.press("left")
        assert driven.said == "this is the first mini-batch"
        assert not driven.refused


async def test_the_formula_is_computed_anew() -> None:
    async with page() as (driven, screen):
        await driven.press("right", "c", "g", "b", "up")
        values = activations(screen, 1)[:, 1]
        line = next(line for line in driven.lines if line.startswith(" x = "))
        place = [int(each) for each in line.split("[")[1].split("]")[0].split(",")]
        x = activations(screen, 1)[tuple(place)]
        assert line.startswith(f" x = {x:.5f}   ")
        normal = (x - values.mean()) / torch.sqrt(values.var(correction=0) + 1e-5)
        assert any(f"1e-05) = {normal:.4f}" in line for line in driven.lines)
        scaled = re.search(r"= 1\.10+·([\d.]+) \+ 0\.10+ = ([\d.]+)", driven.text)
        assert scaled
        assert scaled[1].startswith(f"{normal:.4f}"[:-1])
        assert scaled[2] == f"{1.1 * normal + 0.1:.4f}"


async def test_both_modes_side_by_side() -> None:
    async with page() as (driven, screen):
        await driven.press("right", "right")
        norm = torch.nn.BatchNorm2d(4).double()
        for batch in range(2):
            norm(activations(screen, batch))
        values = activations(screen, 2)
        running = norm.eval()(values)[:, 0].detach()
        own = norm.train()(values)[:, 0].detach()
        at = next(at for at, line in enumerate(driven.lines) if "▸training" in line)
        found = [driven.lines[at + i].split()[-2:] for i in (1, 2)]
        measures: list[Callable[[torch.Tensor], torch.Tensor]] = [torch.mean, lambda y: y.std(correction=0)]
        for (first, second), of in zip(found, measures, strict=True):
            assert float(first) == pytest.approx(float(of(own)), abs=1e-4)
            assert float(second) == pytest.approx(float(of(running)), abs=1e-4)
        assert f"y differs by {(own - running).abs().mean():.4f} on average" in driven.text
        assert "t training" in driven.text
        await driven.press("t")
        assert "▸evaluation" in driven.text
        assert "t evaluation" in driven.text
        assert "unchanged in evaluation mode" in driven.text
        before = row(driven, "mean μ")[3]
        await driven.press("right")
        assert row(driven, "mean μ")[3] == before


async def test_keys_and_undo() -> None:
    async with page() as (driven, screen):
        start = norm_session(screen)
        await driven.press("tab", "G", "B", "z", "M", "t", "pagedown", "pagedown", "pageup", "C", "c")
        now = norm_session(screen)
        assert (now.layer.row, now.gamma, now.beta, now.batch_size, now.channel) == (6, 1.0, 0.0, 256, 1)
        assert (now.norm.weight[0], now.norm.bias[0]) == (0.9, -0.1)
        assert (now.norm.momentum, now.norm.training) == (0.05, False)
        for _ in range(7):
            await driven.press("u")
        assert norm_session(screen) is start
        await driven.press("u")
        assert driven.said == "nothing to undo"
        for _ in range(7):
            await driven.press("ctrl+r")
        assert norm_session(screen) is now
        await driven.press("ctrl+r")
        assert driven.said == "nothing to redo"
        await driven.press("shift+tab", "Z")
        assert (norm_session(screen).layer.row, norm_session(screen).batch_size) == (3, 128)


@pytest.mark.parametrize("key", PAGES["batchnorm"], ids=lambda key: key.written)
def test_every_key_has_an_action(key: Key) -> None:
    assert callable(getattr(BatchNormPage, f"action_{key.action.partition('(')[0]}"))


async def test_gamma_and_beta_that_undo_the_normalisation() -> None:
    async with page() as (driven, screen):
        await driven.press("x")
        values = activations(screen, 0)[:, 0]
        assert f"y after: mean {values.mean():.4f} ± {values.std(correction=0):.4f}" in driven.text
        await driven.press("x")
        assert (norm_session(screen).gamma, norm_session(screen).beta) == (1, 0)


async def test_to_the_end_of_the_epoch_and_back_to_the_start() -> None:
    async with page() as (driven, screen):
        norm = torch.nn.BatchNorm2d(4).double()
        for batch in range(10):
            norm(activations(screen, batch))
        await driven.press("end")
        await settled(driven)
        assert (norm_session(screen).number, norm_session(screen).is_last) == (11, True)
        np.testing.assert_allclose(
            norm_session(screen).norm.running_mean, running(norm)[0].numpy(), rtol=1e-4, atol=1e-6
        )
        await driven.press("space")
        assert driven.said == "this is the last mini-batch of the epoch: → starts the next epoch, r restarts"
        await driven.press("right")
        assert norm_session(screen).position.epoch == 1
        await driven.press("r")
        assert (norm_session(screen).number, norm_session(screen).norm.running_mean.tolist()) == (1, [0] * 4)


async def test_playing_goes_on_by_itself() -> None:
    async with page() as (driven, screen):
        await driven.press(*"ZZZZZ", "full_stop", "full_stop", "full_stop", "space")
        assert not norm_session(screen).is_last  # of hundreds: playing is not over by itself
        assert screen.playing
        while norm_session(screen).number < 3:
            await driven.pilot.pause(0.02)
        await driven.press("space")
        assert not screen.playing


async def test_typing() -> None:
    async with page() as (driven, screen):
        for text, attribute, value in (
            ("momentum none", "momentum", None),
            ("eps 0.01", "eps", 0.01),
            ("mode eval", "training", False),
        ):
            await driven.press("colon")
            await driven.enter(text)
            assert getattr(norm_session(screen).norm, attribute) == value
        await driven.press("colon")
        await driven.enter("gamma two")
        assert driven.refused
        assert "gamma='two': must be a number" in driven.said
        assert driven.typing
        await driven.enter("gamma 2")
        assert (norm_session(screen).gamma, driven.typing) == (2, False)


async def test_a_click_types_the_setting_that_it_was_on() -> None:
    async with page() as (driven, _):
        await driven.click_on("128", "size")
        await until(driven, lambda: driven.app.focused is not None)
        assert cast(Any, driven.app.focused).value == "size 128"


async def test_other_seeds() -> None:
    async with page() as (driven, screen):
        before = norm_session(screen).network.weights[1]["weight"]
        await driven.press("colon")
        await driven.enter("seed 4")
        await settled(driven)
        assert "random weights, seed 4" in driven.text
        assert not np.array_equal(norm_session(screen).network.weights[1]["weight"], before)
        await driven.press("w")
        await settled(driven)
        assert driven.said.startswith("there is no run yet")


async def test_views_and_hints() -> None:
    async with page(size=(80, 24)) as (driven, _):
        assert "Input: [4, 4, 4]" in driven.text
        assert re.search(r" -σ +μ +\+σ ", driven.lines[4])
        await driven.press("H")
        assert "Input:" not in driven.text
        await driven.press("v")
        assert "mean of each mini-batch" in driven.text
        await settled(driven)
        assert "32 draws" in driven.text
        await driven.press("v")
        assert "spread of the batch variance" in driven.text
        await driven.press("v")
        assert "activations share a mean" in driven.text
        await driven.press("v")
        assert "y after" in driven.text


async def test_what_takes_long_is_made_in_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convtui.pages.batchnorm.measurer.QUICK", 0.0)
    async with page() as (driven, screen):
        first = row(driven, "mean μ")
        await driven.press("right")
        await settled(driven)
        values = activations(screen, 1)[:, 0]
        assert row(driven, "mean μ")[2] == f"{values.mean():.4f}" != first[2]


async def test_images_that_cannot_be_read_are_told_of() -> None:
    async with page(recipe=Recipe(data="/nowhere/digits")) as (driven, screen):
        assert driven.refused
        assert "/nowhere/digits" in driven.said
        assert screen.opened is None
        assert "/nowhere/digits: no such data set" in driven.lines[1]
        assert "w tries again" in driven.lines[2]
        assert "reading" not in driven.text
        await driven.press("right", "t", "end", "x", "g", "v")


async def test_images_that_cannot_be_read_are_tried_once_until_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    really = NetworkSource.load

    def opening(source: NetworkSource, known: Any) -> Any:
        tried.append(source.recipe.data)
        return really(source, known)

    monkeypatch.setattr(NetworkSource, "load", opening)
    async with page(recipe=Recipe(data="/nowhere/digits")) as (driven, screen):
        await driven.press("H", "H")
        await settled(driven)
        assert len(tried) == 1
        await driven.press("w")
        await settled(driven)
        assert len(tried) == 2
        await driven.press("5", "4")
        await settled(driven)
        assert len(tried) == 3
        driven.app.timelines.change(NEXT_RUN, NextRun(SMALL))
        await driven.press("5", "4")
        await settled(driven)
        assert screen.network
        assert screen.network.source.recipe == SMALL


async def test_beyond_the_outermost_batch_norms_it_is_said_that_there_is_none() -> None:
    async with page() as (driven, screen):
        await driven.press("shift+tab")
        assert driven.said == "layer 3 has the first batch norm"
        await driven.press("tab", "tab")
        assert driven.said == ""
        now = norm_session(screen)
        await driven.press("tab")
        assert driven.said == "layer 8 has the last batch norm"
        assert norm_session(screen) is now


async def test_few_spreads_are_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convtui.pages.batchnorm.background.SPREADS_CACHED", 2)
    monkeypatch.setattr("convtui.pages.batchnorm.background.DRAWS", 6)
    async with page() as (driven, screen):
        for _ in range(2):
            await driven.press("tab")
            await settled(driven)
        assert len(screen.spreads._cache) == 2
        assert (norm_session(screen).network, norm_session(screen).layer) in screen.spreads._cache
        await driven.press("shift+tab", "shift+tab")
        await settled(driven)
        assert "6 draws" in driven.text


async def test_a_mini_batch_of_one_on_maps_of_one_cell_is_shown_in_evaluation_mode() -> None:
    recipe = Recipe(data=SMALL.data, channels=(4, 4, 4))
    async with page(recipe=recipe) as (driven, screen):
        await driven.press("tab", "tab")
        assert norm_session(screen).network.rows[norm_session(screen).layer.input].output_shape[1:] == (1, 1)
        await driven.press(*"Z" * 7)
        assert driven.said.startswith("size 1: layer 9 gets [4, 1, 1]: one value per channel has no variance")
        await driven.press("t", "Z")
        await settled(driven)
        assert norm_session(screen).batch_size == 1
        assert row(driven, "  unbiased")[1] == "–"
        assert "Training mode refuses this mini-batch: one value per channel has no variance" in driven.text
        assert "nan" not in driven.text
        await driven.press("right", "i", "v", "v", "left")
        await settled(driven)
        await driven.press("t")
        assert driven.said.startswith("size 1: layer 9")
        assert not norm_session(screen).norm.training
