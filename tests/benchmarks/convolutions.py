"""The engine beside torch, one thread for both, float64: a figure for each of six convolutions, and networks.

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
NETWORK_ROUNDS: Final = 3
MOST: Final = 2.0
NETWORKS: Final = ("mobilenet-v2", "densenet-121", "inception-v3", "u-net", "dcgan-generator", "autoencoder")
SIDE: Final = 224
STEPS: Final = 100
LARGE_SIDE: Final = 2048
MOST_OF_A_STEP: Final = 1.2  # a step costs what its window costs, whatever the image
OPERATIONS: Final = (
    "conv",
    "maxpool 3 s2",
    "avgpool 3 s2 p1",
    "adaptiveavgpool {half}",  # windows of 2x2, whatever the image
    "convtranspose s2, scatter",
    "convtranspose s2, gather",
)


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
    shapes, networks, steps = json.loads(done.stdout)
    for shape, both in zip(SHAPES, shapes, strict=True):
        yield compared(f"convolution {shape}", "ms", both, milliseconds, MOST)
    for name, both in zip(NETWORKS, networks, strict=True):
        yield compared(f"all maps of {name} at {SIDE}x{SIDE}", "ms", both, milliseconds, MOST)
    for text, both in zip(OPERATIONS, steps, strict=True):
        name = f"{STEPS} steps of {text.format(half='n/2')} at {LARGE_SIDE}x{LARGE_SIDE}"
        yield compared(name, "ms", both, milliseconds, MOST_OF_A_STEP)


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
    return by_turns({"convtui": ours, "torch, one thread": torchs}, ROUNDS)


def measured_network(name: str) -> dict[str, list[float]]:
    """Seconds of processor time for all maps of a network. Raises AssertionError if the outputs differ.

    A generator makes its image of noise of one pixel; weights that are drawn are drawn before.
    """
    import numpy as np
    import torch

    from convtui.engine.feature_maps import FeatureMaps
    from convtui.engine.presets import preset
    from convtui.engine.stack import nodes
    from tests.engine.stacks import Torch

    torch.set_num_threads(1)
    network = preset(name)
    channels, rows, _ = network.input_shape
    side = SIDE if rows > 1 else 1
    image = np.random.default_rng(0).standard_normal((channels, side, side))
    drawn, last = FeatureMaps(network.layers, image), len(nodes(network.layers))
    weights = {number: drawn.weights(number) for number in range(1, last + 1)}
    with torch.no_grad():
        first = Torch(torch.tensor(image), drawn).run(network.layers)

        def ours() -> Any:
            return FeatureMaps(network.layers, image, weights=weights).activations(last)

        def torchs() -> Any:
            return Torch(torch.tensor(image), made=first.modules).run(network.layers).outputs[-1]

        np.testing.assert_allclose(ours(), torchs().numpy(), rtol=1e-9, atol=1e-9)
        return by_turns({"convtui": ours, "torch, one thread": torchs}, NETWORK_ROUNDS)


def measured_steps(text: str) -> dict[str, list[float]]:
    """Seconds of processor time for steps of an operation over a large image, and over a small one."""
    import numpy as np

    from convtui.inputs.images import Picture
    from convtui.state.kernel_choice import KernelChoice
    from convtui.state.session import Session
    from convtui.state.settings import operation_change

    def steps(side: int) -> Callable[[], Any]:
        pixels = np.random.default_rng(0).random((1, side, side))
        pixels.setflags(write=False)
        session = Session.start(Picture(pixels, "noise", "", False, 0.0, 1.0), KernelChoice("top-edge"))
        layer, _, way = text.format(half=side // 2).partition(", ")
        session = operation_change(layer)(session)
        operation = (session.with_way(way) if way else session).operation
        indices = np.linspace(0, operation.size - 1, STEPS).astype(int).tolist()
        return lambda: [operation.step(index) for index in indices]

    return by_turns({"convtui": steps(LARGE_SIDE), "at 16x16": steps(16)}, ROUNDS)


def by_turns(programs: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of processor time that each of the programs takes, again and again."""
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            before = process_time()
            program()
            seconds[name].append(process_time() - before)
    return seconds


if __name__ == "__main__":
    networks = list(map(measured_network, NETWORKS))
    print(json.dumps([list(map(measured, SHAPES)), networks, list(map(measured_steps, OPERATIONS))]))
