"""The engine's convolution beside torch's, one thread for both, float64: a figure for each of six shapes.

Processor time is measured: for one thread that is all its time except what other programs take.

python -m tests.benchmarks.convolutions measures in this process and prints JSON. The number of threads is
settled when numpy and torch are loaded, so convolution_figures has a process of its own for it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import process_time
from typing import Any, Final

from tests.benchmarks.report import Figure, compared

ONE_THREAD: Final = dict.fromkeys(
    ["OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"], "1"
)
ROUNDS: Final = 40
MOST: Final = 2.0


@dataclass(frozen=True)
class Shape:
    """A convolution layer over a square map, as image classifiers have them."""

    in_channels: int
    out_channels: int
    kernel_size: int
    stride: int
    padding: int
    side: int

    def __str__(self) -> str:
        kernel, stride = f"{self.kernel_size}x{self.kernel_size}", f" s{self.stride}" * (self.stride > 1)
        return f"{self.in_channels}->{self.out_channels} {kernel}{stride} at {self.side}x{self.side}"


SHAPES: Final = (
    Shape(3, 64, 7, 2, 3, 224),
    Shape(64, 64, 3, 1, 1, 56),
    Shape(64, 256, 1, 1, 0, 56),
    Shape(128, 128, 3, 2, 1, 56),
    Shape(256, 256, 3, 1, 1, 14),
    Shape(512, 512, 3, 1, 1, 7),
)


def convolution_figures() -> Iterator[Figure]:
    """Every shape by the engine and by torch. Raises subprocess.CalledProcessError."""
    command = [sys.executable, "-m", "tests.benchmarks.convolutions"]
    done = subprocess.run(command, env=os.environ | ONE_THREAD, check=True, capture_output=True, text=True)
    for shape, both in zip(SHAPES, json.loads(done.stdout), strict=True):
        yield compared(f"convolution {shape}", "ms", both, milliseconds, MOST)


def milliseconds(seconds: list[float]) -> float:
    """The least of several runs, which other programs have disturbed least."""
    return min(seconds) * 1000


def measured(shape: Shape) -> dict[str, list[float]]:
    """Seconds of processor time for an output, by turns. Raises AssertionError if the outputs differ."""
    import numpy as np
    import torch

    from convtui import Convolution

    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    size = (shape.kernel_size, shape.kernel_size)
    image = random.standard_normal((shape.in_channels, shape.side, shape.side))
    weight = random.standard_normal((shape.out_channels, shape.in_channels, *size))
    bias = random.standard_normal(shape.out_channels)
    x, w, b = torch.tensor(image[None]), torch.tensor(weight), torch.tensor(bias)
    for array in image, weight, bias:
        array.setflags(write=False)  # is not copied then, as torch copies nothing

    def ours() -> Any:
        return Convolution(image, weight, bias, stride=shape.stride, padding=shape.padding).output

    def torchs() -> Any:
        return torch.nn.functional.conv2d(x, w, b, stride=shape.stride, padding=shape.padding)

    np.testing.assert_allclose(ours(), torchs()[0].numpy(), rtol=1e-9, atol=1e-9)
    programs: dict[str, Callable[[], Any]] = {"convtui": ours, "torch, one thread": torchs}
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(ROUNDS):
        for name, program in programs.items():
            before = process_time()
            program()
            seconds[name].append(process_time() - before)
    return seconds


if __name__ == "__main__":
    print(json.dumps([measured(shape) for shape in SHAPES]))
