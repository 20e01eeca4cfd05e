"""Branches and joins beside the table of the user's own network."""

from itertools import pairwise

import torch
from torch import nn

import convtui
from convtui.engine.graph.operation import Op
from convtui.pages.layers.model_lanes import MOST, lane_texts, lanes_of
from tests.support.traced_models import Dense, ResNet, UNet


def ops(module: nn.Module, *shape: int) -> tuple[Op, ...]:
    return convtui.trace(module.eval(), torch.zeros(shape)).graph.ops


def drawn(module: nn.Module, *shape: int) -> list[str]:
    found = ops(module, *shape)
    return [text + op.kind for text, op in zip(lane_texts(found), found, strict=True)]


def test_blocks_of_a_resnet() -> None:
    lines = drawn(ResNet(4, 10), 1, 3, 32, 32)
    assert lines[17:27] == [
        " ╰─add",
        "╭──relu",
        "│  conv2d",
        "│  batch_norm",
        "│  relu",
        "│  conv2d",
        "│╭─batch_norm",
        "╰┼─conv2d",
        " │ batch_norm",
        " ╰─add",
    ]


def test_the_shorter_connection_of_a_unet_is_the_inner() -> None:
    lines = drawn(UNet(), 1, 1, 32, 32)
    assert lines[:7] == [
        "   input",
        "   conv2d",
        "╭──relu",
        "│  avg_pool2d",
        "│  conv2d",
        "│╭─relu",
        "││ avg_pool2d",
    ]
    assert lines[-6:] == [
        "││ getitem",
        "│╰─cat",
        "│  conv2d",
        "│  interpolate",
        "╰──cat",
        "   conv2d",
    ]


def test_what_many_read_has_one_lane() -> None:
    assert drawn(Dense(2), 1, 3, 8, 8) == [
        "╭──input",
        "│  cat",
        "│  conv2d",
        "│╭─relu",
        "├┼─cat",
        "││ conv2d",
        "││ relu",
        "╰┴─cat",
    ]


def test_every_connection_is_drawn_or_there_are_too_many() -> None:
    for module, shape in ((ResNet(4, 10), (1, 3, 32, 32)), (Dense(12), (1, 3, 8, 8))):
        found = ops(module, *shape)
        columns = lanes_of(found)
        far = {(source.op, op.number) for op in found for source in op.inputs if op.number > source.op + 1}
        told = {(lane.first, stop) for column in columns for lane in column for stop in lane.stops}
        assert told <= far
        assert told == far or len(columns) == MOST
        for column in columns:
            ordered = sorted((lane.first, lane.last) for lane in column)
            assert all(one[1] <= other[0] for one, other in pairwise(ordered))
        assert len({len(text) for text in lane_texts(found)}) == 1


def test_without_branches_nothing_is_drawn() -> None:
    found = ops(nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU()), 1, 1, 8, 8)
    assert lane_texts(found) == ["", "", ""]
