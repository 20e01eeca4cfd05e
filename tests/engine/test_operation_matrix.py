"""What all matrices have in common."""

import numpy as np
import pytest

from convtui.engine.convolution import Convolution
from convtui.engine.operation_matrix import Places, TransposedMatrix, coordinates, overview_of, vector
from convtui.engine.pooling import max_pool2d
from convtui.engine.spec import Indices

IMAGE = np.random.default_rng(0).random((2, 6, 7))


def test_entries_of_places_are_grouped() -> None:
    places = Places(np.array([2, 5]), np.array([1.0, 2.0]), np.array([4, 0, 1]), np.array([0, 1]))
    assert places.entries == ((4,), (0, 1))


def test_the_transpose_of_a_transpose_is_the_matrix() -> None:
    matrix = max_pool2d(IMAGE, 2).matrix
    transposed = matrix.transposed()
    assert transposed.transposed() is matrix
    assert transposed == TransposedMatrix(matrix)
    assert hash(transposed) == hash(TransposedMatrix(matrix))
    assert transposed != TransposedMatrix(max_pool2d(IMAGE, 2).matrix)


def test_a_transpose_has_rows_and_columns_exchanged() -> None:
    matrix = Convolution(IMAGE, np.ones((1, 2, 2, 2)), stride=3).weight_matrix
    transposed = matrix.transposed()
    assert transposed.shape == matrix.shape[::-1]
    assert (transposed.output_shape, transposed.input_shape) == (matrix.input_shape, matrix.output_shape)
    assert (transposed.empty_rows, transposed.zero_rows) == (matrix.empty_columns, matrix.zero_columns)
    assert (transposed.empty_columns, transposed.zero_columns) == (matrix.empty_rows, matrix.zero_rows)
    assert (transposed.limit, transposed.places, transposed.nonzeros) == (1, matrix.places, matrix.nonzeros)


def test_an_overview_asks_for_rows_a_band_at_a_time() -> None:
    asked: list[int] = []

    def columns_of(rows: Indices) -> Indices:
        asked.append(rows.size)
        return rows[:, None]

    picture = overview_of((1_000_000, 1_000_000), 10, 10, 2**14, columns_of)
    assert picture.tolist() == np.eye(10, dtype=bool).tolist()
    assert asked == [10]
    asked.clear()
    overview_of((1_000_000, 1_000_000), 40, 10, 2**14, columns_of)
    assert asked == [16, 16, 8]


def test_what_does_not_exist_is_named() -> None:
    with pytest.raises(IndexError, match="pixel 8 does not exist: there are 8, counted from 0"):
        coordinates("pixel", [3, 8], (2, 2, 2))
    with pytest.raises(ValueError, match=r"expected a vector of 3 numbers, got shape \[2\]"):
        vector([1, 2], 3)
