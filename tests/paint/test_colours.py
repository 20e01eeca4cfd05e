"""Values become colours that can be told apart and read on."""

from dataclasses import replace
from math import isclose

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.paint.colours import (
    DARK,
    LIGHT,
    Palette,
    accent_on,
    channel_coloured,
    coloured,
    colours_of,
    diverging,
    greys,
    ink,
    luminance,
    mixed,
)
from tests.support.contrast import contrast

numbers = st.floats(-1e30, 1e30)
palettes = pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
channels = st.integers(0, 255)
colours = st.tuples(channels, channels, channels)


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


FEW_COLOURS = replace(DARK, signed=((0, 0, 170), (85, 85, 255), (255, 255, 85), (170, 85, 0)))
ends = st.just(0.0) | st.floats(1e-12, 1e30)
scales = st.one_of(
    ends.map(lambda limit: (-limit, limit)), st.tuples(ends, ends).map(lambda each: (min(each), max(each)))
)


@given(numbers | st.integers(-3, 3).map(float), scales, st.sampled_from([DARK, LIGHT, FEW_COLOURS]))
def test_values_have_the_same_colours_in_a_list_and_in_an_array(
    value: float, scale: tuple[float, float], palette: Palette
) -> None:
    values = [value, 0.0, *scale]
    in_array = [tuple(colour) for colour in coloured(np.array(values), scale, palette).tolist()]
    assert colours_of(values, scale, palette) == in_array


def test_an_output_that_is_zero_everywhere_has_the_colour_of_zero() -> None:
    assert colours_of([0.0], (-0.0, 0.0), DARK) == [DARK.zero]
    assert colours_of([0.0], (0.0, 0.0), DARK) == [(0, 0, 0)]


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


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_a_channel_has_its_own_colour_from_black_on(channel: int) -> None:
    black, half, full = channel_coloured(greys(np.array([0.0, 0.5, 1.0]), 0, 1), channel)
    assert black.tolist() == [0, 0, 0]
    assert int(half.argmax()) == int(full.argmax()) == channel
    assert full[channel] > half[channel] > 0
