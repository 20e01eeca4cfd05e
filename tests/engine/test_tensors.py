"""PyTorch's tensors as image, weight and bias, without the engine knowing PyTorch."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from convtui import Convolution

DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_layer_as_it_is(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(3, 4, 3, stride=2, padding=1, dtype=dtype)
    image = torch.rand(3, 8, 7, dtype=dtype, requires_grad=True)
    assert layer.weight.requires_grad
    found = Convolution(image, layer.weight, layer.bias, stride=2, padding=1)
    with torch.no_grad():
        expected = layer.double()(image.double()[None])[0]
    np.testing.assert_allclose(found.output, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int64, torch.bool])
def test_whole_numbers(dtype: torch.dtype) -> None:
    image = (torch.arange(25).reshape(1, 5, 5) % 2).to(dtype)
    assert Convolution(image, torch.ones(1, 1, 5, 5, dtype=dtype)).output.item() == 12


def test_the_tensor_may_change_afterwards() -> None:
    image = torch.ones(1, 4, 4, dtype=torch.float64)
    convolution = Convolution(image, torch.ones(1, 1, 4, 4))
    image.zero_()
    assert convolution.output.item() == 16
    assert convolution.replaced(weight=torch.full((1, 1, 4, 4), 2.0)).output.item() == 32


@pytest.mark.parametrize(
    ("tensor", "words"),
    [
        (torch.zeros(1, 4, 4, dtype=torch.complex64), "image must hold real numbers, got complex64"),
        (torch.ones(1, 4, 4).to_sparse(), "image is not an array of numbers"),
        (torch.full((1, 4, 4), float("nan"), requires_grad=True), "image contains NaN or infinity"),
        (torch.zeros(1, 4, 4, device="meta"), "image is not an array of numbers"),
        (torch.zeros(4, 4), r"image must be \[channels, rows, columns\]"),
    ],
)
def test_what_is_refused(tensor: torch.Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Convolution(tensor, np.ones((1, 1, 2, 2)))


def test_torch_is_not_imported_for_it() -> None:
    script = (
        "import sys, numpy as np, convtui\n"
        "class Tensor:\n"
        "    detach = cpu = double = lambda self: self\n"
        "    is_floating_point = lambda self: True\n"
        "    numpy = lambda self: np.ones((1, 1, 2, 2))\n"
        "print(convtui.Convolution(np.ones((1, 2, 2)), Tensor()).output.item(), 'torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["4.0", "False"]
