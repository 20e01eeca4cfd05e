"""The two looks of the app; the colours of the cells themselves are palettes of their own."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Final

from textual.theme import Theme

from convtui.paint.colours import DARK, LIGHT, RGB, Palette


def _hex(colour: RGB) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _theme(name: str, palette: Palette, panel: str, accent: RGB, dark: bool) -> Theme:
    return Theme(
        name=name,
        primary=_hex(palette.negative),
        secondary=_hex(palette.positive),
        accent=_hex(accent),
        foreground=_hex(palette.text),
        background=_hex(palette.background),
        surface=panel,
        panel=panel,
        warning=_hex(palette.positive),
        error="#ff6b6b" if dark else "#b3261e",
        success=_hex(palette.reader),
        dark=dark,
        variables={"footer-key-foreground": _hex(accent), "text-muted": _hex(palette.muted)},
    )


THEMES: Final = (
    _theme("convtui-dark", DARK, "#22252e", DARK.accent, True),
    _theme("convtui-light", LIGHT, "#eceae4", LIGHT.accent_on_light, False),
)


# Colours that every terminal has, and that none shows as grey.
_BLUE, _BRIGHT_BLUE, _BROWN, _YELLOW = (0, 0, 170), (85, 85, 255), (170, 85, 0), (255, 255, 85)


@lru_cache
def palette_of(dark: bool, no_color: bool, few_colours: bool = False) -> Palette:
    """The cells' colours; without colour, signs are told apart by black, grey and white.

    few_colours: the terminal has 16, of which the nearest to a faint blue or orange would be grey.
    """
    palette = DARK if dark else LIGHT
    if few_colours and not no_color:
        signed = (_BRIGHT_BLUE, _BLUE, _BROWN, _YELLOW) if dark else (_BLUE, _BRIGHT_BLUE, _YELLOW, _BROWN)
        return replace(palette, signed=signed)
    if not no_color:
        return palette
    return replace(palette, negative=(0, 0, 0), zero=(112, 112, 112), positive=(255, 255, 255), is_grey=True)
