"""Transposed convolutions compute what PyTorch computes, whole, in parts, and step by step both ways."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from convtui.engine.spec import ConvSpec, Floats, SpecError
from convtui.engine.transposed import TransposedConvolution
from tests.engine.cases import pairs


@dataclass(frozen=True, eq=False)
class TransposedCase:
    """The arguments of a transposed convolution, for convtui and for PyTorch."""

    image: Floats
    weight: Floats
    bias: Floats | None
    parameters: dict[str, Any]

    def __repr__(self) -> str:
        shapes = f"{self.image.shape}, {self.weight.shape}, bias={self.bias is not None}"
        return f"TransposedCase({shapes}, {self.parameters})"

    @property
    def ours(self) -> TransposedConvolution:
        return TransposedConvolution(self.image, self.weight, self.bias, **self.parameters)

    def by_torch(self, image: torch.Tensor) -> torch.Tensor:
        bias = None if self.bias is None else torch.tensor(self.bias)
        output: torch.Tensor = F.conv_transpose2d(
            image[None], torch.tensor(self.weight), bias, **self.parameters
        )
        return output[0]


@st.composite
def any_cases(draw: st.DrawFn) -> TransposedCase:
    """A small transposed convolution, legal or not."""
    groups, slices, filters = (draw(st.integers(1, 3)) for _ in range(3))
    channels = draw(st.sampled_from([groups * slices, groups * slices, 4]))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    has_bias = draw(st.booleans())
    return TransposedCase(
        random.standard_normal((channels, *draw(pairs(1, 5)))),
        random.standard_normal((channels, filters, *draw(pairs(1, 4)))),
        random.standard_normal(groups * filters) if has_bias else None,
        {
            "stride": draw(st.one_of(st.integers(0, 3), pairs(1, 3))),
            "padding": draw(st.one_of(st.integers(0, 3), pairs(0, 3))),
            "output_padding": draw(st.one_of(st.just(0), st.integers(0, 2), pairs(0, 2))),
            "groups": groups,
            "dilation": draw(st.one_of(st.integers(0, 2), pairs(1, 3))),
        },
    )


def is_legal(case: TransposedCase) -> bool:
    try:
        return bool(case.ours)
    except SpecError:
        return False


legal_cases = any_cases().filter(is_legal)


@settings(max_examples=300)
@given(any_cases())
def test_computes_and_refuses_what_torch_computes_and_refuses(case: TransposedCase) -> None:
    try:
        expected = case.by_torch(torch.tensor(case.image)).numpy()
    except RuntimeError:
        with pytest.raises(SpecError):
            _ = case.ours
        return
    transposed = case.ours
    assert transposed.output_shape == expected.shape
    assert transposed.size == expected.size
    np.testing.assert_allclose(transposed.output, expected, rtol=0, atol=1e-9)


@given(legal_cases)
def test_an_output_cell_gathers_what_lands_on_it(case: TransposedCase) -> None:
    transposed = case.ours
    down, across = transposed.axes
    for index in range(transposed.size):
        step = transposed.step(index)
        o, r, c = step.position
        assert step.value == transposed.output[step.position]
        assert (step.index, transposed.index(o, r, c)) == (index, index)
        assert step.bias == (0 if case.bias is None else case.bias[o])
        filters = case.weight.shape[1]
        for n, (s, i, j) in enumerate(np.ndindex(step.window.shape)):
            pixel = step.channels[s], step.rows[i], step.columns[j]
            assert step.window[s, i, j] == case.image[pixel]
            taps = down.taps(r)[i], across.taps(c)[j]
            assert step.weights[s, i, j] == case.weight[step.channels[s], o % filters, *taps]
            assert (o, r, c) in transposed.touched_by(pixel[0], int(pixel[1]), int(pixel[2]))
            assert step.multiply_adds[n].running == step.running[n]
        assert not step.is_padding.any()
        assert step.rows.size * step.columns.size == transposed.overlaps[r, c]


@given(legal_cases)
def test_the_scattered_input_cells_add_up_to_the_output(case: TransposedCase) -> None:
    transposed = case.ours
    outputs = np.zeros(transposed.output_shape)
    counts = np.zeros(transposed.output_shape)
    for index in range(case.image.size):
        scatter = transposed.scatter(index)
        half = scatter.addends.size // 2
        partly, partly_counted = outputs.copy(), counts.copy()
        for f, i, j in [*np.ndindex(scatter.addends.shape)][:half]:
            if not scatter.is_cut[i, j]:
                at = scatter.channels[f], scatter.rows[i], scatter.columns[j]
                partly[at] += scatter.addends[f, i, j]
                partly_counted[at] += 1
        for entries, expected, counted in (0, outputs, counts), (half, partly, partly_counted):
            for channel in range(len(outputs)) if index in (1, case.image.size // 2) else ():
                place = index, entries, channel, slice(None), slice(None)
                np.testing.assert_allclose(transposed.landed(*place), expected[channel], rtol=0, atol=1e-12)
                np.testing.assert_array_equal(transposed.has_landed(*place), counted[channel] > 0)
        assert scatter.pixel == case.image[scatter.position]
        assert transposed.scatter(*scatter.position).index == index
        touched = []
        for f, i, j in np.ndindex(scatter.addends.shape):
            at = scatter.channels[f], int(scatter.rows[i]), int(scatter.columns[j])
            assert scatter.addends[f, i, j] == scatter.pixel * scatter.weights[f, i, j]
            is_there = all(0 <= place < size for place, size in zip(at, outputs.shape, strict=True))
            assert scatter.is_cut[i, j] != is_there
            if is_there:
                outputs[at] += scatter.addends[f, i, j]
                counts[at] += 1
                touched.append(at)
        assert transposed.touched_by(*scatter.position) == sorted(touched)
    slices = len(transposed.channels_read(0))
    np.testing.assert_array_equal(counts, np.broadcast_to(transposed.overlaps * slices, counts.shape))
    if case.bias is not None:
        outputs += case.bias[:, None, None]
    np.testing.assert_allclose(transposed.output, outputs, rtol=0, atol=1e-12)


@given(legal_cases, st.data())
def test_block_is_that_part_of_the_output(case: TransposedCase, data: st.DataObject) -> None:
    transposed = case.ours
    channels, height, width = transposed.output_shape
    channel = data.draw(st.integers(0, channels - 1))
    rows = data.draw(st.lists(st.integers(0, height - 1), max_size=6))
    columns = data.draw(st.slices(width))
    expected = case.ours.output[channel][rows][:, columns]
    np.testing.assert_array_equal(transposed.block(channel, rows, columns), expected)


@given(legal_cases)
def test_its_matrix_is_the_transpose_of_the_convolutions(case: TransposedCase) -> None:
    spec = case.ours.spec
    if any(extra >= stride for extra, stride in zip(spec.output_padding, spec.stride, strict=True)):
        with pytest.raises(SpecError, match="output_padding"):
            _ = case.ours.convolution
        return
    transposed = TransposedConvolution(case.image, case.weight, None, **case.parameters)
    convolution = transposed.convolution
    assert convolution.output_shape == transposed.image_shape
    assert convolution.image_shape == transposed.output_shape
    matrix = convolution.weight_matrix.block(range(convolution.size), range(transposed.size)).values
    output = matrix.T @ case.image.ravel()
    np.testing.assert_allclose(output, transposed.output.ravel(), rtol=0, atol=1e-9)


@settings(max_examples=50)
@given(legal_cases)
def test_its_matrix_is_the_jacobian_of_torch(case: TransposedCase) -> None:
    matrix = case.ours.weight_matrix
    expected = torch.autograd.functional.jacobian(case.by_torch, torch.tensor(case.image), vectorize=True)
    expected = expected.numpy().reshape(-1, case.image.size)
    np.testing.assert_allclose(matrix.toarray(), expected, rtol=0, atol=1e-12)
    bias = 0.0 if case.bias is None else case.bias.repeat(case.ours.output[0].size)
    product = matrix.matvec(case.image.ravel()) + bias
    np.testing.assert_allclose(product, case.ours.output.ravel(), rtol=0, atol=1e-9)
    g = np.random.default_rng(0).standard_normal(len(expected))
    np.testing.assert_allclose(matrix.rmatvec(g), expected.T @ g, rtol=0, atol=1e-9)


@settings(max_examples=50)
@given(legal_cases)
def test_rows_and_columns_of_its_matrix_are_its_steps(case: TransposedCase) -> None:
    """A row has the weights with which an output cell gathers; a column those that its pixel scatters."""
    transposed = case.ours
    matrix, weights = transposed.weight_matrix, case.weight.ravel()
    array = matrix.toarray()
    assert (matrix.output_shape, matrix.input_shape) == (transposed.output_shape, transposed.image_shape)
    for index in range(transposed.size):
        step, row = transposed.step(index), matrix.row(index)
        channels = np.array(step.channels)[:, None, None]
        read = np.ravel_multi_index(
            np.broadcast_arrays(channels, step.rows[:, None], step.columns), case.image.shape
        )
        np.testing.assert_array_equal(row.indices, read.ravel())
        np.testing.assert_array_equal(row.values, step.weights.ravel())
        np.testing.assert_array_equal(weights[row.all_entries], row.values)
    for index in range(case.image.size):
        scatter, column = transposed.scatter(index), matrix.column(index)
        landed = np.broadcast_to(~scatter.is_cut, scatter.weights.shape)
        np.testing.assert_array_equal(np.sort(column.values), np.sort(scatter.weights[landed]))
        np.testing.assert_array_equal(array[column.indices, index], column.values)
    ones = TransposedCase(case.image, np.ones_like(case.weight), None, case.parameters).ours
    structure = ones.weight_matrix.toarray()
    assert matrix.places == structure.sum()
    assert matrix.empty_rows == (~structure.any(axis=1)).sum()
    assert matrix.empty_columns == (~structure.any(axis=0)).sum()
    np.testing.assert_array_equal(matrix.overview(*structure.shape), structure > 0)


def test_output_padding_makes_rows_without_weights() -> None:
    image, weight = np.ones((1, 1, 2)), np.array([[[[1.0, 2.0]]]])
    matrix = TransposedConvolution(
        image, weight, stride=1, output_padding=(0, 1), dilation=(1, 2)
    ).weight_matrix
    assert matrix.toarray().tolist() == [[1, 0], [0, 1], [2, 0], [0, 2], [0, 0]]
    assert (matrix.empty_rows, matrix.places, matrix.limit) == (1, 4, 2)


@given(legal_cases)
def test_channels_read_and_reading_are_inverse(case: TransposedCase) -> None:
    transposed = case.ours
    outputs, inputs = transposed.output_shape[0], len(case.image)
    read = {(o, c) for o in range(outputs) for c in transposed.channels_read(o)}
    assert read == {(o, c) for c in range(inputs) for o in transposed.reading_channels(c)}


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "counts", "words"),
    [
        (
            4,
            2,
            1,
            [1, 1, 2, 2, 2, 2, 2, 2, 1, 1],
            "stride 2 divides kernel size 4: 2 windows land on all rows",
        ),
        (
            3,
            2,
            1,
            [1, 1, 2, 1, 2, 1, 2, 1, 1],
            "stride 2 does not divide kernel size 3: 1 and 2 windows in turn land on rows",
        ),
        (1, 1, 1, [1, 1, 1, 1], "stride 1 divides kernel size 1: 1 window lands on all rows"),
        (
            2,
            2,
            2,
            [1, 0, 2, 0, 2, 0, 2, 0, 1],
            "kernel size 2, stride 2 and dilation 2: 0 and 2 windows in turn land on rows",
        ),
    ],
)
def test_overlaps_of_windows(kernel: int, stride: int, dilation: int, counts: list[int], words: str) -> None:
    weight = np.ones((1, 1, kernel, kernel))
    transposed = TransposedConvolution(np.ones((1, 4, 4)), weight, stride=stride, dilation=dilation)
    axis = transposed.axes[0]
    assert axis.counts.tolist() == counts
    assert axis.overlap == words
    assert axis.is_even == (kernel % stride == 0 and dilation == 1)
    np.testing.assert_array_equal(transposed.output[0], transposed.overlaps)


@given(legal_cases)
def test_phases_are_the_counts_far_from_the_border(case: TransposedCase) -> None:
    size = (200, 200)
    for axis in case.ours.spec.axes(*size):
        middle = axis.output // 2 // axis.stride * axis.stride
        assert axis.counts[middle : middle + axis.stride].tolist() == list(axis.phases)


def test_padding_of_four_sides_cuts_each_by_its_own() -> None:
    random = np.random.default_rng(0)
    image, weight = random.standard_normal((2, 4, 5)), random.standard_normal((2, 3, 3, 3))
    ours = TransposedConvolution(image, weight, stride=2, padding=((0, 1), (2, 1)))
    whole = F.conv_transpose2d(torch.tensor(image)[None], torch.tensor(weight), stride=2)[0].numpy()
    np.testing.assert_allclose(ours.output, whole[:, :-1, 2:-1], rtol=0, atol=1e-12)


@settings(deadline=None)
@given(pairs(1, 5), pairs(1, 5), pairs(1, 4), pairs(1, 2))
def test_same_tf_is_the_gradient_of_a_convolution_that_tensorflow_pads(
    size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]
) -> None:
    random = np.random.default_rng(4)
    image, weight = random.standard_normal((2, *size)), random.standard_normal((2, 3, *kernel))
    ours = TransposedConvolution(image, weight, stride=stride, padding="same-tf", dilation=dilation)
    wide = size[0] * stride[0], size[1] * stride[1]
    assert ours.output_shape == (3, *wide)
    pads: list[int] = []
    for n, k, s, d in zip(wide, kernel, stride, dilation, strict=True):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        pads = [total // 2, total - total // 2, *pads]  # F.pad takes the last axis first
    read = torch.zeros(1, 3, *wide, dtype=torch.float64, requires_grad=True)
    output = F.conv2d(F.pad(read, pads), torch.tensor(weight), stride=stride, dilation=dilation)
    (gradient,) = torch.autograd.grad(output, read, torch.tensor(image)[None])
    np.testing.assert_allclose(ours.output, gradient[0].numpy(), rtol=0, atol=1e-9)
    assert ours.spec.padding == ConvSpec(kernel, stride, "same-tf", dilation).over(*wide).pads


def test_same_tf_makes_room_for_output_padding() -> None:
    image, weight = np.ones((1, 3, 3)), np.ones((1, 1, 3, 3))
    transposed = TransposedConvolution(image, weight, None, 2, "same-tf", 1)
    assert (transposed.spec.padding, transposed.spec.output_padding) == (((1, 1), (1, 1)), (1, 1))
    assert transposed.output_shape == (1, 6, 6)
    wide = TransposedConvolution(image, np.ones((1, 1, 1, 1)), None, 3, "same-tf")
    assert (wide.spec.padding, wide.spec.output_padding) == (((0, 0), (0, 0)), (2, 2))


@pytest.mark.parametrize(
    ("shape", "weight", "parameters", "output"),
    [
        ((1, 3, 3), (1, 2, 3, 3), {}, (2, 5, 5)),
        ((1, 1, 3), (1, 2, 1, 3), {}, (2, 1, 5)),
        ((1, 3, 3), (1, 2, 3, 3), {"stride": (3, 2), "output_padding": 1}, (2, 10, 8)),
        ((1, 3, 3), (1, 2, 3, 3), {"stride": (3, 2), "padding": (1, 2)}, (2, 7, 3)),
        ((1, 3, 3), (1, 2, 3, 3), {"stride": 2, "padding": ((0, 1), (0, 1))}, (2, 6, 6)),
        ((1, 3, 3), (1, 2, 3, 3), {"stride": 2, "padding": "same-tf"}, (2, 6, 6)),
        ((1, 3, 3), (1, 1, 2, 2), {"dilation": 2}, (1, 5, 5)),
        ((2, 3, 3), (2, 1, 3, 3), {"groups": 2}, (2, 5, 5)),
    ],
)
def test_shapes_that_onnx_asks_for(
    shape: tuple[int, ...], weight: tuple[int, ...], parameters: dict[str, Any], output: tuple[int, ...]
) -> None:
    transposed = TransposedConvolution(np.ones(shape), np.ones(weight), **parameters)
    assert transposed.output_shape == transposed.output.shape == output


def test_numbers_worked_out_by_hand() -> None:
    image, weight = np.arange(4.0).reshape(1, 2, 2), np.ones((1, 1, 2, 2))
    by_one = TransposedConvolution(image, weight).output[0]
    assert by_one.tolist() == [[0, 1, 1], [2, 6, 4], [2, 5, 3]]
    by_two = TransposedConvolution(image, weight, [0.5], stride=2, output_padding=1).output[0]
    rows = [[0, 0, 1, 1, 0], [0, 0, 1, 1, 0], [2, 2, 3, 3, 0], [2, 2, 3, 3, 0], [0, 0, 0, 0, 0]]
    assert by_two.tolist() == [[value + 0.5 for value in row] for row in rows]
    dilated = TransposedConvolution(image, weight, padding=1, dilation=2).output[0]
    assert dilated.tolist() == [[3, 2], [1, 0]]


def test_the_formula_in_letters_and_in_numbers() -> None:
    transposed = TransposedConvolution(np.ones((1, 4, 4)), np.ones((1, 1, 3, 3)), None, 2, 1, 1)
    axis = transposed.axes[0]
    assert axis.letters == "(n − 1)·s − padding before − after + d·(k − 1) + output padding + 1"
    assert axis.formula == "(4 − 1)·2 − 1 − 1 + 1·(3 − 1) + 1 + 1 = 6 − 2 + 2 + 1 + 1 = 8"
    for formula in axis.formula.split(" = "):
        assert eval(formula.replace("−", "-").replace("·", "*")) == axis.output == 8


def test_pixels_that_are_cut_off_whole_are_unused() -> None:
    transposed = TransposedConvolution(np.ones((1, 5, 5)), np.ones((1, 1, 1, 1)), stride=2, padding=3)
    assert transposed.axes[0].unused == (0, 1, 3, 4)
    assert transposed.touched_by(0, 0, 2) == []


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"stride": 2, "output_padding": 2},
            "output_padding=2: must be smaller than the stride or the dilation",
        ),
        ({"padding": 4}, "padding=4: cuts off all of the 6 output rows; nearest legal: padding 2"),
        ({"stride": 2**20}, "stride=1048576: makes 3145731 output rows, at most 1048576 fit"),
        ({"padding": "same"}, "padding='same': a transposed convolution takes numbers or 'same-tf'"),
        (
            {"dilation": 2**21, "padding": "same-tf"},
            "adds 2097152 on one side; nearest legal: at most 1048576",
        ),
        ({"groups": 2}, "groups=2: must divide the 1 input channel; nearest legal: 1"),
        ({"stride": 0}, "stride=0: must be at least 1"),
        ({"bias": [1.0, 2.0]}, "bias has 2 numbers, the weight has 1 output channel"),
    ],
)
def test_refusals(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TransposedConvolution(np.ones((1, 4, 4)), np.ones((1, 1, 3, 3)), **parameters)


def test_a_weight_for_other_channels_is_refused() -> None:
    with pytest.raises(SpecError, match=r"weight=.*has 2 input channels, but the image has 1"):
        TransposedConvolution(np.ones((1, 4, 4)), np.ones((2, 1, 3, 3)))


def test_cells_that_are_not_there_are_refused() -> None:
    transposed = TransposedConvolution(np.ones((1, 2, 2)), np.ones((1, 1, 2, 2)))
    for wrong in (
        lambda: transposed.step(9),
        lambda: transposed.scatter(4),
        lambda: transposed.block(1, [0], [0]),
        lambda: transposed.touched_by(0, 2, 0),
    ):
        with pytest.raises(IndexError, match="does not exist: there are"):
            wrong()
