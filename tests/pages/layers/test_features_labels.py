"""What is said of filters: what was measured, in the room that there is."""

from dataclasses import replace

import numpy as np
import pytest

from convtui.engine.resemblance import Resemblance
from convtui.pages.layers.features_figures import Accuracies, Named
from convtui.pages.layers.features_labels import (
    accuracy_title,
    caption,
    filter_note,
    filter_title,
    filter_words,
    head_lines,
    hidden_line,
    measured_line,
    named_layer,
    patch_words,
    patches_title,
    percent,
    tiles_hint,
    title_line,
)
from convtui.state.network import Stack
from tests.support.features import filters, kernels, patches

STACK = Stack.chosen("conv 3x3 8 p1, relu, maxpool 2, conv 3x3 4", (1, 28, 28))
ALL = range(8)


def named(layer: int) -> Named:
    stack = STACK.at(layer)
    return named_layer(stack, 1)


# -- the layer


def test_the_title_says_which_layer_and_which_weights() -> None:
    title = title_line(filters(), named(1), ALL, 119)
    assert title == "layer 1: conv 3x3 8 p1 · 8 filters · random weights, seed 0"
    assert "8 filters of 4 slices" in title_line(filters(slices=4), named(1), ALL, 119)


def test_a_layer_without_filters_says_whose_are_shown() -> None:
    title = title_line(filters(), named(2), ALL, 119)
    assert title.startswith("layer 2: relu has no filters; before it layer 1: conv 3x3 8")
    title = title_line(filters(), named(0), ALL, 119)
    assert title.startswith("the image has no filters; after it layer 1")


def test_what_is_not_in_view_is_told() -> None:
    assert "filters 3-5 of 8" in title_line(filters(), named(1), range(3, 6), 79)


def test_kernels_that_beat_chance_are_counted_now_and_before() -> None:
    said = "4 of 8 kernels are nearer to a named kernel than 95 of 100 random ones; 4 of 8 at step 0"
    assert measured_line(filters(), 119) == said
    assert measured_line(filters(before=None), 119) == said.partition(";")[0]
    assert "1 of 2 kernels is nearer" in measured_line(filters(2, before=None), 119)


@pytest.mark.parametrize("width", [20, 40, 79, 119])
def test_every_line_fits(width: int) -> None:
    for each in (filters(), filters(16, 8), filters(before=None)):
        lines = head_lines(each, named(1), range(3), "", (width, 3))
        assert len(lines) == 3
        for line in (*lines, *filter_words(each, 0, "dead", width)):
            assert len(line) <= width or width < 40


def test_what_is_going_on_takes_the_last_line() -> None:
    assert head_lines(filters(), named(1), ALL, "measuring", (79, 2))[-1] == "measuring"
    assert head_lines(filters(), named(1), ALL, "", (119, 3))[-1] == tiles_hint(filters(), 119)


# -- a filter


def test_a_caption_has_number_name_and_similarity() -> None:
    assert caption(filters(), 0, 24) == "0 sobel-x          0.90*"
    assert caption(filters(), 1, 24) == "1 sobel-x          0.40 "
    assert caption(filters(slices=4), 6, 24) == "6[2] sobel-x       0.90*"
    assert caption(filters(dead=frozenset({1})), 1, 24) == "1 dead sobel-x     0.40 "
    assert caption(filters(hidden=1), 1, 18) == "1 hidden so… 0.40 "


def test_a_filter_is_named_as_pytorch_indexes_it() -> None:
    assert filter_title(filters(8, 4), 3) == "filter 3 of 8: weight[3], 4x3x3"


def test_what_a_kernel_resembles_stands_beside_what_it_resembled() -> None:
    before = replace(kernels(), nearest=[Resemblance("emboss", 0.4)] * 8)
    assert filter_words(filters(before=before), 0, "", 60) == [
        "now     sobel-x  0.90",
        "step 0  emboss   0.40",
        "95 of 100 random kernels stay below 0.61",
    ]


def test_kernels_of_a_size_without_names_resemble_nothing() -> None:
    nameless = replace(kernels(), nearest=[None] * 8, chance=None)
    shown = filters(now=nameless, before=nameless)
    assert filter_words(shown, 0, "", 60) == []
    assert caption(shown, 0, 12) == "0           "
    assert measured_line(shown, 79) == "no named kernel has 3x3 weights to compare with"


def test_dead_and_hidden_filters_are_told() -> None:
    measured = Accuracies(2, 0.986, np.full(8, 0.9), 2000)
    to_come = Accuracies(2, np.nan, np.full(8, np.nan), 0, "measuring …")
    assert filter_note(filters(dead=frozenset({2})), 2, measured, 2000, 60) == (
        "dead: never above 0 on 2,000 validation images"
    )
    assert filter_note(filters(hidden=2), 2, measured, 2000, 60) == (
        "without filter 2 accuracy falls from 98.6% to 90.0%"
    )
    assert filter_note(filters(hidden=2), 2, to_come, 2000, 60) == "hidden: its output counts as 0"
    assert filter_note(filters(hidden=2), 3, measured, 2000, 60) == ""


# -- patches


def test_patches_say_what_they_are_and_where_they_lie() -> None:
    shown = patches()
    assert patches_title(shown, 1, 80).startswith("9 patches of 5x5 that excite filter 3 most")
    assert "2,000 validation images" in patches_title(shown, 1, 80)
    assert "÷3" in patches_title(shown, 3, 60)
    assert patch_words(shown.patches[2], 2, 13) == ["2.80 #12", "r2-6 c2-6"]
    assert patch_words(shown.patches[2], 1, 13) == ["2.80 #12"]


# -- accuracies


def test_hiding_a_filter_is_told_with_both_accuracies() -> None:
    measured = Accuracies(0, 0.986, np.array([0.912, 0.986, 0.99, np.nan]), 2000)
    assert accuracy_title(measured, 80).endswith("with all 98.6% of 2,000 validation images")
    assert hidden_line(measured, 0, 80) == "without filter 0 accuracy falls from 98.6% to 91.2%"
    assert hidden_line(measured, 1, 80) == "without filter 1 accuracy stays at 98.6%"
    assert hidden_line(measured, 2, 80) == "without filter 2 accuracy rises from 98.6% to 99.0%"
    assert hidden_line(measured, 3, 80) == ""


def test_what_is_not_measured_has_no_percentage() -> None:
    assert percent(float("nan")) == "–"
    assert percent(0.9864) == "98.6%"
