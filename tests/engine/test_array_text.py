"""Pasted arrays: every way in which people's programs print them, and nothing that is no array."""

import time

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from convtui.engine.array_text import bracketed, is_array_text, parse_array, parse_entry, parse_real

MOST = 10_000

TWO_ROWS = [[1, 2, 3], [4, 5, 6]]
SOBEL = [[1, 0, -1], [2, 0, -2]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[[1, 2, 3], [4, 5, 6]]", TWO_ROWS),
        ("[[1 2 3]\n [4 5 6]]", TWO_ROWS),
        ("[[1. 2. 3.]\n [4. 5. 6.]]", TWO_ROWS),
        ("[1 0 -1; 2 0 -2]", SOBEL),
        ("[1, 0, -1; 2, 0, -2];", SOBEL),
        ("[1 0 -1\n 2 0 -2]", SOBEL),
        ("[1 0 −1;\n 2 0 −2;\n]", SOBEL),
        ("array([[1, 2, 3],\n       [4, 5, 6]])", TWO_ROWS),
        ("np.array([[1,2,3],[4,5,6]], dtype=np.float32)", TWO_ROWS),
        ("array([[1., 2., 3.],\n       [4., 5., 6.]], dtype=float32)", TWO_ROWS),
        ("tensor([[1., 2., 3.],\n        [4., 5., 6.]])", TWO_ROWS),
        ("tensor([[1., 2., 3.], [4., 5., 6.]], device='cuda:0', dtype=torch.float64)", TWO_ROWS),
        ("tensor([[1., 2., 3.], [4., 5., 6.]], grad_fn=<MulBackward0>)", TWO_ROWS),
        ("Parameter containing:\ntensor([[1., 2., 3.], [4., 5., 6.]], requires_grad=True)", TWO_ROWS),
        (
            "<tf.Tensor: shape=(2, 3), dtype=int8, numpy=\narray([[1, 2, 3],\n       [4, 5, 6]])>",
            TWO_ROWS,
        ),
        ("{{1, 2, 3}, {4, 5, 6}}", TWO_ROWS),
        ("((1, 2, 3), (4, 5, 6))", TWO_ROWS),
        ("[(1, 2, 3), (4, 5, 6)]", TWO_ROWS),
        ("[\n  [1, 2, 3],\n  [4, 5, 6],\n]\n", TWO_ROWS),
        ("# mine\n[[1, 2, 3],  # the first\n [4, 5, 6]]", TWO_ROWS),
        ("[[1 2 3]; [4 5 6]]", TWO_ROWS),
        ("[1, 2,\n 3]", [1, 2, 3]),
        ("[1 2 3]", [1, 2, 3]),
        ("[[1/9, -1/9]]", [[1 / 9, -1 / 9]]),
        ("[[ True False]\n [False  True]]", [[1, 0], [0, 1]]),
        ("[1e-3 .5 5. +2]", [0.001, 0.5, 5, 2]),
        ("[[[[7]]]]", [[[[7]]]]),
    ],
)
def test_what_people_paste(text: str, expected: object) -> None:
    assert is_array_text(text)
    found = parse_array(text, MOST)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, np.array(expected, float))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[1, 2], [3]]", "line 1: row of length 1, but the first has length 2"),
        ("[[1, 2],\n [3, 4],\n [5, 6, 7]]", "line 3: row of length 3, but the first has length 2"),
        ("[1 2; 3]", "line 1: row of length 1, but the first has length 2"),
        ("[[[1, 2]], [[3, 4], [5, 6]]]", "line 1: part of shape [2, 2], but the first has shape [1, 2]"),
        ("[[1, 2], 3]", "line 1: numbers and rows are mixed"),
        ("[1, [2]]", "line 1: numbers and rows are mixed"),
        ("[1,, 2]", "line 1: missing number next to a comma"),
        ("[, 1]", "line 1: missing number next to a comma"),
        ("[1\n 1_0]", "line 2: '1_0' is not a number"),
        ("[1, x]", "line 1: 'x' is not a number"),
        ("[1+2j]", "line 1: '1+2j' is not a number"),
        ("[1/0]", "line 1: '1/0' is not a number"),
        ("[nan]", "line 1: 'nan' is not finite"),
        ("[-inf]", "line 1: '-inf' is not finite"),
        ("[1e31]", "line 1: '1e31' is larger than 1e+30 in magnitude"),
        ("[]", "line 1: empty brackets; expected numbers"),
        ("[[], []]", "line 1: empty brackets; expected numbers"),
        ("[1 2", "line 1: a bracket is not closed; ] is missing"),
        ("[\n[1, 2]", "line 1: a bracket is not closed; ] is missing"),
        ("[1 2)", "line 1: ) where ] is expected"),
        ("[1] [2]", "line 1: unexpected '[2]' after the array"),
        ("[[1 2]]\n[[3 4]]", "line 2: unexpected '[[3 4]]' after the array"),
        ("array([1]", "line 1: ) is missing at the end"),
        ("array([1], dtype=int8", "line 1: unexpected ', dtype=int8' after the array"),
        ("[1]; import os", "line 1: unexpected '; import os' after the array"),
        ("[__import__('os')]", "line 1: '__import__' is not a number"),
        ("array([1].__class__)", "line 1: unexpected '.__class__)' after the array"),
        ("[0 1 ... 8 9]", "line 1: numbers are left out (...); print the whole array, or save it as .npy"),
        ("[[[[[1]]]]]", "line 1: more than 4 brackets inside one another"),
        ("[[[[1; 2]]]]", "line 1: an array of 5 axes; at most 4 are read"),
        ("[" * 100_000, "line 1: more than 4 brackets inside one another"),
        ("1 2 3", "line 1: an array begins with a bracket, array( or tensor("),
        ("open([1])", "line 1: an array begins with a bracket, array( or tensor("),
    ],
)
def test_what_is_no_array(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"^line \d+: ") as refused:
        parse_array(text, MOST)
    assert str(refused.value) == words


def test_numbers_are_counted_as_they_come() -> None:
    assert parse_array("[" + "1 " * 5 + "]", 5).size == 5
    with pytest.raises(ValueError, match="line 2: more than 5 numbers"):
        parse_array("[1 2 3 4 5\n 6", 5)


@pytest.mark.parametrize(
    "text", ["[" + " " * 200_000, "#\n" * 100_000, "(" + ";" * 200_000, "[" + "1," * 100_000]
)
def test_long_texts_take_no_time(text: str) -> None:
    began = time.perf_counter()
    is_array_text(text)
    with pytest.raises(ValueError, match="line"):
        parse_array(text, 10**6)
    assert time.perf_counter() - began < 2


@given(
    arrays(
        np.float64, array_shapes(min_dims=1, max_dims=4, max_side=5), elements=st.floats(-1e9, 1e9, width=32)
    )
)
def test_what_python_and_numpy_print_is_read_back(array: np.ndarray) -> None:
    with np.printoptions(precision=17, floatmode="unique", threshold=10**6):
        texts = str(array), repr(array), str(array.tolist())
    for text in texts:
        if array.ndim > 1 or "\n" not in text:  # rows of a single pair of brackets are lines
            np.testing.assert_allclose(parse_array(text, MOST), array, rtol=1e-6)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 3, 3), (2, 3, 3, 3), (2, 30)])
@pytest.mark.parametrize("scale", [1.0, 1e6, 1e-6])
def test_what_pytorch_prints_is_read_back(shape: tuple[int, ...], scale: float) -> None:
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.randn(shape) * scale)
    for tensor in weight, weight.detach(), weight * 1, weight.detach().double(), weight.detach().bfloat16():
        found = parse_array(repr(tensor), MOST)
        assert found.shape == shape
        np.testing.assert_allclose(found, tensor.detach().double(), rtol=1e-3, atol=1e-4 * scale)


def test_what_is_typed_may_lack_brackets() -> None:
    assert bracketed("1 0 -1; 2 0 -2") == "[1 0 -1; 2 0 -2]"
    for text in "[1; 2]", "1 2 3", ";", "sobel-x; 5", "3", "a.csv":
        assert bracketed(text) == text


@pytest.mark.parametrize("text", ["photo(1).jpg", "array.npy", "cat-32", "sobel-x 5", "", "1 2; 3", "tensor"])
def test_names_are_no_arrays(text: str) -> None:
    assert not is_array_text(text)


@pytest.mark.parametrize("text", ["1_0", "1_0.5", "_1", "1e1_0", "٣_٣"])
def test_underscores_are_no_part_of_a_number(text: str) -> None:
    for parse in parse_real, parse_entry:
        with pytest.raises(ValueError, match="is not a number"):
            parse(text)
    assert parse_real("10") == 10
