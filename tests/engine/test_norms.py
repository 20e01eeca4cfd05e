"""The four norms agree with torch.nn.functional, and refuse what it refuses."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from convtui.engine.norms import NORM_KINDS, NormKind, SharedMean, norm, weight_shape
from convtui.engine.spec import Floats, SpecError

assert_close = partial(np.testing.assert_allclose, rtol=1e-9, atol=1e-9)
sizes = st.integers(1, 4)


def torch_norm(
    kind: NormKind, batch: Floats, weight: Floats, bias: Floats, num_groups: int, eps: float
) -> Any:
    x, gamma, beta = map(torch.tensor, (batch, weight, bias))
    if kind == "batch":
        return functional.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)
    if kind == "layer":
        return functional.layer_norm(x, list(batch.shape[1:]), gamma, beta, eps)
    if kind == "group":
        return functional.group_norm(x, num_groups, gamma, beta, eps)
    return functional.instance_norm(x, weight=gamma, bias=beta, eps=eps)


@st.composite
def shapes(draw: st.DrawFn) -> tuple[tuple[int, ...], int]:
    """[images, channels, rows, columns] and a number of groups that divides the channels."""
    groups = draw(sizes)
    return (draw(sizes), groups * draw(sizes), draw(sizes), draw(sizes)), groups


@settings(max_examples=300)
@given(
    st.sampled_from(NORM_KINDS),
    shapes(),
    st.integers(0, 2**32),
    st.floats(-50, 50),
    st.floats(1e-7, 0.1) | st.just(1e-5),
)
def test_agrees_with_torch(
    kind: NormKind, shape_and_groups: tuple[tuple[int, ...], int], seed: int, shift: float, eps: float
) -> None:
    shape, groups = shape_and_groups
    random = np.random.default_rng(seed)
    batch = random.standard_normal(shape) * random.uniform(0.1, 5) + shift
    weight, bias = (random.standard_normal(weight_shape(kind, shape)) for _ in range(2))
    try:
        expected = torch_norm(kind, batch, weight, bias, groups, eps)
    except ValueError:
        with pytest.raises(ValueError, match=r"one value per .* needs? at least two"):
            norm(kind, batch, weight, bias, num_groups=groups, eps=eps)
    else:
        assert_close(norm(kind, batch, weight, bias, num_groups=groups, eps=eps), expected.numpy())


@given(st.sampled_from(NORM_KINDS), shapes(), st.integers(0, 2**32))
def test_a_set_is_what_its_mean_is_taken_over(
    kind: NormKind, shape_and_groups: tuple[tuple[int, ...], int], seed: int
) -> None:
    (images, channels, *cells), groups = shape_and_groups
    shape = images, channels, 2, *cells
    shared = SharedMean.of(kind, shape, groups)
    batch = np.random.default_rng(seed).standard_normal(shape)
    statistics = shared.statistics(batch)
    for image in range(images):
        for channel in range(channels):
            of_images, of_channels = shared.members(image, channel)
            values = batch[list(of_images)][:, list(of_channels)]
            at = shared.set_of(image, channel)
            assert values.size == shared.count == statistics.count
            assert_close([values.mean(), values.var()], [statistics.mean[at], statistics.var[at]])


@given(st.integers(-3, 20), st.integers(1, 16))
def test_the_number_of_groups_divides_the_channels(groups: int, channels: int) -> None:
    batch = np.random.default_rng(0).standard_normal((2, channels, 2, 2))
    try:
        torch.nn.GroupNorm(groups, channels).double()(torch.tensor(batch))
    except (ValueError, RuntimeError, ZeroDivisionError):
        with pytest.raises(SpecError):
            norm("group", batch, num_groups=groups)
    else:
        norm("group", batch, num_groups=groups)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (5, "num_groups=5: must divide the 12 channels; nearest legal: 4 or 6"),
        (0, "num_groups=0: must divide the 12 channels; nearest legal: 1"),
        (13, "num_groups=13: must divide the 12 channels; nearest legal: 12"),
    ],
)
def test_the_nearest_number_of_groups_is_named(groups: int, message: str) -> None:
    with pytest.raises(SpecError) as refused:
        SharedMean.of("group", (2, 12, 3, 3), groups)
    assert str(refused.value) == message


def test_one_group_is_layer_norm_and_a_group_for_each_channel_instance_norm() -> None:
    shape = 3, 8, 4, 4
    assert SharedMean.of("group", shape, 1) == SharedMean.of("layer", shape)
    assert SharedMean.of("group", shape, 8) == SharedMean.of("instance", shape)


@pytest.mark.parametrize(
    ("kind", "sets", "count", "members"),
    [
        ("batch", (1, 6), 5 * 4, (range(5), range(4, 5))),
        ("layer", (5, 1), 6 * 4, (range(2, 3), range(6))),
        ("group", (5, 2), 3 * 4, (range(2, 3), range(3, 6))),
        ("instance", (5, 6), 4, (range(2, 3), range(4, 5))),
    ],
)
def test_the_sets_of_each_norm(
    kind: NormKind, sets: tuple[int, int], count: int, members: tuple[range, range]
) -> None:
    shared = SharedMean.of(kind, (5, 6, 2, 2), 2)
    assert (shared.sets, shared.count, shared.members(2, 4)) == (sets, count, members)


@pytest.mark.parametrize("kind", NORM_KINDS)
@pytest.mark.parametrize("shape", [(3,), (0, 2, 4, 4), (2, 0, 4, 4)])
def test_what_is_not_a_mini_batch_is_refused(kind: NormKind, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \[images, channels, ...\]"):
        norm(kind, np.zeros(shape))


@pytest.mark.parametrize(("kind", "expected"), [("layer", "[2, 3, 3]"), ("group", "[2]"), ("batch", "[2]")])
def test_a_weight_of_another_shape_is_refused(kind: NormKind, expected: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        norm(kind, np.zeros((4, 2, 3, 3)), np.ones(3))
    assert str(refused.value) == f"weight or bias: expected shape {expected}, got [3]"
