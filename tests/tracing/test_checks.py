"""Each check finds what it is for, with its evidence, and nothing in a network that is well made."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convtui.engine.graph.checks import CHECKS, remarks
from convtui.tracing.process.tracer import follow
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
