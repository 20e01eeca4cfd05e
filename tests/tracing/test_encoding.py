"""What travels from the tracing process arrives as it was."""

from typing import get_args

import pytest
import torch
from torch import nn

from convtui.engine.graph import reads
from convtui.tracing.encoding import graph_from_json, op_from_json, op_to_json, rest_to_json
from convtui.tracing.process.tracer import follow
from convtui.tracing.protocol import (
    Done,
    Job,
    Loaded,
    Refused,
    Sizes,
    Traced,
    decode,
    decode_job,
    encode,
)
from tests.support.shape_bugs import Flattened
from tests.support.traced_models import Attending, Shuffled, UNet, Written


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (UNet(), (1, 1, 15, 15)),
        (Shuffled(), (1, 2, 9, 8)),
        (Written(), (1, 1, 8, 8)),
        (Attending(), (1, 4, 3, 3)),
        (Flattened(), (1, 3, 40, 40)),
    ],
)
def test_a_graph_arrives_as_it_was(model: nn.Module, shape: tuple[int, ...]) -> None:
    graph = follow(model, (torch.rand(shape),), {})
    ops = [decode(encode(Done(op))) for op in graph.ops]
    rest = decode(encode(Traced(rest_to_json(graph))))
    assert isinstance(rest, Traced)
    arrived = tuple(each.op for each in ops if isinstance(each, Done))
    assert graph_from_json(arrived, rest.rest) == graph


READS: tuple[reads.Read, ...] = (
    reads.Pointwise(1),
    reads.Window(2, 3, 2, 1, 1, (1, 0, 1, 2, 1)),
    reads.Transposed(2, 4, 2, 1),
    reads.Gather(3, (0, 1), (2, 2)),
    reads.Grouped(1, 2, 3),
    reads.Unravel(1, 4),
    reads.Merge((1, 2), (4, 1), 3),
    reads.Digits((1, 2), (2, 1), (0, 2), (1, 2), 1, 2, 4),
    reads.All(),
    reads.Nothing(),
    reads.Unknown(),
)


def test_every_kind_of_read_arrives() -> None:
    assert {type(read) for read in READS} == {*get_args(reads.Read)}
    graph = follow(nn.Conv2d(1, 1, 3), (torch.rand(1, 1, 5, 5),), {})
    op = graph.ops[1]._replace(reads=((READS,),))
    arrived = decode(encode(Done(op)))
    assert isinstance(arrived, Done)
    assert arrived.op == op


def test_what_was_told_before_dead_filters_were_counted_is_read() -> None:
    graph = follow(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), (torch.rand(1, 1, 5, 5),), {})
    values = op_to_json(graph.ops[2])
    assert op_from_json(values).dead == graph.ops[2].dead is not None
    del values["dead"]
    assert op_from_json(values).dead is None
    rest = {
        name: value for name, value in rest_to_json(graph).items() if name not in ("input_name", "returned")
    }
    assert graph_from_json(graph.ops, rest) == graph


@pytest.mark.parametrize(
    "event",
    [
        Loaded(("a",)),
        Loaded(is_called=False),
        Refused("no", ("b", "c")),
        Sizes(((1, 2), (3, 4)), ((3, 4),), ""),
        Sizes(why="w"),
    ],
)
def test_events_arrive_as_they_were(event: Loaded | Refused | Sizes) -> None:
    assert decode(encode(event)) == event


def test_a_job_arrives_as_it_was() -> None:
    job = Job("net.py:Net", ("1", "a=2"), (3, 4, 5), 2, weights="w.pth", training=True)
    assert decode_job(encode(job)) == job


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"{}", b'{"event":"Done"}', b'{"event":"Loaded","x":1}'])
def test_what_is_no_event_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (json raises its own)
        decode(line)
    with pytest.raises(ValueError):  # noqa: PT011
        decode_job(line)
