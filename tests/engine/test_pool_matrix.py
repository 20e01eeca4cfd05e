"""The matrix of a pooling multiplies as PyTorch pools, and is the derivative of what PyTorch computes."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from convtui.engine import operation_matrix, pool_matrix
from convtui.engine.adaptive import AdaptiveSpec
from convtui.engine.operation_matrix import OperationMatrix
from convtui.engine.pool_matrix import PoolMatrix
from convtui.engine.pool_spec import PoolSpec
from convtui.engine.pooling import (
    Pooling,
    adaptive_avg_pool2d,
    adaptive_max_pool2d,
    avg_pool2d,
    max_pool2d,
)
from convtui.engine.reductions import Average, Maximum, Reduction
from convtui.engine.spec import Floats
from tests.engine.test_matrix import assembled_columns, assembled_rows, dots
from tests.engine.test_pooling import PoolCase, legal_cases

IMAGE = np.array([[[3.0, 1.0, 2.0, 2.0], [0.0, 5.0, 2.0, 1.0]]])


@st.composite
def uneven_cases(draw: st.DrawFn) -> Pooling:
    """A pooling with padding of four sides."""
    image = np.random.default_rng(draw(st.integers(0, 99))).integers(-3, 4, (2, 5, 6)).astype(float)
    kernel = draw(st.integers(2, 4))
    sides = st.integers(0, kernel - 1)
    padding = [[draw(sides), draw(sides)], [draw(sides), draw(sides)]]
    stride = draw(st.integers(1, 3))
    if draw(st.booleans()):
        return max_pool2d(image, kernel, stride, padding)
    return avg_pool2d(image, kernel, stride, padding, count_include_pad=draw(st.booleans()))


def views(matrix: PoolMatrix) -> list[OperationMatrix]:
    return [matrix, matrix.transposed()]


def jacobian(case: PoolCase) -> Floats:
    """[rows, columns] the derivative of PyTorch's output by its image."""
    image = torch.tensor(case.image)
    derivative = torch.autograd.functional.jacobian(case.by_torch, image, vectorize=True)
    return derivative.numpy().reshape(-1, image.numel())  # type: ignore[no-any-return]


def is_read(pooling: Pooling) -> NDArray[np.bool_]:
    """[rows, columns] which pixels each window has."""
    read = np.zeros((pooling.size, *pooling.image.shape), dtype=bool)
    for index in range(pooling.size):
        step = pooling.step(index)
        rows, columns = (at[at >= 0] for at in (step.source_rows, step.source_columns))
        read[index, step.position[0], rows[:, None], columns] = True
    return read.reshape(pooling.size, -1)


@settings(max_examples=60)
@given(legal_cases())
def test_is_the_jacobian_of_torch(case: PoolCase) -> None:
    matrix, expected = case.ours.matrix, jacobian(case)
    assert matrix.shape == expected.shape
    has_pixel = is_read(case.ours).any(axis=1)  # else PyTorch's output is -inf, and its index not a pixel's
    np.testing.assert_allclose(matrix.toarray()[has_pixel], expected[has_pixel], rtol=0, atol=1e-12)
    assert not matrix.toarray()[~has_pixel].any()
    np.testing.assert_array_equal(matrix.transposed().toarray(), matrix.toarray().T)


@given(legal_cases())
def test_multiplies_as_torch_pools(case: PoolCase) -> None:
    matrix = case.ours.matrix
    expected = case.expected.ravel()
    is_finite = np.isfinite(expected)
    product = matrix.matvec(case.image.ravel())
    np.testing.assert_allclose(product[is_finite], expected[is_finite], rtol=0, atol=1e-9)
    assert not product[~is_finite].any()
    g = np.random.default_rng(0).standard_normal(len(expected))
    np.testing.assert_allclose(matrix.rmatvec(g), matrix.toarray().T @ g, rtol=0, atol=1e-9)
    other = np.random.default_rng(1).standard_normal(case.image.size)
    np.testing.assert_allclose(matrix.matvec(other), matrix.toarray() @ other, rtol=0, atol=1e-9)


@given(uneven_cases())
def test_multiplies_with_padding_of_four_sides(pooling: Pooling) -> None:
    expected = pooling.output.ravel()
    product = pooling.matrix.toarray() @ pooling.image.ravel()
    np.testing.assert_allclose(product, expected, rtol=0, atol=1e-12)


@given(legal_cases(), st.data())
def test_rows_columns_and_blocks_are_parts_of_the_array(case: PoolCase, data: st.DataObject) -> None:
    for matrix in views(case.ours.matrix):
        array = matrix.toarray()
        np.testing.assert_array_equal(assembled_rows(matrix), array)
        np.testing.assert_array_equal(assembled_columns(matrix), array)
        rows, columns = (
            data.draw(st.lists(st.integers(0, size - 1), max_size=8), label="picked") for size in matrix.shape
        )
        values, entries = matrix.block(rows, np.array(columns, dtype=np.intp))
        picked = np.ix_(np.array(rows, dtype=int), np.array(columns, dtype=int))
        np.testing.assert_array_equal(values, array[picked])
        first = [[(*matrix.entries_at(i, j), -1)[0] for j in columns] for i in rows]
        np.testing.assert_array_equal(entries, np.reshape(first, entries.shape))
        assert values.shape == entries.shape == (len(rows), len(columns))


@given(legal_cases())
def test_an_entry_is_a_place_in_the_window(case: PoolCase) -> None:
    pooling, matrix = case.ours, case.ours.matrix
    width = pooling.axes[1].kernel
    for index in range(pooling.size):
        step, row = pooling.step(index), matrix.row(index)
        assert (np.diff(row.indices) > 0).all()
        assert row.indices.size == (~step.is_padding).sum()
        _, y, x = np.unravel_index(row.indices, case.image.shape)
        for at, ((entry,), value) in enumerate(zip(row.entries, row.values.tolist(), strict=True)):
            i, j = divmod(entry, width)
            assert (step.source_rows[i], step.source_columns[j]) == (y[at], x[at])
            assert value == pytest.approx(step.gradient[i, j], abs=1e-15)
    for j in range(matrix.shape[1]):
        column = matrix.column(j)
        assert (np.diff(column.indices) > 0).all()
        assert column.entries == tuple(matrix.entries_at(i, j) for i in column.indices.tolist())


@given(legal_cases(), st.integers(1, 6))
def test_the_middle_of_a_row_is_a_part_of_it(case: PoolCase, most: int) -> None:
    matrix = case.ours.matrix
    for i in range(matrix.shape[0]):
        row, middle = matrix.row(i), matrix.middle_of_row(i, most)
        assert bool(middle.indices.size) == bool(row.indices.size)
        assert middle.indices.size <= most
        whole = dict(
            zip(row.indices.tolist(), zip(row.entries, row.values.tolist(), strict=True), strict=True)
        )
        for at, entries, value in zip(middle.indices.tolist(), middle.entries, middle.values, strict=True):
            assert whole[at] == (entries, value)
        np.testing.assert_array_equal(matrix.middle_of_row(i, 10**6).indices, row.indices)


@given(legal_cases())
def test_the_winner_of_a_row_has_its_1(case: PoolCase) -> None:
    matrix = case.ours.matrix
    if isinstance(matrix.reduction, Average):
        return
    array = matrix.toarray()
    for i, line in enumerate(array):
        winner = matrix.winner(i)
        assert np.flatnonzero(line).tolist() == ([] if winner is None else [winner])


@given(legal_cases())
def test_counts_are_those_of_the_array(case: PoolCase) -> None:
    matrix, read = case.ours.matrix, is_read(case.ours)
    is_filled = matrix.toarray() != 0
    assert matrix.places == read.sum()
    assert matrix.empty_rows == matrix.zero_rows == (~read.any(axis=1)).sum()
    assert matrix.empty_columns == (~read.any(axis=0)).sum()
    assert matrix.nonzeros == is_filled.sum()
    assert matrix.zero_columns == (~is_filled.any(axis=0)).sum()
    if isinstance(matrix.reduction, Average):
        assert matrix.limit == pytest.approx(np.abs(matrix.toarray()).max() if read.any() else matrix.limit)
    else:
        assert (is_filled.sum(axis=1) == read.any(axis=1)).all()
        assert matrix.limit == 1


@given(legal_cases())
def test_a_column_of_zeros_is_a_pixel_without_gradient(case: PoolCase) -> None:
    image = torch.tensor(case.image, requires_grad=True)
    output = case.by_torch(image)
    finite = output[torch.isfinite(output)]
    gradient = torch.autograd.grad(finite.sum(), image)[0] if len(finite) else torch.zeros(image.shape)
    assert case.ours.matrix.zero_columns == (gradient == 0).sum()  # all shares have one sign


@given(legal_cases(), st.integers(1, 24), st.integers(1, 24))
def test_overview_shows_where_values_are(case: PoolCase, height: int, width: int) -> None:
    matrix = case.ours.matrix
    array = matrix.toarray()
    expected = [
        [bool(array[rows, columns].any()) for columns in dots(array.shape[1], width)]
        for rows in dots(array.shape[0], height)
    ]
    np.testing.assert_array_equal(matrix.overview(height, width), expected)
    np.testing.assert_array_equal(matrix.transposed().overview(width, height).T, expected)


@given(legal_cases())
def test_large_windows_have_the_same_winners(case: PoolCase) -> None:
    with pytest.MonkeyPatch.context() as patch:
        small = case.ours.matrix.toarray()
        patch.setattr(pool_matrix, "MOST_SHOWN", 0)
        large = case.ours.matrix
        np.testing.assert_array_equal(large.block(range(large.shape[0]), range(large.shape[1])).values, small)
        patch.setattr(operation_matrix, "MOST_SAMPLED_ENTRIES", 4)
        np.testing.assert_array_equal(case.ours.matrix.toarray(), small)


def test_an_overview_shows_evenly_spaced_shares_of_a_large_window(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = adaptive_avg_pool2d(np.zeros((2, 40, 40)), 1).matrix
    complete = matrix.overview(2, 64)
    monkeypatch.setattr(pool_matrix, "MOST_SHOWN", 400)
    np.testing.assert_array_equal(matrix.overview(2, 64), complete)
    monkeypatch.setattr(pool_matrix, "MOST_SHOWN", 4)
    assert (matrix.overview(2, 64) <= complete).all()
    assert matrix.overview(2, 64).sum() == 4


def test_an_average_by_hand() -> None:
    assert avg_pool2d(IMAGE, 2).matrix.toarray().tolist() == [
        [0.25, 0.25, 0, 0, 0.25, 0.25, 0, 0],
        [0, 0, 0.25, 0.25, 0, 0, 0.25, 0.25],
    ]
    uneven = adaptive_avg_pool2d(IMAGE, (1, 3)).matrix
    assert uneven.toarray().tolist() == [
        [0.25, 0.25, 0, 0, 0.25, 0.25, 0, 0],
        [0, 0.25, 0.25, 0, 0, 0.25, 0.25, 0],
        [0, 0, 0.25, 0.25, 0, 0, 0.25, 0.25],
    ]


def test_a_maximum_by_hand() -> None:
    matrix = max_pool2d(IMAGE, 2).matrix
    assert matrix.toarray().tolist() == [[0, 0, 0, 0, 0, 1, 0, 0], [0, 0, 1, 0, 0, 0, 0, 0]]
    assert matrix.block([0], range(8)).entries.tolist() == [[0, 1, -1, -1, 2, 3, -1, -1]]
    assert (matrix.places, matrix.nonzeros, matrix.zero_columns, matrix.empty_columns) == (8, 2, 6, 0)
    assert matrix.matvec([0, 0, 7, 9, 0, 8, 0, 0]).tolist() == [8, 7]  # not the maximum of another image
    assert adaptive_max_pool2d(IMAGE, 1).matrix.toarray().tolist() == [[0, 0, 0, 0, 0, 1, 0, 0]]


def test_winners_of_too_many_windows_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_matrix, "MOST_COMPARED", 7)
    assert max_pool2d(IMAGE, 2).matrix.zero_columns is None
    assert avg_pool2d(IMAGE, 2).matrix.zero_columns == 0


@pytest.mark.parametrize("reduction", [Average(), Maximum()])
@pytest.mark.parametrize("spec", [PoolSpec(3, 1, 1), AdaptiveSpec(4096)])
@pytest.mark.parametrize("view", range(2))
def test_a_part_of_an_endless_matrix_costs_only_that_part(
    spec: PoolSpec | AdaptiveSpec, reduction: Reduction, view: int
) -> None:
    size = 2**20
    image = np.broadcast_to(0.5, (1, size, size))
    tracemalloc.start()
    try:
        matrix = views(PoolMatrix(image, spec.axes(size, size), reduction))[view]
        rows, columns = matrix.shape
        values, _ = matrix.block(range(rows - 40, rows), range(columns - 120, columns))
        last_row, last_column = matrix.row(rows - 1), matrix.column(columns - 1)
        overview = matrix.overview(60, 100)
        counts = matrix.places, matrix.nonzeros, matrix.zero_rows, matrix.zero_columns
        memory = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert memory < size * 8 * 24
    for line, places, from_end in (
        (values[-1], last_row, columns - 120),
        (values[:, -1], last_column, rows - 40),
    ):
        assembled = np.zeros(len(line))
        is_near = places.indices >= from_end
        assembled[places.indices[is_near] - from_end] = places.values[is_near]
        np.testing.assert_array_equal(line, assembled)
    assert overview.any(axis=0).sum() > 50
    assert counts[0] is not None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.row(2), "output cell 2 does not exist: there are 2, counted from 0"),
        (lambda m: m.column(8), "pixel 8 does not exist: there are 8"),
        (lambda m: m.entries_at(0, -1), "pixel -1 does not exist"),
        (lambda m: m.block([2], [0]), "output cell 2 does not exist"),
        (lambda m: m.transposed().row(8), "pixel 8 does not exist"),
    ],
)
def test_what_does_not_exist_is_named(call: Callable[[PoolMatrix], object], message: str) -> None:
    with pytest.raises(IndexError, match=message):
        call(max_pool2d(IMAGE, 2).matrix)


def test_refusals() -> None:
    matrix = max_pool2d(np.zeros((1, 2100, 2100)), 1050).matrix
    with pytest.raises(ValueError, match="a matrix of 4 x 4410000 has 17640000 cells"):
        matrix.toarray()
    with pytest.raises(ValueError, match="expected a vector of 8 numbers, got shape"):
        avg_pool2d(IMAGE, 2).matrix.matvec(np.zeros(7))
    with pytest.raises(ValueError, match="expected a vector of 2 numbers, got shape"):
        avg_pool2d(IMAGE, 2).matrix.rmatvec(np.zeros(3))
