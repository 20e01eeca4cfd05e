"""Where the pictures of the laboratory and its sentences go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.geometry import Region

from convtui.pages.base.layout import GAP
from convtui.paint.panes import Size

ROOMY: Final = (30, 100)  # lines and columns from which there is room for several pictures
FEW_LINES: Final = 5  # of sentences, where there is one picture


def is_roomy(size: Size) -> bool:
    """Whether several pictures fit on a canvas of this size."""
    return size[0] >= ROOMY[0] and size[1] >= ROOMY[1]


def laboratory_places(room: Region, pictures: Sequence[str], sentences: int) -> dict[str, Region]:
    """Pictures two on a line, the sentences below them; without pictures all is for what is said."""
    if not pictures:
        return {"explanation": room}
    words = min(sentences, max(room.height // 4, 1))
    if len(pictures) == 1:
        words = min(max(words, FEW_LINES), room.height // 3)
    above = Region(room.x, room.y, room.width, room.height - words - 1)
    rows = (len(pictures) + 1) // 2
    columns = min(len(pictures), 2)
    width = (above.width - (columns - 1) * GAP) // columns
    places = {}
    for at, name in enumerate(pictures):
        row, column = divmod(at, 2)
        top, end = (above.y + above.height * each // rows for each in (row, row + 1))
        places[name] = Region(above.x + column * (width + GAP), top, width, end - top)
    return {**places, "verdicts": Region(room.x, room.bottom - words, room.width, words)}
