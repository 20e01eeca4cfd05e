"""The pictures are of the figures."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from convtui.engine.spec import Floats
from convtui.pages.batchnorm.figures import Figures
from convtui.pages.batchnorm.plots import (
    Statistic,
    after_histogram,
    batches_plot,
    before_histogram,
    spread_of_one_image,
    spread_plot,
    standard_error,
)
from convtui.paint.histogram import Histogram
from convtui.state.batch_measurement import NormInput, SpreadBySize
from convtui.state.batchnorm import BatchNormSession
from convtui.state.batchnorm_network import Network
from tests.support.batchnorms import figures, measured

WIDTH = 45


def binned(values: Floats, histogram: Histogram) -> list[int]:
    """Counted by hand, those beyond in the outermost bins."""
    edges = np.linspace(histogram.low, histogram.high, WIDTH - 4)[1:-1]
    counts: list[int] = np.bincount(np.searchsorted(edges, values, "right"), minlength=WIDTH - 5).tolist()
    return counts


def test_the_histogram_before_counts_all_activations() -> None:
    found = figures()
    histogram = before_histogram(found, WIDTH)
    assert histogram.counts.tolist() == binned(found.values, histogram)
    assert histogram.counts.sum() == len(found.values)
    beyond = [(found.values < histogram.low).mean(), (found.values > histogram.high).mean()]
    assert histogram.beyond == pytest.approx((100 * beyond[0], 100 * beyond[1]))
    assert beyond[1] > 0
    mean, low, high = (mark.x for mark in histogram.marks)
    assert mean == pytest.approx(found.values.mean())
    assert (high - low) / 2 == pytest.approx(found.values.std())


@pytest.mark.parametrize("training", [True, False])
def test_the_histogram_after_has_the_other_mode_as_its_outline(training: bool) -> None:
    found = figures(training=training)
    histogram = after_histogram(found, WIDTH)
    names = [histogram.name, histogram.outline_name]
    assert names == (["training", "evaluation"] if training else ["evaluation", "training"])
    for counts, beyond, side in (
        (histogram.counts, histogram.beyond, found.present),
        (histogram.outline, histogram.outline_beyond, found.other),
    ):
        assert counts is not None
        assert counts.tolist() == binned(side.output, histogram)
        assert beyond[1] == pytest.approx(100 * (side.output > histogram.high).mean())


@pytest.mark.parametrize("layer", [0, 1])
def test_the_axes_stay_from_one_mini_batch_to_the_next_and_from_mode_to_mode(layer: int) -> None:
    axes = set()
    for steps in range(6):
        for training in (True, False):
            found = figures(steps=steps, layer=layer, training=training)
            for histogram in before_histogram(found, WIDTH), after_histogram(found, WIDTH):
                axes.add((histogram.title[0], histogram.low, histogram.high, histogram.top))
    assert len(axes) == 2


def test_few_values_make_no_axis_longer() -> None:
    found = figures()
    values = found.measurement.reference.values.copy()
    values[0, 1, 0, 0] = 1000.0
    measured = replace(found.measurement, reference=NormInput.of(values))
    assert before_histogram(Figures(found.session, measured), WIDTH).high < 5


def test_the_axis_after_follows_gamma_and_beta_and_stays_while_they_change_a_little() -> None:
    found = figures()
    seen = []
    for gamma in np.arange(1.0, 3.0, 0.1):
        session = found.session.with_gamma(gamma)
        histogram = after_histogram(Figures(session, found.measurement), WIDTH)
        q = np.quantile(found.measurement.reference.values[:, 1], 0.98)
        needed = gamma * (q - found.reference.mean) / np.sqrt(found.reference.var + 1e-5)
        assert needed <= histogram.high <= 1.51 * needed
        seen.append((histogram.low, histogram.high))
    assert len(set(seen)) <= 8
    shifted = after_histogram(Figures(found.session.with_gamma(-1).with_beta(-20), found.measurement), WIDTH)
    assert shifted.low <= -20
    assert shifted.beyond[0] < 5


def test_a_channel_without_spread_has_only_a_mean() -> None:
    found = figures()
    still = Figures(found.session.with_gamma(0), found.measurement)
    assert [mark.label for mark in after_histogram(still, WIDTH).marks] == ["μ"]


@pytest.mark.parametrize("statistic", [Statistic.MEAN, Statistic.VARIANCE])
def test_statistics_batch_by_batch(statistic: Statistic) -> None:
    found = figures(steps=2)
    own, running = batches_plot(found, statistic, WIDTH).series
    assert own.x.tolist() == [1, 2, 3]
    assert running.x.tolist() == [0, 1, 2, 3]
    after = found.after.running_mean if statistic is Statistic.MEAN else found.after.running_var
    this = found.statistics.mean if statistic is Statistic.MEAN else found.statistics.unbiased_var
    assert (own.y[-1], running.y[-1]) == (this[1], after[1])
    assert running.y[0] == (0 if statistic is Statistic.MEAN else 1)
    np.testing.assert_allclose(np.diff(running.y), 0.1 * (own.y - running.y[:-1]))


def by_size(spread: list[float]) -> SpreadBySize:
    values = np.tile(np.array(spread)[:, None], (1, 4))
    return SpreadBySize((2, 8, 32), values, 2 * values, 32, 100)


def test_the_standard_error_is_found() -> None:
    sizes = np.array([2.0, 8, 32])
    assert spread_of_one_image(sizes, 3 * standard_error(sizes, 100), 100) == pytest.approx(3)
    one_size = np.array([0.0, 3 * standard_error(sizes, 100)[1], 0])
    assert spread_of_one_image(sizes, one_size, 100) == pytest.approx(3)


def test_the_standard_error_is_that_of_draws_without_repeats() -> None:
    """The mean of n of N numbers, over all ways to choose them, by itertools."""
    numbers = np.array([3.0, 1, 4, 1, 5, 9, 2, 6])
    for size in range(1, 9):
        means = [np.mean(chosen) for chosen in combinations(numbers, size)]
        expected = numbers.std(ddof=1) * standard_error(np.array([float(size)]), 8)[0]
        assert np.std(means) == pytest.approx(expected)


def test_the_spread_with_its_line_and_the_present_size() -> None:
    spread = (0.4 * standard_error(np.array([2.0, 8, 32]), 100)).tolist()
    plot = spread_plot(figures(), by_size(spread), Statistic.MEAN, WIDTH)
    line, points = plot.series
    np.testing.assert_allclose(points.y, spread)
    np.testing.assert_allclose(line.y, 0.4 * standard_error(line.x, 100))
    assert (line.y > 0).all()
    assert line.x.max() <= 100
    (mark,) = plot.marks
    assert (mark.x, mark.label) == (6, f"6: about ±{0.4 * np.sqrt((1 - 6 / 100) / 6):.3f}")
    _, points = spread_plot(figures(), by_size(spread), Statistic.VARIANCE, WIDTH).series
    np.testing.assert_allclose(points.y, 2 * np.array(spread))


def test_a_mini_batch_of_all_images_has_no_spread() -> None:
    found = figures()
    every = Figures(found.session.with_batch_size(100), found.measurement)
    spread = (0.4 * standard_error(np.array([2.0, 8, 32]), 100)).tolist()
    plot = spread_plot(every, by_size(spread), Statistic.MEAN, WIDTH)
    assert plot.marks[0].label == "100: about ±0"


@pytest.mark.parametrize(
    ("width", "law"), [(58, "1 image's spread/√size·√(1-size/100)"), (38, "1 image's spread/√size")]
)
def test_the_legend_says_what_the_line_is(width: int, law: str) -> None:
    plot = spread_plot(figures(), by_size([0.4, 0.2, 0.1]), Statistic.MEAN, width)
    assert [series.name for series in plot.series] == [law, "32 draws"]


def test_a_mean_that_another_norm_fixes_is_told_of() -> None:
    values = np.ones((3, 4))
    fixed = SpreadBySize((2, 8, 32), 0 * values, values, 32, 100)
    after = figures("conv 3x3 4 s2 p1, bn, conv 1x1 4, bn, flatten", layer=1)
    assert after.training.values.std() > 0
    plot = spread_plot(after, fixed, Statistic.MEAN, WIDTH)
    assert plot.empty == "no spread: the batch norm before it fixes this mean"
    assert spread_plot(figures(), fixed, Statistic.VARIANCE, WIDTH).series


def test_without_a_norm_before_none_is_said_to_fix_a_statistic() -> None:
    values = np.ones((3, 4))
    fixed = SpreadBySize((2, 8, 32), 0 * values, 0 * values, 32, 100)
    for statistic in Statistic:
        plot = spread_plot(figures(), fixed, statistic, WIDTH)
        assert plot.empty == f"no spread: all mini-batches have the same {statistic.value}"
    found = figures()
    black = NormInput.of(np.zeros((8, 4, 4, 4)))
    dead = Figures(found.session, replace(found.measurement, reference=black))
    plot = spread_plot(dead, fixed, Statistic.MEAN, WIDTH)
    assert plot.empty == "no spread: all images give the same value"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "drawing mini-batches of every size …"),
        (by_size([0, 0, 0]), "no spread: all mini-batches have the same mean"),
    ],
)
def test_without_a_spread_a_word(given: SpreadBySize | None, words: str) -> None:
    plot = spread_plot(figures(), given, Statistic.MEAN, WIDTH)
    assert (plot.empty, plot.series) == (words, ())


@pytest.mark.parametrize(
    ("width", "title"),
    [
        (20, "spread of the mean"),
        (39, "spread of the batch mean"),
        (58, "spread of the batch mean: noise that regularises"),
    ],
)
def test_where_there_is_room_the_title_says_what_it_means(width: int, title: str) -> None:
    assert spread_plot(figures(), None, Statistic.MEAN, width).title == title


def test_a_dead_channel_is_drawn_too() -> None:
    dead = "conv 3x3 4 s2 p1, relu, bn"
    weights = {1: {"weight": np.zeros((4, 1, 3, 3)), "bias": -np.ones(4)}}
    session = BatchNormSession.start(Network.of("dead", dead, (1, 8, 8), weights=weights), 100, 6)
    found = Figures(session, measured(session))
    assert not found.training.output.any()
    before, after = before_histogram(found, WIDTH), after_histogram(found, WIDTH)
    assert before.counts.sum() == after.counts.sum() == len(found.values)
    assert batches_plot(found, Statistic.VARIANCE, WIDTH).series[0].y.tolist() == [0]
    assert found.difference_words == "almost the same"
