"""Poolings compute what PyTorch computes, whole, in parts and step by step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from convtui.engine.pool_spec import PoolSpec
from convtui.engine.pooling import (
    Pooling,
    adaptive_avg_pool2d,
    adaptive_max_pool2d,
    avg_pool2d,
    max_pool2d,
)
from convtui.engine.reductions import Average, Mean, Winner
from convtui.engine.spec import Floats, SpecError
from tests.engine.cases import pairs

OURS: dict[str, Callable[..., Pooling]] = {
    "max_pool2d": max_pool2d,
    "avg_pool2d": avg_pool2d,
    "adaptive_max_pool2d": adaptive_max_pool2d,
    "adaptive_avg_pool2d": adaptive_avg_pool2d,
}


@dataclass(frozen=True, eq=False)
class PoolCase:
    """A pooling by the name of PyTorch's function and its arguments."""

    name: str
    image: Floats
    arguments: dict[str, Any]

    def __repr__(self) -> str:
        return f"{self.name}({self.image.shape}, {self.arguments})"

    @property
    def ours(self) -> Pooling:
        return OURS[self.name](self.image, **self.arguments)

    def by_torch(self, image: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = getattr(F, self.name)(image[None], **self.arguments)
        return output[0]

    @property
    def expected(self) -> Floats:
        return self.by_torch(torch.tensor(self.image)).numpy()


@st.composite
def any_cases(draw: st.DrawFn, least: int = 0) -> PoolCase:
    """A pooling of a small image, legal or not; of whole numbers, so that several are the greatest."""
    image = np.random.default_rng(draw(st.integers(0, 99))).integers(-3, 4, (2, *draw(pairs(1, 9))))
    name = draw(st.sampled_from(list(OURS)))
    sizes = st.one_of(st.integers(least, 4), pairs(1, 5))
    if name.startswith("adaptive"):
        return PoolCase(name, image.astype(float), {"output_size": draw(st.one_of(sizes, pairs(1, 12)))})
    kernel = draw(st.one_of(sizes, pairs(1, 12)))
    arguments = {
        "kernel_size": kernel,
        "stride": draw(st.one_of(st.none(), sizes)),
        "padding": draw(st.one_of(st.integers(0, 2), pairs(0, 2))),
        "ceil_mode": draw(st.booleans()),
    }
    if name == "max_pool2d":
        arguments["dilation"] = draw(st.one_of(st.integers(least, 3), pairs(1, 3)))
    else:
        arguments["count_include_pad"] = draw(st.booleans())
        arguments["divisor_override"] = draw(st.sampled_from([None, None, None, 1, 7, -2]))
    return PoolCase(name, image.astype(float), arguments)


@st.composite
def legal_cases(draw: st.DrawFn) -> PoolCase:
    """A pooling of a small image that is legal."""
    return draw(any_cases(1).filter(is_legal))


def is_legal(case: PoolCase) -> bool:
    try:
        return bool(case.ours)
    except SpecError:
        return False


@settings(max_examples=300)
@given(any_cases())
def test_computes_and_refuses_what_torch_computes_and_refuses(case: PoolCase) -> None:
    try:
        expected = case.expected
        is_empty = 0 in expected.shape
    except (RuntimeError, ValueError):
        is_empty = True
    if is_empty:
        with pytest.raises(SpecError):
            _ = case.ours
        return
    pooling = case.ours
    assert pooling.output_shape == expected.shape
    assert pooling.size == expected.size
    np.testing.assert_allclose(pooling.output, expected, rtol=0, atol=1e-9)
    assert not pooling.output.flags.writeable


@given(legal_cases(), st.data())
def test_block_is_that_part_of_the_output(case: PoolCase, data: st.DataObject) -> None:
    pooling = case.ours
    channels, height, width = pooling.output_shape
    channel = data.draw(st.integers(0, channels - 1))
    rows = data.draw(st.lists(st.integers(0, height - 1), max_size=6))
    columns = data.draw(st.slices(width))
    expected = case.ours.output[channel][rows][:, columns]
    np.testing.assert_array_equal(pooling.block(channel, rows, columns), expected)
    whole = pooling.block(channel, range(height), slice(None, None, -1))
    np.testing.assert_array_equal(whole, case.ours.output[channel, :, ::-1])


@given(legal_cases())
def test_step_has_the_value_of_its_output_cell(case: PoolCase) -> None:
    pooling = case.ours
    for index in range(pooling.size):
        step = pooling.step(index)
        assert step.value == pooling.output[step.position]
        assert (step.index, step.position) == (index, pooling.position(index))
        assert pooling.step(*step.position).value == step.value
        assert pooling.index(*step.position) == index
        assert step.channels == pooling.channels_read(step.position[0])


@given(legal_cases())
def test_step_reads_its_window(case: PoolCase) -> None:
    pooling = case.ours
    _, height, width = case.image.shape
    for index in range(pooling.size):
        step = pooling.step(index)
        for (i, j), value in np.ndenumerate(step.window[0]):
            r, c = step.rows[i], step.columns[j]
            is_pixel = 0 <= r < height and 0 <= c < width
            assert step.is_padding[i, j] != is_pixel
            assert value == (case.image[step.position[0], r, c] if is_pixel else 0)
            assert (step.source_rows[i], step.source_columns[j]) == (
                r if 0 <= r < height else -1,
                c if 0 <= c < width else -1,
            )


@given(legal_cases())
def test_winner_is_the_index_of_torch(case: PoolCase) -> None:
    if "max" not in case.name:
        return
    pooling = case.ours
    image = torch.tensor(case.image)[None]
    _, indices = getattr(F, case.name)(image, return_indices=True, **case.arguments)
    for index, expected in enumerate(indices.flatten().tolist()):
        step = pooling.step(index)
        assert isinstance(step.done, Winner)
        if step.done.at is None:
            assert step.value == -np.inf
            assert step.is_padding.all()
        else:
            row, column = step.done.at
            at = step.source_rows[row] * case.image.shape[2] + step.source_columns[column]
            assert at == expected


@given(legal_cases())
def test_gradient_is_that_of_torch(case: PoolCase) -> None:
    pooling = case.ours
    image = torch.tensor(case.image, requires_grad=True)
    output = case.by_torch(image)
    for index in range(0, pooling.size, max(1, pooling.size // 9)):
        step = pooling.step(index)
        if np.isinf(step.value):
            continue
        (gradient,) = torch.autograd.grad(output[step.position], image, retain_graph=True)
        ours = np.zeros(case.image.shape)
        is_pixel = ~step.is_padding
        rows, columns = np.meshgrid(step.source_rows, step.source_columns, indexing="ij")
        ours[step.position[0], rows[is_pixel], columns[is_pixel]] = step.gradient[is_pixel]
        assert not step.gradient[step.is_padding].any()
        np.testing.assert_allclose(ours, gradient.numpy(), rtol=0, atol=1e-12)


@given(legal_cases(), st.data())
def test_shares_of_a_pixel_are_what_reaches_it(case: PoolCase, data: st.DataObject) -> None:
    pooling = case.ours
    pixel = tuple(data.draw(st.integers(0, size - 1)) for size in case.image.shape)
    image = torch.tensor(case.image, requires_grad=True)
    output = case.by_torch(image)
    finite = output[torch.isfinite(output)]
    (gradient,) = torch.autograd.grad(finite.sum(), image) if len(finite) else (torch.zeros(image.shape),)
    channel, row, column = pixel
    shares = pooling.shares(channel, row, column)
    assert sum(shares.values()) == pytest.approx(float(gradient[pixel]), abs=1e-12)
    assert list(shares) == pooling.touched_by(channel, row, column)


@given(legal_cases())
def test_touched_by_are_the_windows_that_have_the_pixel(case: PoolCase) -> None:
    pooling = case.ours
    having: dict[tuple[int, int, int], list[tuple[int, int, int]]] = {}
    for index in range(pooling.size):
        step = pooling.step(index)
        for i, j in np.argwhere(~step.is_padding).tolist():
            pixel = step.position[0], int(step.source_rows[i]), int(step.source_columns[j])
            having.setdefault(pixel, []).append(step.position)
    for channel, row, column in np.ndindex(*case.image.shape):
        assert pooling.touched_by(channel, row, column) == having.get((channel, row, column), [])
    for axis, name in zip(pooling.axes, (1, 2), strict=True):
        read = {pixel[name] for pixel in having}
        if having:
            assert set(axis.unused) == set(range(axis.size)) - read


@given(legal_cases())
def test_the_mean_adds_up(case: PoolCase) -> None:
    if "avg" not in case.name:
        return
    pooling = case.ours
    for index in range(pooling.size):
        done = pooling.step(index).done
        assert isinstance(done, Mean)
        assert done.total == pytest.approx(pooling.step(index).window.sum())
        if case.arguments.get("divisor_override") is None:
            assert done.divisor == done.is_counted.sum()
            left, right = done.divisor_formula.split(" = ")
            rows, columns = map(int, left.split("·"))
            assert rows * columns == int(right) == done.divisor
        assert done.value == done.total / done.divisor


IMAGE = np.arange(25.0).reshape(1, 5, 5)


@pytest.mark.parametrize(
    ("arguments", "at", "divisor", "reason"),
    [
        ({"kernel_size": 2}, (0, 0), "2·2 = 4", ""),
        ({"kernel_size": 3, "padding": 1}, (0, 0), "3·3 = 9", "the zeros of the padding count"),
        (
            {"kernel_size": 3, "padding": 1, "count_include_pad": False},
            (0, 0),
            "2·2 = 4",
            "without count_include_pad only pixels count",
        ),
        (
            {"kernel_size": 2, "ceil_mode": True},
            (2, 1),
            "1·2 = 2",
            "what hangs over the padded image does not count",
        ),
        (
            {"kernel_size": 2, "divisor_override": 3},
            (0, 0),
            "divisor_override = 3",
            "divisor_override takes the place of the number of entries",
        ),
    ],
)
def test_why_a_divisor_is_what_it_is(
    arguments: dict[str, Any], at: tuple[int, int], divisor: str, reason: str
) -> None:
    done = avg_pool2d(IMAGE, **arguments).step(0, *at).done
    assert isinstance(done, Mean)
    assert (done.divisor_formula, done.reason) == (divisor, reason)


@pytest.mark.parametrize(
    ("image", "arguments", "expected"),
    [
        ((1, 1, 5), {"kernel_size": (1, 2), "stride": (1, 2), "padding": ((0, 0), (1, 1))}, (1, 1, 3)),
        ((1, 5, 5), {"kernel_size": 2, "padding": ((0, 1), (0, 1)), "stride": 1}, (1, 5, 5)),
        ((1, 5, 5), {"kernel_size": 2, "padding": ((1, 0), (1, 0)), "stride": 1}, (1, 5, 5)),
        ((1, 28, 28), {"kernel_size": 3, "stride": 1, "padding": ((2, 2), (2, 2))}, (1, 30, 30)),
        ((1, 5, 5), {"kernel_size": 3, "stride": 2, "padding": "same-tf"}, (1, 3, 3)),
    ],
)
def test_padding_of_four_sides_is_filled_before(
    image: tuple[int, int, int], arguments: dict[str, Any], expected: tuple[int, int, int]
) -> None:
    pixels = -np.random.default_rng(0).random(image)
    for name, filling in (("max_pool2d", -np.inf), ("avg_pool2d", 0.0)):
        pooling = OURS[name](pixels, **arguments)
        (top, bottom), (left, right) = pooling.spec.pads  # type: ignore[union-attr]
        padded = F.pad(torch.tensor(pixels), (left, right, top, bottom), value=filling)
        by_torch = getattr(F, name)(padded[None], arguments["kernel_size"], arguments["stride"])[0]
        assert pooling.output_shape == tuple(by_torch.shape) == expected
        np.testing.assert_allclose(pooling.output, by_torch.numpy(), rtol=0, atol=1e-12)


COUNTED = np.arange(1.0, 26).reshape(1, 5, 5)


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        (max_pool2d(COUNTED[:, :4, :4], 3, 2, ceil_mode=True), [[13, 14], [18, 19]]),
        (max_pool2d(COUNTED[:, :2, :2], 1, 2, ceil_mode=True), [[1]]),
        (max_pool2d(COUNTED[:, :4, :4], 2, 1, dilation=2), [[13, 14], [18, 19]]),
        (max_pool2d(COUNTED, 3, 2, "same-tf"), [[7, 9, 10], [17, 19, 20], [22, 24, 25]]),
        (max_pool2d(COUNTED[:, :3, :2], 2, 1, ((1, 0), (1, 0))), [[1, 2], [6, 7], [11, 12]]),
        (avg_pool2d(COUNTED[:, :4, :4], 3, 2, ceil_mode=True), [[7, 8.5], [14.5, 16]]),
        (
            avg_pool2d(COUNTED, 3, 2, "same-tf", count_include_pad=False),
            [[4, 5.5, 7], [11.5, 13, 14.5], [19, 20.5, 22]],
        ),
        (avg_pool2d(COUNTED[:, :2, :2], 3, 3, 1, ceil_mode=True), [[16 / 9]]),
        (
            avg_pool2d(COUNTED[:, :2, :2], 3, 1, ((2, 2), (2, 2)), count_include_pad=False),
            [[1, 1.5, 1.5, 2], [3.5, 4, 4, 4.5], [3.5, 4, 4, 4.5], [6, 6.5, 6.5, 7]],
        ),
        (
            avg_pool2d(COUNTED[:, :2, :2], 3, 1, ((2, 2), (2, 2))),
            np.array([[1, 3, 3, 2], [7, 16, 16, 9], [7, 16, 16, 9], [6, 13, 13, 7]]) / 9,
        ),
    ],
)
def test_numbers_worked_out_by_hand(pooling: Pooling, expected: list[list[float]]) -> None:
    np.testing.assert_allclose(pooling.output[0], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "arguments", "output"),
    [
        ((3, 1, 32), {"kernel_size": (1, 2), "stride": 1}, (3, 1, 31)),
        ((3, 32, 32), {"kernel_size": 2, "stride": 1}, (3, 31, 31)),
        ((3, 32, 32), {"kernel_size": 2, "stride": 1, "padding": "same-tf"}, (3, 32, 32)),
        ((3, 32, 32), {"kernel_size": 2, "stride": 1, "padding": ((1, 0), (1, 0))}, (3, 32, 32)),
        ((3, 28, 28), {"kernel_size": 3, "stride": 1, "padding": ((2, 2), (2, 2))}, (3, 30, 30)),
        ((3, 32, 32), {"kernel_size": 5, "stride": 3}, (3, 10, 10)),
        ((1, 5, 5), {"kernel_size": 5, "stride": 1, "padding": 2}, (1, 5, 5)),
    ],
)
def test_shapes_that_onnx_asks_for(
    shape: tuple[int, int, int], arguments: dict[str, Any], output: tuple[int, int, int]
) -> None:
    for pooling in max_pool2d(np.ones(shape), **arguments), avg_pool2d(np.ones(shape), **arguments):
        assert pooling.output_shape == pooling.output.shape == output


def test_a_dilated_window_may_read_nothing() -> None:
    pooling = max_pool2d(np.ones((1, 1, 1)), 2, 1, 1, 2)
    assert pooling.step(0).done.value == -np.inf == pooling.output.item()
    assert pooling.shares(0, 0, 0) == {}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: max_pool2d(IMAGE, 6),
            "kernel_size=6: the window spans 6 rows but the padded image has only 5; "
            "nearest legal: kernel_size 5, or padding 1",
        ),
        (
            lambda: max_pool2d(IMAGE, 3, dilation=4),
            "kernel_size=3: with dilation 4 the window spans 9 rows but the padded image has only 5; "
            "nearest legal: kernel_size 2, or dilation 2",
        ),
        (
            lambda: max_pool2d(IMAGE, 3, padding="same"),
            "padding='same': a pooling takes numbers or 'same-tf'",
        ),
        (lambda: max_pool2d(IMAGE, 3, ceil_mode=1), "ceil_mode=1: must be true or false"),  # type: ignore[arg-type]
        (
            lambda: Pooling(IMAGE, PoolSpec(2, 1, dilation=(2, 1)), Average()),
            r"dilation=\(2, 1\): average pooling has none; nearest legal: 1",
        ),
        (lambda: avg_pool2d(IMAGE, 3, divisor_override=0), "divisor_override=0: must not be 0"),
        (
            lambda: avg_pool2d(IMAGE, 3, divisor_override=True),
            "divisor_override=True: must be a whole number",
        ),
        (lambda: avg_pool2d(IMAGE, 3, divisor_override=2**70), "divisor_override=.*must be at most"),
        (
            lambda: avg_pool2d(IMAGE, 3, count_include_pad=1),  # type: ignore[arg-type]
            "count_include_pad=1: must be true or false",
        ),
        (lambda: adaptive_avg_pool2d(IMAGE, (1, 2, 3)), "must be one number or a pair"),
        (lambda: max_pool2d(IMAGE[0], 2), r"image must be \[channels, rows, columns\], each at least 1"),
        (lambda: max_pool2d(IMAGE * np.nan, 2), "image contains NaN or infinity"),
    ],
)
def test_refusals(build: Callable[[], Pooling], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


def test_cells_that_are_not_there_are_refused() -> None:
    pooling = max_pool2d(IMAGE, 2)
    for wrong in (
        lambda: pooling.step(4),
        lambda: pooling.step(0, 2, 0),
        lambda: pooling.block(1, [0], [0]),
        lambda: pooling.block(0, [2], [0]),
        lambda: pooling.touched_by(0, 5, 0),
        lambda: pooling.channels_read(1),
    ):
        with pytest.raises(IndexError, match="does not exist: there are"):
            wrong()


def test_an_output_too_large_for_memory_still_has_its_cells() -> None:
    pooling = adaptive_max_pool2d(np.arange(16.0 * 9).reshape(16, 3, 3), 4096)
    with pytest.raises(MemoryError, match="at most"):
        _ = pooling.output
    assert pooling.block(0, [4095], [4095]).item() == pooling.step(0, 4095, 4095).value == 8
