"""Both looks can be read, and without colour signs are still told apart."""

import numpy as np
import pytest
from rich.color import Color as RichColor
from rich.color import ColorSystem
from textual.color import Color
from textual.theme import Theme

from convtui.paint.colours import RGB, diverging
from convtui.paint.themes import THEMES, palette_of
from tests.support.contrast import contrast

themes = pytest.mark.parametrize("theme", THEMES, ids=[theme.name for theme in THEMES])


def rgb(colour: str | None) -> RGB:
    assert colour is not None
    return Color.parse(colour).rgb


@themes
def test_words_can_be_read_on_every_surface(theme: Theme) -> None:
    for surface in (theme.background, theme.panel, theme.surface):
        assert contrast(rgb(theme.foreground), rgb(surface)) >= 7
        assert contrast(rgb(theme.variables["text-muted"]), rgb(surface)) >= 4
        assert contrast(rgb(theme.accent), rgb(surface)) >= 4.5
    for notice in (theme.accent, theme.error):
        assert contrast(rgb(theme.background), rgb(notice)) >= 4.5


@themes
def test_the_cells_have_the_colours_of_the_theme(theme: Theme) -> None:
    palette = palette_of(theme.dark, no_color=False)
    assert rgb(theme.background) == palette.background
    assert rgb(theme.foreground) == palette.text
    assert rgb(theme.primary) == palette.negative
    assert rgb(theme.secondary) == palette.positive


@pytest.mark.parametrize("dark", [True, False])
def test_without_colour_signs_are_three_greys(dark: bool) -> None:
    palette = palette_of(dark, no_color=True)
    greys = [palette.negative, palette.zero, palette.positive]
    assert all(len(set(grey)) == 1 for grey in greys)
    assert all(contrast(a, b) >= 3 for a, b in ((greys[0], greys[1]), (greys[1], greys[2])))


@pytest.mark.parametrize("dark", [True, False])
def test_with_16_colours_nothing_but_zero_is_grey(dark: bool) -> None:
    palette = palette_of(dark, no_color=False, few_colours=True)
    values = np.array([-1, -0.6, -0.4, -1e-9, 0, 1e-9, 0.4, 0.6, 1])
    numbers = []
    for red, green, blue in diverging(values, 1.0, palette).tolist():
        number = RichColor.from_rgb(red, green, blue).downgrade(ColorSystem.STANDARD).number
        assert number is not None
        numbers.append(number)
    far_below, below, zero, above, far_above = numbers[0], numbers[3], numbers[4], numbers[5], numbers[8]
    assert numbers == [far_below] * 2 + [below] * 2 + [zero] + [above] * 2 + [far_above] * 2
    assert {far_below, below} == {4, 12}
    assert {far_above, above} == {3, 11}
    assert zero == (0 if dark else 15)
