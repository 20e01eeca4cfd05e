"""Lines of text in the tones of the Norms page, so that labels say what a piece is, not its colour."""

from __future__ import annotations

from enum import Enum
from typing import Final

from rich.segment import Segment

from convtui.paint.colours import Palette, accent_on, style
from convtui.paint.glyphs import Lines
from convtui.paint.panes import Size
from convtui.paint.plots import series_colour

BATCH: Final = 0  # the colour, among the palette's series, of what belongs to the mini-batch
RUNNING: Final = 1  # and of what belongs to the running statistics


class Tone(Enum):
    """How a piece of text looks."""

    TEXT = "text"
    MUTED = "muted"
    STRONG = "strong"
    BATCH = "batch"
    RUNNING = "running"
    CHOSEN = "chosen"


StyledLine = tuple[tuple[str, Tone], ...]
StyledLines = tuple[StyledLine, ...]


def draw_text(text: StyledLines, size: Size, palette: Palette) -> Lines:
    """The lines as segments; what is cut off ends in "…"."""
    colours = {
        Tone.TEXT: palette.text,
        Tone.MUTED: palette.muted,
        Tone.STRONG: palette.text,
        Tone.BATCH: series_colour(BATCH, palette),
        Tone.RUNNING: series_colour(RUNNING, palette),
        Tone.CHOSEN: accent_on(palette.background, palette),
    }
    bold = {Tone.STRONG, Tone.CHOSEN}
    lines = []
    for pieces in text[: size[0]]:
        line = [
            Segment(words, style(colours[tone], palette.background, tone in bold)) for words, tone in pieces
        ]
        if Segment.get_line_length(line) > size[1]:
            more = Segment("…", style(palette.muted, palette.background))
            line = [*Segment.adjust_line_length(line, size[1] - 1, pad=False), more]
        lines.append(line)
    return lines


def length(line: StyledLine) -> int:
    """Its width in columns."""
    return sum(len(words) for words, _ in line)
