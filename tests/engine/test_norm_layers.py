"""Norms as layers: values, weights and refusals are those of PyTorch."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from convtui.engine.forward import forward
from convtui.engine.layers import BatchNorm, Layer
from convtui.engine.norm_layers import GroupNorm, InstanceNorm, LayerNorm
from convtui.engine.spec import SpecError
from tests.engine.stacks import built, norms

assert_close = partial(np.testing.assert_allclose, rtol=1e-9, atol=1e-9)
shapes = st.one_of(st.tuples(*[st.integers(1, 5)] * 3), st.tuples(st.integers(1, 6)))


@given(st.data(), shapes, st.integers(0, 1000))
def test_values_weights_and_refusals_are_those_of_torch(
    data: st.DataObject, shape: tuple[int, ...], seed: int
) -> None:
    layer = data.draw(norms(shape[0]))
    random = torch.Generator().manual_seed(seed)
    x = torch.randn(1, *shape, dtype=torch.float64, generator=random)
    module = built(layer, x[0])
    if isinstance(layer, InstanceNorm) and len(shape) == 1:
        with pytest.raises(SpecError, match="instancenorm takes feature maps"):
            layer.output_shape(shape)
        return
    try:
        module(x)
    except ValueError:
        with pytest.raises(SpecError, match=r"one value per (channel|group)"):
            layer.output_shape(shape)
        return
    assert layer.output_shape(shape) == shape
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, dtype=torch.float64, generator=random))
        weights = {name: parameter.numpy() for name, parameter in module.named_parameters()}
        assert layer.parameters(shape) == {name: array.shape for name, array in weights.items()}
        if isinstance(layer, BatchNorm):
            weights |= {"running_mean": np.zeros(shape[0]), "running_var": np.ones(shape[0])}
        assert_close(forward(layer, [x.numpy()], weights), module(x).numpy())


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (GroupNorm(4), "groupnorm 4"),
        (GroupNorm(4, 0.001, False), "groupnorm 4 affine=false eps=0.001"),
        (LayerNorm(), "layernorm"),
        (LayerNorm(elementwise_affine=False), "layernorm elementwise_affine=false"),
        (LayerNorm(bias=False), "layernorm nobias"),
        (InstanceNorm(), "instancenorm"),
        (InstanceNorm(affine=True), "instancenorm affine=true"),
        (BatchNorm(), "bn"),
        (BatchNorm(1e-3), "bn eps=0.001"),
    ],
)
def test_text(layer: Layer, text: str) -> None:
    assert str(layer) == text


def test_illegal_parameters_are_refused() -> None:
    with pytest.raises(SpecError, match="num_groups=3: must divide the 4 channels; nearest legal: 2 or 4"):
        GroupNorm(3).output_shape((4, 2, 2))
    with pytest.raises(SpecError, match="num_groups=0: must be from 1 to 16777216; nearest legal: 1"):
        GroupNorm(0)
    with pytest.raises(SpecError, match="eps=0: must be greater than 0; nearest legal: 1e-05"):
        LayerNorm(0)
    with pytest.raises(SpecError, match="affine=1: must be true or false"):
        InstanceNorm(affine=1)  # type: ignore[arg-type]
