"""Exactly those cells feed an activation that have a gradient in PyTorch when all weights are 1."""

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.engine.graph.fields import AxisField, fields
from convtui.engine.graph.operation import Source
from convtui.engine.layer_text import parse_layers
from convtui.engine.layers import Layer, Shape
from convtui.engine.presets import preset
from convtui.engine.stack import summarize
from convtui.engine.tracing import feeding, field_through
from tests.engine.stacks import ROUNDING, Torch, stacks


@settings(max_examples=60)
@given(stacks(), st.data())
def test_what_feeds_is_what_has_a_gradient(stack: tuple[list[Layer], Shape], data: st.DataObject) -> None:
    layers, image = stack
    rows = summarize(layers, image).rows
    outputs = (
        Torch(torch.ones(image, dtype=torch.float64, requires_grad=True), is_probe=True).run(layers).outputs
    )
    layer = data.draw(st.integers(0, len(rows) - 1))
    position = tuple(data.draw(st.integers(0, size - 1)) for size in outputs[layer].shape)
    gradients = torch.autograd.grad(outputs[layer][position], outputs[: layer + 1], allow_unused=True)
    channel, row, column = (*position, 0, 0)[:3]
    fed = feeding(rows, layer, (channel, row, column))
    assert len(fed) == layer + 1
    for output, gradient, cells in zip(outputs, gradients, fed, strict=False):
        expected = np.zeros(output.shape, bool) if gradient is None else gradient.numpy() > ROUNDING
        expected = expected.reshape(*output.shape, *[1] * (3 - output.ndim))
        np.testing.assert_array_equal(cells.is_fed, expected)
        assert cells.pixels == expected.any(0).sum()
        for axis, indices in enumerate((cells.channels, cells.rows, cells.columns)):
            others = tuple({0, 1, 2} - {axis})
            np.testing.assert_array_equal(indices, np.flatnonzero(expected.any(others)))


@pytest.mark.parametrize(
    ("text", "position", "image"),
    [
        ("conv 3x3 1 d2", (0, 1, 2), ([0, 1, 2, 3], [1, 3, 5], [2, 4, 6])),
        ("conv 3x3 1 p1", (0, 0, 7), ([0, 1, 2, 3], [0, 1], [6, 7])),
        ("conv 1x1 1 s2, conv 3x3 1 d1", (0, 0, 0), ([0, 1, 2, 3], [0, 2, 4], [0, 2, 4])),
        ("conv 3x3 1 p1 circular", (0, 0, 0), ([0, 1, 2, 3], [0, 1, 7], [0, 1, 7])),
        ("conv 3x3 1 p2 reflect", (0, 0, 9), ([0, 1, 2, 3], [0, 1, 2], [5, 6, 7])),
        ("conv 1x1 4 g2, relu", (3, 5, 5), ([2, 3], [5], [5])),
        ("maxpool 2, bn, flatten", (17, 0, 0), ([1], [0, 1], [2, 3])),
        ("adaptiveavgpool 3x7", (3, 1, 3), ([3], [2, 3, 4, 5], [3, 4])),
        ("gap, flatten", (2, 0, 0), ([2], list(range(8)), list(range(8)))),
        ("flatten, linear 2", (1, 0, 0), ([0, 1, 2, 3], list(range(8)), list(range(8)))),
        ("concat(relu | maxpool 3 s1 p1)", (1, 4, 4), ([1], [4], [4])),
        ("concat(relu | maxpool 3 s1 p1)", (5, 4, 4), ([1], [3, 4, 5], [3, 4, 5])),
    ],
)
def test_cells_of_the_image(
    text: str, position: tuple[int, int, int], image: tuple[list[int], list[int], list[int]]
) -> None:
    rows = summarize(text, (4, 8, 8)).rows
    fed = feeding(rows, len(rows) - 1, position)
    assert (fed[0].channels.tolist(), fed[0].rows.tolist(), fed[0].columns.tolist()) == image


def test_cells_read_on_different_paths_are_not_filled_up_to_a_rectangle() -> None:
    rows = summarize("residual(conv 3x1 1 p1x0 | conv 1x3 1 p0x1)", (1, 5, 5)).rows
    image, first, second, own = feeding(rows, 3, (0, 2, 2))
    cross = [[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]
    assert image.is_fed.astype(int).tolist() == [cross]
    assert [cells.is_fed.sum() for cells in (first, second, own)] == [1, 1, 1]


def test_a_large_image_is_traced_without_going_through_its_pixels() -> None:
    rows = summarize("conv 3x3 8 s2 p1, conv 3x3 16 s2 p1, gap, flatten, linear 10", (3, 4096, 4096)).rows
    for layer, position, pixels in ((2, (0, 512, 512), 49), (5, (9, 0, 0), 4096**2)):
        tracemalloc.start()
        image = feeding(rows, layer, position)[0]
        assert (image.pixels, len(image.rows)) == (pixels, pixels**0.5)
        assert tracemalloc.get_traced_memory()[1] < 2**20
        tracemalloc.stop()


def test_more_paths_than_can_be_told_apart_bound_what_feeds() -> None:
    text = ", ".join(
        f"residual(conv 2x1 1 d{2**i} p0:{2**i}x0:0 | conv 1x2 1 d{3**i} p0:0x0:{3**i})" for i in range(7)
    )
    rows = summarize(text, (1, 300, 1200)).rows
    image, *_, last = feeding(rows, len(rows) - 1, (0, 10, 10))
    assert (image.pixels, last.pixels) == (None, 1)
    assert (image.rows[0], image.rows[-1], image.columns[-1]) == (10, 10 + 127, 10 + 1093)


def test_layers_on_another_path_do_not_feed() -> None:
    rows = summarize("residual(relu, bn | conv 1x1 2)", (2, 3, 3)).rows
    *_, bn, conv = feeding(rows, 3, (1, 0, 2))
    assert not bn.is_fed.any()
    assert conv.is_fed.sum() == 1


DEEP = (
    "conv 5x3 8 s2x1 p2x1 nobias, bn, relu, maxpool 3 s2 p1, residual(conv 3x3 8 p1, bn, relu, "
    "conv 3x3 8 p1), avgpool 3 s2 p1, conv 3x3 12 d2 p2 g4, {join}, gap, flatten, linear 10"
)


@pytest.mark.parametrize(
    ("join", "layer"),
    [
        ("concat(conv 1x1 4 | conv 4x4 6 same reflect)", 14),
        ("concat(conv 1x1 4 | conv 4x4 4 same), relu, conv 1x1 2 g2", 16),
    ],
)
def test_the_field_of_an_activation_is_that_of_its_own_branch(join: str, layer: int) -> None:
    layers, image = parse_layers(DEEP.format(join=join)), (3, 32, 32)
    rows = summarize(layers, image).rows
    position = (rows[layer].output_shape[0] - 1 if layer > 14 else 3, 2, 3)
    probe = Torch(torch.ones(image, dtype=torch.float64, requires_grad=True), is_probe=True).run(layers)
    for channel in {0, position[0]}:
        place = (channel, *position[1:])
        gradient = torch.autograd.grad(probe.outputs[layer][place], probe.image, retain_graph=True)[0].numpy()
        reached = [np.flatnonzero(gradient.any(axis)) for axis in ((0, 2), (0, 1))]
        field = field_through(rows, feeding(rows, layer, place))
        seen = [field.rows.clipped(2, 32), field.columns.clipped(3, 32)]
        assert seen == [(ends[0], ends[-1]) for ends in reached]


def test_without_a_concat_an_activation_sees_what_its_layer_does() -> None:
    rows = summarize("conv 3x3 4 p1, residual(conv 3x3 4 p1), maxpool 2, flatten", (1, 8, 8)).rows
    for row in rows:
        assert field_through(rows, feeding(rows, row.number, (0, 0, 0))) == row.field


@pytest.mark.parametrize(
    ("layer", "position"), [(0, (1, 0, 0)), (1, (0, 8, 0)), (1, (0, 0, -1)), (2, (0, 0, 0)), (-1, (0, 0, 0))]
)
def test_activation_that_is_not_there_is_refused(layer: int, position: tuple[int, int, int]) -> None:
    with pytest.raises(IndexError, match=f"layer {layer} has no activation"):
        feeding(summarize("relu", (1, 8, 8)).rows, layer, position)


@pytest.mark.parametrize("name", ["resnet-18", "mobilenet-v2", "u-net", "alexnet"])
def test_the_arithmetic_agrees_with_the_intervals_of_the_graph(name: str) -> None:
    summary = summarize(preset(name).layers, preset(name).input_shape)
    seen = fields(summary.graph)
    compared = 0
    for row in summary.rows:
        for field, along in zip(seen[Source(row.number)], (row.field.rows, row.field.columns), strict=True):
            if isinstance(field, AxisField) and field.is_even and not along.uneven and field.axes:
                assert (field.size, field.jump, field.first) == (along.size, along.jump, along.first)
                assert field.span((0, 0, 0, 0)) == along.clipped(0, summary.rows[0].output_maps[1])
                compared += 1
    assert compared > len(summary.rows) // 2
