"""What is said and drawn of the operations of the user's own network, without an app or a process."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from textual.geometry import Region
from torch import nn

import convtui
from convtui.engine.graph.operation import Op
from convtui.engine.pooling import Pooling
from convtui.engine.spec import SpecError
from convtui.engine.transposed import TransposedConvolution
from convtui.inputs.images import Picture
from convtui.inputs.scaling import Longer
from convtui.pages.layers.layout import Place
from convtui.pages.layers.model_figures import (
    Seen,
    held,
    image_grid,
    map_shape,
    maps_of,
    moved,
    seen_by,
    tensor_index,
    with_holes,
)
from convtui.pages.layers.model_labels import (
    detail_lines,
    failure_lines,
    field_line,
    normalisation,
    size_formula,
    summary_line,
)
from convtui.pages.layers.model_opened import operation_of, why_not_opened
from convtui.pages.layers.model_table import model_lines
from convtui.pages.layers.table import Kind
from convtui.paint.drawing import BLOCKS, Holes
from convtui.tracing.open_model import Opening
from convtui.tracing.traced import Trace
from tests.support.own_networks import Branched, Misfit
from tests.support.traced_models import Dilated, ResNet


@cache
def branched(side: int = 13) -> Trace:
    return convtui.trace(Branched().eval(), torch.zeros(1, 1, side, side))


@cache
def misfit() -> Trace:
    return convtui.trace(Misfit().eval(), torch.zeros(1, 1, 8, 8))


def op(kind: str) -> Op:
    return next(op for op in branched().graph.ops if op.kind == kind)


@pytest.mark.parametrize(
    ("shape", "maps"),
    [
        ((1, 3, 8, 9), (3, 8, 9)),
        ((1, 10), (10, 1, 1)),
        ((10,), (10, 1, 1)),
        ((), (1, 1, 1)),
        ((1, 7, 5), (1, 7, 5)),
        ((16, 9), (1, 16, 9)),
        ((1, 2, 3, 4, 5), (6, 4, 5)),
        ((4, 3, 8, 8), (12, 8, 8)),
    ],
)
def test_how_tensors_are_drawn(shape: tuple[int, ...], maps: tuple[int, int, int]) -> None:
    assert map_shape(shape) == maps
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    place = held((1, 2, 3), maps)
    assert values[tensor_index(place, shape)] == values.reshape(maps)[place]


def test_moving_through_activations() -> None:
    shape = (2, 3, 4)
    assert moved((0, 0, 3), 1, shape) == (0, 1, 0)
    assert moved((0, 2, 3), 1, shape) == (1, 0, 0)
    assert moved((1, 2, 3), 1, shape) == (1, 2, 3)
    assert moved((0, 0, 0), -1, shape) == (0, 0, 0)
    assert held((9, -1, 2), shape) == (1, 0, 2)


def test_what_is_not_finite_is_drawn_as_zero() -> None:
    maps = maps_of(np.array([np.nan, np.inf, 2.0, -3.0]), (1, 2, 2))
    assert maps.values.tolist() == [[[0, 0], [2, -3]]]
    assert maps.scale == (-3, 3)


def test_what_activations_see() -> None:
    row = branched().rows[1]
    assert seen_by(row, (0, 5, 0)) == Seen((4, 6), (0, 1))
    assert field_line(row, (0, 5, 0), 0.25, seen_by(row, (0, 5, 0))) == (
        "activation [0, 5, 0] = 0.25 sees 3x2 of the image: rows 4-6, columns 0-1"
    )
    last = branched().rows[-1]
    assert seen_by(last, (3, 0, 0)) == Seen((0, 12), (0, 12))


def test_what_is_not_known_is_said() -> None:
    row = branched().rows[1]
    told = field_line(row, (0, 0, 0), None, Seen(because=4))
    assert told == "activation [0, 0, 0]: not known what it sees: operation 4 cannot be followed"
    assert field_line(row, (0, 0, 0), None, Seen(is_nothing=True)).endswith("sees none of the image")


@pytest.mark.parametrize(
    ("kind", "formula"),
    [
        ("conv2d", "⌊(13 + 2*1 − 1*(3 − 1) − 1)/1⌋ + 1 = 13"),
        ("avg_pool2d", "⌊(13 + 2*1 − 1*(3 − 1) − 1)/2⌋ + 1 = 7"),
        ("max_pool2d", "⌈(7 + 2*1 − 1*(3 − 1) − 1)/2⌉ + 1 = 4"),
        ("conv_transpose2d", "(4 − 1)*2 − 2*0 + 1*(3 − 1) + 1 + 1 = 10"),
        ("linear", "48 → 5 features"),
        ("relu", ""),
    ],
)
def test_formulas_of_sizes(kind: str, formula: str) -> None:
    graph = branched().graph
    found = op(kind)
    assert size_formula(found, graph.tensor(found.inputs[0]).shape) == formula


def test_details_are_joined_where_there_is_room() -> None:
    graph, found = branched().graph, op("conv_transpose2d")
    wide, narrow = detail_lines(found, graph, 160), detail_lines(found, graph, 60)
    assert wide[0].startswith("9 conv_transpose2d 3x3 4 →3 s2 op1 · up (ConvTranspose2d) · ")
    assert wide[0].endswith(": x = self.up(self.down(F.dropout(x, training=True)))")
    assert wide[1].startswith(
        "reads 1x4x4x4 from 8 down · gives 1x3x10x10 float32; goes to 10 adaptive_avg_pool2d"
    )
    assert "multiply-adds 4*4*108 = 1,728" in wide[1] + wide[2]
    assert "weight 4x3x3x3 + bias 3 = 111 parameters" in wide[2]
    assert " · ".join(wide[1:]) == " · ".join(narrow[1:])
    assert all(len(line) <= 60 for line in narrow[1:])


def test_the_network_in_a_line() -> None:
    assert summary_line(branched()).startswith("13 operations on 1x1x13x13: 412 parameters, ")
    assert summary_line(branched()).endswith(" multiply-adds · computes in float32")


def test_the_normalisation_is_said() -> None:
    picture = Picture(np.zeros((1, 2, 2)), "", "", False)
    plain = normalisation(Opening("net.py:Net"), picture)
    assert plain == "the image is not normalised: its pixels are from 0 to 1; --mean and --std change that"
    told = normalisation(Opening("net.py:Net", mean=(0.5, 0.25), std=(2.0,)), picture)
    same = "in float32; as ToTensor(), Normalize([0.5,0.25], [2]) of torchvision"
    assert told == f"the image is normalised: minus 0.5,0.25, divided by 2, {same}"
    scaled = replace(picture, resize=2, source="cat.png")
    told = normalisation(Opening("net.py:Net", mean=(0.5,)), scaled)
    assert "scaled (bilinear, antialiased) to 2x2, normalised" in told
    assert "as Resize(2), ToTensor(), Normalize([0.5], [1])" in told
    cropped = replace(scaled, resize=(4, 3), crop=2)
    told = normalisation(Opening("net.py:Net"), cropped)
    assert "scaled (bilinear, antialiased) and cropped to 2x2, not normalised" in told
    assert "as Resize((4, 3)), CenterCrop(2), ToTensor() of torchvision" in told
    for unlike in (
        replace(scaled, gray=True),  # torchvision's grey is another
        replace(scaled, resize=Longer(2)),
        replace(picture, notice="photo.jpg: 2000x1000 pixels scaled to 512x256"),
    ):
        told = normalisation(Opening("net.py:Net", mean=(0.5,)), unlike)
        assert "to 2x2, normalised" in told
        assert "torchvision" not in told


def test_the_table_at_two_widths() -> None:
    wide, narrow = model_lines(branched(), 200), model_lines(branched(), 80)
    assert [line.kind for line in wide[:2]] == [Kind.HEADER, Kind.LAYER]
    assert wide[-1].kind is Kind.TOTAL
    for name in (
        "operation",
        "module",
        "line",
        "from",
        "output",
        "parameters",
        "multiply-adds",
        "field",
        "jump",
    ):
        assert name in wide[0].text
    assert len(wide) == len(narrow) == len(branched().rows) + 2
    assert all(len(line.text) <= 78 for line in narrow)
    assert "3, 4" in next(line.text for line in wide if "─add " in line.text)


def test_a_path_that_is_cut_keeps_its_end() -> None:
    trace = convtui.trace(ResNet(4, 10).eval(), torch.zeros(1, 3, 32, 32))
    wide, narrow = (model_lines(trace, width)[25].text for width in (140, 80))
    assert "layer2.0.downsample.0" in wide
    assert " ╰┼─conv2d 1x1" in narrow
    assert "…0.downsample.0 " in narrow


def test_rows_that_differ_are_marked() -> None:
    lines = model_lines(branched(), 140, {4, 11})
    marked = [line.text.split()[0] for line in lines if "≠" in line.text]
    assert marked == ["≠4", "≠11"]


def test_the_row_that_failed_is_the_last() -> None:
    lines = model_lines(misfit(), 80)
    assert lines[-1].kind is Kind.ERROR
    assert lines[-1].text.startswith("6 linear fc · ")
    assert lines[-1].text.endswith(" · failed")
    text = failure_lines(misfit(), 60)
    assert "  why     linear expects 676 features, gets 36 = 4*3*3" in text
    assert all(len(line) <= 60 for line in text)


def test_operations_as_they_are_stepped_through() -> None:
    image = np.arange(16.0).reshape(4, 4)
    average = operation_of(op("avg_pool2d"), {"input": image})
    assert isinstance(average, Pooling)
    assert average.output[0, 0, 0] == (0 + 1 + 4 + 5) / 4  # without the padding
    weight = np.ones((4, 3, 3, 3))
    up = operation_of(op("conv_transpose2d"), {"input": np.ones((4, 2, 2)), "weight": weight})
    assert isinstance(up, TransposedConvolution)
    assert up.output_shape == (3, 6, 6)
    with pytest.raises(SpecError, match="relu"):
        operation_of(op("relu"), {"input": image})
    with pytest.raises(ValueError, match="4 axes beside the batch"):
        operation_of(op("conv2d"), {"input": np.ones((1, 1, 2, 2)), "weight": weight})


HOLED = [
    (nn.Conv2d(1, 1, 3, dilation=4), "reads 9 of 81 pixels: rows 0-8, columns 0-8"),
    (
        nn.Sequential(nn.Conv2d(1, 1, 1, stride=2), nn.Conv2d(1, 1, 3)),
        "reads 9 of 25 pixels: rows 0-4, columns 0-4",
    ),
    (Dilated(), "pixels: rows "),
]


@pytest.mark.parametrize(("module", "words"), HOLED)
def test_holes_in_a_field_are_where_gradients_are_0(module: nn.Module, words: str) -> None:
    for parameter in module.parameters():  # so that no sum is 0 by chance
        nn.init.uniform_(parameter, 0.5, 1.5)
    image = torch.rand(1, 1, 23, 21, requires_grad=True)
    trace = convtui.trace(module, image.detach())
    output = module(image)
    row = trace.rows[-1]
    assert row.op.output.shape == tuple(output.shape)
    for place in ((0, 0, 0), (0, 1, 2), (0, output.shape[2] - 1, output.shape[3] - 1)):
        (gradient,) = torch.autograd.grad(output[0][place], image, retain_graph=True)
        seen = with_holes(seen_by(row, place), trace.graph, row.op, place)
        assert seen.holes is not None
        assert seen.rows is not None
        assert seen.columns is not None
        drawn = np.zeros((23, 21), dtype=bool)
        (top, bottom), (left, right) = seen.rows, seen.columns
        drawn[top : bottom + 1, left : right + 1] = seen.holes.read
        np.testing.assert_array_equal(drawn, gradient[0, 0].numpy() != 0)
        # The grid draws it so, and the words count it.
        picture = Picture(np.zeros((1, 23, 21)), "", "", False)
        grid = image_grid(picture, None, seen, None, Place(Region(0, 0, 60, 30), BLOCKS))
        outline = grid.outline
        assert outline is not None
        marked = [[outline.holds(r, c) and outline.reads(r, c) for c in range(21)] for r in range(23)]
        np.testing.assert_array_equal(marked, drawn)
        assert f"reads {int(drawn.sum())} of " in field_line(row, place, None, seen)
    assert words in field_line(
        row, (0, 0, 0), None, with_holes(seen_by(row, (0, 0, 0)), trace.graph, row.op, (0, 0, 0))
    )


def test_a_field_without_holes_is_framed_alone() -> None:
    row = branched().rows[1]
    seen = seen_by(row, (0, 5, 0))
    assert with_holes(seen, branched().graph, row.op, (0, 5, 0)) is seen
    thin = Seen((2, 6), (1, 5), holes=Holes(np.eye(5, dtype=bool)))
    picture = Picture(np.zeros((1, 8, 8)), "", "", False)
    outline = image_grid(picture, None, thin, None, Place(Region(0, 0, 60, 30), BLOCKS, 2)).outline
    assert outline is not None
    assert (outline.rows, outline.columns) == (range(1, 4), range(3))
    assert outline.holes is not None
    assert outline.holes.read.tolist() == [[1, 1, 0], [0, 1, 1], [0, 0, 1]]


class Several(nn.Module):
    def forward(self, image: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        picked = torch.eye(4)[words]
        return F.conv2d(image, torch.ones(1, 1, 3, 3)).sum() + picked.sum()


@pytest.mark.parametrize(
    ("module", "given", "kind", "why"),
    [
        (nn.Conv1d(1, 1, 3), (torch.zeros(1, 1, 9),), "conv1d", "conv1d slides along a row; "),
        (nn.MaxPool1d(2), (torch.zeros(1, 1, 9),), "max_pool1d", "max_pool1d slides along a row; "),
        (nn.Conv3d(1, 1, 2), (torch.zeros(1, 1, 4, 4, 4),), "conv3d", "conv3d slides along a volume; "),
        (nn.Conv2d(1, 1, 3), (torch.zeros(2, 1, 8, 8),), "conv2d", "conv2d: its input has 2 images"),
        (nn.Embedding(4, 3), (torch.zeros(1, 5, dtype=torch.long),), "embedding", "has no windows"),
        (Several(), (torch.zeros(1, 1, 5, 5), torch.tensor([0, 2])), "input", "the input is no operation"),
        (Several(), (torch.zeros(1, 1, 5, 5), torch.tensor([0, 2])), "conv2d", ""),
        (nn.BatchNorm2d(1).eval(), (torch.zeros(1, 1, 5, 5),), "batch_norm", ""),
    ],
)
def test_every_row_is_shown_and_says_why_it_is_not_opened(
    module: nn.Module, given: tuple[torch.Tensor, ...], kind: str, why: str
) -> None:
    trace = convtui.trace(module, given)
    found = next(op for op in trace.graph.ops if op.kind == kind)
    told = why_not_opened(found, trace.graph)
    assert why in told if why else not told
    assert "\n" not in told
    assert len(model_lines(trace, 80)) == len(trace.rows) + 2


def test_what_is_seen_of_a_row_and_of_a_volume() -> None:
    row = convtui.trace(nn.Conv1d(1, 1, 3, padding=1), torch.zeros(1, 1, 9)).rows[1]
    assert field_line(row, (0, 0, 4), None, seen_by(row, (0, 0, 4))).endswith("sees 3 of the input: 3-5")
    assert field_line(row, (0, 0, 0), None, seen_by(row, (0, 0, 0))).endswith("sees 2 of the input: 0-1")
    row = convtui.trace(nn.Conv3d(1, 1, 2), torch.zeros(1, 1, 4, 4, 4)).rows[1]
    told = field_line(row, (1, 2, 0), None, seen_by(row, (1, 2, 0)))
    assert told.endswith("sees 2x2x2 of the input: 1-2, 2-3, 0-1")
