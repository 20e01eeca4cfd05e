"""Bars are as high as their counts, whatever the width, and marks stand at their values."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from convtui.paint.axes import has_axes
from convtui.paint.colours import DARK, LIGHT, Array, Palette, style
from convtui.paint.histogram import ARROW, BOTH, Histogram, histogram_lines, rebinned
from convtui.paint.plots import Mark
from tests.support.lines import styled, texts

counts_of = arrays.arrays(float, st.integers(1, 80), elements=st.integers(0, 10_000).map(float))


def drawn(histogram: Histogram, size: tuple[int, int] = (11, 46)) -> list[str]:
    return texts(histogram_lines(histogram, size, DARK))


@given(counts_of, st.integers(1, 120))
def test_rebinning_keeps_the_sum(counts: Array, columns: int) -> None:
    spread = rebinned(counts, columns)
    assert spread.shape == (columns,)
    assert (spread >= -1e-6).all()
    np.testing.assert_allclose(spread.sum(), counts.sum(), atol=1e-6)


def test_rebinning_splits_and_joins_bins_by_their_overlap() -> None:
    counts = np.array([4.0, 8.0, 0.0])
    np.testing.assert_allclose(rebinned(counts, 6), [2, 2, 4, 4, 0, 0])
    np.testing.assert_allclose(rebinned(counts, 1), [12])
    np.testing.assert_allclose(rebinned(counts, 2), [8, 4])
    np.testing.assert_allclose(rebinned(np.stack([counts, 2 * counts]), 2), [[8, 4], [16, 8]])


def test_a_bar_is_as_high_as_its_count_to_an_eighth() -> None:
    lines = drawn(Histogram("title", np.array([8.0, 4.0, 1.0, 0.0]), 0, 4), (3, 4))
    assert lines == ["tit…", "█   ", "██▂ "]


def test_what_is_not_nothing_is_seen() -> None:
    lines = drawn(Histogram("", np.array([100_000.0, 1.0]), 0, 2), (4, 2))
    assert lines[-1] == "█▁"


def test_the_axis_counts_values_a_bin_whatever_the_width() -> None:
    histogram = Histogram("title", np.full(40, 10.0), 0, 1)
    for width in (30, 46, 90):
        lines = drawn(histogram, (9, width))
        at = next(row for row, line in enumerate(lines) if line.startswith("10┤"))
        assert set(lines[at][3:]) == {"█"}
        assert "█" not in lines[at - 1]


def test_shares_are_percentages_of_all_values() -> None:
    lines = drawn(Histogram("title", np.array([30.0, 10.0]), 0, 2, as_share=True))
    assert any(line.startswith("50%┤") for line in lines)
    assert sum("█" in line for line in lines) == 7  # and a half: 75 of 80 on eight lines


def test_marks_stand_at_their_values_with_their_names() -> None:
    marks = (Mark(1.0, None, "mean 1.00"), Mark(0.9, None, "−σ"), Mark(1.1, None, "+σ"), Mark(7, None, "no"))
    lines = drawn(Histogram("title", np.zeros(10), 0, 2, marks=marks), (11, 43))
    axis, *columns = (at for at, char in enumerate(lines[2]) if char in "┤│")
    assert columns == [axis + 1 + round(value / 2 * (42 - axis - 1)) for value in (0.9, 1.0, 1.1)]
    assert lines[1].split() == ["−σ", "mean", "1.00", "+σ"]
    assert "no" not in lines[1]


@pytest.mark.parametrize("spread", [1e-9, 0.01, 0.05, 0.3])
@pytest.mark.parametrize("mean", [0.0, 0.1, 1.0, 2.0])
def test_the_names_of_marks_stand_in_their_order(mean: float, spread: float) -> None:
    marks = (Mark(mean, None, "μ"), Mark(mean - spread, None, "-σ"), Mark(mean + spread, None, "+σ"))
    names = drawn(Histogram("title", np.zeros(10), 0, 2, marks=marks), (11, 43))[1].split()
    assert names == [name for name in ("-σ", "μ", "+σ") if name in names]
    assert "μ" in names


def test_what_lies_beyond_is_told_in_the_corners() -> None:
    told = Histogram(
        "title",
        np.ones(10),
        0,
        2,
        marks=(Mark(1.0, None, "μ"),),
        beyond=(0.04, 12.0),
        outline_beyond=(0, 2.5),
    )
    assert drawn(told, (11, 60))[1].split() == ["←", "beyond", "<0.1%", "μ", "12%", "2.5%", "beyond", "→"]
    hidden = replace(told, marks=(Mark(2.0, None, "mean"),), beyond=(0, 12.0))
    assert drawn(hidden, (11, 60))[1].split() == ["mean"]


def test_bars_above_the_end_of_the_axis_have_an_arrow() -> None:
    histogram = Histogram(
        "title", np.array([8.0, 4.0, 1.0, 0.0]), 0, 4, outline=np.array([0, 0, 9.0, 0]), top=4.0
    )
    assert drawn(histogram, (3, 4))[1:] == ["↑█↑ ", "██▄ "]


def test_a_mark_goes_around_the_bars_and_stands_on_the_axis() -> None:
    lines = drawn(Histogram("", np.array([0, 8.0, 0]), 0, 3, marks=(Mark(1.5, None, "μ"),)), (12, 35))
    column = lines[1].index("μ")
    assert [line[column] for line in lines] == [" ", "μ", *"████████", "▲", *lines[-1][column]]
    half = drawn(Histogram("", np.array([0, 4.0, 0]), 0, 3, marks=(Mark(1.5, None, "μ"),), top=8), (12, 35))
    assert [line[column] for line in half[2:11]] == [*"││││████", "▲"]


def test_two_bars_under_three_marks_keep_their_height() -> None:
    """As of a mini-batch of 2 on 1x1 maps, whose mean lies between two bars at -σ and +σ."""
    counts = np.zeros(40)
    counts[[10, 30]] = 1
    marks = tuple(Mark(at, None, name) for at, name in ((-1, "-σ"), (0, "μ"), (1, "+σ")))
    shown = Histogram("title", counts, -2, 2, marks=marks, as_share=True, gutter=4, top=10.0)
    lines = drawn(shown, (11, 45))
    for row in lines[2:-2]:
        assert row[5:].count("█") + row[5:].count("↑") == 2
    assert lines[2].count("↑") == 2


@given(
    counts_of,
    counts_of,
    st.sampled_from([DARK, LIGHT, replace(DARK, is_grey=True)]),
    st.lists(st.floats(-3, 3), max_size=4),
    st.tuples(st.integers(4, 20), st.integers(6, 80)),
    st.sampled_from([None, 1.0, 50.0]),
)
def test_every_bar_and_every_outline_is_seen_in_text_whatever_lies_over_it(
    counts: Array,
    outline: Array,
    palette: Palette,
    marks: list[float],
    size: tuple[int, int],
    top: float | None,
) -> None:
    marked = tuple(Mark(at, None, "μ") for at in marks)
    shown = Histogram("", counts, -3, 3, outline=outline, marks=marked, gutter=8, top=top)
    rows = slice(1 + (bool(marked) and size[0] >= 7), size[0] - 2 * has_axes(size))
    left = 9 * has_axes(size)
    lines = texts(histogram_lines(shown, size, palette))[rows]
    columns = len(lines[0]) - left
    for of, glyphs in ((counts, "▁▂▃▄▅▆▇█"), (outline, "▁─▔")):
        for at in np.flatnonzero(rebinned(of, columns) > 1e-9).tolist():
            assert {line[left + at] for line in lines} & {*glyphs, *BOTH, ARROW}


def test_another_histogram_is_an_outline_over_the_bars() -> None:
    histogram = Histogram("title", np.array([8.0, 0.0]), 0, 2, "before", np.array([8.0, 4.0]), "after")
    lines = histogram_lines(histogram, (3, 26), DARK)
    shown = texts(lines)
    assert shown[0].endswith("█ before   ─ after")
    assert shown[1] == "⣿" * 13 + " " * 13
    assert shown[2] == "█" * 13 + "▔" * 13
    (over,) = styled([lines[1]], "⣿")
    assert over.style == style(DARK.series[1], DARK.series[0])


def test_a_bar_that_ends_where_the_outline_is_stays_as_high() -> None:
    bars = Histogram("title", np.array([1.0, 3, 5, 8, 8]), 0, 5, outline=np.array([1.0, 1, 7, 1, 0]), top=8.0)
    assert drawn(bars, (2, 5))[1] == "⣀⣤⣿⣿█"
    assert drawn(replace(bars, counts=np.array([1.0, 9, 9, 9, 9])), (3, 5))[1:] == [" ↑↑↑↑", "⣀▁▔▁█"]


def test_an_axis_below_has_round_values() -> None:
    lines = drawn(Histogram("title", np.ones(8), -2, 2))
    assert lines[-1].split() == ["-2", "-1", "0", "1", "2"]


@pytest.mark.parametrize("counts", [np.zeros(5), np.array([0.0])])
def test_nothing_counted_is_drawn_as_nothing(counts: Array) -> None:
    assert not any("▁" in line or "█" in line for line in drawn(Histogram("title", counts, 0, 1)))


@given(
    st.tuples(st.integers(1, 30), st.integers(1, 100)),
    counts_of,
    st.booleans(),
    st.lists(st.floats(-5, 5), max_size=4),
)
def test_every_line_is_as_wide_as_the_pane(
    size: tuple[int, int], counts: Array, as_share: bool, marks: list[float]
) -> None:
    histogram = Histogram(
        "a title",
        counts,
        -3,
        3,
        "one",
        counts[::-1],
        "other",
        tuple(Mark(at, None, f"mark {at:.1f}") for at in marks),
        as_share,
    )
    assert [len(line) for line in drawn(histogram, size)] == [size[1]] * size[0]
