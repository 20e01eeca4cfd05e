"""Each operation has a matrix of its own, whichever way it is stepped through."""

import numpy as np
import pytest

from convtui.engine.convolution import Convolution
from convtui.engine.matrices import Multiplied, matrix_of, multiplied
from convtui.engine.pooling import avg_pool2d, max_pool2d
from convtui.engine.transposed import TransposedConvolution
from convtui.engine.transposed_ways import Gathering, Scattering

IMAGE = np.random.default_rng(0).random((2, 5, 6))
WEIGHT = np.random.default_rng(1).random((2, 2, 3, 3))


@pytest.mark.parametrize(
    "operation",
    [
        Convolution(IMAGE, WEIGHT, padding=1),
        TransposedConvolution(IMAGE, WEIGHT, stride=2),
        max_pool2d(IMAGE, 2),
        avg_pool2d(IMAGE, 3, 2, 1),
    ],
)
def test_it_multiplies_the_image_to_the_output(operation: Multiplied) -> None:
    matrix = matrix_of(operation)
    np.testing.assert_allclose(matrix.matvec(IMAGE.ravel()), operation.output.ravel(), rtol=0, atol=1e-12)
    assert multiplied(operation) is operation


def test_both_ways_through_a_transposed_convolution_have_its_matrix() -> None:
    transposed = TransposedConvolution(IMAGE, WEIGHT)
    for way in (Gathering(transposed), Scattering(transposed)):
        assert multiplied(way) is transposed
        assert matrix_of(way) is transposed.weight_matrix
