"""What it costs to look into a network, beside the training that it explains: the recipe as it is by default.

python -m tests.benchmarks.features measures in this process and prints JSON. features_figures has a process
of its own for it, with a folder for runs that is thrown away.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import Final

from tests.benchmarks.report import Figure

ROUNDS: Final = 3
PATCHES: Final = "nine patches of every filter"
ABLATIONS: Final = "every filter hidden in turn"
EXPLANATION: Final = "gradient and occlusion of an image"
TRAINING: Final = "the training"


def features_figures() -> Iterator[Figure]:
    """Each measurement beside the training. Raises subprocess.CalledProcessError."""
    command = [sys.executable, "-m", "tests.benchmarks.features"]
    with tempfile.TemporaryDirectory(prefix="convtui-runs-") as folder:
        environment = os.environ | {"XDG_DATA_HOME": folder}
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    seconds = {name: median(each) for name, each in json.loads(done.stdout).items()}
    training = seconds.pop(TRAINING)
    for name, each in seconds.items():
        yield Figure(name, "ms", 1000 * each, TRAINING, 1000 * training, target=1.0)


def measured() -> dict[str, list[float]]:
    """Seconds of the training and of each measurement of it, by turns; a run for each round."""
    from convtui.training.datasets.open_any import fingerprint, load
    from convtui.training.exploring import Ablate, Explain, Explore
    from convtui.training.process.features import look_into
    from convtui.training.process.looked_into import looked_into
    from convtui.training.process.loop import Training
    from convtui.training.recipe import Recipe
    from convtui.training.runs.store import new_run

    data = load(Recipe().data)
    seconds: dict[str, list[float]] = {}
    for seed in range(ROUNDS):
        recipe = Recipe(seed=seed)
        run = new_run(recipe, fingerprint(data))
        began = perf_counter()
        training = Training(recipe, data)
        for _ in training.events():
            pass
        seconds.setdefault(TRAINING, []).append(perf_counter() - began)
        with run.locked():
            run.save(training.checkpoint())
        path = str(run.path)
        layers = looked_into(run, data, None).passes.convolutions
        jobs_by_name: dict[str, list[Explore | Ablate | Explain]] = {
            PATCHES: [Explore(path)],
            ABLATIONS: [Ablate(path, None, layer) for layer in layers],
            EXPLANATION: [Explain(path, None, 3, image=0)],
        }
        for name, jobs in jobs_by_name.items():
            began = perf_counter()
            for job in jobs:
                for _ in look_into(run, data, job):
                    pass
            seconds.setdefault(name, []).append(perf_counter() - began)
    return seconds


if __name__ == "__main__":
    print(json.dumps(measured()))
