"""A trace beside a plain forward pass, and beside torchinfo's summary where torchinfo is installed.

The network is ResNet-50's size at 224x224, one thread. python -m tests.benchmarks.tracing NAME measures one
of them in this process and prints JSON. What is compared takes turns in one process, in processor time; each
peak of memory is that of a process that did nothing else.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any, Final

from tests.benchmarks.convolutions import ONE_THREAD
from tests.benchmarks.report import Figure

ROUNDS: Final = 9
SHAPE: Final = (3, 224, 224)
LOOKED_AT: Final = 3  # the operation with the largest tensors: the ReLU after the first norm
FORWARD, TRACE, SUMMARY, LOOK = "forward", "trace", "torchinfo", "look"
WORKER, MADE, TABLES = "worker", "made", "tables"
PEAK, RISE, TENSORS = "peak", "rise", "tensors"

Measured = dict[str, list[float]]


def tracing_figures() -> Iterator[Figure]:
    """The table in this process and from a warm one, and memory. Raises subprocess.CalledProcessError."""
    has_torchinfo = bool(find_spec("torchinfo"))
    tables = _measured(TABLES)
    yield _paired("table of ResNet-50 at 224", tables, TRACE, "a forward pass", FORWARD, 1.5)
    if has_torchinfo:
        yield _paired("table of ResNet-50 at 224", tables, TRACE, "torchinfo", SUMMARY, 1.0)
        yield _paired("  a forward pass", tables, FORWARD, "torchinfo", SUMMARY)
    warm: Measured = {WORKER: [], MADE: []}
    for _ in range(ROUNDS):
        warm[WORKER] += _measured(WORKER)[WORKER]
        warm[MADE] += _measured(MADE)[MADE]
    against, target = ("torchinfo", 1.0) if has_torchinfo else ("made and passed", 1.5)
    yield _paired("made and told, from a warm worker", warm, WORKER, against, MADE, target)
    memory = {name: _measured(name) for name in (FORWARD, TRACE, LOOK)}
    peaks = {name: each[PEAK][0] for name, each in memory.items()}
    yield Figure("  peak memory, MB", "", peaks[TRACE], "a forward pass", peaks[FORWARD], 1.5)
    if all(RISE in each for each in memory.values()):
        rises = {name: each[RISE][0] for name, each in memory.items()}
        tensors = memory[LOOK][TENSORS][0]
        yield Figure("  of the pass alone, MB", "", rises[TRACE], "a forward pass", rises[FORWARD], 1.5)
        least = rises[FORWARD] + tensors
        yield Figure("  with tensors looked at, MB", "", rises[LOOK], "a pass and they", least, 1.5)


def _paired(
    name: str, seconds: Measured, ours: str, against: str, theirs: str, target: float | None = None
) -> Figure:
    """The median of the ratios of what ran side by side, and the reference's own median."""
    pairs = zip(seconds[ours], seconds[theirs], strict=True)
    ratio, reference = median(one / other for one, other in pairs), 1000 * median(seconds[theirs])
    return Figure(name, "ms", ratio * reference, against, reference, target)


def _measured(name: str) -> Measured:
    command = [sys.executable, "-m", "tests.benchmarks.tracing", name]
    done = subprocess.run(command, env=os.environ | ONE_THREAD, check=True, capture_output=True, text=True)
    measured: Measured = json.loads(done.stdout)
    return measured


def measure(name: str) -> Measured:
    """Seconds, or MB of memory."""
    match name:
        case "tables":
            return _tables()
        case "worker":
            return {WORKER: [asyncio.run(_from_a_warm_worker())]}
        case "made":
            return {MADE: [_made()]}
    return _memory(name)


def _looks() -> dict[str, Callable[[Any, Any], Any]]:
    """What is done with a model and an image."""
    import convtui.tracing.in_python
    from convtui.tracing.process.tracer import copied

    looks: dict[str, Callable[[Any, Any], Any]] = {
        FORWARD: lambda model, image: model(image),
        TRACE: lambda model, image: str(convtui.tracing.in_python.trace(model, image)),
        LOOK: lambda model, image: copied(model, (image,), {}, LOOKED_AT),
    }
    return looks | ({SUMMARY: _summary} if find_spec("torchinfo") else {})


def _tables() -> Measured:
    """Processor seconds of each, one after another in each round; the first round does not count."""
    import torch

    from tests.support.traced_models import ResNet50

    looks = {name: look for name, look in _looks().items() if name != LOOK}
    model, image = ResNet50().eval(), torch.randn(1, *SHAPE)
    seconds: Measured = {name: [] for name in looks}
    with torch.no_grad():
        for number in range(ROUNDS + 1):
            for name, look in looks.items():
                began = process_time()
                look(model, image)
                if number:
                    seconds[name].append(process_time() - began)
    return seconds


def _memory(name: str) -> Measured:
    """MB at the peak of the process; on Linux also by how much the one pass raised it."""
    import torch

    from tests.support.traced_models import ResNet50

    look = _looks()[name]
    model, image = ResNet50().eval(), torch.randn(1, *SHAPE)
    with torch.no_grad():
        look(model, image[:, :, :64, :64])  # what a first pass loads is not of the pass
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
        before = _resident("VmRSS")
        kept = look(model, image)
        after = _resident("VmHWM")
    # Of Linux in kB, of macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    measured: Measured = {PEAK: [peak]}
    if before is not None and after is not None:
        measured[RISE] = [after - before]
    if name == LOOK:
        measured[TENSORS] = [sum(each.nbytes for each in (*kept.given.values(), *kept.gave)) / 1e6]
    return measured


def _processor_seconds(process: int) -> float | None:
    """Of another process's first thread, as Linux tells them to the nanosecond."""
    with suppress(OSError):
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9
    return None


def _resident(name: str) -> float | None:
    """MB of this process's memory, as Linux tells them: VmRSS now, VmHWM at the most."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) / 1e3
    return None


def _summary(model: Any, image: Any) -> str:
    from torchinfo import summary

    columns = ("output_size", "num_params", "mult_adds", "kernel_size")
    return str(summary(model, input_data=image, verbose=0, col_names=columns, depth=9))


def _made() -> float:
    """Processor seconds of torchinfo, imported already, from the class to its table; or of making it."""
    import torch

    look = _looks()[SUMMARY if find_spec("torchinfo") else FORWARD]
    began = process_time()
    from tests.support.traced_models import ResNet50

    with torch.no_grad():
        look(ResNet50().eval(), torch.randn(1, *SHAPE))
    return process_time() - began


async def _from_a_warm_worker() -> float:
    """Processor seconds from the job to the table: the worker's, for their file, the model and the pass, and
    this process's, from the last operation on; what it reads before that, it reads while the worker runs.

    Where another process's time cannot be read, all seconds.
    """
    from convtui.tracing.client import Told, TracingProcess
    from convtui.tracing.protocol import Job
    from convtui.tracing.traced import Trace
    from tests.support import traced_models

    process = await TracingProcess.start()
    try:
        await process.ready()
        began, there = perf_counter(), _processor_seconds(process.pid)
        with TemporaryDirectory() as folder:  # with one, the process stays
            told = Told("ResNet50")
            process.send(Job(f"{Path(traced_models.__file__)}:ResNet50", shape=SHAPE, folder=folder))
            async for event in process.events():
                told.take(event)
                if told.has_ended:
                    break
            here = process_time()
            graph = told.outcome().graph
            assert graph is not None
            str(Trace(graph))
        now = _processor_seconds(process.pid)
        if there is None or now is None:
            return perf_counter() - began
        return process_time() - here + now - there
    finally:
        await process.end()


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
