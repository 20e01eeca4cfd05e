"""The band shows every histogram where its step is, darker to brighter as there are more values."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.paint.band import DENSITY, Band, band_lines, colours, cropped, in_columns, levels
from convtui.paint.colours import DARK, LIGHT, Array, Palette, luminance
from convtui.paint.plots import Mark
from tests.support.lines import texts

GREY = replace(DARK, is_grey=True)


def band(counts: list[list[float]], steps: list[int] | None = None, last: int = 10) -> Band:
    steps = steps or list(range(1, len(counts) + 1))
    return Band("layer 1, after relu", np.array(steps), np.array(counts, float), 0, 4, last)


def drawn(shown: Band, size: tuple[int, int] = (9, 40), palette: Palette = GREY) -> list[str]:
    return texts(band_lines(shown, size, palette))


def test_each_column_is_the_mean_of_its_histograms() -> None:
    shown = band([[2, 0], [4, 0], [0, 6], [0, 8]], [1, 2, 6, 7], last=10)
    np.testing.assert_allclose(in_columns(shown, 2), [[3, 0], [0, 7]])


def test_a_column_without_a_histogram_shows_the_one_before() -> None:
    shown = band([[1, 0], [0, 1]], [3, 8], last=10)
    np.testing.assert_allclose(
        in_columns(shown, 10), [[1, 0]] * 8 + [[0, 1]]
    )  # the first also before it, nothing after the last


def test_the_last_step_is_in_the_last_column() -> None:
    assert in_columns(band([[1, 0]], [10]), 7).shape == (7, 2)


def test_levels_are_logarithms_with_the_highest_values_above() -> None:
    shown = band([[99, 0, 0, 9]], [10])
    np.testing.assert_allclose(levels(shown, 99, 4, 1)[:, 0], [0.5, 0, 0, 1])


def test_outer_values_that_never_occurred_are_left_out() -> None:
    counts = np.zeros((3, 40))
    counts[:, 2], counts[1, 7] = 5, 1
    relu = Band("", np.arange(3.0), counts, 0, 10, 10)
    assert (cropped(relu).low, cropped(relu).high) == (0, 2)
    np.testing.assert_array_equal(cropped(relu).counts, counts[:, :8])
    both = Band("", np.arange(3.0), np.roll(counts, 18, axis=1), -20, 20, 10)
    assert (cropped(both).low, cropped(both).high) == (-10, 10)


@given(st.lists(st.integers(0, 39), min_size=1, max_size=20))
def test_a_cropped_band_keeps_every_value_and_only_grows(bins: list[int]) -> None:
    counts = np.zeros((len(bins), 40))
    counts[np.arange(len(bins)), bins] = 1
    high = 0.0
    for end in range(1, len(bins) + 1):
        shown = cropped(Band("", np.arange(float(end)), counts[:end], 0, 10, 30))
        assert shown.counts.sum() == end
        assert shown.high >= high
        high = shown.high


@pytest.mark.parametrize(("palette", "brighter"), [(DARK, True), (LIGHT, False)], ids=["dark", "light"])
def test_the_scale_is_even_for_the_eye_in_grey_too(palette: Palette, brighter: bool) -> None:
    shades = [luminance((r, g, b)) for r, g, b in colours(palette).tolist()]
    assert shades == sorted(shades, reverse=not brighter)
    assert len(set(shades)) == len(shades)


def test_without_colours_there_are_glyphs_and_only_nothing_is_blank() -> None:
    rows = [line[2:] for line in drawn(band([[1000, 0, 1, 0]] * 10, last=10), (11, 42))[2:-2]]
    assert {char for row in rows for char in row} <= set(DENSITY)
    assert set(rows[-1]) == {"%"}
    assert set(rows[0]) == {" "}


@pytest.mark.parametrize("palette", [DARK, LIGHT, GREY], ids=["dark", "light", "grey"])
def test_a_value_that_occurred_once_in_many_steps_is_seen(palette: Palette) -> None:
    counts = [[10_000.0, 0, 0, 0]] * 400
    counts[200] = [10_000.0, 0, 1, 0]
    rare, never = (band_lines(band(each, last=400), (11, 14), palette) for each in (counts, counts[:1] * 400))
    assert rare[5] != never[5]


def test_the_title_the_scale_and_the_axes_are_told() -> None:
    lines = drawn(band([[1000, 0, 1, 9]] * 10, last=100), (11, 70))
    assert lines[0].startswith("layer 1, after relu")
    assert lines[0].endswith(f"log(1 + count)  0 {DENSITY} 1000")
    assert [line[:3] for line in lines if line[3] == "┤"] == ["≥ 4", "  2", "  0"]
    assert lines[-1].endswith("step")


def test_a_scale_that_does_not_fit_beside_the_title_is_below_it() -> None:
    shown = band([[1000, 0, 1, 9]] * 10)
    narrow, low = drawn(shown, (11, 44)), drawn(shown, (7, 44))
    assert narrow[0].rstrip() == "layer 1, after relu"
    assert narrow[1].rstrip() == f"log(1 + count)  0 {DENSITY} 1000"
    assert not any("count" in line for line in low)


@pytest.mark.parametrize(
    ("counts", "low", "ends"),
    [
        ([5, 1, 1, 7], 0, ["≥ 4", "0"]),
        ([5, 1, 1, 0], 0, ["4", "0"]),
        ([5, 1, 1, 7], -4, ["≥ 4", "≤ -4"]),
        ([0, 1, 1, 7], -4, ["≥ 4", "-4"]),
        ([0, 1, 1, 0], -4, ["2", "-2"]),
    ],
)
def test_an_end_beyond_which_values_may_lie_says_so(counts: list[float], low: int, ends: list[str]) -> None:
    lines = drawn(replace(band([counts] * 10), low=low), (11, 70))
    labels = [line.partition("┤")[0].strip() for line in lines if "┤" in line]
    assert [labels[0], labels[-1]] == ends


def test_it_grows_into_its_place() -> None:
    half = drawn(band([[9, 9, 9, 9]] * 5, last=10), (9, 44))
    assert all(not line[25:].strip() for line in half[2:-2])
    assert all(line[5:23].strip() for line in half[2:-2])


def test_nothing_yet_is_said() -> None:
    empty = replace(band([[1.0]]), steps=np.zeros(0), counts=np.zeros((0, 4)), empty="no snapshot yet")
    assert any("no snapshot yet" in line for line in drawn(empty))


@given(
    st.tuples(st.integers(1, 30), st.integers(1, 100)),
    st.integers(0, 30),
    st.sampled_from([DARK, LIGHT, GREY]),
)
def test_every_line_is_as_wide_as_the_pane(size: tuple[int, int], times: int, palette: Palette) -> None:
    counts: Array = np.random.default_rng(0).integers(0, 99, (times, 16)).astype(float)
    shown = Band("a title", np.arange(float(times)) * 3, counts, -2, 2, 90, empty="nothing")
    assert [len(line) for line in drawn(shown, size, palette)] == [size[1]] * size[0]


@pytest.mark.parametrize("palette", [DARK, LIGHT, GREY])
def test_marks_are_lines_where_the_steps_are(palette: Palette) -> None:
    shown = band([[9, 5, 3, 1]] * 10)
    marked = replace(shown, marks=(Mark(3.0, is_faint=True), Mark(8.0)))
    lines, plain = drawn(marked, palette=palette), drawn(shown, palette=palette)
    bottom = next(at for at, line in enumerate(lines) if "└" in line)
    left, width = lines[bottom].index("└") + 1, lines[bottom].count("─") + lines[bottom].count("┬")
    inside = [line for line in lines[:bottom] if "┊" in line]
    assert inside == lines[bottom - len(inside) : bottom]
    assert len(inside) > 3
    faint, full = left + width * 3 // 10, left + width * 8 // 10
    assert all(line[faint] == "┊" and line[full] == "│" for line in inside)
    assert not any("┊" in line for line in plain)
