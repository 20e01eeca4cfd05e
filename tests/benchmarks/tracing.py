"""A trace beside a plain forward pass, and beside torchinfo's summary where torchinfo is installed.

The network is ResNet-50's size at 224x224, one thread. python -m tests.benchmarks.tracing NAME measures one
of them in this process and prints JSON: peak memory is that of a process that did nothing else.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

from tests.benchmarks.convolutions import ONE_THREAD
from tests.benchmarks.report import Figure

ROUNDS: Final = 5
SHAPE: Final = (3, 224, 224)
FORWARD, TRACE, SUMMARY, WORKER = "forward", "trace", "summary", "worker"
PEAK: Final = "peak"


def tracing_figures() -> Iterator[Figure]:
    """The table in this process and from a warm one, and memory. Raises subprocess.CalledProcessError."""
    names = [FORWARD, TRACE, WORKER, *([SUMMARY] if find_spec("torchinfo") else [])]
    seconds = {name: _measured(name) for name in names}
    passes, tables = median(seconds[FORWARD]["again"]), median(seconds[TRACE]["again"])
    yield Figure("table of ResNet-50 at 224", "ms", 1000 * tables, "a forward pass", 1000 * passes, 1.5)
    began, worker = seconds[FORWARD]["first"][0], median(seconds[WORKER]["first"])
    yield Figure("the same from a warm worker", "ms", 1000 * worker, "made and passed", 1000 * began, 1.5)
    memory = {name: each[PEAK][0] for name, each in seconds.items()}
    yield Figure("  peak memory", "MB", memory[TRACE], "a forward pass", memory[FORWARD], 1.5)
    if SUMMARY in seconds:
        summaries = median(seconds[SUMMARY]["again"])
        yield Figure("table of ResNet-50 at 224", "ms", 1000 * tables, "torchinfo", 1000 * summaries, 1.0)


def _measured(name: str) -> dict[str, list[float]]:
    command = [sys.executable, "-m", "tests.benchmarks.tracing", name]
    done = subprocess.run(command, env=os.environ | ONE_THREAD, check=True, capture_output=True, text=True)
    measured: dict[str, list[float]] = json.loads(done.stdout)
    return measured


def measure(name: str) -> dict[str, list[float]]:
    """Seconds of the first, with making the model, and of each after it, which has a model; peak memory."""
    if name == WORKER:
        return {"first": [asyncio.run(_from_a_warm_worker()) for _ in range(ROUNDS)], PEAK: [0.0]}
    import torch

    from tests.support.traced_models import ResNet50

    if name == TRACE:
        import convtui.tracing.in_python
    looks: dict[str, Callable[[torch.nn.Module, torch.Tensor], Any]] = {
        FORWARD: lambda model, image: model(image),
        TRACE: lambda model, image: str(convtui.tracing.in_python.trace(model, image)),
        SUMMARY: _summary,
    }
    look = looks[name]
    began = perf_counter()
    image = torch.randn(1, *SHAPE)
    model = ResNet50().eval()
    again = []
    with torch.no_grad():
        look(model, image)
        first = perf_counter() - began
        for _ in range(ROUNDS):
            began = perf_counter()
            look(model, image)
            again.append(perf_counter() - began)
    # Of Linux in kB, of macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    return {"first": [first], "again": again, PEAK: [peak]}


def _summary(model: Any, image: Any) -> str:
    from torchinfo import summary

    columns = ("output_size", "num_params", "mult_adds", "kernel_size")
    return str(summary(model, input_data=image, verbose=0, col_names=columns, depth=9))


async def _from_a_warm_worker() -> float:
    """Seconds from the job to the table: their file, the model, the pass, the fields."""
    from convtui.tracing.client import TracingProcess, outcome
    from convtui.tracing.protocol import Job
    from convtui.tracing.traced import Trace
    from tests.support import traced_models

    process = await TracingProcess.start()
    try:
        await process.ready()
        began = perf_counter()
        done = await outcome(process, Job(f"{Path(traced_models.__file__)}:ResNet50", shape=SHAPE), 600)
        assert done.graph is not None
        str(Trace(done.graph))
        return perf_counter() - began
    finally:
        await process.end()


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
