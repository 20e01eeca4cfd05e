"""Fields and masks of traced networks are those of the gradients: every pixel that moves a cell, no other."""

import random
from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from convtui.engine.graph.feeding import feeding
from convtui.engine.graph.fields import AxisField, NotKnown, fields
from convtui.engine.graph.operation import Cost, Source
from convtui.engine.presets import preset
from convtui.engine.stack import summarize
from convtui.tracing.process.tracer import follow
from tests.support.traced_models import Dilated, ResNet, Shuffled, UNet

CELLS = 12


def positive(model: nn.Module) -> nn.Module:
    """The model with weights that let nothing cancel and kill no ReLU."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for each in model.parameters():
            each.copy_(torch.rand(each.shape, generator=generator) + 0.1)
    return model.double().eval()


def reached(model: nn.Module, image: Tensor, cell: tuple[int, ...]) -> np.ndarray:
    """[channels, rows, columns] whether a pixel has a gradient."""
    image = image.clone().requires_grad_()
    model(image)[cell].backward()
    assert image.grad is not None
    return (image.grad[0] != 0).numpy()


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, int, int]]] = {
    "unet": (UNet, (1, 24, 28)),
    "unet of odd sizes": (UNet, (1, 27, 21)),
    "unet with an even kernel": (lambda: UNet(4, "nearest"), (1, 20, 24)),
    "dilated": (Dilated, (1, 23, 20)),
    "shuffled": (Shuffled, (2, 9, 8)),
    "window norm": (
        lambda: nn.Sequential(nn.Conv2d(2, 4, 5, 2, 3), nn.GroupNorm(2, 4), nn.AdaptiveAvgPool2d((3, 2))),
        (2, 17, 15),
    ),
    "uneven pools": (
        lambda: nn.Sequential(
            nn.AvgPool2d(3, 2, 1, ceil_mode=True), nn.AdaptiveAvgPool2d((4, 3)), nn.Flatten()
        ),
        (2, 15, 14),
    ),
    "circular": (lambda: nn.Conv2d(1, 1, 3, padding=2, dilation=2, padding_mode="circular"), (1, 6, 7)),
    "transposed and dilated": (lambda: nn.ConvTranspose2d(1, 1, 3, 3, 2, 1, dilation=2), (1, 5, 4)),
    "resnet": (lambda: ResNet(2, 3), (3, 40, 33)),
}


@pytest.mark.parametrize("name", MODELS)
def test_fields_are_those_of_the_gradients(name: str) -> None:
    make, shape = MODELS[name]
    model = positive(make())
    # An average pool stands in for a maximum, through which only the winner has a gradient.
    for path, module in list(model.named_children()):
        if isinstance(module, nn.MaxPool2d):
            setattr(model, path, nn.AvgPool2d(module.kernel_size, module.stride, module.padding))
    image = torch.rand(1, *shape, dtype=torch.float64) + 0.1
    graph = follow(model, (image,), {})
    assert graph.failure is None
    assert [op for op in graph.ops if op.note] == []
    seen = fields(graph)[graph.outputs[0]]
    output = model(image)
    chosen = random.Random(3)
    for _ in range(CELLS):
        cell = tuple(chosen.randrange(size) for size in output.shape)
        expected = reached(model, image, cell)
        fed = feeding(graph, graph.outputs[0], cell).get(Source(0))
        if not expected.any():  # where a transposed convolution leaves gaps
            assert fed is None
            continue
        assert fed is not None
        assert fed.is_told
        assert np.array_equal(fed.is_fed(1, 2, 3), expected)
        for axis, field in zip((1, 2), seen, strict=True):
            assert isinstance(field, AxisField)
            along = np.flatnonzero(expected.any(axis=(0, 3 - axis)))
            low, high = field.span(cell)
            # The interval is of all channels: in a group or a part of a concat it may be less.
            assert low <= along[0]
            assert along[-1] <= high
            if name != "shuffled":
                assert (low, high) == (along[0], along[-1])


def test_a_row_agrees_with_the_layers_of_the_same_network() -> None:
    graph = follow(ResNet().eval(), (torch.zeros(1, 3, 224, 224),), {})
    rows = summarize(preset("resnet-18").layers, (3, 224, 224)).rows
    ours = [op for op in graph.ops if op.kind in ("conv2d", "linear")]
    theirs = [row for row in rows if row.multiply_adds]
    assert sum(op.parameter_count for op in graph.ops) == sum(row.parameters for row in rows) == 11_689_512
    assert sorted(op.cost.multiply_adds for op in ours if op.cost) == sorted(
        row.multiply_adds for row in theirs
    )
    seen = fields(graph)
    told = [
        (field.size, field.jump)
        for op in ours
        if op.kind == "conv2d" and isinstance(field := seen[Source(op.number)][0], AxisField)
    ]
    assert sorted(told) == sorted((row.field.rows.size, row.field.rows.jump) for row in theirs[:-1])


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_padding_of_any_kind_leaves_neighbours_a_pixel_apart(
    mode: Literal["zeros", "reflect", "replicate", "circular"],
) -> None:
    model = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, padding_mode=mode), nn.Conv2d(1, 1, 3, 2))
    graph = follow(model, (torch.rand(1, 1, 8, 9),), {})
    for axis in fields(graph)[graph.outputs[0]]:
        assert isinstance(axis, AxisField)
        assert (axis.size, axis.jump, axis.first) == (5, 2, -1)


def test_what_is_not_known_stays_so() -> None:
    class Sampled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = self.first(x)
            grid = torch.zeros(1, 6, 6, 2)
            out: Tensor = self.last(torch.nn.functional.grid_sample(x, grid, align_corners=False))
            return out

    graph = follow(Sampled(), (torch.zeros(1, 1, 9, 9),), {})
    sample = next(op for op in graph.ops if op.kind == "grid_sample")
    seen = fields(graph)
    assert seen[Source(sample.number)] == seen[graph.outputs[0]] == (NotKnown(sample.number),) * 2
    assert feeding(graph, graph.outputs[0], (0, 0, 0, 0))[Source(0)] is None
    assert sample.note
    assert sample.cost == Cost()  # it moves and weighs numbers, but no weights are learned
