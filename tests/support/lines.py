"""What is drawn, as plain text."""

from rich.segment import Segment

from convtui.paint.glyphs import Lines


def texts(lines: Lines) -> list[str]:
    return ["".join(segment.text for segment in line) for line in lines]


def styled(lines: Lines, text: str) -> list[Segment]:
    """The segments that have this text in them."""
    return [segment for line in lines for segment in line if text in segment.text]
