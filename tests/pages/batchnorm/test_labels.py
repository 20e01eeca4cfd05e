"""The words have the figures in them, and fit the width that they are given."""

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.segment import Segment

from convtui.engine.norms import NORM_KINDS, NormKind
from convtui.pages.batchnorm.figures import Figures
from convtui.pages.batchnorm.labels import (
    controls_of,
    difference_line,
    formula_lines,
    hint_line,
    modes_lines,
    norms_lines,
    number,
    rule_line,
    running_lines,
    shared_line,
    title_line,
)
from convtui.pages.batchnorm.styled_text import StyledLine, Tone, draw_text
from convtui.paint.colours import DARK
from convtui.paint.controls import controls_line
from convtui.state.batch_measurement import NormInput
from convtui.state.batchnorm import BatchNormSession
from convtui.state.batchnorm_network import Network
from tests.support.batchnorms import LAYERS, figures, text_of
from tests.support.equations_read import unit_of

WIDTHS = [40, 58, 78, 118]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0000"),
        (-0.00001, "-1.000e-05"),
        (-1e-15, "0.0000"),
        (0.12346, "0.1235"),
        (0.09794, "0.09794"),
        (0.0028454, "0.002845"),
        (0.00028454, "2.845e-04"),
        (-2.5, "-2.5000"),
        (123456.7, "123456.7"),
        (12345678.9, "1.235e+07"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def scaled_figures(scale: float, shift: float, **norm: Any) -> Figures:
    """Those of a mini-batch whose values are so much larger, and so far from zero."""
    found = figures(steps=1, **norm)
    x = NormInput.of(scale * (found.measurement.training.values + shift))
    return Figures(found.session, replace(found.measurement, training=x, evaluation=x))


def unbracketed(text: str) -> str:
    return re.sub(r"\((-[^ ()]+)\)", r"\1", text)


def gives(comes_to: float, shown: str) -> bool:
    """Whether numbers come to what is shown, rounded to its last digit."""
    return abs(Decimal(comes_to) - Decimal(shown)) <= unit_of(Decimal(shown)) * Decimal("0.5000001")


sizes = st.sampled_from([1e-6, 1e-3, 0.02, 1.0, 37.0, 1e4, 1e6, 3e8])


@settings(max_examples=100, deadline=None)
@given(sizes, st.floats(0.5, 2), st.sampled_from([-40.0, -3.0, 0.0, 0.3, 5.0, 1000.0]), st.booleans())
def test_the_equation_holds_with_the_numbers_that_are_shown(
    size: float, scale: float, shift: float, training: bool
) -> None:
    at = scaled_figures(size * scale, shift, training=training)
    x, first, _ = map(text_of, formula_lines(at, 118))
    match = re.search(r"= \((\S+) - (\S+)\)/√\((\S+) \+ 1e-05\) ([=≈]) (\S+)", unbracketed(first))
    assert match
    value, mean, var = map(float, match.groups()[:3])
    assert x.startswith(f"x = {match[1]} ")
    assert match[4] == "="
    assert gives((value - mean) / np.sqrt(var + 1e-5), match[5])
    assert ("e" in match[1]) == ("e" in match[2]) or not mean or not value, "one precision for both"


@settings(max_examples=100, deadline=None)
@given(sizes, st.floats(-3, 3), st.floats(-3, 3), st.booleans())
def test_scale_and_shift_give_the_output_that_is_shown(
    size: float, gamma: float, beta: float, training: bool
) -> None:
    at = scaled_figures(size, 0.3, training=training)
    at = Figures(at.session.with_gamma(gamma).with_beta(beta), at.measurement)
    *_, second = map(text_of, formula_lines(at, 118))
    match = re.search(r"= (\S+)·(\S+) \+ (\S+) ([=≈]) (\S+)", unbracketed(second))
    assert match
    factor, normal, shift = map(float, match.groups()[:3])
    assert match[4] == "="
    assert gives(factor * normal + shift, match[5])


@settings(max_examples=100, deadline=None)
@given(sizes, sizes, st.sampled_from([0.1, 0.01, 0.3, 0.12345, 1.0, None]), st.integers(0, 30))
def test_the_update_gives_the_new_running_statistics_that_are_shown(
    size: float, before: float, momentum: float | None, tracked: int
) -> None:
    norm = {"running_mean": np.full(4, -1.2345 * before), "running_var": np.full(4, 1.2345 * before**2)}
    at = scaled_figures(size, 0.3, momentum=momentum, num_batches_tracked=tracked, **norm)
    for line in (running_lines(at, 76)[1], running_lines(at, 76)[3]):
        update, after = line[3][0].strip(), line[4][0].strip()
        if "running" in update or "average" in update:
            continue
        if update.startswith("≈"):
            assert update.endswith(" (rounded)")
        else:
            assert gives(computed(update), after), update


def computed(update: str) -> float:
    """What the numbers of an update come to."""
    text = update.replace("·", "*")
    assert re.fullmatch(r"[-+*/().e\d ]+", text), update
    return float(eval(text))


def test_the_formula_has_the_numbers_put_in() -> None:
    found = figures()
    side, at = found.training, found.chosen
    x, first, second = map(text_of, formula_lines(found, 78))
    value, mean, var = (f"{each:.5f}" for each in (found.values[at], side.mean, side.var))
    assert x.startswith(f"x = {value}   activation {list(found.chosen_index)} of the mini-batch")
    assert f"= ({value} - {mean})/√({var} + 1e-05) = {number(side.normalised[at])}" in first
    assert second.endswith(f"= 1.0000·{number(side.normalised[at])} + 0.0000 = {number(side.output[at])}")


def test_negative_numbers_stand_in_brackets() -> None:
    found = figures("conv 3x3 4 s2 p1, bn", channel=0)
    low = Figures(replace(found.session.with_beta(-1.5), chosen_value=-5.0), found.measurement)
    _, first, second = map(text_of, formula_lines(low, 78))
    assert "·(-" in second
    assert " + (-1.5000) = -" in second
    assert ("- (-" in first) == (low.training.mean < 0)


def test_in_evaluation_mode_the_running_statistics_are_put_in() -> None:
    found = figures(steps=1, training=False)
    _, first, _ = formula_lines(found, 118)
    assert (f"{found.session.norm.running_mean[1]:.5f}", Tone.RUNNING) in first
    assert text_of(first).endswith("μ and σ²: running statistics")
    assert text_of(formula_lines(figures(), 118)[1]).endswith("μ and σ²: batch statistics")


def test_the_running_statistics_and_how_they_come_about() -> None:
    found = figures(steps=1)
    own, norm, after = found.statistics, found.session.norm, found.after
    _, mean, variance, unbiased = map(text_of, running_lines(found, 76))
    assert mean.split() == [
        "mean",
        "μ",
        number(own.mean[1]),
        number(norm.running_mean[1]),
        f"0.9·{norm.running_mean[1]:.4f}",
        "+",
        f"0.1·{number(own.mean[1])}",
        number(after.running_mean[1]),
    ]
    assert variance.split() == ["variance", "σ²", number(own.var[1]), "biased:", "normalises", "x"]
    expected = 0.9 * norm.running_var[1] + 0.1 * own.var[1] * own.count / (own.count - 1)
    assert unbiased.split()[-1] == number(expected)
    assert unbiased.split()[1] == number(own.unbiased_var[1])


def test_the_columns_are_aligned_at_the_point() -> None:
    for width in (58, 76):
        for steps in (0, 1):
            head, mean, _, unbiased = map(text_of, running_lines(figures(steps=steps), width))
            assert len(head) == len(mean) == len(unbiased) <= width
            points = [[at for at, char in enumerate(line) if char == "."] for line in (mean, unbiased)]
            assert points[0][0] == points[1][0]
            assert points[0][-1] == points[1][-1]


@pytest.mark.parametrize("momentum", [0.1, 0.01, 1.0, None])
@pytest.mark.parametrize("scale", [1.0, -1.0, 0.01, -0.01, -3e3, -1e-5])
@pytest.mark.parametrize("tracked", [0, 392, 19_999])
def test_the_result_of_the_running_statistics_is_never_cut(
    momentum: float | None, scale: float, tracked: int
) -> None:
    found = figures(steps=1, momentum=momentum, num_batches_tracked=tracked)
    x = NormInput.of(scale * found.measurement.training.values)
    session = found.session.with_norm(running_mean=scale * found.session.norm.running_mean)
    at = Figures(session, replace(found.measurement, training=x, evaluation=x))
    for width in (58, 76):
        _, mean, _, unbiased = map(text_of, running_lines(at, width))
        assert len(mean) == len(unbiased) == (76 if width == 76 else 48)
        for line, values in (mean, at.after.running_mean), (unbiased, at.after.running_var):
            assert line.split()[-1] == number(values[1])


@pytest.mark.parametrize(
    ("momentum", "running", "batch", "text"),
    [
        (0.1, -0.5988, -0.1522, "-0.9·0.5988 - 0.1·0.1522"),
        (0.1, 0.5988, 0.1522, "0.9·0.5988 + 0.1·0.1522"),
        (None, -0.5988, -0.1522, "(-392·0.5988 - 0.1522)/393"),
        (None, 0.5988, 0.1522, "(392·0.5988 + 0.1522)/393"),
    ],
)
def test_the_sums_with_their_signs(momentum: float | None, running: float, batch: float, text: str) -> None:
    found = figures(momentum=momentum, num_batches_tracked=392, running_mean=np.full(4, running))
    shift = batch - found.statistics.mean[1]
    x = NormInput.of(found.measurement.training.values + shift)
    at = Figures(found.session, replace(found.measurement, training=x, evaluation=x))
    assert f" {text} " in text_of(running_lines(at, 76)[1])


def test_in_evaluation_mode_they_stay() -> None:
    found = figures(steps=1, training=False)
    _, mean, variance, _ = map(text_of, running_lines(found, 76))
    assert "unchanged in evaluation mode" in mean
    assert variance.endswith("biased: not used")
    assert mean.split()[-1] == number(found.session.norm.running_mean[1])


def test_the_rule_tells_momentum_from_an_optimisers() -> None:
    line = text_of(rule_line(figures(), 118))
    assert line == (
        "momentum 0.1 weights the new value (in an optimiser, the old one); "
        "the running variance is unbiased, n = 96"
    )


def test_momentum_none_is_a_cumulative_average() -> None:
    found = figures(steps=2, momentum=None)
    rule = text_of(rule_line(found, 118))
    assert "momentum None: mini-batch 3 has weight 1/3 (a cumulative average)" in rule
    _, mean, _, _ = map(text_of, running_lines(found, 76))
    after = number(found.after.running_mean[1])
    assert mean.split()[-2:] == [f"{number(found.statistics.mean[1])})/3", after]
    assert f"(2·{number(found.session.norm.running_mean[1])} + " in mean


@pytest.mark.parametrize("momentum", [0.1, None])
def test_the_rule_of_evaluation_mode_is_that_nothing_changes(momentum: float | None) -> None:
    found = figures(steps=2, training=False, momentum=momentum)
    assert "does not change the running statistics" in text_of(rule_line(found, 118))
    assert "weight" not in text_of(rule_line(found, 118))


def test_both_modes_stand_side_by_side() -> None:
    found = figures(steps=1)
    head, mean, std, activation = map(text_of, modes_lines(found))
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
        (0, "no mini-batch yet: running mean 0, variance 1"),
        (1, "running statistics of 1 mini-batch"),
        (3, "running statistics of 3 mini-batches"),
    ],
)
def test_why_they_differ(steps: int, why: str) -> None:
    found = figures(steps=steps)
    line = text_of(difference_line(found, 118))
    by = f"{number(found.difference)} on average; {why}"
    assert line == f"Training and evaluation are {found.difference_words}: y differs by {by}"


@pytest.mark.parametrize("width", [58, 78, 118])
@pytest.mark.parametrize("steps", [0, 2])
@pytest.mark.parametrize("tracked", [0, 110])
def test_the_difference_names_what_differs_at_every_width(width: int, steps: int, tracked: int) -> None:
    found = figures(steps=steps)
    network = Network.of("run 1, step 30", "conv 3x3 4 s2 p1, relu, bn", (1, 8, 8), batches_tracked=tracked)
    line = text_of(
        difference_line(Figures(replace(found.session, network=network), found.measurement), width)
    )
    assert line.startswith("Training and evaluation ")
    assert number(found.difference) in line


def test_a_trained_network_tells_where_its_statistics_are_from() -> None:
    found = figures()
    network = Network.of("run 1, step 30", "conv 3x3 4 s2 p1, relu, bn", (1, 8, 8), batches_tracked=30)
    session = BatchNormSession.start(network, 100, 6)
    line = text_of(difference_line(Figures(session, found.measurement), 118))
    assert line.endswith("; running statistics of 30 mini-batches in training")
    line = text_of(difference_line(Figures(session.advanced(found.statistics), found.measurement), 118))
    assert line.endswith("; running statistics of 30 mini-batches in training and 1 here")


def test_the_images_are_said_to_be_shuffled_and_one_is_no_range() -> None:
    session = figures().session
    assert text_of(title_line(session, 118)).endswith(
        "mini-batch 1: images 1 to 6 of 100 (shuffled), epoch 1"
    )
    one = session.with_batch_size(1)
    assert text_of(title_line(one, 118)).endswith("mini-batch 1: image 1 of 100 (shuffled), epoch 1")
    assert text_of(title_line(one, 44)).endswith("mini-batch 1: 1 image")


def test_an_added_norm_is_said_to_be_one() -> None:
    found = figures("conv 3x3 4 s2 p1, relu, flatten")
    assert "a batch norm added after layer 2 (relu)" in text_of(title_line(found.session, 118))
    assert text_of(hint_line(found.session, 118)).startswith("This network has no batch norm: one is added.")


def test_norms_before_are_told_of() -> None:
    deeper = figures().session.moved_layer(1)
    assert "The batch norms before it are in the same mode." in text_of(hint_line(deeper, 118))
    assert "copy" in text_of(hint_line(figures().session, 118))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("steps", [0, 1])
def test_everything_fits(width: int, steps: int) -> None:
    found = figures(steps=steps)
    said = [title_line(found.session, width), hint_line(found.session, width), rule_line(found, width)]
    said += [difference_line(found, width), *formula_lines(found, width), *running_lines(found, width)]
    lines = draw_text(tuple(said), (len(said), width), DARK)
    assert all(Segment.get_line_length(line) <= width for line in lines)
    if width >= 58:
        assert not any("…" in segment.text for line in lines for segment in line)


def test_what_does_not_fit_is_cut_with_a_sign() -> None:
    (line,) = draw_text(((("a long line", Tone.TEXT),),), (1, 6), DARK)
    assert "".join(segment.text for segment in line) == "a lon…"


def test_the_controls_show_the_settings() -> None:
    found = figures(momentum=None, training=False)
    at = Figures(found.session.with_gamma(0.3), found.measurement)
    values = {item.name: item.value for item in controls_of(at, "seed 0")}
    assert values == {
        "norm": "batch",
        "layer": "3",
        "channel": "1/4",
        "gamma": "0.3",
        "beta": "0",
        "size": "6",
        "momentum": "None",
        "mode": "evaluation",
        "weights": "seed 0",
    }


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_mode_is_never_cut(width: int) -> None:
    found = figures(training=False)
    at = Figures(found.session.with_gamma(2.264).with_beta(-0.07211), found.measurement)
    line = controls_line(controls_of(at, "run 12 (newer: step 300)"), width).plain
    assert " t evaluation " in f"{line} "


# -- the norms


def of_norm(kind: NormKind, layers: str = LAYERS, layer: int = 0, **norm: Any) -> Figures:
    found = figures(layers, layer=layer, steps=1, **norm)
    return Figures(found.session.with_kind(kind), found.measurement)


def words(line: StyledLine) -> str:
    return " ".join(text_of(line).split())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", NORM_KINDS)
@pytest.mark.parametrize("layer", [0, 1])
def test_the_words_of_every_norm_fit(width: int, kind: NormKind, layer: int) -> None:
    at = of_norm(kind, layer=layer)
    lines = [rule_line(at, width), difference_line(at, width)]
    if width >= 78:
        lines.append(hint_line(at.session, width))
    if width >= 58:
        lines += [title_line(at.session, width), shared_line(at, width), *norms_lines(at, width)]
        lines += formula_lines(at, width)
    for line in lines:
        assert len(text_of(line).replace("x̂", "x")) <= width


@pytest.mark.parametrize(
    ("kind", "title", "hint"),
    [
        (
            "layer",
            "layer norm in place of layer 3 bn",
            "One mean for each image, over all its channels, rows and columns: "
            "torch.nn.LayerNorm([4, 4, 4]).",
        ),
        (
            "group",
            "group norm of 2 groups in place of layer 3 bn",
            "One mean for each group of 2 channels of each image, over its rows and columns: "
            "torch.nn.GroupNorm(2, 4).",
        ),
        (
            "instance",
            "instance norm in place of layer 3 bn",
            "One mean for each channel of each image, over its rows and columns: "
            "torch.nn.InstanceNorm2d(4, affine=True).",
        ),
    ],
)
def test_a_norm_is_named_as_in_torch(kind: NormKind, title: str, hint: str) -> None:
    session = of_norm(kind).session
    assert f"small · {title} · mini-batch 2" in text_of(title_line(session, 118))
    assert text_of(hint_line(session, len(hint))) == hint


def test_a_norm_where_the_network_has_none() -> None:
    layers = "conv 3x3 4 s2 p1, relu"
    assert "a group norm of 2 groups added after layer 2 (relu)" in text_of(
        title_line(of_norm("group", layers).session, 118)
    )
    assert "an instance norm added after" in text_of(title_line(of_norm("instance", layers).session, 118))


def test_the_norms_stand_side_by_side() -> None:
    at = of_norm("group")
    image = at.chosen_index[0]
    head, *lines = map(words, norms_lines(at, 78))
    assert head == "mean of values mean std x̂"
    places = [
        "batch all 6 images, channel 1 96",
        f"layer image {image}, all 4 channels 64",
        f"▸group image {image}, channels 0-1 32",
        f"instance image {image}, channel 1 16",
    ]
    for line, place, each in zip(lines, places, at.side_by_side, strict=True):
        figures_of_it = each.mean, np.sqrt(each.var), each.normalised
        assert line == f"{place} {' '.join(number(value) for value in figures_of_it)}"
    assert [words(line).split()[:4] for line in norms_lines(at, 58)[1:]] == [
        ["batch", "6", "×", "1"],
        ["layer", "1", "×", "4"],
        ["▸group", "1", "×", "2"],
        ["instance", "1", "×", "1"],
    ]


def test_in_evaluation_mode_batch_norm_alone_has_running_statistics() -> None:
    at = of_norm("batch", training=False)
    _, batch, *others = norms_lines(at, 78)
    running = at.session.norm.running()
    assert words(batch).startswith(f"▸batch running, channel 1 – {number(running.mean[1])} ")
    assert not any("running" in text_of(line) for line in others)
    assert words(shared_line(at, 78)) == "96 activations use one running mean: all 6 images, channel 1 ◆ x"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("batch", "96 of 384 activations share a mean: all 6 images, channel 1"),
        ("layer", "64 of 384 activations share a mean: image {}, all 4 channels"),
        ("group", "32 of 384 activations share a mean: image {}, channels 0-1"),
        ("instance", "16 of 384 activations share a mean: image {}, channel 1"),
    ],
)
def test_what_the_frame_is_around(kind: NormKind, said: str) -> None:
    at = of_norm(kind)
    assert words(shared_line(at, 78)) == f"{said.format(at.chosen_index[0])} ◆ x"


def test_gamma_and_beta_of_layer_norm_are_told_to_be_by_element_in_torch() -> None:
    assert "a weight and a bias for each element: [4, 4, 4]" in text_of(rule_line(of_norm("layer"), 118))
    assert text_of(rule_line(of_norm("group"), 118)) == "γ and β are by channel, as batch norm has them"


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["layer", "group", "instance"]), sizes, st.sampled_from([-40.0, 0.0, 5.0]))
def test_the_equation_of_every_norm_holds(kind: NormKind, size: float, shift: float) -> None:
    found = scaled_figures(size, shift)
    at = Figures(found.session.with_kind(kind), found.measurement)
    _, first, _ = map(text_of, formula_lines(at, 118))
    match = re.search(r"= \((\S+) - (\S+)\)/√\((\S+) \+ 1e-05\) = (\S+)", unbracketed(first))
    assert match
    value, mean, var = map(float, match.groups()[:3])
    assert gives((value - mean) / np.sqrt(var + 1e-5), match[4])


def test_a_norm_of_one_image_is_controlled_by_image_and_groups() -> None:
    assert {"groups", "image"} & {item.name for item in controls_of(of_norm("batch"), "seed 0")} == set()
    layer = {item.name: item.value for item in controls_of(of_norm("layer"), "seed 0")}
    assert layer["image"] == str(of_norm("layer").chosen_index[0])
    assert not {"groups", "momentum"} & set(layer)
    group = {item.name: item.value for item in controls_of(of_norm("group"), "seed 0")}
    assert group["groups"] == "2"
