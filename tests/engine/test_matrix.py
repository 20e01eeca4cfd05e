"""The weight matrix multiplies as PyTorch convolves, and all of its parts are parts of one matrix."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from convtui.engine import matrix as module
from convtui.engine import operation_matrix
from convtui.engine.convolution import Convolution
from convtui.engine.kernels import kernel
from convtui.engine.matrix import WeightMatrix
from convtui.engine.operation_matrix import OperationMatrix
from convtui.engine.spec import ConvSpec, Floats
from tests.engine.cases import Case, legal_cases

NUMPY_MODES: dict[str, Any] = {
    "zeros": "constant",
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
}


def views(matrix: WeightMatrix) -> list[OperationMatrix]:
    return [matrix, matrix.padded(), matrix.transposed(), matrix.padded().transposed()]


def matrix_of_torch(case: Case) -> Floats:
    """[rows, columns] the output of PyTorch for an image of each single pixel, bias subtracted."""
    case = replace(case, bias=None)
    pixels = torch.eye(case.image.size, dtype=torch.float64).reshape(-1, *case.image.shape)
    outputs = torch.func.vmap(case.computed_by_torch, randomness="same")(pixels)
    return outputs.detach().numpy().reshape(len(pixels), -1).T


def structure_of_torch(case: Case) -> NDArray[np.bool_]:
    return matrix_of_torch(replace(case, weight=np.ones_like(case.weight))) > 0


def padded_image(convolution: Convolution) -> Floats:
    spec = convolution.spec
    return np.pad(convolution.image, ((0, 0), *spec.pads), NUMPY_MODES[spec.padding_mode])


def assembled_rows(matrix: OperationMatrix) -> Floats:
    array = np.zeros(matrix.shape)
    for i in range(len(array)):
        row = matrix.row(i)
        array[i, row.indices] = row.values
    return array


def assembled_columns(matrix: OperationMatrix) -> Floats:
    array = np.zeros(matrix.shape)
    for j in range(array.shape[1]):
        column = matrix.column(j)
        array[column.indices, j] = column.values
    return array


@given(legal_cases())
def test_multiplies_as_torch_convolves(case: Case) -> None:
    convolution = case.convolution
    matrix = convolution.weight_matrix
    image = torch.tensor(case.image, requires_grad=True)
    output = case.computed_by_torch(image)
    g = torch.tensor(np.random.default_rng(0).standard_normal(output.shape))
    output.backward(g)
    bias = np.zeros(len(case.weight)) if case.bias is None else case.bias
    biases = bias.repeat(output[0].numel())
    expected, gradient = output.detach().numpy().ravel(), image.grad
    assert gradient is not None
    x, g_vector = case.image.ravel(), g.numpy().ravel()
    assert matrix.shape == (expected.size, x.size)
    for product in matrix.matvec(x), matrix.toarray() @ x, matrix.transposed().rmatvec(x):
        np.testing.assert_allclose(product + biases, expected, rtol=0, atol=1e-9)
    for product in (
        matrix.rmatvec(g_vector),
        matrix.toarray().T @ g_vector,
        matrix.transposed().matvec(g_vector),
    ):
        np.testing.assert_allclose(product, gradient.numpy().ravel(), rtol=0, atol=1e-9)
    padded = matrix.padded()
    np.testing.assert_allclose(
        padded.matvec(padded_image(convolution).ravel()) + biases, expected, rtol=0, atol=1e-9
    )


@given(legal_cases())
def test_the_array_is_the_matrix_of_torch(case: Case) -> None:
    matrix = case.convolution.weight_matrix
    np.testing.assert_allclose(matrix.toarray(), matrix_of_torch(case), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(matrix.transposed().toarray(), matrix.toarray().T)


@given(legal_cases())
def test_rows_columns_and_block_are_the_array(case: Case) -> None:
    for matrix in views(case.convolution.weight_matrix):
        array = matrix.toarray()
        rows, columns = matrix.shape
        assert array.shape == (rows, columns)
        for assembled in (
            assembled_rows(matrix),
            assembled_columns(matrix),
            matrix.block(range(rows), range(columns)).values,
        ):
            np.testing.assert_allclose(assembled, array, rtol=0, atol=1e-12)


@given(legal_cases(), st.data())
def test_block_is_that_part_of_the_array(case: Case, data: st.DataObject) -> None:
    for matrix in views(case.convolution.weight_matrix):
        rows, columns = (
            data.draw(st.lists(st.integers(0, size - 1), max_size=8), label="picked") for size in matrix.shape
        )
        values, entries = matrix.block(rows, np.array(columns, dtype=np.intp))
        picked = np.ix_(np.array(rows, dtype=int), np.array(columns, dtype=int))
        np.testing.assert_allclose(values, matrix.toarray()[picked], rtol=0, atol=1e-12)
        first = [[(*matrix.entries_at(i, j), -1)[0] for j in columns] for i in rows]
        np.testing.assert_array_equal(entries, np.reshape(first, entries.shape))
        assert values.shape == entries.shape == (len(rows), len(columns))


@given(legal_cases(), st.data())
def test_entries_are_the_weights_that_add_up_to_the_value(case: Case, data: st.DataObject) -> None:
    weights = case.weight.ravel()
    for matrix in views(case.convolution.weight_matrix):
        i, j = (data.draw(st.integers(0, size - 1)) for size in matrix.shape)
        row, column = matrix.row(i), matrix.column(j)
        for nonzeros in row, column:
            assert (np.diff(nonzeros.indices) > 0).all()
            assert all(group and list(group) == sorted(set(group)) for group in nonzeros.entries)
            sums = [weights[list(group)].sum() for group in nonzeros.entries]
            np.testing.assert_allclose(nonzeros.values, sums, rtol=0, atol=1e-12)
        in_row = dict(zip(row.indices.tolist(), row.entries, strict=True))
        in_column = dict(zip(column.indices.tolist(), column.entries, strict=True))
        assert [matrix.entries_at(i, k) for k in range(matrix.shape[1])] == [
            in_row.get(k, ()) for k in range(matrix.shape[1])
        ]
        assert [matrix.entries_at(k, j) for k in range(matrix.shape[0])] == [
            in_column.get(k, ()) for k in range(matrix.shape[0])
        ]


@given(legal_cases())
def test_places_of_weights_are_those_of_the_structure(case: Case) -> None:
    structure = structure_of_torch(case)
    matrix = case.convolution.weight_matrix
    assert matrix.places == structure.sum()
    assert matrix.empty_columns == (~structure.any(axis=0)).sum()
    assert matrix.empty_rows == (~structure.any(axis=1)).sum()
    occurring = {
        entry for i in range(len(structure)) for entries in matrix.row(i).entries for entry in entries
    }
    assert matrix.distinct_weights == len(occurring)
    transposed = matrix.transposed()
    assert transposed.places == matrix.places
    assert (transposed.empty_rows, transposed.empty_columns) == (matrix.empty_columns, matrix.empty_rows)
    assert transposed.shape == structure.T.shape
    assert (transposed.output_shape, transposed.input_shape) == (matrix.input_shape, matrix.output_shape)


@given(legal_cases(), st.integers(0, 99))
def test_nonzero_values_are_those_of_torch(case: Case, seed: int) -> None:
    """With whole weights, many of them 0, some of which cancel where the padding repeats a pixel."""
    weight = np.random.default_rng(seed).integers(-1, 2, case.weight.shape).astype(float)
    case = replace(case, weight=weight)
    matrix = case.convolution.weight_matrix
    is_filled = matrix_of_torch(case) != 0
    assert matrix.nonzeros == is_filled.sum()
    assert matrix.zero_rows == (~is_filled.any(axis=1)).sum()
    assert matrix.zero_columns == (~is_filled.any(axis=0)).sum()
    transposed = matrix.transposed()
    assert (transposed.nonzeros, transposed.zero_rows) == (matrix.nonzeros, matrix.zero_columns)
    assert transposed.zero_columns == matrix.zero_rows
    padded = matrix.padded()
    is_filled = padded.toarray() != 0
    assert padded.nonzeros == is_filled.sum()
    assert padded.zero_rows == (~is_filled.any(axis=1)).sum()
    assert padded.zero_columns == (~is_filled.any(axis=0)).sum()


@given(legal_cases())
def test_an_empty_column_is_a_pixel_without_gradient(case: Case) -> None:
    image = torch.tensor(case.image, requires_grad=True)
    replace(case, weight=np.ones_like(case.weight)).computed_by_torch(image).sum().backward()
    assert image.grad is not None
    is_unread = image.grad.numpy().ravel() == 0
    assert case.convolution.weight_matrix.empty_columns == is_unread.sum()


@given(legal_cases())
def test_padded_keeps_the_padding_as_columns(case: Case) -> None:
    convolution = case.convolution
    padded = convolution.weight_matrix.padded()
    image = padded_image(convolution)
    assert padded.input_shape == image.shape
    assert padded.shape == (convolution.size, image.size)
    assert padded.distinct_weights == case.weight.size
    assert padded.places == convolution.size * case.weight[0].size
    assert padded.empty_rows == 0
    assert {len(entries) for entries in padded.row(0).entries} == {1}
    array = padded.toarray()
    (top, _), (left, _) = convolution.spec.pads
    height, width = case.image.shape[1:]
    if convolution.spec.padding_mode == "zeros":
        within = array.reshape(len(array), *image.shape)[:, :, top : top + height, left : left + width]
        np.testing.assert_array_equal(within.reshape(len(array), -1), convolution.weight_matrix.toarray())


def dots(size: int, count: int) -> list[slice]:
    """The indices that each of count dots stands for, at least one."""
    starts = [dot * size // count for dot in range(count)]
    return [slice(start, max(start + 1, (dot + 1) * size // count)) for dot, start in enumerate(starts)]


@given(legal_cases(), st.integers(1, 24), st.integers(1, 24))
def test_overview_shows_where_the_places_of_weights_are(case: Case, height: int, width: int) -> None:
    structure = structure_of_torch(case)
    matrix = case.convolution.weight_matrix
    expected = [
        [bool(structure[rows, columns].any()) for columns in dots(structure.shape[1], width)]
        for rows in dots(structure.shape[0], height)
    ]
    np.testing.assert_array_equal(matrix.overview(height, width), expected)
    np.testing.assert_array_equal(matrix.transposed().overview(width, height).T, expected)


@pytest.mark.parametrize("most", [0, 40, 400])
def test_a_sampled_overview_shows_the_rows_it_samples(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = Convolution(np.zeros((1, 40, 40)), np.ones((1, 1, 3, 3)), padding=1).weight_matrix
    complete = matrix.overview(20, 30)
    monkeypatch.setattr(operation_matrix, "MOST_SAMPLED_ROWS", most)
    samples = 20 * max(1, most // 20)
    array = np.zeros(matrix.shape)
    sampled = np.arange(samples) * len(array) // samples
    array[sampled] = matrix.toarray()[sampled]
    expected = [[array[rows, columns].any() for columns in dots(1600, 30)] for rows in dots(1600, 20)]
    np.testing.assert_array_equal(matrix.overview(20, 30), expected)
    monkeypatch.setattr(operation_matrix, "MOST_SAMPLED_ENTRIES", 9 * most)
    np.testing.assert_array_equal(matrix.overview(20, 30), expected)
    assert (matrix.overview(20, 30) <= complete).all()


def test_the_matrix_by_hand() -> None:
    convolution = Convolution(np.arange(9).reshape(1, 3, 3), [[[[1, 2], [3, 0]]]])
    matrix = convolution.weight_matrix
    assert convolution.weight_matrix is matrix
    assert matrix.toarray().tolist() == [
        [1, 2, 0, 3, 0, 0, 0, 0, 0],
        [0, 1, 2, 0, 3, 0, 0, 0, 0],
        [0, 0, 0, 1, 2, 0, 3, 0, 0],
        [0, 0, 0, 0, 1, 2, 0, 3, 0],
    ]
    assert matrix.block(range(1), range(9)).entries.tolist() == [[0, 1, -1, 2, 3, -1, -1, -1, -1]]
    assert (matrix.places, matrix.distinct_weights) == (16, 4)
    assert (matrix.empty_rows, matrix.empty_columns) == (0, 0)
    assert (matrix.nonzeros, matrix.zero_rows, matrix.zero_columns) == (12, 0, 1)


def test_a_pixel_read_through_its_padding_carries_several_weights() -> None:
    convolution = Convolution(
        np.ones((1, 1, 2)), [[[[1, 10, 100]]]], padding=(0, 1), padding_mode="replicate"
    )
    matrix = convolution.weight_matrix
    assert matrix.toarray().tolist() == [[11, 100], [1, 110]]
    assert matrix.entries_at(0, 0) == (0, 1)
    assert matrix.row(1).entries == ((0,), (1, 2))
    assert matrix.block([0, 1], [0, 1]).entries.tolist() == [[0, 2], [0, 1]]
    assert matrix.padded().toarray().tolist() == [[1, 10, 100, 0], [0, 1, 10, 100]]


def test_padding_can_leave_rows_columns_and_weights_without_use() -> None:
    convolution = Convolution(
        np.ones((1, 1, 4)), [[[[1], [2], [3]]]], stride=(2, 3), padding=((0, 4), (0, 0))
    )
    matrix = convolution.weight_matrix
    assert matrix.toarray().tolist() == [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert (matrix.places, matrix.distinct_weights, matrix.empty_rows, matrix.empty_columns) == (2, 1, 2, 2)
    assert (matrix.nonzeros, matrix.zero_rows, matrix.zero_columns) == (2, 2, 2)
    assert [len(matrix.row(i).entries) for i in range(4)] == [1, 1, 0, 0]


def test_a_weight_of_zero_is_no_structural_zero() -> None:
    matrix = Convolution(np.ones((1, 3, 3)), np.zeros((1, 1, 2, 2))).weight_matrix
    assert not matrix.toarray().any()
    assert (matrix.places, matrix.nonzeros) == (16, 0)
    assert (matrix.empty_columns, matrix.zero_columns) == (0, 9)
    assert (matrix.block(range(4), range(9)).entries >= 0).sum() == 16
    assert matrix.overview(4, 9).sum() == 16


def test_weights_that_cancel_where_the_padding_repeats_a_pixel_leave_no_value() -> None:
    convolution = Convolution(np.ones((1, 1, 3)), [[[[1, 2, -1]]]], padding=(0, 1), padding_mode="reflect")
    matrix = convolution.weight_matrix
    assert matrix.toarray().tolist() == [[2, 0, 0], [1, 2, -1], [0, 0, 2]]
    assert (matrix.places, matrix.nonzeros, matrix.zero_columns) == (7, 5, 0)


def test_nonzero_values_of_the_largest_image_are_counted() -> None:
    """At stride 3 a 3x3 kernel reads every pixel once; the outer taps once lie over padding."""
    image, weight = np.broadcast_to(0.5, (1, 4096, 4096)), kernel("sobel-x")
    spec = ConvSpec(3, padding=1, stride=3)
    tracemalloc.start()
    try:
        matrix = WeightMatrix(weight, spec.axes(4096, 4096), 1)
        counts = matrix.places, matrix.nonzeros, matrix.empty_columns, matrix.zero_columns
        memory = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert memory < image.size / 8
    nonzeros = np.outer([1365, 1366, 1365], [1365, 1366, 1365])[weight[0, 0] != 0].sum()
    assert counts == (image.size, nonzeros, 0, image.size - nonzeros)


def test_sums_in_too_many_ways_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SUMS", 5)
    image = np.ones((1, 1, 8))
    for mode, are_counted in ("zeros", True), ("reflect", False):
        matrix = Convolution(image, np.ones((1, 1, 1, 5)), padding=(0, 2), padding_mode=mode).weight_matrix
        for view, is_padded in zip(views(matrix), (False, True, False, True), strict=True):
            assert (view.nonzeros is not None) == (are_counted or is_padded)
            assert (view.zero_rows is None) == (view.zero_columns is None) == (view.nonzeros is None)


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("view", range(4))
def test_a_part_of_an_endless_matrix_costs_only_that_part(view: int, mode: str) -> None:
    size = 2**20
    spec = ConvSpec(3, padding=1, padding_mode=mode)
    tracemalloc.start()
    try:
        matrix = views(WeightMatrix(kernel("edges"), spec.axes(size, size), 1))[view]
        rows, columns = matrix.shape
        values, _ = matrix.block(range(rows - 40, rows), range(columns - 120, columns))
        last_row, last_column = matrix.row(rows - 1), matrix.column(columns - 1)
        overview = matrix.overview(100, 200)
        memory = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    several_axes = size * 8 * 16
    assert memory < several_axes
    for line, indices, from_end in (
        (values[-1], last_row, columns - 120),
        (values[:, -1], last_column, rows - 40),
    ):
        assembled = np.zeros(len(line))
        is_near = indices.indices >= from_end
        assembled[indices.indices[is_near] - from_end] = indices.values[is_near]
        np.testing.assert_array_equal(line, assembled)
    assert overview.any(axis=0).all()
    assert overview.any(axis=1).all()


def test_an_array_too_large_is_refused() -> None:
    image = np.zeros((1, 50, 50))
    matrix = Convolution(image, np.ones((1, 1, 1, 1))).weight_matrix
    message = r"a matrix of 2500 x 2500 has 6250000 cells, too many for an array \(at most 4000000\)"
    for view in matrix, matrix.transposed():
        with pytest.raises(ValueError, match=message):
            view.toarray()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.row(8), "output cell 8 does not exist: there are 8, counted from 0"),
        (lambda m: m.row(-1), "output cell -1 does not exist"),
        (lambda m: m.column(9), "input value 9 does not exist: there are 9"),
        (lambda m: m.entries_at(8, 0), "output cell 8 does not exist"),
        (lambda m: m.entries_at(0, -1), "input value -1 does not exist"),
        (lambda m: m.block(range(9), range(2)), "output cell 8 does not exist"),
        (lambda m: m.block([0], np.array([3, 10])), "input value 10 does not exist"),
        (lambda m: m.transposed().row(9), "input value 9 does not exist"),
        (lambda m: m.transposed().block([0], [8]), "output cell 8 does not exist"),
    ],
)
def test_what_does_not_exist_is_named(call: Callable[[WeightMatrix], object], message: str) -> None:
    with pytest.raises(IndexError, match=message):
        call(Convolution(np.zeros((1, 3, 3)), np.zeros((2, 1, 2, 2))).weight_matrix)


@pytest.mark.parametrize("vector", [np.zeros(8), np.zeros((1, 9)), 1])
def test_a_vector_of_another_shape_is_refused(vector: Any) -> None:
    matrix = Convolution(np.zeros((1, 3, 3)), np.zeros((1, 1, 2, 2))).weight_matrix
    with pytest.raises(ValueError, match="expected a vector of 9 numbers, got shape"):
        matrix.matvec(vector)
    with pytest.raises(ValueError, match="expected a vector of 4 numbers, got shape"):
        matrix.rmatvec(vector)
