"""The features view as pictures: pytest --snapshot-update takes new ones, to be looked at.

The run's weights, and what is found out about them, are made up: no process, no PyTorch.
"""

from collections.abc import Callable

import numpy as np
import pytest
from textual.pilot import Pilot

from convtui.app.app import ConvtuiApp
from convtui.state.network import Stack
from convtui.state.session import Overlay, Panel, Session
from convtui.training.datasets.open_any import load, picture
from convtui.training.exploring import (
    Ablate,
    Ablating,
    Excited,
    ExcitedLayer,
    Explain,
    Explaining,
    Explore,
    Exploring,
    Hidden,
    Occluded,
)
from convtui.training.messages import Message
from convtui.training.runs.explored import keeping
from convtui.training.runs.learned_layers import trained_layers
from convtui.training.runs.store import Run
from convtui.training.trainer import Trainer
from tests.support.example_sessions import lesson, session_on
from tests.support.kept_runs import made_up_run

WIDE, USUAL = (120, 40), (80, 24)
IMAGES = 2000
CONVS, FILTERS, SIDES = (1, 4, 7), (8, 16, 10), (14, 7, 4)


def excited(filters: int, side: int, random: np.random.Generator) -> ExcitedLayer:
    """Nine places of every filter but the last."""
    count = (filters - 1) * 9
    values = -np.sort(-random.uniform(2, 9, (filters - 1, 9)), axis=1)
    return ExcitedLayer(
        means=(0.2,) * filters,
        positive=(IMAGES,) * (filters - 1) + (0,),
        filters=tuple(at // 9 for at in range(count)),
        images=tuple(random.integers(0, IMAGES, count).tolist()),
        rows=tuple(random.integers(side // 4, side - side // 4, count).tolist()),
        columns=tuple(random.integers(side // 4, side - side // 4, count).tolist()),
        values=tuple(values.ravel().round(3).tolist()),
    )


def keep(run: Run, job: Message, events: list[Message], pixels: np.ndarray | None = None) -> None:
    with keeping(run.path, job, events[0], pixels) as keeper:
        for each in events[1:]:
            keeper.add(each)


def explored_run() -> tuple[Run, Session]:
    """A run of which everything is known, and its layers over a 9."""
    run, random = made_up_run(), np.random.default_rng(3)
    step, digest = run.latest_checkpoint().step, run.latest_checkpoint().digest
    begun = Exploring(step, digest, IMAGES, IMAGES, CONVS, tuple(each + 1 for each in CONVS), FILTERS)
    layers = tuple(excited(*each, random) for each in zip(FILTERS, SIDES, strict=True))
    keep(run, Explore(str(run.path)), [begun, Excited(IMAGES, layers)])
    for layer, filters in zip(CONVS, FILTERS, strict=True):
        without = tuple((1972 - random.integers(0, 300, filters)).tolist())
        ablating = Ablating(step, digest, IMAGES, layer, layer + 1, filters)
        keep(run, Ablate(str(run.path), step, layer), [ablating, Hidden(IMAGES, 1972, without)])
    image = picture(load("mnist-12k"), "test", 7, normalised=True)
    label = 4
    probabilities = np.full(10, 0.002)
    probabilities[label] = 0.982
    y, x = np.mgrid[:28, :28]
    bump = np.exp(-((y - 12) ** 2 + (x - 14) ** 2) / 30)
    explaining = Explaining(
        *(step, digest, label, (1, 28, 28), 5, 1),
        tuple(np.log(probabilities).tolist()),
        tuple(probabilities.tolist()),
        (tuple(map(tuple, (bump * np.sin(x / 2)).round(4).tolist())),),
    )
    rows = [Occluded(tuple(row)) for row in (0.982 - 0.7 * bump).round(4).tolist()]
    job = Explain(str(run.path), step, label)
    keep(run, job, [explaining, *rows], image.pixels.astype(np.float32))
    session = trained_layers(lesson(), run, image).with_view(features=True, explained=label)
    return run, session.with_stack(session.stack.at(1, (0, 7, 7)))


def untrained() -> Session:
    session = session_on("mnist-7")
    stack = Stack.chosen("simple-cnn", session.picture.pixels.shape)
    return session.with_stack(stack.at(3)).with_view(features=True)


SHOTS: dict[str, tuple[dict[str, object], list[str], tuple[int, int], str]] = {
    "patches": ({}, ["right"], WIDE, "dark"),
    "patches-light": ({}, ["down"], WIDE, "light"),
    "deep": ({}, ["tab", "tab", "tab", "right", "right"], WIDE, "dark"),
    "accuracy": ({"panel": Panel.ACCURACY}, ["tab", "tab", "tab", "right"], WIDE, "dark"),
    "occlusion": ({"panel": Panel.CLASS, "overlay": Overlay.OCCLUSION}, [], WIDE, "dark"),
    "class-alone-light": (
        {"panel": Panel.CLASS, "overlay": Overlay.GRADIENT, "panel_alone": True},
        [],
        (160, 40),
        "light",
    ),
    "kernel-80x24": ({}, ["tab", "tab", "tab"], USUAL, "dark"),
    "patches-80x24": ({"panel": Panel.PATCHES}, ["right"], USUAL, "dark"),
    "patches-alone-80x24-light": (
        {"panel": Panel.PATCHES, "panel_alone": True},
        ["tab", "tab", "tab"],
        USUAL,
        "light",
    ),
    "accuracy-80x24": ({"panel": Panel.ACCURACY}, ["X"], USUAL, "dark"),
    "gradient-80x24": ({"panel": Panel.CLASS, "overlay": Overlay.GRADIENT}, [], USUAL, "dark"),
}


@pytest.mark.parametrize("name", SHOTS)
def test_screens(name: str, snap_compare: Callable[..., bool]) -> None:
    view, keys, size, theme = SHOTS[name]
    _, session = explored_run()
    app = ConvtuiApp(session.with_view(**view), theme=theme, autosave=False, trainer=Trainer(None))

    async def press(pilot: Pilot[None]) -> None:
        await pilot.press("3", *keys)
        for _ in range(4):
            await app.workers.wait_for_complete()
            await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=press)


@pytest.mark.parametrize(("size", "theme"), [(WIDE, "dark"), (USUAL, "light")])
def test_random_weights(size: tuple[int, int], theme: str, snap_compare: Callable[..., bool]) -> None:
    app = ConvtuiApp(untrained(), theme=theme, autosave=False, trainer=Trainer(None))

    async def press(pilot: Pilot[None]) -> None:
        await pilot.press("3")
        await app.workers.wait_for_complete()
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=press)
