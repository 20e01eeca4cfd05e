"""The plots of the Train page: what they show, and axes that stay where they are."""

from dataclasses import replace

import numpy as np
import pytest

from convtui.pages.train.figures import Curves, FinderView, LayersView, Times
from convtui.pages.train.panes import TrainPanes
from convtui.pages.train.plots import (
    accuracy_plot,
    finder_plot,
    gradient_plot,
    layer_plot,
    loss_plot,
    marked,
    momentum_plot,
    rate_plot,
    update_plot,
    value_plot,
)
from convtui.paint.colours import DARK
from convtui.paint.plots import MARKERS, Stroke, plot_lines
from tests.support.lines import texts
from tests.support.train_views import (
    LAYERS,
    TOTAL,
    band,
    curves,
    history,
    schedule,
    status,
    trace,
    views,
)


def test_a_single_run_has_its_raw_and_smoothed_loss_and_the_validation() -> None:
    run = curves()
    plot = loss_plot([run])
    level, raw, smooth, validation = plot.series
    assert level.name == "guessing 2.30"
    assert (raw.stroke, smooth.stroke, validation.stroke) == (Stroke.FAINT, Stroke.THICK, Stroke.POINTS)
    assert raw.y is run.losses
    assert smooth.y is run.smooth
    np.testing.assert_array_equal(validation.x, [78, 156, 234])
    assert plot.title == f"training loss, smoothed {run.smooth[-1]:.3f}"


def test_overlaid_runs_have_markers_and_the_last_lies_on_top() -> None:
    plot = loss_plot([curves("a", 2), curves("b", 0)])
    _, first, last = plot.series
    assert (first.name, first.marker) == ("a", MARKERS[2])
    assert (last.name, last.marker, last.stroke) == ("b", MARKERS[0], Stroke.THICK)


def test_the_axes_of_the_losses_stand_still_while_a_run_goes_on() -> None:
    plots = [loss_plot([curves(step=step)]) for step in (1, 100, 390)]
    assert {(plot.x_range, plot.y_range) for plot in plots} == {((0, TOTAL), (0.0, 3.0))}
    wild = curves()
    plot = loss_plot([replace(wild, losses=wild.losses * 1e9, smooth=wild.smooth * np.nan)])
    assert plot.y_range == (0.0, 3.0)
    assert plot.title == "loss"


def test_a_logarithmic_axis_reaches_down_to_the_losses_in_round_steps() -> None:
    assert loss_plot([curves()], is_log=True).y_range == (0.05, 3.0)
    assert loss_plot([curves(final=0.003)], is_log=True).y_range == (0.005, 3.0)
    assert loss_plot([curves(step=1)], is_log=True).y_range == (0.1, 3.0)


@pytest.mark.parametrize(
    ("accuracies", "lowest"), [([0.95, 0.99], 90), ([0.85], 80), ([0.6, 0.99], 50), ([0.1], 0), ([], 0)]
)
def test_accuracies_are_percentages_on_an_axis_that_makes_room_for_them(
    accuracies: list[float], lowest: int
) -> None:
    found = np.array(accuracies)
    run = replace(curves(), accuracies=found, epochs=np.arange(1.0, len(found) + 1))
    plot = accuracy_plot([run])
    assert plot.y_range == (lowest, 100)
    assert plot.x_range == (0, 5)
    np.testing.assert_allclose(plot.series[0].y, found * 100)
    assert plot.title == (f"accuracy {found[-1]:.1%}" if len(found) else "accuracy, %")


def test_each_of_a_few_epochs_is_marked() -> None:
    plot = accuracy_plot([curves("a", 2), curves("b", 0)])
    marked = [series for series in plot.series if series.stroke is Stroke.POINTS]
    assert [(each.marker, len(each.x)) for each in marked] == [(MARKERS[2], 3), (MARKERS[0], 3)]
    assert all(not each.marker for each in plot.series if each not in marked)
    many = accuracy_plot([replace(curves(), total_epochs=30)])
    assert [series.stroke for series in many.series] == [Stroke.LINE]


def test_the_present_point_moves_on_schedules_known_in_advance() -> None:
    before, now = schedule(0), schedule(100)
    for plot_of in (rate_plot, momentum_plot):
        assert plot_of(before).marks == ()
        (mark,) = plot_of(now).marks
        series = plot_of(now).series[0]
        assert (mark.x, mark.y) == (100, series.y[99])
        assert len(series.x) == TOTAL
        assert plot_of(before).y_range == plot_of(now).y_range
    assert "0.0429" in rate_plot(now).title
    assert momentum_plot(now).title.startswith("momentum (beta1) 0.87")
    assert momentum_plot(replace(now, momentum_name="momentum")).title.startswith("momentum 0.87")


def test_a_schedule_that_is_not_known_yet_is_empty() -> None:
    empty = replace(schedule(0), lrs=np.zeros(0), momenta=np.zeros(0))
    assert rate_plot(empty).x_range == momentum_plot(empty).x_range == (0, 1)


def test_the_finder_marks_the_suggestion_and_the_present_rate() -> None:
    view = views()["finder"]
    plot = finder_plot(view)  # type: ignore[arg-type]
    assert [(mark.x, mark.label) for mark in plot.marks] == [
        (0.06, "now 0.06"),
        (0.0123, "steepest 0.0123"),
        (0.045, "minimum/10 0.045"),
        (0.02, "valley 0.02"),
    ]
    assert plot.log_x
    assert len(finder_plot(views()["no tries"]).marks) == 1  # type: ignore[arg-type]


def test_the_curve_of_a_search_fills_its_axes() -> None:
    lrs = np.geomspace(1e-6, 1, 80)
    smooth = np.concatenate([np.linspace(2.4, 2.1, 75), [2.5, 3, 4, 6, 9]])
    running = FinderView(status(), lrs, smooth, smooth, 0.06)
    over = replace(running, status=status(state="finished"))
    assert finder_plot(over).y_range == (2.1, 2.4)
    assert finder_plot(over).x_range == (lrs[0], lrs[-1])
    assert finder_plot(replace(over, present=5.0)).x_range == (1e-6, 5.0)
    assert finder_plot(running).x_range == (1e-6, 10.0)


def test_the_key_for_a_logarithmic_scale_says_so() -> None:
    assert loss_plot([curves()]).hint == "y logarithmic scale"
    assert loss_plot([curves()], is_log=True).hint == "y linear scale"


def test_the_selected_layer_lies_over_the_others() -> None:
    view = LayersView(status(), LAYERS, 2, band(), history())
    plot = layer_plot("weight norms", view, view.history.weight_norms)
    assert [series.name for series in plot.series] == ["the others", "", "", "", "layer 5"]
    np.testing.assert_array_equal(plot.series[-1].y, view.history.weight_norms[:, 2])
    first = layer_plot("weight norms", replace(view, selected=0), view.history.weight_norms)
    assert [series.name for series in first.series] == ["the others", "", "", "", "layer 1"]


def test_a_buffer_of_sgd_is_drawn_as_an_average() -> None:
    shown = trace()
    gradients, buffers = gradient_plot(shown, "sgd", (0, TOTAL)).series
    assert gradients.y is shown.gradients
    np.testing.assert_allclose(buffers.y, shown.buffers * 0.1)
    assert buffers.name == "(1 − μ)·buffer"
    assert gradient_plot(shown, "adamw", (0, TOTAL)).series[1].y is shown.buffers


def test_a_few_large_gradients_do_not_press_the_others_flat() -> None:
    shown = trace()
    gradients = shown.gradients.copy()
    gradients[:2] = 9
    plot = gradient_plot(replace(shown, gradients=gradients), "adamw", (0, TOTAL))
    assert plot.y_range == (-0.1, 0.1)


def test_a_weight_and_its_updates_are_drawn_over_all_steps() -> None:
    shown = trace()
    assert value_plot(shown, (0, TOTAL)).series[0].y is shown.after
    assert update_plot(shown, (0, TOTAL)).series[0].y is shown.updates
    assert value_plot(shown, (0, TOTAL)).x_range == (0, TOTAL)


def test_guessing_is_the_last_runs_and_no_line_without_a_run() -> None:
    few = replace(curves("b"), guessing=0.6931)
    plot = loss_plot([curves("a"), few])
    assert plot.series[0].name == "guessing 0.69"
    assert plot.y_range == (0.0, 3.0)
    assert loss_plot([]).series == ()


def ending(accuracies: list[float], colour: int) -> Curves:
    found = np.array(accuracies)
    return replace(curves(colour=colour), accuracies=found, epochs=np.arange(1.0, len(found) + 1))


def test_a_comparison_shows_where_every_run_ends() -> None:
    learned = [ending([0.4, 0.953], 1), ending([0.9, 0.96], 2), ending([0.95, 0.986], 3)]
    stuck = ending([0.1, 0.1], 0)
    assert accuracy_plot([stuck, *learned]).y_range == (0, 100)
    assert accuracy_plot(learned).y_range == (95, 100)
    assert accuracy_plot([ending([0.1, 0.82], 0), *learned]).y_range == (80, 100)
    assert accuracy_plot([stuck, stuck]).y_range == (0, 100)
    lost = replace(stuck, losses=stuck.losses * np.nan, accuracies=stuck.accuracies * np.nan)
    assert accuracy_plot([lost]).empty == "none: the loss is not finite"
    assert accuracy_plot([stuck]).empty == "after the first epoch"
    assert accuracy_plot([stuck, replace(stuck, accuracies=np.array([np.nan, np.nan]))]).y_range == (0, 100)
    lines = texts(plot_lines(accuracy_plot([stuck, *learned]), (10, 50), DARK))
    assert not any("below" in line for line in lines)
    told = "".join(lines[1:])
    assert all(marker in told for marker in "●▲■◆")


def test_validation_has_a_marker_that_no_run_has() -> None:
    (validation,) = [each for each in loss_plot([curves()]).series if each.name == "validation set"]
    assert validation.marker not in MARKERS
    assert {each.marker for each in accuracy_plot([curves()]).series} == {"", validation.marker}


def test_a_curve_without_a_colour_of_its_own_has_no_marker() -> None:
    plot = loss_plot([curves("a", 0), replace(curves("b"), colour=None)])
    assert (plot.series[-1].colour, plot.series[-1].marker) == (None, "")
    assert loss_plot([replace(curves("b"), colour=None)]).series[-2].colour == 0


@pytest.mark.parametrize("name", ["no layers", "no tries", "no weight", "no runs"])
def test_a_plot_of_nothing_has_no_axes(name: str) -> None:
    panes = TrainPanes()
    placed = panes.show(views()[name], (38, 120), DARK)
    assert placed
    for pane in placed.values():
        text = "".join(segment.text for y in range(pane.region.height) for segment in pane.line(y))
        assert not set(text) & set("┤└┬")


def test_the_gap_between_training_and_validation_is_told_of_a_run_on_its_own() -> None:
    run = curves()
    known = replace(
        run, accuracies=np.array([0.9, 0.95, 0.96]), train_accuracies=np.array([0.9, 0.97, 0.991])
    )
    plot = accuracy_plot([known])
    assert plot.title == "accuracy 96.0%, gap 3.1"
    assert plot.series[0].name == "training 99.1%"
    np.testing.assert_allclose(plot.series[0].y, [90, 97, 99.1])
    assert accuracy_plot([replace(known, train_accuracies=known.accuracies - 0.01)]).title.endswith(
        "gap −1.0"
    )
    both = accuracy_plot([run, known])
    assert (both.title, len(both.series)) == ("accuracy, %", 4)
    assert accuracy_plot([replace(known, train_accuracies=np.full(3, np.nan))]).title == "accuracy 96.0%"


def test_phases_and_the_step_looked_back_at_are_marked_on_steps_and_epochs() -> None:
    times = Times(97.5, 156, 78)
    peak, looked = marked(loss_plot([curves()]), times).marks
    assert (peak.x, peak.left_label, peak.label, peak.is_faint) == (97.5, "warm-up", "annealing", True)
    assert (looked.x, looked.label, looked.is_faint) == (156, "step 156", False)
    assert [mark.x for mark in marked(accuracy_plot([curves()]), times).marks] == [97.5 / 78, 2]
    assert marked(loss_plot([curves()]), Times()).marks == ()


def test_titles_have_the_figures_of_the_step_looked_back_at() -> None:
    run = replace(curves(), train_accuracies=np.array([0.95, 0.97, 0.99]))
    assert loss_plot([run], looked=100).title == f"training loss, smoothed {run.smooth[99]:.3f}"
    assert accuracy_plot([run], looked=160).title.startswith("accuracy 95.0%, gap 2.0")
    assert accuracy_plot([run], looked=160).series[0].name == "training 97.0%"
    assert accuracy_plot([run], looked=77).title == "accuracy, %"
    assert accuracy_plot([run], looked=77).series[0].name == "training"


def test_the_words_of_the_phases_hide_nothing() -> None:
    plot = marked(rate_plot(schedule()), Times(97.5))
    wide, narrow = (texts(plot_lines(plot, size, DARK)) for size in ((10, 70), (10, 30)))
    (words,) = [line for line in wide if "warm-up" in line]
    assert "warm-up ┊ annealing" in words
    bare = texts(plot_lines(rate_plot(schedule()), (10, 70), DARK))[wide.index(words)]
    start = words.index("warm-up")
    assert {*bare[start : start + len("warm-up ┊ annealing")]} <= {" ", "┈"}
    assert not any("warm-up" in line or "annealing" in line for line in narrow)
    assert any("┊" in line for line in narrow)


def test_since_when_a_single_run_has_no_finite_loss_is_in_its_title() -> None:
    run = curves()
    for lost, words in ((0, "since step 1"), (37, "since step 38")):
        losses = run.losses.copy()
        losses[lost:] = np.nan
        title = loss_plot([replace(run, losses=losses)]).title
        assert title == f"training loss, not finite {words}"
