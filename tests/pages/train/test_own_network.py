"""The Train page with a network of the user's: what its real training process tells, as pictures and by keys.

Only the seconds are made up, and pictures of the run that came when there was time for them are left out.
"""

import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from math import nan
from pathlib import Path

import pytest
from textual.pilot import Pilot

from convtui.app.app import ConvtuiApp
from convtui.app.command_menu import commands
from convtui.pages.base.help import HelpScreen, help_text
from convtui.pages.train import run_figures
from convtui.pages.train.figures import LayersView, Status
from convtui.pages.train.tables import layers_table
from convtui.pages.train.view_maker import Tab
from convtui.paint.colours import DARK
from convtui.training.messages import Message
from convtui.training.own_network import OwnNetwork
from convtui.training.protocol import (
    Epoch,
    Failed,
    Finished,
    Go,
    LayerStatistics,
    NamedModule,
    OneStep,
    Paused,
    Snapshot,
    Stepped,
    Stopped,
    Train,
)
from convtui.training.recipe import Recipe
from convtui.training.runs.history import RunHistory, State
from convtui.training.trainer import Trainer, start_worker
from tests.support import events as made
from tests.support.example_sessions import lesson
from tests.support.lines import texts
from tests.support.processes import process
from tests.support.train_page import Training
from tests.support.workers import FakeWorkers

FILE = Path(__file__).parents[2] / "support" / "trained_networks.py"
WIDE, USUAL = (120, 40), (80, 24)
SINGLE = 12  # steps, of each of which there is a picture
SECONDS_A_STEP = 0.02


def recipe(code: Path, name: str = "Mixed") -> Recipe:
    network = OwnNetwork(f"{code}:{name}")
    return Recipe(data="digits-8x8", batch_size=64, epochs=3, max_lr=0.01, network=network)


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copy(FILE, tmp_path_factory.mktemp("code") / "net.py"))


@pytest.fixture(scope="module")
def told(code: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Message]:
    """A whole run: some single steps, then the rest."""
    own = recipe(code)
    with process(tmp_path_factory.mktemp("data"), network=own.network) as worker:
        worker.send(Train(own, paused=True))
        events = worker.until(Paused)
        for _ in range(SINGLE):
            worker.send(OneStep())
            events += worker.until(Paused)
        events += worker.job(Go())
    steady = [
        replace(event, seconds=event.step * SECONDS_A_STEP)
        if isinstance(event, Stepped | Epoch | Finished)
        else event
        for event in events
    ]
    last = events[-1]
    assert isinstance(last, Finished)
    return [
        event
        for event in steady
        if not isinstance(event, Snapshot) or event.step <= SINGLE or event.step == last.step
    ]


@pytest.fixture(scope="module")
def refusal(code: Path, tmp_path_factory: pytest.TempPathFactory) -> Message:
    """What is told of a network that cannot be trained."""
    own = replace(recipe(code, "Net"), data="mnist-12k")
    with process(tmp_path_factory.mktemp("data"), network=own.network) as worker:
        worker.send(Train(own))
        return worker.until(Failed)[-1]


async def curves(driven: Training, told: list[Message]) -> None:
    await driven.press("space")
    await driven.tell(*told)


async def single_steps(driven: Training, told: list[Message]) -> None:
    await driven.press("enter")
    at = next(at for at, event in enumerate(told) if isinstance(event, Paused) and event.step == 2)
    await driven.tell(*told[: at + 1])


async def layers(driven: Training, told: list[Message]) -> None:
    await curves(driven, told)
    await driven.turn_to(Tab.LAYERS)
    await driven.press("down", "down")


async def weight(driven: Training, told: list[Message]) -> None:
    await curves(driven, told)
    await driven.turn_to(Tab.WEIGHT)


async def refused(driven: Training, told: list[Message]) -> None:
    await driven.press("space")
    await driven.tell(*told)


async def killed(driven: Training, told: list[Message]) -> None:
    await driven.press("space")
    await driven.tell(*(event for event in told[:60] if not isinstance(event, Paused)))
    await driven.press("x", "x")
    await driven.settled()


@dataclass(frozen=True)
class Shot:
    """What is done, and the terminal."""

    act: Callable[[Training, list[Message]], Awaitable[None]]
    size: tuple[int, int] = WIDE
    theme: str = "dark"


SHOTS = {
    "curves": Shot(curves),
    "curves-80x24-light": Shot(curves, USUAL, "light"),
    "single-steps-light": Shot(single_steps, theme="light"),
    "single-steps-80x24": Shot(single_steps, USUAL),
    "layers": Shot(layers),
    "layers-80x24-light": Shot(layers, USUAL, "light"),
    "weight-light": Shot(weight, theme="light"),
    "weight-80x24": Shot(weight, USUAL),
    "refused": Shot(refused),
    "refused-80x24-light": Shot(refused, USUAL, "light"),
    "killed-80x24": Shot(killed, USUAL),
}


@pytest.mark.parametrize("name", SHOTS)
def test_screens(
    name: str, code: Path, request: pytest.FixtureRequest, snap_compare: Callable[..., bool]
) -> None:
    shot, workers = SHOTS[name], FakeWorkers()
    if shot.act is refused:
        own, events = replace(recipe(code, "Net"), data="mnist-12k"), [request.getfixturevalue("refusal")]
    else:
        own, events = recipe(code), request.getfixturevalue("told")
    trainer = Trainer(workers.start, own.network)
    app = ConvtuiApp(lesson(), autosave=False, theme=shot.theme, trainer=trainer, recipe=own)

    async def act(pilot: Pilot[None]) -> None:
        driven = Training(app, pilot, workers)
        await driven.press("5")
        await driven.settled()
        await shot.act(driven, events)
        driven.trainer._listeners.clear()
        driven.worker.tell(Stopped(0))

    assert snap_compare(app, terminal_size=shot.size, run_before=act)


async def test_it_is_trained_by_keys(code: Path) -> None:
    """By its real process: nothing that cannot be done with it is offered, all of its layers are listed."""
    own = recipe(code)
    trainer = Trainer(partial(start_worker, own.network), own.network)
    app = ConvtuiApp(lesson(), autosave=False, trainer=trainer, recipe=own)
    async with app.run_test(size=WIDE) as pilot:
        driven = Training(app, pilot, FakeWorkers())
        await driven.press("5")
        await pilot.pause()

        async def until(is_so: Callable[[], object]) -> None:
            while not is_so():
                await pilot.pause(0.05)

        footer = driven.train.key_line().plain
        assert "compare" not in footer
        titles = {each.title for each in commands(app, driven.train)}
        assert not any(
            "the lecture's four runs" in each or each.startswith("Batch norm on") for each in titles
        )
        await driven.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        idle = driven.train.idle_actions()
        assert idle == {"compare", "batch_norm(1)", "open_kernels", "open_layers"}
        for words in (
            "four runs",
            "batch norm on or off",
            "open the learned kernels",
            "open the trained layers",
        ):
            assert words in help_text("train").plain
            assert words not in help_text("train", idle).plain
        await driven.press("escape", "c")
        assert "the four runs are of the bundled network" in driven.said
        await driven.press("enter")
        await until(
            lambda: trainer.current and trainer.current.state is State.PAUSED and trainer.current.step
        )
        await driven.turn_to(Tab.LAYERS)
        view = driven.train.views.make()
        assert [(each.number, each.layer) for each in view.layers] == [  # type: ignore[union-attr]
            (1, "conv Conv2d"),
            (2, "norm BatchNorm2d"),
            (3, "up ConvTranspose2d"),
            (4, "line Conv1d"),
            (5, "gru GRU weight_hh_l0"),
            (6, "fc Linear"),
        ]
        await driven.press("down", "down", "down")
        await driven.turn_to(Tab.WEIGHT)
        assert driven.train.views.make().name == "layer 4 line, weight [0, 0, 2]"  # type: ignore[union-attr]
        await driven.press("right", "enter")
        await until(lambda: trainer.current and trainer.current.step == 2)
        shown = driven.train.views.make()
        assert shown.name == "layer 4 line, weight [0, 0, 3]"  # type: ignore[union-attr]
        await until(lambda: driven.train.views.make().weight)  # type: ignore[union-attr]
        await driven.press("x")
        await until(lambda: not trainer.is_busy)
        assert trainer.current
        assert (trainer.current.state, trainer.current.saved) == (State.STOPPED, 2)
        await trainer.end()


def test_a_layer_that_a_step_did_not_call_has_no_figures() -> None:
    called = LayerStatistics(1, 0.5, 1.0, 0.25, 2.0, -5.0, 5.0, (1,) * 40)
    history = RunHistory(Recipe(network=OwnNetwork("/home/me/net.py:Net")))
    modules = tuple(
        NamedModule(number, name, "Linear", (2, 3, 1, 1)) for number, name in ((1, "a"), (2, "b"))
    )
    history.begun = replace(made.begun(), recipe=history.recipe, layers="", modules=modules)
    passed_over = replace(called, layer=2, mean=nan, std=nan, near_zero=nan, counts=(0,) * 40)
    history.take(Snapshot(1, (called, passed_over), (), ()))
    status = Status("training", total_steps=10)
    view = LayersView(
        status,
        run_figures.layers(history),
        1,
        run_figures.band(history, 1),
        run_figures.layer_history(history),
    )
    table = [line.split() for line in texts(layers_table(view, (4, 120), DARK))]
    assert table[1][:6] == ["1", "a", "Linear", "its", "output", "0.500"]
    assert [each for each in table[2] if not each.startswith("█")] == [
        *("▸", "2", "b", "Linear", "not", "called", "–", "–", "–", "2.000")
    ]
    assert run_figures.layer_history(history).steps.tolist() == [1]
