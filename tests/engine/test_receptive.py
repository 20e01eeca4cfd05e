"""Receptive fields are as far as PyTorch's gradients reach, and those that the literature states."""

import tracemalloc
from math import prod

import numpy as np
import pytest
import torch
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from convtui.engine.layers import Layer, LayerError, Shape
from convtui.engine.pool_layers import AdaptiveAvgPool
from convtui.engine.presets import preset
from convtui.engine.receptive import AxisField
from convtui.engine.stack import receptive_field, summarize
from convtui.engine.window_layers import Conv
from tests.engine.cases import pairs
from tests.engine.stacks import (
    ROUNDING,
    Torch,
    adaptive_pools,
    branches,
    convs,
    norms,
    pools,
    stacks,
    transposes,
    upsamples,
)

FIVE_HALVINGS = "conv 3x3 4 s2 p1, " * 5


@settings(max_examples=60)
@given(stacks(12, 40), st.data())
def test_fields_reach_as_far_as_gradients(stack: tuple[list[Layer], Shape], data: st.DataObject) -> None:
    layers, image = stack
    row = data.draw(st.sampled_from([r for r in summarize(layers, image).rows if len(r.output_shape) == 3]))
    axes = row.field.rows, row.field.columns
    middle = [
        axis.largest if axis.uneven else data.draw(st.integers(size // 4, 3 * size // 4)) % size
        for axis, size in zip(axes, row.output_shape[1:], strict=True)
    ]
    spans = [axis.span(i) for axis, i in zip(axes, middle, strict=True)]
    is_inside = all(first >= 0 and last < size for (first, last), size in zip(spans, image[1:], strict=True))
    event(f"inside the image: {is_inside}")
    if is_inside:
        pixels = torch.ones(image, dtype=torch.float64, requires_grad=True)
        outputs = Torch(pixels, is_probe=True).run(layers).outputs[row.number]
        (gradient,) = torch.autograd.grad(outputs[:, middle[0], middle[1]].sum(), pixels)
        gradient = gradient > ROUNDING
        reached = [np.flatnonzero(gradient.numpy().any((0, other))) for other in (2, 1)]
        if not all(map(len, reached)):  # the windows lie in the padding alone
            assert row.field.pixels == 0
            return
        assert [(indices[0], indices[-1]) for indices in reached] == spans
        assert row.field.centre(*middle) == tuple((first + last) / 2 for first, last in spans)
        assert row.field.pixels == gradient.numpy().any(0).sum()
        event(f"has holes: {row.field.pixels != prod(row.field.size)}")


@settings(max_examples=40)
@given(
    st.lists(
        st.one_of(convs(1), transposes(1), pools(), adaptive_pools(), branches(1), upsamples(), norms(1)),
        max_size=3,
    ),
    st.tuples(*[st.sampled_from([(9, 7), (10, 4), (17, 5), (3, 7), (23, 9)])] * 2),
    st.data(),
)
def test_every_field_after_uneven_windows_is_that_of_its_gradient(
    layers: list[Layer], sizes: tuple[tuple[int, int], tuple[int, int]], data: st.DataObject
) -> None:
    (height, rows), (width, columns) = sizes
    layers, image = [AdaptiveAvgPool((rows, columns)), *layers], (1, height, width)
    summary = summarize(layers, image)
    assume(summary.error is None)
    row = data.draw(st.sampled_from(summary.rows[1:]))
    assume(row.field.rows.uneven and row.field.columns.uneven)
    pixels = torch.ones(image, dtype=torch.float64, requires_grad=True)
    outputs = Torch(pixels, is_probe=True).run(layers).outputs
    for at in np.ndindex(row.output_shape[1:]):
        (gradient,) = torch.autograd.grad(outputs[row.number][:, *at].sum(), pixels, retain_graph=True)
        gradient = gradient > ROUNDING
        for axis, index, other in zip((row.field.rows, row.field.columns), at, (2, 1), strict=True):
            reached = np.flatnonzero(gradient.numpy().any((0, other))).tolist()
            origin, read = axis.reads(index)
            told = [origin + bit for bit in range(read.bit_length()) if read >> bit & 1]
            assert told == reached or not gradient.any()


@pytest.mark.parametrize(
    ("text", "size", "pixels"),
    [
        ("conv 3x3 1 d4", (9, 9), 9),
        ("conv 3x3 1 d4, relu, conv 3x3 1 p1", (11, 11), 81),
        ("conv 1x1 1 s3, conv 3x3 1", (7, 7), 9),
        ("conv 3x3 1 d2, conv 3x3 1", (7, 7), 49),
        ("residual(conv 3x1 1 p1x0 | conv 1x3 1 p0x1)", (3, 3), 5),
        ("residual(conv 3x1 1 p1x0 | conv 1x3 1 p0x1), bn, conv 1x1 1", (3, 3), 5),
        ("concat(conv 3x3 1 p1 | conv 3x3 1 p6 d6 | conv 3x3 1 p12 d12)", (25, 25), 25),
        ("maxpool 3 s2 d2", (5, 5), 9),
        ("avgpool 1 s2, flatten, linear 1", (29, 29), 225),
        ("adaptiveavgpool 7", (6, 6), 36),
        ("conv 1x1 1 s2, adaptiveavgpool 1", (29, 29), 225),
    ],
)
def test_what_a_field_spans_and_what_it_reads(text: str, size: tuple[int, int], pixels: int) -> None:
    field = receptive_field(text, (1, 30, 30))[-1]
    assert (field.size, field.pixels) == (size, pixels)


@settings(max_examples=40)
@given(st.data(), pairs(2, 7))
def test_every_field_after_a_transposed_convolution_is_that_of_its_gradient(
    data: st.DataObject, size: tuple[int, int]
) -> None:
    layers = data.draw(st.tuples(convs(1), transposes(1), st.one_of(convs(1), pools(), transposes(1))))
    image = (1, *size)
    rows = summarize(layers, image).rows
    assume(len(rows) > 2)
    assume(all(row.layer.spec.padding_mode == "zeros" for row in rows if isinstance(row.layer, Conv)))
    pixels = torch.ones(image, dtype=torch.float64, requires_grad=True)
    outputs = Torch(pixels, is_probe=True).run([row.layer for row in rows[1:]]).outputs
    field = rows[-1].field
    for at in np.ndindex(rows[-1].output_shape[1:]):
        (gradient,) = torch.autograd.grad(outputs[-1][:, *at].sum(), pixels, retain_graph=True)
        for axis, index, other in zip((field.rows, field.columns), at, (2, 1), strict=True):
            reached = np.flatnonzero(gradient.numpy().any((0, other))).tolist()
            origin, read = axis.reads(index)
            told = [origin + bit for bit in range(read.bit_length()) if read >> bit & 1]
            inside = [pixel for pixel in told if 0 <= pixel < image[3 - other]]
            if axis.uneven:
                assert inside == reached or not gradient.any()
            else:  # what padding stands for in a larger image is told too
                assert set(reached) <= set(inside)


def test_a_dilated_transposed_convolution_sees_nothing_through_its_padding() -> None:
    """Column 2 is reached by the last column of the convolution alone, which sees the last pixel."""
    field = receptive_field("conv 2x2 1 same, convtranspose 2x2 1 d1x3", (1, 2, 3))[-1]
    origin, read = field.columns.reads(2)
    assert [pixel for pixel in range(3) if read >> (pixel - origin) & 1] == [2]


def test_the_fields_of_a_transposed_convolution_differ_from_cell_to_cell() -> None:
    *_, field = receptive_field("convtranspose 3x3 1 s2 p1", (1, 4, 4))
    assert [field.rows.span(i) for i in range(7)] == [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3)]
    assert (field.size, field.jump) == ((2, 2), (0.5, 0.5))
    *_, field = receptive_field("convtranspose 1x1 1 s3", (1, 2, 2))
    assert [field.rows.reads(i) for i in range(4)] == [(0, 1), (0, 0), (0, 0), (0, 2)]
    assert [field.rows.nearest(pixel) for pixel in (0, 1)] == [0, 3]
    assert receptive_field("conv 3x3 1, convtranspose 3x3 1")[-1].size == (5, 5)
    assert summarize("convtranspose 9x9 1 s99999", (1, 4, 4)).rows[-1].field.pixels == 1
    assert summarize("convtranspose 3x3 1 s2", (1, 2048, 4)).rows[-1].field.pixels is None


def test_fields_too_large_to_tell_are_not_told_and_cost_nothing() -> None:
    for text in "conv 3x3 1 d99999", "conv 1x1 1 s9999999999, conv 3x3 1", f"conv {2**59} 1":
        assert receptive_field(text)[-1].pixels is None
    # Each block doubles the parts, none of which lies in another.
    texts = [
        f"residual(conv 2x1 1 d{2**i} p0:{2**i}x0:0 | conv 1x2 1 d{3**i} p0:0x0:{3**i})" for i in range(7)
    ]
    assert summarize(", ".join(texts), (1, 64, 64)).rows[-1].field.pixels is None


def test_more_uneven_fields_than_can_be_kept_are_bounded() -> None:
    image = (1, 4096, 3000)
    text = "adaptiveavgpool 4095x3, conv 3x3 1 p1, concat(relu | conv 3x3 1 p1), adaptiveavgpool 7, gap"
    fields = receptive_field(text, image)
    assert [field.rows.is_bound for field in fields] == [True] * 7
    assert [field.columns.is_bound for field in fields] == [False] * 7
    assert [field.size[0] for field in fields] == [4096] * 7
    assert [field.pixels for field in fields] == [None] * 7
    assert [field.rows.nearest(2000) for field in fields] == [0] * 7
    tracemalloc.start()
    for text in ", ".join(["adaptiveavgpool 4095, adaptiveavgpool 4094"] * 50), "adaptiveavgpool 40, " * 250:
        receptive_field(text, (1, 4096, 4096))
    assert tracemalloc.get_traced_memory()[1] < 2**25
    tracemalloc.stop()


def test_uneven_windows_overlap_and_repeat() -> None:
    (field,) = receptive_field("adaptiveavgpool 4x5", (1, 10, 3))
    assert [field.rows.span(i) for i in range(4)] == [(0, 2), (2, 4), (5, 7), (7, 9)]
    assert [field.columns.span(i) for i in range(5)] == [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2)]
    assert (field.size, field.jump, field.pixels) == ((3, 2), (7 / 3, 0.5), 6)
    assert [field.rows.nearest(at) for at in (-5, 1, 2.4, 6, 99)] == [0, 0, 1, 2, 3]


@pytest.mark.parametrize(
    "text", ["layernorm", "groupnorm 2", "instancenorm", "conv 3x3 4 p1, layernorm, relu"]
)
def test_norms_over_the_map_see_all_of_the_image(text: str) -> None:
    rows = summarize(f"{text}, conv 1x1 4", (4, 6, 8)).rows
    for row in rows[-2:]:
        assert [row.field.rows.clipped(i, 6) for i in range(6)] == [(0, 5)] * 6
        assert [row.field.columns.clipped(i, 8) for i in range(8)] == [(0, 7)] * 8
        assert row.field.jump == (0, 0)


def test_a_path_that_sees_everything_is_not_misaligned() -> None:
    squeeze = "conv 3x3 4 s2 p1, multiply(gap, conv 1x1 4, sigmoid)"
    *_, row = summarize(squeeze, (1, 8, 8)).rows
    assert row.field.misaligned == ""
    assert row.field.rows.span(0) == (-1, 7)


def test_fields_of_upsampling_differ_from_cell_to_cell() -> None:
    nearest, bilinear, corners = (
        receptive_field(text, (1, 4, 4))[-1].rows
        for text in ("upsample 2", "upsample 2 bilinear", "upsample size=7 bilinear align_corners")
    )
    assert [nearest.span(i) for i in range(8)] == [(i // 2, i // 2) for i in range(8)]
    assert [bilinear.span(i) for i in range(8)] == [
        (0, 0),
        *[(0, 1)] * 2,
        *[(1, 2)] * 2,
        *[(2, 3)] * 2,
        (3, 3),
    ]
    assert [corners.span(i) for i in range(7)] == [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3)]


@pytest.mark.parametrize("text", ["upsample 2", "layernorm", "softmax"])
def test_what_depends_on_the_image_needs_its_size(text: str) -> None:
    with pytest.raises(LayerError, match=r"give input_shape \(channels, rows, columns\)"):
        receptive_field(f"conv 3x3 1, {text}")


windows = st.tuples(st.integers(1, 7), st.integers(1, 3), st.integers(0, 3), st.integers(1, 3))


@given(st.lists(windows, min_size=1, max_size=8))
def test_fields_follow_the_recursion(chain: list[tuple[int, int, int, int]]) -> None:
    size, jump, start = 1, 1, 0.0
    fields = receptive_field([Conv(1, k, s, p, d) for k, s, p, d in chain])
    for field, (k, s, p, d) in zip(fields, chain, strict=True):
        size += (k - 1) * d * jump
        start += ((k - 1) * d / 2 - p) * jump
        jump *= s
        assert (field.size, field.jump, field.start) == ((size, size), (jump, jump), (start, start))


def test_five_halvings_see_more_than_the_image_has() -> None:
    fields = receptive_field(FIVE_HALVINGS)
    assert [field.size for field in fields] == [(3, 3), (7, 7), (15, 15), (31, 31), (63, 63)]
    assert [field.rows.clipped(0, 28) for field in fields] == [(0, 1), (0, 3), (0, 7), (0, 15), (0, 27)]
    assert fields[-1].rows.span(0) == (-31, 31)


@pytest.mark.parametrize(
    ("name", "size"),
    [("alexnet", 195), ("vgg-16", 212), ("resnet-18", 435), ("resnet-50", 483), ("resnet-50-v1.5", 427)],
)
def test_published_fields(name: str, size: int) -> None:
    network = preset(name)
    rows = summarize(network.layers, network.input_shape).rows
    last_map = [row for row in rows if len(row.output_shape) == 3 and row.output_shape[1] > 1][-1]
    assert last_map.field.size == (size, size)
    assert f"{size}x{size}" in "".join(last_map.notes) or size <= 224
    assert not any(row.field.misaligned for row in rows)


def test_published_fields_inside_vgg() -> None:
    rows = summarize(preset("vgg-16").layers, (3, 224, 224)).rows
    sizes = [row.field.size[0] for row in rows if row.layer.kind in ("conv", "maxpool")]
    assert sizes == [3, 5, 6, 10, 14, 16, 24, 32, 40, 44, 60, 76, 92, 100, 132, 164, 196, 212]


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("conv 3x5 2, relu, gap", [(3, 5), (3, 5), (20, 30)]),
        ("conv 3x5 2 p1, relu, bn, flatten, linear 3", [*[(3, 5)] * 4, (22, 32)]),
        ("avgpool 2, flatten, linear 3, relu, linear 2", [(2, 2), (2, 2), *[(20, 30)] * 3]),
        ("concat(gap, flatten | maxpool 4, flatten)", [*[(20, 30)] * 2, *[(4, 4)] * 2, (20, 30)]),
    ],
)
def test_fields_of_what_reads_everything(text: str, sizes: list[tuple[int, int]]) -> None:
    assert [field.size for field in receptive_field(text, (1, 20, 30))] == sizes


@pytest.mark.parametrize(
    ("text", "size", "report"),
    [
        ("residual(conv 3x3 1 p1, conv 3x3 1 p1 | conv 3x3 1 p1)", (5, 5), ""),
        ("residual(conv 3x3 1 s2 p1 | conv 1x1 1 s2)", (3, 3), ""),
        (
            "residual(conv 2x1 1 p0:1x0:0 | conv 2x1 1 p1:0x0:0)",
            (3, 1),
            "the branches' first fields are centred at -0.5 and 0.5 along the rows",
        ),
        (
            "concat(conv 3x4 1 p1:1x1:2 | relu)",
            (3, 4),
            "the branches' first fields are centred at 0 and 0.5 along the columns",
        ),
        (
            "concat(maxpool 2 | conv 3x3 1 s2 p1 | conv 5x1 1 s1x2)",
            (6, 3),
            "the branches jump by 1 and 2 pixels along the rows; "
            "the branches' first fields are centred at 0 and 0.5 along the columns",
        ),
    ],
)
def test_branches_have_the_field_of_all_and_report_misalignment(
    text: str, size: tuple[int, int], report: str
) -> None:
    *_, joined = receptive_field(text)
    assert (joined.size, joined.misaligned) == (size, report)
    assert receptive_field(f"{text}, relu")[-1].misaligned == ""


def test_misaligned_branches_are_noted_in_the_table() -> None:
    rows = summarize("concat(conv 2x2 1 p0:1x0:1 | relu)", (1, 9, 9)).rows
    assert [len(row.notes) for row in rows] == [0, 0, 0, 1]
    assert rows[-1].notes == (rows[-1].field.misaligned,)


@pytest.mark.parametrize(("text", "number"), [("conv 3x3 8, relu, gap", 3), ("flatten, linear 10", 2)])
def test_image_is_asked_for_where_its_size_counts(text: str, number: int) -> None:
    with pytest.raises(LayerError, match=f"layer {number} .*: reads the whole image: give input_shape"):
        receptive_field(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("conv 3x3 8 s2 same-tf", "pads by the image's size"),
        ("maxpool 3 s2 same-tf", "pads by the image's size"),
        ("convtranspose 4x4 1 s2", "has fields that differ from cell to cell"),
    ],
)
def test_image_is_asked_for_where_fields_depend_on_its_size(text: str, why: str) -> None:
    with pytest.raises(LayerError, match=f"layer 1 .*: {why}: give input_shape"):
        receptive_field(text)
    assert receptive_field(text, (1, 8, 8))


def test_stack_that_does_not_fit_is_refused() -> None:
    with pytest.raises(LayerError, match="layer 2"):
        receptive_field("conv 3x3 8, maxpool 9", (1, 8, 8))


def test_field_beside_the_image_is_empty_when_clipped() -> None:
    first, last = AxisField(size=2, jump=1, first=-3).clipped(0, 10)
    assert last < first
