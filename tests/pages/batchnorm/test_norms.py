"""The four norms under a pilot: their keys, what is said of them, undo, and the session's file."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from convtui.cli import main as cli
from convtui.pages.batchnorm.labels import number
from convtui.state.norm_choice import NormChoice
from convtui.store import session_file
from convtui.training.recipe import Recipe
from tests.support.batch_page import activations, norm_session, page, row, settled, trainer_of
from tests.support.driving import Driven, opened
from tests.support.example_sessions import lesson
from tests.support.small_runs import SMALL


def place(driven: Driven) -> tuple[int, ...]:
    """The index of the activation that is looked at."""
    line = next(line for line in driven.lines if line.startswith(" x = "))
    return tuple(int(each) for each in line.split("[")[1].split("]")[0].split(","))


def shown(driven: Driven, kind: str) -> list[str]:
    """Mean, standard deviation and normalised value of a norm, as they stand beside the others."""
    line = next(line for line in driven.lines if re.match(rf" [ ▸]{kind} +(all|image|running)", line))
    return line[1:77].split()[-3:]


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_the_norms_side_by_side_are_torchs(size: tuple[int, int]) -> None:
    async with page(size=size) as (driven, screen):
        await driven.press("right", "n", "c", "n")
        values = activations(screen, 1)
        at = place(driven)
        image, channel = at[:2]
        outputs = {
            "batch": (values[:, channel], functional.batch_norm(values, None, None, training=True)),
            "layer": (values[image], functional.layer_norm(values, values.shape[1:])),
            "group": (values[image, :2], functional.group_norm(values, 2)),
            "instance": (values[image, channel], functional.instance_norm(values)),
        }
        assert channel == 1
        for kind, (of_set, normalised) in outputs.items():
            expected = of_set.mean(), of_set.std(correction=0), normalised[at]
            assert shown(driven, kind) == [number(float(each)) for each in expected]


async def test_the_key_goes_through_the_norms_and_undo_takes_them_back() -> None:
    async with page() as (driven, screen):
        before = driven.text
        seen = []
        for _ in range(4):
            await driven.press("n")
            seen.append(norm_session(screen).choice.kind)
        assert seen == ["layer", "group", "instance", "batch"]
        await driven.press("N")
        assert norm_session(screen).choice.kind == "instance"
        assert "n norm‹instance›" in driven.text
        await driven.press("u")
        assert driven.text == before


async def test_groups_are_stepped_and_typed() -> None:
    async with page() as (driven, screen):
        await driven.press("d")
        assert norm_session(screen).choice == NormChoice("group", 4)
        assert "group norm of 4 groups in place of layer 3 bn" in driven.text
        assert "One mean for each group of 1 channel of each image" in driven.text
        await driven.press("D")
        assert "torch.nn.GroupNorm(2, 4)" in driven.text
        assert "channels 0-1" in driven.text
        await driven.press("colon")
        await driven.enter("groups 1")
        assert "group norm of 1 group in place" in driven.text
        await driven.press("colon")
        await driven.enter("groups 3")
        assert driven.said == "num_groups=3: must divide the 4 channels; nearest legal: 2 or 4"
        await driven.press("escape", "colon")
        await driven.enter("norm layer")
        assert norm_session(screen).choice == NormChoice("layer", 1)


async def test_without_running_statistics_none_are_shown_and_that_is_said() -> None:
    async with page() as (driven, _):
        await driven.press("n")
        assert "running" not in driven.text.replace("has no running statistics", "")
        assert "momentum" not in driven.text
        said = "Layer norm has no running statistics: training and evaluation mode are the same"
        assert said in driven.text
        before = shown(driven, "layer")
        await driven.press("t")
        assert said in driven.text
        assert shown(driven, "layer") == before
        assert "running, channel 0" in driven.text
        assert shown(driven, "batch")[:2] == ["0.0000", "1.0000"]
        await driven.press("v")
        assert driven.said == "layer norm has one view here: it keeps no running statistics to show over time"


async def test_behind_batch_norms_only_they_make_the_modes_differ() -> None:
    async with page() as (driven, _):
        await driven.press("right", "tab", "n", "n")
        assert (
            "Group norm has no running statistics; the modes differ by the batch norms before" in driven.text
        )


async def test_batch_norm_goes_on_beside_another_norm() -> None:
    async with page() as (driven, screen):
        for _ in range(3):
            await driven.press("right")
        expected = norm_session(screen).norm
        await driven.press("r", "n", "right", "right", "right", "N", "v")
        assert norm_session(screen).norm.running_mean == pytest.approx(expected.running_mean)
        assert row(driven, "mean μ")[3] == number(float(expected.running_mean[0]))


async def test_images_are_gone_through() -> None:
    async with page() as (driven, screen):
        await driven.press("n")
        image = place(driven)[0]
        await driven.press("i")
        assert place(driven)[0] == image + 1
        assert f"i image‹{image + 1}›" in driven.text
        await driven.press("up", "up", "down", "I")
        assert place(driven)[0] == image
        await driven.press("colon")
        await driven.enter("image 5")
        assert place(driven)[0] == 5
        await driven.press("colon")
        await driven.enter("image 128")
        assert driven.said == "image 128: must be from 0 to 127, counted in the mini-batch"
        await driven.press("escape", "Z", "Z", "Z", "Z", "Z", "Z")
        await settled(driven)
        assert norm_session(screen).batch_size == 2
        assert place(driven)[0] == 1


@pytest.mark.parametrize("kind", ["layer", "group", "instance"])
async def test_gamma_and_beta_can_undo_each_norm(kind: str) -> None:
    async with page() as (driven, screen):
        await driven.press("colon")
        await driven.enter(f"norm {kind}")
        await driven.press("c", "x")
        x = next(line for line in driven.lines if line.startswith(" x = ")).split()[2]
        y = next(line for line in driven.lines if line.startswith(" y = ")).split()[-1]
        assert float(y) == pytest.approx(float(x), abs=1e-4)
        await driven.press("x")
        assert (norm_session(screen).gamma, norm_session(screen).beta) == (1, 0)


async def test_one_value_is_refused_as_torch_does() -> None:
    async with page(recipe=Recipe(data=SMALL.data, channels=(4, 4, 4))) as (driven, screen):
        await driven.press("tab", "tab", "N")
        assert norm_session(screen).choice.kind == "batch"
        refused = "input [128, 4, 1, 1]: one value per channel of an image; instance norm needs at least two"
        assert driven.said == refused
        with pytest.raises(ValueError, match="more than 1 spatial element"):
            functional.instance_norm(torch.zeros(128, 4, 1, 1))
        await driven.press("n")
        assert "instance refused: one value has no variance" in driven.text
        await driven.press("shift+tab", "N", "N")
        assert norm_session(screen).choice.kind == "instance"
        await driven.press("tab")
        assert driven.said == refused


async def test_views_of_a_small_terminal() -> None:
    async with page(size=(80, 24)) as (driven, _):
        await driven.press("n")
        assert "share a mean" in driven.text
        assert "y after" not in driven.text
        await driven.press("v")
        assert "y after" in driven.text
        assert "share a mean" not in driven.text
        await driven.press("v", "n", "n", "n", "v")
        assert "y after" in driven.text
        assert "unbiased" in driven.text


async def test_a_session_is_saved_with_its_norm_and_opened_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with page() as (driven, _):
        await driven.press("d", "s")
        await driven.enter("mine")
        await driven.press("n")
    assert session_file.load(Path("mine.toml")).norm == NormChoice("group", 4)
    async with opened(session_file.load(Path("mine.toml")), trainer=trainer_of(), recipe=SMALL) as driven:
        await driven.press("4")
        await settled(driven)
        assert "group norm of 4 groups" in driven.text
        session_file.save(lesson(), Path("plain.toml"))
        await driven.press("o")
        await driven.enter("plain.toml")
        assert "n norm‹batch›" in driven.text
        await driven.press("o")
        await driven.enter("mine.toml")
        assert "group norm of 4 groups" in driven.text


def test_render_draws_the_norm_of_the_session(tmp_path: Path) -> None:
    session = replace(lesson(), norm=NormChoice("instance"))
    session_file.save(session, tmp_path / "mine.toml")
    out = tmp_path / "out.txt"
    wanted = [str(tmp_path / "mine.toml"), "--screen", "batchnorm", "--size", "80x24"]
    assert cli.main(["render", str(out), *wanted]) == 0
    assert "instance norm in place of layer 3 bn" in out.read_text("utf-8")
