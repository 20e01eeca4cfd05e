"""Every operation with windows is stepped through in the same way."""

import numpy as np
import pytest

from convtui.engine.convolution import Convolution
from convtui.engine.pooling import adaptive_avg_pool2d, adaptive_max_pool2d, avg_pool2d, max_pool2d
from convtui.engine.transposed import TransposedConvolution
from convtui.engine.transposed_ways import Gathering
from convtui.engine.window_operation import WindowOperation

RANDOM = np.random.default_rng(0)
IMAGE = RANDOM.standard_normal((4, 6, 5))

OPERATIONS: dict[str, WindowOperation] = {
    "convolution": Convolution(IMAGE, RANDOM.standard_normal((6, 2, 3, 2)), None, 2, 1, groups=2),
    "reflected": Convolution(IMAGE, RANDOM.standard_normal((1, 4, 3, 3)), padding=2, padding_mode="reflect"),
    "transposed": TransposedConvolution(
        IMAGE, RANDOM.standard_normal((4, 3, 3, 2)), np.ones(6), 2, 1, 1, groups=2
    ),
    "dilated transposed": TransposedConvolution(IMAGE, RANDOM.standard_normal((4, 1, 2, 2)), dilation=3),
    "gathering": Gathering(
        TransposedConvolution(IMAGE, RANDOM.standard_normal((4, 3, 3, 2)), np.ones(6), 3, 1, 1, 2, 2)
    ),
    "gathering, much cut off": Gathering(
        TransposedConvolution(IMAGE, RANDOM.standard_normal((4, 1, 2, 2)), None, 2, 3)
    ),
    "maximum": max_pool2d(IMAGE, 3, 2, 1, 2, ceil_mode=True),
    "average": avg_pool2d(IMAGE, (3, 2), 2, 1, ceil_mode=True, count_include_pad=False),
    "adaptive maximum": adaptive_max_pool2d(IMAGE, (4, 7)),
    "adaptive average": adaptive_avg_pool2d(IMAGE, 3),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_steps_and_blocks_are_the_output(name: str) -> None:
    operation = OPERATIONS[name]
    channels, height, width = operation.output_shape
    assert operation.output.shape == operation.output_shape
    assert operation.size == channels * height * width
    assert (operation.axes[0].output, operation.axes[1].output) == (height, width)
    assert (operation.axes[0].size, operation.axes[1].size) == operation.image_shape[1:]
    for channel in range(channels):
        block = operation.block(channel, slice(None), slice(None))
        np.testing.assert_array_equal(block, operation.output[channel])
    for index in range(operation.size):
        step = operation.step(index)
        assert step.value == operation.output[step.position]
        assert operation.position(index) == step.position
        assert operation.index(*step.position) == index == operation.step(*step.position).index


@pytest.mark.parametrize("name", OPERATIONS)
def test_windows_read_the_pixels_that_touch_the_cell(name: str) -> None:
    operation = OPERATIONS[name]
    reading: dict[tuple[int, int, int], set[tuple[int, int, int]]] = {}
    for index in range(operation.size):
        step = operation.step(index)
        assert step.channels == operation.channels_read(step.position[0])
        assert step.window.shape == (len(step.channels), len(step.rows), len(step.columns))
        assert step.window.size == operation.entries(index)
        assert not step.window[:, step.is_padding].any()
        for axis, at, rows, sources in (
            (operation.axes[0], step.position[1], step.rows, step.source_rows),
            (operation.axes[1], step.position[2], step.columns, step.source_columns),
        ):
            np.testing.assert_array_equal(axis.window(at), rows)
            np.testing.assert_array_equal(axis.window_sources(at), sources)
        for i, j in np.argwhere(~step.is_padding).tolist():
            for c, channel in enumerate(step.channels):
                pixel = channel, int(step.source_rows[i]), int(step.source_columns[j])
                assert step.window[c, i, j] == operation.image[pixel]
                reading.setdefault(pixel, set()).add(step.position)
    for channel, row, column in np.ndindex(*operation.image_shape):
        pixel = channel, row, column
        assert set(operation.touched_by(*pixel)) == reading.get(pixel, set())
    for axis, of in zip(operation.axes, (1, 2), strict=True):
        assert set(axis.unused) == set(range(axis.size)) - {pixel[of] for pixel in reading}


@pytest.mark.parametrize("name", OPERATIONS)
def test_sizes_are_told_in_letters_and_in_numbers(name: str) -> None:
    for axis in OPERATIONS[name].axes:
        assert any(letter in axis.letters for letter in ("(n ", "·n "))
        assert str(axis.output) in axis.formula
        assert {axis.name for axis in OPERATIONS[name].axes} == {"rows", "columns"}
