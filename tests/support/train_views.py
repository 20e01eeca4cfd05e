"""Views of the Train page with made-up figures."""

from typing import TypeVar

import numpy as np

from convtui.pages.train.figures import (
    Arm,
    Curves,
    CurvesView,
    FinderView,
    Kernels,
    LayerFigures,
    LayerHistory,
    LayersView,
    Predictions,
    RunRow,
    RunsView,
    Schedule,
    Status,
    TrainView,
    WeightCurves,
    WeightStep,
    WeightView,
)
from convtui.paint.band import Band

TOTAL, EPOCH = 390, 78
GUESSING = float(np.log(10))
View = TypeVar("View", bound=TrainView)


def status(step: int = 234, state: str = "training") -> Status:
    return Status(state, "run 12", step, TOTAL, step // EPOCH + 1, 5, 71.3, 3.4, 2.2, "space pauses")


def curves(name: str = "one-cycle", colour: int = 0, step: int = 234, final: float = 0.05) -> Curves:
    steps = np.arange(1.0, step + 1)
    smooth = 2.3 * np.exp(-steps / 40) + final
    epochs = np.arange(1.0, step // EPOCH + 1)
    accuracies = 1 - 0.1 / epochs
    return Curves(
        name,
        colour,
        GUESSING,
        TOTAL,
        5,
        steps,
        smooth * (1 + 0.2 * np.sin(steps)),
        smooth,
        epochs,
        epochs * EPOCH,
        0.3 / epochs,
        accuracies,
    )


def schedule(step: int = 234) -> Schedule:
    phase = np.pi * np.arange(TOTAL) / TOTAL
    return Schedule(0.06 * np.sin(phase), 0.95 - 0.1 * np.sin(phase), step, "beta1")


def kernels(count: int = 8, channels: int = 1, size: int = 5) -> Kernels:
    values = np.random.default_rng(0).normal(0, 0.3, (count, channels, size, size))
    return Kernels(values)


def predictions(count: int = 16, side: int = 28, channels: int = 1) -> Predictions:
    images = np.random.default_rng(0).uniform(0, 1, (count, channels, side, side))
    labels = tuple(str(at % 10) for at in range(count))
    predicted = tuple("1" if at == 3 else label for at, label in enumerate(labels))
    return Predictions(images, labels, predicted, (0.987,) * count)


LAYERS = tuple(
    LayerFigures(2 * at + 1, f"conv 3x3 {8 * at + 8} s2 p1", "after relu", 0.1 * at, 0.5 + at, 0.4, 1.5 + at)
    for at in range(5)
)


def history(times: int = 58) -> LayerHistory:
    figures = np.abs(np.random.default_rng(0).normal(0.5, 0.1, (4, times, len(LAYERS))))
    return LayerHistory(np.arange(1.0, times + 1) * 4, *figures)


def band(times: int = 58) -> Band:
    counts = np.random.default_rng(0).integers(0, 99, (times, 40)).astype(float)
    return Band("layer 3: after relu", np.arange(1.0, times + 1) * 4, counts, 0, 10, TOTAL)


WEIGHT = WeightStep(
    "adamw",
    234,
    0.0412,
    0.87,
    0.99,
    1e-5,
    0.01,
    0.12345,
    -0.0023,
    0.007531,
    3.4e-5,
    -5.086e-05,
    -0.050584,
    0.072866,
    0.009,
)


def trace(steps: int = 100) -> WeightCurves:
    each = np.arange(1.0, steps + 1)
    after, gradients, buffers, updates = (np.sin(each / scale) / 10 for scale in (5, 2, 9, 4))
    return WeightCurves(each, after, gradients, buffers, updates, np.full(steps, 0.9))


ROWS = tuple(
    RunRow(
        str(20 - at),
        f"one-cycle 0.06 + batch norm, AdamW, seed {at}",
        "finished",
        5,
        5,
        0.98,
        0.07,
        6.2,
        at if at < 4 else None,
    )
    for at in range(20)
)
ARMS = (
    Arm("constant", False, 0.1, True, 2.3041, 0),
    Arm("constant", True, 0.9633, True, 0.12, 1),
    Arm("one-cycle", False, 0.966, True, 0.11, 2),
    Arm("one-cycle", True, 0.9874, True, 0.05, 3),
)


def views() -> dict[str, TrainView]:
    """One of each kind and of what can be missing in it."""
    nothing = np.zeros(0)
    ready = Status("ready", words="mnist-12k")
    several = tuple(curves(f"run {at}", at) for at in range(4))
    rates = np.geomspace(1e-6, 1, 80)
    none = LayerHistory(nothing, *[np.zeros((0, 0))] * 4)
    return {
        "curves": CurvesView(status(), (curves(),), schedule(), kernels(), predictions()),
        "overlaid": CurvesView(status(), several, schedule(), kernels(), predictions(), log_loss=True),
        "invitation": CurvesView(
            ready, (), schedule(0), None, predictions(), ("space starts a run", "", "and more")
        ),
        "layers": LayersView(status(), LAYERS, 1, band(), history()),
        "no layers": LayersView(ready, (), 0, band(0), none),
        "weight": WeightView(
            status(), "layer 1, weight [3, 0, 2, 2]", WEIGHT, trace(), history(), LAYERS, 0, (0, TOTAL)
        ),
        "no weight": WeightView(ready, "layer 1", None, trace(0), none, (), 0, (0, 1)),
        "runs": RunsView(status(), ROWS, 7, several),
        "comparison": RunsView(status(), ROWS[:4], 0, several, ARMS, 0.06, 10),
        "no runs": RunsView(ready, (), 0, ()),
        "finder": FinderView(status(), rates, 1 / rates.clip(0.3), 2 - rates, 0.06, 0.0123, 0.045, 0.02),
        "no tries": FinderView(ready, nothing, nothing, nothing, 0.06),
    }


def view_of(kind: type[View], name: str) -> View:
    """The one of this name, which is of this kind."""
    view = views()[name]
    assert isinstance(view, kind)
    return view
