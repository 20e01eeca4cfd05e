"""What it costs to measure a trained network, beside the training run that the figures explain.

The run is that of the default recipe, on the lecture's network, with all that is shown of it captured; its
measurements follow it in the same process.
"""

from collections import defaultdict
from collections.abc import Iterator
from time import perf_counter
from typing import Final

from convtui.training.datasets.open_any import load
from convtui.training.measuring import (
    Curvature,
    DirectionPoint,
    NoisePoint,
    landscape_count,
    noise_count,
)
from convtui.training.messages import Message
from convtui.training.process.laboratory import Laboratory
from convtui.training.process.loop import Training
from convtui.training.recipe import Recipe
from convtui.training.runs.measurements import Measurements
from tests.benchmarks.report import Figure

NAMES: Final[dict[type[Message], str]] = {
    NoisePoint: "loss against noise",
    DirectionPoint: "loss along directions",
    Curvature: "curvature",
}


def laboratory_figures() -> Iterator[Figure]:
    """Seconds of each kind of measurement, and of the longest stretch in which nothing can be asked of it."""
    recipe = Recipe()
    data = load(recipe.data)
    training = Training(recipe, data)
    began = perf_counter()
    for _ in training.events():
        pass
    trained = perf_counter() - began
    seen = training.total_steps * recipe.batch_size
    counts = noise_count(len(data.test_images)), landscape_count(seen, len(data.train_images))
    nothing = Measurements(training.step, "", *counts)
    laboratory = Laboratory(recipe, data, training.checkpoint().weights, nothing)
    seconds, longest = times(laboratory.figures(nothing))
    for kind, name in NAMES.items():
        yield Figure(name, "s", seconds[kind], "training run", trained, target=1.0)
    yield Figure("  longest until it can be stopped", "s", longest, "0.3 s", 0.3, target=1.0)


def times(figures: Iterator[Message | None]) -> tuple[dict[type[Message], float], float]:
    """Seconds for the figures of each kind, and the longest from one stop to the next."""
    seconds: dict[type[Message], float] = defaultdict(float)
    began = before = perf_counter()
    longest = 0.0
    for figure in figures:
        now = perf_counter()
        longest, before = max(longest, now - before), now
        if figure is not None:
            seconds[type(figure)] += now - began
            began = now
    return seconds, longest
