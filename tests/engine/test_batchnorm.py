"""BatchNormState agrees with torch.nn.BatchNorm2d, batch after batch, in both modes."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.engine.batchnorm import BatchNormState, Statistics
from convtui.engine.spec import Floats

assert_close = partial(np.testing.assert_allclose, rtol=1e-9, atol=1e-9)

momenta = st.none() | st.floats(0, 1)


def random_batch(seed: int, shape: tuple[int, ...], shift: float = 0.0) -> Floats:
    random = np.random.default_rng(seed)
    return random.standard_normal(shape) * random.uniform(0.1, 5) + shift


def torch_norm(norm: BatchNormState, kind: type[torch.nn.Module] = torch.nn.BatchNorm2d) -> Any:
    """The module in the same state."""
    module: Any = kind(norm.num_features, eps=norm.eps, momentum=norm.momentum, affine=norm.affine)
    module = module.double().train(norm.training)
    with torch.no_grad():
        if norm.affine:
            module.weight.copy_(torch.tensor(norm.weight))
            module.bias.copy_(torch.tensor(norm.bias))
        module.running_mean.copy_(torch.tensor(norm.running_mean))
        module.running_var.copy_(torch.tensor(norm.running_var))
        module.num_batches_tracked.fill_(norm.num_batches_tracked)
    return module


def assert_same_state(norm: BatchNormState, module: Any) -> None:
    assert_close(norm.running_mean, module.running_mean.numpy())
    assert_close(norm.running_var, module.running_var.numpy())
    assert norm.num_batches_tracked == int(module.num_batches_tracked)


@st.composite
def norms(draw: st.DrawFn) -> BatchNormState:
    features, affine = draw(st.integers(1, 5)), draw(st.booleans())
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    given: dict[str, Any] = {"running_mean": random.standard_normal(features)}
    given["running_var"] = random.uniform(0, 3, features)
    if affine:
        given |= {name: random.standard_normal(features) for name in ("weight", "bias")}
    eps = draw(st.floats(1e-8, 0.1))
    tracked = draw(st.integers(0, 5))
    return BatchNormState(features, eps, draw(momenta), affine, num_batches_tracked=tracked, **given)


@settings(max_examples=100)
@given(
    norms(),
    st.lists(st.tuples(st.booleans(), st.integers(1, 4), st.integers(1, 4), st.integers(1, 4)), max_size=6),
    st.integers(0, 2**32),
    st.floats(-100, 100),
)
def test_a_sequence_of_batches_with_mode_switches(
    norm: BatchNormState, passes: list[tuple[bool, int, int, int]], seed: int, shift: float
) -> None:
    module = torch_norm(norm)
    for at, (training, images, rows, columns) in enumerate(passes):
        norm = BatchNormState(**{**vars(norm), "training": training})
        module.train(training)
        batch = random_batch(seed + at, (images, norm.num_features, rows, columns), shift)
        if training and images * rows * columns == 1:
            with pytest.raises(ValueError, match="one value per channel"):
                norm.after(batch)
            with pytest.raises(ValueError, match="more than 1 value per channel"):
                module(torch.tensor(batch))
            break  # the module has counted the batch that it refused
        output = norm(batch)
        assert_close(output, module(torch.tensor(batch)).detach().numpy())
        norm = norm.after(batch)
        assert_same_state(norm, module)


@settings(max_examples=30)
@given(norms(), st.integers(2, 6), st.integers(0, 2**32))
def test_features_are_normalised_as_by_batch_norm_1d(norm: BatchNormState, images: int, seed: int) -> None:
    module = torch_norm(norm, torch.nn.BatchNorm1d)
    batch = random_batch(seed, (images, norm.num_features))
    assert_close(norm(batch), module(torch.tensor(batch)).detach().numpy())
    assert_same_state(norm.after(batch), module)


@given(st.integers(0, 2**32), st.lists(st.integers(2, 5), min_size=1, max_size=5))
def test_momentum_none_is_the_mean_of_all_batches(seed: int, sizes: list[int]) -> None:
    norm = BatchNormState(2, momentum=None)
    seen = []
    for at, images in enumerate(sizes):
        seen.append(Statistics.of(random_batch(seed + at, (images, 2, 3, 3))))
        norm = norm.updated(seen[-1])
    assert_close(norm.running_mean, np.mean([each.mean for each in seen], axis=0))
    unbiased = np.mean([each.unbiased_var for each in seen], axis=0)
    assert_close(norm.running_var, unbiased)


def test_the_statistics_of_a_batch_by_hand() -> None:
    batch = np.array([[[[1.0, 2.0]], [[5.0, 5.0]]], [[[3.0, 6.0]], [[5.0, 5.0]]]])  # [2, 2, 1, 2]
    found = Statistics.of(batch)
    assert found.count == 4
    assert found.mean.tolist() == [3, 5]
    assert found.var.tolist() == [3.5, 0]
    assert found.unbiased_var.tolist() == [pytest.approx(14 / 3), 0]


def test_momentum_weights_the_new_value() -> None:
    norm = BatchNormState(1, momentum=0.1).updated(Statistics(np.array([5.0]), np.array([3.0]), 4))
    assert norm.running_mean.tolist() == [pytest.approx(0.9 * 0 + 0.1 * 5)]
    assert norm.running_var.tolist() == [pytest.approx(0.9 * 1 + 0.1 * 4)]


def test_nothing_changes_what_is_looked_at() -> None:
    norm = BatchNormState(2)
    batch = random_batch(0, (3, 2, 2, 2))
    norm(batch)
    assert norm.after(batch) is not norm
    assert norm.running_mean.tolist() == [0, 0]
    for name in ("weight", "bias", "running_mean", "running_var"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(norm, name)[0] = 1


def test_an_evaluation_leaves_the_statistics_alone() -> None:
    norm = BatchNormState(2, training=False)
    assert norm.after(random_batch(0, (3, 2, 2, 2))) is norm


def test_gamma_and_beta_of_one_channel() -> None:
    norm = BatchNormState(3).with_channel(1, weight=2.0).with_channel(1, bias=-0.5)
    norm = norm.with_channel(2, weight=0.0)
    assert norm.weight.tolist() == [1, 2, 0]
    assert norm.bias.tolist() == [0, -0.5, 0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"num_features": 0}, "num_features 0: must be at least 1"),
        ({"eps": 0.0}, "eps 0: must be greater than 0"),
        ({"eps": float("nan")}, "eps nan: must be greater than 0"),
        ({"momentum": 1.5}, "momentum 1.5: must be from 0 to 1, or None"),
        ({"weight": np.ones(3)}, r"weight: expected shape \[2\], got \[3\]"),
        ({"bias": np.array([0, np.inf])}, "bias: contains NaN or infinity"),
        ({"affine": False, "weight": np.array([1.0, 2.0])}, "must be 1 and 0"),
        ({"running_var": np.array([1.0, -0.5])}, "running_var -0.5: must be at least 0"),
    ],
)
def test_impossible_parameters_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BatchNormState(**{"num_features": 2, **given})


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4, 4), (0, 2, 4, 4)])
def test_batches_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \[images, 2, ...\]"):
        BatchNormState(2)(np.zeros(shape))
