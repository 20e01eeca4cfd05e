"""convtui's own call makes the operation again."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given

import convtui
from convtui import Convolution, Pooling, TransposedConvolution
from convtui.export.constructors import constructor
from tests.engine.cases import Case, legal_cases

IMAGE = np.arange(48.0).reshape(2, 4, 6)


def made(operation: Any) -> Any:
    imported, name, call = constructor(operation)
    names = {"x": operation.image, imported: getattr(convtui, imported)}
    if not isinstance(operation, Pooling):
        names |= {"w": operation.weight, "b": operation.bias}
    exec(f"{name} = {call}", names)
    return names[name]


@given(legal_cases())
def test_any_convolution(case: Case) -> None:
    again = made(case.convolution)
    assert again.spec == case.convolution.spec
    assert np.array_equal(again.output, case.convolution.output)


@pytest.mark.parametrize(
    "operation",
    [
        convtui.max_pool2d(IMAGE, 2),
        convtui.max_pool2d(IMAGE, 2, 1, ((1, 0), (0, 1)), 2, True),
        convtui.avg_pool2d(IMAGE, (3, 2), (1, 2), 1, True, False, 5),
        convtui.avg_pool2d(IMAGE, 3, padding="same-tf"),
        convtui.adaptive_max_pool2d(IMAGE, (2, 3)),
        convtui.adaptive_avg_pool2d(IMAGE, 3),
    ],
    ids=lambda operation: constructor(operation).call,
)
def test_poolings(operation: Pooling) -> None:
    again = made(operation)
    assert (again.spec, again.reduction) == (operation.spec, operation.reduction)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"stride": (2, 1), "padding": ((0, 1), (1, 0)), "output_padding": (1, 0)},
        {"dilation": 2, "groups": 2, "bias": np.ones(2)},
    ],
)
def test_transposed_convolutions(how: dict[str, Any]) -> None:
    operation = TransposedConvolution(IMAGE, np.ones((2, 1, 3, 3)), **how)
    again = made(operation)
    assert again.spec == operation.spec
    assert np.array_equal(again.output, operation.output)


def test_defaults_are_left_out() -> None:
    assert constructor(Convolution(IMAGE, np.ones((1, 2, 3, 3)))).call == "Convolution(x, w)"
    biased = Convolution(IMAGE, np.ones((1, 2, 3, 3)), np.ones(1), padding=(1, 2), stride=2)
    assert constructor(biased).call == "Convolution(x, w, b, stride=2, padding=(1, 2))"
