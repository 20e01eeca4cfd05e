"""The time to the same accuracy by convtui, PyTorch and fastai: python -m tests.benchmarks.against_fastai.

Every arm of arms.py runs in a process of its own, one after another, and that for several rounds: so the
machine's mood falls on all alike.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from tests.benchmarks.report import Figure, compared, machine, show

ARMS: Final = ("plain-pytorch", "convtui-bare", "convtui-run", "fastai-bare", "fastai-stats")
ACCURACY: Final = 0.98


@dataclass(frozen=True)
class Result:
    """Seconds of training after every epoch and the accuracy then."""

    laps: list[tuple[float, float]]

    @property
    def seconds(self) -> float:
        return self.laps[-1][0]

    @property
    def accuracy(self) -> float:
        return self.laps[-1][1]

    @property
    def seconds_to_accuracy(self) -> float | None:
        """Seconds until the end of the first epoch that reached ACCURACY."""
        return next((seconds for seconds, accuracy in self.laps if accuracy >= ACCURACY), None)


def run(arm: str, seed: int) -> Result:
    """One arm in a process of its own. Raises subprocess.CalledProcessError."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.arms", arm, "--seed", str(seed)]
    with TemporaryDirectory(prefix="convtui-runs-") as home:
        environment = os.environ | {"XDG_DATA_HOME": home, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return Result([(seconds, accuracy) for seconds, accuracy in json.loads(done.stdout.splitlines()[-1])])


def measured(rounds: int) -> dict[str, list[Result]]:
    """The results of every arm, a round for each seed. Raises subprocess.CalledProcessError."""
    results: dict[str, list[Result]] = {arm: [] for arm in ARMS}
    for seed in range(rounds):
        for arm, of_arm in results.items():
            of_arm.append(run(arm, seed))
    return results


def figures(results: dict[str, list[Result]]) -> Iterator[Figure]:
    """Every arm beside the one that it is to be compared with: medians of the rounds."""
    for ours, other, most in (
        ("convtui-bare", "plain-pytorch", None),
        ("convtui-bare", "fastai-bare", None),
        ("convtui-run", "convtui-bare", 1.1),
        ("convtui-run", "fastai-bare", None),
        ("convtui-run", "fastai-stats", 0.5),
    ):
        both = {ours: results[ours], other: results[other]}
        yield compared(f"{ours}, training", "s", both, seconds, most)
        if other == "fastai-stats":
            yield compared(f"  to {ACCURACY:.0%} accuracy", "s", both, seconds_to_accuracy, most)


def seconds(results: list[Result]) -> float:
    return median(each.seconds for each in results)


def seconds_to_accuracy(results: list[Result]) -> float | None:
    """None where a round did not get there."""
    times = [time for each in results if (time := each.seconds_to_accuracy) is not None]
    return median(times) if len(times) == len(results) else None


def table(results: dict[str, list[Result]]) -> str:
    """Every arm's seconds and accuracy: medians of the rounds."""
    lines = [f"{'':<16}{'training':>12}{'accuracy':>12}{f'to {ACCURACY:.0%}':>12}"]
    for arm, of_arm in results.items():
        time = seconds_to_accuracy(of_arm)
        reached = "-" if time is None else f"{time:.2f} s"
        accuracy = median(each.accuracy for each in of_arm)
        lines.append(f"{arm:<16}{f'{seconds(of_arm):.2f} s':>12}{accuracy:>12.2%}{reached:>12}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.against_fastai", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often every arm runs (5)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the tables")
    options = parser.parse_args()
    try:
        results = measured(options.rounds)
    except subprocess.CalledProcessError as error:
        print(error.stderr, error, sep="\n", file=sys.stderr)
        return 1
    if not options.json:
        print(table(results), end="\n\n")
    show(list(figures(results)), machine("torch", "fastai"), options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
