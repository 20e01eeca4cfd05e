"""Which convolutions of a network have pictures, what their activation is, and why others have none."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convtui.engine.graph.operation import Graph
from convtui.tracing.process.tracer import follow
from convtui.training.own_convolutions import convolutions_of


class Given(nn.Module):
    """A network whose pass is a function of these modules."""

    def __init__(self, forward: Callable[[Any, Tensor], Tensor], **modules: nn.Module) -> None:
        super().__init__()
        for name, each in modules.items():
            self.add_module(name, each)
        self._given = forward

    def forward(self, x: Tensor) -> Tensor:
        return self._given(self, x)


def graph_of(forward: Callable[[Any, Tensor], Tensor], **modules: nn.Module) -> Graph:
    graph = follow(Given(forward, **modules).eval(), (torch.zeros(2, 3, 12, 12),), {})
    assert graph.failure is None
    return graph


CONV = {"conv": nn.Conv2d(3, 4, 3), "norm": nn.BatchNorm2d(4)}


@pytest.mark.parametrize(
    ("forward", "activation"),
    [
        (lambda m, x: F.relu(m.conv(x)), "relu"),
        (lambda m, x: F.relu(F.max_pool2d(m.conv(x), 2)), "relu"),
        (lambda m, x: F.gelu(m.norm(m.conv(x))), "gelu"),
        (lambda m, x: m.norm(m.conv(x)).clamp(min=0), "clamp"),
        (lambda m, x: m.norm(m.conv(x)).relu_() + 1, "relu"),
        (lambda m, x: m.norm(m.conv(x)).mean((2, 3)), "batch_norm"),
        (lambda m, x: F.max_pool2d(m.norm(m.conv(x)), 2).mean((2, 3)), "batch_norm"),
        (lambda m, x: F.max_pool2d(m.conv(x), 2).flatten(1), ""),
        (lambda m, x: m.norm(F.relu(m.conv(x))), "relu"),
        (lambda m, x: (y := m.conv(x)) + F.relu(y), ""),  # two read it
        (lambda m, x: F.relu(m.conv(x).flatten(1)), ""),
        (lambda m, x: m.conv(x), ""),
    ],
)
def test_the_activation_is_what_follows_the_convolution_alone(
    forward: Callable[[Any, Tensor], Tensor], activation: str
) -> None:
    found, left_out = convolutions_of(graph_of(forward, **CONV), {"conv.weight"}, [("conv", "Conv2d")])
    (each,) = found
    assert left_out == ()
    assert each.named.activation.partition(" ")[0] == activation
    assert each.is_rectified == (activation == "relu")
    assert (each.named.path, each.named.title, each.named.weight) == ("conv", "conv2d 3x3", "conv.weight")
    assert each.named.shape == (4, 3, 3, 3)
    assert each.named.maps == (10, 10)


@pytest.mark.parametrize(
    ("forward", "why"),
    [
        (lambda m, x: m.conv(m.conv(x)), "its filters are used 2 times in a pass"),
        (lambda m, x: F.conv2d(x, m.conv(x)[:1, :3, :3, :3]), "its filters are computed from the images"),
        (lambda m, x: m.conv(x.reshape(8, 3, 6, 6)), "it gives 8 outputs for 2 images"),
        (lambda m, x: m.conv(x[0]), "it gives an output of 3 axes"),
    ],
)
def test_what_has_no_pictures_says_why(forward: Callable[[Any, Tensor], Tensor], why: str) -> None:
    graph = graph_of(forward, conv=nn.Conv2d(3, 3, 3))
    _, left_out = convolutions_of(graph, {"conv.weight"}, [])
    assert why in [each.why for each in left_out][-1]


def test_what_an_activation_sees_is_told_for_each_row_or_why_not() -> None:
    graph = graph_of(lambda m, x: F.relu(m.conv(x)), **CONV)
    ((each,), _) = convolutions_of(graph, (), [])
    assert each.named.rows == each.named.columns == tuple((at, at + 2) for at in range(10))
    assert (each.named.unseen, each.named.weight) == ("", "")
    rolled = graph_of(lambda m, x: F.relu(m.conv(x.flatten(2).sort(2)[0].reshape(x.shape))), **CONV)
    ((each,), _) = convolutions_of(rolled, (), [])
    assert each.named.rows == each.named.columns == ()
    assert each.named.unseen.startswith("what it sees of an image is not known because of ")
