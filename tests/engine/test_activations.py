"""Activations are those of PyTorch, number by number."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from convtui.engine.activations import ELU, GELU, LeakyReLU, Softmax
from convtui.engine.forward import forward
from convtui.engine.layers import Activation, Layer
from convtui.engine.spec import Floats, SpecError
from tests.engine.stacks import activations, built

assert_close = partial(np.testing.assert_allclose, rtol=1e-9, atol=1e-9)
shapes = st.one_of(st.tuples(*[st.integers(1, 4)] * 4), st.tuples(*[st.integers(1, 6)] * 2))
numbers = st.one_of(st.floats(-10, 10), st.floats(-1000, 1000), st.sampled_from([0.0, -3.0, 3.0, 6.0]))
batches = shapes.flatmap(lambda shape: arrays(np.float64, shape, elements=numbers))


@given(activations, batches)
def test_values_are_those_of_torch(layer: Layer, batch: Floats) -> None:
    assert isinstance(layer, Activation)
    x = torch.tensor(batch)
    assert_close(forward(layer, [batch], {}), built(layer, x[0])(x).numpy())
    assert layer.output_shape(batch.shape[1:]) == batch.shape[1:]


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_far_out(approximate: str) -> None:
    x = np.linspace(-40, 40, 4001)[:, None]
    expected = torch.nn.GELU(approximate)(torch.tensor(x)).numpy()
    np.testing.assert_allclose(GELU(approximate).of(x), expected, rtol=1e-9, atol=1e-15)


def test_numbers_and_words_are_written_as_they_are_read() -> None:
    layers: list[Layer] = [LeakyReLU(), LeakyReLU(1e-5), ELU(), ELU(-1.5), GELU(), GELU("tanh"), Softmax()]
    written = ["leakyrelu", "leakyrelu 1e-05", "elu", "elu -1.5", "gelu", "gelu tanh", "softmax"]
    assert [str(layer) for layer in layers] == written


@pytest.mark.parametrize("shape", [(3, 4, 5), (7,)])
@pytest.mark.parametrize("dim", [1, -1, -3, 2, 3, 0])
def test_softmax_is_over_the_channels_or_refused(dim: int, shape: tuple[int, ...]) -> None:
    x = torch.rand(2, *shape, dtype=torch.float64)
    is_channels = dim == 1 or dim == -len(shape)
    if is_channels:
        assert Softmax(dim).output_shape(shape) == shape
        assert_close(Softmax(dim).of(x.numpy()), x.softmax(dim).numpy())
    else:
        with pytest.raises(
            SpecError, match="softmax is taken over the channels of each cell; nearest legal: 1"
        ):
            Softmax(dim).output_shape(shape)


def test_illegal_parameters_are_refused() -> None:
    with pytest.raises(SpecError, match="approximate='erf': unknown approximation; nearest legal: 'none' or"):
        GELU("erf")
    with pytest.raises(SpecError, match="negative_slope=True: must be a number"):
        LeakyReLU(True)
    with pytest.raises(SpecError, match="alpha=nan: must be a number"):
        ELU(float("nan"))
    with pytest.raises(SpecError, match="dim='1': must be a whole number"):
        Softmax("1")  # type: ignore[arg-type]
