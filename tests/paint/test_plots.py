"""Plots tell the truth: every value of a curve is seen, gaps are gaps, and nothing is in the colour alone."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from rich.color import Color, ColorSystem

from convtui.paint.colours import DARK, LIGHT, Array, Palette, style
from convtui.paint.plots import (
    BEYOND,
    MARKERS,
    Mark,
    Plot,
    Series,
    Stroke,
    envelope,
    plot_lines,
    series_colour,
)
from tests.support.contrast import contrast
from tests.support.lines import styled, texts

palettes = pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])


def plotted(*series: Series, size: tuple[int, int] = (12, 50), **how: object) -> list[str]:
    return texts(plot_lines(Plot("title", series, **how), size, DARK))  # type: ignore[arg-type]


def curve(*values: float, stroke: Stroke = Stroke.LINE, name: str = "", marker: str = "", colour: int = 0) -> Series:  # fmt: skip  # noqa: E501
    return Series(name, np.arange(len(values), dtype=float), np.array(values), colour, stroke, marker)


def inside(lines: list[str], left: int = 3) -> list[str]:
    """The curves of a plot without title, axes and labels, where the labels at the left are so wide."""
    return [line[left:] for line in lines[1:-2]]


def is_braille(char: str) -> bool:
    return 0x2800 < ord(char) < 0x2900


# -- the envelope


@given(
    arrays.arrays(float, st.integers(2, 60), elements=st.floats(-100, 100)),
    st.integers(1, 40),
)
def test_an_envelope_holds_the_whole_polyline(y: Array, columns: int) -> None:
    x = np.arange(len(y), dtype=float)
    edges = np.linspace(0, len(y) - 1, columns + 1)
    low, high = envelope(x, y, edges)
    for left, right, least, most in zip(edges[:-1], edges[1:], low, high, strict=True):
        found = np.interp(np.linspace(left, right, 50), x, y)
        assert least <= found.min() + 1e-9
        assert most >= found.max() - 1e-9
    np.testing.assert_allclose([low.min(), high.max()], [y.min(), y.max()])


@given(arrays.arrays(float, 100, elements=st.floats(-100, 100)))
def test_neighbouring_columns_of_an_envelope_join(y: Array) -> None:
    low, high = envelope(np.arange(100.0), y, np.linspace(0, 99, 31))
    assert (low[1:] <= high[:-1] + 1e-9).all()
    assert (low[:-1] <= high[1:] + 1e-9).all()


def test_an_envelope_has_gaps_where_the_polyline_has() -> None:
    y = np.array([1.0, 2, np.nan, 4, 5])
    low, high = envelope(np.arange(5.0), y, np.array([0.0, 1, 1.9, 2.1, 2.9, 4]))
    np.testing.assert_array_equal(low, [1, 2, np.nan, np.nan, 4])
    np.testing.assert_array_equal(high, [2, 2, np.nan, np.nan, 5])


def test_a_point_alone_between_gaps_is_seen() -> None:
    y = np.array([np.nan, 7, np.nan])
    low, _ = envelope(np.arange(3.0), y, np.array([0.0, 0.8, 1.2, 2]))
    np.testing.assert_array_equal(low, [np.nan, 7, np.nan])


def test_an_envelope_of_nothing_is_nothing() -> None:
    low, high = envelope(np.zeros(0), np.zeros(0), np.linspace(0, 1, 4))
    assert np.isnan([low, high]).all()
    assert low.shape == (3,)


# -- curves


def test_a_rising_line_goes_from_corner_to_corner() -> None:
    rows = inside(plotted(curve(0, 1), x_range=(0, 1), y_range=(0, 1), size=(9, 25)), left=5)
    filled = [[at for at, char in enumerate(row) if is_braille(char)] for row in rows]
    assert filled[0][-1] == len(rows[0]) - 1
    assert filled[-1][0] == 0
    assert all(upper[0] > lower[0] for upper, lower in itertools.pairwise(filled))


def test_a_single_peak_among_thousands_of_steps_is_seen() -> None:
    values = np.zeros(5000)
    values[1234] = 1.0
    rows = inside(plotted(Series("", np.arange(5000.0), values), y_range=(0, 1)), left=5)
    assert sum(is_braille(char) for char in rows[0]) == 1


def test_a_gap_is_left_blank() -> None:
    values = [1.0] * 20 + [float("nan")] * 20 + [1.0] * 20
    lines = plotted(curve(*values), y_range=(0, 2), size=(3, 30))
    row = next(line for line in lines if any(map(is_braille, line)))
    drawn = "".join("#" if is_braille(char) else " " for char in row)
    assert [len(part) for part in drawn.split()] == [10, 11]


@pytest.mark.parametrize(("value", "arrow", "row"), [(9.0, BEYOND[0], 0), (-9.0, BEYOND[1], -1)])
def test_what_lies_beyond_the_range_is_at_its_edge_with_an_arrow_and_said(
    value: float, arrow: str, row: int
) -> None:
    lines = plotted(curve(1, 1, value, 1, 1, stroke=Stroke.THICK), y_range=(0, 3))
    rows = inside(lines)
    assert arrow in rows[row]
    said = "above 3" if value > 0 else "below 0"
    assert f"{arrow} {said}" in lines[0]
    assert BEYOND[0] not in "".join(plotted(curve(1, 1, 2.9, 1), y_range=(0, 3)))


def test_a_run_that_went_to_infinity_is_at_the_top() -> None:
    rows = inside(plotted(curve(1, 1, float("inf"), float("nan")), y_range=(0, 3)))
    assert BEYOND[0] in rows[0]


def test_points_beyond_the_range_have_arrows_too() -> None:
    lines = plotted(curve(1, 9, stroke=Stroke.POINTS, marker="▲"), y_range=(0, 3))
    assert inside(lines)[0].endswith(f"{BEYOND[0]}▲")
    assert sum(line.count("▲") for line in lines) == 2


@pytest.mark.parametrize("stroke", [Stroke.POINTS, Stroke.LINE])
def test_a_marker_hides_no_other_and_no_curve_hides_one(stroke: Stroke) -> None:
    same = [curve(1, 2, colour=each, stroke=stroke, marker=MARKERS[each]) for each in range(4)]
    rows = inside(plotted(*same, curve(1, 2, stroke=Stroke.THICK)))
    assert all(marker in "".join(rows) for marker in MARKERS)
    assert sum(row.endswith("◆■▲●") for row in rows) == 1


@pytest.mark.parametrize("stroke", [Stroke.DASHED, Stroke.DOTTED])
def test_dashes_and_dots_have_less_ink_than_a_line(stroke: Stroke) -> None:
    values = [float(np.sin(at / 9)) for at in range(80)]

    def dots(stroke: Stroke) -> int:
        lines = plotted(curve(*values, stroke=stroke))
        return sum((ord(char) - 0x2800).bit_count() for line in lines for char in line if is_braille(char))

    assert dots(stroke) < dots(Stroke.LINE) < dots(Stroke.THICK)


def test_a_thick_line_is_thick_at_the_bottom_too() -> None:
    rows = inside(plotted(curve(0, 0, stroke=Stroke.THICK), y_range=(0, 1), size=(9, 25)), left=5)
    assert set(rows[-1]) == {"⣤"}


def test_markers_stand_on_the_line_and_at_its_end() -> None:
    rows = inside(plotted(curve(*[1.0] * 60, marker="■"), y_range=(0, 2), size=(12, 50)))
    (row,) = [row for row in rows if "■" in row]
    assert row.rstrip("┈").endswith("■")
    assert row.count("■") >= 3


def test_curves_differ_in_more_than_their_colour() -> None:
    assert len(set(MARKERS)) == len(DARK.series) == len(LIGHT.series)
    assert len({stroke.value for stroke in Stroke}) == len(Stroke)


@palettes
def test_series_can_be_read_and_told_apart_in_16_colours(palette: Palette) -> None:
    assert all(contrast(colour, palette.background) >= 4.5 for colour in palette.series)
    sixteen = {Color.from_rgb(*each).downgrade(ColorSystem.STANDARD).number for each in palette.series}
    assert len(sixteen) == len(palette.series)
    assert series_colour(None, palette) == palette.muted


def test_later_curves_lie_over_earlier_ones() -> None:
    lines = plot_lines(Plot("title", (curve(1, 1), curve(1, 1, colour=1)), y_range=(0, 2)), (12, 50), DARK)
    colours = {segment.style for line in lines for segment in line if any(map(is_braille, segment.text))}
    assert colours == {style(DARK.series[1], DARK.background)}


# -- marks


def test_a_mark_is_a_point_with_its_name() -> None:
    lines = plotted(curve(0, 1), y_range=(0, 1), marks=(Mark(0.5, 0.5, "here"),))
    assert any("● here" in line for line in lines)


def test_the_name_of_a_mark_at_the_right_end_is_left_of_it() -> None:
    lines = plotted(curve(0, 1), y_range=(0, 1), marks=(Mark(1, 1, "here"),))
    assert inside(lines, 4)[0].endswith("here ●")


def test_a_mark_without_y_is_a_line_and_names_do_not_overlap() -> None:
    marks = (Mark(0.5, None, "one"), Mark(0.55, None, "two"))
    rows = inside(plotted(curve(0, 0), y_range=(0, 1), marks=marks), 4)
    assert all("│" in row for row in rows[:-1])
    assert "one" in rows[0]
    assert "two" in rows[1]


@pytest.mark.parametrize("mark", [Mark(5, 0.5, "x"), Mark(-1, None, "x"), Mark(0.5, float("nan"), "x")])
def test_a_mark_outside_is_not_drawn(mark: Mark) -> None:
    how = {"x_range": (0, 1), "y_range": (0, 1)}
    assert plotted(curve(0, 1), marks=(mark,), **how) == plotted(curve(0, 1), **how)


# -- what is around


def test_axes_have_aligned_labels_and_a_name() -> None:
    lines = plotted(curve(*range(101)), x_label="step", y_range=(-100, 100), size=(9, 50))
    assert [line[:5] for line in lines[1:7]] == [" 100┤", "    │", "   0┤", "    │", "    │", "-100┤"]
    assert lines[-2].startswith("    └┬")
    assert lines[-1].startswith("     0 ")
    assert lines[-1].endswith(" step")


def test_gutters_keep_axes_in_line() -> None:
    for top in (1, 100):
        assert plotted(curve(0, 1), y_range=(0, top), gutter=5)[1][5] == "┤"


def test_the_legend_is_beside_the_title_or_below_it() -> None:
    wide = plotted(curve(0, 1, name="one"), curve(0, 1, name="two", marker="▲"))
    assert wide[0].startswith("title")
    assert wide[0].endswith("── one   ─▲ two")
    names = [curve(0, 1, name=f"a name that is long {at}") for at in range(3)]
    narrow = plotted(*names)
    assert narrow[1].startswith("── a name that is long 0  ── a name")
    assert narrow[2].startswith("── a name that is long 2")


def test_a_low_plot_keeps_lines_for_its_curves() -> None:
    names = [curve(0, 1, name=f"a name that is long {at}") for at in range(9)]
    lines = plotted(*names, size=(8, 50))
    assert sum("name" in line for line in lines) == 1
    assert sum(any(map(is_braille, line)) for line in lines) >= 3


def test_nothing_yet_is_said() -> None:
    assert any("no try yet" in line for line in plotted(curve(), empty="no try yet"))
    assert not any("no try yet" in line for line in plotted(curve(1, 2), empty="no try yet"))


def test_a_logarithmic_axis_has_powers_of_ten() -> None:
    series = Series("", np.geomspace(1e-6, 10, 50), np.linspace(0, 1, 50))
    lines = plotted(series, log_x=True, x_range=(1e-6, 10), size=(9, 80))
    assert lines[-1].split() == ["1e-6", "1e-5", "1e-4", "0.001", "0.01", "0.1", "1", "10"]
    columns = [at for at, char in enumerate(lines[-2]) if char == "┬"]
    assert max(np.diff(columns)) - min(np.diff(columns)) <= 1


@given(
    st.tuples(st.integers(1, 40), st.integers(1, 130)),
    st.lists(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=30), max_size=4),
    st.sampled_from(Stroke),
    st.booleans(),
    st.none() | st.just((0.0, 3.0)),
)
def test_every_line_is_as_wide_as_the_pane(
    size: tuple[int, int],
    values: list[list[float]],
    stroke: Stroke,
    is_log: bool,
    y_range: tuple[float, float] | None,
) -> None:
    series = tuple(
        curve(*each, stroke=stroke, name=f"curve {at}", marker=MARKERS[at], colour=at)
        for at, each in enumerate(values)
    )
    y_range = (0.1, 3.0) if y_range and is_log else y_range
    marks = (Mark(1, 1, "here"), Mark(2, None, "there"))
    plot = Plot("a title", series, "step", None, y_range, log_y=is_log, marks=marks, empty="nothing yet")
    lines = texts(plot_lines(plot, size, DARK))
    assert [len(line) for line in lines] == [size[1]] * size[0]


def test_a_faint_curve_has_half_of_its_colour() -> None:
    lines = plot_lines(Plot("title", (curve(0, 1, stroke=Stroke.FAINT, name="raw"),)), (12, 50), DARK)
    (sample,) = styled(lines, "┄┄")
    assert sample.style
    assert sample.style.color
    assert sample.style.color.triplet
    assert contrast(sample.style.color.triplet, DARK.background) < contrast(DARK.series[0], DARK.background)


def test_the_name_of_a_mark_hides_no_curve() -> None:
    x = np.linspace(0, 10, 200)
    high = Series("", x, np.where(x < 6, 9.9, 1.0))
    marks = tuple(Mark(at, None, name) for at, name in ((5.0, "five"), (5.5, "nearly six"), (8.0, "eight")))
    for size in ((14, 60), (9, 40)):
        plot = Plot("title", (high,), x_range=(0, 10), y_range=(0, 10), marks=marks)
        named, bare = (
            texts(plot_lines(each, size, DARK)) for each in (plot, Plot(**{**vars(plot), "marks": ()}))
        )
        for with_names, without in zip(named, bare, strict=True):
            for name, alone in zip(with_names, without, strict=True):
                assert name == alone or not 0x2800 < ord(alone) < 0x2900
        assert all(any(mark.label in line for line in named) for mark in marks)


def test_a_curve_that_would_hardly_be_seen_has_a_marker() -> None:
    def shown(count: int, **how: object) -> str:
        line = replace(curve(*[0.5] * count), **how)  # type: ignore[arg-type]
        return "".join(plotted(line, x_range=(0, 400), y_range=(0, 1)))

    for count in (1, 2, 8):
        assert "●" in shown(count)
        assert "▲" in shown(count, colour=1, stroke=Stroke.THICK)
    for other in (shown(60), shown(1, colour=None), shown(1, stroke=Stroke.FAINT), shown(1, has_points=True)):
        assert not set(other) & {*MARKERS}
