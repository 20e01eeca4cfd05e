"""Which axes of an array of weights are rows and columns: by the rule, and by what the options say."""

from pathlib import Path

import numpy as np
import pytest
import torch

from convtui.engine.kernel_layout import as_oihw, layout_of
from convtui.engine.kernels import load_kernel, parse_kernel, read_kernel


@pytest.mark.parametrize(
    ("shape", "layout", "is_guess"),
    [
        ((8, 3, 3, 3), "oihw", False),
        ((64, 64, 3, 3), "oihw", False),
        ((1, 1, 3, 3), "oihw", False),
        ((96, 3, 11, 11), "oihw", False),
        ((128, 64, 1, 1), "oihw", False),
        ((1, 1, 1, 1), "oihw", False),
        ((3, 3, 3, 8), "hwio", True),
        ((3, 3, 64, 128), "hwio", True),
        ((3, 3, 64, 64), "hwio", True),
        ((1, 1, 64, 128), "hwio", True),
        ((11, 11, 3, 96), "hwio", True),
        ((3, 3, 3, 3), "oihw", True),
        ((8, 8, 3, 3), "oihw", True),
        ((3, 3, 8, 8), "oihw", True),
        ((1, 1, 1, 5), "oihw", True),
        ((8, 3, 1, 5), "oihw", True),
        ((5, 1, 3, 8), "oihw", True),
        ((3, 3, 3), "oihw", True),
        ((3, 3, 8), "hwio", True),
        ((8, 3, 3), "oihw", False),
        ((2, 5, 3), "oihw", True),
    ],
)
def test_the_rule(shape: tuple[int, ...], layout: str, is_guess: bool) -> None:
    assert layout_of(shape) == (layout, is_guess)
    _, told, notice = as_oihw(np.zeros(shape))
    assert told.startswith(f"shape {shape} read as [")
    assert notice.startswith(told) is is_guess
    assert as_oihw(np.zeros(shape), layout)[2] == ""


def test_keras_weights_compute_what_keras_computes() -> None:
    """Keras: output[y, x, o] = sum over i, j, c of image[y + i, x + j, c] kernel[i, j, c, o]."""
    random = np.random.default_rng(0)
    image, kernel = random.normal(size=(7, 6, 3)), random.normal(size=(3, 3, 3, 8))
    weight, *_ = as_oihw(kernel)
    assert weight.shape == (8, 3, 3, 3)
    found = torch.nn.functional.conv2d(torch.tensor(image).permute(2, 0, 1)[None], torch.tensor(weight))[0]
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3), axis=(0, 1))  # [y, x, c, i, j]
    expected = np.einsum("yxcij,ijco->oyx", windows, kernel)
    np.testing.assert_allclose(found, expected)


def test_three_axes() -> None:
    kernel = np.arange(3 * 3 * 5).reshape(3, 3, 5)
    weight, told, notice = as_oihw(kernel)
    np.testing.assert_array_equal(weight, np.moveaxis(kernel, -1, 0)[None])
    assert told == "shape (3, 3, 5) read as [rows, columns, in]"
    assert notice == f"{told} (--kernel-layout oihw reads the other order)"
    np.testing.assert_array_equal(as_oihw(kernel, "oihw")[0], kernel[None])


def test_two_axes_need_no_layout() -> None:
    for layout in "", "oihw", "hwio":
        weight, told, notice = as_oihw(np.arange(6).reshape(2, 3), layout)
        assert (weight.shape, told, notice) == ((1, 1, 2, 3), "shape (2, 3) read as [rows, columns]", "")


def test_files(tmp_path: Path) -> None:
    kernel = np.random.default_rng(0).normal(size=(3, 3, 3, 8))
    path = tmp_path / "keras.npy"
    np.save(path, kernel)
    read = read_kernel(path)
    np.testing.assert_array_equal(read.weight, kernel.transpose(3, 2, 0, 1))
    assert "shape (3, 3, 3, 8) read as [rows, columns, in, out]" in read.notice
    as_torch = read_kernel(path, "oihw")
    np.testing.assert_array_equal(as_torch.weight, kernel)
    assert as_torch.notice == ""
    np.testing.assert_array_equal(load_kernel(path), read.weight)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[[1, 0], [0, 1]]", [[[[1, 0], [0, 1]]]]),
        ("[1 0 -1; 2 0 -2]", [[[[1, 0, -1], [2, 0, -2]]]]),
        ("[1 0 -1]", [[[[1, 0, -1]]]]),
        ("tensor([[[1., 2.], [3., 4.]]])", [[[[1, 2], [3, 4]]]]),
        ("# mine\n[[1 2]\n [3 4]]\n", [[[[1, 2], [3, 4]]]]),
    ],
)
def test_pasted_kernels(tmp_path: Path, text: str, expected: list[list[list[list[float]]]]) -> None:
    np.testing.assert_array_equal(parse_kernel(text), expected)
    (tmp_path / "k.txt").write_text(text)
    np.testing.assert_array_equal(load_kernel(tmp_path / "k.txt"), expected)


def test_a_pasted_kernel_that_is_too_large(tmp_path: Path) -> None:
    (tmp_path / "k.txt").write_text(str(np.zeros((65, 2)).tolist()))
    with pytest.raises(ValueError, match=r"k\.txt: kernel of 65 x 2; .* \(shape \(65, 2\) read as"):
        load_kernel(tmp_path / "k.txt")


@pytest.mark.parametrize("text", ["1_0 2\n3 4", "[[1_0, 2], [3, 4]]"])
def test_an_underscore_is_no_part_of_a_number(text: str) -> None:
    with pytest.raises(ValueError, match="line 1: '1_0' is not a number"):
        parse_kernel(text)
