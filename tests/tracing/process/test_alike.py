"""Calls that are described once: they are told from others, and hold no tensors."""

import gc
import weakref

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convtui.engine.graph.operation import Graph
from convtui.tracing.process.alike import MOST_KEPT, Alike, Repeats, signature
from convtui.tracing.process.calls import Call, bind
from convtui.tracing.process.tracer import follow


class Strided(nn.Module):
    """Two convolutions of the same shapes, of which one is dilated."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, 2, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        one = F.conv2d(x, self.weight, None, 1, 1)
        other = F.conv2d(x, self.weight, None, 1, 2, 2)
        return one + other


class Picked(nn.Module):
    """What is read depends on the numbers of an index."""

    def forward(self, x: Tensor) -> Tensor:
        first = x[:, :, torch.tensor([0, 1])]
        last = x[:, :, torch.tensor([3, 2])]
        return first + last


class Grown(nn.Module):
    """It registers a parameter in its pass, and does not use it."""

    def forward(self, x: Tensor) -> Tensor:
        self.late = nn.Parameter(torch.zeros(3))
        return x * 2


def traced(model: nn.Module, *shape: int) -> Graph:
    return follow(model, (torch.randn(*shape),), {})


def test_a_second_pass_tells_the_same() -> None:
    for model, shape in ((Strided(), (1, 2, 7, 7)), (Picked(), (1, 2, 4, 4))):
        assert traced(model, *shape).ops == traced(model, *shape).ops


def test_calls_of_the_same_shapes_with_other_settings_are_told_apart() -> None:
    one, other = traced(Strided(), 1, 2, 7, 7).ops[1:3]
    assert one.settings["dilation"] == (1, 1)
    assert other.settings["dilation"] == (2, 2)
    assert one.reads != other.reads


def test_what_depends_on_numbers_is_looked_at_each_time() -> None:
    first, last = (op for op in traced(Picked(), 1, 2, 4, 4).ops if op.kind == "getitem")
    assert first.reads != last.reads
    assert signature("getitem", torch.Tensor.__getitem__, (torch.zeros(2), 0), {}, []) is None


def test_a_shape_that_is_given_is_no_tensor_of_that_shape() -> None:
    tensor = torch.zeros(1, 2)
    given, shape = (signature("add", torch.add, (tensor, each), {}, [tensor]) for each in (tensor, (1, 2)))
    assert given != shape


def test_calls_hold_no_tensors() -> None:
    repeats, tensor = Repeats(), torch.zeros(1, 2, 4, 4)
    key = signature("relu", torch.relu, (tensor,), {}, [tensor])
    kind, bound = bind("relu", torch.relu, (tensor,), {})
    repeats.add(key, Alike(Call(kind, bound, torch.relu, (tensor,), {}, [tensor])))
    found = repeats.of(key)
    assert found is not None
    assert (found.kind, found.roles) == ("relu", ("input",))
    alive = weakref.ref(tensor)
    del tensor, bound
    gc.collect()
    assert alive() is None
    for number in range(MOST_KEPT):  # as many as are kept, so that the first has to go
        repeats.add(("another", number), found)
    assert repeats.of(key) is None


def test_parameters_that_came_in_the_pass_are_among_the_unused() -> None:
    assert [each.name for each in traced(Grown(), 1, 2).unused] == ["late"]
