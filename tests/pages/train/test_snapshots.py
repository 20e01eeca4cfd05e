"""The Train page as pictures: pytest --snapshot-update takes new ones, to be looked at.

What is told comes from made-up events, times among them: no process, no PyTorch and no clock.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import pytest
from textual.pilot import Pilot

from convtui.app.app import ConvtuiApp
from convtui.pages.train.view_maker import Tab
from convtui.training.laboratory import RATES
from convtui.training.own_network import OwnNetwork
from convtui.training.protocol import (
    Begun,
    NamedModule,
    Paused,
    Ready,
    Replayed,
    Snapshot,
    Stopped,
    Train,
)
from convtui.training.recipe import Recipe
from convtui.training.trainer import Trainer
from tests.support import events as made
from tests.support.example_sessions import lesson
from tests.support.measured_runs import keep_decays
from tests.support.train_page import Training, keep
from tests.support.workers import FakeWorkers

OWN = Recipe(network=OwnNetwork("/home/me/net.py:Net"), max_lr=0.001)
OWN_KEPT = replace(OWN, network=OwnNetwork("/home/me/net.py:Net").begun([]))
WIDE, USUAL = (120, 40), (80, 24)

Act = Callable[[Training], Awaitable[None]]


async def nothing(driven: Training) -> None:
    await driven.settled()


async def starting(driven: Training) -> None:
    await driven.press("space")
    await driven.tell(Ready())


async def under_way(driven: Training) -> None:
    await driven.press("space")
    await driven.tell(*made.events(until=52))


async def paused(driven: Training) -> None:
    await under_way(driven)
    await driven.tell(Paused(52))


async def paused_at_a_weight(driven: Training) -> None:
    await paused(driven)
    await driven.turn_to(Tab.WEIGHT)


async def layers(driven: Training) -> None:
    await under_way(driven)
    await driven.turn_to(Tab.LAYERS)
    await driven.press("down")


async def finished(driven: Training) -> None:
    await driven.press("space")
    await driven.tell(*made.events())


async def looking_back(driven: Training) -> None:
    await finished(driven)
    await driven.press(":")
    await driven.enter("step 38")


async def looking_back_at_the_layers(driven: Training) -> None:
    await looking_back(driven)
    await driven.turn_to(Tab.LAYERS)
    await driven.press("down")


async def looking_back_at_a_weight(driven: Training) -> None:
    await looking_back(driven)
    await driven.turn_to(Tab.WEIGHT)
    await driven.press("right")
    steps = [replace(made.step(at), watched=made.watched(at, (0, 0, 2, 3))) for at in range(30, 55)]
    await driven.tell(*steps, Replayed(54))


async def failed(driven: Training) -> None:
    await under_way(driven)
    driven.worker.die("was killed by SIGKILL")
    await driven.settled()


async def comparison(driven: Training) -> None:
    await driven.press("c")
    for number, accuracy in enumerate((0.1, 0.963, 0.966, 0.987), 1):
        told = driven.told[-1]
        assert isinstance(told, Train)
        await driven.tell(*made.events(told.recipe, run=f"/runs/000{number}", accuracy=accuracy))


async def finder(driven: Training) -> None:
    await driven.press("f")
    await driven.tell(*made.search())


async def laboratory(driven: Training) -> None:
    await driven.press("C")
    await driven.settled()


async def decays(driven: Training) -> None:
    keep_decays(Recipe())
    await laboratory(driven)


async def sharpness(driven: Training) -> None:
    await decays(driven)
    await driven.press("right", "right")
    await driven.settled()


async def rates(driven: Training) -> None:
    for schedule in ("constant", "one-cycle"):
        keep(*(replace(Recipe(), schedule=schedule, max_lr=rate) for rate in RATES))
    await driven.press(*["C"] * 6)
    await driven.settled()


async def own_decays(driven: Training) -> None:
    keep_decays(OWN_KEPT)
    await laboratory(driven)


async def own_norms(driven: Training) -> None:
    await laboratory(driven)
    await driven.press("C", "C")
    await driven.settled()


async def own_replay(driven: Training) -> None:
    module = NamedModule(1, "features.0", "Conv2d", (4, 1, 5, 5))
    events = [
        replace(each, modules=(module,), layers="") if isinstance(each, Begun) else each
        for each in made.events(replace(OWN_KEPT, device="cuda"))
        if not isinstance(each, Snapshot)
    ]
    await driven.press("space")
    await driven.tell(*events)
    await driven.turn_to(Tab.WEIGHT)
    again = [replace(made.step(at), watched=made.watched(at, (0, 0, 2, 1))) for at in range(92, 101)]
    await driven.press("left")
    await driven.tell(Replayed(100))
    await driven.tell(*again, Replayed(100))


@dataclass(frozen=True)
class Shot:
    """What is done, and the terminal."""

    act: Act
    size: tuple[int, int] = WIDE
    theme: str = "dark"
    recipe: Recipe = field(default_factory=Recipe)


SHOTS = {
    "before": Shot(nothing),
    "before-80x24-light": Shot(nothing, USUAL, "light"),
    "starting-80x24": Shot(starting, USUAL, recipe=replace(Recipe(), batch_norm=False)),
    "under-way": Shot(under_way),
    "under-way-light": Shot(under_way, theme="light"),
    "paused-80x24": Shot(paused, USUAL),
    "weight": Shot(paused_at_a_weight),
    "weight-80x24-light": Shot(paused_at_a_weight, USUAL, "light"),
    "layers": Shot(layers),
    "looking-back": Shot(looking_back),
    "looking-back-80x24-light": Shot(looking_back, USUAL, "light"),
    "looking-back-layers": Shot(looking_back_at_the_layers),
    "looking-back-layers-80x24": Shot(looking_back_at_the_layers, USUAL),
    "looking-back-weight-light": Shot(looking_back_at_a_weight, theme="light"),
    "looking-back-weight-80x24": Shot(looking_back_at_a_weight, USUAL),
    "layers-80x24-light": Shot(layers, USUAL, "light"),
    "finished": Shot(finished),
    "failed-80x24": Shot(failed, USUAL),
    "comparison": Shot(comparison),
    "comparison-80x24-light": Shot(comparison, USUAL, "light"),
    "finder": Shot(finder),
    "finder-80x24-light": Shot(finder, USUAL, "light"),
    "laboratory": Shot(laboratory),
    "laboratory-80x24-light": Shot(laboratory, USUAL, "light"),
    "decays": Shot(decays),
    "decays-light": Shot(decays, theme="light"),
    "sharpness-80x24": Shot(sharpness, USUAL),
    "rates": Shot(rates),
    "rates-80x24-light": Shot(rates, USUAL, "light"),
    "own-decays": Shot(own_decays, recipe=OWN),
    "own-norms-80x24-light": Shot(own_norms, USUAL, "light", OWN),
    "own-replay": Shot(own_replay, recipe=OWN),
}


def taken(shot: Shot, snap_compare: Callable[..., bool]) -> bool:
    workers = FakeWorkers()
    trainer = Trainer(workers.start)
    app = ConvtuiApp(lesson(), autosave=False, theme=shot.theme, trainer=trainer, recipe=shot.recipe)

    async def act(pilot: Pilot[None]) -> None:
        driven = Training(app, pilot, workers)
        await driven.press("5")
        await driven.settled()
        await shot.act(driven)
        driven.trainer._listeners.clear()
        if not driven.worker.is_ended:
            driven.worker.tell(Stopped(0))

    return snap_compare(app, terminal_size=shot.size, run_before=act)


@pytest.mark.parametrize("name", SHOTS)
def test_screens(name: str, snap_compare: Callable[..., bool]) -> None:
    assert taken(SHOTS[name], snap_compare)


def test_without_colour(snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert taken(Shot(under_way), snap_compare)
