"""Convolution computes what PyTorch computes, whole, in parts and step by step."""

import subprocess
import sys
import tracemalloc
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convtui.engine import finite as module
from convtui.engine.convolution import Convolution
from convtui.engine.kernels import kernel
from convtui.engine.spec import SpecError
from tests.engine.cases import Case, cases, legal_cases


def all_steps(convolution: Convolution) -> range:
    return range(0, convolution.size, max(1, convolution.size // 20))


@settings(max_examples=300)
@given(legal_cases())
def test_output_is_that_of_torch(case: Case) -> None:
    expected = case.computed_by_torch().detach().numpy()
    convolution = case.convolution
    assert convolution.output_shape == expected.shape
    assert convolution.size == expected.size
    np.testing.assert_allclose(convolution.output, expected, rtol=0, atol=1e-9)


@settings(max_examples=300)
@given(cases())
def test_refuses_exactly_what_torch_refuses(case: Case) -> None:
    try:
        expected = case.computed_by_torch().detach().numpy()
    except (RuntimeError, ValueError, AssertionError):
        with pytest.raises(SpecError):
            _ = case.convolution
    else:
        np.testing.assert_allclose(case.convolution.output, expected, rtol=0, atol=1e-9)


@given(legal_cases(), st.data())
def test_block_is_that_part_of_the_output(case: Case, data: st.DataObject) -> None:
    convolution, computed = case.convolution, case.convolution
    channels, height, width = convolution.output_shape
    channel = data.draw(st.integers(0, channels - 1))
    rows = data.draw(st.lists(st.integers(0, height - 1), max_size=6))
    columns = data.draw(st.slices(width))
    expected = computed.output[channel][rows][:, columns]
    for block in convolution.block(channel, rows, columns), computed.block(channel, rows, columns):
        np.testing.assert_array_equal(block, expected)
    np.testing.assert_array_equal(
        convolution.block(channel, range(height), range(width - 1, -1, -2)), computed.output[channel, :, ::-2]
    )


@given(legal_cases())
def test_step_has_the_value_of_its_output_cell(case: Case) -> None:
    convolution = case.convolution
    for i in all_steps(convolution):
        step = convolution.step(i)
        assert step.value == convolution.output[step.position]
        assert (step.index, step.position) == (i, convolution.position(i))
        assert convolution.step(*step.position).value == step.value


@given(legal_cases())
def test_step_reads_the_window_of_the_padded_image(case: Case) -> None:
    convolution = case.convolution
    pads = ((0, 0), *convolution.spec.pads)
    modes: dict[str, Any] = {
        "zeros": "constant",
        "reflect": "reflect",
        "replicate": "edge",
        "circular": "wrap",
    }
    padded = np.pad(case.image, pads, modes[convolution.spec.padding_mode])
    is_image = np.pad(np.ones_like(case.image), pads, "constant")
    for step in map(convolution.step, all_steps(convolution)):
        o, r, c = step.position
        (top, _), (left, _) = convolution.spec.pads
        window = np.ix_(np.array(step.channels), step.rows + top, step.columns + left)
        np.testing.assert_array_equal(step.window, padded[window])
        np.testing.assert_array_equal(step.weights, case.weight[o])
        assert step.rows[0] == r * convolution.spec.stride[0] - top
        assert step.columns[0] == c * convolution.spec.stride[1] - left
        if convolution.spec.padding_mode == "zeros":
            np.testing.assert_array_equal(step.is_padding, is_image[window][0] == 0)
        else:
            assert not step.is_padding.any()


@given(legal_cases())
def test_sums_of_a_step(case: Case) -> None:
    convolution = case.convolution
    for step in map(convolution.step, all_steps(convolution)):
        np.testing.assert_array_equal(step.products, step.window * step.weights)
        np.testing.assert_allclose(step.running, step.products.ravel().cumsum(), rtol=0, atol=1e-12)
        np.testing.assert_allclose(step.slice_sums, step.products.sum(axis=(1, 2)), rtol=0, atol=1e-12)
        assert step.has_bias == (case.bias is not None)
        assert step.bias == (0 if case.bias is None else case.bias[step.position[0]])
        assert step.value == step.running[-1] + step.bias


@given(legal_cases())
def test_multiply_adds_of_a_step(case: Case) -> None:
    step = case.convolution.step(case.convolution.size - 1)
    assert len(step.multiply_adds) == step.products.size
    for n, (s, i, j, pixel, weight, product, running) in enumerate(step.multiply_adds):
        assert (pixel, weight, product) == (
            step.window[s, i, j],
            step.weights[s, i, j],
            step.products[s, i, j],
        )
        assert n == np.ravel_multi_index((s, i, j), step.products.shape)
        assert running == step.running[n]


@given(legal_cases(), st.data())
def test_touched_by_are_the_outputs_that_an_impulse_changes(case: Case, data: st.DataObject) -> None:
    pixel = data.draw(st.tuples(*(st.integers(0, size - 1) for size in case.image.shape)))
    impulse = np.zeros_like(case.image)
    impulse[pixel] = 1
    output = Case(impulse, np.ones_like(case.weight), None, case.parameters).computed_by_torch()
    touched = [tuple(position) for position in torch.argwhere(output).tolist()]
    assert case.convolution.touched_by(*pixel) == touched


@given(legal_cases())
def test_channels_read_and_reading_are_inverse(case: Case) -> None:
    convolution = case.convolution
    filters, in_channels = len(case.weight), len(case.image)
    read = {(o, c) for o in range(filters) for c in convolution.channels_read(o)}
    assert read == {(o, c) for c in range(in_channels) for o in convolution.reading_channels(c)}
    assert len(read) == filters * case.weight.shape[1]


@given(legal_cases())
def test_index_and_position_are_inverse(case: Case) -> None:
    convolution = case.convolution
    for i, position in enumerate(np.ndindex(convolution.output_shape)):
        assert convolution.position(i) == position
        assert convolution.index(*position) == i


def test_an_impulse_returns_the_kernel_flipped() -> None:
    impulse = np.zeros((1, 5, 5))
    impulse[0, 2, 2] = 1
    weight = np.arange(9).reshape(1, 1, 3, 3)
    np.testing.assert_array_equal(Convolution(impulse, weight).output[0], weight[0, 0, ::-1, ::-1])


def test_top_edge_by_hand() -> None:
    image = [
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [9, 9, 9, 0],
        [9, 9, 9, 0],
    ]
    convolution = Convolution([image], kernel("top-edge"), [0.5], padding=1)
    assert convolution.output.tolist() == [
        [
            [0.5, 0.5, 0.5, 0.5],
            [18.5, 27.5, 18.5, 9.5],
            [18.5, 27.5, 18.5, 9.5],
            [-17.5, -26.5, -17.5, -8.5],
        ]
    ]
    step = convolution.step(0, 3, 0)
    assert step.rows.tolist() == [2, 3, 4]
    assert step.columns.tolist() == [-1, 0, 1]
    assert step.source_rows.tolist() == [2, 3, -1]
    assert step.source_columns.tolist() == [-1, 0, 1]
    assert step.window.tolist() == [[[0, 9, 9], [0, 9, 9], [0, 0, 0]]]
    assert step.products.tolist() == [[[0, -9, -9], [0, 0, 0], [0, 0, 0]]]
    assert step.running.tolist() == [0, -9, -18, -18, -18, -18, -18, -18, -18]
    assert (step.slice_sums.tolist(), step.bias, step.value) == ([-18], 0.5, -17.5)


def test_two_colours_and_two_groups_by_hand() -> None:
    image = [[[1, 2]], [[3, 4]], [[5, 6]], [[7, 8]]]
    weight = [[[[1]], [[10]]], [[[100]], [[1000]]]]
    convolution = Convolution(image, weight, groups=2)
    assert convolution.output.tolist() == [[[31, 42]], [[7500, 8600]]]
    assert convolution.step(1, 0, 1).slice_sums.tolist() == [600, 8000]
    assert convolution.touched_by(2, 0, 1) == [(1, 0, 1)]


def test_padding_and_sums_are_never_minus_zero() -> None:
    convolution = Convolution(np.full((1, 3, 3), -0.0), np.full((1, 1, 3, 3), -1.0), padding=3)
    assert not np.signbit(convolution.output).any()
    for step in map(convolution.step, range(convolution.size)):
        assert not np.signbit(step.window[0, step.is_padding]).any()
        assert not np.signbit([step.value, *step.running, *step.slice_sums]).any()


@pytest.mark.parametrize(("weights", "total"), [([10.0, 1.0], np.inf), ([-10.0, 1.0], -np.inf)])
def test_overflow_is_infinite_as_in_torch(weights: list[float], total: float) -> None:
    case = Case(np.full((1, 2, 2), 1e308), np.array([[[weights]]]), None, {"padding": 0})
    np.testing.assert_array_equal(case.convolution.output, case.computed_by_torch().detach().numpy())
    assert case.convolution.step(0).value == total


def test_overflow_both_ways_is_no_number() -> None:
    # Not compared with torch: a processor with fused multiply-adds never rounds the second product to -inf.
    convolution = Convolution(np.full((1, 2, 2), 1e308), np.array([[[[10.0, -10.0]]]]))
    assert np.isnan(convolution.output).all()
    assert np.isnan(convolution.step(0).value)


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Convolution:
    """A convolution over an image of 8 TB, of which nothing can be done for every pixel."""
    image = np.broadcast_to(np.float64(0.5), (1, 2**20, 2**20))
    monkeypatch.setitem(module._found_finite, id(image), image)
    return Convolution(image, kernel("edges"), padding=1, padding_mode="reflect")


def test_a_step_costs_no_more_than_its_window(endless: Convolution) -> None:
    last = endless.size - 1
    endless.step(last)
    tracemalloc.start()
    try:
        step = endless.step(last)
        assert endless.index(*endless.position(last)) == last
        assert len(endless.replaced(stride=2).step(0).multiply_adds) == 9
        stepping = tracemalloc.get_traced_memory()[1]
        touched = endless.touched_by(0, 0, 2**20 - 1)
        block = endless.block(3, range(2**20 - 50, 2**20), slice(0, 2**20, 2**14))
        reading = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert step.value == 0.5
    assert touched == [(o, r, c) for o in range(4) for r in (0, 1) for c in (2**20 - 2, 2**20 - 1)]
    assert block.tolist() == [[0.5] * 64] * 50
    several_axes = 2**20 * 8 * 8
    assert stepping < several_axes
    assert reading < several_axes


def test_an_output_too_large_to_hold_is_refused(endless: Convolution) -> None:
    with pytest.raises(MemoryError, match=f"{endless.size} cells"):
        _ = endless.output


def test_arrays_are_kept_or_copied_but_never_changed() -> None:
    image, weight, bias = np.zeros((1, 3, 3)), np.ones((1, 1, 2, 2)), np.ones(1)
    weight.setflags(write=False)
    convolution = Convolution(image, weight, bias)
    assert convolution.weight is weight
    assert image.flags.writeable
    assert bias.flags.writeable
    image[:] = bias[:] = 7
    assert (convolution.output == 1).all()
    for array in convolution.image, convolution.weight, convolution.bias, convolution.output:
        assert array is not None
        assert array.dtype == np.float64
        assert not array.flags.writeable


def test_replaced_keeps_everything_else() -> None:
    parameters: dict[str, Any] = {
        "padding": ((1, 0), (0, 2)),
        "dilation": (1, 2),
        "groups": 2,
        "padding_mode": "circular",
    }
    convolution = Convolution(np.ones((2, 5, 5)), np.ones((2, 1, 3, 3)), [1, 2], **parameters)
    other = convolution.replaced(stride=2)
    assert other.image is convolution.image
    assert other.weight is convolution.weight
    assert other.bias is convolution.bias
    expected = Convolution(np.ones((2, 5, 5)), np.ones((2, 1, 3, 3)), [1, 2], stride=2, **parameters)
    assert other.spec == expected.spec
    assert convolution.spec.stride == (1, 1)
    assert convolution.replaced(bias=None).bias is None
    assert convolution.replaced(weight=np.zeros((2, 1, 2, 2))).weight_shape == (2, 1, 2, 2)
    with pytest.raises(SpecError):
        convolution.replaced(padding=9)


@pytest.mark.parametrize("number", [np.uint8(3), np.float16(3), np.float32(3), np.int64(3), True, 3])
def test_any_real_numbers_are_taken(number: Any) -> None:
    image = [[[number, number]]]
    assert (Convolution(image, [[[[1.0]]]]).image == float(number)).all()
    assert (Convolution(torch.tensor(image), [[[[1.0]]]]).image == float(number)).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image": [[["a"]]]}, "image must hold real numbers, got <U1"),
        ({"image": [[[1j]]]}, "image must hold real numbers, got complex128"),
        ({"image": None}, "image must hold real numbers, got object"),
        ({"image": [[[1, 2], [3]]]}, "image is not an array of numbers: .*inhomogeneous"),
        ({"image": [[1, 2]]}, r"image must be \[channels, rows, columns\], each at least 1, got \[1, 2\]"),
        ({"image": np.zeros((1, 0, 3))}, r"image must be .* got \[1, 0, 3\]"),
        ({"image": [[[np.nan, 1]]]}, "image contains NaN or infinity"),
        ({"image": [[[np.inf, 1]]]}, "image contains NaN or infinity"),
        ({"image": [[[1, -np.inf]]]}, "image contains NaN or infinity"),
        ({"weight": [[1, 2]]}, r"weight must be \[out_channels, in_channels/groups, rows, columns\]"),
        ({"weight": [[[[np.nan]]]]}, "weight contains NaN or infinity"),
        ({"bias": [1, 2]}, "bias has 2 numbers, but the weight has 1 filter"),
        ({"bias": 1}, r"bias must be \[out_channels\]"),
        ({"bias": [np.inf]}, "bias contains NaN or infinity"),
        ({"stride": 0}, "stride=0: must be at least 1"),
        ({"groups": 2}, "groups=2: must divide the 1 input channel"),
    ],
)
def test_bad_arguments_are_named_in_one_line(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as refusal:
        Convolution(**{"image": [[[1, 2], [3, 4]]], "weight": [[[[1]]]], **arguments})
    assert "\n" not in str(refusal.value)


def test_an_array_made_writable_again_is_checked_again() -> None:
    image = np.zeros((1, 2, 2))
    image.setflags(write=False)
    Convolution(image, [[[[1]]]])
    image.setflags(write=True)
    image[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        Convolution(image, [[[[1]]]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.position(8), "step 8 does not exist: there are 8, counted from 0"),
        (lambda c: c.position(-1), "step -1 does not exist"),
        (lambda c: c.step(8), "step 8 does not exist"),
        (lambda c: c.step(2, 0, 0), "output channel 2 does not exist"),
        (lambda c: c.step(0, 2, 0), "output row 2 does not exist"),
        (lambda c: c.index(0, 0, -1), "output column -1 does not exist"),
        (lambda c: c.touched_by(1, 0, 0), "input channel 1 does not exist"),
        (lambda c: c.touched_by(0, 3, 0), "input row 3 does not exist"),
        (lambda c: c.touched_by(0, 0, -1), "input column -1 does not exist"),
        (lambda c: c.channels_read(2), "output channel 2 does not exist"),
        (lambda c: c.reading_channels(1), "input channel 1 does not exist"),
        (lambda c: c.block(2, range(2), range(2)), "output channel 2 does not exist"),
        (lambda c: c.block(0, range(3), range(2)), "output row 2 does not exist"),
        (lambda c: c.block(0, range(2), [-1]), "output column -1 does not exist"),
    ],
)
def test_what_does_not_exist_is_named(call: Any, message: str) -> None:
    with pytest.raises(IndexError, match=message):
        call(Convolution(np.zeros((1, 3, 3)), np.zeros((2, 1, 2, 2))))


def test_the_engine_imports_numpy_only() -> None:
    code = """if True:
        import sys, numpy
        before = set(sys.modules)
        import convtui.engine.convolution, convtui.engine.kernels
        new = {name.partition(".")[0] for name in set(sys.modules) - before}
        print(*sorted(new - sys.stdlib_module_names))
    """
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(loaded.stdout.split()) <= {"convtui", "numpy"}
    assert "convtui" in loaded.stdout
