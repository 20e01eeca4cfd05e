"""The Norms page as pictures: pytest --snapshot-update takes new ones, to be looked at."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from textual.pilot import Pilot

from convtui.app.app import ConvtuiApp
from convtui.training.recipe import Recipe
from convtui.training.trainer import Trainer
from tests.support.example_sessions import lesson
from tests.support.norm_worker import CONVOLUTIONS, NORMS, NormWorker, made_up_run, trainer_with

WIDE, USUAL, LEAST = (120, 40), (80, 24), (60, 20)


@dataclass(frozen=True)
class Shot:
    """The keys pressed, the terminal, and whether the network has batch norms."""

    keys: list[str] = field(default_factory=list)
    size: tuple[int, int] = WIDE
    theme: str = "dark"
    batch_norm: bool = True


SHOTS = {
    "first": Shot(),
    "first-light": Shot(theme="light"),
    "first-80x24": Shot(size=USUAL),
    "first-60x20": Shot(size=LEAST),
    "twelve-batches": Shot(["right"] * 12 + ["g"] * 5 + ["b"] * 3),
    "evaluation-80x24-light": Shot(["right", "right", "t"], USUAL, "light"),
    "deep": Shot(["tab", "tab", "c", "c", "right"], WIDE, "light"),
    "means-and-variances": Shot(["right"] * 8 + ["v"]),
    "means-80x24": Shot(["right"] * 8 + ["v"], USUAL),
    "variances-60x20-light": Shot(["v", "v"], LEAST, "light"),
    "average-80x24": Shot(["right"] * 3 + ["M", "M", "M"], USUAL),
    "added": Shot(["right"], batch_norm=False),
    "layer": Shot(["n", "c"]),
    "group-light": Shot(["tab", "right", "n", "n", "c", "c"], theme="light"),
    "group-80x24": Shot(["n", "n"], USUAL),
    "group-60x20-light": Shot(["n", "d", "c"], LEAST, "light"),
    "instance-80x24-light": Shot(["tab", "n", "n", "n", "i"], USUAL, "light"),
    "instance-values-80x24": Shot(["n", "n", "n", "v"], USUAL),
    "batch-among-norms": Shot(["right", *"nnnn"]),
    "batch-among-norms-evaluation-80x24": Shot(["right", *"nnnn", "t"], USUAL),
    "refused": Shot(["tab"] * 4 + ["n", "n"]),
}


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison of sizes takes most of the time."""
    monkeypatch.setattr("convtui.pages.batchnorm.background.DRAWS", 6)


async def settled(pilot: Pilot[None]) -> None:
    for _ in range(3):
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()


def pressing(keys: list[str]) -> Callable[[Pilot[None]], object]:
    async def press(pilot: Pilot[None]) -> None:
        await pilot.press("4")
        await settled(pilot)
        await pilot.press(*keys)
        await settled(pilot)

    return press


@pytest.mark.parametrize("name", SHOTS)
def test_screens(name: str, snap_compare: Callable[..., bool]) -> None:
    shot = SHOTS[name]
    recipe, trainer = Recipe(batch_norm=shot.batch_norm), Trainer(start=None)
    app = ConvtuiApp(lesson(), theme=shot.theme, autosave=False, trainer=trainer, recipe=recipe)
    assert snap_compare(app, terminal_size=shot.size, run_before=pressing(shot.keys))


OWN = {
    "own": (NORMS, ["right", "right"], WIDE, "dark"),
    "own-80x24-light": (NORMS, ["tab", "right"], USUAL, "light"),
    "own-added-60x20": (CONVOLUTIONS, [], LEAST, "dark"),
}


@pytest.mark.parametrize("name", OWN)
def test_norms_of_a_run_of_the_users_network(name: str, snap_compare: Callable[..., bool]) -> None:
    places, keys, size, theme = OWN[name]
    run = made_up_run(places)
    trainer = trainer_with(NormWorker(places), run)
    app = ConvtuiApp(lesson(), theme=theme, autosave=False, trainer=trainer, recipe=run.recipe)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("4")
        for key in ["", *keys, ""]:
            await pilot.press(*filter(None, [key]))
            for _ in range(4):
                await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=act)


def test_without_colour(snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = ConvtuiApp(lesson(), autosave=False, trainer=Trainer(start=None))
    assert snap_compare(app, terminal_size=WIDE, run_before=pressing(["right"]))


def test_norms_without_colour(snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = ConvtuiApp(lesson(), autosave=False, trainer=Trainer(start=None))
    assert snap_compare(app, terminal_size=USUAL, run_before=pressing(["n", "n"]))
