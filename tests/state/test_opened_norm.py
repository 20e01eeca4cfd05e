"""Norms of a user's own network opened with their real tensors, against the modules themselves."""

import numpy as np
import pytest
import torch
from torch import nn

from convtui.pages.batchnorm.figures import Figures
from convtui.pages.batchnorm.labels import formula_lines, hint_line, title_line
from convtui.state.opened_norm import OpenedNorm, opened_norm
from convtui.tracing.process.tracer import copied
from tests.support.own_networks import steady


def opened(module: nn.Module, image: torch.Tensor) -> tuple[OpenedNorm, torch.Tensor]:
    """The norm as the app opens it, and the module's own output."""
    found = copied(nn.Sequential(module), (image,), {}, 1)
    assert found is not None
    arrays = {role: each.double().numpy() for role, each in found.given.items()}
    arrays["output"] = found.gave[0].double().numpy()
    return opened_norm(found.op, arrays, tuple(image.shape), "cat"), found.gave[0]


def moved(module: nn.Module, training: bool = False) -> nn.Module:
    """A module with weights and statistics that are not those of a new one."""
    steady(module)
    for name, buffer in module.named_buffers():
        if name != "num_batches_tracked":
            buffer.copy_(torch.linspace(0.5, 2, buffer.numel()))
        else:
            buffer.fill_(7)
    return module.train(training)


IMAGE = torch.sin(torch.arange(2 * 4 * 5 * 6) * 0.7).reshape(2, 4, 5, 6) * 2 + 0.3


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("momentum", [0.2, None])
def test_a_batch_norm_is_the_module_in_its_mode(training: bool, momentum: float | None) -> None:
    module = moved(nn.BatchNorm2d(4, eps=1e-3, momentum=momentum), training)
    before = {name: each.clone() for name, each in module.state_dict().items()}
    found, output = opened(module, IMAGE)
    norm = found.session.norm
    assert (norm.training, norm.momentum, norm.eps) == (training, momentum, 1e-3)
    assert norm.num_batches_tracked == 7
    np.testing.assert_allclose(norm(found.values), output.numpy(), rtol=1e-5, atol=1e-6)
    assert found.session.network.module is not None
    assert 0 < found.session.network.module.difference < 1e-5
    # Looking has changed nothing of theirs; a pass does to it what the page says.
    assert all(torch.equal(module.state_dict()[name], each) for name, each in before.items())
    after = found.session.updated_norm(found.measurement.in_mode(training).statistics)
    module(IMAGE)
    np.testing.assert_allclose(after.running_var, module.running_var.numpy(), rtol=1e-5)  # type: ignore[operator]
    np.testing.assert_allclose(after.running_mean, module.running_mean.numpy(), rtol=1e-5)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("module", "image"),
    [
        (nn.GroupNorm(2, 4), IMAGE),
        (nn.InstanceNorm2d(4, affine=True), IMAGE),
        (nn.LayerNorm((4, 5, 6), elementwise_affine=False), IMAGE),
        (nn.LayerNorm(6), IMAGE[0]),
        (nn.BatchNorm1d(6), IMAGE[0, 0]),
        (nn.BatchNorm1d(4), IMAGE[:, :, 0]),
        (nn.BatchNorm3d(4), IMAGE[:, :, None]),
        (nn.BatchNorm2d(4, track_running_stats=False), IMAGE),
    ],
)
def test_the_page_shows_an_activation_as_the_module_normalises_it(
    module: nn.Module, image: torch.Tensor
) -> None:
    found, output = opened(moved(module), image)
    figures = Figures(found.session, found.measurement)
    shown = figures.present.output[figures.chosen]
    at = int(np.ravel_multi_index(figures.chosen_index, found.values.shape))
    assert shown == pytest.approx(float(output.flatten()[at]), abs=1e-5)
    index = np.unravel_index(at, tuple(image.shape))
    text = "".join(part[0] for part in formula_lines(figures, 120)[0])
    assert f"activation {[int(each) for each in index]} of its input" in text
    hint = "".join(part[0] for part in hint_line(found.session, 200))
    assert hint.startswith("Here float64, there float32: y differs by at most ")


def test_what_is_said_of_a_module() -> None:
    found, _ = opened(moved(nn.BatchNorm2d(4)), IMAGE)
    title = "".join(part[0] for part in title_line(found.session, 200))
    assert title == "0 (BatchNorm2d) · input 2x4x5x6 of cat · your module was in evaluation mode"
    hint = "".join(part[0] for part in hint_line(found.session, 200))
    assert hint.endswith("You work on a copy: 3 goes back, and yours is as it was.")
    changed = found.session.with_gamma(2.5)
    assert "before you changed anything" in "".join(part[0] for part in hint_line(changed, 200))
    with_none, _ = opened(nn.BatchNorm2d(4, track_running_stats=False), IMAGE)
    hint = "".join(part[0] for part in hint_line(with_none.session, 200))
    assert "It keeps no running statistics." in hint


@pytest.mark.parametrize(
    ("module", "image", "words"),
    [
        (nn.LayerNorm((4, 5, 6)), IMAGE, "a gamma and a beta for each of 120 elements"),
        (nn.LayerNorm((5, 6)), IMAGE, "over the last 2 axes of 2x4x5x6"),
        (nn.BatchNorm2d(4), IMAGE * torch.inf, "not finite"),
    ],
)
def test_what_the_page_cannot_show_is_said(module: nn.Module, image: torch.Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        opened(moved(module), image)


def test_a_mini_batch_of_fewer_images_is_of_the_first() -> None:
    found, _ = opened(moved(nn.BatchNorm2d(4), training=True), IMAGE)
    one = found.with_session(found.session.with_batch_size(1))
    np.testing.assert_array_equal(one.measurement.training.values, found.values[:1])
    assert one.with_session(one.session) is one
