"""The pictures are of the figures."""

import numpy as np
import pytest

from convtui.batches import Batches, Network, Scatter
from convtui.views.batchnorm_figures import Figures
from convtui.views.batchnorm_plots import (
    MEAN,
    VARIANCE,
    after_histogram,
    batches_plot,
    before_histogram,
    root_law,
    scatter_plot,
)
from tests.views.batchnorms import figures, measured

WIDTH = 45


def test_the_histogram_before_counts_all_activations() -> None:
    found = figures()
    histogram = before_histogram(found, WIDTH)
    assert histogram.counts.sum() == len(found.values)
    assert histogram.low <= found.values.min() < found.values.max() <= histogram.high
    mean, low, high = (mark.x for mark in histogram.marks)
    assert mean == pytest.approx(found.values.mean())
    assert (high - low) / 2 == pytest.approx(found.values.std())


@pytest.mark.parametrize("training", [True, False])
def test_the_histogram_after_has_the_other_mode_as_its_outline(training: bool) -> None:
    found = figures(training=training)
    histogram = after_histogram(found, WIDTH)
    names = [histogram.name, histogram.outline_name]
    assert names == (["training", "evaluation"] if training else ["evaluation", "training"])
    for counts, side in (histogram.counts, found.used), (histogram.outline, found.other):
        assert counts is not None
        expected, _ = np.histogram(side.output, WIDTH - 5, (histogram.low, histogram.high))
        assert counts.tolist() == expected.tolist()
        assert counts.sum() == len(found.values)


def test_its_axis_stays_while_gamma_changes_a_little() -> None:
    found = figures()
    axes = set()
    for gamma in (1.0, 1.05, 1.1):
        histogram = after_histogram(Figures(found.batches.with_gamma(gamma), found.measured), WIDTH)
        axes.add((histogram.low, histogram.high))
    assert len(axes) == 1


def test_a_channel_without_spread_has_only_a_mean() -> None:
    found = figures()
    still = Figures(found.batches.with_gamma(0), found.measured)
    assert [mark.label for mark in after_histogram(still, WIDTH).marks] == ["μ"]


@pytest.mark.parametrize("statistic", [MEAN, VARIANCE])
def test_statistics_batch_by_batch(statistic: str) -> None:
    found = figures(steps=2)
    own, running = batches_plot(found, statistic, WIDTH).series
    assert own.x.tolist() == [1, 2, 3]
    assert running.x.tolist() == [0, 1, 2, 3]
    after = found.after.running_mean if statistic == MEAN else found.after.running_var
    this = found.statistics.mean if statistic == MEAN else found.statistics.unbiased_var
    assert (own.y[-1], running.y[-1]) == (this[1], after[1])
    assert running.y[0] == (0 if statistic == MEAN else 1)
    np.testing.assert_allclose(np.diff(running.y), 0.1 * (own.y - running.y[:-1]))


def scatter(spread: list[float]) -> Scatter:
    values = np.tile(np.array(spread)[:, None], (1, 4))
    return Scatter((2, 8, 32), values, 2 * values, 32)


def test_the_root_law_is_found() -> None:
    sizes = np.array([2.0, 8, 32])
    assert root_law(sizes, 3 / np.sqrt(sizes)) == pytest.approx(3)
    assert root_law(sizes, np.array([0.0, 3 / np.sqrt(8), 0])) == pytest.approx(3)


def test_the_scatter_with_its_line_and_the_present_size() -> None:
    spread = (0.4 / np.sqrt([2, 8, 32])).tolist()
    line, points = scatter_plot(figures(), scatter(spread), MEAN, WIDTH).series
    np.testing.assert_allclose(points.y, spread)
    np.testing.assert_allclose(line.y * np.sqrt(line.x), 0.4)
    (mark,) = scatter_plot(figures(), scatter(spread), MEAN, WIDTH).marks
    assert (mark.x, mark.label) == (6, f"6: ±{0.4 / 6**0.5:.4f}")
    _, points = scatter_plot(figures(), scatter(spread), VARIANCE, WIDTH).series
    np.testing.assert_allclose(points.y, 2 * np.array(spread))


@pytest.mark.parametrize(
    ("given", "words"),
    [(None, "drawing mini-batches of every size …"), (scatter([0, 0, 0]), "none: all images give the same")],
)
def test_without_scatter_a_word(given: Scatter | None, words: str) -> None:
    plot = scatter_plot(figures(), given, MEAN, WIDTH)
    assert (plot.empty, plot.series) == (words, ())


@pytest.mark.parametrize(
    ("width", "title"),
    [
        (20, "scatter of the mean"),
        (39, "scatter of the batch mean"),
        (58, "scatter of the batch mean: the noise that regularises"),
    ],
)
def test_where_there_is_room_the_title_says_what_it_means(width: int, title: str) -> None:
    assert scatter_plot(figures(), None, MEAN, width).title == title


def test_a_dead_channel_is_drawn_too() -> None:
    dead = "conv 3x3 4 s2 p1, relu, bn"
    weights = {1: {"weight": np.zeros((4, 1, 3, 3)), "bias": -np.ones(4)}}
    batches = Batches.start(Network.of("dead", dead, (1, 8, 8), weights=weights), 100, 6)
    found = Figures(batches, measured(batches))
    assert not found.training.output.any()
    before, after = before_histogram(found, WIDTH), after_histogram(found, WIDTH)
    assert before.counts.sum() == after.counts.sum() == len(found.values)
    assert batches_plot(found, VARIANCE, WIDTH).series[0].y.tolist() == [0]
    assert found.how_far == "almost the same"
