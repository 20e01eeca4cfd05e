"""Each check finds what it is for, with its evidence, and nothing in a network that is well made."""

import json
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convtui.engine.graph.checks import CHECKS, remarks, unmade
from convtui.engine.graph.operation import Graph
from convtui.tracing.process.tracer import follow
from convtui.tracing.traced import Trace, as_json, as_markdown
from tests.support.traced_models import ResNet


class Classifier(nn.Module):
    """A softmax at the end, and the loss that has one."""

    def __init__(self, in_forward: bool = False) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)
        self.in_forward = in_forward
        if not in_forward:
            self.loss = nn.CrossEntropyLoss()

    def forward(self, x: Tensor) -> Tensor:
        x = F.softmax(self.fc(x), dim=1)
        return F.cross_entropy(x, torch.tensor([1])) if self.in_forward else x


def with_dead(convolution: nn.Conv1d | nn.Conv2d, channel: int) -> nn.Module:
    """A ReLU after a convolution that gives 1 and, in one of its channels, -9."""
    with torch.no_grad():
        convolution.weight.zero_()
        assert convolution.bias is not None
        convolution.bias.fill_(1)
        convolution.bias[channel] = -9
    return nn.Sequential(convolution, nn.ReLU())


class Giving(nn.Module):
    """Returns what it is told to, after a convolution."""

    def __init__(self, give: str) -> None:
        super().__init__()
        self.conv, self.give = nn.Conv2d(1, 1, 3), give

    def forward(self, x: Tensor) -> object:
        y = self.conv(x)
        return {
            "nothing": None,
            "a number": {"scores": 3},
            "its input": x,
            "its input twice": (x, [x]),
            "a constant": torch.zeros(2),
            "its output": y,
            "both": (x, y),
            "a dict": {"maps": y, "count": 1},
        }[self.give]


def found(model: nn.Module, *shape: int) -> dict[str, list[str]]:
    graph = follow(model, (torch.rand(shape),), {})
    assert graph.failure is None
    lines: dict[str, list[str]] = {}
    for each in remarks(graph):
        lines.setdefault(each.name, []).append(each.evidence)
    return lines


CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], str]] = {
    "bias": (
        lambda: nn.Sequential(nn.Conv2d(1, 5, 3), nn.BatchNorm2d(5)).eval(),
        (1, 1, 3, 3),
        "conv2d 0 (LINE): its bias of 5 numbers does nothing, as batch_norm 1 (LINE) right after it "
        "subtracts the mean: bias=False",
    ),
    "unread": (
        lambda: nn.MaxPool2d(2, 3),
        (1, 1, 7, 8),
        "32 of 56 pixels are read by no window: rows 2, 5, 6 and columns 2, 5",
    ),
    "field": (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 1, 3, padding=1)),
        (1, 1, 9, 9),
        "conv2d 1 (LINE), the last convolution, sees 5x5 of the 9x9 image",
    ),
    "checkerboard": (
        lambda: nn.ConvTranspose2d(1, 1, 3, stride=2),
        (1, 1, 4, 4),
        "conv_transpose2d (LINE): stride 2 does not divide kernel size 3, so that unequally many windows "
        "land on its cells: a checkerboard",
    ),
    "training": (
        lambda: nn.Sequential(nn.BatchNorm2d(1), nn.BatchNorm2d(1)),
        (2, 1, 3, 3),
        "batch_norm 0 (LINE) and 1 more in training mode: the output depends on the other images of the "
        "batch; for use: model.eval()",
    ),
    "dead": (
        lambda: with_dead(nn.Conv1d(1, 3, 3), 1),
        (2, 1, 3),
        "conv1d 0 (LINE): 1 of 3 filters is dead on this input, a batch of 2: channel 1 is 0 everywhere "
        "after relu 1 (LINE), largest value before: -9",
    ),
    "output": (
        lambda: nn.Identity(),
        (1, 4),
        "the network gives its input as it is",
    ),
    "softmax": (
        Classifier,
        (1, 4),
        "softmax (LINE) is the output, and CrossEntropyLoss, which is used with it, applies a softmax of its "
        "own: leave this one out",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_found_with_its_evidence(name: str) -> None:
    make, shape, evidence = CASES[name]
    lines = found(make(), *shape)
    assert list(lines) == [name]
    assert len(lines[name]) == 1
    said = lines[name][0]
    for word in said.split():
        if ".py:" in word:
            said = said.replace(word.strip("(),:"), "LINE")
    assert said == evidence


def test_all_checks_have_a_case() -> None:
    assert set(CASES) == set(CHECKS)


def test_they_are_silenced_by_their_names() -> None:
    make, shape, _ = CASES["bias"]
    graph = follow(make(), (torch.rand(shape),), {})
    assert remarks(graph, frozenset(["bias"])) == []


def test_a_softmax_into_a_loss_of_the_same_pass() -> None:
    assert "goes into cross_entropy" in found(Classifier(in_forward=True), 1, 4)["softmax"][0]


def test_nothing_is_said_of_what_is_well_made() -> None:
    assert set(found(ResNet(4, 3).eval(), 1, 3, 64, 64)) <= {"dead"}  # as its weights are random


def test_a_bias_whose_sum_goes_elsewhere_too_is_of_use() -> None:
    class Used(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)

        def forward(self, x: Tensor) -> Tensor:
            y = self.conv(x)
            out: Tensor = self.norm(y) + y
            return out

    assert found(Used().eval(), 1, 1, 3, 3) == {}


def test_unread_pixels_are_those_without_a_gradient() -> None:
    convolution = nn.Conv2d(1, 1, 3, 2)
    nn.init.ones_(convolution.weight)
    model = nn.Sequential(convolution, nn.AvgPool2d(2))
    image = torch.rand(1, 1, 18, 13, requires_grad=True)
    model(image).sum().backward()
    assert image.grad is not None
    unread = int((image.grad == 0).sum())
    assert unread
    assert found(model, 1, 1, 18, 13)["unread"][0].startswith(f"{unread} of {18 * 13} pixels are read by no")


@pytest.mark.parametrize(
    ("give", "told"),
    [
        ("nothing", "None: a return is missing in its forward"),
        ("a number", "dict, in which no tensor is found"),
        ("its input", "its input as it is: nothing reads what its 1 operation gives"),
        ("its input twice", "its input as it is: nothing reads what its 1 operation gives"),
        ("a constant", "what does not depend on its input"),
    ],
)
def test_a_network_that_gives_nothing_is_told_so(give: str, told: str) -> None:
    assert found(Giving(give), 1, 1, 3, 3)["output"] == [f"the network gives {told}"]


@pytest.mark.parametrize("give", ["its output", "both", "a dict"])
def test_a_network_that_gives_what_it_computes_is_told_nothing(give: str) -> None:
    assert "output" not in found(Giving(give), 1, 1, 3, 3)


def test_what_was_not_made_is_told() -> None:
    graph = follow(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(9, 2)), (torch.rand(1, 1, 8, 8),), {})
    assert graph.failure
    assert set(unmade(graph)) == {"unread", "field", "dead", "softmax", "output"}
    assert unmade(graph, frozenset(CHECKS)) == {}
    whole = follow(nn.Conv2d(1, 2, 3), (torch.rand(1, 1, 3, 3),), {})
    assert unmade(whole) == {}
    cut = Graph(whole.ops, is_cut=True)
    assert remarks(cut) == []
    assert Trace(cut).check_lines() == [
        "checks that were not made, as the pass has not come to its end: unread, field, dead, softmax, output"
    ]
    assert json.loads(as_json(Trace(cut)))["unmade"] == unmade(cut)


def test_of_many_remarks_of_one_check_the_first_are_written_out() -> None:
    layers = [with_dead(nn.Conv2d(3 if at else 1, 3, 1), 1) for at in range(8)]
    trace = Trace(
        follow(nn.Sequential(*layers), (torch.rand(1, 1, 3, 3),), {}), silenced=frozenset(["field"])
    )
    assert len(trace.remarks) == 8
    lines = trace.remark_lines()
    assert len(lines) == 6
    assert lines[-1] == "dead  and so of operations 11, 13, 15"
    assert lines[-1].removeprefix("dead  ") in as_markdown(trace)
    assert len(trace.remark_lines(8)) == 8
