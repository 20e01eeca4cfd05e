"""The words have the figures in them, and fit the width that they are given."""

from dataclasses import replace

import numpy as np
import pytest
from rich.segment import Segment

from convtui.batches import Batches, Network
from convtui.views.batchnorm_figures import Figures
from convtui.views.batchnorm_words import (
    Tone,
    controls_of,
    difference_line,
    drawn,
    formula_lines,
    hint_line,
    number,
    rule_line,
    running_lines,
    sides_lines,
    title_line,
)
from convtui.views.cells import DARK
from tests.views.batchnorms import figures, text_of

WIDTHS = [40, 58, 78, 118]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0000"),
        (-0.00001, "-1.00e-05"),
        (-1e-15, "0.0000"),
        (0.12345, "0.1235"),
        (-2.5, "-2.5000"),
        (123456.7, "1.23e+05"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_the_formula_has_the_numbers_put_in() -> None:
    found = figures()
    side, at = found.training, found.chosen
    x, first, second = map(text_of, formula_lines(found, 78))
    assert x.startswith(f"x = {number(found.values[at])}   activation {list(found.place)} of the batch")
    assert (
        f"= ({number(found.values[at])} - {number(side.mean)})/√({number(side.var)} + 1e-05)"
        f" = {number(side.normalised[at])}" in first
    )
    assert second.endswith(f"= 1.0000·{number(side.normalised[at])} + 0.0000 = {number(side.output[at])}")


def test_negative_numbers_stand_in_brackets() -> None:
    found = figures("conv 3x3 4 s2 p1, bn", channel=0)
    low = Figures(replace(found.batches.with_beta(-1.5), near=-5.0), found.measured)
    _, first, second = map(text_of, formula_lines(low, 78))
    assert "·(-" in second
    assert " + (-1.5000) = -" in second
    assert ("- (-" in first) == (low.training.mean < 0)


def test_in_evaluation_mode_the_running_statistics_are_put_in() -> None:
    found = figures(steps=1, training=False)
    _, first, _ = formula_lines(found, 118)
    assert (number(found.batches.norm.running_mean[1]), Tone.RUNNING) in first
    assert text_of(first).endswith("μ and σ² of the running")


def test_the_running_statistics_and_how_they_come_about() -> None:
    found = figures(steps=1)
    own, norm, after = found.statistics, found.batches.norm, found.after
    _, mean, variance, unbiased = map(text_of, running_lines(found, 76))
    assert mean.split() == [
        "mean",
        "μ",
        number(own.mean[1]),
        number(norm.running_mean[1]),
        f"0.9·{number(norm.running_mean[1])}",
        "+",
        f"0.1·{number(own.mean[1])}",
        number(after.running_mean[1]),
    ]
    assert variance.split() == ["variance", "σ²", number(own.var[1]), "biased:", "normalises"]
    expected = 0.9 * norm.running_var[1] + 0.1 * own.var[1] * own.count / (own.count - 1)
    assert unbiased.split()[-1] == number(expected)
    assert unbiased.split()[1] == number(own.unbiased_var[1])


def test_the_columns_are_aligned() -> None:
    for width in (58, 76):
        head, mean, _, unbiased = map(text_of, running_lines(figures(steps=1), width))
        assert len(head) == len(mean) == len(unbiased)


def test_in_evaluation_mode_they_stay() -> None:
    found = figures(steps=1, training=False)
    _, mean, variance, _ = map(text_of, running_lines(found, 76))
    assert "stays in evaluation mode" in mean
    assert variance.endswith("biased: not used")
    assert mean.split()[-1] == number(found.batches.norm.running_mean[1])


def test_the_rule_tells_momentum_from_an_optimisers() -> None:
    line = text_of(rule_line(figures(), 118))
    assert line == (
        "momentum 0.1 weighs the new value (an optimiser's the old); "
        "the running variance takes the unbiased one, n = 96"
    )


def test_momentum_none_is_a_cumulative_average() -> None:
    found = figures(steps=2, momentum=None)
    assert "momentum None, a cumulative average: batch 3 weighs 1/3" in text_of(rule_line(found, 118))
    _, mean, _, _ = map(text_of, running_lines(found, 76))
    assert "0.6667·" in mean
    assert "0.3333·" in mean


@pytest.mark.parametrize("momentum", [0.1, None])
def test_the_rule_of_evaluation_mode_is_that_nothing_changes(momentum: float | None) -> None:
    found = figures(steps=2, training=False, momentum=momentum)
    assert "the running statistics stay" in text_of(rule_line(found, 118))
    assert "weigh" not in text_of(rule_line(found, 118))


def test_both_modes_stand_side_by_side() -> None:
    found = figures(steps=1)
    head, mean, std, activation = map(text_of, sides_lines(found))
    assert head.split()[-2:] == ["▸training", "evaluation"]
    for line, of in (mean, np.mean), (std, np.std):
        assert line.split()[1:] == [
            number(float(of(side.output))) for side in (found.training, found.evaluation)
        ]
    assert activation.split()[2:] == [
        number(side.output[found.chosen]) for side in (found.training, found.evaluation)
    ]


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        (0, "no batch has been through yet: running mean 0, variance 1"),
        (1, "the running statistics have seen 1 batch"),
        (3, "the running statistics have seen 3 batches"),
    ],
)
def test_why_they_differ(steps: int, why: str) -> None:
    found = figures(steps=steps)
    line = text_of(difference_line(found, 118))
    assert line.endswith(f"{found.how_far}: y differs by {number(found.difference)} on average; {why}")


def test_a_trained_network_tells_where_its_statistics_are_from() -> None:
    found = figures()
    network = Network.of("run 1, step 30", "conv 3x3 4 s2 p1, relu, bn", (1, 8, 8), batches_tracked=30)
    batches = Batches.start(network, 100, 6)
    line = text_of(difference_line(Figures(batches, found.measured), 118))
    assert line.endswith("come from 30 batches of training")
    line = text_of(difference_line(Figures(batches.advanced(found.statistics), found.measured), 118))
    assert line.endswith("come from 30 batches of training and 1 here")


def test_a_laid_over_norm_is_said_to_be_one() -> None:
    found = figures("conv 3x3 4 s2 p1, relu, flatten")
    assert "a batch norm laid over layer 2 (relu)" in text_of(title_line(found.batches, 118))
    assert text_of(hint_line(found.batches, 118)).startswith("This network has none of its own")


def test_norms_before_are_told_of() -> None:
    deeper = figures().batches.moved_place(1)
    assert "Batch norms before it use the batch's own statistics." in text_of(hint_line(deeper, 118))
    assert "copies" in text_of(hint_line(figures().batches, 118))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("steps", [0, 1])
def test_everything_fits(width: int, steps: int) -> None:
    found = figures(steps=steps)
    said = [title_line(found.batches, width), hint_line(found.batches, width), rule_line(found, width)]
    said += [difference_line(found, width), *formula_lines(found, width), *running_lines(found, width)]
    lines = drawn(tuple(said), (len(said), width), DARK)
    assert all(Segment.get_line_length(line) <= width for line in lines)
    if width >= 58:
        assert not any("…" in segment.text for line in lines for segment in line)


def test_what_does_not_fit_is_cut_with_a_sign() -> None:
    (line,) = drawn(((("a long line", Tone.TEXT),),), (1, 6), DARK)
    assert "".join(segment.text for segment in line) == "a lon…"


def test_the_controls_show_the_settings() -> None:
    batches = figures(momentum=None, training=False).batches.with_gamma(0.3)
    values = {item.name: item.value for item in controls_of(batches, "seed 0")}
    assert values == {
        "layer": "3",
        "channel": "1/4",
        "gamma": "0.3",
        "beta": "0",
        "size": "6",
        "momentum": "None",
        "mode": "eval",
        "weights": "seed 0",
    }
