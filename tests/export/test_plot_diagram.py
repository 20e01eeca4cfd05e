"""A plot as a diagram: curves lie where their values are, and nothing lies outside the axes."""

import numpy as np
import pytest

from convtui.export.diagram import Box, Diagram, Label, Line, text_width
from convtui.export.plot_diagram import plot_diagram, table_diagram
from convtui.export.raster import still_png
from convtui.export.svg import still_svg
from convtui.paint.colours import DARK, LIGHT
from convtui.paint.plots import Mark, Plot, Series, Stroke


def lines(diagram: Diagram) -> list[Line]:
    return [each for each in diagram.base if isinstance(each, Line)]


def test_a_curve_is_cut_at_the_range_and_broken_at_a_gap() -> None:
    y = np.array([0.0, 5.0, 10.0, 20.0, np.nan, 5.0, 5.0])
    plot = Plot("t", (Series("", np.arange(7.0), y, 0),), "step", (0, 6), (0, 10))
    drawn = lines(plot_diagram(plot, "", DARK))
    curves = [each for each in drawn if not each.is_filled]
    (arrow,) = [each for each in drawn if each.is_filled]
    assert [len(each.points) for each in curves] == [3, 2]
    ((left, bottom), (x, middle), (_, top)), _ = (each.points for each in curves)
    assert middle == pytest.approx((top + bottom) / 2)
    assert min(y for _, y in arrow.points) == top
    assert arrow.points[0][0] == pytest.approx(left + 3 * (x - left))


def test_thousands_of_steps_keep_their_extremes_in_few_points() -> None:
    y = np.zeros(20_000)
    y[12_345] = 1.0
    plot = Plot("t", (Series("", np.arange(20_000.0), y, 0),), "step", (0, 20_000), (0, 1))
    (curve,) = lines(plot_diagram(plot, "", DARK))
    assert len(curve.points) < 2000
    ys = [y for _, y in curve.points]
    boxes = [each for each in plot_diagram(plot, "", DARK).base if isinstance(each, Box)]
    assert min(ys) == pytest.approx(min(box.y for box in boxes), abs=1)


def test_legend_about_and_marks_are_told_in_both_formats() -> None:
    series = (
        Series("a < b", np.arange(3.0), np.arange(3.0), 1, Stroke.DASHED, "◇"),
        Series("", np.arange(3.0), np.arange(3.0), 1, Stroke.POINTS, "▲"),
    )
    plot = Plot("t", series, "step", (0, 2), (0, 2), marks=(Mark(1.0, label="right", is_faint=True),))
    for palette in (DARK, LIGHT):
        diagram = plot_diagram(plot, "words " * 40, palette)
        svg = still_svg(diagram)
        assert all(text in svg for text in ("a &lt; b", ">right<", 'stroke-dasharray="9 5"'))
        assert svg == still_svg(diagram)
        assert still_png(diagram) == still_png(diagram)
        words = [each for each in diagram.base if isinstance(each, Label) and each.anchor == "start"]
        assert max(each.x + text_width(each.text, each.size) for each in words) < diagram.width


def test_an_empty_plot_says_why() -> None:
    plot = Plot("t", (Series("", np.zeros(0), np.zeros(0)),), "step", (0, 1), (0, 1), empty="no step yet")
    assert "no step yet" in still_svg(plot_diagram(plot, "", LIGHT))


def test_a_table() -> None:
    diagram = table_diagram("runs", ["run", "state"], [["1", "finished"], ["12", "x"]], ["state"], DARK)
    ends = {each.text: each.x for each in diagram.base if isinstance(each, Label) and each.anchor == "end"}
    assert ends["run"] == ends["1"] == ends["12"]


def test_dashes_leave_gaps_of_their_length() -> None:
    from convtui.export.raster import _dashed

    parts = [*_dashed([(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)], 4, 3)]
    assert parts == [
        [(0.0, 0.0), (4.0, 0.0)],
        [(7.0, 0.0), (10.0, 0.0), (10.0, 1.0)],
        [(10.0, 4.0), (10.0, 8.0)],
    ]


def test_a_curve_that_would_hardly_be_seen_has_a_marker() -> None:
    for count, is_marked in ((1, True), (2, True), (100, False)):
        series = Series("", np.arange(1.0, count + 1), np.full(count, 0.5), 0, Stroke.THICK)
        drawn = lines(plot_diagram(Plot("t", (series,), "step", (0, 400), (0, 1)), "", DARK))
        assert [each for each in drawn if each.is_filled] != [] if is_marked else not drawn[0].is_filled
        assert len(drawn) == (count > 1) + is_marked


@pytest.mark.parametrize(
    ("name", "ticks"), [("step", ["0", "1", "2"]), ("learning rate", ["0.0", "0.5", "1.0", "1.5", "2.0"])]
)
def test_steps_are_counted_in_whole_numbers(name: str, ticks: list[str]) -> None:
    plot = Plot("t", (Series("", np.arange(3.0), np.arange(3.0)),), name, (0, 2), (0, 1))
    labels = [each for each in plot_diagram(plot, "", DARK).base if isinstance(each, Label)]
    told = [each.text for each in labels if each.anchor == "middle"]
    assert [text for text in told if text in ticks] == ticks
    assert len(told) == len(ticks)
