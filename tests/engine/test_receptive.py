"""Receptive fields are as far as PyTorch's gradients reach, and those that the literature states."""

import numpy as np
import pytest
import torch
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from convtui.engine.layers import Conv, Layer, LayerError, Shape
from convtui.engine.presets import preset
from convtui.engine.receptive import AxisField
from convtui.engine.stack import receptive_field, summarize
from tests.engine.stacks import Torch, stacks

FIVE_HALVINGS = "conv 3x3 4 s2 p1, " * 5


@settings(max_examples=60)
@given(stacks(12, 40), st.data())
def test_fields_reach_as_far_as_gradients(stack: tuple[list[Layer], Shape], data: st.DataObject) -> None:
    layers, image = stack
    row = data.draw(st.sampled_from([r for r in summarize(layers, image).rows if len(r.output_shape) == 3]))
    assume("step by" not in row.field.misaligned)
    middle = [data.draw(st.integers(size // 4, 3 * size // 4)) % size for size in row.output_shape[1:]]
    spans = [axis.span(i) for axis, i in zip((row.field.rows, row.field.columns), middle, strict=True)]
    is_inside = all(first >= 0 and last < size for (first, last), size in zip(spans, image[1:], strict=True))
    event(f"inside the image: {is_inside}")
    if is_inside:
        pixels = torch.ones(image, dtype=torch.float64, requires_grad=True)
        outputs = Torch(pixels, is_probe=True).run(layers).outputs[row.number]
        (gradient,) = torch.autograd.grad(outputs[:, middle[0], middle[1]].sum(), pixels)
        reached = [np.flatnonzero(gradient.numpy().any((0, other))) for other in (2, 1)]
        assert [(indices[0], indices[-1]) for indices in reached] == spans
        assert row.field.centre(*middle) == tuple((first + last) / 2 for first, last in spans)


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


def test_stack_that_does_not_fit_is_refused() -> None:
    with pytest.raises(LayerError, match="layer 2"):
        receptive_field("conv 3x3 8, maxpool 9", (1, 8, 8))


def test_field_beside_the_image_is_empty_when_clipped() -> None:
    first, last = AxisField(size=2, jump=1, first=-3).clipped(0, 10)
    assert last < first
