"""Kernels and test images in little room: signs can be told without colour, and the wrong ones are marked."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment

from convtui.pages.train.pictures import kernel_lines, prediction_lines
from convtui.paint.colours import DARK, LIGHT, diverging, style
from convtui.paint.thumbnails import SHADES
from tests.support.lines import styled, texts
from tests.support.train_views import kernels, predictions


def test_kernels_are_squares_with_a_dash_for_what_is_negative() -> None:
    values = np.array([[[[1.0, -1.0], [0.0, 0.5]]], [[[-1.0, -1.0], [-1.0, -1.0]]]])
    lines = kernel_lines(replace(kernels(), values=values), (4, 40), DARK)
    shown = texts(lines)
    assert shown[0].startswith("first layer: 2 kernels 2x2")
    assert shown[0].endswith("±1")
    assert shown[1].rstrip() == "  ─  ─ ─"
    assert shown[2].rstrip() == "     ─ ─"
    first = lines[1][0]
    (pixel,) = diverging(np.array([SHADES * 1.0]), SHADES, DARK).tolist()
    assert first.style
    assert first.style.bgcolor
    assert first.style.bgcolor.triplet == tuple(pixel)


def test_kernels_that_do_not_fit_are_half_blocks_and_counted() -> None:
    shown = texts(kernel_lines(kernels(64, 3, 5), (8, 46), DARK))
    assert shown[0].startswith("14 of 64 kernels 5x5 · channel 0")
    assert "▀▀▀▀▀ ▀▀▀▀▀" in shown[1]


def test_the_colours_of_kernels_keep_their_scale_while_the_weights_move_a_little() -> None:
    one = kernels()
    other = replace(one, values=one.values * 1.05)
    heads = {texts(kernel_lines(each, (13, 46), DARK))[0] for each in (one, other)}
    assert len(heads) == 1
    assert heads.pop().endswith("±0.8")


def test_predictions_are_labelled_and_the_wrong_one_marked() -> None:
    lines = prediction_lines(predictions(), (13, 46), DARK)
    shown = texts(lines)
    assert shown[0].startswith("7 of 8 predictions right")
    assert "2 99%" in shown[6]
    (wrong,) = styled(lines, "3→1 ✗")
    assert wrong.style
    assert wrong.style.bold


def test_images_before_a_run_have_their_labels_alone() -> None:
    lines = texts(prediction_lines(replace(predictions(), predicted=(), probabilities=()), (13, 46), DARK))
    assert lines[0].startswith("validation images")
    assert lines[6].split() == ["0", "1", "2", "3"]


def test_a_narrow_tile_has_room_for_what_is_wrong() -> None:
    long = replace(predictions(6), labels=("sandal",) * 6, predicted=("sneaker",) * 6)
    lines = texts(prediction_lines(long, (13, 30), DARK))
    (labels,) = {line.strip() for line in lines if "→" in line}
    assert set(labels.split()) == {"sa…→sn…"}
    fitting = replace(predictions(6, 14), labels=("cat",) * 6, predicted=("dog",) * 6)
    (labels,) = {line.strip() for line in texts(prediction_lines(fitting, (12, 24), DARK)) if "→" in line}
    assert set(labels.split()) == {"cat→dog"}
    short = texts(prediction_lines(predictions(), (11, 28), DARK))
    assert any("3→1 ✗" in line for line in short)


@pytest.mark.parametrize(("side", "channels"), [(8, 1), (28, 1), (32, 3), (1, 1)])
def test_images_of_any_kind_are_drawn(side: int, channels: int) -> None:
    shown = texts(prediction_lines(predictions(8, side, channels), (14, 46), DARK))
    assert any("▀" in line for line in shown)
    assert "8 predictions right" in shown[0]


def test_an_image_is_thinned_to_the_means_of_its_blocks() -> None:
    images = np.zeros((1, 1, 4, 4))
    images[0, 0, :2, 2:] = [[0, 1], [1, 0]]
    thinned = prediction_lines(
        replace(predictions(1), images=images, labels=("7",), predicted=()), (3, 5), DARK
    )
    grey = 128
    assert any(segment.style == style((grey,) * 3, (0, 0, 0)) for segment in thinned[1])


@given(
    st.tuples(st.integers(2, 40), st.integers(1, 100)),
    st.integers(1, 70),
    st.integers(1, 12),
    st.sampled_from([DARK, LIGHT]),
)
def test_every_line_is_as_wide_as_the_pane(
    size: tuple[int, int], count: int, side: int, palette: object
) -> None:
    for lines in (
        kernel_lines(kernels(count, 2, side), size, palette),  # type: ignore[arg-type]
        prediction_lines(predictions(count, side), size, palette),  # type: ignore[arg-type]
    ):
        assert [len(line) for line in texts(lines)] == [size[1]] * size[0]


def test_an_answer_that_is_no_number_is_not_right() -> None:
    lost = replace(predictions(), probabilities=(float("nan"),) * 16)
    lines = texts(prediction_lines(lost, (13, 46), DARK))
    assert lines[0].startswith("no answer: no output is finite")
    assert any("0→? ✗" in line for line in lines)
    assert not any("nan" in line for line in lines)
    first = replace(predictions(), probabilities=(float("nan"), *(0.9,) * 15))
    assert texts(prediction_lines(first, (13, 46), DARK))[0].startswith("6 of 8 predictions right")


def test_kernels_that_are_no_numbers_are_said_to_be() -> None:
    lost = replace(kernels(), values=np.full((8, 1, 5, 5), np.nan))
    assert "no finite weights to show" in texts(kernel_lines(lost, (12, 46), DARK))[2]


@pytest.mark.parametrize("name", ["猫", "犬と猫の写真", "ca\u0301t", "'a\\x1b[31m'", "👩‍🚀"])
@pytest.mark.parametrize("size", [(13, 46), (11, 28), (7, 7)])
def test_names_of_wide_characters_keep_every_line_as_wide_as_the_pane(
    name: str, size: tuple[int, int]
) -> None:
    named = replace(predictions(), labels=(name,) * 16, predicted=(name, *("dog",) * 15))
    lines = prediction_lines(named, size, DARK)
    assert {Segment.get_line_length(line) for line in lines} == {size[1]}


def test_pictures_that_stay_are_not_drawn_again_and_what_is_said_of_them_is() -> None:
    first = predictions()
    second = replace(first, predicted=("2",) * 16)
    assert any("3→1 ✗" in line for line in texts(prediction_lines(first, (13, 46), DARK)))
    lines = texts(prediction_lines(second, (13, 46), DARK))
    assert any("3→2 ✗" in line for line in lines)
    assert not any("3→1" in line for line in lines)
    assert prediction_lines(first, (13, 46), DARK) == prediction_lines(predictions(), (13, 46), DARK)
