"""The training loop in a bare script: for every line it reads it does a run, and prints its steps a second.

Its argument is the number of epochs. A line is "captured" for the loop as the worker runs it, all that is
shown measured, or "bare" for the training alone. The first epoch is not counted. Once it can begin it prints
"ready".
"""

import sys
from time import perf_counter

from convtui.training.datasets.open_any import load
from convtui.training.process.loop import Training
from convtui.training.protocol import Epoch
from convtui.training.recipe import Recipe


def steps_a_second(training: Training) -> float:
    """From the end of the first epoch to the end of the last, the evaluations between them included."""
    ends = [perf_counter() for event in training.events() if isinstance(event, Epoch)]
    return training.steps_per_epoch * (len(ends) - 1) / (ends[-1] - ends[0])


def main() -> None:
    recipe = Recipe(epochs=int(sys.argv[1]))
    data = load(recipe.data)
    print("ready", flush=True)
    for line in sys.stdin:
        print(steps_a_second(Training(recipe, data, capture=line.strip() == "captured")), flush=True)


if __name__ == "__main__":
    main()
