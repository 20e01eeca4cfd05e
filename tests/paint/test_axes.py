"""Ticks are round, labels do not touch, and ranges grow in steps that are seldom."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from convtui.paint.axes import (
    Scale,
    digits,
    labels_below,
    log_ticks,
    places,
    round_range,
    round_step,
    short,
    tick_labels,
    ticks,
    top_of,
)

spans = st.floats(1e-6, 1e6)


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0, 3, 5, [0, 1, 2, 3]),
        (0, 390, 5, [0, 100, 200, 300]),
        (-1, 1, 5, [-1, -0.5, 0, 0.5, 1]),
        (0.85, 0.95, 3, [0.85, 0.9, 0.95]),
        (0, 5, 3, [0, 2, 4]),
        (0, 5, 2, [0, 5]),
        (-0.005, 0.005, 2, [-0.005, 0.005]),
        (-0.00512, 0.005, 2, [0]),
        (1, 1, 5, []),
        (0, float("nan"), 5, []),
    ],
)
def test_ticks_are_round(low: float, high: float, most: int, expected: list[float]) -> None:
    assert ticks(low, high, most) == expected


@given(st.floats(-1e6, 1e6), spans, st.integers(1, 20))
def test_ticks_lie_inside_and_are_even(low: float, span: float, most: int) -> None:
    assume(span > abs(low) * 1e-6)
    found = ticks(low, low + span, most)
    assert len(found) <= most
    assert all(low - span * 1e-6 <= value <= low + span * (1 + 1e-6) for value in found)
    gaps = np.diff(found)
    np.testing.assert_allclose(gaps, gaps.mean() if len(gaps) else 0, atol=span * 1e-6)


@given(spans, st.integers(1, 30))
def test_a_step_is_1_2_or_5_times_a_power_of_ten(span: float, most: int) -> None:
    step = round_step(span, most)
    assert float(f"{step:e}"[:3]) in (1.0, 2.0, 5.0)
    assert step * most >= span * (1 - 1e-6)
    assert step * most <= span * 2.6


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (1e-6, 10, 9, [1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10]),
        (1e-6, 10, 4, [1e-6, 1e-4, 0.01, 1]),
        (0.05, 2, 9, [0.05, 0.1, 0.2, 0.5, 1, 2]),
        (0.1, 10, 5, [0.1, 0.3, 1, 3, 10]),
    ],
)
def test_logarithmic_ticks(low: float, high: float, most: int, expected: list[float]) -> None:
    assert log_ticks(low, high, most) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 0.5, 1], ["0.0", "0.5", "1.0"]),
        ([0, 100, 200], ["0", "100", "200"]),
        ([-0.02, 0, 0.02], ["-0.02", "0.00", "0.02"]),
        ([-0.005, 0.005], ["-0.005", "0.005"]),
        ([0, 10_000, 20_000], ["0", "10k", "20k"]),
        ([0, 1e6, 2e6], ["0", "1e6", "2e6"]),
        ([0, 2e-5, 4e-5], ["0", "2e-5", "4e-5"]),
    ],
)
def test_labels_have_the_decimals_that_they_need(values: list[float], expected: list[str]) -> None:
    assert tick_labels(values) == expected


@pytest.mark.parametrize(
    ("value", "text"), [(0.012345, "0.0123"), (0.06, "0.06"), (6e-7, "6e-7"), (1.234e-5, "1.23e-5"), (0, "0")]
)
def test_three_digits(value: float, text: str) -> None:
    assert digits(value) == text


def test_labels_of_a_logarithmic_scale_stand_for_themselves() -> None:
    assert tick_labels([1e-5, 1e-3, 0.1, 10], is_log=True) == ["1e-5", "0.001", "0.1", "10"]
    assert short(0.06) == "0.06"


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 2.35, (0, 2.5)),
        (0, 2.6, (0, 3)),
        (-0.3, 0.7, (-0.4, 0.8)),
        (0, 0.06, (0, 0.06)),
        (5, 5, (4.4, 5.6)),
    ],
)
def test_a_range_is_widened_to_whole_steps(low: float, high: float, expected: tuple[float, float]) -> None:
    scale = round_range(low, high)
    assert (scale.low, scale.high) == expected


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=50))
def test_a_growing_range_grows_seldom(values: list[float]) -> None:
    seen = [Scale.around(np.array([0, *values[: count + 1]])) for count in range(len(values))]
    assert all(old.high <= new.high for old, new in itertools.pairwise(seen))
    assert all(scale.high >= value * (1 - 1e-9) for scale, value in zip(seen, values, strict=True))
    decades = np.log10(seen[-1].high / seen[0].high)
    assert len({scale.high for scale in seen}) <= 3 + 20 * (decades + 1)


def test_what_is_not_finite_does_not_widen_a_range() -> None:
    values = np.array([0.0, np.nan, 2.0, np.inf, -np.inf])
    assert Scale.around(values) == Scale(0, 2)
    assert Scale.around(np.array([np.nan])) == Scale(0, 1)
    assert top_of(values) == 2
    assert top_of(np.array([np.nan, -3])) == 1


def test_a_logarithmic_range_passes_over_zero() -> None:
    assert Scale.around(np.array([0.0, -1.0, 0.03, 4.0]), is_log=True) == Scale(0.02, 5, True)
    shares = Scale(0.01, 100, True).share(np.array([0.0, 0.01, 1.0, 100.0]))
    assert np.isnan(shares[0])
    np.testing.assert_allclose(shares[1:], [0, 0.5, 1])


def test_places_are_cells() -> None:
    assert places(Scale(0, 10), [0, 5, 10, 99], 11) == [0, 5, 10, 10]
    assert places(Scale(0, 10), [0, 10], 11, 4) == [0, 10]


@given(st.floats(-1e4, 1e4), spans, st.integers(1, 150), st.sampled_from(["", "step", "learning rate"]))
def test_labels_below_neither_touch_nor_leave_the_axis(
    low: float, span: float, width: int, name: str
) -> None:
    assume(span > abs(low) * 1e-6)
    columns, labels = labels_below(Scale(low, low + span), width, name)
    assert all(0 <= column < width for column in columns)
    taken = sorted((start, start + len(text)) for start, text in labels)
    assert all(start >= 0 and end <= width for start, end in taken)
    assert all(end < start for (_, end), (start, _) in itertools.pairwise(taken))


def test_a_label_stands_under_its_tick() -> None:
    columns, labels = labels_below(Scale(0, 100), 51, "step")
    assert columns == [0, 10, 20, 30, 40, 50]
    assert labels == [(0, "0"), (9, "20"), (19, "40"), (29, "60"), (39, "80"), (47, "step")]
