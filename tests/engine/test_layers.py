"""Layers accept and refuse the parameters that PyTorch accepts and refuses."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import empty, nn

from convtui.engine.branches import Concat, Residual
from convtui.engine.layers import Layer, Linear, ReLU
from convtui.engine.pool_layers import AvgPool, MaxPool
from convtui.engine.pool_spec import PoolSpec
from convtui.engine.spec import SpecError
from convtui.engine.window_layers import Conv


@given(st.integers(1, 4), st.integers(0, 4), st.integers(1, 3))
def test_pooling_pads_as_much_as_torch_allows(kernel: int, padding: int, dilation: int) -> None:
    pools: list[tuple[Callable[[], Layer], nn.Module]] = [
        (lambda: MaxPool(kernel, None, padding, dilation), nn.MaxPool2d(kernel, None, padding, dilation)),
        (lambda: AvgPool(kernel, None, padding), nn.AvgPool2d(kernel, None, padding)),
    ]
    for pool, module in pools:
        try:
            module(empty(1, 1, 20, 20))
        except RuntimeError:
            with pytest.raises(SpecError, match="must be at most half the kernel_size; nearest legal"):
                pool()
        else:
            assert pool().output_shape((1, 20, 20)) == tuple(module(empty(1, 1, 20, 20)).shape[1:])


def test_pooling_moves_by_its_size_unless_told() -> None:
    assert MaxPool((2, 3)).spec == PoolSpec((2, 3), (2, 3))
    assert AvgPool(2, 1).spec == PoolSpec(2, 1)


def test_equal_layers_however_written() -> None:
    assert Conv(8, 3, padding=1) == Conv(8, (3, 3), 1, [1, 1])
    pools: list[Layer] = [MaxPool(2), AvgPool(2)]
    assert pools[0] != pools[1]
    assert len({ReLU(), ReLU(), Residual([[ReLU()]]), Residual([[ReLU()], []])}) == 2


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Conv(0, 3), "out_channels=0: must be from 1 to 16777216; nearest legal: 1"),
        (
            lambda: Conv(2**30, 3),
            f"out_channels={2**30}: must be from 1 to 16777216; nearest legal: 16777216",
        ),
        (lambda: Conv(True, 3), "out_channels=True: must be a whole number"),
        (lambda: Conv(8.0, 3), "out_channels=8.0: must be a whole number"),  # type: ignore[arg-type]
        (lambda: Conv(8, 0), "kernel_size=0: must be at least 1; nearest legal: 1"),
        (lambda: Conv(8, 3, bias=1), "bias=1: must be true or false"),  # type: ignore[arg-type]
        (lambda: Linear(-1), "out_features=-1: must be from 1 to 16777216; nearest legal: 1"),
        (lambda: MaxPool(2, padding="same"), "padding='same': a pooling takes numbers or 'same-tf'"),
        (
            lambda: AvgPool(2, padding=((0, 2), (0, 1))),
            "padding=((0, 2), (0, 1)): must be less than the window; nearest legal: ((0, 1), (0, 1))",
        ),
        (
            lambda: MaxPool((2, 5), padding=2),
            "padding=2: must be at most half the kernel_size; nearest legal: (1, 2)",
        ),
        (lambda: Residual([[]]), "residual needs layers in its brackets"),
        (lambda: Concat([[ReLU()]]), "concat needs at least two paths, separated by |"),
    ],
)
def test_illegal_parameters_are_refused(build: Callable[[], Layer], message: str) -> None:
    with pytest.raises(SpecError) as error:
        build()
    assert message in str(error.value)
