"""The vector that an operation's matrix multiplies is its image, or the padded image."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given

from convtui.engine.convolution import Convolution
from convtui.engine.input_vector import InputVector
from convtui.engine.pooling import max_pool2d
from convtui.engine.transposed import TransposedConvolution
from convtui.engine.window_operation import WindowOperation
from tests.engine.cases import Case, legal_cases
from tests.engine.test_matrix import padded_image


@given(legal_cases())
def test_its_values_are_those_of_the_image_or_the_padded_image(case: Case) -> None:
    convolution = case.convolution
    for vector, image in (
        (InputVector.of(convolution), case.image),
        (InputVector.padded(convolution), padded_image(convolution)),
    ):
        everything = range(image.size)
        assert (vector.shape, vector.size) == (image.shape, image.size)
        np.testing.assert_array_equal(vector.values(everything), image.ravel())
        np.testing.assert_array_equal(vector.values(everything[::-1]), image.ravel()[::-1])
        pixels = vector.pixels(everything)
        np.testing.assert_array_equal(np.append(case.image, 0.0)[pixels], image.ravel())


@given(legal_cases())
def test_the_padding_lies_outside(case: Case) -> None:
    convolution = case.convolution
    (top, bottom), (left, right) = convolution.spec.pads
    _, height, width = case.image.shape
    vector = InputVector.padded(convolution)
    everything = range(vector.size)
    channel, row, column = vector.positions(everything)
    assert (row.min(), row.max()) == (-top, height + bottom - 1)
    assert (column.min(), column.max()) == (-left, width + right - 1)
    image = padded_image(convolution)
    np.testing.assert_array_equal(image[channel, row + top, column + left], image.ravel())
    inside = vector.positions(np.flatnonzero(~vector.is_outside(everything)))
    np.testing.assert_array_equal(case.image[inside], case.image.ravel())
    assert not InputVector.of(convolution).is_outside(range(case.image.size)).any()


@given(legal_cases())
def test_what_no_window_reads_is_an_empty_column(case: Case) -> None:
    convolution = case.convolution
    ones = Convolution(case.image, np.ones_like(case.weight), **case.parameters).weight_matrix
    image = torch.tensor(case.image, requires_grad=True)
    (gradient,) = torch.autograd.grad(
        Case(case.image, np.ones_like(case.weight), None, case.parameters).computed_by_torch(image).sum(),
        image,
    )
    is_unread = InputVector.of(convolution).is_unread(range(image.numel()))
    np.testing.assert_array_equal(is_unread, gradient.numpy().ravel() == 0)
    padded = InputVector.padded(convolution)
    is_empty = ~(ones.padded().toarray() > 0).any(axis=0)
    np.testing.assert_array_equal(padded.is_unread(range(padded.size)), is_empty)


@pytest.mark.parametrize(
    ("operation", "unread"),
    [
        (max_pool2d(np.arange(25.0).reshape(1, 5, 5), 2), 9),
        (TransposedConvolution(np.ones((1, 5, 5)), np.ones((1, 1, 1, 1)), stride=2, padding=3), 24),
    ],
)
def test_the_image_of_any_operation(operation: WindowOperation, unread: int) -> None:
    vector = InputVector.of(operation)
    np.testing.assert_array_equal(vector.values(range(25)), operation.image.ravel())
    assert vector.is_unread(range(25)).sum() == unread


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda vector: vector.is_unread([9]), "input value 9 does not exist"),
        (lambda vector: vector.values([9]), "input value 9 does not exist"),
        (lambda vector: vector.positions([-1]), "input value -1 does not exist"),
    ],
)
def test_what_does_not_exist_is_named(call: Callable[[InputVector], object], message: str) -> None:
    with pytest.raises(IndexError, match=message):
        call(InputVector.of(Convolution(np.zeros((1, 3, 3)), np.zeros((2, 1, 2, 2)))))
