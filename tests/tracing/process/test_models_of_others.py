"""Networks that others wrote: rows against PyTorch's own counts and hooks, fields against gradients."""

import warnings
from collections.abc import Iterator
from functools import partial
from math import prod
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from convtui.engine.graph.feeding import feeding
from convtui.engine.graph.fields import AxisField, fields
from convtui.engine.graph.operation import Source
from convtui.tracing.process.tracer import copied, follow

NAMES: dict[str, tuple[str, dict[str, Any], tuple[int, ...]]] = {
    "unet of volumes": (
        "UNet",
        {"spatial_dims": 3, "in_channels": 1, "out_channels": 2, "channels": (2, 4, 8), "strides": (2, 2)},
        (1, 8, 12, 8),
    ),
    "residual unet of signals": (
        "UNet",
        {
            "spatial_dims": 1,
            "in_channels": 2,
            "out_channels": 2,
            "channels": (4, 8, 16),
            "strides": (2, 2),
            "num_res_units": 2,
        },
        (2, 40),
    ),
    "squeeze and excite": (
        "EfficientNetBN",
        {"model_name": "efficientnet-b0", "pretrained": False, "spatial_dims": 1, "in_channels": 2},
        (2, 64),
    ),
    "attention unet": (
        "AttentionUnet",
        {"spatial_dims": 2, "in_channels": 1, "out_channels": 2, "channels": (4, 8, 16), "strides": (2, 2)},
        (1, 32, 24),
    ),
    "residual unet": (
        "SegResNet",
        {"spatial_dims": 2, "init_filters": 8, "in_channels": 1, "out_channels": 2},
        (1, 32, 32),
    ),
    "instance norm and activation in place": (
        "DynUNet",
        {
            "spatial_dims": 2,
            "in_channels": 1,
            "out_channels": 2,
            "kernel_size": [3, 3, 3],
            "strides": [1, 2, 2],
            "upsample_kernel_size": [2, 2],
            "filters": [4, 8, 16],
        },
        (1, 24, 32),
    ),
    "transformer": (
        "ViT",
        {
            "in_channels": 1,
            "img_size": (16, 24),
            "patch_size": (8, 8),
            "hidden_size": 12,
            "mlp_dim": 16,
            "num_layers": 1,
            "num_heads": 3,
            "spatial_dims": 2,
        },
        (1, 16, 24),
    ),
    "shifted windows": (
        "SwinUNETR",
        {"in_channels": 1, "out_channels": 2, "feature_size": 12, "spatial_dims": 2},
        (1, 64, 64),
    ),
}


class Hooked:
    """What each module without modules of its own has given, by path."""

    def __init__(self, model: nn.Module) -> None:
        self.gave: dict[str, Tensor] = {}
        self._handles = [
            module.register_forward_hook(partial(self._keep, path))
            for path, module in model.named_modules()
            if not list(module.children())
        ]

    def _keep(self, path: str, module: nn.Module, given: object, gave: object) -> None:
        del module, given
        if isinstance(gave, Tensor):
            self.gave.setdefault(path, gave.detach().clone())

    def remove(self) -> None:
        for handle in self._handles:
            handle.remove()


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Which is faster for networks this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_of_others(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nets = pytest.importorskip("monai.networks.nets")
        kind, settings, shape = NAMES[name]
        torch.manual_seed(0)
        model: nn.Module = getattr(nets, kind)(**settings).eval().double()
    with torch.no_grad():  # positive, so that no gradient is 0 by chance, and small, so that none is lost
        for each in model.parameters():
            each.copy_((torch.rand(each.shape) + 0.1) / max(1, prod(each.shape[1:])))
    image = torch.rand(1, *shape, dtype=torch.float64) + 0.1
    graph = follow(model, (image,), {})
    assert graph.failure is None
    assert graph.parameters + sum(each.count for each in graph.unused) == sum(
        each.numel() for each in model.parameters()
    )

    hooked, counter = Hooked(model), FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model(image)
    hooked.remove()
    assert graph.multiply_adds * 2 == counter.get_total_flops()
    assert graph.uncounted == ()
    last = {op.path: op for op in graph.ops if op.call == 1}
    shown = [last[path] for path in hooked.gave if path in last]
    assert len(shown) > 5
    assert all(op.output.shape == hooked.gave[op.path].shape for op in shown)
    for op in shown[:: len(shown) // 3]:
        found = copied(model, (image,), {}, op.number)
        assert found is not None
        assert torch.allclose(found.gave[0], hooked.gave[op.path], atol=1e-12)

    source, seen = graph.outputs[0], fields(graph)
    size = graph.tensor(source).shape
    cell = tuple(n // 3 for n in size)
    leaf = image.clone().requires_grad_()
    outputs = model(leaf)
    (outputs[0] if isinstance(outputs, tuple) else outputs)[cell].backward()
    assert leaf.grad is not None
    expected = (leaf.grad != 0).numpy()
    fed = feeding(graph, source, cell)[Source(0)]
    assert fed is not None
    told = fed.is_fed()
    assert not (expected & ~told).any()
    if not any("max_pool" in op.kind for op in graph.ops):  # of which the winner alone has a gradient
        assert np.array_equal(told, expected)
    for axis, field in enumerate(seen[source], 2):
        assert isinstance(field, AxisField)
        along = np.flatnonzero(expected.any(axis=tuple(i for i in range(image.dim()) if i != axis)))
        low, high = field.span(cell)
        assert low <= along[0] <= along[-1] <= high
