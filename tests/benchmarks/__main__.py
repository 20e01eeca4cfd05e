"""Measures convtui beside the smallest Textual app and prints a table: python -m tests.benchmarks."""

import argparse
import subprocess
import sys
import tempfile
import timeit
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from convtui import Convolution, kernel
from convtui.engine.feature_maps import FeatureMaps
from convtui.engine.matrix import WeightMatrix
from convtui.engine.presets import preset
from convtui.engine.stack import nodes
from tests.benchmarks.convolutions import convolution_figures
from tests.benchmarks.features import features_figures
from tests.benchmarks.laboratory import laboratory_figures
from tests.benchmarks.measure import (
    DOWN,
    ENTER,
    LAST_LAYER,
    LAYERS_PAGE,
    LEFT,
    MATRIX_PAGE,
    NEXT_LAYER,
    PAGE_DOWN,
    PAGE_UP,
    PREVIOUS_LAYER,
    RIGHT,
    UP,
    WHEEL_DOWN,
    WHEEL_UP,
    Commands,
    Series,
    held_down,
    median,
    one_at_a_time,
    opened,
    percentile_95,
    start_milliseconds,
)
from tests.benchmarks.report import Figure, compared, machine, show
from tests.benchmarks.terminal import Ended, Silent
from tests.benchmarks.tracing import tracing_figures
from tests.benchmarks.training import training_figures
from tests.support import traced_models

CONVTUI = [sys.executable, "-m", "convtui"]
SMALLEST = [sys.executable, str(Path(__file__).with_name("smallest.py"))]
SETTLED = 6.0  # seconds in which nothing is drawn any more
BOTH: Commands = {"convtui": CONVTUI, "smallest app": SMALLEST}


def start_figures(images: Commands) -> Iterator[Figure]:
    """From exec to the first painted screen."""
    yield compared("start to painted screen", "ms", start_milliseconds(BOTH, runs=11), median, 1.3)
    yield compared("start with a 4096x4096 image", "ms", start_milliseconds(images, runs=3), median)


def key_figures(images: Commands) -> Iterator[Figure]:
    """From a key to the last byte of what it painted, and what that takes."""
    with opened(BOTH) as terminals:
        steps = one_at_a_time(terminals, [RIGHT], presses=200)
        yield compared("key Right, p50", "ms", steps, Series.p50, 1.5)
        yield compared("key Right, p95", "ms", steps, Series.p95, 2.0)
        yield compared("  frames a key", "", steps, Series.frames_a_key)
        yield compared("  written a key", "kB", steps, Series.kilobytes_a_key)
        yield compared("  CPU a key", "ms", steps, Series.cpu_milliseconds_a_key)
        yield compared("  memory after the keys", "MB", steps, Series.megabytes)
        for name, keys in (("Down, Up", [DOWN, UP]), ("Enter", [ENTER]), ("t, T (stride)", [b"t", b"T"])):
            yield compared(f"key {name}, p50", "ms", one_at_a_time(terminals, keys, presses=20), Series.p50)
        held = {name: held_down(terminal, LEFT, presses=60) for name, terminal in terminals.items()}
        yield compared("Left held, 30 a second, p50", "ms", held, median)
        yield compared("Left held, 30 a second, p95", "ms", held, percentile_95)
    with opened(images) as terminals:
        to_and_fro = [RIGHT] * 30 + [LEFT] * 30  # an 8x8 image has 36 output cells
        steps = one_at_a_time(terminals, to_and_fro, presses=200)
        yield compared("key Right, 4096x4096, p50", "ms", steps, Series.p50, 1.2)
        yield compared("  written a key", "kB", steps, Series.kilobytes_a_key)
        yield compared("  CPU a key", "ms", steps, Series.cpu_milliseconds_a_key)
        yield compared("  memory after the keys", "MB", steps, Series.megabytes)


def matrix_figures(images: Commands) -> Iterator[Figure]:
    """The Matrix page of a million rows beside that of 784: a key's frame, and the part in view alone."""
    with opened(images) as terminals:
        for terminal in terminals.values():
            terminal.press(MATRIX_PAGE, quiet=0.5)
        for name, keys in (
            ("matrix, key Right, p50", [RIGHT]),
            ("matrix, key Down, p50", [DOWN]),
            ("matrix, wheel, p50", [WHEEL_DOWN, WHEEL_UP]),
        ):
            steps = one_at_a_time(terminals, keys, presses=60)
            yield compared(name, "ms", steps, Series.p50, 1.2)
        yield compared("  written a key", "kB", steps, Series.kilobytes_a_key)
        yield compared("  memory after the keys", "MB", steps, Series.megabytes)
    matrices = {
        name: Convolution(np.load(command[-1])[np.newaxis], kernel("top-edge"), padding=1).weight_matrix
        for name, command in images.items()
    }
    yield compared("block of a screenful", "ms", matrices, block_milliseconds, 1.2)


def layers_figures() -> Iterator[Figure]:
    """The feature maps of a deep network beside a shallower one's, and the Layers page's keys meanwhile."""
    networks = {"ResNet-50": "resnet-50", "ResNet-18": "resnet-18"}
    yield compared("feature maps at 64x64", "ms", networks, feature_maps_milliseconds)
    with opened(
        {name: [*CONVTUI, "cat-64", "--layers", text] for name, text in networks.items()}
    ) as terminals:
        for terminal in terminals.values():
            terminal.press(LAYERS_PAGE + LAST_LAYER, quiet=1.0)
        yield compared(
            "layers, key Right, p50", "ms", one_at_a_time(terminals, [RIGHT], presses=40), Series.p50
        )


def model_figures(image: str) -> Iterator[Figure]:
    """The Layers page of a network of ResNet-50's size beside that of LeNet's, on the same image.

    The passes run in processes of their own; processor time is the app's alone.
    """
    networks = {
        name: [*CONVTUI, f"{traced_models.__file__}:{network}", image]
        for name, network in (("ResNet-50", "ResNet50"), ("LeNet", "LeNet"))
    }
    with opened(networks) as terminals:
        for terminal in terminals.values():
            terminal.press(NEXT_LAYER, quiet=SETTLED, timeout=60.0)  # to the first convolution
        for name, keys, presses in (
            ("network, key Right", [RIGHT], 60),
            ("network, key Down", [DOWN, DOWN, UP, UP], 60),
            ("network, next channel", [PAGE_DOWN, PAGE_UP], 30),
            ("network, V (panels)", [b"V"], 30),
            ("network, next layer", [NEXT_LAYER, PREVIOUS_LAYER], 20),
        ):
            steps = one_at_a_time(terminals, keys, presses)
            yield compared(f"{name}, p50", "ms", steps, Series.p50, 1.2)
            yield compared("  CPU a key", "ms", steps, Series.cpu_milliseconds_a_key, 1.2)


def feature_maps_milliseconds(network: str) -> float:
    """Milliseconds for all maps of a network over an image of noise, weights drawn: the best of 3."""
    layers, image = preset(network).layers, np.random.default_rng(0).random((3, 64, 64))
    last = len(nodes(layers))
    return min(timeit.repeat(lambda: FeatureMaps(layers, image).activations(last), number=1, repeat=3)) * 1000


def block_milliseconds(matrix: WeightMatrix) -> float:
    """Milliseconds for 50 rows of the matrix by 80 columns, from its middle: the best of 5 times 20."""
    row, column = (side // 2 for side in matrix.shape)
    rows, columns = range(row, row + 50), range(column - 25, column + 55)
    return min(timeit.repeat(lambda: matrix.block(rows, columns), number=20, repeat=5)) / 20 * 1000


def saved_image(directory: str, side: int, channels: tuple[int, ...] = ()) -> str:
    """The path of a square image of noise, gray or of so many channels."""
    path = Path(directory) / f"{'x'.join(map(str, (side, *channels)))}.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (side, side, *channels), dtype=np.uint8))
    return str(path)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parts = ["start", "keys", "matrix", "layers", "convolutions", "training", "laboratory"]
    parts += ["features", "trace", "model"]
    parser.add_argument("--only", choices=parts, help="measure only this")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    options = parser.parse_args()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="convtui-images-") as directory:
        images = {f"{side}x{side}": [*CONVTUI, saved_image(directory, side)] for side in (4096, 8)}
        matrices = {
            f"{side * side}^2": [*CONVTUI, "--padding", "1", saved_image(directory, side)]
            for side in (1000, 28)
        }
        try:
            if options.only in (None, "start"):
                figures += start_figures(images)
            if options.only in (None, "keys"):
                figures += key_figures(images)
            if options.only in (None, "matrix"):
                figures += matrix_figures(matrices)
            if options.only in (None, "layers"):
                figures += layers_figures()
            if options.only in (None, "convolutions"):
                figures += convolution_figures()
            if options.only in (None, "training"):
                figures += training_figures()
            if options.only in (None, "laboratory"):
                figures += laboratory_figures()
            if options.only in (None, "features"):
                figures += features_figures()
            if options.only in (None, "trace"):
                figures += tracing_figures()
            if options.only in (None, "model"):
                figures += model_figures(saved_image(directory, 224, (3,)))
        except (Silent, Ended) as error:
            print(error, file=sys.stderr)
            return 1
        except subprocess.CalledProcessError as error:
            print(error.stderr, error, sep="\n", file=sys.stderr)
            return 1
    show(figures, machine("textual", "torch"), options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
