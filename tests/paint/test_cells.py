"""Values become text and colours that can be trusted."""

import re
from math import isclose

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from convtui.paint.cells import (
    DARK,
    LIGHT,
    NUMBER_WIDTH,
    Palette,
    accent_on,
    diverging,
    greys,
    ink,
    is_integral,
    luminance,
    mixed,
    number_format,
    significant,
)
from tests.support.contrast import contrast

numbers = st.floats(-1e30, 1e30)
palettes = pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
channels = st.integers(0, 255)
colours = st.tuples(channels, channels, channels)


@st.composite
def ranges(draw: st.DrawFn) -> tuple[float, float, float]:
    """A range of values and one that lies in it."""
    largest = draw(
        st.sampled_from([1e-12, 0.04, 0.3, 1, 9.99, 9.999, 99, 99.96, 999, 9999, 9999.7, 1e4, 1e30])
    )
    lowest, highest = sorted(draw(st.tuples(*[st.floats(-largest, largest)] * 2)))
    return lowest, highest, draw(st.floats(lowest + 0.0, highest + 0.0))


# -- numbers of one width


@given(ranges())
def test_numbers_of_a_grid_have_at_most_five_characters(given: tuple[float, float, float]) -> None:
    lowest, highest, value = given
    assert len(number_format(lowest, highest)(value)) <= NUMBER_WIDTH


@given(ranges())
def test_numbers_never_show_a_wrong_sign(given: tuple[float, float, float]) -> None:
    lowest, highest, value = given
    text = number_format(lowest, highest)(value)
    assert text.startswith("-") <= (value < 0)
    if float(text):
        assert (float(text) < 0) == (value < 0)


@given(ranges())
def test_numbers_are_right_to_the_last_digit_shown(given: tuple[float, float, float]) -> None:
    lowest, highest, value = given
    text = number_format(lowest, highest)(value)
    if "e" in text:
        assert isclose(float(text), value, rel_tol=0.5)
    else:
        decimals = len(text.partition(".")[2])
        assert abs(float(text) - value) <= 0.5 * 10.0**-decimals + 1e-9


@given(ranges(), st.floats(0, 1))
def test_numbers_of_a_grid_are_aligned_at_the_point(given: tuple[float, float, float], share: float) -> None:
    lowest, highest, value = given
    other = lowest + share * (highest - lowest)
    write = number_format(lowest, highest)
    texts = [write(each).rjust(NUMBER_WIDTH) for each in (0.0, value, other)]
    assume(not any("e" in text for text in texts))
    points = {text.find(".") for text in texts}
    assert len(points) == 1


@pytest.mark.parametrize(
    ("lowest", "highest", "value", "text"),
    [
        (0, 1, 0.5, "0.50"),
        (0, 1, 0.0, "0.00"),
        (0, 1, -0.0, "0.00"),
        (-3, 3, -2.975, "-2.98"),
        (0, 9.999, 9.999, "10.0"),
        (0, 255, 127.5, "128"),
        (-99.9, 0, -99.9, "-99.9"),
        (-9999, 0, -9999, "-9999"),
        (0, 12345, 12345, "1e4"),
        (0, 0.001, 0.00096, "1e-3"),
        (-0.04, 0.04, -0.04, "-4e-2"),
        (0, 1e30, 9.7e29, "1e30"),
        (0, 0, 0, "0.00"),
    ],
)
def test_a_range_of_values_decides_the_decimals(
    lowest: float, highest: float, value: float, text: str
) -> None:
    assert number_format(lowest, highest)(value) == text


@given(st.integers(-9999, 9999))
def test_whole_numbers_have_no_decimals(value: int) -> None:
    assert number_format(-9999, 9999, integral=True)(value) == str(value)


def test_is_integral_sees_a_single_fraction() -> None:
    assert is_integral(np.array([[-1.0, 0.0], [3.0, 1e30]]))
    assert not is_integral(np.array([[1.0, 2.0], [3.0, 0.25]]))


# -- results


@given(numbers, st.integers(2, 6))
def test_results_are_right_to_their_digits(value: float, digits: int) -> None:
    shown = float(significant(value, digits))
    assert abs(shown - value) <= max(0.501 * 10.0**-digits, abs(value) * 10.0 ** (1 - digits))
    assert np.sign(shown) == np.sign(value)


@given(numbers.filter(bool), st.integers(2, 6))
def test_results_are_short(value: float, digits: int) -> None:
    text = significant(value, digits)
    assert len(text) <= len("-999999.") + digits
    assert not re.search(r"\.\d*0$", text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1, "1"),
        (-0.25, "-0.25"),
        (1 / 3, "0.3333"),
        (2e6, "2.000e+06"),
        (3e-5, "3.000e-05"),
    ],
)
def test_results_are_written_plainly(value: float, text: str) -> None:
    assert significant(value) == text


# -- colours


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=20), st.floats(-4, 0), st.floats(0.5, 4))
def test_greys_go_from_black_to_white(values: list[float], lowest: float, highest: float) -> None:
    pixels = greys(np.array([sorted(values)]), lowest, highest)
    assert pixels.shape == (1, len(values), 3)
    assert (pixels == pixels[..., :1]).all()
    assert (np.diff(pixels[0, :, 0].astype(int)) >= 0).all()
    ends = greys(np.array([[lowest - 1, lowest, highest, highest + 1]]), lowest, highest)[0, :, 0]
    assert ends.tolist() == [0, 0, 255, 255]


def test_greys_of_a_flat_image_do_not_divide_by_zero() -> None:
    assert greys(np.array([[3.0]]), 3.0, 3.0).tolist() == [[[0, 0, 0]]]


@palettes
def test_the_diverging_scale_is_pinned_at_zero_and_its_ends(palette: Palette) -> None:
    pixels = diverging(np.array([[-9.0, -2.0, 0.0, 2.0, 9.0]]), 2.0, palette)
    expected = [palette.negative, palette.negative, palette.zero, palette.positive, palette.positive]
    assert pixels[0].tolist() == [list(colour) for colour in expected]
    assert diverging(np.zeros((1, 1)), 0.0, palette)[0, 0].tolist() == list(palette.zero)


@palettes
@given(st.lists(st.floats(0, 3), min_size=2, max_size=20))
def test_the_diverging_scale_is_monotone_on_both_sides(palette: Palette, values: list[float]) -> None:
    strengths = np.array([sorted(values)])
    for sign in (-1, 1):
        pixels = diverging(sign * strengths, 3.0, palette).astype(int)[0]
        distances = np.abs(pixels - np.array(palette.zero)).sum(axis=1)
        assert (np.diff(distances) >= 0).all()


@palettes
def test_the_two_sides_of_the_scale_cannot_be_taken_for_each_other(palette: Palette) -> None:
    """Blue against orange: apart in the blue channel, where the colour-blind see too."""
    strengths = np.linspace(0.1, 1, 10)[None]
    below, above = (diverging(sign * strengths, 1.0, palette).astype(int)[0] for sign in (-1, 1))
    assert (below[:, 2] > above[:, 2]).all()
    assert (above[:, 0] > below[:, 0]).all()


@given(colours)
def test_ink_can_be_read_on_every_colour(colour: tuple[int, int, int]) -> None:
    assert contrast(ink(colour), colour) >= 4.5


@palettes
@given(channels)
def test_the_accent_can_be_seen_on_every_grey(palette: Palette, grey: int) -> None:
    colour = (grey, grey, grey)
    assert contrast(accent_on(colour, palette), colour) >= 1.4


@palettes
def test_words_can_be_read(palette: Palette) -> None:
    assert contrast(palette.text, palette.background) >= 7
    assert contrast(palette.muted, palette.background) >= 4.5
    assert contrast(palette.muted, palette.uncomputed) >= 3
    assert contrast(palette.muted, palette.padding) >= 3


@given(colours, colours)
def test_mixing_goes_from_one_colour_to_the_other(
    one: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    pixels = np.array([[one]], dtype=np.uint8)
    assert mixed(pixels, other, 0.0)[0, 0].tolist() == list(one)
    assert mixed(pixels, other, 1.0)[0, 0].tolist() == list(other)
    half = mixed(pixels, other, 0.5)[0, 0].astype(int)
    assert (np.abs(half - (np.array(one) + np.array(other)) / 2) <= 0.5).all()


def test_luminance_goes_from_black_to_white() -> None:
    assert luminance((0, 0, 0)) == 0
    assert isclose(luminance((255, 255, 255)), 1)
